//! Reads documents: of one node, or of the nodes below a group.

use bytes::Bytes;
use futures::stream::{self, StreamExt, TryStreamExt};
use zarr_core::metadata::NodeMetadata;
use zarr_core::{Members, NodePath, Strictness, is_node_name};
use zarr_store::{Body, ByteRange, Version};

use super::{Stored, Versions, Wanted};
use crate::error::{At, Error, Result};
use crate::hierarchy::Hierarchy;

/// The number of documents read concurrently.
const DOCUMENTS: usize = 64;

/// The number of bytes requested of a document before its size is known.
const FIRST: u64 = 64 << 20;

/// The maximum size of a document that is read on the requesting thread.
const SMALL: u64 = 256 << 10;

impl Hierarchy {
    /// Reads a Zarr v3 node; `None` if it does not exist.
    pub(crate) async fn document(&self, path: &NodePath) -> Result<Option<Stored>> {
        let key = path.metadata_key();
        let Some((text, version)) = self.text(&key).await? else {
            return Ok(None);
        };
        let metadata = NodeMetadata::parse_with(&text, self.registry().strictness())
            .map_err(|error| error.key(&key))?;
        Ok(Some(Stored {
            metadata,
            versions: Versions::Zarr3(version),
        }))
    }

    /// Reads a Zarr v3 node without its consolidated metadata, which may be damaged.
    pub(crate) async fn without_copies(&self, path: &NodePath) -> Result<Option<NodeMetadata>> {
        let Some((text, _)) = self.text(&path.metadata_key()).await? else {
            return Ok(None);
        };
        let strictness = self.registry().strictness();
        let mut members = Members::parse_with(&text, strictness)?;
        members.remove("consolidated_metadata");
        let text = members.to_text()?;
        Ok(Some(NodeMetadata::parse_with(text.as_bytes(), strictness)?))
    }

    /// Reads the text of a document, up to the maximum size that the registry allows; `None` if the
    /// document does not exist.
    pub(crate) async fn text(&self, key: &str) -> Result<Option<(Bytes, Version)>> {
        let limit = self.registry().limits().max_document_size;
        let first = ByteRange::Range(0..FIRST.min(limit));
        let found = match self.at_hand(key, &first) {
            Some(found) => found?,
            // Boxed, so that the common case does not move the state of a request.
            None => Box::pin(self.store().get(key, &first, None)).await?,
        };
        let Some(body) = found else {
            return Ok(None);
        };
        let (size, read) = (body.object_size, body.bytes.len() as u64);
        if size > limit {
            let error = zarr_core::Error::TooLarge {
                what: "metadata document",
                wanted: format!("{size} bytes"),
                limit,
            };
            return Err(error.key(key).into());
        }
        if read >= size {
            return Ok(Some((body.bytes, body.version)));
        }
        let rest = ByteRange::Range(read..size);
        let rest = Box::pin(self.store().get(key, &rest, Some(&body.version))).await?;
        let rest = rest.map(|body| body.bytes).unwrap_or_default();
        let text = [&body.bytes[..], &rest].concat();
        Ok(Some((text.into(), body.version)))
    }

    /// Reads a small file on this thread if the operating system has the file in memory, which
    /// saves waking another thread.
    fn at_hand(&self, key: &str, range: &ByteRange) -> Option<zarr_store::Result<Option<Body>>> {
        self.store().as_local()?;
        self.store().get_now(key, range, SMALL)
    }

    /// Reads a Zarr v3 node or, if there is none, a Zarr v2 node; `None` if neither exists.
    pub(crate) async fn stored(&self, path: &NodePath, wanted: Wanted) -> Result<Option<Stored>> {
        match self.document(path).await? {
            Some(stored) => Ok(Some(stored)),
            None => Box::pin(self.stored_zarr_2(path, wanted)).await,
        }
    }

    /// Reads the metadata of a node of either format, without the consolidated metadata that Zarr
    /// v2 stores separately.
    pub(crate) async fn any_document(&self, path: &NodePath) -> Result<Option<NodeMetadata>> {
        let stored = self.stored(path, Wanted::Node).await?;
        Ok(stored.map(|stored| stored.metadata))
    }

