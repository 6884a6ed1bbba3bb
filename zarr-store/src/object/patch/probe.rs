//! Finds out, with a small object of our own, whether a server copies bytes of objects and honours
//! the conditions of uploads.

use std::sync::Arc;

use bytes::Bytes;
use object_store::path::Path;
use object_store::{Error as E, ObjectStoreExt, Result, UpdateVersion};

use super::Patches;
use super::started::Started;
use super::uploads::{Uploads, Way};
use crate::context::Context;
use crate::object::probe::Finding;
use crate::object::{ObjectBackend, is_transport};
use crate::version::Version;

const IGNORED: &str = "the backend ignores the conditions of copied ranges or of uploads";
pub(super) const REFUSED: &str = "the backend refuses uploads of copied ranges";

impl ObjectBackend {
    /// Whether conditions are honoured here; probes the backend the first time, and again as long
    /// as the backend does not respond.
    pub(super) async fn may_patch(
        &self,
        patches: &Patches,
        context: &Arc<Context>,
        key: &str,
    ) -> bool {
        if !patches.probe {
            return !patches.refused();
        }
        let uploads = &patches.uploads;
        let probe = || {
            let uploads = uploads.clone();
            let ask = |backend: Self, context: Arc<Context>, name: String, path: Path| async move {
                let mut request = backend.start(&context, &name, "probe");
                let asked = ask(&backend, &context, &uploads, &path);
                let found = request.within(0, asked).await?;
                let found = found.map_err(|error| request.error(&error))?;
                if let Some(reason) = found {
                    let store = &*context.location;
                    tracing::debug!(store, reason, "objects are put as a whole");
                }
                Ok(found)
            };
            self.probe_with(context, key, ask)
        };
        match patches.found.get_or_try_init(probe).await {
            Ok(reason) => reason.is_none(),
            Err(error) => {
                tracing::debug!(store = &*context.location, %error, "the probe of patches got no answer");
                false
            }
        }
    }
}

/// Tests with a small object whether the backend copies bytes and honours conditions. An error
/// means that the test was inconclusive.
async fn ask(
    backend: &ObjectBackend,
    context: &Arc<Context>,
    uploads: &Arc<dyn Uploads>,
    path: &Path,
) -> Result<Finding> {
    let count = || context.counters.put(0);
    count();
    let content = Bytes::from_static(b"0123456789");
    let put = match backend.store.put(path, content.clone().into()).await {
        Ok(put) => put,
        Err(error) => return refusal(error),
    };
    let Some(version) = uploads.way().condition(&Version::of_put(&put)) else {
        return Ok(Some(REFUSED));
    };
    if uploads.way().starts() {
        count();
    }
    let started = match Started::start(uploads, path).await {
        Ok(started) => started,
        Err(error) => return refusal(error),
    };
    let found = ask_upload(context, uploads.as_ref(), &started, &version).await;
    let mut request = backend.start(context, path.as_ref(), "probe");
    let completed = matches!(found, Ok(None));
    started.finish(completed, context, &mut request).await;
    if !completed {
        return found;
    }
    context.counters.get();
    let made = backend.store.get(path).await?.bytes().await?;
    let expected = content.get(to_copy(uploads.way()));
    Ok((expected != Some(&made[..])).then_some(REFUSED))
}

/// Returns the part of the probe's object that is copied.
fn to_copy(way: Way) -> std::ops::Range<usize> {
    match way {
        Way::Multipart | Way::Blocks => 1..5,
        Way::Compose => 0..10,
    }
}

/// Tests an upload of a part of an object of this version: under conditions that do not hold, first
/// of the copy, then of the completion, and then under conditions that do.
async fn ask_upload(
    context: &Arc<Context>,
    uploads: &dyn Uploads,
    started: &Started,
    version: &UpdateVersion,
) -> Result<Finding> {
    let other = other_version();
    for (copied, replaced, holds) in [
        (&other, version, false),
        (version, &other, false),
        (version, version, true),
    ] {
        match copy(context, uploads, started, (copied, replaced)).await {
            Ok(()) if holds => {}
            Ok(()) => return Ok(Some(IGNORED)),
            Err(E::Precondition { .. }) if !holds => {}
            Err(error) => return refusal(error),
        }
    }
    Ok(None)
}

/// Replaces an object by a part of it.
async fn copy(
    context: &Arc<Context>,
    uploads: &dyn Uploads,
    started: &Started,
    (copied, replaced): (&UpdateVersion, &UpdateVersion),
) -> Result<()> {
    let range = to_copy(uploads.way());
    if uploads.way().copies() {
        context.counters.put(0);
    }
    let range = range.start as u64..range.end as u64;
    let parts = [started.copy(0, range, copied).await?];
    context.counters.put(0);
    let completed = uploads.complete(started.upload(), &parts, replaced);
    completed.await.map(drop)
}

/// Returns a version that no object has.
fn other_version() -> UpdateVersion {
    UpdateVersion {
        e_tag: Some("\"00000000000000000000000000000000\"".into()),
        version: Some("1".into()),
    }
}

/// Turns a failure of the probe into a finding; an error if no response came.
fn refusal(error: E) -> Result<Finding> {
    match is_transport(&error) {
        true => Err(error),
        false => Ok(Some(REFUSED)),
    }
}
