//! Converts byte requests of zarr-python to ranges of the engine.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyType;
use zarr_store::ByteRange;

/// Converts `None` or a byte request of `zarr.abc.store` to a range.
pub(super) fn parse(object: Option<&Bound<'_, PyAny>>) -> PyResult<ByteRange> {
    let Some(object) = object else {
        return Ok(ByteRange::All);
    };
    let py = object.py();
    let unexpected = || {
        let text = object.repr().map(|text| text.to_string());
        let text = text.unwrap_or_else(|_| "something else".to_owned());
        PyValueError::new_err(format!("Unexpected byte_range, got {text}."))
    };
    // A negative offset does not fit a range of the engine.
    let number = |name: &str| {
        let number = object.getattr(name)?.extract::<u64>();
        number.map_err(|_| unexpected())
    };
    if object.is_instance(range_class(py)?)? {
        let (start, end) = (number("start")?, number("end")?);
        return Ok(ByteRange::Range(start..end.max(start)));
    }
    if object.is_instance(suffix_class(py)?)? {
        return Ok(ByteRange::Suffix(number("suffix")?));
    }
    if object.is_instance(offset_class(py)?)? {
        return Ok(ByteRange::From(number("offset")?));
    }
    Err(unexpected())
}

fn range_class(py: Python<'_>) -> PyResult<&Bound<'_, PyAny>> {
    static CLASS: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    let class = CLASS.import(py, "zarr.abc.store", "RangeByteRequest")?;
    Ok(class.as_any())
}

fn suffix_class(py: Python<'_>) -> PyResult<&Bound<'_, PyAny>> {
    static CLASS: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    let class = CLASS.import(py, "zarr.abc.store", "SuffixByteRequest")?;
    Ok(class.as_any())
}

fn offset_class(py: Python<'_>) -> PyResult<&Bound<'_, PyAny>> {
    static CLASS: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    let class = CLASS.import(py, "zarr.abc.store", "OffsetByteRequest")?;
    Ok(class.as_any())
}
