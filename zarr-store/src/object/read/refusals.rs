//! The meanings of failed reads, which `object_store` tells only by their messages.

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
