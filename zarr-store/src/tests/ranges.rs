//! The number of requests and bytes that many ranges cost, and the checks on the responses.

use std::ops::Range;
use std::time::Duration;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use proptest::prelude::*;

use super::{faulty, operations, pattern, put, read_ranges};
use crate::testing::{Fault, Operation, Rule};
use crate::{ByteRange, CostModel, ErrorKind, Store};

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;

fn every(count: u64, size: u64, gap: u64) -> Vec<std::ops::Range<u64>> {
    (0..count)
        .map(|index| index * (size + gap)..index * (size + gap) + size)
        .collect()
}

/// Returns requests and bytes for a pattern of ranges on a remote store with a cost model.
async fn cost(ranges: &[std::ops::Range<u64>], model: CostModel) -> (u64, u64) {
    let (store, faults) = faulty();
    let store = store.with_cost_model(model);
    let size = ranges.iter().map(|range| range.end).max().unwrap_or(0);
    let version = put(&store, "k", pattern(size as usize)).await;
    faults.clear();
    let bodies = read_ranges(&store, "k", ranges, Some(&version))
        .await
        .unwrap();
    for (range, bytes) in ranges.iter().zip(bodies) {
        assert_eq!(bytes.len() as u64, range.end - range.start);
        assert_eq!(u64::from(bytes[0]), range.start % 251);
    }
    let counts = store.requests();
    let requests = faults.requests();
    assert_eq!(counts.gets, requests.len() as u64);
    assert_eq!(counts.heads, 0);
    assert!(requests.iter().all(|request| request.condition.is_some()));
    (counts.gets, counts.bytes_read)
}

#[tokio::test]
async fn small_gaps_are_merged_and_for_time_up_to_a_part() {
    // 256 x 16 KiB, 16 KiB apart: 4 MiB wanted, parts of 1 MiB, 32 ranges each.
    let wanted = every(256, 16 * KIB, 16 * KIB);
    assert_eq!(
        cost(&wanted, CostModel::object().for_time()).await,
        (8, 8 * MIB - 8 * 16 * KIB)
    );
    assert_eq!(
        cost(&wanted, CostModel::object()).await,
        (1, 8 * MIB - 16 * KIB)
    );
    assert_eq!(
        cost(&wanted, CostModel::object().for_bytes()).await,
        (256, 4 * MIB)
    );
}

#[tokio::test]
async fn ranges_that_fit_the_lanes_are_not_merged_over_large_gaps() {
    let wanted = every(64, 64 * KIB, 512 * KIB);
    assert_eq!(cost(&wanted, CostModel::object()).await, (64, 4 * MIB));
    assert_eq!(
        cost(&wanted, CostModel::object().for_requests()).await,
        // 56 of the 63 gaps: 8 bytes are read for each wanted byte.
        (8, 4 * MIB + 56 * 512 * KIB)
    );
}

#[tokio::test]
async fn more_ranges_than_lanes_are_merged_over_gaps() {
    assert_eq!(
        cost(&every(128, 16 * KIB, 100 * KIB), CostModel::object()).await,
        (64, 2 * MIB + 64 * 100 * KIB)
    );
}

#[tokio::test]
async fn a_large_range_is_split_for_time_only() {
    let wanted = [0..16 * MIB];
    for (model, requests) in [
        (CostModel::object(), 1),
        (CostModel::object().for_time(), 16),
        (CostModel::object().for_requests(), 1),
        (CostModel::object().for_bytes(), 1),
    ] {
        assert_eq!(cost(&wanted, model).await, (requests, 16 * MIB));
    }
}

#[tokio::test]
async fn local_ranges_are_read_from_one_file_and_never_split() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::local(directory.path()).unwrap();
    put(&store, "k", pattern(40 << 20)).await;
    let ranges = [
        0..30 * MIB,
        31 * MIB..31 * MIB + 10,
        5..5,
        31 * MIB + 4000..31 * MIB + 4010,
        7..7,
        31 * MIB + 2..31 * MIB + 5,
    ];
    read_ranges(&store, "k", &ranges, None).await.unwrap();
    let counts = store.requests();
    assert_eq!((counts.gets, counts.bytes_read), (2, 30 * MIB + 4010));
}

