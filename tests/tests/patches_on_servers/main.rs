//! Patches on real servers behind a proxy: their requests, their failures, and several processes.

#![expect(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "tests"
)]

mod cut_off;

use std::ops::Range;
use std::time::Duration;

use ndarray::s;
use rand::Rng;
use zarr::{Array, ArrayBuilder, Hierarchy, Store, codecs, registry};
use zarr_store::{Leftover, LeftoverKind};
use zarr_tests::children::{self, Job};
use zarr_tests::http::send;
use zarr_tests::patched::assert_little_dead;
use zarr_tests::proxy::{Fault, Proxy, Rule};
use zarr_tests::random;
use zarr_tests::servers::{Server, server};

/// A server behind a proxy, with a shard of 10.5 MB: 160 rows of one inner chunk of 64 KiB each.
struct OnServer {
    proxy: Proxy,
    server: Server,
    array: Array,
}

const ROWS: u64 = 160;
const ROW: u64 = 16384;
const ROW_INDEX: u64 = ROWS * 16 + 4;

/// Creates the array. Without a single writer, servers other than Amazon's get whole shards.
async fn on_server(name: &str, single_writer: bool) -> Option<OnServer> {
    let mut server = server(name)?.fresh();
    if single_writer {
        let option = ("single_writer".to_owned(), "true".to_owned());
        server.options.push(option);
    }
    let proxy = Proxy::start(&server.address).await;
    let server = server.through(&proxy.address);
    let metadata = ArrayBuilder::new(&[ROWS, ROW], "uint32")
        .with_chunk_shape(&[1, ROW])
        .with_shard_shape(&[ROWS, ROW])
        .with_codecs([codecs::bytes(true), codecs::crc32c()]);
    let hierarchy = Hierarchy::new(server.store(), registry());
    let array = hierarchy.create_array("a", metadata.build().unwrap());
    let array = array.await.unwrap();
    array.write(.., initial(0..ROWS as usize)).await.unwrap();
    Some(OnServer {
        proxy,
        server,
        array,
    })
}

/// Returns the initial elements of rows.
fn initial(rows: Range<usize>) -> ndarray::Array2<u32> {
    let shape = (rows.len(), ROW as usize);
    ndarray::Array2::from_shape_fn(shape, |(row, at)| ((rows.start + row) * at) as u32)
}

impl OnServer {
    /// Opens the array with an uncached hierarchy.
    async fn cold(&self) -> Array {
        let hierarchy = Hierarchy::new(self.server.store(), registry());
        hierarchy.array("a").await.unwrap()
    }

    /// Fills a row with a value.
    async fn write(&self, row: usize, value: u32) -> zarr::Result<()> {
        write_row(&self.array, row, value).await
    }

    /// Asserts that each changed row has its new value, and all other rows their initial values.
    async fn check(&self, changed: &[(usize, u32)]) {
        let found = self.cold().await.read::<u32>(..).await.unwrap();
        for (row, found) in found.outer_iter().enumerate() {
            let change = changed.iter().rfind(|(changed, _)| *changed == row);
            let is = |(at, &found): (usize, &u32)| match change {
                Some((_, value)) => found == *value,
                None => found == (row * at) as u32,
            };
            assert!(found.iter().enumerate().all(is), "row {row}");
        }
    }
}

/// Removes all leftovers.
async fn sweep(store: &Store) -> Vec<Leftover> {
    store.sweep(Duration::ZERO).await.unwrap()
}

async fn write_row(array: &Array, row: usize, value: u32) -> zarr::Result<()> {
    let row = row.cast_signed();
    array.write(s![row..=row, ..], ndarray::arr0(value)).await
}

