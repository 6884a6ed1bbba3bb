//! A group: its attributes and the nodes below it. `copies` has its consolidated metadata.

mod copies;

use std::collections::BTreeMap;

use serde::Serialize;
use serde::de::DeserializeOwned;
use zarr_core::NodePath;
use zarr_core::metadata::{
    ArrayMetadata, Attributes, ConsolidatedMetadata, GroupMetadata, NodeMetadata,
};

use crate::array::Array;
use crate::attributes;
use crate::documents::{key_of, relative};
use crate::error::Result;
use crate::hierarchy::{Hierarchy, Node, NodeKind, node_type};

/// How a node below a group differs from its copy in the group's consolidated metadata.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Difference {
    /// The node is in the store and not in the copy.
    Added,
    /// The node is in the copy and not in the store.
    Removed,
    /// The documents say different things.
    Changed,
}

/// A group of a hierarchy.
///
/// Where its document holds consolidated metadata, the nodes below are listed and opened from it without a request. An array
/// opened so checks its own document before it is written.
#[derive(Clone, Debug)]
pub struct Group {
    hierarchy: Hierarchy,
    path: NodePath,
    metadata: GroupMetadata,
    /// The group whose consolidated metadata the handle comes from.
    copied_from: Option<NodePath>,
}

impl Group {
    /// The group at a path whose metadata is known: nothing is read, not even whether it is there.
    ///
    /// # Errors
    /// [`Error::Core`](crate::Error::Core) where the path is not legal.
    pub fn new(hierarchy: &Hierarchy, path: &str, metadata: GroupMetadata) -> Result<Self> {
        Ok(Self::bind(
            hierarchy.clone(),
            NodePath::parse(path)?,
            metadata,
        ))
    }

    pub(crate) fn bind(hierarchy: Hierarchy, path: NodePath, metadata: GroupMetadata) -> Self {
        if metadata.consolidated().is_some() {
            hierarchy.documents.note_handle();
        }
        Self {
            hierarchy,
            path,
            metadata,
            copied_from: None,
        }
    }

    /// The path of the group.
    #[must_use]
    pub fn path(&self) -> &NodePath {
        &self.path
    }

    /// Its metadata document.
    #[must_use]
    pub fn metadata(&self) -> &GroupMetadata {
        &self.metadata
    }

    /// The user's attributes.
    #[must_use]
    pub fn attributes(&self) -> &Attributes {
        self.metadata.attributes()
    }

    /// The hierarchy that the group is in.
    #[must_use]
    pub fn hierarchy(&self) -> &Hierarchy {
        &self.hierarchy
    }

    /// This group without its consolidated metadata: nodes below are listed and opened by their own documents.
    ///
    /// # Errors
    /// [`Error::Core`](crate::Error::Core), which no document that was read can cause.
    pub fn without_consolidated(mut self) -> Result<Self> {
        self.metadata = self.metadata.with_consolidated(None)?;
        Ok(self)
    }

    /// Replaces the attributes.
    ///
    /// # Errors
    /// [`Error::Store`](crate::Error::Store) where the document cannot be written.
    pub async fn set_attributes(&mut self, attributes: Attributes) -> Result<()> {
        self.change_attributes(|_| Ok(attributes.clone())).await
    }

    /// The attributes as a type that `serde` knows, as [`Array::attributes_as`].
    ///
    /// # Errors
    /// [`Error::Core`](crate::Error::Core) where the attributes are not of this type.
    pub fn attributes_as<T: DeserializeOwned>(&self) -> Result<T> {
        attributes::typed(self.attributes()).map_err(|error| error.in_node(&self.path))
    }

    /// Sets the attributes that the members of a value name, and leaves the others as they are.
    ///
    /// # Errors
    /// [`Error::Core`](crate::Error::Core) where the value is no JSON object, and those of [`Self::change_attributes`].
    pub async fn update_attributes<T: Serialize>(&mut self, value: &T) -> Result<()> {
        let members = attributes::untyped(value);
        let members = members.map_err(|error| error.in_node(&self.path))?;
        let changed = self.change_attributes(|stored| attributes::merged(stored, &members));
        changed.await
    }

    /// Changes the attributes as they are stored now; again where somebody else changed them in between.
    ///
    /// # Errors
    /// Those of `change`, and [`Error::Store`](crate::Error::Store) where the document cannot be read or written.
    pub async fn change_attributes(
        &mut self,
        change: impl Fn(&Attributes) -> Result<Attributes>,
    ) -> Result<()> {
        let changed = self
            .hierarchy
            .update(&self.path, |metadata| match metadata {
                NodeMetadata::Group(group) => {
                    let attributes = change(group.attributes())?;
                    Ok(group.with_attributes(attributes)?.into())
                }
                NodeMetadata::Array(_) => Err(node_type(&self.path, NodeKind::Array)),
            });
        let changed = changed.await?;
        self.hierarchy
            .renew_copies_after(&self.path, &changed)
            .await?;
        if let NodeMetadata::Group(group) = changed {
            let inherited = self.metadata.consolidated().cloned();
            let inherited = inherited.filter(|_| self.copied_from.is_some());
            self.metadata = match (group.consolidated(), inherited) {
                (None, Some(copies)) => group.with_consolidated(Some(copies))?,
                _ => group,
            };
        }
        Ok(())
    }

