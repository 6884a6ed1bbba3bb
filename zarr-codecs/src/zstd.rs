//! The `zstd` codec: Zstandard frames, RFC 8878 (registered extension "zstd").

use std::cell::RefCell;
use std::io::Cursor;
use std::sync::Arc;

use serde::Deserialize;
use zarr_core::codec::{BytesToBytes, EncodedSize};
use zarr_core::{Binder, Error, Extension, Result};
use zstd_safe::{CCtx, CParameter};

use crate::decompress::{decode_to_slice, decode_to_vec};
use crate::output::{decoded_bound, encoded_bound, reserve};
use crate::zstd_frame::{decode_frames, name};

const MAX_LEVEL: i32 = 22;

/// Contexts larger than this are given back instead of kept, in bytes: the highest levels take hundreds of megabytes.
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
    decoded: EncodedSize,
}

/// Binds the codec.
pub(crate) fn bind(
    extension: &Extension,
    decoded: EncodedSize,
    _: &Binder<'_>,
) -> Result<Arc<dyn BytesToBytes>> {
    let Configuration { level, checksum } = extension.parse()?;
    let lowest = zstd_safe::min_c_level();
    match i32::try_from(level) {
        Ok(level) if (lowest..=MAX_LEVEL).contains(&level) => Ok(Arc::new(Zstd {
            level,
            checksum,
            decoded,
        })),
        _ => {
            let expected = format!("a level from {lowest} to {MAX_LEVEL}");
            Err(Error::invalid(level, expected).member("configuration.level"))
        }
    }
}

impl BytesToBytes for Zstd {
    fn name(&self) -> &'static str {
        "zstd"
    }

    fn encoded_size(&self) -> EncodedSize {
        encoded_bound(self.decoded)
    }

    fn encode(&self, decoded: &[u8], encoded: &mut Vec<u8>) -> Result<()> {
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
            if written.is_err() {
                encoded.truncate(start);
            }
            written
                .map(drop)
                .map_err(|code| Error::corrupt("zstd", name(code)))
        })
    }

    fn decode(&self, encoded: &[u8], decoded: &mut Vec<u8>) -> Result<()> {
        let declared = zstd_safe::get_frame_content_size(encoded).ok().flatten();
        let likely = encoded.len().saturating_mul(64);
        let guess = declared
            .and_then(|size| usize::try_from(size).ok())
            .map_or(likely / 16, |size| size.min(likely));
        let due = decoded_bound(self.decoded, encoded.len());
        decode_to_vec("zstd", due, guess, decoded, |room| decode(encoded, room))
    }

    fn decode_exact(&self, encoded: &[u8], decoded: &mut [u8]) -> Result<()> {
        decode_to_slice("zstd", decoded, |room| decode(encoded, room))
    }
}

fn decode(encoded: &[u8], decoded: &mut [u8]) -> Result<Option<usize>> {
    decode_frames(encoded, decoded).map_err(|reason| Error::corrupt("zstd", reason))
}

#[cfg(test)]
mod tests;
