//! Copies a group and everything below it from one store to another, then renames the copy.
//!
//!     cargo run --example copy [FROM TO]

use zarr_engine::{ArrayBuilder, Attributes, Result, blocking};

pub(crate) fn main() -> Result<()> {
    let mut arguments = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with('-'));
    let (from, to) = match (arguments.next(), arguments.next()) {
        (Some(from), Some(to)) => (blocking::open(&from)?, blocking::open(&to)?),
        _ => (example()?, blocking::open("memory:")?),
    };

    // Chunks are copied in encoded form; documents are written last.
    let node = from.copy("run", &to, "archive/new")?.into_group()?;
    println!("copied {} nodes", node.walk()?.len());
    to.rename("archive/new", "archive/run")?;
    for (path, kind) in to.group("archive")?.walk()? {
        println!("{path} {kind:?}");
    }
    assert!(!to.exists("archive/new")?);
    Ok(())
}

fn example() -> Result<blocking::Hierarchy> {
    let hierarchy = blocking::open("memory:")?;
    let run = hierarchy.create_group("run", Attributes::new().with("number", 7)?)?;
    for name in ["pressure", "velocity"] {
        let metadata = ArrayBuilder::new(&[8, 8], "float64")
            .with_chunk_shape(&[4, 4])
            .build()?;
        run.create_array(name, metadata)?.write(.., 1.5)?;
    }
    Ok(hierarchy)
}
