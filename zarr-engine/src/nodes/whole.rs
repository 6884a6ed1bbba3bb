//! Operations on whole nodes and everything below them: exists, open or create, replace, copy,
//! rename, convert.

use std::collections::HashMap;

use zarr_core::NodePath;
use zarr_core::metadata::{Attributes, NodeMetadata};
use zarr_store::{ErrorKind, Precondition};

use super::{IntoMetadata, Node};
use crate::array::Array;
use crate::error::{At, Error, Result};
use crate::group::Group;
use crate::hierarchy::Hierarchy;
use crate::transfer::{Skip, Transfer, listed};

impl Hierarchy {
    /// Returns whether a path has a node.
    ///
    /// # Errors
    /// [`Error::Store`] for any failure other than a definite absence, and an error for a malformed
    /// document.
    pub async fn exists(&self, path: &str) -> Result<bool> {
        let path = NodePath::parse(path)?;
        Ok(self.any_document(&path).await.at(&path)?.is_some())
    }

    /// Opens the array at a path, whatever its metadata, or creates it with `metadata`. If several
    /// callers race, exactly one creates the array.
    ///
    /// ```
    /// use zarr_engine::{ArrayBuilder, blocking};
    ///
    /// let hierarchy = blocking::open("memory:")?;
    /// let metadata = ArrayBuilder::new(&[4], "int32").build()?;
    /// assert!(!hierarchy.exists("a")?);
    /// hierarchy.open_or_create_array("a", metadata.clone())?.write(.., 3)?;
    /// assert_eq!(hierarchy.open_or_create_array("a", metadata)?.read::<i32>(..)?.sum(), 12);
    /// # Ok::<(), zarr_engine::Error>(())
    /// ```
    ///
    /// # Errors
    /// The errors of [`Self::array`] except for a missing node, and those of
    /// [`Self::create_array`].
    pub async fn open_or_create_array(
        &self,
        path: &str,
        metadata: impl IntoMetadata,
    ) -> Result<Array> {
        match self.array(path).await {
            Err(Error::NodeNotFound { .. }) => match self.create_array(path, metadata).await {
                Err(Error::AlreadyExists { .. }) => self.array(path).await,
                created => created,
            },
            opened => opened,
        }
    }

    /// Opens the group at a path, whatever its attributes, or creates it with `attributes`.
    ///
    /// # Errors
    /// The errors of [`Self::group`] except for a missing node, and those of
    /// [`Self::create_group`].
    pub async fn open_or_create_group(&self, path: &str, attributes: Attributes) -> Result<Group> {
        match self.group(path).await {
            Err(Error::NodeNotFound { .. }) => match self.create_group(path, attributes).await {
                Err(Error::AlreadyExists { .. }) => self.group(path).await,
                created => created,
            },
            opened => opened,
        }
    }

