//! Arrays and groups that work without zarr-python: the base classes of `zarr_py.Array` and
//! `zarr_py.Group`.
//!
//! A call runs through `key` (parses the Python index), `read` or `write`, the engine, and `memory`
//! (NumPy arrays over engine memory and the reverse). `variable` handles strings, `create` makes
//! new nodes, `grow` changes shapes, `group` is the group, `open` opens nodes, `handle` holds the
//! state that arrays and groups share, `answer` converts the results of their calls, `grid` tells
//! the places of chunks, `tasks` cuts reads and writes along them, `stored` describes the stored
//! chunks, `shape` computes sizes of results, and `node` rebuilds nodes in a forked child or from a
//! pickle.
//!
//! Small local reads run on the calling thread; everything else waits where Ctrl-C interrupts.
//! Neither holds the GIL while it reads.

mod answer;
mod create;
mod finish;
mod grid;
mod group;
mod grow;
mod handle;
mod key;
mod memory;
mod node;
mod open;
mod read;
mod shape;
mod stored;
mod tasks;
mod variable;
mod write;

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyTuple};
use zarr_core::DataTypeKind;

use self::answer::answer;
pub(crate) use self::create::{
    check_zarr_2, copy_node, create_array, create_group, create_like, overlap,
};
pub(crate) use self::group::NativeGroup;
use self::grow::{layout_text, text_of};
pub(crate) use self::handle::Opened;
use self::handle::{Handle, changed};
use self::key::Wanted;
pub(crate) use self::memory::Memory;
use self::node::OpenArray;
pub(crate) use self::open::{bind_node, open_node};
pub(crate) use self::tasks::NativeTasks;
use crate::error::Error;
use crate::store::NativeStore;

/// The base class of `zarr_py.Array`.
#[pyclass(frozen, subclass, module = "zarr_py._native")]
pub(crate) struct NativeArray {
    handle: Handle<OpenArray>,
}

#[pymethods]
impl NativeArray {
    #[new]
    #[pyo3(signature = (opened = None))]
    fn new(py: Python<'_>, opened: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        let advice = "use zarr_py.open_array or zarr_py.create_array to make an array";
        Ok(Self {
            handle: Opened::given(opened, advice)?.get().array(py)?,
        })
    }

