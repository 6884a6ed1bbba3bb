//! Which files are objects, and under which keys.

use super::*;

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
