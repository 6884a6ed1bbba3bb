//! Errors of the engine as Python's exceptions: the classes of `zarr_py.errors`, which are built-in ones too.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyType;
use zarr_store::ErrorKind;

/// What a native call can fail with.
#[derive(Debug)]
pub(crate) enum Error {
    Zarr(zarr::Error),
    /// A class of `zarr_py.errors` and a message, for what only Python can ask for.
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

fn exception(py: Python<'_>, error: &zarr::Error) -> PyErr {
    match class(py, class_name(error)) {
        Ok(class) => PyErr::from_type(class, error.to_string()),
        Err(error) => error,
    }
}

/// A class of `zarr_py.errors`.
pub(crate) fn class<'py>(py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyType>> {
    static MODULE: PyOnceLock<Py<PyModule>> = PyOnceLock::new();
    let module = MODULE.get_or_try_init(py, || py.import("zarr_py.errors").map(Bound::unbind))?;
    Ok(module.bind(py).getattr(name)?.cast_into::<PyType>()?)
}

/// The exception for a key that is not there where one has to be.
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
        E::Shape { .. } => "InvalidError",
        E::Core(error) => core_class(error.root()),
        E::Store(error) => store_class(error.kind()),
        E::InNode { source, .. } => class_name(source),
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
