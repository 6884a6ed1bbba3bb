//! The `vlen-utf8` and `vlen-bytes` codecs: the number of elements, then each with its length, all 32 bits little-endian
//! (registered extensions "vlen-utf8" and "vlen-bytes").

use std::sync::Arc;

use zarr_core::codec::{ArrayToBytes, ChunkData, ChunkSpec, EncodedSize};
use zarr_core::{Binder, DataTypeKind, Error, Extension, Result};

#[derive(Debug)]
struct Vlen {
    name: &'static str,
    utf8: bool,
    len: u64,
    max_size: usize,
}

/// Binds `vlen-utf8`, for strings.
pub(crate) fn bind_utf8(
    extension: &Extension,
    spec: &ChunkSpec,
    binder: &Binder<'_>,
) -> Result<Arc<dyn ArrayToBytes>> {
    bind("vlen-utf8", DataTypeKind::String, extension, spec, binder)
}

/// Binds `vlen-bytes`, for byte strings.
pub(crate) fn bind_bytes(
    extension: &Extension,
    spec: &ChunkSpec,
    binder: &Binder<'_>,
) -> Result<Arc<dyn ArrayToBytes>> {
    bind("vlen-bytes", DataTypeKind::Bytes, extension, spec, binder)
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
        let expected = format!("a data type of kind {kind:?} for {name}");
        return Err(Error::invalid(&spec.data_type, expected));
    }
    Ok(Arc::new(Vlen {
        name,
        utf8: kind == DataTypeKind::String,
        len: spec.elements()?,
        max_size: usize::try_from(binder.limits().max_chunk_size).unwrap_or(usize::MAX),
    }))
}

impl Vlen {
    fn corrupt(&self, reason: String) -> Error {
        Error::corrupt(self.name, reason)
    }

    /// Splits a number and what follows it.
    fn number<'a>(&self, encoded: &'a [u8], what: &str) -> Result<(usize, &'a [u8])> {
        match encoded.split_first_chunk() {
            Some((number, rest)) => Ok((u32::from_le_bytes(*number) as usize, rest)),
            None => Err(self.corrupt(format!("{what} in {} bytes", encoded.len()))),
        }
    }
}

impl ArrayToBytes for Vlen {
    fn encoded_size(&self) -> EncodedSize {
        EncodedSize::AtMost(self.max_size)
    }

    fn encode(&self, decoded: &ChunkData, encoded: &mut Vec<u8>) -> Result<()> {
        let ChunkData::Variable { offsets, bytes } = decoded else {
            return Err(self.corrupt("elements of one size".to_owned()));
        };
        let number = |number: usize| match u32::try_from(number) {
            Ok(number) => Ok(number.to_le_bytes()),
            Err(_) => Err(self.corrupt(format!("{number} does not fit 32 bits"))),
        };
        encoded.extend_from_slice(&number(offsets.len().saturating_sub(1))?);
        for bounds in offsets.windows(2) {
            let element = bytes.get(bounds[0]..bounds[1]);
            let element =
                element.ok_or_else(|| self.corrupt("offsets past the bytes".to_owned()))?;
            encoded.extend_from_slice(&number(element.len())?);
            encoded.extend_from_slice(element);
        }
        Ok(())
    }

    fn decode(&self, encoded: &[u8]) -> Result<ChunkData> {
        let (count, mut rest) = self.number(encoded, "no number of elements")?;
        if count as u64 != self.len {
            return Err(self.corrupt(format!("{count} elements, expected {}", self.len)));
        }
        // Every element takes four bytes at least: the number is no reason for memory that the bytes do not bear out.
        if count > rest.len() / 4 {
            return Err(self.corrupt(format!("{count} elements in {} bytes", rest.len())));
        }
        let mut offsets = Vec::with_capacity(count + 1);
        let mut bytes = Vec::with_capacity(rest.len() - 4 * count);
        offsets.push(0);
        for position in 0..count {
            let (len, following) = self.number(rest, "no length of an element")?;
            let (element, following) = following.split_at_checked(len).ok_or_else(|| {
                let left = following.len();
                self.corrupt(format!(
                    "element {position} of {len} bytes, with {left} left"
                ))
            })?;
            if self.utf8 && std::str::from_utf8(element).is_err() {
                return Err(self.corrupt(format!("element {position} is not UTF-8")));
            }
            bytes.extend_from_slice(element);
            offsets.push(bytes.len());
            rest = following;
        }
        if !rest.is_empty() {
            return Err(self.corrupt(format!("{} bytes after the last element", rest.len())));
        }
        Ok(ChunkData::Variable { offsets, bytes })
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn vlen(utf8: bool, len: u64) -> Vlen {
        Vlen {
            name: "vlen-utf8",
            utf8,
            len,
            max_size: 1 << 20,
        }
    }

    /// What numcodecs' VLenUTF8 makes of ["a", "", "é"].
    const ENCODED: [u8; 19] = [
        3, 0, 0, 0, 1, 0, 0, 0, b'a', 0, 0, 0, 0, 2, 0, 0, 0, 0xc3, 0xa9,
    ];

    #[test]
    fn strings_of_another_implementation_round_trip() {
        let data = vlen(true, 3).decode(&ENCODED).unwrap();
        assert_eq!(
            data,
            ChunkData::Variable {
                offsets: vec![0, 1, 1, 3],
                bytes: "aé".into()
            }
        );
        let mut encoded = Vec::new();
        vlen(true, 3).encode(&data, &mut encoded).unwrap();
        assert_eq!(encoded, ENCODED);
    }

    #[test]
    fn damage_is_an_error() {
        for len in 0..ENCODED.len() {
            assert!(
                vlen(true, 3).decode(&ENCODED[..len]).is_err(),
                "{len} bytes"
            );
        }
        let longer = [ENCODED.as_slice(), &[0]].concat();
        assert!(vlen(true, 3).decode(&longer).is_err());
        assert!(vlen(true, 2).decode(&ENCODED).is_err());
        let mut invalid = ENCODED;
        invalid[18] = 0xff;
        assert!(vlen(true, 3).decode(&invalid).is_err());
        assert!(vlen(false, 3).decode(&invalid).is_ok());
        assert!(vlen(true, u32::MAX.into()).decode(&[0xff; 8]).is_err());
    }
}
