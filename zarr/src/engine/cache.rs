//! Decoded shard indexes, bound to the version of the object that they were read from.

use std::sync::Arc;

use quick_cache::Weighter;
use quick_cache::sync::Cache;
use zarr_core::ByteRange;
use zarr_core::codec::ShardIndex;
use zarr_store::Version;

/// The memory that cached indexes may take, in bytes.
const CAPACITY: u64 = 64 << 20;

/// An index as it was in one version of its object.
#[derive(Clone, Debug)]
pub(super) struct CachedIndex {
    pub(super) version: Version,
    pub(super) object_size: u64,
    pub(super) index: Arc<ShardIndex>,
}

/// Which index: nested shards have several in one object.
type Key = (Arc<str>, ByteRange);

#[derive(Clone)]
struct ByMemory;

impl Weighter<Key, CachedIndex> for ByMemory {
    fn weight(&self, key: &Key, cached: &CachedIndex) -> u64 {
        (cached.index.nbytes() + key.0.len() + size_of::<Key>() + size_of::<CachedIndex>()) as u64
    }
}

/// A bounded cache of indexes; the least recently useful go first.
#[derive(Debug)]
pub(super) struct IndexCache(Cache<Key, CachedIndex, ByMemory>);

impl Default for IndexCache {
    fn default() -> Self {
        Self(Cache::with_weighter(1024, CAPACITY, ByMemory))
    }
}

impl IndexCache {
    pub(super) fn get(&self, key: &Arc<str>, range: &ByteRange) -> Option<CachedIndex> {
        self.0.get(&(key.clone(), range.clone()))
    }

    /// Keeps an index, unless its store does not tell versions apart.
    pub(super) fn insert(&self, key: &Arc<str>, range: &ByteRange, cached: CachedIndex) {
        if cached.version.is_known() {
            self.0.insert((key.clone(), range.clone()), cached);
        }
    }

    pub(super) fn remove(&self, key: &Arc<str>, range: &ByteRange) {
        self.0.remove(&(key.clone(), range.clone()));
    }
}
