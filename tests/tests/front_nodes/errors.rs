//! Messages of errors; futures that cross threads.

use super::*;

#[test]
fn errors_say_what_and_where() {
    let hierarchy = open("memory:").unwrap();
    let sharded = ArrayBuilder::new(&[8, 8], "int32")
        .with_chunk_shape(&[2, 2])
        .with_shard_shape(&[4, 4])
        .with_codecs([codecs::bytes(true), codecs::crc32c()]);
    let array = hierarchy
        .create_array("g/a", sharded.build().unwrap())
        .unwrap();
    array.write(.., 5).unwrap();
    let shard = array.chunk(&[1, 0]).unwrap();
    let mut bytes = shard.encoded().unwrap().unwrap().to_vec();
    bytes[16 + 4 + 3] ^= 1;
    shard.write_encoded(bytes.into()).unwrap();
    let error = array.read::<i32>(..).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Checksum, "{error}");
    assert_eq!(error.node().unwrap().as_str(), "g/a");
    assert_eq!(error.key(), Some("g/a/c/1/0"));
    assert_eq!(error.inner_chunk(), Some(&[0, 1][..]));
    assert!(
        error
            .to_string()
            .starts_with("g/a/c/1/0: inner chunk [0, 1]: "),
        "{error}"
    );

    let error = hierarchy.array("g/none").unwrap_err();
    assert_eq!(
        (error.kind(), error.node().unwrap().as_str()),
        (ErrorKind::NodeNotFound, "g/none")
    );
    let put = hierarchy.store().put(
        "bad/zarr.json",
        vec!["{".into()],
        zarr::store::Precondition::None,
    );
    blocking::runtime().block_on(put).unwrap();
    let error = hierarchy.array("bad").unwrap_err();
    assert_eq!(
        (error.kind(), error.node().unwrap().as_str()),
        (ErrorKind::Invalid, "bad")
    );
    assert_eq!(error.key(), Some("bad/zarr.json"));
    let read_only = Hierarchy::new(hierarchy.store().clone().read_only(), zarr::registry());
    let error = read_only
        .array("g/a")
        .unwrap()
        .write((0, 0), 1)
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.key()),
        (ErrorKind::ReadOnly, Some("g/a/c/0/0"))
    );
    assert_eq!(open("nonsense://x").unwrap_err().kind(), ErrorKind::Invalid);
    assert_eq!(array.as_async().plan_write(s![0, 0]).unwrap().requests(), 2);
}

/// Every future of the async API is `Send`.
#[test]
fn futures_are_send() {
    fn sent<T: Send>(value: T) -> T {
        value
    }
    blocking::runtime().block_on(async {
        let hierarchy = zarr::open("memory:").unwrap();
        let mut array = sent(hierarchy.create_array("a", metadata(&[4], &[2])))
            .await
            .unwrap();
        sent(array.write(.., Array1::from(vec![1, 2, 3, 4])))
            .await
            .unwrap();
        sent(array.write(.., &[1, 2, 3, 4])).await.unwrap();
        sent(array.write(.., &Array1::from(vec![1, 2, 3, 4])))
            .await
            .unwrap();
        sent(array.read::<i32>((1..3,))).await.unwrap();
        sent(array.append(0, &[5, 6])).await.unwrap();
        sent(array.resize(&[4])).await.unwrap();
        let other = sent(hierarchy.open_or_create_array("b", metadata(&[4], &[4])))
            .await
            .unwrap();
        sent(array.copy_to(&other)).await.unwrap();
        let chunks = sent(array.read_chunks::<i32>(..).unwrap());
        let same = hierarchy
            .create_array("c", metadata(&[4], &[2]))
            .await
            .unwrap();
        sent(same.write_chunks(chunks)).await.unwrap();
        sent(array.copy_to(&same)).await.unwrap();
        sent(array.chunk(&[0]).unwrap().erase()).await.unwrap();
        sent(array.view(1..).unwrap().write(0, 9)).await.unwrap();
        sent(hierarchy.copy("a", &hierarchy, "d")).await.unwrap();
        sent(hierarchy.rename("d", "e")).await.unwrap();
        assert_eq!(other.read::<i32>(..).await.unwrap().sum(), 10);
        assert_eq!(same.read::<i32>(..).await.unwrap().sum(), 10);
    });
}
