//! One patch of one object, from the start of its upload to the removal of what the upload leaves.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use object_store::multipart::PartId;
use object_store::path::Path;
use object_store::{Error as E, UpdateVersion};

use super::probe::REFUSED;
use super::started::Started;
use super::uploads::{Upload, Uploads};
use crate::absent::absent;
use crate::backoff::Backoff;
use crate::byte_range::{ByteRange, length};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::object::probe::{Probed, not_implemented};
use crate::object::request::Request;
use crate::object::{ObjectBackend, refuses_credentials};
use crate::version::Version;

/// The retries of a failed completion whose condition holds.
const ATTEMPTS: u32 = 3;

const BACKOFF: Backoff = Backoff {
    first: Duration::from_millis(50),
    longest: Duration::from_millis(800),
};

/// One patch of one object.
pub(super) struct Patch {
    pub(super) backend: ObjectBackend,
    pub(super) uploads: Arc<dyn Uploads>,
    pub(super) context: Arc<Context>,
    pub(super) path: Path,
    pub(super) key: String,
    pub(super) version: Version,
    /// The version, as a condition of requests.
    pub(super) condition: UpdateVersion,
    /// The number of bytes at the start of the object that stay.
    pub(super) keep: u64,
    pub(super) tail: Vec<Bytes>,
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
    pub(super) async fn run(self, found: &Probed) -> Result<Option<Version>> {
        let mut request = self.backend.start(&self.context, &self.key, "patch");
        request.bytes = self.tail_size();
        let starts = self.uploads.way().starts();
        let started = Started::start(&self.uploads, &self.path);
        let started = match self.counted(starts, 0, &mut request, started).await? {
            Step::Done(started) => started,
            Step::Conflict => return Err(self.conflict()),
            Step::Refused(error) => return Ok(self.give_up(found, &error)),
        };
        let patched = self.upload(&started, found, &mut request).await;
        let completed = matches!(patched, Ok(Some(_)));
        started.finish(completed, &self.context, &mut request).await;
        patched
    }

    async fn upload(
        &self,
        started: &Started,
        found: &Probed,
        request: &mut Request,
    ) -> Result<Option<Version>> {
        match self.parts(started, request).await? {
            Step::Done(parts) => {
                let completed = self.complete(started.upload(), &parts, request);
                completed.await.map(Some)
            }
            Step::Conflict => Err(self.conflict()),
            Step::Refused(error) => Ok(self.give_up(found, &error)),
        }
    }

    async fn parts(&self, started: &Started, request: &mut Request) -> Result<Step<Vec<PartId>>> {
        let mut parts = Vec::new();
        let way = self.uploads.way();
        for range in even(self.keep, way.most()) {
            let size = length(&range);
            self.context.counters.copied(size);
            let copied = started.copy(parts.len(), range, &self.condition);
            match self.counted(way.copies(), size, request, copied).await? {
                Step::Done(part) => parts.push(part),
                Step::Conflict => return Ok(Step::Conflict),
                Step::Refused(error) => return Ok(Step::Refused(error)),
            }
        }
        let size = self.tail_size();
        if size > 0 {
            let payload = self.tail.iter().cloned().collect();
            self.context.counters.put(size);
            let put = started.put(parts.len(), payload);
            match self.step(size, request, put).await? {
                Step::Done(part) => parts.push(part),
                other => return Ok(other.map(|_| Vec::new())),
            }
        }
        Ok(Step::Done(parts))
    }

    async fn counted<T>(
        &self,
        is_request: bool,
        bytes: u64,
        request: &mut Request,
        sent: impl Future<Output = object_store::Result<T>>,
    ) -> Result<Step<T>> {
        if is_request {
            self.context.counters.put(0);
        }
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
        upload: &Upload,
        parts: &[PartId],
        request: &mut Request,
    ) -> Result<Version> {
        let mut attempt = 0;
        loop {
            self.context.counters.put(0);
            let completed = self.uploads.complete(upload, parts, &self.condition);
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
            attempt = attempt.saturating_add(1);
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
        if !self.version.contradicts(&body.version) {
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
            reason: "the object has another version",
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
fn even(size: u64, most: u64) -> impl Iterator<Item = Range<u64>> {
    let count = size.div_ceil(most);
    (0..count).map(move |number| {
        let at = |number: u64| {
            let at = u128::from(size).saturating_mul(number.into());
            u64::try_from(at.div_euclid(count.into())).unwrap_or(size)
        };
        at(number)..at(number.saturating_add(1))
    })
}
