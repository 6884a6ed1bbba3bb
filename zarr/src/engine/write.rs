//! Writes: encode in parallel, put atomically, and where old elements stay only on condition that nobody changed them.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::stream::{self, StreamExt, TryStreamExt};
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use zarr_core::plan::{ObjectWrite, WriteAction, WritePlan};
use zarr_core::{ByteRange, Input};
use zarr_store::{ErrorKind, Precondition};

use super::{Engine, STRIPES, compute};
use crate::error::{Error, Result};

/// How often a write starts again where others changed its object.
const ATTEMPTS: usize = 32;

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
            WriteAction::Modify => self.modify(object, input).await,
        }
    }

    async fn replace(&self, object: ObjectWrite, input: &Input) -> Result<()> {
        let key = object.key().clone();
        match encode(object, None, input).await? {
            Some(pieces) => self
                .store
                .put(&key, pieces, Precondition::None)
                .await
                .map(drop)?,
            // Nobody else's elements are in it, and a writer who read it before finds it gone.
            None => self.store.delete(&key).await?,
        }
        Ok(())
    }

    async fn modify(&self, object: ObjectWrite, input: &Input) -> Result<()> {
        let key = object.key().clone();
        let _queue = self.writers[stripe(&key)].lock().await;
        for attempt in 0..ATTEMPTS {
            backoff(attempt).await;
            let existing = self.store.get(&key, &ByteRange::All, None).await?;
            let (bytes, condition) = match existing {
                None => (None, Precondition::IfAbsent),
                Some(body) => (Some(body.bytes), Precondition::IfVersion(body.version)),
            };
            let exists = bytes.is_some();
            let pieces = match encode(object.clone(), bytes, input).await? {
                Some(pieces) => pieces,
                // A deletion has no condition, so what became all fill values is stored as such.
                None if exists => object.encode_fill()?,
                None => return Ok(()),
            };
            match self.store.put(&key, pieces, condition).await {
                Ok(_) => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(Error::ConcurrentModification {
            key: key.to_string(),
            attempts: ATTEMPTS,
        })
    }
}

/// Encodes an object on the computing threads, inner chunks in parallel.
async fn encode(
    object: ObjectWrite,
    existing: Option<Bytes>,
    input: &Input,
) -> Result<Option<Vec<Bytes>>> {
    let input = input.clone();
    let encoded = compute(move || {
        let encode = object.encode(existing.as_ref())?;
        let chunks = encode
            .jobs()
            .par_iter()
            .map(|job| job.run(&input))
            .collect::<Result<Vec<_>, _>>()?;
        encode.finish(chunks)
    });
    Ok(encoded.await??)
}

fn stripe(key: &str) -> usize {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    usize::try_from(hasher.finish() % STRIPES as u64).expect("less than the number of stripes")
}

/// Waits longer the more often others were faster, and not as long as they do.
async fn backoff(attempt: usize) {
    let Some(exponent) = attempt.checked_sub(1) else {
        return;
    };
    let longest = 5_u64 << exponent.min(7);
    let mut hasher = DefaultHasher::new();
    (
        std::process::id(),
        std::thread::current().id(),
        std::time::Instant::now(),
    )
        .hash(&mut hasher);
    tokio::time::sleep(Duration::from_millis(hasher.finish() % longest)).await;
}
