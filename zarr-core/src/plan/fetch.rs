//! What a read wants of a store, and what it does with the answer.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use super::job::{ChunkJob, DecodeJob};
use super::object::Attempt;
use super::{Body, Place};
use crate::byte_range::ByteRange;
use crate::chunk_grid::GridDimension;
use crate::codec::{CodecChain, ShardIndex, Sharding};
use crate::error::{Error, Result};
use crate::selection::Wanted;
use crate::size::{c_strides, product, to_usize};

/// A shard of which at least this share of the inner chunks is wanted is read whole, in percent.
const WHOLE_SHARD_PERCENT: u64 = 60;

/// A range of bytes that a read needs. What follows from it writes to elements that nothing else writes to, so it is not `Clone`:
/// see [`ObjectRead::attempt`](super::ObjectRead::attempt).
#[derive(Debug)]
pub struct Fetch {
    range: ByteRange,
    step: Step,
}

/// What the bytes of a fetch are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// An encoded chunk or inner chunk, to be decoded.
    Chunk,
    /// The index of a shard.
    Index,
    /// A whole shard, index and inner chunks.
    Shard,
}

/// What follows from bytes: more to fetch, or something to decode.
#[derive(Debug)]
pub enum Work {
    /// More bytes are needed.
    Fetch(Fetch),
    /// A job has all its bytes.
    Decode(DecodeJob),
}

#[derive(Debug)]
enum Step {
    Chunk(ChunkJob),
    Index(Shard),
    Whole(Shard),
}

/// A shard of which something is wanted.
#[derive(Debug)]
pub(crate) struct Shard {
    place: Place,
    attempt: Arc<Attempt>,
    chain: Arc<CodecChain>,
    /// In the stored axes of the chain.
    pub(super) wanted: Wanted,
    /// The part of the shard that lies inside the array, in stored axes.
    inside: Vec<u64>,
    /// Where the shard is in its object; `None` for all of it.
    within: Option<Range<u64>>,
}

/// What is wanted of one chunk or inner chunk, in the decoded axes of its chain.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) place: Place,
    pub(super) attempt: Arc<Attempt>,
    pub(super) chain: Arc<CodecChain>,
    pub(super) wanted: Wanted,
    /// The part of the chunk that lies inside the array.
    pub(super) inside: Vec<u64>,
}

/// A part in the stored axes of its chain.
enum Opened {
    /// To be decoded as a whole.
    Chunk(ChunkJob),
    /// To be read by its index.
    Shard(Shard),
}

impl Part {
    /// The part as a chunk or as a shard at `within` in its object, `None` for all of it.
    fn open(self, within: Option<Range<u64>>) -> Opened {
        let (mut wanted, mut inside) = (self.wanted, self.inside);
        if let Some(order) = self.chain.permutation() {
            wanted = wanted.permuted(order);
            inside = order.iter().map(|&axis| inside[axis]).collect();
        }
        let (place, attempt, chain) = (self.place, self.attempt, self.chain);
        if chain.sharding().is_none() {
            return Opened::Chunk(ChunkJob {
                place,
                attempt,
                chain,
                wanted,
            });
        }
        Opened::Shard(Shard {
            place,
            attempt,
            chain,
            wanted,
            inside,
            within,
        })
    }

    /// The job for a part that is not stored.
    fn into_job(self) -> ChunkJob {
        match self.open(None) {
            Opened::Chunk(job) => job,
            Opened::Shard(shard) => shard.into_job(),
        }
    }
}

impl Fetch {
    /// The first fetch for a part that is a whole object (`within` is `None`) or a part of one.
    pub(super) fn of(part: Part, within: Option<Range<u64>>) -> Self {
        let range = within.clone().map_or(ByteRange::All, ByteRange::Range);
        match part.open(within) {
            Opened::Chunk(job) => Self {
                range,
                step: Step::Chunk(job),
            },
            Opened::Shard(shard) if shard.wants_all() => Self {
                range,
                step: Step::Whole(shard),
            },
            Opened::Shard(shard) => Self {
                range: shard.index_range(),
                step: Step::Index(shard),
            },
        }
    }

