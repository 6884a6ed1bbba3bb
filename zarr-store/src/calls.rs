//! The operations of a store: checks their arguments and dispatches to the backend.

use std::ops::Range;
use std::time::Duration;

use bytes::Bytes;
use futures::stream::{self, BoxStream};
use futures::{FutureExt, StreamExt, TryStreamExt};

use crate::byte_range::ByteRange;
use crate::error::Result;
#[cfg(feature = "http")]
use crate::object::Listings;
use crate::object::sign::{Method, unsupported};
use crate::results::{Body, Entry, Listing, ObjectInfo, RangeBody, Revalidated};
use crate::store::Backend;
use crate::version::{Precondition, Version};
use crate::{Store, local};

/// The most keys in one batch.
const BATCH: usize = 1000;

impl Store {
    /// Reads a range of an object; `None` if the object definitely does not exist. A read is one
    /// request and never asks for the size first, except for a [`ByteRange::Suffix`] on Azure and
    /// for a range outside the object.
    ///
    /// The range is clamped to the object. [`ByteRange::All`] takes as much memory as the object is
    /// large: to bound memory for an object of unknown size, request a [`ByteRange::Range`] and
    /// look at [`Body::object_size`].
    ///
    /// # Errors
    ///
    /// [`Changed`](crate::Error::Changed) if the object is not, or no longer, at `version`; any
    /// other failure that is not a definite absence.
    pub async fn get(
        &self,
        key: &str,
        range: &ByteRange,
        version: Option<&Version>,
    ) -> Result<Option<Body>> {
        self.context().check_key(key)?;
        match &self.inner.backend {
            Backend::Local(local) => local::get(self.context(), local, key, range, version).await,
            Backend::Object(object) => object.get(self.context(), key, range, version).await,
            Backend::Zip(zip) => zip.get(self.context(), key, range, version).await,
        }
    }

    /// Returns the range that reads a whole object expected to have at most `most` bytes: one byte
    /// more, so that a larger object is detected without being read in full; or [`ByteRange::All`]
    /// on a [bare backend](Self::with_bare_backend).
    #[must_use]
    pub fn whole(&self, most: u64) -> ByteRange {
        match &self.inner.backend {
            Backend::Object(object) if object.quirks.bare => ByteRange::All,
            _ => ByteRange::Range(0..most.saturating_add(1)),
        }
    }

    /// Reads a range of an object unless the object is still the version `known`, in which case no
    /// bytes are read or sent. One request, with `If-None-Match`.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> zarr_store::Result<()> {
    /// use zarr_store::{ByteRange, Precondition, Revalidated, Store};
    ///
    /// let store = Store::open("memory:")?;
    /// let known = store.put("k", vec!["old".into()], Precondition::None).await?;
    /// let again = store.get_if_changed("k", &ByteRange::All, &known).await?;
    /// assert_eq!(again, Revalidated::Unchanged);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// See [`get`](Self::get).
    pub async fn get_if_changed(
        &self,
        key: &str,
        range: &ByteRange,
        known: &Version,
    ) -> Result<Revalidated> {
        self.context().check_key(key)?;
        match &self.inner.backend {
            Backend::Local(local) => {
                local::get_if_changed(self.context(), local, key, range, known).await
            }
            Backend::Object(object) => {
                object
                    .get_if_changed(self.context(), key, range, known)
                    .await
            }
            Backend::Zip(zip) => zip.get_if_changed(self.context(), key, range, known).await,
        }
    }

    /// A [`get`](Self::get) that never waits: `None` if the result is not at hand or exceeds `most`
    /// bytes. Data is at hand in memory or, for local files on Linux, in the page cache.
    ///
    /// # Errors
    ///
    /// See [`get`](Self::get).
    pub fn get_now(&self, key: &str, range: &ByteRange, most: u64) -> Option<Result<Option<Body>>> {
        if let Err(error) = self.context().check_key(key) {
            return Some(Err(error));
        }
        match &self.inner.backend {
            Backend::Local(local) => local.get_now(key, range, most).transpose(),
            Backend::Object(object) if !object.quirks.remote => {
                object.get(self.context(), key, range, None).now_or_never()
            }
            Backend::Object(_) | Backend::Zip(_) => None,
        }
    }

