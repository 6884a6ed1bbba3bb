//! Concurrent writers of one object: nothing is lost, and readers never see two versions at once.

use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;

use super::{put, read, read_ranges};
use crate::{ByteRange, ErrorKind, Precondition, Store};

/// Adds one to the number at a key, retrying until it succeeds; returns the number of conflicts.
pub(crate) async fn increment(store: &Store, key: &str) -> usize {
    let mut conflicts = 0;
    loop {
        let body = store.get(key, &ByteRange::All, None).await.unwrap();
        let (value, precondition) = match body {
            None => (0, Precondition::IfAbsent),
            Some(body) => {
                let text = std::str::from_utf8(&body.bytes).unwrap();
                (
                    text.trim().parse::<u64>().unwrap(),
                    Precondition::IfVersion(body.version),
                )
            }
        };
        // All numbers have the same size, so that only the version distinguishes them.
        let next = Bytes::from(format!("{:8}", value + 1));
        match store.put(key, vec![next], precondition).await {
            Ok(_) => return conflicts,
            Err(error) if error.kind() == ErrorKind::Conflict => conflicts += 1,
            Err(error) => panic!("{error}"),
        }
    }
}

fn race(store: &Store) {
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .build()
                    .unwrap();
                runtime.block_on(async {
                    for _ in 0..100 {
                        increment(store, "d/counter").await;
                    }
                });
            });
        }
    });
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let found = runtime.block_on(read(store, "d/counter")).unwrap();
    assert_eq!(std::str::from_utf8(&found).unwrap().trim(), "800");
}

#[test]
fn no_update_is_lost_in_memory() {
    race(&Store::memory());
}

#[test]
fn no_update_is_lost_in_local_files() {
    let directory = tempfile::tempdir().unwrap();
    race(&Store::local(directory.path()).unwrap());
    let names: Vec<_> = std::fs::read_dir(directory.path().join("d"))
        .unwrap()
        .collect();
    assert_eq!(names.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_reader_sees_two_versions() {
    let directory = tempfile::tempdir().unwrap();
    for store in [Store::local(directory.path()).unwrap(), Store::memory()] {
        let whole = |text: &str, size: usize| Bytes::from(text.repeat(size));
        put(&store, "k", whole("a", 300_000)).await;
        let done = std::sync::Arc::new(AtomicBool::new(false));
        let writer = {
            let (store, done) = (store.clone(), done.clone());
            tokio::spawn(async move {
                for turn in 0..200 {
                    let text = if turn % 2 == 0 { "b" } else { "a" };
                    put(&store, "k", whole(text, 300_000 + turn % 2)).await;
                }
                done.store(true, Ordering::Relaxed);
            })
        };
        let mut reads = 0;
        while !done.load(Ordering::Relaxed) {
            let body = store
                .get("k", &ByteRange::Suffix(100), None)
                .await
                .unwrap()
                .unwrap();
            let ranges = [0..10, 100_000..200_000, 299_000..300_000];
            match read_ranges(&store, "k", &ranges, Some(&body.version)).await {
                Ok(parts) => {
                    reads += 1;
                    let first = body.bytes[0];
                    assert!(parts.iter().flatten().all(|byte| *byte == first));
                }
                Err(error) => assert_eq!(error.kind(), ErrorKind::Changed, "{error}"),
            }
        }
        writer.await.unwrap();
        assert!(reads > 0 || store.as_local().is_none());
    }
}
