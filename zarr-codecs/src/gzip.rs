//! The `gzip` codec: deflate in the gzip format, RFC 1952 (core codecs, "gzip codec").

use std::sync::Arc;

use libdeflater::Compressor as Libdeflate;
use serde::Deserialize;
use zarr_core::codec::{BytesToBytes, EncodedSize};
use zarr_core::{Binder, Extension, Result};

use crate::compressor::{self, Compressor};
use crate::inflate::{Format, deflate};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Configuration {
    level: i64,
}

#[derive(Debug)]
struct Gzip {
    level: usize,
}

/// Binds the codec.
pub(crate) fn bind(
    extension: &Extension,
    decoded: EncodedSize,
    _: &Binder<'_>,
) -> Result<Arc<dyn BytesToBytes>> {
    let Configuration { level } = extension.parse()?;
    let level = compressor::level("configuration.level", level, 0..=9)?;
    let level = usize::try_from(level).expect("at least 0");
    Ok(compressor::bind(Gzip { level }, decoded))
}

impl Compressor for Gzip {
    const NAME: &'static str = "gzip";

    fn compress(&self, decoded: &[u8], encoded: &mut Vec<u8>) -> Result<()> {
        let format: Format = (Libdeflate::gzip_compress_bound, Libdeflate::gzip_compress);
        deflate(Self::NAME, format, self.level, decoded, encoded)
    }

    fn decompress(&self, encoded: &[u8], decoded: &mut [u8]) -> Result<Option<usize>> {
        members::decode(encoded, decoded)
    }

    fn guess(&self, encoded: &[u8]) -> usize {
        let declared = encoded
            .last_chunk()
            .map_or(0, |size| u32::from_le_bytes(*size) as usize);
        declared.min(encoded.len().saturating_mul(32))
    }
}

mod members;
#[cfg(test)]
mod tests;