#[tokio::test]
async fn suffix_reads_are_one_request_and_no_head() {
    let (store, faults) = faulty();
    put(&store, "k", "0123456789").await;
    faults.clear();
    let body = store
        .get("k", &ByteRange::Suffix(4), None)
        .await
        .unwrap()
        .unwrap();
    assert_eq!((&body.bytes[..], body.object_size), (&b"6789"[..], 10));
    store
        .get("k", &ByteRange::Range(2..200), None)
        .await
        .unwrap();
    store.get("k", &ByteRange::Range(2..2), None).await.unwrap();
    store
        .get("none", &ByteRange::Suffix(4), None)
        .await
        .unwrap();
    assert_eq!(operations(&faults), [Operation::Get; 4]);
}

#[tokio::test(start_paused = true)]
async fn a_busy_consumer_holds_no_permit() {
    let (store, faults) = faulty();
    let store = store.with_cost_model(CostModel {
        max_in_flight: 2,
        ..CostModel::object().for_time()
    });
    put(&store, "k", pattern(8 << 20)).await;
    let delay = Fault::Delay(Duration::from_millis(1));
    faults.add(Rule::new(Operation::Get, "k", delay));
    let ranges: Vec<_> = (0..8).map(|part| part * MIB..(part + 1) * MIB).collect();
    let mut first = store.get_ranges("k", ranges.clone(), None);
    let mut second = store.get_ranges("k", ranges, None);
    // Neither stream is polled while the other waits; if streams held permits, both would be stuck.
    let reads = async {
        for _ in 0..8 {
            first.next().await.unwrap().unwrap();
            second.next().await.unwrap().unwrap();
            store.get("k", &ByteRange::Suffix(1), None).await.unwrap();
        }
        assert!(first.next().await.is_none() && second.next().await.is_none());
    };
    tokio::time::timeout(Duration::from_secs(60), reads)
        .await
        .unwrap();
}

#[tokio::test(start_paused = true)]
async fn ranges_arrive_before_the_end_of_their_request() {
    let (store, faults) = faulty();
    let version = put(&store, "k", pattern(1000)).await;
    faults.add(Rule::new(Operation::Get, "k", Fault::Stall(260)));
    let wanted = vec![150..250, 0..100, 90..110, 250..400, 20..40];
    let mut arriving = store.get_ranges("k", wanted.clone(), Some(&version));
    for index in [1, 2, 4, 0] {
        let body = arriving.next().await.unwrap().unwrap();
        let Range { start, end } = wanted[index].clone();
        let bytes = pattern(1000).slice(start as usize..end as usize);
        assert_eq!((body.index, body.bytes), (index, bytes));
    }
    let error = arriving.next().await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(arriving.next().await.is_none());
    assert_eq!(store.requests().gets, 1);
}

#[tokio::test]
async fn a_request_is_in_flight_until_the_caller_has_taken_its_ranges() {
    let store = Store::memory().with_cost_model(CostModel {
        max_in_flight: 1,
        part_min: 400,
        part_max: 400,
        ..CostModel::memory()
    });
    put(&store, "k", pattern(1000)).await;
    let mut arriving = store.get_ranges("k", every(8, 100, 0), None);
    for taken in 1..=8 {
        arriving.next().await.unwrap().unwrap();
        assert_eq!(store.requests().gets, if taken <= 4 { 1 } else { 2 });
    }
    assert!(arriving.next().await.is_none());
}

#[tokio::test]
async fn cut_bodies_are_errors() {
    for (size, expected) in [(0, 1024), (1023, 1024)] {
        let (store, faults) = faulty();
        put(&store, "k", pattern(4096)).await;
        faults.add(Rule::new(Operation::Get, "k", Fault::Truncate(size)));
        let error = read_ranges(&store, "k", &[1024..2048], None)
            .await
            .unwrap_err();
        assert!(
            matches!(&error, crate::Error::ShortBody { range, got, expected: e, .. }
                if *range == (1024..2048) && *got == size as u64 && *e == expected),
            "{error}"
        );
        let error = store.get("k", &ByteRange::All, None).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ShortBody);
    }
}

