//! The contract of [`Store`], written once and run on every backend.

use std::sync::Arc;

use bytes::Bytes;
use futures::TryStreamExt;

use super::{faulty, pattern, put, read, read_ranges};
use crate::{ByteRange, Entry, ErrorKind, Precondition, Revalidated, Store, Version};

#[tokio::test]
async fn memory_keeps_the_contract() {
    store_suite(Store::memory()).await;
}

#[tokio::test]
async fn local_keeps_the_contract() {
    let directory = tempfile::tempdir().unwrap();
    store_suite(Store::local(directory.path().join("not/yet")).unwrap()).await;
}

#[tokio::test]
async fn any_object_store_keeps_the_contract() {
    store_suite(faulty().0).await;
}

#[tokio::test]
async fn object_store_local_reads_keep_the_contract() {
    let directory = tempfile::tempdir().unwrap();
    let files = object_store::local::LocalFileSystem::new_with_prefix(directory.path()).unwrap();
    let store = Store::new(Arc::new(files), "files");
    reads(&store).await;
    many_ranges(&store).await;
    revalidation(&store).await;
    listings(&store).await;
}

#[tokio::test]
async fn prefixes_keep_the_contract() {
    for parent in [Store::memory(), faulty().0] {
        put(&parent, "p", "beside").await;
        store_suite(parent.with_prefix("p/q").unwrap()).await;
        assert_eq!(read(&parent, "p").await.unwrap(), "beside");
    }
    let directory = tempfile::tempdir().unwrap();
    let parent = Store::local(directory.path()).unwrap();
    store_suite(parent.with_prefix("p/q/").unwrap()).await;
    assert!(!directory.path().join("p").exists());
}

async fn store_suite(store: Store) {
    empty_store(&store).await;
    reads(&store).await;
    many_ranges(&store).await;
    versions(&store).await;
    revalidation(&store).await;
    preconditions(&store).await;
    awkward_names(&store).await;
    listings(&store).await;
    deletes(&store).await;
    clear(&store).await;
    super::copies::copies(&store).await;
    refusals(&store).await;
}

async fn clear(store: &Store) {
    store.delete_prefix("").await.unwrap();
    let left: Vec<Entry> = store.list("").try_collect().await.unwrap();
    assert_eq!(left, []);
}

async fn empty_store(store: &Store) {
    assert_eq!(read(store, "a/b").await, None);
    assert_eq!(store.size("a").await.unwrap(), None);
    assert_eq!(store.list_dir("").await.unwrap(), crate::Listing::default());
    store.delete("a/b").await.unwrap();
    store.delete_prefix("a").await.unwrap();
    clear(store).await;
}

async fn reads(store: &Store) {
    let bytes = pattern(100);
    let segments = vec![
        bytes.slice(..0),
        bytes.slice(..37),
        bytes.slice(37..37),
        bytes.slice(37..),
    ];
    let version = store.put("k", segments, Precondition::None).await.unwrap();
    assert!(version.is_known());
    assert_eq!(store.size("k").await.unwrap(), Some(100));
    for range in [
        ByteRange::All,
        ByteRange::Range(0..100),
        ByteRange::Range(3..17),
        ByteRange::Range(90..150),
        ByteRange::Range(5..5),
        ByteRange::Range(100..110),
        ByteRange::Range(200..300),
        ByteRange::From(0),
        ByteRange::From(99),
        ByteRange::From(100),
        ByteRange::From(101),
        ByteRange::Suffix(0),
        ByteRange::Suffix(10),
        ByteRange::Suffix(100),
        ByteRange::Suffix(1000),
    ] {
        let body = store
            .get("k", &range, Some(&version))
            .await
            .unwrap()
            .unwrap();
        let expected = range.resolve(100);
        assert_eq!(body.range, expected, "{range}");
        let (start, end) = (expected.start as usize, expected.end as usize);
        assert_eq!(body.bytes, bytes.slice(start..end), "{range}");
        assert_eq!(body.object_size, 100, "{range}");
        assert_eq!(body.version, version, "{range}");
    }
    put(store, "empty", "").await;
    assert_eq!(store.size("empty").await.unwrap(), Some(0));
    for range in [
        ByteRange::All,
        ByteRange::Suffix(4),
        ByteRange::Range(0..4),
        ByteRange::From(0),
    ] {
        let body = store.get("empty", &range, None).await.unwrap().unwrap();
        assert_eq!(
            (body.bytes.len(), body.range, body.object_size),
            (0, 0..0, 0),
            "{range}"
        );
    }
    for range in [
        ByteRange::All,
        ByteRange::Suffix(4),
        ByteRange::Range(2..4),
        ByteRange::Range(4..4),
    ] {
        assert_eq!(
            store.get("none", &range, None).await.unwrap(),
            None,
            "{range}"
        );
    }
    clear(store).await;
}

