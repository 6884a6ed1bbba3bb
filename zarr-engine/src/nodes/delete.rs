//! Deletes nodes, and nothing but nodes.

use futures::TryStreamExt;
use zarr_core::metadata::{NodeMetadata, v2};
use zarr_core::{METADATA_NAME, NodePath};

use crate::documents::{Change, is_document};
use crate::error::{At, Error, Result};
use crate::hierarchy::Hierarchy;

impl Hierarchy {
    /// Deletes a node and everything below it; succeeds if nothing is stored at the path. Deletes
    /// the copies of its document in the consolidated metadata of groups above first, then the
    /// document, then the chunks: readers find either the whole node or none, never a node without
    /// data.
    ///
    /// A path without a document has no node. Only chunks that an interrupted deletion left there
    /// are deleted; anything else is refused: other files, a part of an array, and a group whose
    /// document is missing, as in some Zarr v2 hierarchies. To delete such a group, first create a
    /// group at its path.
    ///
    /// ```
    /// use zarr_engine::{ArrayBuilder, blocking};
    ///
    /// let hierarchy = blocking::open("memory:")?;
    /// let array = hierarchy.create_array("g/a", ArrayBuilder::new(&[4], "int32").build()?)?;
    /// array.write(.., 3)?;
    /// assert!(hierarchy.delete("g/a/c").is_err());
    /// hierarchy.delete("g")?;
    /// assert!(!hierarchy.exists("g/a")?);
    /// # Ok::<(), zarr_engine::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::NotANode`] if the path has objects, but no document, and [`Error::Store`] if an
    /// object cannot be deleted.
    pub async fn delete(&self, path: &str) -> Result<()> {
        let path = NodePath::parse(path)?;
        self.delete_objects(&path, false).await.at(&path).map(drop)
    }

    /// Makes a path free for a new node: deletes a node there, or the chunks that an interrupted
    /// deletion left, but no other files beside these. Returns the groups above that listed the
    /// node in their consolidated metadata.
    pub(super) async fn make_room(&self, path: &NodePath) -> Result<Vec<NodePath>> {
        self.delete_objects(path, true).await.at(path)
    }

    async fn delete_objects(&self, path: &NodePath, keeps_files: bool) -> Result<Vec<NodePath>> {
        if !self.has(&path.metadata_key()).await? && !self.has_zarr_2(path).await? {
            let chunks = self.remains(path, keeps_files).await?;
            if keeps_files {
                self.store().delete_all(&chunks).await?;
                return self.remove_copies(path).await;
            }
        }
        let had = self.remove_copies(path).await?;
        let documents = [METADATA_NAME, v2::ARRAY_NAME, v2::GROUP_NAME];
        let documents = documents.map(|name| path.prefix() + name);
        self.store().delete_all(&documents).await?;
        self.documents.clear();
        self.documents.note(path, Change::Deleted);
        self.store().delete_prefix(path.as_str()).await?;
        Ok(had)
    }

    /// Returns the chunks that an interrupted deletion left at a path without a document; fails if
    /// nodes lie below, or other files that may not stay.
    async fn remains(&self, path: &NodePath, keeps_files: bool) -> Result<Vec<String>> {
        let refused = |reason| {
            let path = path.clone();
            Err(Error::NotANode { path, reason })
        };
        let mut listing = self.store().list_keys(path.as_str());
        let mut chunks = Vec::new();
        let mut is_first = true;
        while let Some(keys) = listing.try_next().await? {
            let Some(first) = keys.first() else { continue };
            if is_first && let Some(array) = self.array_above(path).await? {
                return refused(format!("{first} belongs to the array {array}"));
            }
            is_first = false;
            let (found, others): (Vec<_>, Vec<_>) =
                keys.into_iter().partition(|key| is_chunk(path, key));
            chunks.extend(found);
            if let Some(key) = others.iter().find(|key| !keeps_files || is_document(key)) {
                return refused(format!(
                    "it has no metadata document, but {key} is stored there; delete nodes below by their own \
                     paths, and other files without Zarr"
                ));
            }
        }
        Ok(chunks)
    }

    async fn array_above(&self, path: &NodePath) -> Result<Option<NodePath>> {
        for above in std::iter::successors(path.parent(), NodePath::parent) {
            if let Some(NodeMetadata::Array(_)) = self.any_document(&above).await? {
                return Ok(Some(above));
            }
        }
        Ok(None)
    }
}

/// Whether a key looks like that of a chunk of an array at this path: `c/0/1`, `c.0.1`, `0/1`,
/// `0.1`.
fn is_chunk(path: &NodePath, key: &str) -> bool {
    let prefix = path.prefix();
    let rest = key.strip_prefix(&prefix).unwrap_or(key);
    let rest = rest.strip_prefix('c').unwrap_or(rest);
    rest.bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'/' || byte == b'.')
}
