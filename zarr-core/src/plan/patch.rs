//! Shards that change at the cost of the change: their first bytes stay, followed by the changed
//! inner chunks and a new index.

use std::ops::Range;

use bytes::Bytes;

use super::encode::located;
use super::write::{ObjectState, ObjectWrite};
use crate::byte_range::ByteRange;
use crate::codec::{InnerChunks, ShardIndex, ShardIndexEntry, Sharding};
use crate::error::Result;
use crate::size::{to_usize, used};

/// The changes that successive writes make to a stored shard.
#[derive(Debug)]
pub struct ShardPatch {
    /// The first write.
    write: ObjectWrite,
    /// Whether each inner chunk is touched, in C order.
    touched: Vec<bool>,
    /// The index entries of the inner chunks that stay.
    entries: Vec<ShardIndexEntry>,
    merged: Vec<(usize, Range<u64>)>,
    keep: u64,
    dead: u64,
    /// The most dead space, in percent of the new shard.
    most_dead: u8,
}

/// A shard to be stored: the first bytes of the old shard, followed by new bytes.
#[derive(Debug)]
pub struct PatchedShard {
    /// The number of bytes at the start of the old shard that stay.
    pub keep: u64,
    /// The new bytes after the bytes that stay, as consecutive pieces.
    pub tail: Vec<Bytes>,
    /// The index of the new shard.
    pub index: ShardIndex,
    /// The size of the new shard, in bytes.
    pub object_size: u64,
}

/// The size of a shard, and its dead space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShardSpace {
    /// The size of the shard, in bytes.
    pub size: u64,
    /// The number of bytes that belong to neither an inner chunk nor the index.
    pub dead: u64,
}

impl ShardSpace {
    /// Whether dead space exceeds `percent` of the shard.
    #[must_use]
    pub fn is_more_than(&self, percent: u8) -> bool {
        !within(self.dead, percent, self.size)
    }
}

impl ShardPatch {
    /// Creates the patch that these writes make to a shard of `object_size` bytes. With `keep_all`,
    /// all bytes of the old shard stay, its index too, which becomes dead space. Returns `None` if
    /// the shard must be stored whole: its index is not at its end, or the patch would leave more
    /// dead space than the writes allow.
    ///
    /// # Errors
    /// Fails if the index is damaged.
    ///
    /// # Panics
    /// Panics if `writes` is empty.
    pub fn new(
        writes: &[ObjectWrite],
        index: &ShardIndex,
        object_size: u64,
        keep_all: bool,
    ) -> Result<Option<Self>> {
        let (write, most_dead) = (&writes[0], writes.iter().map(ObjectWrite::dead_space).min());
        let least = if keep_all { object_size } else { 0 };
        Self::of(writes, most_dead.unwrap_or(0), index, (object_size, least))
            .map_err(|error| write.location().wrap(error))
    }

    fn of(
        writes: &[ObjectWrite],
        most_dead: u8,
        index: &ShardIndex,
        (object_size, least): (u64, u64),
    ) -> Result<Option<Self>> {
        let write = &writes[0];
        let Some((sharding, index_size)) = write.end_sharding() else {
            return Ok(None);
        };
        let mut old = write.located(index, object_size)?;
        let mut touched = vec![false; old.len()];
        let mut merged = Vec::new();
        for part in writes.iter().filter_map(|write| write.part().inner()) {
            for (position, part) in part {
                let position = to_usize("inner chunk", position)?;
                // An inner chunk touched by an earlier write is no longer old.
                let first = !std::mem::replace(&mut touched[position], true);
                if let Some(range) = old[position].take().filter(|_| first && !part.replaces()) {
                    merged.push((position, range));
                }
            }
        }
        let entry = |range: &Option<Range<u64>>| {
            let range = range.as_ref();
            range.map_or(ShardIndex::EMPTY, |range| {
                [range.start, range.end - range.start]
            })
        };
        let entries = old.iter().map(entry).collect();
        let kept = old.into_iter().flatten().collect::<Vec<_>>();
        let keep = kept.iter().map(|range| range.end).fold(least, u64::max);
        let dead = keep - used(kept);
        let count = touched.iter().filter(|&&touched| touched).count() as u64;
        let largest = sharding.inner().encoded_size().max() as u64;
        let most = keep
            .saturating_add(count.saturating_mul(largest))
            .saturating_add(index_size);
        Ok(within(dead, most_dead, most).then(|| Self {
            write: write.clone(),
            touched,
            entries,
            merged,
            keep,
            dead,
            most_dead,
        }))
    }

