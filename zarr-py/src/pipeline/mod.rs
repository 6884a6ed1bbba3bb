//! The native half of `zarr_py.CodecPipeline`: reads and writes any selection of an array in one
//! call.
//!
//! `batch` parses the batch of zarr-python chunk by chunk, once and with the GIL; `variable` builds
//! Python strings. The engine does the rest without the GIL. An unsupported batch is `None` here,
//! and zarr-python's own pipeline takes over.

mod batch;
mod variable;

use std::collections::HashSet;
use std::sync::Arc;

use arc_swap::ArcSwap;
use pyo3::BoundObject;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyTuple};
use zarr::{Attributes, Hierarchy, ReadPlan, Strictness, Target, WriteOptions, WritePlan};
use zarr_core::codec::ChunkData;
use zarr_core::metadata::{ArrayMetadata, v2};
use zarr_core::plan::ChunkAccess;
use zarr_core::size::c_strides;
use zarr_core::{ArrayLayout, DataTypeKind, Input, Members};

use self::batch::Chunks;
use self::variable::StringsRead;
use crate::array::{Cost, cost};
use crate::buffer::{Buffer, copy_of};
use crate::error::{Error, Result};
use crate::lent::Lent;
use crate::store::NativeStore;
use crate::{events, runtime};

/// A read of one local object that decodes at most this many bytes runs on the calling thread,
/// because handing it over takes longer.
const HERE: u64 = 1 << 20;

/// The metadata of an array, bound to the store of the array.
#[pyclass(frozen, module = "zarr_py._native")]
pub(crate) struct NativePipeline {
    store: Py<NativeStore>,
    metadata: Arc<ArrayMetadata>,
    /// The layout for all chunk shapes requested so far: the array may have grown since it was
    /// opened.
    layout: Arc<ArcSwap<ArrayLayout>>,
}

#[pymethods]
impl NativePipeline {
    /// Binds a metadata document of Zarr v2 or v3.
    #[new]
    fn new(
        py: Python<'_>,
        store: Py<NativeStore>,
        document: &[u8],
        zarr_format: u8,
    ) -> PyResult<Self> {
        let bind = || -> Result<_> {
            let metadata = match zarr_format {
                2 => v2::array_from_v2(
                    Members::parse_with(document, Strictness::Tolerant)?,
                    &Attributes::new(),
                )?,
                _ => ArrayMetadata::parse_with(document, Strictness::Tolerant)?,
            };
            let handle = store.get().handle()?;
            let layout = ArrayLayout::bind(&metadata, handle.hierarchy.registry())?;
            Ok((metadata, layout))
        };
        let (metadata, layout) = py.detach(bind)?;
        Ok(Self {
            store,
            metadata: Arc::new(metadata),
            layout: Arc::new(ArcSwap::from_pointee(layout)),
        })
    }

    /// Binds this array to another store.
    fn over(&self, store: Py<NativeStore>) -> Self {
        Self {
            store,
            metadata: self.metadata.clone(),
            layout: self.layout.clone(),
        }
    }

    /// The size of an element in bytes; `None` for variable-size strings and byte strings.
    #[getter]
    fn item_size(&self) -> Option<usize> {
        self.layout.load().data_type().fixed_size()
    }

