//! A hierarchy: nodes by path, in one store, understood through one registry.

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

/// The nodes in a store. Cheap to clone; all handles share caches and limits.
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

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeKind {
    /// A group.
    Group,
    /// An array.
    Array,
}

impl Node {
    /// The array.
    ///
    /// # Errors
    /// [`Error::NodeType`] for a group.
    pub fn into_array(self) -> Result<Array> {
        match self {
            Self::Array(array) => Ok(array),
            Self::Group(group) => Err(node_type(group.path(), NodeKind::Group)),
        }
    }

    /// The group.
    ///
    /// # Errors
    /// [`Error::NodeType`] for an array.
    pub fn into_group(self) -> Result<Group> {
        match self {
            Self::Group(group) => Ok(group),
            Self::Array(array) => Err(node_type(array.path(), NodeKind::Array)),
        }
    }
}

/// The error for a node of this kind where the other is wanted.
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

/// A node that is to be created.
pub(crate) struct NewNode {
    path: NodePath,
    metadata: NodeMetadata,
    /// The groups above that are missing.
    above: Vec<(NodePath, NodeMetadata)>,
}

impl Hierarchy {
    /// The hierarchy in a store. Nothing is read yet.
    #[must_use]
    pub fn new(store: Store, registry: Registry) -> Self {
        Self::with_caches(store, registry, CacheOptions::default())
    }

    /// The hierarchy in a store, with other caches than by default. Nothing is read yet.
    #[must_use]
    pub fn with_caches(store: Store, registry: Registry, caches: CacheOptions) -> Self {
        Self {
            engine: Arc::new(Engine::new(store, registry, caches)),
            documents: Arc::new(DocumentCache::new(caches.metadata_age)),
        }
    }

