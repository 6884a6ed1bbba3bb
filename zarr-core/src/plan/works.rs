//! The work that follows from the bytes of a fetch, created lazily, because a shard may have
//! millions of inner chunks.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use super::Body;
use super::attempt::Attempt;
use super::fetch::{Fetch, Purpose, Work};
use super::job::{ChunkJob, DecodeJob};
use super::location::{ChunkLocation, ShardLocation};
use super::part::{ChunkPart, InnerParts};
use crate::byte_range::ByteRange;
use crate::codec::{ShardIndex, Sharding};
use crate::error::{Error, Result};
use crate::size::{slice, to_usize};

/// The work that follows from bytes: jobs and further fetches, in the order of the inner chunks.
/// After an error, the remaining work is useless.
#[derive(Debug)]
pub struct Works(Kind);

#[derive(Debug)]
enum Kind {
    One(Option<Box<Work>>),
    Shard(Box<ShardWorks>),
}

/// The work for the inner chunks of one shard.
#[derive(Debug)]
struct ShardWorks {
    location: Arc<ShardLocation>,
    attempt: Arc<Attempt>,
    index: Arc<ShardIndex>,
    encoded: Encoded,
    parts: InnerParts,
    /// The inner chunk in progress, if it is a shard whose bytes are in memory.
    nested: Option<Box<Self>>,
}

/// The location of the bytes of a shard.
#[derive(Debug)]
enum Encoded {
    /// In this byte range of the stored object.
    Stored(Range<u64>),
    /// In memory.
    Here(Bytes),
}

/// The next step for one inner chunk.
enum Next {
    Work(Work),
    Shard(ShardWorks),
}

impl Fetch {
    /// Continues with the bytes of the fetch; `None` means that the object does not exist.
    ///
    /// # Errors
    /// Fails if the bytes are damaged, or the object is absent although its index was read. Damaged
    /// index entries are errors of the iterator.
    pub fn supply(self, body: Option<Body>) -> Result<Works> {
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
            Purpose::Chunk => Ok(Works::decode(self.job, Some(body.bytes))),
            Purpose::Shard => Works::shard_here(self.job, body.bytes),
            Purpose::Index => {
                let index = self.decode_index(&body.bytes)?;
                self.open(Arc::new(index), body.object_size)
            }
        }
    }

    /// Continues with a decoded index, of a shard in an object of `object_size` bytes.
    ///
    /// # Errors
    /// Fails if the fetch is not for an index. Damaged index entries are errors of the iterator.
    pub fn open(self, index: Arc<ShardIndex>, object_size: u64) -> Result<Works> {
        if self.purpose != Purpose::Index {
            return Err(self.no_index());
        }
        let within = self.within.unwrap_or(0..object_size);
        Ok(Works::stored_shard(self.job, index, within))
    }

    fn absent(self) -> Result<Works> {
        let part = match self.purpose {
            Purpose::Chunk => matches!(self.range, ByteRange::Range(_)),
            Purpose::Index | Purpose::Shard => self.within.is_some(),
        };
        if part {
            let reason = "the object is gone, though its index was read";
            return Err(self.job.location.wrap(Error::corrupt("shard", reason)));
        }
        Ok(Works::decode(self.job, None))
    }
}

impl Works {
    /// Creates a single job; without bytes, the fill value stands for the chunk.
    fn decode(job: ChunkJob, encoded: Option<Bytes>) -> Self {
        Work::Decode(DecodeJob { job, encoded }).into()
    }

    /// Creates the work for a shard in memory.
    fn shard_here(shard: ChunkJob, bytes: Bytes) -> Result<Self> {
        let works = ShardWorks::here(shard, bytes)?;
        Ok(Self(Kind::Shard(Box::new(works))))
    }

