//! The wanted elements of one chunk, from a caller that has already split a selection along the
//! chunk grid.

use super::axis::Axis;
use super::points::Points;
use super::wanted::Wanted;
use crate::error::{Error, Result};

/// Elements of one chunk, and their places in a buffer.
#[derive(Clone, Debug)]
pub struct ChunkSelection(Wanted);

/// The wanted indices of one dimension of a chunk, and their places: position `p` lies `p * stride`
/// bytes into the buffer.
#[derive(Clone, Debug)]
pub struct AxisPlaces {
    /// The wanted indices and their positions.
    pub indices: PlacedIndices,
    /// The distance between adjacent positions, in bytes.
    pub stride: isize,
}

/// Indices with their positions.
#[derive(Clone, Debug)]
pub enum PlacedIndices {
    /// `count` indices from `start` on, `step` apart, at consecutive positions from `position` on.
    Range {
        /// The first index.
        start: u64,
        /// The distance between adjacent indices; negative for descending indices.
        step: i64,
        /// The number of indices.
        count: u64,
        /// The position of the first index.
        position: u64,
    },
    /// Pairs of index and position, in any order. If a write repeats an index, the last pair wins.
    Pairs(Vec<(u64, u64)>),
}

impl ChunkSelection {
    /// Selects all combinations of the indices of the dimensions.
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

    /// Selects single elements: one list of indices for each dimension, and the position of each
    /// element; adjacent positions are `stride` bytes apart.
    ///
    /// # Errors
    /// [`Error::Selection`] if the lists have different lengths.
    pub fn points(coordinates: &[Vec<u64>], positions: Vec<u64>, stride: isize) -> Result<Self> {
        let points = Points::placed(coordinates, positions, stride)?;
        Ok(Self(Wanted::Points(Box::new(points))))
    }

    /// Returns the wanted elements, after checking that they lie inside a chunk of this shape.
    pub(crate) fn within(self, shape: &[u64]) -> Result<Wanted> {
        if self.0.lies_within(shape) {
            return Ok(self.0);
        }
        Err(Error::selection(format!(
            "positions outside a chunk of shape {shape:?}"
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_of_zero_selects_one_index_at_most() {
        let select = |count| {
            let indices = PlacedIndices::Range {
                start: 3,
                step: 0,
                count,
                position: 0,
            };
            ChunkSelection::orthogonal([AxisPlaces { indices, stride: 1 }]).within(&[4])
        };
        assert!(select(0).is_ok() && select(1).is_ok());
        assert!(select(2).is_err());
    }
}
