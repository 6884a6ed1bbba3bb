//! The [`Store`] handle: constructors and settings. Its operations are in `calls`.

use std::fmt;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use object_store::ObjectStore;

use crate::context::Context;
use crate::error::{Error, Place, Result};
use crate::local::{Durability, LocalStore};
use crate::object::{ObjectBackend, Quirks};
use crate::results::{Body, RangeBody};
use crate::zip::{Archive, ZipStore};
use crate::{ByteRange, CostModel, Deadline, RequestCounts, Version, address, redact};

/// A flat map from keys to objects: a local directory, memory, any [`ObjectStore`], or a zip
/// archive in any of these.
///
/// Cloning is cheap; clones share connections, counters and the limit on requests in flight. Calls
/// on a remote store run as tasks of the current tokio runtime, calls on a local store on the
/// runtime's blocking threads. Dropping a future cancels the call; a cancelled put leaves either
/// the old object or the new one.
#[derive(Clone)]
pub struct Store {
    pub(crate) inner: Arc<Inner>,
}

#[derive(Clone)]
pub(crate) struct Inner {
    pub(crate) backend: Backend,
    context: Arc<Context>,
}

#[derive(Clone, Debug)]
pub(crate) enum Backend {
    Local(LocalStore),
    Object(ObjectBackend),
    Zip(ZipStore),
}

impl Store {
    /// Opens a store in a local directory. Nothing is created before the first put, and a missing
    /// directory reads as empty.
    ///
    /// # Errors
    ///
    /// If `root` is relative and the current directory is not accessible.
    pub fn local(root: impl AsRef<Path>) -> Result<Self> {
        let root = root.as_ref();
        let location: Arc<str> = root.to_string_lossy().into();
        let root = std::path::absolute(root)
            .map_err(|source| Error::io(Place::new(&location, ""), "open", source))?;
        let location = root.to_string_lossy().into_owned();
        let local = LocalStore::new(root, location.as_str().into());
        let mut context = Context::new(&location, CostModel::local());
        context.counters = local.counters();
        Ok(Self::of(Backend::Local(local), context))
    }

    /// Wraps any [`ObjectStore`]. `location` names the store in messages; if `location` is a URL,
    /// its user info and query are removed. Conditional puts of the wrapped store are trusted; see
    /// [`with_probe`](Self::with_probe).
    #[must_use]
    pub fn new(store: Arc<dyn ObjectStore>, location: impl Into<String>) -> Self {
        let backend = ObjectBackend::new(store, Quirks::default());
        Self::from_object(
            backend,
            &redact::text(&location.into()),
            CostModel::object(),
        )
    }

    /// Wraps a backend at a location without secrets.
    pub(crate) fn from_object(backend: ObjectBackend, location: &str, cost: CostModel) -> Self {
        Self::of(Backend::Object(backend), Context::new(location, cost))
    }

    fn of(backend: Backend, context: Context) -> Self {
        let context = Arc::new(context);
        Self {
            inner: Arc::new(Inner { backend, context }),
        }
    }

    /// Returns the store below a prefix, with keys relative to the prefix. The empty prefix returns
    /// this store.
    ///
    /// # Errors
    ///
    /// If the prefix is not a legal key, or if the resulting URL would be that of an archive, as
    /// with `a|zip:b`.
    pub fn with_prefix(&self, prefix: &str) -> Result<Self> {
        let prefix = self.context().check_prefix(prefix)?;
        if prefix.is_empty() {
            return Ok(self.clone());
        }
        let place: Arc<str> = self.shown(prefix)?.into();
        let backend = match &self.inner.backend {
            Backend::Local(local) => Backend::Local(local.with_prefix(prefix, Arc::clone(&place))),
            Backend::Object(object) => Backend::Object(object.with_prefix(prefix)),
            Backend::Zip(zip) => Backend::Zip(zip.with_prefix(prefix)),
        };
        let mut context = Context::clone(self.context());
        context.location = place;
        Ok(Self::of(backend, context))
    }

    /// Returns the URL or path of everything below a prefix.
    fn shown(&self, prefix: &str) -> Result<String> {
        let shown = address::shown(self.location(), prefix);
        shown.ok_or_else(|| Error::InvalidKey {
            place: self.context().place(prefix),
            reason: "the URL would name an archive",
        })
    }

    /// Returns a read-only store over the zip archive at a key: its members, stored or deflated,
    /// are the objects. The archive is read on first use, and the store stays at that version of
    /// the archive. In URLs, `|zip:` precedes the path inside the archive.
    ///
    /// ```
    /// let store = zarr_store::Store::open("data.zip|zip:images/first")?;
    /// assert!(store.location().ends_with("data.zip|zip:/images/first") && store.is_read_only());
    /// # Ok::<_, zarr_store::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If the key is not legal. A damaged archive is an error of the reads.
    pub fn zip(&self, key: &str) -> Result<Self> {
        self.context().check_key(key)?;
        let mut context = Context::clone(self.context());
        context.location = format!("{}|zip:", self.shown(key)?).into();
        context.read_only = true;
        let zip = ZipStore::new(Arc::new(self.clone()), key);
        Ok(Self::of(Backend::Zip(zip), context))
    }

    /// Returns this store with every write refused.
    #[must_use]
    pub fn read_only(self) -> Self {
        self.edit_context(|context| context.read_only = true)
    }

    /// Returns this store with another cost model and its own limit on requests in flight.
    #[must_use]
    pub fn with_cost_model(self, cost: CostModel) -> Self {
        self.edit_context(|context| context.set_cost(cost))
    }

    /// Returns this store with another deadline for its requests.
    #[must_use]
    pub fn with_deadline(self, deadline: Deadline) -> Self {
        self.edit_context(|context| context.deadline = deadline)
    }

