//! The errors of a store, with stable kinds and the redacted place of each failure.
//!
//! An absent object is not an error: reads return `None`. Messages of backends are kept only as
//! scrubbed text, so that no credential, user info or signed query reaches a message, a `Debug`
//! output or a log.

use std::fmt;
use std::io;
use std::ops::Range;
use std::sync::Arc;

use crate::redact;

/// The result of a store operation.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failure of a store operation.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An object that the caller knows to exist is gone.
    #[error("{place}: not found")]
    NotFound {
        /// The store and key.
        place: Place,
    },
    /// The backend refuses the credentials, or the operating system refuses access.
    #[error("{place}: {operation}: {}", cause.after("permission denied"))]
    PermissionDenied {
        /// The store and key.
        place: Place,
        /// The operation that failed.
        operation: &'static str,
        /// The message of the backend.
        cause: Cause,
    },
    /// The backend did not respond in time.
    #[error("{place}: {operation}: {}", cause.after("timed out"))]
    Timeout {
        /// The store and key.
        place: Place,
        /// The operation that failed.
        operation: &'static str,
        /// The message of the backend.
        cause: Cause,
    },
    /// The object is no longer the version that the read requested.
    #[error("{place}: changed while it was being read")]
    Changed {
        /// The store and key.
        place: Place,
    },
    /// The precondition of a put does not hold.
    #[error("{place}: precondition failed: {reason}")]
    Conflict {
        /// The store and key.
        place: Place,
        /// The state that was found instead.
        reason: &'static str,
    },
    /// A write to a read-only store.
    #[error("{place}: {operation}: store is read-only")]
    ReadOnly {
        /// The store and key.
        place: Place,
        /// The operation that failed.
        operation: &'static str,
    },
    /// A key or prefix that no object can have.
    #[error("{place}: invalid key: {reason}")]
    InvalidKey {
        /// The store and key.
        place: Place,
        /// The rule that the key breaks.
        reason: &'static str,
    },
    /// A URL that names no store.
    #[error("invalid store url \"{url}\": {reason}")]
    InvalidUrl {
        /// The URL without user info and query.
        url: String,
        /// The defect of the URL.
        reason: String,
    },
    /// An option that the store at this URL does not support.
    #[error("unknown option \"{option}\" for \"{url}\"; {known}")]
    UnknownOption {
        /// The URL without user info and query.
        url: String,
        /// The name of the option; never its value.
        option: String,
        /// The nearest known option, and where all options are listed.
        known: String,
    },
    /// The backend does not support the operation.
    #[error("{place}: {operation}: not supported: {reason}")]
    Unsupported {
        /// The store and key.
        place: Place,
        /// The operation that failed.
        operation: &'static str,
        /// Why the operation is not supported, and what would help.
        reason: String,
    },
    /// An archive that is damaged or malicious.
    #[error("{place}: corrupt archive: {reason}")]
    Corrupt {
        /// The store and key.
        place: Place,
        /// What was found, and what was expected.
        reason: String,
    },
    /// Fewer or more bytes than the range holds.
    #[error("{place}: bytes {}..{}: got {got} bytes, expected {expected}", range.start, range.end)]
    ShortBody {
        /// The store and key.
        place: Place,
        /// The range that was read.
        range: Range<u64>,
        /// The number of bytes received.
        got: u64,
        /// The number of bytes expected.
        expected: u64,
    },
    /// The path of the key, or a path above it, is something other than an object.
    #[error("{place}: found {found}, expected a regular file")]
    Obstructed {
        /// The store and key.
        place: Place,
        /// The kind of file at the path.
        found: &'static str,
    },
    /// The operating system failed.
    #[error("{place}: {operation}: {cause}")]
    Io {
        /// The store and key.
        place: Place,
        /// The operation that failed.
        operation: &'static str,
        /// The cause.
        cause: io::Error,
    },
    /// The backend failed in another way.
    #[error("{place}: {operation}: {cause}")]
    Backend {
        /// The store and key.
        place: Place,
        /// The operation that failed.
        operation: &'static str,
        /// The message of the backend.
        cause: Cause,
    },
}

