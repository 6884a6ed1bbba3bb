//! One dimension of a selection: the wanted indices, and their positions in the buffer.

use std::ops::Range;
use std::sync::Arc;

use crate::chunk_grid::GridDimension;

/// The wanted indices of one dimension of an array or chunk. Position `p` lies `p * stride` bytes
/// into the buffer.
#[derive(Clone, Debug)]
pub(crate) struct Axis {
    indices: Indices,
    /// The distance between adjacent positions of the buffer, in bytes.
    pub(crate) stride: isize,
}

#[derive(Clone, Debug)]
enum Indices {
    /// The indices `start`, `start + step` ..., at the buffer positions `position`, `position + 1`
    /// ...
    Range {
        start: u64,
        step: i64,
        count: u64,
        position: u64,
    },
    /// Pairs in ascending order of index; pairs with equal indices keep their original order.
    List {
        pairs: Arc<[Pair]>,
        range: Range<usize>,
        base: u64,
    },
}

#[derive(Clone, Copy, Debug)]
struct Pair {
    index: u64,
    position: u64,
}

/// The layout of an axis for copying.
pub(crate) enum Layout<'a> {
    /// Evenly spaced indices.
    Range {
        start: u64,
        step: i64,
        count: u64,
        position: u64,
    },
    /// Pairs of index and position.
    List(Box<dyn Iterator<Item = (u64, u64)> + 'a>),
}

impl Axis {
    pub(crate) fn range(start: u64, step: i64, count: u64) -> Self {
        Self::placed(start, step, count, 0)
    }

    /// Creates a range whose first index goes to `position`.
    pub(crate) fn placed(start: u64, step: i64, count: u64, position: u64) -> Self {
        Self {
            indices: Indices::Range {
                start,
                step,
                count,
                position,
            },
            stride: 0,
        }
    }

    pub(crate) fn list(indices: impl Iterator<Item = u64>) -> Self {
        let pairs = (0..)
            .zip(indices)
            .map(|(position, index)| Pair { index, position });
        Self::sorted(pairs.collect())
    }

    /// Creates an axis from indices with their positions.
    pub(crate) fn pairs(pairs: Vec<(u64, u64)>) -> Self {
        let pairs = pairs
            .into_iter()
            .map(|(index, position)| Pair { index, position });
        Self::sorted(pairs.collect())
    }

    fn sorted(mut pairs: Vec<Pair>) -> Self {
        pairs.sort_by_key(|pair| pair.index);
        let range = 0..pairs.len();
        Self {
            indices: Indices::List {
                pairs: pairs.into(),
                range,
                base: 0,
            },
            stride: 0,
        }
    }

    /// The number of wanted elements.
    pub(crate) fn len(&self) -> u64 {
        match &self.indices {
            Indices::Range { count, .. } => *count,
            Indices::List { range, .. } => range.len() as u64,
        }
    }

    /// Returns the number of distinct indices, and the lowest and highest of them; `None` if
    /// nothing is wanted.
    pub(crate) fn extent(&self) -> Option<(u64, u64, u64)> {
        match &self.indices {
            Indices::Range { count: 0, .. } => None,
            Indices::Range {
                start, step, count, ..
            } => {
                let last = start.wrapping_add_signed(step.wrapping_mul((*count - 1).cast_signed()));
                Some((*count, *start.min(&last), *start.max(&last)))
            }
            Indices::List { pairs, range, base } => {
                let pairs = &pairs[range.clone()];
                let different = 1 + pairs
                    .windows(2)
                    .filter(|pair| pair[0].index != pair[1].index)
                    .count() as u64;
                Some((
                    different,
                    pairs.first()?.index - base,
                    pairs.last()?.index - base,
                ))
            }
        }
    }

    /// Whether every index in `0..len` is wanted.
    pub(crate) fn covers(&self, len: u64) -> bool {
        match self.extent() {
            None => len == 0,
            Some((different, low, high)) => low == 0 && different >= len && high + 1 >= len,
        }
    }

    /// Whether every wanted index lies in `0..len`.
    pub(crate) fn lies_within(&self, len: u64) -> bool {
        match &self.indices {
            Indices::Range { count: 0, .. } => true,
            Indices::Range {
                start, step, count, ..
            } => {
                let last = *start as i128 + *step as i128 * (*count as i128 - 1);
                *start < len && (0..len as i128).contains(&last)
            }
            Indices::List { pairs, range, base } => pairs[range.clone()]
                .iter()
                .all(|pair| (*base..*base + len).contains(&pair.index)),
        }
    }

