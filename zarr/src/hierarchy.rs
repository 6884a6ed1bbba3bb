//! A hierarchy: nodes by path, in one store, understood through one registry.

use std::sync::Arc;

use futures::stream::{self, StreamExt, TryStreamExt};
use zarr_core::metadata::v2;
use zarr_core::metadata::{
    ArrayMetadata, Attributes, GroupMetadata, MAX_DOCUMENT_SIZE, NodeMetadata,
};
use zarr_core::{ByteRange, NodePath, Registry, is_node_name};
use zarr_store::{ErrorKind, Precondition, Store, Version};

use crate::array::Array;
use crate::engine::{CacheOptions, Engine};
use crate::error::{Error, Result};
use crate::group::Group;

/// Documents that are read at one time.
const DOCUMENTS: usize = 64;

/// How often the attributes of a node are written where others write them too.
const ATTEMPTS: usize = 16;

/// The nodes in a store. Cheap to clone; all handles share caches and limits.
#[derive(Clone, Debug)]
pub struct Hierarchy {
    engine: Arc<Engine>,
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

/// A metadata document as it was read.
pub(crate) struct Document {
    pub(crate) metadata: NodeMetadata,
    pub(crate) version: Version,
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
            .any_document(&path)
            .await?
            .ok_or_else(|| self.not_found(&path))?;
        self.bind(path, metadata)
    }

    /// Opens the array at a path.
    ///
    /// # Errors
    /// [`Error::NodeNotFound`], [`Error::NodeType`] for a group, or what is wrong with its document.
    pub async fn array(&self, path: &str) -> Result<Array> {
        match self.node(path).await? {
            Node::Array(array) => Ok(array),
            Node::Group(group) => Err(Error::NodeType {
                path: group.path().clone(),
                found: "a group",
                expected: "an array",
            }),
        }
    }

    /// Opens the group at a path; an empty path is the root.
    ///
    /// # Errors
    /// [`Error::NodeNotFound`], [`Error::NodeType`] for an array, or what is wrong with its document.
    pub async fn group(&self, path: &str) -> Result<Group> {
        match self.node(path).await? {
            Node::Group(group) => Ok(group),
            Node::Array(array) => Err(Error::NodeType {
                path: array.path().clone(),
                found: "an array",
                expected: "a group",
            }),
        }
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
        Ok(Group::new(self.clone(), path, metadata))
    }

    /// Deletes a node and everything below it; no error where there is none. The document goes first: readers find either the
    /// node or none.
    ///
    /// # Errors
    /// [`Error::Store`] where something could not be deleted.
    pub async fn delete(&self, path: &str) -> Result<()> {
        let path = NodePath::parse(path)?;
        self.store().delete(&path.metadata_key()).await?;
        Ok(self.store().delete_prefix(path.as_str()).await?)
    }

