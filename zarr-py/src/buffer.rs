//! Bytes between Rust and Python: zero-copy out through the buffer protocol, copied in.
//!
//! Unsafe room: the buffer protocol.

use std::ffi::{c_int, c_void};

use bytes::Bytes;
use pyo3::buffer::PyUntypedBuffer;
use pyo3::exceptions::{PyBufferError, PyMemoryError, PyTypeError};
use pyo3::ffi;
use pyo3::prelude::*;

/// Bytes owned by Rust, exported through the buffer protocol: for `memoryview`, `numpy.frombuffer`,
/// `bytes`.
#[pyclass(frozen, module = "zarr_py._native")]
pub(crate) struct Buffer(Bytes);

impl Buffer {
    pub(crate) fn new(bytes: Bytes) -> Self {
        Self(bytes)
    }

    /// The size in bytes.
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

    /// Exports the bytes as a read-only buffer.
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
        let bytes = &slf.get().0;
        let len =
            isize::try_from(bytes.len()).map_err(|_| PyBufferError::new_err("too many bytes"))?;
        let start = bytes.as_ptr().cast_mut().cast::<c_void>();
        // SAFETY: the interpreter owns the view, and the view keeps a reference to this object,
        // whose bytes never move or change.
        let result = unsafe { ffi::PyBuffer_FillInfo(view, slf.as_ptr(), start, len, 1, flags) };
        if result == 0 {
            Ok(())
        } else {
            Err(PyErr::fetch(slf.py()))
        }
    }
}

/// Copies the bytes of a Python object with the buffer protocol, so later changes by the caller
/// have no effect.
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
        .map_err(|_| PyMemoryError::new_err(format!("could not allocate {len} bytes")))?;
    let source = Source(buffer.buf_ptr().cast());
    let mut fill = || {
        let source = &source;
        // SAFETY: the buffer is held, contiguous and `len` bytes long; the copy has that capacity
        // and does not overlap the buffer. A concurrent write to the source mixes old and new
        // bytes, as in any copy that Python makes without the GIL.
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

/// Copies up to this many bytes hold the GIL: too short for other threads to notice.
const SHORT: usize = 1 << 20;

/// The memory of a held buffer.
struct Source(*const u8);

// SAFETY: the memory may be read from any thread while the buffer is held.
unsafe impl Send for Source {}
// SAFETY: as above; the memory is never written through this type.
unsafe impl Sync for Source {}
