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

use bytes::Bytes;

use self::run::Patch;
#[cfg_attr(
    not(any(feature = "s3", feature = "gcs", feature = "azure")),
    expect(unused_imports, reason = "only clouds patch objects")
)]
pub(crate) use self::uploads::{Upload, Uploads, Way};
use super::ObjectBackend;
use super::probe::Probed;
use crate::context::Context;
use crate::error::Result;
use crate::version::Version;

/// The start of the names of temporary objects, which are beside the objects to be replaced.
pub(crate) const PREFIX: &str = ".zarr-store-patch-";

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

    /// Returns the uploads that a killed writer may leave incomplete.
    pub(super) fn multipart(&self) -> Option<Arc<dyn Uploads>> {
        let uploads = self.patches.as_ref().map(|patches| &patches.uploads);
        uploads.filter(|uploads| uploads.way().starts()).cloned()
    }

    /// Whether a killed writer may leave objects: of a probe, or of a composition.
    pub(super) fn leaves_objects(&self) -> bool {
        let leaves = |patches: &Patches| patches.probe || patches.uploads.way() == Way::Compose;
        self.quirks.probe || self.patches.as_ref().is_some_and(leaves)
    }
}
