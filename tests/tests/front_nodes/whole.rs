//! Nothing but a node is deleted or replaced, and no copy deletes its source; arrays that another
//! has replaced.

use zarr::{Array, Error, GroupMetadata, Store};

use super::*;

fn filled(hierarchy: &Hierarchy, path: &str) {
    let array = hierarchy.create_array(path, metadata(&[4], &[2])).unwrap();
    array.write(.., 7).unwrap();
}

fn remove(hierarchy: &Hierarchy, key: &str) {
    let removed = hierarchy.store().delete(key);
    blocking::runtime().block_on(removed).unwrap();
}

fn is_whole(hierarchy: &Hierarchy, path: &str) -> bool {
    let array = hierarchy.array(path).unwrap();
    array.read::<i32>(..).unwrap().sum() == 28
}

/// Opens one place twice, in several ways: pairs of hierarchies with the path of the second in the
/// first.
fn opened_twice(folder: &std::path::Path) -> Vec<(Hierarchy, Hierarchy, &'static str)> {
    let root = folder.join("data");
    std::fs::create_dir_all(root.join("g")).unwrap();
    std::os::unix::fs::symlink(&root, folder.join("link")).unwrap();
    let at = |path: std::path::PathBuf| open(path.to_str().unwrap()).unwrap();
    let of = |store: &Store| Hierarchy::new(store.clone(), zarr::registry());
    let memory = Store::memory();
    let named = open("memory://places").unwrap();
    vec![
        (of(&memory), of(&memory), ""),
        (of(&memory), of(&memory.with_prefix("g").unwrap()), "g"),
        (named.clone(), open("memory://places").unwrap(), ""),
        (named.clone(), open("memory://places/g").unwrap(), "g"),
        (at(root.clone()), at(folder.join("link")), ""),
        (at(root.clone()), at(root.join("g/../g")), "g"),
        (at(root.join("g")), at(root.join("g")), ""),
        (at(root.clone()), at(folder.join("link/g")), "g"),
    ]
}

#[test]
fn a_node_is_never_copied_over_itself_or_into_itself() {
    let folder = tempfile::tempdir().unwrap();
    for (number, (first, second, below)) in opened_twice(folder.path()).into_iter().enumerate() {
        let source = format!("n{number}");
        let inner = source.clone() + "/a";
        filled(&second, &inner);
        let outer = match below {
            "" => source.clone(),
            below => format!("{below}/{source}"),
        };
        for overwrite in [false, true] {
            for target in [outer.clone(), outer.clone() + "/a", outer.clone() + "/b"] {
                let error = second
                    .copy_with(&source, &first, &target, overwrite, |_, _| {})
                    .unwrap_err();
                assert_eq!(
                    error.kind(),
                    ErrorKind::Invalid,
                    "{number} {target} {error}"
                );
                assert!(error.to_string().contains("own path"), "{error}");
                let error = second
                    .transfer(&source, &first, &target, Default::default(), |_| {})
                    .unwrap_err();
                assert_eq!(
                    error.kind(),
                    ErrorKind::Invalid,
                    "{number} {target} {error}"
                );
            }
            // Over the group that contains it.
            second
                .copy_with(&inner, &first, &outer, overwrite, |_, _| {})
                .unwrap_err();
            assert!(is_whole(&second, &inner), "{number}");
        }
        let beside = outer.clone() + "b";
        second.copy(&source, &first, &beside).unwrap();
        assert!(is_whole(&first, &(beside + "/a")));
    }
}

#[test]
fn an_overwriting_copy_lists_its_source_first() {
    use zarr_store::testing::{Fault, FaultStore, Operation, Rule};

    let faults = FaultStore::new(object_store::memory::InMemory::new());
    let store = Store::new(std::sync::Arc::new(faults.clone()), "faults");
    let (source, target) = (
        Hierarchy::new(store, zarr::registry()),
        open("memory:").unwrap(),
    );
    filled(&source, "a");
    filled(&target, "b");
    faults.add(Rule::new(Operation::List, "*", Fault::PermissionDenied));
    source
        .copy_with("a", &target, "b", true, |_, _| {})
        .unwrap_err();
    assert!(is_whole(&target, "b"));
}

#[test]
fn only_nodes_are_deleted() {
    let folder = tempfile::tempdir().unwrap();
    for hierarchy in [
        open("memory:").unwrap(),
        open(folder.path().to_str().unwrap()).unwrap(),
    ] {
        filled(&hierarchy, "g/a");
        put(&hierarchy, "photos/2021/1.jpg", "a photo");
        put(&hierarchy, "README", "text");
        put(&hierarchy, "implicit/a/.zarray", "{}");
        let before = objects(&hierarchy, "");
        for (path, named) in [
            ("g/a/c", "array /g/a"),
            ("g/a/c/0", ""),
            ("photos", "photos/2021/1.jpg"),
            ("photos/2021", "photos/2021/1.jpg"),
            ("implicit", "implicit/a/.zarray"),
        ] {
            match hierarchy.delete(path) {
                Ok(()) => assert_eq!(named, "", "{path}"),
                Err(error) => {
                    assert!(matches!(error, Error::NotANode { .. }), "{error}");
                    assert_eq!(error.kind(), ErrorKind::Invalid);
                    assert_eq!(error.node().unwrap().as_str(), path);
                    assert!(error.to_string().contains(named), "{error}");
                }
            }
            assert_eq!(objects(&hierarchy, ""), before, "{path}");
        }
        hierarchy.delete("nothing/here").unwrap();
    }
    let hierarchy = open("memory:").unwrap();
    put(&hierarchy, "README", "text");
    hierarchy.delete("").unwrap_err();
    assert_eq!(objects(&hierarchy, ""), ["README"]);
}