#[tokio::test]
async fn seaweedfs_and_azurite_patch_and_moto_that_ignores_conditions_does_not() {
    // The requests of a patch, if the server can.
    for (name, cost) in [("seaweedfs", Some(4)), ("azurite", Some(3)), ("moto", None)] {
        let patches = cost.is_some();
        let Some(on) = on_server(name, true).await else {
            continue;
        };
        let store = on.array.hierarchy().store().clone();
        on.write(7, 1).await.unwrap();
        // The capabilities of the server and the index are cached now.
        on.proxy.clear();
        let before = store.requests();
        on.write(3, 2).await.unwrap();
        let after = store.requests();
        let (sent, read) = (
            after.bytes_written - before.bytes_written,
            after.bytes_read - before.bytes_read,
        );
        let requests = on.proxy.requests().len();
        if patches {
            assert_eq!(
                (sent, read, requests),
                (ROW * 4 + 4 + ROW_INDEX, 0, cost.unwrap()),
                "{name}"
            );
        } else {
            // A single writer's put looks at the version of the object first.
            assert_eq!(requests, 3, "{name}");
            assert!(!store.patches(1 << 30));
        }
        // A part of an inner chunk: its stored elements are read first.
        on.proxy.clear();
        on.array
            .write(s![9..10, ..10], ndarray::arr0(5_u32))
            .await
            .unwrap();
        assert_eq!(
            on.proxy.requests().len(),
            cost.map_or(3, |cost| cost + 1),
            "{name}"
        );
        on.array
            .write(s![9..10, ..], ndarray::arr0(6_u32))
            .await
            .unwrap();
        on.check(&[(7, 1), (3, 2), (9, 6)]).await;
        assert_little_dead(&on.array, 25).await;
        let mut all = vec![(7, 1), (3, 2), (9, 6)];
        for row in 0..if patches { 50 } else { 3 } {
            on.write(row, 1000 + row as u32).await.unwrap();
            all.push((row, 1000 + row as u32));
            assert_little_dead(&on.array, 25).await;
        }
        on.array.compact(0).await.unwrap();
        assert_little_dead(&on.array, 0).await;
        on.check(&all).await;
        assert_eq!(sweep(&store).await, [], "{name}");
    }
}

/// fake-gcs-server composes objects of generations that do not exist, and replaces objects of
/// generations that it was not asked for, so nothing could be patched there; nor does it accept
/// the puts of `object_store`. If this fails, it honours conditions, and can be tested like others.
#[tokio::test]
async fn fake_gcs_ignores_the_conditions_of_compositions() {
    let Some(gcs) = server("fake-gcs") else {
        return;
    };
    for name in ["patch%2Fold", "patch%2Fnew"] {
        let target = format!("/upload/storage/v1/b/zarr/o?uploadType=media&name={name}");
        let (status, _) = send(&gcs.address, "POST", &target, b"0123").await.unwrap();
        assert_eq!(status, 200);
    }
    let source = serde_json::json!({
        "name": "patch/old", "generation": "1", "objectPreconditions": {"ifGenerationMatch": "1"},
    });
    let body = serde_json::json!({
        "sourceObjects": [source, {"name": "patch/new"}], "destination": {"contentType": "x/y"},
    });
    let target = "/storage/v1/b/zarr/o/patch%2Fold/compose?ifGenerationMatch=1";
    let body = body.to_string();
    let (status, _) = send(&gcs.address, "POST", target, body.as_bytes())
        .await
        .unwrap();
    assert_eq!(status, 200);
    let target = "/storage/v1/b/zarr/o/patch%2Fold?alt=media";
    let (_, content) = send(&gcs.address, "GET", target, b"").await.unwrap();
    assert_eq!(content, b"01230123");
    let put = gcs.fresh().with("single_writer", "true").store();
    let put = put.put("k", vec!["x".into()], zarr_store::Precondition::None);
    assert!(put.await.is_err());
}

