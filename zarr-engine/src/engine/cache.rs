//! Caches: decoded shard indexes bound to the version of their object, and, where asked for, encoded chunks.

use std::hash::Hash;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{DefaultHashBuilder, OptionsBuilder, Weighter};
use zarr_core::codec::ShardIndex;
use zarr_store::{ByteRange, Version};

/// What a hierarchy keeps of what it has read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheOptions {
    /// The memory for decoded shard indexes, in bytes: 64 MiB by default. The last index is kept even if it alone is
    /// larger; 0 keeps none.
    pub index_size: u64,
    /// The memory for encoded chunks and inner chunks, in bytes: none by default.
    pub chunk_size: u64,
    /// Whether objects in the cache are compared with the store before they are used: yes by default. A read of a chunk or shard
    /// in the cache then sends one request, which is answered without a body if the object has not changed. Without, it sends
    /// none, and does not see what others write.
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

/// A part of an object as it was in one version of it.
#[derive(Clone, Debug)]
pub(super) struct Cached<T> {
    pub(super) version: Version,
    pub(super) object_size: u64,
    pub(super) value: T,
}

/// The index of a shard.
pub(super) type CachedIndex = Cached<Arc<ShardIndex>>;

/// An encoded chunk.
pub(super) type CachedChunk = Cached<Bytes>;

/// Which bytes: nested shards have several indexes in one object.
pub(super) type Key = (Arc<str>, ByteRange);

/// A cache of at most this many bytes, in one piece: in several, each would have its share of the bytes, and an entry larger than
/// one share would never be kept.
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

/// The memory of a part of an object, in bytes.
fn memory<T>(key: &Key, value_size: usize) -> u64 {
    (value_size + key.0.len() + size_of::<Key>() + size_of::<Cached<T>>()) as u64
}

/// The largest entry that a cache of `limit` bytes admits: it sets 3 % of them aside for new entries.
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

/// The caches of a hierarchy; the least recently useful entries go first.
#[derive(Debug)]
pub(super) struct Caches {
    pub(super) options: CacheOptions,
    indexes: Cache<Key, CachedIndex, IndexMemory>,
    /// The last index that is too large for the cache.
    oversized: Mutex<Option<(Key, CachedIndex)>>,
    chunks: Cache<Key, CachedChunk, ChunkMemory>,
    /// Whether it was said that an index, or a chunk, is larger than its cache.
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

    /// The index from the cache, from a reader who is fetching it right now, or from `fetch`, which says whether it may be kept.
    pub(super) async fn index_or<E>(
        &self,
        key: &Key,
        fetch: impl Future<Output = Result<CachedIndex, E>>,
    ) -> Result<CachedIndex, E> {
        if let Some(cached) = self.index(key) {
            return Ok(cached);
        }
        let cached = self.indexes.get_or_insert_async(key, fetch).await?;
        // Where the cache is full, what was just fetched can be the first to go.
        if self.indexes.peek(key).is_none() {
            self.insert_index(key, cached.clone());
        }
        Ok(cached)
    }

    /// Keeps an index, unless its store does not tell versions apart.
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

    /// Forgets what this process has just replaced. Inner chunks stay: their version is gone, so nobody asks for them.
    pub(super) fn forget(&self, key: &Arc<str>, index_range: Option<ByteRange>) {
        self.chunks.remove(&(key.clone(), ByteRange::All));
        if let Some(range) = index_range {
            self.remove_index(&(key.clone(), range));
        }
    }
}

#[cfg(test)]
mod tests;
