//! The number and bytes of the requests of a read or write, and the prediction of its plan.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;
use std::time::Duration;

use ndarray::{Array2, Array3, ArrayD, arr0, s};
use object_store::memory::InMemory;
use zarr::{
    Array, ArrayBuilder, ArrayMetadata, CacheOptions, Extension, Hierarchy, Store, codecs, registry,
};
use zarr_store::testing::{Fault, FaultStore, Operation, Rule};

/// A hierarchy on a store that logs every request.
struct Logged {
    hierarchy: Hierarchy,
    log: FaultStore<InMemory>,
}

impl Logged {
    fn new() -> Self {
        let log = FaultStore::new(InMemory::new());
        Self {
            hierarchy: on(&log),
            log,
        }
    }

    /// Opens the stored objects with an uncached hierarchy.
    fn cold(&self) -> Hierarchy {
        self.log.clear();
        on(&self.log)
    }

    /// Returns the requests since the last [`Self::cold`] or [`Self::requests`].
    fn requests(&self) -> Vec<String> {
        let requests = self.log.requests();
        self.log.clear();
        requests
            .iter()
            .map(|request| format!("{:?} {}", request.operation, request.key))
            .collect()
    }
}

fn on(log: &FaultStore<InMemory>) -> Hierarchy {
    Hierarchy::new(Store::new(Arc::new(log.clone()), "logged"), registry())
}

/// Returns the bytes read through a hierarchy.
fn bytes(array: &Array) -> u64 {
    array.hierarchy().store().requests().bytes_read
}

/// Creates a slab of 4 shards of 64^3 in inner chunks of 16^3.
fn sharded() -> ArrayMetadata {
    ArrayBuilder::new(&[64, 128, 128], "uint16")
        .with_chunk_shape(&[16, 16, 16])
        .with_shard_shape(&[64, 64, 64])
        .with_codecs([codecs::bytes(true), codecs::crc32c()])
        .build()
        .unwrap()
}

fn data() -> Array3<u16> {
    Array3::from_shape_fn((64, 128, 128), |(z, y, x)| {
        u16::try_from(z * 128 + y + x + 1).unwrap()
    })
}

async fn written(logged: &Logged) -> Array {
    let array = logged.hierarchy.create_array("a", sharded()).await.unwrap();
    array.write(.., data()).await.unwrap();
    array
}

#[tokio::test]
async fn one_inner_chunk_costs_three_requests_cold_and_one_warm() {
    let logged = Logged::new();
    written(&logged).await;
    let array = logged.cold().array("a").await.unwrap();
    let chunk = array.read::<u16>(s![16..32, 64..80, 0..16]).await.unwrap();
    assert_eq!(chunk, data().slice(s![16..32, 64..80, 0..16]).into_dyn());
    let requests = logged.requests();
    assert_eq!(
        requests,
        ["Get a/zarr.json", "Get a/c/0/1/0", "Get a/c/0/1/0"]
    );
    let metadata = array.metadata().to_text().unwrap().len() as u64;
    let cold = metadata + (64 * 16 + 4) + (16 * 16 * 16 * 2 + 4);
    assert_eq!(bytes(&array), cold);

    array.read::<u16>(s![0..16, 64..80, 0..16]).await.unwrap();
    assert_eq!(logged.requests(), ["Get a/c/0/1/0"]);
    assert_eq!(bytes(&array) - cold, 16 * 16 * 16 * 2 + 4);
}

#[tokio::test]
async fn a_slab_through_four_shards_costs_nine_requests() {
    let logged = Logged::new();
    written(&logged).await;
    let array = logged.cold().array("a").await.unwrap();
    let slab = array.read::<u16>(s![20, .., ..]).await.unwrap();
    assert_eq!(slab, data().slice(s![20, .., ..]).into_dyn());
    let requests = logged.requests();
    let bytes = bytes(&array);
    assert_eq!(requests.len(), 9, "{requests:?}");
    let needed = array.metadata().to_text().unwrap().len() as u64
        + 4 * (64 * 16 + 4)
        + 64 * (16 * 16 * 16 * 2 + 4);
    assert!(bytes <= needed + needed / 20, "{bytes} bytes for {needed}");
}

