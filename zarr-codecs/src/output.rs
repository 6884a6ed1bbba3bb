//! Where decompressors write: never more than the codec was bound to, and never memory on the word of a stored number.

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

/// Makes `decoded` end `room` bytes after `start`.
pub(crate) fn grow(decoded: &mut Vec<u8>, start: usize, room: usize) -> Result<()> {
    let more = room.saturating_sub(decoded.len() - start);
    decoded.try_reserve(more).map_err(|_| Error::TooLarge {
        what: "memory for decoded bytes",
        wanted: room.to_string(),
        limit: isize::MAX as u64,
    })?;
    decoded.resize(start + room, 0);
    Ok(())
}
