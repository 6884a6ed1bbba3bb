//! A hierarchy: nodes by path, in one store, understood through one registry.

use std::sync::Arc;

use futures::try_join;
use zarr_core::metadata::{ArrayMetadata, Attributes, GroupMetadata, NodeMetadata};
use zarr_core::plan::{ReadPlan, WritePlan};
use zarr_core::{Input, NodePath, Registry};
use zarr_store::{ErrorKind, Precondition, Store};

use crate::array::Array;
use crate::documents::{Change, DocumentCache};
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

    /// The same on this thread, without a runtime; `None` where the store is not a directory of this machine.
    ///
    /// # Errors
    /// As [`Self::run_read`].
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
        let path = NodePath::parse(path)?;
        let metadata = self
            .cached_document(&path)
            .await?
            .ok_or_else(|| self.not_found(&path))?;
        self.bind(path, metadata)
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
        self.node(path).await?.into_group()
    }

    /// Creates an array, and the groups above it that are missing.
    ///
    /// # Errors
    /// [`Error::AlreadyExists`] where there is a node at the path, [`Error::NodeType`] where one above it is an array, or what
    /// is wrong with the metadata.
    pub async fn create_array(&self, path: &str, metadata: ArrayMetadata) -> Result<Array> {
        let path = NodePath::parse(path)?;
        let array = Array::bind(self.clone(), path.clone(), metadata.clone())?;
        self.create(&path, &metadata.into()).await?;
        Ok(array)
    }

    /// Creates a group, and the groups above it that are missing.
    ///
    /// # Errors
    /// As [`Self::create_array`].
    pub async fn create_group(&self, path: &str, attributes: Attributes) -> Result<Group> {
        let path = NodePath::parse(path)?;
        let metadata = GroupMetadata::default().with_attributes(attributes)?;
        self.create(&path, &metadata.clone().into()).await?;
        Ok(Group::bind(self.clone(), path, metadata))
    }

    /// Deletes a node and everything below it; no error where there is none. The copies of its document in consolidated metadata
    /// of groups above go first, then the document, then the chunks: readers find the node or none, and never one without data.
    ///
    /// # Errors
    /// [`Error::Store`] where something could not be deleted.
    pub async fn delete(&self, path: &str) -> Result<()> {
        let path = NodePath::parse(path)?;
        self.remove_copies(&path).await?;
        self.store().delete(&path.metadata_key()).await?;
        self.documents.clear();
        self.documents.note(&path, Change::Deleted);
        Ok(self.store().delete_prefix(path.as_str()).await?)
    }

    /// Converts a node of Zarr v2 and all below it to v3: beside each document of v2 one of v3 is written that describes the same
    /// chunks, which stay where they are. Returns the paths of the nodes that were converted; those that have a document of v3
    /// are left alone, so that a conversion that was cut off can be run again.
    ///
    /// # Errors
    /// [`Error::NodeNotFound`], [`Error::Store`] where the store cannot list or write, or a document that v3 cannot express.
    pub async fn convert_v2(&self, path: &str) -> Result<Vec<NodePath>> {
        let path = NodePath::parse(path)?;
        let root = self
            .any_document(&path)
            .await?
            .ok_or_else(|| self.not_found(&path))?;
        let mut nodes = vec![(path.clone(), root)];
        if let NodeMetadata::Group(_) = nodes[0].1 {
            nodes.extend(self.documents_within(&path).await?);
        }
        let mut converted = Vec::new();
        for (path, metadata) in nodes {
            if let NodeMetadata::Array(array) = &metadata {
                Array::bind(self.clone(), path.clone(), array.clone())?;
            }
            match self.put(&path, &metadata, Precondition::IfAbsent).await {
                Err(Error::Store(error)) if error.kind() == ErrorKind::Conflict => {}
                result => {
                    result?;
                    converted.push(path);
                }
            }
        }
        Ok(converted)
    }

    async fn create(&self, path: &NodePath, metadata: &NodeMetadata) -> Result<()> {
        let exists = || Error::AlreadyExists {
            store: self.store().location().to_owned(),
            path: path.clone(),
        };
        let (document, has_zarr_2) = try_join!(self.document(path), self.has_zarr_2(path))?;
        if document.is_some() || has_zarr_2 {
            return Err(exists());
        }
        let mut missing = Vec::new();
        let mut above = path.parent();
        while let Some(ancestor) = above {
            let found = self.document(&ancestor).await?;
            match found.map(|document| document.metadata) {
                Some(NodeMetadata::Group(_)) => break,
                Some(NodeMetadata::Array(_)) => return Err(node_type(&ancestor, NodeKind::Array)),
                // Documents of Zarr 3 would hide a group of Zarr 2, and all that is in it.
                None if self.has_zarr_2(&ancestor).await? => return Err(self.zarr_2(&ancestor)),
                None => missing.push(ancestor.clone()),
            }
            above = ancestor.parent();
        }
        for ancestor in missing {
            let group = GroupMetadata::default().into();
            match self.put(&ancestor, &group, Precondition::IfAbsent).await {
                Err(Error::Store(error)) if error.kind() == ErrorKind::Conflict => {}
                result => result.map(drop)?,
            }
        }
        match self.put(path, metadata, Precondition::IfAbsent).await {
            Err(Error::Store(error)) if error.kind() == ErrorKind::Conflict => {
                Err(Error::AlreadyExists {
                    store: self.store().location().to_owned(),
                    path: path.clone(),
                })
            }
            result => result.map(drop),
        }
    }

    pub(crate) fn bind(&self, path: NodePath, metadata: NodeMetadata) -> Result<Node> {
        Ok(match metadata {
            NodeMetadata::Group(group) => Node::Group(Group::bind(self.clone(), path, group)),
            NodeMetadata::Array(array) => Node::Array(Array::bind(self.clone(), path, array)?),
        })
    }

    pub(crate) fn not_found(&self, path: &NodePath) -> Error {
        Error::NodeNotFound {
            store: self.store().location().to_owned(),
            path: path.clone(),
        }
    }
}
