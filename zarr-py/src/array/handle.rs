//! What a Python array or group keeps: the store, where it came from, and the node as this process knows it.

use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyNone;
use zarr::process::PerProcess;
use zarr::{Attributes, Hierarchy, NodeMetadata, blocking};
use zarr_core::{ItemSize, Members, Strictness};

use super::{failure, read_only};
use crate::error::{Error, Result};
use crate::runtime;
use crate::store::NativeStore;

/// A node that can be made again from what its metadata says.
pub(super) trait Remake: Sized {
    fn remake(&self, hierarchy: &Hierarchy) -> Result<Self>;
    fn path(&self) -> &str;
}

/// An array, with what each read asks of it.
pub(super) struct OpenArray {
    pub(super) array: blocking::Array,
    /// The shape of what is decoded as one: inner chunks, where they can be read alone.
    pub(super) unit: Vec<u64>,
    /// The size of an element in bytes; of strings the size of a place in the buffer.
    pub(super) item_size: usize,
}

impl OpenArray {
    pub(super) fn new(array: zarr::Array) -> Self {
        let layout = array.layout();
        let unit = layout.inner_chunk_shape();
        Self {
            unit: unit.unwrap_or_else(|| layout.chunk_shape().to_vec()),
            item_size: match array.data_type().item_size() {
                ItemSize::Fixed(size) => size,
                ItemSize::Variable => 8,
            },
            array: blocking::Array(array),
        }
    }

    pub(super) fn is_variable(&self) -> bool {
        self.array.0.data_type().fixed_size().is_none()
    }
}

impl Remake for OpenArray {
    fn remake(&self, hierarchy: &Hierarchy) -> Result<Self> {
        let metadata = self.array.0.metadata().clone();
        Ok(Self::new(zarr::Array::new(
            hierarchy,
            self.path(),
            metadata,
        )?))
    }

    fn path(&self) -> &str {
        self.array.0.path().as_str()
    }
}

impl Remake for zarr::Group {
    fn remake(&self, hierarchy: &Hierarchy) -> Result<Self> {
        Ok(Self::new(
            hierarchy,
            self.path().as_str(),
            self.metadata().clone(),
        )?)
    }

    fn path(&self) -> &str {
        self.path().as_str()
    }
}

/// A node, its store, and what Python pickles of them.
pub(super) struct Handle<T> {
    pub(super) store: Py<NativeStore>,
    pub(super) origin: Py<PyAny>,
    pub(super) read_only: bool,
    /// A child makes it again from its metadata.
    pub(super) node: Arc<PerProcess<T>>,
}

impl<T: Remake> Handle<T> {
    /// The node in this process.
    pub(super) fn get(&self) -> Result<Arc<T>> {
        self.node.get_or_try_remake(|parents| {
            let parents = parents.expect("made with a node");
            parents.remake(&self.store.get().handle()?.hierarchy)
        })
    }

    /// The same, where it may be changed.
    pub(super) fn writable(&self) -> PyResult<Arc<T>> {
        let node = self.get()?;
        if self.read_only {
            return Err(read_only(node.path()));
        }
        Ok(node)
    }

    pub(super) fn location(&self) -> PyResult<String> {
        Ok(self.store.get().handle()?.store.location().to_owned())
    }
}

/// Where nodes are opened: a store and what Python keeps of it.
#[derive(FromPyObject)]
pub(crate) struct Place {
    native: Py<NativeStore>,
    origin: Py<PyAny>,
    read_only: bool,
}

impl Place {
    pub(super) fn of<T>(py: Python<'_>, handle: &Handle<T>) -> Self {
        Self {
            native: handle.store.clone_ref(py),
            origin: handle.origin.clone_ref(py),
            read_only: handle.read_only,
        }
    }

    pub(super) fn hierarchy(&self) -> Result<Hierarchy> {
        Ok(self.native.get().handle()?.hierarchy)
    }

    /// The same, where it may be changed.
    pub(super) fn writable(&self, path: &str) -> PyResult<Hierarchy> {
        if self.read_only {
            return Err(read_only(path.trim_start_matches('/')));
        }
        Ok(self.hierarchy()?)
    }

    pub(super) fn opened(self, node: zarr::Node) -> Opened {
        Opened { place: self, node }
    }

    pub(super) fn clone_ref(&self, py: Python<'_>) -> Self {
        Self {
            native: self.native.clone_ref(py),
            origin: self.origin.clone_ref(py),
            read_only: self.read_only,
        }
    }
}

/// A node that was opened: what `zarr_py.Array` and `zarr_py.Group` are made of.
#[pyclass(frozen, module = "zarr_py._native")]
pub(crate) struct Opened {
    place: Place,
    node: zarr::Node,
}

impl Opened {
    pub(super) fn array(&self, py: Python<'_>) -> PyResult<Handle<OpenArray>> {
        let array = self.node.clone().into_array().map_err(Error::from)?;
        Ok(self.handle(py, OpenArray::new(array)))
    }

    pub(super) fn group(&self, py: Python<'_>) -> PyResult<Handle<zarr::Group>> {
        let group = self.node.clone().into_group().map_err(Error::from)?;
        Ok(self.handle(py, group))
    }

