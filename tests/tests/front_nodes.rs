//! Operations on whole nodes: opening and creating, concurrent appends, copying, renaming, and
//! error messages.

#![expect(clippy::unwrap_used, reason = "tests, of small numbers")]

use ndarray::{Array1, Array2, s};
use serde_json::{Value, json};
use zarr::blocking::{self, Hierarchy, open};
use zarr::{ArrayBuilder, ArrayMetadata, Attributes, ErrorKind, NodeKind, codecs};

fn metadata(shape: &[u64], chunk: &[u64]) -> ArrayMetadata {
    ArrayBuilder::new(shape, "int32")
        .with_chunk_shape(chunk)
        .build()
        .unwrap()
}

fn objects(hierarchy: &Hierarchy, prefix: &str) -> Vec<String> {
    use futures::TryStreamExt;
    let listing = hierarchy.store().list_keys(prefix).try_concat();
    let mut keys = blocking::runtime().block_on(listing).unwrap();
    keys.sort();
    keys
}

#[test]
fn nodes_are_opened_or_created() {
    let hierarchy = open("memory:").unwrap();
    assert!(!hierarchy.exists("g").unwrap());
    let group = hierarchy
        .open_or_create_group("g", Attributes::new().with("a", 1).unwrap())
        .unwrap();
    let again = hierarchy
        .open_or_create_group("g", Attributes::new())
        .unwrap();
    assert_eq!(again.attributes().get::<i32>("a").unwrap(), Some(1));
    group
        .open_or_create_array("x", metadata(&[4], &[2]))
        .unwrap()
        .write(.., 5)
        .unwrap();
    let array = hierarchy
        .open_or_create_array("g/x", metadata(&[9], &[3]))
        .unwrap();
    assert_eq!(array.read::<i32>(..).unwrap().sum(), 20);
    assert!(group.exists("x").unwrap() && !group.exists("y").unwrap());
    let error = hierarchy
        .open_or_create_array("g", metadata(&[1], &[1]))
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NodeType);
    let replaced = group
        .replace("x", metadata(&[9], &[3]).into())
        .unwrap()
        .into_array()
        .unwrap();
    assert_eq!(
        (replaced.shape(), replaced.read::<i32>(..).unwrap().sum()),
        (&[9][..], 0)
    );
    let error = hierarchy
        .create_array("g/x", metadata(&[1], &[1]))
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.node().unwrap().as_str()),
        (ErrorKind::AlreadyExists, "g/x")
    );
}

#[test]
fn writers_who_append_do_not_collide() {
    let hierarchy = open("memory:").unwrap();
    let metadata = ArrayBuilder::new(&[3, 2], "int32")
        .with_chunk_shape(&[4, 2])
        .with_shard_shape(&[8, 2])
        .with_dimension_names(["time", "x"])
        .build()
        .unwrap();
    let first = hierarchy.create_array("a", metadata).unwrap();
    first.write(.., 1000).unwrap();
    let mut taken = std::thread::scope(|scope| {
        let writers = (0..4).map(|writer| {
            let mut array = hierarchy.array("a").unwrap();
            scope.spawn(move || {
                (0..10)
                    .map(|step| {
                        let rows = 1 + (writer + step) % 3;
                        let data = Array2::from_elem((rows as usize, 2), writer * 100 + step);
                        let range = array.append("time", data).unwrap();
                        (range, writer * 100 + step)
                    })
                    .collect::<Vec<_>>()
            })
        });
        let writers = writers.collect::<Vec<_>>();
        writers
            .into_iter()
            .flat_map(|writer| writer.join().unwrap())
            .collect::<Vec<_>>()
    });
    taken.sort_by_key(|(range, _)| range.start);
    let array = hierarchy.array("a").unwrap();
    let mut end = 3;
    for (range, value) in taken {
        assert_eq!(range.start, end);
        end = range.end;
        let found = array.read::<Array2<i32>>(range.clone()).unwrap();
        assert!(
            found.iter().all(|&found| found == value),
            "{range:?}: {found}"
        );
    }
    assert_eq!(array.shape(), [end, 2]);
    assert_eq!(array.read::<i32>(..3).unwrap().sum(), 6000);
}

