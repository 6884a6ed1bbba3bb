//! The work of a read in portions for the computing threads: small inner chunks together, large ones alone.

use zarr_core::plan::Work;

use crate::error::Result;

/// A batch ends with the job that brings it to so many decoded bytes: handing it over takes a fraction of decoding it.
const SIZE: u64 = 256 << 10;

/// The most jobs of a batch, where they decode to less.
const LEN: usize = 4096;

/// Batches of work, made as they are asked for. They end at the first error.
pub(super) struct Batches<I>(I);

impl<I> Batches<I> {
    pub(super) fn new(work: I) -> Self {
        Self(work)
    }
}

impl<I: Iterator<Item = zarr_core::Result<Work>>> Iterator for Batches<I> {
    type Item = Result<Vec<Work>>;

    fn next(&mut self) -> Option<Self::Item> {
        let (mut batch, mut size) = (Vec::new(), 0_u64);
        while size < SIZE && batch.len() < LEN {
            match self.0.next() {
                None => break,
                Some(Ok(work)) => {
                    size = size.saturating_add(work.decoded_size());
                    batch.push(work);
                }
                Some(Err(error)) => return Some(Err(error.into())),
            }
        }
        (!batch.is_empty()).then_some(Ok(batch))
    }
}