    /// Returns this store, assuming that it has no other writer: before a put with a precondition,
    /// the store looks at the object, and then puts it without a condition. For backends without
    /// conditional puts (option `single_writer = true`).
    #[must_use]
    pub fn with_single_writer(self) -> Self {
        self.edit_quirks(|quirks| quirks.single_writer = true)
    }

    /// Returns this store with a probe before its first conditional put, which finds out whether
    /// the backend honours conditions: the probe puts an object `.zarr-store-probe-...` beside the
    /// object to be written, under conditions that do not hold, and deletes it. Stores opened from
    /// a URL probe once per endpoint and bucket in a process, except on services that are known to
    /// honour conditions: Amazon S3, Cloudflare R2, Google Cloud Storage, Azure, local files and
    /// memory. Stores made by [`new`](Self::new) do not probe unless this method is called.
    #[must_use]
    pub fn with_probe(self) -> Self {
        self.edit_quirks(|quirks| quirks.probe = true)
    }

    /// Returns this store with status 403 read as an absent object: some buckets answer 403 for a
    /// missing object if the caller may read but not list (option `missing_on_403 = true`). If the
    /// 403 has another cause, data reads as fill values.
    #[must_use]
    pub fn with_missing_on_403(self) -> Self {
        self.edit_quirks(|quirks| quirks.missing_on_403 = true)
    }

    /// Returns this store for a backend that maps keys to bytes and nothing more: puts drop their
    /// conditions, so one of two concurrent writes of an object is lost; sizes are never requested;
    /// and whole objects are read without a range.
    #[must_use]
    pub fn with_bare_backend(self) -> Self {
        self.edit_quirks(|quirks| quirks.bare = true)
    }

    fn edit_quirks(self, edit: impl FnOnce(&mut Quirks)) -> Self {
        self.edit(|inner| {
            if let Backend::Object(object) = &mut inner.backend {
                edit(&mut object.quirks);
            }
        })
    }

    /// Returns this store with another durability, which affects local files only.
    #[must_use]
    pub fn with_durability(self, durability: Durability) -> Self {
        self.edit(|inner| {
            if let Backend::Local(local) = &mut inner.backend {
                local.set_durability(durability);
            }
        })
    }

    fn edit_context(self, edit: impl FnOnce(&mut Context)) -> Self {
        self.edit(|inner| edit(Arc::make_mut(&mut inner.context)))
    }

    fn edit(mut self, edit: impl FnOnce(&mut Inner)) -> Self {
        edit(Arc::make_mut(&mut self.inner));
        self
    }

    /// The URL, path or name of this store, without user info and query.
    #[must_use]
    pub fn location(&self) -> &str {
        &self.inner.context.location
    }

    /// Whether every write is refused.
    #[must_use]
    pub fn is_read_only(&self) -> bool {
        self.inner.context.read_only
    }

    /// Fails if every write is refused, for callers that may turn out to have nothing to write.
    ///
    /// # Errors
    ///
    /// [`ReadOnly`](Error::ReadOnly) if the store is read-only.
    pub fn check_writable(&self) -> Result<()> {
        self.context().check_write("", "write")
    }

    /// Whether calls wait for a network. Calls on any other store run on the calling thread if it
    /// has no runtime, so that any executor can block on them.
    #[must_use]
    pub fn is_remote(&self) -> bool {
        match &self.inner.backend {
            Backend::Local(_) => false,
            Backend::Object(object) => object.quirks.remote,
            Backend::Zip(zip) => zip.is_remote(),
        }
    }

    /// Whether the store can list: `false` for plain web servers.
    #[must_use]
    pub fn can_list(&self) -> bool {
        match &self.inner.backend {
            Backend::Object(object) => object.can_list(),
            Backend::Local(_) | Backend::Zip(_) => true,
        }
    }

    /// The cost model for planning ranges.
    #[must_use]
    pub fn cost_model(&self) -> &CostModel {
        &self.inner.context.cost
    }

    /// The requests made so far by this store, its clones and its prefixes.
    #[must_use]
    pub fn requests(&self) -> RequestCounts {
        self.inner.context.counters.snapshot()
    }

    /// The local files of this store, for positioned reads without a runtime; `None` for other
    /// stores.
    #[must_use]
    pub fn as_local(&self) -> Option<&LocalStore> {
        match &self.inner.backend {
            Backend::Local(local) => Some(local),
            Backend::Object(_) | Backend::Zip(_) => None,
        }
    }

    /// Returns the keys of objects that are listed and cannot be read at all, with the reasons:
    /// members of an archive that are encrypted or compressed by another method than deflate.
    ///
    /// # Errors
    /// The errors of a listing.
    pub async fn unreadable(&self) -> Result<Vec<(String, Error)>> {
        match &self.inner.backend {
            Backend::Zip(zip) => zip.unreadable().await,
            Backend::Local(_) | Backend::Object(_) => Ok(Vec::new()),
        }
    }

    pub(crate) fn context(&self) -> &Arc<Context> {
        &self.inner.context
    }
}

impl Archive for Store {
    fn place(&self, key: &str) -> Place {
        self.context().place(key)
    }

    fn is_remote(&self) -> bool {
        self.is_remote()
    }

    fn get<'a>(
        &'a self,
        key: &'a str,
        range: &'a ByteRange,
    ) -> BoxFuture<'a, Result<Option<Body>>> {
        self.get(key, range, None).boxed()
    }

    fn get_ranges(
        &self,
        key: &str,
        ranges: Vec<Range<u64>>,
        version: &Version,
    ) -> BoxStream<'static, Result<RangeBody>> {
        self.get_ranges(key, ranges, Some(version))
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store")
            .field("location", &self.location())
            .field("read_only", &self.is_read_only())
            .finish_non_exhaustive()
    }
}
