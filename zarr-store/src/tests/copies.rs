//! Copies and moves: the objects at both keys afterwards, and the number of requests.

use super::{faulty, operations, pattern, put, read};
use crate::testing::Operation;
use crate::{ErrorKind, ObjectInfo, Precondition, Store};

/// The contract of copies and moves, for any store that is empty, and empty again afterwards.
pub(super) async fn copies(store: &Store) {
    let bytes = pattern(300);
    let version = put(store, "a", bytes.clone()).await;
    let info = store.head("a").await.unwrap();
    let size = 300;
    assert_eq!(info, Some(ObjectInfo { size, version }));
    put(store, "b", "old").await;
    store.copy("a", "b", Precondition::None).await.unwrap();
    store
        .copy("a", "d/c", Precondition::IfAbsent)
        .await
        .unwrap();
    assert_eq!(read(store, "b").await.unwrap(), bytes);
    assert_eq!(read(store, "d/c").await.unwrap(), bytes);

    let new = put(store, "a", "new").await;
    for target in ["a", "b"] {
        let error = store.rename("a", target, Precondition::IfAbsent).await;
        assert_eq!(error.unwrap_err().kind(), ErrorKind::Conflict, "{target}");
    }
    let error = store.copy("a", "b", Precondition::IfVersion(new)).await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Conflict);
    store.rename("a", "b", Precondition::None).await.unwrap();
    store.rename("b", "b", Precondition::None).await.unwrap();
    assert_eq!(read(store, "a").await, None);
    assert_eq!(read(store, "b").await.unwrap(), "new");

    for (from, to) in [("a", "c"), ("a", "b"), ("a", "a")] {
        for precondition in [Precondition::None, Precondition::IfAbsent] {
            let error = store.copy(from, to, precondition.clone()).await;
            assert_eq!(error.unwrap_err().kind(), ErrorKind::NotFound, "{to}");
            let error = store.rename(from, to, precondition).await;
            assert_eq!(error.unwrap_err().kind(), ErrorKind::NotFound, "{to}");
        }
    }
    assert_eq!(read(store, "b").await.unwrap(), "new");
    assert_eq!(read(store, "c").await, None);
    for key in ["", "/x", "x//y", ".."] {
        let error = store.copy("b", key, Precondition::None).await;
        assert_eq!(error.unwrap_err().kind(), ErrorKind::InvalidKey, "{key}");
    }
    store.delete_all(&["b".into(), "d/c".into()]).await.unwrap();
}

#[tokio::test]
async fn a_copy_of_the_backend_is_one_request() {
    let (store, faults) = faulty();
    put(&store, "a", "x").await;
    faults.clear();
    store.copy("a", "b", Precondition::None).await.unwrap();
    assert_eq!(operations(&faults), [Operation::Copy]);
    assert_eq!(store.requests().puts, 2);
    assert_eq!(store.requests().bytes_written, 1);
}

#[tokio::test]
async fn a_store_for_reading_is_not_copied_in() {
    let store = Store::memory();
    put(&store, "a", "x").await;
    let reader = store.clone().read_only();
    let error = reader.rename("a", "b", Precondition::None).await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::ReadOnly);
    let error = reader.sign("a", crate::Method::Put, std::time::Duration::MAX);
    assert_eq!(error.await.unwrap_err().kind(), ErrorKind::ReadOnly);
    let error = store.sign("a", crate::Method::Get, std::time::Duration::MAX);
    assert_eq!(error.await.unwrap_err().kind(), ErrorKind::Unsupported);
    assert_eq!(read(&store, "a").await.unwrap(), "x");
}
