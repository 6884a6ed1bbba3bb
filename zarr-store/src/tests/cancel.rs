//! Dropped futures: every permit is released, every task ends, and an object is old or new.

use std::task::Poll;
use std::time::Duration;

use futures::{FutureExt, StreamExt};

use super::{faulty, operations, pattern, put, read};
use crate::testing::{Fault, Operation, Rule};
use crate::{ByteRange, CostModel, Precondition, Store};

#[tokio::test(start_paused = true)]
async fn dropped_requests_give_their_permits_back() {
    let (store, faults) = faulty();
    let store = store.with_cost_model(CostModel {
        max_in_flight: 1,
        ..CostModel::object()
    });
    put(&store, "k", "old").await;
    for operation in [Operation::Get, Operation::Put, Operation::Delete] {
        faults.add(Rule::new(operation, "k", Fault::Hang));
    }
    let limit = Duration::from_secs(1);
    let all = ByteRange::All;
    assert!(
        tokio::time::timeout(limit, store.get("k", &all, None))
            .await
            .is_err()
    );
    let written = store.put("k", vec!["new".into()], Precondition::None);
    assert!(tokio::time::timeout(limit, written).await.is_err());
    assert!(
        tokio::time::timeout(limit, store.delete("k"))
            .await
            .is_err()
    );
    let mut ranges = store.get_ranges("k", vec![0..1, 1..2], None);
    assert!(tokio::time::timeout(limit, ranges.next()).await.is_err());
    drop(ranges);

    faults.clear();
    tokio::time::sleep(limit).await;
    assert_eq!(
        tokio::runtime::Handle::current()
            .metrics()
            .num_alive_tasks(),
        0
    );
    assert_eq!(read(&store, "k").await.unwrap(), "old");
    assert_eq!(operations(&faults), [Operation::Get]);
}

/// Polls a put `polls` times, drops it, and returns whether it finished first.
async fn put_dropped_after(store: &Store, polls: usize) -> bool {
    let mut put = store
        .put("d/k", vec![pattern(100_000)], Precondition::None)
        .boxed();
    for _ in 0..polls {
        if let Poll::Ready(result) = futures::poll!(&mut put) {
            result.unwrap();
            return true;
        }
        tokio::task::yield_now().await;
    }
    false
}

#[tokio::test]
async fn a_put_dropped_at_any_await_leaves_the_old_object_or_the_new_one() {
    let directory = tempfile::tempdir().unwrap();
    for store in [
        Store::local(directory.path()).unwrap(),
        Store::memory(),
        faulty().0,
    ] {
        let mut polls = 0;
        let mut ended = false;
        while !ended && polls < 200 {
            put(&store, "d/k", "old").await;
            ended = put_dropped_after(&store, polls).await;
            polls += 1;
            let found = read(&store, "d/k").await.unwrap();
            assert!(
                found == "old" || found == pattern(100_000),
                "{} bytes",
                found.len()
            );
        }
        // A put that continues in the background finishes and leaves nothing beside the object.
        put(&store, "d/k", "last").await;
        assert_eq!(store.list_dir("d").await.unwrap().keys, ["k"]);
    }
    assert_eq!(
        std::fs::read_dir(directory.path().join("d"))
            .unwrap()
            .count(),
        1
    );
}
