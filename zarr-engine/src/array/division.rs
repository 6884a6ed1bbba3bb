//! The division of a region into parts along the chunk grid. Parts are made one at a time. Of a
//! grid with many parts, a listing tells which of them touch a stored chunk: the others hold only
//! fill values, and nobody visits them.

use std::collections::BTreeSet;
use std::ops::Range;
use std::pin::pin;
use std::sync::Arc;

use futures::TryStreamExt;
use zarr_core::ArrayLayout;

use super::Array;
use super::grid::Boxes;
use crate::error::Result;

/// The number of parts from which on a listing, of 1000 keys a page, is cheaper than a request for
/// each part.
const LISTED: u64 = 1000;

/// A region and its grid of parts.
#[derive(Clone, Debug)]
pub(super) struct Division {
    layout: Arc<ArrayLayout>,
    region: Vec<Range<u64>>,
    /// The shape of the parts; `None` for one part for each chunk.
    unit: Option<Vec<u64>>,
    /// The cells of the grid that the region touches.
    cells: Vec<Range<u64>>,
}

/// The parts of a region to be visited.
#[derive(Clone, Debug)]
pub(super) struct Parts {
    division: Division,
    /// The cells of the parts that touch stored chunks; `None` if all are visited.
    touched: Option<Arc<BTreeSet<Vec<u64>>>>,
}

impl Division {
    /// Divides a region of an array into parts of the shape `unit`, or into chunks.
    pub(super) fn new(array: &Array, region: &[Range<u64>], unit: Option<Vec<u64>>) -> Self {
        let mut division = Self {
            layout: array.layout.clone(),
            region: region.to_vec(),
            unit,
            cells: Vec::new(),
        };
        division.cells = division.cells_of(region);
        division
    }

    /// Returns the cells that a box of elements touches.
    fn cells_of(&self, part: &[Range<u64>]) -> Vec<Range<u64>> {
        let dimensions = self.layout.grid().dimensions();
        let cells = part.iter().enumerate().map(|(axis, range)| {
            let cell = |index| match &self.unit {
                Some(unit) => index / unit[axis],
                None => dimensions[axis].cell_of(index),
            };
            match range.is_empty() {
                true => 0..0,
                false => cell(range.start)..cell(range.end - 1) + 1,
            }
        });
        cells.collect()
    }

    /// Returns the part in a cell.
    fn part(&self, cell: &[u64]) -> Vec<Range<u64>> {
        let dimensions = self.layout.grid().dimensions();
        let axes = cell.iter().zip(&self.region).enumerate();
        axes.map(|(axis, (&cell, region))| {
            let (start, len) = match &self.unit {
                Some(unit) => (cell * unit[axis], unit[axis]),
                None => (dimensions[axis].start(cell), dimensions[axis].len(cell)),
            };
            start.max(region.start)..start.saturating_add(len).min(region.end)
        })
        .collect()
    }

    /// Returns the parts that touch a stored chunk of one of these arrays, each with the index that
    /// lies at the origin of the region's coordinates. Lists the arrays if there are many parts.
    pub(super) async fn touched(self, arrays: &[(&Array, &[u64])]) -> Result<Parts> {
        let can_list = |(array, _): &(&Array, _)| array.hierarchy().store().can_list();
        if product(&self.cells) <= LISTED || !arrays.iter().all(can_list) {
            return Ok(self.everything());
        }
        let mut touched = BTreeSet::new();
        for (array, origin) in arrays {
            let mut chunks = pin!(array.stored_chunks());
            while let Some(chunk) = chunks.try_next().await? {
                let axes = chunk.extent().iter().zip(*origin).zip(&self.region);
                let inside = axes.map(|((range, origin), region)| {
                    let start = range.start.saturating_sub(*origin).max(region.start);
                    start..range.end.saturating_sub(*origin).min(region.end)
                });
                let inside = inside.collect::<Vec<_>>();
                if !inside.iter().any(Range::is_empty) {
                    touched.extend(Boxes::new(self.cells_of(&inside)));
                }
            }
        }
        Ok(Parts {
            division: self,
            touched: Some(Arc::new(touched)),
        })
    }

    /// Returns all parts.
    pub(super) fn everything(self) -> Parts {
        Parts {
            division: self,
            touched: None,
        }
    }
}

impl Parts {
    /// Iterates over the parts in C order.
    pub(super) fn iter(&self) -> impl Iterator<Item = Vec<Range<u64>>> + Send + use<> {
        let division = self.division.clone();
        let cells: Box<dyn Iterator<Item = Vec<u64>> + Send> = match self.touched.clone() {
            Some(touched) => {
                let mut next = touched.first().cloned();
                Box::new(std::iter::from_fn(move || {
                    let cell = next.take()?;
                    let after = (std::ops::Bound::Excluded(&cell), std::ops::Bound::Unbounded);
                    next = touched.range::<Vec<u64>, _>(after).next().cloned();
                    Some(cell)
                }))
            }
            None => Box::new(Boxes::new(division.cells.clone())),
        };
        cells.map(move |cell| division.part(&cell))
    }

    /// Returns the number of elements in all other parts, which hold only fill values.
    pub(super) fn rest(&self) -> u64 {
        match self.touched {
            Some(_) => {
                let visited = self.iter().map(|part| product(&part));
                product(&self.division.region).saturating_sub(visited.sum())
            }
            None => 0,
        }
    }

    /// Iterates over the indices of the elements in all other parts.
    pub(super) fn rest_indices(&self) -> impl Iterator<Item = Vec<u64>> {
        let touched = self.touched.clone();
        let all = Boxes::new(self.division.cells.clone()).filter(move |cell| {
            let is_other = |touched: &Arc<BTreeSet<_>>| !touched.contains(cell);
            touched.as_ref().is_some_and(is_other)
        });
        all.flat_map(|cell| Boxes::new(self.division.part(&cell)))
    }

    /// Returns the lengths of the largest part.
    pub(super) fn largest(&self) -> Vec<u64> {
        let dimensions = self.division.layout.grid().dimensions();
        let axes = self.division.cells.iter().zip(&self.division.region);
        let lengths = axes.enumerate().map(|(axis, (cells, region))| {
            let len = match &self.division.unit {
                Some(unit) => unit[axis],
                None => {
                    let lengths = cells.clone().map(|cell| dimensions[axis].len(cell));
                    lengths.max().unwrap_or(0)
                }
            };
            len.min(region.end - region.start)
        });
        lengths.collect()
    }
}

/// Returns the number of indices in a box.
pub(super) fn product(ranges: &[Range<u64>]) -> u64 {
    let lengths = ranges.iter().map(|range| range.end - range.start);
    lengths.fold(1, u64::saturating_mul)
}
