//! Metadata documents in a store: reading those of v3 and v2, putting and changing those of v3, and a cache.

use std::time::{Duration, Instant};

use futures::stream::{self, StreamExt, TryStreamExt};
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use zarr_core::metadata::{MAX_DOCUMENT_SIZE, NodeMetadata, v2};
use zarr_core::{ByteRange, NodePath, is_node_name};
use zarr_store::{ErrorKind, Precondition, Version};

use crate::error::{Error, Result};
use crate::hierarchy::Hierarchy;

/// Documents that are read at one time.
const DOCUMENTS: usize = 64;

/// How often a document is written where others write it too.
const ATTEMPTS: usize = 16;

/// The memory that cached documents may take, in bytes.
const CACHE_SIZE: u64 = 16 << 20;

/// A metadata document as it was read.
pub(crate) struct Document {
    pub(crate) metadata: NodeMetadata,
    pub(crate) version: Version,
}

/// Documents that were read not long ago.
#[derive(Debug)]
pub(crate) struct DocumentCache {
    /// How old a document may be; zero for no cache.
    age: Duration,
    documents: Cache<NodePath, (Instant, NodeMetadata), ByText>,
}

#[derive(Clone)]
struct ByText;

impl Weighter<NodePath, (Instant, NodeMetadata)> for ByText {
    fn weight(&self, path: &NodePath, (_, metadata): &(Instant, NodeMetadata)) -> u64 {
        // The text and what was parsed out of it.
        let members = metadata
            .members()
            .iter()
            .map(|(name, value)| name.len() + value.get().len());
        (path.as_str().len() + 2 * members.sum::<usize>() + 512) as u64
    }
}

impl DocumentCache {
    pub(crate) fn new(age: Duration) -> Self {
        Self {
            age,
            documents: Cache::with_weighter(256, CACHE_SIZE, ByText),
        }
    }

    fn get(&self, path: &NodePath) -> Option<NodeMetadata> {
        if self.age.is_zero() {
            return None;
        }
        let (read, metadata) = self.documents.get(path)?;
        (read.elapsed() < self.age).then_some(metadata)
    }

    fn insert(&self, path: &NodePath, metadata: &NodeMetadata) {
        if !self.age.is_zero() {
            self.documents
                .insert(path.clone(), (Instant::now(), metadata.clone()));
        }
    }

    fn remove(&self, path: &NodePath) {
        self.documents.remove(path);
    }

    pub(crate) fn clear(&self) {
        self.documents.clear();
    }
}

