//! `numcodecs.lz4`: the decoded size in four bytes, little endian, then one LZ4 block.

use std::sync::Arc;

use serde::Deserialize;
use zarr_core::codec::{BytesToBytes, EncodedSize};
use zarr_core::{Binder, Error, Extension, Result};

use crate::compressor::{self, Compressor};
use crate::lz4_block;

/// The most bytes that one byte of a block decodes to.
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
}

/// Binds the codec. Below 1, the library uses its default acceleration.
pub(crate) fn bind(
    extension: &Extension,
    decoded: EncodedSize,
    _: &Binder<'_>,
) -> Result<Arc<dyn BytesToBytes>> {
    let Configuration { acceleration } = extension.parse()?;
    Ok(compressor::bind(Lz4 { acceleration }, decoded))
}

impl Compressor for Lz4 {
    const NAME: &'static str = "numcodecs.lz4";

    fn compress(&self, decoded: &[u8], encoded: &mut Vec<u8>) -> Result<()> {
        let size = u32::try_from(decoded.len()).unwrap_or(u32::MAX);
        encoded.extend_from_slice(&size.to_le_bytes());
        lz4_block::compress(decoded, self.acceleration, encoded)
            .map_err(|reason| Error::corrupt(Self::NAME, reason))
    }

    fn decompress(&self, encoded: &[u8], decoded: &mut [u8]) -> Result<Option<usize>> {
        lz4_block::decompress(split(encoded)?.1, decoded)
            .map(Some)
            .map_err(|reason| Error::corrupt(Self::NAME, reason))
    }

    fn declared(&self, encoded: &[u8]) -> Result<Option<usize>> {
        Ok(Some(split(encoded)?.0))
    }
}

/// Splits off the declared size and the block, after checking that the block is long enough for the
/// size.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{assert_compressor, assert_refused, binder};

    #[test]
    fn blocks_are_written_and_read() {
        let codec = |size| bind(&Extension::new("numcodecs.lz4"), size, &binder());
        assert_compressor("lz4-", codec, b"\xff\xff\xff\x7f\0\0\0\0");
    }

    #[test]
    fn bad_configurations_are_refused() {
        assert_refused(bind, &[r#"{"acceleration": 1.5}"#, r#"{"level": 0}"#]);
    }
}
