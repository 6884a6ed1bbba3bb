//! The error type of the pure crates. A failure is described where it happens; its place (metadata
//! member, inner chunk, object key) is added once, where that place is known.

mod near;

use std::fmt;

use self::near::did_you_mean;
use crate::bare_words::unmarked;

/// The result type of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failure in metadata, a codec, a selection or a plan.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Text that is not JSON, or not the JSON expected here.
    #[error("{reason}")]
    Syntax {
        /// The parser's message, with line and column where they help.
        reason: String,
    },
    /// A required metadata member is absent.
    #[error("missing member {member:?}")]
    MissingMember {
        /// The name of the member.
        member: &'static str,
    },
    /// A metadata member that is unknown and must not be ignored.
    #[error(
        "unknown member {member:?}; only an object with \"must_understand\": false may be ignored"
    )]
    UnknownMember {
        /// The name of the member.
        member: String,
    },
    /// A value that the specification does not allow here.
    #[error("found {found}, expected {expected}")]
    Invalid {
        /// The value, shortened.
        found: String,
        /// The allowed values.
        expected: String,
    },
    /// An extension that is not registered: possibly valid, but not supported.
    #[error(
        "unknown {point} {name:?}; {}registered: {registered}",
        did_you_mean(name, registered)
    )]
    UnknownExtension {
        /// The extension point: "codec", "data type", "chunk grid" ...
        point: &'static str,
        /// The name found.
        name: String,
        /// The registered names.
        registered: String,
    },
    /// Something valid that this build does not support.
    #[error("unsupported: {what}")]
    Unsupported {
        /// The unsupported feature.
        what: String,
    },
    /// A fill value that is not a value of its data type.
    #[error("fill value {found} is not a {data_type}: expected {expected}")]
    FillValue {
        /// The name of the data type.
        data_type: String,
        /// The JSON text, shortened.
        found: String,
        /// The allowed values.
        expected: String,
    },
    /// A node name or path that the specification forbids.
    #[error("invalid path {path:?}: {rule}")]
    Path {
        /// The path.
        path: String,
        /// The rule that the path breaks.
        rule: &'static str,
    },
    /// A stored checksum that does not match the stored bytes.
    #[error("{codec}: stored {stored:#010x}, computed {computed:#010x}")]
    Checksum {
        /// The codec that verifies the checksum.
        codec: &'static str,
        /// The checksum stored with the data.
        stored: u64,
        /// The checksum computed from the data.
        computed: u64,
    },
    /// Data with the wrong number of bytes or elements.
    #[error("{what}: found {found} bytes, expected {expected}")]
    Size {
        /// The measured item.
        what: &'static str,
        /// The number of bytes found.
        found: u64,
        /// The expected number of bytes, exact or a bound.
        expected: String,
    },
    /// Encoded data that its codec cannot decode.
    #[error("{codec}: {reason}")]
    Corrupt {
        /// The codec, or the part of a shard.
        codec: &'static str,
        /// The defect, with numbers.
        reason: String,
    },
    /// A request over a limit of this build or of the caller.
    #[error("{what}: {wanted} is over the limit of {limit}")]
    TooLarge {
        /// The limited quantity.
        what: &'static str,
        /// The requested amount.
        wanted: String,
        /// The limit.
        limit: u64,
    },
    /// A selection that does not fit the array or the buffer.
    #[error("selection: {reason}")]
    Selection {
        /// The mismatch, with numbers.
        reason: String,
    },
    /// An output that another read is writing to.
    #[error("the output is in use by another read; wait for that read, or use another output")]
    OutputInUse,
    /// A Rust type that does not match the array's data type.
    #[error("an array of {data_type} cannot be read or written as {element}")]
    ElementType {
        /// The data type of the array.
        data_type: String,
        /// The Rust type.
        element: &'static str,
    },
    /// An error in a member of a metadata document, or in the index of a shard.
    #[error("{pointer}: {error}")]
    InMember {
        /// The path of members, such as `codecs[0].codecs[1]`.
        pointer: String,
        /// The error that happened there.
        error: Box<Error>,
    },
    /// An error in a chunk or inner chunk.
    #[error("{level} {cell:?}: {error}")]
    InChunk {
        /// "chunk" or "inner chunk".
        level: &'static str,
        /// The chunk's indices in the grid of its level.
        cell: Vec<u64>,
        /// The error that happened there.
        error: Box<Error>,
    },
    /// An error in a stored object.
    #[error("{key}: {error}")]
    InObject {
        /// The key of the object in its store.
        key: String,
        /// The error that happened there.
        error: Box<Error>,
    },
}

