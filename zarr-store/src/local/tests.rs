#![expect(
    clippy::unwrap_used,
    clippy::single_range_in_vec_init,
    reason = "tests"
)]

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::symlink;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::lock::KeyLock;
use super::*;
use crate::tests::{pattern, put, read, read_ranges};
use crate::{ByteRange, ErrorKind, Precondition, Store, Version};

const ROOT: &str = "ZARR_STORE_TEST_ROOT";

fn store() -> (tempfile::TempDir, Store) {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::local(directory.path()).unwrap();
    (directory, store)
}

/// Runs one test in a child process of this test binary, with its directory in the environment.
fn child(test: &str, root: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", test, "--nocapture"])
        .env(ROOT, root)
        .stdout(Stdio::null());
    command
}

fn child_root() -> Option<PathBuf> {
    std::env::var_os(ROOT).map(PathBuf::from)
}

fn kinds(store: &Store, key: &str) -> (ErrorKind, ErrorKind) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let get = runtime.block_on(store.get(key, &ByteRange::All, None));
    let write = runtime.block_on(store.put(key, vec!["x".into()], Precondition::None));
    (get.unwrap_err().kind(), write.unwrap_err().kind())
}

#[test]
fn only_regular_files_are_objects() {
    let (directory, store) = store();
    let at = |name: &str| directory.path().join(name);
    fs::create_dir_all(at("dir/below")).unwrap();
    symlink(at("nowhere"), at("dangling")).unwrap();
    symlink(at("loop"), at("loop")).unwrap();
    let made = Command::new("mkfifo").arg(at("pipe")).status().unwrap();
    assert!(made.success());
    let _socket = std::os::unix::net::UnixListener::bind(at("socket")).unwrap();
    symlink("/dev/null", at("device")).unwrap();
    let obstructed = (ErrorKind::Obstructed, ErrorKind::Obstructed);
    symlink(at("dir"), at("linked")).unwrap();
    for key in ["dangling", "pipe", "device"] {
        assert_eq!(kinds(&store, key), obstructed, "{key}");
    }
    for key in ["socket", "loop"] {
        assert_ne!(kinds(&store, key).0, ErrorKind::NotFound, "{key}");
    }
    let listing = store.as_local().unwrap().list_dir("").unwrap();
    assert_eq!(
        (listing.keys, listing.prefixes),
        (vec![], vec!["dir".to_owned(), "linked".to_owned()])
    );
}

#[tokio::test]
async fn a_directory_is_an_absent_object() {
    let (directory, store) = store();
    fs::create_dir_all(directory.path().join("dir/below")).unwrap();
    symlink(
        directory.path().join("dir"),
        directory.path().join("linked"),
    )
    .unwrap();
    let below = store.with_prefix("dir").unwrap();
    for (store, key) in [
        (&store, "dir"),
        (&store, "dir/below"),
        (&store, "linked"),
        (&below, "below"),
    ] {
        for range in [
            ByteRange::All,
            ByteRange::Range(0..9),
            ByteRange::From(3),
            ByteRange::Suffix(4),
        ] {
            assert_eq!(
                store.get(key, &range, None).await.unwrap(),
                None,
                "{key} {range}"
            );
            if let Some(now) = store.get_now(key, &range, 100) {
                assert_eq!(now.unwrap(), None, "{key} {range}");
            }
        }
        assert_eq!(store.size(key).await.unwrap(), None, "{key}");
        assert!(
            store.as_local().unwrap().open(key).unwrap().is_none(),
            "{key}"
        );
        let ranges = crate::tests::read_ranges(store, key, &[0..4], None).await;
        assert_eq!(ranges.unwrap_err().kind(), ErrorKind::NotFound, "{key}");
        let known = put(store, "object", "x").await;
        let error = store
            .get(key, &ByteRange::All, Some(&known))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Changed, "{key}");
        store.delete(key).await.unwrap();
        if key == "linked" {
            continue;
        }
        for condition in [Precondition::None, Precondition::IfAbsent] {
            let error = store
                .put(key, vec!["x".into()], condition)
                .await
                .unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Obstructed, "{key}");
        }
    }
    assert!(directory.path().join("dir/below").is_dir());
}

