//! Groups the jobs of remote reads into batches for the computing threads: small chunks
//! together, large ones alone.

/// The decoded size at which a batch is complete: handing over a batch of this size costs a
/// fraction of decoding it.
const SIZE: u64 = 256 << 10;

/// The maximum number of jobs per batch, for jobs with little decoded data.
const LEN: usize = 4096;

/// Groups jobs into batches lazily.
pub(super) struct Batches<I, T> {
    jobs: I,
    /// Returns the decoded size of a job, in bytes.
    size: fn(&T) -> u64,
}

impl<I, T> Batches<I, T> {
    pub(super) fn new(jobs: I, size: fn(&T) -> u64) -> Self {
        Self { jobs, size }
    }
}

impl<T, I: Iterator<Item = T>> Iterator for Batches<I, T> {
    type Item = Vec<T>;

    fn next(&mut self) -> Option<Self::Item> {
        let (mut batch, mut size) = (Vec::new(), 0_u64);
        while size < SIZE && batch.len() < LEN {
            let Some(job) = self.jobs.next() else {
                break;
            };
            size = size.saturating_add((self.size)(&job));
            batch.push(job);
        }
        (!batch.is_empty()).then_some(batch)
    }
}
