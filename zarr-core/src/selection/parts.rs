//! The division of one dimension of a selection along a grid.

use std::ops::Range;

use super::axis::{Axis, Indices, Pairs};
use super::steps::Steps;
use crate::chunk_grid::GridDimension;

/// The parts of an axis, one for each touched chunk.
#[derive(Clone, Debug)]
pub(crate) struct Parts {
    stride: isize,
    dimension: GridDimension,
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    Range(RangeParts),
    /// The parts of each run of chunks of equal length, with the number of parts before it.
    Runs(Vec<(u64, RangeParts)>),
    /// Cells with the ranges of their pairs.
    Listed(Pairs, Vec<(u64, Range<usize>)>),
}

/// The parts of evenly spaced indices, for chunks of one length or indices that skip no chunk.
#[derive(Clone, Debug)]
struct RangeParts {
    steps: Steps,
    /// The first touched cell and the last one.
    bounds: Option<(u64, u64)>,
    /// Whether each index has a cell of its own, because the step is longer than a chunk;
    /// otherwise all cells between the first and the last are touched.
    singles: bool,
}

impl RangeParts {
    fn new(steps: Steps, dimension: &GridDimension) -> Self {
        let bounds = steps.bounds();
        let bounds = bounds.map(|(low, high)| (dimension.cell_of(low), dimension.cell_of(high)));
        Self {
            singles: bounds.is_some_and(|(first, last)| steps.count < last - first + 1),
            steps,
            bounds,
        }
    }

    fn len(&self) -> u64 {
        match self.bounds {
            None => 0,
            Some(_) if self.singles => self.steps.count,
            Some((first, last)) => last - first + 1,
        }
    }

    fn cell(&self, number: u64, dimension: &GridDimension) -> u64 {
        match self.singles {
            true => dimension.cell_of(self.single(number).start),
            false => self.bounds.map_or(0, |(first, _)| first) + number,
        }
    }

    /// Returns part `number` if each index has a cell of its own.
    fn single(&self, number: u64) -> Steps {
        // Cells ascend regardless of the sign of the step.
        let number = match self.steps.step < 0 {
            true => self.steps.count - 1 - number,
            false => number,
        };
        self.steps.part(number, 1)
    }

    fn get(&self, number: u64, dimension: &GridDimension) -> (u64, Steps) {
        if self.singles {
            let part = self.single(number);
            let cell = dimension.cell_of(part.start);
            return (cell, part.from(dimension.start(cell)));
        }
        let cell = self.cell(number, dimension);
        let start = dimension.start(cell);
        let range = start..start.saturating_add(dimension.len(cell));
        let part = self
            .steps
            .within(&range)
            .expect("all cells between are touched");
        (cell, part.from(start))
    }
}

impl Axis {
    /// Returns the chunks of a grid that are touched along this dimension, without listing them if
    /// the indices are a range.
    pub(crate) fn parts(&self, dimension: &GridDimension) -> Parts {
        let kind = match &self.indices {
            // Of chunks of several lengths, some may be untouched: each run of equal lengths is
            // divided on its own.
            Indices::Range(steps)
                if steps.step.unsigned_abs() != 1
                    && matches!(dimension, GridDimension::Varying(_)) =>
            {
                let mut before = 0;
                let runs = dimension.runs().into_iter().filter_map(|run| {
                    let parts = RangeParts::new(steps.within(&run)?, dimension);
                    before += parts.len();
                    Some((before - parts.len(), parts))
                });
                Kind::Runs(runs.collect())
            }
            Indices::Range(steps) => Kind::Range(RangeParts::new(*steps, dimension)),
            Indices::List(pairs) => {
                let mut listed: Vec<(u64, Range<usize>)> = Vec::new();
                for number in pairs.range.clone() {
                    let cell = dimension.cell_of(pairs.index(number));
                    match listed.last_mut() {
                        Some((last, range)) if *last == cell => range.end = number + 1,
                        _ => listed.push((cell, number..number + 1)),
                    }
                }
                Kind::Listed(pairs.clone(), listed)
            }
        };
        Parts {
            stride: self.stride,
            dimension: dimension.clone(),
            kind,
        }
    }
}

impl Parts {
    /// The number of touched chunks.
    pub(crate) fn len(&self) -> u64 {
        match &self.kind {
            Kind::Range(parts) => parts.len(),
            Kind::Runs(runs) => runs.last().map_or(0, |(before, run)| before + run.len()),
            Kind::Listed(_, listed) => listed.len() as u64,
        }
    }

    /// Returns the lowest and highest touched chunk; `None` if no chunk is touched.
    pub(crate) fn bounds(&self) -> Option<(u64, u64)> {
        match &self.kind {
            Kind::Range(parts) => parts.bounds,
            Kind::Runs(runs) => Some((runs.first()?.1.bounds?.0, runs.last()?.1.bounds?.1)),
            Kind::Listed(_, listed) => Some((listed.first()?.0, listed.last()?.0)),
        }
    }

    /// Returns the chunk of part `number` of `len()`.
    pub(crate) fn cell(&self, number: u64) -> u64 {
        match &self.kind {
            Kind::Range(parts) => parts.cell(number, &self.dimension),
            _ => self.get(number).0,
        }
    }

    /// Returns part `number` of `len()`: a chunk, and its wanted indices, counted from the start of
    /// the chunk.
    pub(crate) fn get(&self, number: u64) -> (u64, Axis) {
        let (cell, indices) = match &self.kind {
            Kind::Range(parts) => {
                let (cell, steps) = parts.get(number, &self.dimension);
                (cell, Indices::Range(steps))
            }
            Kind::Runs(runs) => {
                let run = runs.partition_point(|(before, _)| *before <= number) - 1;
                let (before, parts) = &runs[run];
                let (cell, steps) = parts.get(number - before, &self.dimension);
                (cell, Indices::Range(steps))
            }
            Kind::Listed(pairs, listed) => {
                let number = usize::try_from(number).expect("a list in memory");
                let (cell, range) = listed[number].clone();
                let start = self.dimension.start(cell);
                (cell, Indices::List(pairs.part(range, start)))
            }
        };
        let stride = self.stride;
        (cell, Axis { indices, stride })
    }
}
