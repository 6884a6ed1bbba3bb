//! Concurrent calls for ranges of one object are requested together, and each caller gets what it
//! would get alone.

use std::time::Duration;

use futures::future::join_all;
use futures::{StreamExt, TryStreamExt};
use proptest::prelude::*;

use super::{faulty, pattern, put, read_ranges};
use crate::testing::{Fault, Operation, Rule};
use crate::{CostModel, ErrorKind, Store};

const KIB: u64 = 1 << 10;

#[tokio::test]
async fn equal_and_neighbouring_ranges_of_concurrent_calls_are_one_request() {
    let (store, _) = faulty();
    let bytes = pattern(64 << 10);
    let version = put(&store, "k", bytes.clone()).await;
    let calls = (0..24).map(|call| {
        let (store, version) = (&store, &version);
        let start = (call % 8) * KIB;
        async move { read_ranges(store, "k", &[start..start + KIB], Some(version)).await }
    });
    for (call, found) in join_all(calls).await.into_iter().enumerate() {
        let start = (call % 8) << 10;
        assert_eq!(found.unwrap(), [bytes.slice(start..start + (1 << 10))]);
    }
    let counts = store.requests();
    assert_eq!((counts.gets, counts.bytes_read), (1, 8 * KIB));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_in_tasks_of_their_own_are_gathered_too() {
    let (store, faults) = faulty();
    let version = put(&store, "k", pattern(64 << 10)).await;
    // While the first calls wait, the others become ready to run.
    faults.add(Rule::new(
        Operation::Get,
        "k",
        Fault::Delay(Duration::from_millis(20)),
    ));
    let calls = (0..64).map(|call| {
        let (store, version) = (store.clone(), version.clone());
        let start = call % 8 * KIB;
        tokio::spawn(async move {
            read_ranges(&store, "k", &[start..start + KIB], Some(&version)).await
        })
    });
    for found in join_all(calls).await {
        assert_eq!(found.unwrap().unwrap()[0].len(), 1 << 10);
    }
    let gets = store.requests().gets;
    assert!(gets < 32, "{gets} requests for 64 calls");
}

#[tokio::test]
async fn a_range_past_the_end_fails_its_own_call_only() {
    let (store, _) = faulty();
    let version = put(&store, "k", pattern(1000)).await;
    let read = |range| {
        let (store, version) = (store.clone(), version.clone());
        async move { read_ranges(&store, "k", &[range], Some(&version)).await }
    };
    let (before, past, after) = tokio::join!(read(0..400), read(400..1001), read(400..1000));
    assert_eq!(before.unwrap(), [pattern(400)]);
    assert_eq!(past.unwrap_err().kind(), ErrorKind::ShortBody);
    assert_eq!(after.unwrap(), [pattern(1000).slice(400..1000)]);
}

#[tokio::test]
async fn every_caller_learns_that_the_object_changed() {
    let (store, _) = faulty();
    let old = put(&store, "k", pattern(1000)).await;
    let new = put(&store, "k", pattern(2000)).await;
    let read = |range, version| {
        let store = store.clone();
        async move { read_ranges(&store, "k", &[range], Some(version)).await }
    };
    let (first, second, other) =
        tokio::join!(read(0..10, &old), read(10..20, &old), read(0..10, &new));
    assert_eq!(first.unwrap_err().kind(), ErrorKind::Changed);
    assert_eq!(second.unwrap_err().kind(), ErrorKind::Changed);
    assert_eq!(other.unwrap(), [pattern(10)]);
    // One request for each version.
    assert_eq!(store.requests().gets, 2);
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_leaves_takes_nothing_from_the_others() {
    let (store, faults) = faulty();
    let version = put(&store, "k", pattern(1000)).await;
    faults.add(Rule::new(
        Operation::Get,
        "k",
        Fault::Delay(Duration::from_secs(1)),
    ));
    let read = |range| store.get_ranges("k", vec![range], Some(&version));
    let (mut first, mut second) = (read(0..900), read(5..20));
    assert!(futures::poll!(first.next()).is_pending());
    assert!(futures::poll!(second.next()).is_pending());
    drop(first);
    let found: Vec<_> = second.try_collect().await.unwrap();
    assert_eq!(found[0].bytes, pattern(1000).slice(5..20));
    assert_eq!(store.requests().bytes_read, 15);

    let mut all = [0..10, 5..20].map(read);
    for call in &mut all {
        assert!(futures::poll!(call.next()).is_pending());
    }
    tokio::time::sleep(Duration::from_millis(10)).await;
    drop(all);
    tokio::time::sleep(Duration::from_millis(10)).await;
    let metrics = tokio::runtime::Handle::current().metrics();
    assert_eq!(metrics.num_alive_tasks(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_silent_backend_keeps_no_caller_longer_than_the_deadline() {
    let (store, faults) = faulty();
    let version = put(&store, "k", pattern(1000)).await;
    faults.add(Rule::new(Operation::Get, "k", Fault::Hang));
    let start = tokio::time::Instant::now();
    let wanted = [[0..1], [1..2], [2..3]];
    let reads = wanted
        .iter()
        .map(|wanted| read_ranges(&store, "k", wanted, Some(&version)));
    for found in join_all(reads).await {
        assert_eq!(found.unwrap_err().kind(), ErrorKind::Timeout);
    }
    assert!(start.elapsed() < Duration::from_secs(21));
}

#[test]
fn a_runtime_that_ends_leaves_no_caller_of_another_waiting() {
    let runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
    };
    let (store, _) = faulty();
    let (first, second) = (runtime(), runtime());
    let version = first.block_on(put(&store, "k", pattern(1000)));
    let mut stranded = store.get_ranges("k", vec![0..10], Some(&version));
    first.block_on(async { assert!(futures::poll!(stranded.next()).is_pending()) });
    // The task of the first runtime does not run now, and never will.
    let found = second.block_on(read_ranges(&store, "k", &[0..10], Some(&version)));
    assert_eq!(found.unwrap(), [pattern(10)]);
    drop(first);
    let found = second.block_on(stranded.next());
    assert_eq!(found.unwrap().unwrap().bytes, pattern(10));
}

#[tokio::test(start_paused = true)]
async fn a_request_that_times_out_fails_those_who_wait_for_it() {
    let (store, faults) = faulty();
    let store = store.with_cost_model(CostModel {
        max_in_flight: 1,
        ..CostModel::object().for_bytes()
    });
    let version = put(&store, "k", pattern(10_000)).await;
    faults.add(Rule::new(Operation::Get, "k", Fault::Hang).on_call(0));
    let read = |range| {
        let (store, version) = (&store, &version);
        async move { read_ranges(store, "k", &[range], Some(version)).await }
    };
    let (first, second, other) = tokio::join!(read(0..10), read(5..15), read(9000..9010));
    assert_eq!(first.unwrap_err().kind(), ErrorKind::Timeout);
    assert_eq!(second.unwrap_err().kind(), ErrorKind::Timeout);
    assert_eq!(other.unwrap(), [pattern(10_000).slice(9000..9010)]);
}

#[tokio::test(start_paused = true)]
async fn a_failure_after_their_ranges_arrived_is_none_to_callers() {
    let (store, faults) = faulty();
    let store = store.with_cost_model(CostModel {
        max_in_flight: 1,
        free_gap: 100,
        ..CostModel::object().for_bytes()
    });
    let version = put(&store, "k", pattern(10_000)).await;
    faults.add(Rule::new(Operation::Get, "k", Fault::Stall(15)).on_call(0));
    let (served, stalled) = tokio::join!(
        read_ranges(&store, "k", &[0..10, 9000..9010], Some(&version)),
        read_ranges(&store, "k", &[20..30], Some(&version)),
    );
    assert_eq!(served.unwrap()[1], pattern(10_000).slice(9000..9010));
    assert_eq!(stalled.unwrap_err().kind(), ErrorKind::Timeout);
}

#[tokio::test]
async fn a_failure_is_not_repeated_for_each_caller() {
    let (store, faults) = faulty();
    let version = put(&store, "k", pattern(1000)).await;
    for fault in [Fault::Generic("broken"), Fault::PermissionDenied] {
        faults.clear();
        faults.add(Rule::new(Operation::Get, "k", fault));
        let before = store.requests().gets;
        let reads = (0..8).map(|_| read_ranges(&store, "k", &[0..10], Some(&version)));
        for found in join_all(reads).await {
            let kind = found.unwrap_err().kind();
            assert!(matches!(
                kind,
                ErrorKind::Backend | ErrorKind::PermissionDenied
            ));
        }
        assert_eq!(store.requests().gets - before, 1);
    }
}

#[tokio::test]
async fn calls_that_could_change_what_others_find_are_read_alone() {
    let (store, faults) = faulty();
    let version = put(&store, "k", pattern(1000)).await;
    let unpinned = (0..3).map(|_| read_ranges(&store, "k", &[0..10], None));
    assert!(join_all(unpinned).await.iter().all(Result::is_ok));
    assert_eq!(store.requests().gets, 3);

    faults.add(Rule::new(Operation::Get, "k", Fault::PermissionDenied));
    let lenient = store.clone().with_missing_on_403();
    let (lenient, strict) = tokio::join!(
        read_ranges(&lenient, "k", &[0..10], Some(&version)),
        read_ranges(&store, "k", &[0..10], Some(&version)),
    );
    assert_eq!(lenient.unwrap_err().kind(), ErrorKind::Changed);
    assert_eq!(strict.unwrap_err().kind(), ErrorKind::PermissionDenied);
}

#[tokio::test]
async fn large_ranges_of_several_callers_stay_parallel() {
    let (store, _) = faulty();
    let store = store.with_cost_model(CostModel {
        part_min: KIB,
        part_max: KIB,
        ..CostModel::object()
    });
    let version = put(&store, "k", pattern(64 << 10)).await;
    let wanted: Vec<_> = (0..16)
        .map(|at| [4 * at * KIB..4 * (at + 1) * KIB])
        .collect();
    let reads = wanted
        .iter()
        .map(|wanted| read_ranges(&store, "k", wanted, Some(&version)));
    assert!(join_all(reads).await.iter().all(Result::is_ok));
    assert_eq!(store.requests().gets, 16);
}

#[tokio::test]
async fn a_call_that_is_too_large_leaves_the_others_together() {
    let (store, _) = faulty();
    let version = put(&store, "k", pattern(1000)).await;
    let small = || read_ranges(&store, "k", &[0..10], Some(&version));
    let (first, large, second) = tokio::join!(
        small(),
        read_ranges(&store, "k", &[0..65 << 20], Some(&version)),
        small(),
    );
    assert_eq!(large.unwrap_err().kind(), ErrorKind::ShortBody);
    assert_eq!(first.unwrap(), second.unwrap());
    let ranges = store.requests().bytes_read;
    assert!(ranges <= 10 + 2 * 1000, "{ranges} bytes");
}

fn calls() -> impl Strategy<Value = Vec<Vec<std::ops::Range<u64>>>> {
    let range = (0_u64..3000, 0_u64..200).prop_map(|(start, size)| start..start + size);
    let call = prop::collection::vec(range, 0..5);
    prop::collection::vec(call, 0..9)
}

proptest! {
    #[test]
    fn each_caller_gets_what_it_would_get_alone(calls in calls(), part in 1_u64..400, gap in 0_u64..300) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (store, _) = faulty();
            let bytes = pattern(3000);
            let version = put(&store, "k", bytes.clone()).await;
            let store: Store = store.with_cost_model(CostModel {
                free_gap: gap, part_min: part, part_max: part, ..CostModel::object()
            });
            let reads = calls.iter().map(|call| read_ranges(&store, "k", call, Some(&version)));
            for (call, found) in calls.iter().zip(join_all(reads).await) {
                if call.iter().any(|range| range.end > 3000 && !range.is_empty()) {
                    assert_eq!(found.unwrap_err().kind(), ErrorKind::ShortBody);
                    continue;
                }
                let expected = call.iter().map(|range| match range.is_empty() {
                    true => bytes.slice(0..0),
                    false => bytes.slice(range.start as usize..range.end as usize),
                });
                assert_eq!(found.unwrap(), expected.collect::<Vec<_>>());
            }
        });
    }
}
