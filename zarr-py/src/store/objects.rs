//! The remaining calls of `zarr_py.objects`: objects with their versions, conditions, copies,
//! signed URLs. Each call blocks without the GIL, or with `awaitable` returns an awaitable (for an
//! in-memory store, the result).

use std::time::Duration;

use futures::{StreamExt, TryStreamExt};
use pyo3::BoundObject;
use pyo3::prelude::*;
use zarr_store::{ByteRange, Error as StoreError, ErrorKind, Method, Precondition, Store, Version};

use super::NativeStore;
use super::batches::{Batch, Batches};
use crate::buffer::{Buffer, copy_of};
use crate::error::{Error, Result};

/// Number of entries in a batch.
const BATCH: usize = 1000;

/// One stored state of an object.
#[pyclass(
    frozen,
    eq,
    hash,
    from_py_object,
    name = "Version",
    module = "zarr_py._native"
)]
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct ObjectVersion(Version);

impl ObjectVersion {
    pub(crate) fn new(version: Version) -> Self {
        Self(version)
    }
}

#[pymethods]
impl ObjectVersion {
    /// Whether the backend reported a version: an unknown version cannot be a condition.
    #[getter]
    fn is_known(&self) -> bool {
        self.0.is_known()
    }

    fn __str__(&self) -> String {
        self.0.to_string()
    }

    fn __repr__(&self) -> String {
        format!("<Version {}>", self.0)
    }
}

/// The bytes, their position in the object, the size of the object, and its version.
type Fetched = (Buffer, (u64, u64), u64, ObjectVersion);

/// The Python result `None`.
type Nothing = Option<bool>;

fn not_found(store: &Store, key: &str) -> Error {
    let location = store.location().trim_end_matches('/');
    Error::Named("NotFoundError", format!("{location}/{key}: not found"))
}

/// Returns the version for a condition. An unknown version is refused, because it would impose no
/// condition.
fn known(store: &Store, key: &str, version: Option<ObjectVersion>) -> Result<Option<Version>> {
    match version {
        Some(ObjectVersion(version)) if !version.is_known() => {
            let location = store.location().trim_end_matches('/');
            let reason = "this store reports no versions, so a version cannot be a condition";
            Err(Error::Named(
                "UnsupportedError",
                format!("{location}/{key}: {reason}"),
            ))
        }
        version => Ok(version.map(|version| version.0)),
    }
}

fn precondition(
    store: &Store,
    key: &str,
    if_absent: bool,
    if_version: Option<ObjectVersion>,
) -> Result<Precondition> {
    Ok(match known(store, key, if_version)? {
        Some(version) => Precondition::IfVersion(version),
        None if if_absent => Precondition::IfAbsent,
        None => Precondition::None,
    })
}

/// The error of a failed put; with `if_absent`, a conflict means that the key exists.
fn put_error(error: StoreError, if_absent: bool) -> Error {
    if if_absent && error.kind() == ErrorKind::Conflict {
        let place = error.place().map(ToString::to_string).unwrap_or_default();
        return Error::Named("AlreadyExistsError", format!("{place}: already exists"));
    }
    error.into()
}

fn method(name: &str) -> Result<Method> {
    Ok(match name {
        "GET" => Method::Get,
        "HEAD" => Method::Head,
        "PUT" => Method::Put,
        "DELETE" => Method::Delete,
        _ => {
            let reason = format!("method: expected GET, HEAD, PUT or DELETE, got {name:?}");
            return Err(Error::Named("InvalidError", reason));
        }
    })
}

impl NativeStore {
    fn answer<'py, T>(
        &self,
        py: Python<'py>,
        awaitable: bool,
        call: impl Future<Output = Result<T>> + Send + 'static,
    ) -> PyResult<Bound<'py, PyAny>>
    where
        T: for<'a> IntoPyObject<'a> + Send + 'static,
    {
        if awaitable {
            return self.call(py, call);
        }
        let answer = self.wait(py, call)?.into_pyobject(py).map_err(Into::into)?;
        Ok(answer.into_bound().into_any())
    }
}

