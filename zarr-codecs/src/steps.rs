//! Libraries that compress and decompress in steps.

use zarr_core::{Error, Result};

use crate::compressor::Compressor;
use crate::output::{after, reserve};

/// One step: the bytes read and written, and whether the stream ended.
pub(crate) struct Step {
    pub(crate) read: usize,
    pub(crate) written: usize,
    pub(crate) ended: bool,
}

impl Step {
    /// Creates a step from the totals of a stream before and after it.
    pub(crate) fn new(before: (u64, u64), after: (u64, u64), ended: bool) -> Self {
        let size = |size| usize::try_from(size).expect("no more than the slices given");
        Self {
            read: size(after.0.saturating_sub(before.0)),
            written: size(after.1.saturating_sub(before.1)),
            ended,
        }
    }
}

/// Appends the encoded form of `decoded`, reserving `more` bytes before each step.
pub(crate) fn compress(
    mut decoded: &[u8],
    encoded: &mut Vec<u8>,
    more: usize,
    mut step: impl FnMut(&[u8], &mut Vec<u8>) -> Result<Step>,
) -> Result<()> {
    loop {
        reserve(encoded, more)?;
        let step = step(decoded, encoded)?;
        if step.ended {
            return Ok(());
        }
        decoded = decoded.get(step.read..).unwrap_or_default();
    }
}

/// Decodes all streams to the start of `decoded` and returns the number of bytes written, or `None`
/// if they do not fit. After a stream has ended, `step` continues with the next one.
pub(crate) fn decompress<C: Compressor>(
    encoded: &[u8],
    decoded: &mut [u8],
    mut step: impl FnMut(&[u8], &mut [u8]) -> Result<Step>,
) -> Result<Option<usize>> {
    let (mut left, mut written) = (encoded, 0_usize);
    loop {
        let full = written == decoded.len();
        // A full buffer may already hold the whole result; one spare byte reveals whether more
        // output follows.
        let mut spare = [0];
        let room = if full {
            &mut spare
        } else {
            after(decoded, written)
        };
        let step = step(left, room)?;
        left = left.get(step.read..).unwrap_or_default();
        if full && step.written > 0 {
            return Ok(None);
        }
        written = written.saturating_add(step.written);
        if step.ended && left.is_empty() {
            return Ok(Some(written));
        }
        if !step.ended && step.read == 0 && step.written == 0 {
            let reason = format!("the stream does not end within {} bytes", encoded.len());
            return Err(Error::corrupt(C::NAME, reason));
        }
    }
}