async fn many_ranges(store: &Store) {
    let bytes = pattern(300_000);
    let version = put(store, "k", bytes.clone()).await;
    let ranges = [
        200_000..200_010,
        5..5,
        0..10,
        5..20,
        0..10,
        0..300_000,
        299_999..300_000,
        400_000..400_000,
    ];
    for version in [None, Some(&version)] {
        let bodies = read_ranges(store, "k", &ranges, version).await.unwrap();
        for (range, body) in ranges.iter().zip(&bodies) {
            let expected = match range.is_empty() {
                true => Bytes::new(),
                false => bytes.slice(range.start as usize..range.end as usize),
            };
            assert_eq!(*body, expected, "{range:?}");
        }
        assert_eq!(bodies.len(), ranges.len());
    }
    assert_eq!(read_ranges(store, "k", &[], None).await.unwrap().len(), 0);

    for past_the_end in [299_990..300_001, 300_000..300_001, 400_000..400_001] {
        let range = past_the_end.clone();
        let error = read_ranges(store, "k", &[0..5, past_the_end], None)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ShortBody, "{range:?}: {error}");
        assert_eq!(error.key(), Some("k"));
    }
    let missing = read_ranges(store, "none", &[0..1], None).await.unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::NotFound);
    clear(store).await;
}

async fn revalidation(store: &Store) {
    let old = put(store, "k", pattern(100)).await;
    for range in [
        ByteRange::All,
        ByteRange::Range(3..17),
        ByteRange::Range(90..150),
        ByteRange::Suffix(10),
    ] {
        let read = store.requests().bytes_read;
        let answer = store.get_if_changed("k", &range, &old).await.unwrap();
        assert_eq!(answer, Revalidated::Unchanged, "{range}");
        assert_eq!(store.requests().bytes_read, read, "{range}");
    }
    let new = put(store, "k", pattern(90)).await;
    for known in [old, Version::unknown()] {
        for range in [
            ByteRange::All,
            ByteRange::Range(80..100),
            ByteRange::Suffix(7),
        ] {
            let body = store.get("k", &range, Some(&new)).await.unwrap().unwrap();
            let answer = store.get_if_changed("k", &range, &known).await.unwrap();
            assert_eq!(answer, Revalidated::Changed(body), "{range}");
        }
    }
    store.delete("k").await.unwrap();
    let answer = store.get_if_changed("k", &ByteRange::All, &new).await;
    assert_eq!(answer.unwrap(), Revalidated::Absent);
    clear(store).await;
}

async fn versions(store: &Store) {
    let first = put(store, "k", "aaaa").await;
    let second = put(store, "k", "bbbb").await;
    assert_ne!(first, second);
    let all = ByteRange::All;
    assert_eq!(
        store
            .get("k", &all, Some(&second))
            .await
            .unwrap()
            .unwrap()
            .bytes,
        "bbbb"
    );
    for range in [ByteRange::All, ByteRange::Suffix(2), ByteRange::Range(1..3)] {
        let error = store.get("k", &range, Some(&first)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Changed, "{range}");
    }
    let error = read_ranges(store, "k", &[0..1], Some(&first))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Changed);
    store.delete("k").await.unwrap();
    let error = store.get("k", &all, Some(&second)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Changed);
    let error = read_ranges(store, "k", &[0..1], Some(&second))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Changed);
    clear(store).await;
}

async fn preconditions(store: &Store) {
    let write = async |text: &'static str, precondition| {
        store.put("d/k", vec![text.into()], precondition).await
    };
    let conflict = async |text, precondition| {
        let error = write(text, precondition).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
        assert_eq!(error.key(), Some("d/k"));
    };
    let first = write("1", Precondition::IfAbsent).await.unwrap();
    conflict("2", Precondition::IfAbsent).await;
    let second = write("3", Precondition::IfVersion(first.clone()))
        .await
        .unwrap();
    conflict("4", Precondition::IfVersion(first.clone())).await;
    assert_eq!(read(store, "d/k").await.unwrap(), "3");
    store.delete("d/k").await.unwrap();
    conflict("5", Precondition::IfVersion(second.clone())).await;
    assert_eq!(read(store, "d/k").await, None);
    let third = write("3", Precondition::IfAbsent).await.unwrap();
    assert_ne!(second, third);
    conflict("6", Precondition::IfVersion(second)).await;
    clear(store).await;
}

