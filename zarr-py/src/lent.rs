//! NumPy arrays borrowed for reads and writes: the location of their elements, for any strides and
//! data type.
//!
//! Unsafe room: the structure behind `__array_struct__`, and the memory that the structure
//! describes.

use std::ffi::{c_char, c_int, c_void};
use std::ptr::NonNull;

use pyo3::ffi;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyCapsule;
use zarr_core::plan::strides_are_disjoint;
use zarr_core::size::{c_strides, span};
use zarr_core::{Input, Output};

use crate::runtime;

/// The structure returned by `__array_struct__` (NumPy, "The array interface protocol").
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

/// The memory of an array, and the array that owns it.
pub(crate) struct Lent {
    owner: Py<PyAny>,
    /// The first byte of the lowest element, and the number of bytes up to the end of the highest
    /// element.
    start: NonNull<u8>,
    size: usize,
    /// The offset of the element at index 0 of all dimensions, in bytes.
    origin: usize,
    /// The size in bytes.
    item_size: usize,
    pub(crate) shape: Vec<usize>,
    /// The distance between consecutive elements, in bytes.
    pub(crate) strides: Vec<isize>,
}

impl Lent {
    /// Borrows the memory of an array in native byte order; `None` if the array does not expose its
    /// memory.
    pub(crate) fn of(array: &Bound<'_, PyAny>) -> PyResult<Option<Self>> {
        let capsule = array.getattr(intern!(array.py(), "__array_struct__"))?;
        let capsule = capsule.cast_into::<PyCapsule>()?;
        // SAFETY: the capsule has no name and is a live object.
        let found = unsafe { ffi::PyCapsule_GetPointer(capsule.as_ptr(), std::ptr::null()) };
        let Some(found) = NonNull::new(found.cast::<Interface>()) else {
            return Err(PyErr::fetch(array.py()));
        };
        // SAFETY: by protocol the capsule points to this structure, which lives as long as the
        // capsule.
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
        let (below, size) = span(&shape, &strides, item_size);
        let Some(first) = NonNull::new(found.data.cast::<u8>()) else {
            return Ok(None);
        };
        Ok(Some(Self {
            owner: array.clone().unbind(),
            // SAFETY: the lowest element lies within the memory of the array.
            start: unsafe { first.sub(below) },
            size,
            origin: below,
            item_size,
            shape,
            strides,
        }))
    }

    /// Borrows the memory of a writable array, for several concurrent jobs.
    pub(crate) fn writable(array: &Bound<'_, PyAny>) -> PyResult<Option<Self>> {
        if !is_writable(array)? {
            return Ok(None);
        }
        Ok(Self::of(array)?.filter(Self::is_disjoint))
    }

    /// Whether all elements are disjoint in memory, judged by the strides.
    pub(crate) fn is_disjoint(&self) -> bool {
        strides_are_disjoint(&self.shape, &self.strides, self.item_size)
    }

    fn keeper(&self) -> Box<Keeper> {
        let owner = Python::attach(|py| self.owner.clone_ref(py));
        Box::new(Keeper(Some(owner)))
    }

    /// Returns the memory as the output of a read.
    pub(crate) fn output(&self) -> Output {
        let owner = self.keeper();
        // SAFETY: the owner keeps the memory alive, and NumPy has initialised its bytes; NumPy
        // requires that nobody else uses an array during a read into it.
        unsafe { Output::owned(owner, self.start, self.size, self.origin) }
    }

    /// Returns the memory as the input of a write.
    pub(crate) fn input(&self) -> Input {
        let owner = self.keeper();
        // SAFETY: as above; NumPy requires that nobody changes an array during a write from it.
        unsafe { Input::owned(owner, self.start, self.size, self.origin) }
    }
}

/// Whether an array is writable. For structs `__array_struct__` does not tell: its flags are all
/// zero.
pub(crate) fn is_writable(array: &Bound<'_, PyAny>) -> PyResult<bool> {
    let py = array.py();
    let flags = array.getattr(intern!(py, "flags"))?;
    flags.getattr(intern!(py, "writeable"))?.is_truthy()
}

/// A reference to an array. Drops the reference while attached; otherwise PyO3 defers the decref
/// until our next call, for example after a cancelled read.
struct Keeper(Option<Py<PyAny>>);

impl Drop for Keeper {
    fn drop(&mut self) {
        let owner = self.0.take();
        // While the interpreter shuts down the reference is leaked.
        runtime::attached(|_| drop(owner));
    }
}

/// # Safety
/// `start` is null or points to `len` entries.
unsafe fn list(start: *const isize, len: usize) -> Vec<isize> {
    if start.is_null() || len == 0 {
        return Vec::new();
    }
    // SAFETY: guaranteed by the caller.
    unsafe { std::slice::from_raw_parts(start, len) }.to_vec()
}
