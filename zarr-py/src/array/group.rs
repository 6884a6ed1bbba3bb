//! What `zarr_py.Group` inherits. Each call waits, or with `awaitable` hands a future to the event loop.

use pyo3::prelude::*;
use pyo3::types::PyDict;
use zarr::{Attributes, Difference, NodeKind};

use super::create::{NewArray, create_array_at, create_group_at};
use super::handle::{Answer, Handle, Opened, Place, answer, changed, only};
use crate::error::Error;
use crate::store::NativeStore;

/// What `zarr_py.Group` inherits.
#[pyclass(frozen, subclass, module = "zarr_py._native")]
pub(crate) struct NativeGroup {
    handle: Handle<zarr::Group>,
}

impl NativeGroup {
    fn join(&self, path: &str) -> PyResult<String> {
        let path = self.handle.get()?.path().join(path).map_err(Error::from)?;
        Ok(path.as_str().to_owned())
    }
}

#[pymethods]
impl NativeGroup {
    #[new]
    fn new(py: Python<'_>, opened: &Opened) -> PyResult<Self> {
        Ok(Self {
            handle: opened.group(py)?,
        })
    }

    /// The path in the store, without a slash in front.
    #[getter]
    fn path(&self) -> PyResult<String> {
        self.handle.path()
    }

    /// Where the store is, without secrets.
    #[getter]
    fn location(&self) -> PyResult<String> {
        self.handle.location()
    }

    /// Whether the store was opened for reading only.
    #[getter]
    fn read_only(&self) -> bool {
        self.handle.read_only
    }

    /// Whether the nodes below are opened from a copy of their metadata in this group's.
    #[getter]
    fn is_consolidated(&self) -> PyResult<bool> {
        Ok(self.handle.get()?.metadata().consolidated().is_some())
    }

    /// What the store was opened from.
    #[getter]
    fn _origin(&self, py: Python<'_>) -> Py<PyAny> {
        self.handle.origin.clone_ref(py)
    }

    /// The metadata document.
    fn metadata_text(&self) -> PyResult<String> {
        self.handle.text(|group| group.metadata().to_text())
    }

    /// The store.
    #[getter]
    fn _store(&self, py: Python<'_>) -> Py<NativeStore> {
        self.handle.store.clone_ref(py)
    }