    pub(crate) fn layout(&self) -> Layout<'_> {
        match &self.indices {
            &Indices::Range {
                start,
                step,
                count,
                position,
            } => Layout::Range {
                start,
                step,
                count,
                position,
            },
            Indices::List { pairs, range, base } => Layout::List(Box::new(
                pairs[range.clone()]
                    .iter()
                    .map(move |pair| (pair.index - base, pair.position)),
            )),
        }
    }

    /// Returns the chunks of a grid that are touched along this dimension, without listing them if
    /// the indices are a range.
    pub(crate) fn parts(&self, dimension: &GridDimension) -> Parts {
        let kind = match &self.indices {
            // Of chunks of several lengths, some may be untouched: each run of equal lengths is
            // split on its own.
            Indices::Range { step, .. }
                if step.unsigned_abs() != 1 && matches!(dimension, GridDimension::Varying(_)) =>
            {
                let mut before = 0;
                let runs = dimension.runs().into_iter().filter_map(|run| {
                    let parts = self.within(run)?.parts_of_one_length(dimension);
                    before += parts.len();
                    Some((before - parts.len(), parts))
                });
                PartsKind::Runs(runs.collect())
            }
            Indices::Range { .. } => return self.parts_of_one_length(dimension),
            Indices::List { pairs, range, base } => {
                let mut listed: Vec<(u64, Range<usize>)> = Vec::new();
                for position in range.clone() {
                    let cell = dimension.cell_of(pairs[position].index - base);
                    match listed.last_mut() {
                        Some((last, range)) if *last == cell => range.end = position + 1,
                        _ => listed.push((cell, position..position + 1)),
                    }
                }
                PartsKind::Listed(listed)
            }
        };
        Parts {
            axis: self.clone(),
            dimension: dimension.clone(),
            kind,
        }
    }
}

impl Axis {
    /// Returns the chunks that a range touches, for chunks of one length or a range that skips no
    /// chunk.
    fn parts_of_one_length(&self, dimension: &GridDimension) -> Parts {
        let kind = match self.extent() {
            None => PartsKind::Listed(vec![]),
            Some((count, low, high)) => {
                let (first, last) = (dimension.cell_of(low), dimension.cell_of(high));
                let cells = last - first + 1;
                // Every cell between is touched unless the step is longer than a chunk; in that
                // case each index has its own cell.
                if count >= cells {
                    PartsKind::Cells { first, cells }
                } else {
                    PartsKind::Singles { count }
                }
            }
        };
        Parts {
            axis: self.clone(),
            dimension: dimension.clone(),
            kind,
        }
    }

    /// Returns the part of a range whose indices lie in `run`; `None` if there are none.
    fn within(&self, run: Range<u64>) -> Option<Self> {
        let &Indices::Range {
            start,
            step,
            count,
            position,
        } = &self.indices
        else {
            return None;
        };
        let (_, low, high) = self.extent()?;
        if run.end <= low || run.start > high {
            return None;
        }
        let width = step.unsigned_abs();
        // The numbers of the first and the last index in `run`, counted upwards.
        let first = run.start.saturating_sub(low).div_ceil(width);
        let last = (run.end - 1).min(high).checked_sub(low)? / width;
        let left = (last + 1).checked_sub(first).filter(|&left| left > 0)?;
        let skip = if step > 0 { first } else { count - 1 - last };
        Some(Self {
            indices: Indices::Range {
                start: start.wrapping_add_signed(step.wrapping_mul(skip.cast_signed())),
                step,
                count: left,
                position: position + skip,
            },
            stride: self.stride,
        })
    }
}

/// The parts of an axis, one for each touched chunk.
#[derive(Clone, Debug)]
pub(crate) struct Parts {
    axis: Axis,
    dimension: GridDimension,
    kind: PartsKind,
}

