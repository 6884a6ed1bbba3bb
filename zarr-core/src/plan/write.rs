//! The plan of a write: for each object, whether it is replaced or merged with its stored state,
//! and the jobs that encode it.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use super::encode::{ChunkWrite, EncodeJob, EncodeWork, encode_fill, inner_chunks, located};
use super::location::ChunkLocation;
use super::part::{ChunkPart, InnerParts};
use super::touched::{ChunkAccess, Touched};
use crate::byte_range::ByteRange;
use crate::codec::{EncodedChunks, InnerChunks, ShardIndex};
use crate::error::{Error, Result};
use crate::layout::ArrayLayout;
use crate::selection::Resolved;
use crate::size::to_usize;

/// Options of a write: fill values and dead space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WriteOptions {
    /// Whether to store chunks and inner chunks of only fill values; by default they are omitted.
    pub store_fill: bool,
    /// The most dead space that a write may leave in a shard, in percent of the shard: a quarter by
    /// default. Within this limit, a write appends changes to the old bytes of a large shard;
    /// beyond it, a write stores the whole shard again, without dead space. With 0, every write
    /// stores the whole shard.
    pub dead_space: u8,
}

impl Default for WriteOptions {
    fn default() -> Self {
        Self {
            store_fill: false,
            dead_space: 25,
        }
    }
}

/// The objects that a write touches. Printing the plan explains the write before any I/O.
#[derive(Clone, Debug)]
pub struct WritePlan {
    pub(super) layout: Arc<ArrayLayout>,
    pub(super) touched: Touched,
    pub(super) options: WriteOptions,
    /// The size, in bytes, from which on shards are patched.
    pub(super) patch_from: u64,
}

/// The action of a write on an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteAction {
    /// All elements of the array in the object are written: the old object is not read.
    Replace,
    /// Some elements stay: the old object is read, and the new object is put on condition that the
    /// old one has not changed.
    Modify,
}

/// The part of a write that concerns one object. The object can be encoded again if it changes
/// during the write.
#[derive(Clone, Debug)]
pub struct ObjectWrite {
    location: ChunkLocation,
    task: ChunkWrite,
    dead_space: u8,
}

impl WritePlan {
    /// Creates the plan that writes a selection of the array whose keys start with `prefix`, from a
    /// buffer with these strides in bytes, one for each dimension of the selection's shape.
    #[must_use]
    pub fn new(
        layout: Arc<ArrayLayout>,
        prefix: Arc<str>,
        selection: &Resolved,
        strides: &[isize],
        options: WriteOptions,
    ) -> Self {
        Self {
            layout,
            touched: Touched::selection(prefix, selection, strides),
            options,
            patch_from: u64::MAX,
        }
    }

    /// Creates the plan that writes parts of chunks with known keys, each from its own places of a
    /// buffer. No chunk may occur twice.
    ///
    /// # Errors
    /// [`Error::Selection`](crate::Error::Selection) if a chunk has a shape that the grid does not
    /// contain, or elements outside a chunk are written.
    pub fn of_chunks(
        layout: Arc<ArrayLayout>,
        chunks: impl IntoIterator<Item = ChunkAccess>,
        options: WriteOptions,
    ) -> Result<Self> {
        let touched = Touched::Chunks(Touched::bind(&layout, chunks)?.into());
        Ok(Self {
            layout,
            touched,
            options,
            patch_from: u64::MAX,
        })
    }

    /// Returns this plan for a store that patches objects of at least `from` bytes, which the
    /// printed plan shows.
    #[must_use]
    pub fn with_patches(mut self, from: u64) -> Self {
        self.patch_from = from;
        self
    }

    /// The number of objects that the write touches.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.touched.objects(&self.layout)
    }

    /// Whether the write touches nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The size of one decoded object, in bytes.
    #[must_use]
    pub fn decoded_object_size(&self) -> u64 {
        let spec = self.layout.codecs().decoded();
        let item_size = spec.item_size() as u64;
        spec.elements()
            .unwrap_or(u64::MAX)
            .saturating_mul(item_size)
    }

    /// Iterates lazily over the objects to write.
    pub fn objects(&self) -> impl Iterator<Item = ObjectWrite> + Send + use<> {
        let WriteOptions {
            store_fill,
            dead_space,
        } = self.options;
        let parts = self.touched.parts(&self.layout);
        parts.map(move |object| ObjectWrite {
            location: ChunkLocation::new(object.key),
            task: ChunkWrite {
                part: object.part,
                store_fill,
            },
            dead_space,
        })
    }
}

