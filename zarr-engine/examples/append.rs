//! Appends to one array from four writers concurrently: no writer overwrites the data of another.
//!
//!     cargo run --example append

use ndarray::Array2;
use zarr_engine::{ArrayBuilder, Result, blocking};

pub(crate) fn main() -> Result<()> {
    let hierarchy = blocking::open("memory:")?;
    let metadata = ArrayBuilder::new(&[0, 3], "int32")
        .with_dimension_names(["event", "column"])
        .with_chunk_shape(&[64, 3])
        .build()?;
    hierarchy.create_array("events", metadata)?;

    std::thread::scope(|scope| {
        for writer in 0..4 {
            let hierarchy = &hierarchy;
            scope.spawn(move || -> Result<()> {
                let mut events = hierarchy.array("events")?;
                for _ in 0..5 {
                    let rows = events.append("event", Array2::from_elem((10, 3), writer))?;
                    println!("writer {writer}: rows {rows:?}");
                }
                Ok(())
            });
        }
    });

    let events = hierarchy.array("events")?;
    assert_eq!(events.shape(), [200, 3]);
    assert_eq!(events.read::<i32>(..)?.sum(), 5 * 10 * 3 * (1 + 2 + 3));
    Ok(())
}
