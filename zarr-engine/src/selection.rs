//! Converts `ndarray` selections for the core, which does not depend on `ndarray`.

use ndarray::{ArrayViewD, SliceInfoElem};
use zarr_core::{BasicIndex, Selection, Slice};

/// Converts `ndarray`'s `s![]` into a [`Selection`].
///
/// ```
/// use zarr_engine::ndarray::s;
/// use zarr_engine::{Selection, Slice, slices};
///
/// assert_eq!(slices(s![2..;3]), Selection::slices([Slice::new(2, None, 3)]));
/// ```
#[must_use]
pub fn slices(slices: impl AsRef<[SliceInfoElem]>) -> Selection {
    let basic = |element: &SliceInfoElem| match *element {
        SliceInfoElem::Slice { start, end, step } => Slice::new(start, end, step).into(),
        SliceInfoElem::Index(index) => BasicIndex::Integer(index),
        SliceInfoElem::NewAxis => BasicIndex::NewAxis,
    };
    Selection::Slices(slices.as_ref().iter().map(basic).collect())
}

/// Selects the elements where a mask with the shape of the array is true, in C order.
#[must_use]
pub fn mask(mask: &ArrayViewD<'_, bool>) -> Selection {
    let mut coordinates = vec![Vec::new(); mask.ndim()];
    for (index, &wanted) in mask.indexed_iter() {
        if wanted {
            for (axis, list) in coordinates.iter_mut().enumerate() {
                list.push(index[axis] as u64);
            }
        }
    }
    Selection::Coordinates(coordinates)
}
