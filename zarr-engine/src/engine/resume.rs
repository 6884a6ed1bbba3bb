//! What follows from bytes that arrived or were cached: decodes and copies on the computing threads.

use std::sync::{Arc, Mutex, PoisonError};

use futures::future::{Either, ready};
use rayon::iter::{ParallelBridge, ParallelIterator};
use zarr_core::plan::{Body, ChunkJob, DecodeJob, DecodedChunk, Fetch, Purpose, Work, Works};

use super::batch::Batches;
use super::cache::{Cached, CachedChunk, Caches, Chunk, Place};
use super::{Target, caught, compute};
use crate::error::{Error, Result};

/// The most decoded bytes for which waking a computing thread would take longer than the work.
const SMALL: u64 = 64 << 10;

/// A fetch with the chunk that it asked for; `None` if the object does not exist.
pub(super) type Arrived = (Fetch, Option<CachedChunk>);

/// What one computing thread does at a time.
enum Batch {
    Steps(Vec<Step>),
    /// A part of a shard: the thread that runs its jobs also makes them.
    Works(Works),
}

/// The work on one chunk.
enum Step {
    /// A cached chunk is copied.
    Copy(ChunkJob, Arc<DecodedChunk>),
    /// A chunk is decoded, and kept if it has a place in the cache; or more bytes are fetched.
    Work(Work, Option<Place>),
}

/// Runs jobs, and the jobs that result from fetched bytes, on the computing threads in a single
/// hop, or at once if they are small. Returns the work that needs more bytes.
pub(super) fn resume(
    caches: &Arc<Caches>,
    jobs: Vec<DecodeJob>,
    arrived: Vec<Arrived>,
    target: &Target,
) -> impl Future<Output = Result<Vec<Work>>> + Send + use<> {
    let (caches, target) = (caches.clone(), target.clone());
    let sizes = arrived.iter().map(|(fetch, _)| fetch.decoded_size());
    let is_small = jobs.is_empty() && sizes.fold(0, u64::saturating_add) <= SMALL;
    let work = move || {
        let (steps, shards) = supply(&caches, arrived)?;
        let jobs = jobs.into_iter();
        let jobs = jobs.map(|job| Step::Work(Work::Decode(job), None));
        let left = Mutex::new(Vec::new());
        let run = |batch: zarr_core::Result<Batch>| {
            let fetches = batch?.run(&target)?;
            if !fetches.is_empty() {
                let mut left = left.lock().unwrap_or_else(PoisonError::into_inner);
                left.extend(fetches);
            }
            Ok::<_, Error>(())
        };
        // Rayon locks this iterator while it takes a batch.
        let mut batches = Batches::new(jobs.chain(steps), Step::decoded_size)
            .map(|steps| Ok(Batch::Steps(steps)))
            .chain(
                shards
                    .into_iter()
                    .flat_map(Works::batches)
                    .map(|works| Ok(Batch::Works(works?))),
            );
        match is_small {
            true => batches.try_for_each(run)?,
            false => batches.par_bridge().try_for_each(run)?,
        }
        Ok::<_, Error>(left.into_inner().unwrap_or_else(PoisonError::into_inner))
    };
    let running = match is_small {
        true => Either::Left(ready(caught(work))),
        false => Either::Right(compute(work)),
    };
    async { running.await? }
}

/// Returns the steps of the chunks that arrived, and the work of the shards that arrived.
fn supply(
    caches: &Arc<Caches>,
    arrived: Vec<Arrived>,
) -> zarr_core::Result<(Vec<Step>, Vec<Works>)> {
    let (mut steps, mut shards) = (Vec::new(), Vec::new());
    for (fetch, chunk) in arrived {
        let is_chunk = fetch.purpose() == Purpose::Chunk;
        let (works, mut place) = match chunk {
            Some(Cached {
                value: Chunk::Decoded(chunk),
                ..
            }) => {
                let job = fetch.into_job();
                let job = job.expect("only the fetch of a chunk accepts a decoded chunk");
                steps.push(Step::Copy(job, chunk));
                continue;
            }
            Some(Cached {
                version,
                object_size,
                value: Chunk::Encoded(bytes),
            }) => {
                let place = caches.place(&fetch, || version);
                (fetch.supply(Some(Body { bytes, object_size }))?, place)
            }
            None => (fetch.supply(None)?, None),
        };
        if !is_chunk {
            shards.push(works);
            continue;
        }
        // A chunk is one job.
        for work in works {
            steps.push(Step::Work(work?, place.take()));
        }
    }
    Ok((steps, shards))
}

impl Batch {
    /// Runs the steps, and returns the work that needs more bytes.
    fn run(self, target: &Target) -> Result<Vec<Work>> {
        let mut fetches = Vec::new();
        match self {
            Self::Steps(steps) => {
                for step in steps {
                    fetches.extend(step.run(target)?);
                }
            }
            Self::Works(works) => {
                for work in works {
                    fetches.extend(Step::Work(work?, None).run(target)?);
                }
            }
        }
        Ok(fetches)
    }
}

impl Step {
    fn decoded_size(&self) -> u64 {
        match self {
            Self::Copy(_, chunk) => chunk.nbytes() as u64,
            Self::Work(work, _) => work.decoded_size(),
        }
    }

    /// Runs the step, or returns the work that needs more bytes.
    fn run(self, target: &Target) -> Result<Option<Work>> {
        match self {
            Self::Copy(job, chunk) => target.copy(job, chunk)?,
            Self::Work(Work::Decode(job), place) => {
                let (job, encoded) = job.into_parts();
                target.run_kept(job, encoded.as_deref(), place)?;
            }
            Self::Work(fetch, _) => return Ok(Some(fetch)),
        }
        Ok(None)
    }
}
