//! Many writers of one shard, as threads and as processes, some of them killed: every acknowledged
//! update survives, and every reader sees whole objects that never go back.
//!
//! Promises P1 (atomic writes), P8 (concurrent writers), P10 (crash-safe).

#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::HashMap;
use std::time::{Duration, Instant};

use futures::StreamExt;
use ndarray::{ArrayD, arr0, s};
use rand::Rng;
use zarr::{Array, ArrayBuilder, Hierarchy, Store, codecs, registry};
use zarr_tests::children::{self, Child, Job};
use zarr_tests::patched::patching;
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

/// Eight writers of a shard of 10.5 MB, each with a store of its own, as processes have: each
/// update succeeds at the fourth attempt at the latest, since the writer then keeps others away.
#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn no_writer_of_a_large_shard_starves() {
    const ROW: u64 = 16384;
    let folder = tempfile::tempdir().unwrap();
    let metadata = ArrayBuilder::new(&[160, ROW], "uint32")
        .with_chunk_shape(&[1, ROW])
        .with_shard_shape(&[160, ROW])
        .with_codecs([codecs::bytes(true), codecs::crc32c()]);
    let hierarchy = Hierarchy::new(Store::local(folder.path()).unwrap(), registry());
    let array = hierarchy.create_array("a", metadata.build().unwrap());
    let array = array.await.unwrap();
    array.write(.., arr0(9_u32)).await.unwrap();
    let writers = (0..8_isize).map(|writer| {
        // Half of them patch the shard, and half put it as a whole.
        let from = if writer % 2 == 0 { 0 } else { u64::MAX };
        let store = patching(Store::local(folder.path()).unwrap(), from);
        tokio::spawn(async move {
            let hierarchy = Hierarchy::new(store.clone(), registry());
            let array = hierarchy.array("a").await.unwrap();
            let mut most = 0;
            for number in 1..=12_u32 {
                let before = store.requests().puts;
                let row = s![writer..=writer, ..];
                array.write(row, arr0(number)).await.unwrap();
                most = most.max(store.requests().puts - before);
            }
            most
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        let most = writer.await.unwrap();
        assert!(most <= 4, "{most} puts for one update");
    }
    let found = array.read::<u32>(s![..9, 5]).await.unwrap();
    assert_eq!(
        found.as_slice().unwrap(),
        [12, 12, 12, 12, 12, 12, 12, 12, 9]
    );
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
    let mut run = Run::new(path, &[], 1000);
    run.0.patch_from = Some(0);
    let store = run.run(20).await;
    let keys = store
        .list("")
        .map(|entry| entry.unwrap().key)
        .collect::<Vec<_>>()
        .await;
    assert_eq!(keys, ["a/c/0/0", "a/zarr.json", "zarr.json"]);
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

/// Four writer processes on one store.
struct Run(Job);

const WRITERS: usize = 4;

impl Run {
    fn new(url: &str, options: &[(String, String)], updates: usize) -> Self {
        Self(Job::new(url, options, updates))
    }

    /// Runs the writers to the end while this process reads; kills and replaces a writer `kills`
    /// times.
    async fn run(&self, kills: usize) -> Store {
        let store = Store::open_with(&self.0.url, self.0.options.clone()).unwrap();
        let array = create(store.clone(), WRITERS).await;
        let mut writers = (0..WRITERS)
            .map(|writer| self.0.spawn(writer))
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
            let done = writers.iter_mut().map(Child::status).collect::<Vec<_>>();
            assert!(
                done.iter().flatten().all(std::process::ExitStatus::success),
                "a writer failed"
            );
            if done.iter().all(Option::is_some) {
                break;
            }
            // Spreads the kills evenly over the acknowledged updates.
            let acknowledged = (0..WRITERS).map(|writer| self.log(writer).1).sum::<usize>();
            let due = acknowledged * (kills + 1) / (WRITERS * self.0.updates);
            let victim = rng.random_range(0..WRITERS);
            if killed < due.min(kills) && done[victim].is_none() {
                drop(writers.remove(victim));
                writers.insert(victim, self.0.spawn(victim));
                killed += 1;
            }
            assert!(started.elapsed() < DEADLINE, "the writers hang");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        self.check(&chunks(&array.read::<u32>(..).await.unwrap()));
        eprintln!(
            "{}: {WRITERS} x {} updates, {killed} kills, {reads} reads, {:.1} s",
            store.location(),
            self.0.updates,
            started.elapsed().as_secs_f64()
        );
        store
    }

    /// Asserts that every inner chunk has its last acknowledged update, and that all updates were
    /// acknowledged.
    fn check(&self, found: &HashMap<(usize, usize), u32>) {
        for writer in 0..WRITERS {
            let (log, acknowledged) = self.log(writer);
            assert_eq!(acknowledged, self.0.updates);
            for (column, number) in log {
                assert_eq!(found[&(writer, column)], number, "of writer {writer}");
            }
        }
        assert_all_there(found, WRITERS, self.0.updates);
    }

    /// Returns the last acknowledged update of each inner chunk of a writer, and the last one
    /// overall.
    fn log(&self, writer: usize) -> (HashMap<usize, u32>, usize) {
        let numbers = self.0.log(writer).into_iter();
        let last = numbers.clone().next_back().unwrap_or(0);
        let by_column = numbers.map(|number| (number % CHUNKS, u32::try_from(number).unwrap()));
        (by_column.collect(), last)
    }
}

#[tokio::test]
async fn role_of_a_child() {
    children::role(update).await;
}
