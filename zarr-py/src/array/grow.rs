//! Changes of an array's shape.

use std::ops::Range;

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

impl NativeArray {
    pub(super) fn resize<'py>(
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

    pub(super) fn grow<'py>(
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

    /// Reserves indices beyond the end, and returns an array that ends with them.
    pub(super) fn reserve_ahead<'py>(
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

    pub(super) fn publish<'py>(
        &self,
        py: Python<'py>,
        axis: usize,
        range: Range<u64>,
        awaitable: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let turn = self.handle.turn()?;
        answer(py, awaitable, async move {
            let (_guard, open) = turn.take().await?;
            let mut array = open.array.as_async().clone();
            array.publish(axis, range).await?;
            turn.set(OpenArray::new(array));
            Ok(())
        })
    }

    pub(super) fn open_end(&self, axis: usize) -> PyResult<()> {
        let array = self.handle.get()?.array.as_async().open_ended(axis);
        let open = OpenArray::new(array.map_err(Error::from)?);
        self.handle.node.set(open);
        Ok(())
    }
}
