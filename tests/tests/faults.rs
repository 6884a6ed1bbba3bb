//! Every fault of networks and servers, applied to an in-process server: correct data or a clear
//! error within the deadline. Never fill values, a hang, a duplicate effect, or leftovers.
//!
//! Promises P2 (fill only for "not found"), P4 (checksums), P8 (lost acknowledgements), P12
//! (retries), P13 (deadlines), P14 (cancellation), P17 (secrets).

#![expect(clippy::unwrap_used, reason = "tests")]

use std::time::{Duration, Instant};

use futures::future::join_all;
use ndarray::{Array2, ArrayD, arr0, s};
use zarr::{Array, ArrayBuilder, Hierarchy, Store, codecs, registry};
use zarr_store::{ByteRange, Deadline, Precondition};
use zarr_tests::origin::Origin;
use zarr_tests::proxy::{Fault, Proxy, Rule};
use zarr_tests::servers::{WRITABLE, server};

const SHARD: &str = "a/c/0/0";
const SECRET: &str = "hunter2hunter2";

/// The limit per request, and per test: a few requests in sequence on a busy machine.
const DEADLINE: Duration = Duration::from_millis(1500);
const TIMEOUT: Duration = Duration::from_secs(20);

/// The protocol between client and server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Client {
    S3,
    Http,
}

const CLIENTS: [Client; 2] = [Client::S3, Client::Http];

impl Client {
    /// Opens an uncached hierarchy with few retries and short timeouts.
    fn hierarchy(self, address: &str) -> Hierarchy {
        let times = [("max_retries", "2"), ("read_timeout", "400ms")];
        let store = match self {
            Self::S3 => {
                let secrets = [
                    ("skip_signature", "false"),
                    ("access_key_id", "test"),
                    ("secret_access_key", SECRET),
                ];
                Origin::s3(address, &[&times[..], &secrets].concat())
            }
            Self::Http => Origin::http(address, &times),
        };
        let deadline = Deadline {
            base: DEADLINE,
            ..Deadline::default()
        };
        Hierarchy::new(store.with_deadline(deadline), registry())
    }
}

fn elements() -> Array2<i32> {
    Array2::from_shape_fn((32, 32), |(y, x)| i32::try_from(y * 100 + x + 1).unwrap())
}

/// Starts a server with an array of 2 x 2 shards, each of 4 x 2 inner chunks of [4, 8] int32 with
/// checksums.
async fn filled() -> Origin {
    let origin = Origin::start().await;
    create(&Hierarchy::new(
        Origin::s3(&origin.address, &[]),
        registry(),
    ))
    .await;
    origin
}

async fn create(hierarchy: &Hierarchy) {
    let metadata = ArrayBuilder::new(&[32, 32], "int32")
        .with_chunk_shape(&[4, 8])
        .with_shard_shape(&[16, 16])
        .with_codecs([codecs::bytes(true), codecs::crc32c()]);
    let array = hierarchy
        .create_array("a", metadata.build().unwrap())
        .await
        .unwrap();
    array.write(.., elements()).await.unwrap();
}

/// Reads the stored elements, bypassing the proxy.
async fn stored(origin: &Origin) -> ArrayD<i32> {
    let hierarchy = Hierarchy::new(Origin::s3(&origin.address, &[]), registry());
    let array = hierarchy.array("a").await.unwrap();
    array.read::<i32>(..).await.unwrap()
}

async fn in_time<T>(what: &str, future: impl Future<Output = T>) -> T {
    let limited = tokio::time::timeout(TIMEOUT, future);
    limited.await.unwrap_or_else(|_| panic!("{what} hangs"))
}

