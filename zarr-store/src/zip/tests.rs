//! Tests with archives built byte by byte, so that every field can lie, and with an archive that
//! Python wrote (`python.py`).

#![expect(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    clippy::single_range_in_vec_init,
    reason = "tests"
)]

mod damage;

use futures::TryStreamExt;

use crate::testing::Operation;
use crate::tests::{faulty, pattern, put, read, read_ranges};
use crate::{ByteRange, ErrorKind, Precondition, Revalidated, Store, Version};

const MIB: u64 = 1 << 20;

/// A member, and the fields of its directory entry.
#[derive(Clone)]
struct Made {
    name: &'static str,
    data: Vec<u8>,
    method: u16,
    flags: u16,
    crc: u32,
    size: u32,
    compressed: u32,
    /// The offset of the stated header from the actual header.
    shift: i64,
}

fn stored(name: &'static str, data: &[u8]) -> Made {
    Made {
        name,
        data: data.to_vec(),
        method: 0,
        flags: 0,
        crc: libdeflater::crc32(data),
        size: data.len() as u32,
        compressed: data.len() as u32,
        shift: 0,
    }
}

fn deflated(name: &'static str, data: &[u8]) -> Made {
    let mut compressor = libdeflater::Compressor::new(libdeflater::CompressionLvl::default());
    let mut out = vec![0; compressor.deflate_compress_bound(data.len())];
    let size = compressor.deflate_compress(data, &mut out).unwrap();
    out.truncate(size);
    Made {
        compressed: out.len() as u32,
        data: out,
        method: 8,
        ..stored(name, data)
    }
}

fn archive(members: &[Made]) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for member in members {
        let header = u32::try_from(bytes.len() as i64 + member.shift).unwrap();
        let name = member.name.as_bytes();
        let mut middle = Vec::new();
        for field in [20, member.flags, member.method, 0, 0] {
            middle.extend_from_slice(&field.to_le_bytes());
        }
        for field in [member.crc, member.compressed, member.size] {
            middle.extend_from_slice(&field.to_le_bytes());
        }
        middle.extend_from_slice(&(name.len() as u16).to_le_bytes());
        // Only the local header has an extra field, as many writers have it.
        bytes.extend_from_slice(b"PK\x03\x04");
        bytes.extend_from_slice(&middle);
        bytes.extend_from_slice(&8_u16.to_le_bytes());
        bytes.extend_from_slice(name);
        bytes.extend_from_slice(b"UT\x04\x00time");
        bytes.extend_from_slice(&member.data);
        directory.extend_from_slice(b"PK\x01\x02\x14\x00");
        directory.extend_from_slice(&middle);
        directory.extend_from_slice(&[0; 12]);
        directory.extend_from_slice(&header.to_le_bytes());
        directory.extend_from_slice(name);
    }
    let offset = bytes.len() as u32;
    bytes.extend_from_slice(&directory);
    bytes.extend_from_slice(b"PK\x05\x06\0\0\0\0");
    bytes.extend_from_slice(&[members.len() as u16; 2].map(u16::to_le_bytes).concat());
    bytes.extend_from_slice(&(directory.len() as u32).to_le_bytes());
    bytes.extend_from_slice(&offset.to_le_bytes());
    bytes.extend_from_slice(b"\0\0");
    bytes
}

async fn zipped(bytes: impl Into<bytes::Bytes>) -> Store {
    let store = Store::memory();
    put(&store, "x.zip", bytes).await;
    store.zip("x.zip").unwrap()
}

