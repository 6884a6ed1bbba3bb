//! Reads a region of an array on S3, on a web server or on disk; without arguments, of an array in
//! memory.
//!
//!     cargo run --features s3 --example region s3://bucket/data.zarr path/of/array

use ndarray::{Array2, ArrayD};
use zarr_engine::{Array, ArrayBuilder, Hierarchy, Result, open, open_with};

pub(crate) fn main() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    runtime
        .expect("the system can start threads")
        .block_on(read())
}

async fn read() -> Result<()> {
    let mut arguments = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with('-'));
    let array = match (arguments.next(), arguments.next()) {
        // Public data needs no signature; without this option, credentials come from the
        // environment.
        (Some(url), Some(path)) if url.starts_with("s3:") => {
            open_with(&url, [("skip_signature", "true")])?
                .array(&path)
                .await?
        }
        (Some(url), Some(path)) => open(&url)?.array(&path).await?,
        _ => example(&open("memory:")?).await?,
    };

    print_region(&array).await?;
    Ok(())
}

/// Reads the first 16 elements along each dimension, or all elements of shorter dimensions.
pub(crate) async fn print_region(array: &Array) -> Result<ArrayD<u16>> {
    let region = array
        .shape()
        .iter()
        .map(|&len| 0..len.min(16))
        .collect::<Vec<_>>();
    let plan = array.plan_read(&region)?;
    println!(
        "{plan}\n{} requests for {} bytes",
        plan.requests(),
        plan.bytes()
    );
    let region = array.read::<u16>(&region).await?;
    println!("{:?}, maximum {:?}", region.shape(), region.iter().max());
    Ok(region)
}

pub(crate) async fn example(hierarchy: &Hierarchy) -> Result<Array> {
    let metadata = ArrayBuilder::new(&[64, 64], "uint16")
        .with_chunk_shape(&[32, 32])
        .build()?;
    let array = hierarchy.create_array("image", metadata).await?;
    array.write(.., Array2::<u16>::ones((64, 64))).await?;
    Ok(array)
}
