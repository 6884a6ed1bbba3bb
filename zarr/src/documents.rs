//! Metadata documents in a store: reading those of v3 and v2, putting and changing those of v3, and a cache.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::stream::{self, StreamExt, TryStreamExt};
use futures::try_join;
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use zarr_core::metadata::{ConsolidatedMetadata, NodeMetadata, v2};
use zarr_core::{ByteRange, NodePath, is_node_name};
use zarr_store::{ErrorKind, Precondition, Version};

use crate::engine::by_weight;
use crate::error::{Error, Result};
use crate::hierarchy::Hierarchy;
use crate::retry::Attempts;

/// Documents that are read at one time.
const DOCUMENTS: usize = 64;

/// The bytes of a document that are asked for before its size is known.
const FIRST: u64 = 64 << 20;

/// The memory that cached documents may take, in bytes.
const CACHE_SIZE: u64 = 16 << 20;

/// A metadata document as it was read.
pub(crate) struct Document {
    pub(crate) metadata: NodeMetadata,
    pub(crate) version: Version,
}

/// Documents that were read not long ago, and which documents this process has changed.
#[derive(Debug)]
pub(crate) struct DocumentCache {
    /// How old a document may be; zero for no cache.
    age: Duration,
    /// Nodes that were changed, or deleted with all below them: copies of their documents that handles of groups have are out of
    /// date.
    changed: Mutex<BTreeMap<NodePath, Change>>,
    documents: Cache<NodePath, (Instant, NodeMetadata), ByText>,
}

