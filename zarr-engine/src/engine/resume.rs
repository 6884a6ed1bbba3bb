//! What follows from bytes that arrived or were cached: decodes and copies on the computing threads.

use std::sync::{Arc, Mutex, PoisonError};

use futures::future::{Either, ready};
use rayon::iter::{ParallelBridge, ParallelIterator};
use zarr_core::plan::{Body, ChunkJob, DecodeJob, DecodedChunk, Fetch, Work};

use super::batch::Batches;
use super::cache::{Cached, CachedChunk, Caches, Chunk, Place};
use super::{Target, caught, compute};
use crate::error::{Error, Result};

/// The most decoded bytes for which waking a computing thread would take longer than the work.
const SMALL: u64 = 64 << 10;

/// A fetch with the chunk that it asked for; `None` if the object does not exist.
pub(super) type Arrived = (Fetch, Option<CachedChunk>);

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
        let steps = arrived
            .into_iter()
            .map(|arrived| steps(&caches, arrived))
            .collect::<zarr_core::Result<Vec<_>>>()?;
        let jobs = jobs
            .into_iter()
            .map(|job| Ok(Step::Work(Work::Decode(job), None)));
        let left = Mutex::new(Vec::new());
        let run = |batch: zarr_core::Result<Vec<Step>>| {
            let mut fetches = Vec::new();
            for step in batch? {
                fetches.extend(step.run(&target)?);
            }
            let mut left = left.lock().unwrap_or_else(PoisonError::into_inner);
            left.extend(fetches);
            Ok::<_, Error>(())
        };
        let mut batches = Batches::new(jobs.chain(steps.into_iter().flatten()), Step::decoded_size);
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

/// Returns the steps that follow from what arrived.
fn steps(
    caches: &Arc<Caches>,
    (fetch, chunk): Arrived,
) -> zarr_core::Result<impl Iterator<Item = zarr_core::Result<Step>> + use<>> {
    let (copy, works, mut place) = match chunk {
        Some(Cached {
            value: Chunk::Decoded(chunk),
            ..
        }) => {
            let job = fetch.into_job();
            let job = job.expect("only the fetch of a chunk accepts a decoded chunk");
            (Some(Ok(Step::Copy(job, chunk))), None, None)
        }
        Some(Cached {
            version,
            object_size,
            value: Chunk::Encoded(bytes),
        }) => {
            let place = caches.place(&fetch, || version);
            let works = fetch.supply(Some(Body { bytes, object_size }))?;
            (None, Some(works), place)
        }
        None => (None, Some(fetch.supply(None)?), None),
    };
    // Only a chunk has a place, and a chunk is one job.
    let works = works.into_iter().flatten();
    let works = works.map(move |work| Ok(Step::Work(work?, place.take())));
    Ok(copy.into_iter().chain(works))
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
