//! A hierarchy: one store, interpreted with one registry. `nodes` opens and creates its nodes.

use std::sync::Arc;

use zarr_core::metadata::{ArrayMetadata, GroupMetadata, NodeMetadata};
use zarr_core::plan::{ReadPlan, WriteOptions, WritePlan};
use zarr_core::{Input, NodePath, Registry};
use zarr_store::Store;

use crate::documents::DocumentCache;
use crate::engine::{CacheOptions, Engine, Target};
use crate::error::{Error, Result};

/// A hierarchy: the nodes in a store. Cheap to clone; all handles share caches and limits.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// use zarr_engine::{ArrayBuilder, Hierarchy, Store, registry};
///
/// let hierarchy = Hierarchy::new(Store::open("memory:")?, registry());
/// hierarchy.create_group("run", Default::default()).await?;
/// hierarchy.create_array("run/x", ArrayBuilder::new(&[4], "int32")).await?;
/// assert_eq!(hierarchy.node("run/x").await?.into_array()?.shape(), [4]);
/// # Ok::<(), zarr_engine::Error>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct Hierarchy {
    engine: Arc<Engine>,
    pub(crate) documents: Arc<DocumentCache>,
    write_options: WriteOptions,
}

/// The type of a node: group or array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeKind {
    /// A group.
    Group,
    /// An array.
    Array,
}

impl NodeKind {
    pub(crate) fn of(metadata: &NodeMetadata) -> Self {
        match metadata {
            NodeMetadata::Array(_) => Self::Array,
            NodeMetadata::Group(_) => Self::Group,
        }
    }
}

/// Returns the error for a node of kind `found` where the other kind is expected.
pub(crate) fn node_type(path: &NodePath, found: NodeKind) -> Error {
    let (found, expected) = match found {
        NodeKind::Array => ("an array", "a group"),
        NodeKind::Group => ("a group", "an array"),
    };
    Error::NodeType {
        path: path.clone(),
        found,
        expected,
    }
}

/// Returns the array document of a node.
pub(crate) fn array_document(path: &NodePath, metadata: NodeMetadata) -> Result<ArrayMetadata> {
    match metadata {
        NodeMetadata::Array(array) => Ok(array),
        NodeMetadata::Group(_) => Err(node_type(path, NodeKind::Group)),
    }
}

/// Returns the group document of a node.
pub(crate) fn group_document(path: &NodePath, metadata: NodeMetadata) -> Result<GroupMetadata> {
    match metadata {
        NodeMetadata::Group(group) => Ok(group),
        NodeMetadata::Array(_) => Err(node_type(path, NodeKind::Array)),
    }
}

impl Hierarchy {
    /// Returns the hierarchy in a store. Reads nothing.
    #[must_use]
    pub fn new(store: Store, registry: Registry) -> Self {
        Self::with_caches(store, registry, CacheOptions::default())
    }

    /// Returns the hierarchy in a store, with caches configured by `caches`. Reads nothing.
    #[must_use]
    pub fn with_caches(store: Store, registry: Registry, caches: CacheOptions) -> Self {
        Self {
            engine: Arc::new(Engine::new(store, registry, caches)),
            documents: Arc::new(DocumentCache::new(caches.metadata_age)),
            write_options: WriteOptions::default(),
        }
    }

    /// Returns this hierarchy with these write options for every array that is opened or created
    /// through it.
    ///
    /// ```
    /// use zarr_engine::{ArrayBuilder, WriteOptions, blocking};
    ///
    /// let options = WriteOptions { store_fill: true, ..WriteOptions::default() };
    /// let hierarchy = blocking::open("memory:")?.with_write_options(options);
    /// let array = hierarchy.create_array("a", ArrayBuilder::new(&[4], "int32").build()?)?;
    /// array.write(.., 0_i32)?;
    /// assert_eq!(array.stored_chunks().count(), 1);
    /// # Ok::<(), zarr_engine::Error>(())
    /// ```
    #[must_use]
    pub fn with_write_options(mut self, options: WriteOptions) -> Self {
        self.write_options = options;
        self
    }

    /// Returns the write options of new handles of arrays.
    #[must_use]
    pub fn write_options(&self) -> WriteOptions {
        self.write_options
    }

    /// Returns the store that holds the hierarchy.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.engine.store
    }

    /// Returns the registry of data types, codecs and other extensions.
    #[must_use]
    pub fn registry(&self) -> &Registry {
        &self.engine.registry
    }

    /// Runs a read plan into a target, through the caches of the hierarchy: for callers with
    /// metadata and a selection from elsewhere.
    ///
    /// Jobs may keep the target after this future is dropped, until they finish. After an error,
    /// the target may hold part of the result.
    ///
    /// # Errors
    /// Fails if the store fails or data is damaged.
    pub async fn run_read(&self, plan: ReadPlan, target: Target) -> Result<()> {
        self.engine.read(plan, target).await
    }

    /// Runs a read plan on this thread, without an async runtime. Returns `None` if the store is
    /// not a local directory.
    ///
    /// # Errors
    /// The errors of [`Self::run_read`].
    pub fn run_read_here(&self, plan: &ReadPlan, target: &Target) -> Option<Result<()>> {
        self.engine.read_blocking(plan, target)
    }

    /// Runs a write plan with the elements of `input`. Writes each object atomically; where some
    /// elements of an object are kept, the write is conditional on the object being unchanged.
    ///
    /// # Errors
    /// Fails if the store fails or an object to be merged is damaged (a damaged object is not
    /// overwritten). Some objects may already have been written.
    pub async fn run_write(&self, plan: WritePlan, input: Input) -> Result<()> {
        self.engine.write(plan, input).await
    }

    pub(crate) fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    pub(crate) fn shares_store(&self, other: &Self) -> bool {
        Arc::ptr_eq(self.engine(), other.engine())
            || self.store().as_local().is_some()
                && self.store().location() == other.store().location()
    }

    pub(crate) fn already_exists(&self, path: &NodePath) -> Error {
        Error::AlreadyExists {
            store: self.store().location().to_owned(),
            path: path.clone(),
        }
    }

    pub(crate) fn not_found(&self, path: &NodePath) -> Error {
        Error::NodeNotFound {
            store: self.store().location().to_owned(),
            path: path.clone(),
        }
    }
}
