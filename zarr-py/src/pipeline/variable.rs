//! Variable-size strings and byte strings, as lists of Python objects.

use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyString, PyTuple};
use zarr_core::{ArrayLayout, DataTypeKind, Input};

use super::{Done, statuses};
use crate::error::Error;

/// The result of a read: a list of the elements, and the statuses of the chunks.
pub(super) struct StringsRead {
    pub(super) read: Done,
    pub(super) layout: Arc<ArrayLayout>,
    pub(super) len: usize,
}

impl<'py> IntoPyObject<'py> for StringsRead {
    type Target = PyTuple;
    type Output = Bound<'py, PyTuple>;
    type Error = PyErr;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Self::Output> {
        let Done { target, keys } = self.read;
        let absent = target.absent();
        let is_text = self.layout.data_type().kind() == DataTypeKind::String;
        let fill = self.layout.fill_value();
        let elements = target.into_elements(self.len, fill, |bytes| {
            if !is_text {
                return Ok(PyBytes::new(py, bytes).into_any());
            }
            let text = std::str::from_utf8(bytes)
                .map_err(|_| zarr_core::Error::invalid("a string that is not UTF-8", "string"))?;
            Ok(PyString::new(py, text).into_any())
        });
        let elements = PyList::new(py, elements.map_err(Error::Zarr)?)?;
        let statuses = statuses(py, &absent, &keys)?;
        (elements, statuses).into_pyobject(py)
    }
}

/// Converts the elements of a list; `None` if an element is neither text nor bytes as the kind
/// requires.
pub(super) fn input(elements: &Bound<'_, PyList>, kind: DataTypeKind) -> PyResult<Option<Input>> {
    let (mut offsets, mut bytes) = (vec![0], Vec::new());
    for element in elements {
        match kind {
            DataTypeKind::String => match element.cast::<PyString>() {
                Ok(text) => match text.to_str() {
                    Ok(text) => bytes.extend_from_slice(text.as_bytes()),
                    // A lone surrogate.
                    Err(_) => return Ok(None),
                },
                Err(_) => return Ok(None),
            },
            _ => match element.cast::<PyBytes>() {
                Ok(found) => bytes.extend_from_slice(found.as_bytes()),
                Err(_) => return Ok(None),
            },
        }
        offsets.push(bytes.len());
    }
    Ok(Some(Input::variable(offsets, bytes)))
}
