//! The engine's error: an error of the core or the store, plus the node that it concerns.

use zarr_core::NodePath;

/// The result type of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error of the engine. [`Self::kind`] classifies it; [`Self::node`], [`Self::key`] and
/// [`Self::inner_chunk`] locate it.
///
/// ```
/// use zarr_engine::{ArrayBuilder, ErrorKind, blocking};
///
/// let hierarchy = blocking::open("memory:")?;
/// let array = hierarchy.create_array("a/b", ArrayBuilder::new(&[10], "int32").build()?)?;
/// let error = array.read::<i32>(5..20).unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::Selection);
/// assert_eq!(error.node().map(|path| path.as_str()), Some("a/b"));
/// assert_eq!(hierarchy.array("c").unwrap_err().kind(), ErrorKind::NodeNotFound);
/// # Ok::<(), zarr_engine::Error>(())
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No node exists at this path.
    #[error("{store}: no node at {path}")]
    NodeNotFound {
        /// The location of the store, without secrets.
        store: String,
        /// The path without a node.
        path: NodePath,
    },
    /// The node at this path is of the wrong type: an array where a group is expected, or vice
    /// versa.
    #[error("{path} is {found}, not {expected}")]
    NodeType {
        /// The path of the node.
        path: NodePath,
        /// The type found: "an array" or "a group".
        found: &'static str,
        /// The type expected: "an array" or "a group".
        expected: &'static str,
    },
    /// The node to be created already exists.
    #[error("{store}: {path} already exists")]
    AlreadyExists {
        /// The location of the store, without secrets.
        store: String,
        /// The path of the existing node.
        path: NodePath,
    },
    /// The path to be deleted has objects, but no node.
    #[error("{path} is not a node: {reason}")]
    NotANode {
        /// The path.
        path: NodePath,
        /// What is stored there.
        reason: String,
    },
    /// Another writer changed the object during every attempt to write it.
    #[error(
        "{key}: other writers changed the object during each of {attempts} attempts to write it"
    )]
    ConcurrentModification {
        /// The key of the object.
        key: String,
        /// The number of attempts.
        attempts: usize,
    },
    /// Another writer changed the object during every attempt to read it.
    #[error(
        "{key}: other writers changed the object during each of {attempts} attempts to read it"
    )]
    ChangedDuringRead {
        /// The key of the object.
        key: String,
        /// The number of attempts.
        attempts: usize,
    },
    /// The stored metadata document lays out the elements differently from the document that this
    /// handle was opened with.
    #[error(
        "{path}: the metadata of the array differs from the metadata of this handle (it has changed, or a \
         group's consolidated metadata is outdated); open the array again by its own path"
    )]
    StaleHandle {
        /// The path of the array.
        path: NodePath,
    },
    /// The shape of the data does not match the shape of the selection, of the region to be appended,
    /// or of the other array.
    #[error("data of shape {found:?} does not fit shape {expected:?}")]
    Shape {
        /// The shape of the data.
        found: Vec<usize>,
        /// The shape expected.
        expected: Vec<usize>,
    },
    /// The system cannot start the computing threads.
    #[error("could not start {count} computing threads: {reason}")]
    Threads {
        /// The number of threads requested; 0 means one per core.
        count: usize,
        /// The system's error message.
        reason: String,
    },
    /// The runtime or the thread pool of the work shut down before the end of the work. Objects of
    /// a write may or may not be stored.
    #[error("the runtime or thread pool shut down before the work was done")]
    ShutDown,
    /// A bug in this engine or a codec: a job panicked. The object of that job was not stored; other
    /// objects of the same write may have been.
    #[error("internal error: {reason}")]
    Internal {
        /// The panic message.
        reason: String,
    },
    /// An error that concerns this node.
    #[error("{}", located(path, error))]
    InNode {
        /// The path of the node.
        path: NodePath,
        /// The error itself.
        error: Box<Error>,
    },
    /// Metadata, a selection or encoded data is invalid.
    #[error(transparent)]
    Core(#[from] zarr_core::Error),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] zarr_store::Error),
}

/// The kind of an [`Error`]: callers can match on it to decide how to react.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// No node exists at the path.
    NodeNotFound,
    /// The node is an array where a group is expected, or vice versa.
    NodeType,
    /// The node to be created already exists.
    AlreadyExists,
    /// Other writers changed the object during every attempt to write it; try again later.
    Conflict,
    /// An object or node has changed in the meantime; open it again.
    Changed,
    /// The selection does not fit the array, or the data does not fit the selection.
    Selection,
    /// The Rust type does not match the data type of the array.
    ElementType,
    /// Metadata, a path, a URL or an argument is not allowed.
    Invalid,
    /// This build or this store does not support the operation.
    Unsupported,
    /// Stored bytes are corrupt.
    Corrupt,
    /// Stored bytes do not match their checksum.
    Checksum,
    /// The operation exceeds a limit or the memory of this machine.
    TooLarge,
    /// A required object is missing.
    NotFound,
    /// The store denies access.
    PermissionDenied,
    /// The store did not answer in time.
    Timeout,
    /// The store was opened read-only.
    ReadOnly,
    /// The store, the network or the system failed in another way.
    Io,
    /// A bug in this engine or a codec.
    Internal,
}