/// The kind of an [`Error`], for callers that map errors to other types. Adding a place does not
/// change the kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Metadata, a path or an argument that the specification does not allow.
    Invalid,
    /// Valid or possibly valid input that this build does not support, including unknown
    /// extensions.
    Unsupported,
    /// Stored bytes that their codec or the shard format cannot have produced.
    Corrupt,
    /// Stored bytes that do not match their checksum.
    Checksum,
    /// A request over a limit.
    TooLarge,
    /// A selection or an output that does not fit the array, the buffer or another read.
    Selection,
    /// A Rust type that does not match the array's data type.
    ElementType,
}

impl Error {
    /// The kind of this error, regardless of its places.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self.root() {
            Self::Syntax { .. }
            | Self::MissingMember { .. }
            | Self::Invalid { .. }
            | Self::FillValue { .. }
            | Self::Path { .. } => ErrorKind::Invalid,
            // A member that must not be ignored belongs to an extension that this build does not
            // support.
            Self::UnknownMember { .. }
            | Self::UnknownExtension { .. }
            | Self::Unsupported { .. } => ErrorKind::Unsupported,
            Self::Checksum { .. } => ErrorKind::Checksum,
            Self::Size { .. } | Self::Corrupt { .. } => ErrorKind::Corrupt,
            Self::TooLarge { .. } => ErrorKind::TooLarge,
            Self::Selection { .. } | Self::OutputInUse => ErrorKind::Selection,
            Self::ElementType { .. } => ErrorKind::ElementType,
            // Unreachable: `root` has removed the places.
            Self::InMember { error, .. }
            | Self::InChunk { error, .. }
            | Self::InObject { error, .. } => error.kind(),
        }
    }

    /// Creates an [`Error::Invalid`] from these texts.
    pub fn invalid(found: impl fmt::Display, expected: impl Into<String>) -> Self {
        Self::Invalid {
            found: shorten(&found.to_string()),
            expected: expected.into(),
        }
    }

    /// Creates an [`Error::Corrupt`] from these texts.
    pub fn corrupt(codec: &'static str, reason: impl Into<String>) -> Self {
        Self::Corrupt {
            codec,
            reason: reason.into(),
        }
    }

    /// Creates an [`Error::Size`]: `found` bytes where `expected` bytes are required.
    pub fn size(what: &'static str, found: usize, expected: impl fmt::Display) -> Self {
        Self::Size {
            what,
            found: found as u64,
            expected: expected.to_string(),
        }
    }

    /// Creates an [`Error::Selection`] with this reason.
    pub fn selection(reason: impl Into<String>) -> Self {
        Self::Selection {
            reason: reason.into(),
        }
    }

    /// Creates an [`Error::Syntax`] for a value that a Rust type does not accept. Omits line and
    /// column, which count in the text of the value alone.
    pub(crate) fn unlike(error: &serde_json::Error) -> Self {
        let position = format!(" at line {} column {}", error.line(), error.column());
        let text = error.to_string();
        let reason = text.strip_suffix(&position).unwrap_or(&text).to_owned();
        Self::Syntax { reason }
    }

    /// Adds the metadata member in which the error happened, in front of members already named.
    #[must_use]
    pub fn member(self, member: impl fmt::Display) -> Self {
        match self {
            Self::InMember { pointer, error } => Self::InMember {
                pointer: format!("{member}.{pointer}"),
                error,
            },
            error => Self::InMember {
                pointer: member.to_string(),
                error: Box::new(error),
            },
        }
    }

    /// Adds the chunk ("chunk" or "inner chunk") in which the error happened.
    #[must_use]
    pub fn chunk(self, level: &'static str, cell: &[u64]) -> Self {
        Self::InChunk {
            level,
            cell: cell.to_vec(),
            error: Box::new(self),
        }
    }

    /// Adds the key of the object in which the error happened.
    #[must_use]
    pub fn key(self, key: &str) -> Self {
        Self::InObject {
            key: key.to_owned(),
            error: Box::new(self),
        }
    }

    /// Returns the underlying error, without its places.
    #[must_use]
    pub fn root(&self) -> &Self {
        match self {
            Self::InMember { error, .. }
            | Self::InChunk { error, .. }
            | Self::InObject { error, .. } => error.root(),
            other => other,
        }
    }
}

/// Shortens text to 80 characters, for messages.
pub(crate) fn shorten(text: &str) -> String {
    const LIMIT: usize = 80;
    let text = unmarked(text);
    if text.chars().count() <= LIMIT {
        return text.into_owned();
    }
    let head: String = text.chars().take(LIMIT).collect();
    format!("{head}...")
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        let reason = match error.classify() {
            serde_json::error::Category::Data => error.to_string(),
            _ => format!("invalid JSON: {error}"),
        };
        Self::Syntax { reason }
    }
}

#[cfg(test)]
mod tests;
