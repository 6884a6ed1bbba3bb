//! What a read wants of a store, and what it does with the answer.

use std::ops::Range;
use std::sync::Arc;

use super::attempt::Attempt;
use super::job::{ChunkJob, DecodeJob};
use super::location::ChunkLocation;
use super::part::ChunkPart;
use super::touched::ObjectPart;
use crate::byte_range::ByteRange;
use crate::codec::ShardIndex;
use crate::error::{Error, Result};

/// A range of bytes that a read needs. What follows from it writes to elements that nothing else writes to, so it is not `Clone`:
/// see [`ObjectRead::attempt`](super::ObjectRead::attempt).
#[derive(Debug)]
pub struct Fetch {
    pub(super) range: ByteRange,
    pub(super) purpose: Purpose,
    pub(super) job: ChunkJob,
    /// Where the chunk is in its object; `None` for all of it.
    pub(super) within: Option<Range<u64>>,
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

impl Work {
    /// The size of the whole decoded chunk or shard that the work is for, in bytes.
    #[must_use]
    pub fn decoded_size(&self) -> u64 {
        match self {
            Self::Fetch(fetch) => fetch.decoded_size(),
            Self::Decode(job) => job.job.part.decoded_size(),
        }
    }
}

impl Purpose {
    /// What is fetched first of a chunk.
    pub(super) fn first(part: &ChunkPart) -> Self {
        if part.chain.sharding().is_none() {
            Self::Chunk
        } else if part.wants_whole_shard() {
            Self::Shard
        } else {
            Self::Index
        }
    }
}

impl Fetch {
    /// The first fetch of an object.
    pub(super) fn object(object: ObjectPart, attempt: Arc<Attempt>) -> Self {
        let location = ChunkLocation::new(object.key);
        let part = object.part;
        let job = ChunkJob {
            location,
            part,
            attempt,
        };
        Self::chunk(job, None)
    }

    /// The first fetch of a chunk that is a whole object (`within` is `None`) or a part of one.
    pub(super) fn chunk(job: ChunkJob, within: Option<Range<u64>>) -> Self {
        let purpose = Purpose::first(&job.part);
        let mut fetch = Self {
            range: within.clone().map_or(ByteRange::All, ByteRange::Range),
            purpose,
            job,
            within,
        };
        if purpose == Purpose::Index {
            fetch.range = fetch.index_range();
        }
        fetch
    }

    /// Another first fetch of the same object. The caller makes sure that no two of them are in use at a time.
    pub(super) fn duplicate(&self) -> Self {
        let job = ChunkJob {
            location: self.job.location.clone(),
            part: self.job.part.clone(),
            attempt: self.job.attempt.clone(),
        };
        Self::chunk(job, self.within.clone())
    }

    pub(super) fn attempt(&self) -> &Arc<Attempt> {
        &self.job.attempt
    }

    /// The key of the object.
    #[must_use]
    pub fn key(&self) -> &Arc<str> {
        self.job.location.key()
    }

    /// The bytes of it that are wanted.
    #[must_use]
    pub fn range(&self) -> &ByteRange {
        &self.range
    }

    /// What the bytes are.
    #[must_use]
    pub fn purpose(&self) -> Purpose {
        self.purpose
    }

    /// For a whole shard: the fetch of its index instead, after which inner chunks are fetched one by one.
    #[must_use]
    pub fn by_index(mut self) -> Self {
        if self.purpose == Purpose::Shard {
            self.range = self.index_range();
            self.purpose = Purpose::Index;
        }
        self
    }

    /// The job that decodes the bytes, where they are a chunk: the other purposes have none.
    #[must_use]
    pub fn into_job(self) -> Option<ChunkJob> {
        (self.purpose == Purpose::Chunk).then_some(self.job)
    }

    /// The most bytes that the chunk can have been encoded to, or the shard without dead space between its inner chunks.
    #[must_use]
    pub fn max_size(&self) -> u64 {
        self.job.part.chain.encoded_size().max() as u64
    }

    /// Refuses a stored chunk that is larger than codecs make it, before its bytes take memory.
    ///
    /// # Errors
    /// [`Error::Size`] with key and inner chunk. Shards are never too large: they may have dead space.
    pub fn check_size(&self, size: u64) -> Result<()> {
        let max = self.max_size();
        if self.purpose != Purpose::Chunk || size <= max {
            return Ok(());
        }
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        let error = Error::size("stored chunk", size, format_args!("at most {max}"));
        Err(self.job.location.wrap(error))
    }

    /// Decodes the index that this fetch is for.
    ///
    /// # Errors
    /// Where it is damaged, or where the fetch is for something else.
    pub fn decode_index(&self, encoded: &[u8]) -> Result<ShardIndex> {
        match self.purpose {
            Purpose::Index => self.job.decode_index(encoded),
            _ => Err(self.no_index()),
        }
    }

    pub(super) fn no_index(&self) -> Error {
        let error = Error::corrupt("shard index", "not what was fetched");
        self.job.location.wrap(error)
    }

    fn index_range(&self) -> ByteRange {
        let range = self.job.sharding().index_range();
        match &self.within {
            None => range,
            Some(within) => {
                let part = range.resolve(within.end - within.start);
                ByteRange::Range(within.start + part.start..within.start + part.end)
            }
        }
    }

    /// The size of the whole decoded chunk or shard that the fetch is for, in bytes.
    #[must_use]
    pub fn decoded_size(&self) -> u64 {
        self.job.part.decoded_size()
    }
}