impl Hierarchy {
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
        let put = self
            .store()
            .put(&key, vec![text.into()], precondition)
            .await;
        self.documents.remove(path);
        Ok(put?)
    }

    /// Changes a document on condition that nobody else does; again where somebody did.
    pub(crate) async fn update(
        &self,
        path: &NodePath,
        change: impl Fn(NodeMetadata) -> Result<NodeMetadata>,
    ) -> Result<NodeMetadata> {
        for _ in 0..ATTEMPTS {
            let document = self
                .document(path)
                .await?
                .ok_or_else(|| self.not_found(path))?;
            let metadata = change(document.metadata)?;
            match self
                .put(path, &metadata, Precondition::IfVersion(document.version))
                .await
            {
                Ok(_) => return Ok(metadata),
                Err(Error::Store(error)) if error.kind() == ErrorKind::Conflict => {}
                Err(error) => return Err(error),
            }
        }
        Err(Error::ConcurrentModification {
            key: path.metadata_key(),
            attempts: ATTEMPTS,
        })
    }

    /// Reads a document; `None` where there is none.
    pub(crate) async fn document(&self, path: &NodePath) -> Result<Option<Document>> {
        let key = path.metadata_key();
        let range = ByteRange::Range(0..MAX_DOCUMENT_SIZE);
        let Some(body) = self.store().get(&key, &range, None).await? else {
            return Ok(None);
        };
        if body.object_size > MAX_DOCUMENT_SIZE {
            let wanted = format!("{} bytes", body.object_size);
            let error = zarr_core::Error::TooLarge {
                what: "metadata document",
                wanted,
                limit: MAX_DOCUMENT_SIZE,
            };
            return Err(error.key(&key).into());
        }
        let metadata = NodeMetadata::parse(&body.bytes).map_err(|error| error.key(&key))?;
        Ok(Some(Document {
            metadata,
            version: body.version,
        }))
    }

    /// Reads the document of a node of v3, or else of v2; `None` where there is neither.
    pub(crate) async fn any_document(&self, path: &NodePath) -> Result<Option<NodeMetadata>> {
        if let Some(document) = self.document(path).await? {
            return Ok(Some(document.metadata));
        }
        let all = async |name: &str| {
            let key = path.prefix() + name;
            let body = self
                .store()
                .get(&key, &ByteRange::Range(0..MAX_DOCUMENT_SIZE), None)
                .await?;
            Ok::<_, Error>(body.map(|body| body.bytes))
        };
        let place = |name: &str| {
            let key = path.prefix() + name;
            move |error: zarr_core::Error| Error::from(error.key(&key))
        };
        if let Some(array) = all(v2::ARRAY_NAME).await? {
            let attributes = all(v2::ATTRIBUTES_NAME).await?;
            let metadata = v2::array_from_v2(&array, attributes.as_deref());
            return Ok(Some(metadata.map_err(place(v2::ARRAY_NAME))?.into()));
        }
        let Some(group) = all(v2::GROUP_NAME).await? else {
            return Ok(None);
        };
        let attributes = all(v2::ATTRIBUTES_NAME).await?;
        let metadata = v2::group_from_v2(&group, attributes.as_deref());
        Ok(Some(metadata.map_err(place(v2::GROUP_NAME))?.into()))
    }

    /// The same from the cache, where it may be used.
    pub(crate) async fn cached_document(&self, path: &NodePath) -> Result<Option<NodeMetadata>> {
        if let Some(metadata) = self.documents.get(path) {
            return Ok(Some(metadata));
        }
        let found = self.any_document(path).await?;
        if let Some(metadata) = &found {
            self.documents.insert(path, metadata);
        }
        Ok(found)
    }

    /// The documents of the nodes directly below a group, in order of name. Prefixes without a document are no nodes.
    pub(crate) async fn documents_below(
        &self,
        path: &NodePath,
    ) -> Result<Vec<(NodePath, NodeMetadata)>> {
        let listing = self.store().list_dir(path.as_str()).await?;
        let paths = listing.prefixes.iter().filter(|name| is_node_name(name));
        let paths = paths
            .map(|name| path.child(name))
            .collect::<zarr_core::Result<Vec<_>>>()?;
        let documents = stream::iter(paths)
            .map(|path| async move { Ok::<_, Error>((self.any_document(&path).await?, path)) })
            .buffered(DOCUMENTS)
            .try_collect::<Vec<_>>()
            .await?;
        let nodes = documents
            .into_iter()
            .filter_map(|(document, path)| Some((path, document?)));
        Ok(nodes.collect())
    }

    /// The documents of all nodes below a group, each group before what is below it.
    pub(crate) async fn documents_within(
        &self,
        path: &NodePath,
    ) -> Result<Vec<(NodePath, NodeMetadata)>> {
        let mut found = Vec::new();
        let mut level = vec![path.clone()];
        while !level.is_empty() {
            let below = stream::iter(level)
                .map(|path| async move { self.documents_below(&path).await })
                .buffered(DOCUMENTS)
                .try_concat()
                .await?;
            let groups = below
                .iter()
                .filter(|(_, metadata)| matches!(metadata, NodeMetadata::Group(_)));
            level = groups.map(|(path, _)| path.clone()).collect();
            found.extend(below);
        }
        found.sort_by(|(a, _), (b, _)| a.cmp(b));
        Ok(found)
    }
}