    /// The inner chunks in which some elements stay and others change, and their byte ranges in the
    /// old shard.
    #[must_use]
    pub fn merged(&self) -> &[(usize, Range<u64>)] {
        &self.merged
    }

    /// Returns the state over which the writes are encoded, one after the other: the merged inner
    /// chunks of the old shard, in the order of [`Self::merged`].
    #[must_use]
    pub fn state(&self, merged: impl IntoIterator<Item = Bytes>) -> ObjectState {
        let mut inner = InnerChunks::absent(self.touched.len());
        for ((position, _), bytes) in self.merged.iter().zip(merged) {
            inner.set(*position, Some(bytes));
        }
        ObjectState::Inner(inner)
    }

    /// Returns the new shard, given the state to which the writes changed [`Self::state`]; `None`
    /// if the new shard would have more dead space than the writes allow.
    ///
    /// # Errors
    /// Fails if the index cannot be encoded.
    pub fn finish(self, state: ObjectState) -> Result<Option<PatchedShard>> {
        let location = self.write.location().clone();
        self.lay_out(state).map_err(|error| location.wrap(error))
    }

    fn lay_out(mut self, state: ObjectState) -> Result<Option<PatchedShard>> {
        let (ObjectState::Inner(inner), Some((sharding, _))) = (state, self.write.end_sharding())
        else {
            return Ok(None);
        };
        let tail = sharding.append(self.keep, &mut self.entries, inner)?;
        let size = tail.iter().map(|piece| piece.len() as u64).sum::<u64>();
        let object_size = self.keep.saturating_add(size);
        Ok(
            within(self.dead, self.most_dead, object_size).then(|| PatchedShard {
                keep: self.keep,
                tail,
                index: ShardIndex::new(self.entries),
                object_size,
            }),
        )
    }
}

impl ObjectWrite {
    /// Whether the write may patch the object: the write allows dead space, the object is a shard
    /// with its index at the end, and no codec follows sharding.
    #[must_use]
    pub fn is_patchable(&self) -> bool {
        self.dead_space() > 0 && self.end_sharding().is_some()
    }

    /// The largest size of a patch, in bytes: the touched inner chunks, and the index.
    #[must_use]
    pub fn max_patch_size(&self) -> u64 {
        let Some(((sharding, index_size), (touched, _))) =
            self.end_sharding().zip(self.part().touched())
        else {
            return self.max_size();
        };
        let largest = sharding.inner().encoded_size().max() as u64;
        touched.saturating_mul(largest).saturating_add(index_size)
    }

    /// Decodes the index of a shard; returns an empty index for an object that is not a shard.
    ///
    /// # Errors
    /// Fails if the index is damaged.
    pub fn decode_index(&self, encoded: &[u8]) -> Result<ShardIndex> {
        let decoded = match self.part().chain.sharding() {
            Some(sharding) => sharding.decode_index(encoded),
            None => Ok(ShardIndex::new(Vec::new())),
        };
        decoded.map_err(|error| self.location().wrap(error))
    }

    /// Returns the space of a shard with this index; `None` if the object is not a shard.
    ///
    /// # Errors
    /// Fails if the index is damaged.
    pub fn space(&self, index: &ShardIndex, object_size: u64) -> Result<Option<ShardSpace>> {
        let Some(range) = self.index_range() else {
            return Ok(None);
        };
        let ranges = located(index, object_size).map_err(|error| self.location().wrap(error))?;
        let taken = ranges.into_iter().flatten();
        let taken = taken.chain([range.resolve(object_size)]).collect();
        Ok(Some(ShardSpace {
            size: object_size,
            dead: object_size.saturating_sub(used(taken)),
        }))
    }

    /// Returns the sharding of a shard with its index at the end, and the size of the index.
    fn end_sharding(&self) -> Option<(&dyn Sharding, u64)> {
        let sharding = self.part().chain.sharding()?;
        match sharding.index_range() {
            ByteRange::Suffix(size) => Some((sharding, size)),
            _ => None,
        }
    }
}

/// Whether dead space is at most `percent` of a shard.
fn within(dead: u64, percent: u8, size: u64) -> bool {
    u128::from(dead) * 100 <= u128::from(size) * u128::from(percent)
}