/// Waits until no request is open; fails after one second.
async fn assert_nothing_open(proxy: &Proxy, what: &str) {
    let started = Instant::now();
    while proxy.open() > 0 {
        assert!(
            started.elapsed() < Duration::from_secs(1),
            "{what}: {} requests are still open",
            proxy.open()
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// The required outcome of a read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Right,
    Fails,
    /// Either correct data or an error.
    Honest,
}

/// A fault, the outcome of a read that meets the fault once, and of a read that meets it on each
/// request.
const READ_FAULTS: [(Fault, Outcome, Outcome); 17] = [
    (Fault::Status(500), Outcome::Right, Outcome::Fails),
    (Fault::Status(503), Outcome::Right, Outcome::Fails),
    (Fault::Status(429), Outcome::Right, Outcome::Fails),
    (Fault::Status(204), Outcome::Honest, Outcome::Fails),
    (Fault::Status(403), Outcome::Fails, Outcome::Fails),
    (Fault::Status(401), Outcome::Fails, Outcome::Fails),
    (Fault::Status(410), Outcome::Fails, Outcome::Fails),
    (Fault::Reset, Outcome::Right, Outcome::Fails),
    (Fault::Stall, Outcome::Right, Outcome::Fails),
    (Fault::StallWithin(5), Outcome::Right, Outcome::Fails),
    (Fault::ShortBody(5), Outcome::Right, Outcome::Fails),
    (
        Fault::Delay(Duration::from_millis(200)),
        Outcome::Right,
        Outcome::Right,
    ),
    (Fault::Bandwidth(20_000), Outcome::Right, Outcome::Right),
    (
        Fault::Drip(Duration::from_millis(60)),
        Outcome::Honest,
        Outcome::Fails,
    ),
    (Fault::FlipByte(9), Outcome::Honest, Outcome::Fails),
    (Fault::ShiftRange(3), Outcome::Honest, Outcome::Honest),
    (Fault::IgnoreRange, Outcome::Right, Outcome::Right),
];

#[tokio::test(flavor = "multi_thread")]
async fn reads_are_right_or_an_error_that_names_the_object() {
    let origin = filled().await;
    let mut cases = Vec::new();
    for client in CLIENTS {
        for (fault, once, always) in READ_FAULTS {
            // The index, then the inner chunks.
            for call in 0..2 {
                cases.push((client, fault.clone(), Some(call), once));
            }
            cases.push((client, fault, None, always));
        }
    }
    let running = cases
        .iter()
        .map(|(client, fault, call, outcome)| read(&origin, *client, fault, *call, *outcome));
    // Runs concurrently, since most of the time is waiting.
    let failures = join_all(running).await;
    let failures = failures.into_iter().flatten().collect::<Vec<_>>();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// Reads a part of a shard; returns the deviation from the required outcome.
async fn read(
    origin: &Origin,
    client: Client,
    fault: &Fault,
    call: Option<usize>,
    outcome: Outcome,
) -> Option<String> {
    let what = format!("{client:?} {fault:?} on {call:?}");
    let proxy = Proxy::start(&origin.address).await;
    let array = client.hierarchy(&proxy.address).array("a").await.unwrap();
    let rule = Rule::new("GET", SHARD, fault.clone());
    proxy.add(match call {
        Some(call) => rule.on_calls(call..call + 1),
        None => rule.always(),
    });
    let started = Instant::now();
    let result = in_time(&what, array.read::<i32>(s![2..6, 3..16])).await;
    let took = started.elapsed();
    assert_nothing_open(&proxy, &what).await;
    let expected = elements().slice(s![2..6, 3..16]).to_owned().into_dyn();
    match result {
        Ok(found) if found != expected => Some(format!("{what}: wrong data {found}")),
        Ok(_) if outcome == Outcome::Fails => Some(format!("{what}: no error")),
        Ok(_) => None,
        Err(error) if outcome == Outcome::Right => Some(format!("{what}: {error} after {took:?}")),
        Err(error) => {
            let text = error.to_string();
            assert!(text.contains(SHARD), "{what}: {text}");
            assert!(!format!("{error:?} {error}").contains(SECRET), "{what}");
            None
        }
    }
}

/// Faults on metadata: no document is taken for absent, and no partial document for a whole one.
#[tokio::test(flavor = "multi_thread")]
async fn documents_are_read_or_an_error() {
    let origin = filled().await;
    let faults = READ_FAULTS
        .iter()
        .filter(|(fault, ..)| !matches!(fault, Fault::FlipByte(_)));
    let running = faults.flat_map(|(fault, ..)| {
        CLIENTS.map(|client| {
            let origin = origin.clone();
            async move {
                let what = format!("{client:?} {fault:?}");
                let proxy = Proxy::start(&origin.address).await;
                proxy.add(Rule::new("GET", "zarr.json", fault.clone()).always());
                let opened = client.hierarchy(&proxy.address);
                match in_time(&what, opened.array("a")).await {
                    Ok(array) => assert_eq!(array.shape(), [32, 32], "{what}"),
                    Err(error) => {
                        assert!(!matches!(error, zarr::Error::NodeNotFound { .. }), "{what}");
                        assert!(error.to_string().contains("a/zarr.json"), "{what}: {error}");
                    }
                }
                assert_nothing_open(&proxy, &what).await;
            }
        })
    });
    join_all(running).await;
}

#[tokio::test]
async fn a_flipped_byte_is_named_with_its_key_and_inner_chunk() {
    let origin = filled().await;
    for client in CLIENTS {
        let proxy = Proxy::start(&origin.address).await;
        let array = client.hierarchy(&proxy.address).array("a").await.unwrap();
        proxy.add(Rule::new("GET", SHARD, Fault::FlipByte(17)).on_calls(1..2));
        let error = array
            .read::<i32>(s![4..8, 8..16])
            .await
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with("a/c/0/0: inner chunk [1, 1]: crc32c: stored 0x"),
            "{error}"
        );
        proxy.clear();
        proxy.add(Rule::new("GET", SHARD, Fault::FlipByte(17)));
        let cold = client.hierarchy(&proxy.address).array("a").await.unwrap();
        let error = cold
            .read::<i32>(s![4..8, 8..16])
            .await
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with("a/c/0/0: ") && error.contains("index") && error.contains("crc32c"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_server_without_ranges_is_read_whole() {
    let origin = filled().await;
    for client in CLIENTS {
        let proxy = Proxy::start(&origin.address).await;
        proxy.add(Rule::new("GET", "", Fault::IgnoreRange).always());
        let array = client.hierarchy(&proxy.address).array("a").await.unwrap();
        for part in [s![4..8, 8..16], s![0..1, ..], s![.., 31..]] {
            let found = array.read::<i32>(part).await.unwrap();
            assert_eq!(found, elements().slice(part).into_dyn(), "{client:?}");
        }
    }
}

#[tokio::test]
async fn a_silent_server_is_an_error_within_the_deadline() {
    let origin = filled().await;
    for fault in [Fault::Stall, Fault::StallWithin(1)] {
        let proxy = Proxy::start(&origin.address).await;
        let array = Client::S3
            .hierarchy(&proxy.address)
            .array("a")
            .await
            .unwrap();
        proxy.add(Rule::new("GET", SHARD, fault.clone()).always());
        let started = Instant::now();
        array.read::<i32>(..).await.unwrap_err();
        // Each of the two requests has its own deadline, plus a second of slack.
        let took = started.elapsed();
        assert!(
            took < 2 * DEADLINE + Duration::from_secs(1),
            "{fault:?} took {took:?}"
        );
        assert_nothing_open(&proxy, "a silent server").await;
    }
}

/// A fault of a put, whether the write must succeed if it meets the fault once, and whether the
/// server may have executed the put when every attempt fails.
const WRITE_FAULTS: [(Fault, bool, bool); 10] = [
    (Fault::Status(500), true, false),
    (Fault::Status(503), true, false),
    (Fault::Status(429), true, false),
    // S3 returns this for two concurrent conditional puts; possibly neither was executed.
    (Fault::Status(409), true, false),
    (Fault::Status(403), false, false),
    (Fault::Reset, true, false),
    (Fault::Stall, true, false),
    (Fault::StatusAfter(503), true, true),
    (Fault::ResetAfter, true, true),
    (Fault::StallAfter, true, true),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_write_happens_once_or_is_an_error() {
    let running = WRITE_FAULTS.iter().map(|(fault, succeeds, _)| async move {
        let what = format!("{fault:?}");
        let (origin, proxy, array) = writable().await;
        let before = origin.puts();
        proxy.add(Rule::new("PUT", SHARD, fault.clone()));
        let written = in_time(&what, array.write(s![4..7, 8..9], arr0(-5))).await;
        let mut expected = elements();
        if *succeeds {
            written.unwrap_or_else(|error| panic!("{what}: {error}"));
            expected.slice_mut(s![4..7, 8..9]).fill(-5);
            assert_eq!(origin.puts() - before, 1, "{what}");
        } else {
            let error = written.unwrap_err();
            assert!(error.to_string().contains(SHARD), "{what}: {error}");
            assert!(!format!("{error:?} {error}").contains(SECRET), "{what}");
            assert_eq!(origin.puts(), before, "{what}");
        }
        assert_eq!(stored(&origin).await, expected.into_dyn(), "{what}");
        assert_nothing_open(&proxy, &what).await;
    });
    join_all(running).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_never_gets_through_is_an_error_and_leaves_whole_objects() {
    let running = WRITE_FAULTS
        .iter()
        .map(|(fault, _, may_be_done)| async move {
            let what = format!("{fault:?}");
            let (origin, proxy, array) = writable().await;
            let keys = origin.keys();
            proxy.add(Rule::new("PUT", SHARD, fault.clone()).always());
            let written = in_time(&what, array.write(s![4..7, 8..9], arr0(-5))).await;
            let mut new = elements();
            new.slice_mut(s![4..7, 8..9]).fill(-5);
            let found = stored(&origin).await;
            let old = found == elements().into_dyn();
            assert!(old || (*may_be_done && found == new.into_dyn()), "{what}");
            // A put may be discovered as executed without an acknowledgement; a put that was not
            // executed is an error.
            if let Err(error) = written {
                assert!(error.to_string().contains(SHARD), "{what}: {error}");
            } else {
                assert!(!old, "{what}: acknowledged, and not there");
            }
            assert_nothing_open(&proxy, &what).await;
            proxy.clear();
            in_time(&what, array.write(s![0..32, 0..32], arr0(8)))
                .await
                .unwrap();
            assert_eq!(stored(&origin).await, ArrayD::from_elem(vec![32, 32], 8));
            assert_eq!(origin.keys(), keys, "{what}");
        });
    join_all(running).await;
}

/// Starts a server and a proxy, and opens the array through the proxy; the store has made its
/// one-time probes.
async fn writable() -> (Origin, Proxy, Array) {
    let origin = filled().await;
    let proxy = Proxy::start(&origin.address).await;
    let array = Client::S3
        .hierarchy(&proxy.address)
        .array("a")
        .await
        .unwrap();
    array.write(s![31, 31], arr0(3232)).await.unwrap();
    array
        .write(s![31, 31], arr0(elements()[[31, 31]]))
        .await
        .unwrap();
    (origin, proxy, array)
}

#[tokio::test]
async fn an_array_whose_creation_was_not_acknowledged_is_created_once() {
    for fault in [
        Fault::Status(409),
        Fault::StatusAfter(503),
        Fault::ResetAfter,
        Fault::StallAfter,
    ] {
        let (_origin, proxy, array) = writable().await;
        proxy.add(Rule::new("PUT", "b/zarr.json", fault.clone()));
        let hierarchy = array.hierarchy();
        let create = || hierarchy.create_array("b", array.metadata().clone());
        in_time("creation", create()).await.unwrap();
        let error = create().await.unwrap_err();
        assert!(
            matches!(error, zarr::Error::AlreadyExists { .. }),
            "{fault:?}: {error}"
        );
    }
}

/// The acknowledgement is lost, and another writer changes the object before the client retries:
/// neither update is lost.
#[tokio::test]
async fn a_lost_acknowledgement_and_another_writer_lose_nothing() {
    for fault in [Fault::StallAfter, Fault::ResetAfter] {
        let (origin, proxy, array) = writable().await;
        let before = origin.puts();
        proxy.add(Rule::new("PUT", SHARD, fault));
        let other = Hierarchy::new(Origin::s3(&origin.address, &[]), registry());
        let other = other.array("a").await.unwrap();
        let theirs = async {
            while origin.puts() == before {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            other.write(s![0..4, 0..8], arr0(-2)).await.unwrap();
        };
        let ours = array.write(s![8..12, 0..8], arr0(-1));
        let (ours, ()) = in_time("two writers", futures::future::join(ours, theirs)).await;
        ours.unwrap();
        let mut expected = elements();
        expected.slice_mut(s![0..4, 0..8]).fill(-2);
        expected.slice_mut(s![8..12, 0..8]).fill(-1);
        assert_eq!(stored(&origin).await, expected.into_dyn());
    }
}

/// Promise P8: if the store does not report a lost race, nothing is merged.
#[tokio::test]
async fn a_server_that_ignores_conditions_is_refused_for_merges_unless_there_is_one_writer() {
    let origin = Origin::without_conditions().await;
    let metadata = ArrayBuilder::new(&[8], "int32").with_chunk_shape(&[4]);
    let metadata = metadata.build().unwrap();
    let array = |options: &[(&str, &str)]| {
        let store = Origin::s3(&origin.address, options);
        let hierarchy = Hierarchy::new(store, registry());
        let metadata = metadata.clone();
        async move {
            match hierarchy.array("a").await {
                Ok(array) => Ok(array),
                Err(_) => hierarchy.create_array("a", metadata).await,
            }
        }
    };
    let trusted = array(&[("single_writer", "true")]).await.unwrap();
    trusted.write(s![0..2], arr0(1)).await.unwrap();
    let error = array(&[]).await.unwrap().write(s![2..4], arr0(2)).await;
    let error = error.unwrap_err().to_string();
    assert!(error.contains("condition"), "{error}");
    trusted.write(s![5..6], arr0(3)).await.unwrap();
    let found = trusted.read::<i32>(..).await.unwrap();
    assert_eq!(found.into_raw_vec_and_offset().0, [1, 1, 0, 0, 0, 3, 0, 0]);
    assert_eq!(origin.keys().len(), 4, "{:?}", origin.keys());
}

#[tokio::test]
async fn a_refused_access_is_absence_only_where_the_user_says_so() {
    let origin = filled().await;
    let proxy = Proxy::start(&origin.address).await;
    proxy.add(Rule::new("GET", "a/c/1", Fault::Status(403)).always());
    let read = async |options: &[(&str, &str)]| {
        let hierarchy = Hierarchy::new(Origin::s3(&proxy.address, options), registry());
        let array = hierarchy.array("a").await.unwrap();
        array.read::<i32>(s![.., 0]).await
    };
    let error = read(&[]).await.unwrap_err().to_string();
    assert!(error.contains("permission denied"), "{error}");
    let mut expected = elements().slice(s![.., 0]).to_owned();
    expected.slice_mut(s![16..]).fill(0);
    let found = read(&[("missing_on_403", "true")]).await.unwrap();
    assert_eq!(found, expected.into_dyn());
}

/// Half a second for 50 kB, more than the deadline for a request without a body.
#[tokio::test]
async fn a_slow_body_that_keeps_coming_is_no_timeout() {
    let origin = Origin::start().await;
    let deadline = Deadline {
        base: Duration::from_millis(300),
        bandwidth: 2e4,
    };
    let proxy = Proxy::start(&origin.address).await;
    let store = Origin::s3(&proxy.address, &[("max_retries", "0")]).with_deadline(deadline);
    let payload = vec![vec![7_u8; 50_000].into()];
    store.put("k", payload, Precondition::None).await.unwrap();
    proxy.add(Rule::new("GET", "k", Fault::Bandwidth(100_000)).always());
    for range in [
        ByteRange::All,
        ByteRange::Range(0..50_000),
        ByteRange::Suffix(50_000),
    ] {
        let body = store.get("k", &range, None).await.unwrap();
        assert_eq!(body.unwrap().bytes.len(), 50_000);
    }
}

/// Faults of signed requests, on servers with their own interpretation of requests.
#[tokio::test(flavor = "multi_thread")]
async fn real_servers_behind_the_proxy_are_written_once_or_an_error() {
    each_server(async |direct, proxy, array| {
        let mut expected = elements();
        for (number, (fault, succeeds, _)) in (1..).zip(WRITE_FAULTS) {
            let what = format!("{} {fault:?}", direct.store().location());
            proxy.clear();
            proxy.add(Rule::new("PUT", SHARD, fault.clone()));
            let written = in_time(&what, array.write(s![4..7, 8..9], arr0(-number))).await;
            if succeeds {
                written.unwrap_or_else(|error| panic!("{what}: {error}"));
                expected.slice_mut(s![4..7, 8..9]).fill(-number);
            } else {
                written.unwrap_err();
            }
            let found = direct.array("a").await.unwrap();
            let found = found.read::<i32>(..).await.unwrap();
            assert_eq!(found, expected.clone().into_dyn(), "{what}");
            assert_nothing_open(&proxy, &what).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn real_servers_behind_the_proxy_are_read_right_or_an_error() {
    each_server(async |direct, proxy, array| {
        for (fault, once, _) in READ_FAULTS {
            // The range is part of the signature.
            if matches!(fault, Fault::IgnoreRange) {
                continue;
            }
            let what = format!("{} {fault:?}", direct.store().location());
            proxy.clear();
            proxy.add(Rule::new("GET", SHARD, fault.clone()));
            let part = s![2..6, 3..16];
            match in_time(&what, array.read::<i32>(part)).await {
                Ok(found) => assert_eq!(found, elements().slice(part).into_dyn(), "{what}"),
                Err(error) => assert!(once != Outcome::Right, "{what}: {error}"),
            }
            assert_nothing_open(&proxy, &what).await;
        }
    })
    .await;
}

/// Runs a test on each server concurrently: with the server's own address, the proxy, and the array
/// through the proxy.
async fn each_server(test: impl AsyncFn(Hierarchy, Proxy, Array)) {
    let servers = WRITABLE.iter().filter_map(|name| server(name));
    let running = servers.map(|server| async {
        let server = server.fresh();
        let direct = Hierarchy::new(server.store(), registry());
        create(&direct).await;
        let proxy = Proxy::start(&server.address).await;
        let proxied = server.through(&proxy.address).with("max_retries", "2");
        let store = proxied.with("read_timeout", "1s").store();
        let store = store.with_deadline(Deadline {
            base: Duration::from_secs(4),
            ..Deadline::default()
        });
        let array = Hierarchy::new(store, registry()).array("a").await.unwrap();
        // Makes the one-time probes of the store.
        let first = arr0(elements()[[0, 0]]);
        array.write(s![0, 0], first).await.unwrap();
        test(direct, proxy, array).await;
    });
    join_all(running).await;
}

#[tokio::test]
async fn a_dropped_read_leaves_no_request() {
    let origin = filled().await;
    for fault in [Fault::Stall, Fault::StallWithin(3)] {
        for call in 0..2 {
            let proxy = Proxy::start(&origin.address).await;
            let array = Client::S3
                .hierarchy(&proxy.address)
                .array("a")
                .await
                .unwrap();
            proxy.add(Rule::new("GET", SHARD, fault.clone()).on_calls(call..call + 1));
            drop_when(&proxy, "GET", call + 1, array.read::<i32>(s![2..6, 3..16])).await;
            assert_nothing_open(&proxy, "a dropped read").await;
            let found = in_time("the next read", array.read::<i32>(..))
                .await
                .unwrap();
            assert_eq!(found, elements().into_dyn());
        }
    }
}

#[tokio::test]
async fn a_dropped_write_leaves_no_request_lock_or_object() {
    for (method, fault) in [
        ("GET", Fault::Stall),
        ("GET", Fault::StallWithin(3)),
        ("PUT", Fault::Stall),
        ("PUT", Fault::StallAfter),
    ] {
        let what = format!("{method} {fault:?}");
        let (origin, proxy, array) = writable().await;
        let keys = origin.keys();
        proxy.clear();
        proxy.add(Rule::new(method, SHARD, fault.clone()));
        drop_when(&proxy, method, 1, array.write(s![4..7, 8..9], arr0(-5))).await;
        assert_nothing_open(&proxy, &what).await;
        let found = stored(&origin).await;
        let mut new = elements();
        new.slice_mut(s![4..7, 8..9]).fill(-5);
        assert!(
            found == elements().into_dyn() || found == new.clone().into_dyn(),
            "{what}"
        );
        assert_eq!(origin.keys(), keys, "{what}");
        in_time(&what, array.write(s![4..7, 8..9], arr0(-5)))
            .await
            .unwrap();
        assert_eq!(stored(&origin).await, new.into_dyn(), "{what}");
    }
}

/// Runs a future until the proxy has logged `requests` requests for the shard and the last one is
/// open, then drops the future.
async fn drop_when(proxy: &Proxy, method: &str, requests: usize, future: impl Future) {
    let seen = async {
        loop {
            let log = proxy.requests();
            let matching = log
                .iter()
                .filter(|request| request.method == method && request.path.contains(SHARD));
            if matching.count() >= requests && proxy.open() == 1 {
                // Leaves a moment for the response before the stall.
                tokio::time::sleep(Duration::from_millis(30)).await;
                return;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::select! {
        _ = future => panic!("it did not stall"),
        () = in_time("the request", seen) => {}
    }
}

/// A write of local files, dropped after each number of polls, leaves the old or the new object and
/// nothing else.
#[tokio::test]
async fn a_dropped_local_write_leaves_a_whole_object_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::local(folder.path()).unwrap();
    let payload = |value: u8| vec![vec![value; 5000].into()];
    let mut version = store
        .put("k", payload(0), Precondition::None)
        .await
        .unwrap();
    for polls in 0..40_u8 {
        let precondition = match polls % 2 {
            0 => Precondition::None,
            _ => Precondition::IfVersion(version),
        };
        let mut put = Box::pin(store.put("k", payload(polls), precondition));
        for _ in 0..polls / 2 {
            if futures::poll!(&mut put).is_ready() {
                break;
            }
            tokio::time::sleep(Duration::from_micros(50)).await;
        }
        drop(put);
        let body = store.get("k", &ByteRange::All, None).await.unwrap();
        let body = body.unwrap();
        assert_eq!(body.object_size, 5000);
        assert!(body.bytes.iter().all(|byte| *byte == body.bytes[0]));
        // Operations in flight at the drop may finish now.
        tokio::time::sleep(Duration::from_millis(20)).await;
        let body = store.get("k", &ByteRange::Range(0..1), None).await.unwrap();
        version = body.unwrap().version;
    }
    let put = store.put("k", payload(9), Precondition::IfVersion(version));
    in_time("the next write", put).await.unwrap();
    let files = std::fs::read_dir(folder.path()).unwrap();
    let files = files.map(|file| file.unwrap().file_name());
    assert_eq!(files.collect::<Vec<_>>(), ["k"]);
}