    /// Reads many ranges of one object, in as few and as evenly sized requests as the cost model
    /// allows. Ranges may overlap, repeat and come in any order; the stream yields each as soon as
    /// its bytes have arrived, and ends after an error. On a remote store, calls that run at the same
    /// time on one runtime, for one version of one object and up to 64 MiB in total, share requests.
    ///
    /// Ranges are not clamped: a range that reaches past the end is
    /// [`ShortBody`](crate::Error::ShortBody). An empty range costs no request.
    ///
    /// # Errors
    ///
    /// If the object is gone, [`Changed`](crate::Error::Changed) with a version and
    /// [`NotFound`](crate::Error::NotFound) without one; if the object has another version,
    /// `Changed`.
    pub fn get_ranges(
        &self,
        key: &str,
        ranges: Vec<Range<u64>>,
        version: Option<&Version>,
    ) -> BoxStream<'static, Result<RangeBody>> {
        if let Err(error) = self.context().check_key(key) {
            return stream::once(async { Err(error) }).boxed();
        }
        match &self.inner.backend {
            Backend::Local(local) => local::get_ranges(self.context(), local, key, ranges, version),
            Backend::Object(object) => object.get_ranges(self.context(), key, ranges, version),
            Backend::Zip(zip) => zip.get_ranges(self.context(), key, ranges, version),
        }
    }

    /// Writes a whole object from segments that are not joined first. Readers see either the old
    /// object or the new one.
    ///
    /// If a store other than memory and local files reports a failed condition, or does not answer,
    /// the object is read back. If its bytes equal the payload, only the acknowledgement was lost,
    /// and the put succeeded; if the condition still holds, the put is retried. Writers that may
    /// put equal bytes and must be told apart have to include something unique in the payload.
    ///
    /// Plain web servers have no conditional puts, and some servers that speak S3 silently ignore
    /// conditions: see [`with_probe`](Self::with_probe) and
    /// [`with_single_writer`](Self::with_single_writer).
    ///
    /// # Errors
    ///
    /// [`Conflict`](crate::Error::Conflict) if the precondition does not hold;
    /// [`Unsupported`](crate::Error::Unsupported) if the backend does not support the condition.
    pub async fn put(
        &self,
        key: &str,
        payload: Vec<Bytes>,
        precondition: Precondition,
    ) -> Result<Version> {
        self.context().check_write(key, "put")?;
        self.context().check_key(key)?;
        match &self.inner.backend {
            Backend::Local(local) => {
                local::put(self.context(), local, key, payload, precondition).await
            }
            Backend::Object(object) => object.put(self.context(), key, payload, precondition).await,
            Backend::Zip(_) => Err(self.context().refuse_write(key, "put")),
        }
    }

    /// Runs an unconditional [`put`](Self::put) or, without a payload, a [`delete`](Self::delete)
    /// on the calling thread: for local files, where the call is faster than waking another thread.
    /// Returns `None` and does nothing on other stores and with
    /// [`Durability::Synced`](crate::Durability::Synced).
    ///
    /// # Errors
    ///
    /// See [`put`](Self::put) and [`delete`](Self::delete).
    pub fn replace_here(&self, key: &str, payload: Option<&[Bytes]>) -> Option<Result<()>> {
        let local = self.as_local().filter(|local| !local.is_synced())?;
        let operation = if payload.is_some() { "put" } else { "delete" };
        let checked = self.context().check_write(key, operation);
        Some(
            checked
                .and_then(|()| self.context().check_key(key))
                .and_then(|()| match payload {
                    Some(payload) => local.overwrite(key, payload, &mut None),
                    None => local.delete(key, &mut None),
                }),
        )
    }

    /// Deletes an object. A missing object is not an error.
    ///
    /// # Errors
    ///
    /// If the backend refuses or fails.
    pub async fn delete(&self, key: &str) -> Result<()> {
        self.context().check_write(key, "delete")?;
        self.context().check_key(key)?;
        match &self.inner.backend {
            Backend::Local(local) => local::delete(self.context(), local, key).await,
            Backend::Object(object) => object.delete(self.context(), key).await,
            Backend::Zip(_) => Err(self.context().refuse_write(key, "delete")),
        }
    }

    /// Deletes objects, in bulk if the backend can. Missing objects are not an error. Not atomic.
    ///
    /// # Errors
    ///
    /// If the backend refuses or fails; some objects may already be deleted.
    pub async fn delete_all(&self, keys: &[String]) -> Result<()> {
        for key in keys {
            self.context().check_write(key, "delete")?;
            self.context().check_key(key)?;
        }
        match &self.inner.backend {
            Backend::Local(local) => local::delete_all(self.context(), local, keys).await,
            Backend::Object(object) => object.delete_all(self.context(), keys).await,
            Backend::Zip(_) => Err(self.context().refuse_write("", "delete")),
        }
    }

    /// Deletes every object below a prefix: `foo` stands for `foo/...`, not for `foo` itself or
    /// `foo-bar`; the empty prefix stands for the whole store. Not atomic; objects that other
    /// writers put meanwhile may remain.
    ///
    /// # Errors
    ///
    /// If the backend refuses or fails; some objects may already be deleted.
    pub async fn delete_prefix(&self, prefix: &str) -> Result<()> {
        self.context().check_write(prefix, "delete")?;
        let prefix = self.context().check_prefix(prefix)?;
        match &self.inner.backend {
            Backend::Local(local) => local::delete_prefix(self.context(), local, prefix).await,
            Backend::Object(object) => object.delete_prefix(self.context(), prefix).await,
            Backend::Zip(_) => Err(self.context().refuse_write(prefix, "delete")),
        }
    }

    /// Lists every object below a prefix, at any depth. A missing prefix lists nothing. Local files
    /// are sorted by key.
    pub fn list(&self, prefix: &str) -> BoxStream<'static, Result<Entry>> {
        match self.context().check_prefix(prefix) {
            Err(error) => stream::once(async { Err(error) }).boxed(),
            Ok(prefix) => match &self.inner.backend {
                Backend::Local(local) => local::list(self.context(), local, prefix),
                Backend::Object(object) => object.list(self.context(), prefix),
                Backend::Zip(zip) => zip.list(prefix),
            },
        }
    }

    /// Lists the key of every object below a prefix, in batches: [`list`](Self::list) without
    /// sizes, so no local file is examined.
    pub fn list_keys(&self, prefix: &str) -> BoxStream<'static, Result<Vec<String>>> {
        match (self.context().check_prefix(prefix), &self.inner.backend) {
            (Err(error), _) => stream::once(async { Err(error) }).boxed(),
            (Ok(prefix), Backend::Local(local)) => local::list_keys(self.context(), local, prefix),
            #[cfg(feature = "http")]
            (Ok(prefix), Backend::Object(object)) if object.quirks.list == Listings::Html => object
                .list_links(self.context(), prefix)
                .try_ready_chunks(BATCH)
                .map_err(|failed| failed.1)
                .boxed(),
            (Ok(prefix), _) => self
                .list(prefix)
                .map_ok(|entry| entry.key)
                .try_ready_chunks(BATCH)
                .map_err(|failed| failed.1)
                .boxed(),
        }
    }

    /// Lists the names directly below a prefix. A missing prefix gives an empty listing.
    ///
    /// # Errors
    ///
    /// If the backend refuses, fails, or cannot list.
    pub async fn list_dir(&self, prefix: &str) -> Result<Listing> {
        let prefix = self.context().check_prefix(prefix)?;
        match &self.inner.backend {
            Backend::Local(local) => local::list_dir(self.context(), local, prefix).await,
            Backend::Object(object) => object.list_dir(self.context(), prefix).await,
            Backend::Zip(zip) => zip.list_dir(prefix).await,
        }
    }

    /// Returns the size of an object, in bytes; `None` if the object definitely does not exist.
    ///
    /// # Errors
    ///
    /// Any failure that is not a definite absence.
    pub async fn size(&self, key: &str) -> Result<Option<u64>> {
        Ok(self.head(key).await?.map(|info| info.size))
    }

    /// Returns the size and version of an object; `None` if the object definitely does not exist.
    ///
    /// # Errors
    ///
    /// Any failure that is not a definite absence.
    pub async fn head(&self, key: &str) -> Result<Option<ObjectInfo>> {
        self.context().check_key(key)?;
        match &self.inner.backend {
            Backend::Local(local) => local::head(self.context(), local, key).await,
            Backend::Object(object) => object.describe(self.context(), key).await,
            Backend::Zip(zip) => zip.head(self.context(), key).await,
        }
    }

    /// Returns a signed URL: until it expires, anybody can send one kind of request for an object
    /// with it, using the credentials of this store. The URL is a secret. The object need not
    /// exist; signing sends no request for it.
    ///
    /// # Errors
    ///
    /// [`Unsupported`](crate::Error::Unsupported) if the credentials cannot sign or the backend has
    /// no signed URLs; only S3, Google Cloud Storage and Azure have them.
    pub async fn sign(&self, key: &str, method: Method, expires_in: Duration) -> Result<String> {
        if matches!(method, Method::Put | Method::Delete) {
            self.context().check_write(key, "sign")?;
        }
        self.context().check_key(key)?;
        match &self.inner.backend {
            Backend::Object(object) => object.sign(self.context(), key, method, expires_in).await,
            Backend::Local(_) | Backend::Zip(_) => Err(unsupported(self.context(), key)),
        }
    }
}
