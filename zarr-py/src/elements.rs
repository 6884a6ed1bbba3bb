//! Strings and byte strings as Python objects, which NumPy converts to its elements.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyList, PySlice, PyString};

/// The number of elements that are Python objects at a time: few enough to stay in the processor's
/// caches, and for Python to use their memory again.
const BATCH: usize = 4096;

/// A one-dimensional NumPy array that is filled element by element.
pub(crate) struct Filling<'py> {
    array: Bound<'py, PyAny>,
    is_text: bool,
    /// The position of the first element of the batch.
    start: usize,
    batch: Vec<Bound<'py, PyAny>>,
}

impl<'py> Filling<'py> {
    /// Fills an array of strings or, if `is_text` is false, of byte strings.
    pub(crate) fn of(array: Bound<'py, PyAny>, is_text: bool) -> Self {
        Self {
            array,
            is_text,
            start: 0,
            batch: Vec::with_capacity(BATCH),
        }
    }

    /// Fills a new array of `len` elements.
    pub(crate) fn new(len: usize, dtype: &Bound<'py, PyAny>, is_text: bool) -> PyResult<Self> {
        static EMPTY: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        let empty = EMPTY.import(dtype.py(), "numpy", "empty")?;
        Ok(Self::of(empty.call1((len, dtype))?, is_text))
    }

    /// Sets the next element.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> PyResult<()> {
        let py = self.array.py();
        self.batch.push(if self.is_text {
            PyString::from_bytes(py, bytes)?.into_any()
        } else {
            PyBytes::new(py, bytes).into_any()
        });
        if self.batch.len() == BATCH {
            self.store()?;
        }
        Ok(())
    }

    /// Returns the array.
    pub(crate) fn finish(mut self) -> PyResult<Bound<'py, PyAny>> {
        self.store()?;
        Ok(self.array)
    }

    fn store(&mut self) -> PyResult<()> {
        let py = self.array.py();
        let stop = self.start + self.batch.len();
        let place = PySlice::new(py, self.start.cast_signed(), stop.cast_signed(), 1);
        self.array
            .set_item(place, PyList::new(py, self.batch.drain(..))?)?;
        self.start = stop;
        Ok(())
    }
}
