//! Caches: decoded shard indexes and, optionally, encoded or decoded chunks, bound to the version of
//! their object.

use std::hash::Hash;
use std::ops::Deref;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{DefaultHashBuilder, OptionsBuilder, Weighter};
use zarr_core::codec::ShardIndex;
use zarr_core::plan::{DecodedChunk, Fetch, Purpose};
use zarr_store::{ByteRange, Version};

use super::stored_range;

/// The caches of a hierarchy: their sizes, and when cached data is revalidated.
///
/// ```
/// use zarr_engine::{CacheOptions, Store, blocking::Hierarchy, registry};
///
/// let caches = CacheOptions { chunk_size: 1 << 30, revalidate: false, ..CacheOptions::default() };
/// let hierarchy = Hierarchy::with_caches(Store::open("memory:")?, registry(), caches);
/// # assert!(!hierarchy.exists("")?);
/// # Ok::<(), zarr_engine::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheOptions {
    /// The memory limit for decoded shard indexes in bytes; 64 MiB by default. The last index is
    /// kept even if it exceeds the limit; 0 disables the cache.
    pub index_size: u64,
    /// The memory limit for chunks and inner chunks in bytes; 0, which disables the cache, by
    /// default.
    pub chunk_size: u64,
    /// The form in which chunks are cached; encoded by default.
    pub chunk_form: ChunkForm,
    /// Whether cached objects are revalidated with the store before use; true by default. A read of
    /// a cached chunk or shard then sends one request, which returns no body if the object has not
    /// changed. If false, the read sends no request and misses changes by other writers.
    pub revalidate: bool,
    /// The maximum age of a cached metadata document when a node is opened again; zero by default,
    /// so that each open reads the document.
    pub metadata_age: Duration,
}

/// The form in which chunks are cached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ChunkForm {
    /// Encoded, as stored: takes less memory, and saves requests but no decoding. Reads of local
    /// files do not use the cache, because the operating system caches files.
    #[default]
    Encoded,
    /// Decoded: a read of cached elements copies them. Reads of local files use the cache too. A
    /// read of a whole shard takes its inner chunks from the cache, and the index is read first.
    Decoded,
}

