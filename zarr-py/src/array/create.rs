//! Creates arrays and groups.

use std::future::ready;

use futures::channel::mpsc::unbounded;
use futures::stream::{self, StreamExt};
use pyo3::prelude::*;
use zarr::{ArrayBuilder, ArrayMetadata, GroupMetadata, Hierarchy, NodeMetadata};
use zarr_core::metadata::{codecs, v2};
use zarr_core::{DataType, DataTypeKind, Extension, FillValue, Strictness};

use super::answer::answer;
use super::handle::{Place, attributes};
use crate::error::{Error, Result};
use crate::store::{Batch, Batches};

/// The Python description of a new array: extensions as JSON, `None` for the default.
#[derive(FromPyObject)]
pub(crate) struct NewArray {
    shape: Vec<u64>,
    data_type: String,
    chunks: Option<Vec<u64>>,
    shards: Option<Vec<u64>>,
    /// Replaces the chunk shape.
    chunk_grid: Option<String>,
    filters: Vec<String>,
    serializer: Option<String>,
    compressors: Option<Vec<String>>,
    /// The bytes of one element.
    fill_value: Option<Vec<u8>>,
    attributes: String,
    dimension_names: Option<Vec<Option<String>>>,
    chunk_key_encoding: Option<String>,
}

impl NewArray {
    fn metadata(self, hierarchy: &Hierarchy) -> Result<ArrayMetadata> {
        let extension = extension(&self.data_type).map_err(|error| error.member("data_type"))?;
        let data_type = hierarchy.registry().bind_data_type(&extension);
        let data_type = data_type.map_err(|error| error.member("data_type"))?;
        let fill_value = self
            .fill_value
            .map_or_else(|| data_type.default_fill_value(), FillValue::new);
        let mut chain = list(&self.filters)?;
        chain.push(match &self.serializer {
            Some(serializer) => self::extension(serializer)?,
            None => serializer_of(&data_type),
        });
        match &self.compressors {
            Some(compressors) => chain.extend(list(compressors)?),
            None => chain.push(codecs::zstd(3)),
        }
        let mut builder = ArrayBuilder::new(&self.shape, data_type.name())
            .with_data_type(extension)
            .with_codecs(chain)
            .with_fill_json(&data_type.fill_value_to_json(&fill_value))?
            .with_attributes(attributes(&self.attributes)?);
        if let Some(chunks) = &self.chunks {
            builder = builder.with_chunk_shape(chunks);
        }
        if let Some(shards) = &self.shards {
            builder = builder.with_shard_shape(shards);
        }
        if let Some(grid) = &self.chunk_grid {
            builder = builder.with_chunk_grid(self::extension(grid)?);
        }
        if let Some(names) = self.dimension_names {
            builder = builder.with_some_dimension_names(names);
        }
        if let Some(encoding) = &self.chunk_key_encoding {
            builder = builder.with_chunk_key_encoding(self::extension(encoding)?);
        }
        Ok(builder.build()?)
    }
}

/// The default array-to-bytes codec of a data type.
fn serializer_of(data_type: &DataType) -> Extension {
    match data_type.kind() {
        DataTypeKind::String => Extension::new("vlen-utf8"),
        DataTypeKind::Bytes => Extension::new("vlen-bytes"),
        _ => codecs::bytes(data_type.swap_size() > 1),
    }
}

fn extension(json: &str) -> zarr_core::Result<Extension> {
    Extension::from_json(&serde_json::value::RawValue::from_string(json.to_owned())?)
}

fn list(codecs: &[String]) -> zarr_core::Result<Vec<Extension>> {
    let codecs = codecs.iter().map(|codec| extension(codec));
    let codecs = codecs.collect::<zarr_core::Result<_>>();
    codecs.map_err(|error| error.member("codecs"))
}

pub(super) async fn create_array_at(
    hierarchy: &Hierarchy,
    path: &str,
    array: NewArray,
    overwrite: bool,
) -> Result<zarr::Array> {
    let metadata = array.metadata(hierarchy)?;
    if overwrite {
        return Ok(hierarchy
            .replace(path, metadata.into())
            .await?
            .into_array()?);
    }
    Ok(hierarchy.create_array(path, metadata).await?)
}

