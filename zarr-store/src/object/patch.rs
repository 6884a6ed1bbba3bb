//! Patches within the backend: a multipart upload whose first parts are ranges of the old object,
//! completed on condition that the object is still that version.
//!
//! Some servers ignore the conditions of such uploads, and some compare and complete without a lock
//! (SeaweedFS 4.48: both of two racing completions succeed), so a patch would lose data there. Unknown
//! servers are therefore patched only if the store has a single writer, and are probed once, with a
//! small object of our own. If the backend refuses a request before the object changes, the caller
//! puts the whole object.

use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::ByteRange;
use async_trait::async_trait;
use bytes::Bytes;
use object_store::multipart::PartId;
use object_store::path::Path;
use object_store::{Error as E, ObjectStoreExt, PutPayload, PutResult};
use tokio::runtime::Handle;

use super::probe::{Probed, not_implemented};
use super::request::Request;
use super::{ObjectBackend, is_transport, refuses_credentials};
use crate::absent::absent;
use crate::backoff::Backoff;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::version::Version;
use crate::{key, task};

/// The minimum size of a part, except the last, in bytes.
const PART_MIN: u64 = 5 << 20;

/// The most bytes that one request copies.
const PART_MAX: u64 = 1 << 30;

/// The retries of a failed completion whose condition holds.
const ATTEMPTS: u32 = 3;

const BACKOFF: Backoff = Backoff {
    first: Duration::from_millis(50),
    longest: Duration::from_millis(800),
};

const PREFIX: &str = ".zarr-store-probe-";

/// An entity tag that no object has.
const OTHER_TAG: &str = "\"00000000000000000000000000000000\"";

const IGNORED: &str = "the backend ignores the conditions of copied ranges or of uploads";
const REFUSED: &str = "the backend refuses uploads of copied ranges";

/// The requests of a multipart upload.
#[async_trait]
pub(crate) trait Uploads: Send + Sync {
    /// Starts an upload and returns its ID.
    async fn start(&self, path: &Path) -> object_store::Result<String>;

    /// Copies a range of the object, if the object has this tag, into a part of the upload.
    async fn copy(
        &self,
        path: &Path,
        (upload, number): (&String, usize),
        range: Range<u64>,
        tag: &str,
    ) -> object_store::Result<PartId>;

    /// Sends a part.
    async fn put(
        &self,
        path: &Path,
        (upload, number): (&String, usize),
        payload: PutPayload,
    ) -> object_store::Result<PartId>;

    /// Replaces the object by the parts, if the object has this tag.
    async fn complete(
        &self,
        path: &Path,
        upload: &str,
        parts: &[PartId],
        tag: &str,
    ) -> object_store::Result<PutResult>;

    /// Lists the uploads in progress below a prefix, with their start times.
    async fn under_way(&self, prefix: &str) -> object_store::Result<Vec<UnderWay>>;

    /// Aborts an upload.
    async fn abort(&self, path: &Path, upload: &str) -> object_store::Result<()>;
}

/// An upload that was started and neither completed nor aborted.
#[derive(Debug)]
pub(crate) struct UnderWay {
    pub(crate) path: Path,
    pub(crate) upload: String,
    pub(crate) since: SystemTime,
}

/// Patches the objects of a place.
#[derive(Clone)]
pub(crate) struct Patches {
    uploads: Arc<dyn Uploads>,
    /// Why the place does not support patches, if that is known.
    found: Arc<Probed>,
    /// Whether to probe the backend first.
    probe: bool,
}

impl Patches {
    #[cfg(any(feature = "s3", feature = "gcs", feature = "azure"))]
    pub(crate) fn new(uploads: Arc<dyn Uploads>, place: &str, probe: bool) -> Self {
        let found = super::probe::at(&format!("{place} patches"));
        Self {
            uploads,
            found,
            probe,
        }
    }

    fn refused(&self) -> bool {
        matches!(self.found.get(), Some(Some(_)))
    }
}

