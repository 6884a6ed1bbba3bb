//! Memory between the engine and NumPy: results that NumPy takes over, and arrays of NumPy's that fit a selection.
//!
//! Unsafe room: the buffer protocol.

use std::ffi::{c_int, c_void};
use std::ptr::NonNull;

use pyo3::exceptions::{PyBufferError, PyTypeError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyTuple;
use zarr_core::{Input, Output};

use super::{failure, out_of_memory, product, tuple};
use crate::error::{Error, Result};
use crate::lent::{Lent, is_writable};

/// Memory of a result, which NumPy's array keeps.
#[pyclass(frozen, module = "zarr_py._native")]
pub(crate) struct Memory {
    start: NonNull<u8>,
    size: usize,
    #[expect(dead_code, reason = "held for its drop")]
    words: Vec<u64>,
}

// SAFETY: the pointer is into `words`, which is only reached through the buffer protocol, as any memory of Python's.
unsafe impl Send for Memory {}
// SAFETY: as above.
unsafe impl Sync for Memory {}

#[pymethods]
impl Memory {
    /// Lends the memory, to be read and written.
    ///
    /// # Safety
    /// As the interpreter calls it: `view` is null or a `Py_buffer` to be filled.
    unsafe fn __getbuffer__(
        slf: Bound<'_, Self>,
        view: *mut ffi::Py_buffer,
        flags: c_int,
    ) -> PyResult<()> {
        if view.is_null() {
            return Err(PyBufferError::new_err("no view to fill"));
        }
        let memory = slf.get();
        let size =
            isize::try_from(memory.size).map_err(|_| PyBufferError::new_err("too many bytes"))?;
        let start = memory.start.as_ptr().cast::<c_void>();
        // SAFETY: the view is the interpreter's; it keeps a reference to this object, whose memory never moves.
        let result = unsafe { ffi::PyBuffer_FillInfo(view, slf.as_ptr(), start, size, 0, flags) };
        if result == 0 {
            Ok(())
        } else {
            Err(PyErr::fetch(slf.py()))
        }
    }
}

/// The memory of a result while it is read.
pub(super) struct Fresh {
    pub(super) output: Output,
    words: usize,
    size: usize,
}

impl Fresh {
    /// Zeroed memory for elements of this size.
    pub(super) fn new(shape: &[usize], item_size: usize) -> Result<Self> {
        let size = product(shape)?
            .checked_mul(item_size)
            .ok_or_else(|| out_of_memory(shape, None))?;
        let words = size.div_ceil(8);
        let output = Output::zeroed::<u64>(words);
        let output = output.map_err(|_| out_of_memory(shape, Some(size)))?;
        Ok(Self {
            output,
            words,
            size,
        })
    }

    /// NumPy's array over it.
    pub(super) fn into_array<'py>(
        self,
        py: Python<'py>,
        shape: &[usize],
        dtype: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        static NDARRAY: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        let mut words = self.output.into_vec::<u64>(self.words).map_err(|output| {
            Error::from(zarr::Error::Internal {
                reason: format!("{} handles of a result that is complete", output.handles()),
            })
        })?;
        let start =
            NonNull::new(words.as_mut_ptr().cast()).expect("a vector's pointer is never null");
        let memory = Memory {
            start,
            size: self.size,
            words,
        };
        let shape = PyTuple::new(py, shape)?;
        NDARRAY
            .import(py, "numpy", "ndarray")?
            .call1((shape, dtype, memory))
    }
}

/// One element as NumPy has it.
pub(super) fn scalar<'py>(
    py: Python<'py>,
    bytes: &[u8],
    dtype: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    static FROM_BUFFER: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let from_buffer = FROM_BUFFER.import(py, "numpy", "frombuffer")?;
    from_buffer.call1((bytes, dtype))?.get_item(0)
}

/// The elements of an array that a read fills, and their strides in bytes; `None` where elements share bytes.
pub(super) fn lend_output(
    array: &Bound<'_, PyAny>,
    dtype: &Bound<'_, PyAny>,
) -> PyResult<Option<(Output, Vec<isize>)>> {
    check_dtype(array, dtype)?;
    if !is_writable(array)? {
        return Err(failure(
            "InvalidError",
            "the output array is read-only".to_owned(),
        ));
    }
    let lent = lent(array)?;
    Ok(lent
        .is_disjoint()
        .then(|| (lent.output(), lent.strides.clone())))
}

/// The elements of an array that a write takes, and their strides in bytes when it is seen in another shape.
pub(super) fn lend_input(
    array: &Bound<'_, PyAny>,
    shape: &[usize],
) -> PyResult<(Input, Vec<isize>)> {
    let lent = lent(array)?;
    let strides = broadcast(&lent, shape).ok_or_else(|| {
        let message = format!(
            "could not broadcast input array from shape {} into shape {}",
            tuple(&lent.shape),
            tuple(shape)
        );
        failure("InvalidError", message)
    })?;
    Ok((lent.input(), strides))
}

fn lent(array: &Bound<'_, PyAny>) -> PyResult<Lent> {
    Lent::of(array)?.ok_or_else(|| PyTypeError::new_err("expected an array of NumPy"))
}

/// Strides of an array seen in another shape, 0 where it repeats; `None` where it does not fit.
fn broadcast(lent: &Lent, shape: &[usize]) -> Option<Vec<isize>> {
    let extra = lent.shape.len().saturating_sub(shape.len());
    if lent.shape[..extra].iter().any(|&len| len != 1) {
        return None;
    }
    let (lengths, strides) = (&lent.shape[extra..], &lent.strides[extra..]);
    let mut seen = vec![0; shape.len() - lengths.len()];
    for ((&len, &stride), &wanted) in lengths.iter().zip(strides).zip(&shape[seen.len()..]) {
        seen.push(if len == wanted {
            stride
        } else if len == 1 {
            0
        } else {
            return None;
        });
    }
    Some(seen)
}

/// Refuses an array of another shape than the result.
pub(super) fn check_shape(array: &Bound<'_, PyAny>, shape: &[usize]) -> PyResult<()> {
    let found = array.getattr("shape")?.extract::<Vec<usize>>()?;
    if found == shape {
        return Ok(());
    }
    let message = format!(
        "expected an output array of shape {}, got {}",
        tuple(shape),
        tuple(&found)
    );
    Err(failure("InvalidError", message))
}

fn check_dtype(array: &Bound<'_, PyAny>, dtype: &Bound<'_, PyAny>) -> PyResult<()> {
    let found = array.getattr("dtype")?;
    if found.eq(dtype)? {
        return Ok(());
    }
    Err(PyTypeError::new_err(format!(
        "expected an output array of data type {dtype}, got {found}"
    )))
}
