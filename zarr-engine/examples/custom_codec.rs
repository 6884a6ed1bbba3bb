//! Defines a custom codec that inverts all bytes.
//!
//!     cargo run --example custom_codec

use std::sync::Arc;

use ndarray::{Array1, array};
use zarr_engine::blocking::Hierarchy;
use zarr_engine::core::{self, BindCodec, codec};
use zarr_engine::{ArrayBuilder, Extension, Result, Store, codecs, registry};

/// The bound codec. It holds the size of its input, which is also the size of its output.
#[derive(Debug)]
struct Inverted(codec::EncodedSize);

impl codec::BytesToBytes for Inverted {
    fn name(&self) -> &'static str {
        "example.inverted"
    }
    fn encoded_size(&self) -> codec::EncodedSize {
        self.0
    }
    fn encode(&self, decoded: &[u8], encoded: &mut Vec<u8>) -> core::Result<()> {
        encoded.extend(decoded.iter().map(|byte| !byte));
        Ok(())
    }
    fn decode(&self, encoded: &[u8], decoded: &mut Vec<u8>) -> core::Result<()> {
        self.encode(encoded, decoded)
    }
}

pub(crate) fn main() -> Result<()> {
    let bind = BindCodec::BytesToBytes(|_, size, _| Ok(Arc::new(Inverted(size))));
    let registry = registry().with_codec("example.inverted", bind);
    let hierarchy = Hierarchy::new(Store::memory(), registry);
    let metadata = ArrayBuilder::new(&[4], "uint8")
        .with_codecs([codecs::bytes(false), Extension::new("example.inverted")])
        .build()?;
    let array = hierarchy.create_array("a", metadata)?;
    array.write(.., array![0_u8, 1, 2, 255])?;
    let stored = array.chunk([0])?.encoded()?;
    assert_eq!(stored.as_deref(), Some(&[255, 254, 253, 0][..]));
    assert_eq!(array.read::<Array1<u8>>(..)?, array![0, 1, 2, 255]);
    Ok(())
}
