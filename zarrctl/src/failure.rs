//! The result of a subcommand, and errors as messages that say what to do next.

use std::io;

use serde_json::{Value, json};
use zarr::ErrorKind;

/// The result of a subcommand that did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Exit code 0.
    Well,
    /// Findings or differences: exit code 1.
    Findings,
}

impl Outcome {
    /// Returns the outcome of a run in which all is well, or not.
    pub(crate) fn of(is_well: bool) -> Self {
        if is_well { Self::Well } else { Self::Findings }
    }
}

/// The result type of this crate.
pub(crate) type Result<T, E = Failure> = std::result::Result<T, E>;

/// An error: exit code 2.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The reader of the output has closed it, as `head` does: no message.
    ClosedPipe,
    /// An error of the engine.
    Engine(zarr::Error),
    /// A wrong argument, or an error of the system: what is wrong, and what to do.
    Other {
        message: String,
        hint: Option<String>,
    },
}

impl Failure {
    /// Creates a failure from a message.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self::Other {
            message: message.into(),
            hint: None,
        }
    }

    /// Adds what to do next.
    #[must_use]
    pub(crate) fn hint(self, hint: impl Into<String>) -> Self {
        match self {
            Self::ClosedPipe => self,
            other => Self::Other {
                message: other.message(),
                hint: Some(hint.into()),
            },
        }
    }

    /// Returns the exit code.
    pub(crate) fn code(&self) -> u8 {
        match self {
            Self::ClosedPipe => 0,
            _ => 2,
        }
    }

    pub(crate) fn message(&self) -> String {
        match self {
            Self::ClosedPipe => "the output was closed".to_owned(),
            Self::Engine(error) => error.to_string(),
            Self::Other { message, .. } => message.clone(),
        }
    }

    /// Returns what to do next, if anything helps.
    pub(crate) fn next(&self) -> Option<String> {
        match self {
            Self::ClosedPipe => None,
            Self::Engine(error) => advice(error.kind()).map(str::to_owned),
            Self::Other { hint, .. } => hint.clone(),
        }
    }

    /// Returns the error as JSON.
    pub(crate) fn json(&self, message: &str) -> Value {
        let (kind, node, key) = match self {
            Self::Engine(error) => (
                format!("{:?}", error.kind()),
                error.node().map(ToString::to_string),
                error.key().map(str::to_owned),
            ),
            _ => ("Invalid".to_owned(), None, None),
        };
        json!({"error": {
            "kind": kind, "message": message, "node": node, "key": key, "hint": self.next(),
        }})
    }
}

fn advice(kind: ErrorKind) -> Option<&'static str> {
    Some(match kind {
        ErrorKind::NodeNotFound => {
            "list the nodes above it with `zarrctl tree`; a store in a zip archive is FILE.zip"
        }
        ErrorKind::NodeType => "list the nodes with `zarrctl tree`",
        ErrorKind::AlreadyExists => "choose another path, or delete the node with `zarrctl rm`",
        ErrorKind::Selection => "print the shape with `zarrctl info`",
        ErrorKind::Corrupt | ErrorKind::Checksum => {
            "find all damage with `zarrctl check --deep`, and mend it with `zarrctl repair`"
        }
        ErrorKind::PermissionDenied => {
            "give credentials: --option NAME=VALUE, --profile NAME or the environment; public \
             buckets take --option skip_signature=true"
        }
        ErrorKind::Conflict | ErrorKind::Changed => "another writer is at work; run again",
        ErrorKind::Timeout => "run again, or allow more time: --option read_timeout=60s",
        _ => return None,
    })
}

impl From<zarr::Error> for Failure {
    fn from(error: zarr::Error) -> Self {
        Self::Engine(error)
    }
}

impl From<zarr::store::Error> for Failure {
    fn from(error: zarr::store::Error) -> Self {
        Self::Engine(error.into())
    }
}

impl From<zarr::core::Error> for Failure {
    fn from(error: zarr::core::Error) -> Self {
        Self::Engine(error.into())
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::ClosedPipe,
            _ => Self::new(error.to_string()),
        }
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        match error.io_error_kind() {
            Some(kind) => io::Error::from(kind).into(),
            None => Self::new(error.to_string()),
        }
    }
}
