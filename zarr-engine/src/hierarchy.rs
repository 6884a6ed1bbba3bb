//! A hierarchy: the nodes of one store by path, interpreted with one registry.

use std::sync::Arc;

use futures::try_join;
use zarr_core::metadata::{ArrayMetadata, Attributes, GroupMetadata, NodeMetadata, v2};
use zarr_core::plan::{ReadPlan, WritePlan};
use zarr_core::{ArrayLayout, Input, METADATA_NAME, NodePath, Registry, Strictness};
use zarr_store::{ErrorKind, Precondition, Store};

use crate::array::Array;
use crate::documents::{Change, DocumentCache, Wanted, key_of};
use crate::engine::{CacheOptions, Engine, Target};
use crate::error::{Error, Result};
use crate::group::Group;

/// A hierarchy: the nodes in a store. Cheap to clone; all handles share caches and limits.
#[derive(Clone, Debug)]
pub struct Hierarchy {
    engine: Arc<Engine>,
    pub(crate) documents: Arc<DocumentCache>,
}

/// A group or an array.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "nodes are opened one at a time")]
pub enum Node {
    /// A group.
    Group(Group),
    /// An array.
    Array(Array),
}

/// The type of a node: group or array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeKind {
    /// A group.
    Group,
    /// An array.
    Array,
}

impl Node {
    /// Returns the array.
    ///
    /// # Errors
    /// [`Error::NodeType`] if the node is a group.
    pub fn into_array(self) -> Result<Array> {
        match self {
            Self::Array(array) => Ok(array),
            Self::Group(group) => Err(node_type(group.path(), NodeKind::Group)),
        }
    }