    /// Another fetch for the same elements. The caller makes sure that no two of them are in use at a time.
    pub(super) fn duplicate(&self) -> Self {
        let step = match &self.step {
            Step::Chunk(job) => Step::Chunk(ChunkJob {
                place: job.place.clone(),
                attempt: job.attempt.clone(),
                chain: job.chain.clone(),
                wanted: job.wanted.clone(),
            }),
            Step::Index(shard) => Step::Index(shard.duplicate()),
            Step::Whole(shard) => Step::Whole(shard.duplicate()),
        };
        let range = self.range.clone();
        Self { range, step }
    }

    pub(super) fn attempt(&self) -> &Arc<Attempt> {
        match &self.step {
            Step::Chunk(job) => &job.attempt,
            Step::Index(shard) | Step::Whole(shard) => &shard.attempt,
        }
    }

    /// The key of the object.
    #[must_use]
    pub fn key(&self) -> &Arc<str> {
        self.place().key()
    }

    /// The bytes of it that are wanted.
    #[must_use]
    pub fn range(&self) -> &ByteRange {
        &self.range
    }

    /// What the bytes are.
    #[must_use]
    pub fn purpose(&self) -> Purpose {
        match &self.step {
            Step::Chunk(_) => Purpose::Chunk,
            Step::Index(_) => Purpose::Index,
            Step::Whole(_) => Purpose::Shard,
        }
    }

    /// For a whole shard: the fetch of its index instead, after which inner chunks are fetched one by one.
    #[must_use]
    pub fn by_index(self) -> Self {
        match self.step {
            Step::Whole(shard) => Self {
                range: shard.index_range(),
                step: Step::Index(shard),
            },
            step => Self {
                range: self.range,
                step,
            },
        }
    }

