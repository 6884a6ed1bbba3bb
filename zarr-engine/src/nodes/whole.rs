//! Operations on whole nodes and everything below them: exists, open or create, replace, copy,
//! rename, convert.

use std::pin::pin;

use futures::stream::{self, StreamExt, TryStreamExt};
use zarr_core::metadata::{ArrayMetadata, Attributes, NodeMetadata, v2};
use zarr_core::{METADATA_NAME, NodePath};
use zarr_store::{ErrorKind, Precondition};

use super::Node;
use crate::array::Array;
use crate::documents::key_of;
use crate::error::{Error, Result};
use crate::group::Group;
use crate::hierarchy::Hierarchy;

/// The number of objects copied concurrently.
const AT_ONCE: usize = 8;

/// The names of metadata documents, Zarr v2 and v3.
const DOCUMENTS: [&str; 5] = [
    METADATA_NAME,
    v2::ARRAY_NAME,
    v2::GROUP_NAME,
    v2::ATTRIBUTES_NAME,
    v2::CONSOLIDATED_NAME,
];

impl Hierarchy {
    /// Returns whether a path has a node.
    ///
    /// # Errors
    /// [`Error::Store`] for any failure other than a definite absence, and an error for a malformed
    /// document.
    pub async fn exists(&self, path: &str) -> Result<bool> {
        let path = NodePath::parse(path)?;
        let found = self.any_document(&path).await;
        Ok(found.map_err(|error| error.in_node(&path))?.is_some())
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
    pub async fn open_or_create_array(&self, path: &str, metadata: ArrayMetadata) -> Result<Array> {
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
        let (from, to) = (NodePath::parse(from)?, NodePath::parse(to)?.unreserved()?);
        let found = self.any_document(&from).await?;
        let found = found.ok_or_else(|| self.not_found(&from))?;
        let within = |a: &NodePath, b: &NodePath| a.prefix().starts_with(&b.prefix());
        if self.shares_store(target) && (within(&from, &to) || within(&to, &from)) {
            let rule = "a node cannot be copied to its own path, into itself, or over a group that contains it";
            let path = to.to_string();
            return Err(Error::from(zarr_core::Error::Path { path, rule }).in_node(&from));
        }
        let is_zarr_2 = found.zarr_2().is_some();
        let (above, wants_zarr_2) = target.groups_above(&to, is_zarr_2).await?;
        if is_zarr_2 != wants_zarr_2 {
            let what = format!(
                "the node and the group above {to} have different Zarr formats; convert the Zarr v2 \
                 hierarchy first"
            );
            return Err(Error::from(zarr_core::Error::Unsupported { what }).in_node(&from));
        }
        if target.any_document(&to).await?.is_some() {
            if !overwrite {
                return Err(target.already_exists(&to));
            }
            target.delete(to.as_str()).await?;
        }
        let keys = self.keys_below(&from).await?;
        let total = keys.len() as u64;
        let mut done = 0;
        let mut copied = || {
            done += 1;
            progress(done, total);
        };
        let (documents, data): (Vec<_>, Vec<_>) =
            keys.into_iter().partition(|key| is_document(key));
        let prefixes = (from.prefix(), to.prefix());
        let (prefix, to_prefix) = (&prefixes.0, &prefixes.1);
        let copy = |key: String| async move {
            let to = to_prefix.clone() + key.strip_prefix(prefix).unwrap_or(&key);
            self.copy_object(&key, target, &to).await
        };
        let mut copies = pin!(stream::iter(data).map(copy).buffer_unordered(AT_ONCE));
        while copies.try_next().await?.is_some() {
            copied();
        }
        // The topmost new node.
        let top = above
            .last()
            .map_or_else(|| to.clone(), |(path, _)| path.clone());
        target.put_groups(above).await?;
        for key in documents {
            copy(key).await?;
            copied();
        }
        target.renew_copies_of(top.as_str()).await?;
        target.node(to.as_str()).await
    }

    /// Moves a node and everything below it to a free path of this hierarchy: copies the node, then
    /// deletes the original. Not atomic: readers may see both.
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
            .await?
            .ok_or_else(|| self.not_found(&path))?;
        let mut nodes = vec![(path.clone(), root)];
        if let NodeMetadata::Group(_) = nodes[0].1 {
            nodes.extend(self.documents_within(&path).await?);
        }
        let mut converted = Vec::new();
        for (path, metadata) in nodes {
            if let NodeMetadata::Array(array) = &metadata {
                let key = key_of(&path, &metadata);
                Array::bind(self.clone(), path.clone(), array.clone(), &key)?;
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

    /// Returns the keys of all objects below a node, deepest first: documents of inner nodes
    /// precede those of their groups.
    async fn keys_below(&self, path: &NodePath) -> Result<Vec<String>> {
        let listing = self.store().list_keys(path.as_str());
        let mut keys = listing.try_concat().await?;
        keys.sort_by_key(|key| std::cmp::Reverse(key.matches('/').count()));
        Ok(keys)
    }
}

pub(crate) fn is_document(key: &str) -> bool {
    let name = key.rsplit('/').next().unwrap_or(key);
    DOCUMENTS.contains(&name)
}
