//! Groups the jobs of remote reads into batches for the computing threads: small chunks
//! together, large ones alone.

/// The decoded size at which a batch is complete: handing over a batch of this size costs a
/// fraction of decoding it.
const SIZE: u64 = 256 << 10;

/// The maximum number of jobs per batch, for jobs with little decoded data.
const LEN: usize = 4096;

/// Groups jobs into batches lazily. A failed job discards the batch being collected; consumers stop
/// there.
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

impl<T, E, I: Iterator<Item = Result<T, E>>> Iterator for Batches<I, T> {
    type Item = Result<Vec<T>, E>;

    fn next(&mut self) -> Option<Self::Item> {
        let (mut batch, mut size) = (Vec::new(), 0_u64);
        while size < SIZE && batch.len() < LEN {
            match self.jobs.next() {
                None => break,
                Some(Ok(job)) => {
                    size = size.saturating_add((self.size)(&job));
                    batch.push(job);
                }
                Some(Err(error)) => return Some(Err(error)),
            }
        }
        (!batch.is_empty()).then_some(Ok(batch))
    }
}
