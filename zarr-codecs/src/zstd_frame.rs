//! Zstandard frames, which `zstd` and `blosc` decode with one context per thread, straight into the
//! output (RFC 8878).
//!
//! Decoding a frame in one call needs no window buffer, so neither a declared window nor a declared
//! content size costs memory.

use std::cell::RefCell;

use zstd_safe::zstd_sys::ZSTD_ErrorCode::{self, ZSTD_error_dstSize_tooSmall};
use zstd_safe::{DCtx, ErrorCode};

use crate::output::after;

const MAGIC: u32 = 0xFD2F_B528;

/// The magic number of skippable frames, whose last four bits vary.
const SKIPPABLE_MAGIC: u32 = 0x184D_2A50;

thread_local! {
    static CONTEXT: RefCell<DCtx<'static>> = RefCell::new(DCtx::create());
}

/// Decodes frames to the start of `decoded`; returns the number of bytes written, `None` if they do
/// not fit, or the reason for failure.
pub(crate) fn decode_frames(encoded: &[u8], decoded: &mut [u8]) -> Result<Option<usize>, String> {
    let (mut left, mut written) = (encoded, 0_usize);
    while !left.is_empty() || encoded.is_empty() {
        let place = encoded.len().saturating_sub(left.len());
        let wrong = |reason: &str| format!("frame at byte {place} of {}: {reason}", encoded.len());
        let skippable = match left.first_chunk().map(|magic| u32::from_le_bytes(*magic)) {
            Some(MAGIC) => false,
            Some(magic) if magic & !0xF == SKIPPABLE_MAGIC => true,
            // Formats older than version 1 are refused, as their decoders, which the library may
            // include, are not safe for untrusted input.
            _ => return Err(wrong("the Zstandard magic number is missing")),
        };
        let size = zstd_safe::find_frame_compressed_size(left).map_err(|code| wrong(name(code)))?;
        let (frame, rest) = left
            .split_at_checked(size)
            .ok_or_else(|| wrong("reaches past the end"))?;
        left = rest;
        if skippable {
            continue;
        }
        match CONTEXT.with_borrow_mut(|it| it.decompress(after(decoded, written), frame)) {
            Ok(size) => written = written.saturating_add(size),
            Err(code) if is(code, ZSTD_error_dstSize_tooSmall) => return Ok(None),
            Err(code) => return Err(wrong(name(code))),
        }
    }
    Ok(Some(written))
}

/// Returns the text of a library error.
pub(crate) fn name(code: ErrorCode) -> &'static str {
    zstd_safe::get_error_name(code)
}

fn is(code: ErrorCode, kind: ZSTD_ErrorCode) -> bool {
    zstd_safe::is_error_kind(code, kind)
}
