//! `numcodecs.lz4`: the number of decoded bytes in four bytes, little endian, then one LZ4 block.

use std::sync::Arc;

use serde::Deserialize;
use zarr_core::codec::{BytesToBytes, EncodedSize};
use zarr_core::{Binder, Error, Extension, Result};

use crate::lz4_block;
use crate::output::{encoded_bound, grow};

/// The most that a byte of a block can stand for.
const MAX_RATIO: usize = 255;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Configuration {
    #[serde(default = "default_acceleration")]
    acceleration: i32,
}

fn default_acceleration() -> i32 {
    1
}

#[derive(Debug)]
struct Lz4 {
    acceleration: i32,
    decoded: EncodedSize,
}

/// Binds the codec; below 1 the library takes its default acceleration.
pub(crate) fn bind(
    extension: &Extension,
    decoded: EncodedSize,
    _: &Binder<'_>,
) -> Result<Arc<dyn BytesToBytes>> {
    let Configuration { acceleration } = extension.parse()?;
    Ok(Arc::new(Lz4 {
        acceleration,
        decoded,
    }))
}

impl BytesToBytes for Lz4 {
    fn name(&self) -> &'static str {
        "numcodecs.lz4"
    }

    fn encoded_size(&self) -> EncodedSize {
        encoded_bound(self.decoded)
    }

    fn encode(&self, decoded: &[u8], encoded: &mut Vec<u8>) -> Result<()> {
        let start = encoded.len();
        let size = u32::try_from(decoded.len()).unwrap_or(u32::MAX);
        encoded.extend_from_slice(&size.to_le_bytes());
        lz4_block::compress(decoded, self.acceleration, encoded).map_err(|reason| {
            encoded.truncate(start);
            Error::corrupt("numcodecs.lz4", reason)
        })
    }

    fn decode(&self, encoded: &[u8], decoded: &mut Vec<u8>) -> Result<()> {
        let (size, block) = split(encoded)?;
        self.decoded.check("size in the lz4 header", size)?;
        let start = decoded.len();
        grow(decoded, start, size)?;
        decode_block(block, &mut decoded[start..]).inspect_err(|_| decoded.truncate(start))
    }

    fn decode_exact(&self, encoded: &[u8], decoded: &mut [u8]) -> Result<()> {
        let (size, block) = split(encoded)?;
        EncodedSize::Exact(decoded.len()).check("size in the lz4 header", size)?;
        decode_block(block, decoded)
    }
}

/// The declared size, which the block is long enough for, and the block.
fn split(encoded: &[u8]) -> Result<(usize, &[u8])> {
    let Some((size, block)) = encoded.split_first_chunk() else {
        return Err(Error::size("numcodecs.lz4", encoded.len(), "4 or more"));
    };
    let size = u32::from_le_bytes(*size) as usize;
    if size > block.len().saturating_mul(MAX_RATIO) {
        let reason = format!("{size} bytes declared for a block of {}", block.len());
        return Err(Error::corrupt("numcodecs.lz4", reason));
    }
    Ok((size, block))
}

fn decode_block(block: &[u8], decoded: &mut [u8]) -> Result<()> {
    let written = lz4_block::decompress(block, decoded)
        .map_err(|reason| Error::corrupt("numcodecs.lz4", reason))?;
    EncodedSize::Exact(decoded.len()).check("lz4 block", written)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{assert_compressor, binder, extension};

    #[test]
    fn blocks_are_written_and_read() {
        let codec = |size| bind(&Extension::new("numcodecs.lz4"), size, &binder());
        assert_compressor("lz4-", codec, b"\xff\xff\xff\x7f\0\0\0\0");
    }

    #[test]
    fn bad_configurations_are_refused() {
        for configuration in [r#"{"acceleration": 1.5}"#, r#"{"level": 0}"#] {
            let json = format!(r#"{{"name": "x", "configuration": {configuration}}}"#);
            assert!(
                bind(&extension(&json), EncodedSize::Exact(1), &binder()).is_err(),
                "{json}"
            );
        }
    }
}
