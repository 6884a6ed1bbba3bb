//! Writes: encodes in parallel and puts atomically; if existing elements are kept, only on
//! condition that no other writer changed the object.

use std::sync::Arc;

use bytes::Bytes;
use futures::FutureExt;
use futures::stream::{self, StreamExt, TryStreamExt};
use zarr_core::codec::{InnerChunks, ShardIndex};
use zarr_core::plan::{ObjectState, ObjectWrite, WriteAction, WritePlan};
use zarr_core::{ByteRange, Input};
use zarr_store::{ErrorKind, Precondition, Version};

use super::encode::{encode, encode_here};
use super::group_commit::{PendingWrite, inputs};
use super::patch::Patched;
use super::{Engine, as_task, compute, stored_range};
use crate::error::{Error, Result};
use crate::retry::Attempts;

/// The number of objects written concurrently, derived from the decoded size of an object: enough
/// small objects to use all cores, few large ones.
const OBJECTS: usize = 32;
const OBJECTS_SIZE: u64 = 128 << 20;

/// Returns how many objects of a plan are written concurrently.
pub(super) fn at_once(plan: &WritePlan) -> usize {
    let size = plan.decoded_object_size().max(1);
    usize::try_from(OBJECTS_SIZE / size)
        .unwrap_or(OBJECTS)
        .clamp(2, OBJECTS)
}

/// Files of at most `SMALL` decoded bytes are encoded and replaced together by one thread, up to
/// `TOGETHER` at a time.
const SMALL: u64 = 64 << 10;
const TOGETHER: usize = 256;

/// Groups objects into portions written together: a single object or, where possible, many small
/// objects that are replaced.
struct Portions<I> {
    objects: I,
    together: bool,
    /// The objects of the next portion.
    replaced: Vec<ObjectWrite>,
}

impl<I: Iterator<Item = ObjectWrite>> Iterator for Portions<I> {
    type Item = Vec<ObjectWrite>;

    fn next(&mut self) -> Option<Vec<ObjectWrite>> {
        while self.replaced.len() < TOGETHER {
            match self.objects.next() {
                Some(object) if self.together && object.action() == WriteAction::Replace => {
                    self.replaced.push(object);
                }
                Some(object) => return Some(vec![object]),
                None => break,
            }
        }
        let portion = std::mem::take(&mut self.replaced);
        (!portion.is_empty()).then_some(portion)
    }
}

impl Engine {
    /// Writes a plan with the elements of `input`. After an error, some objects may be written;
    /// each object is entirely old or entirely new.
    pub(crate) async fn write(self: &Arc<Self>, plan: WritePlan, input: Input) -> Result<()> {
        let portions = Portions {
            objects: plan.objects(),
            together: self.store.as_local().is_some() && plan.decoded_object_size() <= SMALL,
            replaced: Vec::new(),
        };
        stream::iter(portions)
            .map(|portion| self.write_portion(portion, &input))
            .buffer_unordered(at_once(&plan))
            .try_collect::<()>()
            .await
    }

    async fn write_portion(
        self: &Arc<Self>,
        mut portion: Vec<ObjectWrite>,
        input: &Input,
    ) -> Result<()> {
        if portion.len() > 1 {
            let (engine, input) = (self.clone(), input.clone());
            portion = compute(move || engine.replace_here(portion, &input)).await??;
        }
        for object in portion {
            self.write_object(object, input).await?;
        }
        Ok(())
    }

    /// Replaces small files on this thread; returns the objects that must be replaced
    /// asynchronously.
    fn replace_here(&self, objects: Vec<ObjectWrite>, input: &Input) -> Result<Vec<ObjectWrite>> {
        let mut left = Vec::new();
        for object in objects {
            let encoded = encode_here(&object, input)?;
            match self.store.replace_here(object.key(), encoded.as_deref()) {
                Some(replaced) => {
                    replaced?;
                    self.forget(object.key(), object.index_range());
                }
                None => left.push(object),
            }
        }
        Ok(left)
    }

    async fn write_object(self: &Arc<Self>, object: ObjectWrite, input: &Input) -> Result<()> {
        match object.action() {
            WriteAction::Replace => self.replace(object, input).await,
            WriteAction::Modify => {
                let (engine, input) = (self.clone(), input.clone());
                let submit = async move {
                    let commit = async |writes: &[Arc<PendingWrite>]| engine.commit(writes).await;
                    engine.commits.submit(object, input, commit).await
                };
                as_task(submit.boxed()).await
            }
        }
    }

    async fn replace(&self, object: ObjectWrite, input: &Input) -> Result<()> {
        let key = object.key().clone();
        let writes = vec![(object.clone(), input.clone())];
        let encoded = encode(writes, ObjectState::Absent, ObjectWrite::assemble).await?;
        match encoded {
            Some(pieces) => self
                .store
                .put(&key, pieces, Precondition::None)
                .await
                .map(drop)?,
            // The object holds no elements of other writers, and a writer that read it before finds
            // it gone.
            None => self.store.delete(&key).await?,
        }
        self.forget(object.key(), object.index_range());
        Ok(())
    }

