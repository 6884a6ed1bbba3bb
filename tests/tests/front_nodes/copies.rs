//! Arrays and groups are copied and renamed.

use super::*;

#[test]
fn copies_pass_chunks_through_or_encode_them_again() {
    let hierarchy = open("memory:").unwrap();
    let other = open("memory:").unwrap();
    let from = hierarchy
        .create_array("a", metadata(&[7, 10], &[2, 3]))
        .unwrap();
    from.write(
        (1..7, 2..9),
        Array2::from_shape_fn((6, 7), |(y, x)| i32::try_from(10 * y + x).unwrap()),
    )
    .unwrap();
    let expected = from.read::<i32>(..).unwrap();
    let check = |to: &blocking::Array| {
        to.write((6, ..), 77).unwrap();
        from.copy_to(to).unwrap();
        assert_eq!(to.read::<i32>(..).unwrap(), expected);
    };
    // With equal metadata (in this store, in another store, and with other chunk keys) the bytes
    // are copied unchanged.
    let v2_keys = zarr::Extension::new("v2").with("separator", ".");
    let keyed = ArrayBuilder::new(&[7, 10], "int32")
        .with_chunk_shape(&[2, 3])
        .with_chunk_key_encoding(v2_keys);
    for to in [
        hierarchy
            .create_array("b", metadata(&[7, 10], &[2, 3]))
            .unwrap(),
        other
            .create_array("b", metadata(&[7, 10], &[2, 3]))
            .unwrap(),
        other.create_array("c", keyed.build().unwrap()).unwrap(),
    ] {
        check(&to);
        for (ours, theirs) in from.chunks().zip(to.chunks()) {
            assert_eq!(ours.encoded().unwrap(), theirs.encoded().unwrap());
        }
        assert_eq!(to.stored_chunks().count(), from.stored_chunks().count());
    }
    // With another grid, other codecs and another fill value.
    let sharded = ArrayBuilder::new(&[7, 10], "int32")
        .with_chunk_shape(&[2, 2])
        .with_shard_shape(&[4, 4])
        .with_codecs([codecs::bytes_big_endian(), codecs::zstd(3)])
        .with_fill_value(5)
        .unwrap();
    check(&other.create_array("d", sharded.build().unwrap()).unwrap());

    let names = |path: &str, chunk: u64| {
        let builder = ArrayBuilder::new(&[5], "string").with_chunk_shape(&[chunk]);
        hierarchy
            .create_array(path, builder.build().unwrap())
            .unwrap()
    };
    let (from, to) = (names("names", 2), names("others", 3));
    from.write(1..4, &["a", "", "long"]).unwrap();
    from.copy_to(&to).unwrap();
    assert_eq!(
        to.read::<String>(..).unwrap(),
        from.read::<String>(..).unwrap()
    );

    let kind = |to: ArrayMetadata| {
        from.copy_to(
            &hierarchy
                .replace("x", to.into())
                .unwrap()
                .into_array()
                .unwrap(),
        )
        .unwrap_err()
        .kind()
    };
    assert_eq!(kind(metadata(&[5], &[5])), ErrorKind::ElementType);
    assert_eq!(kind(metadata(&[6], &[5])), ErrorKind::Selection);
}

