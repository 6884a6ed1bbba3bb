//! Changed, resized and deleted nodes: no update of another writer is lost, and no consolidated
//! copy describes a deleted node.

#![expect(clippy::unwrap_used, reason = "tests")]

use futures::TryStreamExt;
use ndarray::{arr0, s};
use zarr::{Array, ArrayBuilder, Attributes, Error, Hierarchy, WriteOptions, open, registry};
use zarr_core::Limits;
use zarr_store::Precondition;
use zarr_tests::origin::Origin;
use zarr_tests::proxy::{Fault, Proxy, Rule};

async fn keys(hierarchy: &Hierarchy, prefix: &str) -> Vec<String> {
    let keys = hierarchy.store().list_keys(prefix).try_concat();
    keys.await.unwrap()
}

fn units() -> Attributes {
    Attributes::new().with("units", "K").unwrap()
}

/// Returns the sum of an array's elements.
async fn sum(array: &Array) -> i32 {
    array.read::<i32>(s![..]).await.unwrap().sum()
}

async fn line(hierarchy: &Hierarchy, path: &str, len: u64, chunk: u64) -> Array {
    let metadata = ArrayBuilder::new(&[len], "int32").with_chunk_shape(&[chunk]);
    hierarchy
        .create_array(path, metadata.build().unwrap())
        .await
        .unwrap()
}

#[tokio::test]
async fn shrinking_takes_one_listing_and_the_deletion_of_what_is_stored() {
    let hierarchy = open("memory:").unwrap();
    let metadata = ArrayBuilder::new(&[1 << 40, 1 << 20], "int32").with_chunk_shape(&[10, 10]);
    let mut array = hierarchy
        .create_array("a", metadata.build().unwrap())
        .await
        .unwrap();
    let far = 1 << 30;
    array.write(s![0..3, 0..25], arr0(1)).await.unwrap();
    array.write(s![far..far + 3, 7], arr0(2)).await.unwrap();
    let before = hierarchy.store().requests();
    array.resize(&[15, 12]).await.unwrap();
    let after = hierarchy.store().requests();
    assert_eq!(
        (after.lists - before.lists, after.deletes - before.deletes),
        (1, 2)
    );
    array.resize(&[1 << 40, 1 << 20]).await.unwrap();
    assert_eq!(
        array.read::<i32>(s![0..20, 0..30]).await.unwrap().sum(),
        3 * 12
    );
    assert_eq!(
        array.read::<i32>(s![far..far + 3, 7]).await.unwrap().sum(),
        0
    );
}

#[tokio::test]
async fn shrinking_leaves_no_chunk_of_fill_values_whatever_the_options() {
    let hierarchy = open("memory:").unwrap();
    let array = line(&hierarchy, "a", 8, 2).await;
    let mut array = array.with_write_options(WriteOptions {
        store_fill: true,
        ..Default::default()
    });
    array.write(s![..], arr0(3)).await.unwrap();
    array.resize(&[3]).await.unwrap();
    let mut keys = keys(&hierarchy, "a").await;
    keys.sort();
    assert_eq!(keys, ["a/c/0", "a/c/1", "a/zarr.json"]);
}

#[tokio::test]
async fn a_stale_handle_changes_neither_shape_nor_chunks() {
    for new in [10, 4, 12] {
        let hierarchy = open("memory:").unwrap();
        let mut stale = line(&hierarchy, "a", 8, 2).await;
        stale.write(s![..], arr0(1)).await.unwrap();
        let mut other = hierarchy.array("a").await.unwrap();
        other.resize(&[16]).await.unwrap();
        other.write(s![8..], arr0(9)).await.unwrap();
        let error = stale.resize(&[new]).await.unwrap_err();
        assert!(matches!(error, Error::StaleHandle { .. }), "{error}");
        let now = hierarchy.array("a").await.unwrap();
        assert_eq!((now.shape(), sum(&now).await), (&[16][..], 8 + 8 * 9));
    }
    // Attributes set by another writer do not cause a refusal.
    let hierarchy = open("memory:").unwrap();
    let mut array = line(&hierarchy, "a", 8, 2).await;
    let mut other = hierarchy.array("a").await.unwrap();
    other.set_attributes(units()).await.unwrap();
    array.resize(&[6]).await.unwrap();
    assert!(array.attributes().get::<String>("units").unwrap().is_some());
}

