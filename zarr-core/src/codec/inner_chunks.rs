//! The encoded inner chunks of a shard between two layouts: a few large buffers, and one index
//! entry for each inner chunk.

use std::ops::Range;

use bytes::Bytes;

use super::{EncodedSize, ShardIndex, ShardIndexEntry};
use crate::error::{Error, Result};
use crate::size::to_usize;

/// The encoded inner chunks of a shard, in C order of their grid. An inner chunk takes no memory
/// besides its bytes and its index entry.
#[derive(Clone, Debug)]
pub struct InnerChunks {
    /// The places of the inner chunks in the buffers, which count as consecutive.
    entries: Vec<ShardIndexEntry>,
    /// The buffers, each with its place.
    buffers: Vec<(u64, Bytes)>,
}

/// Encoded chunks of one object, one after the other in one buffer.
#[derive(Debug, Default)]
pub struct EncodedChunks {
    bytes: Vec<u8>,
    /// The position and size of each stored chunk, in order of the buffer.
    stored: Vec<(usize, usize)>,
    /// The positions of the chunks that are not stored.
    removed: Vec<usize>,
}

impl InnerChunks {
    /// Creates a shard of `len` inner chunks of which none is stored.
    #[must_use]
    pub fn absent(len: usize) -> Self {
        Self {
            entries: vec![ShardIndex::EMPTY; len],
            buffers: Vec::new(),
        }
    }

    /// Takes the inner chunks of a stored shard.
    ///
    /// # Errors
    /// Fails if an entry of the index is damaged.
    pub fn of_shard(index: ShardIndex, shard: Bytes) -> Result<Self> {
        let size = shard.len() as u64;
        (0..index.entries().len())
            .try_for_each(|position| index.locate(position, size).map(drop))?;
        Ok(Self {
            entries: index.into_entries(),
            buffers: vec![(0, shard)],
        })
    }

    /// The number of inner chunks, stored or not.
    #[must_use]
    pub fn places(&self) -> usize {
        self.entries.len()
    }

    /// Whether no inner chunk is stored.
    #[must_use]
    pub fn is_absent(&self) -> bool {
        self.entries.iter().all(|entry| *entry == ShardIndex::EMPTY)
    }

    /// Returns an inner chunk, if it is stored, without a copy.
    #[must_use]
    pub fn get(&self, position: usize) -> Option<Bytes> {
        let [start, size] = self.entries[position];
        (start != u64::MAX).then(|| self.slices(start..start + size).next().unwrap_or_default())
    }

    /// Replaces an inner chunk, or removes it.
    pub fn set(&mut self, position: usize, chunk: Option<Bytes>) {
        self.entries[position] = match &chunk {
            Some(chunk) => [self.end(), chunk.len() as u64],
            None => ShardIndex::EMPTY,
        };
        let chunk = chunk.filter(|chunk| !chunk.is_empty());
        self.buffers.extend(chunk.map(|chunk| (self.end(), chunk)));
    }

    /// Replaces and removes the inner chunks that were encoded.
    pub fn extend(&mut self, chunks: EncodedChunks) {
        let mut end = self.end();
        for (position, size) in chunks.stored {
            self.entries[position] = [end, size as u64];
            end += size as u64;
        }
        for position in chunks.removed {
            self.entries[position] = ShardIndex::EMPTY;
        }
        if !chunks.bytes.is_empty() {
            self.buffers.push((self.end(), chunks.bytes.into()));
        }
    }

    /// Places all stored inner chunks in C order, from `offset` of a shard on. Returns their index
    /// entries and consecutive pieces.
    ///
    /// # Errors
    /// Fails if an inner chunk has no bytes, or the shard is too large.
    pub fn lay_out(self, offset: u64) -> Result<(Vec<ShardIndexEntry>, Vec<Bytes>)> {
        let all = 0..self.places();
        self.lay_out_in(all, offset)
    }

