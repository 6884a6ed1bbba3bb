//! The nodes below a group, by paths relative to it: opened from the group's consolidated metadata
//! if there is any.

use zarr_core::NodePath;
use zarr_core::metadata::{Attributes, ConsolidatedMetadata, NodeMetadata};

use super::{IntoMetadata, Node};
use crate::array::Array;
use crate::documents::relative;
use crate::error::Result;
use crate::group::Group;
#[cfg(doc)]
use crate::hierarchy::Hierarchy;

impl Group {
    /// Returns whether a path relative to the group has a node.
    ///
    /// # Errors
    /// The errors of [`Hierarchy::exists`].
    pub async fn exists(&self, path: &str) -> Result<bool> {
        self.hierarchy().exists(&self.absolute(path)?).await
    }

    /// Opens the node at a path relative to the group.
    ///
    /// # Errors
    /// The errors of [`Hierarchy::node`].
    pub async fn node(&self, path: &str) -> Result<Node> {
        let absolute = self.path().join(path)?;
        match self.consolidated() {
            Some(copies) if !self.hierarchy().documents.has_changed(&absolute) => {
                let relative = relative(self.path(), &absolute);
                if !copies.contains(relative) {
                    return Err(self.hierarchy().not_found(&absolute));
                }
                let below = match copies.is_array(relative) {
                    Ok(Some(false)) => copies.below(relative)?,
                    _ => copies.emptied(),
                };
                self.copied(copies, absolute, below)
            }
            _ => self.hierarchy().node(absolute.as_str()).await,
        }
    }

    /// Opens the array at a path relative to the group.
    ///
    /// # Errors
    /// The errors of [`Hierarchy::array`].
    pub async fn array(&self, path: &str) -> Result<Array> {
        self.node(path).await?.into_array()
    }

    /// Opens the group at a path relative to this one.
    ///
    /// # Errors
    /// The errors of [`Hierarchy::group`].
    pub async fn group(&self, path: &str) -> Result<Self> {
        self.node(path).await?.into_group()
    }

    /// Creates an array at a path relative to the group, like [`Hierarchy::create_array`].
    ///
    /// # Errors
    /// The errors of [`Hierarchy::create_array`].
    pub async fn create_array(&self, path: &str, metadata: impl IntoMetadata) -> Result<Array> {
        let path = self.absolute(path)?;
        self.hierarchy().create_array(&path, metadata).await
    }

    /// Creates a group at a path relative to this one, like [`Hierarchy::create_group`].
    ///
    /// # Errors
    /// The errors of [`Hierarchy::create_group`].
    pub async fn create_group(&self, path: &str, attributes: Attributes) -> Result<Self> {
        let path = self.absolute(path)?;
        self.hierarchy().create_group(&path, attributes).await
    }

    /// Opens the nodes directly below the group. Returns them with their names, in order of name.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// use zarr_engine::{ArrayBuilder, Node};
    ///
    /// let hierarchy = zarr_engine::open("memory:")?;
    /// hierarchy.create_array("run/x", ArrayBuilder::new(&[4], "int32")).await?;
    /// for (name, node) in hierarchy.group("run").await?.members().await? {
    ///     let Node::Array(array) = node else { continue };
    ///     assert_eq!((name.as_str(), array.shape()), ("x", &[4][..]));
    /// }
    /// # Ok::<(), zarr_engine::Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// The errors of [`Self::children`], and an error for an array that this hierarchy does not
    /// understand.
    pub async fn members(&self) -> Result<Vec<(String, Node)>> {
        let members = self.members_each().await?.into_iter();
        members.map(|(name, node)| Ok((name, node?))).collect()
    }