    /// The store.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.engine.store
    }

    /// What is understood.
    #[must_use]
    pub fn registry(&self) -> &Registry {
        &self.engine.registry
    }

    /// Reads what a plan says into a target, through the caches of the hierarchy: for callers who have metadata and selection
    /// from elsewhere.
    ///
    /// Jobs keep the target until they are done, which may be after this future was dropped. After an error it may hold a part of
    /// the result.
    ///
    /// # Errors
    /// Where the store fails or data is damaged.
    pub async fn run_read(&self, plan: ReadPlan, target: Target) -> Result<()> {
        self.engine.read(plan, target).await
    }

    /// Runs a read on this thread, without a runtime; `None` where the store is not a directory of this machine.
    ///
    /// # Errors
    /// Those of [`Self::run_read`].
    pub fn run_read_here(&self, plan: &ReadPlan, target: &Target) -> Option<Result<()>> {
        self.engine.read_blocking(plan, target)
    }

    /// Writes what a plan says from `input`, each object atomically, and on condition that it has not changed where some of its
    /// elements stay.
    ///
    /// # Errors
    /// Where the store fails, or what is to be merged is damaged (it is not overwritten then). Some objects may have been
    /// written.
    pub async fn run_write(&self, plan: WritePlan, input: Input) -> Result<()> {
        self.engine.write(plan, input).await
    }

    pub(crate) fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    /// Opens the node at a path, `a/b` or `/a/b`. Where there is no `zarr.json`, documents of Zarr v2 are looked for: their
    /// arrays and groups can be read.
    ///
    /// # Errors
    /// [`Error::NodeNotFound`], or what is wrong with its document.
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
    /// [`Error::NodeNotFound`], [`Error::NodeType`] for a group, or what is wrong with its document.
    pub async fn array(&self, path: &str) -> Result<Array> {
        self.node(path).await?.into_array()
    }

    /// Opens the group at a path; an empty path is the root.
    ///
    /// # Errors
    /// [`Error::NodeNotFound`], [`Error::NodeType`] for an array, or what is wrong with its document.
    pub async fn group(&self, path: &str) -> Result<Group> {
        self.open(path, Wanted::GroupWithCopies).await?.into_group()
    }

    /// Opens the group at a path and leaves out of account the consolidated metadata that it may have: nodes below are listed and
    /// opened by their own documents.
    ///
    /// # Errors
    /// Those of [`Self::group`].
    pub async fn group_without_consolidated(&self, path: &str) -> Result<Group> {
        let path = NodePath::parse(path)?;
        let found = self.any_document(&path).await?;
        let metadata = found.ok_or_else(|| self.not_found(&path))?;
        let key = key_of(&path, &metadata);
        let group = self.bind(path, metadata, &key)?.into_group()?;
        group.without_consolidated()
    }

    /// Creates an array, and the groups above it that are missing. Below a group of Zarr 2 it is one of Zarr 2.
    ///
    /// # Errors
    /// [`Error::AlreadyExists`] where there is a node at the path, [`Error::NodeType`] where one above it is an array, or what
    /// is wrong with the metadata: it is checked strictly. [`Error::Core`] for what Zarr 2 cannot say.
    pub async fn create_array(&self, path: &str, metadata: ArrayMetadata) -> Result<Array> {
        let path = NodePath::parse(path)?;
        let new = self.new_node(&path, metadata.into()).await?;
        self.create(new).await?.into_array()
    }

    /// Creates a group, and the groups above it that are missing. Below a group of Zarr 2 it is one of Zarr 2.
    ///
    /// # Errors
    /// Those of [`Self::create_array`].
    pub async fn create_group(&self, path: &str, attributes: Attributes) -> Result<Group> {
        let path = NodePath::parse(path)?;
        let metadata = GroupMetadata::default().with_attributes(attributes)?;
        let new = self.new_node(&path, metadata.into()).await?;
        self.create(new).await?.into_group()
    }

    /// Creates a node in place of the one that is at the path, if any, which is deleted with everything below it. Consolidated
    /// metadata of groups above that had the old node gets the new one. Nothing is deleted for a node that cannot be created.
    ///
    /// # Errors
    /// Those of [`Self::create_array`], without [`Error::AlreadyExists`], and as [`Self::delete`].
    pub async fn replace(&self, path: &str, metadata: NodeMetadata) -> Result<Node> {
        let path = NodePath::parse(path)?;
        let new = self.new_node(&path, metadata).await?;
        let stored = [(path.clone(), new.metadata.clone())];
        let had = self.delete_node(&path).await?;
        let node = self.create(new).await?;
        self.insert_copies(&had, &path, &stored).await?;
        Ok(node)
    }

    /// Deletes a node and everything below it; no error where there is none. The copies of its document in consolidated metadata
    /// of groups above go first, then the document, then the chunks: readers find the node or none, and never one without data.
    ///
    /// # Errors
    /// [`Error::Store`] where something could not be deleted.
    pub async fn delete(&self, path: &str) -> Result<()> {
        self.delete_node(&NodePath::parse(path)?).await.map(drop)
    }

    /// Returns the groups above that had the node in their consolidated metadata.
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

    /// A node to be created and the groups above it that are missing, in the format of the nearest group that exists.
    async fn new_node(&self, path: &NodePath, metadata: NodeMetadata) -> Result<NewNode> {
        let path = path.clone().unreserved()?;
        self.check_strictly(&path, &metadata)?;
        self.placed(path, metadata).await
    }

    /// A node to be created and the groups above it that are missing, in the format of the nearest group that exists.
    pub(crate) async fn placed(&self, path: NodePath, metadata: NodeMetadata) -> Result<NewNode> {
        let (above, is_zarr_2) = self.groups_above(&path).await?;
        Ok(NewNode {
            metadata: as_format(&path, metadata, is_zarr_2)?,
            above,
            path,
        })
    }

    /// The groups above a path that are missing, and whether they, and what is at the path, are of Zarr 2.
    pub(crate) async fn groups_above(
        &self,
        path: &NodePath,
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
        // Readers of a Zarr 2 hierarchy do not look for documents of Zarr 3.
        let is_zarr_2 = nearest.is_some_and(|nearest| nearest.zarr_2().is_some());
        let group = |path: NodePath| {
            let group = as_format(&path, GroupMetadata::default().into(), is_zarr_2)?;
            Ok((path, group))
        };
        let groups = missing.into_iter().map(group).collect::<Result<_>>()?;
        Ok((groups, is_zarr_2))
    }

    /// Refuses metadata that the specification forbids, whatever this hierarchy reads.
    fn check_strictly(&self, path: &NodePath, metadata: &NodeMetadata) -> Result<()> {
        let mut checked = metadata.members().expect_no_bare_words();
        if let NodeMetadata::Array(array) = metadata {
            let registry = self.registry().clone();
            let registry = registry.with_strictness(Strictness::Strict);
            checked = checked.and_then(|()| ArrayLayout::bind(array, &registry).map(drop));
        }
        Ok(checked.map_err(|error| error.key(&path.metadata_key()))?)
    }

    /// Puts the documents of a new node and of the groups above it.
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

    /// Puts groups that are missing; others may do so at the same time.
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

    /// The node of this metadata, which is in the document `key`.
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

/// Metadata in this format.
fn as_format(path: &NodePath, metadata: NodeMetadata, is_zarr_2: bool) -> Result<NodeMetadata> {
    match is_zarr_2 {
        true => Ok(v2::to_v2(&metadata).map_err(|error| error.key(&path.to_string()))?),
        false => Ok(metadata),
    }
}
