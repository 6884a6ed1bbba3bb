//! The results of calls on arrays and groups, which block or return a future of the running event
//! loop.

use pyo3::prelude::*;
use pyo3::types::PyNone;

use super::handle::{Opened, Place};
use crate::error::{Error, Result};
use crate::runtime;
use crate::store::NativeStore;

/// The result of a blocking or awaited call.
pub(super) enum Answer {
    Nothing,
    Node(Box<Opened>),
    Nodes(Place, Vec<(String, zarr::Result<zarr::Node>)>),
    Names(Vec<(String, &'static str)>),
    Index(u64),
}

impl From<()> for Answer {
    fn from((): ()) -> Self {
        Self::Nothing
    }
}

impl From<u64> for Answer {
    fn from(index: u64) -> Self {
        Self::Index(index)
    }
}

impl From<Opened> for Answer {
    fn from(node: Opened) -> Self {
        Self::Node(Box::new(node))
    }
}

impl<'py> IntoPyObject<'py> for Answer {
    type Target = PyAny;
    type Output = Bound<'py, PyAny>;
    type Error = PyErr;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        match self {
            Self::Nothing => Ok(PyNone::get(py).to_owned().into_any()),
            Self::Node(node) => node.into_python(py),
            Self::Nodes(place, nodes) => {
                let opened = |node: zarr::Result<zarr::Node>| match node {
                    Ok(node) => place.clone_ref(py).opened(node).into_python(py),
                    Err(error) => {
                        let error = PyErr::from(Error::Zarr(error));
                        Ok(error.into_value(py).into_bound(py).into_any())
                    }
                };
                let nodes = nodes.into_iter();
                let nodes = nodes.map(|(name, node)| Ok((name, opened(node)?)));
                nodes.collect::<PyResult<Vec<_>>>()?.into_pyobject(py)
            }
            Self::Names(names) => names.into_pyobject(py),
            Self::Index(index) => Ok(index.into_pyobject(py)?.into_any()),
        }
    }
}

/// Blocks on a future, or returns it as a future of the running event loop.
pub(super) fn answer<'py, A: Into<Answer> + Send + 'static>(
    py: Python<'py>,
    awaitable: bool,
    future: impl Future<Output = Result<A>> + Send + 'static,
) -> PyResult<Bound<'py, PyAny>> {
    let future = async move { Ok(future.await?.into()) };
    if awaitable {
        runtime::awaitable(py, future)
    } else {
        runtime::wait(py, future)?.into_pyobject(py)
    }
}

/// Opens a node as `answer` does; from a local directory or memory, on this thread if its document
/// is at hand.
pub(super) fn answer_open<'py>(
    py: Python<'py>,
    awaitable: bool,
    store: &NativeStore,
    future: impl Future<Output = Result<Opened>> + Send + 'static,
) -> PyResult<Bound<'py, PyAny>> {
    if awaitable || !store.is_near()? {
        return answer(py, awaitable, future);
    }
    runtime::begin_here(py, future)?.into_python(py)
}
