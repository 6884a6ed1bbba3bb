//! An `ObjectStore` over a Python object with the methods of obspec. `zarr_py._called.Calls`
//! unifies its sync and async methods; here every call runs on a thread that may block, and bytes
//! are copied in both directions, so neither side sees later changes to the other's memory. A
//! zarr-python store has coroutine methods instead: the caller's event loop starts them, many in
//! one turn, and no thread waits for them.

use std::fmt;
use std::io;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyTuple};
use zarr_store::object_store::path::Path;
use zarr_store::object_store::{
    Attributes, CopyOptions, Error, Extensions, GetOptions, GetRange, GetResult, GetResultPayload,
    ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMode, PutMultipartOptions, PutOptions,
    PutPayload, PutResult, Result,
};

use super::event_loop::EventLoop;
use crate::buffer::copy_of;
use crate::error::text_of;
use crate::runtime::attached;

/// A store implemented by a Python object.
#[derive(Clone)]
pub(super) struct Called {
    calls: Arc<Py<PyAny>>,
    pub(super) name: String,
    /// The event loop that runs the calls; `None` if threads run them.
    event_loop: Option<EventLoop>,
}

/// The metadata of an object: path, size, entity tag, version.
type Meta = (String, u64, Option<String>, Option<String>);

impl Called {
    pub(super) fn new(calls: Py<PyAny>, name: String) -> Self {
        Self {
            calls: Arc::new(calls),
            name,
            event_loop: None,
        }
    }

    /// Wraps a store with coroutine methods; `calls`, a `zarr_py._foreign.Calls`, runs them on its
    /// event loop.
    pub(super) fn on_event_loop(calls: Py<PyAny>, name: String) -> Self {
        let called = Self::new(calls, name);
        Self {
            event_loop: Some(EventLoop::new(called.calls.clone())),
            ..called
        }
    }

    /// Calls a method with the arguments from `arguments`, and converts its result.
    async fn call<T: Send + 'static>(
        &self,
        path: &str,
        method: &'static str,
        arguments: impl FnOnce(Python<'_>) -> PyResult<Py<PyTuple>> + Send + 'static,
        answer: impl FnOnce(&Bound<'_, PyAny>) -> PyResult<T> + Send + 'static,
    ) -> Result<T> {
        let path = path.to_owned();
        let answer = move |found: PyResult<Bound<'_, PyAny>>, py: Python<'_>| {
            let answer = found.and_then(|found| answer(&found));
            answer.map_err(|error| convert(py, &error, path))
        };
        if let Some(event_loop) = &self.event_loop {
            let answer = event_loop.call(method, arguments, answer).await;
            return answer.unwrap_or_else(|| Err(generic(io::Error::other("cancelled"))));
        }
        let calls = self.calls.clone();
        let call = move || {
            attached(|py| {
                let found =
                    arguments(py).and_then(|found| calls.bind(py).call_method1(method, found));
                answer(found, py)
            })
        };
        match tokio::task::spawn_blocking(call).await {
            Ok(Some(result)) => result,
            Ok(None) => Err(generic(io::Error::other("the interpreter shuts down"))),
            Err(error) => Err(generic(io::Error::other(error))),
        }
    }
}

/// Wraps the only argument of a method.
fn one<'py>(py: Python<'py>, argument: impl IntoPyObject<'py>) -> PyResult<Py<PyTuple>> {
    PyTuple::new(py, [argument]).map(Bound::unbind)
}

fn generic(source: io::Error) -> Error {
    Error::Generic {
        store: "Python",
        source: source.into(),
    }
}

/// Converts an exception by the names of its classes: built-in ones, and those of obstore and
/// obspec.
fn convert(py: Python<'_>, error: &PyErr, path: String) -> Error {
    let classes = error.get_type(py).mro();
    let names: Vec<String> = classes
        .iter()
        .filter_map(|class| class.getattr("__name__").ok()?.extract().ok())
        .collect();
    let is = |wanted: &[&str]| names.iter().any(|name| wanted.contains(&name.as_str()));
    let text = text_of(py, error);
    let source: Box<dyn std::error::Error + Send + Sync> = text.clone().into();
    if is(&["FileNotFoundError", "NotFoundError"]) {
        Error::NotFound { path, source }
    } else if is(&["FileExistsError", "AlreadyExistsError"]) {
        Error::AlreadyExists { path, source }
    } else if is(&["PreconditionError"]) {
        Error::Precondition { path, source }
    } else if is(&["NotModifiedError"]) {
        Error::NotModified { path, source }
    } else if is(&["PermissionError", "PermissionDeniedError"]) {
        Error::PermissionDenied { path, source }
    } else if is(&["UnauthenticatedError"]) {
        Error::Unauthenticated { path, source }
    } else if is(&["NotImplementedError", "NotSupportedError"]) {
        Error::NotSupported { source }
    } else if is(&["TimeoutError"]) {
        generic(io::Error::new(io::ErrorKind::TimedOut, text))
    } else {
        generic(io::Error::other(text))
    }
}

