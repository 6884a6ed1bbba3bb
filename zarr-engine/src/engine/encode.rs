//! Encodes the writes of one object.

use bytes::Bytes;
use rayon::iter::{ParallelBridge, ParallelIterator};
use zarr_core::Input;
use zarr_core::plan::{EncodeJob, ObjectState, ObjectWrite};

use super::batch::Batches;
use super::compute;
use crate::error::{Error, Result};

/// Encodes writes of one object, one on top of the other, on the computing threads; the inner
/// chunks of each write are encoded in parallel. `finish` turns the result into the bytes to store,
/// also on the computing threads.
pub(super) async fn encode<R: Send + 'static>(
    writes: Vec<(ObjectWrite, Input)>,
    existing: ObjectState,
    finish: impl FnOnce(&ObjectWrite, ObjectState) -> zarr_core::Result<R> + Send + 'static,
) -> Result<R> {
    compute(move || finish_here(&writes, existing, finish)).await?
}

/// Variant of [`encode`] for computing threads, for objects that are replaced entirely.
pub(super) fn encode_here(object: &ObjectWrite, input: &Input) -> Result<Option<Vec<Bytes>>> {
    let writes = [(object.clone(), input.clone())];
    finish_here(&writes, ObjectState::Absent, ObjectWrite::assemble)
}

fn finish_here<R>(
    writes: &[(ObjectWrite, Input)],
    existing: ObjectState,
    finish: impl FnOnce(&ObjectWrite, ObjectState) -> zarr_core::Result<R>,
) -> Result<R> {
    let mut state = existing;
    for (object, input) in writes {
        let mut encode = object.encode(state)?;
        let jobs = encode.by_ref().map(Ok::<_, Error>);
        let mut batches = Batches::new(jobs, |(_, job): &(_, EncodeJob)| job.decoded_size());
        let run = |batch: Result<Vec<_>>| encode_batch(&batch?, input);
        let chunks = match (batches.next(), batches.next()) {
            (Some(first), Some(second)) => [first, second]
                .into_iter()
                .chain(batches)
                .par_bridge()
                .map(run)
                .collect::<Result<Vec<_>>>()?,
            // Too little work to wake other threads for.
            (first, _) => first.map(run).into_iter().collect::<Result<_>>()?,
        };
        state = encode.finish(chunks.into_iter().flatten());
    }
    Ok(finish(&writes[0].0, state)?)
}

/// Encodes chunks one after another into shared memory.
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