#[tokio::test]
async fn deleted_and_changed_nodes_leave_no_copy_in_any_group_above() {
    let hierarchy = open("memory:").unwrap();
    for path in ["g/h/a", "g/h/ab", "g/b"] {
        let array = line(&hierarchy, path, 4, 2).await;
        array.write(s![..], arr0(7)).await.unwrap();
    }
    for path in ["", "g", "g/h"] {
        hierarchy
            .group(path)
            .await
            .unwrap()
            .consolidate()
            .await
            .unwrap();
    }
    let mut root = hierarchy.group("").await.unwrap();
    let mut b = root.array("g/b").await.unwrap();
    b.set_attributes(units()).await.unwrap();
    assert!(
        root.array("g/b")
            .await
            .unwrap()
            .attributes()
            .get::<String>("units")
            .unwrap()
            .is_some()
    );
    root.delete("g/h/a").await.unwrap();
    assert!(root.array("g/h/a").await.is_err());
    // Another process sees the changes.
    let other = Hierarchy::new(hierarchy.store().clone(), zarr::registry());
    for path in ["", "g", "g/h"] {
        let group = other.group(path).await.unwrap();
        assert!(group.metadata().consolidated().is_some());
        let nodes = group.walk().await.unwrap();
        let paths = nodes
            .iter()
            .map(|(path, _)| path.as_str())
            .collect::<Vec<_>>();
        assert!(!paths.contains(&"g/h/a"), "{path:?}: {paths:?}");
        assert!(paths.contains(&"g/h/ab"), "{path:?}: {paths:?}");
    }
    let b = other.group("").await.unwrap().array("g/b").await.unwrap();
    assert!(b.attributes().get::<String>("units").unwrap().is_some());
    hierarchy.delete("g").await.unwrap();
    let root = other.group("").await.unwrap();
    assert!(root.walk().await.unwrap().is_empty());
}

