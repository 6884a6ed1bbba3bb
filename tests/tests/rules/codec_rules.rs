//! Codecs: their order, their configurations, their limits, sharding.

use super::*;

#[test]
fn chains_are_in_order_and_each_codec_checks_what_it_receives() {
    let transpose =
        |order: &str| format!(r#"{{"name": "transpose", "configuration": {{"order": {order}}}}}"#);
    let gzip = r#"{"name": "gzip", "configuration": {"level": 1}}"#;
    let swap = transpose("[1, 0]");
    let shard = |shape: &str| {
        format!(
            r#"{{"name": "sharding_indexed", "configuration": {{"chunk_shape": {shape}, "codecs": [{LITTLE}], "index_codecs": [{LITTLE}]}}}}"#
        )
    };
    let good = [
        LITTLE.to_owned(),
        format!("{swap}, {LITTLE}"),
        format!("{swap}, {swap}, {LITTLE}"),
        format!("{LITTLE}, {gzip}, \"crc32c\", {gzip}, \"crc32c\", \"crc32c\""),
        shard("[2, 3]"),
        shard("[1, 1]"),
        format!("{swap}, {}", shard("[3, 1]")),
        format!("{}, {gzip}", shard("[1, 3]")),
        r#"{"name": "reshape", "configuration": {"shape": [6]}}, "#.to_owned() + LITTLE,
    ];
    let bad = [
        String::new(),
        gzip.to_owned(),
        swap.clone(),
        format!("{LITTLE}, {LITTLE}"),
        format!("{LITTLE}, {swap}"),
        format!("{gzip}, {LITTLE}"),
        format!("{swap}, {}", shard("[1, 3]")),
        shard("[2]"),
        shard("[2, 2]"),
        shard("[0, 3]"),
        format!("{}, {LITTLE}", transpose("[0]")),
        format!("{}, {LITTLE}", transpose("[0, 0]")),
        format!("{}, {LITTLE}", transpose("[0, 2]")),
        format!("{}, {LITTLE}", transpose("[0, -1]")),
        format!("{}, {LITTLE}", transpose("\"C\"")),
        format!("{}, {LITTLE}", transpose("\"F\"")),
        vec![gzip; 5000].join(", "),
        format!("{LITTLE}, {}", vec![gzip; 5000].join(", ")),
        r#""vlen-utf8""#.to_owned(),
        r#"{"name": "bytes", "configuration": {"endian": "middle"}}"#.to_owned(),
        r#"{"name": "bytes", "configuration": {"endian": "little", "more": 1}}"#.to_owned(),
        r#""bytes""#.to_owned(),
        r#"{"name": "endian", "configuration": {"endian": "little"}}"#.to_owned(),
        format!("{LITTLE}, \"zlib\""),
        r#"{"name": "reshape", "configuration": {"shape": [1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,
            1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,6]}}, "#
            .to_owned()
            + LITTLE,
    ];
    let good = good.iter().map(String::as_str).collect::<Vec<_>>();
    let bad = bad.iter().map(String::as_str).collect::<Vec<_>>();
    chains(r#""int16""#, "7", &good, &bad);
    // Rank 0.
    opens(&array(&[
        ("shape", "[]"),
        (
            "chunk_grid",
            r#"{"name": "regular", "configuration": {"chunk_shape": []}}"#,
        ),
        ("codecs", &format!("[{}, {LITTLE}]", transpose("[]"))),
    ]));
}

