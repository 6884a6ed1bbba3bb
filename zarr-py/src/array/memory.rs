//! Memory between the engine and NumPy: results that NumPy takes over, and NumPy's arrays that jobs write to or read from.
//!
//! Unsafe room: the buffer protocol, and the lending of NumPy's memory.

use std::ffi::{c_int, c_void};
use std::ptr::NonNull;

use pyo3::exceptions::{PyBufferError, PyTypeError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyTuple};
use zarr_core::{Input, Output};

use super::{failure, product};
use crate::error::{Error, Result};

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
        let size = product(shape)?.checked_mul(item_size).ok_or_else(|| {
            Error::from(zarr_core::Error::TooLarge {
                what: "result",
                wanted: format!("{shape:?} elements of {item_size} bytes"),
                limit: isize::MAX as u64,
            })
        })?;
        let words = size.div_ceil(8);
        let output = Output::zeroed::<u64>(words)?;
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

/// Where the elements of one of NumPy's arrays are.
struct Lent {
    address: usize,
    is_read_only: bool,
    shape: Vec<usize>,
    /// In bytes.
    strides: Vec<isize>,
}

impl Lent {
    fn of(array: &Bound<'_, PyAny>, item_size: usize) -> PyResult<Self> {
        let py = array.py();
        let interface = array.getattr(pyo3::intern!(py, "__array_interface__"))?;
        let interface = interface.cast_into::<PyDict>()?;
        let get = |name: &str| {
            interface
                .get_item(name)?
                .ok_or_else(|| PyTypeError::new_err("expected an array of NumPy"))
        };
        let (address, is_read_only) = get("data")?.extract()?;
        let shape = get("shape")?.extract::<Vec<usize>>()?;
        let strides = get("strides")?.extract::<Option<Vec<isize>>>()?;
        Ok(Self {
            address,
            is_read_only,
            strides: strides.unwrap_or_else(|| c_strides(&shape, item_size)),
            shape,
        })
    }

    /// The lowest byte, the number of bytes, and the offset of the element at index 0.
    fn extent(&self, item_size: usize) -> (NonNull<u8>, usize, usize) {
        if self.shape.contains(&0) {
            return (NonNull::dangling(), 0, 0);
        }
        let (mut below, mut above) = (0, 0);
        for (&len, &stride) in self.shape.iter().zip(&self.strides) {
            let reach = (len - 1) * stride.unsigned_abs();
            if stride < 0 {
                below += reach;
            } else {
                above += reach;
            }
        }
        let start = std::ptr::with_exposed_provenance_mut::<u8>(self.address - below);
        let start = NonNull::new(start).expect("NumPy's arrays are never at null");
        (start, below + above + item_size, below)
    }

    /// Whether no two elements share bytes, as far as strides tell.
    fn is_disjoint(&self, item_size: usize) -> bool {
        let axes = self.shape.iter().zip(&self.strides);
        let mut axes = axes
            .filter(|(len, _)| **len > 1)
            .map(|(&len, stride)| (stride.unsigned_abs(), len))
            .collect::<Vec<_>>();
        axes.sort_unstable();
        let mut reach = item_size;
        for (stride, len) in axes {
            if stride < reach {
                return false;
            }
            reach = stride.saturating_mul(len - 1).saturating_add(reach);
        }
        true
    }
}

/// The elements of an array that a read fills, and their strides in bytes; `None` where elements share bytes.
pub(super) fn lend_output(
    array: &Bound<'_, PyAny>,
    dtype: &Bound<'_, PyAny>,
    item_size: usize,
) -> PyResult<Option<(Output, Vec<isize>)>> {
    check_dtype(array, dtype)?;
    let lent = Lent::of(array, item_size)?;
    if lent.is_read_only {
        return Err(failure(
            "InvalidError",
            "the output array is read-only".to_owned(),
        ));
    }
    if !lent.is_disjoint(item_size) {
        return Ok(None);
    }
    let (start, size, origin) = lent.extent(item_size);
    let owner = Box::new(array.clone().unbind());
    // SAFETY: NumPy's memory is initialised, and lives as long as the array, which is the owner. What Python does to it
    // meanwhile is what it does to any array that NumPy works on without the interpreter.
    let output = unsafe { Output::owned(owner, start, size, origin) };
    Ok(Some((output, lent.strides)))
}

/// The elements of an array that a write takes, and their strides in bytes when it is seen in another shape.
pub(super) fn lend_input(
    array: &Bound<'_, PyAny>,
    shape: &[usize],
    item_size: usize,
) -> PyResult<(Input, Vec<isize>)> {
    let lent = Lent::of(array, item_size)?;
    let strides = broadcast(&lent, shape).ok_or_else(|| {
        let message = format!(
            "could not broadcast input array from shape {:?} into shape {shape:?}",
            lent.shape
        );
        failure("InvalidError", message)
    })?;
    let (start, size, origin) = lent.extent(item_size);
    let owner = Box::new(array.clone().unbind());
    // SAFETY: as for outputs.
    let input = unsafe { Input::owned(owner, start, size, origin) };
    Ok((input, strides))
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
    let message = format!("expected an output array of shape {shape:?}, got {found:?}");
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

pub(super) fn c_strides(shape: &[usize], item_size: usize) -> Vec<isize> {
    let mut stride = item_size.cast_signed();
    let mut strides = vec![0; shape.len()];
    for (axis, &len) in shape.iter().enumerate().rev() {
        strides[axis] = stride;
        stride = stride.saturating_mul(len.cast_signed().max(1));
    }
    strides
}
