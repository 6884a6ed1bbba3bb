//! Backends whose conditions cannot be trusted, and puts without conditions (promise P8).

use std::time::Duration;

use futures::future::join_all;

use super::{faulty, operations, put, read};
use crate::testing::{Fault, Operation, Rule};
use crate::{ErrorKind, Precondition, Store};

const PROBE: &str = "p/.zarr-store-probe-*";

/// The requests of a probe on a working backend: three puts and the delete.
const PROBED: [Operation; 4] = [
    Operation::Put,
    Operation::Put,
    Operation::Put,
    Operation::Delete,
];

fn create(store: &Store, key: &'static str) -> impl Future<Output = crate::Result<crate::Version>> {
    store.put(key, vec![key.into()], Precondition::IfAbsent)
}

#[tokio::test]
async fn conditions_are_probed_once_for_all_clones_and_only_if_they_are_used() {
    let (store, faults) = faulty();
    let store = store.with_probe().with_prefix("p").unwrap();
    put(&store, "a", "x").await;
    read(&store, "a").await.unwrap();
    store.delete("a").await.unwrap();
    assert_eq!(faults.requests().len(), 3);
    faults.clear();

    let below = store.with_prefix("q").unwrap();
    let keys = ["0", "1", "2", "3", "4", "5", "6", "7"];
    let (first, second) = futures::join!(
        join_all(keys.map(|key| create(&store, key))),
        join_all(keys.map(|key| create(&below, key))),
    );
    assert!(first.iter().chain(&second).all(Result::is_ok));
    assert_eq!(operations(&faults)[..4], PROBED);
    assert_eq!(faults.requests().len(), 4 + 16);
    assert_eq!(store.list_dir("").await.unwrap().keys, keys);
    let other = store.put("0", vec!["x".into()], Precondition::IfAbsent);
    assert_eq!(other.await.unwrap_err().kind(), ErrorKind::Conflict);
}

#[tokio::test]
async fn backends_that_ignore_conditions_are_refused_with_the_way_out() {
    for (fault, call) in [
        (Fault::Unconditional, 1),
        (Fault::Unconditional, 2),
        (Fault::NotImplemented, 0),
        (Fault::NotSupported, 2),
    ] {
        let (store, faults) = faulty();
        let store = store.with_probe().with_prefix("p").unwrap();
        faults.add(Rule::new(Operation::Put, PROBE, fault).on_call(call));
        for _ in 0..2 {
            let error = create(&store, "k").await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unsupported);
            let text = error.to_string();
            assert!(
                text.contains("two writers could overwrite") && text.contains("single_writer"),
                "{text}"
            );
        }
        assert_eq!(operations(&faults).last(), Some(&Operation::Delete));
        assert_eq!(faults.requests().len(), call + 2);
        assert!(store.list_dir("").await.unwrap().keys.is_empty());
        put(&store, "k", "unconditional puts are fine").await;
    }
}

#[tokio::test]
async fn a_probe_that_fails_is_no_verdict() {
    let (store, faults) = faulty();
    let store = store.with_probe().with_prefix("p").unwrap();
    faults.add(Rule::new(Operation::Put, PROBE, Fault::PermissionDenied).on_call(1));
    let error = create(&store, "k").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    assert_eq!(
        read(&store, "k").await,
        None,
        "nothing was put, nothing left"
    );
    faults.clear();
    create(&store, "k").await.unwrap();
    assert_eq!(operations(&faults)[..4], PROBED);
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_nobody_waits_for_cleans_up() {
    let (store, faults) = faulty();
    let store = store.with_probe().with_prefix("p").unwrap();
    let delay = Fault::Delay(Duration::from_millis(300));
    faults.add(Rule::new(Operation::Put, PROBE, delay));
    let limit = Duration::from_millis(400);
    assert!(
        tokio::time::timeout(limit, create(&store, "k"))
            .await
            .is_err()
    );
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(operations(&faults), PROBED);
    assert!(store.list_dir("").await.unwrap().keys.is_empty());
}

#[tokio::test]
async fn a_single_writer_looks_before_it_puts() {
    let (store, faults) = faulty();
    let store = store.with_probe().with_single_writer();
    faults.add(Rule::new(Operation::Put, "*", Fault::Unconditional));
    let write = async |text: &'static str, precondition| {
        store.put("k", vec![text.into()], precondition).await
    };
    let first = write("1", Precondition::IfAbsent).await.unwrap();
    assert_eq!(operations(&faults), [Operation::Head, Operation::Put]);
    let second = write("2", Precondition::IfVersion(first.clone()))
        .await
        .unwrap();
    for precondition in [Precondition::IfAbsent, Precondition::IfVersion(first)] {
        let error = write("3", precondition).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict);
    }
    assert_eq!(read(&store, "k").await.unwrap(), "2");
    store.delete("k").await.unwrap();
    let error = write("3", Precondition::IfVersion(second))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(
        faults
            .requests()
            .iter()
            .all(|request| { request.operation != Operation::Put || request.condition.is_none() })
    );
}

#[tokio::test(start_paused = true)]
async fn false_conflicts_are_tried_again() {
    let (store, faults) = faulty();
    let version = put(&store, "old", "1").await;
    for (key, precondition) in [
        ("new", Precondition::IfAbsent),
        ("old", Precondition::IfVersion(version)),
    ] {
        // The result of a 409 that only means that two puts collided.
        faults.add(Rule::new(Operation::Put, key, Fault::Precondition).on_call(0));
        faults.add(Rule::new(Operation::Put, key, Fault::Precondition).on_call(1));
        store
            .put(key, vec!["2".into()], precondition)
            .await
            .unwrap();
        assert_eq!(read(&store, key).await.unwrap(), "2");
    }
    faults.add(Rule::new(Operation::Put, "never", Fault::Precondition));
    let error = create(&store, "never").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
}

#[tokio::test(start_paused = true)]
async fn conditional_puts_without_an_answer_are_settled_and_tried_again() {
    for lost in [Fault::Timeout, Fault::LostAck(Box::new(Fault::Timeout))] {
        let (store, faults) = faulty();
        let put_after = async |text: &'static str, precondition| {
            faults.clear();
            faults.add(Rule::new(Operation::Put, "k", lost.clone()).on_call(0));
            store.put("k", vec![text.into()], precondition).await
        };
        let version = put_after("1", Precondition::IfAbsent).await.unwrap();
        let second = put_after("2", Precondition::IfVersion(version.clone())).await;
        assert_eq!(read(&store, "k").await.unwrap(), "2");
        let error = put_after("3", Precondition::IfVersion(version)).await;
        assert_eq!(error.unwrap_err().kind(), ErrorKind::Conflict);
        assert_eq!(read(&store, "k").await.unwrap(), "2");
        faults.add(Rule::new(Operation::Put, "k", Fault::Timeout));
        let never = store.put("k", vec![], Precondition::IfVersion(second.unwrap()));
        assert_eq!(never.await.unwrap_err().kind(), ErrorKind::Timeout);
    }
}
