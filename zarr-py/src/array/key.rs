//! Parses Python indices: integers, slices, `...` and `None` here, everything else through
//! `zarr_py._indexing`.

use pyo3::buffer::PyBuffer;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBool, PyEllipsis, PyInt, PyList, PySlice, PyTuple};
use zarr_core::{AxisIndices, BasicIndex, DataTypeKind, GridDimension, Selection, Slice};

use super::failure;
use super::node::OpenArray;
use super::shape::product;
use crate::error::Error;

/// A parsed index: the selection of the engine and the shape of the Python result.
pub(super) struct Wanted {
    pub(super) selection: Selection,
    /// The shape of the selection that the engine reads or writes.
    pub(super) shape: Vec<usize>,
    /// Rearranges the engine's result for Python; `None` if the two are identical.
    pub(super) arranged: Option<Py<PyAny>>,
    /// Whether the result is a scalar instead of a rank-0 array.
    pub(super) scalar: bool,
    /// Upper bound of the decoded size, in bytes.
    pub(super) decoded: u64,
}

/// The indices of one dimension: from `start`, with stride `step`.
struct Steps {
    start: isize,
    step: isize,
    count: usize,
}

impl Wanted {
    pub(super) fn parse_or_all(
        py: Python<'_>,
        key: Option<&Bound<'_, PyAny>>,
        open: &OpenArray,
    ) -> PyResult<Self> {
        match key {
            Some(key) => Self::parse(key, open),
            None => Self::parse(PyEllipsis::get(py).as_any(), open),
        }
    }

    pub(super) fn parse(key: &Bound<'_, PyAny>, open: &OpenArray) -> PyResult<Self> {
        let basic = match key.cast::<PyTuple>() {
            Ok(items) => {
                let items = items.iter_borrowed().collect::<Vec<_>>();
                Self::basic(key.py(), &items, open)?
            }
            Err(_) => Self::basic(key.py(), &[key.as_borrowed()], open)?,
        };
        match basic {
            Some(wanted) => Ok(wanted),
            None => Self::prepared(key, open),
        }
    }

