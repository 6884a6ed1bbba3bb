//! Wanted elements at single coordinates.

use std::ops::Range;
use std::sync::Arc;

use crate::chunk_grid::GridDimension;
use crate::error::{Error, Result};
use crate::size::to_offset;

/// Coordinates in an array or chunk, and the places of their elements in the buffer.
#[derive(Clone, Debug)]
pub(crate) struct Points {
    /// One list for each dimension of the array, all of equal length.
    coordinates: Arc<[Vec<u64>]>,
    /// The coordinates in use are `range` of `rows`: element `row` goes to position `row` of the
    /// buffer, or to `positions[row]`.
    rows: Arc<[usize]>,
    range: Range<usize>,
    positions: Option<Arc<[u64]>>,
    /// Dimension `i` of the chunk is dimension `dimensions[i]` of the array, where the chunk starts
    /// at `base[i]`.
    dimensions: Arc<[usize]>,
    base: Vec<u64>,
    stride: isize,
}

impl Points {
    pub(crate) fn new(lists: &[Vec<u64>], shape: &[u64]) -> Result<Self> {
        // An array without dimensions has no lists of coordinates; its one element is selected
        // once.
        let len = lists.first().map_or(1, Vec::len);
        for (dimension, (list, &length)) in lists.iter().zip(shape).enumerate() {
            if list.len() != len {
                let found = list.len();
                return Err(Error::selection(format!(
                    "{found} coordinates for dimension {dimension}, {len} for dimension 0"
                )));
            }
            if let Some(index) = list.iter().find(|&&index| index >= length) {
                return Err(Error::selection(format!(
                    "coordinate {index} is outside dimension {dimension} of length {length}"
                )));
            }
        }
        Ok(Self {
            coordinates: lists.into(),
            rows: (0..len).collect(),
            range: 0..len,
            positions: None,
            dimensions: (0..shape.len()).collect(),
            base: vec![0; shape.len()],
            stride: 0,
        })
    }

    /// Creates points with their positions in the buffer; adjacent positions are `stride` bytes
    /// apart.
    pub(crate) fn placed(lists: &[Vec<u64>], positions: Vec<u64>, stride: isize) -> Result<Self> {
        let len = positions.len();
        if let Some((dimension, list)) = (0..).zip(lists).find(|(_, list)| list.len() != len) {
            let found = list.len();
            return Err(Error::selection(format!(
                "{found} coordinates for dimension {dimension:?}, {len} positions"
            )));
        }
        Ok(Self {
            coordinates: lists.into(),
            rows: (0..len).collect(),
            range: 0..len,
            positions: Some(positions.into()),
            dimensions: (0..lists.len()).collect(),
            base: vec![0; lists.len()],
            stride,
        })
    }

    /// Whether all coordinates lie inside a chunk of this shape, before the points are split or
    /// permuted.
    pub(crate) fn lie_within(&self, shape: &[u64]) -> bool {
        self.coordinates.len() == shape.len()
            && self
                .coordinates
                .iter()
                .zip(shape)
                .all(|(list, &len)| list.iter().all(|&index| index < len))
    }

    /// The distance between adjacent positions of the buffer, in bytes.
    pub(crate) fn stride(&self) -> isize {
        self.stride
    }

