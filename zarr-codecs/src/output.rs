//! Buffers for what codecs write, and how much they may write.

use zarr_core::codec::EncodedSize;
use zarr_core::{Error, Result};

/// What a stream of any size may have beside its data, in bytes.
const EXTRA: usize = 64 << 10;

/// What our encoders and those of others may make of `decoded` bytes. Ours stay far below; streams with flush points, file
/// names or empty frames do not.
pub(crate) fn encoded_bound(decoded: EncodedSize) -> EncodedSize {
    let size = decoded.max();
    EncodedSize::AtMost(size.saturating_add(size / 8).saturating_add(EXTRA))
}

/// Makes a buffer end `room` bytes after `start`, with zeros in what is new.
pub(crate) fn grow(buffer: &mut Vec<u8>, start: usize, room: usize) -> Result<()> {
    reserve(buffer, room.saturating_sub(buffer.len() - start))?;
    buffer.resize(start + room, 0);
    Ok(())
}

/// Makes room for `more` bytes, where there is memory for them.
pub(crate) fn reserve(buffer: &mut Vec<u8>, more: usize) -> Result<()> {
    buffer.try_reserve(more).map_err(|_| Error::TooLarge {
        what: "buffer",
        wanted: format!("{} + {more} bytes", buffer.len()),
        limit: buffer.capacity() as u64,
    })
}
