//! The `bytes` codec: elements one after the other in C order (core codecs, "bytes codec").
//!
//! The core copies straight between such bytes and arrays, so `encode` and `decode` here are for callers outside a chain.

use std::sync::Arc;

use serde::Deserialize;
use zarr_core::codec::{ArrayToBytes, ByteOrder, ChunkData, ChunkSpec, EncodedSize};
use zarr_core::{Binder, Error, Extension, Result};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Configuration {
    endian: Option<Endian>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Endian {
    Little,
    Big,
}

#[derive(Debug)]
struct BytesCodec {
    order: ByteOrder,
    swap_size: usize,
    size: usize,
}

/// Binds the codec: `endian` is required where the elements have a byte order, and without effect where they have none.
pub(crate) fn bind(
    extension: &Extension,
    spec: &ChunkSpec,
    _: &Binder<'_>,
) -> Result<Arc<dyn ArrayToBytes>> {
    let configuration: Configuration = extension.parse()?;
    let size = spec
        .decoded_size(u64::MAX)?
        .ok_or_else(|| Error::Unsupported {
            what: format!(
                "codec \"bytes\" for data type {}, whose elements differ in size",
                spec.data_type
            ),
        })?;
    let swap_size = spec.data_type.swap_size();
    let order = match configuration.endian {
        _ if swap_size == 1 => ByteOrder::native(),
        Some(Endian::Little) => ByteOrder::Little,
        Some(Endian::Big) => ByteOrder::Big,
        None => return Err(Error::MissingMember { member: "endian" }.member("configuration")),
    };
    Ok(Arc::new(BytesCodec {
        order,
        swap_size,
        size,
    }))
}

impl BytesCodec {
    fn swap(&self, elements: &mut [u8]) {
        if self.order != ByteOrder::native() {
            let numbers = elements.chunks_exact_mut(self.swap_size);
            numbers.for_each(<[u8]>::reverse);
        }
    }
}

impl ArrayToBytes for BytesCodec {
    fn encoded_size(&self) -> EncodedSize {
        EncodedSize::Exact(self.size)
    }

    fn byte_order(&self) -> Option<ByteOrder> {
        Some(self.order)
    }

    fn encode(&self, decoded: &ChunkData, encoded: &mut Vec<u8>) -> Result<()> {
        let elements = decoded.fixed()?;
        self.encoded_size().check("chunk", elements.len())?;
        let start = encoded.len();
        encoded.extend_from_slice(elements);
        self.swap(&mut encoded[start..]);
        Ok(())
    }

    fn decode(&self, encoded: &[u8]) -> Result<ChunkData> {
        self.encoded_size().check("encoded chunk", encoded.len())?;
        let mut elements = encoded.to_vec();
        self.swap(&mut elements);
        Ok(ChunkData::Fixed(elements))
    }
}