    /// Opens the node at a path relative to the group.
    ///
    /// # Errors
    /// Those of [`Hierarchy::node`].
    pub async fn node(&self, path: &str) -> Result<Node> {
        let absolute = self.path.join(path)?;
        match self.consolidated() {
            Some(copies) if !self.hierarchy.documents.has_changed(&absolute) => {
                let relative = relative(&self.path, &absolute);
                if !copies.contains(relative) {
                    return Err(self.hierarchy.not_found(&absolute));
                }
                let below = match copies.is_array(relative) {
                    Ok(Some(false)) => copies.below(relative)?,
                    _ => copies.emptied(),
                };
                self.copied(copies, absolute, below)
            }
            _ => self.hierarchy.node(absolute.as_str()).await,
        }
    }

    /// Deletes a node at a path relative to the group and everything below it, as [`Hierarchy::delete`]. Consolidated metadata of
    /// this handle no longer has it.
    ///
    /// # Errors
    /// Those of [`Hierarchy::delete`].
    pub async fn delete(&mut self, path: &str) -> Result<()> {
        let path = self.path.join(path)?;
        self.hierarchy.delete(path.as_str()).await?;
        if let Some(mut copies) = self.metadata.consolidated().cloned()
            && copies.remove(relative(&self.path, &path))
        {
            self.metadata = self.metadata.clone().with_consolidated(Some(copies))?;
        }
        Ok(())
    }

    /// Opens the array at a path relative to the group.
    ///
    /// # Errors
    /// Those of [`Hierarchy::array`].
    pub async fn array(&self, path: &str) -> Result<Array> {
        self.node(path).await?.into_array()
    }

    /// Opens the group at a path relative to this one.
    ///
    /// # Errors
    /// Those of [`Hierarchy::group`].
    pub async fn group(&self, path: &str) -> Result<Self> {
        self.node(path).await?.into_group()
    }

    /// Creates an array at a path relative to the group, as [`Hierarchy::create_array`].
    ///
    /// # Errors
    /// Those of [`Hierarchy::create_array`].
    pub async fn create_array(&self, path: &str, metadata: ArrayMetadata) -> Result<Array> {
        self.hierarchy
            .create_array(self.path.join(path)?.as_str(), metadata)
            .await
    }

    /// Creates a group at a path relative to this one, as [`Hierarchy::create_group`].
    ///
    /// # Errors
    /// Those of [`Hierarchy::create_group`].
    pub async fn create_group(&self, path: &str, attributes: Attributes) -> Result<Self> {
        self.hierarchy
            .create_group(self.path.join(path)?.as_str(), attributes)
            .await
    }

    /// Names and kinds of the nodes directly below the group, in order of name.
    ///
    /// # Errors
    /// [`Error::Store`](crate::Error::Store) where the store cannot list, or a document that is malformed.
    pub async fn children(&self) -> Result<Vec<(String, NodeKind)>> {
        let Some(copies) = self.consolidated() else {
            let nodes = self.hierarchy.documents_below(&self.path).await?;
            let name = |path: &NodePath| path.name().to_owned();
            return Ok(nodes
                .iter()
                .map(|(path, metadata)| (name(path), kind(metadata)))
                .collect());
        };
        let mut kinds = BTreeMap::new();
        for name in copies.paths().filter(|path| !path.contains('/')) {
            kinds.insert(name.to_owned(), self.copied_kind(copies, name)?);
        }
        for (path, metadata) in self.changed().await? {
            let name = relative(&self.path, &path);
            match metadata {
                _ if name.contains('/') => {}
                Some(metadata) => drop(kinds.insert(name.to_owned(), kind(&metadata))),
                None => drop(kinds.remove(name)),
            }
        }
        Ok(kinds.into_iter().collect())
    }

    /// The nodes directly below the group with their names, in order of name.
    ///
    /// # Errors
    /// Those of [`Self::children`], and for an array that is not understood.
    pub async fn members(&self) -> Result<Vec<(String, Node)>> {
        let members = self.members_each().await?.into_iter();
        members.map(|(name, node)| Ok((name, node?))).collect()
    }

    /// The nodes directly below, with an error in place of each that is not understood.
    ///
    /// # Errors
    /// Those of [`Self::children`].
    pub async fn members_each(&self) -> Result<Vec<(String, Result<Node>)>> {
        let Some(copies) = self.consolidated() else {
            let nodes = self.hierarchy.documents_below(&self.path).await?;
            let bound = nodes.into_iter().map(|(path, metadata)| {
                let (name, key) = (path.name().to_owned(), key_of(&path, &metadata));
                (name, self.hierarchy.bind(path, metadata, &key))
            });
            return Ok(bound.collect());
        };
        let mut parts = copies.split()?;
        let mut members = Vec::new();
        for (name, _) in self.children().await? {
            let path = self.path.child(&name)?;
            let part = parts.remove(name.as_str());
            let node = match part.filter(|_| !self.hierarchy.documents.has_changed(&path)) {
                Some(below) => self.copied(copies, path, below),
                None => self.hierarchy.node(path.as_str()).await,
            };
            members.push((name, node));
        }
        Ok(members)
    }

    /// Paths and kinds of all nodes below the group, in order of path.
    ///
    /// # Errors
    /// Those of [`Self::children`].
    pub async fn walk(&self) -> Result<Vec<(NodePath, NodeKind)>> {
        if let Some(copies) = self.consolidated() {
            return self.current_kinds(copies).await;
        }
        let nodes = self.hierarchy.documents_within(&self.path).await?;
        Ok(nodes
            .into_iter()
            .map(|(path, metadata)| (path, kind(&metadata)))
            .collect())
    }

    fn consolidated(&self) -> Option<&ConsolidatedMetadata> {
        self.metadata.consolidated()
    }
}

fn kind(metadata: &NodeMetadata) -> NodeKind {
    match metadata {
        NodeMetadata::Array(_) => NodeKind::Array,
        NodeMetadata::Group(_) => NodeKind::Group,
    }
}