impl ObjectBackend {
    #[cfg(any(feature = "s3", feature = "gcs", feature = "azure"))]
    pub(crate) fn patching(mut self, patches: Option<Patches>) -> Self {
        self.patches = patches;
        self
    }

    /// Whether objects can be patched here, as far as is known.
    pub(crate) fn patches(&self) -> bool {
        !self.quirks.remote || self.usable().is_some()
    }

    fn usable(&self) -> Option<&Patches> {
        let plain = !self.quirks.bare && self.attributes.is_empty();
        let patches = self.patches.as_ref();
        // No probe shows that a server compares and completes in one step.
        let is_safe = |patches: &Patches| !patches.probe || self.quirks.single_writer;
        patches.filter(|patches| plain && is_safe(patches) && !patches.refused())
    }

    /// Patches an object within the backend; `None` if the whole object must be put instead.
    pub(crate) async fn patch(
        &self,
        context: &Arc<Context>,
        key: &str,
        version: &Version,
        keep: u64,
        tail: &[Bytes],
    ) -> Result<Option<Version>> {
        let (Some(patches), Some(tag)) = (self.usable(), version.if_match()) else {
            return Ok(None);
        };
        if keep < PART_MIN || !self.may_patch(patches, context, key).await {
            return Ok(None);
        }
        let patch = Patch {
            uploads: patches.uploads.clone(),
            backend: self.clone(),
            context: context.clone(),
            path: self.path(context, key)?,
            key: key.to_owned(),
            version: version.clone(),
            tag: tag.to_owned(),
            keep,
            tail: tail.to_vec(),
        };
        let found = patches.found.clone();
        self.request(context, key, async move { patch.run(&found).await })
            .await
    }

    /// Aborts the uploads that were started before a time.
    pub(crate) async fn sweep(&self, context: &Arc<Context>, before: SystemTime) -> Result<u64> {
        let Some(patches) = &self.patches else {
            return Ok(0);
        };
        let (uploads, backend, owned) = (patches.uploads.clone(), self.clone(), context.clone());
        self.request(context, "", async move {
            owned.counters.list();
            let mut request = backend.start(&owned, "", "list uploads");
            let found = request.pages(uploads.under_way(&backend.prefix)).await?;
            let mut swept = 0;
            for found in found.map_err(|error| request.error(&error))? {
                let below = key::below(&backend.prefix, found.path.as_ref()).is_some();
                if !below || found.since >= before {
                    continue;
                }
                owned.counters.delete();
                match request
                    .next(uploads.abort(&found.path, &found.upload))
                    .await?
                {
                    Err(error) if !absent(&error) => return Err(request.error(&error)),
                    // Also if the upload was completed or aborted meanwhile.
                    _ => swept += 1,
                }
            }
            Ok(swept)
        })
        .await
    }

    /// Whether conditions are honoured here; probes the backend the first time, and again as long
    /// as the backend does not respond.
    async fn may_patch(&self, patches: &Patches, context: &Arc<Context>, key: &str) -> bool {
        if !patches.probe {
            return !patches.refused();
        }
        let found = patches
            .found
            .get_or_try_init(|| self.probe_patches(patches, context, key));
        match found.await {
            Ok(reason) => reason.is_none(),
            Err(error) => {
                tracing::debug!(store = &*context.location, %error, "no answer about patches");
                false
            }
        }
    }

