//! Requests and decoding that a cache of decoded chunks saves.

use std::sync::atomic::{AtomicUsize, Ordering};

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use zarr::core::codec::{BytesToBytes, EncodedSize};
use zarr::core::{self, BindCodec};
use zarr::{ChunkForm, Registry, Scalar, blocking};

use super::*;

/// A codec that changes nothing and counts what it decodes.
#[derive(Debug)]
struct Counted(EncodedSize, &'static AtomicUsize);

impl BytesToBytes for Counted {
    fn name(&self) -> &'static str {
        "test.counted"
    }

    fn encoded_size(&self) -> EncodedSize {
        self.0
    }

    fn encode(&self, decoded: &[u8], encoded: &mut Vec<u8>) -> core::Result<()> {
        encoded.extend_from_slice(decoded);
        Ok(())
    }

    fn decode(&self, encoded: &[u8], decoded: &mut Vec<u8>) -> core::Result<()> {
        self.1.fetch_add(1, Ordering::Relaxed);
        decoded.extend_from_slice(encoded);
        Ok(())
    }
}

/// Returns a registry whose codec `test.counted` counts in a counter of the calling test.
macro_rules! counting {
    ($counter:ident) => {{
        static $counter: AtomicUsize = AtomicUsize::new(0);
        let bind = BindCodec::BytesToBytes(|_, size, _| Ok(Arc::new(Counted(size, &$counter))));
        (registry().with_codec("test.counted", bind), &$counter)
    }};
}

fn decoded(revalidate: bool, chunk_size: u64) -> CacheOptions {
    CacheOptions {
        chunk_size,
        chunk_form: ChunkForm::Decoded,
        revalidate,
        ..CacheOptions::default()
    }
}

fn counted_codecs() -> [Extension; 3] {
    [
        codecs::bytes(true),
        codecs::zstd(1),
        Extension::new("test.counted"),
    ]
}

fn plain() -> ArrayBuilder {
    ArrayBuilder::new(&[64, 128, 128], "uint16")
        .with_chunk_shape(&[16, 32, 32])
        .with_codecs(counted_codecs())
}

fn in_shards() -> ArrayBuilder {
    ArrayBuilder::new(&[64, 128, 128], "uint16")
        .with_chunk_shape(&[16, 16, 16])
        .with_shard_shape(&[64, 64, 64])
        .with_codecs(counted_codecs())
}

/// Shards inside shards.
fn nested() -> ArrayBuilder {
    let inner = codecs::sharding(&[8, 16, 16], &counted_codecs());
    ArrayBuilder::new(&[64, 128, 128], "uint16")
        .with_chunk_shape(&[16, 32, 32])
        .with_shard_shape(&[64, 64, 64])
        .with_codecs([inner])
}

/// Returns a hierarchy with these caches on the objects of another one.
fn beside(logged: &Logged, registry: &Registry, caches: CacheOptions) -> Hierarchy {
    let store = Store::new(Arc::new(logged.log.clone()), "logged");
    Hierarchy::with_caches(store, registry.clone(), caches)
}

