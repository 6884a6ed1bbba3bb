//! Variable-size strings and byte strings, as Python objects.

use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyString, PyTuple};
use zarr_core::{ArrayLayout, DataTypeKind, Input};

use super::{Done, statuses};
use crate::elements::Filling;
use crate::error::Error;

/// The result of a read: the elements for an array, and the statuses of the chunks.
pub(super) struct StringsRead {
    pub(super) read: Done,
    pub(super) layout: Arc<ArrayLayout>,
    /// The NumPy array to be filled.
    pub(super) out: Py<PyAny>,
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
        let out = self.out.bind(py);
        let flags = out.getattr("flags")?;
        let is_contiguous = flags.getattr("c_contiguous")?.extract::<bool>()?;
        let mut flat = if is_contiguous {
            Filling::of(out.call_method1("reshape", (-1,))?, is_text)
        } else {
            Filling::new(self.len, &out.getattr("dtype")?, is_text)?
        };
        let mut filled = Ok(());
        let elements = target.into_elements(self.len, fill, |bytes| {
            if filled.is_ok() {
                filled = flat.push(bytes);
            }
            Ok(())
        });
        elements.map_err(Error::Zarr)?;
        filled?;
        let flat = flat.finish()?;
        if !is_contiguous {
            let elements = flat.call_method1("reshape", (out.getattr("shape")?,))?;
            out.set_item(py.Ellipsis(), elements)?;
        }
        statuses(py, &absent, &keys)
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
