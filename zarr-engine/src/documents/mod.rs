//! Metadata documents in a store: a cache of documents, and a record of the documents that this
//! process has changed. `read` reads Zarr v3 documents and `zarr_2` Zarr v2 documents; `change`
//! puts and changes both; `copies` updates their copies in groups above.

mod change;
mod copies;
mod read;
mod zarr_2;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use quick_cache::Weighter;
use zarr_core::metadata::{NodeMetadata, v2};
use zarr_core::{METADATA_NAME, NodePath};
use zarr_store::Version;

use crate::engine::ByWeight;

pub(crate) use read::Documents;

/// The names of documents.
pub(crate) const NAMES: [&str; 5] = [
    METADATA_NAME,
    v2::ARRAY_NAME,
    v2::GROUP_NAME,
    v2::ATTRIBUTES_NAME,
    v2::CONSOLIDATED_NAME,
];

/// Whether a key is that of a document, by its name.
pub(crate) fn is_document(key: &str) -> bool {
    NAMES.contains(&key.rsplit('/').next().unwrap_or(key))
}

/// The memory limit for cached documents, in bytes.
const CACHE_SIZE: u64 = 16 << 20;

/// A node as read from the store.
#[derive(Debug)]
pub(crate) struct Stored {
    pub(crate) metadata: NodeMetadata,
    versions: Versions,
}

/// The versions of the documents of a node.
#[derive(Debug)]
enum Versions {
    /// The version of `zarr.json`.
    Zarr3(Version),
    Zarr2 {
        /// The version of `.zarray` or `.zgroup`.
        node: Version,
        attributes: Option<Version>,
        copies: Option<Version>,
    },
}

/// The documents to read for a Zarr v2 node, which consists of several documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// A node of either kind.
    Node,
    /// A node of either kind, with the consolidated metadata of a group.
    NodeWithCopies,
    /// Most likely a group, with its consolidated metadata.
    GroupWithCopies,
    /// A group that has consolidated metadata.
    Copies,
}

/// Recently read documents, and a record of the documents that this process has changed.
#[derive(Debug)]
pub(crate) struct DocumentCache {
    /// The maximum age of a cached document; zero disables the cache.
    age: Duration,
    /// Nodes that were changed, or deleted with everything below them: copies of their documents in
    /// open group handles are out of date.
    changed: Mutex<BTreeMap<NodePath, Change>>,
    /// Whether this process has a handle with copies: if not, created nodes need no record.
    has_copies: AtomicBool,
    documents: ByWeight<NodePath, (Instant, NodeMetadata), ByText>,
}

/// What this process has done to a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Change {
    /// The document of the node was replaced.
    Changed,
    /// The node was deleted, with everything below it.
    Deleted,
}

#[derive(Clone, Debug)]
struct ByText;

impl Weighter<NodePath, (Instant, NodeMetadata)> for ByText {
    fn weight(&self, path: &NodePath, (_, metadata): &(Instant, NodeMetadata)) -> u64 {
        // Counts the text and the values parsed from it.
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
            has_copies: AtomicBool::new(false),
            documents: ByWeight::new(256, CACHE_SIZE, ByText),
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
        if !self.age.is_zero() {
            self.documents.remove(path);
        }
    }

    fn changed(&self) -> MutexGuard<'_, BTreeMap<NodePath, Change>> {
        self.changed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records that the document of a node changed, so that copies in groups above may be out of
    /// date.
    pub(crate) fn note(&self, path: &NodePath, change: Change) {
        let mut changed = self.changed();
        let known = changed.entry(path.clone()).or_insert(change);
        *known = change.max(*known);
    }

    /// Records that a handle with copies exists.
    pub(crate) fn note_handle(&self) {
        self.has_copies.store(true, Ordering::Relaxed);
    }

    /// Records a node in the store that handles with copies may lack.
    pub(crate) fn note_stored(&self, path: &NodePath) {
        if self.has_copies.load(Ordering::Relaxed) {
            self.note(path, Change::Changed);
        }
    }

    /// Returns the nodes below a group that this process has changed.
    pub(crate) fn changed_below(&self, group: &NodePath) -> Vec<NodePath> {
        let prefix = group.prefix();
        let changed = self.changed();
        let paths = changed.keys().filter(|path| {
            let below = path.as_str().strip_prefix(&prefix);
            below.is_some_and(|rest| !rest.is_empty())
        });
        paths.cloned().collect()
    }

    /// Records that the copies in the consolidated metadata of a group were just created.
    pub(crate) fn note_copies(&self, group: &NodePath) {
        let prefix = group.prefix();
        self.changed()
            .retain(|path, _| !path.as_str().starts_with(&prefix));
    }

    /// Returns whether the document of a node was changed, or the node was deleted, alone or with a
    /// node above it.
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

/// Returns the path of a node relative to a group above it.
pub(crate) fn relative<'a>(group: &NodePath, path: &'a NodePath) -> &'a str {
    let prefix = group.prefix();
    path.as_str().strip_prefix(&prefix).unwrap_or(path.as_str())
}

/// Returns the key of the node's main document: `zarr.json`, `.zarray` or `.zgroup`.
pub(crate) fn key_of(path: &NodePath, metadata: &NodeMetadata) -> String {
    match metadata {
        _ if metadata.zarr_2().is_none() => path.metadata_key(),
        NodeMetadata::Array(_) => path.prefix() + v2::ARRAY_NAME,
        NodeMetadata::Group(_) => path.prefix() + v2::GROUP_NAME,
    }
}