    /// Returns the group.
    ///
    /// # Errors
    /// [`Error::NodeType`] if the node is an array.
    pub fn into_group(self) -> Result<Group> {
        match self {
            Self::Group(group) => Ok(group),
            Self::Array(array) => Err(node_type(array.path(), NodeKind::Array)),
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

/// A node to be created.
pub(crate) struct NewNode {
    path: NodePath,
    metadata: NodeMetadata,
    /// The missing groups above the node.
    above: Vec<(NodePath, NodeMetadata)>,
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
        }
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

    /// Opens the node at a path, `a/b` or `/a/b`. Without a `zarr.json`, looks for Zarr v2
    /// documents: Zarr v2 arrays and groups can be read.
    ///
    /// # Errors
    /// [`Error::NodeNotFound`], or the error in the node's document.
    pub async fn node(&self, path: &str) -> Result<Node> {
        self.open(path, Wanted::NodeWithCopies).await
    }

    async fn open(&self, path: &str, wanted: Wanted) -> Result<Node> {
        let mut path = NodePath::parse(path)?;
        if self.registry().strictness() == Strictness::Strict {
            path = path.unreserved()?;
        }
        let found = self.cached_document(&path, wanted).await;
        let metadata = found
            .map_err(|error| error.in_node(&path))?
            .ok_or_else(|| self.not_found(&path))?;
        let key = key_of(&path, &metadata);
        self.bind(path, metadata, &key)
    }

    /// Opens the array at a path.
    ///
    /// # Errors
    /// [`Error::NodeNotFound`], [`Error::NodeType`] for a group, or the error in the node's
    /// document.
    pub async fn array(&self, path: &str) -> Result<Array> {
        self.node(path).await?.into_array()
    }

    /// Opens the group at a path; an empty path means the root.
    ///
    /// # Errors
    /// [`Error::NodeNotFound`], [`Error::NodeType`] for an array, or the error in the node's
    /// document.
    pub async fn group(&self, path: &str) -> Result<Group> {
        self.open(path, Wanted::GroupWithCopies).await?.into_group()
    }

    /// Opens the group at a path and ignores its consolidated metadata, if any: nodes below are
    /// listed and opened by their own documents.
    ///
    /// # Errors
    /// The errors of [`Self::group`].
    pub async fn group_without_consolidated(&self, path: &str) -> Result<Group> {
        let path = NodePath::parse(path)?;
        let found = self.any_document(&path).await?;
        let metadata = found.ok_or_else(|| self.not_found(&path))?;
        let key = key_of(&path, &metadata);
        let group = self.bind(path, metadata, &key)?.into_group()?;
        group.without_consolidated()
    }

    /// Creates an array and any missing groups above it. Below a Zarr v2 group, creates a Zarr v2
    /// array.
    ///
    /// # Errors
    /// [`Error::AlreadyExists`] if the path has a node, [`Error::NodeType`] if a node above it is
    /// an array, or the error in the metadata, which is checked strictly. [`Error::Core`] for
    /// metadata that Zarr v2 cannot express.
    pub async fn create_array(&self, path: &str, metadata: ArrayMetadata) -> Result<Array> {
        let path = NodePath::parse(path)?;
        let new = self.new_node(&path, metadata.into()).await?;
        self.create(new).await?.into_array()
    }

    /// Creates a group and any missing groups above it. Below a Zarr v2 group, creates a Zarr v2
    /// group.
    ///
    /// # Errors
    /// The errors of [`Self::create_array`].
    pub async fn create_group(&self, path: &str, attributes: Attributes) -> Result<Group> {
        let path = NodePath::parse(path)?;
        let metadata = GroupMetadata::default().with_attributes(attributes)?;
        let new = self.new_node(&path, metadata.into()).await?;
        self.create(new).await?.into_group()
    }

    /// Creates a node at a path and deletes any existing node there, with everything below it. If
    /// groups above list the old node in their consolidated metadata, the new node replaces it
    /// there. Deletes nothing if the new node cannot be created.
    ///
    /// # Errors
    /// The errors of [`Self::create_array`] except [`Error::AlreadyExists`], and those of
    /// [`Self::delete`].
    pub async fn replace(&self, path: &str, metadata: NodeMetadata) -> Result<Node> {
        let path = NodePath::parse(path)?;
        let new = self.new_node(&path, metadata).await?;
        let stored = [(path.clone(), new.metadata.clone())];
        let had = self.delete_node(&path).await?;
        let node = self.create(new).await?;
        self.insert_copies(&had, &path, &stored).await?;
        Ok(node)
    }

    /// Deletes a node and everything below it; succeeds if the node does not exist. Deletes the
    /// copies of its document in the consolidated metadata of groups above first, then the
    /// document, then the chunks: readers find either the whole node or none, never a node without
    /// data.
    ///
    /// # Errors
    /// [`Error::Store`] if an object cannot be deleted.
    pub async fn delete(&self, path: &str) -> Result<()> {
        self.delete_node(&NodePath::parse(path)?).await.map(drop)
    }

    /// Deletes a node. Returns the groups above that listed the node in their consolidated
    /// metadata.
    async fn delete_node(&self, path: &NodePath) -> Result<Vec<NodePath>> {
        let had = self.remove_copies(path).await?;
        let documents = [METADATA_NAME, v2::ARRAY_NAME, v2::GROUP_NAME];
        let documents = documents.map(|name| path.prefix() + name);
        self.store().delete_all(&documents).await?;
        self.documents.clear();
        self.documents.note(path, Change::Deleted);
        self.store().delete_prefix(path.as_str()).await?;
        Ok(had)
    }

    /// Checks a node to be created and collects the missing groups above it, in the format of the
    /// nearest existing group.
    async fn new_node(&self, path: &NodePath, metadata: NodeMetadata) -> Result<NewNode> {
        let path = path.clone().unreserved()?;
        self.check_strictly(&path, &metadata)?;
        self.placed(path, metadata).await
    }

    /// Returns a node to be created with the missing groups above it, in the format of the nearest
    /// existing group.
    pub(crate) async fn placed(&self, path: NodePath, metadata: NodeMetadata) -> Result<NewNode> {
        let (above, is_zarr_2) = self.groups_above(&path, false).await?;
        Ok(NewNode {
            metadata: as_format(&path, metadata, is_zarr_2)?,
            above,
            path,
        })
    }

    /// Returns the missing groups above a path, and whether they are Zarr v2: like the nearest
    /// existing group, or as `wanted` if none exists.
    pub(crate) async fn groups_above(
        &self,
        path: &NodePath,
        wanted: bool,
    ) -> Result<(Vec<(NodePath, NodeMetadata)>, bool)> {
        let mut missing = Vec::new();
        let mut nearest = None;
        let mut above = path.parent();
        while let Some(ancestor) = above {
            nearest = self.any_document(&ancestor).await?;
            match &nearest {
                Some(NodeMetadata::Group(_)) => break,
                Some(NodeMetadata::Array(_)) => return Err(node_type(&ancestor, NodeKind::Array)),
                None => missing.push(ancestor.clone()),
            }
            above = ancestor.parent();
        }
        // Readers of a Zarr v2 hierarchy do not look for Zarr v3 documents.
        let is_zarr_2 = nearest.map_or(wanted, |nearest| nearest.zarr_2().is_some());
        let group = |path: NodePath| {
            let group = as_format(&path, GroupMetadata::default().into(), is_zarr_2)?;
            Ok((path, group))
        };
        let groups = missing.into_iter().map(group).collect::<Result<_>>()?;
        Ok((groups, is_zarr_2))
    }

    /// Rejects metadata that the specification forbids, even if this hierarchy reads it.
    fn check_strictly(&self, path: &NodePath, metadata: &NodeMetadata) -> Result<()> {
        let mut checked = metadata.members().expect_no_bare_words();
        if let NodeMetadata::Array(array) = metadata {
            let registry = self.registry().clone();
            let registry = registry.with_strictness(Strictness::Strict);
            checked = checked.and_then(|()| ArrayLayout::bind(array, &registry).map(drop));
        }
        Ok(checked.map_err(|error| error.key(&path.metadata_key()))?)
    }

    /// Puts the documents of a new node and of the missing groups above it.
    pub(crate) async fn create(&self, new: NewNode) -> Result<Node> {
        let NewNode {
            path,
            metadata,
            above,
        } = new;
        let (document, has_zarr_2) = try_join!(self.document(&path), self.has_zarr_2(&path))?;
        if document.is_some() || has_zarr_2 {
            self.documents.note_stored(&path);
            return Err(self.already_exists(&path));
        }
        let key = key_of(&path, &metadata);
        let node = self.bind(path.clone(), metadata.clone(), &key)?;
        self.put_groups(above).await?;
        self.documents.note_stored(&path);
        match self.put_new(&path, &metadata).await {
            Err(Error::Store(error)) if error.kind() == ErrorKind::Conflict => {
                Err(self.already_exists(&path))
            }
            result => result.map(|()| node),
        }
    }

    /// Puts missing groups; another writer may put them at the same time.
    pub(crate) async fn put_groups(&self, groups: Vec<(NodePath, NodeMetadata)>) -> Result<()> {
        for (path, group) in groups {
            self.documents.note_stored(&path);
            match self.put_new(&path, &group).await {
                Err(Error::Store(error)) if error.kind() == ErrorKind::Conflict => {}
                result => result?,
            }
        }
        Ok(())
    }

    async fn put_new(&self, path: &NodePath, metadata: &NodeMetadata) -> Result<()> {
        match metadata.zarr_2() {
            Some(_) => self.put_new_zarr_2(path, metadata).await,
            None => self
                .put(path, metadata, Precondition::IfAbsent)
                .await
                .map(drop),
        }
    }

    /// Binds the metadata from the document `key` to a node.
    pub(crate) fn bind(&self, path: NodePath, metadata: NodeMetadata, key: &str) -> Result<Node> {
        Ok(match metadata {
            NodeMetadata::Group(group) => Node::Group(Group::bind(self.clone(), path, group)),
            NodeMetadata::Array(array) => {
                let bound = Array::bind(self.clone(), path.clone(), array, key);
                Node::Array(bound.map_err(|error| error.in_node(&path))?)
            }
        })
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

/// Converts metadata to Zarr v2 if `is_zarr_2`.
fn as_format(path: &NodePath, metadata: NodeMetadata, is_zarr_2: bool) -> Result<NodeMetadata> {
    match is_zarr_2 {
        true => Ok(v2::to_v2(&metadata).map_err(|error| error.key(&path.to_string()))?),
        false => Ok(metadata),
    }
}
