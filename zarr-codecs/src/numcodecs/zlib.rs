//! `numcodecs.zlib`: deflate in the zlib format, RFC 1950.

use std::sync::Arc;

use libdeflater::{CompressionLvl, DecompressionError};
use serde::Deserialize;
use zarr_core::codec::{BytesToBytes, EncodedSize};
use zarr_core::{Binder, Error, Extension, Result};

use crate::compressor::{self, Compressor};
use crate::inflate::with_decompressor;
use crate::output::grow;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Configuration {
    #[serde(default = "default_level")]
    level: i64,
}

fn default_level() -> i64 {
    1
}

#[derive(Debug)]
struct Zlib {
    level: CompressionLvl,
}

/// Binds the codec. Levels range from 0 to 9; -1 means zlib's default.
pub(crate) fn bind(
    extension: &Extension,
    decoded: EncodedSize,
    _: &Binder<'_>,
) -> Result<Arc<dyn BytesToBytes>> {
    let Configuration { level } = extension.parse()?;
    let known = match level {
        -1 => Some(6),
        level => i32::try_from(level).ok().filter(|level| *level <= 9),
    };
    known
        .and_then(|level| CompressionLvl::new(level).ok())
        .map(|level| compressor::bind(Zlib { level }, decoded))
        .ok_or_else(|| Error::invalid(level, "a level from -1 to 9").member("configuration.level"))
}

impl Compressor for Zlib {
    const NAME: &'static str = "numcodecs.zlib";

    fn compress(&self, decoded: &[u8], encoded: &mut Vec<u8>) -> Result<()> {
        let mut compressor = libdeflater::Compressor::new(self.level);
        let start = encoded.len();
        let room = compressor.zlib_compress_bound(decoded.len());
        grow(encoded, start, room)?;
        let written = compressor
            .zlib_compress(decoded, &mut encoded[start..])
            .map_err(|error| Error::corrupt("numcodecs.zlib", error.to_string()))?;
        encoded.truncate(start + written);
        Ok(())
    }

    fn decompress(&self, encoded: &[u8], decoded: &mut [u8]) -> Result<Option<usize>> {
        inflate(encoded, decoded)
    }
}

fn inflate(encoded: &[u8], decoded: &mut [u8]) -> Result<Option<usize>> {
    let size = match with_decompressor(|it| it.zlib_decompress(encoded, decoded)) {
        Ok(size) => size,
        Err(DecompressionError::InsufficientSpace) => return Ok(None),
        Err(DecompressionError::BadData) => {
            let reason = format!("the stream of {} bytes is damaged", encoded.len());
            return Err(Error::corrupt("numcodecs.zlib", reason));
        }
    };
    // The library has checked the checksum at the end of the stream. If `encoded` does not end with
    // that checksum, more bytes follow the stream.
    let checksum = libdeflater::adler32(&decoded[..size]).to_be_bytes();
    if !encoded.ends_with(&checksum) {
        let reason = "bytes after the end of the stream";
        return Err(Error::corrupt("numcodecs.zlib", reason));
    }
    Ok(Some(size))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{assert_compressor, binder, extension};

    #[test]
    fn streams_are_written_and_read() {
        let codec = |size| bind(&Extension::new("numcodecs.zlib"), size, &binder());
        assert_compressor("zlib-", codec, &[]);
    }

    #[test]
    fn bad_configurations_are_refused() {
        for configuration in [r#"{"level": 10}"#, r#"{"level": "1"}"#, r#"{"wbits": 15}"#] {
            let json = format!(r#"{{"name": "x", "configuration": {configuration}}}"#);
            assert!(
                bind(&extension(&json), EncodedSize::Exact(1), &binder()).is_err(),
                "{json}"
            );
        }
    }
}