#[tokio::test]
async fn a_key_below_an_object_is_absent_and_cannot_be_put() {
    let (_directory, store) = store();
    put(&store, "a", "object").await;
    assert_eq!(read(&store, "a/b").await, None);
    assert_eq!(read(&store, "a/b/c").await, None);
    assert_eq!(
        store.list_dir("a").await.unwrap(),
        crate::Listing::default()
    );
    for key in ["a/b", "a/b/c"] {
        let error = store
            .put(key, vec![], Precondition::IfAbsent)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Obstructed, "{error}");
    }
    store.delete("a/b").await.unwrap();
    assert_eq!(read(&store, "a").await.unwrap(), "object");
}

#[tokio::test]
async fn dangling_directories_and_roots_are_errors() {
    let (directory, store) = store();
    symlink(
        directory.path().join("unmounted"),
        directory.path().join("data"),
    )
    .unwrap();
    let error = store
        .get("data/c/0", &ByteRange::All, None)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Obstructed);
    let linked = Store::local(directory.path().join("data")).unwrap();
    let error = linked
        .get("zarr.json", &ByteRange::All, None)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Obstructed);
    File::create(directory.path().join("file")).unwrap();
    let file = Store::local(directory.path().join("file")).unwrap();
    let error = file
        .get("zarr.json", &ByteRange::All, None)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Obstructed);
}

#[tokio::test]
async fn refused_access_is_an_error() {
    let (directory, store) = store();
    put(&store, "a/b", "x").await;
    fs::set_permissions(
        directory.path().join("a"),
        std::os::unix::fs::PermissionsExt::from_mode(0o0),
    )
    .unwrap();
    let result = store.get("a/b", &ByteRange::All, None).await;
    fs::set_permissions(
        directory.path().join("a"),
        std::os::unix::fs::PermissionsExt::from_mode(0o755),
    )
    .unwrap();
    // A superuser is not refused.
    if let Err(error) = result {
        assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    }
}

#[tokio::test]
async fn names_of_lock_files_are_neither_keys_nor_listed() {
    let (directory, store) = store();
    put(&store, "d/k", "x").await;
    File::create(directory.path().join("d/k#0")).unwrap();
    File::create(directory.path().join("d/k#17")).unwrap();
    fs::create_dir(directory.path().join("run#1")).unwrap();
    put(&store, "run#1/zarr.json", "x").await;
    assert_eq!(store.list_dir("d").await.unwrap().keys, ["k"]);
    let error = store.get("d/k#0", &ByteRange::All, None).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidKey);
    assert_eq!(read(&store, "run#1/zarr.json").await.unwrap(), "x");

    // `object_store` hides the same names.
    let files = object_store::local::LocalFileSystem::new_with_prefix(directory.path()).unwrap();
    let theirs = Store::new(Arc::new(files), "theirs");
    assert_eq!(theirs.list_dir("d").await.unwrap().keys, ["k"]);
}

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
async fn linked_directories_are_walked_and_loops_are_errors() {
    use futures::TryStreamExt;

    let (directory, store) = store();
    let other = tempfile::tempdir().unwrap();
    fs::write(other.path().join("x"), "x").unwrap();
    fs::create_dir(directory.path().join("a")).unwrap();
    symlink(other.path(), directory.path().join("a/link")).unwrap();
    let entries: Vec<_> = store.list("").try_collect().await.unwrap();
    assert_eq!(entries[0].key, "a/link/x");
    store.delete_prefix("a").await.unwrap();
    assert!(other.path().join("x").exists());
    fs::create_dir(directory.path().join("b")).unwrap();
    symlink(directory.path(), directory.path().join("b/up")).unwrap();
    assert!(store.list("").try_collect::<Vec<_>>().await.is_err());
}

