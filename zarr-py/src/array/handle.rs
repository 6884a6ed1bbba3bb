//! The state of a Python array or group: the store, the origin of the store, and the node in this
//! process.

use std::collections::HashSet;
use std::sync::Arc;

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use tokio::sync::{Mutex, MutexGuard};
use zarr::process::PerProcess;
use zarr::{Attributes, Hierarchy};
use zarr_core::{Members, Strictness};

use super::node::{Document, OpenArray, Remake};
use super::{failure, read_only};
use crate::error::{Error, Result};
use crate::store::NativeStore;

/// A node, its store, and the values that Python pickles.
pub(super) struct Handle<T> {
    pub(super) store: Py<NativeStore>,
    pub(super) origin: Py<PyAny>,
    pub(super) read_only: bool,
    /// A forked child rebuilds the node from its metadata.
    pub(super) node: Arc<PerProcess<T>>,
    /// The document of an unpickled node; the node is built on first use, because building can
    /// fail.
    document: Option<Document>,
    turn: Arc<PerProcess<Arc<Mutex<()>>>>,
}

/// Serialises the changes of a node through one handle, so the handle ends with the last document.
pub(super) struct Turn<T> {
    node: Arc<PerProcess<T>>,
    lock: Arc<Mutex<()>>,
}

impl<T> Turn<T> {
    /// Waits for earlier changes, then returns the node as those changes left it.
    pub(super) async fn take(&self) -> Result<(MutexGuard<'_, ()>, Arc<T>)> {
        let guard = self.lock.lock().await;
        let node = self.node.get_or_try_make(|| Err(without_node()))?;
        Ok((guard, node))
    }

    pub(super) fn set(&self, node: T) {
        self.node.set(node);
    }
}

fn without_node() -> Error {
    Error::Zarr(zarr::Error::Internal {
        reason: "a handle without a node".to_owned(),
    })
}

impl<T: Remake> Handle<T> {
    /// Returns the node in this process.
    pub(super) fn get(&self) -> Result<Arc<T>> {
        self.node.get_or_try_remake(|parents| {
            let hierarchy = self.store.get().handle()?.hierarchy;
            match (parents, &self.document) {
                (Some(parents), _) => parents.remake(&hierarchy),
                (None, Some(document)) => T::make(&hierarchy, document),
                (None, None) => Err(without_node()),
            }
        })
    }

    /// Returns the path of the node, even if the node cannot be opened.
    pub(super) fn path(&self) -> PyResult<String> {
        match (self.get(), &self.document) {
            (Ok(node), _) => Ok(node.path().to_owned()),
            (Err(_), Some(document)) => Ok(document.path.clone()),
            (Err(error), None) => Err(error.into()),
        }
    }

    /// Returns the metadata document, even if the node cannot be opened.
    pub(super) fn text(
        &self,
        write: impl FnOnce(&T) -> zarr_core::Result<String>,
    ) -> PyResult<String> {
        match (self.get(), &self.document) {
            (Ok(node), _) => Ok(write(&node).map_err(Error::from)?),
            (Err(_), Some(document)) => Ok(document.text.clone()),
            (Err(error), None) => Err(error.into()),
        }
    }

    /// Fails on a read-only handle, and for a read-only store, such as an archive.
    pub(super) fn check_writable(&self) -> PyResult<()> {
        match self.read_only {
            true => Err(read_only(self.get()?.path())),
            false => Ok(self.store.get().check_writable()?),
        }
    }

    /// Returns a turn to change the node; fails on a read-only handle.
    pub(super) fn turn(&self) -> PyResult<Turn<T>> {
        self.check_writable()?;
        self.renewal()
    }

    /// Returns a turn to read the node again.
    pub(super) fn renewal(&self) -> PyResult<Turn<T>> {
        self.get()?;
        Ok(Turn {
            node: self.node.clone(),
            lock: Arc::clone(&self.turn.get_or_make(Arc::default)),
        })
    }

    pub(super) fn location(&self) -> PyResult<String> {
        Ok(self.store.get().handle()?.store.location().to_owned())
    }
}

/// A store and its Python state, from which nodes are opened.
#[derive(FromPyObject)]
pub(crate) struct Place {
    pub(super) native: Py<NativeStore>,
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

    /// Returns the hierarchy for a change of a node; fails on a read-only handle.
    pub(super) fn writable(&self, path: &str) -> PyResult<Hierarchy> {
        if self.read_only {
            return Err(read_only(path.trim_start_matches('/')));
        }
        Ok(self.hierarchy()?)
    }

