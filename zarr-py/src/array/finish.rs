//! The last step of a read: from an array in the engine's shape to the Python result.

use pyo3::prelude::*;
use pyo3::types::PyTuple;

/// Converts the elements to the Python result.
pub(super) struct Finish {
    pub(super) shape: Vec<usize>,
    pub(super) dtype: Py<PyAny>,
    pub(super) arranged: Option<Py<PyAny>>,
    pub(super) scalar: bool,
    /// The output array of the caller.
    pub(super) out: Option<Py<PyAny>>,
}

impl Finish {
    /// Converts an array in the engine's shape to the Python result.
    pub(super) fn arrange<'py>(self, array: Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let py = array.py();
        let array = match &self.arranged {
            None => array,
            Some(prepared) => prepared.bind(py).call_method1("take", (array,))?,
        };
        match self.out {
            Some(out) => {
                let out = out.into_bound(py);
                out.set_item(py.Ellipsis(), array)?;
                Ok(out)
            }
            None if self.scalar => array.get_item(PyTuple::empty(py)),
            None => Ok(array),
        }
    }
}