    async fn create(&self, path: &NodePath, metadata: &NodeMetadata) -> Result<()> {
        let exists = || Error::AlreadyExists {
            store: self.store().location().to_owned(),
            path: path.clone(),
        };
        if self.document(path).await?.is_some() {
            return Err(exists());
        }
        let mut above = path.parent();
        while let Some(ancestor) = above {
            match self
                .document(&ancestor)
                .await?
                .map(|document| document.metadata)
            {
                Some(NodeMetadata::Group(_)) => break,
                Some(NodeMetadata::Array(_)) => {
                    return Err(Error::NodeType {
                        path: ancestor,
                        found: "an array",
                        expected: "a group",
                    });
                }
                None => {
                    let group = GroupMetadata::default().into();
                    match self.put(&ancestor, &group, Precondition::IfAbsent).await {
                        Err(Error::Store(error)) if error.kind() == ErrorKind::Conflict => {}
                        result => result.map(drop)?,
                    }
                }
            }
            above = ancestor.parent();
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

    pub(crate) async fn put(
        &self,
        path: &NodePath,
        metadata: &NodeMetadata,
        precondition: Precondition,
    ) -> Result<Version> {
        let text = match metadata {
            NodeMetadata::Array(array) => array.to_text()?,
            NodeMetadata::Group(group) => group.to_text()?,
        };
        Ok(self
            .store()
            .put(&path.metadata_key(), vec![text.into()], precondition)
            .await?)
    }

    /// Changes a document on condition that nobody else does; again where somebody did.
    pub(crate) async fn update(
        &self,
        path: &NodePath,
        change: impl Fn(NodeMetadata) -> Result<NodeMetadata>,
    ) -> Result<NodeMetadata> {
        for _ in 0..ATTEMPTS {
            let document = self
                .document(path)
                .await?
                .ok_or_else(|| self.not_found(path))?;
            let metadata = change(document.metadata)?;
            match self
                .put(path, &metadata, Precondition::IfVersion(document.version))
                .await
            {
                Ok(_) => return Ok(metadata),
                Err(Error::Store(error)) if error.kind() == ErrorKind::Conflict => {}
                Err(error) => return Err(error),
            }
        }
        Err(Error::ConcurrentModification {
            key: path.metadata_key(),
            attempts: ATTEMPTS,
        })
    }

    /// Reads a document; `None` where there is none.
    pub(crate) async fn document(&self, path: &NodePath) -> Result<Option<Document>> {
        let key = path.metadata_key();
        let range = ByteRange::Range(0..MAX_DOCUMENT_SIZE);
        let Some(body) = self.store().get(&key, &range, None).await? else {
            return Ok(None);
        };
        if body.object_size > MAX_DOCUMENT_SIZE {
            let wanted = format!("{} bytes", body.object_size);
            let error = zarr_core::Error::TooLarge {
                what: "metadata document",
                wanted,
                limit: MAX_DOCUMENT_SIZE,
            };
            return Err(error.key(&key).into());
        }
        let metadata = NodeMetadata::parse(&body.bytes).map_err(|error| error.key(&key))?;
        Ok(Some(Document {
            metadata,
            version: body.version,
        }))
    }

    /// Reads the document of a node of v3, or else of v2; `None` where there is neither.
    async fn any_document(&self, path: &NodePath) -> Result<Option<NodeMetadata>> {
        if let Some(document) = self.document(path).await? {
            return Ok(Some(document.metadata));
        }
        let all = async |name: &str| {
            let key = path.prefix() + name;
            let body = self
                .store()
                .get(&key, &ByteRange::Range(0..MAX_DOCUMENT_SIZE), None)
                .await?;
            Ok::<_, Error>(body.map(|body| body.bytes))
        };
        let place = |name: &str| {
            let key = path.prefix() + name;
            move |error: zarr_core::Error| Error::from(error.key(&key))
        };
        if let Some(array) = all(v2::ARRAY_NAME).await? {
            let attributes = all(v2::ATTRIBUTES_NAME).await?;
            let metadata = v2::array_from_v2(&array, attributes.as_deref());
            return Ok(Some(metadata.map_err(place(v2::ARRAY_NAME))?.into()));
        }
        let Some(group) = all(v2::GROUP_NAME).await? else {
            return Ok(None);
        };
        let attributes = all(v2::ATTRIBUTES_NAME).await?;
        let metadata = v2::group_from_v2(&group, attributes.as_deref());
        Ok(Some(metadata.map_err(place(v2::GROUP_NAME))?.into()))
    }

    pub(crate) fn bind(&self, path: NodePath, metadata: NodeMetadata) -> Result<Node> {
        Ok(match metadata {
            NodeMetadata::Group(group) => Node::Group(Group::new(self.clone(), path, group)),
            NodeMetadata::Array(array) => Node::Array(Array::bind(self.clone(), path, array)?),
        })
    }

    /// The documents of the nodes directly below a group, in order of name. Prefixes without a document are no nodes.
    pub(crate) async fn documents_below(
        &self,
        path: &NodePath,
    ) -> Result<Vec<(NodePath, NodeMetadata)>> {
        let listing = self.store().list_dir(path.as_str()).await?;
        let paths = listing.prefixes.iter().filter(|name| is_node_name(name));
        let paths = paths
            .map(|name| path.child(name))
            .collect::<zarr_core::Result<Vec<_>>>()?;
        let documents = stream::iter(paths)
            .map(|path| async move { Ok::<_, Error>((self.any_document(&path).await?, path)) })
            .buffered(DOCUMENTS)
            .try_collect::<Vec<_>>()
            .await?;
        let nodes = documents
            .into_iter()
            .filter_map(|(document, path)| Some((path, document?)));
        Ok(nodes.collect())
    }

    /// The documents of all nodes below a group, each group before what is below it.
    pub(crate) async fn documents_within(
        &self,
        path: &NodePath,
    ) -> Result<Vec<(NodePath, NodeMetadata)>> {
        let mut found = Vec::new();
        let mut level = vec![path.clone()];
        while !level.is_empty() {
            let below = stream::iter(level)
                .map(|path| async move { self.documents_below(&path).await })
                .buffered(DOCUMENTS)
                .try_concat()
                .await?;
            let groups = below
                .iter()
                .filter(|(_, metadata)| matches!(metadata, NodeMetadata::Group(_)));
            level = groups.map(|(path, _)| path.clone()).collect();
            found.extend(below);
        }
        found.sort_by(|(a, _), (b, _)| a.cmp(b));
        Ok(found)
    }

    pub(crate) fn not_found(&self, path: &NodePath) -> Error {
        Error::NodeNotFound {
            store: self.store().location().to_owned(),
            path: path.clone(),
        }
    }
}
