//! Metadata documents in a store: a cache, and which of them this process has changed. `read` reads those of Zarr 3 and `zarr_2`
//! those of Zarr 2, `change` puts and changes both, `copies` changes what groups above have of them,
//! `like` creates nodes like others.

mod change;
mod copies;
mod like;
mod read;
mod zarr_2;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use quick_cache::Weighter;
use quick_cache::sync::Cache;
use zarr_core::NodePath;
use zarr_core::metadata::{NodeMetadata, v2};
use zarr_store::Version;

use crate::engine::by_weight;

/// The memory that cached documents may take, in bytes.
const CACHE_SIZE: u64 = 16 << 20;

/// A node as it was read.
#[derive(Debug)]
pub(crate) struct Stored {
    pub(crate) metadata: NodeMetadata,
    versions: Versions,
}

/// The versions of the documents of a node.
#[derive(Debug)]
enum Versions {
    /// Of `zarr.json`.
    Zarr3(Version),
    Zarr2 {
        /// Of `.zarray` or `.zgroup`.
        node: Version,
        attributes: Option<Version>,
        copies: Option<Version>,
    },
}

/// What is asked for of a node of Zarr 2, which has several documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// A node of either kind.
    Node,
    /// A node of either kind, and the consolidated metadata that a group may have.
    NodeWithCopies,
    /// A group, most likely, with its consolidated metadata.
    GroupWithCopies,
    /// A group that has consolidated metadata.
    Copies,
}

/// Documents that were read not long ago, and which documents this process has changed.
#[derive(Debug)]
pub(crate) struct DocumentCache {
    /// How old a document may be; zero for no cache.
    age: Duration,
    /// Nodes that were changed, or deleted with all below them: copies of their documents that handles of groups have are out of
    /// date.
    changed: Mutex<BTreeMap<NodePath, Change>>,
    /// Whether this process has a handle with copies: where it has none, nodes that it creates need not be noted.
    has_copies: AtomicBool,
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
            has_copies: AtomicBool::new(false),
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

    /// Notes that there is a handle with copies.
    pub(crate) fn note_handle(&self) {
        self.has_copies.store(true, Ordering::Relaxed);
    }

    /// Notes a node that is in the store and that handles with copies may not have.
    pub(crate) fn note_stored(&self, path: &NodePath) {
        if self.has_copies.load(Ordering::Relaxed) {
            self.note(path, Change::Changed);
        }
    }

    /// The nodes below a group that this process has changed.
    pub(crate) fn changed_below(&self, group: &NodePath) -> Vec<NodePath> {
        let prefix = group.prefix();
        let changed = self.changed();
        let paths = changed.keys().filter(|path| {
            let below = path.as_str().strip_prefix(&prefix);
            below.is_some_and(|rest| !rest.is_empty())
        });
        paths.cloned().collect()
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

/// The path of a node relative to a group above it.
pub(crate) fn relative<'a>(group: &NodePath, path: &'a NodePath) -> &'a str {
    let prefix = group.prefix();
    path.as_str().strip_prefix(&prefix).unwrap_or(path.as_str())
}

/// The key of the document that lays a node out.
pub(crate) fn key_of(path: &NodePath, metadata: &NodeMetadata) -> String {
    match metadata {
        _ if metadata.zarr_2().is_none() => path.metadata_key(),
        NodeMetadata::Array(_) => path.prefix() + v2::ARRAY_NAME,
        NodeMetadata::Group(_) => path.prefix() + v2::GROUP_NAME,
    }
}
