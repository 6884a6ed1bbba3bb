//! The layout of an array, bound once: past this point no names, no JSON and no checks remain.

use std::collections::HashMap;
use std::sync::Arc;

use crate::chunk_grid::ChunkGrid;
use crate::chunk_key::ChunkKeyEncoding;
use crate::codec::{ByteOrder, ChunkSpec, CodecChain};
use crate::data_type::{DataType, DataTypeKind, FillValue};
use crate::error::{Error, Result};
use crate::metadata::ArrayMetadata;
use crate::registry::Registry;

/// The layout of an array: shape, data type, chunk grid, chunk keys and codecs.
#[derive(Clone, Debug)]
pub struct ArrayLayout {
    shape: Vec<u64>,
    grid: ChunkGrid,
    key_encoding: ChunkKeyEncoding,
    codecs: Arc<CodecChain>,
    /// The codecs of each chunk shape; empty if all chunks have one shape.
    codecs_by_shape: HashMap<Vec<u64>, Arc<CodecChain>>,
}

impl ArrayLayout {
    /// Binds the metadata of an array to the extensions of a registry.
    ///
    /// # Errors
    /// [`Error::InMember`] with the member that is unknown, invalid or over a limit.
    pub fn bind(metadata: &ArrayMetadata, registry: &Registry) -> Result<Self> {
        let shape = metadata.shape().to_vec();
        let limit = registry.limits().max_rank;
        if shape.len() > limit {
            let error = Error::TooLarge {
                what: "number of dimensions",
                wanted: shape.len().to_string(),
                limit: limit as u64,
            };
            return Err(error.member("shape"));
        }
        let data_type = registry
            .bind_data_type(metadata.data_type())
            .map_err(|error| error.member("data_type"))?;
        let mut fill_value = registry
            .parse_fill_value(&data_type, metadata.fill_value())
            .map_err(|error| error.member("fill_value"))?;
        let grid = registry
            .bind_chunk_grid(metadata.chunk_grid(), &shape)
            .map_err(|error| error.member("chunk_grid"))?;
        let key_encoding = registry
            .bind_chunk_key_encoding(metadata.chunk_key_encoding())
            .map_err(|error| error.member("chunk_key_encoding"))?;
        let bind = |shape: Vec<u64>, fill_value: &FillValue| {
            let spec = ChunkSpec {
                shape: shape.into(),
                data_type: data_type.clone(),
                fill_value: fill_value.clone(),
            };
            registry.bind_codecs(metadata.codecs(), spec).map(Arc::new)
        };
        let shapes = grid.chunk_shapes(registry.limits().max_chunk_shapes);
        let shapes = shapes.map_err(|error| error.member("chunk_grid"))?;
        let first = grid.chunk_shape(&vec![0; shape.len()]);
        let mut codecs = bind(first.clone(), &fill_value)?;
        if is_packed(&data_type, metadata) && codecs.stored_order() == Some(ByteOrder::Big) {
            let mut bytes = fill_value.bytes().to_vec();
            data_type.swap_bytes(&mut bytes);
            fill_value = FillValue::new(bytes);
            codecs = bind(first, &fill_value)?;
        }
        let mut codecs_by_shape = HashMap::new();
        if shapes.len() > 1 {
            for shape in shapes {
                codecs_by_shape.insert(shape.clone(), bind(shape, &fill_value)?);
            }
        }
        Ok(Self {
            shape,
            grid,
            key_encoding,
            codecs,
            codecs_by_shape,
        })
    }

    /// The number of elements along each dimension.
    #[must_use]
    pub fn shape(&self) -> &[u64] {
        &self.shape
    }

    /// The data type.
    #[must_use]
    pub fn data_type(&self) -> &DataType {
        &self.codecs.decoded().data_type
    }

    /// The value of elements that are not stored.
    #[must_use]
    pub fn fill_value(&self) -> &FillValue {
        &self.codecs.decoded().fill_value
    }

    /// The division into chunks; for a sharded array, into shards.
    #[must_use]
    pub fn grid(&self) -> &ChunkGrid {
        &self.grid
    }

    /// The shape of the first chunk; for a sharded array, of the first shard.
    #[must_use]
    pub fn chunk_shape(&self) -> &[u64] {
        &self.codecs.decoded().shape
    }

    /// The shape of the inner chunks of a sharded array, in the array's axis order; `None` if inner
    /// chunks cannot be read alone.
    #[must_use]
    pub fn inner_chunk_shape(&self) -> Option<Vec<u64>> {
        let stored = &self.codecs.sharding()?.inner().decoded().shape;
        let mut shape = vec![0; stored.len()];
        for (stored, &axis) in stored.iter().zip(self.codecs.axis_order()?) {
            shape[axis] = *stored;
        }
        Some(shape)
    }

    /// The codecs, bound to the shape of the first chunk.
    #[must_use]
    pub fn codecs(&self) -> &Arc<CodecChain> {
        &self.codecs
    }

    /// The codecs, bound to the shape of this chunk.
    #[must_use]
    pub fn codecs_of(&self, cell: &[u64]) -> &Arc<CodecChain> {
        if self.codecs_by_shape.is_empty() {
            return &self.codecs;
        }
        self.codecs_by_shape
            .get(&self.grid.chunk_shape(cell))
            .expect("bound for every shape of the grid")
    }

    /// Returns the codecs bound to chunks of this shape, or `None` if the grid has no such chunks.
    #[must_use]
    pub fn codecs_of_shape(&self, shape: &[u64]) -> Option<&Arc<CodecChain>> {
        if *self.codecs.decoded().shape == *shape {
            return Some(&self.codecs);
        }
        self.codecs_by_shape.get(shape)
    }

    /// Returns this layout with one more chunk shape, for an array that has grown since the layout
    /// was bound.
    ///
    /// # Errors
    /// The errors of [`Self::bind`] for the codecs.
    pub fn with_chunk_shape(
        mut self,
        shape: &[u64],
        metadata: &ArrayMetadata,
        registry: &Registry,
    ) -> Result<Self> {
        let first = self.codecs.decoded();
        let spec = ChunkSpec {
            shape: shape.into(),
            ..first.clone()
        };
        let codecs = registry.bind_codecs(metadata.codecs(), spec)?;
        let first = (first.shape.to_vec(), self.codecs.clone());
        self.codecs_by_shape
            .extend([first, (shape.to_vec(), Arc::new(codecs))]);
        Ok(self)
    }

    /// Returns the key of a chunk of the array whose keys start with `prefix`.
    #[must_use]
    pub fn key(&self, prefix: &str, cell: &[u64]) -> String {
        let mut key = prefix.to_owned();
        self.key_encoding.push_key(cell, &mut key);
        key
    }

    /// Returns the indices of the chunk with this key in the array whose keys start with `prefix`,
    /// or `None` if the key is not a chunk key.
    #[must_use]
    pub fn cell_of_key(&self, prefix: &str, key: &str) -> Option<Vec<u64>> {
        let key = key.strip_prefix(prefix)?;
        self.key_encoding.parse_key(key, self.shape().len())
    }
}

/// Whether the fill value is the packed bytes of a legacy `structured` value, in the byte order of
/// the codec.
fn is_packed(data_type: &DataType, metadata: &ArrayMetadata) -> bool {
    data_type.kind() == DataTypeKind::Struct && metadata.fill_value().get().starts_with('"')
}
