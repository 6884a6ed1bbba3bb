//! Nodes: a group or an array of a hierarchy, and how to open one. `create` creates and replaces
//! nodes, `delete` deletes them, `whole` copies and converts them with everything below, `below` does all of that
//! relative to a group.

mod below;
mod create;
mod delete;
mod whole;

pub use create::IntoMetadata;
use zarr_core::metadata::NodeMetadata;
use zarr_core::{NodePath, Strictness};

use crate::array::Array;
use crate::documents::Wanted;
use crate::error::{At, Result};
use crate::group::Group;
use crate::hierarchy::{Hierarchy, NodeKind, node_type};

/// A group or an array.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "nodes are opened one at a time")]
pub enum Node {
    /// A group.
    Group(Group),
    /// An array.
    Array(Array),
}

impl Node {
    /// Returns the array.
    ///
    /// # Errors
    /// [`Error::NodeType`](crate::Error::NodeType) if the node is a group.
    pub fn into_array(self) -> Result<Array> {
        match self {
            Self::Array(array) => Ok(array),
            Self::Group(group) => Err(node_type(group.path(), NodeKind::Group)),
        }
    }

    /// Returns the group.
    ///
    /// # Errors
    /// [`Error::NodeType`](crate::Error::NodeType) if the node is an array.
    pub fn into_group(self) -> Result<Group> {
        match self {
            Self::Group(group) => Ok(group),
            Self::Array(array) => Err(node_type(array.path(), NodeKind::Array)),
        }
    }
}

impl Hierarchy {
    /// Opens the node at a path, `a/b` or `/a/b`. Without a `zarr.json`, looks for Zarr v2
    /// documents: Zarr v2 arrays and groups can be read.
    ///
    /// # Errors
    /// [`Error::NodeNotFound`](crate::Error::NodeNotFound), or the error in the node's document.
    pub async fn node(&self, path: &str) -> Result<Node> {
        self.open(path, Wanted::NodeWithCopies).await
    }

    async fn open(&self, path: &str, wanted: Wanted) -> Result<Node> {
        let mut path = NodePath::parse(path)?;
        if self.registry().strictness() == Strictness::Strict {
            path = path.clone().unreserved().at(&path)?;
        }
        let found = self.cached_document(&path, wanted).await;
        let metadata = found.at(&path)?.ok_or_else(|| self.not_found(&path))?;
        self.bind(path, metadata, None)
    }

    /// Opens the array at a path.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// let hierarchy = zarr_engine::open("memory:")?;
    /// let metadata = zarr_engine::ArrayBuilder::new(&[4], "int32");
    /// hierarchy.create_array("a", metadata).await?.write(.., 3).await?;
    /// assert_eq!(hierarchy.array("a").await?.read::<i32>(..).await?.sum(), 12);
    /// # Ok::<(), zarr_engine::Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// [`Error::NodeNotFound`](crate::Error::NodeNotFound),
    /// [`Error::NodeType`](crate::Error::NodeType) for a group, or the error in the node's
    /// document.
    pub async fn array(&self, path: &str) -> Result<Array> {
        self.node(path).await?.into_array()
    }

    /// Opens the group at a path; an empty path means the root.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// let hierarchy = zarr_engine::open("memory:")?;
    /// let metadata = zarr_engine::ArrayBuilder::new(&[4], "int32");
    /// hierarchy.create_array("run/x", metadata).await?;
    /// let names = hierarchy.group("run").await?.children().await?;
    /// assert_eq!(names, [("x".to_owned(), zarr_engine::NodeKind::Array)]);
    /// # Ok::<(), zarr_engine::Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// [`Error::NodeNotFound`](crate::Error::NodeNotFound),
    /// [`Error::NodeType`](crate::Error::NodeType) for an array, or the error in the node's
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
        let found = self.any_document(&path).await.at(&path)?;
        let metadata = found.ok_or_else(|| self.not_found(&path))?;
        let group = self.bind(path, metadata, None)?.into_group()?;
        group.without_consolidated()
    }

    /// Binds the metadata from the document `key`, by default that of the node, to a node.
    pub(crate) fn bind(
        &self,
        path: NodePath,
        metadata: NodeMetadata,
        key: Option<&str>,
    ) -> Result<Node> {
        Ok(match metadata {
            NodeMetadata::Group(group) => Node::Group(Group::bind(self.clone(), path, group)),
            NodeMetadata::Array(array) => {
                let bound = Array::bind(self.clone(), path.clone(), array, key);
                Node::Array(bound.at(&path)?)
            }
        })
    }
}
