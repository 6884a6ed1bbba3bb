//! Reads and writes cut into tasks, as Python numbers and slices.

use std::ops::Range;

use pyo3::exceptions::PyIndexError;
use pyo3::prelude::*;
use pyo3::types::{PySlice, PyTuple};
use zarr::Tasks;
use zarr_core::{BasicIndex, Selection, Slice};

use super::key::Wanted;
use super::{NativeArray, failure};
use crate::error::Error;
use crate::runtime;

/// The tasks of a read or write, each made on request.
#[pyclass(frozen, module = "zarr_py._native")]
pub(crate) struct NativeTasks {
    tasks: Tasks,
}

/// The index in the array, the part of the result, and the numbers of objects, of replaced objects
/// and of requests.
type NativeTask<'py> = (Bound<'py, PyTuple>, Bound<'py, PyTuple>, u64, u64, u64);

#[pymethods]
impl NativeTasks {
    fn __len__(&self) -> PyResult<usize> {
        Ok(usize::try_from(self.tasks.len())?)
    }

    /// The shape of the selection.
    #[getter]
    fn shape<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.tasks.shape())
    }

    /// The number of objects of all tasks.
    #[getter]
    fn objects(&self) -> u64 {
        self.tasks.objects()
    }

    /// The lengths of the tasks along each dimension.
    fn lengths<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let lengths = self.tasks.lengths().into_iter();
        let lengths = lengths.map(|line| PyTuple::new(py, line));
        PyTuple::new(py, lengths.collect::<PyResult<Vec<_>>>()?)
    }

    /// The number of objects that writes store whole.
    fn replaced(&self, py: Python<'_>) -> u64 {
        py.detach(|| self.tasks.replaced())
    }

    fn __getitem__<'py>(&self, py: Python<'py>, number: u64) -> PyResult<NativeTask<'py>> {
        let task = self.tasks.get(number);
        let task = task.ok_or_else(|| PyIndexError::new_err(number))?;
        let Selection::Slices(indices) = task.selection else {
            return Err(failure("SelectionError", "a task of slices".to_owned()));
        };
        let indices = indices.into_iter().map(|index| match index {
            BasicIndex::Slice(slice) => Ok(slice_of(py, slice)?.into_any()),
            BasicIndex::Integer(index) => Ok(index.into_pyobject(py)?.into_any()),
            BasicIndex::NewAxis => Ok(py.None().into_bound(py)),
        });
        let indices = indices.collect::<PyResult<Vec<_>>>()?;
        let part = task.part.into_iter().map(|range| range_of(py, range));
        let part = part.collect::<PyResult<Vec<_>>>()?;
        let (indices, part) = (PyTuple::new(py, indices)?, PyTuple::new(py, part)?);
        Ok((indices, part, task.objects, task.replaced, task.requests))
    }
}

/// Converts a slice of the engine, whose negative steps reverse, to a slice of Python.
fn slice_of(py: Python<'_>, slice: Slice) -> PyResult<Bound<'_, PySlice>> {
    let end = slice.end.unwrap_or(isize::MAX);
    if slice.step > 0 {
        return Ok(PySlice::new(py, slice.start, end, slice.step));
    }
    let stop = Some(slice.start - 1).filter(|stop| *stop >= 0);
    let made = py
        .get_type::<PySlice>()
        .call1((end - 1, stop, slice.step))?;
    Ok(made.cast_into()?)
}

fn range_of(py: Python<'_>, range: Range<u64>) -> PyResult<Bound<'_, PySlice>> {
    let (start, end) = (isize::try_from(range.start)?, isize::try_from(range.end)?);
    Ok(PySlice::new(py, start, end, 1))
}

#[pymethods]
impl NativeArray {
    /// Cuts a read or a write into tasks.
    #[pyo3(signature = (selection, workers, writes))]
    fn _tasks(
        &self,
        py: Python<'_>,
        selection: Option<&Bound<'_, PyAny>>,
        workers: Option<u64>,
        writes: bool,
    ) -> PyResult<NativeTasks> {
        let open = self.handle.get()?;
        let wanted = Wanted::parse_or_all(py, selection, &open)?;
        if wanted.arranged.is_some() {
            let message = "a plan takes integers, slices and `...`".to_owned();
            return Err(failure("SelectionError", message));
        }
        let array = open.array.as_async();
        let tasks = match writes {
            true => array.write_tasks(&wanted.selection, workers),
            false => array.read_tasks(&wanted.selection, workers),
        };
        let tasks = tasks.map_err(Error::from)?;
        Ok(NativeTasks { tasks })
    }

    /// The digest of all elements.
    fn _digest(&self, py: Python<'_>) -> PyResult<String> {
        let open = self.handle.get()?;
        let digest = async move {
            let array = open.array.as_async();
            Ok(array.value_digest(Selection::all()).await?.to_string())
        };
        runtime::wait(py, digest)
    }

    /// The keys of the objects that a selection touches.
    fn _keys(&self, selection: &Bound<'_, PyAny>) -> PyResult<Vec<String>> {
        let open = self.handle.get()?;
        let wanted = Wanted::parse(selection, &open)?;
        let plan = open.array.as_async().plan_write(&wanted.selection);
        let plan = plan.map_err(Error::from)?;
        Ok(plan
            .objects()
            .map(|object| object.key().to_string())
            .collect())
    }
}
