//! What is wanted of one chunk, said by a caller who has split a selection along the chunk grid already.

use super::axis::Axis;
use super::points::Points;
use super::wanted::Wanted;
use crate::error::{Error, Result};

/// Elements of one chunk, and their places in a buffer.
#[derive(Clone, Debug)]
pub struct ChunkSelection(Wanted);

/// The wanted indices of one dimension of a chunk, and where they go: position `p` lies `p * stride` bytes on in the buffer.
#[derive(Clone, Debug)]
pub struct AxisPlaces {
    /// Which indices, to which positions.
    pub indices: PlacedIndices,
    /// Bytes from one position to the next.
    pub stride: isize,
}

/// Indices with positions.
#[derive(Clone, Debug)]
pub enum PlacedIndices {
    /// `count` indices from `start` on that are `step` apart, to the positions from `position` on.
    Range {
        /// The first index.
        start: u64,
        /// From one index to the next; negative for descending ones.
        step: i64,
        /// How many there are.
        count: u64,
        /// The position of the first one.
        position: u64,
    },
    /// Pairs of index and position, in any order. Of a position that is repeated the last pair of a write counts.
    Pairs(Vec<(u64, u64)>),
}

impl ChunkSelection {
    /// All combinations of the indices of the dimensions.
    #[must_use]
    pub fn orthogonal(axes: impl IntoIterator<Item = AxisPlaces>) -> Self {
        let axes = axes.into_iter().map(|places| {
            let mut axis = match places.indices {
                PlacedIndices::Range {
                    start,
                    step,
                    count,
                    position,
                } => Axis::placed(start, step, count, position),
                PlacedIndices::Pairs(pairs) => Axis::pairs(pairs),
            };
            axis.stride = places.stride;
            axis
        });
        Self(Wanted::Box(axes.collect()))
    }

    /// Single elements: one list of indices for each dimension, and the position of each element, `stride` bytes from one to
    /// the next.
    ///
    /// # Errors
    /// [`Error::Selection`] where the lists have different lengths.
    pub fn points(coordinates: &[Vec<u64>], positions: Vec<u64>, stride: isize) -> Result<Self> {
        let points = Points::placed(coordinates, positions, stride)?;
        Ok(Self(Wanted::Points(points)))
    }

    /// What is wanted, once it is known to lie inside a chunk of this shape.
    pub(crate) fn within(self, shape: &[u64]) -> Result<Wanted> {
        if self.0.lies_within(shape) {
            return Ok(self.0);
        }
        Err(Error::selection(format!(
            "elements outside a chunk of shape {shape:?}"
        )))
    }
}
