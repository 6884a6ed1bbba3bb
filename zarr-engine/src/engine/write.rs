//! Writes: encode in parallel, put atomically, and where old elements stay only on condition that nobody changed them.

use std::sync::Arc;

use bytes::Bytes;
use futures::stream::{self, StreamExt, TryStreamExt};
use rayon::iter::{ParallelBridge, ParallelIterator};
use zarr_core::plan::{EncodeJob, ObjectState, ObjectWrite, WriteAction, WritePlan};
use zarr_core::{ByteRange, Input};
use zarr_store::{ErrorKind, Precondition, Version};

use super::batch::Batches;
use super::group_commit::PendingWrite;
use super::{Engine, compute};
use crate::error::{Error, Result};
use crate::retry::Attempts;

/// Objects that are written at one time, by the decoded size of one: enough small ones to fill the machine, few large ones.
const OBJECTS: usize = 32;
const OBJECTS_SIZE: u64 = 128 << 20;

impl Engine {
    /// Writes what the plan says from `input`. After an error some objects are written and some are not; each is whole.
    pub(crate) async fn write(self: &Arc<Self>, plan: WritePlan, input: Input) -> Result<()> {
        let size = plan.decoded_object_size().max(1);
        let objects = usize::try_from(OBJECTS_SIZE / size)
            .unwrap_or(OBJECTS)
            .clamp(2, OBJECTS);
        stream::iter(plan.objects())
            .map(|object| self.write_object(object, &input))
            .buffer_unordered(objects)
            .try_collect::<()>()
            .await
    }

    async fn write_object(&self, object: ObjectWrite, input: &Input) -> Result<()> {
        match object.action() {
            WriteAction::Replace => self.replace(object, input).await,
            WriteAction::Modify => {
                let commit = async |writes: &[Arc<PendingWrite>]| self.commit(writes).await;
                self.commits.submit(object, input.clone(), commit).await
            }
        }
    }

    async fn replace(&self, object: ObjectWrite, input: &Input) -> Result<()> {
        let key = object.key().clone();
        let encoded = encode(vec![(object.clone(), input.clone())], ObjectState::Absent).await?;
        match encoded {
            Some(pieces) => self
                .store
                .put(&key, pieces, Precondition::None)
                .await
                .map(drop)?,
            // Nobody else's elements are in it, and a writer who read it before finds it gone.
            None => self.store.delete(&key).await?,
        }
        self.forget(object.key(), object.index_range());
        Ok(())
    }

    /// Commits writes of one object together or, if that fails, one by one, so that none fails because of another.
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

    /// Puts an encoded inner chunk into its shard, or takes it out; the others stay as they are. The object is of a write of this
    /// inner chunk.
    pub(crate) async fn write_inner(
        &self,
        object: ObjectWrite,
        encoded: Option<Bytes>,
    ) -> Result<()> {
        self.change(&object, Change::Inner(encoded)).await
    }

    /// Changes an object on condition that nobody else does; again where somebody did.
    async fn change(&self, object: &ObjectWrite, change: Change<'_>) -> Result<()> {
        let key = object.key();
        let mut attempts = Attempts::new();
        loop {
            attempts.next(key).await?;
            let (state, condition) = match self.existing(object).await {
                Ok(None) => (ObjectState::Absent, Precondition::IfAbsent),
                Ok(Some((state, version))) => (state, Precondition::IfVersion(version)),
                // It changed between its index and its inner chunks.
                Err(Error::Store(error)) if error.kind() == ErrorKind::Changed => continue,
                Err(error) => return Err(error),
            };
            let exists = !matches!(state, ObjectState::Absent);
            let pieces = match change.apply(object, state).await? {
                Some(pieces) => pieces,
                // A deletion has no condition, so what became all fill values is stored as such.
                None if exists => object.encode_fill()?,
                None => return Ok(()),
            };
            match self.store.put(key, pieces, condition).await {
                Ok(_) => {
                    self.forget(key, object.index_range());
                    return Ok(());
                }
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// What is changed of an object of which something stays.
enum Change<'a> {
    /// Elements.
    Elements(&'a [Arc<PendingWrite>]),
    /// The inner chunk of the write, encoded, or none in its place.
    Inner(Option<Bytes>),
}

impl Change<'_> {
    async fn apply(&self, object: &ObjectWrite, state: ObjectState) -> Result<Option<Vec<Bytes>>> {
        match self {
            Self::Elements(writes) => {
                let inputs = writes.iter();
                let inputs = inputs.map(|write| (write.object.clone(), write.input.clone()));
                encode(inputs.collect(), state).await
            }
            Self::Inner(encoded) => {
                let mut inner = object.encode(state)?;
                let position = inner.next().map(|(position, _)| position);
                let state = inner.finish(position.map(|position| (position, encoded.clone())));
                Ok(object.assemble(state)?)
            }
        }
    }
}

impl Engine {
    /// The object as it is stored, and its version; `None` where there is none. It takes no more memory than it can need: where
    /// a shard has much dead space, its inner chunks are read one by one.
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
        let index = self.store.get(key, &range, Some(&version)).await?;
        let index = index.map(|body| body.bytes).unwrap_or_default();
        let ranges = object.locate_inner(&index, size)?;
        let mut inner = vec![None; ranges.len()];
        let stored = (0..).zip(ranges);
        let (positions, ranges): (Vec<usize>, Vec<_>) = stored
            .filter_map(|(position, range)| Some((position, range?)))
            .unzip();
        let mut bodies = self.store.get_ranges(key, ranges, Some(&version));
        while let Some(body) = bodies.try_next().await? {
            inner[positions[body.index]] = Some(body.bytes);
        }
        Ok(Some((ObjectState::Inner(inner), version)))
    }
}

/// Encodes writes of one object, one over the other, on the computing threads, the inner chunks of each in parallel.
async fn encode(
    writes: Vec<(ObjectWrite, Input)>,
    existing: ObjectState,
) -> Result<Option<Vec<Bytes>>> {
    let encoded = compute(move || {
        let mut state = existing;
        for (object, input) in &writes {
            let mut encode = object.encode(state)?;
            let jobs = encode.by_ref().map(Ok::<_, Error>);
            let chunks = Batches::new(jobs, |(_, job): &(_, EncodeJob)| job.decoded_size())
                .par_bridge()
                .map(|batch| batch.and_then(|batch| encode_batch(&batch, input)))
                .collect::<Result<Vec<_>>>()?;
            state = encode.finish(chunks.into_iter().flatten());
        }
        Ok::<_, Error>(writes[0].0.assemble(state)?)
    });
    encoded.await?
}

/// Encodes chunks one behind the other in memory that they share.
fn encode_batch(jobs: &[(usize, EncodeJob)], input: &Input) -> Result<Vec<(usize, Option<Bytes>)>> {
    let mut bytes = Vec::new();
    let ranges = jobs
        .iter()
        .map(|(_, job)| job.append(input, &mut bytes))
        .collect::<Result<Vec<_>, _>>()?;
    let bytes = Bytes::from(bytes);
    let positions = jobs.iter().map(|(position, _)| *position);
    let chunks = ranges
        .into_iter()
        .map(|range| range.map(|range| bytes.slice(range)));
    Ok(positions.zip(chunks).collect())
}
