//! Requests of reads.

use super::*;

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
async fn a_large_slab_costs_more_requests_only_for_time() {
    let logged = Logged::new();
    // The slab takes 16 adjacent inner chunks, 2 MiB, of each shard.
    let metadata = ArrayBuilder::new(&[32, 512, 512], "uint16")
        .with_chunk_shape(&[16, 64, 64])
        .with_shard_shape(&[32, 256, 256])
        .with_codecs([codecs::bytes(true)])
        .build()
        .unwrap();
    let array = logged.hierarchy.create_array("a", metadata).await.unwrap();
    let data = Array3::from_elem((32, 512, 512), 7_u16);
    array.write(.., &data).await.unwrap();

    let store = array.hierarchy().store();
    let cost = store.cost_model();
    for (cost, requests) in [
        (cost.clone(), 9),
        (cost.clone().for_time(), 1 + 4 * (1 + 2)),
        (cost.clone().for_requests(), 9),
        (cost.clone().for_bytes(), 9),
    ] {
        logged.log.clear();
        let hierarchy = Hierarchy::new(store.clone().with_cost_model(cost), registry());
        let array = hierarchy.array("a").await.unwrap();
        let slab = array.read::<u16>(s![20, .., ..]).await.unwrap();
        assert_eq!(slab, data.slice(s![20, .., ..]).into_dyn());
        assert_eq!(logged.requests().len(), requests);
    }
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

#[tokio::test]
async fn the_share_from_which_shards_are_read_whole_is_an_option() {
    let logged = Logged::new();
    written(&logged).await;
    for (whole_shard, requests) in [(0, 1), (50, 1), (51, 2), (101, 2)] {
        let array = logged.cold().array("a").await.unwrap();
        let array = array.with_read_options(ReadOptions { whole_shard });
        logged.requests();
        // Half of the inner chunks of one shard.
        let half = s![..32, ..64, ..64];
        let plan = array.plan_read(half).unwrap();
        assert_eq!(plan.requests(), requests, "{plan}");
        let found = array.read::<u16>(half).await.unwrap();
        assert_eq!(found, data().slice(half).into_dyn());
        assert_eq!(logged.requests().len() as u64, requests, "{whole_shard}");
    }
}