    /// Requests and bytes of the store so far, in this process, by kind.
    fn requests<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        self.handle.store.get().requests(py)
    }

    /// The node at a path below: an `"array"`, a `"group"`, or a `"node"` of either kind.
    #[pyo3(signature = (path, kind, *, awaitable = false))]
    fn _node<'py>(
        &self,
        py: Python<'py>,
        path: String,
        kind: &str,
        awaitable: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (group, place) = (self.handle.get()?, Place::of(py, &self.handle));
        let only = only(kind)?;
        answer(py, awaitable, async move {
            let node = group.node(&path).await?;
            Ok(place.opened(only(node)?))
        })
    }

    /// Names and kinds of the nodes directly below.
    #[pyo3(signature = (*, awaitable = false))]
    fn _children<'py>(&self, py: Python<'py>, awaitable: bool) -> PyResult<Bound<'py, PyAny>> {
        let group = self.handle.get()?;
        answer(py, awaitable, async move {
            let children = group.children().await?.into_iter();
            let children = children.map(|(name, kind)| (name, kind_name(kind)));
            Ok(Answer::Names(children.collect()))
        })
    }

    /// Paths, relative to the group, and kinds of all nodes below.
    #[pyo3(signature = (*, awaitable = false))]
    fn _walk<'py>(&self, py: Python<'py>, awaitable: bool) -> PyResult<Bound<'py, PyAny>> {
        let group = self.handle.get()?;
        answer(py, awaitable, async move {
            let prefix = group.path().prefix();
            let nodes = group.walk().await?.into_iter().map(|(path, kind)| {
                let path = path.as_str();
                let path = path.strip_prefix(&prefix).unwrap_or(path);
                (path.to_owned(), kind_name(kind))
            });
            Ok(Answer::Names(nodes.collect()))
        })
    }

    /// The nodes directly below with their names; an exception in place of one that is not understood.
    #[pyo3(signature = (*, awaitable = false))]
    fn _members<'py>(&self, py: Python<'py>, awaitable: bool) -> PyResult<Bound<'py, PyAny>> {
        let (group, place) = (self.handle.get()?, Place::of(py, &self.handle));
        answer(py, awaitable, async move {
            Ok(Answer::Nodes(place, group.members_each().await?))
        })
    }

    /// Reads the metadata document again; without the copies in it if this handle has none.
    #[pyo3(signature = (*, awaitable = false))]
    fn _refresh<'py>(&self, py: Python<'py>, awaitable: bool) -> PyResult<Bound<'py, PyAny>> {
        let turn = self.handle.renewal()?;
        answer(py, awaitable, async move {
            let (_guard, group) = turn.take().await?;
            let (hierarchy, path) = (group.hierarchy(), group.path().as_str());
            turn.set(if group.metadata().consolidated().is_some() {
                hierarchy.group(path).await?
            } else {
                let group = hierarchy.group_without_consolidated(path).await?;
                group.without_consolidated()?
            });
            Ok(())
        })
    }

    /// Paths, relative to the group, of the nodes whose copies in its stored document differ from their own documents, and how.
    #[pyo3(signature = (*, awaitable = false))]
    fn _check_consolidated<'py>(
        &self,
        py: Python<'py>,
        awaitable: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let group = self.handle.get()?;
        answer(py, awaitable, async move {
            let prefix = group.path().prefix();
            let stored = group.hierarchy().group(group.path().as_str()).await?;
            let differences = stored.check_consolidated().await?.into_iter();
            let differences = differences.map(|(path, difference)| {
                let path = path.as_str();
                let path = path.strip_prefix(&prefix).unwrap_or(path).to_owned();
                let how = match difference {
                    Difference::Added => "added",
                    Difference::Removed => "removed",
                    _ => "changed",
                };
                (path, how)
            });
            Ok(Answer::Names(differences.collect()))
        })
    }

    /// Copies the metadata of all nodes below into the group's.
    #[pyo3(signature = (*, awaitable = false))]
    fn _consolidate<'py>(&self, py: Python<'py>, awaitable: bool) -> PyResult<Bound<'py, PyAny>> {
        let turn = self.handle.turn()?;
        answer(py, awaitable, async move {
            let (_guard, group) = turn.take().await?;
            let mut group = zarr::Group::clone(&group);
            group.consolidate().await?;
            turn.set(group);
            Ok(())
        })
    }

    /// Deletes the node at a path below, and everything below it.
    #[pyo3(signature = (path, *, awaitable = false))]
    fn _delete<'py>(
        &self,
        py: Python<'py>,
        path: &str,
        awaitable: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let turn = self.handle.turn()?;
        let path = path.to_owned();
        answer(py, awaitable, async move {
            let (_guard, group) = turn.take().await?;
            let mut group = zarr::Group::clone(&group);
            group.delete(&path).await?;
            turn.set(group);
            Ok(())
        })
    }

    /// Renews the consolidated metadata above a node below that was put there by its objects.
    #[pyo3(signature = (path, *, awaitable = false))]
    fn _renew_copies<'py>(
        &self,
        py: Python<'py>,
        path: &str,
        awaitable: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (group, path) = (self.handle.get()?, self.join(path)?);
        answer(py, awaitable, async move {
            Ok(group.hierarchy().renew_copies_of(&path).await?)
        })
    }

    /// Creates an array at a path below.
    #[pyo3(signature = (path, array, overwrite, *, awaitable = false))]
    fn _create_array<'py>(
        &self,
        py: Python<'py>,
        path: &str,
        array: NewArray,
        overwrite: bool,
        awaitable: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (place, path) = (Place::of(py, &self.handle), self.join(path)?);
        let hierarchy = place.writable(&path)?;
        answer(py, awaitable, async move {
            let array = create_array_at(&hierarchy, &path, array, overwrite).await?;
            Ok(place.opened(zarr::Node::Array(array)))
        })
    }

    /// Creates a group at a path below.
    #[pyo3(signature = (path, attributes, overwrite, *, awaitable = false))]
    fn _create_group<'py>(
        &self,
        py: Python<'py>,
        path: &str,
        attributes: String,
        overwrite: bool,
        awaitable: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (place, path) = (Place::of(py, &self.handle), self.join(path)?);
        let hierarchy = place.writable(&path)?;
        answer(py, awaitable, async move {
            let group = create_group_at(&hierarchy, &path, &attributes, overwrite).await?;
            Ok(place.opened(zarr::Node::Group(group)))
        })
    }

    /// Changes attributes: all of them, or those in `changes` (a JSON object) and those in `removed`.
    #[pyo3(signature = (changes, removed, replace, *, awaitable = false))]
    fn _change_attributes<'py>(
        &self,
        py: Python<'py>,
        changes: String,
        removed: Vec<String>,
        replace: bool,
        awaitable: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let turn = self.handle.turn()?;
        answer(py, awaitable, async move {
            let (_guard, group) = turn.take().await?;
            let mut group = zarr::Group::clone(&group);
            let change = changed(&changes, removed, replace)?;
            group
                .change_attributes(|attributes: &Attributes| change(attributes))
                .await?;
            turn.set(group);
            Ok(())
        })
    }
}

fn kind_name(kind: NodeKind) -> &'static str {
    match kind {
        NodeKind::Array => "array",
        NodeKind::Group => "group",
    }
}
