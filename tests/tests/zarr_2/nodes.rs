//! Nodes of Zarr v2: changes, errors and new nodes.

use super::*;

#[tokio::test]
async fn attributes_are_changed_in_their_own_document() {
    let hierarchy = consolidated().await;
    let zarray = json_of(&hierarchy, "a/.zarray").await;
    let mut array = hierarchy.array("a").await.unwrap();
    array
        .change_attributes(|old| Ok(old.clone().with("n", 1)?))
        .await
        .unwrap();
    assert_eq!(
        json_of(&hierarchy, "a/.zattrs").await.unwrap(),
        json!({"units": "K", "n": 1})
    );
    assert_eq!(json_of(&hierarchy, "a/.zarray").await, zarray);
    assert!(json_of(&hierarchy, "a/zarr.json").await.is_none());

    // Without an existing attributes document.
    let mut array = hierarchy.array("g/b").await.unwrap();
    array
        .set_attributes(Attributes::new().with("m", "x").unwrap())
        .await
        .unwrap();
    assert_eq!(
        json_of(&hierarchy, "g/b/.zattrs").await.unwrap(),
        json!({"m": "x"})
    );

    let mut group = hierarchy.group("").await.unwrap();
    group
        .change_attributes(|old| Ok(old.clone().with("more", true)?))
        .await
        .unwrap();
    assert_eq!(
        json_of(&hierarchy, ".zattrs").await.unwrap(),
        json!({"title": "x", "more": true})
    );
    let copies = json_of(&hierarchy, ".zmetadata").await.unwrap();
    assert_eq!(
        copies["metadata"][".zattrs"],
        json!({"title": "x", "more": true})
    );
    assert_eq!(
        (&copies["writer"], &copies["metadata"]["other"]),
        (&json!("w"), &json!({"kept": true}))
    );
    assert_eq!(
        copies["metadata"]["g/b/.zarray"]["of_others"],
        json!({"kept": 1.5})
    );
}

#[tokio::test]
async fn arrays_change_their_shape() {
    let hierarchy = consolidated().await;
    let mut array = hierarchy.array("a").await.unwrap();
    array
        .write(s![..], ndarray::arr1(&[1_i32, 2, 3, 4]))
        .await
        .unwrap();
    array.resize(&[7]).await.unwrap();
    assert_eq!(array.shape(), [7]);
    let document = json_of(&hierarchy, "a/.zarray").await.unwrap();
    assert_eq!(
        (&document["shape"], &document["of_others"]),
        (&json!([7]), &json!({"kept": 1.5}))
    );
    assert_eq!(document["fill_value"], Value::Null);
    array.write(s![6], arr0(9_i32)).await.unwrap();
    let mut again = hierarchy.array("a").await.unwrap();
    again.resize(&[3]).await.unwrap();
    assert!(!keys(&hierarchy).await.contains(&"a/3".to_owned()));
    again.resize(&[5]).await.unwrap();
    let read = hierarchy
        .array("a")
        .await
        .unwrap()
        .read::<i32>(s![..])
        .await
        .unwrap();
    assert_eq!(read, ndarray::arr1(&[1, 2, 3, 0, 0]).into_dyn());
    // The first handle is stale.
    let error = array.resize(&[1]).await.unwrap_err();
    assert!(matches!(error, Error::StaleHandle { .. }), "{error}");
    assert!(json_of(&hierarchy, "a/zarr.json").await.is_none());
}

