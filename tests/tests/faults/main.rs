//! Every fault of networks and servers, applied to an in-process server: correct data or a clear
//! error within the deadline. Never fill values, a hang, a duplicate effect, or leftovers.
//!
//! Promises P2 (fill only for "not found"), P4 (checksums), P8 (lost acknowledgements), P12
//! (retries), P13 (deadlines), P14 (cancellation), P17 (secrets).

#![expect(clippy::unwrap_used, reason = "tests")]

mod dropped;
mod reads;
mod servers;
mod writes;

use std::time::{Duration, Instant};

use futures::future::join_all;
use ndarray::{Array2, ArrayD, arr0, s};
use zarr::{Array, ArrayBuilder, Hierarchy, Store, codecs, registry};
use zarr_store::{ByteRange, Deadline, Precondition};
use zarr_tests::origin::Origin;
use zarr_tests::proxy::{Fault, Proxy, Rule};
use zarr_tests::repeats;
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

impl Client {
    /// Opens an uncached hierarchy with few retries and short timeouts.
    fn hierarchy(self, address: &str) -> Hierarchy {
        self.with_read_timeout("400ms", address)
    }

    /// Opens a hierarchy whose requests end by their deadline or by being dropped, but not by a
    /// timeout of the HTTP client.
    fn patient(self, address: &str) -> Hierarchy {
        self.with_read_timeout("1h", address)
    }

    fn with_read_timeout(self, read_timeout: &str, address: &str) -> Hierarchy {
        let times = [("max_retries", "2"), ("read_timeout", read_timeout)];
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
            assert!(text.contains(SHARD) && !repeats(&text), "{what}: {text}");
            assert!(!format!("{error:?} {error}").contains(SECRET), "{what}");
            None
        }
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