#[tokio::test]
async fn whole_shards_cost_one_request_each() {
    let logged = Logged::new();
    written(&logged).await;
    let array = logged.cold().array("a").await.unwrap();
    assert_eq!(array.read::<u16>(..).await.unwrap(), data().into_dyn());
    assert_eq!(logged.requests().len(), 5);
}

#[tokio::test]
async fn a_write_sends_only_what_it_must_and_never_a_head() {
    let logged = Logged::new();
    let array = written(&logged).await;
    let requests = logged.requests();
    // Probes that neither the array nor the root exists in Zarr v3 or in Zarr v2 (a Zarr v3 document
    // would hide Zarr v2); writes both documents and four shards.
    assert_eq!(
        requests
            .iter()
            .filter(|request| request.starts_with("Put"))
            .count(),
        6,
        "{requests:?}"
    );
    assert_eq!(
        requests
            .iter()
            .filter(|request| request.starts_with("Get"))
            .count(),
        6,
        "{requests:?}"
    );

    array.write(s![0, 0, 0], arr0(9_u16)).await.unwrap();
    assert_eq!(logged.requests(), ["Get a/c/0/0/0", "Put a/c/0/0/0"]);
    array
        .write(s![.., 0..64, 0..64], Array3::<u16>::ones((64, 64, 64)))
        .await
        .unwrap();
    assert_eq!(logged.requests(), ["Put a/c/0/0/0"]);
    array
        .write(s![.., 0..64, 0..64], arr0(0_u16))
        .await
        .unwrap();
    assert_eq!(logged.requests(), ["Delete a/c/0/0/0"]);
    array.write(s![0, 0, 0], arr0(0_u16)).await.unwrap();
    assert_eq!(logged.requests(), ["Get a/c/0/0/0"]);
}

#[tokio::test]
async fn opening_from_consolidated_metadata_costs_one_request() {
    let logged = Logged::new();
    for number in 0..20 {
        logged
            .hierarchy
            .create_array(&format!("g/a{number}"), sharded())
            .await
            .unwrap();
    }
    let mut group = logged.hierarchy.group("g").await.unwrap();
    assert_eq!(group.children().await.unwrap().len(), 20);
    group.consolidate().await.unwrap();
    let group = logged.cold().group("g").await.unwrap();
    for (name, _) in group.children().await.unwrap() {
        group.array(&name).await.unwrap();
    }
    assert_eq!(logged.requests(), ["Get g/zarr.json"]);
}

async fn plan_of(metadata: ArrayMetadata, slices: &[ndarray::SliceInfoElem]) -> String {
    let hierarchy = zarr::open("memory:").unwrap();
    let array = hierarchy.create_array("a", metadata).await.unwrap();
    array.plan_read(slices).unwrap().to_string()
}

fn sharding(inner: &[u64], codecs: &[Extension]) -> Extension {
    codecs::sharding(inner, codecs)
}