    /// Commits writes of one object together; if that fails, one by one, so that no write fails
    /// because of another.
    async fn commit(&self, writes: &[Arc<PendingWrite>]) {
        if let [_, _, ..] = writes
            && self.modify(writes).await.is_ok()
        {
            writes.iter().for_each(|write| write.finish(Ok(())));
            return;
        }
        for write in writes {
            write.finish(self.modify(std::slice::from_ref(write)).await);
        }
    }

    async fn modify(&self, writes: &[Arc<PendingWrite>]) -> Result<()> {
        self.change(&writes[0].object, Change::Elements(writes))
            .await
    }

    /// Puts an encoded inner chunk into its shard, or removes it; the other inner chunks keep their
    /// encoded bytes. `object` must be a write of exactly this inner chunk.
    pub(crate) async fn write_inner(
        self: &Arc<Self>,
        object: ObjectWrite,
        encoded: Option<Bytes>,
    ) -> Result<()> {
        let engine = self.clone();
        as_task(async move { engine.change(&object, Change::Inner(encoded)).await }.boxed()).await
    }

    /// Changes an object on condition that no other writer does; retries on conflict.
    async fn change(&self, object: &ObjectWrite, change: Change<'_>) -> Result<()> {
        let key = object.key();
        let mut attempts = Attempts::new();
        loop {
            let _hold = attempts.next(&self.store, key).await?;
            let patched = match &change {
                Change::Elements(writes) => self.patch(writes).await?,
                Change::Inner(_) => Patched::Not(None),
            };
            let existing = match patched {
                Patched::Done => return Ok(()),
                Patched::Changed => continue,
                Patched::Absent => Ok(None),
                Patched::Not(Some(old)) if old.object_size > object.max_size() => self
                    .inner(object, &old.value, old.object_size, &old.version)
                    .await
                    .map(|state| Some((state, old.version))),
                Patched::Not(_) => self.existing(object).await,
            };
            let (state, condition) = match existing {
                Ok(None) => (ObjectState::Absent, Precondition::IfAbsent),
                Ok(Some((state, version))) => (state, Precondition::IfVersion(version)),
                // The object changed between the reads of its index and of its inner chunks.
                Err(Error::Store(error)) if error.kind() == ErrorKind::Changed => {
                    self.forget(key, object.index_range());
                    continue;
                }
                Err(error) => return Err(error),
            };
            let exists = !matches!(state, ObjectState::Absent);
            let pieces = match change.apply(object, state).await? {
                Some(pieces) => pieces,
                // Deletion is unconditional, so an object that now holds only fill values is
                // stored.
                None if exists => object.encode_fill()?,
                None => return Ok(()),
            };
            match self.store.put(key, pieces, condition).await {
                Ok(_) => {
                    self.forget(key, object.index_range());
                    return Ok(());
                }
                Err(error) if error.kind() == ErrorKind::Conflict => {
                    self.forget(key, object.index_range());
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// A change to an object that keeps some of its content.
enum Change<'a> {
    /// A write of elements.
    Elements(&'a [Arc<PendingWrite>]),
    /// The encoded inner chunk of the write, or `None` to remove it.
    Inner(Option<Bytes>),
}

impl Change<'_> {
    async fn apply(&self, object: &ObjectWrite, state: ObjectState) -> Result<Option<Vec<Bytes>>> {
        match self {
            Self::Elements(writes) => encode(inputs(writes), state, ObjectWrite::assemble).await,
            Self::Inner(encoded) => {
                let state = object.put_inner(state, encoded.clone())?;
                Ok(object.assemble(state)?)
            }
        }
    }
}

impl Engine {
    /// Returns the stored object and its version; `None` if it does not exist. Bounds the memory:
    /// of a shard with much dead space, reads only the inner chunks.
    async fn existing(&self, object: &ObjectWrite) -> Result<Option<(ObjectState, Version)>> {
        let (key, max) = (object.key(), object.max_size());
        let most = self.store.whole(max);
        let Some(body) = self.store.get(key, &most, None).await? else {
            return Ok(None);
        };
        if body.object_size <= max {
            return Ok(Some((ObjectState::Stored(body.bytes), body.version)));
        }
        let (version, size) = (body.version, body.object_size);
        drop(body.bytes);
        let range = object.index_range().unwrap_or(ByteRange::Range(0..0));
        let range = stored_range(&range);
        let index = self.store.get(key, &range, Some(&version)).await?;
        let index = index.map(|body| body.bytes).unwrap_or_default();
        let index = object.decode_index(&index)?;
        let state = self.inner(object, &index, size, &version).await?;
        Ok(Some((state, version)))
    }

    /// Reads the inner chunks of a shard by the byte ranges in its index.
    pub(super) async fn inner(
        &self,
        object: &ObjectWrite,
        index: &ShardIndex,
        size: u64,
        version: &Version,
    ) -> Result<ObjectState> {
        let ranges = object.locate_inner(index, size)?;
        let mut inner = InnerChunks::absent(ranges.len());
        let stored = (0..).zip(ranges);
        let (positions, ranges): (Vec<usize>, Vec<_>) = stored
            .filter_map(|(position, range)| Some((position, range?)))
            .unzip();
        let mut bodies = self.store.get_ranges(object.key(), ranges, Some(version));
        while let Some(body) = bodies.try_next().await? {
            inner.set(positions[body.index], Some(body.bytes));
        }
        Ok(ObjectState::Inner(inner))
    }
}
