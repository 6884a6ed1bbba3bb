//! Hierarchies and groups.

use serde::Serialize;
use serde::de::DeserializeOwned;
use zarr_core::metadata::{ArrayMetadata, Attributes, GroupMetadata, NodeMetadata};
use zarr_core::plan::{ReadPlan, WritePlan};
use zarr_core::{Input, NodePath, Registry};
use zarr_store::Store;

use super::{Array, blocking, methods, turned, wait};
use crate::engine::{CacheOptions, Target};
use crate::error::Result;
use crate::group::Difference;
use crate::hierarchy::NodeKind;

/// Opens the hierarchy at a URL or path, as [`crate::open`].
///
/// ```
/// use ndarray::Array2;
/// use zarr_engine::{ArrayBuilder, blocking};
///
/// let hierarchy = blocking::open("memory:")?;
/// let metadata = ArrayBuilder::new(&[6, 8], "float64").with_chunk_shape(&[3, 4]).build()?;
/// let array = hierarchy.create_array("fields/pressure", metadata)?;
/// array.write(.., Array2::<f64>::ones((6, 8)))?;
/// let corner = array.read::<Array2<f64>>((0..2, 0..3))?;
/// assert_eq!(corner.sum(), 6.0);
/// # Ok::<(), zarr_engine::Error>(())
/// ```
///
/// # Errors
/// Those of [`crate::open`].
pub fn open(url: &str) -> Result<Hierarchy> {
    turned(crate::open(url))
}

/// Opens a hierarchy with options of the store, as [`crate::open_with`].
///
/// # Errors
/// Those of [`crate::open_with`].
pub fn open_with(
    url: &str,
    options: impl IntoIterator<Item = (impl Into<String>, impl Into<String>)>,
) -> Result<Hierarchy> {
    turned(crate::open_with(url, options))
}

blocking! {
    /// The nodes in a store: [`crate::Hierarchy`] without `async`.
    Hierarchy {
        fn store(&self) -> &Store;
        fn registry(&self) -> &Registry;
        async fn run_read(&self, plan: ReadPlan, target: Target) -> Result<()>;
        async fn run_write(&self, plan: WritePlan, input: Input) -> Result<()>;
        async fn node(&self, path: &str) -> Result<Node>;
        async fn array(&self, path: &str) -> Result<Array>;
        async fn group(&self, path: &str) -> Result<Group>;
        async fn group_without_consolidated(&self, path: &str) -> Result<Group>;
        async fn create_array(&self, path: &str, metadata: ArrayMetadata) -> Result<Array>;
        async fn create_group(&self, path: &str, attributes: Attributes) -> Result<Group>;
        async fn replace(&self, path: &str, metadata: NodeMetadata) -> Result<Node>;
        async fn exists(&self, path: &str) -> Result<bool>;
        async fn open_or_create_array(&self, path: &str, metadata: ArrayMetadata) -> Result<Array>;
        async fn open_or_create_group(&self, path: &str, attributes: Attributes) -> Result<Group>;
        async fn rename(&self, from: &str, to: &str) -> Result<Node>;
        async fn delete(&self, path: &str) -> Result<()>;
        async fn convert_v2(&self, path: &str) -> Result<Vec<NodePath>>;
        async fn renew_copies_of(&self, path: &str) -> Result<()>;
    }
}

impl Hierarchy {
    /// The hierarchy in a store, as [`crate::Hierarchy::new`].
    #[must_use]
    pub fn new(store: Store, registry: Registry) -> Self {
        crate::Hierarchy::new(store, registry).into()
    }

    /// The hierarchy in a store, as [`crate::Hierarchy::with_caches`].
    #[must_use]
    pub fn with_caches(store: Store, registry: Registry, caches: CacheOptions) -> Self {
        crate::Hierarchy::with_caches(store, registry, caches).into()
    }