    /// Places the stored inner chunks like [`Self::lay_out`], in the order of these positions.
    ///
    /// # Errors
    /// The errors of [`Self::lay_out`].
    pub fn lay_out_in(
        mut self,
        order: impl IntoIterator<Item = usize>,
        mut offset: u64,
    ) -> Result<(Vec<ShardIndexEntry>, Vec<Bytes>)> {
        let mut ranges: Vec<Range<u64>> = Vec::new();
        let mut entries = std::mem::take(&mut self.entries);
        for position in order {
            let entry = &mut entries[position];
            if *entry == ShardIndex::EMPTY {
                continue;
            }
            let [start, size] = *entry;
            match ranges.last_mut() {
                Some(last) if last.end == start => last.end += size,
                _ => ranges.push(start..start + size),
            }
            *entry = [offset, size];
            offset = end_of(*entry)?;
        }
        let pieces = ranges.into_iter().flat_map(|range| self.slices(range));
        let pieces = pieces.collect();
        Ok((entries, pieces))
    }

    fn end(&self) -> u64 {
        let last = self.buffers.last();
        last.map_or(0, |(start, buffer)| start + buffer.len() as u64)
    }

    /// Returns the bytes at a range of the buffers.
    fn slices(&self, range: Range<u64>) -> impl Iterator<Item = Bytes> + '_ {
        let first = self
            .buffers
            .partition_point(|(start, buffer)| start + buffer.len() as u64 <= range.start);
        let within = move |(start, buffer): &(u64, Bytes)| {
            let size = buffer.len() as u64;
            let (from, to) = (range.start.max(*start), range.end.min(start + size));
            let place = |at: u64| usize::try_from(at - start).expect("a place in a buffer");
            (from < to).then(|| buffer.slice(place(from)..place(to)))
        };
        self.buffers[first..].iter().map_while(within)
    }
}

impl FromIterator<Option<Bytes>> for InnerChunks {
    fn from_iter<I: IntoIterator<Item = Option<Bytes>>>(chunks: I) -> Self {
        let chunks = chunks.into_iter().collect::<Vec<_>>();
        let mut inner = Self::absent(chunks.len());
        for (position, chunk) in chunks.into_iter().enumerate() {
            inner.set(position, chunk);
        }
        inner
    }
}

/// Returns the end of an inner chunk in its shard.
fn end_of([offset, size]: ShardIndexEntry) -> Result<u64> {
    let end = offset
        .checked_add(size)
        .filter(|&end| to_usize("shard", end).is_ok());
    match end {
        Some(end) if size > 0 => Ok(end),
        Some(_) => Err(Error::size("encoded inner chunk", 0, "1 or more")),
        None => Err(Error::TooLarge {
            what: "shard",
            wanted: format!("{offset} + {size} bytes"),
            limit: usize::MAX as u64,
        }),
    }
}

/// The most memory that encoded chunks reserve in advance, in bytes.
const RESERVE: usize = 1 << 20;

impl EncodedChunks {
    /// Creates an empty buffer for up to `count` chunks of this size: growth would fragment the
    /// heap.
    pub(crate) fn reserve(count: u64, size: EncodedSize) -> Self {
        let count = usize::try_from(count).unwrap_or(RESERVE).min(RESERVE / 64);
        let size = match size {
            EncodedSize::Exact(size) => count.saturating_mul(size).min(RESERVE),
            EncodedSize::AtMost(_) => 0,
        };
        Self {
            bytes: Vec::with_capacity(size),
            stored: Vec::with_capacity(count),
            removed: Vec::new(),
        }
    }

    /// Appends a chunk with `encode`, which returns whether the chunk is stored. After an error,
    /// the chunks are of no use.
    pub(crate) fn push(
        &mut self,
        position: usize,
        encode: impl FnOnce(&mut Vec<u8>) -> Result<bool>,
    ) -> Result<()> {
        let start = self.bytes.len();
        if encode(&mut self.bytes)? {
            self.stored.push((position, self.bytes.len() - start));
        } else {
            self.removed.push(position);
        }
        Ok(())
    }

