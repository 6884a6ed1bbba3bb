//! The orders in which the inner chunks of a shard can be stored. Readers find inner chunks by the
//! index, so the order only decides which of them are neighbours.

use std::cmp::Ordering;

use bytes::Bytes;

use super::write::{ObjectState, ObjectWrite};
use crate::codec::ShardIndex;
use crate::error::Result;

/// The order in which the inner chunks of a shard are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InnerOrder {
    /// The last dimension varies fastest: best for reads of whole rows.
    C,
    /// The Z-order curve, with the first dimension in the lowest bits, as zarr-python writes shards:
    /// best for reads of compact regions.
    Morton,
}

impl InnerOrder {
    /// Returns the positions, in C order, of the cells of a grid in this order.
    fn positions(self, grid: &[u64]) -> Vec<usize> {
        let count = grid.iter().product::<u64>();
        let mut positions = (0..usize::try_from(count).unwrap_or(0)).collect::<Vec<_>>();
        if self == Self::Morton {
            let cells = positions
                .iter()
                .map(|&position| cell(position as u64, grid));
            let cells = cells.collect::<Vec<_>>();
            positions.sort_unstable_by(|&one, &other| compare_morton(&cells[one], &cells[other]));
        }
        positions
    }
}

fn cell(mut position: u64, grid: &[u64]) -> Vec<u64> {
    let mut cell = vec![0; grid.len()];
    for (index, &count) in cell.iter_mut().zip(grid).rev() {
        (*index, position) = (position % count, position / count);
    }
    cell
}

/// Compares cells by their highest differing bit; of equally high bits, that of the last dimension
/// counts.
fn compare_morton(one: &[u64], other: &[u64]) -> Ordering {
    let mut highest = 0;
    let mut order = Ordering::Equal;
    for (one, other) in one.iter().zip(other).rev() {
        let differing = one ^ other;
        if highest < differing && highest < (highest ^ differing) {
            (highest, order) = (differing, one.cmp(other));
        }
    }
    order
}

impl ObjectWrite {
    /// Returns a shard as pieces, with its inner chunks in an order; see [`Self::assemble`].
    ///
    /// # Errors
    /// Fails if the shard index cannot be encoded.
    pub fn assemble_in(&self, state: ObjectState, order: InnerOrder) -> Result<Option<Vec<Bytes>>> {
        match (state, self.part().chain.sharding()) {
            (ObjectState::Inner(inner), Some(sharding)) if !inner.is_absent() => {
                let order = order.positions(sharding.chunks_per_shard());
                sharding
                    .arrange(inner, &order)
                    .map(Some)
                    .map_err(|error| self.location().wrap(error))
            }
            (state, _) => self.assemble(state),
        }
    }

    /// Whether the inner chunks of a shard with this index are stored in an order.
    #[must_use]
    pub fn is_in(&self, index: &ShardIndex, order: InnerOrder) -> bool {
        let Some(sharding) = self.part().chain.sharding() else {
            return true;
        };
        let positions = order.positions(sharding.chunks_per_shard()).into_iter();
        let entries = positions.filter_map(|position| index.entries().get(position));
        let stored = entries.filter(|entry| **entry != ShardIndex::EMPTY);
        stored.map(|[offset, _]| offset).is_sorted()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn morton_order_is_that_of_zarr_python() {
        // `zarr.core.indexing.morton_order_iter` for these shapes.
        let expected = [0, 3, 1, 4, 6, 7, 2, 5, 8];
        assert_eq!(InnerOrder::Morton.positions(&[3, 3]), expected);
        let expected = [0, 5, 1, 6, 2, 7, 3, 8, 4, 9];
        assert_eq!(InnerOrder::Morton.positions(&[2, 5]), expected);
        assert_eq!(InnerOrder::Morton.positions(&[]), [0]);
        assert_eq!(InnerOrder::C.positions(&[2, 2]), [0, 1, 2, 3]);
    }
}
