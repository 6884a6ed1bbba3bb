//! Caches: decoded shard indexes bound to the version of their object, and, where asked for, encoded chunks.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use zarr_core::ByteRange;
use zarr_core::codec::ShardIndex;
use zarr_store::Version;

/// What a hierarchy keeps of what it has read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheOptions {
    /// The memory for decoded shard indexes, in bytes: 64 MiB by default.
    pub index_size: u64,
    /// The memory for encoded chunks and inner chunks, in bytes: none by default.
    pub chunk_size: u64,
    /// Whether objects in the cache are compared with the store before they are used: yes by default. A shard is then asked for
    /// its index, and a plain chunk for all of it. Without, a read of what is in the cache sends no request, and does not see
    /// what others write.
    pub revalidate: bool,
    /// How old a metadata document may be that is opened again: zero, and so read each time, by default.
    pub metadata_age: Duration,
}

impl Default for CacheOptions {
    fn default() -> Self {
        Self {
            index_size: 64 << 20,
            chunk_size: 0,
            revalidate: true,
            metadata_age: Duration::ZERO,
        }
    }
}

/// An index as it was in one version of its object.
#[derive(Clone, Debug)]
pub(super) struct CachedIndex {
    pub(super) version: Version,
    pub(super) object_size: u64,
    pub(super) index: Arc<ShardIndex>,
}

/// A chunk as it was in one version of its object.
#[derive(Clone, Debug)]
pub(super) struct CachedChunk {
    pub(super) version: Version,
    pub(super) object_size: u64,
    pub(super) bytes: Bytes,
}

/// Which bytes: nested shards have several indexes in one object.
pub(super) type Key = (Arc<str>, ByteRange);

#[derive(Clone)]
struct ByMemory;

impl Weighter<Key, CachedIndex> for ByMemory {
    fn weight(&self, key: &Key, cached: &CachedIndex) -> u64 {
        (cached.index.nbytes() + key.0.len() + size_of::<Key>() + size_of::<CachedIndex>()) as u64
    }
}

impl Weighter<Key, CachedChunk> for ByMemory {
    fn weight(&self, key: &Key, cached: &CachedChunk) -> u64 {
        (cached.bytes.len() + key.0.len() + size_of::<Key>() + size_of::<CachedChunk>()) as u64
    }
}

/// The caches of a hierarchy; the least recently useful entries go first.
#[derive(Debug)]
pub(super) struct Caches {
    pub(super) options: CacheOptions,
    indexes: Cache<Key, CachedIndex, ByMemory>,
    chunks: Cache<Key, CachedChunk, ByMemory>,
}

impl Caches {
    pub(super) fn new(options: CacheOptions) -> Self {
        Self {
            options,
            indexes: Cache::with_weighter(1024, options.index_size, ByMemory),
            chunks: Cache::with_weighter(1024, options.chunk_size, ByMemory),
        }
    }

    pub(super) fn index(&self, key: &Key) -> Option<CachedIndex> {
        self.indexes.get(key)
    }

    /// The index from the cache, from a reader who is fetching it right now, or from `fetch`, which says whether it may be kept.
    pub(super) async fn index_or<E>(
        &self,
        key: &Key,
        fetch: impl Future<Output = Result<CachedIndex, E>>,
    ) -> Result<CachedIndex, E> {
        self.indexes.get_or_insert_async(key, fetch).await
    }

    /// Keeps an index, unless its store does not tell versions apart.
    pub(super) fn insert_index(&self, key: &Key, cached: CachedIndex) {
        if cached.version.is_known() {
            self.indexes.insert(key.clone(), cached);
        }
    }

    pub(super) fn remove_index(&self, key: &Key) {
        self.indexes.remove(key);
    }

    /// A chunk that is kept, of any version.
    pub(super) fn chunk(&self, key: &Key) -> Option<CachedChunk> {
        if self.keeps_chunks() {
            self.chunks.get(key)
        } else {
            None
        }
    }

    /// Keeps a copy of a chunk: its bytes may be a small part of a large buffer.
    pub(super) fn insert_chunk(&self, key: Key, cached: &CachedChunk) {
        if self.keeps_chunks() && cached.version.is_known() {
            let bytes = Bytes::copy_from_slice(&cached.bytes);
            self.chunks.insert(
                key,
                CachedChunk {
                    bytes,
                    ..cached.clone()
                },
            );
        }
    }

    pub(super) fn keeps_chunks(&self) -> bool {
        self.options.chunk_size > 0
    }

    /// Forgets what this process has just replaced. Inner chunks stay: their version is gone, so nobody asks for them.
    pub(super) fn forget(&self, key: &Arc<str>, index_range: Option<ByteRange>) {
        self.chunks.remove(&(key.clone(), ByteRange::All));
        if let Some(range) = index_range {
            self.indexes.remove(&(key.clone(), range));
        }
    }
}
