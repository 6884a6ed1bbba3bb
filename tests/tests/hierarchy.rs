//! Groups, arrays and their documents: names, listing, attributes, consolidated metadata. Promise
//! P19 (paths stay inside).

#![expect(clippy::unwrap_used, reason = "tests")]

use bytes::Bytes;
use ndarray::{arr0, s};
use zarr::{ArrayBuilder, ArrayMetadata, Attributes, Error, Hierarchy, NodeKind, NodePath};
use zarr_store::{ByteRange, Precondition};

fn metadata() -> ArrayMetadata {
    ArrayBuilder::new(&[4], "int16")
        .with_chunk_shape(&[2])
        .build()
        .unwrap()
}

/// Names that the specification allows and that stores tend to alter.
const ODD: [&str; 14] = [
    "a b",
    "é",
    "e\u{301}",
    "日本",
    "%2e",
    "a%20b",
    "a~b[0]",
    "q?x=1",
    "#1",
    "a#b",
    "..c",
    "c",
    "0",
    "\u{1f600}'\"",
];

async fn each_store(test: impl AsyncFn(Hierarchy)) {
    let folder = tempfile::tempdir().unwrap();
    test(zarr::open("memory:").unwrap()).await;
    test(zarr::open(folder.path().to_str().unwrap()).unwrap()).await;
}

#[tokio::test]
async fn odd_names_are_kept_to_the_letter() {
    each_store(async |hierarchy| {
        for (number, name) in ODD.iter().enumerate() {
            let array = hierarchy
                .create_array(&format!("g/{name}/{name}"), metadata())
                .await
                .unwrap();
            array
                .write(.., arr0(i16::try_from(number).unwrap()))
                .await
                .unwrap();
        }
        let group = hierarchy.group("g").await.unwrap();
        let mut expected = ODD.map(|name| (name.to_owned(), NodeKind::Group)).to_vec();
        expected.sort_by(|(a, _), (b, _)| a.cmp(b));
        assert_eq!(group.children().await.unwrap(), expected);
        assert_eq!(group.walk().await.unwrap().len(), 2 * ODD.len());
        for (number, name) in ODD.iter().enumerate() {
            let array = group.group(name).await.unwrap().array(name).await.unwrap();
            assert_eq!(
                usize::try_from(array.read::<i16>(s![3]).await.unwrap().sum()),
                Ok(number),
                "{name}"
            );
        }
    })
    .await;
}

#[tokio::test]
async fn forbidden_names_reach_no_store() {
    each_store(async |hierarchy| {
        for path in [
            "..",
            "a/../b",
            "a//b",
            "a/",
            "...",
            "__x",
            "a/zarr.json",
            "a/\0",
        ] {
            let error = hierarchy.create_array(path, metadata()).await.unwrap_err();
            assert!(
                matches!(error.root(), Error::Core(zarr_core::Error::Path { .. })),
                "{path}: {error}"
            );
            assert!(hierarchy.node(path).await.is_err());
        }
    })
    .await;
}

#[tokio::test]
async fn nodes_are_created_once_below_groups_only() {
    each_store(async |hierarchy| {
        hierarchy.create_array("a/b/c", metadata()).await.unwrap();
        for path in ["", "a", "a/b"] {
            hierarchy.group(path).await.unwrap();
        }
        let error = hierarchy
            .create_array("a/b/c", metadata())
            .await
            .unwrap_err();
        assert!(matches!(error, Error::AlreadyExists { .. }), "{error}");
        assert!(matches!(
            hierarchy.create_group("a", Attributes::new()).await,
            Err(Error::AlreadyExists { .. })
        ));
        assert!(matches!(
            hierarchy.create_array("a/b/c/d", metadata()).await,
            Err(Error::NodeType { .. })
        ));
        assert!(matches!(
            hierarchy.group("a/b/c").await,
            Err(Error::NodeType { .. })
        ));
        assert!(matches!(
            hierarchy.array("a").await,
            Err(Error::NodeType { .. })
        ));
        let error = hierarchy.node("a/x").await.unwrap_err();
        assert!(matches!(error, Error::NodeNotFound { .. }), "{error}");
        assert!(error.to_string().ends_with("no node at /a/x"), "{error}");
    })
    .await;
}

