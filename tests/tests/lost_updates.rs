//! Many writers of one shard, as threads and as processes, some of them killed: every acknowledged
//! update survives, and every reader sees whole objects that never go back.
//!
//! Promises P1 (atomic writes), P8 (concurrent writers), P10 (crash-safe).

#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::HashMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use futures::StreamExt;
use ndarray::{ArrayD, arr0, s};
use rand::Rng;
use zarr::{Array, ArrayBuilder, Hierarchy, Store, codecs, registry};
use zarr_tests::random;
use zarr_tests::servers::server;

/// Inner chunks of each writer, in one row of the shard.
const CHUNKS: usize = 16;
/// Elements of an inner chunk along each dimension.
const SIDE: usize = 8;
/// The time limit of a run; a longer run hangs.
const DEADLINE: Duration = Duration::from_secs(240);

/// Creates one shard with a row of inner chunks for each writer.
async fn create(store: Store, writers: usize) -> Array {
    let shape = [writers * SIDE, CHUNKS * SIDE].map(|len| len as u64);
    let metadata = ArrayBuilder::new(&shape, "uint32")
        .with_chunk_shape(&[SIDE as u64; 2])
        .with_shard_shape(&shape)
        .with_codecs([codecs::bytes(true), codecs::crc32c()]);
    Hierarchy::new(store, registry())
        .create_array("a", metadata.build().unwrap())
        .await
        .unwrap()
}

/// Applies update `number` of a writer, counted from 1, to its inner chunks in turn.
async fn update(array: &Array, writer: usize, number: usize) -> zarr::Result<()> {
    let [y, x] = [writer, number % CHUNKS].map(|at| (at * SIDE).cast_signed());
    let side = SIDE.cast_signed();
    let value = arr0(u32::try_from(number).unwrap());
    array.write(s![y..y + side, x..x + side], value).await
}

/// Returns the value of every inner chunk by writer and column; asserts that each inner chunk holds
/// one value.
fn chunks(elements: &ArrayD<u32>) -> HashMap<(usize, usize), u32> {
    let mut values = HashMap::new();
    for (index, &value) in elements.indexed_iter() {
        let chunk = (index[0] / SIDE, index[1] / SIDE);
        let first = *values.entry(chunk).or_insert(value);
        assert_eq!(first, value, "a torn inner chunk {chunk:?}");
    }
    values
}

fn assert_all_there(found: &HashMap<(usize, usize), u32>, writers: usize, updates: usize) {
    for writer in 0..writers {
        for number in updates + 1 - CHUNKS..=updates {
            let found = found[&(writer, number % CHUNKS)];
            assert_eq!(found, u32::try_from(number).unwrap(), "of writer {writer}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_threads_on_one_shard_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    for store in [
        Store::memory(),
        Store::local(folder.path()).unwrap(),
        patching(Store::memory(), 0),
        patching(Store::local(folder.path().join("patched")).unwrap(), 0),
    ] {
        let array = create(store, 8).await;
        let writers = (0..8).map(|writer| {
            let array = array.clone();
            tokio::spawn(async move {
                for number in 1..=1000 {
                    update(&array, writer, number).await.unwrap();
                }
            })
        });
        for writer in writers.collect::<Vec<_>>() {
            writer.await.unwrap();
        }
        assert_all_there(&chunks(&array.read::<u32>(..).await.unwrap()), 8, 1000);
    }
}

#[tokio::test]
async fn four_processes_on_local_files_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    Run::new(path, &[], 1000).run(0).await;
}

#[tokio::test]
async fn killed_processes_on_local_files_lose_nothing_and_leave_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    let store = Run::new(path, &[], 1000).run(20).await;
    let keys = store
        .list("")
        .map(|entry| entry.unwrap().key)
        .collect::<Vec<_>>()
        .await;
    assert_eq!(keys, ["a/c/0/0", "a/zarr.json", "zarr.json"]);
}

#[tokio::test]
async fn killed_processes_that_patch_local_files_lose_nothing_and_leave_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    let run = Run {
        patch_from: Some(0),
        ..Run::new(path, &[], 1000)
    };
    let store = run.run(20).await;
    let keys = store
        .list("")
        .map(|entry| entry.unwrap().key)
        .collect::<Vec<_>>()
        .await;
    assert_eq!(keys, ["a/c/0/0", "a/zarr.json", "zarr.json"]);
}

/// Returns a store that patches objects of at least `patch_from` bytes.
fn patching(store: Store, patch_from: u64) -> Store {
    let cost = zarr_store::CostModel {
        patch_from,
        ..store.cost_model().clone()
    };
    store.with_cost_model(cost)
}

async fn on_server(name: &str) {
    let Some(server) = server(name).map(zarr_tests::servers::Server::fresh) else {
        return;
    };
    Run::new(&server.url, &server.options, 1000).run(20).await;
}

#[tokio::test]
async fn killed_processes_on_seaweedfs_lose_nothing() {
    on_server("seaweedfs").await;
}

#[tokio::test]
async fn killed_processes_on_moto_lose_nothing() {
    on_server("moto").await;
}

#[tokio::test]
async fn killed_processes_on_azurite_lose_nothing() {
    on_server("azurite").await;
}

/// Four writer processes on one store, and their logs.
struct Run {
    url: String,
    options: Vec<(String, String)>,
    updates: usize,
    /// The object size in bytes from which the writers patch; `None` for the default.
    patch_from: Option<u64>,
    logs: tempfile::TempDir,
}

const WRITERS: usize = 4;

