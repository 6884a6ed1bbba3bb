//! The error of the engine: what the pure crates or the store say, with the node it concerns.

use zarr_core::NodePath;

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no node at this path.
    #[error("{store}: no node at {path}")]
    NodeNotFound {
        /// The store, without secrets.
        store: String,
        /// The path.
        path: NodePath,
    },
    /// There is a node at this path, of the other type.
    #[error("{path} is {found}, not {expected}")]
    NodeType {
        /// The path.
        path: NodePath,
        /// "an array" or "a group".
        found: &'static str,
        /// "an array" or "a group".
        expected: &'static str,
    },
    /// A node that was to be created exists.
    #[error("{store}: {path} exists")]
    AlreadyExists {
        /// The store, without secrets.
        store: String,
        /// The path.
        path: NodePath,
    },
    /// Others changed an object each time that it was about to be written.
    #[error("{key}: changed by others during each of {attempts} attempts to write it")]
    ConcurrentModification {
        /// The key of the object.
        key: String,
        /// How often it was tried.
        attempts: usize,
    },
    /// An object changed each time that it was being read.
    #[error("{key}: changed by others during each of {attempts} attempts to read it")]
    ChangedDuringRead {
        /// The key of the object.
        key: String,
        /// How often it was tried.
        attempts: usize,
    },
    /// The stored document lays out other elements than the one that the handle has.
    #[error(
        "{path}: the array is no longer what this handle was opened with (its metadata was changed, or a group's consolidated metadata is out of date); open it again by its own path"
    )]
    StaleHandle {
        /// The path.
        path: NodePath,
    },
    /// Data whose shape is not the selection's.
    #[error("data of shape {found:?} does not fit a selection of shape {expected:?}")]
    Shape {
        /// The shape of the data.
        found: Vec<usize>,
        /// The shape of the selection.
        expected: Vec<usize>,
    },
    /// A bug in this engine or a codec: a job panicked. Nothing was stored.
    #[error("internal error: {reason}")]
    Internal {
        /// What the panic said.
        reason: String,
    },
    /// Metadata, a selection, or encoded data is wrong.
    #[error(transparent)]
    Core(#[from] zarr_core::Error),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] zarr_store::Error),
}