    /// The kind of variable-size elements: `"string"` or `"bytes"`.
    #[getter]
    fn variable_kind(&self) -> Option<&'static str> {
        match self.layout.load().data_type().kind() {
            DataTypeKind::String => Some("string"),
            DataTypeKind::Bytes => Some("bytes"),
            _ => None,
        }
    }

    /// Reads parts of chunks into an array. Returns the statuses of the chunks, or an awaitable of
    /// them, or `None` for an unsupported batch.
    fn read<'py>(
        &self,
        py: Python<'py>,
        batch: &Bound<'py, PyList>,
        out: &Bound<'py, PyAny>,
        drop_axes: Vec<usize>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let Some(memory) = Lent::writable(out)? else {
            return Ok(None);
        };
        let Some(chunks) = Chunks::of(batch, &memory.shape, &memory.strides, &drop_axes)? else {
            return Ok(None);
        };
        let read = self.plan_read(chunks.0, Target::fixed(memory.output()))?;
        read.run(py, Statuses).map(Some)
    }

    /// Reads parts of chunks of variable-size elements into an array of objects or strings. Returns
    /// the statuses of the chunks, or an awaitable of them, or `None` for an unsupported batch.
    fn read_variable<'py>(
        &self,
        py: Python<'py>,
        batch: &Bound<'py, PyList>,
        out: Bound<'py, PyAny>,
        drop_axes: Vec<usize>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let shape = out.getattr("shape")?.extract::<Vec<usize>>()?;
        let strides = c_strides(&shape, self.layout.load().data_type().slot_size());
        let Some(chunks) = Chunks::of(batch, &shape, &strides, &drop_axes)? else {
            return Ok(None);
        };
        let (len, out) = (shape.iter().product(), out.unbind());
        let target = Target::variable(len).map_err(Error::Zarr)?;
        let read = self.plan_read(chunks.0, target)?;
        let layout = self.layout.load_full();
        let elements = move |read| StringsRead {
            read,
            layout,
            out,
            len,
        };
        read.run(py, elements).map(Some)
    }

    /// Writes parts of chunks from an array. Returns an awaitable of `None`, or `None` for an
    /// unsupported batch.
    fn write<'py>(
        &self,
        py: Python<'py>,
        batch: &Bound<'py, PyList>,
        value: &Bound<'py, PyAny>,
        drop_axes: Vec<usize>,
        store_fill: bool,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let Some(memory) = Lent::of(value)? else {
            return Ok(None);
        };
        let Some(chunks) = Chunks::of(batch, &memory.shape, &memory.strides, &drop_axes)? else {
            return Ok(None);
        };
        self.start_write(py, chunks, memory.input(), store_fill)
            .map(Some)
    }

    /// Writes parts of chunks of variable-size elements from a list, in C order of an array of
    /// `shape`. Returns an awaitable of `None`, or `None` for an unsupported batch.
    fn write_variable<'py>(
        &self,
        py: Python<'py>,
        batch: &Bound<'py, PyList>,
        elements: &Bound<'py, PyList>,
        shape: Vec<usize>,
        drop_axes: Vec<usize>,
        store_fill: bool,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let strides = c_strides(&shape, self.layout.load().data_type().slot_size());
        let Some(chunks) = Chunks::of(batch, &shape, &strides, &drop_axes)? else {
            return Ok(None);
        };
        if elements.len() != shape.iter().product::<usize>() {
            return Err(PyValueError::new_err(
                "the number of elements differs from the number of positions",
            ));
        }
        let Some(input) = variable::input(elements, self.layout.load().data_type().kind())? else {
            return Ok(None);
        };
        self.start_write(py, chunks, input, store_fill).map(Some)
    }

    /// Decodes a whole chunk of fixed-size elements to C order and native byte order.
    fn decode(&self, py: Python<'_>, encoded: &Bound<'_, PyAny>) -> PyResult<Buffer> {
        let (layout, encoded) = (self.layout.load_full(), copy_of(encoded)?);
        let decoded = py.detach(|| match layout.codecs().decode_chunk(&encoded)? {
            ChunkData::Fixed(bytes) => Ok(bytes),
            variable @ ChunkData::Variable { .. } => variable.fixed().map(<[u8]>::to_vec),
        });
        Ok(Buffer::new(decoded.map_err(Error::from)?.into()))
    }

    /// Encodes a whole chunk of fixed-size elements in C order and native byte order.
    fn encode(&self, py: Python<'_>, elements: &Bound<'_, PyAny>) -> PyResult<Buffer> {
        let (layout, elements) = (self.layout.load_full(), copy_of(elements)?);
        let encoded = py.detach(|| {
            let mut encoded = Vec::new();
            let elements = ChunkData::Fixed(elements.to_vec());
            layout.codecs().encode_chunk(&elements, &mut encoded)?;
            Ok::<_, zarr_core::Error>(encoded)
        });
        Ok(Buffer::new(encoded.map_err(Error::from)?.into()))
    }

    /// The plan of a read, as text and as numbers.
    fn plan(
        &self,
        batch: &Bound<'_, PyList>,
        shape: Vec<usize>,
        drop_axes: Vec<usize>,
    ) -> PyResult<Option<(String, Cost)>> {
        let layout = self.layout.load();
        let item_size = layout.data_type().slot_size();
        let strides = c_strides(&shape, item_size);
        let Some(chunks) = Chunks::of(batch, &shape, &strides, &drop_axes)? else {
            return Ok(None);
        };
        let layout = self.layout_of(&chunks.0)?;
        let plan = ReadPlan::of_chunks(layout, chunks.0).map_err(Error::from)?;
        Ok(Some((plan.to_string(), cost(&plan, item_size as u64))))
    }
}

