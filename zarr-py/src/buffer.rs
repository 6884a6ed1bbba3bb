//! Bytes between Rust and Python: out through the buffer protocol without a copy, in by one.
//!
//! Unsafe room: the buffer protocol.

use std::ffi::{c_int, c_void};

use bytes::Bytes;
use pyo3::buffer::PyUntypedBuffer;
use pyo3::exceptions::{PyBufferError, PyMemoryError, PyTypeError};
use pyo3::ffi;
use pyo3::prelude::*;

/// Bytes that Rust owns, for anything that takes the buffer protocol: `memoryview`, `numpy.frombuffer`, `bytes`.
#[pyclass(frozen, module = "zarr_py._native")]
pub(crate) struct Buffer(Bytes);

impl Buffer {
    pub(crate) fn new(bytes: Bytes) -> Self {
        Self(bytes)
    }

    /// In bytes.
    pub(crate) fn len(&self) -> u64 {
        self.0.len() as u64
    }
}

#[pymethods]
impl Buffer {
    fn __len__(&self) -> usize {
        self.0.len()
    }

    fn __repr__(&self) -> String {
        format!("<{} bytes>", self.0.len())
    }

    /// Lends the bytes, read-only.
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
        let bytes = &slf.get().0;
        let len =
            isize::try_from(bytes.len()).map_err(|_| PyBufferError::new_err("too many bytes"))?;
        let start = bytes.as_ptr().cast_mut().cast::<c_void>();
        // SAFETY: the view is the interpreter's; it keeps a reference to this object, whose bytes never move or change.
        let result = unsafe { ffi::PyBuffer_FillInfo(view, slf.as_ptr(), start, len, 1, flags) };
        if result == 0 {
            Ok(())
        } else {
            Err(PyErr::fetch(slf.py()))
        }
    }
}

/// A copy of the bytes of a Python object with the buffer protocol: what the caller does with it later is not seen.
pub(crate) fn copy_of(object: &Bound<'_, PyAny>) -> PyResult<Bytes> {
    let buffer = PyUntypedBuffer::get(object)?;
    if !buffer.is_c_contiguous() {
        return Err(PyTypeError::new_err(
            "expected contiguous bytes, got a buffer with gaps",
        ));
    }
    let len = buffer.len_bytes();
    if len == 0 {
        return Ok(Bytes::new());
    }
    let mut copy: Vec<u8> = Vec::new();
    copy.try_reserve_exact(len)
        .map_err(|_| PyMemoryError::new_err(format!("no memory for {len} bytes")))?;
    let source = Source(buffer.buf_ptr().cast());
    let mut fill = || {
        let source = &source;
        // SAFETY: the buffer is held, contiguous and `len` bytes long; the copy has room for as many, and starts elsewhere. Whoever
        // writes to the source meanwhile makes a mix of old and new bytes of it, as in any copy that Python makes without its lock.
        unsafe {
            std::ptr::copy_nonoverlapping(source.0, copy.as_mut_ptr(), len);
            copy.set_len(len);
        }
    };
    if len > SHORT {
        object.py().detach(fill);
    } else {
        fill();
    }
    Ok(copy.into())
}

/// Up to this many bytes are copied with the interpreter: other threads do not notice.
const SHORT: usize = 1 << 20;

/// Memory that a held buffer lends.
struct Source(*const u8);

// SAFETY: the memory may be read from any thread while the buffer is held.
unsafe impl Send for Source {}
// SAFETY: as above; nothing is written through it.
unsafe impl Sync for Source {}