#[tokio::test]
async fn deleting_a_node_leaves_those_whose_name_begins_alike() {
    each_store(async |hierarchy| {
        for path in ["a/b/c", "a/b/d/e", "a/bb", "a/b-x"] {
            hierarchy
                .create_array(path, metadata())
                .await
                .unwrap()
                .write(.., arr0(1_i16))
                .await
                .unwrap();
        }
        hierarchy.delete("a/b").await.unwrap();
        hierarchy.delete("a/b").await.unwrap();
        let left = hierarchy.group("").await.unwrap().walk().await.unwrap();
        let left = left
            .iter()
            .map(|(path, _)| path.as_str())
            .collect::<Vec<_>>();
        assert_eq!(left, ["a", "a/b-x", "a/bb"]);
        // A new array under the name contains no old chunks.
        let again = hierarchy.create_array("a/b/c", metadata()).await.unwrap();
        assert_eq!(again.read::<i16>(..).await.unwrap().sum(), 0);
    })
    .await;
}

#[tokio::test]
async fn documents_keep_what_is_not_ours_to_the_letter() {
    each_store(async |hierarchy| {
        let document = r#"{"zarr_format":3,"node_type":"array","shape":[4],"data_type":"float32",
            "chunk_grid":{"name":"regular","configuration":{"chunk_shape":[2]}},
            "chunk_key_encoding":"default","fill_value":"0xffc00001",
            "codecs":["bytes"],
            "x-note":{"must_understand":false,"big":123456789012345678901234567890},
            "attributes":{"pi":3.14000,"e":1E+2,"big":18446744073709551616,"é":[null,{"k":-0.0}]}}"#;
        let document = document.replace("\"bytes\"", r#"{"name":"bytes","configuration":{"endian":"big"}}"#);
        let body = vec![Bytes::from(document.clone())];
        hierarchy.store().put("a/zarr.json", body, Precondition::None).await.unwrap();
        let mut array = hierarchy.array("a").await.unwrap();
        let attributes = array.attributes().clone().with("new", [1, 2]).unwrap();
        array.set_attributes(attributes).await.unwrap();
        array.resize(&[3]).await.unwrap();
        let stored = hierarchy.store().get("a/zarr.json", &ByteRange::All, None).await.unwrap().unwrap();
        let stored = std::str::from_utf8(&stored.bytes).unwrap();
        for kept in
            ["123456789012345678901234567890", "3.14000", "1E+2", "18446744073709551616", "-0.0", "\"0xffc00001\""]
        {
            assert!(stored.contains(kept), "{kept} in {stored}");
        }
        assert!(stored.contains("\"shape\": [3]") && stored.contains("\"new\": [1, 2]"), "{stored}");
        let bits = hierarchy.array("a").await.unwrap().read::<f32>(s![0]).await.unwrap().sum().to_bits();
        assert_eq!(bits, 0xffc0_0001);
    })
    .await;
}

#[tokio::test]
async fn what_lies_beside_nodes_is_no_node() {
    each_store(async |hierarchy| {
        hierarchy.create_array("a", metadata()).await.unwrap();
        for key in [
            "README.md",
            "stray/file",
            "a/notes.txt",
            "__hidden/zarr.json",
        ] {
            let body = vec![Bytes::from_static(b"{}")];
            hierarchy
                .store()
                .put(key, body, Precondition::None)
                .await
                .unwrap();
        }
        let children = hierarchy.group("").await.unwrap().children().await.unwrap();
        assert_eq!(children, [("a".to_owned(), NodeKind::Array)]);
    })
    .await;
}