#[tokio::test]
async fn writers_and_removers_of_one_directory_do_not_disturb_each_other() {
    let (directory, store) = store();
    let tasks: Vec<_> = (0..4)
        .map(|task| {
            let store = store.clone();
            tokio::spawn(async move {
                for turn in 0..100 {
                    let key = format!("a/b/{task}");
                    put(&store, &key, turn.to_string()).await;
                    store.delete(&key).await.unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[test]
fn three_processes_lose_no_update() {
    if let Some(root) = child_root() {
        let store = Store::local(root).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        runtime.block_on(async {
            for _ in 0..100 {
                crate::tests::increment(&store, "d/counter").await;
            }
        });
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let spawn = |_| {
        child(
            "local::tests::three_processes_lose_no_update",
            directory.path(),
        )
        .spawn()
    };
    let children: Vec<Child> = (0..3).map(|index| spawn(index).unwrap()).collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let text = fs::read_to_string(directory.path().join("d/counter")).unwrap();
    assert_eq!(text.trim(), "300");
}

#[test]
fn a_killed_writer_blocks_nobody() {
    if let Some(root) = child_root() {
        let lock = KeyLock::acquire(&root.join("k"), &mut None).unwrap();
        (&lock.file).write_all(b"half of the ne").unwrap();
        fs::write(root.join("locked"), "").unwrap();
        std::thread::sleep(Duration::from_secs(60));
        return;
    }
    let (directory, store) = store();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(put(&store, "k", "old"));
    let mut child = child(
        "local::tests::a_killed_writer_blocks_nobody",
        directory.path(),
    )
    .spawn()
    .unwrap();
    while !directory.path().join("locked").exists() {
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(store.as_local().unwrap().sweep(Duration::ZERO).unwrap(), 0);
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(directory.path().join("k#0").exists());

    runtime.block_on(async {
        assert_eq!(read(&store, "k").await.unwrap(), "old");
        assert_eq!(store.list_dir("").await.unwrap().keys, ["k", "locked"]);
        put(&store, "k", "new").await;
        assert_eq!(read(&store, "k").await.unwrap(), "new");
    });
    assert!(!directory.path().join("k#0").exists());
}

#[test]
fn leftovers_are_swept_by_age() {
    let (directory, store) = store();
    fs::create_dir(directory.path().join("d")).unwrap();
    for name in ["d/k#0", "c#12", "kept#x"] {
        fs::write(directory.path().join(name), "left over").unwrap();
    }
    let local = store.as_local().unwrap();
    assert_eq!(local.sweep(Duration::from_secs(3600)).unwrap(), 0);
    assert_eq!(local.sweep(Duration::ZERO).unwrap(), 2);
    let left: Vec<_> = fs::read_dir(directory.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(left, ["kept#x"]);
}

#[test]
fn a_failed_write_leaves_the_old_object_and_nothing_else() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    if let Some(root) = child_root() {
        let store = Store::local(root).unwrap();
        let error = runtime
            .block_on(store.put("d/k", vec![pattern(1 << 20)], Precondition::None))
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io, "{error}");
        let new = runtime.block_on(store.put("e/k", vec![pattern(1 << 20)], Precondition::None));
        assert!(new.is_err());
        return;
    }
    let (directory, store) = store();
    runtime.block_on(put(&store, "d/k", "old"));
    // Limits files to 64 KiB, with an error instead of a signal.
    let test = child(
        "local::tests::a_failed_write_leaves_the_old_object_and_nothing_else",
        directory.path(),
    );
    let mut limited = Command::new("bash");
    limited
        .args(["-c", "trap '' XFSZ; ulimit -f 64; exec \"$0\" \"$@\""])
        .arg(test.get_program())
        .args(test.get_args())
        .env(ROOT, directory.path())
        .stdout(Stdio::null());
    assert!(limited.status().unwrap().success());
    assert_eq!(runtime.block_on(read(&store, "d/k")).unwrap(), "old");
    let names = |at: &Path| fs::read_dir(at).unwrap().count();
    assert_eq!(
        (names(&directory.path().join("d")), names(directory.path())),
        (1, 1)
    );
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
