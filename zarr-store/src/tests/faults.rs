//! The errors that failures of a backend turn into.

use std::time::Duration;

use super::{faulty, operations, put, read_ranges};
use crate::testing::{Fault, Operation, Rule};
use crate::{ByteRange, Error, ErrorKind, Place, Precondition};

#[test]
fn messages_of_the_system_are_not_repeated() {
    let said = |kind: std::io::ErrorKind, message: &str| {
        let cause = std::io::Error::new(kind, message);
        Error::io(Place::new(&"/store".into(), "a"), "get", cause).to_string()
    };
    assert_eq!(
        said(std::io::ErrorKind::PermissionDenied, "Permission denied"),
        "/store/a: get: Permission denied"
    );
    assert_eq!(
        said(std::io::ErrorKind::TimedOut, "no answer"),
        "/store/a: get: timed out: no answer"
    );
}

#[tokio::test]
async fn only_not_found_is_absent() {
    for (fault, kind) in [
        (Fault::PermissionDenied, ErrorKind::PermissionDenied),
        (Fault::Generic("500"), ErrorKind::Backend),
        (Fault::Timeout, ErrorKind::Timeout),
        (Fault::NotImplemented, ErrorKind::Unsupported),
        (Fault::Precondition, ErrorKind::Backend),
    ] {
        let (store, faults) = faulty();
        faults.add(Rule::new(Operation::Get, "*", fault.clone()));
        for range in [ByteRange::All, ByteRange::Suffix(3), ByteRange::Range(0..3)] {
            put(&store, "k", "0123456789").await;
            let error = store.get("k", &range, None).await.unwrap_err();
            assert_eq!(error.kind(), kind, "{fault:?} {range}");
        }
        let error = read_ranges(&store, "k", &[0..3], None).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{fault:?}");
    }
    let (store, faults) = faulty();
    put(&store, "k", "x").await;
    faults.add(Rule::new(Operation::Get, "k", Fault::NotFound));
    assert_eq!(store.get("k", &ByteRange::All, None).await.unwrap(), None);
}

#[tokio::test]
async fn failures_of_other_operations_are_errors() {
    let (store, faults) = faulty();
    for operation in [
        Operation::Head,
        Operation::List,
        Operation::Put,
        Operation::Delete,
    ] {
        faults.add(Rule::new(operation, "*", Fault::PermissionDenied));
    }
    let denied = |error: Error| assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    denied(store.size("k").await.unwrap_err());
    denied(store.list_dir("k").await.unwrap_err());
    denied(store.delete("k").await.unwrap_err());
    denied(store.delete_prefix("k").await.unwrap_err());
    denied(
        store
            .put("k", vec![], Precondition::None)
            .await
            .unwrap_err(),
    );
    denied(
        store
            .put("k", vec![], Precondition::IfAbsent)
            .await
            .unwrap_err(),
    );
}

#[tokio::test]
async fn a_range_that_a_server_failed_on_is_not_taken_for_one_outside() {
    let (store, faults) = faulty();
    put(&store, "k", "0123456789").await;
    faults.clear();
    faults.add(Rule::new(
        Operation::Get,
        "k",
        Fault::Generic("status code: 503"),
    ));
    assert!(store.get("k", &ByteRange::From(50), None).await.is_err());
    assert_eq!(operations(&faults), [Operation::Get]);
}

#[tokio::test]
async fn lost_acknowledgements_of_conditional_puts_are_settled() {
    let (store, faults) = faulty();
    let lost = || Fault::LostAck(Box::new(Fault::Precondition));
    faults.add(Rule::new(Operation::Put, "k", lost()).on_call(0));
    let version = store
        .put("k", vec!["ab".into(), "c".into()], Precondition::IfAbsent)
        .await
        .unwrap();
    faults.clear();
    faults.add(Rule::new(Operation::Put, "k", lost()));
    let second = store
        .put(
            "k",
            vec!["abcd".into()],
            Precondition::IfVersion(version.clone()),
        )
        .await
        .unwrap();
    assert_ne!(version, second);
    let body = store
        .get("k", &ByteRange::All, Some(&second))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(body.bytes, "abcd");
}

#[tokio::test]
async fn conflicts_with_other_content_are_not_settled() {
    let (store, _) = faulty();
    put(&store, "k", "abc").await;
    for other in ["abd", "ab", "abcd", ""] {
        let result = store
            .put("k", vec![other.into()], Precondition::IfAbsent)
            .await;
        assert_eq!(result.unwrap_err().kind(), ErrorKind::Conflict, "{other}");
    }
}

#[tokio::test]
async fn conditional_puts_that_the_backend_has_not_are_unsupported() {
    let (store, faults) = faulty();
    put(&store, "k", "abc").await;
    faults.add(Rule::new(Operation::Put, "k", Fault::NotImplemented));
    let error = store
        .put("k", vec![], Precondition::IfAbsent)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);

    let (store, faults) = faulty();
    faults.add(Rule::new(Operation::Put, "k", Fault::ETag(None)));
    let unknown = put(&store, "k", "abc").await;
    assert!(!unknown.is_known());
    let error = store
        .put("k", vec![], Precondition::IfVersion(unknown))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}

#[tokio::test]
async fn a_404_on_an_update_is_a_conflict() {
    let (store, faults) = faulty();
    let version = put(&store, "k", "abc").await;
    store.delete("k").await.unwrap();
    faults.add(Rule::new(Operation::Put, "k", Fault::NotFound));
    let error = store
        .put("k", vec!["x".into()], Precondition::IfVersion(version))
        .await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Conflict);
}

#[tokio::test(start_paused = true)]
async fn slow_requests_run_side_by_side() {
    let (store, faults) = faulty();
    put(&store, "k", super::pattern(64 << 20)).await;
    faults.add(Rule::new(
        Operation::Get,
        "k",
        Fault::Delay(Duration::from_millis(15)),
    ));
    let start = tokio::time::Instant::now();
    read_ranges(&store, "k", &[0..64 << 20], None)
        .await
        .unwrap();
    assert_eq!(start.elapsed(), Duration::from_millis(15));
}
