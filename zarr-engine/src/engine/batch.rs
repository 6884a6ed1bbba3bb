//! The work of a read or write in portions for the computing threads: small chunks together, large ones alone.

/// A batch ends with the job that brings it to so many decoded bytes: handing it over takes a fraction of decoding it.
const SIZE: u64 = 256 << 10;

/// The most jobs of a batch, where they decode to less.
const LEN: usize = 4096;

/// Batches of jobs, made as they are asked for. They end at the first error.
pub(super) struct Batches<I, T> {
    jobs: I,
    /// The decoded size of a job, in bytes.
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