    /// Probes with an object beside the key's object, as a separate task, which cleans up even if
    /// the caller is dropped.
    async fn probe_patches(
        &self,
        patches: &Patches,
        context: &Arc<Context>,
        key: &str,
    ) -> Result<Option<&'static str>> {
        let directory = key.rsplit_once('/').map_or("", |(directory, _)| directory);
        let name = format!("{PREFIX}{:016x}", fastrand::u64(..));
        let name = key::join(directory, &name).into_owned();
        let path = self.path(context, &name)?;
        let (backend, owned, uploads) = (self.clone(), context.clone(), patches.uploads.clone());
        let probe = async move {
            let mut request = backend.start(&owned, &name, "probe");
            let asked = ask(&backend, &owned, &uploads, &path);
            let found = request.within(0, asked).await;
            owned.counters.delete();
            let mut request = backend.start(&owned, &name, "probe");
            if !matches!(
                request.within(0, backend.store.delete(&path)).await,
                Ok(Ok(()))
            ) {
                tracing::warn!(store = &*owned.location, key = name, "probe is left behind");
            }
            let found = found?.map_err(|error| request.error(&error))?;
            if let Some(reason) = found {
                tracing::debug!(
                    store = &*owned.location,
                    reason,
                    "objects are put as a whole"
                );
            }
            Ok(found)
        };
        task::to_its_end(probe)
            .await
            .map_err(|source| Error::io(context.place(""), "probe", source))?
    }
}

/// Tests with a small object whether the backend copies ranges and honours conditions. An error
/// means that the test was inconclusive.
async fn ask(
    backend: &ObjectBackend,
    context: &Arc<Context>,
    uploads: &Arc<dyn Uploads>,
    path: &Path,
) -> object_store::Result<Option<&'static str>> {
    let count = || context.counters.put(0);
    count();
    let put = backend
        .store
        .put(path, Bytes::from_static(b"0123456789").into());
    let Some(tag) = put.await?.e_tag else {
        return Ok(Some(REFUSED));
    };
    count();
    let upload = match uploads.start(path).await {
        Ok(upload) => upload,
        Err(error) => return refusal(error),
    };
    let started = Started::new(uploads, path, &upload);
    let found = ask_upload(context, uploads.as_ref(), path, &upload, &tag).await;
    match &found {
        Ok(None) => started.done(),
        _ => {
            let mut request = backend.start(context, path.as_ref(), "probe");
            started.abort(&mut request).await;
        }
    }
    if !matches!(found, Ok(None)) {
        return found;
    }
    context.counters.get();
    let made = backend.store.get(path).await?.bytes().await?;
    Ok((&made[..] != b"1234").then_some(REFUSED))
}

/// Tests an upload of a part of an object with this tag, first under conditions that do not hold,
/// then under conditions that do.
async fn ask_upload(
    context: &Arc<Context>,
    uploads: &dyn Uploads,
    path: &Path,
    upload: &String,
    tag: &str,
) -> object_store::Result<Option<&'static str>> {
    let count = || context.counters.put(0);
    count();
    match uploads.copy(path, (upload, 0), 1..5, OTHER_TAG).await {
        Ok(_) => return Ok(Some(IGNORED)),
        Err(E::Precondition { .. }) => {}
        Err(error) => return refusal(error),
    }
    count();
    let parts = match uploads.copy(path, (upload, 0), 1..5, tag).await {
        Ok(copied) => [copied],
        Err(error) => return refusal(error),
    };
    count();
    match uploads.complete(path, upload, &parts, OTHER_TAG).await {
        Ok(_) => return Ok(Some(IGNORED)),
        Err(E::Precondition { .. }) => {}
        Err(error) => return refusal(error),
    }
    count();
    match uploads.complete(path, upload, &parts, tag).await {
        Ok(_) => Ok(None),
        Err(error) => refusal(error),
    }
}

/// Turns a failure of the probe into a finding; an error if no response came.
fn refusal(error: E) -> object_store::Result<Option<&'static str>> {
    match is_transport(&error) {
        true => Err(error),
        false => Ok(Some(REFUSED)),
    }
}

/// A started upload, aborted if dropped before it is done.
struct Started {
    uploads: Option<Arc<dyn Uploads>>,
    path: Path,
    upload: String,
}

impl Started {
    fn new(uploads: &Arc<dyn Uploads>, path: &Path, upload: &str) -> Self {
        Self {
            uploads: Some(uploads.clone()),
            path: path.clone(),
            upload: upload.to_owned(),
        }
    }