    /// The number of elements along each dimension.
    #[getter]
    fn shape<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.handle.get()?.array.as_async().shape())
    }

    /// The NumPy data type of the elements.
    #[getter(dtype)]
    fn numpy_dtype<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.handle.get()?.dtype(py).cloned()
    }

    /// The number of dimensions.
    #[getter]
    fn ndim(&self) -> PyResult<usize> {
        Ok(self.handle.get()?.array.as_async().shape().len())
    }

    /// The value of elements that are not stored.
    #[getter]
    fn fill_value<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let open = self.handle.get()?;
        let bytes = open.array.as_async().fill_value().bytes();
        match open.array.as_async().data_type().kind() {
            DataTypeKind::String => {
                Ok(String::from_utf8_lossy(bytes).into_pyobject(py)?.into_any())
            }
            DataTypeKind::Bytes => Ok(bytes.into_pyobject(py)?.into_any()),
            _ => memory::scalar(py, bytes, open.dtype(py)?),
        }
    }

    /// The order of elements in results: `"F"` for Zarr v2 arrays of this order, else `"C"`.
    #[getter]
    fn order(&self) -> PyResult<&'static str> {
        Ok(if self.handle.get()?.is_fortran {
            "F"
        } else {
            "C"
        })
    }

    /// The names of the dimensions; `None` if the dimensions are unnamed.
    #[getter]
    fn dimension_names<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyTuple>>> {
        let open = self.handle.get()?;
        let names = open.array.as_async().metadata().dimension_names();
        names.map(|names| PyTuple::new(py, names)).transpose()
    }

    /// The path of the node in the store, without a leading slash.
    #[getter]
    fn path(&self) -> PyResult<String> {
        self.handle.path()
    }

    /// The location of the store, without secrets.
    #[getter]
    fn location(&self) -> PyResult<String> {
        self.handle.location()
    }

    /// Whether the store was opened read-only.
    #[getter]
    fn read_only(&self) -> bool {
        self.handle.read_only
    }

    /// The source that the store was opened from.
    #[getter]
    fn _origin(&self, py: Python<'_>) -> Py<PyAny> {
        self.handle.origin.clone_ref(py)
    }

    /// The metadata document.
    fn metadata_text(&self) -> PyResult<String> {
        self.handle
            .text(|open| open.array.as_async().metadata().to_text())
    }

    /// The metadata document without attributes.
    fn _layout_text(&self) -> PyResult<String> {
        self.handle.text(layout_text)
    }

    /// The `.zarray` document; `None` in Zarr v3.
    fn _zarr_2(&self) -> PyResult<Option<String>> {
        let text = |open: &OpenArray| text_of(open.array.as_async().metadata().zarr_2());
        Ok(Some(self.handle.text(text)?).filter(|text| !text.is_empty()))
    }

    /// The store.
    #[getter]
    fn _store(&self, py: Python<'_>) -> Py<NativeStore> {
        self.handle.store.clone_ref(py)
    }

    /// Request and byte counts of the store in this process so far, by kind.
    fn requests<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        self.handle.store.get().requests(py)
    }

    fn __getitem__<'py>(
        &self,
        py: Python<'py>,
        key: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let open = self.handle.get()?;
        let wanted = Wanted::parse(key, &open)?;
        self.read_now(py, open, wanted, None)
    }

    fn __setitem__(
        slf: &Bound<'_, Self>,
        key: &Bound<'_, PyAny>,
        value: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        static WRITE_FIELDS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        let (py, this) = (slf.py(), slf.get());
        let open = this.handle.get()?;
        let wanted = Wanted::parse(key, &open)?;
        if let Some(prepared) = wanted.of_fields(py)? {
            let write = WRITE_FIELDS.import(py, "zarr_py._indexing", "write_fields")?;
            return write.call1((slf, prepared, value)).map(drop);
        }
        this.write_now(py, open, wanted, value)
    }

    /// Reads a selection, into `out` if given.
    #[pyo3(signature = (selection = None, *, out = None))]
    fn read<'py>(
        &self,
        py: Python<'py>,
        selection: Option<&Bound<'py, PyAny>>,
        out: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let open = self.handle.get()?;
        let wanted = Wanted::parse_or_all(py, selection, &open)?;
        self.read_now(py, open, wanted, out)
    }

    /// Async variant of `read`: returns a future.
    #[pyo3(signature = (selection = None, *, out = None))]
    fn _read_later<'py>(
        &self,
        py: Python<'py>,
        selection: Option<&Bound<'py, PyAny>>,
        out: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let open = self.handle.get()?;
        let wanted = Wanted::parse_or_all(py, selection, &open)?;
        self.read_later(py, open, wanted, out)
    }

    /// Writes a selection.
    fn write(
        slf: &Bound<'_, Self>,
        selection: &Bound<'_, PyAny>,
        value: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        Self::__setitem__(slf, selection, value)
    }

    /// Async variant of `write`: returns a future.
    fn _write_later<'py>(
        &self,
        py: Python<'py>,
        selection: &Bound<'py, PyAny>,
        value: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let open = self.handle.get()?;
        let wanted = Wanted::parse(selection, &open)?;
        self.write_later(py, open, wanted, value)
    }

    /// The plan of a read, as text and as numbers.
    #[pyo3(signature = (selection = None))]
    fn _plan(
        &self,
        py: Python<'_>,
        selection: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<(String, Cost)> {
        let open = self.handle.get()?;
        let wanted = Wanted::parse_or_all(py, selection, &open)?;
        let plan = open
            .array
            .as_async()
            .plan_read(&wanted.selection)
            .map_err(Error::from)?;
        let size = open.item_size as u64;
        Ok(py.detach(|| (plan.to_string(), cost(&plan, size))))
    }

    /// Reads the metadata document again.
    #[pyo3(signature = (*, awaitable = false))]
    fn _refresh<'py>(&self, py: Python<'py>, awaitable: bool) -> PyResult<Bound<'py, PyAny>> {
        let turn = self.handle.renewal()?;
        answer(py, awaitable, async move {
            let (_guard, open) = turn.take().await?;
            let array = open.array.as_async();
            let array = array.hierarchy().array(array.path().as_str()).await?;
            turn.set(OpenArray::new(array));
            Ok(())
        })
    }

    /// Updates attributes: replaces all of them, or sets those in `changes` (a JSON object) and
    /// deletes those in `removed`.
    #[pyo3(signature = (changes, removed, replace, *, awaitable = false))]
    fn _change_attributes<'py>(
        &self,
        py: Python<'py>,
        changes: String,
        removed: Vec<String>,
        replace: bool,
        awaitable: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let turn = self.handle.turn()?;
        answer(py, awaitable, async move {
            let (_guard, open) = turn.take().await?;
            let mut array = open.array.as_async().clone();
            let change = changed(&changes, removed, replace)?;
            array.change_attributes(change).await?;
            turn.set(OpenArray::new(array));
            Ok(())
        })
    }
}

/// The cost of a read: objects, requests, inner chunks, requested bytes and decoded bytes.
pub(crate) type Cost = (u64, u64, u64, u64, u64);

pub(crate) fn cost(plan: &zarr::ReadPlan, item_size: u64) -> Cost {
    let cost = plan.cost();
    let bytes = |elements: u64| elements.saturating_mul(item_size);
    (
        cost.objects,
        cost.requests,
        cost.inner,
        bytes(cost.wanted),
        bytes(cost.decoded),
    )
}

/// The error for a write to a read-only store.
fn read_only(path: &str) -> PyErr {
    let message = "store was opened in read-only mode and does not support writing";
    failure("ReadOnlyError", format!("/{path}: {message}"))
}

/// An exception of `zarr_py.errors` for a failure detected in this crate.
fn failure(class: &'static str, message: String) -> PyErr {
    Error::Named(class, message).into()
}
