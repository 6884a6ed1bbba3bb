//! Reads from nginx in common configurations: `tests/python/servers.py` holds the configuration.

#![expect(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "tests"
)]

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use futures::TryStreamExt;
use zarr_store::{ByteRange, ErrorKind, Store};
use zarr_tests::servers::{Server, server};

/// Writes objects below a new directory, each with a compressed copy; returns the directory and the
/// objects.
fn objects(server: &Server) -> (String, Vec<(&'static str, Vec<u8>)>) {
    static TESTS: AtomicU32 = AtomicU32::new(0);
    let number = TESTS.fetch_add(1, Ordering::Relaxed);
    let name = format!("http-{}-{number}", std::process::id());
    let root = Path::new(server.root.as_ref().unwrap()).join(&name);
    let noise = |size: usize| (0..size).map(|at| (at * at % 251) as u8).collect();
    let objects: Vec<(&str, Vec<u8>)> = vec![
        (
            "zarr.json",
            br#"{"zarr_format": 3, "node_type": "group", "attributes": {}}"#.to_vec(),
        ),
        ("a b/c/0", noise(1000)),
        ("a b/c/1", noise(70_000)),
        ("a b/é#?", noise(10)),
        ("empty", vec![]),
    ];
    for (key, bytes) in &objects {
        let path = root.join(key);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        let packed = Command::new("gzip").arg("-kf").arg(&path).status().unwrap();
        assert!(packed.success());
    }
    (name, objects)
}

fn open(server: &Server, user: &str, place: &str, options: &[(&str, &str)]) -> Store {
    let url = server.url.replace("://", &format!("://{user}"));
    let few = [("max_retries", "0"), ("timeout", "5s")];
    Store::open_with(
        &format!("{url}/{place}"),
        few.into_iter().chain(options.iter().copied()),
    )
    .unwrap()
}

#[tokio::test]
async fn every_configuration_is_read() {
    let Some(server) = server("nginx") else {
        return;
    };
    let (name, objects) = objects(&server);
    for (user, place, query, options) in [
        ("", "", "", &[][..]),
        ("", "encoded/", "", &[][..]),
        ("", "chunked/", "", &[][..]),
        ("", "whole/", "", &[][..]),
        ("", "untagged/", "", &[][..]),
        ("", "weak/", "", &[][..]),
        (
            "",
            "weak/",
            "",
            &[("default_headers", "Accept-Encoding: gzip")][..],
        ),
        (
            "",
            "encoded/",
            "",
            &[("default_headers", "Accept-Encoding: gzip")][..],
        ),
        ("", "index/", "", &[("html_index", "true")][..]),
        ("", "moved/", "", &[][..]),
        ("zarr:secret@", "elsewhere/", "", &[][..]),
        ("", "elsewhere/", "", &[("bearer_token", "secret")][..]),
        ("zarr:open%20sesame@", "user/", "", &[][..]),
        ("", "token/", "", &[("bearer_token", "sesame")][..]),
        (
            "",
            "token/",
            "",
            &[("default_headers", "Authorization: Bearer sesame")][..],
        ),
        (
            "",
            "field/",
            "",
            &[("default_headers", "X-Api-Key: sesame")][..],
        ),
        ("", "signed/", "/?sig=a%2Bb", &[][..]),
    ] {
        let store = open(&server, user, &format!("{place}{name}{query}"), options);
        for (key, bytes) in &objects {
            let size = bytes.len() as u64;
            for range in [
                ByteRange::All,
                ByteRange::Range(0..10),
                ByteRange::Range(size / 2..size + 10),
                ByteRange::Range(size + 1..size + 2),
                ByteRange::From(size / 3),
                ByteRange::Suffix(7),
                ByteRange::Suffix(size + 1),
            ] {
                let body = store.get(key, &range, None).await;
                let body =
                    body.unwrap_or_else(|error| panic!("{place} {options:?} {range}: {error}"));
                let body = body.unwrap_or_else(|| panic!("{place} {key}: absent"));
                let at = range.resolve(size);
                assert_eq!(body.object_size, size, "{place} {options:?} {key} {range}");
                assert_eq!(
                    body.bytes,
                    bytes[at.start as usize..at.end as usize],
                    "{place} {key} {range}"
                );
            }
            assert_eq!(store.size(key).await.unwrap(), Some(size), "{place} {key}");
        }
        for range in [
            ByteRange::All,
            ByteRange::Range(0..10),
            ByteRange::Suffix(3),
        ] {
            assert_eq!(
                store.get("none/x", &range, None).await.unwrap(),
                None,
                "{place}"
            );
        }
    }
}

#[tokio::test]
async fn refusals_are_said() {
    let Some(server) = server("nginx") else {
        return;
    };
    let (name, _) = objects(&server);
    for (user, place, options) in [
        ("", "user/", &[][..]),
        ("zarr:wrong@", "user/", &[][..]),
        ("", "token/", &[][..]),
        ("", "token/", &[("bearer_token", "wrong")][..]),
        ("", "field/", &[][..]),
        ("", "signed/", &[][..]),
    ] {
        let store = open(&server, user, &format!("{place}{name}"), options);
        for range in [ByteRange::All, ByteRange::Range(0..10)] {
            let error = store.get("zarr.json", &range, None).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{place} {error}");
            assert!(!error.to_string().contains("wrong"), "{error}");
        }
    }
    let start = Instant::now();
    let url = format!("{}/busy/{name}", server.url);
    let error = Store::open(&url)
        .unwrap()
        .get("zarr.json", &ByteRange::All, None)
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("429") && error.to_string().contains("3600"),
        "{error}"
    );
    assert!(start.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn index_pages_are_listed() {
    let Some(server) = server("nginx") else {
        return;
    };
    let (name, objects) = objects(&server);
    let store = open(
        &server,
        "",
        &format!("index/{name}"),
        &[("html_index", "true")],
    );
    let listing = store.list_dir("").await.unwrap();
    assert_eq!(
        listing.keys,
        ["empty", "empty.gz", "zarr.json", "zarr.json.gz"]
    );
    assert_eq!(listing.prefixes, ["a b"]);
    assert_eq!(
        store.list_dir("none").await.unwrap(),
        zarr_store::Listing::default()
    );
    let all: Vec<_> = store.list("").try_collect().await.unwrap();
    for (key, bytes) in &objects {
        let found = all
            .iter()
            .find(|entry| entry.key == *key)
            .unwrap_or_else(|| panic!("{key}: {all:?}"));
        assert_eq!(found.size, bytes.len() as u64, "{key}");
    }
    assert_eq!(all.len(), 2 * objects.len());
}
