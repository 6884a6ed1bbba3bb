//! The handle: what every call goes through before it reaches a backend, and what comes back.

use std::fmt;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use futures::StreamExt;
use futures::stream::BoxStream;
use object_store::ObjectStore;
use object_store::memory::InMemory;
use tokio::sync::Semaphore;
use zarr_core::ByteRange;

use crate::counts::Counters;
use crate::error::{Error, Place, Result};
use crate::local::{Durability, LocalStore};
use crate::object::{ObjectBackend, Quirks};
use crate::version::{Precondition, Version};
use crate::{CostModel, RequestCounts, key, local, open, redact};

/// A flat map from keys to objects: a local directory, memory, or any [`ObjectStore`].
///
/// Cloning is cheap and shares connections, counters and the limit of requests in flight. Calls on a remote store run as
/// tasks of the current tokio runtime, and calls on a local one on its blocking threads; dropping a future cancels it, and
/// a put that is dropped leaves the old object or the new one.
#[derive(Clone)]
pub struct Store {
    pub(crate) inner: Arc<Inner>,
}

#[derive(Clone)]
pub(crate) struct Inner {
    backend: Backend,
    /// Redacted.
    location: Arc<str>,
    read_only: bool,
    cost: CostModel,
    lanes: Arc<Semaphore>,
    counters: Arc<Counters>,
}

#[derive(Clone)]
enum Backend {
    Local(LocalStore),
    Object(ObjectBackend),
}

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

/// The names directly below a prefix: sorted, without duplicates, relative to it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// The objects.
    pub keys: Vec<String>,
    /// The prefixes with something below them, without a trailing `/`.
    pub prefixes: Vec<String>,
}

impl Store {
    /// An empty store in memory.
    #[must_use]
    pub fn memory() -> Self {
        let backend = ObjectBackend::new(Arc::new(InMemory::new()), Quirks::memory());
        Self::from_object(backend, "memory://", CostModel::memory())
    }

    /// A store in a local directory. Nothing is created before the first put, and a missing directory reads as empty.
    ///
    /// # Errors
    ///
    /// If the current directory, which a relative path is resolved against, is not accessible.
    pub fn local(root: impl AsRef<Path>) -> Result<Self> {
        let root = root.as_ref();
        let location: Arc<str> = root.to_string_lossy().into();
        let root = std::path::absolute(root)
            .map_err(|source| Error::io(Place::new(&location, ""), "open", source))?;
        let location = root.to_string_lossy().into_owned();
        let local = LocalStore::new(root, location.as_str().into());
        let mut inner = Self::inner(Backend::Local(local.clone()), &location, CostModel::local());
        inner.counters = local.counters();
        Ok(inner.into())
    }

    /// Any [`ObjectStore`], with a name for messages, from which user info and query are removed if it is a URL.
    #[must_use]
    pub fn new(store: Arc<dyn ObjectStore>, location: impl Into<String>) -> Self {
        let backend = ObjectBackend::new(store, Quirks::default());
        Self::from_object(backend, &location.into(), CostModel::object())
    }

    pub(crate) fn from_object(backend: ObjectBackend, location: &str, cost: CostModel) -> Self {
        Self::inner(Backend::Object(backend), location, cost).into()
    }

    fn inner(backend: Backend, location: &str, cost: CostModel) -> Inner {
        Inner {
            backend,
            location: redact::text(location).into(),
            read_only: false,
            lanes: Arc::new(Semaphore::new(cost.lanes.max(1))),
            cost,
            counters: Arc::default(),
        }
    }

    /// The store at a URL: `memory:`, a bare path or `file://`, and with the features of these names `s3://`, `gs://`
    /// (`gcs`), `az://` (`azure`), `http://` and `https://` (`http`). Credentials and settings come from the environment.
    ///
    /// ```
    /// let store = zarr_store::Store::open("memory:")?;
    /// assert_eq!(store.location(), "memory://");
    /// # Ok::<_, zarr_store::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If the URL names no known store, its feature is off, or the settings do not make a client.
    pub fn open(url: &str) -> Result<Self> {
        open::open(url, Vec::new())
    }

