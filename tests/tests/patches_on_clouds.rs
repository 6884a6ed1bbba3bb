//! Patches on Google Cloud Storage and Azure: which requests they are, and what becomes of them.

#![expect(clippy::unwrap_used, reason = "tests")]

use bytes::Bytes;
use ndarray::{ArrayD, IxDyn};
use zarr::{Hierarchy, registry};
use zarr_store::{ByteRange, ErrorKind, Precondition, Result, Store, Version};
use zarr_tests::cloud::{Fault, Service, kind};
use zarr_tests::patched::{assert_equal, assert_little_dead, patching, sharded, write};
use zarr_tests::random;

const OLD: &[u8] = b"the old object, its end";
const KEEP: u64 = 14;
const TAIL: &[u8] = b" and a tail";

/// The logins of Azure: an account's key, a SAS token, and a token of Entra ID.
const LOGINS: [(&str, &str); 3] = [
    ("account_key", "aHVzaA=="),
    ("sas_token", "sv=2023-11-03&sp=rcw&sig=aHVzaA%3D%3D"),
    ("bearer_token", "hush"),
];

async fn put(store: &Store) -> Version {
    let payload = vec![Bytes::from_static(OLD)];
    let put = store.put("a/k", payload, Precondition::None);
    put.await.unwrap()
}

fn tail() -> Vec<Bytes> {
    vec![
        Bytes::from_static(&TAIL[..4]),
        Bytes::from_static(&TAIL[4..]),
    ]
}

async fn append(store: &Store, version: &Version) -> Result<Version> {
    store.append("a/k", version, OLD.len() as u64, tail()).await
}

async fn patch(store: &Store, version: &Version) -> Result<Version> {
    store.patch("a/k", version, KEEP, tail()).await
}

async fn content(store: &Store) -> (Vec<u8>, Version) {
    let body = store.get("a/k", &ByteRange::All, None).await.unwrap();
    let body = body.unwrap();
    (body.bytes.into(), body.version)
}

fn appended() -> Vec<u8> {
    [OLD, TAIL].concat()
}

fn patched() -> Vec<u8> {
    let keep = usize::try_from(KEEP).unwrap();
    [&OLD[..keep], TAIL].concat()
}

#[tokio::test]
async fn google_composes_the_old_object_and_a_temporary_one() {
    let service = Service::start().await;
    let store = service.gcs();
    let version = put(&store).await;
    assert!(store.only_appends() && store.patches(8 << 20));
    drop(service.take());
    let before = store.requests();
    let new = append(&store, &version).await.unwrap();
    let after = store.requests();
    let asked = service.take();
    let kinds = asked.iter().map(kind).collect::<Vec<_>>();
    assert_eq!(kinds, ["put temporary", "complete", "delete"]);
    let generation = asked[1].field("x-goog-if-generation-match");
    assert_eq!(generation, Some("7001"));
    assert_eq!(
        (after.puts - before.puts, after.deletes - before.deletes),
        (2, 1)
    );
    let sent = after.bytes_written - before.bytes_written;
    assert_eq!(sent, TAIL.len() as u64);
    assert_eq!(after.bytes_copied - before.bytes_copied, OLD.len() as u64);
    assert_eq!(content(&store).await, (appended(), new.clone()));
    assert_eq!(service.names(), ["a/k"]);
    // The version of the composition is a condition again.
    drop(service.take());
    let more = store.append("a/k", &new, 34, tail()).await.unwrap();
    assert_eq!(service.kinds(), ["put temporary", "complete", "delete"]);
    assert_eq!(content(&store).await.1, more);
    let outdated = append(&store, &version).await.unwrap_err();
    assert_eq!(outdated.kind(), ErrorKind::Conflict);
    assert_eq!(service.names(), ["a/k"]);
    // Google cannot drop the end of an object.
    drop(service.take());
    let whole = store.patch("a/k", &more, 3, tail()).await.unwrap();
    assert_eq!(service.kinds(), ["get", "put"]);
    assert_eq!(content(&store).await, ([b"the", TAIL].concat(), whole));
}

