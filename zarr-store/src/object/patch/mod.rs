//! Patches within the backend: a new object made of bytes of the old one and new bytes, on
//! condition that the object is still that version.
//!
//! `uploads` is the seam to the clouds, `run` carries out one patch, `probe` finds out what a server
//! honours. Some servers ignore the conditions of uploads, and some compare and complete without a
//! lock (SeaweedFS 4.48: both of two racing completions succeed), so a patch would lose data there.
//! Unknown servers are therefore patched only if the store has a single writer, and are probed once,
//! with a small object of our own. If the backend refuses a request before the object changes, the
//! caller puts the whole object.

mod probe;
mod run;
mod started;
mod uploads;

use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;

use self::run::Patch;
#[cfg_attr(
    not(any(feature = "s3", feature = "gcs", feature = "azure")),
    expect(unused_imports, reason = "only clouds patch objects")
)]
pub(crate) use self::uploads::{Upload, Uploads, Way};
use super::ObjectBackend;
use super::probe::Probed;
use crate::absent::absent;
use crate::context::Context;
use crate::error::Result;
use crate::key;
use crate::version::Version;

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

    /// Whether a patch keeps all bytes of the old object.
    pub(crate) fn patches_keep_all(&self) -> bool {
        let patches = self.usable();
        patches.is_some_and(|patches| patches.uploads.way() == Way::Compose)
    }

    fn usable(&self) -> Option<&Patches> {
        let plain = !self.quirks.bare && self.attributes.is_empty();
        let patches = self.patches.as_ref();
        // No probe shows that a server compares and completes in one step.
        let is_safe = |patches: &Patches| !patches.probe || self.quirks.single_writer;
        patches.filter(|patches| plain && is_safe(patches) && !patches.refused())
    }

    /// Patches an object within the backend; `None` if the whole object must be put instead.
    /// `all` says that the bytes that stay are the whole old object.
    pub(crate) async fn patch(
        &self,
        context: &Arc<Context>,
        key: &str,
        version: &Version,
        (keep, all): (u64, bool),
        tail: &[Bytes],
    ) -> Result<Option<Version>> {
        let Some(patches) = self.usable() else {
            return Ok(None);
        };
        let way = patches.uploads.way();
        let Some(condition) = way.condition(version) else {
            return Ok(None);
        };
        let fits = keep >= way.least() && (all || way != Way::Compose);
        if !fits || !self.may_patch(patches, context, key).await {
            return Ok(None);
        }
        let patch = Patch {
            uploads: patches.uploads.clone(),
            backend: self.clone(),
            context: context.clone(),
            path: self.path(context, key)?,
            key: key.to_owned(),
            version: version.clone(),
            condition,
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
            for (upload, since) in found.map_err(|error| request.error(&error))? {
                let below = key::below(&backend.prefix, upload.path.as_ref()).is_some();
                if !below || since >= before {
                    continue;
                }
                owned.counters.delete();
                match request.next(uploads.abort(&upload)).await? {
                    Err(error) if !absent(&error) => return Err(request.error(&error)),
                    // Also if the upload was completed or aborted meanwhile.
                    _ => swept += 1,
                }
            }
            Ok(swept)
        })
        .await
    }
}
