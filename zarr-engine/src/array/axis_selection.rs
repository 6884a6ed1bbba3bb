//! The selections that callers can pass for one dimension.

use ndarray::{ArrayBase, Data, Ix1, NewAxis, SliceInfoElem};
use zarr_core::{AxisIndices, Slice};

/// A selection along one dimension: an index, a range, a list of indices, a mask, or any of them
/// paired with a dimension name, `("time", 0..10)`. Negative indices count from the end. An index
/// drops its dimension.
pub trait AxisSelect {
    /// Returns the selected indices.
    fn axis(&self) -> AxisSelection;

    /// Returns the name of the dimension, if given.
    fn name(&self) -> Option<&str> {
        None
    }
}

/// A selection along one dimension.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum AxisSelection {
    /// A slice, as in `ndarray`: a negative step selects the slice, then reverses it.
    Slice(Slice),
    /// One index; the result drops the dimension.
    Index(isize),
    /// A new dimension of length 1 in the result; selects no dimension of the array.
    NewAxis,
    /// Any indices in any order, with or without repeats.
    Indices(Vec<isize>),
    /// The positions of `true`; the mask has the length of the dimension.
    Mask(Vec<bool>),
}

/// An integer usable as an index; negative integers count from the end.
pub trait Index: Copy {
    /// Returns the index, or `isize::MAX` if it does not fit: no array contains that index.
    fn index(self) -> isize;
}

macro_rules! indices {
    ($($integer:ty)+) => {$(
        impl Index for $integer {
            fn index(self) -> isize {
                isize::try_from(self).unwrap_or(isize::MAX)
            }
        }
    )+};
}

indices! { i8 i16 i32 i64 isize u8 u16 u32 u64 usize }

impl<I: Index> AxisSelect for I {
    fn axis(&self) -> AxisSelection {
        AxisSelection::Index(self.index())
    }
}

impl AxisSelect for Slice {
    fn axis(&self) -> AxisSelection {
        AxisSelection::Slice(*self)
    }
}

impl AxisSelect for ndarray::Slice {
    fn axis(&self) -> AxisSelection {
        AxisSelection::Slice(Slice::new(self.start, self.end, self.step))
    }
}

impl AxisSelect for NewAxis {
    fn axis(&self) -> AxisSelection {
        AxisSelection::NewAxis
    }
}

impl AxisSelect for SliceInfoElem {
    fn axis(&self) -> AxisSelection {
        match *self {
            Self::Slice { start, end, step } => AxisSelection::Slice(Slice::new(start, end, step)),
            Self::Index(index) => AxisSelection::Index(index),
            Self::NewAxis => AxisSelection::NewAxis,
        }
    }
}

impl AxisSelect for AxisIndices {
    fn axis(&self) -> AxisSelection {
        match self {
            Self::Slice(slice) => AxisSelection::Slice(*slice),
            Self::Index(index) => index.axis(),
            Self::Indices(indices) => indices.axis(),
            Self::Mask(mask) => AxisSelection::Mask(mask.clone()),
        }
    }
}

/// An element of a list for one dimension: an index, or a `bool` of a mask.
pub trait AxisElement: Copy {
    /// Returns the selection of a list.
    fn listed(elements: impl Iterator<Item = Self>) -> AxisSelection;
}

impl<I: Index> AxisElement for I {
    fn listed(elements: impl Iterator<Item = Self>) -> AxisSelection {
        AxisSelection::Indices(elements.map(Index::index).collect())
    }
}

impl AxisElement for bool {
    fn listed(elements: impl Iterator<Item = Self>) -> AxisSelection {
        AxisSelection::Mask(elements.collect())
    }
}

/// Implements selections for a list and for references to it.
macro_rules! lists {
    ($([$($generics:tt)*] $list:ty;)+) => {$(
        impl<E: AxisElement, $($generics)*> AxisSelect for $list {
            fn axis(&self) -> AxisSelection {
                E::listed(self.iter().copied())
            }
        }

        impl<E: AxisElement, $($generics)*> AxisSelect for &$list {
            fn axis(&self) -> AxisSelection {
                (**self).axis()
            }
        }
    )+};
}

lists! {
    [] [E];
    [const N: usize] [E; N];
    [] Vec<E>;
    [S: Data<Elem = E>] ArrayBase<S, Ix1>;
}

/// A selection along the dimension with this name.
impl<N: AsRef<str>, A: AxisSelect> AxisSelect for (N, A) {
    fn axis(&self) -> AxisSelection {
        self.1.axis()
    }

    fn name(&self) -> Option<&str> {
        Some(self.0.as_ref())
    }
}
