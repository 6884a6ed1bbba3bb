//! The grids of chunks and inner chunks, and iteration over their cells.

use std::ops::Range;

use zarr_core::GridDimension;

use super::Array;

/// Iterates over the cells of a box of a grid, in C order.
pub(super) struct Boxes {
    ranges: Vec<Range<u64>>,
    next: Option<Vec<u64>>,
}

impl Boxes {
    pub(super) fn new(ranges: impl IntoIterator<Item = Range<u64>>) -> Self {
        let ranges = ranges.into_iter().collect::<Vec<_>>();
        let first = ranges.iter().map(|range| range.start).collect();
        let is_empty = ranges.iter().any(Range::is_empty);
        Self {
            next: (!is_empty).then_some(first),
            ranges,
        }
    }
}

impl Iterator for Boxes {
    type Item = Vec<u64>;

    fn next(&mut self) -> Option<Vec<u64>> {
        let cell = self.next.take()?;
        let mut next = cell.clone();
        for (index, range) in next.iter_mut().zip(&self.ranges).rev() {
            *index += 1;
            if *index < range.end {
                self.next = Some(next);
                break;
            }
            *index = range.start;
        }
        Some(cell)
    }
}

impl Array {
    /// Iterates over the indices of all chunks, in C order.
    pub(super) fn cells(&self) -> Boxes {
        Boxes::new(self.grid_shape().into_iter().map(|len| 0..len))
    }

    /// Returns the number of chunks along each dimension: of shards if the array is sharded.
    #[must_use]
    pub fn grid_shape(&self) -> Vec<u64> {
        let dimensions = self.layout.grid().dimensions().iter();
        let lengths = dimensions.zip(self.shape());
        lengths
            .map(|(dimension, &len)| dimension.cells(len))
            .collect()
    }

    /// Returns the number of inner chunks along each dimension of a sharded array, counted across
    /// shards; `None` if the array is not sharded or its shards differ in shape.
    #[must_use]
    pub fn inner_grid_shape(&self) -> Option<Vec<u64>> {
        self.chunks_per_shard()?;
        let inner = self.layout.inner_chunk_shape()?;
        let lengths = self.shape().iter().zip(inner);
        Some(lengths.map(|(len, inner)| len.div_ceil(inner)).collect())
    }

    /// Returns the number of inner chunks along each dimension of a shard, if all shards have equal
    /// shapes.
    pub(super) fn chunks_per_shard(&self) -> Option<Vec<u64>> {
        let inner = self.layout.inner_chunk_shape()?;
        let dimensions = self.layout.grid().dimensions().iter().zip(inner);
        dimensions
            .map(|(dimension, inner)| match dimension {
                GridDimension::Fixed(len) => Some(len / inner),
                _ => None,
            })
            .collect()
    }
}
