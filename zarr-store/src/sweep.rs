//! Sweeps: remove what killed writers left in a store.

use std::time::{Duration, SystemTime};

use crate::error::{Error, Result};
use crate::store::Backend;
use crate::{Store, task};

/// Something that a killed writer left in a store and that no reader sees.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Leftover {
    /// The kind of the leftover.
    pub kind: LeftoverKind,
    /// The key of the leftover; of an upload, the key of the object that it was for.
    pub key: String,
}

/// The kinds of leftovers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum LeftoverKind {
    /// An incomplete upload (S3), which costs the space of its parts.
    Upload,
    /// A lock file or a partly written file (local files).
    File,
    /// A temporary object of a patch (Google Cloud Storage).
    Temporary,
    /// An object with which a writer found out whether the server honours conditions.
    Probe,
}

impl LeftoverKind {
    /// The name of the kind, in one word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Upload => "upload",
            Self::File => "file",
            Self::Temporary => "temporary",
            Self::Probe => "probe",
        }
    }
}

impl Store {
    /// Removes what killed writers left behind if it is older than `older_than`, and returns what
    /// was removed:
    ///
    /// - On S3, incomplete uploads below this store, also those of other programs.
    /// - On servers that are probed, objects of probes (`.zarr-store-probe-...`); on Google Cloud
    ///   Storage, temporary objects of patches (`.zarr-store-patch-...`). Both are found by a listing
    ///   of the store.
    /// - In local directories, lock files and partly written files that no writer holds.
    ///
    /// Azure drops what was not committed itself, after a week. Choose a time that is longer than
    /// any write: a running writer whose upload is removed fails or starts again.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> zarr_store::Result<()> {
    /// use std::time::Duration;
    ///
    /// let store = zarr_store::Store::open("memory:")?;
    /// for leftover in store.sweep(Duration::from_secs(24 * 3600)).await? {
    ///     println!("removed {}: {}", leftover.kind.name(), leftover.key);
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// If the store is read-only, or the backend refuses or fails; the remaining leftovers are then
    /// not removed.
    pub async fn sweep(&self, older_than: Duration) -> Result<Vec<Leftover>> {
        self.context().check_write("", "sweep")?;
        match &self.inner.backend {
            Backend::Local(files) => {
                let (files, place) = (files.clone(), self.context().place(""));
                let swept = task::blocking(move || files.sweep(older_than)).await;
                let swept = swept.map_err(|source| Error::io(place, "sweep", source))??;
                let kind = LeftoverKind::File;
                Ok(swept
                    .into_iter()
                    .map(|key| Leftover { kind, key })
                    .collect())
            }
            Backend::Object(object) => {
                let before = SystemTime::now().checked_sub(older_than);
                let before = before.unwrap_or(SystemTime::UNIX_EPOCH);
                object.sweep(self.context(), before).await
            }
            Backend::Zip(_) => Ok(Vec::new()),
        }
    }
}
