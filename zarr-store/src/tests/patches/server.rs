//! A server of uploads in memory, with defects.

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

use crate::object::patch::{Patches, Upload, Uploads, Way};
use crate::object::{ObjectBackend, Quirks};
use crate::{CostModel, Store};

/// The defect of a server, or of one of its responses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wrong {
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
    /// This step takes 300 ms, whether or not its caller still waits; a part that arrives late
    /// revives an aborted upload.
    Slow(&'static str),
}

type Parts = HashMap<usize, Bytes>;

/// A server that keeps uploads in memory.
pub(super) struct Server {
    pub(super) store: Arc<InMemory>,
    uploads: Mutex<HashMap<String, Parts>>,
    steps: Mutex<Vec<String>>,
    wrong: Mutex<Wrong>,
    way: Way,
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
    pub(super) fn new(wrong: Wrong) -> Arc<Self> {
        Self::of(Way::Multipart, wrong)
    }

    pub(super) fn of(way: Way, wrong: Wrong) -> Arc<Self> {
        Arc::new(Self {
            way,
            store: Arc::new(InMemory::new()),
            uploads: Mutex::default(),
            steps: Mutex::default(),
            wrong: Mutex::new(wrong),
        })
    }

    /// Opens a store on the server, with or without a probe.
    pub(super) fn store(self: &Arc<Self>, probe: bool) -> Store {
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
            Wrong::Slow(which) if step == which && !probe => {
                tokio::time::sleep(Duration::from_millis(300)).await;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    pub(super) fn steps(&self) -> Vec<String> {
        std::mem::take(&mut *self.steps.lock().unwrap())
    }

    pub(super) fn uploads_left(&self) -> usize {
        self.uploads.lock().unwrap().len()
    }
}

#[async_trait]
impl Uploads for Server {
    fn way(&self) -> Way {
        self.way
    }

    async fn start(&self, path: &Path) -> object_store::Result<Upload> {
        self.step("start", path).await?;
        let id = format!("{:x}", fastrand::u64(..));
        let mut uploads = self.uploads.lock().unwrap();
        uploads.insert(id.clone(), Parts::new());
        Ok(Upload {
            path: path.clone(),
            id,
        })
    }

    async fn copy(
        &self,
        upload: &Upload,
        number: usize,
        range: Range<u64>,
        version: &UpdateVersion,
    ) -> object_store::Result<PartId> {
        let path = &upload.path;
        self.step("copy", path).await?;
        let tag = version.e_tag.clone();
        let whole = self.wrong() == Wrong::CopyIgnoresRanges;
        let options = GetOptions {
            if_match: tag.filter(|_| self.wrong() != Wrong::CopyIgnoresConditions),
            range: (!whole).then_some(GetRange::Bounded(range)),
            ..GetOptions::default()
        };
        let bytes = self.store.get_opts(path, options).await?.bytes().await?;
        self.put_part(&upload.id, number, bytes)
    }

    async fn put(
        &self,
        upload: &Upload,
        number: usize,
        payload: PutPayload,
    ) -> object_store::Result<PartId> {
        self.step("put", &upload.path).await?;
        self.put_part(&upload.id, number, payload.into())
    }

    async fn complete(
        &self,
        Upload { path, id }: &Upload,
        parts: &[PartId],
        version: &UpdateVersion,
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
        let found = self.uploads.lock().unwrap().get(id).cloned();
        let found = found.ok_or_else(no_upload)?;
        let pieces = (0..parts.len()).map(|number| found[&number].clone());
        let mode = match self.wrong() {
            Wrong::CompletionIgnoresConditions => PutMode::Overwrite,
            _ => PutMode::Update(UpdateVersion {
                e_tag: version.e_tag.clone(),
                version: None,
            }),
        };
        let payload = pieces.collect::<PutPayload>();
        let result = self.store.put_opts(path, payload, mode.into()).await?;
        self.uploads.lock().unwrap().remove(id);
        match self.wrong() {
            Wrong::LosesAcknowledgement if !probe => Err(broken()),
            _ => Ok(result),
        }
    }

    async fn under_way(&self, _: &str) -> object_store::Result<Vec<(Upload, SystemTime)>> {
        let uploads = self.uploads.lock().unwrap();
        let found = uploads.keys().map(|id| {
            let (path, id) = (Path::from("a/k"), id.clone());
            let since = SystemTime::now() - Duration::from_secs(30);
            (Upload { path, id }, since)
        });
        Ok(found.collect())
    }

    async fn abort(&self, upload: &Upload) -> object_store::Result<()> {
        let step = format!("abort {}", upload.path);
        self.steps.lock().unwrap().push(step);
        self.uploads.lock().unwrap().remove(&upload.id);
        Ok(())
    }
}

impl Server {
    fn put_part(&self, upload: &str, number: usize, bytes: Bytes) -> object_store::Result<PartId> {
        let mut uploads = self.uploads.lock().unwrap();
        if let Wrong::Slow(_) = self.wrong() {
            uploads.entry(upload.to_owned()).or_default();
        }
        let parts = uploads
            .get_mut(upload)
            .ok_or_else(|| generic("NoSuchUpload"))?;
        parts.insert(number, bytes);
        Ok(PartId {
            content_id: number.to_string(),
        })
    }
}
