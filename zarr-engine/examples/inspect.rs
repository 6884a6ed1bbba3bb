//! Lists the contents of a hierarchy: nodes, shapes, chunks, and how much of each array is stored.
//!
//!     cargo run --example inspect [FOLDER or URL]

use zarr_engine::{ArrayBuilder, Attributes, NodeMetadata, Result, blocking};

pub(crate) fn main() -> Result<()> {
    let place = std::env::args().nth(1);
    let hierarchy = match place.filter(|place| !place.starts_with('-')) {
        Some(place) => blocking::open(&place)?,
        None => example()?,
    };
    // One listing of the store counts the stored objects of every node.
    for node in hierarchy.usage("")? {
        let path = node.path.as_str();
        let NodeMetadata::Array(metadata) = node.document? else {
            println!("{path}/");
            continue;
        };
        let array = blocking::Array::new(&hierarchy, path, metadata)?;
        println!("{path}: {} {:?}", array.data_type(), array.shape());
        let (grid, chunk) = (array.grid_shape(), array.layout().chunk_shape());
        println!("  {grid:?} chunks of {chunk:?}");
        println!(
            "  {} stored, {} bytes",
            node.usage.chunks, node.usage.chunk_bytes
        );
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
        .with_attributes(Attributes::new().with("unit", "mm")?);
    let array = hierarchy.create_array("survey/depth", metadata.build()?)?;
    array.write((..25, ..25), 7_u8)?;
    Ok(hierarchy)
}
