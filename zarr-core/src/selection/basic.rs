//! Basic indices, in NumPy's sense of the word: slices, integers, new axes.

/// Indices of one dimension from `start` to before `end`, every `step`-th of them.
///
/// Negative bounds count from the end of the dimension. A negative step takes the slice of the positive step and reverses it, as in the
/// crate `ndarray` and not as in NumPy: `0..4` with a step of -2 takes the indices 3 and 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slice {
    /// The first index.
    pub start: isize,
    /// The index after the last one; the end of the dimension if `None`.
    pub end: Option<isize>,
    /// The distance of neighbours, which is never 0.
    pub step: isize,
}

impl Slice {
    /// A slice from `start` to before `end`, or to the end of the dimension.
    #[must_use]
    pub const fn new(start: isize, end: Option<isize>, step: isize) -> Self {
        Self { start, end, step }
    }

    /// The slice of all indices of a dimension.
    #[must_use]
    pub const fn all() -> Self {
        Self::new(0, None, 1)
    }
}

/// What a selection takes of one dimension of an array, or a dimension that it adds to the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BasicIndex {
    /// A slice; the dimension stays.
    Slice(Slice),
    /// One index, counted from the end if negative; the result has no such dimension.
    Integer(isize),
    /// A dimension of length 1 in the result, which takes no dimension of the array.
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