#[pymethods]
impl NativeStore {
    /// Reads an object from an offset, or its last bytes.
    #[pyo3(signature = (key, offset, suffix, version, *, awaitable = false))]
    fn fetch<'py>(
        &self,
        py: Python<'py>,
        key: String,
        offset: u64,
        suffix: Option<u64>,
        version: Option<ObjectVersion>,
        awaitable: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let store = self.store()?;
        let range = match (suffix, offset) {
            (Some(suffix), _) => ByteRange::Suffix(suffix),
            (None, 0) => ByteRange::All,
            (None, offset) => ByteRange::From(offset),
        };
        let version = known(&store, &key, version)?;
        self.answer(py, awaitable, async move {
            let body = store.get(&key, &range, version.as_ref()).await?;
            let body = body.ok_or_else(|| not_found(&store, &key))?;
            let fetched: Fetched = (
                Buffer::new(body.bytes),
                (body.range.start, body.range.end),
                body.object_size,
                ObjectVersion(body.version),
            );
            Ok(fetched)
        })
    }

    /// Reads byte ranges (start, end) of an object in the order given; the cost model chooses the
    /// requests.
    #[pyo3(signature = (key, ranges, version, *, awaitable = false))]
    fn fetch_ranges<'py>(
        &self,
        py: Python<'py>,
        key: String,
        ranges: Vec<(u64, u64)>,
        version: Option<ObjectVersion>,
        awaitable: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let store = self.store()?;
        let version = known(&store, &key, version)?;
        let count = ranges.len();
        let ranges = ranges.into_iter().map(|(start, end)| start..end).collect();
        let mut bodies = store.get_ranges(&key, ranges, version.as_ref());
        self.answer(py, awaitable, async move {
            let mut found: Vec<Option<Buffer>> = (0..count).map(|_| None).collect();
            while let Some(body) = bodies.try_next().await? {
                found[body.index] = Some(Buffer::new(body.bytes));
            }
            Ok(found)
        })
    }

    /// Puts an object on a condition; returns its version.
    #[pyo3(signature = (key, value, if_absent, if_version, *, awaitable = false))]
    fn put<'py>(
        &self,
        py: Python<'py>,
        key: String,
        value: &Bound<'py, PyAny>,
        if_absent: bool,
        if_version: Option<ObjectVersion>,
        awaitable: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (store, value) = (self.store()?, copy_of(value)?);
        let condition = precondition(&store, &key, if_absent, if_version)?;
        self.answer(py, awaitable, async move {
            let put = store.put(&key, vec![value], condition).await;
            put.map(ObjectVersion)
                .map_err(|error| put_error(error, if_absent))
        })
    }

    /// The size and version of an object.
    #[pyo3(signature = (key, *, awaitable = false))]
    fn head<'py>(
        &self,
        py: Python<'py>,
        key: String,
        awaitable: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let store = self.store()?;
        self.answer(py, awaitable, async move {
            let info = store.head(&key).await?;
            let info = info.ok_or_else(|| not_found(&store, &key))?;
            Ok((info.size, ObjectVersion(info.version)))
        })
    }

    /// Copies an object, or moves it.
    #[pyo3(signature = (source, target, moves, if_absent, *, awaitable = false))]
    fn copy<'py>(
        &self,
        py: Python<'py>,
        source: String,
        target: String,
        moves: bool,
        if_absent: bool,
        awaitable: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let store = self.store()?;
        let condition = precondition(&store, &target, if_absent, None)?;
        self.answer(py, awaitable, async move {
            let copied = match moves {
                true => store.rename(&source, &target, condition).await,
                false => store.copy(&source, &target, condition).await,
            };
            copied.map_err(|error| put_error(error, if_absent))?;
            Ok(Nothing::None)
        })
    }

    /// Deletes objects, in bulk if the backend supports it; ignores missing objects.
    #[pyo3(signature = (keys, *, awaitable = false))]
    fn delete_all<'py>(
        &self,
        py: Python<'py>,
        keys: Vec<String>,
        awaitable: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let store = self.store()?;
        self.answer(py, awaitable, async move {
            store.delete_all(&keys).await?;
            Ok(Nothing::None)
        })
    }

    /// The keys and sizes of all objects below a prefix, in batches.
    fn list_entries(&self, prefix: &str) -> PyResult<Batches> {
        let entries = self.store()?.list(prefix);
        let batches = entries
            .map_ok(|entry| (entry.key, entry.size))
            .try_ready_chunks(BATCH)
            .map(|batch| -> Result<Batch> {
                Ok(Batch::Entries(batch.map_err(|failed| failed.1)?))
            });
        Ok(Batches::start(batches.boxed()))
    }

    /// The names directly below a prefix: of objects, and of prefixes.
    #[pyo3(signature = (prefix, *, awaitable = false))]
    fn list_directory<'py>(
        &self,
        py: Python<'py>,
        prefix: String,
        awaitable: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let store = self.store()?;
        self.answer(py, awaitable, async move {
            let listing = store.list_dir(&prefix).await?;
            Ok((listing.keys, listing.prefixes))
        })
    }

    /// Removes leftovers of killed writers below a prefix that are older than this many seconds.
    /// Returns their kinds and keys.
    #[pyo3(signature = (prefix, older_than, *, awaitable = false))]
    fn sweep<'py>(
        &self,
        py: Python<'py>,
        prefix: &str,
        older_than: f64,
        awaitable: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let store = self.store()?.with_prefix(prefix).map_err(Error::from)?;
        let older_than = Duration::try_from_secs_f64(older_than).unwrap_or(Duration::MAX);
        self.answer(py, awaitable, async move {
            let swept = store.sweep(older_than).await?.into_iter();
            let swept = swept.map(|leftover| (leftover.kind.name(), leftover.key));
            Ok(swept.collect::<Vec<_>>())
        })
    }

    /// Signs a URL for one method on an object, valid for `expires_in` seconds.
    #[pyo3(signature = (key, method, expires_in, *, awaitable = false))]
    fn sign<'py>(
        &self,
        py: Python<'py>,
        key: String,
        method: &str,
        expires_in: u64,
        awaitable: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (store, method) = (self.store()?, self::method(method)?);
        let expires_in = Duration::from_secs(expires_in);
        self.answer(py, awaitable, async move {
            Ok(store.sign(&key, method, expires_in).await?)
        })
    }
}
