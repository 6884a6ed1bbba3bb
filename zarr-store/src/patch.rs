//! Patches: replace the end of an object and keep its first bytes.

use bytes::Bytes;
use tokio::runtime::Handle;

use crate::ByteRange;
use crate::error::{Error, ErrorKind, Result};
use crate::store::Backend;
use crate::version::{Precondition, Version};
use crate::{Store, local};

impl Store {
    /// Whether a [`patch`](Self::patch) is cheaper than a put for an object of `object_size` bytes:
    /// the object has at least [`CostModel::patch_from`](crate::CostModel::patch_from) bytes, and,
    /// as far as is known, the backend can copy the bytes that stay.
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

    /// Replaces an object by its first `keep` bytes followed by a new tail, on condition that the
    /// object is still this version. Readers see either the old object or the new one. If the
    /// backend can copy the bytes that stay, they do not pass through this process: local files and
    /// Azure can, and S3 can from 5 MiB on. On other backends the bytes are read and put.
    ///
    /// If the acknowledgement of a patch is lost, the object is read back: if it has the new size
    /// and the new end, the patch succeeded.
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
    /// [`Conflict`](crate::Error::Conflict) if the object is not, or no longer, at this version;
    /// otherwise see [`get`](Self::get) and [`put`](Self::put).
    pub async fn patch(
        &self,
        key: &str,
        version: &Version,
        keep: u64,
        tail: Vec<Bytes>,
    ) -> Result<Version> {
        self.context().check_write(key, "patch")?;
        self.context().check_key(key)?;
        self.patch_part(key, version, (keep, false), tail).await
    }

    /// Whether an [`append`](Self::append) is the only patch that this store's backend can do.
    #[must_use]
    pub fn only_appends(&self) -> bool {
        match &self.inner.backend {
            Backend::Object(object) => object.patches_keep_all(),
            Backend::Local(_) | Backend::Zip(_) => false,
        }
    }

    /// A [`patch`](Self::patch) that keeps all of an object of `size` bytes, its size at this
    /// version. Google Cloud Storage can do this without sending the object.
    ///
    /// # Errors
    ///
    /// See [`patch`](Self::patch).
    pub async fn append(
        &self,
        key: &str,
        version: &Version,
        size: u64,
        tail: Vec<Bytes>,
    ) -> Result<Version> {
        self.context().check_write(key, "patch")?;
        self.context().check_key(key)?;
        self.patch_part(key, version, (size, true), tail).await
    }

    async fn patch_part(
        &self,
        key: &str,
        version: &Version,
        (keep, all): (u64, bool),
        tail: Vec<Bytes>,
    ) -> Result<Version> {
        if keep > 0
            && let Backend::Local(files) = &self.inner.backend
        {
            return local::patch(self.context(), files, key, version, (keep, tail)).await;
        }
        if let Backend::Object(object) = &self.inner.backend
            && let Some(version) = object
                .patch(self.context(), key, version, (keep, all), &tail)
                .await?
        {
            return Ok(version);
        }
        let mut payload = self.start_of(key, version, keep).await?;
        payload.extend(tail);
        let precondition = Precondition::IfVersion(version.clone());
        self.put(key, payload, precondition).await
    }

    /// Waits until no other writer changes an object, and keeps other writers away until the next
    /// put or patch of the object by this store or until the result is dropped; `None` if the
    /// backend has no locks. Only local files have: a writer whose condition failed again and again
    /// holds the object, reads it, and puts it. A killed process holds nothing.
    ///
    /// `None` without a tokio runtime as well: a call that waits for another writer then blocks its
    /// thread, which may be the one that has to release an object.
    ///
    /// # Errors
    ///
    /// If the store is read-only, or the lock cannot be taken.
    pub async fn hold(&self, key: &str) -> Result<Option<local::Hold>> {
        self.context().check_write(key, "hold")?;
        self.context().check_key(key)?;
        match &self.inner.backend {
            Backend::Local(files) if Handle::try_current().is_ok() => {
                local::hold(self.context(), files, key).await.map(Some)
            }
            Backend::Local(_) | Backend::Object(_) | Backend::Zip(_) => Ok(None),
        }
    }

    /// Reads the first `size` bytes of an object at a version.
    async fn start_of(&self, key: &str, version: &Version, size: u64) -> Result<Vec<Bytes>> {
        let conflict = |reason| Error::Conflict {
            place: self.context().place(key),
            reason,
        };
        if size == 0 {
            return Ok(Vec::new());
        }
        let range = ByteRange::Range(0..size);
        let body = match self.get(key, &range, Some(version)).await {
            Err(error) if error.kind() == ErrorKind::Changed => {
                return Err(conflict("the object has another version"));
            }
            body => body?.ok_or_else(|| conflict("the object no longer exists"))?,
        };
        if body.bytes.len() as u64 != size {
            return Err(conflict("the object is shorter than the bytes to keep"));
        }
        Ok(vec![body.bytes])
    }
}
