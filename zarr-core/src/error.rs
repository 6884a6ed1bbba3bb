//! The one error of the pure crates. A failure is described where it happens and gets its place (metadata member, inner
//! chunk, object key) added once, where that place is known.

use std::fmt;

use crate::bare_words::unmarked;

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong in metadata, a codec, a selection or a plan.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The text is not JSON, or not the JSON that is due here.
    #[error("invalid JSON: {reason}")]
    Syntax {
        /// What the parser says, with line and column.
        reason: String,
    },
    /// A required metadata member is absent.
    #[error("missing member {member:?}")]
    MissingMember {
        /// The name of the member.
        member: &'static str,
    },
    /// A metadata member that is not known and may not be ignored.
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
        /// What is allowed.
        expected: String,
    },
    /// An extension that no one registered: valid, perhaps, but not supported.
    #[error("unknown {point} {name:?}; registered: {registered}")]
    UnknownExtension {
        /// Where extensions of this sort stand: "codec", "data type", "chunk grid" ...
        point: &'static str,
        /// The name that was found.
        name: String,
        /// The names that are known.
        registered: String,
    },
    /// Something valid that this build does not do.
    #[error("unsupported: {what}")]
    Unsupported {
        /// What is not supported.
        what: String,
    },
    /// A fill value that its data type does not have.
    #[error("fill value {found} is not a {data_type}: expected {expected}")]
    FillValue {
        /// The name of the data type.
        data_type: String,
        /// The JSON text, shortened.
        found: String,
        /// What is allowed.
        expected: String,
    },
    /// A node name or path that the specification forbids.
    #[error("invalid path {path:?}: {rule}")]
    Path {
        /// The path.
        path: String,
        /// The rule that it breaks.
        rule: &'static str,
    },
    /// A stored checksum that the stored bytes do not have.
    #[error("{codec}: stored {stored:#010x}, computed {computed:#010x}")]
    Checksum {
        /// The codec that checks it.
        codec: &'static str,
        /// The checksum in the data.
        stored: u64,
        /// The checksum of the data.
        computed: u64,
    },
    /// Data of the wrong number of bytes or elements.
    #[error("{what}: found {found} bytes, expected {expected}")]
    Size {
        /// What was measured.
        what: &'static str,
        /// Bytes found.
        found: u64,
        /// Bytes expected: an exact number or a bound.
        expected: String,
    },
    /// Encoded data that its codec cannot decode.
    #[error("{codec}: {reason}")]
    Corrupt {
        /// The codec, or the part of a shard.
        codec: &'static str,
        /// What is wrong, with numbers.
        reason: String,
    },
    /// More than this build, or the caller's limit, allows.
    #[error("{what} of {wanted} is over the limit of {limit}")]
    TooLarge {
        /// What was asked for.
        what: &'static str,
        /// How much.
        wanted: String,
        /// The limit.
        limit: u64,
    },
    /// A selection that does not fit the array or the buffer.
    #[error("selection: {reason}")]
    Selection {
        /// What does not fit, with numbers.
        reason: String,
    },
    /// An output that another read is writing to.
    #[error(
        "the output is in use: another read writes to it; use one output for each read at a time"
    )]
    OutputInUse,
    /// A Rust type that does not hold the array's data type.
    #[error("array of {data_type} cannot be read or written as {element}")]
    ElementType {
        /// The data type of the array.
        data_type: String,
        /// The Rust type.
        element: &'static str,
    },
    /// The member of a metadata document, or the index of a shard, in which the source happened.
    #[error("{pointer}: {source}")]
    InMember {
        /// The path of members, such as `codecs[0].codecs[1]`.
        pointer: String,
        /// What happened there.
        source: Box<Error>,
    },
    /// The chunk or inner chunk in which the source happened.
    #[error("{level} {cell:?}: {source}")]
    InChunk {
        /// "chunk" or "inner chunk".
        level: &'static str,
        /// Its indices in the grid of its level.
        cell: Vec<u64>,
        /// What happened there.
        source: Box<Error>,
    },
    /// The stored object in which the source happened.
    #[error("{key}: {source}")]
    InObject {
        /// The key of the object in its store.
        key: String,
        /// What happened there.
        source: Box<Error>,
    },
}