    fn done(mut self) {
        self.uploads = None;
    }

    /// Aborts the upload. A failure to abort is only logged, because the upload is no longer
    /// needed.
    async fn abort(mut self, request: &mut Request) {
        if let Some(uploads) = self.uploads.take() {
            let aborted = uploads.abort(&self.path, &self.upload);
            if !matches!(request.next(aborted).await, Ok(Ok(()))) {
                tracing::debug!(key = self.path.as_ref(), "an upload is left behind");
            }
        }
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        let (Some(uploads), Ok(runtime)) = (self.uploads.take(), Handle::try_current()) else {
            return;
        };
        let (path, upload) = (self.path.clone(), std::mem::take(&mut self.upload));
        runtime.spawn(async move { drop(uploads.abort(&path, &upload).await) });
    }
}

/// One patch of one object.
struct Patch {
    backend: ObjectBackend,
    uploads: Arc<dyn Uploads>,
    context: Arc<Context>,
    path: Path,
    key: String,
    version: Version,
    tag: String,
    keep: u64,
    tail: Vec<Bytes>,
}

/// The result of a step of an upload.
enum Step<T> {
    Done(T),
    /// The object is another version.
    Conflict,
    /// The object has not changed and cannot be patched.
    Refused(E),
}

impl Patch {
    async fn run(self, found: &Probed) -> Result<Option<Version>> {
        let mut request = self.backend.start(&self.context, &self.key, "patch");
        request.bytes = self.tail_size();
        let started = self.counted(0, &mut request, self.uploads.start(&self.path));
        let upload = match started.await? {
            Step::Done(upload) => upload,
            Step::Conflict => return Err(self.conflict()),
            Step::Refused(error) => return Ok(self.give_up(found, &error)),
        };
        let started = Started::new(&self.uploads, &self.path, &upload);
        let patched = self.upload(&upload, found, &mut request).await;
        match &patched {
            Ok(Some(_)) => started.done(),
            _ => started.abort(&mut request).await,
        }
        patched
    }

    async fn upload(
        &self,
        upload: &String,
        found: &Probed,
        request: &mut Request,
    ) -> Result<Option<Version>> {
        match self.parts(upload, request).await? {
            Step::Done(parts) => self.complete(upload, &parts, request).await.map(Some),
            Step::Conflict => Err(self.conflict()),
            Step::Refused(error) => Ok(self.give_up(found, &error)),
        }
    }

    async fn parts(&self, upload: &String, request: &mut Request) -> Result<Step<Vec<PartId>>> {
        let mut parts = Vec::new();
        for range in even(self.keep) {
            let size = range.end - range.start;
            self.context.counters.copied(size);
            let part = (upload, parts.len());
            let copied = self.uploads.copy(&self.path, part, range, &self.tag);
            match self.counted(size, request, copied).await? {
                Step::Done(part) => parts.push(part),
                Step::Conflict => return Ok(Step::Conflict),
                Step::Refused(error) => return Ok(Step::Refused(error)),
            }
        }
        let size = self.tail_size();
        if size > 0 {
            let payload = self.tail.iter().cloned().collect();
            self.context.counters.put(size);
            let put = self.uploads.put(&self.path, (upload, parts.len()), payload);
            match self.step(size, request, put).await? {
                Step::Done(part) => parts.push(part),
                other => return Ok(other.map(|_| Vec::new())),
            }
        }
        Ok(Step::Done(parts))
    }

    async fn counted<T>(
        &self,
        bytes: u64,
        request: &mut Request,
        sent: impl Future<Output = object_store::Result<T>>,
    ) -> Result<Step<T>> {
        self.context.counters.put(0);
        self.step(bytes, request, sent).await
    }

    async fn step<T>(
        &self,
        bytes: u64,
        request: &mut Request,
        sent: impl Future<Output = object_store::Result<T>>,
    ) -> Result<Step<T>> {
        Ok(match request.after(bytes, sent).await? {
            Ok(done) => Step::Done(done),
            Err(E::Precondition { .. }) => Step::Conflict,
            Err(error) if absent(&error) => Step::Conflict,
            Err(error) => Step::Refused(error),
        })
    }