async fn awkward_names(store: &Store) {
    let names = [
        "a~b[0]",
        "100%",
        "%7E",
        "~",
        "run#1/zarr.json",
        "c#x",
        "c d",
        "...",
        "é",
        "e\u{301}",
        "a\\b",
        "😀",
        "?x=1",
        "*",
        "-",
        "__x",
        "{}",
        "<>|\"'`^",
        "+",
        "&=",
        ":",
        "A",
        "a",
    ];
    for (index, name) in names.iter().enumerate() {
        put(store, name, index.to_string()).await;
    }
    for (index, name) in names.iter().enumerate() {
        assert_eq!(
            read(store, name).await.unwrap(),
            index.to_string(),
            "{name}"
        );
    }
    let entries: Vec<Entry> = store.list("").try_collect().await.unwrap();
    let mut keys: Vec<String> = entries.into_iter().map(|entry| entry.key).collect();
    keys.sort_unstable();
    let mut expected = names.map(str::to_owned);
    expected.sort_unstable();
    assert_eq!(keys, expected);
    clear(store).await;
}

async fn listings(store: &Store) {
    let keys = [
        "zarr.json",
        "a/zarr.json",
        "a/c/0/0",
        "a/c/0/1",
        "a/c/10",
        "a-b/zarr.json",
        "a/c.d/x",
        "b",
    ];
    for key in keys {
        put(store, key, key).await;
    }
    for (prefix, expected) in [
        ("", &keys[..]),
        (
            "a",
            &["a/zarr.json", "a/c/0/0", "a/c/0/1", "a/c/10", "a/c.d/x"],
        ),
        (
            "a/",
            &["a/zarr.json", "a/c/0/0", "a/c/0/1", "a/c/10", "a/c.d/x"],
        ),
        ("a/c", &["a/c/0/0", "a/c/0/1", "a/c/10"]),
        ("a/c/1", &[]),
        ("b", &[]),
        ("none/at/all", &[]),
    ] {
        let mut entries: Vec<Entry> = store.list(prefix).try_collect().await.unwrap();
        if store.as_local().is_some() {
            assert!(entries.is_sorted(), "{prefix}");
        }
        entries.sort();
        let mut expected: Vec<Entry> = expected
            .iter()
            .map(|key| Entry {
                key: (*key).to_owned(),
                size: key.len() as u64,
            })
            .collect();
        expected.sort();
        assert_eq!(entries, expected, "{prefix}");
    }
    for (prefix, keys, prefixes) in [
        ("", &["b", "zarr.json"][..], &["a", "a-b"][..]),
        ("a/", &["zarr.json"], &["c", "c.d"]),
        ("a/c", &["10"], &["0"]),
        ("a/c/1", &[], &[]),
        ("b", &[], &[]),
        ("none/at/all", &[], &[]),
    ] {
        let listing = store.list_dir(prefix).await.unwrap();
        assert_eq!(listing.keys, keys, "{prefix}");
        assert_eq!(listing.prefixes, prefixes, "{prefix}");
    }
    clear(store).await;
}

async fn deletes(store: &Store) {
    for key in ["foo/a", "foo/b/c", "foo-bar/a", "foobar", "x/y/z"] {
        put(store, key, "x").await;
    }
    store.delete_prefix("fo").await.unwrap();
    store.delete_prefix("foo").await.unwrap();
    let mut entries: Vec<Entry> = store.list("").try_collect().await.unwrap();
    entries.sort();
    let keys: Vec<&str> = entries.iter().map(|entry| &*entry.key).collect();
    assert_eq!(keys, ["foo-bar/a", "foobar", "x/y/z"]);
    store.delete("x/y/z").await.unwrap();
    store.delete("x/y/z").await.unwrap();
    store.delete("x").await.unwrap();
    assert_eq!(store.list_dir("").await.unwrap().prefixes, ["foo-bar"]);
    clear(store).await;
}

async fn refusals(store: &Store) {
    let read_only = store.clone().read_only();
    let errors = [
        read_only
            .put("k", vec![], Precondition::None)
            .await
            .unwrap_err(),
        read_only.delete("k").await.unwrap_err(),
        read_only.delete_prefix("").await.unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.kind(), ErrorKind::ReadOnly);
    }
    assert!(read_only.is_read_only());
    for key in ["", "/", "a//b", "../a", "a/.", "a\0", "a/", "/a"] {
        let kind = |error: crate::Error| error.kind();
        let get = store.get(key, &ByteRange::All, None).await;
        assert_eq!(get.map_err(kind), Err(ErrorKind::InvalidKey), "{key:?}");
        let put = store.put(key, vec![], Precondition::None).await;
        assert_eq!(put.map_err(kind), Err(ErrorKind::InvalidKey), "{key:?}");
        let ranges = read_ranges(store, key, &[0..1], None).await;
        assert_eq!(ranges.map_err(kind), Err(ErrorKind::InvalidKey), "{key:?}");
    }
    assert!(store.list_dir("../x").await.is_err());
    assert!(store.with_prefix("a/../b").is_err());
    clear(store).await;
}