    /// Returns the bytes of the chunks; `None` if no chunk is stored.
    pub(crate) fn into_bytes(self) -> Option<Bytes> {
        (!self.stored.is_empty()).then(|| self.bytes.into())
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn encoded(chunks: &[(usize, &[u8])]) -> EncodedChunks {
        let mut encoded = EncodedChunks::default();
        for &(position, chunk) in chunks {
            let append = |bytes: &mut Vec<u8>| {
                bytes.extend_from_slice(chunk);
                Ok(!chunk.is_empty())
            };
            encoded.push(position, append).unwrap();
        }
        encoded
    }

    /// Changes an `InnerChunks` and a plain list alike, pseudo-randomly, and compares them.
    #[test]
    fn changes_in_any_order_are_those_of_a_list() {
        let mut state = 1_u64;
        let mut random = move |end: usize| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 33) as usize % end
        };
        for len in [1, 2, 7, 40] {
            let mut model: Vec<Option<Vec<u8>>> = vec![None; len];
            let mut inner = InnerChunks::absent(len);
            for step in 0..60 {
                let first = random(len);
                let count = 1 + random(len - first);
                let new = (first..first + count)
                    .map(|position| (position, vec![step; random(4)]))
                    .collect::<Vec<_>>();
                if random(3) == 0 {
                    let (position, chunk) = &new[0];
                    let chunk = (!chunk.is_empty()).then(|| chunk.clone());
                    model[*position] = chunk.clone();
                    inner.set(*position, chunk.map(Bytes::from));
                } else {
                    let chunks = new.iter().map(|(at, chunk)| (*at, &**chunk));
                    inner.extend(encoded(&chunks.collect::<Vec<_>>()));
                    for (position, chunk) in new {
                        model[position] = (!chunk.is_empty()).then_some(chunk);
                    }
                }
                assert_eq!(inner.is_absent(), model.iter().all(Option::is_none));
                for (position, chunk) in model.iter().enumerate() {
                    assert_eq!(inner.get(position).as_deref(), chunk.as_deref());
                }
                let (entries, pieces) = inner.clone().lay_out(5).unwrap();
                let shard = Bytes::from([&[0; 5], &*pieces.concat()].concat());
                assert_eq!(
                    shard[5..],
                    model
                        .iter()
                        .flatten()
                        .flatten()
                        .copied()
                        .collect::<Vec<_>>()
                );
                let again = InnerChunks::of_shard(ShardIndex::new(entries), shard).unwrap();
                for (position, chunk) in model.iter().enumerate() {
                    assert_eq!(again.get(position).as_deref(), chunk.as_deref());
                }
                if step % 20 == 19 {
                    inner = again;
                }
            }
        }
    }

    #[test]
    fn buffers_in_order_are_not_copied() {
        let mut inner = InnerChunks::absent(4);
        let second = encoded(&[(2, b"ef"), (3, b"gh")]);
        let first = encoded(&[(0, b"ab"), (1, b"cd")]);
        let buffers = [first.bytes.as_ptr(), second.bytes.as_ptr()];
        inner.extend(second);
        inner.extend(first);
        let (entries, pieces) = inner.lay_out(0).unwrap();
        assert_eq!(entries, [[0, 2], [2, 2], [4, 2], [6, 2]]);
        assert_eq!(
            pieces
                .iter()
                .map(|piece| piece.as_ptr())
                .collect::<Vec<_>>(),
            buffers
        );
        assert_eq!(pieces.concat(), b"abcdefgh");
    }

    #[test]
    fn damaged_entries_and_chunks_without_bytes_are_refused() {
        let index = ShardIndex::new(vec![[0, 9]]);
        InnerChunks::of_shard(index, Bytes::from_static(b"12345678")).unwrap_err();
        let empty = InnerChunks::from_iter([Some(Bytes::new())]);
        empty.lay_out(0).unwrap_err();
    }
}
