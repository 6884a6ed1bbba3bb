//! Nodes: names, groups, consolidated metadata, Zarr v2, written documents.

use super::*;

#[test]
fn consolidated_metadata_is_read_strictly() {
    let child = array(&[]);
    let with = |members: &str| document(&GROUP, &[("consolidated_metadata", members)]);
    let inline = |key: &str, child: &str| {
        with(&format!(
            r#"{{"kind": "inline", "must_understand": false, "metadata": {{{key:?}: {child}}}}}"#
        ))
    };
    for key in ["a", "a/b", "c"] {
        opens(&inline(key, &child));
    }
    for key in ["/a", "", "..", "a/../b", "a//b", "a/", "__a"] {
        refused(&inline(key, &child), "consolidated_metadata");
    }
    opens(&with("null"));
    opens(&with(r#"{"kind": "external", "must_understand": false}"#));
    refused(&with(r#"{"kind": "external"}"#), "consolidated_metadata");
    refused(&with("[]"), "consolidated_metadata");
    // A malformed copy is an error of its node, not of the group.
    let NodeMetadata::Group(group) = bind(inline("a", "{}").as_bytes()).unwrap() else {
        panic!("an array");
    };
    group.consolidated().unwrap().get("a").unwrap_err();
    let NodeMetadata::Group(group) =
        bind(with(r#"{"kind": "external", "must_understand": false}"#).as_bytes()).unwrap()
    else {
        panic!("an array");
    };
    assert!(group.consolidated().is_none());
}

#[test]
fn stale_copies_are_told_apart_from_true_ones() {
    let hierarchy = memory();
    let metadata = || ArrayBuilder::new(&[4], "int8").build().unwrap();
    for path in ["same", "changed", "resized", "removed", "g/deep"] {
        hierarchy.create_array(path, metadata()).unwrap();
    }
    let mut root = hierarchy.group("").unwrap();
    assert!(root.check_consolidated().unwrap().is_empty());
    root.consolidate().unwrap();
    let stored = get(&hierarchy, "zarr.json").unwrap();
    let text = String::from_utf8(stored).unwrap();
    assert!(text.contains("\"kind\": \"inline\"") && text.contains("\"must_understand\": false"));
    assert!(root.check_consolidated().unwrap().is_empty());
    // Copies follow changes by this engine.
    hierarchy.array("resized").unwrap().resize(&[5]).unwrap();
    // A writer that ignores consolidated copies changes one node and deletes another.
    let document = String::from_utf8(get(&hierarchy, "changed/zarr.json").unwrap()).unwrap();
    let compact: String = document.split_whitespace().collect();
    assert!(compact.contains("\"shape\":[4]"));
    put(
        &hierarchy,
        "changed/zarr.json",
        compact.replace("\"shape\":[4]", "\"shape\":[5]"),
    );
    let store = hierarchy.store();
    runtime()
        .block_on(store.delete("removed/zarr.json"))
        .unwrap();
    hierarchy.create_array("g/added", metadata()).unwrap();
    // Another spelling of equal metadata is no difference.
    let same = String::from_utf8(get(&hierarchy, "same/zarr.json").unwrap()).unwrap();
    let spelled = same.replacen('{', "{ \"dimension_names\" : [null] ,", 1);
    put(&hierarchy, "same/zarr.json", spelled.replace("\n", ""));
    let root = hierarchy.group("").unwrap();
    let path = |path| NodePath::parse(path).unwrap();
    assert_eq!(
        root.check_consolidated().unwrap(),
        [
            (path("changed"), Difference::Changed),
            (path("g/added"), Difference::Added),
            (path("removed"), Difference::Removed),
        ]
    );
    // A listed but deleted node is not found when opened.
    assert!(
        root.walk()
            .unwrap()
            .iter()
            .any(|(node, _)| *node == path("removed"))
    );
    assert!(hierarchy.array("removed").is_err());
    // The hierarchy opens a node by its own document, the group by the copy.
    assert_eq!(hierarchy.array("changed").unwrap().shape(), [5]);
    assert_eq!(root.array("changed").unwrap().shape(), [4]);
    let other = Hierarchy::new(hierarchy.store().clone(), zarr::registry());
    for root in [root, other.group("").unwrap()] {
        assert_eq!(root.array("resized").unwrap().shape(), [5]);
    }
}

#[test]
fn nodes_of_v2_are_read_and_converted_in_place() {
    let hierarchy = memory();
    put(&hierarchy, "old/.zgroup", r#"{"zarr_format": 2}"#);
    put(&hierarchy, "old/.zattrs", r#"{"title": "x"}"#);
    let zarray = r#"{"zarr_format": 2, "shape": [3, 2], "chunks": [2, 2], "dtype": ">i2", "compressor": null,
        "fill_value": 9, "order": "F", "filters": null}"#;
    put(&hierarchy, "old/a/.zarray", zarray);
    put(&hierarchy, "old/a/0.0", [0, 1, 0, 2, 0, 3, 0, 4]);
    let expected = [[1_i16, 3], [2, 4], [9, 9]].concat();
    let read = |hierarchy: &Hierarchy| {
        let array = hierarchy.array("old/a").unwrap();
        array
            .read::<i16>(s![.., ..])
            .unwrap()
            .into_raw_vec_and_offset()
            .0
    };
    assert_eq!(read(&hierarchy), expected);
    let convert = || hierarchy.convert_v2("old").unwrap();
    let paths = convert();
    assert_eq!(
        paths.iter().map(NodePath::as_str).collect::<Vec<_>>(),
        ["old", "old/a"]
    );
    assert!(convert().is_empty());
    assert_eq!(read(&hierarchy), expected);
    // The v3 documents are complete now, and the v2 documents no longer belong to the node.
    put(&hierarchy, "old/a/.zarray", "{");
    put(&hierarchy, "old/.zgroup", "{");
    assert_eq!(read(&hierarchy), expected);
    let group = hierarchy.group("old").unwrap();
    let title = group
        .as_async()
        .attributes()
        .get::<String>("title")
        .unwrap();
    assert_eq!(title.as_deref(), Some("x"));
    let written = String::from_utf8(get(&hierarchy, "old/a/zarr.json").unwrap()).unwrap();
    assert!(
        written.contains("\"transpose\"") && written.contains("\"v2\""),
        "{written}"
    );
    assert!(hierarchy.convert_v2("none").is_err());
}

#[test]
fn what_is_written_is_deterministic_complete_and_in_object_form() {
    let metadata = || {
        ArrayBuilder::new(&[8, 8], "float32")
            .with_chunk_shape(&[2, 2])
            .with_shard_shape(&[4, 4])
            .with_fill_json("\"0x7fc00001\"")
            .unwrap()
            .build()
            .unwrap()
    };
    let text = metadata().to_text().unwrap();
    assert_eq!(text, metadata().to_text().unwrap());
    assert!(text.contains("\"fill_value\": \"0x7fc00001\""), "{text}");
    for absent in ["dimension_names", "storage_transformers", "must_understand"] {
        assert!(!text.contains(absent), "{absent} in {text}");
    }
    let document: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(document["data_type"], "float32");
    let separator = &document["chunk_key_encoding"]["configuration"]["separator"];
    assert_eq!(separator, "/");
    let mut objects = vec![&document["codecs"]];
    let mut names = Vec::new();
    while let Some(list) = objects.pop() {
        for codec in list.as_array().unwrap() {
            names.push(codec["name"].as_str().unwrap());
            let configuration = &codec["configuration"];
            objects.extend(
                ["codecs", "index_codecs"]
                    .iter()
                    .filter_map(|member| configuration.get(member)),
            );
        }
    }
    assert_eq!(
        names,
        ["sharding_indexed", "bytes", "crc32c", "bytes", "zstd"]
    );
    let zstd = document
        .pointer("/codecs/0/configuration/codecs/1/configuration")
        .unwrap();
    assert!(zstd.get("level").is_some() && zstd.get("checksum").is_some());
    assert_eq!(
        document
            .pointer("/codecs/0/configuration/index_location")
            .unwrap(),
        "end"
    );
    let blosc = serde_json::to_value(codecs::blosc("lz4", 5, "shuffle", 4)).unwrap();
    assert!(blosc["configuration"].get("typesize").is_some());
    // The bits of the fill value survive document updates.
    let hierarchy = memory();
    let mut array = hierarchy.create_array("a", metadata()).unwrap();
    array.resize(&[9, 9]).unwrap();
    let bits = hierarchy
        .array("a")
        .unwrap()
        .read::<f32>(s![8..9, 8..9])
        .unwrap()[[0, 0]]
    .to_bits();
    assert_eq!(bits, 0x7fc0_0001);
    let text = String::from_utf8(get(&hierarchy, "a/zarr.json").unwrap()).unwrap();
    assert!(text.contains("\"fill_value\": \"0x7fc00001\""), "{text}");
}

#[test]
fn names_are_kept_to_the_letter_and_paths_may_be_long_and_deep() {
    let folder = tempfile::tempdir().unwrap();
    for url in ["memory:", folder.path().to_str().unwrap()] {
        let hierarchy = open(url).unwrap();
        let long = "n".repeat(200);
        let deep = vec!["d"; 30].join("/");
        for path in [&long, &deep, "Case", "case", "a\\b", "C"] {
            let metadata = ArrayBuilder::new(&[1], "int8").build().unwrap();
            hierarchy.create_array(path, metadata).unwrap();
        }
        for path in [&long, &deep, "/Case", "case", "a\\b"] {
            assert_eq!(hierarchy.array(path).unwrap().shape(), [1]);
        }
        for path in ["CASE", "a/b", "c", "case/", "a//b"] {
            assert!(hierarchy.array(path).is_err(), "{path}");
        }
        let too_long = "n".repeat(10_000);
        let metadata = ArrayBuilder::new(&[1], "int8").build().unwrap();
        if url != "memory:" {
            assert!(hierarchy.create_array(&too_long, metadata).is_err());
        }
    }
    // The root may be an array.
    let hierarchy = memory();
    let metadata = ArrayBuilder::new(&[1], "int8").build().unwrap();
    hierarchy.create_array("", metadata).unwrap();
    assert_eq!(hierarchy.array("/").unwrap().shape(), [1]);
}
