//! Extensions of requests and responses, shared between a store's requests and the HTTP client
//! below `object_store`.

use std::ops::Range;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use tokio::time::Instant;

/// Stands for an unknown object size, because `object_store` requires a size.
#[cfg_attr(
    not(any(feature = "s3", feature = "gcs", feature = "azure", feature = "http")),
    expect(dead_code, reason = "only HTTP clients meet it")
)]
pub(crate) const UNKNOWN_SIZE: u64 = u64::MAX;

/// Facts about a response that `object_store` has no field for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Facts {
    /// Whether the response omits the size of the object.
    pub(crate) size_unknown: bool,
    /// The range of the received bytes, if shorter than requested.
    pub(crate) part: Option<Range<u64>>,
    /// The value of `Content-Encoding`, if the bytes are an encoding of the object.
    pub(crate) encoding: Option<String>,
}

/// The deadline of a request, the number of its attempts, and the failure of the last one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Patience {
    /// The deadline of the request.
    #[cfg_attr(
        not(any(feature = "s3", feature = "gcs", feature = "azure", feature = "http")),
        expect(dead_code, reason = "only HTTP clients wait")
    )]
    pub(crate) until: Option<Instant>,
    /// The last failure.
    pub(crate) last: Arc<Mutex<Option<String>>>,
    /// The number of HTTP requests sent.
    pub(crate) sent: Arc<AtomicU32>,
}

impl Patience {
    /// Returns the number of HTTP requests sent.
    pub(crate) fn sent(&self) -> u32 {
        self.sent.load(Ordering::Relaxed)
    }

    #[cfg_attr(
        not(any(feature = "s3", feature = "gcs", feature = "azure", feature = "http")),
        expect(dead_code, reason = "only HTTP clients send requests")
    )]
    pub(crate) fn count(&self) {
        self.sent.fetch_add(1, Ordering::Relaxed);
    }

    /// Returns the last failure, if any.
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

/// Marks a request for a directory of a web server, whose path ends in `/`.
#[cfg(feature = "http")]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Directory;

/// The requested URL, and the URL of the response after all redirects.
#[cfg(feature = "http")]
#[derive(Clone, Debug)]
pub(crate) struct Landed {
    pub(crate) asked: String,
    pub(crate) at: String,
}
