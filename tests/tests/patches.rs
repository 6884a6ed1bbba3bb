//! Partial writes of a large shard: stored bytes stay in place, and changed inner chunks are
//! appended.
//!
//! `ZARR_PATCH_CASES` sets the number of random arrays, `ZARR_PATCH_SEED` the first seed; a failure
//! prints its seed.

#![expect(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "tests"
)]

use std::process::{Command, Stdio};

use ndarray::{ArrayD, IxDyn, s};
use rand::Rng;
use rand::rngs::StdRng;
use zarr::{
    Array, ArrayBuilder, ArrayMetadata, Hierarchy, Selection, Store, WriteOptions, codecs, registry,
};
use zarr_store::CostModel;
use zarr_tests::proxy::{Fault, Proxy, Rule};
use zarr_tests::servers::{Server, server};
use zarr_tests::{python, random};

/// Returns a store that patches objects of at least `patch_from` bytes.
fn patching(store: Store, patch_from: u64) -> Store {
    let cost = CostModel {
        patch_from,
        ..store.cost_model().clone()
    };
    store.with_cost_model(cost)
}

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable)
        .ok()
        .map_or(default, |text| text.parse().unwrap())
}

/// Creates an array in shards with the index at the end.
fn sharded(rng: &mut StdRng, shape: &[u64]) -> ArrayMetadata {
    let inner = shape.iter().map(|_| rng.random_range(1..=4));
    let inner = inner.collect::<Vec<u64>>();
    let shard = inner.iter().map(|len| len * rng.random_range(1..=4));
    let shard = shard.collect::<Vec<u64>>();
    let chain = match rng.random_range(0..3) {
        0 => vec![codecs::bytes(true)],
        1 => vec![codecs::bytes(true), codecs::crc32c()],
        _ => vec![codecs::bytes(true), codecs::zstd(1)],
    };
    ArrayBuilder::new(shape, "uint16")
        .with_chunk_shape(&inner)
        .with_shard_shape(&shard)
        .with_codecs(chain)
        .build()
        .unwrap()
}

async fn assert_equal(array: &Array, model: &ArrayD<u16>) {
    assert_eq!(&array.read::<u16>(..).await.unwrap(), model, "warm");
    // Reads with an uncached hierarchy.
    let cold = Hierarchy::new(array.hierarchy().store().clone(), registry());
    let cold = cold.array("a").await.unwrap();
    assert_eq!(&cold.read::<u16>(..).await.unwrap(), model, "cold");
}

/// Asserts that dead space is at most `percent` of each shard.
async fn assert_little_dead(array: &Array, percent: u64) {
    for shard in array.dead_space().await.unwrap() {
        assert!(shard.dead * 100 <= shard.size * percent, "{shard:?}");
    }
}