#[tokio::test]
async fn errors_name_the_document_that_they_are_in() {
    let hierarchy = consolidated().await;
    let mut copies = json_of(&hierarchy, ".zmetadata").await.unwrap();
    copies["metadata"]["a/.zarray"]["dtype"] = json!("<i3");
    copies["metadata"]["g/b/.zarray"]["compressor"] = json!({"id": "lz9"});
    put(&hierarchy, ".zmetadata", copies.to_string()).await;
    let group = hierarchy.group("").await.unwrap();
    let fault = async |path: &str| group.array(path).await.unwrap_err().to_string();
    assert!(
        fault("a")
            .await
            .starts_with(".zmetadata: metadata.a/.zarray.dtype: "),
        "{}",
        fault("a").await
    );
    assert!(
        fault("g/b")
            .await
            .starts_with(".zmetadata: metadata.g/b: codecs[1]: "),
        "{}",
        fault("g/b").await
    );
    put(
        &hierarchy,
        "a/.zarray",
        zarray(&[1], &json!({"compressor": {"id": "lz9"}})),
    )
    .await;
    let error = hierarchy.array("a").await.unwrap_err().to_string();
    assert!(error.starts_with("a/.zarray: codecs[1]: "), "{error}");
    for (text, part) in [
        ("{", ".zmetadata: invalid JSON"),
        (
            r#"{"metadata": {}}"#,
            ".zmetadata: zarr_consolidated_format: found nothing",
        ),
        (
            r#"{"metadata": {}, "zarr_consolidated_format": 2}"#,
            ".zmetadata: zarr_consolidated_format: found 2",
        ),
        (
            r#"{"zarr_consolidated_format": 1}"#,
            ".zmetadata: missing member",
        ),
        (
            r#"{"metadata": {"../x/.zarray": {}}, "zarr_consolidated_format": 1}"#,
            ".zmetadata: metadata: found",
        ),
    ] {
        put(&hierarchy, ".zmetadata", text).await;
        let error = hierarchy.group("").await.unwrap_err().to_string();
        assert!(error.starts_with(part), "{error}");
        // The documents of the nodes are still readable.
        let group = hierarchy.group_without_consolidated("").await.unwrap();
        assert_eq!(group.children().await.unwrap().len(), 2);
    }
}

#[tokio::test]
async fn new_nodes_in_a_group_of_zarr_2_are_of_zarr_2() {
    let hierarchy = zarr::open("memory:").unwrap();
    put(&hierarchy, ".zgroup", GROUP).await;
    let group = hierarchy.group("").await.unwrap();
    let shapes = |builder: ArrayBuilder| builder.with_chunk_shape(&[2, 3]);
    let bytes = || codecs::bytes(true);
    let numcodecs = |id: &str| Extension::new(format!("numcodecs.{id}"));
    let time = Extension::new("numpy.timedelta64")
        .with("unit", "us")
        .with("scale_factor", 10);
    for (path, builder, expected) in [
        (
            "plain",
            ArrayBuilder::new(&[4, 5], "int16"),
            json!({"dtype": "<i2", "compressor": {"id": "zstd", "level": 3}, "filters": null, "order": "C", "fill_value": 0}),
        ),
        (
            "big",
            ArrayBuilder::new(&[4, 5], "float64")
                .with_codecs([
                    codecs::transpose(&[1, 0]),
                    codecs::bytes_big_endian(),
                    codecs::gzip(5),
                ])
                .with_fill_value(f64::NAN)
                .unwrap(),
            json!({"dtype": ">f8", "compressor": {"id": "gzip", "level": 5}, "order": "F", "fill_value": "NaN"}),
        ),
        (
            "filtered",
            ArrayBuilder::new(&[4, 5], "int32").with_codecs([
                numcodecs("delta").with("dtype", "<i4"),
                bytes(),
                numcodecs("shuffle").with("elementsize", 4),
                codecs::blosc("lz4", 5, "bitshuffle", 4),
            ]),
            json!({
                "filters": [{"id": "delta", "dtype": "<i4"}, {"id": "shuffle", "elementsize": 4}],
                "compressor": {"id": "blosc", "cname": "lz4", "clevel": 5, "shuffle": 2, "blocksize": 0},
            }),
        ),
        (
            "bare",
            ArrayBuilder::new(&[4, 5], "bool").with_codecs([codecs::bytes(false)]),
            json!({"dtype": "|b1", "compressor": null, "filters": null, "fill_value": false}),
        ),
        (
            "time",
            ArrayBuilder::new(&[4, 5], "numpy.timedelta64").with_data_type(time),
            json!({"dtype": "<m8[10us]", "fill_value": "NaT"}),
        ),
        (
            "deep/strings",
            ArrayBuilder::new(&[4, 5], "string"),
            json!({"dtype": "|O", "filters": [{"id": "vlen-utf8"}], "fill_value": ""}),
        ),
        (
            "complex",
            ArrayBuilder::new(&[4, 5], "complex64"),
            json!({"dtype": "<c8", "fill_value": [0.0, 0.0]}),
        ),
        (
            "raw",
            ArrayBuilder::new(&[4, 5], "r16")
                .with_codecs([codecs::bytes(false)])
                .with_fill_json("[1, 2]")
                .unwrap(),
            json!({"dtype": "|V2", "fill_value": "AQI="}),
        ),
        (
            "separated",
            ArrayBuilder::new(&[4, 5], "uint8")
                .with_chunk_key_encoding(Extension::new("v2").with("separator", ".")),
            json!({"dtype": "|u1", "dimension_separator": "."}),
        ),
    ] {
        let attributes = Attributes::new().with("k", path).unwrap();
        let metadata = shapes(builder).with_attributes(attributes).build().unwrap();
        let created = group.create_array(path, metadata).await;
        let created = created.unwrap_or_else(|error| panic!("{path}: {error}"));
        let document = json_of(&hierarchy, &format!("{path}/.zarray"))
            .await
            .unwrap();
        for (member, value) in expected.as_object().unwrap() {
            assert_eq!(document[member], *value, "{path}: {member}");
        }
        assert_eq!(
            json_of(&hierarchy, &format!("{path}/.zattrs"))
                .await
                .unwrap(),
            json!({"k": path})
        );
        let opened = hierarchy.array(path).await.unwrap();
        assert_eq!(opened.fill_value(), created.fill_value());
        assert_eq!(opened.data_type(), created.data_type());
    }
    assert_eq!(
        json_of(&hierarchy, "deep/.zgroup").await.unwrap(),
        json!({"zarr_format": 2})
    );
    hierarchy
        .create_group("deep/g", Attributes::new())
        .await
        .unwrap();
    let array = hierarchy.array("filtered").await.unwrap();
    array
        .write(s![.., ..], ndarray::Array2::from_elem((4, 5), 7_i32))
        .await
        .unwrap();
    assert_eq!(
        array.read::<i32>(s![3, 4]).await.unwrap(),
        arr0(7).into_dyn()
    );
    assert!(
        !keys(&hierarchy)
            .await
            .iter()
            .any(|key| key.ends_with("zarr.json"))
    );
}