/// Reserved elements are written later, through the handle that reserved them or through another.
/// Both merge into the chunk that they share, although each covers all elements that its handle
/// sees.
#[test]
fn reserved_elements_are_written_in_any_order() {
    let hierarchy = open("memory:").unwrap();
    let mut first = hierarchy
        .create_array("a", metadata(&[0, 2], &[8, 2]))
        .unwrap();
    let mut second = hierarchy.array("a").unwrap();
    assert_eq!(first.reserve(0, 3).unwrap(), 0..3);
    assert_eq!(second.reserve(0, 4).unwrap(), 3..7);
    let third = hierarchy.array("a").unwrap().open_ended(0).unwrap();
    assert_eq!(first.reserve(0, 1).unwrap(), 7..8);
    third.write(3..7, 2).unwrap();
    first.write(0..3, 1).unwrap();
    first.write(7..8, 3).unwrap();
    let array = hierarchy.array("a").unwrap();
    let rows = array.read::<Array2<i32>>(..).unwrap();
    assert_eq!(rows.column(0).to_vec(), [1, 1, 1, 2, 2, 2, 2, 3]);

    second.extend_to(0, 12).unwrap();
    second.extend_to(0, 5).unwrap();
    assert_eq!(second.shape(), [12, 2]);
    assert_eq!(first.reserve(0, 0).unwrap(), 12..12);
    assert_eq!(
        first.reserve(0, u64::MAX).unwrap_err().kind(),
        ErrorKind::TooLarge
    );
    assert_eq!(
        first.reserve("time", 1).unwrap_err().kind(),
        ErrorKind::Selection
    );
    // The handle still merges after a change of attributes.
    let mut attributes = zarr::Attributes::new();
    attributes.set("k", &1).unwrap();
    first.set_attributes(attributes).unwrap();
    let mut other = hierarchy.array("a").unwrap();
    assert_eq!(other.append(0, &[9, 9]).unwrap(), 12..13);
    first.write(8..12, 4).unwrap();
    let array = hierarchy.array("a").unwrap();
    assert_eq!(array.read::<i32>((12, ..)).unwrap().sum(), 18);
}

#[test]
fn reserved_indices_belong_to_one_writer() {
    let hierarchy = open("memory:").unwrap();
    let mut array = hierarchy.create_array("a", metadata(&[3], &[4])).unwrap();
    array.write(.., 1).unwrap();
    let mut other = hierarchy.array("a").unwrap();
    let range = array.reserve(0, 2).unwrap();
    assert_eq!((range.clone(), array.shape()), (3..5, &[5][..]));
    // Another writer appends to the last chunk before the elements are written.
    assert_eq!(other.append(0, ndarray::array![7]).unwrap(), 5..6);
    array.write(range, 5).unwrap();
    let found = hierarchy.array("a").unwrap().read::<i32>(..).unwrap();
    assert_eq!(found.into_raw_vec_and_offset().0, [1, 1, 1, 5, 5, 7]);
    let range = array.reserve(0, 0).unwrap();
    assert_eq!((range, array.shape()), (6..6, &[6][..]));
    assert!(array.reserve(1, 1).is_err());
}

