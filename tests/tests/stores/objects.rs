//! Ranges, versions and conditions of objects on every store.

use super::*;

#[tokio::test]
async fn ranges_are_clamped_and_absence_is_a_value() {
    let fill = async |store: Store| {
        put(&store, "d/ten", b"0123456789").await;
        put(&store, "d/empty", b"").await;
    };
    on_each_filled(fill, async |store| {
        for (range, expected) in [
            (ByteRange::All, 0..10),
            (ByteRange::Range(2..5), 2..5),
            (ByteRange::Range(0..10), 0..10),
            (ByteRange::Range(8..50), 8..10),
            (ByteRange::Range(10..12), 10..10),
            (ByteRange::Range(50..60), 10..10),
            (ByteRange::Range(4..4), 4..4),
            (ByteRange::From(0), 0..10),
            (ByteRange::From(7), 7..10),
            (ByteRange::From(10), 10..10),
            (ByteRange::Suffix(3), 7..10),
            (ByteRange::Suffix(10), 0..10),
            (ByteRange::Suffix(99), 0..10),
            (ByteRange::Suffix(0), 10..10),
        ] {
            let body = get(&store, "d/ten", range.clone()).await.unwrap();
            let found = (&body.bytes[..], body.range.clone(), body.object_size);
            let wanted = (slice(b"0123456789", &expected), expected, 10);
            // An empty range may be reported at either of its ends.
            assert_eq!((found.0, found.2), (wanted.0, wanted.2), "{range}");
            if !wanted.1.is_empty() {
                assert_eq!(found.1, wanted.1, "{range}");
            }
            let empty = get(&store, "d/empty", range.clone()).await.unwrap();
            assert_eq!((empty.bytes.len(), empty.object_size), (0, 0), "{range}");
            for absent in ["d/none", "none/none", "d", "d/ten/below"] {
                // Web servers on local files cannot have objects above or below objects: an error,
                // never bytes.
                match store.get(absent, &range, None).await {
                    Ok(body) => assert_eq!(body, None, "{absent} {range}"),
                    Err(error) => assert!(
                        !absent.contains("none")
                            && matches!(
                                error.kind(),
                                ErrorKind::Obstructed | ErrorKind::PermissionDenied
                            ),
                        "{absent} {range}: {error}"
                    ),
                }
            }
        }
        assert_eq!(store.size("d/ten").await.unwrap(), Some(10));
        assert_eq!(store.size("d/empty").await.unwrap(), Some(0));
        assert_eq!(store.size("d/none").await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn many_ranges_come_back_whole_in_any_order() {
    let object: &'static [u8] = (0..200_000_u32)
        .map(|number| number.to_le_bytes()[(number % 3) as usize])
        .collect::<Vec<_>>()
        .leak();
    let fill = async |store: Store| drop(put(&store, "c/0", object).await);
    on_each_filled(fill, async |store| {
        let ranges = [
            190_000..200_000,
            0..5,
            3..90,
            3..90,
            7..7,
            100_000..100_001,
            60_000..140_000,
        ]
        .to_vec();
        let version = get(&store, "c/0", ByteRange::Suffix(1))
            .await
            .unwrap()
            .version;
        for version in [None, Some(&version)] {
            let mut found = vec![None; ranges.len()];
            let mut bodies = store.get_ranges("c/0", ranges.clone(), version);
            while let Some(body) = bodies.next().await {
                let body = body.unwrap();
                assert!(found[body.index].replace(body.bytes).is_none());
            }
            for (range, found) in ranges.iter().zip(found) {
                assert!(found.unwrap() == slice(object, range), "{range:?}");
            }
        }
        let failed = async |key: &str, range: Range<u64>| {
            let mut bodies = store.get_ranges(key, [range].to_vec(), None);
            let error = bodies.next().await.unwrap().unwrap_err();
            assert!(bodies.next().await.is_none());
            error.kind()
        };
        assert_eq!(failed("c/0", 199_990..200_010).await, ErrorKind::ShortBody);
        assert_eq!(failed("c/1", 0..10).await, ErrorKind::NotFound);
    })
    .await;
}

#[tokio::test]
async fn a_read_at_a_version_is_of_that_version_or_an_error() {
    on_each(async |store| {
        let first = put(&store, "a", b"first").await;
        assert!(first.is_known());
        let whole = |version| store.get("a", &ByteRange::All, version);
        let body = whole(Some(&first)).await.unwrap().unwrap();
        assert_eq!((&body.bytes[..], &body.version), (&b"first"[..], &first));
        let second = put(&store, "a", b"other").await;
        assert_ne!(first, second);
        assert_eq!(
            whole(Some(&first)).await.unwrap_err().kind(),
            ErrorKind::Changed
        );
        let ranges = store.get_ranges("a", vec![0..1, 3..4], Some(&first));
        assert_eq!(first_error(ranges).await, ErrorKind::Changed);
        assert_eq!(
            whole(Some(&second)).await.unwrap().unwrap().bytes,
            b"other"[..]
        );
        store.delete("a").await.unwrap();
        assert_eq!(
            whole(Some(&second)).await.unwrap_err().kind(),
            ErrorKind::Changed
        );
        let ranges = store.get_ranges("a", vec![0..1, 1..2], Some(&second));
        assert_eq!(first_error(ranges).await, ErrorKind::Changed);
    })
    .await;
}

async fn first_error<T>(
    mut stream: impl futures::Stream<Item = zarr_store::Result<T>> + Unpin,
) -> ErrorKind {
    loop {
        if let Err(error) = stream.next().await.unwrap() {
            return error.kind();
        }
    }
}

#[tokio::test]
async fn conditional_puts_hold() {
    on_each(async |store| {
        let conflict = async |bytes: &'static [u8], precondition| {
            let put = store.put("a", vec![Bytes::from_static(bytes)], precondition);
            assert_eq!(put.await.unwrap_err().kind(), ErrorKind::Conflict);
        };
        let put = async |bytes: &'static [u8], precondition| {
            let payload = vec![Bytes::from_static(bytes)];
            store.put("a", payload, precondition).await.unwrap()
        };
        let first = put(b"1", Precondition::IfAbsent).await;
        conflict(b"2", Precondition::IfAbsent).await;
        let second = put(b"3", Precondition::IfVersion(first.clone())).await;
        conflict(b"4", Precondition::IfVersion(first.clone())).await;
        let body = get(&store, "a", ByteRange::All).await.unwrap();
        assert_eq!((&body.bytes[..], &body.version), (&b"3"[..], &second));
        store.delete("a").await.unwrap();
        conflict(b"5", Precondition::IfVersion(second.clone())).await;
        assert_eq!(get(&store, "a", ByteRange::All).await, None);
        put(b"6", Precondition::IfAbsent).await;
        conflict(b"7", Precondition::IfVersion(second)).await;
    })
    .await;
}

/// Each number of the counter is acknowledged to one writer only.
#[tokio::test]
async fn increments_by_compare_and_swap_are_never_lost() {
    const WRITERS: u64 = 6;
    const EACH: u64 = 6;
    on_each(async |store| {
        let tasks = (0..WRITERS).map(|writer| {
            let store = store.clone();
            tokio::spawn(async move {
                for _ in 0..EACH {
                    increment(&store, writer).await;
                }
            })
        });
        for task in tasks.collect::<Vec<_>>() {
            task.await.unwrap();
        }
        let body = get(&store, "counter", ByteRange::All).await.unwrap();
        let text = String::from_utf8(body.bytes.to_vec()).unwrap();
        assert_eq!(
            text.split_whitespace().next().unwrap(),
            (WRITERS * EACH).to_string()
        );
    })
    .await;
}

async fn increment(store: &Store, writer: u64) {
    for attempt in 0.. {
        let (value, condition) = match get(store, "counter", ByteRange::All).await {
            None => (0, Precondition::IfAbsent),
            Some(body) => {
                let text = String::from_utf8(body.bytes.to_vec()).unwrap();
                let value = text.split_whitespace().next().unwrap().parse().unwrap();
                (value, Precondition::IfVersion(body.version))
            }
        };
        let text = format!("{} by {writer} in attempt {attempt}", value + 1_u64);
        match store.put("counter", vec![text.into()], condition).await {
            Ok(_) => return,
            Err(error) => assert_eq!(error.kind(), ErrorKind::Conflict, "{error}"),
        }
    }
}

#[tokio::test]
async fn a_large_object_in_segments_is_written_and_read_whole() {
    let segments = (0..24_u8)
        .map(|number| Bytes::from(vec![number; 500_000]))
        .collect::<Vec<_>>();
    on_each(async |store| {
        store
            .put("large", segments.clone(), Precondition::IfAbsent)
            .await
            .unwrap();
        let body = get(&store, "large", ByteRange::All).await.unwrap();
        assert_eq!(body.object_size, 12_000_000);
        assert!(
            body.bytes
                .chunks(500_000)
                .zip(&segments)
                .all(|(found, segment)| found == segment)
        );
    })
    .await;
}