fn meta((path, size, e_tag, version): Meta) -> Result<ObjectMeta> {
    Ok(ObjectMeta {
        location: Path::parse(path)?,
        // Nobody reads the modification time.
        last_modified: Default::default(),
        size,
        e_tag,
        version,
    })
}

fn prefix_text(prefix: Option<&Path>) -> String {
    prefix.map(ToString::to_string).unwrap_or_default()
}

#[async_trait]
impl ObjectStore for Called {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        let path = location.to_string();
        let (e_tag, version) = self
            .call(
                location.as_ref(),
                "put",
                move |py| {
                    let value = PyBytes::new_with(py, payload.content_length(), |target| {
                        let mut rest = target;
                        for segment in &payload {
                            let (part, after) = rest.split_at_mut(segment.len());
                            part.copy_from_slice(segment);
                            rest = after;
                        }
                        Ok(())
                    })?;
                    let mode = PyDict::new(py);
                    match options.mode {
                        PutMode::Overwrite => {}
                        PutMode::Create => mode.set_item("create", true)?,
                        PutMode::Update(version) => {
                            mode.set_item("e_tag", version.e_tag)?;
                            mode.set_item("version", version.version)?;
                        }
                    }
                    (path, value, mode).into_pyobject(py).map(Bound::unbind)
                },
                |found| found.extract(),
            )
            .await?;
        Ok(PutResult {
            e_tag,
            version,
            extensions: Extensions::default(),
        })
    }

    async fn put_multipart_opts(
        &self,
        _: &Path,
        _: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        Err(not_implemented("put_multipart"))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let path = location.to_string();
        type Answer = (Bytes, Range<u64>, Meta);
        let method = if options.head { "head" } else { "get" };
        let (bytes, range, found): Answer = self
            .call(
                location.as_ref(),
                method,
                move |py| {
                    let asked = PyDict::new(py);
                    match options.range {
                        None => {}
                        Some(GetRange::Bounded(range)) => {
                            asked.set_item("range", (range.start, range.end))?;
                        }
                        Some(GetRange::Offset(offset)) => asked.set_item("offset", offset)?,
                        Some(GetRange::Suffix(suffix)) => asked.set_item("suffix", suffix)?,
                    }
                    asked.set_item("if_match", options.if_match)?;
                    asked.set_item("version", options.version)?;
                    (path, asked).into_pyobject(py).map(Bound::unbind)
                },
                |answer| {
                    let (bytes, start, end, meta): (Bound<'_, PyAny>, u64, u64, Meta) =
                        answer.extract()?;
                    Ok((copy_of(&bytes)?, start..end, meta))
                },
            )
            .await?;
        Ok(GetResult {
            payload: GetResultPayload::Stream(stream::once(async { Ok(bytes) }).boxed()),
            meta: meta(found)?,
            range,
            attributes: Attributes::default(),
            extensions: Extensions::default(),
        })
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        let called = self.clone();
        locations
            .map(move |location| {
                let called = called.clone();
                async move {
                    let location = location?;
                    let path = location.to_string();
                    called
                        .call(location.as_ref(), "delete", |py| one(py, path), |_| Ok(()))
                        .await?;
                    Ok(location)
                }
            })
            .buffered(10)
            .boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let (called, prefix) = (self.clone(), prefix_text(prefix));
        let pages = stream::try_unfold(None, move |pages: Option<Arc<Py<PyAny>>>| {
            let (called, path) = (called.clone(), prefix.clone());
            async move {
                let pages = match pages {
                    Some(pages) => pages,
                    None => {
                        let of = path.clone();
                        let begin = move |py: Python<'_>| one(py, of);
                        let begun = |pages: &Bound<'_, PyAny>| Ok(Arc::new(pages.clone().unbind()));
                        called.call(&path, "pages", begin, begun).await?
                    }
                };
                let of = pages.clone();
                let next = move |py: Python<'_>| one(py, of.clone_ref(py));
                let page: Option<Vec<Meta>> = called
                    .call(&path, "next_page", next, |page| page.extract())
                    .await?;
                Ok::<_, Error>(page.map(|page| (stream::iter(page).map(meta), Some(pages))))
            }
        });
        pages.try_flatten().boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let prefix = prefix_text(prefix);
        let of = prefix.clone();
        let (prefixes, objects): (Vec<String>, Vec<Meta>) = self
            .call(
                &prefix,
                "list_with_delimiter",
                move |py| one(py, of),
                |found| found.extract(),
            )
            .await?;
        let prefixes = prefixes.into_iter().map(Path::parse);
        Ok(ListResult {
            common_prefixes: prefixes.collect::<Result<_, _>>()?,
            objects: objects.into_iter().map(meta).collect::<Result<_>>()?,
            extensions: Extensions::default(),
        })
    }

    async fn copy_opts(&self, _: &Path, _: &Path, _: CopyOptions) -> Result<()> {
        Err(not_implemented("copy"))
    }
}

/// The error for an operation that a Zarr store never uses.
fn not_implemented(operation: &str) -> Error {
    Error::NotImplemented {
        operation: operation.to_owned(),
        implementer: "a Python store".to_owned(),
    }
}

impl fmt::Debug for Called {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Called").field(&self.name).finish()
    }
}

impl fmt::Display for Called {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}