impl Run {
    fn new(url: &str, options: &[(String, String)], updates: usize) -> Self {
        Self {
            url: url.to_owned(),
            options: options.to_vec(),
            updates,
            patch_from: None,
            logs: tempfile::tempdir().unwrap(),
        }
    }

    /// Runs the writers to the end while this process reads; kills and replaces a writer `kills`
    /// times.
    async fn run(&self, kills: usize) -> Store {
        let store = Store::open_with(&self.url, self.options.clone()).unwrap();
        let array = create(store.clone(), WRITERS).await;
        let mut writers = (0..WRITERS)
            .map(|writer| self.spawn(writer))
            .collect::<Vec<_>>();
        let mut rng = random::rng(11);
        let (started, mut killed, mut reads) = (Instant::now(), 0, 0);
        let mut before = HashMap::new();
        loop {
            let now = chunks(&array.read::<u32>(..).await.unwrap());
            for (chunk, value) in &before {
                assert!(now[chunk] >= *value, "inner chunk {chunk:?} went back");
            }
            before = now;
            reads += 1;
            let done = writers
                .iter_mut()
                .map(|writer| writer.0.try_wait().unwrap())
                .collect::<Vec<_>>();
            assert!(
                done.iter().flatten().all(std::process::ExitStatus::success),
                "a writer failed"
            );
            if done.iter().all(Option::is_some) {
                break;
            }
            // Spreads the kills evenly over the acknowledged updates.
            let acknowledged = (0..WRITERS).map(|writer| self.log(writer).1).sum::<usize>();
            let due = acknowledged * (kills + 1) / (WRITERS * self.updates);
            let victim = rng.random_range(0..WRITERS);
            if killed < due.min(kills) && done[victim].is_none() {
                writers[victim].0.kill().unwrap();
                writers[victim].0.wait().unwrap();
                writers[victim] = self.spawn(victim);
                killed += 1;
            }
            assert!(started.elapsed() < DEADLINE, "the writers hang");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        self.check(&chunks(&array.read::<u32>(..).await.unwrap()));
        eprintln!(
            "{}: {WRITERS} x {} updates, {killed} kills, {reads} reads, {:.1} s",
            store.location(),
            self.updates,
            started.elapsed().as_secs_f64()
        );
        store
    }

    /// Asserts that every inner chunk has its last acknowledged update, and that all updates were
    /// acknowledged.
    fn check(&self, found: &HashMap<(usize, usize), u32>) {
        for writer in 0..WRITERS {
            let (log, acknowledged) = self.log(writer);
            assert_eq!(acknowledged, self.updates);
            for (column, number) in log {
                assert_eq!(found[&(writer, column)], number, "of writer {writer}");
            }
        }
        assert_all_there(found, WRITERS, self.updates);
    }

    /// Returns the last acknowledged update of each inner chunk of a writer, and the last one
    /// overall.
    fn log(&self, writer: usize) -> (HashMap<usize, u32>, usize) {
        let text = std::fs::read_to_string(self.log_path(writer)).unwrap_or_default();
        let numbers = text.lines().map(|line| line.parse::<usize>().unwrap());
        let last = numbers.clone().next_back().unwrap_or(0);
        let by_column = numbers.map(|number| (number % CHUNKS, u32::try_from(number).unwrap()));
        (by_column.collect(), last)
    }

    fn log_path(&self, writer: usize) -> PathBuf {
        self.logs.path().join(writer.to_string())
    }

    fn spawn(&self, writer: usize) -> Killed {
        let options = serde_json::to_string(&self.options).unwrap();
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "role_of_a_child", "--nocapture"])
            .env("ZARR_TEST_WRITER", writer.to_string())
            .env("ZARR_TEST_UPDATES", self.updates.to_string())
            .env("ZARR_TEST_STORE", &self.url)
            .env("ZARR_TEST_OPTIONS", options)
            .env("ZARR_TEST_LOG", self.log_path(writer))
            .env(
                "ZARR_TEST_PATCH_FROM",
                self.patch_from
                    .map_or(String::new(), |from| from.to_string()),
            )
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        Killed(child)
    }
}

/// A child process that is killed when the test ends, even by a panic.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        // The child may have exited already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Does nothing in the test run itself; in a child process it runs the child's work.
#[tokio::test]
async fn role_of_a_child() {
    let variable = |name| std::env::var(name);
    let Ok(writer) = variable("ZARR_TEST_WRITER") else {
        return;
    };
    let writer = writer.parse().unwrap();
    let updates = variable("ZARR_TEST_UPDATES").unwrap().parse().unwrap();
    let options = variable("ZARR_TEST_OPTIONS").unwrap();
    let options: Vec<(String, String)> = serde_json::from_str(&options).unwrap();
    let mut store = Store::open_with(&variable("ZARR_TEST_STORE").unwrap(), options).unwrap();
    if let Ok(from) = variable("ZARR_TEST_PATCH_FROM").unwrap().parse() {
        store = patching(store, from);
    }
    let array = Hierarchy::new(store, registry()).array("a").await.unwrap();
    let log = variable("ZARR_TEST_LOG").unwrap();
    let done = std::fs::read_to_string(&log)
        .unwrap_or_default()
        .lines()
        .count();
    let mut log = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(Path::new(&log))
        .unwrap();
    for number in done + 1..=updates {
        update(&array, writer, number).await.unwrap();
        // One system call, so a line is written whole or not at all.
        log.write_all(format!("{number}\n").as_bytes()).unwrap();
    }
}
