//! Calls that never wait, and listings without sizes.

use futures::TryStreamExt;

use super::{faulty, pattern, put};
use crate::{ByteRange, Durability, ErrorKind, Store};

#[tokio::test]
async fn memory_is_at_hand() {
    let store = Store::memory();
    put(&store, "a/b", pattern(100)).await;
    let body = store.get_now("a/b", &ByteRange::Suffix(10), 1000).unwrap();
    assert_eq!(body.unwrap().unwrap().bytes, pattern(100).slice(90..));
    let absent = store.get_now("a/c", &ByteRange::All, 1000).unwrap();
    assert_eq!(absent.unwrap(), None);
    let refused = store.get_now("a//c", &ByteRange::All, 1000).unwrap();
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::InvalidKey);
    assert!(!store.is_remote());
}

#[tokio::test]
async fn a_remote_store_has_nothing_at_hand() {
    let (store, faults) = faulty();
    put(&store, "k", pattern(10)).await;
    let before = faults.requests().len();
    assert!(store.get_now("k", &ByteRange::All, 1000).is_none());
    assert_eq!(faults.requests().len(), before);
    assert!(store.is_remote());
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_file_that_was_just_written_is_at_hand() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::local(directory.path()).unwrap();
    let absent = store.get_now("a/b", &ByteRange::All, 1000);
    assert!(matches!(absent, Some(Ok(None)) | None), "{absent:?}");
    let version = put(&store, "a/b", pattern(100)).await;
    if store.get_now("a/b", &ByteRange::All, 1000).is_none() {
        eprintln!(
            "skipped: {} does not report which pages are in memory",
            directory.path().display()
        );
        return;
    }
    for range in [
        ByteRange::All,
        ByteRange::Range(90..150),
        ByteRange::Range(200..300),
        ByteRange::From(40),
        ByteRange::Suffix(1000),
    ] {
        let body = store.get_now("a/b", &range, 100).unwrap().unwrap().unwrap();
        let expected = range.resolve(100);
        let bytes = pattern(100).slice(expected.start as usize..expected.end as usize);
        assert_eq!((body.bytes, body.range), (bytes, expected), "{range}");
        assert_eq!((body.object_size, &body.version), (100, &version));
    }
    assert!(
        store.get_now("a/b", &ByteRange::All, 99).is_none(),
        "too much"
    );
    let directory = store.get_now("a", &ByteRange::All, 99).unwrap();
    assert_eq!(directory.unwrap(), None);
}

#[tokio::test]
async fn keys_are_listed_without_sizes() {
    let directory = tempfile::tempdir().unwrap();
    let (remote, _) = faulty();
    for store in [
        Store::memory(),
        remote,
        Store::local(directory.path()).unwrap(),
    ] {
        let mut expected: Vec<String> = (0..2500)
            .map(|at| format!("a/{}/{at:04}", at % 7))
            .collect();
        for key in &expected {
            put(&store, key, "x").await;
        }
        put(&store, "a-b", "x").await;
        let batches: Vec<Vec<String>> = store.list_keys("a").try_collect().await.unwrap();
        assert!(
            batches
                .iter()
                .all(|batch| (1..=1000).contains(&batch.len()))
        );
        let mut keys = batches.concat();
        keys.sort();
        expected.sort();
        assert_eq!(keys, expected, "{store:?}");
        let none: Vec<Vec<String>> = store.list_keys("b").try_collect().await.unwrap();
        assert!(none.is_empty());
    }
}

#[cfg(feature = "s3")]
mod credentials {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::{Duration, SystemTime};

    use crate::{ByteRange, CredentialSource, Credentials, Store};

    /// Credentials that expire after this many seconds, and the number of requests for them.
    #[derive(Debug)]
    struct Source(u64, AtomicU64);

    #[async_trait::async_trait]
    impl CredentialSource for Source {
        async fn credentials(
            &self,
        ) -> Result<Credentials, Box<dyn std::error::Error + Send + Sync>> {
            self.1.fetch_add(1, Ordering::Relaxed);
            let values = [("access_key_id", "id"), ("secret_access_key", "hidden")];
            Ok(Credentials {
                values: values
                    .map(|(name, value)| (name.into(), value.into()))
                    .into(),
                expires_at: Some(SystemTime::now() + Duration::from_secs(self.0)),
            })
        }
    }

    #[tokio::test]
    async fn are_asked_for_again_before_they_expire() {
        let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", closed.local_addr().unwrap());
        drop(closed);
        for (seconds, asked) in [(3600, 1), (60, 3)] {
            let source = Arc::new(Source(seconds, AtomicU64::new(0)));
            let options = [
                ("endpoint", &*endpoint),
                ("allow_http", "true"),
                ("max_retries", "0"),
                ("region", "x"),
            ];
            let store =
                Store::open_with_credentials("s3://b", options, Some(source.clone())).unwrap();
            for _ in 0..3 {
                let error = store.get("k", &ByteRange::All, None).await.unwrap_err();
                assert!(!format!("{error:?}").contains("hidden"));
            }
            assert_eq!(source.1.load(Ordering::Relaxed), asked);
        }
    }

    #[test]
    fn are_for_clouds_only() {
        for url in ["memory:", "/tmp", "file:///tmp"] {
            let source = Arc::new(Source(1, AtomicU64::new(0)));
            let none: [(&str, &str); 0] = [];
            assert!(
                Store::open_with_credentials(url, none, Some(source)).is_err(),
                "{url}"
            );
        }
        let debug = format!(
            "{:?}",
            Credentials {
                values: vec![("token".into(), "hidden".into())],
                expires_at: None
            }
        );
        assert!(
            debug.contains("token") && !debug.contains("hidden"),
            "{debug}"
        );
    }
}

#[tokio::test]
async fn files_are_replaced_on_the_calling_thread_as_puts_and_deletes_replace_them() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::local(directory.path()).unwrap();
    let payload = [pattern(100)];
    store.replace_here("a/b", Some(&payload)).unwrap().unwrap();
    let body = store.get("a/b", &ByteRange::All, None).await.unwrap();
    assert_eq!(body.unwrap().bytes, payload[0]);
    let refused = store.replace_here("a//c", Some(&payload)).unwrap();
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::InvalidKey);
    let obstructed = store.replace_here("a", Some(&payload)).unwrap();
    assert_eq!(obstructed.unwrap_err().kind(), ErrorKind::Obstructed);
    for payload in [None, Some(&payload[..])] {
        let refused = store.clone().read_only().replace_here("a/b", payload);
        assert_eq!(refused.unwrap().unwrap_err().kind(), ErrorKind::ReadOnly);
        let synced = store.clone().with_durability(Durability::Synced);
        assert!(synced.replace_here("a/b", payload).is_none());
        assert!(Store::memory().replace_here("a/b", payload).is_none());
    }
    let puts = store.requests().puts;
    store.replace_here("a/b", None).unwrap().unwrap();
    assert_eq!((store.requests().puts, store.requests().deletes), (puts, 1));
    assert!(!directory.path().join("a").exists());
}
