//! Patches: local files and memory, and uploads of copied ranges with all their failures.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use bytes::Bytes;
use object_store::memory::InMemory;
use object_store::multipart::PartId;
use object_store::path::Path;
use object_store::{
    Error as E, GetOptions, GetRange, ObjectStore, ObjectStoreExt, PutMode, PutPayload, PutResult,
    UpdateVersion,
};

use crate::object::patch::{Patches, UnderWay, Uploads};
use crate::object::{ObjectBackend, Quirks};
use crate::{ByteRange, CostModel, ErrorKind, Precondition, Store, Version};

const KEEP: usize = 5 << 20;

fn old() -> Bytes {
    let bytes = (0..KEEP + 1000).map(|at| (at % 251) as u8);
    bytes.collect::<Vec<_>>().into()
}

fn new() -> Vec<u8> {
    [&old()[..KEEP], b"the new tail"].concat()
}

async fn put(store: &Store) -> Version {
    let put = store.put("a/k", vec![old()], Precondition::None);
    put.await.unwrap()
}

async fn patch(store: &Store, version: &Version) -> crate::Result<Version> {
    let tail = vec![Bytes::from_static(b"the new "), Bytes::from_static(b"tail")];
    store.patch("a/k", version, KEEP as u64, tail).await
}

async fn content(store: &Store) -> (Vec<u8>, Version) {
    let body = store.get("a/k", &ByteRange::All, None).await.unwrap();
    let body = body.unwrap();
    (body.bytes.into(), body.version)
}

