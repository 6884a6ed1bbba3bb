//! A group: its attributes and the names of the nodes below it. `copies` handles its consolidated
//! metadata.

mod copies;

use std::collections::BTreeMap;

use serde::Serialize;
use serde::de::DeserializeOwned;
use zarr_core::NodePath;
use zarr_core::metadata::{Attributes, ConsolidatedMetadata, GroupMetadata, NodeMetadata};

use crate::attributes;
use crate::documents::relative;
use crate::error::{At, Result};
use crate::hierarchy::{Hierarchy, NodeKind, group_document};

/// How a node below a group differs from its copy in the group's consolidated metadata.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Difference {
    /// The node is in the store but not in the consolidated metadata.
    Added,
    /// The node is in the consolidated metadata but not in the store.
    Removed,
    /// The two documents differ.
    Changed,
}

/// A group of a hierarchy.
///
/// If the group's document holds consolidated metadata, nodes below are listed and opened from it
/// without a request. An array opened this way checks its own document before its first write.
#[derive(Clone, Debug)]
pub struct Group {
    hierarchy: Hierarchy,
    path: NodePath,
    metadata: GroupMetadata,
    /// The group whose consolidated metadata this handle was opened from.
    copied_from: Option<NodePath>,
}

impl Group {
    /// Returns the group at a path from known metadata. Reads nothing, and does not check that the
    /// group exists.
    ///
    /// # Errors
    /// [`Error::Core`](crate::Error::Core) if the path is invalid.
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

    /// Returns the path of the group.
    #[must_use]
    pub fn path(&self) -> &NodePath {
        &self.path
    }

    /// Returns the metadata document of the group.
    #[must_use]
    pub fn metadata(&self) -> &GroupMetadata {
        &self.metadata
    }

    /// Returns the user attributes of the group.
    #[must_use]
    pub fn attributes(&self) -> &Attributes {
        self.metadata.attributes()
    }

    /// Returns the hierarchy that contains the group.
    #[must_use]
    pub fn hierarchy(&self) -> &Hierarchy {
        &self.hierarchy
    }

    /// Returns this group without its consolidated metadata: nodes below are listed and opened by
    /// their own documents.
    ///
    /// # Errors
    /// [`Error::Core`](crate::Error::Core); a document read from a store never causes it.
    pub fn without_consolidated(mut self) -> Result<Self> {
        self.metadata = self.metadata.with_consolidated(None)?;
        Ok(self)
    }

    /// Replaces the attributes of the group.
    ///
    /// # Errors
    /// [`Error::Store`](crate::Error::Store) if the document cannot be written.
    pub async fn set_attributes(&mut self, attributes: Attributes) -> Result<()> {
        self.change_attributes(|_| Ok(attributes.clone())).await
    }

    /// Deserializes the attributes into a `serde` type, like
    /// [`Array::attributes_as`](crate::Array::attributes_as).
    ///
    /// # Errors
    /// [`Error::Core`](crate::Error::Core) if the attributes do not match this type.
    pub fn attributes_as<T: DeserializeOwned>(&self) -> Result<T> {
        self.attributes().deserialize().at(&self.path)
    }

    /// Sets the attributes named by the members of `value` and keeps all others.
    ///
    /// # Errors
    /// [`Error::Core`](crate::Error::Core) if `value` does not serialize to a JSON object, and
    /// those of [`Self::change_attributes`].
    pub async fn update_attributes<T: Serialize>(&mut self, value: &T) -> Result<()> {
        self.change_attributes(attributes::merging(value).at(&self.path)?)
            .await
    }

    /// Applies `change` to the stored attributes; retries if another writer changes them meanwhile.
    ///
    /// # Errors
    /// The errors of `change`, and [`Error::Store`](crate::Error::Store) if the document cannot be
    /// read or written.
    pub async fn change_attributes(
        &mut self,
        change: impl Fn(&Attributes) -> Result<Attributes>,
    ) -> Result<()> {
        let changed = self.hierarchy.change(&self.path, |metadata| {
            let group = group_document(&self.path, metadata)?;
            let attributes = change(group.attributes())?;
            Ok(group.with_attributes(attributes)?.into())
        });
        let group = group_document(&self.path, changed.await.at(&self.path)?)?;
        let inherited = self.metadata.consolidated().cloned();
        let inherited = inherited.filter(|_| self.copied_from.is_some());
        self.metadata = match (group.consolidated(), inherited) {
            (None, Some(copies)) => group.with_consolidated(Some(copies))?,
            _ => group,
        };
        Ok(())
    }