impl NativePipeline {
    fn hierarchy(&self) -> Result<Hierarchy> {
        Ok(self.store.get().handle()?.hierarchy)
    }

    /// Returns a layout that knows the shapes of all these chunks.
    fn layout_of(&self, chunks: &[ChunkAccess]) -> Result<Arc<ArrayLayout>> {
        let mut layout = self.layout.load_full();
        for chunk in chunks {
            if layout.codecs_of_shape(&chunk.shape).is_none() {
                let hierarchy = self.hierarchy()?;
                let grown = (*layout).clone();
                let grown =
                    grown.with_chunk_shape(&chunk.shape, &self.metadata, hierarchy.registry())?;
                layout = Arc::new(grown);
                self.layout.store(layout.clone());
            }
        }
        Ok(layout)
    }

    fn plan_read(&self, chunks: Vec<ChunkAccess>, target: Target) -> Result<Read> {
        let keys = chunks.iter().map(|chunk| chunk.key.clone()).collect();
        Ok(Read {
            hierarchy: self.hierarchy()?,
            plan: ReadPlan::of_chunks(self.layout_of(&chunks)?, chunks)?,
            target: target.reporting_absent(),
            keys,
        })
    }

    fn start_write<'py>(
        &self,
        py: Python<'py>,
        chunks: Chunks,
        input: Input,
        store_fill: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let hierarchy = self.hierarchy()?;
        let options = WriteOptions {
            store_fill,
            ..hierarchy.write_options()
        };
        let layout = self.layout_of(&chunks.0)?;
        let mut chunks = chunks.0;
        if layout.codecs().sharding().is_some() {
            // Merges with stored data: elements that an array left in its shards when it shrank
            // reappear when it grows.
            chunks.iter_mut().for_each(|chunk| chunk.complete = false);
        }
        let plan = WritePlan::of_chunks(layout, chunks, options);
        let plan = plan.map_err(Error::from)?;
        runtime::awaitable(
            py,
            async move { Ok(hierarchy.run_write(plan, input).await?) },
        )
    }
}

/// A planned read.
struct Read {
    hierarchy: Hierarchy,
    plan: ReadPlan,
    target: Target,
    keys: Vec<Arc<str>>,
}

/// A completed read.
struct Done {
    target: Target,
    keys: Vec<Arc<str>>,
}

impl Read {
    /// Runs the read here or for the running event loop, and converts the result with `answer`.
    fn run<'py, A>(
        self,
        py: Python<'py>,
        answer: impl FnOnce(Done) -> A + Send + 'static,
    ) -> PyResult<Bound<'py, PyAny>>
    where
        A: for<'a> IntoPyObject<'a> + Send + 'static,
    {
        let Self {
            hierarchy,
            plan,
            target,
            keys,
        } = self;
        let done = Done {
            target: target.clone(),
            keys,
        };
        let here = plan.objects() <= 1 && plan.decoded_size() <= HERE;
        events::listen(py);
        if here && let Some(result) = py.detach(|| hierarchy.run_read_here(&plan, &target)) {
            events::deliver(py);
            result.map_err(Error::Zarr)?;
            drop(target);
            let answer = answer(done).into_pyobject(py).map_err(Into::into)?;
            return Ok(answer.into_bound().into_any());
        }
        runtime::awaitable(py, async move {
            hierarchy.run_read(plan, target).await?;
            Ok(answer(done))
        })
    }
}

/// The statuses of the chunks of a read, in order, as `GetResult` of zarr-python.
struct Statuses(Done);

impl<'py> IntoPyObject<'py> for Statuses {
    type Target = PyTuple;
    type Output = Bound<'py, PyTuple>;
    type Error = PyErr;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Self::Output> {
        let Done { target, keys } = self.0;
        statuses(py, &target.absent(), &keys)
    }
}

fn statuses<'py>(
    py: Python<'py>,
    absent: &[Arc<str>],
    keys: &[Arc<str>],
) -> PyResult<Bound<'py, PyTuple>> {
    let absent = absent.iter().map(|key| &**key).collect::<HashSet<_>>();
    let status = |text: &str| {
        let result = PyDict::new(py);
        result.set_item("status", text)?;
        PyResult::Ok(result)
    };
    let results = keys.iter().map(|key| {
        if absent.contains(&**key) {
            status("missing")
        } else {
            status("present")
        }
    });
    PyTuple::new(py, results.collect::<PyResult<Vec<_>>>()?)
}
