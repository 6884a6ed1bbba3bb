//! Patches: a new object of which the first bytes are those of the old one.

use std::time::{Duration, SystemTime};

use bytes::Bytes;

use crate::ByteRange;
use crate::error::{Error, ErrorKind, Result};
use crate::store::Backend;
use crate::version::{Precondition, Version};
use crate::{Store, local, task};

impl Store {
    /// Whether it pays to [`patch`](Self::patch) an object of this many bytes rather than to put it again as a whole: it is as large as
    /// [`CostModel::patch_from`](crate::CostModel::patch_from) says, and the bytes that stay are copied on the side of the backend, as
    /// far as is known.
    #[must_use]
    pub fn patches(&self, object_size: u64) -> bool {
        object_size >= self.cost_model().patch_from && !self.is_read_only() && self.copies_ranges()
    }

    fn copies_ranges(&self) -> bool {
        match &self.inner.backend {
            Backend::Local(_) => true,
            Backend::Object(object) => object.patches(),
            Backend::Zip(_) => false,
        }
    }

    /// Replaces an object by its first `keep` bytes and what goes behind them, on condition that it is still this version. Readers
    /// see the old object or the new one. The bytes that stay do not pass through this process where the backend can copy them:
    /// local files do, and S3 from 5 MiB on. Elsewhere they are read and put.
    ///
    /// Where the acknowledgement of a patch is lost, the object is read back: if it has the new size and ends as the new one does, the
    /// patch succeeded.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> zarr_store::Result<()> {
    /// use zarr_store::{ByteRange, Precondition, Store};
    ///
    /// let store = Store::open("memory:")?;
    /// let old = store.put("k", vec!["old end".into()], Precondition::None).await?;
    /// let new = store.patch("k", &old, 4, vec!["tail".into()]).await?;
    /// let body = store.get("k", &ByteRange::All, Some(&new)).await?.expect("just written");
    /// assert_eq!(&body.bytes[..], b"old tail");
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Conflict`](crate::Error::Conflict) if the object is not, or no longer, at this version; otherwise as for
    /// [`get`](Self::get) and [`put`](Self::put).
    pub async fn patch(
        &self,
        key: &str,
        version: &Version,
        keep: u64,
        tail: Vec<Bytes>,
    ) -> Result<Version> {
        self.check_write(key, "patch")?;
        self.check_key(key)?;
        if keep > 0
            && let Backend::Local(files) = &self.inner.backend
        {
            return local::patch(self, files, key, version, (keep, tail)).await;
        }
        if let Backend::Object(object) = &self.inner.backend
            && let Some(version) = object.patch(self, key, version, keep, &tail).await?
        {
            return Ok(version);
        }
        let mut payload = self.start_of(key, version, keep).await?;
        payload.extend(tail);
        let precondition = Precondition::IfVersion(version.clone());
        self.put(key, payload, precondition).await
    }

    /// Gives up what killed writers have left: uploads to S3 that were started below this store more than `older_than` ago and are not
    /// complete, those of other programs included, and of local files what [`LocalStore::sweep`](crate::LocalStore::sweep) removes.
    /// Returns how many. What is swept of a writer who is still at work makes that write fail, and start again.
    ///
    /// # Errors
    ///
    /// If the store is read-only, or the backend refuses or fails.
    pub async fn sweep(&self, older_than: Duration) -> Result<u64> {
        self.check_write("", "sweep")?;
        match &self.inner.backend {
            Backend::Local(files) => {
                let (files, place) = (files.clone(), self.place(""));
                let swept = task::blocking(move || files.sweep(older_than)).await;
                let swept = swept.map_err(|source| Error::io(place, "sweep", source))?;
                swept.map(|count| count as u64)
            }
            Backend::Object(object) => {
                let before = SystemTime::now().checked_sub(older_than);
                let before = before.unwrap_or(SystemTime::UNIX_EPOCH);
                object.sweep(self, before).await
            }
            Backend::Zip(_) => Ok(0),
        }
    }

    /// The first bytes of an object of a version, read.
    async fn start_of(&self, key: &str, version: &Version, size: u64) -> Result<Vec<Bytes>> {
        let conflict = |reason| Error::Conflict {
            place: self.place(key),
            reason,
        };
        if size == 0 {
            return Ok(Vec::new());
        }
        let range = ByteRange::Range(0..size);
        let body = match self.get(key, &range, Some(version)).await {
            Err(error) if error.kind() == ErrorKind::Changed => {
                return Err(conflict("the object is another version"));
            }
            body => body?.ok_or_else(|| conflict("the object is gone"))?,
        };
        if body.bytes.len() as u64 != size {
            return Err(conflict("the object is shorter than what is to stay"));
        }
        Ok(vec![body.bytes])
    }
}