#[tokio::test]
async fn nothing_of_zarr_2_is_hidden_or_half_changed() {
    let hierarchy = open("memory:").unwrap();
    let put = async |key: &str, text: &str| {
        let bytes = vec![text.to_owned().into()];
        hierarchy
            .store()
            .put(key, bytes, Precondition::None)
            .await
            .unwrap();
    };
    let array = r#"{"zarr_format": 2, "shape": [4], "chunks": [2], "dtype": "<i4", "compressor": null, "fill_value": 0, "order": "C", "filters": null}"#;
    put("old/.zgroup", r#"{"zarr_format": 2}"#).await;
    put("old/a/.zarray", array).await;
    let metadata = || {
        let plain = ArrayBuilder::new(&[4], "int32");
        plain.with_shard_shape(&[4]).build().unwrap()
    };
    for (path, expected) in [
        ("old/new", "convert"),
        ("old/deep/new", "convert"),
        ("old/a", "convert"),
        ("old", "exists"),
    ] {
        let error = hierarchy
            .create_array(path, metadata())
            .await
            .unwrap_err()
            .to_string();
        assert!(error.contains(expected), "{path}: {error}");
    }
    for path in ["old/a", "old"] {
        let error = hierarchy.create_group(path, Attributes::new()).await;
        let error = error.unwrap_err().to_string();
        assert!(error.contains("exists"), "{path}: {error}");
    }
    let mut array = hierarchy.array("old/a").await.unwrap();
    array.write(s![..], arr0(3)).await.unwrap();
    array.resize(&[6]).await.unwrap();
    array.set_attributes(Attributes::new()).await.unwrap();
    assert_eq!(sum(&hierarchy.array("old/a").await.unwrap()).await, 12);
    let keys = keys(&hierarchy, "").await;
    assert!(
        !keys.iter().any(|key| key.ends_with("zarr.json")),
        "{keys:?}"
    );
}

#[tokio::test]
async fn many_writers_of_one_document_all_get_their_change_in() {
    let hierarchy = open("memory:").unwrap();
    hierarchy
        .create_group("g", Attributes::new())
        .await
        .unwrap();
    let writers = (0..24).map(|writer| {
        let hierarchy = hierarchy.clone();
        tokio::spawn(async move {
            let mut group = hierarchy.group("g").await.unwrap();
            let change = |attributes: &Attributes| {
                let mut attributes = attributes.clone();
                attributes.set(&format!("w{writer}"), writer)?;
                Ok(attributes)
            };
            group.change_attributes(change).await
        })
    });
    for result in futures::future::join_all(writers).await {
        result.unwrap().unwrap();
    }
    let group = hierarchy.group("g").await.unwrap();
    assert_eq!(group.attributes().iter().count(), 24);
}

#[tokio::test]
async fn a_document_may_be_as_large_as_the_limit_allows() {
    let hierarchy = open("memory:").unwrap();
    let text = "x".repeat(70 << 20);
    let attributes = Attributes::new().with("text", &text).unwrap();
    hierarchy.create_group("g", attributes).await.unwrap();
    let group = hierarchy.group("g").await.unwrap();
    assert_eq!(
        group.attributes().get::<String>("text").unwrap(),
        Some(text)
    );
    let limits = Limits {
        max_document_size: 1000,
        ..Limits::default()
    };
    let small = Hierarchy::new(hierarchy.store().clone(), registry().with_limits(limits));
    let error = small.group("g").await.unwrap_err().to_string();
    assert!(
        error.contains("g/zarr.json") && error.contains("limit of 1000"),
        "{error}"
    );
}

/// Creates a hierarchy of Zarr v3 or 2 with consolidated metadata in three groups above `g/h/a`, an
/// array of sevens.
async fn consolidated_thrice(is_zarr_2: bool) -> Hierarchy {
    consolidated_in(open("memory:").unwrap(), is_zarr_2).await
}

async fn consolidated_in(hierarchy: Hierarchy, is_zarr_2: bool) -> Hierarchy {
    if is_zarr_2 {
        let zgroup = vec![r#"{"zarr_format": 2}"#.into()];
        let put = hierarchy.store().put(".zgroup", zgroup, Precondition::None);
        put.await.unwrap();
    }
    for path in ["g/h/a", "g/h/ab"] {
        let array = line(&hierarchy, path, 8, 2).await;
        array.write(s![..], arr0(7)).await.unwrap();
    }
    for path in ["", "g", "g/h"] {
        let mut group = hierarchy.group(path).await.unwrap();
        group.consolidate().await.unwrap();
    }
    hierarchy
}

/// Opens a hierarchy like another process.
fn elsewhere(hierarchy: &Hierarchy) -> Hierarchy {
    Hierarchy::new(hierarchy.store().clone(), registry())
}

#[tokio::test]
async fn another_shape_is_in_every_copy_above() {
    for is_zarr_2 in [false, true] {
        for len in [3, 12] {
            for through in [None, Some(""), Some("g/h")] {
                let hierarchy = consolidated_thrice(is_zarr_2).await;
                let mut array = match through {
                    None => hierarchy.array("g/h/a").await.unwrap(),
                    Some(group) => {
                        let group = hierarchy.group(group).await.unwrap();
                        let below = if group.path().as_str().is_empty() {
                            "g/h/a"
                        } else {
                            "a"
                        };
                        group.array(below).await.unwrap()
                    }
                };
                array.resize(&[len]).await.unwrap();
                let other = elsewhere(&hierarchy);
                for (group, path) in [("", "g/h/a"), ("g", "h/a"), ("g/h", "a")] {
                    let group = other.group(group).await.unwrap();
                    assert!(group.metadata().consolidated().is_some());
                    let array = group.array(path).await.unwrap();
                    assert_eq!(array.shape(), [len], "{is_zarr_2} {through:?} {group:?}");
                    assert_eq!(sum(&array).await, 7 * len.min(8) as i32);
                }
            }
        }
    }
}

#[tokio::test]
async fn what_replaces_a_node_is_in_the_copies_that_had_it() {
    for is_zarr_2 in [false, true] {
        let hierarchy = consolidated_thrice(is_zarr_2).await;
        let root = hierarchy.group("").await.unwrap();
        let new = ArrayBuilder::new(&[5], "int32").build().unwrap();
        hierarchy.replace("g/h/a", new.into()).await.unwrap();
        hierarchy
            .create_group("g/new", Attributes::new())
            .await
            .unwrap();
        assert_eq!(root.array("g/h/a").await.unwrap().shape(), [5]);
        let g = root.group("g").await.unwrap();
        let names = g.children().await.unwrap().into_iter();
        assert_eq!(names.map(|it| it.0).collect::<Vec<_>>(), ["h", "new"]);
        assert!(root.group("g/new").await.is_ok());
        assert_eq!(root.walk().await.unwrap().len(), 5);
        let other = elsewhere(&hierarchy);
        for (group, path) in [("", "g/h/a"), ("g", "h/a"), ("g/h", "a")] {
            let array = other.group(group).await.unwrap().array(path).await.unwrap();
            assert_eq!(array.shape(), [5], "{is_zarr_2} {group:?}");
        }
        // Copies the objects of a node directly, like another program.
        for key in keys(&hierarchy, "g/h/ab").await {
            let whole = zarr_store::ByteRange::Range(0..1 << 20);
            let found = hierarchy.store().get(&key, &whole, None).await.unwrap();
            let to = key.replace("g/h/ab", "g/moved");
            let bytes = vec![found.unwrap().bytes];
            let put = hierarchy.store().put(&to, bytes, Precondition::None);
            put.await.unwrap();
        }
        hierarchy.renew_copies_of("g/moved").await.unwrap();
        assert!(root.array("g/moved").await.is_ok());
        for (group, path) in [("", "g/moved"), ("g", "moved")] {
            let group = elsewhere(&hierarchy).group(group).await.unwrap();
            assert_eq!(sum(&group.array(path).await.unwrap()).await, 56);
        }
    }
}

#[tokio::test]
async fn changes_through_a_changed_subgroup_are_in_the_copies() {
    let hierarchy = consolidated_thrice(false).await;
    let root = hierarchy.group("").await.unwrap();
    let mut sub = root.group("g").await.unwrap();
    sub.set_attributes(units()).await.unwrap();
    let again = root.group("g").await.unwrap();
    let mut array = again.array("h/a").await.unwrap();
    array.set_attributes(units()).await.unwrap();
    array.resize(&[2]).await.unwrap();
    let other = elsewhere(&hierarchy).group("").await.unwrap();
    let array = other.array("g/h/a").await.unwrap();
    assert_eq!((array.shape(), sum(&array).await), (&[2][..], 14));
    assert!(array.attributes().get::<String>("units").unwrap().is_some());
}

#[tokio::test]
async fn changes_in_a_directory_of_a_hierarchy_are_in_the_copies_above_it() {
    for is_zarr_2 in [false, true] {
        let directory = tempfile::tempdir().unwrap();
        let at = |path: &str| {
            let directory = directory.path().join(path);
            open(directory.to_str().unwrap()).unwrap()
        };
        let hierarchy = consolidated_in(at("h"), is_zarr_2).await;
        let mut array = at("h/g/h/a").array("").await.unwrap();
        array.resize(&[3]).await.unwrap();
        array.set_attributes(units()).await.unwrap();
        let new = ArrayBuilder::new(&[5], "int32").build().unwrap();
        at("h/g").replace("h/ab", new.into()).await.unwrap();
        let other = elsewhere(&hierarchy);
        for (group, below) in [("", "g/h/"), ("g", "h/"), ("g/h", "")] {
            let group = other.group(group).await.unwrap();
            let array = group.array(&format!("{below}a")).await.unwrap();
            assert_eq!((array.shape(), sum(&array).await), (&[3][..], 21));
            assert!(array.attributes().get::<String>("units").unwrap().is_some());
            let array = group.array(&format!("{below}ab")).await.unwrap();
            assert_eq!((array.shape(), sum(&array).await), (&[5][..], 0));
        }
        at("h/g/h").delete("a").await.unwrap();
        let group = elsewhere(&hierarchy).group("").await.unwrap();
        assert!(group.array("g/h/a").await.is_err());
        assert!(group.array("g/h/ab").await.is_ok());
    }
}

#[tokio::test]
async fn one_node_that_is_not_understood_does_not_hide_the_others() {
    let hierarchy = consolidated_thrice(false).await;
    let whole = zarr_store::ByteRange::Range(0..1 << 20);
    for key in ["zarr.json", "g/h/a/zarr.json"] {
        let found = hierarchy.store().get(key, &whole, None).await.unwrap();
        let text = String::from_utf8(found.unwrap().bytes.to_vec()).unwrap();
        let text = text.replacen("\"bytes\"", "\"of.others\"", 1);
        let put = hierarchy
            .store()
            .put(key, vec![text.into()], Precondition::None);
        put.await.unwrap();
    }
    let root = elsewhere(&hierarchy).group("").await.unwrap();
    let group = root.group("g/h").await.unwrap();
    let names = group.members_each().await.unwrap().into_iter();
    let names = names
        .map(|(name, node)| (name, node.is_ok()))
        .collect::<Vec<_>>();
    assert_eq!(names, [("a".to_owned(), false), ("ab".to_owned(), true)]);
    assert_eq!(group.children().await.unwrap().len(), 2);
    let error = root.array("g/h/a").await.unwrap_err().to_string();
    let place = "zarr.json: consolidated_metadata.metadata.g/h/a: codecs[0]";
    assert!(error.starts_with(place), "{error}");
}

#[tokio::test]
async fn copies_further_above_are_renewed_where_one_group_denies_access() {
    let origin = Origin::start().await;
    let proxy = Proxy::start(&origin.address).await;
    let hierarchy = || Hierarchy::new(Origin::s3(&proxy.address, &[]), registry());
    let here = hierarchy();
    let mut array = line(&here, "mid/a", 4, 4).await;
    for group in ["mid", ""] {
        here.group(group)
            .await
            .unwrap()
            .consolidate()
            .await
            .unwrap();
    }
    proxy.add(Rule::new("PUT", "mid/zarr.json", Fault::Status(403)).always());
    array.set_attributes(units()).await.unwrap();
    proxy.clear();
    let there = hierarchy();
    let through = async |group: &str, path: &str| {
        let group = there.group(group).await.unwrap();
        group.array(path).await.unwrap().attributes().clone()
    };
    assert_eq!(through("", "mid/a").await, units());
    // The copy of the group that denies access cannot be renewed by this caller.
    assert_eq!(through("mid", "a").await, Attributes::new());
}
