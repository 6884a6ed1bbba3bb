//! Requirements on every store, written once and run on each: memory, local files, S3 in process,
//! and real servers (see `zarr_tests::servers`; nginx and fake-gcs-server are only read from).
//!
//! Promises P1 (atomic writes), P2 (absence is no error and never a guess), P3 (one version per
//! read), P8 (conditional writes), P19 (names are kept).

#![expect(clippy::unwrap_used, reason = "tests")]

extern crate zarr as zarr_engine;

mod arrays;
mod listings;
mod objects;
#[path = "../../../zarr-engine/examples/region.rs"]
#[expect(
    dead_code,
    reason = "the example's own main runs in zarr-engine/tests/examples.rs"
)]
mod region;

use std::collections::HashSet;
use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use ndarray::{Array2, arr0, s};
use rand::Rng;
use zarr::{ArrayBuilder, Hierarchy, NodeKind, Store, codecs, registry};
use zarr_store::{Body, ByteRange, Entry, ErrorKind, Precondition, Version};
use zarr_tests::http::{percent_encode, send};
use zarr_tests::origin::Origin;
use zarr_tests::random;
use zarr_tests::servers::{WRITABLE, server};

/// Runs a test on an empty store of every writable kind.
async fn on_each(test: impl AsyncFn(Store)) {
    let folder = tempfile::tempdir().unwrap();
    let origin = Origin::start().await;
    let here = [
        Store::memory(),
        Store::local(folder.path()).unwrap(),
        Origin::s3(&origin.address, &[]),
    ];
    let servers = WRITABLE.iter().filter_map(|name| server(name));
    for store in here
        .into_iter()
        .chain(servers.map(|server| server.fresh().store()))
    {
        eprintln!("on {}", store.location());
        test(store).await;
    }
}

/// Runs a test on a store of every kind, after filling it in a way that its kind supports.
async fn on_each_filled(fill: impl AsyncFn(Store), test: impl AsyncFn(Store)) {
    on_each(async |store| {
        fill(store.clone()).await;
        test(store).await;
    })
    .await;
    let origin = Origin::start().await;
    fill(Origin::s3(&origin.address, &[])).await;
    test(Origin::http(&origin.address, &[])).await;
    if let Some(nginx) = server("nginx").map(zarr_tests::servers::Server::fresh) {
        let prefix = nginx.url.rsplit('/').next().unwrap();
        let root = Path::new(nginx.root.as_ref().unwrap()).join(prefix);
        fill(Store::local(root).unwrap()).await;
        test(nginx.store()).await;
    }
    if let Some(gcs) = server("fake-gcs").map(zarr_tests::servers::Server::fresh) {
        let memory = Store::memory();
        fill(memory.clone()).await;
        let prefix = gcs.url.rsplit('/').next().unwrap();
        for entry in entries(&memory, "").await {
            let body = get(&memory, &entry.key, ByteRange::All).await.unwrap();
            let name = percent_encode(&format!("{prefix}/{}", entry.key));
            let target = format!("/upload/storage/v1/b/zarr/o?uploadType=media&name={name}");
            let (status, _) = send(&gcs.address, "POST", &target, &body.bytes)
                .await
                .unwrap();
            assert_eq!(status, 200);
        }
        test(gcs.store()).await;
    }
}

async fn put(store: &Store, key: &str, bytes: &'static [u8]) -> Version {
    let payload = vec![Bytes::from_static(bytes)];
    store.put(key, payload, Precondition::None).await.unwrap()
}

async fn get(store: &Store, key: &str, range: ByteRange) -> Option<Body> {
    store.get(key, &range, None).await.unwrap()
}

async fn entries(store: &Store, prefix: &str) -> Vec<Entry> {
    let mut listing = store.list(prefix);
    let mut entries = Vec::new();
    while let Some(entry) = listing.next().await {
        entries.push(entry.unwrap());
    }
    entries.sort();
    entries
}

async fn keys(store: &Store, prefix: &str) -> Vec<String> {
    let entries = entries(store, prefix).await;
    entries.into_iter().map(|entry| entry.key).collect()
}

fn slice<'a>(object: &'a [u8], range: &Range<u64>) -> &'a [u8] {
    let [start, end] = [range.start, range.end].map(|at| usize::try_from(at).unwrap());
    &object[start..end]
}