#[tokio::test]
async fn what_zarr_2_cannot_say_is_refused_and_nothing_is_written() {
    let hierarchy = zarr::open("memory:").unwrap();
    put(&hierarchy, ".zgroup", GROUP).await;
    let plain = || ArrayBuilder::new(&[4], "int16").with_chunk_shape(&[2]);
    for (builder, part) in [
        (plain().with_shard_shape(&[4]), "codec \"sharding_indexed\""),
        (plain().with_dimension_names(["x"]), "dimension names"),
        (
            plain().with_codecs([codecs::bytes(true), codecs::crc32c()]),
            "codec \"crc32c\"",
        ),
        (
            ArrayBuilder::new(&[4], "bfloat16")
                .with_fill_json("0")
                .unwrap(),
            "data type \"bfloat16\"",
        ),
        (
            ArrayBuilder::new(&[4], "int4")
                .with_fill_json("0")
                .unwrap()
                .with_codecs([codecs::bytes(false)]),
            "data type \"int4\"",
        ),
        (
            ArrayBuilder::new(&[4], "float32")
                .with_fill_json("\"0x7fc00001\"")
                .unwrap(),
            "fill value",
        ),
    ] {
        let error = hierarchy
            .create_array("a/b", builder.build().unwrap())
            .await
            .unwrap_err();
        assert!(error.kind() == zarr::ErrorKind::Unsupported, "{error}");
        assert!(
            error.to_string().contains(part) && error.to_string().contains("convert_v2"),
            "{error}"
        );
    }
    assert_eq!(keys(&hierarchy).await, [".zgroup"]);
    let above = hierarchy.create_array("", plain().build().unwrap()).await;
    assert!(matches!(above, Err(Error::AlreadyExists { .. })));
    put(&hierarchy, "old/.zarray", zarray(&[4], &json!({}))).await;
    let below = hierarchy
        .create_array("old/b", plain().build().unwrap())
        .await;
    assert!(matches!(below, Err(Error::NodeType { .. })));
}

#[tokio::test]
async fn chunks_of_what_null_stands_for_are_not_stored() {
    let hierarchy = zarr::open("memory:").unwrap();
    for (path, dtype) in [("i", "<i4"), ("f", "<f4")] {
        put(
            &hierarchy,
            &format!("{path}/.zarray"),
            zarray(&[4], &json!({"dtype": dtype})),
        )
        .await;
    }
    hierarchy
        .array("i")
        .await
        .unwrap()
        .write(s![..], ndarray::arr1(&[0_i32, 0, 1, 0]))
        .await
        .unwrap();
    hierarchy
        .array("f")
        .await
        .unwrap()
        .write(s![..], ndarray::arr1(&[0_f32, 0.0, 0.0, 1.0]))
        .await
        .unwrap();
    assert_eq!(
        keys(&hierarchy).await,
        ["f/.zarray", "f/1", "i/.zarray", "i/1"]
    );
}
