//! NumPy's arrays, lent to jobs of reads and writes: where their elements are, of any strides and data type.
//!
//! Unsafe room: the structure behind `__array_struct__`, and the memory that it describes.

use std::ffi::{c_char, c_int, c_void};
use std::ptr::NonNull;

use pyo3::ffi;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyCapsule;
use zarr_core::plan::strides_are_disjoint;
use zarr_core::{Input, Output};

use crate::runtime;

/// The structure that `__array_struct__` hands out (NumPy, "The array interface protocol").
#[repr(C)]
struct Interface {
    two: c_int,
    nd: c_int,
    _typekind: c_char,
    itemsize: c_int,
    _flags: c_int,
    shape: *const isize,
    strides: *const isize,
    data: *mut c_void,
    _descr: *mut ffi::PyObject,
}

/// The memory of an array, and the array that keeps it.
pub(crate) struct Lent {
    owner: Py<PyAny>,
    /// The first byte of the lowest element, and the number of bytes to the end of the highest.
    start: NonNull<u8>,
    size: usize,
    /// Where the element at index 0 of all dimensions is.
    origin: usize,
    /// In bytes.
    item_size: usize,
    pub(crate) shape: Vec<usize>,
    /// Bytes from one element to the next.
    pub(crate) strides: Vec<isize>,
}

impl Lent {
    /// The memory of an array, whose elements are in this machine's byte order; `None` where the array says nothing of it.
    pub(crate) fn of(array: &Bound<'_, PyAny>) -> PyResult<Option<Self>> {
        let capsule = array.getattr(intern!(array.py(), "__array_struct__"))?;
        let capsule = capsule.cast_into::<PyCapsule>()?;
        // SAFETY: a capsule without a name, which is a live object.
        let found = unsafe { ffi::PyCapsule_GetPointer(capsule.as_ptr(), std::ptr::null()) };
        let Some(found) = NonNull::new(found.cast::<Interface>()) else {
            return Err(PyErr::fetch(array.py()));
        };
        // SAFETY: the protocol says that the capsule points to this structure, which lives as long as the capsule.
        let found = unsafe { found.as_ref() };
        let (Ok(rank), Ok(item_size)) =
            (usize::try_from(found.nd), usize::try_from(found.itemsize))
        else {
            return Ok(None);
        };
        if found.two != 2 {
            return Ok(None);
        }
        // SAFETY: both lists have one entry for each dimension.
        let (shape, strides) = unsafe { (list(found.shape, rank), list(found.strides, rank)) };
        let shape = shape
            .iter()
            .map(|len| len.unsigned_abs())
            .collect::<Vec<_>>();
        let strides = if found.strides.is_null() {
            c_strides(&shape, item_size)
        } else {
            strides
        };
        let (below, size) = extent(&shape, &strides, item_size);
        let Some(first) = NonNull::new(found.data.cast::<u8>()) else {
            return Ok(None);
        };
        Ok(Some(Self {
            owner: array.clone().unbind(),
            // SAFETY: the lowest element lies in the memory of the array, whose first one this is.
            start: unsafe { first.sub(below) },
            size,
            origin: below,
            item_size,
            shape,
            strides,
        }))
    }

    /// The memory of an array that may be written, by several jobs at once.
    pub(crate) fn writable(array: &Bound<'_, PyAny>) -> PyResult<Option<Self>> {
        if !is_writable(array)? {
            return Ok(None);
        }
        Ok(Self::of(array)?.filter(Self::is_disjoint))
    }

    /// Whether no two elements share bytes, as far as strides tell.
    pub(crate) fn is_disjoint(&self) -> bool {
        strides_are_disjoint(&self.shape, &self.strides, self.item_size)
    }

    fn keeper(&self) -> Box<Keeper> {
        let owner = Python::attach(|py| self.owner.clone_ref(py));
        Box::new(Keeper(Some(owner)))
    }

    /// The memory as the output of a read.
    pub(crate) fn output(&self) -> Output {
        let owner = self.keeper();
        // SAFETY: the owner keeps the memory, which NumPy has initialised as far as bytes go; that nobody else uses it while an
        // array is being read into it is what NumPy asks of everybody.
        unsafe { Output::owned(owner, self.start, self.size, self.origin) }
    }

    /// The memory as the input of a write.
    pub(crate) fn input(&self) -> Input {
        let owner = self.keeper();
        // SAFETY: as above; that nobody changes what is being written is what NumPy asks of everybody.
        unsafe { Input::owned(owner, self.start, self.size, self.origin) }
    }
}

/// Whether an array may be written. The structure behind `__array_struct__` does not say so of structs: its flags are all zero.
pub(crate) fn is_writable(array: &Bound<'_, PyAny>) -> PyResult<bool> {
    let py = array.py();
    let flags = array.getattr(intern!(py, "flags"))?;
    flags.getattr(intern!(py, "writeable"))?.is_truthy()
}

/// The strides, in bytes, of an array in C order.
pub(crate) fn c_strides(shape: &[usize], item_size: usize) -> Vec<isize> {
    let mut stride = item_size.cast_signed();
    let mut strides = vec![0; shape.len()];
    for (axis, &len) in shape.iter().enumerate().rev() {
        strides[axis] = stride;
        stride = stride.saturating_mul(len.cast_signed().max(1));
    }
    strides
}

/// A reference to an array, which is let go of when it is dropped: without the interpreter, that would wait for the next call of
/// ours, after a read that was cancelled for instance.
struct Keeper(Option<Py<PyAny>>);

impl Drop for Keeper {
    fn drop(&mut self) {
        let owner = self.0.take();
        // While the interpreter ends nothing is let go of.
        runtime::attached(|_| drop(owner));
    }
}

/// # Safety
/// `start` is null or points to `len` entries.
unsafe fn list(start: *const isize, len: usize) -> Vec<isize> {
    if start.is_null() || len == 0 {
        return Vec::new();
    }
    // SAFETY: the caller's promise.
    unsafe { std::slice::from_raw_parts(start, len) }.to_vec()
}

/// How many bytes the lowest element lies below the one at index 0, and how many bytes the array spans.
fn extent(shape: &[usize], strides: &[isize], item_size: usize) -> (usize, usize) {
    if shape.contains(&0) {
        return (0, 0);
    }
    let (mut below, mut above) = (0, 0);
    for (&len, &stride) in shape.iter().zip(strides) {
        let reach = (len - 1) * stride.unsigned_abs();
        if stride < 0 {
            below += reach;
        } else {
            above += reach;
        }
    }
    (below, below + above + item_size)
}
