//! The `zstd` codec: Zstandard frames, RFC 8878 (registered extension "zstd").

use std::cell::RefCell;
use std::io::Cursor;
use std::sync::Arc;

use serde::Deserialize;
use zarr_core::codec::{BytesToBytes, EncodedSize};
use zarr_core::{Binder, Error, Extension, Result};
use zstd_safe::{CCtx, CParameter};

use crate::compressor::{self, Compressor};
use crate::output::reserve;
use crate::zstd_frame::{decode_frames, name};

const MAX_LEVEL: i32 = 22;

/// The largest context, in bytes, that a thread keeps after encoding; the highest levels take
/// hundreds of megabytes.
const KEEP: usize = 32 << 20;

thread_local! {
    static CONTEXT: RefCell<Option<CCtx<'static>>> = const { RefCell::new(None) };
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Configuration {
    level: i64,
    #[serde(default)]
    checksum: bool,
}

#[derive(Debug)]
struct Zstd {
    level: i32,
    checksum: bool,
}

/// Binds the codec.
pub(crate) fn bind(
    extension: &Extension,
    decoded: EncodedSize,
    _: &Binder<'_>,
) -> Result<Arc<dyn BytesToBytes>> {
    let Configuration { level, checksum } = extension.parse()?;
    let level = compressor::level(
        "configuration.level",
        level,
        zstd_safe::min_c_level()..=MAX_LEVEL,
    )?;
    Ok(compressor::bind(Zstd { level, checksum }, decoded))
}

impl Compressor for Zstd {
    const NAME: &'static str = "zstd";

    /// A run of 128 KiB takes 4 bytes.
    const MAX_RATIO: usize = 1 << 15;

    fn compress(&self, decoded: &[u8], encoded: &mut Vec<u8>) -> Result<()> {
        CONTEXT.with_borrow_mut(|kept| {
            let context = kept.get_or_insert_with(CCtx::create);
            let start = encoded.len();
            reserve(encoded, zstd_safe::compress_bound(decoded.len()))?;
            let mut room = Cursor::new(std::mem::take(encoded));
            room.set_position(start as u64);
            let written = context
                .set_parameter(CParameter::CompressionLevel(self.level))
                .and_then(|_| context.set_parameter(CParameter::ChecksumFlag(self.checksum)))
                .and_then(|_| context.compress2(&mut room, decoded));
            *encoded = room.into_inner();
            if context.sizeof() > KEEP {
                *kept = None;
            }
            written
                .map(drop)
                .map_err(|code| Error::corrupt("zstd", name(code)))
        })
    }

    fn decompress(&self, encoded: &[u8], decoded: &mut [u8]) -> Result<Option<usize>> {
        decode_frames(encoded, decoded).map_err(|reason| Error::corrupt(Self::NAME, reason))
    }

    fn guess(&self, encoded: &[u8]) -> usize {
        let declared = zstd_safe::get_frame_content_size(encoded).ok().flatten();
        let likely = encoded.len().saturating_mul(64);
        declared
            .and_then(|size| usize::try_from(size).ok())
            .map_or(likely / 16, |size| size.min(likely))
    }
}

#[cfg(test)]
mod tests;
