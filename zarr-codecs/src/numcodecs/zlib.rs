//! `numcodecs.zlib`: deflate in the zlib format, RFC 1950.

use std::sync::Arc;

use libdeflater::{Compressor as Libdeflate, DecompressionError};
use zarr_core::codec::{BytesToBytes, EncodedSize};
use zarr_core::{Binder, Error, Extension, Result};

use super::Level;
use crate::compressor::{self, Compressor};
use crate::inflate::{Format, Inflated, deflate, inflate};

#[derive(Debug)]
struct Zlib {
    level: usize,
}

/// Binds the codec. Levels range from 0 to 9; -1 means zlib's default.
pub(crate) fn bind(
    extension: &Extension,
    decoded: EncodedSize,
    _: &Binder<'_>,
) -> Result<Arc<dyn BytesToBytes>> {
    let Level { level } = extension.parse()?;
    let level = compressor::level("configuration.level", level, -1..=9)?;
    let level = usize::try_from(level).unwrap_or(6);
    Ok(compressor::bind(Zlib { level }, decoded))
}

impl Compressor for Zlib {
    const NAME: &'static str = "numcodecs.zlib";

    fn compress(&self, decoded: &[u8], encoded: &mut Vec<u8>) -> Result<()> {
        let format: Format = (Libdeflate::zlib_compress_bound, Libdeflate::zlib_compress);
        deflate(Self::NAME, format, self.level, decoded, encoded)
    }

    fn decompress(&self, encoded: &[u8], decoded: &mut [u8]) -> Result<Option<usize>> {
        let reason = match inflate(encoded, decoded) {
            Ok(Inflated { read, written }) if read == encoded.len() => return Ok(Some(written)),
            Ok(_) => "bytes after the end of the stream".to_owned(),
            Err(DecompressionError::InsufficientSpace) => return Ok(None),
            Err(DecompressionError::BadData) => {
                format!("the stream of {} bytes is damaged", encoded.len())
            }
        };
        Err(Error::corrupt(Self::NAME, reason))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{assert_compressor, assert_refused, binder};

    #[test]
    fn streams_are_written_and_read() {
        let codec = |size| bind(&Extension::new("numcodecs.zlib"), size, &binder());
        assert_compressor("zlib-", codec, &[]);
    }

    #[test]
    fn bad_configurations_are_refused() {
        assert_refused(
            bind,
            &[r#"{"level": 10}"#, r#"{"level": "1"}"#, r#"{"wbits": 15}"#],
        );
    }
}
