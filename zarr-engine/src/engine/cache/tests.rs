//! Tests of what the caches keep, at any entry size.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::cell::Cell;

use tracing::span;
use zarr_store::{Precondition, Store};

use super::*;

const MIB: u64 = 1 << 20;

/// Returns a version that a store has assigned.
async fn known() -> Version {
    let store = Store::memory();
    store
        .put("k", vec!["x".into()], Precondition::None)
        .await
        .unwrap()
}

/// Returns an index of `len` inner chunks.
fn index(version: &Version, len: usize) -> CachedIndex {
    Cached {
        version: version.clone(),
        object_size: 1 << 40,
        value: Arc::new(ShardIndex::new(vec![ShardIndex::EMPTY; len])),
    }
}

fn key(number: usize) -> Key {
    (format!("a/c/{number}").into(), ByteRange::Suffix(1))
}

fn caches(index_size: u64, chunk_size: u64) -> Caches {
    Caches::new(CacheOptions {
        index_size,
        chunk_size,
        ..CacheOptions::default()
    })
}

#[tokio::test]
async fn an_index_of_any_size_is_kept() {
    let version = known().await;
    for (len, limit) in [
        (1, 64 * MIB),
        (1 << 20, 64 * MIB),
        (1 << 21, 64 * MIB),
        (1 << 22, 64 * MIB),
        (1 << 23, 64 * MIB),
        (1 << 20, MIB),
        (100, 1),
    ] {
        let caches = caches(limit, 0);
        for number in 0..3 {
            caches.insert_index(&key(number), index(&version, len));
            assert!(caches.index(&key(number)).is_some(), "{len} in {limit}");
        }
        // In a cache filled with other entries, by either insertion path.
        for number in 10..2000 {
            caches.insert_index(&key(number), index(&version, 4096));
            caches.index(&key(number));
        }
        let found = index(&version, len);
        let fetch = async { Ok::<_, ()>(found.clone()) };
        caches.index_or(&key(5), fetch).await.unwrap();
        assert!(caches.index(&key(5)).is_some(), "{len} in {limit}, full");
        caches.insert_index(&key(6), found);
        assert!(caches.index(&key(6)).is_some(), "{len} in {limit}, full");
    }
}

#[tokio::test]
async fn three_indexes_of_16_mib_are_kept_together() {
    let version = known().await;
    let caches = caches(64 * MIB, 0);
    for number in 0..3 {
        caches.insert_index(&key(number), index(&version, 1 << 20));
    }
    assert!((0..3).all(|number| caches.index(&key(number)).is_some()));
}

#[tokio::test]
async fn no_memory_keeps_nothing() {
    let caches = caches(0, 0);
    caches.insert_index(&key(0), index(&known().await, 10));
    assert!(caches.index(&key(0)).is_none());
}

#[tokio::test]
async fn a_chunk_of_most_of_the_cache_is_kept() {
    let version = known().await;
    let caches = caches(0, 64 * MIB);
    for size in [1, 9 << 20, 59 << 20] {
        let chunk = Cached {
            version: version.clone(),
            object_size: size as u64,
            value: Chunk::Encoded(vec![1; size].into()),
        };
        caches.insert_chunk(key(size), chunk);
        assert!(caches.chunks.get(&key(size)).is_some(), "{size}");
    }
}

thread_local! {
    static WARNINGS: Cell<usize> = const { Cell::new(0) };
}

struct Listener;

impl tracing::Subscriber for Listener {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        *metadata.level() == tracing::Level::WARN
    }
    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }
    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn event(&self, _: &tracing::Event<'_>) {
        WARNINGS.set(WARNINGS.get() + 1);
    }
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

#[tokio::test]
async fn a_cache_that_is_too_small_says_so_once() {
    let version = known().await;
    let _listening = tracing::subscriber::set_default(Listener);
    let caches = caches(MIB, MIB);
    caches.insert_index(&key(0), index(&version, 100));
    assert_eq!(WARNINGS.get(), 0);
    for number in 0..5 {
        caches.insert_index(&key(number), index(&version, 1 << 17));
    }
    assert_eq!(WARNINGS.get(), 1);
    let chunk = Cached {
        version: version.clone(),
        object_size: 2 * MIB,
        value: Chunk::Encoded(vec![1; 2 << 20].into()),
    };
    caches.insert_chunk(key(0), chunk.clone());
    caches.insert_chunk(key(1), chunk);
    assert_eq!(WARNINGS.get(), 2);
}