    /// The positions of the points in the buffer.
    pub(crate) fn positions(&self) -> impl Iterator<Item = u64> + '_ {
        self.rows[self.range.clone()]
            .iter()
            .map(|&row| match &self.positions {
                Some(positions) => positions[row],
                None => row as u64,
            })
    }

    pub(crate) fn set_stride(&mut self, stride: isize) {
        self.stride = stride;
    }

    pub(crate) fn len(&self) -> usize {
        self.range.len()
    }

    fn coordinate(&self, row: usize, dimension: usize) -> u64 {
        self.coordinates[self.dimensions[dimension]][row] - self.base[dimension]
    }

    /// Returns these points with dimensions reordered: dimension `i` of the result is dimension
    /// `order[i]` of `self`.
    pub(crate) fn permuted(mut self, order: &[usize]) -> Self {
        self.dimensions = order.iter().map(|&axis| self.dimensions[axis]).collect();
        self.base = order.iter().map(|&axis| self.base[axis]).collect();
        self
    }

    /// Returns the points of each chunk of a grid, chunks in C order.
    pub(crate) fn parts(&self, grid: &[GridDimension]) -> PointParts {
        let rank = grid.len();
        let rows = &self.rows[self.range.clone()];
        // The cells of all rows, back to back.
        let mut cells = Vec::with_capacity(rows.len() * rank);
        for &row in rows {
            let axes = grid.iter().enumerate();
            cells.extend(axes.map(|(axis, grid)| grid.cell_of(self.coordinate(row, axis))));
        }
        let cell = |place: usize| &cells[place * rank..(place + 1) * rank];
        let mut order = (0..rows.len()).collect::<Vec<_>>();
        // Adjacent points are often in order already.
        if !order.is_sorted_by(|&a, &b| cell(a) <= cell(b)) {
            order.sort_by(|&a, &b| cell(a).cmp(cell(b)));
        }
        let mut end = 0;
        let groups = order.chunk_by(|&a, &b| cell(a) == cell(b)).map(|group| {
            end += group.len();
            (cell(group[0]).into(), end)
        });
        let groups = groups.collect::<Vec<_>>().into_iter();
        let mut points = self.clone();
        points.rows = order.iter().map(|&place| rows[place]).collect();
        points.range = 0..0;
        PointParts {
            points,
            grid: grid.into(),
            groups,
        }
    }

    /// Returns for each point, in buffer order, its offsets in a chunk with these strides and in
    /// the buffer, both in bytes.
    pub(crate) fn offsets<'a>(
        &'a self,
        chunk_strides: &'a [isize],
    ) -> impl Iterator<Item = (isize, isize)> + 'a {
        self.rows[self.range.clone()].iter().map(move |&row| {
            let strides = chunk_strides.iter().enumerate();
            let chunk = strides
                .map(|(axis, stride)| to_offset(self.coordinate(row, axis)) * stride)
                .sum();
            let position = match &self.positions {
                Some(positions) => to_offset(positions[row]),
                None => row.cast_signed(),
            };
            (chunk, position * self.stride)
        })
    }
}

/// The points of each touched chunk.
#[derive(Clone, Debug)]
pub(crate) struct PointParts {
    /// All points, grouped by chunk; the range is that of the last chunk yielded.
    points: Points,
    grid: Arc<[GridDimension]>,
    /// Each chunk, and the end of its points.
    groups: std::vec::IntoIter<(Box<[u64]>, usize)>,
}

impl PointParts {
    /// The number of remaining chunks.
    pub(crate) fn left(&self) -> u64 {
        self.groups.len() as u64
    }

    /// The remaining chunks.
    pub(crate) fn cells(&self) -> impl Iterator<Item = &[u64]> {
        self.groups.as_slice().iter().map(|(cell, _)| &**cell)
    }

    /// Removes the next `count` chunks, or all that remain, and returns them.
    pub(crate) fn split(&mut self, count: u64) -> Self {
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        let groups = self.groups.by_ref().take(count).collect::<Vec<_>>();
        let points = self.points.clone();
        if let Some((_, end)) = groups.last() {
            self.points.range = *end..*end;
        }
        Self {
            points,
            grid: self.grid.clone(),
            groups: groups.into_iter(),
        }
    }
}

impl Iterator for PointParts {
    type Item = (Vec<u64>, Points);

    fn next(&mut self) -> Option<Self::Item> {
        let (cell, end) = self.groups.next()?;
        self.points.range = self.points.range.end..end;
        let mut part = self.points.clone();
        for (base, (dimension, &cell)) in part.base.iter_mut().zip(self.grid.iter().zip(&cell)) {
            *base += dimension.start(cell);
        }
        Some((cell.into_vec(), part))
    }
}
