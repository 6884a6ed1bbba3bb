//! Changes of a local file between its chunks.

use super::*;

/// Applies one change to a local file after any number of decoded chunks.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_changes_after_any_chunk_is_one_version() {
    let mut count = Count::default();
    let old = SystemTime::now() - Duration::from_secs(60);
    for seed in 0..2 {
        for (kind, fill) in KINDS.into_iter().flat_map(|kind| [(kind, 0), (kind, -7)]) {
            let mut rng = random::rng(seed);
            let document = metadata(kind, fill, Extension::new("hooked"));
            let versions = versions(&mut rng, &document, fill, 3).await;
            for (how, warm) in [How::Renamed, How::Overwritten, How::Put]
                .into_iter()
                .flat_map(|how| [(how, false), (how, true)])
            {
                let folder = tempfile::tempdir().unwrap();
                let root = folder.path().to_path_buf();
                let open = || {
                    let store = Store::local(&root).unwrap();
                    hierarchy_on(store, CacheOptions::default())
                };
                open().create_array("a", document.clone()).await.unwrap();
                for (object, version) in [(0, 1), (1, 1), (0, 2), (1, 2)] {
                    for call in 0..16 {
                        let array = open().array("a").await.unwrap();
                        for (object, versions) in versions.iter().enumerate() {
                            place(&root, How::Renamed, object, &versions[0]);
                            // Sets an old modification time: file system clocks are too coarse to
                            // separate writes in quick succession.
                            if let Ok(file) = std::fs::File::options()
                                .write(true)
                                .open(root.join(KEYS[object]))
                            {
                                file.set_modified(old).unwrap();
                            }
                        }
                        if warm {
                            array.read::<i32>(..).await.unwrap();
                        }
                        let next = versions[object][version].clone();
                        let (mut seen, at) = (0, root.clone());
                        let fired = Arc::new(Mutex::new(false));
                        let says = Arc::clone(&fired);
                        *HOOK.lock().unwrap() = Some(Box::new(move || {
                            if seen == call {
                                place(&at, how, object, &next);
                                *says.lock().unwrap() = true;
                            }
                            seen += 1;
                        }));
                        let result = read_file(
                            &array,
                            &versions[object][0],
                            &versions[object][version],
                            object,
                        )
                        .await;
                        *HOOK.lock().unwrap() = None;
                        let name = || {
                            format!(
                                "seed {seed} {kind:?} fill {fill} {how:?} object {object} version {version} after chunk {call}"
                            )
                        };
                        count.add(name, result);
                        if !*fired.lock().unwrap() {
                            break;
                        }
                    }
                }
            }
        }
    }
    count.finish();
}

/// Reads only the object that changes: a file opened later could be half written.
async fn read_file(
    array: &Array,
    old: &Version,
    new: &Version,
    object: usize,
) -> Result<Outcome, String> {
    let columns = (object * LEN).cast_signed()..((object + 1) * LEN).cast_signed();
    match array.read::<i32>(ndarray::s![.., columns]).await {
        Ok(found) if found == old.elements || found == new.elements => Ok(Outcome {
            requests: [0; 2],
            gave_up: false,
        }),
        Ok(found) => Err(format!("a mixture of versions: {found}")),
        Err(error) => Err(format!("one change, and no version: {error}")),
    }
}
