//! How an array is divided into chunks (core specification, "Chunk grid").

use serde::Deserialize;

use crate::error::{Error, Result};
use crate::extension::Extension;

/// How one dimension is divided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GridDimension {
    /// Chunks of one length, in elements.
    Fixed(u64),
}

impl GridDimension {
    /// The chunk that holds an element.
    #[must_use]
    pub fn cell_of(&self, index: u64) -> u64 {
        match self {
            Self::Fixed(len) => index / len,
        }
    }

    /// The first element of a chunk.
    #[must_use]
    pub fn start(&self, cell: u64) -> u64 {
        match self {
            Self::Fixed(len) => cell * len,
        }
    }

    /// The length of a chunk, in elements, the part beyond the array included.
    #[must_use]
    pub fn len(&self, _cell: u64) -> u64 {
        match self {
            Self::Fixed(len) => *len,
        }
    }

    /// The number of chunks that hold the elements `0..len`.
    #[must_use]
    pub fn cells(&self, len: u64) -> u64 {
        match self {
            Self::Fixed(chunk) => len.div_ceil(*chunk),
        }
    }
}

/// The division of an array into chunks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChunkGrid {
    dimensions: Vec<GridDimension>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RegularConfiguration {
    chunk_shape: Vec<u64>,
}

impl ChunkGrid {
    /// A grid of chunks of one shape.
    ///
    /// # Errors
    /// [`Error::Invalid`] where a length is 0.
    pub fn regular(chunk_shape: &[u64]) -> Result<Self> {
        if chunk_shape.contains(&0) {
            return Err(
                Error::invalid(format!("{chunk_shape:?}"), "lengths of at least 1")
                    .member("chunk_shape"),
            );
        }
        Ok(Self {
            dimensions: chunk_shape
                .iter()
                .map(|&len| GridDimension::Fixed(len))
                .collect(),
        })
    }

    /// `regular`: chunks of one shape.
    ///
    /// # Errors
    /// Where the chunk shape is missing, of another rank than `shape`, or has a length of 0.
    pub fn bind_regular(extension: &Extension, shape: &[u64]) -> Result<Self> {
        let RegularConfiguration { chunk_shape } = extension.parse()?;
        if chunk_shape.len() != shape.len() {
            return Err(Error::invalid(
                format!("{chunk_shape:?}"),
                format!(
                    "{} lengths, one for each dimension of {shape:?}",
                    shape.len()
                ),
            )
            .member("configuration.chunk_shape"));
        }
        Self::regular(&chunk_shape).map_err(|error| error.member("configuration"))
    }

    /// The division of each dimension.
    #[must_use]
    pub fn dimensions(&self) -> &[GridDimension] {
        &self.dimensions
    }

    /// The shape of a chunk, in elements, the part beyond the array included.
    #[must_use]
    pub fn chunk_shape(&self, cell: &[u64]) -> Vec<u64> {
        self.dimensions
            .iter()
            .zip(cell)
            .map(|(dimension, &cell)| dimension.len(cell))
            .collect()
    }

    /// The number of chunks along each dimension of an array of this shape.
    #[must_use]
    pub fn grid_shape(&self, shape: &[u64]) -> Vec<u64> {
        self.dimensions
            .iter()
            .zip(shape)
            .map(|(dimension, &len)| dimension.cells(len))
            .collect()
    }
}