    fn handle<T>(&self, py: Python<'_>, node: T) -> Handle<T> {
        let place = self.place.clone_ref(py);
        Handle {
            store: place.native,
            origin: place.origin,
            read_only: place.read_only,
            node: Arc::new(PerProcess::of(node)),
        }
    }

    /// The `zarr_py.Array` or `zarr_py.Group`.
    pub(super) fn into_python(self, py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
        static ARRAY: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        static GROUP: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        let class = match &self.node {
            zarr::Node::Array(_) => ARRAY.import(py, "zarr_py._array", "Array")?,
            zarr::Node::Group(_) => GROUP.import(py, "zarr_py._group", "Group")?,
        };
        class.call1((self,))
    }
}

/// What a call that waits or is awaited ends with.
pub(super) enum Answer {
    Nothing,
    Node(Box<Opened>),
    Nodes(Place, Vec<(String, zarr::Node)>),
    Names(Vec<(String, &'static str)>),
}

impl From<()> for Answer {
    fn from((): ()) -> Self {
        Self::Nothing
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
                let opened = |node| place.clone_ref(py).opened(node).into_python(py);
                let nodes = nodes.into_iter();
                let nodes = nodes.map(|(name, node)| Ok((name, opened(node)?)));
                nodes.collect::<PyResult<Vec<_>>>()?.into_pyobject(py)
            }
            Self::Names(names) => names.into_pyobject(py),
        }
    }
}

/// Waits for a future, or hands it to the event loop.
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

/// A change of attributes: all of them, or those that are named.
pub(super) fn changed(
    changes: &str,
    removed: Vec<String>,
    replace: bool,
) -> Result<impl Fn(&Attributes) -> zarr::Result<Attributes>> {
    let changes = attributes(changes)?;
    Ok(move |stored: &Attributes| {
        if replace {
            return Ok(changes.clone());
        }
        let mut result = stored.clone();
        for name in &removed {
            result.remove(name);
        }
        for (name, value) in changes.iter() {
            result.set(name, value)?;
        }
        Ok(result)
    })
}

/// Attributes from a JSON object.
pub(super) fn attributes(text: &str) -> Result<Attributes> {
    let mut attributes = Attributes::new();
    for (name, value) in Members::parse(text.as_bytes())?.iter() {
        attributes.set(name, value)?;
    }
    Ok(attributes)
}

/// What passes nodes of one kind, `"array"` or `"group"`, or with `"node"` both.
pub(super) fn only(kind: &str) -> PyResult<fn(zarr::Node) -> zarr::Result<zarr::Node>> {
    match kind {
        "array" => Ok(|node| node.into_array().map(zarr::Node::Array)),
        "group" => Ok(|node| node.into_group().map(zarr::Node::Group)),
        "node" => Ok(Ok),
        other => Err(failure("InvalidError", format!("kind {other:?}"))),
    }
}

/// Opens the node at a path: an `"array"`, a `"group"`, or a `"node"` of either kind.
#[pyfunction]
#[pyo3(signature = (place, path, kind, *, use_consolidated = None, awaitable = false))]
pub(crate) fn open_node<'py>(
    py: Python<'py>,
    place: Place,
    path: String,
    kind: &str,
    use_consolidated: Option<bool>,
    awaitable: bool,
) -> PyResult<Bound<'py, PyAny>> {
    let hierarchy = place.hierarchy()?;
    let (only, is_group) = (only(kind)?, kind == "group");
    answer(py, awaitable, async move {
        let node = match (use_consolidated, is_group) {
            (Some(false), _) => {
                zarr::Node::Group(hierarchy.group_without_consolidated(&path).await?)
            }
            (_, true) => zarr::Node::Group(hierarchy.group(&path).await?),
            (_, false) => hierarchy.node(&path).await?,
        };
        let node = match (only(node)?, use_consolidated) {
            (zarr::Node::Group(group), Some(true)) if group.metadata().consolidated().is_none() => {
                let reason = format!("/{}: the group has no consolidated metadata", group.path());
                return Err(
                    zarr_core::Error::invalid(reason, "use_consolidated=None or False").into(),
                );
            }
            (node, _) => node,
        };
        Ok(place.opened(node))
    })
}

/// The node whose metadata document is known: nothing is read.
#[pyfunction]
pub(crate) fn bind_node<'py>(
    py: Python<'py>,
    place: Place,
    path: &str,
    metadata: &str,
) -> PyResult<Bound<'py, PyAny>> {
    let hierarchy = place.hierarchy()?;
    let bind = || {
        let metadata = NodeMetadata::parse_with(metadata.as_bytes(), Strictness::Tolerant)?;
        Ok::<_, Error>(match metadata {
            NodeMetadata::Array(array) => {
                zarr::Node::Array(zarr::Array::new(&hierarchy, path, array)?)
            }
            NodeMetadata::Group(group) => {
                zarr::Node::Group(zarr::Group::new(&hierarchy, path, group)?)
            }
        })
    };
    let node = bind()?;
    place.opened(node).into_python(py)
}
