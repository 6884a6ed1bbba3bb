//! The requests of a read to a store, and what follows from the bytes.

use std::ops::Range;
use std::sync::Arc;

use super::attempt::Attempt;
use super::decoded::DecodedChunk;
use super::job::{ChunkJob, DecodeJob};
use super::location::ChunkLocation;
use super::part::{ChunkPart, ReadOptions};
use super::touched::ObjectPart;
use crate::byte_range::ByteRange;
use crate::codec::ShardIndex;
use crate::error::{Error, Result};

/// A byte range that a read needs. The work that follows writes to elements that nothing else
/// writes to, so a fetch is not `Clone`: see [`ObjectRead::attempt`](super::ObjectRead::attempt).
#[derive(Debug)]
pub struct Fetch {
    pub(super) range: ByteRange,
    pub(super) purpose: Purpose,
    pub(super) job: ChunkJob,
    /// The byte range of the chunk in its object; `None` for the whole object.
    pub(super) within: Option<Range<u64>>,
}

/// The content of the bytes of a fetch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// An encoded chunk or inner chunk, to be decoded.
    Chunk,
    /// The index of a shard.
    Index,
    /// A whole shard, index and inner chunks.
    Shard,
}

/// The work that follows from bytes: another fetch, or a decode job.
#[derive(Debug)]
pub enum Work {
    /// A fetch of more bytes.
    Fetch(Fetch),
    /// A decode job that has all its bytes.
    Decode(DecodeJob),
}

impl Work {
    /// The size of the whole decoded chunk or shard of the work, in bytes.
    #[must_use]
    pub fn decoded_size(&self) -> u64 {
        match self {
            Self::Fetch(fetch) => fetch.decoded_size(),
            Self::Decode(job) => job.job.part.decoded_size(),
        }
    }
}

impl Purpose {
    /// Returns the purpose of the first fetch of a chunk.
    pub(super) fn first(part: &ChunkPart, options: ReadOptions) -> Self {
        if part.chain.sharding().is_none() {
            Self::Chunk
        } else if part.wants_whole_shard(options) {
            Self::Shard
        } else {
            Self::Index
        }
    }
}

impl Fetch {
    /// Creates the first fetch of an object.
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

    /// Creates the first fetch of a chunk that is a whole object (`within` is `None`) or a part of
    /// one.
    pub(super) fn chunk(job: ChunkJob, within: Option<Range<u64>>) -> Self {
        let purpose = Purpose::first(&job.part, job.attempt.options());
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

    /// Creates another first fetch of the object. The caller ensures that no two such fetches are
    /// in use at a time.
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

    /// The byte range of the object that the fetch requests.
    #[must_use]
    pub fn range(&self) -> &ByteRange {
        &self.range
    }

    /// The content of the bytes.
    #[must_use]
    pub fn purpose(&self) -> Purpose {
        self.purpose
    }

    /// Turns the fetch of a whole shard into a fetch of its index, after which inner chunks are
    /// fetched one by one. Other fetches are returned unchanged.
    #[must_use]
    pub fn by_index(mut self) -> Self {
        if self.purpose == Purpose::Shard {
            self.range = self.index_range();
            self.purpose = Purpose::Index;
        }
        self
    }

    /// Whether a decoded chunk can take the place of the bytes: see [`ChunkJob::accepts`].
    #[must_use]
    pub fn accepts(&self, decoded: &DecodedChunk) -> bool {
        self.purpose == Purpose::Chunk && self.job.accepts(decoded)
    }

    /// Returns the job that decodes the bytes, if they are a chunk; fetches for other purposes have
    /// no job.
    #[must_use]
    pub fn into_job(self) -> Option<ChunkJob> {
        (self.purpose == Purpose::Chunk).then_some(self.job)
    }

    /// The largest possible encoded size of the chunk, or of the shard without dead space between
    /// its inner chunks, in bytes.
    #[must_use]
    pub fn max_size(&self) -> u64 {
        self.job.part.chain.encoded_size().max() as u64
    }

    /// Rejects a stored chunk that is larger than its codecs can produce, before its bytes take
    /// memory.
    ///
    /// # Errors
    /// [`Error::Size`] with key and inner chunk. Shards are never too large, because they may have
    /// dead space.
    pub fn check_size(&self, size: u64) -> Result<()> {
        let max = self.max_size();
        if self.purpose != Purpose::Chunk || size <= max {
            return Ok(());
        }
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        let error = Error::size("stored chunk", size, format_args!("at most {max}"));
        Err(self.job.location.wrap(error))
    }

    /// Decodes the shard index that this fetch is for.
    ///
    /// # Errors
    /// Fails if the index is damaged, or the fetch is not for an index.
    pub fn decode_index(&self, encoded: &[u8]) -> Result<ShardIndex> {
        match self.purpose {
            Purpose::Index => self.job.decode_index(encoded),
            _ => Err(self.no_index()),
        }
    }

    pub(super) fn no_index(&self) -> Error {
        let error = Error::corrupt("shard index", "this fetch is not for a shard index");
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

    /// The size of the whole decoded chunk or shard of the fetch, in bytes.
    #[must_use]
    pub fn decoded_size(&self) -> u64 {
        self.job.part.decoded_size()
    }
}
