//! The calls of a store: what comes in is checked here, and handed to the backend.

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
use crate::store::Backend;
use crate::version::{Precondition, Version};
use crate::{Store, local};

/// The most keys that come at once.
const BATCH: usize = 1000;

/// The bytes of one read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Body {
    /// The bytes of `range`.
    pub bytes: Bytes,
    /// Where they stand in the object: the range asked for, clamped to the object.
    pub range: Range<u64>,
    /// The size of the whole object, in bytes.
    pub object_size: u64,
    /// The version that the bytes belong to.
    pub version: Version,
}

/// The answer to a [`get_if_changed`](Store::get_if_changed).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Revalidated {
    /// The object is still the known version.
    Unchanged,
    /// The object is another version, or the backend cannot tell.
    Changed(Body),
    /// There definitely is no object.
    Absent,
}

impl Revalidated {
    pub(crate) fn of(body: Option<Body>) -> Self {
        body.map_or(Self::Absent, Self::Changed)
    }
}

/// The bytes of one of many ranges.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RangeBody {
    /// The index of the range in the request.
    pub index: usize,
    /// Its bytes. They may be a slice of a larger buffer: copy what is to be kept.
    pub bytes: Bytes,
}

/// An object in a listing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// The key, from the root of the store.
    pub key: String,
    /// The size, in bytes.
    pub size: u64,
}

/// What a store says of an object without its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectInfo {
    /// The size, in bytes.
    pub size: u64,
    /// The version, unknown where the backend tells none.
    pub version: Version,
}

/// The names directly below a prefix: sorted, without duplicates, relative to it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// The objects.
    pub keys: Vec<String>,
    /// The prefixes with something below them, without a trailing `/`.
    pub prefixes: Vec<String>,
}

impl Store {
    /// Reads a range of an object; `None` if there definitely is no object. One request, never one for the size first,
    /// but on Azure for a [`ByteRange::Suffix`], and where a range turns out to be outside of the object.
    ///
    /// The range is clamped to the object. [`ByteRange::All`] takes as much memory as the object has bytes: to bound it for an
    /// object of unknown size, ask for a [`ByteRange::Range`] and look at [`Body::object_size`].
    ///
    /// # Errors
    ///
    /// [`Changed`](crate::Error::Changed) if the object is not, or no longer, at `version`; everything else that is not a
    /// definite absence.
    pub async fn get(
        &self,
        key: &str,
        range: &ByteRange,
        version: Option<&Version>,
    ) -> Result<Option<Body>> {
        self.check_key(key)?;
        match &self.inner.backend {
            Backend::Local(local) => local::get(self, local, key, range, version).await,
            Backend::Object(object) => object.get(self, key, range, version).await,
            Backend::Zip(zip) => zip.get(self, key, range, version).await,
        }
    }

    /// The range to ask for where an object is wanted whole that should have `most` bytes or fewer: one more, which tells a larger
    /// one without reading it, or all of it from a [bare backend](Self::with_bare_backend).
    #[must_use]
    pub fn whole(&self, most: u64) -> ByteRange {
        match &self.inner.backend {
            Backend::Object(object) if object.quirks.bare => ByteRange::All,
            _ => ByteRange::Range(0..most.saturating_add(1)),
        }
    }

    /// Reads a range of an object unless the object still is the version `known`: then no byte is read or sent. One request, with
    /// `If-None-Match`.
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
    /// As for [`get`](Self::get).
    pub async fn get_if_changed(
        &self,
        key: &str,
        range: &ByteRange,
        known: &Version,
    ) -> Result<Revalidated> {
        self.check_key(key)?;
        match &self.inner.backend {
            Backend::Local(local) => local::get_if_changed(self, local, key, range, known).await,
            Backend::Object(object) => object.get_if_changed(self, key, range, known).await,
            Backend::Zip(zip) => zip.get_if_changed(self, key, range, known).await,
        }
    }

    /// A [`get`](Self::get) that never waits: `None` where the answer is not at hand, in memory or in what the operating
    /// system keeps of local files (on Linux), or would be more than `most` bytes.
    ///
    /// # Errors
    ///
    /// As for [`get`](Self::get).
    pub fn get_now(&self, key: &str, range: &ByteRange, most: u64) -> Option<Result<Option<Body>>> {
        if let Err(error) = self.check_key(key) {
            return Some(Err(error));
        }
        match &self.inner.backend {
            Backend::Local(local) => local.get_now(key, range, most).transpose(),
            Backend::Object(object) if !object.quirks.remote => {
                object.get(self, key, range, None).now_or_never()
            }
            Backend::Object(_) | Backend::Zip(_) => None,
        }
    }