#[tokio::test]
async fn members_of_both_methods_read_as_objects() {
    let small = pattern(1000);
    let large = pattern(300_000);
    let made = archive(&[
        stored("zarr.json", b"{}"),
        stored("a/large", &large),
        deflated("a/deflated", &large),
        stored("a/small", &small),
        stored("empty", b""),
        stored("a-b", b"x"),
    ]);
    let store = zipped(made).await;
    for key in ["a/large", "a/deflated"] {
        assert_eq!(store.size(key).await.unwrap(), Some(300_000));
        for range in [
            ByteRange::All,
            ByteRange::Suffix(7),
            ByteRange::Range(5..100_000),
            ByteRange::From(299_999),
            ByteRange::Range(300_000..300_001),
            ByteRange::Range(4..4),
        ] {
            let body = store.get(key, &range, None).await.unwrap().unwrap();
            let expected = range.resolve(300_000);
            assert_eq!(body.range, expected);
            assert_eq!(body.object_size, 300_000);
            let (start, end) = (expected.start as usize, expected.end as usize);
            assert_eq!(body.bytes, large.slice(start..end), "{key} {range}");
            let again = store.get_if_changed(key, &range, &body.version).await;
            assert_eq!(again.unwrap(), Revalidated::Unchanged);
            let unknown = store.get_if_changed(key, &range, &Version::unknown()).await;
            assert_eq!(unknown.unwrap(), Revalidated::Changed(body));
        }
        let ranges = [299_000..300_000, 3..3, 0..10];
        let bodies = read_ranges(&store, key, &ranges, None).await.unwrap();
        assert_eq!(
            bodies,
            [large.slice(299_000..), large.slice(..0), large.slice(..10)]
        );
        let error = read_ranges(&store, key, &[0..300_001], None)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ShortBody);
    }
    assert_eq!(read(&store, "empty").await.unwrap(), "");
    assert_eq!(read(&store, "none").await, None);
    let missing = read_ranges(&store, "none", &[0..1], None)
        .await
        .unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::NotFound);

    let listing = store.list_dir("").await.unwrap();
    assert_eq!(listing.keys, ["a-b", "empty", "zarr.json"]);
    assert_eq!(listing.prefixes, ["a"]);
    let below = store.with_prefix("a").unwrap();
    assert_eq!(
        below.list_dir("").await.unwrap().keys,
        ["deflated", "large", "small"]
    );
    let entries: Vec<_> = below.list("").try_collect().await.unwrap();
    assert_eq!((&*entries[2].key, entries[2].size), ("small", 1000));
    assert_eq!(read(&below, "small").await.unwrap(), small);
    let error = below
        .put("small", vec![], Precondition::None)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ReadOnly);
}

#[tokio::test]
async fn reads_cost_one_request_for_the_directory_and_one_for_each_header() {
    let (outer, faults) = faulty();
    let data = pattern(10 << 20);
    put(
        &outer,
        "x.zip",
        archive(&[stored("k", &data), stored("z", b"z")]),
    )
    .await;
    faults.clear();
    let store = outer.zip("x.zip").unwrap();
    let body = store
        .get("k", &ByteRange::Suffix(16), None)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(faults.requests().len(), 3, "directory, header, data");
    let ranges = [0..1000, 5 * MIB..5 * MIB + 1000];
    read_ranges(&store, "k", &ranges, Some(&body.version))
        .await
        .unwrap();
    read(&store, "z").await.unwrap();
    let requests = faults.requests();
    assert_eq!(requests.len(), 6);
    assert!(
        requests[1..]
            .iter()
            .all(|request| { request.operation == Operation::Get && request.condition.is_some() })
    );
    assert_eq!(store.requests().gets, 6);

    put(
        &outer,
        "x.zip",
        archive(&[stored("k", &data), stored("z", b"y")]),
    )
    .await;
    let error = store.get("z", &ByteRange::All, None).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Changed);
}

#[tokio::test]
async fn an_archive_by_python_reads_and_nests() {
    let python = &include_bytes!("python.zip")[..];
    let store = zipped(archive(&[stored("b/inner.zip", python)])).await;
    for store in [zipped(python).await, store.zip("b/inner.zip").unwrap()] {
        assert_eq!(read(&store, "a/zarr.json").await.unwrap(), "{}");
        assert_eq!(read(&store, "a/c/é").await.unwrap(), "zip64");
        let expected: Vec<u8> = (0..=255).cycle().take(256 * 40).collect();
        assert_eq!(read(&store, "a/c/0").await.unwrap(), expected);
        assert_eq!(store.list_dir("a").await.unwrap().prefixes, ["c"]);
    }
}

#[tokio::test]
async fn of_a_name_that_occurs_twice_the_last_member_counts() {
    let made = archive(&[
        stored("k", b"first"),
        deflated("other", &pattern(1000)),
        stored("./k", b"second"),
        stored("././dots", b"d"),
        stored("k", b"last"),
    ]);
    let store = zipped(made).await;
    assert_eq!(read(&store, "k").await.unwrap(), "last");
    assert_eq!(read(&store, "dots").await.unwrap(), "d");
    assert_eq!(read(&store, "other").await.unwrap(), pattern(1000));
    let mut keys = store.list_keys("").try_concat().await.unwrap();
    keys.sort();
    assert_eq!(keys, ["dots", "k", "other"]);
}

