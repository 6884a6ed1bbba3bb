//! Opens nodes at the paths of a store.

use pyo3::prelude::*;

use super::answer::answer_open;
use super::handle::{Found, Opened, Place, only};
use super::node::Document;

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
    let (hierarchy, native) = (place.hierarchy()?, place.native.clone_ref(py));
    let (only, is_group) = (only(kind)?, kind == "group");
    answer_open(py, awaitable, native.get(), async move {
        let node = match (use_consolidated, is_group) {
            (Some(false), true) => {
                zarr::Node::Group(hierarchy.group_without_consolidated(&path).await?)
            }
            (_, true) => zarr::Node::Group(hierarchy.group(&path).await?),
            (_, false) => hierarchy.node(&path).await?,
        };
        let node = match (only(node)?, use_consolidated) {
            (zarr::Node::Group(group), Some(false)) => {
                zarr::Node::Group(group.without_consolidated()?)
            }
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

/// Returns the node of a known metadata document without reading; an invalid document raises on
/// first use.
#[pyfunction]
pub(crate) fn bind_node<'py>(
    py: Python<'py>,
    place: Place,
    kind: &str,
    path: String,
    metadata: String,
) -> PyResult<Bound<'py, PyAny>> {
    only(kind)?;
    let node = Found::Document(Document {
        path,
        text: metadata,
    });
    Opened::new(place, kind == "array", node).into_python(py)
}