    /// Reads many ranges of one object, in as few and as even requests as the cost model says. Ranges may overlap, repeat
    /// and stand in any order, and come back as they complete. The stream ends after an error.
    ///
    /// Nothing is clamped: a range that reaches past the end is [`ShortBody`](crate::Error::ShortBody). An empty range costs
    /// no request.
    ///
    /// # Errors
    ///
    /// An object that is gone is [`Changed`](crate::Error::Changed) with a version and
    /// [`NotFound`](crate::Error::NotFound) without; one that is another version is `Changed`.
    pub fn get_ranges(
        &self,
        key: &str,
        ranges: Vec<Range<u64>>,
        version: Option<&Version>,
    ) -> BoxStream<'static, Result<RangeBody>> {
        if let Err(error) = self.check_key(key) {
            return stream::once(async { Err(error) }).boxed();
        }
        match &self.inner.backend {
            Backend::Local(local) => local::get_ranges(self, local, key, ranges, version),
            Backend::Object(object) => object.get_ranges(self, key, ranges, version),
            Backend::Zip(zip) => zip.get_ranges(self, key, ranges, version),
        }
    }

    /// Writes an object as a whole, from segments that are not joined first. Readers see the old object or the new one.
    ///
    /// Where a store other than memory and local files says that the condition failed, or says nothing, the object is read
    /// back: if its bytes are the ones just sent, an acknowledgement was lost, and the put succeeded; if the condition still
    /// holds, the put is tried again. Writers whose equal bytes must not pass for each other's have to put something unique
    /// into them.
    ///
    /// Plain web servers have no conditional puts, and some servers that speak S3 ignore conditions without saying so: see
    /// [`with_probe`](Self::with_probe) and [`with_single_writer`](Self::with_single_writer).
    ///
    /// # Errors
    ///
    /// [`Conflict`](crate::Error::Conflict) if the precondition does not hold; [`Unsupported`](crate::Error::Unsupported) if
    /// the backend has no such condition.
    pub async fn put(
        &self,
        key: &str,
        payload: Vec<Bytes>,
        precondition: Precondition,
    ) -> Result<Version> {
        self.check_write(key, "put")?;
        self.check_key(key)?;
        match &self.inner.backend {
            Backend::Local(local) => local::put(self, local, key, payload, precondition).await,
            Backend::Object(object) => object.put(self, key, payload, precondition).await,
            Backend::Zip(_) => Err(self.refuse_write(key, "put")),
        }
    }

    /// A [`put`](Self::put) without condition or, without a payload, a [`delete`](Self::delete), on the calling thread: for
    /// files, where it takes less time than another thread needs to wake up. `None`, and nothing done, for other stores and
    /// with [`Durability::Synced`](crate::Durability::Synced).
    ///
    /// # Errors
    ///
    /// As for [`put`](Self::put) and [`delete`](Self::delete).
    pub fn replace_here(&self, key: &str, payload: Option<&[Bytes]>) -> Option<Result<()>> {
        let local = self.as_local().filter(|local| !local.is_synced())?;
        let operation = if payload.is_some() { "put" } else { "delete" };
        let checked = self.check_write(key, operation);
        Some(
            checked
                .and_then(|()| self.check_key(key))
                .and_then(|()| match payload {
                    Some(payload) => local.put(key, payload, &Precondition::None).map(drop),
                    None => local.delete(key),
                }),
        )
    }

    /// Deletes an object; one that does not exist is fine.
    ///
    /// # Errors
    ///
    /// If the backend refuses or fails.
    pub async fn delete(&self, key: &str) -> Result<()> {
        self.check_write(key, "delete")?;
        self.check_key(key)?;
        match &self.inner.backend {
            Backend::Local(local) => local::delete(self, local, key).await,
            Backend::Object(object) => object.delete(self, key).await,
            Backend::Zip(_) => Err(self.refuse_write(key, "delete")),
        }
    }

    /// Deletes objects, in bulk where the backend can; those that do not exist are fine. Not atomic.
    ///
    /// # Errors
    ///
    /// If the backend refuses or fails; some objects may be gone then.
    pub async fn delete_all(&self, keys: &[String]) -> Result<()> {
        for key in keys {
            self.check_write(key, "delete")?;
            self.check_key(key)?;
        }
        match &self.inner.backend {
            Backend::Local(local) => local::delete_all(self, local, keys).await,
            Backend::Object(object) => object.delete_all(self, keys).await,
            Backend::Zip(_) => Err(self.refuse_write("", "delete")),
        }
    }

    /// Deletes every object below a prefix: `foo` means `foo/...`, not `foo` itself and not `foo-bar`; the empty prefix is
    /// everything. Not atomic, and objects that others put meanwhile may stay.
    ///
    /// # Errors
    ///
    /// If the backend refuses or fails; some objects may be gone then.
    pub async fn delete_prefix(&self, prefix: &str) -> Result<()> {
        self.check_write(prefix, "delete")?;
        let prefix = self.check_prefix(prefix)?;
        match &self.inner.backend {
            Backend::Local(local) => local::delete_prefix(self, local, prefix).await,
            Backend::Object(object) => object.delete_prefix(self, prefix).await,
            Backend::Zip(_) => Err(self.refuse_write(prefix, "delete")),
        }
    }

    /// Lists every object below a prefix, at any depth. A missing prefix is empty. Local files come sorted by key.
    pub fn list(&self, prefix: &str) -> BoxStream<'static, Result<Entry>> {
        match self.check_prefix(prefix) {
            Err(error) => stream::once(async { Err(error) }).boxed(),
            Ok(prefix) => match &self.inner.backend {
                Backend::Local(local) => local::list(self, local, prefix),
                Backend::Object(object) => object.list(self, prefix),
                Backend::Zip(zip) => zip.list(prefix),
            },
        }
    }

    /// Lists the key of every object below a prefix, batch by batch: [`list`](Self::list) without the sizes, for which no
    /// local file is looked at.
    pub fn list_keys(&self, prefix: &str) -> BoxStream<'static, Result<Vec<String>>> {
        match (self.check_prefix(prefix), &self.inner.backend) {
            (Err(error), _) => stream::once(async { Err(error) }).boxed(),
            (Ok(prefix), Backend::Local(local)) => local::list_keys(self, local, prefix),
            #[cfg(feature = "http")]
            (Ok(prefix), Backend::Object(object)) if object.quirks.list == Listings::Html => object
                .list_links(self, prefix)
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

    /// Lists the names directly below a prefix. A missing prefix is empty.
    ///
    /// # Errors
    ///
    /// If the backend refuses, fails, or cannot list.
    pub async fn list_dir(&self, prefix: &str) -> Result<Listing> {
        let prefix = self.check_prefix(prefix)?;
        match &self.inner.backend {
            Backend::Local(local) => local::list_dir(self, local, prefix).await,
            Backend::Object(object) => object.list_dir(self, prefix).await,
            Backend::Zip(zip) => zip.list_dir(prefix).await,
        }
    }

    /// The size of an object, in bytes; `None` if there definitely is no object.
    ///
    /// # Errors
    ///
    /// Everything that is not a definite absence.
    pub async fn size(&self, key: &str) -> Result<Option<u64>> {
        Ok(self.head(key).await?.map(|info| info.size))
    }

    /// The size and version of an object; `None` if there definitely is no object.
    ///
    /// # Errors
    ///
    /// Everything that is not a definite absence.
    pub async fn head(&self, key: &str) -> Result<Option<ObjectInfo>> {
        self.check_key(key)?;
        match &self.inner.backend {
            Backend::Local(local) => local::head(self, local, key).await,
            Backend::Object(object) => object.describe(self, key).await,
            Backend::Zip(zip) => zip.head(self, key).await,
        }
    }

    /// A URL with which anybody can send one kind of request for an object until it expires, with the credentials of this store. The
    /// URL is a secret. No request is made for the object, which need not exist.
    ///
    /// # Errors
    ///
    /// [`Unsupported`](crate::Error::Unsupported) where the backend has no signed URLs: all but S3, Google Cloud Storage and
    /// Azure; and if there are no credentials that can sign.
    pub async fn sign(&self, key: &str, method: Method, expires_in: Duration) -> Result<String> {
        if matches!(method, Method::Put | Method::Delete) {
            self.check_write(key, "sign")?;
        }
        self.check_key(key)?;
        match &self.inner.backend {
            Backend::Object(object) => object.sign(self, key, method, expires_in).await,
            Backend::Local(_) | Backend::Zip(_) => Err(unsupported(self, key)),
        }
    }
}
