//! Requirements on every store, written once and run on each: memory, local files, S3 in process,
//! and real servers (see `zarr_tests::servers`; nginx and fake-gcs-server are only read from).
//!
//! Promises P1 (atomic writes), P2 (absence is no error and never a guess), P3 (one version per
//! read), P8 (conditional writes), P19 (names are kept).

#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::HashSet;
use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use ndarray::{Array2, arr0, s};
use rand::Rng;
use zarr::{ArrayBuilder, Hierarchy, NodeKind, Store, codecs, registry};
use zarr_store::{Body, ByteRange, Entry, ErrorKind, Precondition, Version};
use zarr_tests::http::{percent_encode, send};
use zarr_tests::origin::Origin;
use zarr_tests::random;
use zarr_tests::servers::{WRITABLE, server};

/// Runs a test on an empty store of every writable kind.
async fn on_each(test: impl AsyncFn(Store)) {
    let folder = tempfile::tempdir().unwrap();
    let origin = Origin::start().await;
    let here = [
        Store::memory(),
        Store::local(folder.path()).unwrap(),
        Origin::s3(&origin.address, &[]),
    ];
    let servers = WRITABLE.iter().filter_map(|name| server(name));
    for store in here
        .into_iter()
        .chain(servers.map(|server| server.fresh().store()))
    {
        eprintln!("on {}", store.location());
        test(store).await;
    }
}

/// Runs a test on a store of every kind, after filling it in a way that its kind supports.
async fn on_each_filled(fill: impl AsyncFn(Store), test: impl AsyncFn(Store)) {
    on_each(async |store| {
        fill(store.clone()).await;
        test(store).await;
    })
    .await;
    let origin = Origin::start().await;
    fill(Origin::s3(&origin.address, &[])).await;
    test(Origin::http(&origin.address, &[])).await;
    if let Some(nginx) = server("nginx").map(zarr_tests::servers::Server::fresh) {
        let prefix = nginx.url.rsplit('/').next().unwrap();
        let root = Path::new(nginx.root.as_ref().unwrap()).join(prefix);
        fill(Store::local(root).unwrap()).await;
        test(nginx.store()).await;
    }
    if let Some(gcs) = server("fake-gcs").map(zarr_tests::servers::Server::fresh) {
        let memory = Store::memory();
        fill(memory.clone()).await;
        let prefix = gcs.url.rsplit('/').next().unwrap();
        for entry in entries(&memory, "").await {
            let body = get(&memory, &entry.key, ByteRange::All).await.unwrap();
            let name = percent_encode(&format!("{prefix}/{}", entry.key));
            let target = format!("/upload/storage/v1/b/zarr/o?uploadType=media&name={name}");
            let (status, _) = send(&gcs.address, "POST", &target, &body.bytes)
                .await
                .unwrap();
            assert_eq!(status, 200);
        }
        test(gcs.store()).await;
    }
}

async fn put(store: &Store, key: &str, bytes: &'static [u8]) -> Version {
    let payload = vec![Bytes::from_static(bytes)];
    store.put(key, payload, Precondition::None).await.unwrap()
}

async fn get(store: &Store, key: &str, range: ByteRange) -> Option<Body> {
    store.get(key, &range, None).await.unwrap()
}

async fn entries(store: &Store, prefix: &str) -> Vec<Entry> {
    let mut listing = store.list(prefix);
    let mut entries = Vec::new();
    while let Some(entry) = listing.next().await {
        entries.push(entry.unwrap());
    }
    entries.sort();
    entries
}

async fn keys(store: &Store, prefix: &str) -> Vec<String> {
    let entries = entries(store, prefix).await;
    entries.into_iter().map(|entry| entry.key).collect()
}

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