#[tokio::test]
async fn bytes_in_front_of_an_archive_move_it() {
    let python = &include_bytes!("python.zip")[..];
    let made = archive(&[stored("a/zarr.json", b"{}"), deflated("k", &pattern(500))]);
    for front in [&b"#!/bin/sh\nexit\n"[..], b"x", &[0; 70_000]] {
        let store = zipped([front, &made].concat()).await;
        assert_eq!(read(&store, "k").await.unwrap(), pattern(500));
        let store = zipped([front, python].concat()).await;
        assert_eq!(read(&store, "a/c/é").await.unwrap(), "zip64");
    }
}

#[tokio::test]
async fn an_archive_may_be_padded() {
    for padding in [&[0; 512][..], b"\n", &[7; 60_000]] {
        let bytes = [&archive(&[stored("a", b"one")])[..], padding].concat();
        assert_eq!(read(&zipped(bytes).await, "a").await.unwrap(), "one");
    }
}

#[tokio::test]
async fn archives_of_windows_may_have_its_separators() {
    let made = [
        stored("a\\c\\0", b"one"),
        stored("a\\zarr.json", b"{}"),
        stored("b", b"two"),
    ];
    let bytes = archive(&made);
    let store = zipped(bytes.clone()).await;
    assert_eq!(read(&store, "a/c/0").await.unwrap(), "one");
    assert_eq!(store.list_dir("").await.unwrap().prefixes, ["a"]);
    // On other systems, names may contain such letters.
    let mut unix = bytes;
    let entries = unix.windows(5).enumerate();
    let entries = entries.filter(|(_, bytes)| *bytes == b"PK\x01\x02\x14");
    let entries: Vec<_> = entries.map(|(at, _)| at).collect();
    entries.into_iter().for_each(|at| unix[at + 5] = 3);
    let store = zipped(unix).await;
    assert_eq!(read(&store, "a\\c\\0").await.unwrap(), "one");
}

#[tokio::test]
async fn names_may_be_of_code_page_437() {
    let mut bytes = archive(&[stored("caf?/r?sum?", b"one"), stored("b", b"two")]);
    let question = bytes.iter_mut().filter(|byte| **byte == b'?');
    question.for_each(|byte| *byte = 0x82);
    let store = zipped(bytes).await;
    assert_eq!(read(&store, "café/résumé").await.unwrap(), "one");
    assert_eq!(read(&store, "b").await.unwrap(), "two");
}

#[tokio::test]
async fn who_forgets_the_pipeline_is_told() {
    let (store, _) = faulty();
    put(&store, "d/x.zip", archive(&[stored("zarr.json", b"{}")])).await;
    put(&store, "d/y.zip/zarr.json", "{}").await;
    let all = ByteRange::All;
    let root = store.with_prefix("d/x.zip").unwrap();
    let error = root.get("zarr.json", &all, None).await.unwrap_err();
    assert!(
        error.to_string().contains("forget to append |zip:"),
        "{error}"
    );
    assert!(root.get("c/0", &all, None).await.unwrap().is_none());
    for folder in ["d/y.zip", "d/z.zip"] {
        let root = store.with_prefix(folder).unwrap();
        root.get("zarr.json", &all, None).await.unwrap();
    }
}

#[tokio::test]
async fn pipelines_name_archives_at_any_url() {
    let directory = tempfile::tempdir().unwrap();
    let inner = archive(&[stored("p/k", b"deep")]);
    let outer = archive(&[stored("in/x.zip", &inner), stored("k", b"flat")]);
    std::fs::write(directory.path().join("a b.zip"), outer).unwrap();
    let path = directory.path().join("a b.zip");
    let path = path.to_str().unwrap();
    let url = format!("file://{}", path.replace(' ', "%20"));
    for first in [path, &url] {
        let store = Store::open(&format!("{first}|zip:")).unwrap();
        assert_eq!(read(&store, "k").await.unwrap(), "flat");
        assert_eq!(store.location(), format!("{path}|zip:"));
        let nested = Store::open(&format!("{first}|zip:in/x.zip|zip:p/")).unwrap();
        assert_eq!(read(&nested, "k").await.unwrap(), "deep");
    }
    let forgotten = Store::open(path).unwrap();
    let error = forgotten.get("zarr.json", &ByteRange::All, None).await;
    assert!(
        error
            .unwrap_err()
            .to_string()
            .contains("forget to append |zip:")
    );
    let missing = Store::open(&format!("{path}.not|zip:")).unwrap();
    let error = missing.get("k", &ByteRange::All, None).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(Store::open("a.zip|n5:").is_err());
    assert!(Store::open("a|b/c").unwrap().as_local().is_some());
}