    /// The field selection of a struct array; `None` if the index names no fields.
    pub(super) fn of_fields<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let Some(prepared) = &self.arranged else {
            return Ok(None);
        };
        let prepared = prepared.bind(py);
        let has_fields = !prepared.getattr("fields")?.is_none();
        Ok(has_fields.then(|| prepared.clone()))
    }

    /// Parses integers, slices, `...` and `None`; returns `None` for any other index.
    fn basic(
        py: Python<'_>,
        items: &[Borrowed<'_, '_, PyAny>],
        open: &OpenArray,
    ) -> PyResult<Option<Self>> {
        let lengths = open.array.as_async().shape();
        let (mut taken, mut ellipses) = (0, 0);
        for item in items {
            if item.is_none() {
                continue;
            }
            if item.is(PyEllipsis::get(py)) {
                ellipses += 1;
            } else if item.is_exact_instance_of::<PyInt>()
                || item.is_instance_of::<PySlice>()
                || is_index(item)
            {
                taken += 1;
            } else {
                return Ok(None);
            }
        }
        if taken > lengths.len() || ellipses > 1 {
            let message = if ellipses > 1 {
                "an index can only have a single ellipsis ('...')".to_owned()
            } else {
                format!(
                    "{taken} indices for an array of {} dimensions",
                    lengths.len()
                )
            };
            return Err(failure("SelectionError", message));
        }
        let left = lengths.len() - taken;
        let mut parsed = Parsed::new(open, items.len() + left);
        for item in items {
            if item.is_none() {
                parsed.new_axis();
            } else if item.is(PyEllipsis::get(py)) {
                (0..left).try_for_each(|_| parsed.whole())?;
            } else if let Ok(slice) = item.cast::<PySlice>() {
                parsed.slice(&slice)?;
            } else {
                parsed.index(item)?;
            }
        }
        if ellipses == 0 {
            (0..left).try_for_each(|_| parsed.whole())?;
        }
        Ok(Some(parsed.finish(ellipses == 0)))
    }

    /// Parses any other index through `zarr_py._indexing`.
    fn prepared(key: &Bound<'_, PyAny>, open: &OpenArray) -> PyResult<Self> {
        static PREPARE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        let py = key.py();
        let array = open.array.as_async();
        let lengths = PyTuple::new(py, array.shape())?;
        let fields = match array.data_type().kind() {
            DataTypeKind::Struct => {
                let extension = serde_json::to_string(array.data_type().extension());
                Some(
                    extension
                        .map_err(zarr_core::Error::from)
                        .map_err(Error::from)?,
                )
            }
            _ => None,
        };
        let prepared = PREPARE
            .import(py, "zarr_py._indexing", "prepare")?
            .call1((key, lengths, fields))?;
        let axes = prepared.getattr("axes")?.cast_into::<PyList>()?;
        let mut shape = Vec::with_capacity(axes.len());
        let selection = if prepared.getattr("pointwise")?.is_truthy()? {
            let lists = axes.iter().map(|axis| indices(&axis));
            let lists = lists.collect::<PyResult<Vec<_>>>()?;
            shape.push(lists.first().map_or(1, Vec::len));
            Selection::Coordinates(lists)
        } else {
            let mut sets = Vec::with_capacity(axes.len());
            for (axis, &len) in axes.iter().zip(open.array.as_async().shape()) {
                sets.push(match axis.cast::<PySlice>() {
                    Ok(slice) => {
                        let steps = steps_of(slice, signed(len)?)?;
                        shape.push(steps.count);
                        AxisIndices::Slice(steps.to_slice())
                    }
                    Err(_) => {
                        let indices = indices(&axis)?;
                        shape.push(indices.len());
                        AxisIndices::Indices(indices)
                    }
                });
            }
            Selection::Orthogonal(sets)
        };
        let unit = open
            .unit
            .iter()
            .fold(open.item_size as u64, |size, &len| size.saturating_mul(len));
        Ok(Self {
            decoded: unit.saturating_mul(product(&shape)? as u64),
            selection,
            shape,
            scalar: prepared.getattr("scalar")?.is_truthy()?,
            arranged: Some(prepared.unbind()),
        })
    }
}

/// A partially parsed basic index.
struct Parsed<'a> {
    open: &'a OpenArray,
    slices: Vec<BasicIndex>,
    shape: Vec<usize>,
    dimension: usize,
    decoded: u64,
}

impl<'a> Parsed<'a> {
    fn new(open: &'a OpenArray, capacity: usize) -> Self {
        Self {
            open,
            slices: Vec::with_capacity(capacity),
            shape: Vec::with_capacity(capacity),
            dimension: 0,
            decoded: open.item_size as u64,
        }
    }

    fn len(&self) -> u64 {
        self.open.array.as_async().shape()[self.dimension]
    }

    fn new_axis(&mut self) {
        self.slices.push(BasicIndex::NewAxis);
        self.shape.push(1);
    }

    fn whole(&mut self) -> PyResult<()> {
        let count = signed(self.len())?.cast_unsigned();
        self.steps(&Steps {
            start: 0,
            step: 1,
            count,
        });
        Ok(())
    }

    fn slice(&mut self, slice: &Bound<'_, PySlice>) -> PyResult<()> {
        let len = signed(self.len())?;
        self.steps(&steps_of(slice, len)?);
        Ok(())
    }

    fn steps(&mut self, steps: &Steps) {
        self.shape.push(steps.count);
        self.slices.push(steps.to_slice().into());
        let last = steps.last();
        self.touch(steps.start.min(last), steps.start.max(last), steps.count);
    }

