//! The `vlen-utf8` and `vlen-bytes` codecs: the number of elements, then each element after its
//! size in bytes; all counts take four bytes, little endian (registered extensions of these names).
//!
//! Counts and sizes are checked against the bytes present before memory is allocated. No bytes may
//! follow the last element.

use std::sync::Arc;

use zarr_core::codec::{ArrayToBytes, ChunkData, ChunkSpec, EncodedSize};
use zarr_core::size::to_usize;
use zarr_core::{Binder, DataTypeKind, Error, Extension, Result};

const COUNT_SIZE: usize = 4;

#[derive(Debug)]
struct Vlen {
    name: &'static str,
    utf8: bool,
    len: usize,
    max_size: usize,
}

/// Binds `vlen-utf8` to strings.
pub(crate) fn bind_utf8(
    extension: &Extension,
    spec: &ChunkSpec,
    binder: &Binder<'_>,
) -> Result<Arc<dyn ArrayToBytes>> {
    bind("vlen-utf8", DataTypeKind::String, extension, spec, binder)
}

/// Binds `vlen-bytes` to byte strings.
pub(crate) fn bind_bytes(
    extension: &Extension,
    spec: &ChunkSpec,
    binder: &Binder<'_>,
) -> Result<Arc<dyn ArrayToBytes>> {
    bind("vlen-bytes", DataTypeKind::Bytes, extension, spec, binder)
}

/// Binds `vlen-utf8` or `vlen-bytes`, depending on the data type, as zarrs's `vlen_v2` did.
pub(crate) fn bind_any(
    extension: &Extension,
    spec: &ChunkSpec,
    binder: &Binder<'_>,
) -> Result<Arc<dyn ArrayToBytes>> {
    match spec.data_type.kind() {
        DataTypeKind::String => bind_utf8(extension, spec, binder),
        _ => bind_bytes(extension, spec, binder),
    }
}

fn bind(
    name: &'static str,
    kind: DataTypeKind,
    extension: &Extension,
    spec: &ChunkSpec,
    binder: &Binder<'_>,
) -> Result<Arc<dyn ArrayToBytes>> {
    extension.expect_no_configuration()?;
    if spec.data_type.kind() != kind {
        let expected = format!("a data type of kind {kind:?} for codec {name:?}");
        return Err(Error::invalid(&spec.data_type, expected));
    }
    Ok(Arc::new(Vlen {
        name,
        utf8: kind == DataTypeKind::String,
        len: to_usize("chunk", spec.elements()?)?,
        max_size: usize::try_from(binder.limits().max_chunk_size).unwrap_or(usize::MAX),
    }))
}

impl Vlen {
    fn corrupt(&self, reason: String) -> Error {
        Error::corrupt(self.name, reason)
    }

    fn check_text(&self, element: usize, bytes: &[u8]) -> Result<()> {
        match std::str::from_utf8(bytes) {
            Err(error) if self.utf8 => {
                Err(self.corrupt(format!("element {element} is not UTF-8: {error}")))
            }
            _ => Ok(()),
        }
    }
}

fn count(size: usize) -> Result<[u8; COUNT_SIZE]> {
    u32::try_from(size)
        .map(u32::to_le_bytes)
        .map_err(|_| Error::TooLarge {
            what: "variable-size element or chunk",
            wanted: size.to_string(),
            limit: u32::MAX.into(),
        })
}

/// Splits off the count at the start.
fn split_count(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (count, rest) = bytes.split_first_chunk()?;
    Some((u32::from_le_bytes(*count) as usize, rest))
}

impl ArrayToBytes for Vlen {
    fn encoded_size(&self) -> EncodedSize {
        EncodedSize::AtMost(self.max_size)
    }

    fn encode(&self, decoded: &ChunkData, encoded: &mut Vec<u8>) -> Result<()> {
        let ChunkData::Variable { offsets, bytes } = decoded else {
            let what = format!("codec {:?} for fixed-size elements", self.name);
            return Err(Error::Unsupported { what });
        };
        let found = offsets.len().saturating_sub(1);
        check_len(self.len, found)?;
        encoded.extend_from_slice(&count(self.len)?);
        for (element, (&start, &end)) in offsets.iter().zip(offsets.iter().skip(1)).enumerate() {
            let element_bytes = bytes
                .get(start..end)
                .ok_or_else(|| self.corrupt(format!("element {element} lies outside the chunk")))?;
            self.check_text(element, element_bytes)?;
            encoded.extend_from_slice(&count(element_bytes.len())?);
            encoded.extend_from_slice(element_bytes);
        }
        Ok(())
    }

    fn decode(&self, encoded: &[u8]) -> Result<ChunkData> {
        self.encoded_size().check("encoded chunk", encoded.len())?;
        let (stored, mut left) = split_count(encoded).unwrap_or_default();
        if stored != self.len || stored > left.len() / COUNT_SIZE {
            let size = encoded.len();
            let expected = self.len;
            return Err(self.corrupt(format!(
                "{stored} elements in {size} bytes, expected {expected}"
            )));
        }
        let mut offsets = Vec::with_capacity(self.len.saturating_add(1));
        let sizes = COUNT_SIZE.saturating_mul(self.len);
        let mut bytes = Vec::with_capacity(left.len().saturating_sub(sizes));
        offsets.push(0);
        for element in 0..self.len {
            let parts = split_count(left).and_then(|(size, rest)| rest.split_at_checked(size));
            let Some((element_bytes, rest)) = parts else {
                let size = left.len();
                return Err(self.corrupt(format!(
                    "element {element} is larger than the remaining {size} bytes"
                )));
            };
            self.check_text(element, element_bytes)?;
            bytes.extend_from_slice(element_bytes);
            offsets.push(bytes.len());
            left = rest;
        }
        if !left.is_empty() {
            return Err(self.corrupt(format!("{} bytes after the last element", left.len())));
        }
        Ok(ChunkData::Variable { offsets, bytes })
    }
}

/// Checks the number of elements of a decoded chunk.
pub(crate) fn check_len(expected: usize, found: usize) -> Result<()> {
    if found == expected {
        return Ok(());
    }
    Err(Error::invalid(
        format_args!("{found} elements"),
        format!("{expected}, the number of elements of a chunk"),
    ))
}

#[cfg(test)]
mod tests;