#[tokio::test]
async fn plans_print_what_they_will_touch() {
    let builder = || ArrayBuilder::new(&[100, 100], "int32").with_chunk_shape(&[40, 40]);
    let bytes = codecs::bytes(true);
    let plain = plan_of(builder().build().unwrap(), s![10..50, 90..;2].as_ref()).await;
    assert_eq!(
        plain,
        "read 200 elements (800 bytes) of /a (int32 [100, 100], chunks [40, 40])\n\
         \x20 a/c/0/2: get all, 1 chunk\n\
         \x20 a/c/1/2: get all, 1 chunk\n\
         2 objects, 2 requests, 12800 bytes decoded for 800 wanted"
    );
    let metadata = builder()
        .with_codecs([sharding(&[10, 20], std::slice::from_ref(&bytes))])
        .build()
        .unwrap();
    let sharded = plan_of(metadata.clone(), s![5..15, 30..50].as_ref()).await;
    assert_eq!(
        sharded,
        "read 200 elements (800 bytes) of /a (int32 [100, 100], shards [40, 40] of inner chunks [10, 20])\n\
         \x20 a/c/0/0: get index (last 132), then 2 of 8 inner chunks [0..2, 1..2]\n\
         \x20 a/c/0/1: get index (last 132), then 2 of 8 inner chunks [0..2, 0..1]\n\
         2 objects, 4 requests or more (indexes first, then 4 inner chunks in merged ranges), 3200 bytes decoded for 800 wanted"
    );
    let whole = plan_of(metadata, s![0..40, 0..40].as_ref()).await;
    assert_eq!(
        whole,
        "read 1600 elements (6400 bytes) of /a (int32 [100, 100], shards [40, 40] of inner chunks [10, 20])\n\
         \x20 a/c/0/0: get all, 8 of 8 inner chunks [0..4, 0..2]\n\
         1 objects, 1 requests, 6400 bytes decoded for 6400 wanted"
    );
    let nested = [sharding(
        &[20, 20],
        &[sharding(&[5, 5], std::slice::from_ref(&bytes))],
    )];
    let nested = plan_of(
        builder().with_codecs(nested).build().unwrap(),
        s![7, 7].as_ref(),
    )
    .await;
    assert_eq!(
        nested,
        "read 1 elements (4 bytes) of /a (int32 [100, 100], shards [40, 40] of inner chunks [20, 20])\n\
         \x20 a/c/0/0: get index (last 68), then 1 of 4 inner chunks [0..1, 0..1]\n\
         1 objects, 2 requests or more (indexes first, then 1 inner chunks in merged ranges), 1600 bytes decoded for 4 wanted"
    );
    let transposed = [
        codecs::transpose(&[1, 0]),
        sharding(&[20, 10], std::slice::from_ref(&bytes)),
    ];
    let transposed = plan_of(
        builder().with_codecs(transposed).build().unwrap(),
        s![0..10, ..].as_ref(),
    )
    .await;
    assert_eq!(
        transposed,
        "read 1000 elements (4000 bytes) of /a (int32 [100, 100], shards [40, 40] of inner chunks [10, 20])\n\
         \x20 a/c/0/0: get index (last 132), then 2 of 8 inner chunks [0..2, 0..1]\n\
         \x20 a/c/0/1: get index (last 132), then 2 of 8 inner chunks [0..2, 0..1]\n\
         \x20 a/c/0/2: get index (last 132), then 1 of 8 inner chunks [0..1, 0..1]\n\
         3 objects, 6 requests or more (indexes first, then 5 inner chunks in merged ranges), 4000 bytes decoded for 4000 wanted"
    );
    let outer = [
        sharding(&[10, 20], std::slice::from_ref(&bytes)),
        codecs::crc32c(),
    ];
    let outer = plan_of(
        builder().with_codecs(outer).build().unwrap(),
        s![0, 0].as_ref(),
    )
    .await;
    assert_eq!(
        outer,
        "read 1 elements (4 bytes) of /a (int32 [100, 100], chunks [40, 40])\n\
         \x20 a/c/0/0: get all, 1 chunk\n\
         1 objects, 1 requests, 6400 bytes decoded for 4 wanted"
    );
    let none = plan_of(builder().build().unwrap(), s![5..5, ..].as_ref()).await;
    assert_eq!(
        none,
        "read 0 elements (0 bytes) of /a (int32 [100, 100], chunks [40, 40])\n\
         0 objects, 0 requests, 0 bytes decoded for 0 wanted"
    );
}

#[tokio::test]
async fn plans_of_writes_tell_replaced_from_merged() {
    let hierarchy = zarr::open("memory:").unwrap();
    let metadata = ArrayBuilder::new(&[60, 40], "int32")
        .with_chunk_shape(&[10, 20])
        .with_shard_shape(&[40, 40]);
    let array = hierarchy
        .create_array("a", metadata.build().unwrap())
        .await
        .unwrap();
    assert_eq!(
        array.plan_write(s![35.., ..]).unwrap().to_string(),
        "write 1000 elements (4000 bytes) of /a (int32 [60, 40], shards [40, 40] of inner chunks [10, 20])\n\
         \x20 a/c/0/0: get, merge, put if unchanged, 2 of 8 inner chunks\n\
         \x20 a/c/1/0: put, 4 of 8 inner chunks\n\
         1 objects replaced, 1 modified, 3 requests"
    );
}

