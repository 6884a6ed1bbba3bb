//! Puts and deletes: one request for a whole object, and the settling of lost acknowledgements and
//! false conflicts.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload};

use super::read::Read;
use super::request::Request;
use super::{ObjectBackend, is_transport, probe};
use crate::absent::absent;
use crate::backoff::Backoff;
use crate::byte_range::ByteRange;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::key;
use crate::version::{Precondition, Version};
use crate::wire::Patience;

/// The retries of a failed put whose condition holds.
const ATTEMPTS: u32 = 5;

const BACKOFF: Backoff = Backoff {
    first: Duration::from_millis(50),
    longest: Duration::from_millis(800),
};

const OTHER: &str = "the object has another version";
const GONE: &str = "the object no longer exists";

impl ObjectBackend {
    pub(crate) async fn put(
        &self,
        context: &Arc<Context>,
        key: &str,
        payload: Vec<Bytes>,
        precondition: Precondition,
    ) -> Result<Version> {
        let put = Put {
            backend: self.clone(),
            context: context.clone(),
            path: self.path(context, key)?,
            key: key.to_owned(),
            payload,
        };
        let precondition = match self.quirks.bare {
            true => Precondition::None,
            false => precondition,
        };
        if precondition != Precondition::None {
            self.check_conditions(context, key).await?;
        }
        self.request(context, key, async move { put.run(precondition).await })
            .await
    }

    pub(crate) async fn delete(&self, context: &Arc<Context>, key: &str) -> Result<()> {
        let path = self.path(context, key)?;
        let (backend, owned, place) = (self.clone(), context.clone(), key.to_owned());
        self.request(context, key, async move {
            owned.counters.delete();
            let mut request = backend.start(&owned, &place, "delete");
            let refusal = match request.within(0, backend.deleter().delete(&path)).await? {
                Err(error) if backend.singly.helps(&error) => {
                    owned.counters.delete();
                    request.next(backend.deleter().delete(&path)).await?
                }
                other => other,
            };
            match refusal {
                Err(error) if !absent(&error) => Err(request.error(&error)),
                _ => Ok(()),
            }
        })
        .await
    }

    pub(crate) async fn delete_prefix(&self, context: &Arc<Context>, prefix: &str) -> Result<()> {
        let start = self.listed_path(context, prefix)?;
        let below = key::join(&self.prefix, prefix).into_owned();
        let paths = || {
            context.counters.list();
            let below = below.clone();
            let listed = self.store.list(start.as_ref()).map_ok(|meta| meta.location);
            let is_below = move |path: &Path| key::below(&below, path.as_ref()).is_some();
            listed
                .try_filter(move |path| std::future::ready(is_below(path)))
                .boxed()
        };
        self.delete_paths(context, prefix, paths).await
    }

    /// Deletes objects, in bulk if the backend can.
    pub(crate) async fn delete_all(&self, context: &Arc<Context>, keys: &[String]) -> Result<()> {
        let paths = keys.iter().map(|key| self.path(context, key));
        let paths = paths.collect::<Result<Vec<_>>>()?;
        let place = keys.first().map_or("", String::as_str);
        let paths = || futures::stream::iter(paths.clone().into_iter().map(Ok)).boxed();
        self.delete_paths(context, place, paths).await
    }

    /// Returns the store that deletes: in bulk, until the server has refused that.
    fn deleter(&self) -> &Arc<dyn ObjectStore> {
        self.singly.made().unwrap_or(&self.store)
    }

    /// Deletes the paths that a function returns; calls the function again if the backend turns out
    /// to delete only one by one.
    async fn delete_paths(
        &self,
        context: &Arc<Context>,
        prefix: &str,
        paths: impl Fn() -> BoxStream<'static, object_store::Result<Path>>,
    ) -> Result<()> {
        let start = || {
            let counters = context.counters.clone();
            let paths = paths().inspect_ok(move |_| counters.delete()).boxed();
            self.deleter().delete_stream(paths)
        };
        let mut deleted = start();
        let mut request = self.start(context, prefix, "delete");
        loop {
            match request.next(deleted.try_next()).await? {
                Ok(None) => return Ok(()),
                Ok(Some(_)) => {}
                Err(error) if self.singly.helps(&error) => deleted = start(),
                Err(error) if absent(&error) => {}
                Err(error) => return Err(request.error(&error)),
            }
        }
    }
}

/// One put of one object.
struct Put {
    backend: ObjectBackend,
    context: Arc<Context>,
    path: Path,
    key: String,
    payload: Vec<Bytes>,
}

impl Put {
    async fn run(self, precondition: Precondition) -> Result<Version> {
        let size = self.payload.iter().map(|bytes| bytes.len() as u64).sum();
        let mut request = self.backend.start(&self.context, &self.key, "put");
        request.bytes = size;
        let mut attempt = 0;
        let mut unsure = false;
        loop {
            let failure = match self.attempt(&precondition, size, &mut request).await? {
                Ok(version) => return Ok(version),
                Err(failure) => failure,
            };
            unsure |= failure.is_unsure;
            let failure = failure.error;
            match self.settle(&precondition, size, unsure).await {
                Ok(PutOutcome::Committed(version)) => return Ok(version),
                Ok(PutOutcome::Superseded(reason)) => return Err(self.conflict(reason)),
                Ok(PutOutcome::NotApplied) if attempt < ATTEMPTS => BACKOFF.wait(attempt).await,
                _ => return Err(failure),
            }
            attempt = attempt.saturating_add(1);
        }
    }