#[tokio::test]
async fn an_object_swapped_between_index_and_data_is_noticed() {
    let (store, faults) = faulty();
    let version = put(&store, "k", "old old old").await;
    faults.add(Rule::new(
        Operation::Get,
        "k",
        Fault::Swap("new new new".into()),
    ));
    let error = read_ranges(&store, "k", &[0..3], Some(&version))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Changed);
}

#[tokio::test]
async fn a_server_that_ignores_if_match_is_found_out() {
    let (store, faults) = faulty();
    let version = put(&store, "k", "old old old").await;
    faults.add(Rule::new(
        Operation::Get,
        "k",
        Fault::ETag(Some("\"another\"")),
    ));
    let error = read_ranges(&store, "k", &[0..3], Some(&version))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Changed);
}

#[tokio::test]
async fn requests_without_a_version_are_of_one_version_or_fail() {
    let (store, faults) = faulty();
    let store = store.with_cost_model(CostModel::object().for_time());
    put(&store, "k", pattern(4 << 20)).await;
    let new = Bytes::from(vec![7; 4 << 20]);
    faults.add(Rule::new(Operation::Get, "k", Fault::Swap(new)).on_call(1));
    let error = read_ranges(&store, "k", &[0..4 * MIB], None)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Changed);
}

#[tokio::test]
async fn bodies_that_are_too_long_are_errors() {
    let (store, faults) = faulty();
    put(&store, "k", pattern(4096)).await;
    faults.add(Rule::new(Operation::Get, "k", Fault::Extend(1 << 20)));
    for range in [ByteRange::All, ByteRange::Range(0..9), ByteRange::Suffix(9)] {
        let error = store.get("k", &range, None).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ShortBody, "{range}");
    }
}

#[tokio::test]
async fn the_stream_ends_after_an_error() {
    let (store, faults) = faulty();
    put(&store, "k", pattern(8 << 20)).await;
    faults.add(Rule::new(Operation::Get, "k", Fault::Generic("broken")).on_call(0));
    let results: Vec<_> = store
        .get_ranges("k", vec![0..4 * MIB, 5 * MIB..8 * MIB], None)
        .into_stream()
        .collect()
        .await;
    assert_eq!(results.iter().filter(|result| result.is_err()).count(), 1);
    assert!(results.last().unwrap().is_err());
}

#[tokio::test]
async fn a_backend_without_ranges_is_read_whole_once_it_is_known() {
    let (store, faults) = faulty();
    let bytes = pattern(1 << 20);
    let version = put(&store, "k", bytes.clone()).await;
    faults.clear();
    faults.add(Rule::new(Operation::Get, "k", Fault::NotSupported).on_call(0));
    let body = store
        .get("k", &ByteRange::Range(5..10), None)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(body.bytes, bytes.slice(5..10));
    let ranges = [5..10, 500_000..500_010];
    let bodies: Vec<Bytes> = read_ranges(&store, "k", &ranges, Some(&version))
        .await
        .unwrap();
    assert_eq!(bodies, [bytes.slice(5..10), bytes.slice(500_000..500_010)]);
    let requests = faults.requests();
    assert_eq!(requests.len(), 3);
    assert!(requests[1..].iter().all(|request| request.range.is_none()));
}

fn wanted() -> impl Strategy<Value = Vec<Range<u64>>> {
    let range = (0_u64..3000, 0_u64..200).prop_map(|(start, size)| start..start + size);
    prop::collection::vec(range, 0..40)
}

proptest! {
    /// In memory, on a remote store, and without a runtime.
    #[test]
    fn every_range_is_yielded_once(wanted in wanted(), part in 1_u64..400, gap in 0_u64..300, split: bool) {
        let cost = |cost| CostModel { free_gap: gap, part_min: part, part_max: part, split, ..cost };
        let stores = [
            Store::memory().with_cost_model(cost(CostModel::memory())),
            faulty().0.with_cost_model(cost(CostModel::object())),
        ];
        for store in stores {
            let read = async {
                let version = put(&store, "k", pattern(4000)).await;
                read_ranges(&store, "k", &wanted, Some(&version)).await.unwrap()
            };
            let expected: Vec<_> = wanted
                .iter()
                .map(|range| pattern(4000).slice(range.start as usize..range.end as usize))
                .collect();
            prop_assert_eq!(&futures::executor::block_on(read), &expected);
        }
    }
}
