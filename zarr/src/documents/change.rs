//! Putting and changing documents, and the copies of them that groups above keep.

use zarr_core::NodePath;
use zarr_core::metadata::{ConsolidatedMetadata, NodeMetadata};
use zarr_store::{ErrorKind, Precondition, Version};

use super::{Change, Stored, Versions, Wanted, relative};
use crate::error::{Error, Result};
use crate::hierarchy::Hierarchy;
use crate::retry::Attempts;

impl Hierarchy {
    /// Puts a document of Zarr 3.
    pub(crate) async fn put(
        &self,
        path: &NodePath,
        metadata: &NodeMetadata,
        precondition: Precondition,
    ) -> Result<Version> {
        let text = match metadata {
            NodeMetadata::Array(array) => array.to_text()?,
            NodeMetadata::Group(group) => group.to_text()?,
        };
        let key = path.metadata_key();
        let put = self.put_text(&key, text, precondition).await;
        self.documents.remove(path);
        put
    }

    pub(super) async fn put_text(
        &self,
        key: &str,
        text: String,
        precondition: Precondition,
    ) -> Result<Version> {
        let put = self.store().put(key, vec![text.into()], precondition);
        Ok(put.await?)
    }

    /// Changes a document on condition that nobody else does; again where somebody did.
    pub(crate) async fn update(
        &self,
        path: &NodePath,
        change: impl Fn(NodeMetadata) -> Result<NodeMetadata>,
    ) -> Result<NodeMetadata> {
        let change = |node| change(node).map(Some);
        let changed = self.update_if(path, Wanted::NodeWithCopies, change).await?;
        changed.ok_or_else(|| self.not_found(path))
    }

    /// Changes a document where there is one and `change` makes another one of it. Returns the new one.
    async fn update_if(
        &self,
        path: &NodePath,
        wanted: Wanted,
        change: impl Fn(NodeMetadata) -> Result<Option<NodeMetadata>>,
    ) -> Result<Option<NodeMetadata>> {
        let mut attempts = Attempts::new();
        loop {
            attempts.next(&path.metadata_key()).await?;
            let Some(stored) = self.stored(path, wanted).await? else {
                return Ok(None);
            };
            let Some(metadata) = change(stored.metadata.clone())? else {
                return Ok(None);
            };
            match self.replace_stored(path, &stored, &metadata).await {
                Ok(()) => {
                    self.documents.note(path, Change::Changed);
                    return Ok(Some(metadata));
                }
                Err(Error::Store(error)) if error.kind() == ErrorKind::Conflict => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Puts what changed of a node, on condition that it is as it was read.
    async fn replace_stored(
        &self,
        path: &NodePath,
        stored: &Stored,
        metadata: &NodeMetadata,
    ) -> Result<()> {
        match &stored.versions {
            Versions::Zarr3(version) => {
                let condition = Precondition::IfVersion(version.clone());
                self.put(path, metadata, condition).await.map(drop)
            }
            Versions::Zarr2 { .. } => {
                let replaced = self.replace_zarr_2(path, stored, metadata).await;
                self.documents.remove(path);
                replaced
            }
        }
    }

    /// Takes a node and all below it out of the consolidated metadata of every group above. Returns the groups that had it.
    pub(crate) async fn remove_copies(&self, path: &NodePath) -> Result<Vec<NodePath>> {
        let mut had = Vec::new();
        for group in above(path) {
            let relative = relative(&group, path);
            let remove = |copies: &mut ConsolidatedMetadata| Ok(copies.remove(relative));
            if self.change_copies(&group, remove).await? {
                had.push(group);
            }
        }
        Ok(had)
    }

    /// Renews the copies of a document that groups above have in their consolidated metadata.
    pub(crate) async fn renew_copies(
        &self,
        path: &NodePath,
        metadata: &NodeMetadata,
    ) -> Result<()> {
        for group in above(path) {
            let relative = relative(&group, path);
            self.change_copies(&group, |copies| {
                let found = copies.contains(relative);
                if found {
                    copies.insert(relative, metadata)?;
                }
                Ok(found)
            })
            .await?;
        }
        Ok(())
    }

    /// The same after the document was changed: groups that the caller may not read cannot have been renewed by it either.
    pub(crate) async fn renew_copies_after(
        &self,
        path: &NodePath,
        metadata: &NodeMetadata,
    ) -> Result<()> {
        match self.renew_copies(path, metadata).await {
            Err(Error::Store(error)) if error.kind() == ErrorKind::PermissionDenied => Ok(()),
            result => result,
        }
    }

    /// Puts documents of a node and of what is below it into the consolidated metadata of these groups above, in place of those
    /// that they have.
    pub(crate) async fn insert_copies(
        &self,
        groups: &[NodePath],
        path: &NodePath,
        nodes: &[(NodePath, NodeMetadata)],
    ) -> Result<()> {
        for group in groups {
            self.change_copies(group, |copies| {
                copies.remove(relative(group, path));
                for (path, metadata) in nodes {
                    copies.insert(relative(group, path), metadata)?;
                }
                Ok(true)
            })
            .await?;
        }
        Ok(())
    }

    /// Renews the consolidated metadata of all groups above a node that was put into the store by its objects: they get its
    /// document and those of all nodes below it.
    ///
    /// # Errors
    /// [`Error::NodeNotFound`], and [`Error::Store`] where the store cannot list or write.
    pub async fn renew_copies_of(&self, path: &str) -> Result<()> {
        let path = NodePath::parse(path)?;
        self.documents.clear();
        let root = self.any_document(&path).await?;
        let mut nodes = vec![(path.clone(), root.ok_or_else(|| self.not_found(&path))?)];
        if let NodeMetadata::Group(_) = nodes[0].1 {
            nodes.extend(self.documents_within(&path).await?);
        }
        for (path, _) in &nodes {
            self.documents.note_stored(path);
        }
        self.insert_copies(&above(&path), &path, &nodes).await
    }

    async fn change_copies(
        &self,
        group: &NodePath,
        change: impl Fn(&mut ConsolidatedMetadata) -> Result<bool>,
    ) -> Result<bool> {
        let changed = self.update_if(group, Wanted::Copies, |metadata| {
            let NodeMetadata::Group(group) = metadata else {
                return Ok(None);
            };
            let Some(mut copies) = group.consolidated().cloned() else {
                return Ok(None);
            };
            match change(&mut copies)? {
                true => Ok(Some(group.with_consolidated(Some(copies))?.into())),
                false => Ok(None),
            }
        });
        Ok(changed.await?.is_some())
    }
}

/// The groups above a node, the nearest first.
fn above(path: &NodePath) -> Vec<NodePath> {
    std::iter::successors(path.parent(), NodePath::parent).collect()
}