/// What this process has done to nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Change {
    /// The document of the node is another one.
    Changed,
    /// The node was deleted, with all below it.
    Deleted,
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
            changed: Mutex::default(),
            documents: by_weight(256, CACHE_SIZE, ByText),
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

    fn changed(&self) -> MutexGuard<'_, BTreeMap<NodePath, Change>> {
        self.changed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that the documents of nodes are no longer what a group above may have copies of.
    pub(crate) fn note(&self, path: &NodePath, change: Change) {
        let mut changed = self.changed();
        let known = changed.entry(path.clone()).or_insert(change);
        *known = change.max(*known);
    }

    /// Notes that the copies in the consolidated metadata of a group have just been made.
    pub(crate) fn note_copies(&self, group: &NodePath) {
        let prefix = group.prefix();
        self.changed()
            .retain(|path, _| !path.as_str().starts_with(&prefix));
    }

    /// Whether the document of a node was changed, or the node deleted, alone or with one above it.
    pub(crate) fn has_changed(&self, path: &NodePath) -> bool {
        let changed = self.changed();
        let mut above = Some(path.clone()).filter(|_| !changed.is_empty());
        let mut least = Change::Changed;
        while let Some(path) = above {
            if changed.get(&path).is_some_and(|change| *change >= least) {
                return true;
            }
            least = Change::Deleted;
            above = path.parent();
        }
        false
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
        match self.update_if(path, |node| change(node).map(Some)).await? {
            Some(changed) => Ok(changed),
            None if self.has_zarr_2(path).await? => Err(self.zarr_2(path)),
            None => Err(self.not_found(path)),
        }
    }

    /// Changes a document where there is one and `change` makes another one of it. Returns the new one.
    async fn update_if(
        &self,
        path: &NodePath,
        change: impl Fn(NodeMetadata) -> Result<Option<NodeMetadata>>,
    ) -> Result<Option<NodeMetadata>> {
        let mut attempts = Attempts::new();
        loop {
            attempts.next(&path.metadata_key()).await?;
            let Some(document) = self.document(path).await? else {
                return Ok(None);
            };
            let Some(metadata) = change(document.metadata)? else {
                return Ok(None);
            };
            let condition = Precondition::IfVersion(document.version);
            match self.put(path, &metadata, condition).await {
                Ok(_) => {
                    self.documents.note(path, Change::Changed);
                    return Ok(Some(metadata));
                }
                Err(Error::Store(error)) if error.kind() == ErrorKind::Conflict => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Takes a node and all below it out of the consolidated metadata of every group above.
    pub(crate) async fn remove_copies(&self, path: &NodePath) -> Result<()> {
        let mut above = path.parent();
        while let Some(group) = above {
            let relative = relative(&group, path);
            self.change_copies(&group, |copies| Ok(copies.remove(relative)))
                .await?;
            above = group.parent();
        }
        Ok(())
    }

    /// Renews the copy of a document in the consolidated metadata of a group above it, if it has one.
    pub(crate) async fn renew_copy(
        &self,
        group: &NodePath,
        path: &NodePath,
        metadata: &NodeMetadata,
    ) -> Result<()> {
        let relative = relative(group, path);
        self.change_copies(group, |copies| {
            let found = copies.is_array(relative)?.is_some();
            if found {
                copies.insert(relative, metadata)?;
            }
            Ok(found)
        })
        .await
    }

    async fn change_copies(
        &self,
        group: &NodePath,
        change: impl Fn(&mut ConsolidatedMetadata) -> Result<bool>,
    ) -> Result<()> {
        let changed = self.update_if(group, |metadata| {
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
        changed.await.map(drop)
    }

    /// The refusal to change a node of Zarr 2.
    pub(crate) fn zarr_2(&self, path: &NodePath) -> Error {
        let what = "changing the metadata of a Zarr 2 node, or creating a Zarr 3 node in a Zarr 2 group, which would hide \
                    the group from readers of Zarr 2; convert the hierarchy first (Hierarchy::convert_v2)";
        let error = zarr_core::Error::Unsupported {
            what: what.to_owned(),
        };
        error.key(&path.to_string()).into()
    }

    /// Reads a document of Zarr 3; `None` where there is none.
    pub(crate) async fn document(&self, path: &NodePath) -> Result<Option<Document>> {
        let key = path.metadata_key();
        let Some((text, version)) = self.text(&key).await? else {
            return Ok(None);
        };
        let metadata = NodeMetadata::parse(&text).map_err(|error| error.key(&key))?;
        Ok(Some(Document { metadata, version }))
    }

    /// Reads the text of a document, at most of the size that the registry allows; `None` where there is none.
    async fn text(&self, key: &str) -> Result<Option<(Bytes, Version)>> {
        let limit = self.registry().limits().max_document_size;
        let first = ByteRange::Range(0..FIRST.min(limit));
        let Some(body) = self.store().get(key, &first, None).await? else {
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
        let rest = self.store().get(key, &rest, Some(&body.version)).await?;
        let rest = rest.map(|body| body.bytes).unwrap_or_default();
        let text = [&body.bytes[..], &rest].concat();
        Ok(Some((text.into(), body.version)))
    }

    /// Whether there is an array or a group of Zarr 2 at a path.
    pub(crate) async fn has_zarr_2(&self, path: &NodePath) -> Result<bool> {
        let exists = async |name: &str| {
            let key = path.prefix() + name;
            let found = self.store().get(&key, &ByteRange::Range(0..1), None).await;
            Ok::<_, Error>(found?.is_some())
        };
        let (array, group) = try_join!(exists(v2::ARRAY_NAME), exists(v2::GROUP_NAME))?;
        Ok(array || group)
    }

    /// Reads the document of a node of v3, or else of v2; `None` where there is neither.
    pub(crate) async fn any_document(&self, path: &NodePath) -> Result<Option<NodeMetadata>> {
        if let Some(document) = self.document(path).await? {
            return Ok(Some(document.metadata));
        }
        let all = async |name: &str| {
            let found = self.text(&(path.prefix() + name)).await?;
            Ok::<_, Error>(found.map(|(text, _)| text))
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

/// The path of a node relative to a group above it.
pub(crate) fn relative<'a>(group: &NodePath, path: &'a NodePath) -> &'a str {
    let prefix = group.prefix();
    path.as_str().strip_prefix(&prefix).unwrap_or(path.as_str())
}
