//! Writes a time series day by day, then reads a month of one location.
//!
//!     cargo run --example time_series [FOLDER or URL]

use ndarray::{Array1, Array2};
use zarr_engine::{ArrayBuilder, Result, blocking};

pub(crate) fn main() -> Result<()> {
    let place = std::env::args()
        .nth(1)
        .filter(|argument| !argument.starts_with('-'));
    let hierarchy = blocking::open(place.as_deref().unwrap_or("memory:"))?;

    // 30 days of 48 x 96 temperatures: a shard holds ten days, an inner chunk all ten days of one
    // tile.
    let metadata = ArrayBuilder::new(&[30, 48, 96], "float32")
        .with_dimension_names(["time", "lat", "lon"])
        .with_chunk_shape(&[10, 16, 16])
        .with_shard_shape(&[10, 48, 96])
        .with_fill_value(f32::NAN)?
        .build()?;
    let temperature = hierarchy.open_or_create_array("temperature", metadata)?;

    for day in 0..30 {
        let field = Array2::from_elem((48, 96), 280.0 + day as f32);
        temperature.write([("time", day)], field)?;
    }

    let month = temperature.read::<Array1<f32>>((.., 12, 40))?;
    println!(
        "mean at one place: {:.1} K",
        month.mean().unwrap_or(f32::NAN)
    );
    assert_eq!(month.mean(), Some(294.5));
    Ok(())
}
