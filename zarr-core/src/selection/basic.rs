//! Basic indices, in NumPy's sense: slices, integers, new axes.

use serde::{Deserialize, Serialize};

/// A slice of one dimension: every `step`-th index from `start` up to, but excluding, `end`.
///
/// Negative bounds count from the end of the dimension. A negative step reverses the slice of the
/// positive step, as in the crate `ndarray` and unlike NumPy: `0..4` with a step of -2 selects the
/// indices 3 and 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slice {
    /// The first index.
    pub start: isize,
    /// The index after the last index; `None` for the end of the dimension.
    pub end: Option<isize>,
    /// The distance between adjacent indices; never 0.
    pub step: isize,
}

impl Slice {
    /// Creates a slice from `start` up to, but excluding, `end`, or to the end of the dimension.
    #[must_use]
    pub const fn new(start: isize, end: Option<isize>, step: isize) -> Self {
        Self { start, end, step }
    }

    /// Creates the slice of all indices of a dimension.
    #[must_use]
    pub const fn all() -> Self {
        Self::new(0, None, 1)
    }
}

/// The selection from one dimension of an array, or a new dimension of the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum BasicIndex {
    /// A slice; the result keeps the dimension.
    Slice(Slice),
    /// One index, counted from the end if negative; the result omits the dimension.
    Integer(isize),
    /// A new dimension of length 1 in the result, which uses no dimension of the array.
    NewAxis,
}

impl From<Slice> for BasicIndex {
    fn from(slice: Slice) -> Self {
        Self::Slice(slice)
    }
}

impl From<isize> for BasicIndex {
    fn from(index: isize) -> Self {
        Self::Integer(index)
    }
}