    /// As [`open`](Self::open), with options that go before the environment: the names that `object_store` gives them
    /// (`aws_region`, `endpoint`, `timeout`, ...), `max_retries`, and for web servers `webdav = true` to allow listing.
    ///
    /// # Errors
    ///
    /// As for [`open`](Self::open), and if an option is not known there.
    pub fn open_with(
        url: &str,
        options: impl IntoIterator<Item = (impl Into<String>, impl Into<String>)>,
    ) -> Result<Self> {
        let options = options
            .into_iter()
            .map(|(name, value)| (name.into(), value.into()))
            .collect();
        open::open(url, options)
    }

    /// The part of this store below a prefix, with keys relative to it.
    ///
    /// # Errors
    ///
    /// If the prefix is not a legal key; the empty prefix is this store.
    pub fn with_prefix(&self, prefix: &str) -> Result<Self> {
        let prefix = self.check_prefix(prefix)?;
        if prefix.is_empty() {
            return Ok(self.clone());
        }
        let place: Arc<str> = self.place(prefix).to_string().into();
        let mut inner = Inner::clone(&self.inner);
        inner.backend = match &self.inner.backend {
            Backend::Local(local) => Backend::Local(local.with_prefix(prefix, Arc::clone(&place))),
            Backend::Object(object) => Backend::Object(object.with_prefix(prefix)),
        };
        inner.location = place;
        Ok(inner.into())
    }

    /// This store, refusing every write.
    #[must_use]
    pub fn read_only(self) -> Self {
        self.edit(|inner| inner.read_only = true)
    }

    /// This store with another cost model, and a limit of requests in flight of its own.
    #[must_use]
    pub fn with_cost_model(self, cost: CostModel) -> Self {
        self.edit(|inner| {
            inner.lanes = Arc::new(Semaphore::new(cost.lanes.max(1)));
            inner.cost = cost;
        })
    }

    /// This store with another promise of what survives a power failure. Only local files know the difference.
    #[must_use]
    pub fn with_durability(self, durability: Durability) -> Self {
        self.edit(|inner| {
            if let Backend::Local(local) = &mut inner.backend {
                local.set_durability(durability);
            }
        })
    }

    fn edit(self, edit: impl FnOnce(&mut Inner)) -> Self {
        let mut inner = Arc::unwrap_or_clone(self.inner);
        edit(&mut inner);
        inner.into()
    }

    /// Where this store is, without user info and query.
    #[must_use]
    pub fn location(&self) -> &str {
        &self.inner.location
    }

    /// Whether every write is refused.
    #[must_use]
    pub fn is_read_only(&self) -> bool {
        self.inner.read_only
    }

    /// The cost model that ranges are planned with.
    #[must_use]
    pub fn cost_model(&self) -> &CostModel {
        &self.inner.cost
    }

    /// The requests made so far by this store, its clones and its prefixes.
    #[must_use]
    pub fn requests(&self) -> RequestCounts {
        self.inner.counters.snapshot()
    }

    /// The local files of this store, for positioned reads without a runtime.
    #[must_use]
    pub fn as_local(&self) -> Option<&LocalStore> {
        match &self.inner.backend {
            Backend::Local(local) => Some(local),
            Backend::Object(_) => None,
        }
    }

