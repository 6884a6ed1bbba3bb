//! Reads and writes strings and byte strings with the methods that numbers have.
//!
//!     cargo run --example strings

use ndarray::{Array2, array};
use zarr_engine::{ArrayBuilder, Result, Scalar, blocking};

pub(crate) fn main() -> Result<()> {
    let hierarchy = blocking::open("memory:")?;

    let metadata = ArrayBuilder::new(&[2, 3], "string")
        .with_chunk_shape(&[1, 3])
        .build()?;
    let names = hierarchy.create_array("names", metadata)?;
    names.write((0, ..), &["Ada", "Grace", "Mary"])?;
    names.write((1, 2), "Katherine")?;
    println!("{:?}", names.read::<Array2<String>>(..)?);
    assert_eq!(names.read::<Scalar<String>>((1, -1))?, "Katherine");

    let blobs = hierarchy.create_array("blobs", ArrayBuilder::new(&[2], "bytes").build()?)?;
    blobs.write(.., array![vec![1_u8, 2, 3], vec![]])?;
    assert_eq!(blobs.read::<Scalar<Vec<u8>>>([0])?, [1, 2, 3]);
    Ok(())
}