#[tokio::test]
async fn azure_copies_a_range_into_a_block_with_every_login() {
    for login in LOGINS {
        let service = Service::start().await;
        let store = service.azure(login);
        let version = put(&store).await;
        assert!(!store.only_appends() && store.patches(8 << 20), "{login:?}");
        drop(service.take());
        let before = store.requests();
        let new = patch(&store, &version).await.unwrap();
        let after = store.requests();
        let asked = service.take();
        let kinds = asked.iter().map(kind).collect::<Vec<_>>();
        assert_eq!(kinds, ["copy", "put block", "complete"], "{login:?}");
        assert_eq!(asked[0].field("x-ms-source-range"), Some("bytes=0-13"));
        assert_eq!(asked[2].field("if-match"), Some("\"7001\""));
        let signs = |name| asked.iter().all(|asked| asked.field(name).is_some());
        assert!(
            signs("authorization") || asked.iter().all(|asked| asked.target().contains("sig="))
        );
        assert_eq!(after.puts - before.puts, 3);
        assert_eq!(after.bytes_copied - before.bytes_copied, KEEP);
        assert_eq!(content(&store).await, (patched(), new.clone()));
        let outdated = patch(&store, &version).await.unwrap_err();
        assert_eq!(outdated.kind(), ErrorKind::Conflict);
        assert_eq!(content(&store).await, (patched(), new));
    }
}

/// Runs a patch on both services with a fault. Returns the result, the content, and the names of
/// all objects.
async fn on_both(of: &'static str, fault: Fault) -> Vec<(Result<Version>, Vec<u8>, Vec<String>)> {
    let mut results = Vec::new();
    for google in [true, false] {
        let service = Service::start().await;
        let store = match google {
            true => service.gcs(),
            false => service.azure(LOGINS[0]),
        };
        let version = put(&store).await;
        service.fail(of, fault);
        let done = append(&store, &version).await;
        let (found, stored) = content(&store).await;
        if let Ok(version) = &done {
            assert_eq!(*version, stored, "{of} {fault:?} {google}");
        }
        results.push((done, found, service.names()));
    }
    results
}

#[tokio::test]
async fn a_completion_that_fails_or_is_not_acknowledged_is_settled() {
    for fault in [
        Fault::Status("429 Too Many Requests", 2),
        Fault::Status("503 Service ServerBusy", 2),
        Fault::After("500 no InternalError"),
        Fault::After("503 Service ServerBusy"),
        Fault::Lost,
    ] {
        for (done, found, names) in on_both("complete", fault).await {
            assert!(done.is_ok(), "{fault:?} {done:?}");
            assert_eq!(
                (found, names),
                (appended(), vec!["a/k".to_owned()]),
                "{fault:?}"
            );
        }
    }
}

#[tokio::test]
async fn an_object_that_another_writer_changes_is_a_conflict() {
    for of in ["put temporary", "copy", "put block", "complete"] {
        for (done, found, names) in on_both(of, Fault::Changes).await {
            // The fault does not concern one of the services, or concerns its temporary object.
            if let Err(error) = &done {
                assert_eq!(error.kind(), ErrorKind::Conflict, "{of} {error}");
                assert_eq!(found, b"of another", "{of}");
            } else {
                assert_eq!(found, appended(), "{of}");
                assert_ne!(of, "complete");
            }
            assert_eq!(names, ["a/k"], "{of}");
        }
    }
}

#[tokio::test]
async fn what_is_refused_before_the_completion_is_put_as_a_whole() {
    for (of, status) in [
        ("put temporary", "403 no AuthorizationFailure"),
        ("put temporary", "400 no InvalidArgument"),
        ("copy", "403 no AuthorizationFailure"),
        ("copy", "404 no CannotVerifyCopySource"),
        ("copy", "400 no InvalidBlobOrBlock"),
        ("put block", "400 no InvalidBlobOrBlock"),
    ] {
        for (done, found, names) in on_both(of, Fault::Status(status, 1)).await {
            assert!(done.is_ok(), "{of} {status} {done:?}");
            let expected = (appended(), vec!["a/k".to_owned()]);
            assert_eq!((found, names), expected, "{of} {status}");
        }
    }
}