#[derive(Clone, Debug)]
enum PartsKind {
    /// All cells of a range of cells.
    Cells { first: u64, cells: u64 },
    /// One index in each cell.
    Singles { count: u64 },
    /// The parts of each run of chunks of equal length, with the number of parts before it.
    Runs(Vec<(u64, Parts)>),
    /// Cells with the ranges of their pairs.
    Listed(Vec<(u64, Range<usize>)>),
}

impl Parts {
    /// The number of touched chunks.
    pub(crate) fn len(&self) -> u64 {
        match &self.kind {
            PartsKind::Cells { cells, .. } => *cells,
            PartsKind::Singles { count } => *count,
            PartsKind::Runs(runs) => runs.last().map_or(0, |(before, run)| before + run.len()),
            PartsKind::Listed(listed) => listed.len() as u64,
        }
    }

    /// Returns the lowest and highest touched chunk; `None` if no chunk is touched.
    pub(crate) fn bounds(&self) -> Option<(u64, u64)> {
        match &self.kind {
            PartsKind::Cells { first, cells } => Some((*first, *first + *cells - 1)),
            PartsKind::Singles { .. } => {
                let (_, low, high) = self.axis.extent()?;
                Some((self.dimension.cell_of(low), self.dimension.cell_of(high)))
            }
            PartsKind::Runs(runs) => {
                Some((runs.first()?.1.bounds()?.0, runs.last()?.1.bounds()?.1))
            }
            PartsKind::Listed(listed) => Some((listed.first()?.0, listed.last()?.0)),
        }
    }

    /// Returns the chunk of part `number` of `len()`.
    pub(crate) fn cell(&self, number: u64) -> u64 {
        match &self.kind {
            PartsKind::Cells { first, .. } => first + number,
            _ => self.get(number).0,
        }
    }

    /// Returns part `number` of `len()`: a chunk, and its wanted indices, counted from the start of
    /// the chunk.
    pub(crate) fn get(&self, number: u64) -> (u64, Axis) {
        let stride = self.axis.stride;
        match (&self.axis.indices, &self.kind) {
            (_, PartsKind::Runs(runs)) => {
                let run = runs.partition_point(|(before, _)| *before <= number) - 1;
                let (before, run) = &runs[run];
                run.get(number - before)
            }
            (
                &Indices::Range {
                    start,
                    step,
                    position,
                    ..
                },
                PartsKind::Singles { count },
            ) => {
                // Cells ascend regardless of the sign of the step.
                let number = if step < 0 { count - 1 - number } else { number };
                let index = start.wrapping_add_signed(step * number.cast_signed());
                let cell = self.dimension.cell_of(index);
                let start = index - self.dimension.start(cell);
                (
                    cell,
                    Axis {
                        indices: Indices::Range {
                            start,
                            step,
                            count: 1,
                            position: position + number,
                        },
                        stride,
                    },
                )
            }
            (
                &Indices::Range {
                    start,
                    step,
                    count,
                    position,
                },
                PartsKind::Cells { first, .. },
            ) => {
                let cell = first + number;
                let low = self.dimension.start(cell);
                let high = low.saturating_add(self.dimension.len(cell));
                let width = step.unsigned_abs();
                // The first and last wanted index inside low..high, as multiples of the step from
                // start.
                let (skip, last) = if step > 0 {
                    (
                        low.saturating_sub(start).div_ceil(width),
                        (high - 1 - start) / width,
                    )
                } else {
                    (
                        (start + 1).saturating_sub(high).div_ceil(width),
                        (start - low) / width,
                    )
                };
                let count = (last + 1).min(count) - skip;
                let start = start.wrapping_add_signed(step * skip.cast_signed()) - low;
                (
                    cell,
                    Axis {
                        indices: Indices::Range {
                            start,
                            step,
                            count,
                            position: position + skip,
                        },
                        stride,
                    },
                )
            }
            (Indices::List { pairs, .. }, PartsKind::Listed(listed)) => {
                let (cell, range) =
                    listed[usize::try_from(number).expect("a list in memory")].clone();
                let Indices::List { base, .. } = self.axis.indices else {
                    unreachable!("matched above")
                };
                let base = base + self.dimension.start(cell);
                (
                    cell,
                    Axis {
                        indices: Indices::List {
                            pairs: pairs.clone(),
                            range,
                            base,
                        },
                        stride,
                    },
                )
            }
            _ => unreachable!("parts are of the kind of their axis"),
        }
    }
}