fn slice<'a>(object: &'a [u8], range: &Range<u64>) -> &'a [u8] {
    let [start, end] = [range.start, range.end].map(|at| usize::try_from(at).unwrap());
    &object[start..end]
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
async fn listings_end_at_segments_and_have_every_page() {
    on_each(async |store| {
        for key in ["foo/a", "foo/b/c", "foo/b/d/e", "foo-bar/x", "foo.x", "z"] {
            put(&store, key, b"12").await;
        }
        for number in 0..47 {
            put(&store, &format!("many/c/{number:02}"), b"x").await;
        }
        assert_eq!(keys(&store, "foo").await, ["foo/a", "foo/b/c", "foo/b/d/e"]);
        assert_eq!(keys(&store, "foo/b").await, ["foo/b/c", "foo/b/d/e"]);
        assert_eq!(keys(&store, "fo").await, [""; 0]);
        assert_eq!(keys(&store, "none").await, [""; 0]);
        assert_eq!(keys(&store, "many").await.len(), 47);
        assert_eq!(keys(&store, "").await.len(), 6 + 47);
        assert!(
            entries(&store, "foo")
                .await
                .iter()
                .all(|entry| entry.size == 2)
        );

        let directory = store.list_dir("foo").await.unwrap();
        assert_eq!(
            (directory.keys, directory.prefixes),
            (vec!["a".to_owned()], vec!["b".to_owned()])
        );
        let directory = store.list_dir("").await.unwrap();
        assert_eq!(directory.keys, ["foo.x", "z"]);
        assert_eq!(directory.prefixes, ["foo", "foo-bar", "many"]);
        assert_eq!(store.list_dir("many/c").await.unwrap().keys.len(), 47);
        assert_eq!(
            store.list_dir("none").await.unwrap(),
            zarr_store::Listing::default()
        );

        let part = store.with_prefix("foo/b").unwrap();
        assert_eq!(keys(&part, "").await, ["c", "d/e"]);
        assert_eq!(
            get(&part, "d/e", ByteRange::All).await.unwrap().bytes,
            b"12"[..]
        );
    })
    .await;
}

/// Servers list a few thousand objects per page.
#[tokio::test]
async fn more_objects_than_a_page_are_listed_and_deleted() {
    const OBJECTS: usize = 1100;
    on_each(async |store| {
        let puts = (0..OBJECTS).map(|number| {
            let store = &store;
            async move { put(store, &format!("p/{}/{number}", number % 3), b"x").await }
        });
        let puts = futures::stream::iter(puts).buffer_unordered(32);
        puts.for_each(async |_| ()).await;
        put(&store, "q", b"x").await;
        let found = keys(&store, "p").await;
        assert_eq!(found.iter().collect::<HashSet<_>>().len(), OBJECTS);
        assert_eq!(found.len(), OBJECTS);
        assert_eq!(store.list_dir("p").await.unwrap().prefixes, ["0", "1", "2"]);
        store.delete_prefix("p").await.unwrap();
        assert_eq!(keys(&store, "").await, ["q"]);
    })
    .await;
}

#[tokio::test]
async fn deletions_take_what_they_name_only() {
    on_each(async |store| {
        for key in ["foo/a", "foo/b/c", "foo-bar/x", "foo.x", "z"] {
            put(&store, key, b"12").await;
        }
        store.delete("none").await.unwrap();
        store.delete("none/none").await.unwrap();
        store.delete("foo").await.unwrap();
        assert_eq!(keys(&store, "").await.len(), 5);
        store.delete("z").await.unwrap();
        store.delete("z").await.unwrap();
        store.delete_prefix("fo").await.unwrap();
        assert_eq!(
            keys(&store, "").await,
            ["foo-bar/x", "foo.x", "foo/a", "foo/b/c"]
        );
        store.delete_prefix("foo").await.unwrap();
        store.delete_prefix("foo").await.unwrap();
        assert_eq!(keys(&store, "").await, ["foo-bar/x", "foo.x"]);
        let reader = store.clone().read_only();
        assert_eq!(
            reader.delete("foo.x").await.unwrap_err().kind(),
            ErrorKind::ReadOnly
        );
        assert_eq!(
            reader.delete_prefix("").await.unwrap_err().kind(),
            ErrorKind::ReadOnly
        );
        store.delete_prefix("").await.unwrap();
        assert_eq!(keys(&store, "").await, [""; 0]);
    })
    .await;
}