#[tokio::test]
async fn what_azure_does_not_implement_is_found_out_once() {
    let service = Service::start().await;
    let store = service.azure(LOGINS[0]);
    let version = put(&store).await;
    service.fail("copy", Fault::Status("501 no NotImplemented", 9));
    drop(service.take());
    let version = patch(&store, &version).await.unwrap();
    assert_eq!(service.kinds(), ["copy", "get", "put"]);
    assert!(!store.patches(1 << 30));
    store.patch("a/k", &version, KEEP, tail()).await.unwrap();
    assert_eq!(service.kinds(), ["get", "put"]);
    assert_eq!(content(&store).await.0, patched());
}

#[tokio::test]
async fn temporary_objects_of_killed_writers_are_swept() {
    let service = Service::start().await;
    let store = service.gcs();
    let version = put(&store).await;
    // The temporary object is stored, and neither used nor removed.
    service.fail("delete", Fault::Status("500 no InternalError", 99));
    append(&store, &version).await.unwrap();
    assert_eq!(service.names().len(), 2);
    service.fail("delete", Fault::Status("500 no InternalError", 0));
    service.fail("none", Fault::Changes);
    let beside = store.with_prefix("b").unwrap();
    assert_eq!(beside.sweep(std::time::Duration::ZERO).await.unwrap(), []);
    let year = std::time::Duration::from_secs(400 * 24 * 3600);
    assert_eq!(store.sweep(year).await.unwrap(), []);
    let swept = store.sweep(std::time::Duration::ZERO).await.unwrap();
    assert_eq!(swept.len(), 1);
    assert_eq!(swept[0].kind, zarr_store::LeftoverKind::Temporary);
    assert!(
        swept[0].key.starts_with("a/.zarr-store-patch-"),
        "{swept:?}"
    );
    assert_eq!(service.names(), ["a/k"]);
    assert_eq!(content(&store).await.0, appended());
}

#[tokio::test]
async fn a_dropped_patch_leaves_no_temporary_object() {
    for wait in [0, 1, 2, 3, 5, 10] {
        let service = Service::start().await;
        let store = service.gcs();
        let version = put(&store).await;
        service.fail("complete", Fault::Status("429 Too Many Requests", 99));
        let time = std::time::Duration::from_millis(wait * 10);
        drop(tokio::time::timeout(time, append(&store, &version)).await);
        for _ in 0..200 {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            if service.names() == ["a/k"] {
                break;
            }
        }
        assert_eq!(service.names(), ["a/k"], "after {wait}");
        assert_eq!(content(&store).await.0, OLD);
    }
}

/// On Google Cloud Storage, patches keep the old index, which counts as dead space.
#[tokio::test]
async fn random_patches_on_both_are_those_of_an_array_in_memory() {
    for seed in 0..40 {
        let mut rng = random::rng(seed);
        let service = Service::start().await;
        let google = seed % 2 == 0;
        let store = match google {
            true => service.gcs(),
            false => service.azure(LOGINS[0]),
        };
        let store = patching(store, 0);
        let shape = [12, 9];
        let metadata = sharded(&mut rng, &shape.map(|len| len as u64));
        let hierarchy = Hierarchy::new(store.clone(), registry());
        let array = hierarchy.create_array("a", metadata).await.unwrap();
        let options = zarr::WriteOptions {
            dead_space: 60,
            // The scripted Azure deletes nothing.
            store_fill: true,
        };
        let array = array.with_write_options(options);
        let mut model = ArrayD::<u16>::zeros(IxDyn(&shape));
        for _ in 0..8 {
            let selection = random::selection(&mut rng, &shape);
            write(&array, &selection, &mut model, &mut rng).await;
            assert_equal(&array, &model).await;
            assert_little_dead(&array, 60).await;
        }
        array.compact(0).await.unwrap();
        assert_equal(&array, &model).await;
        let copied = store.requests().bytes_copied;
        let names = service.names();
        assert!(
            names.iter().all(|name| !name.contains("patch")),
            "{names:?}"
        );
        eprintln!("seed {seed}: {copied} bytes copied");
    }
}