    /// Reads a range of an object; `None` if there definitely is no object. One request, never one for the size first,
    /// but on Azure for a [`ByteRange::Suffix`], and where a range turns out to be outside of the object.
    ///
    /// The range is clamped to the object. To bound memory for an object of unknown size, ask for a [`ByteRange::Range`]
    /// and look at [`Body::object_size`].
    ///
    /// # Errors
    ///
    /// [`Error::Changed`] if the object is not, or no longer, at `version`; everything else that is not a definite absence.
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
        }
    }

    /// Reads many ranges of one object, in as few and as even requests as the cost model says. Ranges may overlap, repeat
    /// and stand in any order, and come back as they complete. The stream ends after an error.
    ///
    /// Nothing is clamped: a range that reaches past the end is [`Error::ShortBody`]. An empty range costs no request.
    ///
    /// # Errors
    ///
    /// An object that is gone is [`Error::Changed`] with a version and [`Error::NotFound`] without; one that is another
    /// version is [`Error::Changed`].
    pub fn get_ranges(
        &self,
        key: &str,
        ranges: Vec<Range<u64>>,
        version: Option<&Version>,
    ) -> BoxStream<'static, Result<RangeBody>> {
        if let Err(error) = self.check_key(key) {
            return futures::stream::once(async { Err(error) }).boxed();
        }
        match &self.inner.backend {
            Backend::Local(local) => local::get_ranges(self, local, key, ranges, version),
            Backend::Object(object) => object.get_ranges(self, key, ranges, version),
        }
    }

    /// Writes an object as a whole, from segments that are not joined first. Readers see the old object or the new one.
    ///
    /// Where a store other than memory and local files says that the condition failed, the object is read back: if its
    /// bytes are the ones just sent, the acknowledgement of a first attempt was lost, and the put succeeded. Writers whose
    /// equal bytes must not pass for each other's have to put something unique into them.
    ///
    /// Plain web servers have no conditional puts, and some servers that speak S3 ignore conditions without saying so.
    ///
    /// # Errors
    ///
    /// [`Error::Conflict`] if the precondition does not hold; [`Error::Unsupported`] if the backend has no such condition.
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
        }
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
        }
    }

    /// Lists every object below a prefix, at any depth. A missing prefix is empty. Local files come sorted by key.
    pub fn list(&self, prefix: &str) -> BoxStream<'static, Result<Entry>> {
        match self.check_prefix(prefix) {
            Err(error) => futures::stream::once(async { Err(error) }).boxed(),
            Ok(prefix) => match &self.inner.backend {
                Backend::Local(local) => local::list(self, local, prefix),
                Backend::Object(object) => object.list(self, prefix),
            },
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
        }
    }

    /// The size of an object, in bytes; `None` if there definitely is no object.
    ///
    /// # Errors
    ///
    /// Everything that is not a definite absence.
    pub async fn size(&self, key: &str) -> Result<Option<u64>> {
        self.check_key(key)?;
        match &self.inner.backend {
            Backend::Local(local) => local::size(self, local, key).await,
            Backend::Object(object) => object.size(self, key).await,
        }
    }

    pub(crate) fn place(&self, key: &str) -> Place {
        Place::new(&self.inner.location, key)
    }

    pub(crate) fn counters(&self) -> &Arc<Counters> {
        &self.inner.counters
    }

    pub(crate) fn lanes(&self) -> Arc<Semaphore> {
        Arc::clone(&self.inner.lanes)
    }

    fn check_key(&self, key: &str) -> Result<()> {
        key::check(key).map_err(|reason| Error::InvalidKey {
            place: self.place(key),
            reason,
        })
    }

    fn check_prefix<'a>(&self, prefix: &'a str) -> Result<&'a str> {
        key::check_prefix(prefix).map_err(|reason| Error::InvalidKey {
            place: self.place(prefix),
            reason,
        })
    }

    fn check_write(&self, key: &str, operation: &'static str) -> Result<()> {
        if !self.inner.read_only {
            return Ok(());
        }
        Err(Error::ReadOnly {
            place: self.place(key),
            operation,
        })
    }
}

impl From<Inner> for Store {
    fn from(inner: Inner) -> Self {
        Self {
            inner: Arc::new(inner),
        }
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store")
            .field("location", &self.inner.location)
            .field("read_only", &self.inner.read_only)
            .finish_non_exhaustive()
    }
}
