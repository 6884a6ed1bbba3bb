//! Changes of an array's shape.

use pyo3::prelude::*;
use zarr::{Attributes, Node};
use zarr_core::Members;

use super::NativeArray;
use super::answer::answer;
use super::handle::Place;
use super::node::OpenArray;
use crate::error::Error;

/// Returns the metadata document without attributes.
pub(super) fn layout_text(open: &OpenArray) -> zarr_core::Result<String> {
    let metadata = open.array.as_async().metadata().clone();
    metadata.with_attributes(Attributes::new())?.to_text()
}

/// Returns a document as text; an empty text for `None`.
pub(super) fn text_of(document: Option<&Members>) -> zarr_core::Result<String> {
    document.map_or_else(|| Ok(String::new()), Members::to_text)
}

#[pymethods]
impl NativeArray {
    /// Changes the shape of the array.
    #[pyo3(signature = (shape, *, awaitable = false))]
    fn _resize<'py>(
        &self,
        py: Python<'py>,
        shape: Vec<u64>,
        awaitable: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let turn = self.handle.turn()?;
        answer(py, awaitable, async move {
            let (_guard, open) = turn.take().await?;
            let mut array = open.array.as_async().clone();
            array.resize(&shape).await?;
            turn.set(OpenArray::new(array));
            Ok(())
        })
    }

    /// Grows the array along a dimension: by `len`, or to at least `to`. Returns the start of the
    /// new elements, or `to`.
    #[pyo3(signature = (axis, len, to = None, *, awaitable = false))]
    fn _grow<'py>(
        &self,
        py: Python<'py>,
        axis: usize,
        len: u64,
        to: Option<u64>,
        awaitable: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let turn = self.handle.turn()?;
        answer(py, awaitable, async move {
            let (_guard, open) = turn.take().await?;
            let mut array = open.array.as_async().clone();
            let start = match to {
                Some(end) => {
                    array.extend_to(axis, end).await?;
                    end
                }
                None => array.reserve(axis, len).await?.start,
            };
            turn.set(OpenArray::new(array));
            Ok(start)
        })
    }

    /// Reserves indices beyond the end of a dimension; returns an array that ends with them.
    #[pyo3(signature = (axis, len, *, awaitable = false))]
    fn _reserve_ahead<'py>(
        &self,
        py: Python<'py>,
        axis: usize,
        len: u64,
        awaitable: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (turn, place) = (self.handle.turn()?, Place::of(py, &self.handle));
        answer(py, awaitable, async move {
            let (_guard, open) = turn.take().await?;
            let mut array = open.array.as_async().clone();
            let (ahead, _) = array.reserve_ahead(axis, len).await?;
            turn.set(OpenArray::new(array));
            Ok(place.opened(Node::Array(ahead)))
        })
    }

    /// Grows the array over reserved elements that are stored.
    #[pyo3(signature = (axis, start, end, *, awaitable = false))]
    fn _publish<'py>(
        &self,
        py: Python<'py>,
        axis: usize,
        start: u64,
        end: u64,
        awaitable: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let turn = self.handle.turn()?;
        answer(py, awaitable, async move {
            let (_guard, open) = turn.take().await?;
            let mut array = open.array.as_async().clone();
            array.publish(axis, start..end).await?;
            turn.set(OpenArray::new(array));
            Ok(())
        })
    }

    /// Lets this handle write elements that other handles reserved along a dimension.
    fn _open_end(&self, axis: usize) -> PyResult<()> {
        let array = self.handle.get()?.array.as_async().open_ended(axis);
        let open = OpenArray::new(array.map_err(Error::from)?);
        self.handle.node.set(open);
        Ok(())
    }
}
