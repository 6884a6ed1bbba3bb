//! Nothing hangs: silence, a stalled body and an endless drip time out at the deadline (promise
//! P13).

use std::time::Duration;

use futures::TryStreamExt;
use tokio::time::Instant;

use super::{faulty, pattern, put, read_ranges};
use crate::testing::{Fault, Operation, Rule};
use crate::{ByteRange, Deadline, ErrorKind, Precondition, Result};

/// Checks that a call times out after this many seconds.
async fn assert_timeout<T>(seconds: u64, call: impl Future<Output = Result<T>>) {
    let start = Instant::now();
    let error = call.await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
    let (elapsed, limit) = (start.elapsed(), Duration::from_secs(seconds));
    assert!(
        elapsed >= limit && elapsed < limit + Duration::from_secs(1),
        "{elapsed:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn silence_is_a_timeout_for_every_operation() {
    let (store, faults) = faulty();
    put(&store, "k", "x").await;
    for operation in [
        Operation::Get,
        Operation::Head,
        Operation::Put,
        Operation::Delete,
        Operation::List,
    ] {
        faults.add(Rule::new(operation, "*", Fault::Hang));
    }
    assert_timeout(20, store.get("k", &ByteRange::All, None)).await;
    assert_timeout(20, read_ranges(&store, "k", &[0..1], None)).await;
    assert_timeout(20, store.size("k")).await;
    assert_timeout(20, store.put("k", vec![], Precondition::None)).await;
    assert_timeout(20, store.put("k", vec![], Precondition::IfAbsent)).await;
    assert_timeout(
        23,
        store.put("k", vec![pattern(3_000_000)], Precondition::None),
    )
    .await;
    assert_timeout(20, store.delete("k")).await;
    assert_timeout(20, store.delete_prefix("k")).await;
    assert_timeout(20, store.list("").try_collect::<Vec<_>>()).await;
    assert_timeout(200, store.list_dir("")).await;
    let probed = store.clone().with_probe();
    assert_timeout(40, probed.put("k", vec![], Precondition::IfAbsent)).await;
    let hasty = store.with_deadline(Deadline {
        base: Duration::from_secs(2),
        ..Deadline::default()
    });
    assert_timeout(2, hasty.get("k", &ByteRange::All, None)).await;
}

#[tokio::test(start_paused = true)]
async fn bodies_that_stall_or_drip_are_timeouts_by_their_size() {
    let (store, faults) = faulty();
    put(&store, "k", pattern(5_000_000)).await;
    for fault in [
        Fault::Stall(1_000_000),
        Fault::Stall(0),
        Fault::Drip(Duration::from_millis(900)),
    ] {
        faults.add(Rule::new(Operation::Get, "k", fault));
        assert_timeout(25, store.get("k", &ByteRange::All, None)).await;
        assert_timeout(21, store.get("k", &ByteRange::Suffix(1_000_000), None)).await;
        assert_timeout(20, read_ranges(&store, "k", &[0..1000], None)).await;
        faults.clear();
    }
    faults.add(Rule::new(
        Operation::Get,
        "k",
        Fault::Drip(Duration::from_millis(10)),
    ));
    let slow = store.get("k", &ByteRange::Range(0..1000), None).await;
    assert_eq!(slow.unwrap().unwrap().bytes, pattern(1000));
}
