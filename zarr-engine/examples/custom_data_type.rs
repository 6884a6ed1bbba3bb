//! Defines a custom data type, and a Rust type for its elements: points of two floats.
//!
//!     cargo run --example custom_data_type

use zarr_engine::blocking::Hierarchy;
use zarr_engine::{ArrayBuilder, DataType, Element, Result, Store, registry};

/// Has the layout of the data type `complex64`: two consecutive floats.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[repr(C)]
struct Point {
    x: f32,
    y: f32,
}

// SAFETY: two floats without padding; all bit patterns are valid.
unsafe impl Element for Point {
    const NAME: &'static str = "Point";

    fn holds(data_type: &DataType) -> bool {
        data_type.name() == "complex64"
    }
}
zarr_engine::plain_elements!(Point);

pub(crate) fn main() -> Result<()> {
    // In metadata, the type has its own name; the registry binds it to the layout of a known type.
    let registry = registry().with_data_type("example.point", |_, _| DataType::core("complex64"));
    let hierarchy = Hierarchy::new(Store::memory(), registry);
    let metadata = ArrayBuilder::new(&[3], "example.point")
        .with_fill_json("[0.0, 0.0]")?
        .build()?;
    let array = hierarchy.create_array("track", metadata)?;
    array.write(1.., &[Point { x: 1.0, y: 2.0 }, Point { x: 3.0, y: 4.0 }])?;
    let track = array.read::<Point>(..)?;
    assert_eq!(track[2], Point { x: 3.0, y: 4.0 });
    println!("{track:?}");
    Ok(())
}
