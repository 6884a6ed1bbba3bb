//! Blocking groups, and nodes of either kind.

use serde::Serialize;
use serde::de::DeserializeOwned;
use zarr_core::NodePath;
use zarr_core::metadata::{Attributes, GroupMetadata, NodeMetadata};

use super::{Array, Hierarchy, blocking, methods, turned, wait};
use crate::error::Result;
use crate::group::Difference;
use crate::hierarchy::NodeKind;
use crate::nodes::IntoMetadata;

blocking! {
    /// A group of a hierarchy: [`crate::Group`] without `async`.
    Group {
        fn path(&self) -> &NodePath;
        fn metadata(&self) -> &GroupMetadata;
        fn attributes(&self) -> &Attributes;
        fn hierarchy(&self) -> Hierarchy;
        fn without_consolidated(self) -> Result<Group>;
        async fn set_attributes(&mut self, attributes: Attributes) -> Result<()>;
        async fn change_attributes(&mut self, change: impl Fn(&Attributes) -> Result<Attributes>) -> Result<()>;
        async fn node(&self, path: &str) -> Result<Node>;
        async fn array(&self, path: &str) -> Result<Array>;
        async fn group(&self, path: &str) -> Result<Group>;
        async fn create_array(&self, path: &str, metadata: impl IntoMetadata) -> Result<Array>;
        async fn create_group(&self, path: &str, attributes: Attributes) -> Result<Group>;
        async fn delete(&mut self, path: &str) -> Result<()>;
        async fn replace(&self, path: &str, metadata: NodeMetadata) -> Result<Node>;
        async fn exists(&self, path: &str) -> Result<bool>;
        async fn open_or_create_array(&self, path: &str, metadata: impl IntoMetadata) -> Result<Array>;
        async fn open_or_create_group(&self, path: &str, attributes: Attributes) -> Result<Group>;
        async fn rename(&self, from: &str, to: &str) -> Result<Node>;
        async fn copy(&self, from: &str, @target: &Group, to: &str) -> Result<Node>;
        fn attributes_as[T: DeserializeOwned](&self) -> Result<T>;
        async fn update_attributes[T: Serialize](&mut self, value: &T) -> Result<()>;
        async fn children(&self) -> Result<Vec<(String, NodeKind)>>;
        async fn walk(&self) -> Result<Vec<(NodePath, NodeKind)>>;
        async fn documents_below(&self) -> Result<Vec<(NodePath, Result<NodeMetadata>)>>;
        async fn documents(&self) -> Result<Vec<(NodePath, Result<NodeMetadata>)>>;
        async fn check_consolidated(&self) -> Result<Vec<(NodePath, Difference)>>;
        async fn consolidate(&mut self) -> Result<()>;
    }
}

impl Group {
    /// Returns the group at a path from known metadata, like [`crate::Group::new`].
    ///
    /// # Errors
    /// The errors of [`crate::Group::new`].
    pub fn new(hierarchy: &Hierarchy, path: &str, metadata: GroupMetadata) -> Result<Self> {
        turned(crate::Group::new(hierarchy.as_async(), path, metadata))
    }

    /// Opens the nodes directly below the group and returns them with their names, like
    /// [`crate::Group::members`].
    ///
    /// # Errors
    /// The errors of [`crate::Group::members`].
    pub fn members(&self) -> Result<Vec<(String, Node)>> {
        let members = wait(self.inner.members())?.into_iter();
        Ok(members.map(|(name, node)| (name, node.into())).collect())
    }

    /// Opens the nodes directly below the group, with an error in place of each node that fails,
    /// like [`crate::Group::members_each`].
    ///
    /// # Errors
    /// The errors of [`crate::Group::members_each`].
    pub fn members_each(&self) -> Result<Vec<(String, Result<Node>)>> {
        let members = wait(self.inner.members_each())?.into_iter();
        Ok(members.map(|(name, node)| (name, turned(node))).collect())
    }
}

/// A group or an array: [`crate::Node`] without `async`.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "nodes are opened one at a time")]
pub enum Node {
    /// A group.
    Group(Group),
    /// An array.
    Array(Array),
}

impl From<crate::Node> for Node {
    fn from(node: crate::Node) -> Self {
        match node {
            crate::Node::Group(group) => Self::Group(group.into()),
            crate::Node::Array(array) => Self::Array(array.into()),
        }
    }
}

impl From<Node> for crate::Node {
    fn from(node: Node) -> Self {
        match node {
            Node::Group(group) => Self::Group(group.into()),
            Node::Array(array) => Self::Array(array.into()),
        }
    }
}

impl Node {
    /// Returns the array, like [`crate::Node::into_array`].
    ///
    /// # Errors
    /// The errors of [`crate::Node::into_array`].
    pub fn into_array(self) -> Result<Array> {
        turned(crate::Node::from(self).into_array())
    }

    /// Returns the group, like [`crate::Node::into_group`].
    ///
    /// # Errors
    /// The errors of [`crate::Node::into_group`].
    pub fn into_group(self) -> Result<Group> {
        turned(crate::Node::from(self).into_group())
    }
}