    fn index(&mut self, item: &Bound<'_, PyAny>) -> PyResult<()> {
        let (len, dimension) = (self.len(), self.dimension);
        let index = item.extract::<isize>().ok().and_then(|index| {
            let len = isize::try_from(len).ok()?;
            let index = if index < 0 {
                index.checked_add(len)?
            } else {
                index
            };
            (0..len).contains(&index).then_some(index)
        });
        let Some(index) = index else {
            let message =
                format!("index {item} is out of bounds for axis {dimension} with size {len}");
            return Err(failure("SelectionError", message));
        };
        self.slices.push(BasicIndex::Integer(index));
        self.touch(index, index, 1);
        Ok(())
    }

    /// Adds the decoded size of one dimension for elements from `low` to `high`.
    fn touch(&mut self, low: isize, high: isize, count: usize) {
        let decoded = if count == 0 {
            0
        } else {
            let (low, high) = (low.cast_unsigned() as u64, high.cast_unsigned() as u64);
            match &self.open.array.as_async().layout().grid().dimensions()[self.dimension] {
                GridDimension::Fixed(_) => {
                    let unit = self.open.unit[self.dimension].max(1);
                    (high / unit - low / unit + 1).saturating_mul(unit)
                }
                varying => {
                    let (first, last) = (varying.cell_of(low), varying.cell_of(high));
                    let end = varying.start(last).saturating_add(varying.len(last));
                    end - varying.start(first)
                }
            }
        };
        self.decoded = self.decoded.saturating_mul(decoded);
        self.dimension += 1;
    }

    fn finish(self, may_be_scalar: bool) -> Wanted {
        Wanted {
            scalar: may_be_scalar && self.shape.is_empty(),
            selection: Selection::Slices(self.slices),
            shape: self.shape,
            arranged: None,
            decoded: self.decoded,
        }
    }
}

impl Steps {
    /// The last index, or the first if the range is empty.
    fn last(&self) -> isize {
        let steps = self.count.saturating_sub(1).cast_signed();
        self.start.wrapping_add(self.step.wrapping_mul(steps))
    }

    /// Converts to a slice of the engine; a negative step becomes a reversed slice.
    fn to_slice(&self) -> Slice {
        if self.count == 0 {
            return Slice::new(0, Some(0), 1);
        }
        let (low, high) = (self.start.min(self.last()), self.start.max(self.last()));
        let step = if self.count == 1 { 1 } else { self.step };
        Slice::new(low, Some(high + 1), step)
    }
}

fn steps_of(slice: &Bound<'_, PySlice>, len: isize) -> PyResult<Steps> {
    let found = slice.indices(len)?;
    Ok(Steps {
        start: found.start,
        step: found.step,
        count: found.slicelength,
    })
}

fn signed(len: u64) -> PyResult<isize> {
    isize::try_from(len).map_err(|_| {
        failure(
            "TooLargeError",
            format!("a dimension of {len} elements is too long for Python"),
        )
    })
}

/// Whether an object is an integer index. NumPy integers are; a `bool` is a mask and an array holds
/// several indices.
fn is_index(item: &Bound<'_, PyAny>) -> bool {
    static INDEX: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    if item.is_instance_of::<PyBool>() || item.is_instance_of::<PyList>() {
        return false;
    }
    if item.is_instance_of::<PyInt>() {
        return true;
    }
    let py = item.py();
    let is_index = INDEX.import(py, "zarr_py._indexing", "is_index");
    is_index
        .and_then(|is_index| is_index.call1((item,))?.is_truthy())
        .unwrap_or(false)
}

/// Extracts the indices from an array of 64-bit integers.
fn indices(array: &Bound<'_, PyAny>) -> PyResult<Vec<u64>> {
    let buffer = PyBuffer::<i64>::get(array)?;
    let indices = buffer.to_vec(array.py())?;
    let indices = indices.into_iter().map(u64::try_from);
    indices
        .collect::<std::result::Result<_, _>>()
        .map_err(|_| PyTypeError::new_err("expected indices of at least 0"))
}
