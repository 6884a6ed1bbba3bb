//! The node of a handle: an array or group that a forked child or an unpickled handle rebuilds from
//! metadata.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use zarr::{ArrayMetadata, Hierarchy, NodeMetadata, blocking};
use zarr_core::{ItemSize, Strictness};

use crate::error::{Error, Result};

/// A node that can be rebuilt from its metadata.
pub(super) trait Remake: Sized {
    fn make(hierarchy: &Hierarchy, document: &Document) -> Result<Self>;
    fn remake(&self, hierarchy: &Hierarchy) -> Result<Self>;
    fn path(&self) -> &str;
}

/// The pickled form of a node.
#[derive(Clone)]
pub(super) struct Document {
    pub(super) path: String,
    pub(super) text: String,
}

/// An array with the values that each read needs.
pub(super) struct OpenArray {
    pub(super) array: blocking::Array,
    /// The shape of the smallest decodable unit: inner chunks if they can be read alone.
    pub(super) unit: Vec<u64>,
    /// The size of an element in bytes; for strings, the size of a slot in the buffer.
    pub(super) item_size: usize,
    /// Whether results are in Fortran order, as zarr-python returns Zarr v2 arrays of order "F".
    pub(super) is_fortran: bool,
    dtype: PyOnceLock<Py<PyAny>>,
}

impl OpenArray {
    pub(super) fn new(array: zarr::Array) -> Self {
        let layout = array.layout();
        let unit = layout.inner_chunk_shape();
        Self {
            unit: unit.unwrap_or_else(|| layout.chunk_shape().to_vec()),
            item_size: match array.data_type().item_size() {
                ItemSize::Fixed(size) => size,
                ItemSize::Variable => 8,
            },
            is_fortran: is_fortran(array.metadata()),
            array: array.into(),
            dtype: PyOnceLock::new(),
        }
    }

    /// The NumPy data type of the array.
    pub(super) fn dtype<'py>(&self, py: Python<'py>) -> PyResult<&Bound<'py, PyAny>> {
        let dtype = self.dtype.get_or_try_init(py, || {
            static MAP: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
            let extension = serde_json::to_string(self.array.as_async().data_type().extension());
            let extension = extension
                .map_err(zarr_core::Error::from)
                .map_err(Error::from)?;
            let dtype = MAP
                .import(py, "zarr_py._dtypes", "to_numpy")?
                .call1((extension,))?;
            Ok::<_, PyErr>(dtype.unbind())
        })?;
        Ok(dtype.bind(py))
    }

    pub(super) fn is_variable(&self) -> bool {
        self.array.as_async().data_type().fixed_size().is_none()
    }
}

/// Whether metadata is that of a Zarr v2 array of order "F": pickled handles know its v3 form only.
fn is_fortran(metadata: &ArrayMetadata) -> bool {
    let first = metadata.codecs().first();
    let order = first
        .filter(|codec| codec.name() == "transpose" && metadata.chunk_key_encoding().name() == "v2")
        .and_then(|codec| codec.configuration()?.get("order"));
    order.is_some_and(|order| {
        let order = serde_json::from_str::<Vec<usize>>(order.get());
        order.is_ok_and(|order| order.into_iter().eq((0..metadata.shape().len()).rev()))
    })
}

impl Remake for OpenArray {
    fn make(hierarchy: &Hierarchy, document: &Document) -> Result<Self> {
        match NodeMetadata::parse_with(document.text.as_bytes(), Strictness::Tolerant)? {
            NodeMetadata::Array(array) => Ok(Self::new(zarr::Array::new(
                hierarchy,
                &document.path,
                array,
            )?)),
            NodeMetadata::Group(_) => Err(wrong_kind(document)),
        }
    }

    fn remake(&self, hierarchy: &Hierarchy) -> Result<Self> {
        let metadata = self.array.as_async().metadata().clone();
        Ok(Self::new(zarr::Array::new(
            hierarchy,
            self.path(),
            metadata,
        )?))
    }

    fn path(&self) -> &str {
        self.array.as_async().path().as_str()
    }
}

impl Remake for zarr::Group {
    fn make(hierarchy: &Hierarchy, document: &Document) -> Result<Self> {
        match NodeMetadata::parse_with(document.text.as_bytes(), Strictness::Tolerant)? {
            NodeMetadata::Group(group) => Ok(Self::new(hierarchy, &document.path, group)?),
            NodeMetadata::Array(_) => Err(wrong_kind(document)),
        }
    }

    fn remake(&self, hierarchy: &Hierarchy) -> Result<Self> {
        Ok(Self::new(
            hierarchy,
            self.path().as_str(),
            self.metadata().clone(),
        )?)
    }

    fn path(&self) -> &str {
        self.path().as_str()
    }
}

fn wrong_kind(document: &Document) -> Error {
    let message = format!(
        "/{}: the pickle holds the other type of node",
        document.path
    );
    Error::Named("NodeTypeError", message)
}
