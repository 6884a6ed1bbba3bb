//! Versions of files, and reads of open files.

use super::*;

#[tokio::test]
async fn an_open_file_stays_the_version_that_it_was() {
    let (_directory, store) = store();
    let version = put(&store, "k", "old").await;
    let file = store.as_local().unwrap().open("k").unwrap().unwrap();
    assert_eq!(file.version(), version);
    put(&store, "k", "newer").await;
    assert_eq!(
        (file.read(&ByteRange::All).unwrap(), file.size()),
        ("old".into(), 3)
    );
    file.check_unchanged().unwrap();
    let mut buffer = [0; 2];
    file.read_exact_at(&mut buffer, 1).unwrap();
    assert_eq!(&buffer, b"ld");
    let error = file.read_exact_at(&mut buffer, 2).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ShortBody);
    assert_eq!(store.requests().gets, 2);
}

#[tokio::test]
async fn writing_into_an_object_in_place_is_noticed() {
    let (directory, store) = store();
    put(&store, "k", "0123456789").await;
    let file = store.as_local().unwrap().open("k").unwrap().unwrap();
    let mut other = fs::OpenOptions::new()
        .write(true)
        .open(directory.path().join("k"))
        .unwrap();
    other.write_all(b"x").unwrap();
    other.sync_all().unwrap();
    assert_eq!(
        file.check_unchanged().unwrap_err().kind(),
        ErrorKind::Changed
    );
    other.set_len(3).unwrap();
    assert_eq!(
        file.read(&ByteRange::All).unwrap_err().kind(),
        ErrorKind::ShortBody
    );
}

#[tokio::test]
async fn puts_in_one_tick_of_the_clock_are_different_versions() {
    let (directory, store) = store();
    let mut versions = std::collections::HashSet::new();
    for _ in 0..200 {
        versions.insert(put(&store, "k", "same size").await);
    }
    assert_eq!(versions.len(), 200);
    // Also after an object whose clock was ahead.
    let file = File::options()
        .write(true)
        .open(directory.path().join("k"))
        .unwrap();
    file.set_modified(std::time::SystemTime::now() + Duration::from_secs(1000))
        .unwrap();
    let ahead = store
        .as_local()
        .unwrap()
        .open("k")
        .unwrap()
        .unwrap()
        .version();
    let next = put(&store, "k", "same size").await;
    let modified = |version: &Version| version.as_file().unwrap().modified;
    assert!(modified(&next) > modified(&ahead));
}

#[tokio::test]
async fn a_huge_file_is_read_up_to_a_limit() {
    let (directory, store) = store();
    let file = File::create(directory.path().join("k")).unwrap();
    file.set_len(1 << 40).unwrap();
    let first = ByteRange::Range(0..1000);
    let body = store.get("k", &first, None).await.unwrap().unwrap();
    assert_eq!((body.bytes.len(), body.object_size), (1000, 1 << 40));
}

/// Returns the number at the start of an object.
async fn generation(store: &Store, key: &str) -> Option<(u64, Version)> {
    let first = ByteRange::Range(0..8);
    let body = store.get(key, &first, None).await.unwrap()?;
    let number = u64::from_le_bytes(body.bytes[..].try_into().unwrap());
    Some((number, body.version))
}

/// Puts large objects forever: a new generation if the object is missing, otherwise its current
/// generation again, on condition of its version.
async fn keep_putting(store: Store, key: &str) {
    let mut last = 0;
    loop {
        let (number, precondition) = match generation(&store, key).await {
            None => (last + 1, Precondition::IfAbsent),
            Some((number, version)) => (number, Precondition::IfVersion(version)),
        };
        last = last.max(number);
        let payload = vec![number.to_le_bytes().to_vec().into(), pattern(4 << 20)];
        match store.put(key, payload, precondition).await {
            Err(error) if error.kind() != ErrorKind::Conflict => panic!("{error}"),
            _ => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn what_a_prefix_delete_removed_does_not_come_back_by_a_conditional_put() {
    for (key, prefix) in [("d/k", "d"), ("k", "")] {
        let (_directory, store) = store();
        let writing = tokio::spawn(keep_putting(store.clone(), key));
        let next = async || {
            loop {
                match generation(&store, key).await {
                    Some((number, _)) => return number,
                    None => tokio::time::sleep(Duration::from_micros(100)).await,
                }
            }
        };
        for turn in 0..100 {
            let before = next().await;
            tokio::time::sleep(Duration::from_micros(turn * 30)).await;
            store.delete_prefix(prefix).await.unwrap();
            let after = next().await;
            assert!(after > before, "{key}: {before} came back as {after}");
        }
        writing.abort();
    }
}

#[tokio::test]
async fn many_segments_are_written_in_order() {
    let (_directory, store) = store();
    let bytes = pattern(5000);
    let segments = bytes.chunks(2).map(bytes::Bytes::copy_from_slice).collect();
    store.put("k", segments, Precondition::None).await.unwrap();
    assert_eq!(read(&store, "k").await.unwrap(), bytes);
    let synced = store.clone().with_durability(Durability::Synced);
    put(&synced, "new/directory/k", "x").await;
    put(&synced, "new/directory/k", "y").await;
    synced.delete("new/directory/k").await.unwrap();
    assert!(store.list_dir("").await.unwrap().prefixes.is_empty());
}

#[tokio::test]
async fn reads_of_ranges_hold_one_file_open_through_all_hops() {
    use futures::StreamExt;

    let (_directory, store) = store();
    let bytes = pattern(40 << 20);
    put(&store, "k", bytes.clone()).await;
    let ranges: Vec<_> = (0..40).map(|part| part << 20..(part + 1) << 20).collect();
    let mut stream = store.get_ranges("k", ranges.clone(), None);
    let first = stream.next().await.unwrap().unwrap();
    put(&store, "k", "replaced").await;
    let mut seen = 1;
    assert_eq!(first.bytes, bytes.slice(0..1 << 20));
    while let Some(body) = stream.next().await {
        let body = body.unwrap();
        let start = body.index << 20;
        assert_eq!(body.bytes, bytes.slice(start..start + (1 << 20)));
        seen += 1;
    }
    assert_eq!(seen, 40);
    assert_eq!(
        read_ranges(&store, "k", &[0..8], None).await.unwrap(),
        ["replaced"]
    );
}
