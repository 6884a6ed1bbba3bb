//! The decoded index of a shard.

#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::panic
)]

use std::ops::Range;

use crate::error::{Error, Result};

/// One entry as stored: offset and number of bytes, both 2^64 - 1 if the inner chunk is not stored.
pub type ShardIndexEntry = [u64; 2];

/// The locations of the inner chunks of a shard. Entries are checked on use, because entries of
/// inner chunks outside the array may hold anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShardIndex {
    entries: Box<[ShardIndexEntry]>,
}

impl ShardIndex {
    /// The entry of an inner chunk that is not stored.
    pub const EMPTY: ShardIndexEntry = [u64::MAX, u64::MAX];

    /// Creates an index from entries in C order of the grid of inner chunks.
    #[must_use]
    pub fn new(entries: Vec<ShardIndexEntry>) -> Self {
        Self {
            entries: entries.into(),
        }
    }

    /// Returns the byte range of the inner chunk at this position, from the start of a shard of
    /// `shard_size` bytes; `None` if the inner chunk is not stored (all fill values).
    ///
    /// # Errors
    /// [`Error::Corrupt`] for an entry that is half empty, has no bytes, or reaches past the end of
    /// the shard.
    pub fn locate(&self, position: usize, shard_size: u64) -> Result<Option<Range<u64>>> {
        let entry = self.entries.get(position).copied().unwrap_or(Self::EMPTY);
        if entry == Self::EMPTY {
            return Ok(None);
        }
        let [offset, size] = entry;
        let reason = match offset.checked_add(size) {
            _ if offset == u64::MAX || size == u64::MAX => {
                "only one of offset and nbytes is 2^64 - 1".to_owned()
            }
            _ if size == 0 => "nbytes is 0".to_owned(),
            Some(end) if end <= shard_size => return Ok(Some(offset..end)),
            _ => format!("past the end of the shard of {shard_size} bytes"),
        };
        Err(Error::corrupt(
            "shard index",
            format!("entry {position} has offset {offset} and nbytes {size}: {reason}"),
        ))
    }

    /// The entries, in C order of the grid of inner chunks.
    #[must_use]
    pub fn entries(&self) -> &[ShardIndexEntry] {
        &self.entries
    }

    /// Returns the entries without a copy.
    pub(super) fn into_entries(self) -> Vec<ShardIndexEntry> {
        self.entries.into()
    }

    /// The memory that the index takes, in bytes.
    #[must_use]
    pub fn nbytes(&self) -> usize {
        size_of_val(&*self.entries)
    }
}
