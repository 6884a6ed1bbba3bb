//! What passes between a request of a store and the HTTP client below `object_store`, as extensions of requests and answers.

use std::ops::Range;
use std::sync::{Arc, Mutex};

use tokio::time::Instant;

/// The size of an object where the answer does not say it, in the words of `object_store`, which has to have one.
#[cfg_attr(
    not(any(feature = "s3", feature = "gcs", feature = "azure", feature = "http")),
    expect(dead_code, reason = "only HTTP clients meet it")
)]
pub(crate) const UNKNOWN_SIZE: u64 = u64::MAX;

/// What an answer says that `object_store` has no place for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Facts {
    /// The answer does not say how large the object is.
    pub(crate) size_unknown: bool,
    /// The bytes that come, where they are fewer than was asked for.
    pub(crate) part: Option<Range<u64>>,
    /// The value of `Content-Encoding`, where the bytes are not those of the object.
    pub(crate) encoding: Option<String>,
}

/// How long a request may take, and what the last of its attempts met.
#[derive(Clone, Debug, Default)]
pub(crate) struct Patience {
    /// When the deadline of the request is.
    #[cfg_attr(
        not(any(feature = "s3", feature = "gcs", feature = "azure", feature = "http")),
        expect(dead_code, reason = "only HTTP clients wait")
    )]
    pub(crate) until: Option<Instant>,
    /// What went wrong last.
    pub(crate) last: Arc<Mutex<Option<String>>>,
}

impl Patience {
    /// What went wrong last, if anything did.
    pub(crate) fn last(&self) -> Option<String> {
        self.last.lock().ok()?.clone()
    }

    #[cfg_attr(
        not(any(feature = "s3", feature = "gcs", feature = "azure", feature = "http")),
        expect(dead_code, reason = "only HTTP clients have attempts")
    )]
    pub(crate) fn note(&self, what: String) {
        if let Ok(mut last) = self.last.lock() {
            *last = Some(what);
        }
    }
}

/// Asks for a directory of a web server: its path ends in `/`.
#[cfg(feature = "http")]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Directory;

/// The URL that was asked for, and the one that an answer came from after all redirects.
#[cfg(feature = "http")]
#[derive(Clone, Debug)]
pub(crate) struct Landed {
    pub(crate) asked: String,
    pub(crate) at: String,
}