    /// Creates the work for all inner chunks of a shard in memory that is a part of a chunk.
    pub(super) fn enclosed_shard(
        sharding: &dyn Sharding,
        parts: InnerParts,
        attempt: Arc<Attempt>,
        bytes: Bytes,
    ) -> Result<Self> {
        let location = ChunkLocation::new("".into());
        let index = index_of(sharding, &bytes).map_err(|error| location.wrap(error))?;
        let works = ShardWorks::new(
            &location,
            parts,
            attempt,
            Arc::new(index),
            Encoded::Here(bytes),
        );
        Ok(Self(Kind::Shard(Box::new(works))))
    }

    /// Creates the work for a shard with this index, at `within` in its object.
    fn stored_shard(shard: ChunkJob, index: Arc<ShardIndex>, within: Range<u64>) -> Self {
        let encoded = Encoded::Stored(within);
        Self(Kind::Shard(Box::new(ShardWorks::of_job(
            shard, index, encoded,
        ))))
    }
}

impl From<Work> for Works {
    fn from(work: Work) -> Self {
        Self(Kind::One(Some(Box::new(work))))
    }
}

impl From<Fetch> for Works {
    fn from(fetch: Fetch) -> Self {
        Work::Fetch(fetch).into()
    }
}

impl Works {
    /// Divides the work into parts that threads do independently: small inner chunks together,
    /// large ones alone, nested shards in memory by their inner chunks. The index of a damaged nested
    /// shard is an error of the iterator.
    pub fn batches(self) -> impl Iterator<Item = Result<Self>> {
        let (mut one, mut shard) = match self.0 {
            Kind::One(work) => (Some(Self(Kind::One(work))), None),
            Kind::Shard(shard) => (None, Some(shard)),
        };
        std::iter::from_fn(move || match &mut shard {
            None => one.take().map(Ok),
            Some(shard) => shard.next_batch(),
        })
    }

    /// Returns the byte ranges of the chunks that the work fetches, in order. Damaged index entries
    /// have no range.
    #[must_use]
    pub fn ranges(&self) -> Vec<Range<u64>> {
        match &self.0 {
            Kind::Shard(shard) => shard.ranges(),
            Kind::One(_) => Vec::new(),
        }
    }
}

impl Iterator for Works {
    type Item = Result<Work>;

    fn next(&mut self) -> Option<Result<Work>> {
        match &mut self.0 {
            Kind::One(work) => work.take().map(|work| Ok(*work)),
            Kind::Shard(shard) => shard.next(),
        }
    }
}

impl ShardWorks {
    fn new(
        location: &ChunkLocation,
        parts: InnerParts,
        attempt: Arc<Attempt>,
        index: Arc<ShardIndex>,
        encoded: Encoded,
    ) -> Self {
        Self {
            location: location.shard(&parts.counts),
            parts,
            attempt,
            index,
            encoded,
            nested: None,
        }
    }

    fn of_job(shard: ChunkJob, index: Arc<ShardIndex>, encoded: Encoded) -> Self {
        let parts = shard.part.inner().expect("only called for shards");
        Self::new(&shard.location, parts, shard.attempt, index, encoded)
    }

    fn here(shard: ChunkJob, bytes: Bytes) -> Result<Self> {
        let index =
            index_of(shard.sharding(), &bytes).map_err(|error| shard.location.wrap(error))?;
        Ok(Self::of_job(shard, Arc::new(index), Encoded::Here(bytes)))
    }

    fn next_batch(&mut self) -> Option<Result<Works>> {
        loop {
            if let Some(nested) = &mut self.nested {
                match nested.next_batch() {
                    Some(batch) => return Some(batch),
                    None => self.nested = None,
                }
            }
            let mut parts = self.parts.next_batch()?;
            let encoded = match &self.encoded {
                Encoded::Here(_) if parts.left() == 1 && parts.are_shards() => {
                    let (position, part) = parts.next()?;
                    match self.inner(position, part) {
                        Ok(Next::Shard(nested)) => self.nested = Some(Box::new(nested)),
                        Ok(Next::Work(work)) => return Some(Ok(work.into())),
                        Err(error) => return Some(Err(error)),
                    }
                    continue;
                }
                Encoded::Here(bytes) => Encoded::Here(bytes.clone()),
                Encoded::Stored(within) => Encoded::Stored(within.clone()),
            };
            // Each job counts references to these: threads would contend for one count.
            let (location, attempt) = match parts.left() {
                1 => (self.location.clone(), self.attempt.clone()),
                _ => (
                    Arc::new(ShardLocation::clone(&self.location)),
                    Arc::new(Attempt::clone(&self.attempt)),
                ),
            };
            let batch = Self {
                parts,
                location,
                attempt,
                index: self.index.clone(),
                encoded,
                nested: None,
            };
            return Some(Ok(Works(Kind::Shard(Box::new(batch)))));
        }
    }

