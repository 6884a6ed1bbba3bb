//! Memory shared with NumPy: results that NumPy takes over, and NumPy arrays that match a
//! selection.
//!
//! Unsafe room: the buffer protocol.

use std::ffi::{c_int, c_void};
use std::ptr::NonNull;

use pyo3::exceptions::{PyBufferError, PyTypeError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyTuple;
use zarr_core::size::c_strides;
use zarr_core::{Input, Output};

use super::failure;
use super::shape::{out_of_memory, product, tuple};
use crate::error::{Error, Result};
use crate::lent::{Lent, is_writable};

/// The memory of a result, owned by the NumPy array over it.
#[pyclass(frozen, module = "zarr_py._native")]
pub(crate) struct Memory {
    start: NonNull<u8>,
    size: usize,
    #[expect(dead_code, reason = "held for its drop")]
    words: Vec<u64>,
}

// SAFETY: the pointer is into `words`, which only the buffer protocol reaches, like any Python
// memory.
unsafe impl Send for Memory {}
// SAFETY: as above.
unsafe impl Sync for Memory {}

#[pymethods]
impl Memory {
    /// Exports the memory as a writable buffer.
    ///
    /// # Safety
    /// Follows the buffer protocol: `view` is null or a `Py_buffer` to fill.
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
        // SAFETY: the interpreter owns the view, and the view keeps a reference to this object,
        // whose memory never moves.
        let result = unsafe { ffi::PyBuffer_FillInfo(view, slf.as_ptr(), start, size, 0, flags) };
        if result == 0 {
            Ok(())
        } else {
            Err(PyErr::fetch(slf.py()))
        }
    }
}

/// The memory of a result during the read.
pub(super) struct Fresh {
    pub(super) output: Output,
    pub(super) strides: Vec<isize>,
    is_fortran: bool,
    words: usize,
    size: usize,
}

impl Fresh {
    /// Allocates zeroed memory for elements of `item_size` bytes, in Fortran or C order.
    pub(super) fn new(shape: &[usize], item_size: usize, is_fortran: bool) -> Result<Self> {
        let size = product(shape)?
            .checked_mul(item_size)
            .ok_or_else(|| out_of_memory(shape, None))?;
        let words = size.div_ceil(8);
        let output = Output::zeroed::<u64>(words);
        let output = output.map_err(|_| out_of_memory(shape, Some(size)))?;
        let strides = if is_fortran {
            let reversed = shape.iter().rev().copied().collect::<Vec<_>>();
            c_strides(&reversed, item_size).into_iter().rev().collect()
        } else {
            c_strides(shape, item_size)
        };
        Ok(Self {
            output,
            strides,
            is_fortran,
            words,
            size,
        })
    }

    /// Wraps the memory in a NumPy array.
    pub(super) fn into_array<'py>(
        self,
        py: Python<'py>,
        shape: &[usize],
        dtype: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        static NDARRAY: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        let mut words = self.output.into_vec::<u64>(self.words).map_err(|output| {
            Error::from(zarr::Error::Internal {
                reason: format!("{} references to a completed result", output.handles()),
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
        let array = NDARRAY.import(py, "numpy", "ndarray")?;
        if self.is_fortran {
            let (start, strides) = (0, py.None());
            return array.call1((shape, dtype, memory, start, strides, "F"));
        }
        array.call1((shape, dtype, memory))
    }
}

/// Converts one element to a NumPy scalar.
pub(super) fn scalar<'py>(
    py: Python<'py>,
    bytes: &[u8],
    dtype: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    static FROM_BUFFER: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let from_buffer = FROM_BUFFER.import(py, "numpy", "frombuffer")?;
    from_buffer.call1((bytes, dtype))?.get_item(0)
}

/// Borrows the elements of a read's output array and their strides in bytes; `None` if elements
/// overlap.
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

/// Borrows the elements of a write's input array and their strides in bytes, after broadcasting to
/// a shape.
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
    Lent::of(array)?.ok_or_else(|| PyTypeError::new_err("expected a NumPy array"))
}

/// The strides of an array broadcast to a shape, 0 along repeated dimensions; `None` if the shapes
/// are incompatible.
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

/// Rejects an output array whose shape differs from the result.
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