#[tokio::test]
async fn an_absent_chunk_costs_one_request_and_is_fill() {
    let logged = Logged::new();
    let metadata = ArrayBuilder::new(&[8, 8], "float32")
        .with_chunk_shape(&[2, 2])
        .with_shard_shape(&[4, 4]);
    let metadata = metadata.with_fill_json("\"NaN\"").unwrap().build().unwrap();
    let array = logged.hierarchy.create_array("a", metadata).await.unwrap();
    logged.log.clear();
    let found: ArrayD<f32> = array.read::<f32>(s![0..1, 0..8]).await.unwrap();
    assert!(found.iter().all(|x| x.to_bits() == 0x7fc0_0000));
    assert_eq!(logged.requests().len(), 2);
    array
        .write(s![0..2, 0..2], Array2::<f32>::zeros((2, 2)))
        .await
        .unwrap();
    let found: ArrayD<f32> = array.read::<f32>(s![0, 0..4]).await.unwrap();
    assert_eq!(
        found.iter().map(|x| x.is_nan()).collect::<Vec<_>>(),
        [false, false, true, true]
    );
}

#[tokio::test]
async fn a_cached_reread_without_validation_costs_no_request() {
    let logged = Logged::new();
    written(&logged).await;
    for (revalidate, expected) in [(false, 0), (true, 1)] {
        let caches = CacheOptions {
            chunk_size: 1 << 20,
            revalidate,
            ..CacheOptions::default()
        };
        let store = Store::new(Arc::new(logged.log.clone()), "logged");
        let hierarchy = Hierarchy::with_caches(store, registry(), caches);
        let array = hierarchy.array("a").await.unwrap();
        let slices = s![16..40, 64..80, 0..16];
        let first = array.read::<u16>(slices).await.unwrap();
        logged.log.clear();
        assert_eq!(array.read::<u16>(slices).await.unwrap(), first);
        assert_eq!(logged.requests().len(), expected);

        // This process reads its own write.
        array.write(slices, arr0(7_u16)).await.unwrap();
        assert!(
            array
                .read::<u16>(slices)
                .await
                .unwrap()
                .iter()
                .all(|&x| x == 7)
        );
        array
            .write(slices, data().slice(slices).to_owned())
            .await
            .unwrap();
    }
}

/// For plain chunks, whole shards, some inner chunks of shards and an empty shard: a cached read is
/// validated by version, and transfers no bytes again.
#[tokio::test]
async fn a_cached_reread_with_validation_reads_no_bytes() {
    let plain = ArrayBuilder::new(&[64, 128, 128], "uint16")
        .with_chunk_shape(&[32, 64, 64])
        .build()
        .unwrap();
    let some = s![16..40, 64..80, 0..16];
    let whole = s![.., ..64, ..64];
    for (metadata, slices, objects) in [
        (plain.clone(), some, 2),
        (plain, s![.., .., ..], 8),
        (sharded(), some, 1),
        (sharded(), whole, 1),
    ] {
        let logged = Logged::new();
        let written = logged.hierarchy.create_array("a", metadata).await.unwrap();
        written.write(.., data()).await.unwrap();
        let caches = CacheOptions {
            chunk_size: 16 << 20,
            ..CacheOptions::default()
        };
        let store = Store::new(Arc::new(logged.log.clone()), "logged");
        let hierarchy = Hierarchy::with_caches(store, registry(), caches);
        let array = hierarchy.array("a").await.unwrap();
        let first = array.read::<u16>(slices).await.unwrap();
        let read = bytes(&array);
        logged.log.clear();
        assert_eq!(array.read::<u16>(slices).await.unwrap(), first);
        assert_eq!(bytes(&array) - read, 0, "bytes of {slices:?}");
        let requests = logged.log.requests();
        let conditions = requests.iter().map(|request| request.condition.as_deref());
        assert_eq!(requests.len(), objects, "{requests:?}");
        for condition in conditions {
            assert!(condition.is_some_and(|text| text.starts_with("If-None-Match: ")));
        }

        // A write by another process is seen.
        let other = first.mapv(|element| element + 1);
        written.write(slices, other.clone()).await.unwrap();
        assert_eq!(array.read::<u16>(slices).await.unwrap(), other);
        // An object deleted by another process reads as fill values.
        for key in requests.iter().map(|request| &request.key) {
            logged.hierarchy.store().delete(key).await.unwrap();
        }
        let deleted = array.read::<u16>(slices).await.unwrap();
        assert!(deleted.iter().all(|&element| element == 0));
    }
}