    fn ranges(&self) -> Vec<Range<u64>> {
        let Encoded::Stored(within) = &self.encoded else {
            return Vec::new();
        };
        let ranges = self.parts.positions().into_iter().filter_map(|position| {
            let position = usize::try_from(position).ok()?;
            let range = self.index.locate(position, within.end - within.start);
            let range = range.ok().flatten()?;
            Some(within.start + range.start..within.start + range.end)
        });
        ranges.collect()
    }

    fn next(&mut self) -> Option<Result<Work>> {
        loop {
            if let Some(nested) = &mut self.nested {
                match nested.next() {
                    Some(work) => return Some(work),
                    None => self.nested = None,
                }
            }
            let (position, part) = self.parts.next()?;
            match self.inner(position, part) {
                Ok(Next::Work(work)) => return Some(Ok(work)),
                Ok(Next::Shard(nested)) => self.nested = Some(Box::new(nested)),
                Err(error) => return Some(Err(error)),
            }
        }
    }

    fn inner(&self, position: u64, part: ChunkPart) -> Result<Next> {
        let job = ChunkJob {
            location: self.location.inner(position),
            part,
            attempt: self.attempt.clone(),
        };
        let range = self.locate(&job, position);
        let Some(range) = range.map_err(|error| job.location.wrap(error))? else {
            return Ok(Next::Work(Work::Decode(DecodeJob { job, encoded: None })));
        };
        match &self.encoded {
            Encoded::Stored(within) => {
                let range = within.start + range.start..within.start + range.end;
                Ok(Next::Work(Work::Fetch(Fetch::chunk(job, Some(range)))))
            }
            Encoded::Here(bytes) => {
                let bytes = slice(bytes, &range)?;
                if job.part.chain.sharding().is_some() {
                    return Self::here(job, bytes).map(Next::Shard);
                }
                let encoded = Some(bytes);
                Ok(Next::Work(Work::Decode(DecodeJob { job, encoded })))
            }
        }
    }

    /// Returns the byte range of an inner chunk, from the start of its shard; rejects an inner
    /// chunk that is larger than its codecs can produce.
    fn locate(&self, job: &ChunkJob, position: u64) -> Result<Option<Range<u64>>> {
        let size = match &self.encoded {
            Encoded::Stored(within) => within.end - within.start,
            Encoded::Here(bytes) => bytes.len() as u64,
        };
        let range = self
            .index
            .locate(to_usize("inner chunk", position)?, size)?;
        let chain = &job.part.chain;
        if let Some(range) = range.as_ref().filter(|_| chain.sharding().is_none()) {
            let size = to_usize("stored chunk", range.end - range.start)?;
            chain.encoded_size().check("stored chunk", size)?;
        }
        Ok(range)
    }
}

impl ChunkJob {
    pub(super) fn sharding(&self) -> &dyn Sharding {
        let sharding = self.part.chain.sharding();
        sharding.expect("only called for shards")
    }

    pub(super) fn decode_index(&self, encoded: &[u8]) -> Result<ShardIndex> {
        let index = self.sharding().decode_index(encoded);
        index.map_err(|error| self.location.wrap(error))
    }
}

/// Decodes the index of a shard in memory.
pub(super) fn index_of(sharding: &dyn Sharding, shard: &Bytes) -> Result<ShardIndex> {
    let range = sharding.index_range().resolve(shard.len() as u64);
    sharding.decode_index(&slice(shard, &range)?)
}
