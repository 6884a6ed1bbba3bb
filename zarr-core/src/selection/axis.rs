//! One dimension of a selection: the wanted indices, and their positions in the buffer. `parts`
//! divides it along a grid.

use std::ops::Range;
use std::sync::Arc;

use super::steps::Steps;

/// The wanted indices of one dimension of an array or chunk. Position `p` lies `p * stride` bytes
/// into the buffer.
#[derive(Clone, Debug)]
pub(crate) struct Axis {
    pub(super) indices: Indices,
    /// The distance between adjacent positions of the buffer, in bytes.
    pub(crate) stride: isize,
}

#[derive(Clone, Debug)]
pub(super) enum Indices {
    Range(Steps),
    List(Pairs),
}

/// Pairs in ascending order of index; pairs with equal indices keep their original order.
#[derive(Clone, Debug)]
pub(super) struct Pairs {
    all: Arc<[Pair]>,
    /// The pairs in use.
    pub(super) range: Range<usize>,
    /// The index of the array at which the chunk starts.
    base: u64,
}

#[derive(Clone, Copy, Debug)]
struct Pair {
    index: u64,
    position: u64,
}

/// The layout of an axis for copying.
pub(crate) enum Layout<'a> {
    /// Evenly spaced indices.
    Range(Steps),
    /// Pairs of index and position.
    List(Box<dyn Iterator<Item = (u64, u64)> + 'a>),
}

impl Pairs {
    fn used(&self) -> &[Pair] {
        &self.all[self.range.clone()]
    }

    /// Returns the index of pair `number` of all pairs.
    pub(super) fn index(&self, number: usize) -> u64 {
        self.all[number].index - self.base
    }

    /// Returns a range of all pairs, with indices counted from `start`.
    pub(super) fn part(&self, range: Range<usize>, start: u64) -> Self {
        Self {
            all: self.all.clone(),
            range,
            base: self.base + start,
        }
    }
}

impl Axis {
    pub(crate) fn range(start: u64, step: i64, count: u64) -> Self {
        Self::placed(start, step, count, 0)
    }

    /// Creates a range whose first index goes to `position`.
    pub(crate) fn placed(start: u64, step: i64, count: u64, position: u64) -> Self {
        Self {
            indices: Indices::Range(Steps {
                start,
                step,
                count,
                position,
            }),
            stride: 0,
        }
    }

    pub(crate) fn list(indices: impl Iterator<Item = u64>) -> Self {
        Self::pairs(indices.zip(0..))
    }

    /// Creates an axis from indices with their positions.
    pub(crate) fn pairs(pairs: impl IntoIterator<Item = (u64, u64)>) -> Self {
        let pairs = pairs.into_iter();
        let mut pairs = pairs
            .map(|(index, position)| Pair { index, position })
            .collect::<Vec<_>>();
        pairs.sort_by_key(|pair| pair.index);
        Self {
            indices: Indices::List(Pairs {
                range: 0..pairs.len(),
                all: pairs.into(),
                base: 0,
            }),
            stride: 0,
        }
    }

    /// The number of wanted elements.
    pub(crate) fn len(&self) -> u64 {
        match &self.indices {
            Indices::Range(steps) => steps.count,
            Indices::List(pairs) => pairs.range.len() as u64,
        }
    }

    /// Returns the number of distinct indices, and the lowest and highest of them; `None` if
    /// nothing is wanted.
    pub(crate) fn extent(&self) -> Option<(u64, u64, u64)> {
        match &self.indices {
            Indices::Range(steps) => {
                let (low, high) = steps.bounds()?;
                Some((steps.count, low, high))
            }
            Indices::List(pairs) => {
                let (used, base) = (pairs.used(), pairs.base);
                let steps = used.windows(2);
                let steps = steps.filter(|pair| pair[0].index != pair[1].index);
                let different = 1 + steps.count() as u64;
                Some((
                    different,
                    used.first()?.index - base,
                    used.last()?.index - base,
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
            Indices::Range(Steps { count: 0, .. }) => true,
            Indices::Range(steps) => {
                let last = steps.start as i128 + steps.step as i128 * (steps.count as i128 - 1);
                let repeats = steps.step == 0 && steps.count > 1;
                !repeats && steps.start < len && (0..len as i128).contains(&last)
            }
            Indices::List(pairs) => {
                let inside = pairs.base..pairs.base + len;
                pairs.used().iter().all(|pair| inside.contains(&pair.index))
            }
        }
    }

    pub(crate) fn layout(&self) -> Layout<'_> {
        match &self.indices {
            Indices::Range(steps) => Layout::Range(*steps),
            Indices::List(pairs) => {
                let pairs = pairs
                    .used()
                    .iter()
                    .map(|pair| (pair.index - pairs.base, pair.position));
                Layout::List(Box::new(pairs))
            }
        }
    }
}
