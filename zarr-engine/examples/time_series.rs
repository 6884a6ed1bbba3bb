//! Writes a time series one shard of ten days at a time, then reads a month of one location.
//!
//!     cargo run --example time_series [FOLDER or URL]

use ndarray::{Array1, Array3};
use zarr_engine::{ArrayBuilder, Result, blocking};

pub(crate) fn main() -> Result<()> {
    let place = std::env::args()
        .nth(1)
        .filter(|argument| !argument.starts_with('-'));
    let hierarchy = blocking::open(place.as_deref().unwrap_or("memory:"))?;

    // 30 days of 48 x 96 temperatures: a shard holds ten days, an inner chunk ten days of 16 x 16
    // places.
    let metadata = ArrayBuilder::new(&[30, 48, 96], "float32")
        .with_dimension_names(["time", "lat", "lon"])
        .with_chunk_shape(&[10, 16, 16])
        .with_shard_shape(&[10, 48, 96])
        .with_fill_value(f32::NAN)?
        .build()?;
    let temperature = hierarchy.open_or_create_array("temperature", metadata)?;

    // A write of a whole shard reads nothing. Days that are written one by one are merged into the
    // shard instead.
    for first in (0..30).step_by(10) {
        let days = Array3::from_shape_fn((10, 48, 96), |(day, _, _)| 280.0 + (first + day) as f32);
        temperature.write([("time", first..first + 10)], days)?;
    }

    let month = temperature.read::<Array1<f32>>((.., 12, 40))?;
    println!(
        "mean at one place: {:.1} K",
        month.mean().unwrap_or(f32::NAN)
    );
    assert_eq!(month.mean(), Some(294.5));
    Ok(())
}
