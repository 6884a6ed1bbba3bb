//! The error of the engine: what the pure crates or the store say, with the node it concerns.

use zarr_core::NodePath;

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong: [`Self::kind`] says it in one word, [`Self::node`], [`Self::key`] and [`Self::inner_chunk`] say where.
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
    /// The system cannot start computing threads.
    #[error("{count} computing threads: {reason}")]
    Threads {
        /// How many were wanted; 0 is one a core.
        count: usize,
        /// What the system said.
        reason: String,
    },
    /// A bug in this engine or a codec: a job panicked. Nothing was stored.
    #[error("internal error: {reason}")]
    Internal {
        /// What the panic said.
        reason: String,
    },
    /// Something went wrong with this node.
    #[error("{}", located(path, source))]
    InNode {
        /// The path.
        path: NodePath,
        /// What happened there.
        source: Box<Error>,
    },
    /// Metadata, a selection, or encoded data is wrong.
    #[error(transparent)]
    Core(#[from] zarr_core::Error),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] zarr_store::Error),
}

/// The kind of an [`Error`]: one match is enough to decide what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// There is no node at the path.
    NodeNotFound,
    /// The node is an array where a group is wanted, or the reverse.
    NodeType,
    /// The node exists that was to be created.
    AlreadyExists,
    /// Others wrote the same object in between, each time: try again later.
    Conflict,
    /// An object or a node is no longer what it was: open it again.
    Changed,
    /// A selection that does not fit the array, or data that does not fit the selection.
    Selection,
    /// A Rust type that does not hold the array's elements.
    ElementType,
    /// Metadata, a path, a URL or an argument that is not allowed.
    Invalid,
    /// What this build or this store does not do.
    Unsupported,
    /// Stored bytes that are not what they should be.
    Corrupt,
    /// Stored bytes that do not have their checksum.
    Checksum,
    /// More than a limit or the memory of this machine allows.
    TooLarge,
    /// An object is gone that has to be there.
    NotFound,
    /// The store refuses access.
    PermissionDenied,
    /// The store did not answer in time.
    Timeout,
    /// The store was opened for reading.
    ReadOnly,
    /// The store, the network or the system failed in another way.
    Io,
    /// A bug in this engine or a codec.
    Internal,
}

/// An error that does not name an object, with the node in front.
fn located(path: &NodePath, source: &Error) -> String {
    match source.key() {
        Some(_) => source.to_string(),
        None => format!("{path}: {source}"),
    }
}

impl Error {
    /// What went wrong, in one word.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::NodeNotFound { .. } => ErrorKind::NodeNotFound,
            Self::NodeType { .. } => ErrorKind::NodeType,
            Self::AlreadyExists { .. } => ErrorKind::AlreadyExists,
            Self::ConcurrentModification { .. } => ErrorKind::Conflict,
            Self::ChangedDuringRead { .. } | Self::StaleHandle { .. } => ErrorKind::Changed,
            Self::Shape { .. } => ErrorKind::Selection,
            Self::Threads { .. } => ErrorKind::Io,
            Self::Internal { .. } => ErrorKind::Internal,
            Self::InNode { source, .. } => source.kind(),
            Self::Core(error) => of_core(error.kind()),
            Self::Store(error) => of_store(error.kind()),
        }
    }

    /// The path of the node that it concerns, where that is known.
    #[must_use]
    pub fn node(&self) -> Option<&NodePath> {
        match self {
            Self::NodeNotFound { path, .. }
            | Self::NodeType { path, .. }
            | Self::AlreadyExists { path, .. }
            | Self::StaleHandle { path }
            | Self::InNode { path, .. } => Some(path),
            _ => None,
        }
    }

    /// The key of the object that it concerns: a metadata document, a chunk or a shard.
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        match self {
            Self::ConcurrentModification { key, .. } | Self::ChangedDuringRead { key, .. } => {
                Some(key)
            }
            Self::InNode { source, .. } => source.key(),
            Self::Core(error) => places(error).find_map(|error| match error {
                zarr_core::Error::InObject { key, .. } => Some(key.as_str()),
                _ => None,
            }),
            Self::Store(error) => error.key(),
            _ => None,
        }
    }

    /// The indices, in the shard at [`Self::key`], of the inner chunk that it concerns.
    #[must_use]
    pub fn inner_chunk(&self) -> Option<&[u64]> {
        match self {
            Self::InNode { source, .. } => source.inner_chunk(),
            Self::Core(error) => places(error).find_map(|error| match error {
                zarr_core::Error::InChunk { level, cell, .. } if *level == "inner chunk" => {
                    Some(cell.as_slice())
                }
                _ => None,
            }),
            _ => None,
        }
    }

    /// The error, which concerns this node if it does not say another.
    pub(crate) fn in_node(self, path: &NodePath) -> Self {
        match self.node() {
            Some(_) => self,
            None => Self::InNode {
                path: path.clone(),
                source: Box::new(self),
            },
        }
    }

    /// The error without the node that was added to it.
    #[must_use]
    pub fn root(&self) -> &Self {
        match self {
            Self::InNode { source, .. } => source.root(),
            other => other,
        }
    }
}

/// An error of the core and what it wraps, from the outside.
fn places(error: &zarr_core::Error) -> impl Iterator<Item = &zarr_core::Error> {
    std::iter::successors(Some(error), |error| match error {
        zarr_core::Error::InMember { source, .. }
        | zarr_core::Error::InChunk { source, .. }
        | zarr_core::Error::InObject { source, .. } => Some(source),
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
