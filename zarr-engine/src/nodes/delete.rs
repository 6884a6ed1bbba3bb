//! Deletes nodes, and nothing but nodes.

use futures::TryStreamExt;
use zarr_core::metadata::{NodeMetadata, v2};
use zarr_core::{METADATA_NAME, NodePath};

use crate::documents::Change;
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
        self.delete_node(&NodePath::parse(path)?).await.map(drop)
    }

    /// Deletes a node. Returns the groups above that listed the node in their consolidated
    /// metadata.
    pub(super) async fn delete_node(&self, path: &NodePath) -> Result<Vec<NodePath>> {
        self.delete_objects(path).await.at(path)
    }

    async fn delete_objects(&self, path: &NodePath) -> Result<Vec<NodePath>> {
        if !self.has(&path.metadata_key()).await? && !self.has_zarr_2(path).await? {
            self.check_remains(path).await?;
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

    /// Checks that a path without a document has at most chunks that an interrupted deletion left.
    async fn check_remains(&self, path: &NodePath) -> Result<()> {
        let refused = |reason| {
            let path = path.clone();
            Err(Error::NotANode { path, reason })
        };
        let mut listing = self.store().list_keys(path.as_str());
        let mut is_first = true;
        while let Some(keys) = listing.try_next().await? {
            let Some(first) = keys.first() else { continue };
            if is_first && let Some(array) = self.array_above(path).await? {
                return refused(format!("{first} belongs to the array {array}"));
            }
            is_first = false;
            if let Some(key) = keys.iter().find(|key| !is_chunk(path, key)) {
                return refused(format!(
                    "it has no metadata document, but {key} is stored there; delete nodes below by their own \
                     paths, and other files without Zarr"
                ));
            }
        }
        Ok(())
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
