//! Puts and changes metadata documents.

use zarr_core::NodePath;
use zarr_core::metadata::NodeMetadata;
use zarr_store::{ErrorKind, Precondition, Version};

use super::{Change, Stored, Versions, Wanted};
use crate::error::{Error, Result};
use crate::hierarchy::Hierarchy;
use crate::retry::Attempts;

impl Hierarchy {
    /// Puts a Zarr v3 document.
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

    /// Changes a document on condition that no other writer does; retries on conflict.
    pub(crate) async fn update(
        &self,
        path: &NodePath,
        change: impl Fn(NodeMetadata) -> Result<NodeMetadata>,
    ) -> Result<NodeMetadata> {
        let change = |node| change(node).map(Some);
        let changed = self.update_if(path, Wanted::NodeWithCopies, change).await?;
        changed.ok_or_else(|| self.not_found(path))
    }

    /// Changes a document if it exists and `change` returns a new one. Returns the new document.
    pub(super) async fn update_if(
        &self,
        path: &NodePath,
        wanted: Wanted,
        change: impl Fn(NodeMetadata) -> Result<Option<NodeMetadata>>,
    ) -> Result<Option<NodeMetadata>> {
        let mut attempts = Attempts::new();
        loop {
            let _hold = attempts.next(self.store(), &path.metadata_key()).await?;
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

    /// Puts the changed documents of a node, on condition that the stored ones are unchanged since
    /// they were read.
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
}