/// Formats an error, preceded by its node unless it names an object.
fn located(path: &NodePath, source: &Error) -> String {
    match source.key() {
        Some(_) => source.to_string(),
        None => format!("{path}: {source}"),
    }
}

impl Error {
    /// Returns the kind of this error.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::NodeNotFound { .. } => ErrorKind::NodeNotFound,
            Self::NodeType { .. } => ErrorKind::NodeType,
            Self::AlreadyExists { .. } => ErrorKind::AlreadyExists,
            Self::ConcurrentModification { .. } => ErrorKind::Conflict,
            Self::ChangedDuringRead { .. } | Self::StaleHandle { .. } => ErrorKind::Changed,
            Self::NotANode { .. } => ErrorKind::Invalid,
            Self::Shape { .. } => ErrorKind::Selection,
            Self::Threads { .. } | Self::ShutDown => ErrorKind::Io,
            Self::Internal { .. } => ErrorKind::Internal,
            Self::InNode { error, .. } => error.kind(),
            Self::Core(error) => of_core(error.kind()),
            Self::Store(error) => of_store(error.kind()),
        }
    }

    /// Returns the path of the node that this error concerns, if known.
    #[must_use]
    pub fn node(&self) -> Option<&NodePath> {
        match self {
            Self::NodeNotFound { path, .. }
            | Self::NodeType { path, .. }
            | Self::AlreadyExists { path, .. }
            | Self::NotANode { path, .. }
            | Self::StaleHandle { path }
            | Self::InNode { path, .. } => Some(path),
            _ => None,
        }
    }

    /// Returns the key of the object that this error concerns: a metadata document, a chunk or a
    /// shard.
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        match self {
            Self::ConcurrentModification { key, .. } | Self::ChangedDuringRead { key, .. } => {
                Some(key)
            }
            Self::InNode { error, .. } => error.key(),
            Self::Core(error) => places(error).find_map(|error| match error {
                zarr_core::Error::InObject { key, .. } => Some(key.as_str()),
                _ => None,
            }),
            Self::Store(error) => error.key(),
            _ => None,
        }
    }

    /// Returns the indices, within the shard at [`Self::key`], of the inner chunk that this error
    /// concerns.
    #[must_use]
    pub fn inner_chunk(&self) -> Option<&[u64]> {
        match self {
            Self::InNode { error, .. } => error.inner_chunk(),
            Self::Core(error) => places(error).find_map(|error| match error {
                zarr_core::Error::InChunk { level, cell, .. } if *level == "inner chunk" => {
                    Some(cell.as_slice())
                }
                _ => None,
            }),
            _ => None,
        }
    }

    /// Returns the error without the node attached to it.
    #[must_use]
    pub fn root(&self) -> &Self {
        match self {
            Self::InNode { error, .. } => error.root(),
            other => other,
        }
    }
}

/// Attaches a node to the error of a result.
pub(crate) trait At<R> {
    /// Attaches the node at `path` unless the error already names one.
    fn at(self, path: &NodePath) -> Result<R>;
}

impl<R, E: Into<Error>> At<R> for Result<R, E> {
    fn at(self, path: &NodePath) -> Result<R> {
        self.map_err(|error| match error.into() {
            error if error.node().is_some() => error,
            error => Error::InNode {
                path: path.clone(),
                error: Box::new(error),
            },
        })
    }
}

/// Iterates over a core error and the errors that it wraps, outermost first.
fn places(error: &zarr_core::Error) -> impl Iterator<Item = &zarr_core::Error> {
    std::iter::successors(Some(error), |error| match error {
        zarr_core::Error::InMember { error, .. }
        | zarr_core::Error::InChunk { error, .. }
        | zarr_core::Error::InObject { error, .. } => Some(error),
        _ => None,
    })
}

fn of_core(kind: zarr_core::ErrorKind) -> ErrorKind {
    use zarr_core::ErrorKind as Core;
    match kind {
        Core::Unsupported => ErrorKind::Unsupported,
        Core::Corrupt => ErrorKind::Corrupt,
        Core::Checksum => ErrorKind::Checksum,
        Core::TooLarge => ErrorKind::TooLarge,
        Core::Selection => ErrorKind::Selection,
        Core::ElementType => ErrorKind::ElementType,
        // Metadata, a path or an argument.
        _ => ErrorKind::Invalid,
    }
}

fn of_store(kind: zarr_store::ErrorKind) -> ErrorKind {
    use zarr_store::ErrorKind as Store;
    match kind {
        Store::NotFound => ErrorKind::NotFound,
        Store::PermissionDenied => ErrorKind::PermissionDenied,
        Store::Timeout => ErrorKind::Timeout,
        Store::Changed => ErrorKind::Changed,
        Store::Conflict => ErrorKind::Conflict,
        Store::ReadOnly => ErrorKind::ReadOnly,
        Store::InvalidKey | Store::InvalidUrl | Store::UnknownOption => ErrorKind::Invalid,
        Store::Unsupported => ErrorKind::Unsupported,
        Store::Corrupt => ErrorKind::Corrupt,
        _ => ErrorKind::Io,
    }
}
