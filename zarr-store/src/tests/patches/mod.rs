//! Patches: local files and memory, and uploads of copied ranges with all their failures.

mod server;

use std::time::Duration;

use bytes::Bytes;
use object_store::ObjectStore;
use object_store::path::Path;

use self::server::{Server, Wrong};
use crate::object::patch::{Uploads, Way};
use crate::{ByteRange, ErrorKind, Leftover, LeftoverKind, Precondition, Store, Version};

const KEEP: usize = 5 << 20;

fn old() -> Bytes {
    let bytes = (0..KEEP + 1000).map(|at| (at % 251) as u8);
    bytes.collect::<Vec<_>>().into()
}

fn new() -> Vec<u8> {
    [&old()[..KEEP], b"the new tail"].concat()
}

async fn put(store: &Store) -> Version {
    let put = store.put("a/k", vec![old()], Precondition::None);
    put.await.unwrap()
}

async fn patch(store: &Store, version: &Version) -> crate::Result<Version> {
    let tail = vec![Bytes::from_static(b"the new "), Bytes::from_static(b"tail")];
    store.patch("a/k", version, KEEP as u64, tail).await
}

async fn content(store: &Store) -> (Vec<u8>, Version) {
    let body = store.get("a/k", &ByteRange::All, None).await.unwrap();
    let body = body.unwrap();
    (body.bytes.into(), body.version)
}