    pub(super) fn opened(self, node: zarr::Node) -> Opened {
        let is_array = matches!(node, zarr::Node::Array(_));
        Opened::new(self, is_array, Found::Node(Box::new(node)))
    }

    pub(super) fn clone_ref(&self, py: Python<'_>) -> Self {
        Self {
            native: self.native.clone_ref(py),
            origin: self.origin.clone_ref(py),
            read_only: self.read_only,
        }
    }
}

/// An opened node, from which one `zarr_py.Array` or `zarr_py.Group` is constructed.
#[pyclass(frozen, module = "zarr_py._native")]
pub(crate) struct Opened {
    place: Place,
    is_array: bool,
    /// Taken by the constructor, because a copy takes as long as parsing the document.
    node: std::sync::Mutex<Option<Found>>,
}

/// A node, or the document to build it from.
pub(super) enum Found {
    Node(Box<zarr::Node>),
    Document(Document),
}

impl Opened {
    pub(super) fn new(place: Place, is_array: bool, node: Found) -> Self {
        let node = std::sync::Mutex::new(Some(node));
        Self {
            place,
            is_array,
            node,
        }
    }

    /// Returns the argument of a constructor, which only this package can make.
    pub(super) fn given<'a, 'py>(
        argument: Option<&'a Bound<'py, PyAny>>,
        advice: &'static str,
    ) -> PyResult<&'a Bound<'py, Self>> {
        let opened = argument.and_then(|opened| opened.cast::<Self>().ok());
        opened.ok_or_else(|| PyTypeError::new_err(advice))
    }

    pub(super) fn array(&self, py: Python<'_>) -> PyResult<Handle<OpenArray>> {
        self.handle(py, |node| Ok(OpenArray::new(node.into_array()?)))
    }

    pub(super) fn group(&self, py: Python<'_>) -> PyResult<Handle<zarr::Group>> {
        self.handle(py, zarr::Node::into_group)
    }

    fn handle<T>(
        &self,
        py: Python<'_>,
        only: impl FnOnce(zarr::Node) -> zarr::Result<T>,
    ) -> PyResult<Handle<T>> {
        let place = self.place.clone_ref(py);
        let found = self.node.lock().ok().and_then(|mut node| node.take());
        let (node, document) = match found.ok_or_else(without_node)? {
            Found::Node(node) => (PerProcess::of(only(*node).map_err(Error::from)?), None),
            Found::Document(document) => (PerProcess::new(), Some(document)),
        };
        Ok(Handle {
            store: place.native,
            origin: place.origin,
            read_only: place.read_only,
            node: Arc::new(node),
            document,
            turn: Arc::new(PerProcess::new()),
        })
    }

    /// Converts to a `zarr_py.Array` or `zarr_py.Group`.
    pub(super) fn into_python(self, py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
        static ARRAY: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        static GROUP: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        let class = if self.is_array {
            ARRAY.import(py, "zarr_py._array", "Array")?
        } else {
            GROUP.import(py, "zarr_py._group", "Group")?
        };
        class.call1((self,))
    }
}

/// Applies a change of attributes: a replacement of all, or of the named ones.
pub(super) fn changed(
    changes: &str,
    removed: Vec<String>,
    replace: bool,
) -> Result<impl Fn(&Attributes) -> zarr::Result<Attributes>> {
    let changes = attributes(changes)?;
    let removed = removed.into_iter().collect::<HashSet<_>>();
    Ok(move |stored: &Attributes| {
        if replace {
            return Ok(changes.clone());
        }
        let mut result = stored.clone();
        result.retain(|name| !removed.contains(name));
        for (name, value) in changes.iter() {
            result.set(name, value)?;
        }
        Ok(result)
    })
}

/// Parses attributes from a JSON object; Python decides whether it may have bare words.
pub(super) fn attributes(text: &str) -> Result<Attributes> {
    let mut attributes = Attributes::new();
    for (name, value) in Members::parse_with(text.as_bytes(), Strictness::Tolerant)?.iter() {
        attributes.set(name, value)?;
    }
    Ok(attributes)
}

/// Returns a filter for nodes of one kind: `"array"`, `"group"`, or `"node"` for both.
pub(super) fn only(kind: &str) -> PyResult<fn(zarr::Node) -> zarr::Result<zarr::Node>> {
    match kind {
        "array" => Ok(|node| node.into_array().map(zarr::Node::Array)),
        "group" => Ok(|node| node.into_group().map(zarr::Node::Group)),
        "node" => Ok(Ok),
        other => Err(failure(
            "InvalidError",
            format!(
                "kind: expected 'array', 'group' or 'node', got \
                              {other:?}"
            ),
        )),
    }
}
