//! What a read wants of a store, and what it does with the answer.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use super::Body;
use super::job::{ChunkJob, DecodeJob};
use super::location::ChunkLocation;
use super::object::Attempt;
use super::part::ChunkPart;
use super::touched::ObjectPart;
use crate::byte_range::ByteRange;
use crate::codec::{ShardIndex, Sharding};
use crate::error::{Error, Result};
use crate::size::to_usize;

/// A range of bytes that a read needs. What follows from it writes to elements that nothing else writes to, so it is not `Clone`:
/// see [`ObjectRead::attempt`](super::ObjectRead::attempt).
#[derive(Debug)]
pub struct Fetch {
    range: ByteRange,
    purpose: Purpose,
    job: ChunkJob,
    /// Where the chunk is in its object; `None` for all of it.
    within: Option<Range<u64>>,
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
    fn chunk(job: ChunkJob, within: Option<Range<u64>>) -> Self {
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
            return Err(self.job.location.wrap(error));
        }
        if self.range == ByteRange::All {
            self.check_size(body.object_size)?;
        }
        match self.purpose {
            Purpose::Chunk => Ok(vec![Work::Decode(DecodeJob {
                job: self.job,
                encoded: Some(body.bytes),
            })]),
            Purpose::Shard => open_whole(self.job, &body.bytes),
            Purpose::Index => {
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
        match self.purpose {
            Purpose::Index => decode_index(&self.job, encoded),
            _ => Err(self.no_index()),
        }
    }

    /// Goes on with a decoded index, of a shard in an object of this many bytes.
    ///
    /// # Errors
    /// Where an entry that is needed is damaged, or where the fetch is not for an index.
    pub fn open(self, index: &ShardIndex, object_size: u64) -> Result<Vec<Work>> {
        if self.purpose != Purpose::Index {
            return Err(self.no_index());
        }
        let within = self.within.unwrap_or(0..object_size);
        open(self.job, index, &Encoded::Stored(within))
    }

    fn no_index(&self) -> Error {
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
        let item_size = self.job.part.chain.decoded().item_size() as u64;
        self.job.part.chunk_len().saturating_mul(item_size)
    }

    fn absent(self) -> Result<Vec<Work>> {
        let part = match self.purpose {
            Purpose::Chunk => matches!(self.range, ByteRange::Range(_)),
            Purpose::Index | Purpose::Shard => self.within.is_some(),
        };
        if part {
            let reason = "the object is gone, though its index was read";
            return Err(self.job.location.wrap(Error::corrupt("shard", reason)));
        }
        Ok(vec![Work::Decode(DecodeJob {
            job: self.job,
            encoded: None,
        })])
    }
}

/// Where the bytes of a shard are.
enum Encoded<'a> {
    /// In these bytes of the stored object.
    Stored(Range<u64>),
    /// In memory.
    Here(&'a Bytes),
}

fn decode_index(shard: &ChunkJob, encoded: &[u8]) -> Result<ShardIndex> {
    let index = shard.sharding().decode_index(encoded);
    index.map_err(|error| shard.location.wrap(error.member("shard index")))
}

/// Goes on with all bytes of a shard.
fn open_whole(shard: ChunkJob, bytes: &Bytes) -> Result<Vec<Work>> {
    let range = shard.sharding().index_range().resolve(bytes.len() as u64);
    let index = decode_index(&shard, &slice(bytes, &range)?)?;
    open(shard, &index, &Encoded::Here(bytes))
}

/// Goes on with the index of a shard.
fn open(shard: ChunkJob, index: &ShardIndex, encoded: &Encoded<'_>) -> Result<Vec<Work>> {
    let (offset, size) = match encoded {
        Encoded::Stored(within) => (within.start, within.end - within.start),
        Encoded::Here(bytes) => (0, bytes.len() as u64),
    };
    let parts = shard.part.inner().expect("only called for shards");
    let location = shard.location.shard(&shard.part.chain);
    let mut work = Vec::with_capacity(parts.capacity());
    for (position, part) in parts {
        let job = ChunkJob {
            location: location.inner(position),
            part,
            attempt: shard.attempt.clone(),
        };
        let range = locate(&job, index, position, size);
        let range = range.map_err(|error| job.location.wrap(error))?;
        match (range, encoded) {
            (None, _) => work.push(Work::Decode(DecodeJob { job, encoded: None })),
            (Some(range), Encoded::Stored(_)) => {
                let range = range.start + offset..range.end + offset;
                work.push(Work::Fetch(Fetch::chunk(job, Some(range))));
            }
            (Some(range), Encoded::Here(bytes)) => {
                let bytes = slice(bytes, &range)?;
                if job.part.chain.sharding().is_some() {
                    work.extend(open_whole(job, &bytes)?);
                } else {
                    let encoded = Some(bytes);
                    work.push(Work::Decode(DecodeJob { job, encoded }));
                }
            }
        }
    }
    Ok(work)
}

/// Where an inner chunk is, from the start of its shard of `size` bytes; refuses one that is larger than codecs make it.
fn locate(
    job: &ChunkJob,
    index: &ShardIndex,
    position: u64,
    size: u64,
) -> Result<Option<Range<u64>>> {
    let range = index.locate(to_usize("inner chunk", position)?, size)?;
    let chain = &job.part.chain;
    if let Some(range) = range.as_ref().filter(|_| chain.sharding().is_none()) {
        let size = to_usize("stored chunk", range.end - range.start)?;
        chain.encoded_size().check("stored chunk", size)?;
    }
    Ok(range)
}

/// A part of a shard in memory.
pub(super) fn slice(shard: &Bytes, range: &Range<u64>) -> Result<Bytes> {
    Ok(shard.slice(to_usize("shard", range.start)?..to_usize("shard", range.end)?))
}

impl ChunkJob {
    fn sharding(&self) -> &dyn Sharding {
        let sharding = self.part.chain.sharding();
        sharding.expect("only called for shards")
    }
}