/// The kind of an [`Error`], for callers that map it to something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// See [`Error::NotFound`].
    NotFound,
    /// See [`Error::PermissionDenied`].
    PermissionDenied,
    /// See [`Error::Timeout`].
    Timeout,
    /// See [`Error::Changed`].
    Changed,
    /// See [`Error::Conflict`].
    Conflict,
    /// See [`Error::ReadOnly`].
    ReadOnly,
    /// See [`Error::InvalidKey`].
    InvalidKey,
    /// See [`Error::InvalidUrl`].
    InvalidUrl,
    /// See [`Error::UnknownOption`].
    UnknownOption,
    /// See [`Error::Unsupported`].
    Unsupported,
    /// See [`Error::Corrupt`].
    Corrupt,
    /// See [`Error::ShortBody`].
    ShortBody,
    /// See [`Error::Obstructed`].
    Obstructed,
    /// See [`Error::Io`].
    Io,
    /// See [`Error::Backend`].
    Backend,
}

impl Error {
    /// The kind of this error.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound { .. } => ErrorKind::NotFound,
            Self::PermissionDenied { .. } => ErrorKind::PermissionDenied,
            Self::Timeout { .. } => ErrorKind::Timeout,
            Self::Changed { .. } => ErrorKind::Changed,
            Self::Conflict { .. } => ErrorKind::Conflict,
            Self::ReadOnly { .. } => ErrorKind::ReadOnly,
            Self::InvalidKey { .. } => ErrorKind::InvalidKey,
            Self::InvalidUrl { .. } => ErrorKind::InvalidUrl,
            Self::UnknownOption { .. } => ErrorKind::UnknownOption,
            Self::Unsupported { .. } => ErrorKind::Unsupported,
            Self::Corrupt { .. } => ErrorKind::Corrupt,
            Self::ShortBody { .. } => ErrorKind::ShortBody,
            Self::Obstructed { .. } => ErrorKind::Obstructed,
            Self::Io { .. } => ErrorKind::Io,
            Self::Backend { .. } => ErrorKind::Backend,
        }
    }

    /// The place of the error; `None` for a URL that could not be opened.
    #[must_use]
    pub fn place(&self) -> Option<&Place> {
        match self {
            Self::NotFound { place }
            | Self::PermissionDenied { place, .. }
            | Self::Timeout { place, .. }
            | Self::Changed { place }
            | Self::Conflict { place, .. }
            | Self::ReadOnly { place, .. }
            | Self::InvalidKey { place, .. }
            | Self::Unsupported { place, .. }
            | Self::Corrupt { place, .. }
            | Self::ShortBody { place, .. }
            | Self::Obstructed { place, .. }
            | Self::Io { place, .. }
            | Self::Backend { place, .. } => Some(place),
            Self::InvalidUrl { .. } | Self::UnknownOption { .. } => None,
        }
    }

    /// The key or prefix of the error; `None` for an error of the whole store.
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        self.place().map(Place::key).filter(|key| !key.is_empty())
    }

    /// Returns this error for another caller of the same request; `None` if the error may concern
    /// the range of one caller alone.
    pub(crate) fn to_all(&self) -> Option<Self> {
        Some(match self {
            Self::NotFound { place } => Self::NotFound {
                place: place.clone(),
            },
            Self::Changed { place } => Self::Changed {
                place: place.clone(),
            },
            Self::Timeout {
                place,
                operation,
                cause,
            } => Self::Timeout {
                place: place.clone(),
                operation,
                cause: cause.clone(),
            },
            Self::PermissionDenied {
                place,
                operation,
                cause,
            } => Self::PermissionDenied {
                place: place.clone(),
                operation,
                cause: cause.clone(),
            },
            Self::Backend {
                place,
                operation,
                cause,
            } => Self::Backend {
                place: place.clone(),
                operation,
                cause: cause.clone(),
            },
            _ => return None,
        })
    }

    /// Makes an error of the operating system at a place.
    pub(crate) fn io(place: Place, operation: &'static str, cause: io::Error) -> Self {
        match cause.kind() {
            io::ErrorKind::PermissionDenied => Self::PermissionDenied {
                place,
                operation,
                cause: Cause::new(&cause),
            },
            io::ErrorKind::TimedOut => Self::Timeout {
                place,
                operation,
                cause: Cause::new(&cause),
            },
            _ => Self::Io {
                place,
                operation,
                cause,
            },
        }
    }
}

