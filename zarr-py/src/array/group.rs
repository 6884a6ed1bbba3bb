//! The base class of `zarr_py.Group`. Each call blocks, or with `awaitable` returns a future of the
//! running event loop.

use pyo3::prelude::*;
use pyo3::types::PyDict;
use zarr::{Attributes, Difference, NodeKind};

use super::answer::{Answer, answer, answer_open};
use super::create::{NewArray, create_array_at, create_group_at};
use super::grow::text_of;
use super::handle::{Handle, Opened, Place, changed, only};
use crate::error::Error;
use crate::store::NativeStore;

/// The base class of `zarr_py.Group`.
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
    #[pyo3(signature = (opened = None))]
    fn new(py: Python<'_>, opened: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        let advice = "use zarr_py.open_group or zarr_py.create_group to make a group";
        Ok(Self {
            handle: Opened::given(opened, advice)?.get().group(py)?,
        })
    }

    /// The path of the node in the store, without a leading slash.
    #[getter]
    fn path(&self) -> PyResult<String> {
        self.handle.path()
    }

    /// The location of the store, without secrets.
    #[getter]
    fn location(&self) -> PyResult<String> {
        self.handle.location()
    }

    /// Whether the store was opened read-only.
    #[getter]
    fn read_only(&self) -> bool {
        self.handle.read_only
    }

    /// Whether child nodes are opened from the consolidated metadata of this group.
    #[getter]
    fn is_consolidated(&self) -> PyResult<bool> {
        Ok(self.handle.get()?.metadata().consolidated().is_some())
    }

    /// The source that the store was opened from.
    #[getter]
    fn _origin(&self, py: Python<'_>) -> Py<PyAny> {
        self.handle.origin.clone_ref(py)
    }

    /// The `.zgroup` document; `None` in Zarr v3.
    fn _zarr_2(&self) -> PyResult<Option<String>> {
        let text = |group: &zarr::Group| text_of(group.metadata().zarr_2());
        Ok(Some(self.handle.text(text)?).filter(|text| !text.is_empty()))
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

    /// Request and byte counts of the store in this process so far, by kind.
    fn requests<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        self.handle.store.get().requests(py)
    }

    /// Opens the node at a path below the group: an `"array"`, a `"group"`, or a `"node"` of either
    /// kind.
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
        let store = self.handle.store.get();
        answer_open(py, awaitable, store, async move {
            let node = group.node(&path).await?;
            Ok(place.opened(only(node)?))
        })
    }

    /// The names and kinds of the direct children.
    #[pyo3(signature = (*, awaitable = false))]
    fn _children<'py>(&self, py: Python<'py>, awaitable: bool) -> PyResult<Bound<'py, PyAny>> {
        let group = self.handle.get()?;
        answer(py, awaitable, async move {
            let children = group.children().await?.into_iter();
            let children = children.map(|(name, kind)| (name, kind_name(kind)));
            Ok(Answer::Names(children.collect()))
        })
    }

    /// The relative paths and the kinds of all nodes below the group.
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

    /// The direct children by name; an unreadable child is represented by its exception.
    #[pyo3(signature = (*, awaitable = false))]
    fn _members<'py>(&self, py: Python<'py>, awaitable: bool) -> PyResult<Bound<'py, PyAny>> {
        let (group, place) = (self.handle.get()?, Place::of(py, &self.handle));
        answer(py, awaitable, async move {
            Ok(Answer::Nodes(place, group.members_each().await?))
        })
    }

    /// Reads the metadata document again; keeps consolidated metadata only if this handle has it.
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

    /// The relative paths of nodes whose consolidated copy differs from their own document, and the
    /// kind of each difference.
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

    /// Copies the metadata of all nodes below the group into the group's document.
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

    /// Deletes the node at a path below the group, and everything below that node.
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

    /// Updates the consolidated metadata of the ancestors of a node whose objects were stored
    /// directly.
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

    /// Creates an array at a path below the group.
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

    /// Creates a group at a path below the group.
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

    /// Updates attributes: replaces all of them, or sets those in `changes` (a JSON object) and
    /// deletes those in `removed`.
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