#[tokio::test]
async fn consolidated_metadata_opens_nodes_and_does_not_mislead_writers() {
    each_store(async |hierarchy| {
        hierarchy.create_array("g/a", metadata()).await.unwrap();
        hierarchy.create_array("g/h/b", metadata()).await.unwrap();
        hierarchy
            .group("g")
            .await
            .unwrap()
            .consolidate()
            .await
            .unwrap();
        let group = hierarchy.group("g").await.unwrap();
        let paths = group
            .walk()
            .await
            .unwrap()
            .into_iter()
            .map(|(path, _)| path)
            .collect::<Vec<_>>();
        assert_eq!(
            paths,
            ["g/a", "g/h", "g/h/b"].map(|path| NodePath::parse(path).unwrap())
        );
        let array = group.array("h/b").await.unwrap();
        array.write(.., arr0(3_i16)).await.unwrap();

        // Another process resizes the array.
        let other = Hierarchy::new(hierarchy.store().clone(), zarr::registry());
        let mut resized = other.array("g/a").await.unwrap();
        resized.resize(&[10]).await.unwrap();
        let stale = group.array("a").await.unwrap();
        assert_eq!(stale.shape(), [4]);
        let error = stale.write(.., arr0(1_i16)).await.unwrap_err();
        assert!(matches!(error, Error::StaleHandle { .. }), "{error}");
        assert_eq!(
            group
                .without_consolidated()
                .unwrap()
                .array("a")
                .await
                .unwrap()
                .shape(),
            [10]
        );
        hierarchy.delete("g/h").await.unwrap();
        let group = hierarchy.group("g").await.unwrap();
        for path in ["h", "h/b"] {
            let error = group.node(path).await.unwrap_err();
            assert!(matches!(error, Error::NodeNotFound { .. }), "{error}");
        }
    })
    .await;
}

#[tokio::test]
async fn growing_shows_fill_values_and_what_was_cut_off_does_not_come_back() {
    each_store(async |hierarchy| {
        let metadata = ArrayBuilder::new(&[10, 10], "uint8")
            .with_chunk_shape(&[2, 2])
            .with_shard_shape(&[4, 4]);
        let mut array = hierarchy
            .create_array("a", metadata.build().unwrap())
            .await
            .unwrap();
        array.write(.., arr0(1_u8)).await.unwrap();
        array.resize(&[5, 3]).await.unwrap();
        array.resize(&[10, 10]).await.unwrap();
        let found = array.read::<u8>(..).await.unwrap();
        assert!(
            found
                .indexed_iter()
                .all(|(index, &value)| value == u8::from(index[0] < 5 && index[1] < 3))
        );
        assert!(array.resize(&[10]).await.is_err());
        assert_eq!(hierarchy.array("a").await.unwrap().shape(), [10, 10]);
    })
    .await;
}

#[tokio::test]
async fn names_and_kinds_of_copies_are_listed_without_the_rest_of_their_documents() {
    each_store(async |hierarchy| {
        let copies = r#"{"zarr_format": 3, "node_type": "group", "consolidated_metadata": {"kind": "inline",
            "must_understand": false, "metadata": {
            "g/odd": {"zarr_format": 3, "node_type": "array", "shape": "none"},
            "g": {"zarr_format": 3, "node_type": "group"}}}}"#;
        let store = hierarchy.store();
        store
            .put("zarr.json", vec![copies.into()], Precondition::None)
            .await
            .unwrap();
        let group = hierarchy.group("").await.unwrap();
        let path = |path: &str| NodePath::parse(path).unwrap();
        assert_eq!(
            group.walk().await.unwrap(),
            [
                (path("g"), NodeKind::Group),
                (path("g/odd"), NodeKind::Array)
            ]
        );
        assert!(group.array("g/odd").await.is_err());
    })
    .await;
}
