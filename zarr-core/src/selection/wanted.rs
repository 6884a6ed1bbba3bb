//! The wanted elements of an array, shard or chunk, and their division along a grid.

use std::sync::Arc;

use super::axis::Axis;
use super::parts::Parts;
use super::points::{PointParts, Points};
use crate::chunk_grid::GridDimension;
use crate::size::{position_of, product};

/// Elements of an array or chunk, with their places in a buffer.
#[derive(Clone, Debug)]
pub(crate) enum Wanted {
    /// All combinations of the indices of the axes.
    Box(Vec<Axis>),
    /// Single elements; boxed, because most parts are boxes and parts move often.
    Points(Box<Points>),
}

impl Wanted {
    /// The number of wanted elements.
    pub(crate) fn len(&self) -> u64 {
        match self {
            Self::Box(axes) => axes.iter().map(Axis::len).fold(1, u64::saturating_mul),
            Self::Points(points) => points.len() as u64,
        }
    }

    /// Whether every element of an array or chunk of this shape is wanted; false if the check would
    /// take long.
    pub(crate) fn covers(&self, shape: &[u64]) -> bool {
        match self {
            Self::Box(axes) => axes.iter().zip(shape).all(|(axis, &len)| axis.covers(len)),
            Self::Points(points) => points.len() == 1 && product(shape) == Ok(1),
        }
    }

    /// Whether all wanted elements lie inside a chunk of this shape.
    pub(crate) fn lies_within(&self, shape: &[u64]) -> bool {
        match self {
            Self::Box(axes) => {
                axes.len() == shape.len()
                    && axes
                        .iter()
                        .zip(shape)
                        .all(|(axis, &len)| axis.lies_within(len))
            }
            Self::Points(points) => points.lie_within(shape),
        }
    }

    /// The smallest shape, from the first element of the chunk on, that contains all wanted
    /// elements; `None` for points, and if nothing is wanted.
    pub(crate) fn extent(&self) -> Option<Vec<u64>> {
        match self {
            Self::Box(axes) => axes
                .iter()
                .map(|axis| axis.extent().map(|(_, _, high)| high + 1))
                .collect(),
            Self::Points(_) => None,
        }
    }

    /// Returns these elements with dimensions reordered: dimension `i` of the result is dimension
    /// `order[i]` of `self`.
    pub(crate) fn permuted(self, order: &[usize]) -> Self {
        match self {
            Self::Box(axes) => Self::Box(order.iter().map(|&axis| axes[axis].clone()).collect()),
            Self::Points(points) => Self::Points(Box::new(points.permuted(order))),
        }
    }

    /// Returns the touched part of each chunk of a grid, chunks in C order.
    pub(crate) fn parts(&self, grid: &[GridDimension]) -> WantedParts {
        match self {
            Self::Box(axes) => {
                let axes = axes
                    .iter()
                    .zip(grid)
                    .map(|(axis, dimension)| axis.parts(dimension))
                    .collect::<Arc<[_]>>();
                let left = axes.iter().map(Parts::len).fold(1, u64::saturating_mul);
                let next = vec![0; axes.len()];
                WantedParts::Box { axes, next, left }
            }
            Self::Points(points) => WantedParts::Points(points.parts(grid)),
        }
    }
}

/// The chunks that a selection touches, and the wanted elements of each; lazy for boxes.
#[derive(Clone, Debug)]
pub(crate) enum WantedParts {
    Box {
        axes: Arc<[Parts]>,
        next: Vec<u64>,
        left: u64,
    },
    Points(PointParts),
}

impl WantedParts {
    /// The number of remaining chunks.
    pub(crate) fn left(&self) -> u64 {
        match self {
            Self::Box { left, .. } => *left,
            Self::Points(points) => points.left(),
        }
    }

    /// Removes the next `count` chunks, or all that remain, and returns them.
    pub(crate) fn split(&mut self, count: u64) -> Self {
        match self {
            Self::Points(points) => Self::Points(points.split(count)),
            Self::Box { axes, next, left } => {
                let first = Self::Box {
                    axes: axes.clone(),
                    next: next.clone(),
                    left: count.min(*left),
                };
                *left = left.saturating_sub(count);
                advance(next, axes, count);
                first
            }
        }
    }

    /// Returns the positions of the remaining chunks, in C order of a grid with `counts` chunks
    /// along each dimension.
    pub(crate) fn positions(&self, counts: &[u64]) -> Vec<u64> {
        match self {
            Self::Points(points) => points
                .cells()
                .map(|cell| position_of(cell, counts))
                .collect(),
            Self::Box { axes, next, left } => {
                let (mut next, mut cell) = (next.clone(), next.clone());
                let positions = (0..*left).map(|_| {
                    for ((cell, axis), &number) in cell.iter_mut().zip(&**axes).zip(&next) {
                        *cell = axis.cell(number);
                    }
                    advance(&mut next, axes, 1);
                    position_of(&cell, counts)
                });
                positions.collect()
            }
        }
    }

    /// Returns the lowest and highest touched chunk along each dimension, for boxes.
    pub(crate) fn bounds(&self) -> Option<Vec<(u64, u64)>> {
        match self {
            Self::Box { axes, .. } => axes.iter().map(Parts::bounds).collect(),
            Self::Points(_) => None,
        }
    }
}

impl Iterator for WantedParts {
    type Item = (Vec<u64>, Wanted);

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::Points(points) => points
                .next()
                .map(|(cell, points)| (cell, Wanted::Points(Box::new(points)))),
            Self::Box { left: 0, .. } => None,
            Self::Box { axes, next, left } => {
                *left -= 1;
                let parts = axes
                    .iter()
                    .zip(&*next)
                    .map(|(axis, &number)| axis.get(number));
                let (cell, wanted) = parts.unzip();
                advance(next, axes, 1);
                Some((cell, Wanted::Box(wanted)))
            }
        }
    }
}

/// Moves a place among all combinations of the parts of the axes on by `count`, in C order.
fn advance(place: &mut [u64], axes: &[Parts], mut count: u64) {
    for (number, axis) in place.iter_mut().zip(axes).rev() {
        let len = axis.len().max(1);
        count += *number;
        if count < len {
            *number = count;
            break;
        }
        *number = count % len;
        count /= len;
    }
}
