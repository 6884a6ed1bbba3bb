//! The bytes to bytes codecs of a chain, run one after the other.

use std::sync::Arc;

use super::{BytesToBytes, EncodedSize, with_scratch, with_scratch_slice};
use crate::error::Result;

/// Decodes with the bytes to bytes codecs, last first, and lends the result, whose size is
/// `stored`. Checksums are verified in place.
pub(super) fn unwrap_bytes<R, F: FnOnce(&[u8]) -> Result<R>>(
    codecs: &[Arc<dyn BytesToBytes>],
    stored: EncodedSize,
    encoded: &[u8],
    use_bytes: F,
) -> Result<R> {
    let Some((codec, inner)) = codecs.split_last() else {
        return use_bytes(encoded);
    };
    if let Some(payload) = codec.payload(encoded)? {
        return unwrap_bytes(inner, stored, payload, use_bytes);
    }
    match inner.last().map_or(stored, |inner| inner.encoded_size()) {
        EncodedSize::Exact(size) => with_scratch_slice(size, |decoded| {
            codec.decode_exact(encoded, decoded)?;
            unwrap_bytes(inner, stored, decoded, use_bytes)
        }),
        EncodedSize::AtMost(_) => with_scratch(|decoded| {
            codec.decode(encoded, decoded)?;
            unwrap_bytes(inner, stored, decoded, use_bytes)
        }),
    }
}

/// Decodes with all of the codecs, into exactly the bytes of `decoded`.
pub(super) fn unwrap_bytes_into(
    codecs: &[Arc<dyn BytesToBytes>],
    encoded: &[u8],
    decoded: &mut [u8],
) -> Result<()> {
    let Some((first, outer)) = codecs.split_first() else {
        EncodedSize::Exact(decoded.len()).check("decoded chunk", encoded.len())?;
        decoded.copy_from_slice(encoded);
        return Ok(());
    };
    unwrap_bytes(outer, first.encoded_size(), encoded, |bytes| {
        match first.payload(bytes)? {
            None => first.decode_exact(bytes, decoded),
            Some(payload) => unwrap_bytes_into(&[], payload, decoded),
        }
    })
}

/// Encodes with the bytes to bytes codecs, first one first.
pub(super) fn wrap_bytes(
    codecs: &[Arc<dyn BytesToBytes>],
    decoded: &[u8],
    encoded: &mut Vec<u8>,
) -> Result<()> {
    match codecs.split_first() {
        None => encoded.extend_from_slice(decoded),
        Some((codec, [])) => codec.encode(decoded, encoded)?,
        Some((codec, outer)) => with_scratch(|between| {
            codec.encode(decoded, between)?;
            wrap_bytes(outer, between, encoded)
        })?,
    }
    Ok(())
}