    /// Copies a node and everything below it to a free path of this or another hierarchy, and opens
    /// the copy. Creates missing groups above the copy. Copies objects in encoded form, server-side
    /// within one store if the store supports it; writes documents last, so that readers find a
    /// complete node or none. To copy elements into an array with other metadata, use
    /// [`Array::copy_to`].
    ///
    /// ```
    /// use zarr_engine::{ArrayBuilder, blocking};
    ///
    /// let (here, there) = (blocking::open("memory:")?, blocking::open("memory:")?);
    /// let metadata = ArrayBuilder::new(&[4], "int32").build()?;
    /// here.create_array("run/x", metadata)?.write(.., 3)?;
    /// here.copy("run", &there, "archive/run")?;
    /// assert_eq!(there.array("archive/run/x")?.read::<i32>(..)?.sum(), 12);
    /// here.rename("run", "old")?;
    /// assert!(here.exists("old/x")? && !here.exists("run")?);
    /// # Ok::<(), zarr_engine::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::NodeNotFound`], [`Error::AlreadyExists`],
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) for a copy of a node into itself,
    /// [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported) if the group above the copy has
    /// the other Zarr format, and [`Error::Store`] if the store cannot list or write: some objects
    /// may then have been copied, but no document.
    pub async fn copy(&self, from: &str, target: &Self, to: &str) -> Result<Node> {
        self.copy_with(from, target, to, false, |_, _| {}).await
    }

    /// Copies a node like [`Self::copy`]. `overwrite` first deletes an existing node at `to`, with
    /// everything below it. After each object, `progress` is called with the number of objects
    /// copied so far and their total.
    ///
    /// # Errors
    /// The errors of [`Self::copy`], without [`Error::AlreadyExists`] if `overwrite`.
    pub async fn copy_with(
        &self,
        from: &str,
        target: &Self,
        to: &str,
        overwrite: bool,
        mut progress: impl FnMut(u64, u64),
    ) -> Result<Node> {
        let paths = (NodePath::parse(from)?, NodePath::parse(to)?.unreserved()?);
        let above = self.groups_above_copy(&paths, target).await?;
        // Before anything is deleted.
        let found = listed(self.store(), &paths.0).await.at(&paths.0)?;
        if target.any_document(&paths.1).await.at(&paths.1)?.is_some() {
            if !overwrite {
                return Err(target.already_exists(&paths.1));
            }
            target.delete(to).await?;
        }
        let options = Transfer {
            skip: Skip::Never,
            ..Transfer::default()
        };
        let mut done = 0;
        let count = |_, total| {
            done += 1;
            progress(done, total);
        };
        let listings = (found, HashMap::new());
        self.copy_objects(&paths, target, above, &options, listings, count)
            .await
            .at(&paths.1)?;
        target.node(to).await
    }

    /// Moves a node and everything below it to a free path of this hierarchy: copies the node, then
    /// deletes the original. Not atomic: readers may see both.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// let hierarchy = zarr_engine::open("memory:")?;
    /// hierarchy.create_array("run/x", zarr_engine::ArrayBuilder::new(&[4], "int32")).await?;
    /// hierarchy.rename("run", "archive/1").await?;
    /// assert!(hierarchy.exists("archive/1/x").await? && !hierarchy.exists("run").await?);
    /// # Ok::<(), zarr_engine::Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// The errors of [`Self::copy`] and of [`Self::delete`].
    pub async fn rename(&self, from: &str, to: &str) -> Result<Node> {
        let node = self.copy(from, self, to).await?;
        self.delete(from).await?;
        Ok(node)
    }

    /// Converts a Zarr v2 node and everything below it to Zarr v3: writes a v3 document beside each
    /// v2 document and leaves the chunks where they are. Returns the paths of the converted nodes.
    /// Skips nodes that already have a v3 document, so that an interrupted conversion can be run
    /// again.
    ///
    /// # Errors
    /// [`Error::NodeNotFound`], [`Error::Store`] if the store cannot list or write, or an error for
    /// a document that Zarr v3 cannot express.
    pub async fn convert_v2(&self, path: &str) -> Result<Vec<NodePath>> {
        let path = NodePath::parse(path)?;
        let root = self
            .any_document(&path)
            .await
            .at(&path)?
            .ok_or_else(|| self.not_found(&path))?;
        let mut nodes = vec![(path.clone(), root)];
        if let NodeMetadata::Group(_) = nodes[0].1 {
            nodes.extend(self.documents_within(&path).await?);
        }
        let mut converted = Vec::new();
        for (path, metadata) in nodes {
            if let NodeMetadata::Array(array) = &metadata {
                Array::bind(self.clone(), path.clone(), array.clone(), None).at(&path)?;
            }
            match self.put(&path, &metadata, Precondition::IfAbsent).await {
                Err(Error::Store(error)) if error.kind() == ErrorKind::Conflict => {}
                result => {
                    result.at(&path)?;
                    converted.push(path);
                }
            }
        }
        Ok(converted)
    }
}