#[test]
fn groups_are_copied_between_stores_and_renamed() {
    let folder = tempfile::tempdir().unwrap();
    let local = open(folder.path().to_str().unwrap()).unwrap();
    let memory = open("memory:").unwrap();
    let group = memory
        .create_group("g", Attributes::new().with("title", "x").unwrap())
        .unwrap();
    group
        .create_array("deep/a", metadata(&[4], &[2]))
        .unwrap()
        .write(.., 3)
        .unwrap();
    group.create_array("b", metadata(&[4], &[2])).unwrap();
    memory.copy("g", &local, "archive/g").unwrap();
    let strip = |keys: Vec<String>, prefix: &str| {
        keys.iter()
            .map(|key| key.strip_prefix(prefix).unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        strip(objects(&memory, "g"), "g"),
        strip(objects(&local, "archive/g"), "archive/g")
    );
    assert_eq!(
        local
            .array("archive/g/deep/a")
            .unwrap()
            .read::<i32>(..)
            .unwrap()
            .sum(),
        12
    );
    assert_eq!(local.group("").unwrap().walk().unwrap().len(), 5);

    // The consolidated metadata of ancestors is updated.
    local.group("").unwrap().consolidate().unwrap();
    local.rename("archive/g", "now").unwrap();
    assert!(objects(&local, "archive/g").is_empty());
    let root = open(folder.path().to_str().unwrap())
        .unwrap()
        .group("")
        .unwrap();
    assert_eq!(root.check_consolidated().unwrap(), []);
    assert_eq!(
        root.group("now")
            .unwrap()
            .attributes()
            .get::<String>("title")
            .unwrap()
            .unwrap(),
        "x"
    );
    let children = root.children().unwrap();
    assert_eq!(
        children,
        [
            ("archive".to_owned(), NodeKind::Group),
            ("now".to_owned(), NodeKind::Group)
        ]
    );

    for (from, to, kind) in [
        ("now", "now/deep/x", ErrorKind::Invalid),
        ("now/deep", "now", ErrorKind::Invalid),
        ("none", "x", ErrorKind::NodeNotFound),
        ("now/b", "archive", ErrorKind::AlreadyExists),
        ("archive", "now/b/c", ErrorKind::NodeType),
    ] {
        let error = local.copy(from, &local, to).unwrap_err();
        assert_eq!(error.kind(), kind, "{from} to {to}");
    }
    let now = root.group("now").unwrap();
    now.copy("b", &root, "c").unwrap();
    now.rename("b", "d").unwrap();
    assert!(root.exists("c").unwrap() && now.exists("d").unwrap() && !now.exists("b").unwrap());
}

#[test]
fn copies_report_progress_and_replace_on_request() {
    let (here, there) = (open("memory:").unwrap(), open("memory:").unwrap());
    let array = here.create_array("g/a", metadata(&[4], &[2])).unwrap();
    array.write(.., 3).unwrap();
    there.create_array("g/old", metadata(&[4], &[2])).unwrap();
    let mut seen = Vec::new();
    let copied = there.copy_with("g", &there, "g/inside", true, |_, _| {});
    assert_eq!(copied.unwrap_err().kind(), ErrorKind::Invalid);
    let refused = here.copy_with("g", &there, "g", false, |_, _| panic!("copies nothing"));
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::AlreadyExists);
    assert!(there.exists("g/old").unwrap());
    here.copy_with("g", &there, "g", true, |done, total| {
        seen.push((done, total));
    })
    .unwrap();
    // Two documents and two chunks.
    assert_eq!(seen, [(1, 4), (2, 4), (3, 4), (4, 4)]);
    assert!(!there.exists("g/old").unwrap());
    let sum = there.array("g/a").unwrap().read::<i32>(..).unwrap().sum();
    assert_eq!(sum, 12);
    // The root too.
    here.copy_with("g", &there, "", true, |_, _| {}).unwrap();
    assert!(there.exists("a").unwrap() && !there.exists("g").unwrap());
}

#[test]
fn nodes_of_zarr_2_are_copied_among_their_own() {
    let hierarchy = open("memory:").unwrap();
    put(&hierarchy, "old/.zgroup", r#"{"zarr_format": 2}"#);
    put(
        &hierarchy,
        "old/a/.zarray",
        r#"{"zarr_format": 2, "shape": [2], "chunks": [2], "dtype": "|u1", "compressor": null, "fill_value": 7, "order": "C", "filters": null}"#,
    );
    put(&hierarchy, "old/a/0", "ab");
    put(
        &hierarchy,
        "new/zarr.json",
        r#"{"zarr_format": 3, "node_type": "group"}"#,
    );
    assert_eq!(
        hierarchy
            .copy("old", &hierarchy, "new/x")
            .unwrap_err()
            .kind(),
        ErrorKind::Unsupported
    );
    hierarchy.copy("old/a", &hierarchy, "old/b").unwrap();
    assert_eq!(
        hierarchy
            .array("old/b")
            .unwrap()
            .read::<u8>(..)
            .unwrap()
            .into_raw_vec_and_offset()
            .0,
        *b"ab"
    );
    assert!(objects(&hierarchy, "old/b").contains(&"old/b/.zarray".to_owned()));

    // Where there is no group yet, the groups above the copy have its format.
    let empty = open("memory:").unwrap();
    hierarchy.copy("old/a", &empty, "x/y").unwrap();
    assert_eq!(
        objects(&empty, ""),
        [".zgroup", "x/.zgroup", "x/y/.zarray", "x/y/0"]
    );
}

#[test]
fn new_groups_above_a_copy_are_consolidated_too() {
    let hierarchy = open("memory:").unwrap();
    let mut root = hierarchy.create_group("", Attributes::new()).unwrap();
    hierarchy.create_array("a", metadata(&[4], &[2])).unwrap();
    root.consolidate().unwrap();
    hierarchy.rename("a", "x/y/a").unwrap();
    let root = hierarchy.group("").unwrap();
    assert_eq!(root.check_consolidated().unwrap(), []);
    let names = root.children().unwrap();
    let names = names.iter().map(|(name, _)| name.to_string());
    assert_eq!(names.collect::<Vec<_>>(), ["x"]);
}
