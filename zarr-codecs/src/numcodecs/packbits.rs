//! `numcodecs.packbits`: bools as bits, the first bool in the highest bit, after a byte with the
//! number of unused bits at the end.
//!
//! An array to array codec: its encoded chunk is a one-dimensional array of bytes.

use std::sync::Arc;

use zarr_core::codec::{ArrayToArray, ChunkData, ChunkSpec};
use zarr_core::{Binder, DataType, DataTypeKind, Error, Extension, FillValue, Result};

use crate::number::{chunk_bytes, unsupported};

#[derive(Debug)]
struct PackBits {
    decoded: ChunkSpec,
    encoded: ChunkSpec,
}

/// Binds the codec, which has no configuration, to bools.
pub(crate) fn bind(
    extension: &Extension,
    spec: &ChunkSpec,
    _: &Binder<'_>,
) -> Result<Arc<dyn ArrayToArray>> {
    extension.expect_no_configuration()?;
    if spec.data_type.kind() != DataTypeKind::Bool {
        return Err(unsupported(&spec.data_type, "numcodecs.packbits"));
    }
    let encoded = ChunkSpec {
        shape: [spec.elements()?.div_ceil(8).saturating_add(1)].into(),
        data_type: DataType::core("uint8")?,
        fill_value: FillValue::new(spec.fill_value.bytes().to_vec()),
    };
    Ok(Arc::new(PackBits {
        decoded: spec.clone(),
        encoded,
    }))
}

/// Returns the number of unused bits after `len` elements.
fn spare(len: usize) -> u8 {
    (len.wrapping_neg() % 8).to_le_bytes()[0]
}

impl ArrayToArray for PackBits {
    fn encoded(&self) -> &ChunkSpec {
        &self.encoded
    }

    fn encode(&self, decoded: ChunkData) -> Result<ChunkData> {
        let elements = chunk_bytes(&decoded, &self.decoded)?;
        let packed = elements.chunks(8).map(|bits| {
            let placed = (0..8).rev().zip(bits);
            placed.fold(0, |byte, (place, bit)| {
                byte | (u8::from(*bit != 0) << place)
            })
        });
        let bytes = std::iter::once(spare(elements.len())).chain(packed);
        Ok(ChunkData::Fixed(bytes.collect()))
    }

    fn decode(&self, encoded: ChunkData) -> Result<ChunkData> {
        let bytes = chunk_bytes(&encoded, &self.encoded)?;
        let len = self.decoded.decoded_size(u64::MAX)?.unwrap_or(0);
        match bytes.split_first() {
            Some((&stored, packed)) if stored == spare(len) => {
                let bits = packed
                    .iter()
                    .flat_map(|byte| (0..8).rev().map(move |place| (byte >> place) & 1));
                Ok(ChunkData::Fixed(bits.take(len).collect()))
            }
            found => {
                let expected = spare(len);
                let reason = format!(
                    "{:?} padding bits, expected {expected}",
                    found.map_or(0, |(stored, _)| *stored)
                );
                Err(Error::corrupt("numcodecs.packbits", reason))
            }
        }
    }
}