#[tokio::test]
async fn a_decoded_chunk_is_copied_without_a_body_or_decoding() {
    let (registry, count) = counting!(COUNT);
    let some = s![16..40, 64..80, 0..16];
    for (metadata, slices, objects) in [
        (plain(), some, 2),
        (plain(), s![.., .., ..], 64),
        (in_shards(), some, 1),
        (in_shards(), s![.., ..64, ..64], 1),
        (in_shards(), s![.., .., ..], 4),
    ] {
        for revalidate in [true, false] {
            let logged = Logged::new();
            let written = beside(&logged, &registry, CacheOptions::default());
            let metadata = metadata.clone().build().unwrap();
            let written = written.create_array("a", metadata).await.unwrap();
            written.write(.., data()).await.unwrap();

            let hierarchy = beside(&logged, &registry, decoded(revalidate, 64 << 20));
            let array = hierarchy.array("a").await.unwrap();
            let first = array.read::<u16>(slices).await.unwrap();
            assert_eq!(first, data().slice(slices).into_dyn());
            let (read, decodes) = (bytes(&array), count.load(Ordering::Relaxed));
            logged.log.clear();
            // Another handle of the array shares the cache.
            let other = array.metadata().clone();
            let other = Array::new(&hierarchy, "a", other).unwrap();
            assert_eq!(other.read::<u16>(slices).await.unwrap(), first);
            assert_eq!(bytes(&array), read, "bytes of {slices:?}");
            assert_eq!(count.load(Ordering::Relaxed), decodes, "{slices:?}");
            let requests = logged.log.requests();
            assert_eq!(requests.len(), if revalidate { objects } else { 0 });
            assert!(requests.iter().all(|request| {
                let condition = request.condition.as_deref();
                condition.is_some_and(|text| text.starts_with("If-None-Match: "))
            }));
        }
    }
}

#[tokio::test]
async fn what_others_write_is_decoded_again() {
    let (registry, _) = counting!(COUNT);
    for metadata in [plain(), in_shards(), nested()] {
        let logged = Logged::new();
        let written = beside(&logged, &registry, CacheOptions::default());
        let metadata = metadata.build().unwrap();
        let written = written.create_array("a", metadata).await.unwrap();
        written.write(.., data()).await.unwrap();
        let hierarchy = beside(&logged, &registry, decoded(true, 64 << 20));
        let array = hierarchy.array("a").await.unwrap();
        let mut expected = data();
        let mut rng = StdRng::seed_from_u64(1);
        for round in 0..40_u16 {
            let [z, y, x] = [64, 128, 128].map(|len| {
                let start = rng.random_range(0..len - 1_usize);
                start..rng.random_range(start + 1..=len)
            });
            let slices = s![z, y, x];
            if round % 3 == 0 {
                // Another process writes, or this one.
                let writer = if round % 2 == 0 { &written } else { &array };
                writer.write(slices, arr0(round)).await.unwrap();
                expected.slice_mut(slices).fill(round);
            }
            let found = array.read::<u16>(slices).await.unwrap();
            assert_eq!(found, expected.slice(slices).into_dyn(), "{slices:?}");
            let all = array.read::<u16>(..).await.unwrap();
            assert_eq!(all, expected.view().into_dyn());
        }
        for key in ["a/c/0/0/0", "a/c/0/0/1", "a/c/0/1/0", "a/c/0/1/1"] {
            logged.hierarchy.store().delete(key).await.unwrap();
        }
        let deleted = array.read::<u16>(s![..16, ..64, ..64]).await.unwrap();
        assert!(deleted.iter().all(|&element| element == 0));
    }
}

#[tokio::test]
async fn inner_chunks_of_nested_shards_are_decoded_once() {
    let (registry, count) = counting!(COUNT);
    let logged = Logged::new();
    let hierarchy = beside(&logged, &registry, decoded(true, 64 << 20));
    let metadata = nested().build().unwrap();
    let array = hierarchy.create_array("a", metadata).await.unwrap();
    array.write(.., data()).await.unwrap();
    assert_eq!(array.read::<u16>(..).await.unwrap(), data().into_dyn());
    let decodes = count.load(Ordering::Relaxed);
    assert_eq!(decodes, 8 * 8 * 8);
    for slices in [s![.., .., ..], s![3..9, 60..70, ..]] {
        let found = array.read::<u16>(slices).await.unwrap();
        assert_eq!(found, data().slice(slices).into_dyn());
    }
    assert_eq!(count.load(Ordering::Relaxed), decodes);
}