impl ObjectWrite {
    /// The key of the object.
    #[must_use]
    pub fn key(&self) -> &Arc<str> {
        self.location.key()
    }

    /// The action of the write on the object.
    #[must_use]
    pub fn action(&self) -> WriteAction {
        if self.task.part.replaces() {
            WriteAction::Replace
        } else {
            WriteAction::Modify
        }
    }

    pub(super) fn part(&self) -> &ChunkPart {
        &self.task.part
    }

    pub(super) fn location(&self) -> &ChunkLocation {
        &self.location
    }

    /// The most dead space that the write may leave in a shard, in percent:
    /// [`WriteOptions::dead_space`].
    #[must_use]
    pub fn dead_space(&self) -> u8 {
        self.dead_space
    }

    /// The largest encoded size of the object, in bytes, without dead space between inner chunks.
    #[must_use]
    pub fn max_size(&self) -> u64 {
        self.task.part.chain.encoded_size().max() as u64
    }

    /// Returns the byte ranges of the inner chunks, in C order, of an object larger than
    /// [`Self::max_size`], from its index. With their bytes, the object is an
    /// [`ObjectState::Inner`].
    ///
    /// # Errors
    /// Fails if the object is not a shard, its index is damaged, or its inner chunks together are
    /// larger than the shard can need.
    pub fn locate_inner(
        &self,
        index: &ShardIndex,
        object_size: u64,
    ) -> Result<Vec<Option<Range<u64>>>> {
        self.locate(index, object_size)
            .map_err(|error| self.location.wrap(error))
    }

    fn locate(&self, index: &ShardIndex, object_size: u64) -> Result<Vec<Option<Range<u64>>>> {
        if self.task.part.chain.sharding().is_none() {
            return Err(self.too_large("stored chunk", object_size));
        }
        self.located(index, object_size)
    }

    /// Returns the byte ranges of the inner chunks of a shard, in C order.
    pub(super) fn located(
        &self,
        index: &ShardIndex,
        object_size: u64,
    ) -> Result<Vec<Option<Range<u64>>>> {
        let ranges = located(index, object_size)?;
        let used = ranges
            .iter()
            .flatten()
            .map(|range| range.end - range.start)
            .fold(0, u64::saturating_add);
        if used > self.max_size() {
            return Err(self.too_large("all inner chunks of a shard", used));
        }
        Ok(ranges)
    }

    fn too_large(&self, what: &'static str, found: u64) -> Error {
        let found = usize::try_from(found).unwrap_or(usize::MAX);
        Error::size(what, found, format_args!("at most {}", self.max_size()))
    }

    /// Returns the jobs that encode the object over its existing state.
    ///
    /// # Errors
    /// Fails if the old object is damaged; it is then never overwritten.
    pub fn encode(&self, state: ObjectState) -> Result<ObjectEncode> {
        self.split(state).map_err(|error| self.location.wrap(error))
    }

    fn split(&self, state: ObjectState) -> Result<ObjectEncode> {
        let state = match self.action() {
            WriteAction::Replace => ObjectState::Absent,
            WriteAction::Modify => state,
        };
        let part = &self.task.part;
        let (Some(sharding), Some(parts)) = (part.chain.sharding(), part.inner()) else {
            let existing = match state {
                ObjectState::Stored(bytes) => Some(bytes),
                _ => None,
            };
            let job = EncodeJob {
                location: self.location.clone(),
                work: EncodeWork::Chunk(self.task.clone(), existing),
            };
            return Ok(ObjectEncode(Encoding::Chunk(Some(Box::new(job)))));
        };
        let inner = match state {
            ObjectState::Absent => inner_chunks(sharding, None)?,
            ObjectState::Stored(bytes) => inner_chunks(sharding, Some(&bytes))?,
            ObjectState::Inner(inner) => inner,
        };
        Ok(ObjectEncode(Encoding::Shard(Box::new(ShardEncode {
            location: self.location.clone(),
            store_fill: self.task.store_fill,
            parts,
            inner: Arc::new(inner),
        }))))
    }