impl Default for CacheOptions {
    fn default() -> Self {
        Self {
            index_size: 64 << 20,
            chunk_size: 0,
            chunk_form: ChunkForm::default(),
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

/// A cached chunk.
pub(super) type CachedChunk = Cached<Chunk>;

/// The bytes or the elements of a chunk.
#[derive(Clone, Debug)]
pub(super) enum Chunk {
    Encoded(Bytes),
    Decoded(Arc<DecodedChunk>),
}

/// The object key and byte range of a cached part: nested shards have several indexes in one
/// object.
pub(super) type Key = (Arc<str>, ByteRange);

/// A cache of at most `limit` bytes, made when it is first used: its tables take longer to allocate
/// than a local array takes to open.
#[derive(Debug)]
pub(crate) struct ByWeight<K, V, W> {
    cache: OnceLock<Cache<K, V, W>>,
    /// The expected number of entries.
    items: usize,
    limit: u64,
    weighter: W,
}

impl<K: Eq + Hash, V: Clone, W: Weighter<K, V> + Clone> ByWeight<K, V, W> {
    pub(crate) fn new(items: usize, limit: u64, weighter: W) -> Self {
        Self {
            cache: OnceLock::new(),
            items,
            limit,
            weighter,
        }
    }

    /// Makes the cache in a single cache shard: with several, each would get a fraction of the
    /// bytes, and an entry larger than that fraction would never be kept.
    fn make(&self) -> Cache<K, V, W> {
        let options = OptionsBuilder::new()
            .shards(1)
            .estimated_items_capacity(self.items)
            .weight_capacity(self.limit)
            .build()
            .expect("capacities are set");
        let (state, lifecycle) = (DefaultHashBuilder::default(), DefaultLifecycle::default());
        Cache::with_options(options, self.weighter.clone(), state, lifecycle)
    }
}

impl<K: Eq + Hash, V: Clone, W: Weighter<K, V> + Clone> Deref for ByWeight<K, V, W> {
    type Target = Cache<K, V, W>;

    fn deref(&self) -> &Self::Target {
        self.cache.get_or_init(|| self.make())
    }
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

#[derive(Clone, Debug)]
struct ChunkMemory;

impl Weighter<Key, CachedChunk> for ChunkMemory {
    fn weight(&self, key: &Key, cached: &CachedChunk) -> u64 {
        let size = match &cached.value {
            Chunk::Encoded(bytes) => bytes.len(),
            Chunk::Decoded(chunk) => chunk.nbytes() + size_of::<DecodedChunk>(),
        };
        memory::<Chunk>(key, size)
    }
}

#[derive(Clone, Debug)]
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
    indexes: ByWeight<Key, CachedIndex, IndexMemory>,
    /// The last index that was too large for the cache.
    oversized: Mutex<Option<(Key, CachedIndex)>>,
    chunks: ByWeight<Key, CachedChunk, ChunkMemory>,
    /// Whether a warning was logged about an index, or a chunk, larger than its cache.
    warned: [AtomicBool; 2],
}

impl Caches {
    pub(super) fn new(options: CacheOptions) -> Self {
        Self {
            options,
            indexes: ByWeight::new(1024, options.index_size, IndexMemory),
            oversized: Mutex::default(),
            chunks: ByWeight::new(1024, options.chunk_size, ChunkMemory),
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
                "a shard index of {size} bytes is too large for the cache of {limit} bytes; only the last \
                 such index is kept; raise CacheOptions::index_size"
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

    /// Returns the cached chunk that a fetch asks for, of any version.
    pub(super) fn chunk(&self, fetch: &Fetch) -> Option<CachedChunk> {
        if !self.keeps_chunks() {
            return None;
        }
        let cached = self.chunks.get(&key_of(fetch));
        cached.filter(|cached| match &cached.value {
            Chunk::Encoded(_) => true,
            Chunk::Decoded(chunk) => fetch.accepts(chunk),
        })
    }

    /// Returns the cached elements that a fetch asks for, in this version of the object.
    pub(super) fn decoded(
        &self,
        fetch: &Fetch,
        version: impl FnOnce() -> Version,
    ) -> Option<Arc<DecodedChunk>> {
        if !self.keeps_decoded() {
            return None;
        }
        match self.chunk(fetch)? {
            Cached {
                version: found,
                value: Chunk::Decoded(chunk),
                ..
            } if found == version() => Some(chunk),
            _ => None,
        }
    }

    /// Returns the place in the cache of the chunk that a fetch asks for, if the cache keeps decoded
    /// chunks.
    pub(super) fn place(
        self: &Arc<Self>,
        fetch: &Fetch,
        version: impl FnOnce() -> Version,
    ) -> Option<Place> {
        let keeps = self.keeps_decoded() && fetch.purpose() == Purpose::Chunk;
        keeps.then(|| Place {
            caches: self.clone(),
            key: key_of(fetch),
            version: version(),
        })
    }

    /// Caches the bytes of a chunk, if the cache keeps encoded chunks. Copies them, because they may
    /// be a small part of a large buffer.
    pub(super) fn insert_encoded(&self, fetch: &Fetch, cached: &CachedChunk) {
        if let Chunk::Encoded(bytes) = &cached.value
            && self.options.chunk_form == ChunkForm::Encoded
            && self.keeps_chunks()
        {
            let value = Chunk::Encoded(Bytes::copy_from_slice(bytes));
            self.insert_chunk(
                key_of(fetch),
                Cached {
                    value,
                    ..cached.clone()
                },
            );
        }
    }

    fn insert_chunk(&self, key: Key, cached: CachedChunk) {
        if !cached.version.is_known() {
            return;
        }
        let (size, limit) = (ChunkMemory.weight(&key, &cached), self.options.chunk_size);
        if size > most(limit) {
            if !self.warned[1].swap(true, Ordering::Relaxed) {
                tracing::warn!(
                    key = &*key.0,
                    "a chunk of {size} bytes is too large for the cache of {limit} bytes and is not kept; \
                     raise CacheOptions::chunk_size"
                );
            }
            return;
        }
        self.chunks.insert(key, cached);
    }

    pub(super) fn keeps_chunks(&self) -> bool {
        self.options.chunk_size > 0
    }

    pub(super) fn keeps_decoded(&self) -> bool {
        self.keeps_chunks() && self.options.chunk_form == ChunkForm::Decoded
    }

    /// Drops cached parts of an object that this process has just replaced. Cached inner chunks
    /// stay: no reader requests their old version again.
    pub(super) fn forget(&self, key: &Arc<str>, index_range: Option<ByteRange>) {
        if self.keeps_chunks() {
            self.chunks.remove(&(key.clone(), ByteRange::All));
        }
        if let Some(range) = index_range {
            self.remove_index(&(key.clone(), range));
        }
    }
}

/// The place of a decoded chunk in the cache.
#[derive(Debug)]
pub(super) struct Place {
    caches: Arc<Caches>,
    key: Key,
    version: Version,
}

impl Place {
    /// Caches the elements of the chunk.
    pub(super) fn insert(self, chunk: Arc<DecodedChunk>) {
        let cached = CachedChunk {
            version: self.version,
            object_size: chunk.nbytes() as u64,
            value: Chunk::Decoded(chunk),
        };
        self.caches.insert_chunk(self.key, cached);
    }
}

/// Returns the place of the bytes that a fetch asks for.
pub(super) fn key_of(fetch: &Fetch) -> Key {
    (fetch.key().clone(), stored_range(fetch.range()))
}

#[cfg(test)]
mod tests;