/// A handle with other metadata does not take over elements that this handle decoded.
#[tokio::test]
async fn elements_are_shared_by_equal_codecs_only() {
    let logged = Logged::new();
    let hierarchy = beside(&logged, &registry(), decoded(false, 64 << 20));
    let little = ArrayBuilder::new(&[4], "uint16").with_codecs([codecs::bytes(true)]);
    let big = ArrayBuilder::new(&[4], "uint16").with_codecs([codecs::bytes_big_endian()]);
    let bytes = ArrayBuilder::new(&[8], "uint8").with_codecs([codecs::bytes(false)]);
    let little = hierarchy.create_array("a", little.build().unwrap());
    let little = little.await.unwrap();
    little.write(.., arr0(0x0102_u16)).await.unwrap();
    let big = Array::new(&hierarchy, "a", big.build().unwrap()).unwrap();
    let bytes = Array::new(&hierarchy, "a", bytes.build().unwrap()).unwrap();
    for _ in 0..3 {
        assert_eq!(little.read::<Scalar<u16>>([3]).await.unwrap(), 0x0102);
        assert_eq!(big.read::<Scalar<u16>>([3]).await.unwrap(), 0x0201);
        assert_eq!(bytes.read::<Scalar<u8>>([3]).await.unwrap(), 0x01);
    }
}

#[tokio::test]
async fn strings_and_transposed_elements_are_cached_too() {
    let (registry, count) = counting!(COUNT);
    let logged = Logged::new();
    let hierarchy = beside(&logged, &registry, decoded(false, 64 << 20));
    let codec = Extension::new("test.counted");
    let text = ArrayBuilder::new(&[6, 4], "string")
        .with_chunk_shape(&[2, 4])
        .with_shard_shape(&[4, 4])
        .with_codecs([Extension::new("vlen-utf8"), codec.clone()]);
    let text = hierarchy.create_array("text", text.build().unwrap());
    let text = text.await.unwrap();
    let words = Array2::from_shape_fn((6, 4), |(y, x)| "é".repeat(y * x));
    text.write(.., words.view()).await.unwrap();
    let turned = ArrayBuilder::new(&[6, 4], "float64")
        .with_chunk_shape(&[3, 4])
        .with_codecs([
            codecs::transpose(&[1, 0]),
            codecs::bytes_big_endian(),
            codec,
        ]);
    let turned = hierarchy.create_array("turned", turned.build().unwrap());
    let turned = turned.await.unwrap();
    let numbers = Array2::from_shape_fn((6, 4), |(y, x)| (10 * y + x) as f64);
    turned.write(.., numbers.view()).await.unwrap();
    let mut decodes = None;
    for slices in [s![.., ..], s![1..5, 2..], s![..;2, ..;-1], s![.., ..]] {
        let found = text.read::<Array2<String>>(slices).await.unwrap();
        assert_eq!(found, words.slice(slices));
        let found = turned.read::<Array2<f64>>(slices).await.unwrap();
        assert_eq!(found, numbers.slice(slices));
        let decoded = count.load(Ordering::Relaxed);
        assert_eq!(*decodes.get_or_insert(decoded), decoded, "{slices:?}");
    }
}

/// A cache much smaller than the array: it keeps what fits, and every read is right.
#[tokio::test]
async fn a_small_cache_keeps_some_chunks() {
    let (registry, count) = counting!(COUNT);
    let logged = Logged::new();
    // 256 inner chunks of 8 KiB; the cache holds about 28.
    let hierarchy = beside(&logged, &registry, decoded(false, 256 << 10));
    let metadata = in_shards().build().unwrap();
    let array = hierarchy.create_array("a", metadata).await.unwrap();
    array.write(.., data()).await.unwrap();
    let row = s![0..16, 0..16, ..];
    for _ in 0..4 {
        let found = array.read::<u16>(row).await.unwrap();
        assert_eq!(found, data().slice(row).into_dyn());
    }
    assert_eq!(count.load(Ordering::Relaxed), 8);
    assert_eq!(array.read::<u16>(..).await.unwrap(), data().into_dyn());
    let all = count.load(Ordering::Relaxed);
    assert_eq!(array.read::<u16>(..).await.unwrap(), data().into_dyn());
    let again = count.load(Ordering::Relaxed) - all;
    assert!((256 - 32..256).contains(&again), "{again}");
}