    /// Returns the metadata of a node from the cache, if recent enough, or from the store.
    pub(crate) async fn cached_document(
        &self,
        path: &NodePath,
        wanted: Wanted,
    ) -> Result<Option<NodeMetadata>> {
        if let Some(metadata) = self.documents.get(path) {
            return Ok(Some(metadata));
        }
        let found = self.stored(path, wanted).await?;
        let found = found.map(|stored| stored.metadata);
        if let Some(metadata) = &found {
            self.documents.insert(path, metadata);
        }
        Ok(found)
    }

    /// Reads the document of a listed prefix. A prefix with a reserved name need not be a node.
    async fn listed(&self, path: &NodePath) -> Result<Option<NodeMetadata>> {
        match self.any_document(path).await {
            Err(Error::Core(_)) if path.name().starts_with("__") => Ok(None),
            found => found,
        }
    }

    /// Reads the documents of the nodes directly below a group, in order of name. Skips prefixes
    /// without a document.
    pub(crate) async fn documents_below(
        &self,
        path: &NodePath,
    ) -> Result<Vec<(NodePath, NodeMetadata)>> {
        readable(self.documents_below_each(path).await?)
    }

    /// Reads the documents of the nodes directly below a group, in order of name, with an error in
    /// place of each document that cannot be read.
    pub(crate) async fn documents_below_each(&self, path: &NodePath) -> Result<Documents> {
        let listing = self.store().list_dir(path.as_str()).await?;
        let paths = listing.prefixes.iter().filter(|name| is_node_name(name));
        let mut paths = paths
            .map(|name| path.child(name))
            .collect::<zarr_core::Result<Vec<_>>>()?;
        if self.registry().strictness() == Strictness::Strict {
            paths.retain(|path| path.clone().unreserved().is_ok());
        }
        Ok(self.documents_of(paths).await)
    }

    /// Reads the documents of prefixes that may be nodes. Skips prefixes without a document.
    pub(crate) async fn documents_of(&self, paths: Vec<NodePath>) -> Documents {
        stream::iter(paths)
            .map(|path| async move { Some((self.listed(&path).await.transpose()?, path)) })
            .buffered(DOCUMENTS)
            .filter_map(|found| async move { found.map(|(document, path)| (path, document)) })
            .collect()
            .await
    }

    /// Reads the documents of all nodes below a group; each group precedes the nodes below it.
    pub(crate) async fn documents_within(
        &self,
        path: &NodePath,
    ) -> Result<Vec<(NodePath, NodeMetadata)>> {
        readable(self.documents_within_each(path).await?)
    }

    /// Reads the documents of all nodes below a group, with an error in place of each document that
    /// cannot be read; each group precedes the nodes below it.
    pub(crate) async fn documents_within_each(&self, path: &NodePath) -> Result<Documents> {
        let mut found = Vec::new();
        let mut level = vec![path.clone()];
        while !level.is_empty() {
            let below = stream::iter(level)
                .map(|path| async move { self.documents_below_each(&path).await })
                .buffered(DOCUMENTS)
                .try_concat()
                .await?;
            let groups = below
                .iter()
                .filter(|(_, metadata)| matches!(metadata, Ok(NodeMetadata::Group(_))));
            level = groups.map(|(path, _)| path.clone()).collect();
            found.extend(below);
        }
        found.sort_by(|(a, _), (b, _)| a.cmp(b));
        Ok(found)
    }
}

/// Documents by node, with an error in place of each document that cannot be read.
pub(crate) type Documents = Vec<(NodePath, Result<NodeMetadata>)>;

/// Returns the documents, or the first error.
fn readable(documents: Documents) -> Result<Vec<(NodePath, NodeMetadata)>> {
    let documents = documents.into_iter();
    let readable = |(path, found): (NodePath, Result<_>)| {
        let found = found.at(&path)?;
        Ok((path, found))
    };
    documents.map(readable).collect()
}