    /// Remembers a refusal that concerns all objects, so that the next objects are put as a whole
    /// at once.
    fn give_up(&self, found: &Probed, error: &E) -> Option<Version> {
        let lasting = refuses_credentials(error) || not_implemented(error);
        tracing::debug!(store = &*self.context.location, key = self.key, %error, "not patched");
        if lasting {
            // If conditions are already known to hold, only this object is put as a whole.
            drop(found.set(Some(REFUSED)));
        }
        None
    }

    /// Completes the upload. If the response is lost or reports a failed condition, the object
    /// tells what happened.
    async fn complete(
        &self,
        upload: &str,
        parts: &[PartId],
        request: &mut Request,
    ) -> Result<Version> {
        let mut attempt = 0;
        loop {
            self.context.counters.put(0);
            let completed = self.uploads.complete(&self.path, upload, parts, &self.tag);
            let error = match request.after(self.keep, completed).await? {
                Ok(result) => return Ok(Version::of_put(&result)),
                Err(error) => error,
            };
            let failed = matches!(error, E::Precondition { .. }) || absent(&error);
            match self.settle().await {
                Ok(Outcome::Committed(version)) => return Ok(version),
                Ok(Outcome::Superseded) => return Err(self.conflict()),
                // The server saw another write of the object in progress, or no longer knows the
                // upload: the caller has to start again.
                Ok(Outcome::NotApplied) if failed => return Err(self.conflict()),
                Ok(Outcome::NotApplied) if attempt < ATTEMPTS => BACKOFF.wait(attempt).await,
                _ => return Err(request.error(&error)),
            }
            attempt += 1;
        }
    }

    /// Looks at the result of a failed completion. The completion succeeded if the object has the
    /// expected size and end.
    async fn settle(&self) -> Result<Outcome> {
        let size = self.tail_size();
        let end = self.keep.saturating_add(size);
        // One byte more, so that a longer object is detected without being read in full.
        let wanted = ByteRange::Range(self.keep..end.saturating_add(1));
        let read = self.backend.read(&self.context, &self.key, None)?;
        let Some(body) = read.run(wanted).await? else {
            return Ok(Outcome::Superseded);
        };
        if self.version == body.version {
            return Ok(Outcome::NotApplied);
        }
        let rest = self
            .tail
            .iter()
            .try_fold(&body.bytes[..], |rest, piece| rest.strip_prefix(&piece[..]));
        let ours = body.object_size == end && rest.is_some_and(<[u8]>::is_empty);
        Ok(match ours {
            true => Outcome::Committed(body.version),
            false => Outcome::Superseded,
        })
    }

    fn tail_size(&self) -> u64 {
        self.tail.iter().map(|piece| piece.len() as u64).sum()
    }

    fn conflict(&self) -> Error {
        Error::Conflict {
            place: self.context.place(&self.key),
            reason: "the object is another version",
        }
    }
}

impl<T> Step<T> {
    fn map<R>(self, map: impl FnOnce(T) -> R) -> Step<R> {
        match self {
            Self::Done(done) => Step::Done(map(done)),
            Self::Conflict => Step::Conflict,
            Self::Refused(error) => Step::Refused(error),
        }
    }
}

/// The state after a failed completion.
enum Outcome {
    Committed(Version),
    Superseded,
    /// The condition still holds.
    NotApplied,
}

/// Splits the first bytes of an object into as few parts as possible, all of about the same size.
fn even(size: u64) -> impl Iterator<Item = Range<u64>> {
    let count = size.div_ceil(PART_MAX);
    (0..count).map(move |number| {
        let at = |number: u64| {
            let at = u128::from(size) * u128::from(number) / u128::from(count);
            u64::try_from(at).unwrap_or(size)
        };
        at(number)..at(number + 1)
    })
}