/// Names that clients escape, servers unescape, and libraries rewrite.
const NAMES: [&str; 22] = [
    "a~b[0]",
    "100%",
    "%7E",
    "%2F",
    "a#b",
    "c d",
    "a+b",
    "a&b=c",
    "?x=1",
    "it's",
    "\"q\"",
    "é",
    "e\u{301}",
    "😀",
    "a:b",
    "a*b",
    "a|b",
    "{x}",
    "<y>",
    ".hidden",
    "...",
    "a;b,c@d!$(e)^`",
];

#[tokio::test]
async fn odd_names_are_kept_as_they_are() {
    let fill = async |store: Store| {
        for (number, name) in NAMES.iter().enumerate() {
            for key in [format!("odd/{name}"), format!("odd.d/{name}/c/{name}")] {
                let text = format!("{number} {key}");
                store
                    .put(&key, vec![text.into()], Precondition::None)
                    .await
                    .unwrap();
            }
        }
    };
    on_each_filled(fill, async |store| {
        for (number, name) in NAMES.iter().enumerate() {
            for key in [format!("odd/{name}"), format!("odd.d/{name}/c/{name}")] {
                let body = get(&store, &key, ByteRange::All).await;
                let body = body.unwrap_or_else(|| panic!("{key} is absent"));
                assert_eq!(body.bytes, format!("{number} {key}").as_bytes(), "{key}");
            }
        }
        // The names above after erroneous unescaping or truncation.
        for other in ["odd/~", "odd//", "odd/a", "odd/a b", "odd/100", "odd/a%23b"] {
            if let Ok(found) = store.get(other, &ByteRange::All, None).await {
                assert_eq!(found, None, "{other}");
            }
        }
    })
    .await;
    on_each(async |store| {
        fill(store.clone()).await;
        let mut names = NAMES.map(str::to_owned);
        names.sort();
        assert_eq!(store.list_dir("odd").await.unwrap().keys, names);
        assert_eq!(store.list_dir("odd.d").await.unwrap().prefixes, names);
        let expected = names.clone().map(|name| format!("odd/{name}"));
        assert_eq!(keys(&store, "odd").await, expected);
        for name in NAMES {
            store.delete(&format!("odd/{name}")).await.unwrap();
            let prefix = format!("odd.d/{name}");
            let found = keys(&store, &prefix).await;
            assert_eq!(found, [format!("{prefix}/c/{name}")]);
            store.delete_prefix(&prefix).await.unwrap();
        }
        assert_eq!(keys(&store, "").await, [""; 0]);
    })
    .await;
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

fn elements() -> Array2<i32> {
    Array2::from_shape_fn((40, 40), |(y, x)| {
        i32::try_from(y * 100 + x).unwrap() - 1500
    })
}

async fn write_arrays(store: Store) {
    let hierarchy = Hierarchy::new(store, registry());
    let metadata = ArrayBuilder::new(&[40, 40], "int32")
        .with_chunk_shape(&[8, 8])
        .with_shard_shape(&[16, 16])
        .with_codecs([codecs::bytes(true), codecs::zstd(3), codecs::crc32c()]);
    let array = hierarchy
        .create_array("g/sharded ~[0]", metadata.build().unwrap())
        .await
        .unwrap();
    array.write(.., elements()).await.unwrap();
    array.write(s![5..20, 30..], arr0(7)).await.unwrap();
    let metadata = ArrayBuilder::new(&[40, 40], "int32").with_chunk_shape(&[16, 40]);
    let array = hierarchy
        .create_array("g/h/plain", metadata.build().unwrap())
        .await
        .unwrap();
    array.write(s![..20, ..], arr0(3)).await.unwrap();
    let mut group = hierarchy.group("g").await.unwrap();
    group.consolidate().await.unwrap();
}

#[tokio::test]
async fn arrays_round_trip() {
    on_each_filled(write_arrays, async |store| {
        let group = Hierarchy::new(store.clone(), registry())
            .group("g")
            .await
            .unwrap();
        let mut expected = elements();
        expected.slice_mut(s![5..20, 30..]).fill(7);
        for group in [group.clone(), group.without_consolidated().unwrap()] {
            let array = group.array("sharded ~[0]").await.unwrap();
            assert_eq!(
                array.read::<i32>(..).await.unwrap(),
                expected.clone().into_dyn()
            );
            for part in [s![3..4, ..], s![.., 39..], s![14..18, 15..33]] {
                let found = array.read::<i32>(part).await.unwrap();
                assert_eq!(found, expected.slice(part).into_dyn());
            }
            let plain = group.array("h/plain").await.unwrap();
            assert_eq!(plain.read::<i32>(..).await.unwrap().sum(), 20 * 40 * 3);
        }
    })
    .await;
}

/// Promise P3: a read of a shard returns one version, or reports that the object kept changing.
#[tokio::test(flavor = "multi_thread")]
async fn parts_of_a_shard_that_is_being_replaced_are_of_one_version() {
    on_each(async |store| {
        let hierarchy = Hierarchy::new(store, registry());
        let metadata = ArrayBuilder::new(&[32, 32], "uint32")
            .with_chunk_shape(&[4, 8])
            .with_shard_shape(&[32, 32])
            .with_codecs([codecs::bytes(true), codecs::zstd(3)]);
        let metadata = metadata.build().unwrap();
        let array = hierarchy.create_array("a", metadata).await.unwrap();
        // The upper half of each element is the version; the lower half varies the compressed size.
        let version = |number: u32| {
            let mut rng = random::rng(u64::from(number));
            Array2::from_shape_fn((32, 32), |_| {
                (number << 16) + rng.random_range(0..1 << (number % 16))
            })
        };
        array.write(.., version(0)).await.unwrap();
        let writing = array.clone();
        let writer = tokio::spawn(async move {
            for number in 1..60 {
                writing.write(.., version(number)).await.unwrap();
                tokio::time::sleep(Duration::from_millis(3)).await;
            }
        });
        let (mut seen, mut last) = (HashSet::new(), 0);
        while !writer.is_finished() {
            match array.read::<u32>(s![2..14, 1..28]).await {
                Ok(found) => {
                    let number = found[[0, 0]] >> 16;
                    assert!(found.iter().all(|element| element >> 16 == number));
                    assert!(number >= last, "from {last} back to {number}");
                    last = number;
                    seen.insert(number);
                }
                Err(error) => assert!(
                    matches!(error.root(), zarr::Error::ChangedDuringRead { .. }),
                    "{error}"
                ),
            }
        }
        writer.await.unwrap();
        assert!(seen.len() > 2, "{seen:?}");
    })
    .await;
}

#[tokio::test]
async fn nodes_are_found_resized_and_deleted() {
    on_each(async |store| {
        write_arrays(store.clone()).await;
        let hierarchy = Hierarchy::new(store.clone(), registry());
        let walked = hierarchy
            .group("")
            .await
            .unwrap()
            .walk()
            .await
            .unwrap()
            .into_iter()
            .map(|(path, kind)| (path.to_string(), kind))
            .collect::<Vec<_>>();
        let expected = [
            ("/g", NodeKind::Group),
            ("/g/h", NodeKind::Group),
            ("/g/h/plain", NodeKind::Array),
            ("/g/sharded ~[0]", NodeKind::Array),
        ];
        assert_eq!(walked, expected.map(|(path, kind)| (path.to_owned(), kind)));

        let mut array = hierarchy.array("g/sharded ~[0]").await.unwrap();
        array.resize(&[20, 20]).await.unwrap();
        array.resize(&[40, 40]).await.unwrap();
        let again = Hierarchy::new(store.clone(), registry());
        let found = again
            .array("g/sharded ~[0]")
            .await
            .unwrap()
            .read::<i32>(..)
            .await
            .unwrap();
        let mut expected = Array2::<i32>::zeros((40, 40));
        expected
            .slice_mut(s![..20, ..20])
            .assign(&elements().slice(s![..20, ..20]));
        assert_eq!(found, expected.into_dyn());

        let exists = hierarchy.create_group("g/h", zarr::Attributes::default());
        assert!(matches!(
            exists.await.unwrap_err(),
            zarr::Error::AlreadyExists { .. }
        ));
        hierarchy.delete("g").await.unwrap();
        assert_eq!(keys(&store, "").await, ["zarr.json"]);
    })
    .await;
}