/// Runs random writes, appends and compactions, each compared with an `ndarray`. Returns the bytes
/// copied within the store.
async fn case(store: Store, seed: u64) -> u64 {
    let mut rng = random::rng(seed);
    let rank = rng.random_range(1..=3);
    let mut shape = (0..rank)
        .map(|_| rng.random_range(1..=14))
        .collect::<Vec<usize>>();
    let lens = shape.iter().map(|&len| len as u64).collect::<Vec<_>>();
    let metadata = sharded(&mut rng, &lens);
    let percent = [0, 10, 25, 50, 90][rng.random_range(0..5)];
    let options = WriteOptions {
        store_fill: rng.random_ratio(1, 4),
        dead_space: percent,
    };
    let hierarchy = Hierarchy::new(store.clone(), registry());
    let array = hierarchy.create_array("a", metadata).await.unwrap();
    let mut array = array.with_write_options(options);
    let mut model = ArrayD::<u16>::zeros(IxDyn(&shape));
    for _ in 0..12 {
        match rng.random_range(0..8) {
            0 => {
                array.compact(0).await.unwrap();
                assert_little_dead(&array, 0).await;
            }
            1 if shape[0] < 24 => {
                let old = shape[0];
                shape[0] += rng.random_range(1..=3);
                let lens = shape.iter().map(|&len| len as u64).collect::<Vec<_>>();
                array.resize(&lens).await.unwrap();
                let mut grown = ArrayD::zeros(IxDyn(&shape));
                grown
                    .slice_each_axis_mut(|axis| {
                        if axis.axis.index() == 0 {
                            (..old).into()
                        } else {
                            (..).into()
                        }
                    })
                    .assign(&model);
                model = grown;
                let ranges = shape.iter().enumerate();
                let ranges = ranges.map(|(axis, &len)| {
                    if axis == 0 {
                        old as u64..len as u64
                    } else {
                        0..len as u64
                    }
                });
                let selection = Selection::ranges(&ranges.collect::<Vec<_>>()).unwrap();
                write(&array, &selection, &mut model, &mut rng).await;
            }
            _ => {
                let selection = random::selection(&mut rng, &shape);
                write(&array, &selection, &mut model, &mut rng).await;
            }
        }
        assert_equal(&array, &model).await;
        assert_little_dead(&array, percent.into()).await;
    }
    store.requests().bytes_copied
}

/// Writes random elements with some fill values, and occasionally only fill values.
async fn write(array: &Array, selection: &Selection, model: &mut ArrayD<u16>, rng: &mut StdRng) {
    let places = random::indices_of(selection, model.shape());
    let all_fill = rng.random_ratio(1, 6);
    let data = places.map(|_| match all_fill || rng.random_ratio(1, 10) {
        true => 0,
        false => rng.random(),
    });
    array.write(selection, data.clone()).await.unwrap();
    let elements = model.as_slice_mut().unwrap();
    for (&place, &element) in places.iter().zip(&data) {
        elements[place] = element;
    }
}

#[tokio::test]
async fn random_patches_appends_and_compactions_are_those_of_an_array_in_memory() {
    let first = number("ZARR_PATCH_SEED", 0);
    let mut copied = 0;
    for seed in first..first + number("ZARR_PATCH_CASES", 150) {
        eprintln!("run again with ZARR_PATCH_SEED={seed} ZARR_PATCH_CASES=1");
        let folder = tempfile::tempdir().unwrap();
        case(patching(Store::memory(), 0), seed).await;
        copied += case(patching(Store::local(folder.path()).unwrap(), 0), seed).await;
    }
    assert!(copied > 0, "nothing was patched");
}

const SIDE: u64 = 256;

/// Creates a shard of `side` x `side` inner chunks of 256 KiB: 67 MB for a side of 16.
fn large(side: u64) -> ArrayMetadata {
    ArrayBuilder::new(&[SIDE * side; 2], "float32")
        .with_chunk_shape(&[SIDE; 2])
        .with_shard_shape(&[SIDE * side; 2])
        .with_codecs([codecs::bytes(true), codecs::crc32c()])
        .build()
        .unwrap()
}

#[tokio::test]
async fn an_append_sends_what_is_appended() {
    // Time steps of 4 KiB, 1,000 per shard.
    const STEPS: u64 = 1000;
    let folder = tempfile::tempdir().unwrap();
    let store = patching(Store::local(folder.path()).unwrap(), 0);
    let metadata = ArrayBuilder::new(&[0, 1024], "float32")
        .with_chunk_shape(&[1, 1024])
        .with_shard_shape(&[STEPS, 1024])
        .with_codecs([codecs::bytes(true), codecs::crc32c()]);
    let hierarchy = Hierarchy::new(store.clone(), registry());
    let mut array = hierarchy
        .create_array("a", metadata.build().unwrap())
        .await
        .unwrap();
    let index = STEPS * 16 + 4;
    let mut sent = Vec::new();
    for step in 0..200_u64 {
        array.resize(&[step + 1, 1024]).await.unwrap();
        let before = store.requests().bytes_written;
        let at = step.cast_signed() as isize;
        let value = step as f32 + 1.0;
        array
            .write(s![at..=at, ..], ndarray::arr0(value))
            .await
            .unwrap();
        sent.push(store.requests().bytes_written - before);
    }
    assert!(
        sent.iter().all(|&sent| sent == 4096 + 4 + index),
        "{sent:?}"
    );
    let found = array.read::<f32>(s![.., 7]).await.unwrap();
    let expected = (0..200)
        .map(|step| step as f32 + 1.0)
        .collect::<ndarray::Array1<_>>();
    assert_eq!(found, expected.into_dyn());
    assert_eq!(array.dead_space().await.unwrap()[0].dead, 0);
}

