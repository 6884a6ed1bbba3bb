//! Strings and byte strings, between NumPy arrays and the engine.

use std::sync::Arc;

use ndarray::{ArrayD, IxDyn};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::pybacked::{PyBackedBytes, PyBackedStr};
use pyo3::types::{PyBytes, PyList, PyString, PyTuple};
use zarr::{Elements, WriteElement};
use zarr_core::DataTypeKind;

use super::finish::Finish;
use super::key::Wanted;
use super::memory::{Fresh, check_shape};
use super::node::OpenArray;
use crate::elements::Filling;
use crate::error::Result;

/// The elements of a read, and their conversion.
pub(super) struct Strings {
    elements: Elements,
    finish: Finish,
}

/// Returns the future of a read, and the conversion of its result.
pub(super) fn read_variable<'py>(
    py: Python<'py>,
    open: Arc<OpenArray>,
    wanted: Wanted,
    out: Option<&Bound<'py, PyAny>>,
) -> PyResult<(
    impl Future<Output = Result<Elements>> + Send + use<>,
    Finish,
)> {
    if let (Some(out), None) = (out, &wanted.arranged) {
        check_shape(out, &wanted.shape)?;
    }
    let finish = Finish {
        shape: wanted.shape,
        dtype: open.dtype(py)?.clone().unbind(),
        arranged: wanted.arranged,
        scalar: wanted.scalar,
        out: out.map(|out| out.clone().unbind()),
    };
    // Fails early if even the slots of the elements exceed the memory.
    Fresh::new(&finish.shape, size_of::<u64>(), false)?;
    let selection = wanted.selection;
    let read = async move { Ok(open.array.as_async().read::<Elements>(&selection).await?) };
    Ok((read, finish))
}

impl Finish {
    pub(super) fn with(self, elements: Elements) -> Strings {
        Strings {
            elements,
            finish: self,
        }
    }

    pub(super) fn strings(self, py: Python<'_>, elements: Elements) -> PyResult<Bound<'_, PyAny>> {
        self.with(elements).into_pyobject(py)
    }
}

impl<'py> IntoPyObject<'py> for Strings {
    type Target = PyAny;
    type Output = Bound<'py, PyAny>;
    type Error = PyErr;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let elements = self.elements;
        let is_text = elements.data_type().kind() == DataTypeKind::String;
        let mut array = Filling::new(elements.len(), self.finish.dtype.bind(py), is_text)?;
        (0..elements.len()).try_for_each(|position| array.push(elements.get(position)))?;
        let array = array.finish()?;
        let array = array.call_method1("reshape", (PyTuple::new(py, &self.finish.shape)?,))?;
        self.finish.arrange(array)
    }
}

/// Returns the future of a write of an array of strings or byte strings.
pub(super) fn write_variable(
    open: Arc<OpenArray>,
    wanted: Wanted,
    value: &Bound<'_, PyAny>,
) -> PyResult<futures::future::BoxFuture<'static, Result<()>>> {
    let py = value.py();
    let mut shape = value.getattr("shape")?.extract::<Vec<usize>>()?;
    // NumPy allows extra leading dimensions of length 1 in an assignment.
    while shape.len() > wanted.shape.len() && shape.first() == Some(&1) {
        shape.remove(0);
    }
    let list = value
        .call_method1("reshape", (-1,))?
        .call_method0("tolist")?;
    let list = list.cast_into::<PyList>()?;
    if open.array.as_async().data_type().kind() == DataTypeKind::String {
        let strings = list.iter().map(|element| {
            let string = element
                .cast::<PyString>()
                .map_err(|_| wrong("a string", &element))?;
            Ok(PyBackedStr::try_from(string.clone())?.to_string())
        });
        return Ok(write(
            py,
            open,
            wanted,
            &shape,
            strings.collect::<PyResult<_>>()?,
        ));
    }
    let strings = list.iter().map(|element| {
        let bytes = element
            .cast::<PyBytes>()
            .map_err(|_| wrong("bytes", &element))?;
        Ok(PyBackedBytes::from(bytes.clone()).to_vec())
    });
    Ok(write(
        py,
        open,
        wanted,
        &shape,
        strings.collect::<PyResult<_>>()?,
    ))
}

fn wrong(expected: &str, found: &Bound<'_, PyAny>) -> PyErr {
    let found = found.get_type();
    PyTypeError::new_err(format!(
        "expected {expected}, got an element of type {found}"
    ))
}

fn write<T: WriteElement + 'static>(
    _: Python<'_>,
    open: Arc<OpenArray>,
    wanted: Wanted,
    shape: &[usize],
    elements: Vec<T>,
) -> futures::future::BoxFuture<'static, Result<()>> {
    let data =
        ArrayD::from_shape_vec(IxDyn(shape), elements).expect("as many elements as the shape has");
    let selection = wanted.selection;
    Box::pin(async move {
        let array = open.array.as_async();
        array.write(&selection, data).await?;
        Ok(())
    })
}
