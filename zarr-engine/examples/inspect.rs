//! Lists the contents of a hierarchy: nodes, shapes, chunks, and how much of each array is stored.
//!
//!     cargo run --example inspect [FOLDER or URL]

use zarr_engine::{ArrayBuilder, Attributes, NodeKind, Result, blocking};

pub(crate) fn main() -> Result<()> {
    let hierarchy = match std::env::args()
        .nth(1)
        .filter(|argument| !argument.starts_with('-'))
    {
        Some(place) => blocking::open(&place)?,
        None => example()?,
    };
    for (path, kind) in hierarchy.group("")?.walk()? {
        if kind == NodeKind::Group {
            println!("{path}/");
            continue;
        }
        let array = hierarchy.array(path.as_str())?;
        println!("{path}: {} {:?}", array.data_type(), array.shape());
        println!(
            "  {:?} chunks of {:?}",
            array.grid_shape(),
            array.layout().chunk_shape()
        );
        let (mut chunks, mut bytes) = (0, 0);
        for chunk in array.stored_chunks() {
            chunks += 1;
            bytes += chunk?.stored_size()?.unwrap_or(0);
        }
        println!("  {chunks} stored, {bytes} bytes");
        for (name, value) in array.attributes().iter() {
            println!("  {name} = {value}");
        }
    }
    Ok(())
}

fn example() -> Result<blocking::Hierarchy> {
    let hierarchy = blocking::open("memory:")?;
    let metadata = ArrayBuilder::new(&[100, 100], "uint8")
        .with_chunk_shape(&[10, 10])
        .with_attributes(Attributes::new().with("unit", "mm")?)
        .build()?;
    hierarchy
        .create_array("survey/depth", metadata)?
        .write((..25, ..25), 7_u8)?;
    Ok(hierarchy)
}