#[test]
fn what_does_not_fit_is_not_appended() {
    let hierarchy = open("memory:").unwrap();
    let mut array = hierarchy
        .create_array("a", metadata(&[2, 3], &[1, 3]))
        .unwrap();
    let kind = |result: zarr::Result<std::ops::Range<u64>>| result.unwrap_err().kind();
    assert_eq!(
        kind(array.append(0, Array2::<i32>::zeros((1, 4)))),
        ErrorKind::Selection
    );
    assert_eq!(
        kind(array.append(2, Array2::<i32>::zeros((1, 3)))),
        ErrorKind::Selection
    );
    assert_eq!(
        kind(array.append("time", Array2::<i32>::zeros((1, 3)))),
        ErrorKind::Selection
    );
    assert_eq!(kind(array.append(0, 7)), ErrorKind::Selection);
    assert_eq!(
        kind(array.append(0, Array2::<f32>::zeros((1, 3)))),
        ErrorKind::ElementType
    );
    assert_eq!(hierarchy.array("a").unwrap().shape(), [2, 3]);
    let mut other = hierarchy.array("a").unwrap();
    assert_eq!(array.append(1, Array1::from(vec![1, 2])).unwrap(), 3..4);
    assert_eq!(
        kind(other.append(0, Array2::<i32>::zeros((1, 3)))),
        ErrorKind::Changed
    );
    assert_eq!(array.append(0, &[1, 2, 3, 4]).unwrap(), 2..3);
    assert_eq!(
        array
            .read::<i32>((2, ..))
            .unwrap()
            .into_raw_vec_and_offset()
            .0,
        [1, 2, 3, 4]
    );
    assert_eq!(
        array
            .read::<i32>((..2, 3))
            .unwrap()
            .into_raw_vec_and_offset()
            .0,
        [1, 2]
    );
}

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

    let kind = |result: zarr::Result<blocking::Node>| result.unwrap_err().kind();
    assert_eq!(
        kind(local.copy("now", &local, "now/deep/x")),
        ErrorKind::Invalid
    );
    assert_eq!(
        kind(local.copy("now/deep", &local, "now")),
        ErrorKind::Invalid
    );
    assert_eq!(
        kind(local.copy("none", &local, "x")),
        ErrorKind::NodeNotFound
    );
    assert_eq!(
        kind(local.copy("now/b", &local, "archive")),
        ErrorKind::AlreadyExists
    );
    assert_eq!(
        kind(local.copy("archive", &local, "now/b/c")),
        ErrorKind::NodeType
    );
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
    let put = |key: &str, text: &str| {
        let put = hierarchy.store().put(
            key,
            vec![text.to_owned().into()],
            zarr::store::Precondition::None,
        );
        blocking::runtime().block_on(put).unwrap();
    };
    put("old/.zgroup", r#"{"zarr_format": 2}"#);
    put(
        "old/a/.zarray",
        r#"{"zarr_format": 2, "shape": [2], "chunks": [2], "dtype": "|u1", "compressor": null, "fill_value": 7, "order": "C", "filters": null}"#,
    );
    put("old/a/0", "ab");
    put(
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
fn attributes_are_typed() {
    #[derive(serde::Deserialize, serde::Serialize, PartialEq, Debug)]
    struct Scan {
        voxel: [f64; 3],
        subject: Option<String>,
    }
    let hierarchy = open("memory:").unwrap();
    let scan = Scan {
        voxel: [0.5, 0.5, 1.0],
        subject: None,
    };
    let mut group = hierarchy
        .create_group("g", Attributes::new().with("kept", [1]).unwrap())
        .unwrap();
    group.update_attributes(&scan).unwrap();
    assert_eq!(
        hierarchy
            .group("g")
            .unwrap()
            .attributes_as::<Scan>()
            .unwrap(),
        scan
    );
    assert_eq!(group.attributes_as::<Value>().unwrap()["kept"], json!([1]));
    assert_eq!(
        group.attributes_as::<Vec<i32>>().unwrap_err().kind(),
        ErrorKind::Invalid
    );
    assert_eq!(
        group.update_attributes(&[1, 2]).unwrap_err().kind(),
        ErrorKind::Invalid
    );
    let mut array = hierarchy.create_array("a", metadata(&[1], &[1])).unwrap();
    array.update_attributes(&scan).unwrap();
    assert_eq!(
        hierarchy
            .array("a")
            .unwrap()
            .attributes_as::<Scan>()
            .unwrap(),
        scan
    );
}

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