    /// The job that decodes the bytes, where they are a chunk.
    ///
    /// # Errors
    /// The fetch itself, where they are not.
    #[expect(
        clippy::result_large_err,
        reason = "the fetch is handed back, it is no error"
    )]
    pub fn into_job(self) -> Result<ChunkJob, Self> {
        match self.step {
            Step::Chunk(job) => Ok(job),
            _ => Err(self),
        }
    }

    /// The most bytes that the chunk can have been encoded to, or the shard without dead space between its inner chunks.
    #[must_use]
    pub fn max_size(&self) -> u64 {
        self.chain().encoded_size().max() as u64
    }

    /// Refuses a stored chunk that is larger than codecs make it, before its bytes take memory.
    ///
    /// # Errors
    /// [`Error::Size`] with key and inner chunk. Shards are never too large: they may have dead space.
    pub fn check_size(&self, size: u64) -> Result<()> {
        match &self.step {
            Step::Chunk(job) if size > self.max_size() => {
                let max = self.max_size();
                let size = usize::try_from(size).unwrap_or(usize::MAX);
                let error = Error::size("stored chunk", size, format_args!("at most {max}"));
                Err(job.place.wrap(error))
            }
            _ => Ok(()),
        }
    }

    /// Goes on with the bytes; `None` where the object does not exist.
    ///
    /// # Errors
    /// Where the bytes are damaged, or where an object is gone whose index was read.
    pub fn supply(self, body: Option<Body>) -> Result<Vec<Work>> {
        let Some(body) = body else {
            return self.absent();
        };
        if let ByteRange::Range(range) = &self.range
            && (body.bytes.len() as u64) < range.end - range.start
        {
            let error = Error::size("stored bytes", body.bytes.len(), range.end - range.start);
            return Err(self.place().wrap(error));
        }
        if self.range == ByteRange::All {
            self.check_size(body.object_size)?;
        }
        match self.step {
            Step::Chunk(job) => Ok(vec![Work::Decode(DecodeJob {
                job,
                encoded: Some(body.bytes),
            })]),
            Step::Whole(shard) => shard.open_whole(&body.bytes),
            Step::Index(_) => {
                let index = self.decode_index(&body.bytes)?;
                self.open(&index, body.object_size)
            }
        }
    }

    /// Decodes the index that this fetch is for.
    ///
    /// # Errors
    /// Where it is damaged, or where the fetch is for something else.
    pub fn decode_index(&self, encoded: &[u8]) -> Result<ShardIndex> {
        match &self.step {
            Step::Index(shard) => shard.decode_index(encoded),
            _ => Err(self
                .place()
                .wrap(Error::corrupt("shard index", "not what was fetched"))),
        }
    }

    /// Goes on with a decoded index, of a shard in an object of this many bytes.
    ///
    /// # Errors
    /// Where an entry that is needed is damaged, or where the fetch is not for an index.
    pub fn open(self, index: &ShardIndex, object_size: u64) -> Result<Vec<Work>> {
        match self.step {
            Step::Index(shard) => shard.open(index, object_size, None),
            _ => Err(self
                .place()
                .wrap(Error::corrupt("shard index", "not what was fetched"))),
        }
    }

    /// The shard, where the fetch is for one or its index.
    pub(super) fn shard(&self) -> Option<&Shard> {
        match &self.step {
            Step::Chunk(_) => None,
            Step::Index(shard) | Step::Whole(shard) => Some(shard),
        }
    }

    /// The size of the whole decoded chunk or shard that the fetch is for, in bytes.
    #[must_use]
    pub fn decoded_size(&self) -> u64 {
        let spec = self.chain().decoded();
        self.chunk_len().saturating_mul(spec.item_size() as u64)
    }

    /// The number of elements of the chunk that the fetch is for.
    pub(super) fn chunk_len(&self) -> u64 {
        self.chain().decoded().elements().unwrap_or(u64::MAX)
    }

    fn chain(&self) -> &CodecChain {
        match &self.step {
            Step::Chunk(job) => &job.chain,
            Step::Index(shard) | Step::Whole(shard) => &shard.chain,
        }
    }

    fn place(&self) -> &Place {
        match &self.step {
            Step::Chunk(job) => &job.place,
            Step::Index(shard) | Step::Whole(shard) => &shard.place,
        }
    }

    fn absent(self) -> Result<Vec<Work>> {
        let place = self.place().clone();
        let (job, part) = match self.step {
            Step::Chunk(job) => (job, matches!(self.range, ByteRange::Range(_))),
            Step::Index(shard) | Step::Whole(shard) => {
                let part = shard.within.is_some();
                (shard.into_job(), part)
            }
        };
        if part {
            return Err(place.wrap(Error::corrupt(
                "shard",
                "the object is gone, though its index was read",
            )));
        }
        Ok(vec![Work::Decode(DecodeJob { job, encoded: None })])
    }
}

impl Shard {
    fn duplicate(&self) -> Self {
        Self {
            place: self.place.clone(),
            attempt: self.attempt.clone(),
            chain: self.chain.clone(),
            wanted: self.wanted.clone(),
            inside: self.inside.clone(),
            within: self.within.clone(),
        }
    }

    /// The job for a shard that is not stored.
    fn into_job(self) -> ChunkJob {
        ChunkJob {
            place: self.place,
            attempt: self.attempt,
            chain: self.chain,
            wanted: self.wanted,
        }
    }

    pub(super) fn sharding(&self) -> &dyn Sharding {
        self.chain
            .sharding()
            .expect("a shard is only made of a chain that has one")
    }

    fn inner_grid(&self) -> Vec<GridDimension> {
        inner_grid(self.sharding())
    }

    fn wants_all(&self) -> bool {
        let grid = self.inner_grid();
        let inside = grid
            .iter()
            .zip(&self.inside)
            .map(|(dimension, &len)| dimension.cells(len))
            .collect::<Vec<_>>();
        let all = product(&inside).unwrap_or(u64::MAX);
        let touched = self.wanted.parts(&grid).left();
        touched.saturating_mul(100) >= all.saturating_mul(WHOLE_SHARD_PERCENT)
    }