#[tokio::test]
async fn a_cached_index_of_nothing_is_asked_for_by_its_version() {
    let logged = Logged::new();
    let array = written(&logged).await;
    array.write(s![.., ..64, ..64], arr0(0_u16)).await.unwrap();
    array.write(s![0, 0, 0], arr0(1_u16)).await.unwrap();
    let array = logged.cold().array("a").await.unwrap();
    let slices = s![32, 32, 32];
    assert_eq!(array.read::<u16>(slices).await.unwrap(), arr0(0).into_dyn());
    let read = bytes(&array);
    assert_eq!(array.read::<u16>(slices).await.unwrap(), arr0(0).into_dyn());
    assert_eq!(bytes(&array), read);
}

#[tokio::test]
async fn what_others_write_is_seen_where_the_cached_index_is_empty() {
    let logged = Logged::new();
    let metadata = ArrayBuilder::new(&[8, 8], "uint8")
        .with_chunk_shape(&[2, 2])
        .with_shard_shape(&[8, 8]);
    let array = logged
        .hierarchy
        .create_array("a", metadata.build().unwrap())
        .await
        .unwrap();
    array.write(s![0..2, 0..2], arr0(1_u8)).await.unwrap();
    assert_eq!(array.read::<u8>(s![6, 6]).await.unwrap().sum(), 0);
    let other = on(&logged.log).array("a").await.unwrap();
    other.write(s![6, 6], arr0(5_u8)).await.unwrap();
    assert_eq!(array.read::<u8>(s![6, 6]).await.unwrap().sum(), 5);
}

#[tokio::test]
async fn concurrent_readers_share_an_index_and_concurrent_writers_a_put() {
    let logged = Logged::new();
    written(&logged).await;
    let array = logged.cold().array("a").await.unwrap();
    let reads = (0..16).map(|x| array.read::<u16>(s![0, 0, x]));
    let found = futures::future::try_join_all(reads).await.unwrap();
    assert!(
        found
            .iter()
            .zip(1..)
            .all(|(found, expected)| found.sum() == expected)
    );
    // The document, one index, and one inner chunk per reader.
    assert_eq!(logged.requests().len(), 1 + 1 + 16);

    let writes = (0..16).map(|x| array.write(s![0, 0, x], arr0(100_u16)));
    futures::future::try_join_all(writes).await.unwrap();
    assert_eq!(
        array.read::<u16>(s![0, 0, 0..16]).await.unwrap().sum(),
        1600
    );
    let puts = logged
        .requests()
        .iter()
        .filter(|request| request.starts_with("Put"))
        .count();
    assert!(puts <= 2, "{puts} puts for 16 writers");
}

#[tokio::test]
async fn a_dropped_writer_takes_its_request_along_and_blocks_nobody() {
    let logged = Logged::new();
    let array = written(&logged).await;
    let slow = Rule::new(
        Operation::Get,
        "a/c/0/0/0",
        Fault::Delay(Duration::from_millis(50)),
    )
    .on_call(0);
    logged.log.clear();
    logged.log.add(slow);
    {
        let first = array.write(s![0, 0, 0], arr0(7_u16));
        let second = array.write(s![0, 0, 1], arr0(8_u16));
        tokio::select! {
            result = async { tokio::join!(first, second) } => panic!("{result:?} within a delay"),
            () = tokio::time::sleep(Duration::from_millis(10)) => {}
        }
    }
    array.write(s![0, 0, 2], arr0(9_u16)).await.unwrap();
    let found = array.read::<u16>(s![0, 0, 0..3]).await.unwrap();
    assert_eq!(found.iter().copied().collect::<Vec<_>>(), [1, 2, 9]);
}

#[tokio::test]
async fn a_document_that_may_be_old_is_not_read_again() {
    let logged = Logged::new();
    written(&logged).await;
    let caches = CacheOptions {
        metadata_age: Duration::from_secs(60),
        ..CacheOptions::default()
    };
    let store = Store::new(Arc::new(logged.log.clone()), "logged");
    let hierarchy = Hierarchy::with_caches(store, registry(), caches);
    let mut array = hierarchy.array("a").await.unwrap();
    logged.log.clear();
    hierarchy.array("a").await.unwrap();
    assert_eq!(logged.requests(), [""; 0]);
    array
        .set_attributes(zarr::Attributes::new().with("x", 1).unwrap())
        .await
        .unwrap();
    let again = hierarchy.array("a").await.unwrap();
    assert_eq!(again.attributes().get::<u8>("x").unwrap(), Some(1));
}
