//! Copies an array into one with other chunks and codecs, a few chunks at a time: the array may be
//! larger than memory.
//!
//!     cargo run --example rechunk

use ndarray::Array2;
use zarr_engine::{ArrayBuilder, Result, blocking, codecs};

pub(crate) fn main() -> Result<()> {
    let hierarchy = blocking::open("memory:")?;
    let rows = ArrayBuilder::new(&[512, 512], "float64")
        .with_chunk_shape(&[1, 512])
        .build()?;
    let rows = hierarchy.create_array("rows", rows)?;
    rows.write(
        ..,
        Array2::from_shape_fn((512, 512), |(y, x)| (y * x) as f64),
    )?;

    let squares = ArrayBuilder::new(&[512, 512], "float64")
        .with_chunk_shape(&[32, 32])
        .with_shard_shape(&[256, 256])
        .with_codecs([codecs::bytes(true), codecs::zstd(5), codecs::crc32c()])
        .build()?;
    let squares = hierarchy.create_array("squares", squares)?;
    rows.copy_to(&squares)?;

    let column = |array: &blocking::Array| array.plan_read((.., 100)).map(|plan| plan.objects());
    println!(
        "a column: {} objects, then {}",
        column(&rows)?,
        column(&squares)?
    );
    assert_eq!((column(&rows)?, column(&squares)?), (512, 2));
    assert_eq!(
        rows.read::<f64>((.., 100))?,
        squares.read::<f64>((.., 100))?
    );
    Ok(())
}