    /// Copies a node and everything below it, as [`crate::Hierarchy::copy`].
    ///
    /// # Errors
    /// Those of [`crate::Hierarchy::copy`].
    pub fn copy(&self, from: &str, target: &Self, to: &str) -> Result<Node> {
        turned(wait(self.inner.copy(from, &target.inner, to)))
    }

    /// Runs a read on this thread, as [`crate::Hierarchy::run_read_here`].
    ///
    /// # Errors
    /// Those of [`crate::Hierarchy::run_read_here`].
    pub fn run_read_here(&self, plan: &ReadPlan, target: &Target) -> Option<Result<()>> {
        self.inner.run_read_here(plan, target)
    }
}

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
        async fn create_array(&self, path: &str, metadata: ArrayMetadata) -> Result<Array>;
        async fn create_group(&self, path: &str, attributes: Attributes) -> Result<Group>;
        async fn delete(&mut self, path: &str) -> Result<()>;
        async fn replace(&self, path: &str, metadata: NodeMetadata) -> Result<Node>;
        async fn exists(&self, path: &str) -> Result<bool>;
        async fn open_or_create_array(&self, path: &str, metadata: ArrayMetadata) -> Result<Array>;
        async fn open_or_create_group(&self, path: &str, attributes: Attributes) -> Result<Group>;
        async fn rename(&self, from: &str, to: &str) -> Result<Node>;
        fn attributes_as[T: DeserializeOwned](&self) -> Result<T>;
        async fn update_attributes[T: Serialize](&mut self, value: &T) -> Result<()>;
        async fn children(&self) -> Result<Vec<(String, NodeKind)>>;
        async fn walk(&self) -> Result<Vec<(NodePath, NodeKind)>>;
        async fn check_consolidated(&self) -> Result<Vec<(NodePath, Difference)>>;
        async fn consolidate(&mut self) -> Result<()>;
    }
}

impl Group {
    /// The group at a path whose metadata is known, as [`crate::Group::new`].
    ///
    /// # Errors
    /// Those of [`crate::Group::new`].
    pub fn new(hierarchy: &Hierarchy, path: &str, metadata: GroupMetadata) -> Result<Self> {
        turned(crate::Group::new(&hierarchy.inner, path, metadata))
    }

    /// Copies a node below this group, as [`crate::Group::copy`].
    ///
    /// # Errors
    /// Those of [`crate::Group::copy`].
    pub fn copy(&self, from: &str, target: &Self, to: &str) -> Result<Node> {
        turned(wait(self.inner.copy(from, &target.inner, to)))
    }

    /// The nodes directly below the group with their names, as [`crate::Group::members`].
    ///
    /// # Errors
    /// Those of [`crate::Group::members`].
    pub fn members(&self) -> Result<Vec<(String, Node)>> {
        let members = wait(self.inner.members())?.into_iter();
        Ok(members.map(|(name, node)| (name, node.into())).collect())
    }

    /// The nodes directly below with an error in place of some, as [`crate::Group::members_each`].
    ///
    /// # Errors
    /// Those of [`crate::Group::members_each`].
    pub fn members_each(&self) -> Result<Vec<(String, Result<Node>)>> {
        let members = wait(self.inner.members_each())?.into_iter();
        Ok(members.map(|(name, node)| (name, turned(node))).collect())
    }
}

impl From<&crate::Hierarchy> for Hierarchy {
    fn from(inner: &crate::Hierarchy) -> Self {
        inner.clone().into()
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
    /// The array, as [`crate::Node::into_array`].
    ///
    /// # Errors
    /// Those of [`crate::Node::into_array`].
    pub fn into_array(self) -> Result<Array> {
        turned(crate::Node::from(self).into_array())
    }

    /// The group, as [`crate::Node::into_group`].
    ///
    /// # Errors
    /// Those of [`crate::Node::into_group`].
    pub fn into_group(self) -> Result<Group> {
        turned(crate::Node::from(self).into_group())
    }
}