#[test]
fn codecs_check_their_configurations_before_a_chunk_exists() {
    let bytes = |codec: &str| format!("{LITTLE}, {codec}");
    let gzip = |level: &str| {
        bytes(&format!(
            r#"{{"name": "gzip", "configuration": {{"level": {level}}}}}"#
        ))
    };
    let zstd = |members: &str| {
        bytes(&format!(
            r#"{{"name": "zstd", "configuration": {{{members}}}}}"#
        ))
    };
    let blosc = |members: &str| {
        bytes(&format!(
            r#"{{"name": "blosc", "configuration": {{{members}}}}}"#
        ))
    };
    let shuffled =
        r#""cname": "lz4", "clevel": 5, "shuffle": "shuffle", "typesize": 2, "blocksize": 0"#;
    let good = [
        gzip("0"),
        gzip("9"),
        zstd(r#""level": -131072"#),
        zstd(r#""level": 22, "checksum": true"#),
        blosc(shuffled),
        blosc(&shuffled.replace("\"typesize\": 2", "\"typesize\": 7")),
        blosc(r#""cname": "snappy", "clevel": 0, "shuffle": "noshuffle", "blocksize": 1000"#),
        format!("\"scale_offset\", {LITTLE}"),
        format!(r#"{{"name": "bitround", "configuration": {{"keepbits": 3}}}}, {LITTLE}"#),
        bytes(r#"{"name": "numcodecs.zlib", "configuration": {"level": 1}}"#),
        bytes(r#"{"name": "conditional", "configuration": {"codecs": ["crc32c"]}}"#),
    ];
    let bad = [
        gzip("10"),
        gzip("-1"),
        gzip("1.0"),
        gzip("\"1\""),
        bytes("\"gzip\""),
        zstd(r#""level": 23"#),
        zstd(r#""level": 1.5"#),
        zstd(r#""level": 1, "checksum": 1"#),
        zstd(r#""level": 1, "more": 1"#),
        blosc(&shuffled.replace("\"shuffle\": \"shuffle\"", "\"shuffle\": 1")),
        blosc(&shuffled.replace("lz4", "lz5")),
        blosc(&shuffled.replace("\"clevel\": 5", "\"clevel\": 10")),
        blosc(&shuffled.replace("\"blocksize\": 0", "\"blocksize\": -1")),
        blosc(&shuffled.replace(", \"typesize\": 2", "")),
        bytes(r#"{"name": "crc32c", "configuration": {"more": 1}}"#),
        format!(r#"{{"name": "scale_offset", "configuration": {{"more": 1}}}}, {LITTLE}"#),
        format!(r#"{{"name": "bitround", "configuration": {{"keepbits": 0}}}}, {LITTLE}"#),
        bytes(r#"{"name": "conditional", "configuration": {"codecs": ["bytes"]}}"#),
        bytes(r#"{"name": "conditional", "configuration": {"codecs": ["no-such"]}}"#),
    ];
    let good = good.iter().map(String::as_str).collect::<Vec<_>>();
    let bad = bad.iter().map(String::as_str).collect::<Vec<_>>();
    chains(r#""int16""#, "7", &good, &bad);
}

#[test]
fn chunks_beyond_the_limit_are_refused_wherever_the_chain_is_widest() {
    let text = array(&[
        ("shape", "[1]"),
        ("data_type", r#""int8""#),
        (
            "chunk_grid",
            r#"{"name": "regular", "configuration": {"chunk_shape": [1073741824]}}"#,
        ),
        (
            "codecs",
            &format!(
                r#"[{{"name": "cast_value", "configuration": {{"data_type": "float64"}}}},
                    {{"name": "cast_value", "configuration": {{"data_type": "int16"}}}}, {LITTLE}]"#
            ),
        ),
    ]);
    let hierarchy = memory();
    put(&hierarchy, "a/zarr.json", text);
    put(&hierarchy, "a/c/0", [0]);
    let array = hierarchy.array("a").unwrap();
    let error = array.read::<i8>(s![..]).unwrap_err().to_string();
    assert!(error.contains("8589934592 bytes"), "{error}");
}

#[test]
fn strings_in_shards_within_other_codecs_are_read_and_written() {
    let shard = |inner: &str| {
        format!(
            r#"{{"name": "sharding_indexed", "configuration": {{"chunk_shape": {inner}, "codecs": ["vlen-utf8"],
                "index_codecs": [{LITTLE}, "crc32c"]}}}}"#
        )
    };
    let gzip = r#"{"name": "gzip", "configuration": {"level": 1}}"#;
    for chain in [
        format!("{}, {gzip}, \"crc32c\"", shard("[1, 3]")),
        format!(
            r#"{{"name": "transpose", "configuration": {{"order": [1, 0]}}}}, {}, {gzip}"#,
            shard("[3, 1]")
        ),
    ] {
        let text = array(&[
            ("data_type", r#""string""#),
            ("fill_value", "\"fill\""),
            ("codecs", &format!("[{chain}]")),
        ]);
        let hierarchy = memory();
        put(&hierarchy, "a/zarr.json", text);
        let array = hierarchy.array("a").unwrap();
        let mut model = ArrayD::from_shape_fn(IxDyn(&[4, 6]), |index| match index[0] {
            0 => "fill".to_owned(),
            row => "x".repeat(row * index[1]),
        });
        array.write(.., model.clone()).unwrap();
        let part = zarr::slices(s![1..3, 2..5]);
        let change = ArrayD::from_elem(IxDyn(&[2, 3]), "é".to_owned());
        array.write(&part, change.clone()).unwrap();
        model.slice_mut(s![1..3, 2..5]).assign(&change);
        let again = hierarchy.array("a").unwrap();
        assert_eq!(again.read::<String>(&Selection::all()).unwrap(), model);
        assert_eq!(again.read::<String>(&part).unwrap(), change);
        // Damage is an error.
        let mut stored = get(&hierarchy, "a/c/0/0").unwrap();
        stored.truncate(stored.len() - 1);
        put(&hierarchy, "a/c/0/0", stored);
        again.read::<String>(&Selection::all()).unwrap_err();
    }
}

#[test]
fn codecs_and_types_inside_others_are_those_of_the_registry() {
    use zarr_core::codec::{BytesToBytes, EncodedSize};
    #[derive(Debug)]
    struct Inverted(EncodedSize);
    impl BytesToBytes for Inverted {
        fn name(&self) -> &'static str {
            "x.inverted"
        }
        fn encoded_size(&self) -> EncodedSize {
            self.0
        }
        fn encode(&self, decoded: &[u8], encoded: &mut Vec<u8>) -> zarr_core::Result<()> {
            encoded.extend(decoded.iter().map(|byte| !byte));
            Ok(())
        }
        fn decode(&self, encoded: &[u8], decoded: &mut Vec<u8>) -> zarr_core::Result<()> {
            self.encode(encoded, decoded)
        }
    }
    let registry = zarr::registry()
        .with_codec(
            "x.inverted",
            zarr_core::BindCodec::BytesToBytes(|_, size, _| {
                Ok(std::sync::Arc::new(Inverted(size)))
            }),
        )
        .with_data_type("x.int16", |_, _| zarr::DataType::core("int16"));
    let conditional = r#"{"name": "conditional", "configuration": {"codecs": ["x.inverted"]}}"#;
    let n5 = r#"{"name": "n5_default", "configuration": {"codecs": [
        {"name": "transpose", "configuration": {"order": [1, 0]}}, {"name": "bytes", "configuration": {"endian": "big"}},
        {"name": "x.inverted"}]}}"#;
    let cast = r#"{"name": "cast_value", "configuration": {"data_type": "x.int16"}}"#;
    let fields = r#"{"name": "struct", "configuration": {"fields": [{"name": "a", "data_type": "x.int16"}]}}"#;
    for (data_type, fill, chain) in [
        (r#""int16""#, "1", format!("{LITTLE}, {conditional}")),
        (r#""int16""#, "1", n5.to_owned()),
        (r#""int8""#, "1", format!("{cast}, {LITTLE}")),
        (fields, r#"{"a": 1}"#, LITTLE.to_owned()),
    ] {
        let text = array(&[
            ("data_type", data_type),
            ("fill_value", fill),
            ("codecs", &format!("[{chain}]")),
        ]);
        let NodeMetadata::Array(metadata) = NodeMetadata::parse(text.as_bytes()).unwrap() else {
            panic!("a group");
        };
        ArrayLayout::bind(&metadata, &registry).unwrap();
        ArrayLayout::bind(&metadata, &zarr::registry()).unwrap_err();
    }
}

#[test]
fn every_type_passes_through_every_codec_plain_and_sharded() {
    let registry = zarr::registry();
    let types = [
        "bool",
        "int8",
        "int16",
        "int32",
        "int64",
        "uint8",
        "uint16",
        "uint32",
        "uint64",
        "float16",
        "float32",
        "float64",
        "complex64",
        "complex128",
        "r8",
        "r24",
        "bfloat16",
        "float8_e4m3",
        "float8_e8m0fnu",
        "complex_float16",
        "int4",
        "uint2",
        "float4_e2m1fn",
    ];
    let bytes = r#"{"name": "bytes", "configuration": {"endian": "big"}}"#;
    let after = [
        "",
        r#", {"name": "gzip", "configuration": {"level": 1}}"#,
        r#", {"name": "zstd", "configuration": {"level": 1}}"#,
        r#", {"name": "blosc", "configuration": {"cname": "lz4", "clevel": 1, "shuffle": "shuffle", "typesize": 3, "blocksize": 0}}"#,
        r#", "crc32c""#,
    ];
    for name in types {
        let data_type = registry.bind_data_type(&Extension::new(name)).unwrap();
        let size = data_type.fixed_size().unwrap();
        let most = if name == "bool" { 2 } else { 251 };
        let mut elements = (0..24 * size)
            .map(|at| u8::try_from(at * 7 % most).unwrap())
            .collect::<Vec<_>>();
        data_type.admit(&mut elements).unwrap();
        let decoded = zarr_core::codec::ChunkData::Fixed(elements);
        for after in after {
            let inner = format!("{bytes}{after}");
            let shard = format!(
                r#"{{"name": "sharding_indexed", "configuration": {{"chunk_shape": [3, 2], "codecs": [{inner}],
                    "index_codecs": [{LITTLE}, "crc32c"], "index_location": "start"}}}}"#
            );
            let swap = r#"{"name": "transpose", "configuration": {"order": [1, 0]}}"#;
            for chain in [
                inner.clone(),
                format!("{swap}, {inner}"),
                format!("{swap}, {shard}"),
                format!("{swap}, {shard}{after}"),
            ] {
                let codecs = serde_json::from_str::<Vec<Extension>>(&format!("[{chain}]")).unwrap();
                let spec = zarr_core::codec::ChunkSpec {
                    shape: [4, 6].into(),
                    fill_value: data_type.zero(),
                    data_type: data_type.clone(),
                };
                let chain = registry.bind_codecs(&codecs, spec).unwrap();
                let mut encoded = Vec::new();
                chain.encode_chunk(&decoded, &mut encoded).unwrap();
                assert_eq!(
                    chain.decode_chunk(&encoded).unwrap(),
                    decoded,
                    "{name} {codecs:?}"
                );
            }
        }
    }
}

#[test]
fn zfp_takes_an_array_without_dimensions_for_one_of_one_element() {
    let text = array(&[
        ("shape", "[]"),
        ("data_type", r#""float64""#),
        (
            "chunk_grid",
            r#"{"name": "regular", "configuration": {"chunk_shape": []}}"#,
        ),
        (
            "codecs",
            r#"[{"name": "zfp", "configuration": {"mode": "reversible"}}]"#,
        ),
    ]);
    let hierarchy = memory();
    put(&hierarchy, "a/zarr.json", text);
    let array = hierarchy.array("a").unwrap();
    let value = ndarray::arr0(0.1).into_dyn();
    array.write(.., value.view()).unwrap();
    assert_eq!(array.read::<f64>(..).unwrap(), value);
}

#[test]
fn shards_written_by_hand_are_read_by_their_index() {
    let shard = |location: &str| {
        format!(
            r#"[{{"name": "sharding_indexed", "configuration": {{"chunk_shape": [2], "codecs": [{LITTLE}],
                "index_codecs": [{LITTLE}], "index_location": "{location}"}}}}]"#
        )
    };
    let grid = r#"{"name": "regular", "configuration": {"chunk_shape": [4]}}"#;
    let read = |shape: &str, location: &str, entries: [[u64; 2]; 2], data: &[u8]| {
        let hierarchy = memory();
        let codecs = shard(location);
        let text = array(&[("shape", shape), ("chunk_grid", grid), ("codecs", &codecs)]);
        put(&hierarchy, "a/zarr.json", text);
        let index = entries
            .concat()
            .iter()
            .flat_map(|number| number.to_le_bytes())
            .collect::<Vec<_>>();
        let bytes = match location {
            "end" => [data, &index[..]].concat(),
            _ => [&index[..], data].concat(),
        };
        put(&hierarchy, "a/c/0", bytes);
        let array = hierarchy.array("a").unwrap();
        let read = array.read::<i16>(s![..])?;
        Ok::<_, zarr::Error>(read.into_raw_vec_and_offset().0)
    };
    let none = [u64::MAX; 2];
    let data = [1, 0, 2, 0, 3, 0, 4, 0, 9];
    for (entries, expected) in [
        ([[0, 4], [4, 4]], [1, 2, 3, 4]),
        ([[4, 4], [0, 4]], [3, 4, 1, 2]),
        ([[0, 4], none], [1, 2, 7, 7]),
        ([none, none], [7; 4]),
        // Duplicate ranges, and overlapping ranges.
        ([[0, 4], [0, 4]], [1, 2, 1, 2]),
        ([[0, 4], [2, 4]], [1, 2, 2, 3]),
    ] {
        assert_eq!(read("[4]", "end", entries, &data).unwrap(), expected);
        let moved = entries.map(|entry| {
            if entry == none {
                none
            } else {
                [entry[0] + 32, 4]
            }
        });
        assert_eq!(read("[4]", "start", moved, &data).unwrap(), expected);
    }
    // A range that overlaps the index.
    let into_index = read("[4]", "start", [[0, 4], [32, 4]], &data).unwrap();
    assert_eq!(into_index, [0, 0, 1, 2]);
    for entry in [
        [0, 0],
        [0, 3],
        [0, 5],
        [0, u64::MAX],
        [u64::MAX, 4],
        [u64::MAX - 1, 4],
        [u64::MAX - 3, 4],
        [1000, 4],
        [40, 4],
        [4, 1 << 40],
        // Foreign byte order.
        [4_u64.swap_bytes(), 4_u64.swap_bytes()],
    ] {
        for location in ["start", "end"] {
            let error = read("[4]", location, [none, entry], &data)
                .unwrap_err()
                .to_string();
            assert!(error.contains("a/c/0") && error.contains("[1]"), "{error}");
            // Inner chunks outside the array are ignored.
            assert_eq!(read("[2]", location, [none, entry], &data).unwrap(), [7, 7]);
        }
    }
}
