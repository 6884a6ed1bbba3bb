//! What `zarr_py.objects` calls beside the rest: objects with their versions, conditions, copies, signed URLs. Each call waits without
//! the interpreter, or with `awaitable` gives an awaitable, or the answer where the store is one in memory.

use std::time::Duration;

use futures::{StreamExt, TryStreamExt};
use pyo3::BoundObject;
use pyo3::prelude::*;
use zarr_store::{ByteRange, Error as StoreError, ErrorKind, Method, Precondition, Store, Version};

use super::NativeStore;
use super::batches::{Batch, Batches};
use crate::buffer::{Buffer, copy_of};
use crate::error::{Error, Result};

/// Entries that come at once.
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
    /// Whether the backend told anything: an unknown version is no condition.
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

/// Bytes, where they stand in the object, the size of the object, and its version.
type Fetched = (Buffer, (u64, u64), u64, ObjectVersion);

/// What a call without an answer gives: Python's `None`.
type Nothing = Option<bool>;

fn not_found(store: &Store, key: &str) -> Error {
    let location = store.location().trim_end_matches('/');
    Error::Named("NotFoundError", format!("{location}/{key}: not found"))
}

/// The version that a caller names. One that is not known would be no condition at all.
fn known(store: &Store, key: &str, version: Option<ObjectVersion>) -> Result<Option<Version>> {
    match version {
        Some(ObjectVersion(version)) if !version.is_known() => {
            let location = store.location().trim_end_matches('/');
            let reason =
                "the version is unknown: this store tells none, so it cannot be a condition";
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

/// An error of a put: where nothing was to be at the key, something is.
fn put_error(error: StoreError, if_absent: bool) -> Error {
    if if_absent && error.kind() == ErrorKind::Conflict {
        let place = error.place().map(ToString::to_string).unwrap_or_default();
        return Error::Named("AlreadyExistsError", format!("{place}: exists already"));
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
    /// An object, from an offset or the last bytes of it.
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

    /// Ranges of an object, start and end, in the order asked for: in the requests that the cost model says.
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

    /// Puts an object on a condition; its version.
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

    /// Deletes objects, in bulk where the backend can; those that do not exist are fine.
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

    /// Keys and sizes of all objects below a prefix, batch by batch.
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

    /// The names directly below a prefix: those of objects, and those of prefixes.
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

    /// A URL for one kind of request for an object, valid for some seconds.
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
