//! The chunk grid of an array: the places and keys of its chunks.

use pyo3::prelude::*;
use pyo3::types::PyTuple;
use zarr_core::Error as CoreError;

use super::NativeArray;
use crate::error::Result;

#[pymethods]
impl NativeArray {
    /// The shape of the chunks; for a sharded array, of the inner chunks.
    #[getter]
    fn chunks<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let open = self.handle.get()?;
        let layout = open.array.as_async().layout();
        let inner = layout.inner_chunk_shape();
        PyTuple::new(py, inner.unwrap_or_else(|| layout.chunk_shape().to_vec()))
    }

    /// The shape of the shards; `None` without sharding.
    #[getter]
    fn shards<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyTuple>>> {
        let open = self.handle.get()?;
        let layout = open.array.as_async().layout();
        let sharded = layout.inner_chunk_shape().is_some();
        sharded
            .then(|| PyTuple::new(py, layout.chunk_shape()))
            .transpose()
    }

    /// The number of chunks (or shards) along each dimension.
    #[getter]
    fn _grid_shape<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let open = self.handle.get()?;
        let dimensions = open.array.as_async().layout().grid().dimensions().iter();
        let lengths = dimensions.zip(open.array.as_async().shape());
        PyTuple::new(
            py,
            lengths
                .map(|(dimension, &len)| dimension.cells(len))
                .collect::<Vec<_>>(),
        )
    }

    /// The start and end of the chunk (or shard) at these indices, along each dimension.
    fn _extent(&self, cell: Vec<u64>) -> PyResult<Vec<(u64, u64)>> {
        let open = self.handle.get()?;
        let dimensions = open.array.as_async().layout().grid().dimensions().iter();
        let extent = dimensions.zip(open.array.as_async().shape()).zip(cell);
        Ok(extent
            .map(|((dimension, &len), cell)| {
                let start = dimension.start(cell);
                (start, start.saturating_add(dimension.len(cell)).min(len))
            })
            .collect())
    }

    /// The indices of the chunk (or shard) stored at a key; `None` if the key belongs to no chunk.
    fn _cell_of_key(&self, key: &str) -> PyResult<Option<Vec<u64>>> {
        let open = self.handle.get()?;
        let array = open.array.as_async();
        let layout = array.layout();
        let Some(cell) = layout.cell_of_key(&array.path().prefix(), key) else {
            return Ok(None);
        };
        let dimensions = layout.grid().dimensions().iter().zip(array.shape());
        let inside = dimensions
            .zip(&cell)
            .all(|((dimension, &len), &cell)| cell < dimension.cells(len));
        Ok(inside.then_some(cell))
    }

    /// The key of the chunk (or shard) at these indices.
    fn _key_of_cell(&self, cell: Vec<u64>) -> PyResult<String> {
        let open = self.handle.get()?;
        let array = open.array.as_async();
        Ok(array.layout().key(&array.path().prefix(), &cell))
    }

    /// The number of inner chunks along each dimension of the shard at these indices; `None` if
    /// inner chunks cannot be read alone.
    fn _inner_grid(&self, cell: Vec<u64>) -> PyResult<Option<Vec<u64>>> {
        let open = self.handle.get()?;
        let chain = open.array.as_async().layout().codecs_of(&cell);
        let sharding = chain.sharding();
        Ok(sharding.map(|sharding| sharding.chunks_per_shard().to_vec()))
    }

    /// The first index of each chunk (or shard) along a dimension, and the end of the array.
    fn _edges(&self, axis: usize) -> PyResult<Vec<u64>> {
        let open = self.handle.get()?;
        let array = open.array.as_async();
        let layout = array.layout();
        let found = layout
            .grid()
            .dimensions()
            .get(axis)
            .zip(array.shape().get(axis));
        let edges: Result<_> = found
            .map(|(dimension, &len)| {
                let starts = (0..dimension.cells(len)).map(|cell| dimension.start(cell));
                starts.chain([len]).collect()
            })
            .ok_or_else(|| CoreError::selection(format!("no dimension {axis}")).into());
        Ok(edges?)
    }
}