    /// Opens the nodes directly below the group, with an error in place of each node that this
    /// hierarchy does not understand.
    ///
    /// # Errors
    /// The errors of [`Self::children`].
    pub async fn members_each(&self) -> Result<Vec<(String, Result<Node>)>> {
        let Some(copies) = self.consolidated() else {
            let nodes = self.hierarchy().documents_below(self.path()).await?;
            let bound = nodes.into_iter().map(|(path, metadata)| {
                let name = path.name().to_owned();
                (name, self.hierarchy().bind(path, metadata, None))
            });
            return Ok(bound.collect());
        };
        let mut parts = copies.split()?;
        let mut members = Vec::new();
        for (name, _) in self.children().await? {
            let path = self.path().child(&name)?;
            let part = parts.remove(name.as_str());
            let node = match part.filter(|_| !self.hierarchy().documents.has_changed(&path)) {
                Some(below) => self.copied(copies, path, below),
                None => self.hierarchy().node(path.as_str()).await,
            };
            members.push((name, node));
        }
        Ok(members)
    }

    /// Deletes the node at a path relative to the group and everything below it, like
    /// [`Hierarchy::delete`], and drops it from the consolidated metadata of this handle.
    ///
    /// # Errors
    /// The errors of [`Hierarchy::delete`].
    pub async fn delete(&mut self, path: &str) -> Result<()> {
        let path = self.path().join(path)?;
        self.hierarchy().delete(path.as_str()).await?;
        self.forget_copy(&path)
    }

    /// Opens or creates the array at a path relative to the group, like
    /// [`Hierarchy::open_or_create_array`].
    ///
    /// # Errors
    /// The errors of [`Hierarchy::open_or_create_array`].
    pub async fn open_or_create_array(
        &self,
        path: &str,
        metadata: impl IntoMetadata,
    ) -> Result<Array> {
        let path = self.absolute(path)?;
        self.hierarchy().open_or_create_array(&path, metadata).await
    }

    /// Opens or creates the group at a path relative to this one, like
    /// [`Hierarchy::open_or_create_group`].
    ///
    /// # Errors
    /// The errors of [`Hierarchy::open_or_create_group`].
    pub async fn open_or_create_group(&self, path: &str, attributes: Attributes) -> Result<Self> {
        let path = self.absolute(path)?;
        self.hierarchy()
            .open_or_create_group(&path, attributes)
            .await
    }

    /// Creates a node at a path relative to the group, in place of any existing one, like
    /// [`Hierarchy::replace`].
    ///
    /// # Errors
    /// The errors of [`Hierarchy::replace`].
    pub async fn replace(&self, path: &str, metadata: NodeMetadata) -> Result<Node> {
        let path = self.absolute(path)?;
        self.hierarchy().replace(&path, metadata).await
    }

    /// Copies a node below this group to a path below another group, like [`Hierarchy::copy`].
    ///
    /// # Errors
    /// The errors of [`Hierarchy::copy`].
    pub async fn copy(&self, from: &str, target: &Self, to: &str) -> Result<Node> {
        let (from, to) = (self.absolute(from)?, target.absolute(to)?);
        let copied = self.hierarchy().copy(&from, target.hierarchy(), &to);
        copied.await
    }

    /// Moves a node below this group to another path below this group, like [`Hierarchy::rename`].
    ///
    /// # Errors
    /// The errors of [`Hierarchy::rename`].
    pub async fn rename(&self, from: &str, to: &str) -> Result<Node> {
        let (from, to) = (self.absolute(from)?, self.absolute(to)?);
        self.hierarchy().rename(&from, &to).await
    }

    fn absolute(&self, path: &str) -> Result<String> {
        Ok(self.path().join(path)?.as_str().to_owned())
    }

    /// Binds a node from its copy in this group's document; `below` are the copies of the nodes
    /// below it.
    fn copied(
        &self,
        copies: &ConsolidatedMetadata,
        path: NodePath,
        below: ConsolidatedMetadata,
    ) -> Result<Node> {
        let name = relative(self.path(), &path);
        let found = copies.get(name);
        let metadata = found.map_err(|error| error.key(&self.copies_key()))?;
        let metadata = metadata.ok_or_else(|| self.hierarchy().not_found(&path))?;
        let key = format!("{}: {}", self.copies_key(), copies.name_of(name));
        Ok(match self.hierarchy().bind(path, metadata, Some(&key))? {
            Node::Array(array) => Node::Array(array.marked_unchecked()),
            Node::Group(group) => Node::Group(group.copied_by(self, below)?),
        })
    }
}
