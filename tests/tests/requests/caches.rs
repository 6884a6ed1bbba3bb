//! Requests that caches save.

use super::*;

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
