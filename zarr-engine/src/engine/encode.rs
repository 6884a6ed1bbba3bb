//! Encodes the writes of one object.

use bytes::Bytes;
use rayon::iter::{ParallelBridge, ParallelIterator};
use zarr_core::Input;
use zarr_core::plan::{EncodeJob, ObjectState, ObjectWrite};

use super::compute;
use crate::error::Result;

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
        let mut jobs = object.encode(state)?;
        let run = |job: EncodeJob| job.run(input);
        let chunks = match (jobs.next(), jobs.next()) {
            (Some(first), Some(second)) => [first, second]
                .into_iter()
                .chain(jobs.by_ref())
                .par_bridge()
                .map(run)
                .collect::<Result<Vec<_>, _>>()?,
            // Too little work to wake other threads for.
            (first, _) => first.map(run).into_iter().collect::<Result<_, _>>()?,
        };
        state = jobs.finish(chunks);
    }
    Ok(finish(&writes[0].0, state)?)
}
