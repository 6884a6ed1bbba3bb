//! Decodes the members of a gzip stream (RFC 1952, section 2.2). Zero bytes after the last member are
//! padding; any other byte is an error.

use libdeflater::DecompressionError;
use zarr_core::{Error, Result};

use crate::inflate::{Inflated, gunzip};
use crate::output::after;

/// Decodes all members to the start of `decoded` and returns the number of bytes written, or `None`
/// if they do not fit.
pub(super) fn decode(encoded: &[u8], decoded: &mut [u8]) -> Result<Option<usize>> {
    let (mut left, mut end) = (encoded, 0_usize);
    loop {
        match gunzip(left, after(decoded, end)) {
            Ok(Inflated { read, written }) => {
                left = left.get(read..).unwrap_or_default();
                end = end.saturating_add(written);
            }
            Err(DecompressionError::InsufficientSpace) => return Ok(None),
            Err(DecompressionError::BadData) => {
                let total = encoded.len();
                let place = total.saturating_sub(left.len());
                let reason = format!("the member at byte {place} of {total} is damaged");
                return Err(Error::corrupt("gzip", reason));
            }
        }
        if left.iter().all(|&byte| byte == 0) {
            return Ok(Some(end));
        }
    }
}