#[test]
fn only_nodes_are_replaced_and_other_files_without_a_node_stay() {
    let folder = tempfile::tempdir().unwrap();
    for hierarchy in [
        open("memory:").unwrap(),
        open(folder.path().to_str().unwrap()).unwrap(),
    ] {
        put(&hierarchy, "notes.txt", "text");
        let new = || metadata(&[4], &[2]).into();
        hierarchy
            .replace("", GroupMetadata::default().into())
            .unwrap();
        assert_eq!(objects(&hierarchy, ""), ["notes.txt", "zarr.json"]);
        put(&hierarchy, "photos/2021/1.jpg", "a photo");
        put(
            &hierarchy,
            "photos/c/0",
            "a chunk of an interrupted deletion",
        );
        hierarchy.replace("photos", new()).unwrap();
        assert_eq!(
            objects(&hierarchy, "photos"),
            ["photos/2021/1.jpg", "photos/zarr.json"]
        );
        filled(&hierarchy, "implicit/a");
        remove(&hierarchy, "implicit/zarr.json");
        for (path, kind) in [
            ("implicit", ErrorKind::Invalid),
            ("implicit/a/c", ErrorKind::NodeType),
        ] {
            let error = hierarchy.replace(path, new()).unwrap_err();
            assert_eq!(error.kind(), kind, "{error}");
            assert!(is_whole(&hierarchy, "implicit/a"), "{path}");
        }
        // A node is replaced with whatever lies in it.
        put(&hierarchy, "photos/.DS_Store", "");
        hierarchy.replace("photos", new()).unwrap();
        assert_eq!(objects(&hierarchy, "photos"), ["photos/zarr.json"]);
    }
}

#[test]
fn a_group_without_a_document_is_deleted_once_it_has_one() {
    let hierarchy = open("memory:").unwrap();
    put(&hierarchy, ".zgroup", "{\"zarr_format\": 2}");
    let array = hierarchy.create_array("g/a", metadata(&[4], &[2])).unwrap();
    array.write(.., 1).unwrap();
    put(&hierarchy, "other", "");
    remove(&hierarchy, "g/.zgroup");
    hierarchy.delete("g").unwrap_err();
    hierarchy.create_group("g", Attributes::new()).unwrap();
    hierarchy.delete("g").unwrap();
    assert!(objects(&hierarchy, "g").is_empty());
}

#[test]
fn an_interrupted_deletion_can_be_run_again() {
    for (key, text) in [
        ("a/zarr.json", None),
        ("a/.zarray", Some("{\"zarr_format\": 2}")),
    ] {
        let hierarchy = open("memory:").unwrap();
        if let Some(text) = text {
            put(&hierarchy, ".zgroup", text);
        }
        filled(&hierarchy, "a");
        remove(&hierarchy, key);
        assert_eq!(objects(&hierarchy, "a").len(), 2);
        hierarchy.delete("a").unwrap();
        assert!(objects(&hierarchy, "a").is_empty());
    }
}

#[test]
fn a_handle_of_a_replaced_array_changes_nothing() {
    type Change = fn(&mut blocking::Array) -> zarr::Result<()>;
    let changes: [Change; 5] = [
        |array| array.append(1, Array2::<i32>::ones((4, 2))).map(drop),
        |array| array.resize(&[8, 8]),
        |array| array.set_attributes(Attributes::new()),
        |array| array.reserve(1, 3).map(drop),
        |array| {
            array
                .append_published(1, Array2::<i32>::ones((4, 2)))
                .map(drop)
        },
    ];
    for change in changes {
        for new in [
            metadata(&[4], &[2]),
            metadata(&[4, 4, 4], &[2, 2, 2]),
            metadata(&[4, 4], &[3, 3]),
            ArrayBuilder::new(&[4, 4], "uint8").build().unwrap(),
        ] {
            let hierarchy = open("memory:").unwrap();
            let mut array = hierarchy
                .create_array("a", metadata(&[4, 4], &[2, 2]))
                .unwrap();
            array.reserve(0, 0).unwrap();
            hierarchy.replace("a", new.clone().into()).unwrap();
            let shape = array.shape().to_vec();
            let error = change(&mut array).unwrap_err();
            assert!(matches!(error, Error::StaleHandle { .. }), "{error}");
            assert_eq!(array.shape(), shape);
            assert_eq!(objects(&hierarchy, "a"), ["a/zarr.json"]);
            assert_eq!(hierarchy.array("a").unwrap().shape(), new.shape());
        }
    }
}

#[test]
fn options_of_a_handle_outlive_changes() {
    let hierarchy = open("memory:").unwrap();
    let sharded = ArrayBuilder::new(&[8], "int32")
        .with_chunk_shape(&[1])
        .with_shard_shape(&[8]);
    let array = hierarchy.create_array("a", sharded.build().unwrap());
    let options = zarr::ReadOptions { whole_shard: 100 };
    let mut array = array.unwrap().with_read_options(options);
    let requests = |array: &blocking::Array| array.plan_read(..6).unwrap().requests();
    assert_eq!(requests(&array), 2);
    array.set_attributes(Attributes::new()).unwrap();
    assert_eq!(requests(&array), 2);
    array.append(0, &[1, 2]).unwrap();
    assert_eq!(requests(&array), 2);
    array.resize(&[9]).unwrap();
    assert_eq!(requests(&array), 2);
    let array: Array = array.open_ended(0).unwrap().into();
    assert_eq!(requests(&array.into()), 2);
}
