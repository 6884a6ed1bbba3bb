//! Sizes that are absurd or lie.

use super::*;

#[tokio::test]
async fn bombs_and_lying_headers_are_errors() {
    let zstd_claims_2_to_the_40 = {
        // Magic number, a descriptor with eight bytes of content size, a window of 1 KiB.
        let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0xc0, 0x00];
        frame.extend((1_u64 << 40).to_le_bytes());
        frame.extend([0x01, 0x00, 0x00]);
        frame
    };
    let zstd_zeros = {
        // A run of 128 KiB of zeros, a thousand times, without a content size.
        let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x58];
        for number in 0..1000 {
            let header: u32 = u32::from(number == 999) | (1 << 1) | (0x2_0000 << 3);
            frame.extend(&header.to_le_bytes()[..3]);
            frame.push(0);
        }
        frame
    };
    let blosc_claims_2_gib = [
        2, 1, 0x21, 4, 0xff, 0xff, 0xff, 0x7f, 0, 0, 4, 0, 32, 0, 0, 0,
    ]
    .to_vec();
    let blosc = codecs::blosc("lz4", 5, "shuffle", 4);
    for (codec, bytes) in [
        (codecs::zstd(1), zstd_claims_2_to_the_40),
        (codecs::zstd(1), zstd_zeros),
        (blosc.clone(), blosc_claims_2_gib),
        (blosc, vec![0; 4]),
        (codecs::gzip(1), vec![0x1f, 0x8b, 8, 0, 0, 0]),
    ] {
        let hierarchy = zarr::open("memory:").unwrap();
        let array = sharded(&hierarchy, &[codecs::bytes(true), codec.clone()]).await;
        let mut shard = bytes;
        let len = shard.len() as u64;
        shard.extend([0xff; 8 * 16]);
        set_entry(&mut shard, 0, len);
        store(&hierarchy, shard).await;
        let error = array
            .read::<i32>(s![4..8, 8..16])
            .await
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with("a/c/0/0: inner chunk [1, 1]: "),
            "{error}"
        );
        assert!(error.contains(codec.name()), "{error}");
    }
}

#[tokio::test]
async fn absurd_shapes_are_errors_or_cheap() {
    let hierarchy = zarr::open("memory:").unwrap();
    let most = (1_u64 << 63) - 1;
    let build = |shape: &[u64], chunk: &[u64]| {
        ArrayBuilder::new(shape, "float64")
            .with_chunk_shape(chunk)
            .build()
    };
    let array = hierarchy
        .create_array("huge", build(&[most, 1000], &[1 << 30, 1000]).unwrap())
        .await
        .unwrap();
    let error = array.read::<f64>(..).await.unwrap_err().to_string();
    assert!(error.contains("over the limit"), "{error}");
    assert_eq!(array.read::<f64>(s![-3.., 999]).await.unwrap().shape(), [3]);
    let error = array
        .write(s![5, 5], arr0(1.0))
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("over the limit"), "{error}");

    assert!(build(&[u64::MAX], &[1]).is_err());
    let too_many = build(&[1 << 40; 3], &[1 << 40; 3]).unwrap();
    assert!(hierarchy.create_array("product", too_many).await.is_err());
    let deep = build(&[1; 65], &[1; 65]).unwrap();
    let error = hierarchy
        .create_array("deep", deep)
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("number of dimensions"), "{error}");

    let array = hierarchy
        .create_array("empty", build(&[1000, 1000], &[1, 1]).unwrap())
        .await
        .unwrap();
    assert_eq!(array.read::<f64>(..).await.unwrap().sum(), 0.0);
}

#[tokio::test]
async fn bad_metadata_is_refused_with_its_member() {
    let good = ArrayBuilder::new(&[4, 4], "uint8")
        .with_chunk_shape(&[2, 2])
        .build()
        .unwrap()
        .to_text()
        .unwrap();
    for (from, to, expected) in [
        (
            "\"zstd\"",
            "\"lzx\"",
            "a/zarr.json: codecs[1]: unknown codec \"lzx\"; registered: bitround, blosc, bytes, ",
        ),
        (
            "\"uint8\"",
            "\"uint9\"",
            "a/zarr.json: data_type: unknown data type \"uint9\"",
        ),
        (
            "\"fill_value\": 0",
            "\"fill_value\": 256",
            "a/zarr.json: fill_value: fill value 256 is not a uint8",
        ),
        (
            "\"fill_value\": 0",
            "\"fill_value\": null",
            "fill value null",
        ),
        (
            "\"zarr_format\": 3",
            "\"zarr_format\": 2",
            "zarr_format: found 2, expected 3",
        ),
        (
            "[2, 2]",
            "[2]",
            "chunk_grid.configuration.chunk_shape: found [2], expected 2 lengths",
        ),
        ("[2, 2]", "[2, 0]", "at least 1"),
        ("[4, 4]", "[4, -4]", "shape: found [4, -4]"),
        ("\"shape\"", "\"shpe\"", "unknown member \"shpe\""),
        (
            "\"level\": 3",
            "\"level\": 3, \"levle\": 3",
            "codecs[1].configuration",
        ),
        (
            "\"attributes\": {}",
            "\"attributes\": []",
            "attributes: found [], expected an object",
        ),
        (
            "\"node_type\": \"array\"",
            "\"node_type\": \"arrow\"",
            "node_type: found \"arrow\"",
        ),
        (
            "{",
            "[",
            "a/zarr.json: invalid type: sequence, expected a JSON object",
        ),
        ("{", "{{", "a/zarr.json: invalid JSON: "),
    ] {
        let hierarchy = zarr::open("memory:").unwrap();
        assert!(good.contains(from), "{from} in {good}");
        let bad = good.replacen(from, to, 1);
        hierarchy
            .store()
            .put("a/zarr.json", vec![bad.into()], Precondition::None)
            .await
            .unwrap();
        let error = hierarchy.array("a").await.unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[tokio::test]
async fn files_of_absurd_size_are_refused_before_they_take_memory() {
    let folder = tempfile::tempdir().unwrap();
    let hierarchy = zarr::open(folder.path().to_str().unwrap()).unwrap();
    sharded(&hierarchy, &[codecs::bytes(true), codecs::zstd(1)]).await;
    let plain = ArrayBuilder::new(&[4], "int32").build().unwrap();
    let plain = hierarchy.create_array("plain", plain).await.unwrap();
    plain.write(.., arr0(1)).await.unwrap();
    for key in [SHARD, "plain/c/0", "plain/zarr.json"] {
        let file = std::fs::File::options()
            .write(true)
            .open(folder.path().join(key))
            .unwrap();
        file.set_len(1 << 40).unwrap();
    }
    // The zeros at the end are read as the index: an entry of zero bytes.
    let error = errors(&hierarchy).await;
    assert!(
        error.contains("inner chunk [1, 1]: shard index: entry 3 has offset 0 and nbytes 0"),
        "{error}"
    );
    let error = plain.read::<i32>(..).await.unwrap_err().to_string();
    assert!(
        error.starts_with("plain/c/0: stored chunk: found 1099511627776 bytes, expected at most"),
        "{error}"
    );
    let error = hierarchy.array("plain").await.unwrap_err().to_string();
    assert!(
        error.contains("metadata document: 1099511627776 bytes is over the limit"),
        "{error}"
    );
}