pub(super) async fn create_group_at(
    hierarchy: &Hierarchy,
    path: &str,
    attributes: &str,
    overwrite: bool,
) -> Result<zarr::Group> {
    let attributes = self::attributes(attributes)?;
    if overwrite {
        let group = GroupMetadata::default().with_attributes(attributes)?;
        return Ok(hierarchy.replace(path, group.into()).await?.into_group()?);
    }
    Ok(hierarchy.create_group(path, attributes).await?)
}

/// Creates an array.
#[pyfunction]
#[pyo3(signature = (place, path, array, overwrite, *, awaitable = false))]
pub(crate) fn create_array<'py>(
    py: Python<'py>,
    place: Place,
    path: String,
    array: NewArray,
    overwrite: bool,
    awaitable: bool,
) -> PyResult<Bound<'py, PyAny>> {
    let hierarchy = place.writable(&path)?;
    answer(py, awaitable, async move {
        let array = create_array_at(&hierarchy, &path, array, overwrite).await?;
        Ok(place.opened(zarr::Node::Array(array)))
    })
}

/// Creates a group.
#[pyfunction]
#[pyo3(signature = (place, path, attributes, overwrite, *, awaitable = false))]
pub(crate) fn create_group<'py>(
    py: Python<'py>,
    place: Place,
    path: String,
    attributes: String,
    overwrite: bool,
    awaitable: bool,
) -> PyResult<Bound<'py, PyAny>> {
    let hierarchy = place.writable(&path)?;
    answer(py, awaitable, async move {
        let group = create_group_at(&hierarchy, &path, &attributes, overwrite).await?;
        Ok(place.opened(zarr::Node::Group(group)))
    })
}

/// Creates a node from the metadata of an existing node.
#[pyfunction]
pub(crate) fn create_like<'py>(
    py: Python<'py>,
    place: Place,
    path: String,
    metadata: &str,
) -> PyResult<Bound<'py, PyAny>> {
    let hierarchy = place.writable(&path)?;
    let metadata = parsed(metadata)?;
    answer(py, false, async move {
        Ok(place.opened(hierarchy.create_like(&path, &metadata).await?))
    })
}

/// Rejects metadata that Zarr v2 cannot express.
#[pyfunction]
pub(crate) fn check_zarr_2(path: &str, metadata: &str) -> PyResult<()> {
    let checked = v2::to_v2(&parsed(metadata)?).map_err(|error| error.key(path));
    Ok(checked.map(drop).map_err(crate::error::Error::from)?)
}

fn parsed(metadata: &str) -> Result<NodeMetadata> {
    let metadata = NodeMetadata::parse_with(metadata.as_bytes(), Strictness::Tolerant);
    Ok(metadata?)
}

/// Whether one of two paths lies in the other, by whatever names their stores were opened.
#[pyfunction]
pub(crate) fn overlap(place: Place, path: &str, other: Place, other_path: &str) -> Result<bool> {
    let (ours, theirs) = (place.hierarchy()?, other.hierarchy()?);
    Ok(ours.store().overlaps(path, theirs.store(), other_path))
}

/// Copies a node and everything below it to a free path, object by object: the batches are the
/// progress.
#[pyfunction]
pub(crate) fn copy_node(
    source: Place,
    path: String,
    target: Place,
    target_path: String,
    overwrite: bool,
) -> PyResult<Batches> {
    let (from, to) = (source.hierarchy()?, target.writable(&target_path)?);
    let (sender, receiver) = unbounded();
    let copy = async move {
        let progress = |done, total| drop(sender.unbounded_send((done, total)));
        from.copy_with(&path, &to, &target_path, overwrite, progress)
            .await
            .map(drop)
            .map_err(Error::from)
    };
    let copied = receiver.map(|copied| Ok(Batch::Copied(copied)));
    let failed = stream::once(copy).filter_map(|done| ready(done.err().map(Err)));
    Ok(Batches::start(stream::select(copied, failed).boxed()))
}