/// A store and a key, as messages show them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    store: Arc<str>,
    key: Box<str>,
}

impl Place {
    pub(crate) fn new(store: &Arc<str>, key: &str) -> Self {
        Self {
            store: Arc::clone(store),
            key: key.into(),
        }
    }

    /// The redacted location of the store.
    #[must_use]
    pub fn store(&self) -> &str {
        &self.store
    }

    /// The key or prefix.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.key.is_empty() {
            return f.write_str(&self.store);
        }
        let store = self.store.strip_suffix('/').unwrap_or(&self.store);
        // URLs of web servers encode names, up to an archive.
        let encoded = store.starts_with("http") && store.contains("://") && !store.contains('|');
        write!(f, "{store}/")?;
        self.key.chars().try_for_each(|c| {
            if encoded && matches!(c, ' ' | '%' | '#' | '?' | '|' | '\\') {
                write!(f, "%{:02X}", u32::from(c))
            } else if c.is_control() {
                write!(f, "{}", c.escape_default())
            } else {
                write!(f, "{c}")
            }
        })
    }
}

/// The message of a backend, scrubbed of user info and queries of URLs.
#[derive(Clone, thiserror::Error)]
#[error("{0}")]
pub struct Cause(String);

impl Cause {
    /// Collects the text of an error and of its causes, omitting causes that the error already
    /// quotes.
    pub(crate) fn new(error: &dyn std::error::Error) -> Self {
        let said = error.to_string();
        let mut causes = String::new();
        let mut next = error.source();
        while let Some(cause) = next {
            let text = cause.to_string();
            if !said.contains(&text) && !causes.contains(&text) {
                causes.push_str(": ");
                causes.push_str(&text);
            }
            next = cause.source();
        }
        let plain = in_plain_words(&causes).map_or(String::new(), |words| format!("{words}: "));
        Self(redact::text(&format!("{plain}{said}{causes}")))
    }

    /// Puts words in front of this cause, unless it begins with them.
    fn after(&self, words: &str) -> String {
        match self.0.get(..words.len()) {
            Some(first) if first.eq_ignore_ascii_case(words) => self.0.clone(),
            _ => format!("{words}: {}", self.0),
        }
    }

    /// Returns this cause with an addition.
    pub(crate) fn with(self, more: &str) -> Self {
        Self(redact::text(&format!("{}; {more}", self.0)))
    }

    /// Whether another attempt to connect would fail in the same way.
    #[cfg_attr(
        not(any(feature = "s3", feature = "gcs", feature = "azure", feature = "http")),
        expect(dead_code, reason = "only HTTP clients connect")
    )]
    pub(crate) fn is_lasting(&self) -> bool {
        [NO_HOST, TLS].iter().any(|words| self.0.starts_with(words))
    }
}

const NO_HOST: &str = "no such host";
const TLS: &str = "TLS failed";

/// Explains the causes of a failure to connect that need expert knowledge.
fn in_plain_words(causes: &str) -> Option<&'static str> {
    let causes = causes.to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|words| causes.contains(words));
    if says(&["temporary failure in name resolution", "try again"]) {
        return Some("the name of the host cannot be resolved now");
    }
    if says(&[
        "dns error",
        "failed to lookup address",
        "name or service not known",
    ]) {
        return Some(NO_HOST);
    }
    if says(&["certificate", "corrupt message", "tls", "handshake"]) {
        return Some(TLS);
    }
    says(&["connection refused"]).then_some("connection refused")
}

impl fmt::Debug for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}