#[tokio::test]
async fn memory_and_local_files_are_patched() {
    let folder = tempfile::tempdir().unwrap();
    for store in [Store::memory(), Store::local(folder.path()).unwrap()] {
        let version = put(&store).await;
        let patched = patch(&store, &version).await.unwrap();
        assert_eq!(content(&store).await, (new(), patched.clone()));
        let again = patch(&store, &version).await.unwrap_err();
        assert_eq!(again.kind(), ErrorKind::Conflict);
        assert_eq!(content(&store).await, (new(), patched.clone()));
        // Only a prefix stays, then only the tail, and no more than exists.
        let first = store.patch("a/k", &patched, 3, Vec::new()).await.unwrap();
        assert_eq!(content(&store).await.0, old()[..3]);
        let too_long = store.patch("a/k", &first, 4, Vec::new()).await;
        assert_eq!(too_long.unwrap_err().kind(), ErrorKind::Conflict);
        let tail = vec![Bytes::from_static(b"x")];
        let all_new = store.patch("a/k", &first, 0, tail).await.unwrap();
        assert_eq!(content(&store).await, (b"x".to_vec(), all_new.clone()));
        store.delete("a/k").await.unwrap();
        let gone = patch(&store, &all_new).await.unwrap_err();
        assert_eq!(gone.kind(), ErrorKind::Conflict);
        assert_eq!(store.size("a/k").await.unwrap(), None);
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn a_patch_is_four_requests_and_asks_a_server_once() {
    let server = Server::new(Wrong::Nothing);
    let store = server.store(true);
    let version = put(&store).await;
    assert!(store.patches(8 << 20));
    let patched = patch(&store, &version).await.unwrap();
    assert_eq!(content(&store).await, (new(), patched.clone()));
    assert!(server.steps().iter().any(|step| step.contains("probe")));
    let before = store.requests();
    let again = patch(&store, &patched).await.unwrap();
    let after = store.requests();
    assert_eq!(content(&store).await, (new(), again));
    let steps = ["start a/k", "copy a/k", "put a/k", "complete a/k"];
    assert_eq!(server.steps(), steps);
    assert_eq!(after.puts - before.puts, 4);
    assert_eq!(after.bytes_written - before.bytes_written, 12);
    assert_eq!(after.bytes_copied - before.bytes_copied, KEEP as u64);
    assert_eq!(after.bytes_read, before.bytes_read);
    assert_eq!(server.uploads_left(), 0);
    let objects = server.store.list(None);
    assert_eq!(
        futures::StreamExt::count(objects).await,
        1,
        "a probe is left"
    );
}

#[tokio::test]
async fn servers_that_ignore_conditions_get_whole_objects() {
    for wrong in [
        Wrong::CopyIgnoresConditions,
        Wrong::CopyIgnoresRanges,
        Wrong::CompletionIgnoresConditions,
        Wrong::Fails("copy"),
        Wrong::Fails("start"),
        Wrong::Fails("complete"),
    ] {
        let server = Server::new(wrong);
        let store = server.store(true);
        let version = put(&store).await;
        let patched = patch(&store, &version).await.unwrap();
        assert_eq!(content(&store).await, (new(), patched.clone()), "{wrong:?}");
        assert!(!store.patches(1 << 30), "{wrong:?}");
        assert!(server.steps().iter().all(|step| step.contains("probe")));
        let conflict = patch(&store, &version).await.unwrap_err();
        assert_eq!(conflict.kind(), ErrorKind::Conflict);
        assert_eq!(server.steps(), [""; 0]);
        assert_eq!(server.uploads_left(), 0, "{wrong:?}");
    }
}

#[tokio::test]
async fn what_fails_before_the_object_changes_is_put_as_a_whole() {
    for step in ["start", "copy", "put"] {
        for (wrong, lasting) in [(Wrong::Fails(step), false), (Wrong::Denies(step), true)] {
            let server = Server::new(wrong);
            let store = server.store(false);
            let version = put(&store).await;
            let patched = patch(&store, &version).await.unwrap();
            assert_eq!(content(&store).await, (new(), patched), "{wrong:?}");
            assert_eq!(store.patches(1 << 30), !lasting, "{wrong:?}");
            assert_eq!(server.uploads_left(), 0, "{wrong:?}");
        }
    }
}

#[tokio::test]
async fn lost_acknowledgements_are_settled_by_what_is_stored() {
    for wrong in [Wrong::LosesAcknowledgement, Wrong::LosesCompletion] {
        let server = Server::new(wrong);
        let store = server.store(true);
        let version = put(&store).await;
        let patched = patch(&store, &version).await.unwrap();
        assert_eq!(content(&store).await, (new(), patched), "{wrong:?}");
        assert_eq!(server.uploads_left(), 0, "{wrong:?}");
    }
    let server = Server::new(Wrong::Fails("complete"));
    let store = server.store(false);
    let version = put(&store).await;
    assert_eq!(
        patch(&store, &version).await.unwrap_err().kind(),
        ErrorKind::Backend
    );
    assert_eq!(content(&store).await.0, old());
    assert_eq!(server.uploads_left(), 0);
}

#[tokio::test]
async fn an_object_that_changes_on_the_way_is_a_conflict() {
    for step in ["start", "copy", "put", "complete"] {
        let server = Server::new(Wrong::Changes(step));
        let store = server.store(true);
        let version = put(&store).await;
        let conflict = patch(&store, &version).await.unwrap_err();
        assert_eq!(conflict.kind(), ErrorKind::Conflict, "{step}");
        assert_eq!(content(&store).await.0, b"of another", "{step}");
        assert_eq!(server.uploads_left(), 0, "{step}");
    }
}

/// Drops a patch while a step is under way, and waits until its upload was aborted `expected`
/// times.
async fn drop_during(wrong: Wrong, expected: usize) {
    let server = Server::new(wrong);
    let store = server.store(true);
    let version = put(&store).await;
    let time = Duration::from_millis(150);
    let patched = tokio::time::timeout(time, patch(&store, &version)).await;
    assert!(patched.is_err(), "{wrong:?}");
    let mut aborts = 0;
    for _ in 0..500 {
        let steps = server.steps();
        aborts += steps.iter().filter(|step| *step == "abort a/k").count();
        if aborts == expected && server.uploads_left() == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!((aborts, server.uploads_left()), (expected, 0), "{wrong:?}");
    assert_eq!(content(&store).await.0, old(), "{wrong:?}");
}

#[tokio::test]
async fn a_patch_that_is_dropped_gives_its_upload_up() {
    for step in ["copy", "put", "complete"] {
        drop_during(Wrong::Hangs(step), 1).await;
    }
}

#[tokio::test]
async fn a_request_that_outlives_its_patch_leaves_no_upload() {
    for (step, aborts) in [("start", 1), ("copy", 2), ("put", 2)] {
        drop_during(Wrong::Slow(step), aborts).await;
    }
}

#[tokio::test]
async fn of_two_patchers_at_once_one_wins() {
    let server = Server::new(Wrong::Nothing);
    let store = server.store(true);
    let version = put(&store).await;
    let (one, other) = tokio::join!(patch(&store, &version), async {
        let tail = vec![Bytes::from_static(b"of the other")];
        store.patch("a/k", &version, KEEP as u64, tail).await
    });
    assert!(one.is_ok() != other.is_ok(), "{one:?} {other:?}");
    let lost = one.err().or(other.err()).map(|error| error.kind());
    assert_eq!(lost, Some(ErrorKind::Conflict));
    assert_eq!(server.uploads_left(), 0);
}

#[tokio::test]
async fn uploads_of_killed_writers_are_swept() {
    let server = Server::new(Wrong::Nothing);
    let store = server.store(true);
    server.start(&Path::from("a/k")).await.unwrap();
    assert_eq!(store.sweep(Duration::from_secs(60)).await.unwrap(), []);
    let beside = store.with_prefix("b").unwrap();
    assert_eq!(beside.sweep(Duration::ZERO).await.unwrap(), []);
    let upload = Leftover {
        kind: LeftoverKind::Upload,
        key: "a/k".to_owned(),
    };
    assert_eq!(store.sweep(Duration::ZERO).await.unwrap(), [upload]);
    assert_eq!(server.uploads_left(), 0);
}

#[tokio::test]
async fn each_way_is_probed() {
    for way in [Way::Multipart, Way::Blocks] {
        for (wrong, patches) in [
            (Wrong::Nothing, true),
            (Wrong::CopyIgnoresConditions, false),
            (Wrong::CompletionIgnoresConditions, false),
            (Wrong::CopyIgnoresRanges, false),
        ] {
            let server = Server::of(way, wrong);
            let store = server.store(true);
            let version = put(&store).await;
            let (all, tail) = (old().len() as u64, vec![Bytes::from_static(b"tail")]);
            let new = store.append("a/k", &version, all, tail).await.unwrap();
            assert_eq!(content(&store).await, ([&old()[..], b"tail"].concat(), new));
            let copied = store.requests().bytes_copied;
            assert_eq!(copied > 0, patches, "{way:?} {wrong:?}");
            assert_eq!(server.uploads_left(), 0, "{way:?} {wrong:?}");
        }
    }
}
