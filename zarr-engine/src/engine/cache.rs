//! Caches: decoded shard indexes, bound to the version of their object, and optionally encoded
//! chunks.

use std::hash::Hash;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{DefaultHashBuilder, OptionsBuilder, Weighter};
use zarr_core::codec::ShardIndex;
use zarr_store::{ByteRange, Version};

/// The caches of a hierarchy: their sizes, and when cached data is revalidated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheOptions {
    /// The memory limit for decoded shard indexes in bytes; 64 MiB by default. The last index is
    /// kept even if it exceeds the limit; 0 disables the cache.
    pub index_size: u64,
    /// The memory limit for encoded chunks and inner chunks in bytes; 0, which disables the cache,
    /// by default.
    pub chunk_size: u64,
    /// Whether cached objects are revalidated with the store before use; true by default. A read of
    /// a cached chunk or shard then sends one request, which returns no body if the object has not
    /// changed. If false, the read sends no request and misses changes by other writers.
    pub revalidate: bool,
    /// The maximum age of a cached metadata document when a node is opened again; zero by default,
    /// so that each open reads the document.
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

/// Part of an object in one version of the object.
#[derive(Clone, Debug)]
pub(super) struct Cached<T> {
    pub(super) version: Version,
    pub(super) object_size: u64,
    pub(super) value: T,
}

/// The cached index of a shard.
pub(super) type CachedIndex = Cached<Arc<ShardIndex>>;

/// A cached encoded chunk.
pub(super) type CachedChunk = Cached<Bytes>;

/// The object key and byte range of a cached part: nested shards have several indexes in one
/// object.
pub(super) type Key = (Arc<str>, ByteRange);

/// Returns a cache of at most `limit` bytes, in a single cache shard: with several, each would get
/// a fraction of the bytes, and an entry larger than that fraction would never be kept.
pub(crate) fn by_weight<K: Eq + Hash, V: Clone, W: Weighter<K, V> + Clone>(
    items: usize,
    limit: u64,
    weighter: W,
) -> Cache<K, V, W> {
    let options = OptionsBuilder::new()
        .shards(1)
        .estimated_items_capacity(items)
        .weight_capacity(limit)
        .build()
        .expect("capacities are set");
    let (state, lifecycle) = (DefaultHashBuilder::default(), DefaultLifecycle::default());
    Cache::with_options(options, weighter, state, lifecycle)
}

/// Returns the memory of a cached part of an object, in bytes.
fn memory<T>(key: &Key, value_size: usize) -> u64 {
    (value_size + key.0.len() + size_of::<Key>() + size_of::<Cached<T>>()) as u64
}

/// Returns the largest entry that a cache of `limit` bytes is sure to admit: the cache reserves 3 %
/// of its bytes for new entries.
fn most(limit: u64) -> u64 {
    limit - limit / 16
}

#[derive(Clone)]
struct ChunkMemory;

impl Weighter<Key, CachedChunk> for ChunkMemory {
    fn weight(&self, key: &Key, cached: &CachedChunk) -> u64 {
        memory::<Bytes>(key, cached.value.len())
    }
}

#[derive(Clone)]
struct IndexMemory;

impl Weighter<Key, CachedIndex> for IndexMemory {
    fn weight(&self, key: &Key, cached: &CachedIndex) -> u64 {
        memory::<Arc<ShardIndex>>(key, cached.value.nbytes())
    }
}

/// The caches of a hierarchy; the entries that were least recently useful are evicted first.
#[derive(Debug)]
pub(super) struct Caches {
    pub(super) options: CacheOptions,
    indexes: Cache<Key, CachedIndex, IndexMemory>,
    /// The last index that was too large for the cache.
    oversized: Mutex<Option<(Key, CachedIndex)>>,
    chunks: Cache<Key, CachedChunk, ChunkMemory>,
    /// Whether a warning was logged about an index, or a chunk, larger than its cache.
    warned: [AtomicBool; 2],
}