#[tokio::test]
async fn memory_and_local_files_are_patched() {
    let folder = tempfile::tempdir().unwrap();
    for store in [Store::memory(), Store::local(folder.path()).unwrap()] {
        let version = put(&store).await;
        let patched = patch(&store, &version).await.unwrap();
        assert_eq!(content(&store).await, (new(), patched.clone()));
        let again = patch(&store, &version).await.unwrap_err();
        assert_eq!(again.kind(), ErrorKind::Conflict);
        assert_eq!(content(&store).await, (new(), patched.clone()));
        // Only a prefix stays, then only the tail, and no more than exists.
        let first = store.patch("a/k", &patched, 3, Vec::new()).await.unwrap();
        assert_eq!(content(&store).await.0, old()[..3]);
        let too_long = store.patch("a/k", &first, 4, Vec::new()).await;
        assert_eq!(too_long.unwrap_err().kind(), ErrorKind::Conflict);
        let tail = vec![Bytes::from_static(b"x")];
        let all_new = store.patch("a/k", &first, 0, tail).await.unwrap();
        assert_eq!(content(&store).await, (b"x".to_vec(), all_new.clone()));
        store.delete("a/k").await.unwrap();
        let gone = patch(&store, &all_new).await.unwrap_err();
        assert_eq!(gone.kind(), ErrorKind::Conflict);
        assert_eq!(store.size("a/k").await.unwrap(), None);
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

/// The defect of a server, or of one of its responses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wrong {
    Nothing,
    CopyIgnoresConditions,
    CopyIgnoresRanges,
    CompletionIgnoresConditions,
    /// A step whose name starts like this fails each time.
    Fails(&'static str),
    /// A step whose name starts like this is refused for lack of permission.
    Denies(&'static str),
    /// The completion is carried out, and then the connection breaks; a retry reports that the
    /// upload does not exist.
    LosesAcknowledgement,
    /// The completion is not carried out, and the connection breaks, twice.
    LosesCompletion,
    /// Another writer puts the object before this step.
    Changes(&'static str),
    /// This step never ends.
    Hangs(&'static str),
}

type Parts = HashMap<usize, Bytes>;

/// A server that keeps uploads in memory.
struct Server {
    store: Arc<InMemory>,
    uploads: Mutex<HashMap<String, Parts>>,
    steps: Mutex<Vec<String>>,
    wrong: Mutex<Wrong>,
}

fn generic(text: &'static str) -> E {
    E::Generic {
        store: "fake",
        source: text.into(),
    }
}

fn broken() -> E {
    use object_store::client::{HttpError, HttpErrorKind};

    let source = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
    E::Generic {
        store: "fake",
        source: Box::new(HttpError::new(HttpErrorKind::Interrupted, source)),
    }
}

impl Server {
    fn new(wrong: Wrong) -> Arc<Self> {
        Arc::new(Self {
            store: Arc::new(InMemory::new()),
            uploads: Mutex::default(),
            steps: Mutex::default(),
            wrong: Mutex::new(wrong),
        })
    }

    /// Opens a store on the server, with or without a probe.
    fn store(self: &Arc<Self>, probe: bool) -> Store {
        let place = format!("fake {:p} {:x}", Arc::as_ptr(self), fastrand::u64(..));
        let patches = Patches::new(self.clone(), &place, probe);
        let quirks = Quirks {
            single_writer: probe,
            ..Quirks::default()
        };
        let backend = ObjectBackend::new(self.store.clone(), quirks);
        Store::from_object(backend.patching(Some(patches)), "fake", CostModel::object())
    }

    fn wrong(&self) -> Wrong {
        *self.wrong.lock().unwrap()
    }

    /// Logs a step and applies its defect.
    async fn step(&self, step: &str, path: &Path) -> object_store::Result<()> {
        let probe = path.as_ref().contains("probe");
        self.steps.lock().unwrap().push(format!("{step} {path}"));
        match self.wrong() {
            Wrong::Fails(which) if step == which => Err(generic("status code: 500")),
            Wrong::Denies(which) if step == which => Err(E::PermissionDenied {
                path: path.to_string(),
                source: "status code: 403".into(),
            }),
            Wrong::Changes(which) if step == which && !probe => {
                *self.wrong.lock().unwrap() = Wrong::Nothing;
                self.store.put(path, "of another".into()).await.map(drop)
            }
            Wrong::Hangs(which) if step == which && !probe => std::future::pending().await,
            _ => Ok(()),
        }
    }

    fn steps(&self) -> Vec<String> {
        std::mem::take(&mut *self.steps.lock().unwrap())
    }

    fn uploads_left(&self) -> usize {
        self.uploads.lock().unwrap().len()
    }
}

#[async_trait]
impl Uploads for Server {
    async fn start(&self, path: &Path) -> object_store::Result<String> {
        self.step("start", path).await?;
        let name = format!("{:x}", fastrand::u64(..));
        self.uploads
            .lock()
            .unwrap()
            .insert(name.clone(), Parts::new());
        Ok(name)
    }

    async fn copy(
        &self,
        path: &Path,
        (upload, number): (&String, usize),
        range: Range<u64>,
        tag: &str,
    ) -> object_store::Result<PartId> {
        self.step("copy", path).await?;
        let options = GetOptions {
            if_match: (self.wrong() != Wrong::CopyIgnoresConditions).then(|| tag.to_owned()),
            range: (self.wrong() != Wrong::CopyIgnoresRanges).then_some(GetRange::Bounded(range)),
            ..GetOptions::default()
        };
        let bytes = self.store.get_opts(path, options).await?.bytes().await?;
        self.put_part(upload, number, bytes)
    }

    async fn put(
        &self,
        path: &Path,
        (upload, number): (&String, usize),
        payload: PutPayload,
    ) -> object_store::Result<PartId> {
        self.step("put", path).await?;
        self.put_part(upload, number, payload.into())
    }

    async fn complete(
        &self,
        path: &Path,
        upload: &str,
        parts: &[PartId],
        tag: &str,
    ) -> object_store::Result<PutResult> {
        self.step("complete", path).await?;
        let probe = path.as_ref().contains("probe");
        if self.wrong() == Wrong::LosesCompletion && !probe {
            if self
                .steps
                .lock()
                .unwrap()
                .iter()
                .filter(|step| step.starts_with("complete a/k"))
                .count()
                > 2
            {
                *self.wrong.lock().unwrap() = Wrong::Nothing;
            }
            return Err(broken());
        }
        let no_upload = || E::NotFound {
            path: path.to_string(),
            source: "NoSuchUpload".into(),
        };
        let found = self.uploads.lock().unwrap().get(upload).cloned();
        let found = found.ok_or_else(no_upload)?;
        let pieces = (0..parts.len()).map(|number| found[&number].clone());
        let mode = match self.wrong() {
            Wrong::CompletionIgnoresConditions => PutMode::Overwrite,
            _ => PutMode::Update(UpdateVersion {
                e_tag: Some(tag.to_owned()),
                version: None,
            }),
        };
        let payload = pieces.collect::<PutPayload>();
        let result = self.store.put_opts(path, payload, mode.into()).await?;
        self.uploads.lock().unwrap().remove(upload);
        match self.wrong() {
            Wrong::LosesAcknowledgement if !probe => Err(broken()),
            _ => Ok(result),
        }
    }

    async fn under_way(&self, _: &str) -> object_store::Result<Vec<UnderWay>> {
        let uploads = self.uploads.lock().unwrap();
        let found = uploads.keys().map(|upload| UnderWay {
            path: Path::from("a/k"),
            upload: upload.clone(),
            since: SystemTime::now() - Duration::from_secs(30),
        });
        Ok(found.collect())
    }

    async fn abort(&self, path: &Path, upload: &str) -> object_store::Result<()> {
        self.steps.lock().unwrap().push(format!("abort {path}"));
        self.uploads.lock().unwrap().remove(upload);
        Ok(())
    }
}

impl Server {
    fn put_part(&self, upload: &str, number: usize, bytes: Bytes) -> object_store::Result<PartId> {
        let mut uploads = self.uploads.lock().unwrap();
        let parts = uploads
            .get_mut(upload)
            .ok_or_else(|| generic("NoSuchUpload"))?;
        parts.insert(number, bytes);
        Ok(PartId {
            content_id: number.to_string(),
        })
    }
}

#[tokio::test]
async fn a_patch_is_four_requests_and_asks_a_server_once() {
    let server = Server::new(Wrong::Nothing);
    let store = server.store(true);
    let version = put(&store).await;
    assert!(store.patches(8 << 20));
    let patched = patch(&store, &version).await.unwrap();
    assert_eq!(content(&store).await, (new(), patched.clone()));
    assert!(server.steps().iter().any(|step| step.contains("probe")));
    let before = store.requests();
    let again = patch(&store, &patched).await.unwrap();
    let after = store.requests();
    assert_eq!(content(&store).await, (new(), again));
    let steps = ["start a/k", "copy a/k", "put a/k", "complete a/k"];
    assert_eq!(server.steps(), steps);
    assert_eq!(after.puts - before.puts, 4);
    assert_eq!(after.bytes_written - before.bytes_written, 12);
    assert_eq!(after.bytes_copied - before.bytes_copied, KEEP as u64);
    assert_eq!(after.bytes_read, before.bytes_read);
    assert_eq!(server.uploads_left(), 0);
    let objects = server.store.list(None);
    assert_eq!(
        futures::StreamExt::count(objects).await,
        1,
        "a probe is left"
    );
}

#[tokio::test]
async fn servers_that_ignore_conditions_get_whole_objects() {
    for wrong in [
        Wrong::CopyIgnoresConditions,
        Wrong::CopyIgnoresRanges,
        Wrong::CompletionIgnoresConditions,
        Wrong::Fails("copy"),
        Wrong::Fails("start"),
        Wrong::Fails("complete"),
    ] {
        let server = Server::new(wrong);
        let store = server.store(true);
        let version = put(&store).await;
        let patched = patch(&store, &version).await.unwrap();
        assert_eq!(content(&store).await, (new(), patched.clone()), "{wrong:?}");
        assert!(!store.patches(1 << 30), "{wrong:?}");
        assert!(server.steps().iter().all(|step| step.contains("probe")));
        let conflict = patch(&store, &version).await.unwrap_err();
        assert_eq!(conflict.kind(), ErrorKind::Conflict);
        assert_eq!(server.steps(), [""; 0]);
        assert_eq!(server.uploads_left(), 0, "{wrong:?}");
    }
}

#[tokio::test]
async fn what_fails_before_the_object_changes_is_put_as_a_whole() {
    for step in ["start", "copy", "put"] {
        for (wrong, lasting) in [(Wrong::Fails(step), false), (Wrong::Denies(step), true)] {
            let server = Server::new(wrong);
            let store = server.store(false);
            let version = put(&store).await;
            let patched = patch(&store, &version).await.unwrap();
            assert_eq!(content(&store).await, (new(), patched), "{wrong:?}");
            assert_eq!(store.patches(1 << 30), !lasting, "{wrong:?}");
            assert_eq!(server.uploads_left(), 0, "{wrong:?}");
        }
    }
}

#[tokio::test]
async fn lost_acknowledgements_are_settled_by_what_is_stored() {
    for wrong in [Wrong::LosesAcknowledgement, Wrong::LosesCompletion] {
        let server = Server::new(wrong);
        let store = server.store(true);
        let version = put(&store).await;
        let patched = patch(&store, &version).await.unwrap();
        assert_eq!(content(&store).await, (new(), patched), "{wrong:?}");
        assert_eq!(server.uploads_left(), 0, "{wrong:?}");
    }
    let server = Server::new(Wrong::Fails("complete"));
    let store = server.store(false);
    let version = put(&store).await;
    assert_eq!(
        patch(&store, &version).await.unwrap_err().kind(),
        ErrorKind::Backend
    );
    assert_eq!(content(&store).await.0, old());
    assert_eq!(server.uploads_left(), 0);
}

#[tokio::test]
async fn an_object_that_changes_on_the_way_is_a_conflict() {
    for step in ["start", "copy", "put", "complete"] {
        let server = Server::new(Wrong::Changes(step));
        let store = server.store(true);
        let version = put(&store).await;
        let conflict = patch(&store, &version).await.unwrap_err();
        assert_eq!(conflict.kind(), ErrorKind::Conflict, "{step}");
        assert_eq!(content(&store).await.0, b"of another", "{step}");
        assert_eq!(server.uploads_left(), 0, "{step}");
    }
}

#[tokio::test]
async fn a_patch_that_is_dropped_gives_its_upload_up() {
    for step in ["copy", "put", "complete"] {
        let server = Server::new(Wrong::Hangs(step));
        let store = server.store(true);
        let version = put(&store).await;
        let time = Duration::from_millis(300);
        let patched = tokio::time::timeout(time, patch(&store, &version)).await;
        assert!(patched.is_err(), "{step}");
        for _ in 0..200 {
            tokio::time::sleep(Duration::from_millis(5)).await;
            if server.uploads_left() == 0 {
                break;
            }
        }
        assert_eq!(server.uploads_left(), 0, "{step}");
        assert_eq!(content(&store).await.0, old(), "{step}");
    }
}

#[tokio::test]
async fn of_two_patchers_at_once_one_wins() {
    let server = Server::new(Wrong::Nothing);
    let store = server.store(true);
    let version = put(&store).await;
    let (one, other) = tokio::join!(patch(&store, &version), async {
        let tail = vec![Bytes::from_static(b"of the other")];
        store.patch("a/k", &version, KEEP as u64, tail).await
    });
    assert!(one.is_ok() != other.is_ok(), "{one:?} {other:?}");
    let lost = one.err().or(other.err()).map(|error| error.kind());
    assert_eq!(lost, Some(ErrorKind::Conflict));
    assert_eq!(server.uploads_left(), 0);
}

#[tokio::test]
async fn uploads_of_killed_writers_are_swept() {
    let server = Server::new(Wrong::Nothing);
    let store = server.store(true);
    server.start(&Path::from("a/k")).await.unwrap();
    assert_eq!(store.sweep(Duration::from_secs(60)).await.unwrap(), 0);
    let beside = store.with_prefix("b").unwrap();
    assert_eq!(beside.sweep(Duration::ZERO).await.unwrap(), 0);
    assert_eq!(store.sweep(Duration::ZERO).await.unwrap(), 1);
    assert_eq!(server.uploads_left(), 0);
}