    fn index_range(&self) -> ByteRange {
        let range = self.sharding().index_range();
        match &self.within {
            None => range,
            Some(within) => {
                let part = range.resolve(within.end - within.start);
                ByteRange::Range(within.start + part.start..within.start + part.end)
            }
        }
    }

    fn decode_index(&self, encoded: &[u8]) -> Result<ShardIndex> {
        let index = self.sharding().decode_index(encoded);
        index.map_err(|error| self.place.wrap(error.member("shard index")))
    }

    /// Goes on with all bytes of the shard.
    pub(crate) fn open_whole(&self, shard: &Bytes) -> Result<Vec<Work>> {
        let size = shard.len() as u64;
        let range = self.sharding().index_range().resolve(size);
        let index = &shard[to_usize("shard", range.start)?..to_usize("shard", range.end)?];
        self.open(&self.decode_index(index)?, size, Some(shard))
    }

    /// Goes on with the index of the shard, and perhaps all its bytes.
    fn open(
        &self,
        index: &ShardIndex,
        object_size: u64,
        shard: Option<&Bytes>,
    ) -> Result<Vec<Work>> {
        let sharding = self.sharding();
        let grid = self.inner_grid();
        let strides = c_strides(sharding.chunks_per_shard());
        let (offset, size) = match (&self.within, shard) {
            (_, Some(shard)) => (0, shard.len() as u64),
            (Some(within), None) => (within.start, within.end - within.start),
            (None, None) => (0, object_size),
        };
        let parts = self.wanted.parts(&grid);
        let mut work = Vec::with_capacity(usize::try_from(parts.left()).unwrap_or(0).min(1 << 16));
        for (cell, wanted) in parts {
            let place = self.place.inner(&cell);
            let position = cell
                .iter()
                .zip(&strides)
                .map(|(cell, stride)| cell * stride)
                .sum();
            let range = index
                .locate(to_usize("inner chunk", position)?, size)
                .map_err(|error| place.wrap(error))?;
            let inside = inside_of(&self.inside, &grid, &cell);
            let chain = sharding.inner().clone();
            if let Some(range) = range.as_ref().filter(|_| chain.sharding().is_none()) {
                let size = to_usize("stored chunk", range.end - range.start)?;
                let checked = chain.encoded_size().check("stored chunk", size);
                checked.map_err(|error| place.wrap(error))?;
            }
            let part = Part {
                place,
                attempt: self.attempt.clone(),
                chain,
                wanted,
                inside,
            };
            let Some(range) = range else {
                let job = part.into_job();
                work.push(Work::Decode(DecodeJob { job, encoded: None }));
                continue;
            };
            let Some(shard) = shard else {
                let range = range.start + offset..range.end + offset;
                work.push(Work::Fetch(Fetch::of(part, Some(range))));
                continue;
            };
            let bytes = shard.slice(to_usize("shard", range.start)?..to_usize("shard", range.end)?);
            match part.open(None) {
                Opened::Chunk(job) => work.push(Work::Decode(DecodeJob {
                    job,
                    encoded: Some(bytes),
                })),
                Opened::Shard(inner) => work.extend(inner.open_whole(&bytes)?),
            }
        }
        Ok(work)
    }
}

/// The division of a shard into inner chunks.
pub(crate) fn inner_grid(sharding: &dyn Sharding) -> Vec<GridDimension> {
    sharding
        .inner()
        .decoded()
        .shape
        .iter()
        .map(|&len| GridDimension::Fixed(len))
        .collect()
}

/// The part of a chunk that lies inside an array of which `inside` elements are left along each dimension.
pub(crate) fn inside_of(inside: &[u64], grid: &[GridDimension], cell: &[u64]) -> Vec<u64> {
    let axes = inside.iter().zip(grid).zip(cell);
    axes.map(|((&len, dimension), &cell)| {
        len.saturating_sub(dimension.start(cell))
            .min(dimension.len(cell))
    })
    .collect()
}