    /// Lists the names and kinds of the nodes directly below the group, in order of name.
    ///
    /// # Errors
    /// [`Error::Store`](crate::Error::Store) if the store cannot list, or an error for a malformed
    /// document.
    pub async fn children(&self) -> Result<Vec<(String, NodeKind)>> {
        let Some(copies) = self.consolidated() else {
            let nodes = self.hierarchy.documents_below(&self.path).await?;
            let name = |path: &NodePath| path.name().to_owned();
            return Ok(nodes
                .iter()
                .map(|(path, metadata)| (name(path), NodeKind::of(metadata)))
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
                Some(metadata) => drop(kinds.insert(name.to_owned(), NodeKind::of(&metadata))),
                None => drop(kinds.remove(name)),
            }
        }
        Ok(kinds.into_iter().collect())
    }

    /// Lists the paths and kinds of all nodes below the group, in order of path.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// use zarr_engine::{ArrayBuilder, NodeKind};
    ///
    /// let hierarchy = zarr_engine::open("memory:")?;
    /// hierarchy.create_array("run/1/x", ArrayBuilder::new(&[4], "int32")).await?;
    /// let nodes = hierarchy.group("run").await?.walk().await?;
    /// let nodes = nodes.iter().map(|(path, kind)| (path.as_str(), *kind));
    /// assert!(nodes.eq([("run/1", NodeKind::Group), ("run/1/x", NodeKind::Array)]));
    /// # Ok::<(), zarr_engine::Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// The errors of [`Self::children`].
    pub async fn walk(&self) -> Result<Vec<(NodePath, NodeKind)>> {
        if let Some(copies) = self.consolidated() {
            return self.current_kinds(copies).await;
        }
        let nodes = self.hierarchy.documents_within(&self.path).await?;
        Ok(nodes
            .into_iter()
            .map(|(path, metadata)| (path, NodeKind::of(&metadata)))
            .collect())
    }

    /// Reads the documents of all nodes below the group, in order of path, with an error in place of
    /// each document that cannot be read. Binds nothing: documents of arrays that this hierarchy
    /// does not support are returned, too.
    ///
    /// # Errors
    /// [`Error::Store`](crate::Error::Store) if the store cannot list.
    pub async fn documents(&self) -> Result<Vec<(NodePath, Result<NodeMetadata>)>> {
        let Some(copies) = self.consolidated() else {
            return self.hierarchy.documents_within_each(&self.path).await;
        };
        let nodes = self.consolidated_nodes(copies)?.into_iter();
        Ok(nodes.map(|(path, metadata)| (path, Ok(metadata))).collect())
    }

    /// Drops the copy of a node from the consolidated metadata of this handle.
    pub(crate) fn forget_copy(&mut self, path: &NodePath) -> Result<()> {
        if let Some(mut copies) = self.metadata.consolidated().cloned()
            && copies.remove(relative(&self.path, path))
        {
            self.metadata = self.metadata.clone().with_consolidated(Some(copies))?;
        }
        Ok(())
    }

    /// Returns this group as opened from its copy in another group's document, with `below`, the
    /// copies of the nodes below it. A copy may itself hold consolidated metadata: zarr-python
    /// writes empty ones.
    pub(crate) fn copied_by(self, origin: &Self, below: ConsolidatedMetadata) -> Result<Self> {
        let own = self.consolidated().filter(|_| below.is_empty()).cloned();
        let copies = Some(own.unwrap_or(below));
        Ok(Self {
            metadata: self.metadata.with_consolidated(copies)?,
            copied_from: Some(origin.origin().clone()),
            ..self
        })
    }

    /// Reads the documents of the nodes directly below the group, like [`Self::documents`].
    ///
    /// # Errors
    /// The errors of [`Self::documents`].
    pub async fn documents_below(&self) -> Result<Vec<(NodePath, Result<NodeMetadata>)>> {
        let Some(copies) = self.consolidated() else {
            return self.hierarchy.documents_below_each(&self.path).await;
        };
        let nodes = self.consolidated_nodes(copies)?.into_iter();
        let nodes = nodes.filter(|(path, _)| path.parent().as_ref() == Some(&self.path));
        Ok(nodes.map(|(path, metadata)| (path, Ok(metadata))).collect())
    }

    pub(crate) fn consolidated(&self) -> Option<&ConsolidatedMetadata> {
        self.metadata.consolidated()
    }
}
