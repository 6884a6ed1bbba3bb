//! The number of requests of each case in a table, counted by a proxy. With real servers, also the
//! time of each case at 20 ms to the first byte, beside tensorstore in the same run through the
//! same proxy (printed, not tested).
//!
//! `ZARR_SERVERS=1 cargo test --release -p zarr-tests --test latency -- --nocapture` prints the
//! table.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::HashSet;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use futures::future::{join_all, try_join_all};
use ndarray::{Array3, ArrayD, s};
use rand::Rng;
use zarr::{ArrayBuilder, CacheOptions, Hierarchy, Store, codecs, registry};
use zarr_tests::origin::Origin;
use zarr_tests::proxy::Proxy;
use zarr_tests::servers::{Server, server};
use zarr_tests::{python, random};

/// Elements of the array, of a shard and of an inner chunk along each dimension.
const LEN: usize = 256;
const SHARD: usize = 128;
const SIDE: usize = 32;
const ARRAYS: usize = 200;

/// The cases, the number of requests of this engine, and whether tensorstore runs the case.
fn cases() -> [(&'static str, usize, bool); 6] {
    [
        ("one inner chunk, cold", 3, true),
        ("a slab through 4 shards", 9, true),
        // Some of the 100 random inner chunks coincide, and some are adjacent.
        ("100 random inner chunks", 1 + 8 + runs(&points()), true),
        ("all 8 objects", 9, true),
        ("open 200 arrays of a group", 201, true),
        ("the same, consolidated", 1, false),
    ]
}

fn elements() -> Array3<u16> {
    let mut rng = random::rng(3);
    Array3::from_shape_fn((LEN, LEN, LEN), |(z, y, x)| {
        let smooth = (z / 8) * 70 + (y / 8) * 50 + (x / 8) * 30;
        u16::try_from(smooth).unwrap() + rng.random_range(0..16)
    })
}

/// One element in each of 100 random inner chunks.
fn points() -> [Vec<u64>; 3] {
    let mut rng = random::rng(5);
    let cells = LEN / SIDE;
    [(); 3].map(|()| {
        let index = |_| (rng.random_range(0..cells) * SIDE + 5) as u64;
        (0..100).map(index).collect()
    })
}

/// The number of runs of adjacent inner chunks that contain these points.
fn runs(points: &[Vec<u64>; 3]) -> usize {
    let (shard, side) = (SHARD as u64, SIDE as u64);
    let place = |index: usize| {
        let point = [0, 1, 2].map(|axis| points[axis][index]);
        let in_shard = |axis: usize| point[axis] % shard / side;
        let number = (0..3).fold(0, |number, axis| number * (shard / side) + in_shard(axis));
        (point.map(|at| at / shard), number)
    };
    let places = (0..points[0].len()).map(place).collect::<HashSet<_>>();
    let is_first = |(shard, number): &&([u64; 3], u64)| {
        number
            .checked_sub(1)
            .is_none_or(|before| !places.contains(&(*shard, before)))
    };
    places.iter().filter(is_first).count()
}

/// Creates the array `a`, and the groups `g` and `h` of 200 arrays each; `h` is consolidated.
async fn fill(store: Store) {
    let hierarchy = Hierarchy::new(store, registry());
    let metadata = ArrayBuilder::new(&[LEN as u64; 3], "uint16")
        .with_chunk_shape(&[SIDE as u64; 3])
        .with_shard_shape(&[SHARD as u64; 3])
        .with_codecs([codecs::bytes(true), codecs::zstd(1)])
        .build()
        .unwrap();
    let array = hierarchy.create_array("a", metadata.clone()).await.unwrap();
    array.write(.., elements()).await.unwrap();
    for group in ["g", "h"] {
        let group = hierarchy
            .create_group(group, zarr::Attributes::default())
            .await
            .unwrap();
        let names = (0..ARRAYS).map(|number| format!("a{number}"));
        let created = names.map(|name| {
            let (group, metadata) = (&group, metadata.clone());
            async move { group.create_array(&name, metadata).await }
        });
        try_join_all(created).await.unwrap();
    }
    let mut group = hierarchy.group("h").await.unwrap();
    group.consolidate().await.unwrap();
}

/// Runs a case from cold; returns the sum of the elements.
async fn run(case: &str, store: Store) -> u64 {
    let hierarchy = Hierarchy::new(store, registry());
    if let Some(group) = match case {
        "open 200 arrays of a group" => Some("g"),
        "the same, consolidated" => Some("h"),
        _ => None,
    } {
        let group = hierarchy.group(group).await.unwrap();
        let names = (0..ARRAYS).map(|number| format!("a{number}"));
        let opened = names.map(|name| {
            let group = &group;
            async move { group.array(&name).await.unwrap().shape()[0] }
        });
        return join_all(opened).await.into_iter().sum();
    }
    let array = hierarchy.array("a").await.unwrap();
    let side = SIDE.cast_signed();
    let found: ArrayD<u16> = match case {
        "one inner chunk, cold" => {
            let inner = s![side..2 * side, ..side, 2 * side..3 * side];
            array.read::<u16>(inner).await.unwrap()
        }
        "a slab through 4 shards" => array.read::<u16>(s![20, .., ..]).await.unwrap(),
        "100 random inner chunks" => array
            .read::<u16>(zarr::Selection::Coordinates(points().to_vec()))
            .await
            .unwrap(),
        "all 8 objects" => array.read::<u16>(..).await.unwrap(),
        other => panic!("no case {other:?}"),
    };
    found.iter().map(|&element| u64::from(element)).sum()
}

/// Runs a case and asserts its number of requests; returns the sum of the elements.
async fn counted(case: &str, expected: usize, proxy: &Proxy, store: &Store) -> u64 {
    proxy.clear();
    let total = run(case, store.clone()).await;
    let requests = proxy.requests();
    assert!(
        requests.iter().all(|request| request.method == "GET"),
        "{case}: {requests:?}"
    );
    assert_eq!(requests.len(), expected, "{case}");
    total
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cases_send_no_request_too_many() {
    let origin = Origin::start().await;
    fill(Origin::s3(&origin.address, &[])).await;
    let proxy = Proxy::start(&origin.address).await;
    let store = Origin::s3(&proxy.address, &[]);
    for (case, expected, _) in cases() {
        counted(case, expected, &proxy, &store).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cached_chunk_that_is_not_validated_costs_no_request() {
    let origin = Origin::start().await;
    fill(Origin::s3(&origin.address, &[])).await;
    let proxy = Proxy::start(&origin.address).await;
    for (revalidate, expected) in [(false, 0), (true, 1)] {
        let caches = CacheOptions {
            chunk_size: 64 << 20,
            revalidate,
            ..CacheOptions::default()
        };
        let store = Origin::s3(&proxy.address, &[]);
        let hierarchy = Hierarchy::with_caches(store, registry(), caches);
        let array = hierarchy.array("a").await.unwrap();
        let first = array.read::<u16>(s![..9, ..20, 3]).await.unwrap();
        proxy.clear();
        assert_eq!(array.read::<u16>(s![..9, ..20, 3]).await.unwrap(), first);
        assert_eq!(proxy.requests().len(), expected, "{:?}", proxy.requests());
    }
}

/// Uses a latency that dominates all other costs.
#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_arrays_are_opened_in_less_than_six_round_trips() {
    // Long relative to the machine's own time: five round trips, and one more as slack.
    const LATENCY: Duration = Duration::from_millis(1500);
    let origin = Origin::start().await;
    fill(Origin::s3(&origin.address, &[])).await;
    let proxy = Proxy::start(&origin.address).await;
    proxy.set_latency(LATENCY);
    let started = Instant::now();
    run(
        "open 200 arrays of a group",
        Origin::s3(&proxy.address, &[]),
    )
    .await;
    let took = started.elapsed();
    assert!(took < 6 * LATENCY, "{took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_table_beside_tensorstore() {
    let Some(server) = server("seaweedfs").map(Server::fresh) else {
        return;
    };
    fill(server.store()).await;
    let proxy = Proxy::start(&server.address).await;
    proxy.set_latency(Duration::from_millis(20));
    let server = server.through(&proxy.address);
    // Both clients keep their connections between cases, and nothing else.
    let store = server.store();
    let mut peer = Tensorstore::start(&server);
    let mut lines = Vec::new();
    for (case, expected, has_peer) in cases() {
        let (mut ours, mut theirs, mut counts) = (f64::MAX, f64::MAX, [0, 0]);
        for _ in 0..5 {
            let started = Instant::now();
            let total = counted(case, expected, &proxy, &store).await;
            ours = ours.min(started.elapsed().as_secs_f64() * 1000.0);
            counts[0] = proxy.requests().len();
            if !has_peer {
                continue;
            }
            proxy.clear();
            let (took, sum) = tokio::task::block_in_place(|| peer.run(case));
            theirs = theirs.min(took);
            counts[1] = proxy.requests().len();
            assert_eq!(sum, total, "{case}");
            assert!(counts[0] <= counts[1], "{case}: {counts:?} requests");
        }
        let theirs = if has_peer {
            format!("{theirs:6.0} / {:<4}", counts[1])
        } else {
            "     n/a    ".to_owned()
        };
        lines.push(format!(
            "| {case:26} | {ours:6.0} / {:<4} | {theirs} |",
            counts[0]
        ));
    }
    let build = if cfg!(debug_assertions) {
        "a debug"
    } else {
        "a release"
    };
    eprintln!(
        "milliseconds / requests, 20 ms before each first byte, the best of 5, {build} build\n\
         | case                       | ours          | tensorstore   |\n{}",
        lines.join("\n")
    );
}

/// A tensorstore process, which exits when its input closes.
struct Tensorstore {
    _process: Child,
    cases: ChildStdin,
    results: BufReader<ChildStdout>,
}

impl Tensorstore {
    fn start(server: &Server) -> Self {
        let (bucket, prefix) = server.url["s3://".len()..].split_once('/').unwrap();
        let configuration = serde_json::json!({
            "endpoint": format!("http://{}", server.address),
            "bucket": bucket,
            "prefix": format!("{prefix}/"),
            "points": points(),
            "arrays": ARRAYS,
            "side": SIDE,
        });
        let mut process = Command::new(python::interpreter())
            .arg(python::scripts().join("latency.py"))
            .arg(configuration.to_string())
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Self {
            cases: process.stdin.take().unwrap(),
            results: BufReader::new(process.stdout.take().unwrap()),
            _process: process,
        }
    }

    /// Returns the milliseconds of a case, and the sum of the elements.
    fn run(&mut self, case: &str) -> (f64, u64) {
        writeln!(self.cases, "{case}").unwrap();
        let mut line = String::new();
        self.results.read_line(&mut line).unwrap();
        let (took, total) = line.trim().split_once(' ').expect("a line for each case");
        (took.parse().unwrap(), total.parse().unwrap())
    }
}