#[test]
fn local_files_are_decoded_once_for_each_version() {
    let (registry, count) = counting!(COUNT);
    for metadata in [plain(), in_shards(), nested()] {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().to_str().unwrap()).unwrap();
        let caches = decoded(true, 64 << 20);
        let hierarchy = blocking::Hierarchy::with_caches(store.clone(), registry.clone(), caches);
        let metadata = metadata.build().unwrap();
        let array = hierarchy.create_array("a", metadata).unwrap();
        array.write(.., data()).unwrap();
        for _ in 0..2 {
            assert_eq!(array.read::<u16>(..).unwrap(), data().into_dyn());
        }
        let decodes = count.load(Ordering::Relaxed);
        let slices = s![3..50, 7..100;3, ..;-1];
        let found = array.read::<u16>(slices).unwrap();
        assert_eq!(found, data().slice(slices).into_dyn());
        assert_eq!(count.load(Ordering::Relaxed), decodes);

        // Another hierarchy writes; then a program overwrites a file in place.
        let other = blocking::Hierarchy::new(store, registry.clone());
        other.array("a").unwrap().write(slices, 9_u16).unwrap();
        assert!(array.read::<u16>(slices).unwrap().iter().all(|&x| x == 9));
        let file = folder.path().join("a/c/0/0/0");
        let old = std::fs::read(&file).unwrap();
        array.write(s![0, 0, 0], 1234_u16).unwrap();
        assert_eq!(array.read::<Scalar<u16>>((0, 0, 0)).unwrap(), 1234);
        // A file system need not distinguish changes in one tick of its clock.
        std::thread::sleep(Duration::from_millis(20));
        std::fs::write(&file, old).unwrap();
        assert_eq!(array.read::<Scalar<u16>>((0, 0, 0)).unwrap(), 1);
    }
}

/// Unaligned boxes that overlap are equal with and without the cache, which saves reads.
#[test]
fn boxes_with_and_without_the_cache() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().to_str().unwrap()).unwrap();
    let hierarchy = blocking::Hierarchy::new(store.clone(), registry());
    let metadata = |shards: &[u64]| {
        ArrayBuilder::new(&[256, 256, 256], "uint16")
            .with_chunk_shape(&[32, 32, 32])
            .with_shard_shape(shards)
            .with_codecs([codecs::bytes(true), codecs::zstd(3)])
    };
    let mut rng = StdRng::seed_from_u64(2);
    for shards in [[32, 32, 32], [128, 128, 128]] {
        let metadata = metadata(&shards).build().unwrap().into();
        let array = hierarchy.replace("a", metadata).unwrap();
        let noise = Array3::from_shape_fn((256, 256, 256), |(z, y, x)| {
            u16::try_from(z * y + x).unwrap_or(0) & 0x3ff | (rng.random::<u16>() & 0x1f)
        });
        array.into_array().unwrap().write(.., noise).unwrap();
        let boxes = (0..40).map(|_| [(); 3].map(|()| rng.random_range(0..206_u64)));
        let boxes = boxes.collect::<Vec<_>>();
        let read = |caches: CacheOptions| {
            let hierarchy = blocking::Hierarchy::with_caches(store.clone(), registry(), caches);
            let array = hierarchy.array("a").unwrap();
            let before = store.requests().bytes_read;
            let found = boxes.iter().map(|&[z, y, x]| {
                let found = array.read::<u16>((z..z + 50, y..y + 50, x..x + 50));
                found.unwrap()
            });
            let found = found.collect::<Vec<_>>();
            (found, store.requests().bytes_read - before)
        };
        let (expected, without) = read(CacheOptions::default());
        let (found, with) = read(decoded(true, 256 << 20));
        assert_eq!(found, expected);
        assert!(with < without, "{with} bytes of {without}");
    }
}