#[tokio::test]
async fn one_inner_chunk_of_a_large_local_shard_is_appended() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::local(folder.path()).unwrap();
    let hierarchy = Hierarchy::new(store.clone(), registry());
    let array = hierarchy.create_array("a", large(8)).await.unwrap();
    array.write(.., ndarray::arr0(1.0_f32)).await.unwrap();
    let size = store.size("a/c/0/0").await.unwrap().unwrap();
    let plan = array.plan_write(s![..256, 256..512]).unwrap().to_string();
    assert!(
        plan.contains("append if unchanged, at most 263176 bytes sent"),
        "{plan}"
    );
    let before = store.requests();
    array
        .write(s![..256, 256..512], ndarray::arr0(2.0_f32))
        .await
        .unwrap();
    let after = store.requests();
    let index = 8 * 8 * 16 + 4;
    assert_eq!(
        after.bytes_written - before.bytes_written,
        (1 << 18) + 4 + index
    );
    assert_eq!(after.bytes_copied - before.bytes_copied, size - index);
    assert_eq!(after.bytes_read - before.bytes_read, index);
    let space = array.dead_space().await.unwrap();
    assert_eq!(space[0].dead, (1 << 18) + 4);
    let freed = array.compact(0).await.unwrap();
    assert_eq!((freed.shards, freed.freed), (1, (1 << 18) + 4));
    assert_eq!(store.size("a/c/0/0").await.unwrap(), Some(size));
    let sum = array.read::<f32>(..).await.unwrap().sum();
    assert_eq!(sum, (2048.0 * 2048.0) + (256.0 * 256.0));
}

/// A server behind a proxy, with a shard of 10.5 MB: 160 rows of one inner chunk of 64 KiB each.
struct OnServer {
    proxy: Proxy,
    server: Server,
    array: Array,
}

const ROWS: u64 = 160;
const ROW: u64 = 16384;
const ROW_INDEX: u64 = ROWS * 16 + 4;

/// Without a single writer, servers other than Amazon's get whole shards.
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
    let rows = ndarray::Array2::from_shape_fn((ROWS as usize, ROW as usize), |(row, at)| {
        (row * at) as u32
    });
    array.write(.., rows).await.unwrap();
    Some(OnServer {
        proxy,
        server,
        array,
    })
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

async fn write_row(array: &Array, row: usize, value: u32) -> zarr::Result<()> {
    let row = row.cast_signed();
    array.write(s![row..=row, ..], ndarray::arr0(value)).await
}