/// The kind of an [`Error`], for callers that map it to something else. Places do not change it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Metadata, a path or an argument that the specification does not allow.
    Invalid,
    /// What is or may be valid, and this build does not do: unknown extensions too.
    Unsupported,
    /// Stored bytes that are not what their codec or the shard format makes.
    Corrupt,
    /// Stored bytes that do not have their checksum.
    Checksum,
    /// More than a limit allows.
    TooLarge,
    /// A selection or an output that does not fit the array, the buffer or another read.
    Selection,
    /// A Rust type that does not hold the array's data type.
    ElementType,
}

impl Error {
    /// The kind of this error, whatever its places.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self.root() {
            Self::Syntax { .. }
            | Self::MissingMember { .. }
            | Self::Invalid { .. }
            | Self::FillValue { .. }
            | Self::Path { .. } => ErrorKind::Invalid,
            // A member that may not be ignored is of an extension that this build does not know.
            Self::UnknownMember { .. }
            | Self::UnknownExtension { .. }
            | Self::Unsupported { .. } => ErrorKind::Unsupported,
            Self::Checksum { .. } => ErrorKind::Checksum,
            Self::Size { .. } | Self::Corrupt { .. } => ErrorKind::Corrupt,
            Self::TooLarge { .. } => ErrorKind::TooLarge,
            Self::Selection { .. } | Self::OutputInUse => ErrorKind::Selection,
            Self::ElementType { .. } => ErrorKind::ElementType,
            // `root` has taken the places away.
            Self::InMember { source, .. }
            | Self::InChunk { source, .. }
            | Self::InObject { source, .. } => source.kind(),
        }
    }

    /// An [`Error::Invalid`] of these texts.
    pub fn invalid(found: impl fmt::Display, expected: impl Into<String>) -> Self {
        Self::Invalid {
            found: shorten(&found.to_string()),
            expected: expected.into(),
        }
    }

    /// An [`Error::Corrupt`] of these texts.
    pub fn corrupt(codec: &'static str, reason: impl Into<String>) -> Self {
        Self::Corrupt {
            codec,
            reason: reason.into(),
        }
    }

    /// An [`Error::Size`]: `found` bytes where `expected` are due.
    pub fn size(what: &'static str, found: usize, expected: impl fmt::Display) -> Self {
        Self::Size {
            what,
            found: found as u64,
            expected: expected.to_string(),
        }
    }

    /// An [`Error::Selection`] with this reason.
    pub fn selection(reason: impl Into<String>) -> Self {
        Self::Selection {
            reason: reason.into(),
        }
    }

    /// Adds the metadata member in which this happened, in front of those already named.
    #[must_use]
    pub fn member(self, member: impl fmt::Display) -> Self {
        match self {
            Self::InMember { pointer, source } => Self::InMember {
                pointer: format!("{member}.{pointer}"),
                source,
            },
            source => Self::InMember {
                pointer: member.to_string(),
                source: Box::new(source),
            },
        }
    }

    /// Adds the chunk ("chunk" or "inner chunk") in which this happened.
    #[must_use]
    pub fn chunk(self, level: &'static str, cell: &[u64]) -> Self {
        Self::InChunk {
            level,
            cell: cell.to_vec(),
            source: Box::new(self),
        }
    }

    /// Adds the key of the object in which this happened.
    #[must_use]
    pub fn key(self, key: &str) -> Self {
        Self::InObject {
            key: key.to_owned(),
            source: Box::new(self),
        }
    }

    /// The failure itself, without its places.
    #[must_use]
    pub fn root(&self) -> &Self {
        match self {
            Self::InMember { source, .. }
            | Self::InChunk { source, .. }
            | Self::InObject { source, .. } => source.root(),
            other => other,
        }
    }
}

/// A text of at most 80 characters for messages.
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
        Self::Syntax {
            reason: error.to_string(),
        }
    }
}

#[cfg(test)]
mod tests;