#[tokio::test]
async fn whatever_becomes_of_a_request_a_patch_is_done_or_not() {
    let Some(on) = on_server("seaweedfs", true).await else {
        return;
    };
    on.write(0, 1).await.unwrap();
    let mut changed = vec![(0, 1)];
    let mut value = 1;
    let faults = [
        Fault::Status(500),
        Fault::Status(403),
        Fault::Status(501),
        Fault::StatusAfter(500),
        Fault::StatusAfter(503),
        Fault::Reset,
        Fault::ResetAfter,
    ];
    // The start, the copy, the part and the completion.
    for (method, call) in [("POST", 0), ("PUT", 0), ("PUT", 1), ("POST", 1)] {
        for fault in &faults {
            value += 1;
            let row = value as usize % 150;
            // A new process, so that no refusal is cached.
            let array = on.cold().await;
            write_row(&array, 159, value).await.unwrap();
            on.proxy.clear();
            on.proxy
                .add(Rule::new(method, "a/c/0/0", fault.clone()).on_calls(call..call + 1));
            let written = write_row(&array, row, value).await;
            on.proxy.clear();
            match written {
                Ok(()) => changed.extend([(159, value), (row, value)]),
                // The write is executed completely or not at all.
                Err(error) => {
                    changed.push((159, value));
                    let found = on
                        .cold()
                        .await
                        .read::<u32>(s![row.cast_signed(), 1..])
                        .await
                        .unwrap();
                    if found.iter().all(|&found| found == value) {
                        changed.push((row, value));
                    }
                    eprintln!("{method} {call} {fault:?}: {error}");
                }
            }
            on.check(&changed).await;
            // A part sent twice or a start executed twice may leave one upload behind.
            sweep(array.hierarchy().store()).await;
        }
    }
}

#[tokio::test]
async fn four_processes_that_write_one_large_shard_lose_nothing() {
    let Some(on) = on_server("seaweedfs", false).await else {
        return;
    };
    const WRITERS: usize = 4;
    const UPDATES: u32 = 15;
    let job = Job::new(&on.server.url, &on.server.options, UPDATES as usize);
    let spawn = |writer| job.spawn(writer);
    let mut writers = (0..WRITERS).map(spawn).collect::<Vec<_>>();
    let mut rng = random::rng(5);
    let mut kills = 0;
    let mut before = [0; WRITERS];
    loop {
        // Readers see whole rows that never go back.
        let found = on.cold().await.read::<u32>(s![..4, ..]).await.unwrap();
        for (writer, row) in found.outer_iter().enumerate() {
            let value = row[1];
            assert!(
                row.iter().skip(1).all(|&found| found == value) || value == writer as u32,
                "torn"
            );
            if row[2] == value && value > 1_000_000 {
                assert!(value >= before[writer], "row {writer} went back");
                before[writer] = value;
            }
        }
        let mut running = 0;
        for (writer, child) in writers.iter_mut().enumerate() {
            match child.status() {
                None => running += 1,
                Some(status) => assert!(status.success(), "writer {writer} failed"),
            }
        }
        if running == 0 {
            break;
        }
        let victim = rng.random_range(0..WRITERS);
        if kills < 8 && rng.random_ratio(1, 3) && writers[victim].status().is_none() {
            drop(writers.remove(victim));
            writers.insert(victim, spawn(victim));
            kills += 1;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let last = (0..WRITERS).map(|writer| (writer, 1_000_000 + UPDATES));
    on.check(&last.collect::<Vec<_>>()).await;
    let requests = on.proxy.requests();
    let completed = requests
        .iter()
        .filter(|request| request.method == "POST" && request.query.contains("uploadId"));
    eprintln!("{kills} kills, {} completions", completed.count());
    let store = on.array.hierarchy().store();
    let swept = sweep(store).await;
    assert!(swept.len() <= kills, "{swept:?} were left");
    assert_eq!(sweep(store).await, []);
    assert_little_dead(&on.array, 25).await;
}

#[tokio::test]
async fn role_of_a_child() {
    children::role(async |array, writer, number| {
        let value = 1_000_000 + u32::try_from(number).unwrap();
        // On a busy machine a write may lose every race and give up with this error; no update is
        // lost.
        loop {
            match write_row(array, writer, value).await {
                Err(error) if error.kind() == zarr::ErrorKind::Conflict => {}
                written => return written,
            }
        }
    })
    .await;
}