#[tokio::test]
async fn seaweedfs_patches_and_moto_that_ignores_conditions_does_not() {
    for (name, patches) in [("seaweedfs", true), ("moto", false)] {
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
                (ROW * 4 + 4 + ROW_INDEX, 0, 4),
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
            if patches { 5 } else { 3 },
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
        assert_eq!(
            store.sweep(std::time::Duration::ZERO).await.unwrap(),
            0,
            "{name}"
        );
    }
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
            let store = array.hierarchy().store();
            // A part sent twice or a start executed twice may leave one upload behind.
            store.sweep(std::time::Duration::ZERO).await.unwrap();
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
    let logs = tempfile::tempdir().unwrap();
    let spawn = |writer: usize| {
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "role_of_a_child", "--nocapture"])
            .env("ZARR_TEST_PATCHER", writer.to_string())
            .env("ZARR_TEST_UPDATES", UPDATES.to_string())
            .env("ZARR_TEST_STORE", &on.server.url)
            .env(
                "ZARR_TEST_OPTIONS",
                serde_json::to_string(&on.server.options).unwrap(),
            )
            .env("ZARR_TEST_LOG", logs.path().join(writer.to_string()))
            .stdout(Stdio::null())
            .spawn()
            .unwrap()
    };
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
            match child.try_wait().unwrap() {
                None => running += 1,
                Some(status) => assert!(status.success(), "writer {writer} failed"),
            }
        }
        if running == 0 {
            break;
        }
        let victim = rng.random_range(0..WRITERS);
        if kills < 8 && rng.random_ratio(1, 3) && writers[victim].try_wait().unwrap().is_none() {
            writers[victim].kill().unwrap();
            writers[victim].wait().unwrap();
            writers[victim] = spawn(victim);
            kills += 1;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let last = (0..WRITERS).map(|writer| (writer, 1_000_000 + UPDATES));
    on.check(&last.collect::<Vec<_>>()).await;
    let requests = on.proxy.requests();
    let completed = requests
        .iter()
        .filter(|request| request.method == "POST" && request.query.contains("uploadId"));
    eprintln!("{kills} kills, {} completions", completed.count());
    let store = on.array.hierarchy().store();
    let swept = store.sweep(std::time::Duration::ZERO).await.unwrap();
    assert!(swept <= kills, "{swept} uploads were left");
    assert_eq!(store.sweep(std::time::Duration::ZERO).await.unwrap(), 0);
    assert_little_dead(&on.array, 25).await;
}

/// Does nothing in the test run itself; in a child process it runs the child's work.
#[tokio::test]
async fn role_of_a_child() {
    let variable = |name| std::env::var(name);
    let Ok(writer) = variable("ZARR_TEST_PATCHER") else {
        return;
    };
    let writer = writer.parse().unwrap();
    let updates: u32 = variable("ZARR_TEST_UPDATES").unwrap().parse().unwrap();
    let options = variable("ZARR_TEST_OPTIONS").unwrap();
    let options: Vec<(String, String)> = serde_json::from_str(&options).unwrap();
    let store = Store::open_with(&variable("ZARR_TEST_STORE").unwrap(), options).unwrap();
    let array = Hierarchy::new(store, registry()).array("a").await.unwrap();
    let log = variable("ZARR_TEST_LOG").unwrap();
    let done = std::fs::read_to_string(&log)
        .unwrap_or_default()
        .lines()
        .count();
    for number in done as u32 + 1..=updates {
        // On a busy machine a write may lose every race and give up with this error; no update is
        // lost.
        loop {
            match write_row(&array, writer, 1_000_000 + number).await {
                Err(error) if error.kind() == zarr::ErrorKind::Conflict => {}
                written => break written.unwrap(),
            }
        }
        let mut log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(&log)
            .unwrap();
        std::io::Write::write_all(&mut log, format!("{number}\n").as_bytes()).unwrap();
    }
}

