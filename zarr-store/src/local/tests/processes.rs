//! Writers in several threads and processes.

use super::*;

const ROOT: &str = "ZARR_STORE_TEST_ROOT";

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
            "local::tests::processes::three_processes_lose_no_update",
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
        "local::tests::processes::a_killed_writer_blocks_nobody",
        directory.path(),
    )
    .spawn()
    .unwrap();
    while !directory.path().join("locked").exists() {
        std::thread::sleep(Duration::from_millis(5));
    }
    let swept = store.as_local().unwrap().sweep(Duration::ZERO).unwrap();
    assert_eq!(swept, [""; 0]);
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
    assert_eq!(local.sweep(Duration::from_secs(3600)).unwrap(), [""; 0]);
    let mut swept = local.sweep(Duration::ZERO).unwrap();
    swept.sort();
    assert_eq!(swept, ["c#12", "d/k#0"]);
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
        "local::tests::processes::a_failed_write_leaves_the_old_object_and_nothing_else",
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