    /// Replaces the one inner chunk that the write touches, or removes it.
    ///
    /// # Errors
    /// Fails if the old object is damaged; it is then never overwritten.
    pub fn put_inner(&self, state: ObjectState, encoded: Option<Bytes>) -> Result<ObjectState> {
        match self.encode(state)?.0 {
            Encoding::Chunk(_) => Ok(encoded.map_or(ObjectState::Absent, ObjectState::Stored)),
            Encoding::Shard(mut shard) => {
                let mut inner = Arc::unwrap_or_clone(shard.inner);
                if let Some((position, _)) = shard.parts.next() {
                    inner.set(to_usize("inner chunk", position)?, encoded);
                }
                Ok(ObjectState::Inner(inner))
            }
        }
    }

    /// Returns the encoded object as pieces to be stored one after the other; `None` if the object
    /// has only fill values and such objects are not stored.
    ///
    /// # Errors
    /// Fails if the shard index cannot be encoded.
    pub fn assemble(&self, state: ObjectState) -> Result<Option<Vec<Bytes>>> {
        match (state, self.task.part.chain.sharding()) {
            (ObjectState::Absent, _) => Ok(None),
            (ObjectState::Inner(inner), Some(sharding)) if !inner.is_absent() => sharding
                .assemble(inner)
                .map(Some)
                .map_err(|error| self.location.wrap(error)),
            (ObjectState::Inner(_), _) => Ok(None),
            (ObjectState::Stored(bytes), _) => Ok(Some(vec![bytes])),
        }
    }

    /// Encodes the object with only fill values, as pieces: for stores in which the object must not
    /// be deleted.
    ///
    /// # Errors
    /// Fails if a codec rejects the fill value.
    pub fn encode_fill(&self) -> Result<Vec<Bytes>> {
        let encoded =
            encode_fill(&self.task.part.chain).map_err(|error| self.location.wrap(error))?;
        Ok(vec![encoded])
    }

    /// The byte range of the shard index; `None` if the object is not a shard.
    #[must_use]
    pub fn index_range(&self) -> Option<ByteRange> {
        Some(self.task.part.chain.sharding()?.index_range())
    }
}

/// The state of an object between writes.
#[derive(Clone, Debug, Default)]
pub enum ObjectState {
    /// The object does not exist, or has only fill values.
    #[default]
    Absent,
    /// The bytes of the object.
    Stored(Bytes),
    /// The encoded inner chunks of a shard.
    Inner(InnerChunks),
}

/// The encoding of an object: a lazy iterator over jobs. Run the jobs in any order, then pass their
/// results to [`Self::finish`].
#[derive(Debug)]
pub struct ObjectEncode(Encoding);

#[derive(Debug)]
enum Encoding {
    Chunk(Option<Box<EncodeJob>>),
    Shard(Box<ShardEncode>),
}

#[derive(Debug)]
struct ShardEncode {
    location: ChunkLocation,
    store_fill: bool,
    parts: InnerParts,
    /// The existing inner chunks.
    inner: Arc<InnerChunks>,
}

impl Iterator for ObjectEncode {
    type Item = EncodeJob;

    fn next(&mut self) -> Option<EncodeJob> {
        match &mut self.0 {
            Encoding::Chunk(job) => job.take().map(|job| *job),
            Encoding::Shard(shard) => Some(EncodeJob {
                location: shard.location.clone(),
                work: EncodeWork::Inner {
                    parts: shard.parts.next_batch()?,
                    store_fill: shard.store_fill,
                    existing: shard.inner.clone(),
                },
            }),
        }
    }
}

impl ObjectEncode {
    /// Returns the object with the results of all jobs: ready for another write, or to be
    /// assembled.
    #[must_use]
    pub fn finish(self, encoded: impl IntoIterator<Item = EncodedChunks>) -> ObjectState {
        match self.0 {
            Encoding::Chunk(_) => encoded
                .into_iter()
                .find_map(EncodedChunks::into_bytes)
                .map_or(ObjectState::Absent, ObjectState::Stored),
            Encoding::Shard(shard) => {
                let mut inner = Arc::unwrap_or_clone(shard.inner);
                encoded.into_iter().for_each(|chunks| inner.extend(chunks));
                ObjectState::Inner(inner)
            }
        }
    }
}