/// Other implementations read patched shards bit for bit.
#[tokio::test]
async fn zarr_python_and_tensorstore_read_patched_shards() {
    let folder = tempfile::tempdir().unwrap();
    let mut checks = Vec::new();
    for seed in 0..12_u64 {
        let mut rng = random::rng(seed);
        let name = format!("array-{seed}");
        let store = Store::local(folder.path().join(&name)).unwrap();
        let shape = [rng.random_range(8..=24), rng.random_range(8..=24)];
        let metadata = sharded(&mut rng, &shape.map(|len: usize| len as u64));
        let hierarchy = Hierarchy::new(patching(store.clone(), 0), registry());
        let array = hierarchy.create_array("a", metadata).await.unwrap();
        let mut model = ArrayD::<u16>::zeros(IxDyn(&shape));
        for _ in 0..6 {
            let selection = random::selection(&mut rng, &shape);
            write(&array, &selection, &mut model, &mut rng).await;
        }
        assert_equal(&array, &model).await;
        let elements = format!("{name}.bin");
        let bytes = model.iter().flat_map(|element| element.to_ne_bytes());
        std::fs::write(folder.path().join(&elements), bytes.collect::<Vec<u8>>()).unwrap();
        checks.push(serde_json::json!({
            "array": format!("{name}/a"), "dtype": "uint16", "shape": shape, "elements": elements,
            "readers": ["zarr-python", "tensorstore"],
        }));
        assert!(store.requests().bytes_copied > 0 || seed > 0);
    }
    let text = serde_json::to_string(&checks).unwrap();
    std::fs::write(folder.path().join("check.json"), text).unwrap();
    let said = python::run("peers.py", &["check", folder.path().to_str().unwrap()]);
    assert_eq!(said.lines().count(), 24, "{said}");
}

/// Measures changes of 1, 8 and 200 inner chunks of 256 KiB in a shard of 67 MB: the table of
/// `docs/patches.md`. Each result is verified.
#[tokio::test]
#[ignore = "measures"]
async fn the_table() {
    let folder = tempfile::tempdir().unwrap();
    let mut stores = vec![
        ("memory", Store::memory()),
        ("local disk", Store::local(folder.path()).unwrap()),
    ];
    for name in ["seaweedfs", "moto", "azurite"] {
        if let Some(server) = server(name) {
            stores.push((name, server.fresh().store()));
        }
    }
    for (name, store) in stores {
        for (path, from) in [
            ("whole", u64::MAX),
            ("patch", store.cost_model().patch_from),
        ] {
            let store = patching(store.with_prefix(path).unwrap(), from);
            let hierarchy = Hierarchy::new(store.clone(), registry());
            let array = hierarchy.create_array("a", large(16)).await.unwrap();
            let mut model =
                ndarray::Array2::from_shape_fn((4096, 4096), |(y, x)| (y * x + 1) as f32);
            array.write(.., model.clone()).await.unwrap();
            // The capabilities of the server are probed, and the index is cached.
            array
                .write(s![..256, ..256], model.slice(s![..256, ..256]).to_owned())
                .await
                .unwrap();
            for count in [1_usize, 8, 200] {
                array.compact(0).await.unwrap();
                array
                    .write(s![..256, ..256], model.slice(s![..256, ..256]).to_owned())
                    .await
                    .unwrap();
                let (rows, columns) = (count.div_ceil(16), count.min(16));
                let [rows, columns] = [rows, columns].map(usize::cast_signed);
                let part = s![512..512 + rows * 256, ..columns * 256];
                model.slice_mut(part).mapv_inplace(|element| element + 3.0);
                let new = model.slice(part).to_owned();
                let (before, started) = (store.requests(), std::time::Instant::now());
                array.write(part, new).await.unwrap();
                let (after, took) = (store.requests(), started.elapsed());
                let sum = |requests: zarr_store::RequestCounts| {
                    requests.gets + requests.puts + requests.heads
                };
                println!(
                    "| {name} | {path} | {} | {:.2} | {:.1} | {} | {:.0} |",
                    rows * columns,
                    (after.bytes_read + after.bytes_written
                        - before.bytes_read
                        - before.bytes_written) as f64
                        / 1e6,
                    (after.bytes_copied - before.bytes_copied) as f64 / 1e6,
                    sum(after) - sum(before),
                    took.as_secs_f64() * 1e3,
                );
                let cold = Hierarchy::new(store.clone(), registry())
                    .array("a")
                    .await
                    .unwrap();
                assert!(
                    cold.read::<f32>(..).await.unwrap() == model.clone().into_dyn(),
                    "{name} {path} {count}"
                );
            }
        }
    }
}
