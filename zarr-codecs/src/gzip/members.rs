//! Decodes the members of a gzip stream (RFC 1952, section 2.2). Zero bytes after the last member are
//! padding; any other byte is an error.

use libdeflater::DecompressionError;
use zarr_core::{Error, Result};

use crate::inflate::with_decompressor;
use crate::output::after;

/// The number of positions tried as the end of a member. The member's checksum and size stand at
/// its end, and elsewhere only by chance.
const MAX_ENDS: usize = 64;

/// Decodes all members to the start of `decoded` and returns the number of bytes written, or `None`
/// if they do not fit.
pub(super) fn decode(encoded: &[u8], decoded: &mut [u8]) -> Result<Option<usize>> {
    let (mut left, mut written) = (encoded, 0_usize);
    loop {
        let place = encoded.len().saturating_sub(left.len());
        let member = with_decompressor(|it| it.gzip_decompress(left, after(decoded, written)));
        let size = match member {
            Ok(size) => size,
            Err(DecompressionError::InsufficientSpace) => return Ok(None),
            Err(DecompressionError::BadData) => {
                let total = encoded.len();
                let reason = format!("the member at byte {place} of {total} is damaged");
                return Err(Error::corrupt("gzip", reason));
            }
        };
        let member = after(decoded, written).get_mut(..size).unwrap_or_default();
        let end = member_end(left, member)?;
        left = left.get(end..).unwrap_or_default();
        written = written.saturating_add(size);
        if left.iter().all(|&byte| byte == 0) {
            return Ok(Some(written));
        }
    }
}

/// Finds the end of the member at the start of `encoded`, which decoded to `decoded`. libdeflate
/// knows the end, but its crate does not expose it.
fn member_end(encoded: &[u8], decoded: &mut [u8]) -> Result<usize> {
    let mut checksum = libdeflater::Crc::new();
    checksum.update(decoded);
    let [a, b, c, d] = checksum.sum().to_le_bytes();
    // The format stores the size modulo 2^32.
    let [e, f, g, h, ..] = (decoded.len() as u64).to_le_bytes();
    let trailer = [a, b, c, d, e, f, g, h];
    let places = encoded.windows(8).enumerate();
    places
        .filter(|(_, bytes)| *bytes == trailer)
        .map(|(start, _)| start.saturating_add(8))
        .take(MAX_ENDS)
        // A prefix that ends too early is not a whole member. If every earlier position fails, the
        // end of `encoded` is the end of the member.
        .find(|&end| {
            let prefix = encoded.get(..end).unwrap_or_default();
            end == encoded.len()
                || with_decompressor(|it| it.gzip_decompress(prefix, decoded)).is_ok()
        })
        .ok_or_else(|| Error::corrupt("gzip", "the end of a member was not found"))
}
