//! Consolidated metadata of Zarr v2.

use super::*;

#[tokio::test]
async fn a_group_is_opened_listed_and_read_from_one_document() {
    let hierarchy = consolidated().await;
    let before = hierarchy.store().requests();
    let group = hierarchy.group("").await.unwrap();
    let opened = hierarchy.store().requests();
    assert_eq!(
        (opened.gets - before.gets, opened.lists - before.lists),
        (4, 0)
    );
    let children = group.children().await.unwrap();
    assert_eq!(
        children,
        [
            ("a".to_owned(), NodeKind::Array),
            ("g".to_owned(), NodeKind::Group)
        ]
    );
    let walked = group.walk().await.unwrap();
    let walked = walked
        .iter()
        .map(|(path, _)| path.as_str())
        .collect::<Vec<_>>();
    assert_eq!(walked, ["a", "g", "g/b"]);
    let array = group.array("a").await.unwrap();
    assert_eq!(
        array.attributes().get::<String>("units").unwrap().unwrap(),
        "K"
    );
    let below = group.group("g").await.unwrap();
    let names = below.children().await.unwrap();
    assert_eq!(names, [("b".to_owned(), NodeKind::Array)]);
    assert_eq!(below.array("b").await.unwrap().shape(), [4]);
    assert_eq!(group.array("g/b").await.unwrap().shape(), [4]);
    assert_eq!(
        group.attributes().get::<String>("title").unwrap().unwrap(),
        "x"
    );
    assert_eq!(group.members().await.unwrap().len(), 2);
    assert!(matches!(
        group.node("none").await,
        Err(Error::NodeNotFound { .. })
    ));
    assert_eq!(hierarchy.store().requests(), opened);
    assert!(group.check_consolidated().await.unwrap().is_empty());
}

#[tokio::test]
async fn opening_asks_no_more_than_before_without_copies() {
    let hierarchy = zarr::open("memory:").unwrap();
    put(&hierarchy, ".zgroup", GROUP).await;
    put(&hierarchy, "a/.zarray", zarray(&[4], &json!({}))).await;
    let gets = async |path: &str, group: bool| {
        let before = hierarchy.store().requests().gets;
        if group {
            hierarchy.group(path).await.unwrap();
        } else {
            hierarchy.array(path).await.unwrap();
        }
        hierarchy.store().requests().gets - before
    };
    assert_eq!(gets("", true).await, 4);
    assert_eq!(gets("a", false).await, 3);
    hierarchy
        .create_group("three", Attributes::new())
        .await
        .unwrap();
    let other = zarr::open("memory:").unwrap();
    other.create_group("", Attributes::new()).await.unwrap();
    let before = other.store().requests().gets;
    other.group("").await.unwrap();
    assert_eq!(other.store().requests().gets - before, 1);
}

#[tokio::test]
async fn a_change_through_a_consolidated_group_is_seen_through_it() {
    let hierarchy = consolidated().await;
    let group = hierarchy.group("").await.unwrap();
    let mut array = group.array("g/b").await.unwrap();
    array.resize(&[6]).await.unwrap();
    array
        .change_attributes(|old| Ok(old.clone().with("k", 2)?))
        .await
        .unwrap();
    let copies = json_of(&hierarchy, ".zmetadata").await.unwrap();
    assert_eq!(copies["metadata"]["g/b/.zarray"]["shape"], json!([6]));
    assert_eq!(copies["metadata"]["g/b/.zattrs"], json!({"k": 2}));
    assert_eq!(copies["writer"], json!("w"));
    let other = Hierarchy::new(hierarchy.store().clone(), zarr::registry());
    let group = other.group("").await.unwrap();
    assert_eq!(group.array("g/b").await.unwrap().shape(), [6]);
    assert!(group.check_consolidated().await.unwrap().is_empty());
}

#[tokio::test]
async fn groups_below_have_the_copies_of_what_is_below_them() {
    for zarr_2 in [true, false] {
        let hierarchy = consolidated().await;
        if !zarr_2 {
            hierarchy.convert_v2("").await.unwrap();
            hierarchy
                .group("")
                .await
                .unwrap()
                .consolidate()
                .await
                .unwrap();
        }
        let mut below = hierarchy.group("").await.unwrap().group("g").await.unwrap();
        assert_eq!(below.children().await.unwrap().len(), 1);
        below
            .change_attributes(|old| Ok(old.clone().with("k", 1)?))
            .await
            .unwrap();
        below.array("b").await.unwrap().resize(&[9]).await.unwrap();
        let other = Hierarchy::new(hierarchy.store().clone(), zarr::registry());
        let root = other.group("").await.unwrap();
        let again = root.group("g").await.unwrap();
        assert_eq!(again.attributes().get::<i32>("k").unwrap(), Some(1));
        assert_eq!(again.array("b").await.unwrap().shape(), [9]);
        assert!(root.check_consolidated().await.unwrap().is_empty());
        below.delete("b").await.unwrap();
        assert!(below.children().await.unwrap().is_empty());
        let root = other.group("").await.unwrap();
        assert!(
            root.group("g")
                .await
                .unwrap()
                .children()
                .await
                .unwrap()
                .is_empty()
        );
    }
}

#[tokio::test]
async fn deleting_takes_out_the_copies_first() {
    let hierarchy = consolidated().await;
    let mut group = hierarchy.group("").await.unwrap();
    group.delete("g").await.unwrap();
    let copies = json_of(&hierarchy, ".zmetadata").await.unwrap();
    let left = copies["metadata"]
        .as_object()
        .unwrap()
        .keys()
        .collect::<Vec<_>>();
    assert!(!left.iter().any(|key| key.starts_with("g/")), "{left:?}");
    assert!(left.iter().any(|key| *key == "other") && left.iter().any(|key| *key == "a/.zarray"));
    assert_eq!(group.children().await.unwrap().len(), 1);
    assert!(
        !keys(&hierarchy)
            .await
            .iter()
            .any(|key| key.starts_with("g/"))
    );
}

#[tokio::test]
async fn consolidating_writes_the_document_of_zarr_2() {
    let hierarchy = consolidated().await;
    let delete = hierarchy.store().delete(".zmetadata");
    delete.await.unwrap();
    let mut group = hierarchy.group("").await.unwrap();
    assert_eq!(group.children().await.unwrap().len(), 2);
    group.consolidate().await.unwrap();
    let copies = json_of(&hierarchy, ".zmetadata").await.unwrap();
    assert_eq!(copies["zarr_consolidated_format"], json!(1));
    assert_eq!(
        copies["metadata"]["a/.zarray"],
        json_of(&hierarchy, "a/.zarray").await.unwrap()
    );
    assert_eq!(copies["metadata"]["a/.zattrs"], json!({"units": "K"}));
    assert_eq!(copies["metadata"]["g/.zgroup"], json!({"zarr_format": 2}));
    put(&hierarchy, "late/.zarray", zarray(&[1], &json!({}))).await;
    let group = hierarchy.group("").await.unwrap();
    assert_eq!(
        group.check_consolidated().await.unwrap(),
        [(NodePath::parse("late").unwrap(), Difference::Added)]
    );
    assert!(json_of(&hierarchy, "zarr.json").await.is_none());
}
