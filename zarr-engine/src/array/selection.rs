//! The selections that callers can pass. Each one converts to a [`Selection`] of the core.

use std::ops::{Range, RangeFrom, RangeFull, RangeInclusive, RangeTo, RangeToInclusive};

use ndarray::{ArrayBase, Data, Dimension, SliceInfo, SliceInfoElem};
use zarr_core::{AxisIndices, BasicIndex, Selection, Slice};

use super::axis_selection::{AxisSelect, AxisSelection, Index};
use crate::error::Result;

/// The shape and dimension names of the array that a selection applies to.
#[derive(Clone, Copy, Debug)]
pub struct Space<'a> {
    pub(crate) shape: &'a [u64],
    pub(crate) names: Option<&'a [Option<String>]>,
}

/// A selection of array elements: `ndarray`'s `s![]`, `..` for all elements, ranges, a tuple or an
/// array with one entry per dimension ([`AxisSelect`]), a mask, [`points`], or a [`Selection`].
/// Omitted trailing dimensions are selected entirely.
///
/// ```
/// use ndarray::{Array2, s};
/// use zarr_engine::{ArrayBuilder, blocking, points};
///
/// let array = blocking::open("memory:")?.create_array(
///     "a",
///     ArrayBuilder::new(&[4, 6], "int32").with_dimension_names(["time", "x"]).build()?,
/// )?;
/// array.write(.., Array2::from_shape_fn((4, 6), |(time, x)| (10 * time + x) as i32))?;
///
/// let same = array.read::<i32>(s![1, 2..5])?;
/// assert_eq!(same, array.read::<i32>((1, 2..5))?);
/// assert_eq!(same, array.read::<i32>([("time", 1..2), ("x", 2..5)])?.remove_axis_at(0));
/// assert_eq!(same, array.read::<i32>((("x", 2..5), ("time", 1)))?);
/// assert_eq!(array.read::<i32>((1, vec![5, 0, 0]))?.as_slice(), Some(&[15, 10, 10][..]));
/// assert_eq!(array.read::<i32>(points([[0, 5], [3, 1]]))?.as_slice(), Some(&[5, 31][..]));
/// # trait Remove { fn remove_axis_at(self, axis: usize) -> Self; }
/// # impl Remove for ndarray::ArrayD<i32> { fn remove_axis_at(self, axis: usize) -> Self { self.index_axis_move(ndarray::Axis(axis), 0) } }
/// # Ok::<(), zarr_engine::Error>(())
/// ```
pub trait Select {
    /// Converts this value into a selection of the array.
    ///
    /// # Errors
    /// [`ErrorKind::Selection`](crate::ErrorKind::Selection) if the selection does not fit the
    /// array.
    fn select(&self, space: &Space<'_>) -> Result<Selection>;
}

/// Single elements by their coordinates; see [`points`].
#[derive(Clone, Debug)]
pub struct Points(Vec<Vec<u64>>);

/// Selects single elements, each by its indices; the result is one-dimensional.
///
/// ```
/// use zarr_engine::{ArrayBuilder, blocking, points};
///
/// let hierarchy = blocking::open("memory:")?;
/// let array = hierarchy.create_array("a", ArrayBuilder::new(&[3, 3], "int32"))?;
/// array.write(points([[0, 2], [2, 0]]), &[5, 7])?;
/// assert_eq!(array.read::<i32>(points(vec![[2, 0], [1, 1]]))?.as_slice(), Some(&[7, 0][..]));
/// # Ok::<(), zarr_engine::Error>(())
/// ```
#[must_use]
pub fn points<P: AsRef<[u64]>>(points: impl IntoIterator<Item = P>) -> Points {
    let points = points.into_iter();
    Points(points.map(|point| point.as_ref().to_vec()).collect())
}

impl Select for Points {
    fn select(&self, space: &Space<'_>) -> Result<Selection> {
        let rank = space.shape.len();
        if let Some(point) = self.0.iter().find(|point| point.len() != rank) {
            let reason = format!("point {point:?} in an array of {rank} dimension{}", s(rank));
            return Err(zarr_core::Error::selection(reason).into());
        }
        let axis = |axis: usize| self.0.iter().map(|point| point[axis]).collect();
        Ok(Selection::Coordinates((0..rank).map(axis).collect()))
    }
}

impl Select for Selection {
    fn select(&self, _: &Space<'_>) -> Result<Selection> {
        Ok(self.clone())
    }
}

impl<S: Select + ?Sized> Select for &S {
    fn select(&self, space: &Space<'_>) -> Result<Selection> {
        (**self).select(space)
    }
}

impl<T: AsRef<[SliceInfoElem]>, In: Dimension, Out: Dimension> Select for SliceInfo<T, In, Out> {
    fn select(&self, space: &Space<'_>) -> Result<Selection> {
        self.as_ref().select(space)
    }
}

/// A mask with the shape of the array: selects the elements where it is true, in C order.
impl<S: Data<Elem = bool>, D: Dimension> Select for ArrayBase<S, D> {
    fn select(&self, space: &Space<'_>) -> Result<Selection> {
        let shape = self.shape().iter().map(|&len| len as u64);
        if self.ndim() == space.shape.len() && shape.eq(space.shape.iter().copied()) {
            return Ok(crate::mask(&self.view().into_dyn()));
        }
        let (found, expected) = (self.shape(), space.shape);
        let reason = format!("mask of shape {found:?} for an array of shape {expected:?}");
        Err(zarr_core::Error::selection(reason).into())
    }
}

impl<A: AxisSelect> Select for [A] {
    fn select(&self, space: &Space<'_>) -> Result<Selection> {
        let axes = self.iter().map(|axis| (axis.name(), axis.axis()));
        combine(axes.collect(), space)
    }
}

impl<A: AxisSelect, const N: usize> Select for [A; N] {
    fn select(&self, space: &Space<'_>) -> Result<Selection> {
        self.as_slice().select(space)
    }
}

impl<A: AxisSelect> Select for Vec<A> {
    fn select(&self, space: &Space<'_>) -> Result<Selection> {
        self.as_slice().select(space)
    }
}

macro_rules! select_tuples {
    ($($($name:ident)+;)+) => {$(
        impl<$($name: AxisSelect),+> Select for ($($name,)+) {
            fn select(&self, space: &Space<'_>) -> Result<Selection> {
                #[expect(non_snake_case, reason = "one variable for each type")]
                let ($($name,)+) = self;
                combine(vec![$(($name.name(), $name.axis())),+], space)
            }
        }
    )+};
}

select_tuples! { A; A B; A B C; A B C D; A B C D E; A B C D E F; A B C D E F G; A B C D E F G H; }

macro_rules! select_integers {
    ($($integer:ty)+) => {$(
        impl Select for $integer {
            fn select(&self, space: &Space<'_>) -> Result<Selection> {
                [*self].select(space)
            }
        }
    )+};
}

select_integers! { i8 i16 i32 i64 isize u8 u16 u32 u64 usize }

/// Implements selections for range types: each is a slice between two indices, or to the end. A
/// bare range selects along the first dimension.
macro_rules! ranges {
    ($($range:ty, $this:ident => $start:expr, $end:expr;)+) => {$(
        impl<I: Index> AxisSelect for $range {
            fn axis(&self) -> AxisSelection {
                let $this = self;
                AxisSelection::Slice(Slice::new($start, $end, 1))
            }
        }

        impl<I: Index> Select for $range {
            fn select(&self, space: &Space<'_>) -> Result<Selection> {
                combine(vec![(None, self.axis())], space)
            }
        }
    )+};
}

/// Returns the exclusive end of an inclusive range; `None` for the end of the dimension.
fn after(last: isize) -> Option<isize> {
    (last != -1).then(|| last.saturating_add(1))
}

ranges! {
    Range<I>, range => range.start.index(), Some(range.end.index());
    RangeInclusive<I>, range => range.start().index(), after(range.end().index());
    RangeFrom<I>, range => range.start.index(), None;
    RangeTo<I>, range => 0, Some(range.end.index());
    RangeToInclusive<I>, range => 0, after(range.end.index());
}

impl AxisSelect for RangeFull {
    fn axis(&self) -> AxisSelection {
        AxisSelection::Slice(Slice::all())
    }
}

impl Select for RangeFull {
    fn select(&self, _: &Space<'_>) -> Result<Selection> {
        Ok(Selection::all())
    }
}

/// Combines selections along dimensions, in order or by name, into one selection.
fn combine(axes: Vec<(Option<&str>, AxisSelection)>, space: &Space<'_>) -> Result<Selection> {
    let axes = if axes.iter().any(|(name, _)| name.is_some()) {
        by_name(axes, space)?
    } else {
        axes.into_iter().map(|(_, axis)| axis).collect()
    };
    let slices = axes.iter().map(|axis| match *axis {
        AxisSelection::Slice(slice) => Some(slice.into()),
        AxisSelection::Index(index) => Some(BasicIndex::Integer(index)),
        AxisSelection::NewAxis => Some(BasicIndex::NewAxis),
        AxisSelection::Indices(_) | AxisSelection::Mask(_) => None,
    });
    if let Some(slices) = slices.collect::<Option<Vec<_>>>() {
        return Ok(Selection::Slices(slices));
    }
    let rest = space.shape.len().saturating_sub(axes.len());
    let whole = std::iter::repeat_n((..).axis(), rest);
    let lengths = space.shape.iter().copied().map(Some);
    let axes = axes.into_iter().chain(whole);
    // Surplus axes are kept, so that the selection is rejected by its number of axes.
    let axes = axes.zip(lengths.chain(std::iter::repeat(None)));
    let axes = axes.map(|(axis, len)| orthogonal(axis, len.unwrap_or(0)));
    Ok(Selection::Orthogonal(axes.collect::<Result<_>>()?))
}

fn orthogonal(axis: AxisSelection, len: u64) -> Result<AxisIndices> {
    // A negative index before the start becomes `u64::MAX`, which is out of bounds everywhere.
    let index = |index: isize| match u64::try_from(index) {
        Ok(index) => index,
        Err(_) => len
            .checked_sub(index.unsigned_abs() as u64)
            .unwrap_or(u64::MAX),
    };
    Ok(match axis {
        AxisSelection::Slice(slice) => AxisIndices::Slice(slice),
        AxisSelection::Index(found) => AxisIndices::Index(index(found)),
        AxisSelection::Indices(found) => {
            AxisIndices::Indices(found.into_iter().map(index).collect())
        }
        AxisSelection::Mask(mask) => AxisIndices::Mask(mask),
        AxisSelection::NewAxis => {
            let reason = "a new axis cannot be combined with lists of indices or masks";
            return Err(zarr_core::Error::selection(reason).into());
        }
    })
}

fn by_name(
    axes: Vec<(Option<&str>, AxisSelection)>,
    space: &Space<'_>,
) -> Result<Vec<AxisSelection>> {
    let mut chosen = vec![None; space.shape.len()];
    for (name, axis) in axes {
        let refused = |reason: String| zarr_core::Error::selection(reason);
        let Some(name) = name else {
            let reason = "select either all dimensions by name or all by position".to_owned();
            return Err(refused(reason).into());
        };
        let dimension = named(name, space)?;
        if matches!(axis, AxisSelection::NewAxis) {
            return Err(refused(format!("dimension {name:?} cannot be a new axis")).into());
        }
        if chosen[dimension].replace(axis).is_some() {
            return Err(refused(format!("dimension {name:?} is selected twice")).into());
        }
    }
    let whole = || (..).axis();
    Ok(chosen
        .into_iter()
        .map(|axis| axis.unwrap_or_else(whole))
        .collect())
}

/// Returns the number of the dimension with this name.
pub(super) fn named(name: &str, space: &Space<'_>) -> Result<usize> {
    let names = space.names.unwrap_or_default();
    let mut found = names.iter().enumerate();
    let mut found = found.by_ref().filter(|(_, it)| it.as_deref() == Some(name));
    let reason = match (found.next(), found.next()) {
        (Some((dimension, _)), None) => return Ok(dimension),
        (Some(_), Some(_)) => format!("several dimensions are named {name:?}"),
        (None, _) => {
            let names = names.iter().map(|name| name.as_deref().unwrap_or("(none)"));
            let names = names.collect::<Vec<_>>().join(", ");
            let known = match names.is_empty() {
                true => "the dimensions have no names".to_owned(),
                false => format!("the names are: {names}"),
            };
            format!("no dimension is named {name:?}; {known}")
        }
    };
    Err(zarr_core::Error::selection(reason).into())
}

/// The ending of a noun after a number.
pub(super) fn s(number: usize) -> &'static str {
    match number {
        1 => "",
        _ => "s",
    }
}
