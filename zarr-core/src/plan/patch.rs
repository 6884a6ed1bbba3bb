//! Shards that change for the price of what changes: their first bytes stay, and behind them go the inner chunks that change and
//! a new index.

use std::ops::Range;

use bytes::Bytes;

use super::encode::located;
use super::write::{ObjectState, ObjectWrite};
use crate::byte_range::ByteRange;
use crate::codec::{ShardIndex, ShardIndexEntry, Sharding};
use crate::error::Result;
use crate::size::to_usize;

/// What writes, one over the other, do to a shard that is stored.
#[derive(Debug)]
pub struct ShardPatch {
    /// The first of the writes.
    write: ObjectWrite,
    /// Whether an inner chunk is touched, in C order.
    touched: Vec<bool>,
    /// Where the inner chunks are that stay.
    entries: Vec<ShardIndexEntry>,
    merged: Vec<(usize, Range<u64>)>,
    keep: u64,
    dead: u64,
    /// In percent of the new shard.
    most_dead: u8,
}

/// A shard as it is to be stored: the first bytes of the old one, and what goes behind them.
#[derive(Debug)]
pub struct PatchedShard {
    /// How many of the first bytes of the old shard stay.
    pub keep: u64,
    /// What goes behind them, as pieces one after the other.
    pub tail: Vec<Bytes>,
    /// The index of the new shard.
    pub index: ShardIndex,
    /// The size of the new shard, in bytes.
    pub object_size: u64,
}

/// How much of a shard is in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShardSpace {
    /// The size of the shard, in bytes.
    pub size: u64,
    /// The bytes that neither an inner chunk nor the index takes.
    pub dead: u64,
}

impl ShardSpace {
    /// Whether more than a share, in percent, of the shard is dead space.
    #[must_use]
    pub fn is_more_than(&self, percent: u8) -> bool {
        !within(self.dead, percent, self.size)
    }
}

impl ShardPatch {
    /// The patch that these writes make of a shard of `object_size` bytes; `None` where the shard has to be stored as a whole: its index
    /// is not at its end, or more dead space would be left than the writes allow.
    ///
    /// # Errors
    /// Where the index is damaged.
    ///
    /// # Panics
    /// Without a write.
    pub fn new(
        writes: &[ObjectWrite],
        index: &ShardIndex,
        object_size: u64,
    ) -> Result<Option<Self>> {
        let (write, most_dead) = (&writes[0], writes.iter().map(ObjectWrite::dead_space).min());
        Self::of(writes, most_dead.unwrap_or(0), index, object_size)
            .map_err(|error| write.location().wrap(error))
    }

    fn of(
        writes: &[ObjectWrite],
        most_dead: u8,
        index: &ShardIndex,
        object_size: u64,
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
                // What an earlier one of the writes touches is old no more.
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
        let keep = kept.iter().map(|range| range.end).max().unwrap_or(0);
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

    /// The inner chunks of which elements stay and others change, and where they are in the old shard.
    #[must_use]
    pub fn merged(&self) -> &[(usize, Range<u64>)] {
        &self.merged
    }

    /// What the writes are encoded over, one after the other: of the old shard, the inner chunks that are merged, in the order of
    /// [`Self::merged`].
    #[must_use]
    pub fn state(&self, merged: impl IntoIterator<Item = Bytes>) -> ObjectState {
        let mut inner = vec![None; self.touched.len()];
        for ((position, _), bytes) in self.merged.iter().zip(merged) {
            inner[*position] = Some(bytes);
        }
        ObjectState::Inner(inner)
    }

    /// The new shard, from what the writes made of [`Self::state`]; `None` where it would have more dead space than they allow.
    ///
    /// # Errors
    /// Where the index cannot be encoded.
    pub fn finish(self, state: ObjectState) -> Result<Option<PatchedShard>> {
        let location = self.write.location().clone();
        self.lay_out(state).map_err(|error| location.wrap(error))
    }

    fn lay_out(mut self, state: ObjectState) -> Result<Option<PatchedShard>> {
        let (ObjectState::Inner(inner), Some((sharding, _))) = (state, self.write.end_sharding())
        else {
            return Ok(None);
        };
        let new = inner.into_iter().enumerate();
        let new = new.filter_map(|(position, bytes)| Some((position, bytes?)));
        let tail = sharding.append(self.keep, &mut self.entries, new.collect())?;
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
    /// Whether the object is a shard that can be patched: its index is at its end, and no codec stands around the shard.
    #[must_use]
    pub fn is_patchable(&self) -> bool {
        self.dead_space() > 0 && self.end_sharding().is_some()
    }

    /// The most bytes that a patch sends: the inner chunks that are touched, and the index.
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

    /// Decodes the index of a shard.
    ///
    /// # Errors
    /// Where the object is no shard, or its index is damaged.
    pub fn decode_index(&self, encoded: &[u8]) -> Result<ShardIndex> {
        let decoded = match self.part().chain.sharding() {
            Some(sharding) => sharding.decode_index(encoded),
            None => Ok(ShardIndex::new(Vec::new())),
        };
        decoded.map_err(|error| self.location().wrap(error))
    }

    /// How much of a shard of this index is in use; `None` where the object is no shard.
    ///
    /// # Errors
    /// Where the index is damaged.
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

    /// The sharding of a shard whose index is at its end, and the size of the index.
    fn end_sharding(&self) -> Option<(&dyn Sharding, u64)> {
        let sharding = self.part().chain.sharding()?;
        match sharding.index_range() {
            ByteRange::Suffix(size) => Some((sharding, size)),
            _ => None,
        }
    }
}

/// The bytes that are in any of these ranges.
fn used(mut ranges: Vec<Range<u64>>) -> u64 {
    ranges.sort_unstable_by_key(|range| range.start);
    let (mut end, mut used) = (0, 0);
    for range in ranges {
        used += range.end.saturating_sub(range.start.max(end));
        end = end.max(range.end);
    }
    used
}

/// Whether dead space is no more than a share, in percent, of a shard.
fn within(dead: u64, percent: u8, size: u64) -> bool {
    u128::from(dead) * 100 <= u128::from(size) * u128::from(percent)
}
