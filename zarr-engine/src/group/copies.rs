//! The consolidated metadata of a group: writes it, and compares it with the
//! documents that it copies.

use std::collections::BTreeMap;

use zarr_core::NodePath;
use zarr_core::metadata::{ConsolidatedMetadata, NodeMetadata, v2};

use super::{Difference, Group};
use crate::documents::relative;
use crate::error::{At, Result};
use crate::hierarchy::{NodeKind, group_document};

impl Group {
    /// Returns the group whose document holds the copies of this handle.
    pub(super) fn origin(&self) -> &NodePath {
        self.copied_from.as_ref().unwrap_or(&self.path)
    }

    /// Returns the key of the document that holds the copies.
    pub(crate) fn copies_key(&self) -> String {
        match self.metadata.zarr_2() {
            Some(_) => self.origin().prefix() + v2::CONSOLIDATED_NAME,
            None => self.origin().metadata_key(),
        }
    }

    /// Returns the stored documents of the nodes below that this process has changed; `None` for
    /// deleted nodes.
    pub(super) async fn changed(&self) -> Result<Vec<(NodePath, Option<NodeMetadata>)>> {
        let mut changed = Vec::new();
        for path in self.hierarchy.documents.changed_below(&self.path) {
            let stored = self.hierarchy.any_document(&path).await?;
            changed.push((path, stored));
        }
        Ok(changed)
    }

    /// Returns the kind of a copied node without reading the rest of its document.
    pub(super) fn copied_kind(
        &self,
        copies: &ConsolidatedMetadata,
        name: &str,
    ) -> Result<NodeKind> {
        let is_array = copies.is_array(name);
        Ok(
            match is_array.map_err(|error| error.key(&self.copies_key()))? {
                Some(true) => NodeKind::Array,
                _ => NodeKind::Group,
            },
        )
    }

    /// Returns the kinds of the copied nodes, updated with the changes of this process, in order of
    /// path.
    pub(super) async fn current_kinds(
        &self,
        copies: &ConsolidatedMetadata,
    ) -> Result<Vec<(NodePath, NodeKind)>> {
        let kinds = copies
            .paths()
            .map(|name| Ok((self.path.join(name)?, self.copied_kind(copies, name)?)));
        let mut nodes = kinds.collect::<Result<Vec<_>>>()?;
        let changed = self.changed().await?;
        if !changed.is_empty() {
            nodes.retain(|(path, _)| !self.hierarchy.documents.has_changed(path));
            let stored = changed.into_iter();
            nodes.extend(
                stored.filter_map(|(path, metadata)| Some((path, NodeKind::of(&metadata?)))),
            );
        }
        nodes.sort_by(|(a, _), (b, _)| a.cmp(b));
        Ok(nodes)
    }

    /// Compares the group's consolidated metadata with the documents that it copies. Returns the
    /// nodes that differ, in order of path, with the difference. Returns an empty list if all
    /// copies are up to date or the group has no consolidated metadata.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// let hierarchy = zarr_engine::open("memory:")?;
    /// let mut group = hierarchy.create_group("", Default::default()).await?;
    /// group.consolidate().await?;
    /// hierarchy.create_array("late", zarr_engine::ArrayBuilder::new(&[4], "int8").build()?).await?;
    /// let stale = group.check_consolidated().await?;
    /// assert_eq!(stale, [(zarr_engine::NodePath::parse("late")?, zarr_engine::Difference::Added)]);
    /// # Ok::<(), zarr_engine::Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// An object or node has changed in the meantime; open it again.
    pub async fn check_consolidated(&self) -> Result<Vec<(NodePath, Difference)>> {
        let Some(copies) = self.metadata.consolidated() else {
            return Ok(Vec::new());
        };
        let mut copies = self
            .consolidated_nodes(copies)?
            .into_iter()
            .collect::<BTreeMap<_, _>>();
        let mut differences = BTreeMap::new();
        for (path, stored) in self.hierarchy.documents_within(&self.path).await? {
            match copies.remove(&path) {
                None => drop(differences.insert(path, Difference::Added)),
                Some(copy) if !copy.means_the_same(&stored) => {
                    differences.insert(path, Difference::Changed);
                }
                Some(_) => {}
            }
        }
        let removed = copies.into_keys().map(|path| (path, Difference::Removed));
        differences.extend(removed);
        Ok(differences.into_iter().collect())
    }

    /// Copies the documents of all nodes below the group into the group's own document, so that one
    /// request opens all of them. Later changes, by this process or others, do not update the
    /// copies: [`Self::check_consolidated`] reports stale copies, and consolidating again repairs
    /// them.
    ///
    /// # Errors
    /// [`Error::Store`](crate::Error::Store) if the store cannot list or write, or an error for a
    /// malformed document.
    pub async fn consolidate(&mut self) -> Result<()> {
        let nodes = self.hierarchy.documents_within(&self.path).await?;
        let changed = self.hierarchy.update(&self.path, |metadata| {
            let group = group_document(&self.path, metadata)?;
            let mut copies = match (group.consolidated(), group.zarr_2()) {
                (Some(copies), _) => copies.emptied(),
                (None, Some(_)) => ConsolidatedMetadata::new_zarr_2()?,
                (None, None) => ConsolidatedMetadata::new(),
            };
            for (path, metadata) in &nodes {
                copies.insert(relative(&self.path, path), metadata)?;
            }
            Ok(group.with_consolidated(Some(copies))?.into())
        });
        self.metadata = group_document(&self.path, changed.await.at(&self.path)?)?;
        self.hierarchy.documents.note_copies(&self.path);
        Ok(())
    }

    pub(super) fn consolidated_nodes(
        &self,
        consolidated: &ConsolidatedMetadata,
    ) -> Result<Vec<(NodePath, NodeMetadata)>> {
        let mut nodes = Vec::with_capacity(consolidated.len());
        for path in consolidated.paths() {
            let found = consolidated.get(path);
            if let Some(metadata) = found.map_err(|error| error.key(&self.copies_key()))? {
                nodes.push((self.path.join(path)?, metadata));
            }
        }
        nodes.sort_by(|(a, _), (b, _)| a.cmp(b));
        Ok(nodes)
    }
}
