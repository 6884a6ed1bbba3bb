//! The meanings of failed reads, which `object_store` tells only by their messages, and of pages that
//! come instead of documents.

use crate::byte_range::ByteRange;
use crate::object::{is_transport, refuses_credentials};

/// Whether the response to a range was the whole object, which `object_store` discards: with its
/// own error variant for web servers, and with only a message for other stores.
pub(super) fn sends_no_ranges(error: &object_store::Error) -> bool {
    use object_store::Error as E;

    match error {
        E::NotSupported { .. } => true,
        E::Generic { source, .. } => source.to_string().contains("Received non-partial response"),
        _ => false,
    }
}

/// Whether a failed range request may mean that the range is outside the object: a 416, or the
/// refusal of a store that is no server. Any other status is final.
pub(super) fn may_be_outside(error: &object_store::Error) -> bool {
    let object_store::Error::Generic { source, .. } = error else {
        return false;
    };
    let text = source.to_string();
    let answered = text.contains("status code: ");
    !is_transport(error) && (!answered || text.contains("status code: 416"))
}

/// Whether a failure may mean that the server does not support ranges, or suffixes: a 501, or for a
/// suffix also a 400.
pub(super) fn may_know_no_range(range: &ByteRange, error: &object_store::Error) -> bool {
    let text = error.to_string();
    let is = |status: &str| text.contains(&format!("status code: {status}"));
    let suffix = matches!(range, ByteRange::Suffix(_));
    !refuses_credentials(error) && (is("501") || (suffix && is("400")))
}

/// Whether a metadata document is a web page, as sent by servers that have a page for every path,
/// or a login page.
pub(super) fn is_page(key: &str, bytes: &[u8]) -> bool {
    let name = key.rsplit('/').next().unwrap_or_default();
    if !matches!(
        name,
        "zarr.json" | ".zarray" | ".zgroup" | ".zattrs" | ".zmetadata"
    ) {
        return false;
    }
    let bytes = bytes
        .strip_prefix(b"\xEF\xBB\xBF")
        .unwrap_or(bytes)
        .trim_ascii_start();
    let start = bytes.get(..15).unwrap_or(bytes).to_ascii_lowercase();
    [&b"<!doctype html"[..], b"<html", b"<head", b"<!--"]
        .iter()
        .any(|page| start.starts_with(page))
}
