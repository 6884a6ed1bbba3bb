//! Converts errors of the engine to Python exceptions: the classes of `zarr_py.errors`, which also
//! derive from built-in exceptions.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyType;
use zarr_store::ErrorKind;

/// The error of a native call.
#[derive(Debug)]
pub(crate) enum Error {
    Zarr(zarr::Error),
    /// A class of `zarr_py.errors` and a message, for errors that only Python callers can cause.
    Named(&'static str, String),
}

pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

impl<E: Into<zarr::Error>> From<E> for Error {
    fn from(error: E) -> Self {
        Self::Zarr(error.into())
    }
}

impl From<Error> for PyErr {
    fn from(error: Error) -> Self {
        match error {
            Error::Named(name, message) => Python::attach(|py| match class(py, name) {
                Ok(class) => Self::from_type(class, message),
                Err(error) => error,
            }),
            Error::Zarr(error) => Python::attach(|py| exception(py, &error)),
        }
    }
}

/// Exceptions from Python code that end more than the call: `KeyboardInterrupt` and `SystemExit`.
/// Errors that pass through the engine identify the exception by its text.
static INTERRUPTS: Mutex<Vec<(String, PyErr)>> = Mutex::new(Vec::new());

/// Limit on pending interrupts: of several concurrent requests only one may surface.
const REMEMBERED: usize = 64;

/// Returns the text of an exception for the engine. An exception outside `Exception` is raised
/// again when an error with that text surfaces.
pub(crate) fn text_of(py: Python<'_>, error: &PyErr) -> String {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    if error.is_instance_of::<PyException>(py) {
        return error.to_string();
    }
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let text = format!("{error} (raised by the called object: {number})");
    let mut interrupts = interrupts();
    if interrupts.len() == REMEMBERED {
        interrupts.remove(0);
    }
    interrupts.push((text.clone(), error.clone_ref(py)));
    text
}

fn interrupts() -> MutexGuard<'static, Vec<(String, PyErr)>> {
    INTERRUPTS.lock().unwrap_or_else(PoisonError::into_inner)
}

fn exception(py: Python<'_>, error: &zarr::Error) -> PyErr {
    let text = error.to_string();
    let mut interrupts = interrupts();
    let told = interrupts.iter().position(|(told, _)| text.contains(told));
    if let Some(told) = told {
        return interrupts.swap_remove(told).1;
    }
    drop(interrupts);
    let text = match error {
        zarr::Error::AlreadyExists { .. } => format!("{text}; overwrite=True replaces it"),
        _ => text,
    };
    match class(py, class_name(error)) {
        Ok(class) => PyErr::from_type(class, text),
        Err(error) => error,
    }
}

/// Returns a class of `zarr_py.errors`.
pub(crate) fn class<'py>(py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyType>> {
    static MODULE: PyOnceLock<Py<PyModule>> = PyOnceLock::new();
    let module = MODULE.get_or_try_init(py, || py.import("zarr_py.errors").map(Bound::unbind))?;
    Ok(module.bind(py).getattr(name)?.cast_into::<PyType>()?)
}

/// The exception for a missing key.
pub(crate) fn not_found(key: &str) -> Error {
    Error::Named("NotFoundError", key.to_owned())
}

fn class_name(error: &zarr::Error) -> &'static str {
    use zarr::Error as E;
    match error {
        E::NodeNotFound { .. } => "NotFoundError",
        E::NodeType { .. } => "NodeTypeError",
        E::AlreadyExists { .. } => "AlreadyExistsError",
        E::ConcurrentModification { .. } => "ConflictError",
        E::ChangedDuringRead { .. } | E::StaleHandle { .. } => "ChangedError",
        E::Shape { .. } | E::NotANode { .. } => "InvalidError",
        E::Core(error) => core_class(error.root()),
        E::Store(error) => store_class(error.kind()),
        E::InNode { error, .. } => class_name(error),
        _ => "InternalError",
    }
}

fn core_class(error: &zarr_core::Error) -> &'static str {
    use zarr_core::Error as E;
    match error {
        E::UnknownExtension { .. } | E::Unsupported { .. } => "UnsupportedError",
        E::Checksum { .. } => "ChecksumError",
        E::Corrupt { .. } | E::Size { .. } => "CorruptError",
        E::TooLarge { .. } => "TooLargeError",
        E::Selection { .. } => "SelectionError",
        _ => "InvalidError",
    }
}

fn store_class(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::NotFound => "NotFoundError",
        ErrorKind::PermissionDenied => "PermissionDeniedError",
        ErrorKind::Timeout => "TimedOutError",
        ErrorKind::Changed => "ChangedError",
        ErrorKind::Conflict => "ConflictError",
        ErrorKind::ReadOnly => "ReadOnlyError",
        ErrorKind::InvalidKey | ErrorKind::InvalidUrl | ErrorKind::UnknownOption => "InvalidError",
        ErrorKind::Unsupported => "UnsupportedError",
        ErrorKind::Corrupt => "CorruptError",
        ErrorKind::ShortBody => "ShortBodyError",
        ErrorKind::Obstructed => "ObstructedError",
        _ => "StoreError",
    }
}