    /// Puts once: returns the new version, or a failure that may still be a success.
    async fn attempt(
        &self,
        precondition: &Precondition,
        size: u64,
        request: &mut Request,
    ) -> Result<Result<Version, Failure>> {
        use object_store::Error as E;

        let conditional = *precondition != Precondition::None;
        let mode = if conditional && self.backend.quirks.single_writer {
            if let Some(reason) = self.look(precondition).await? {
                let error = self.conflict(reason);
                return Ok(Err(Failure {
                    error,
                    is_unsure: false,
                }));
            }
            PutMode::Overwrite
        } else {
            self.mode(precondition)?
        };
        let payload: PutPayload = self.payload.iter().cloned().collect();
        self.context.counters.put(size);
        let mut options = PutOptions {
            mode,
            attributes: self.backend.attributes.as_ref().clone(),
            ..PutOptions::default()
        };
        if let Some(patience) = &request.patience {
            options.extensions.insert(patience.clone());
        }
        let patience = request.patience.clone();
        let sent = || patience.as_ref().map_or(0, Patience::sent);
        let before = sent();
        let put = self.backend.store.put_opts(&self.path, payload, options);
        let error = match request.within(size, put).await? {
            Ok(result) => return Ok(Ok(Version::of_put(&result))),
            Err(error) => error,
        };
        // `object_store` may have sent the put again; only its HTTP client knows.
        let is_unsure = is_transport(&error) || sent().checked_sub(before) != Some(1);
        let update = matches!(precondition, Precondition::IfVersion(_));
        let failure = match &error {
            E::AlreadyExists { .. } | E::Precondition { .. } if conditional => self.conflict(OTHER),
            E::NotFound { .. } if update => self.conflict(GONE),
            E::NotImplemented { .. } | E::NotSupported { .. } if conditional => {
                return Err(probe::unsupported(&self.context, &self.key, probe::NONE));
            }
            _ if conditional && probe::not_implemented(&error) => {
                return Err(probe::unsupported(&self.context, &self.key, probe::REFUSED));
            }
            // Under a condition, `object_store` does not retry, since it cannot know whether the
            // put was carried out.
            _ if conditional && is_transport(&error) => request.error(&error),
            _ => return Err(request.error(&error)),
        };
        match self.backend.quirks.retries {
            true => Ok(Err(Failure {
                error: failure,
                is_unsure,
            })),
            false => Err(failure),
        }
    }

    fn conflict(&self, reason: &'static str) -> Error {
        Error::Conflict {
            place: self.context.place(&self.key),
            reason,
        }
    }

    /// Returns why a precondition now fails, if it does.
    async fn look(&self, precondition: &Precondition) -> Result<Option<&'static str>> {
        let found = self.read()?.head().await?;
        Ok(match (precondition, found) {
            (Precondition::IfAbsent, Some(_)) => Some(OTHER),
            (Precondition::IfVersion(_), None) => Some(GONE),
            (Precondition::IfVersion(version), Some(seen)) => {
                version.contradicts(&seen.version).then_some(OTHER)
            }
            _ => None,
        })
    }

    fn mode(&self, precondition: &Precondition) -> Result<PutMode> {
        match precondition {
            Precondition::None => Ok(PutMode::Overwrite),
            Precondition::IfAbsent => Ok(PutMode::Create),
            Precondition::IfVersion(version) => {
                version.to_update().map(PutMode::Update).ok_or_else(|| {
                    probe::unsupported(&self.context, &self.key, "the version is unknown")
                })
            }
        }
    }

    /// Determines the result of a failed put. If an acknowledgement may be lost, and the object
    /// equals the payload, the put succeeded. A put that was sent once and refused did not: another
    /// writer may have stored equal bytes. S3 also responds 409 to requests that merely collided,
    /// and `object_store` passes that on as a failed condition.
    async fn settle(
        &self,
        precondition: &Precondition,
        size: u64,
        unsure: bool,
    ) -> Result<PutOutcome> {
        // One byte more than was sent, so that a longer object is detected without being read in
        // full.
        let wanted = ByteRange::Range(0..size.saturating_add(1));
        let Some(body) = self.read()?.run(wanted).await? else {
            return Ok(match precondition {
                Precondition::IfVersion(_) => PutOutcome::Superseded(GONE),
                _ => PutOutcome::NotApplied,
            });
        };
        Ok(match precondition {
            _ if unsure && body.object_size == size && equal(&self.payload, &body.bytes) => {
                PutOutcome::Committed(body.version)
            }
            Precondition::IfVersion(version) if *version == body.version => PutOutcome::NotApplied,
            _ => PutOutcome::Superseded(OTHER),
        })
    }

    fn read(&self) -> Result<Read> {
        self.backend.read(&self.context, &self.key, None)
    }
}

/// A failed put.
struct Failure {
    error: Error,
    /// Whether the put may have succeeded.
    is_unsure: bool,
}

/// The state after a failed conditional put.
enum PutOutcome {
    Committed(Version),
    Superseded(&'static str),
    /// The condition still holds.
    NotApplied,
}

/// Whether concatenated segments equal these bytes.
fn equal(segments: &[Bytes], bytes: &[u8]) -> bool {
    let rest = segments
        .iter()
        .try_fold(bytes, |rest, segment| rest.strip_prefix(&segment[..]));
    rest.is_some_and(<[u8]>::is_empty)
}
