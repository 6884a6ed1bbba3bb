//! Reads a region of an array on S3, on a web server or on disk; without arguments, of an array in
//! memory.
//!
//!     cargo run --features s3 --example region s3://bucket/data.zarr path/of/array

use ndarray::{Array2, ArrayD};
use zarr_engine::{Array, ArrayBuilder, Hierarchy, Result, blocking, open, open_with};

pub(crate) fn main() -> Result<()> {
    blocking::runtime().block_on(async {
        let arguments = std::env::args().skip(1);
        let arguments: Vec<_> = arguments.filter(|text| !text.starts_with('-')).collect();
        let array = match &arguments[..] {
            // Public data needs no signature; other data needs credentials from the environment.
            [url, path] if url.starts_with("s3:") => {
                let hierarchy = open_with(url, [("skip_signature", "true")])?;
                hierarchy.array(path).await?
            }
            [url, path] => open(url)?.array(path).await?,
            _ => example(&open("memory:")?).await?,
        };
        print_region(&array).await.map(drop)
    })
}

/// Reads the first 16 elements along each dimension, or all elements of shorter dimensions.
pub(crate) async fn print_region(array: &Array) -> Result<ArrayD<u16>> {
    let region: Vec<_> = array.shape().iter().map(|&len| 0..len.min(16)).collect();
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
    let metadata = ArrayBuilder::new(&[64, 64], "uint16").with_chunk_shape(&[32, 32]);
    let array = hierarchy.create_array("image", metadata.build()?).await?;
    array.write(.., Array2::<u16>::ones((64, 64))).await?;
    Ok(array)
}
