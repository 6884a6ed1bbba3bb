//! What plans print, and the requests that they predict.

use super::*;

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
