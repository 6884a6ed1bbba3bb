//! Output buffers of codecs, and bounds on their sizes.

use zarr_core::codec::EncodedSize;
use zarr_core::{Error, Result};

/// The most bytes that a stream of any size may have beside its data.
const EXTRA: usize = 64 << 10;

/// Returns the largest size that any encoder may produce from `decoded` bytes. Our own encoders
/// stay far below it; streams with flush points, file names or empty frames do not.
pub(crate) fn encoded_bound(decoded: EncodedSize) -> EncodedSize {
    let size = decoded.max();
    EncodedSize::AtMost(size.saturating_add(size / 8).saturating_add(EXTRA))
}

/// Makes a buffer end `room` bytes after `start`, filling new bytes with zeros.
pub(crate) fn grow(buffer: &mut Vec<u8>, start: usize, room: usize) -> Result<()> {
    reserve(
        buffer,
        room.saturating_sub(buffer.len().saturating_sub(start)),
    )?;
    buffer.resize(start.saturating_add(room), 0);
    Ok(())
}

/// Returns the part of a buffer after its first `size` bytes.
pub(crate) fn after(buffer: &mut [u8], size: usize) -> &mut [u8] {
    buffer.get_mut(size..).unwrap_or_default()
}

/// Reserves `more` bytes; fails if memory runs out.
pub(crate) fn reserve(buffer: &mut Vec<u8>, more: usize) -> Result<()> {
    buffer.try_reserve(more).map_err(|_| Error::TooLarge {
        what: "buffer",
        wanted: format!("{} + {more} bytes", buffer.len()),
        limit: buffer.capacity() as u64,
    })
}
