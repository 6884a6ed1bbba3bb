//! What is wanted of an array, shard or chunk, and how a grid splits it.

use super::axis::{Axis, Parts};
use super::points::{PointParts, Points};
use crate::chunk_grid::GridDimension;
use crate::size::product;

/// Elements of an array or chunk, with their places in a buffer.
#[derive(Clone, Debug)]
pub(crate) enum Wanted {
    /// All combinations of the indices of the axes.
    Box(Vec<Axis>),
    /// Single elements.
    Points(Points),
}

impl Wanted {
    /// The number of wanted elements.
    pub(crate) fn len(&self) -> u64 {
        match self {
            Self::Box(axes) => axes.iter().map(Axis::len).fold(1, u64::saturating_mul),
            Self::Points(points) => points.len() as u64,
        }
    }

    /// Whether every element of an array or chunk of this shape is wanted; false where that would take long to find out.
    pub(crate) fn covers(&self, shape: &[u64]) -> bool {
        match self {
            Self::Box(axes) => axes.iter().zip(shape).all(|(axis, &len)| axis.covers(len)),
            Self::Points(points) => points.len() == 1 && product(shape) == Ok(1),
        }
    }

    /// Whether all wanted elements are those of a chunk of this shape.
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

    /// The smallest shape from the first element on that has all wanted elements; `None` for points and where nothing is wanted.
    pub(crate) fn extent(&self) -> Option<Vec<u64>> {
        match self {
            Self::Box(axes) => axes
                .iter()
                .map(|axis| axis.extent().map(|(_, _, high)| high + 1))
                .collect(),
            Self::Points(_) => None,
        }
    }

    /// These elements where dimension `i` becomes dimension `order[i]` of this one.
    pub(crate) fn permuted(self, order: &[usize]) -> Self {
        match self {
            Self::Box(axes) => Self::Box(order.iter().map(|&axis| axes[axis].clone()).collect()),
            Self::Points(points) => Self::Points(points.permuted(order)),
        }
    }

    /// The part of each chunk of a grid that is touched, chunks in C order.
    pub(crate) fn parts(&self, grid: &[GridDimension]) -> WantedParts {
        match self {
            Self::Box(axes) => {
                let axes = axes
                    .iter()
                    .zip(grid)
                    .map(|(axis, dimension)| axis.parts(dimension))
                    .collect::<Vec<_>>();
                let left = axes.iter().map(Parts::len).fold(1, u64::saturating_mul);
                let next = vec![0; axes.len()];
                WantedParts::Box { axes, next, left }
            }
            Self::Points(points) => WantedParts::Points(points.parts(grid)),
        }
    }
}

/// The chunks that a selection touches, and what is wanted of each; lazy for boxes.
#[derive(Clone, Debug)]
pub(crate) enum WantedParts {
    Box {
        axes: Vec<Parts>,
        next: Vec<u64>,
        left: u64,
    },
    Points(PointParts),
}

impl WantedParts {
    /// The number of chunks that are left.
    pub(crate) fn left(&self) -> u64 {
        match self {
            Self::Box { left, .. } => *left,
            Self::Points(points) => points.left(),
        }
    }

    /// For boxes, the lowest and highest chunk touched along each dimension.
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
                .map(|(cell, points)| (cell, Wanted::Points(points))),
            Self::Box { left: 0, .. } => None,
            Self::Box { axes, next, left } => {
                *left -= 1;
                let parts = axes
                    .iter()
                    .zip(&*next)
                    .map(|(axis, &number)| axis.get(number));
                let (cell, wanted) = parts.unzip();
                for (number, axis) in next.iter_mut().zip(&*axes).rev() {
                    *number += 1;
                    if *number < axis.len() {
                        break;
                    }
                    *number = 0;
                }
                Some((cell, Wanted::Box(wanted)))
            }
        }
    }
}