impl Caches {
    pub(super) fn new(options: CacheOptions) -> Self {
        Self {
            options,
            indexes: by_weight(1024, options.index_size, IndexMemory),
            oversized: Mutex::default(),
            chunks: by_weight(1024, options.chunk_size, ChunkMemory),
            warned: Default::default(),
        }
    }

    pub(super) fn index(&self, key: &Key) -> Option<CachedIndex> {
        self.indexes.get(key).or_else(|| {
            let oversized = self.oversized();
            let (found, cached) = oversized.as_ref()?;
            (found == key).then(|| cached.clone())
        })
    }

    /// Returns an index from the cache, from a concurrent reader that is fetching it, or from
    /// `fetch`, whose errors are not cached.
    pub(super) async fn index_or<E>(
        &self,
        key: &Key,
        fetch: impl Future<Output = Result<CachedIndex, E>>,
    ) -> Result<CachedIndex, E> {
        if let Some(cached) = self.index(key) {
            return Ok(cached);
        }
        let cached = self.indexes.get_or_insert_async(key, fetch).await?;
        // In a full cache, the index just fetched may be evicted first.
        if self.indexes.peek(key).is_none() {
            self.insert_index(key, cached.clone());
        }
        Ok(cached)
    }

    /// Caches an index, unless its store does not provide versions.
    pub(super) fn insert_index(&self, key: &Key, cached: CachedIndex) {
        let limit = self.options.index_size;
        if limit == 0 || !cached.version.is_known() {
            return;
        }
        let size = IndexMemory.weight(key, &cached);
        if size <= most(limit) {
            self.indexes.insert(key.clone(), cached);
            return;
        }
        *self.oversized() = Some((key.clone(), cached));
        if !self.warned[0].swap(true, Ordering::Relaxed) {
            tracing::warn!(
                key = &*key.0,
                "a shard index takes {size} bytes, too much for the cache of {limit}: only the last such index is kept; raise \
                 CacheOptions::index_size"
            );
        }
    }

    pub(super) fn remove_index(&self, key: &Key) {
        self.indexes.remove(key);
        self.oversized().take_if(|(found, _)| found == key);
    }

    fn oversized(&self) -> MutexGuard<'_, Option<(Key, CachedIndex)>> {
        self.oversized
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns a cached chunk of any version.
    pub(super) fn chunk(&self, key: &Key) -> Option<CachedChunk> {
        if self.keeps_chunks() {
            self.chunks.get(key)
        } else {
            None
        }
    }

    /// Caches a copy of a chunk, because its bytes may be a small part of a large buffer.
    pub(super) fn insert_chunk(&self, key: Key, cached: &CachedChunk) {
        if !self.keeps_chunks() || !cached.version.is_known() {
            return;
        }
        let (size, limit) = (ChunkMemory.weight(&key, cached), self.options.chunk_size);
        if size > most(limit) {
            if !self.warned[1].swap(true, Ordering::Relaxed) {
                tracing::warn!(
                    key = &*key.0,
                    "an encoded chunk of {size} bytes does not fit the cache of {limit} and is not kept; raise \
                     CacheOptions::chunk_size"
                );
            }
            return;
        }
        let value = Bytes::copy_from_slice(&cached.value);
        self.chunks.insert(
            key,
            Cached {
                value,
                ..cached.clone()
            },
        );
    }

    pub(super) fn keeps_chunks(&self) -> bool {
        self.options.chunk_size > 0
    }

    /// Drops cached parts of an object that this process has just replaced. Cached inner chunks
    /// stay: no reader requests their old version again.
    pub(super) fn forget(&self, key: &Arc<str>, index_range: Option<ByteRange>) {
        self.chunks.remove(&(key.clone(), ByteRange::All));
        if let Some(range) = index_range {
            self.remove_index(&(key.clone(), range));
        }
    }
}

#[cfg(test)]
mod tests;
