//! Selections of the elements of an array: slices, orthogonal indices, coordinates, masks.
//!
//! A [`Selection`] is checked against the shape of the array and becomes a `Wanted`: for each
//! dimension, the wanted elements and their places in the caller's buffer. Plans split the `Wanted`
//! along chunk grids, level by level.

mod axis;
mod basic;
mod chunk;
mod parts;
mod points;
mod steps;
mod wanted;

pub(crate) use axis::{Axis, Layout};
pub use basic::{BasicIndex, Slice};
pub use chunk::{AxisPlaces, ChunkSelection, PlacedIndices};
pub(crate) use parts::Parts;
pub(crate) use points::Points;
pub(crate) use steps::Steps;
pub(crate) use wanted::{Wanted, WantedParts};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::size::to_usize;

/// A selection of array elements, by position.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Selection {
    /// Slices, integers and new axes. Omitted trailing dimensions are selected whole.
    Slices(Vec<BasicIndex>),
    /// One set of indices for each dimension; the result has all their combinations (NumPy's `ix_`,
    /// zarr's `oindex`).
    Orthogonal(Vec<AxisIndices>),
    /// One list of indices for each dimension, all of equal length; the result lists the elements
    /// at these coordinates (zarr's `vindex`).
    Coordinates(Vec<Vec<u64>>),
}

/// The indices of one dimension in an orthogonal selection.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum AxisIndices {
    /// A slice.
    Slice(Slice),
    /// One index; the result omits the dimension.
    Index(u64),
    /// Any indices in any order, repeated or not.
    Indices(Vec<u64>),
    /// A mask as long as the dimension, which selects the positions of `true`.
    Mask(Vec<bool>),
}

impl From<Vec<u64>> for AxisIndices {
    fn from(indices: Vec<u64>) -> Self {
        Self::Indices(indices)
    }
}

impl From<Slice> for AxisIndices {
    fn from(slice: Slice) -> Self {
        Self::Slice(slice)
    }
}

impl Selection {
    /// Selects the whole array.
    #[must_use]
    pub fn all() -> Self {
        Self::Slices(Vec::new())
    }

    /// Selects slices, integers and new axes, for the first dimensions of the array.
    #[must_use]
    pub fn slices(indices: impl IntoIterator<Item = impl Into<BasicIndex>>) -> Self {
        Self::Slices(indices.into_iter().map(Into::into).collect())
    }

    /// Selects a range of indices in each dimension.
    ///
    /// # Errors
    /// [`Error::TooLarge`] if an index does not fit `isize`.
    pub fn ranges(ranges: &[std::ops::Range<u64>]) -> Result<Self> {
        let slice = |range: &std::ops::Range<u64>| {
            let (start, end) = (to_isize(range.start)?, to_isize(range.end)?);
            Ok(Slice::new(start, Some(end), 1).into())
        };
        Ok(Self::Slices(
            ranges.iter().map(slice).collect::<Result<_>>()?,
        ))
    }

    /// Checks the selection against the shape of an array.
    ///
    /// # Errors
    /// [`Error::Selection`] if the selection does not fit the shape.
    pub fn resolve(&self, shape: &[u64]) -> Result<Resolved> {
        match self {
            Self::Slices(slices) => resolve_slices(slices, shape),
            Self::Orthogonal(indices) => {
                check_rank(indices.len(), shape)?;
                let axes = indices.iter().zip(shape).enumerate();
                let axes = axes
                    .map(|(dimension, (indices, &len))| axis_of(indices, dimension, len))
                    .collect::<Result<Vec<_>>>()?;
                let (mut lengths, mut axis_of_result) = (Vec::new(), Vec::new());
                for (axis, indices) in axes.iter().zip(indices) {
                    let is_kept = !matches!(indices, AxisIndices::Index(_));
                    axis_of_result.push(is_kept.then_some(lengths.len()));
                    lengths.extend(is_kept.then(|| axis.len()));
                }
                let mut resolved = Resolved::boxed(axes, lengths)?;
                resolved.axis_of_result = axis_of_result;
                Ok(resolved)
            }
            Self::Coordinates(lists) => {
                check_rank(lists.len(), shape)?;
                let points = Points::new(lists, shape)?;
                let len = points.len();
                Ok(Resolved {
                    wanted: Wanted::Points(Box::new(points)),
                    axis_of_result: vec![],
                    shape: vec![len],
                })
            }
        }
    }
}

/// A selection that fits its array.
#[derive(Clone, Debug)]
pub struct Resolved {
    wanted: Wanted,
    /// The result dimension of each array dimension; `None` for single indices. Empty for
    /// coordinates.
    axis_of_result: Vec<Option<usize>>,
    shape: Vec<usize>,
}

impl Resolved {
    fn boxed(axes: Vec<Axis>, lengths: Vec<u64>) -> Result<Self> {
        let shape = lengths
            .iter()
            .map(|&len| to_usize("selection", len))
            .collect::<Result<Vec<_>>>()?;
        Ok(Self {
            wanted: Wanted::Box(axes),
            axis_of_result: (0..shape.len()).map(Some).collect(),
            shape,
        })
    }

    /// The shape of the result.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The number of elements of the result.
    ///
    /// # Errors
    /// [`Error::TooLarge`] if the number does not fit memory.
    pub fn elements(&self) -> Result<usize> {
        let shape = self.shape.iter().map(|&len| len as u64).collect::<Vec<_>>();
        to_usize("selection", crate::size::product(&shape)?)
    }

    /// Returns the indices of each dimension of the array, and whether the result keeps the
    /// dimension; `None` for points, and for a result with new axes.
    pub(crate) fn axes(&self) -> Option<Vec<(&Axis, bool)>> {
        let Wanted::Box(axes) = &self.wanted else {
            return None;
        };
        let kept = self.axis_of_result.iter().map(Option::is_some);
        let has_new = kept.clone().filter(|kept| *kept).count() != self.shape.len();
        (!has_new).then(|| axes.iter().zip(kept).collect())
    }

    /// Returns the wanted elements with their places in a buffer with these strides in bytes, one
    /// for each dimension of the result.
    pub(crate) fn place(&self, strides: &[isize]) -> Wanted {
        let mut wanted = self.wanted.clone();
        match &mut wanted {
            Wanted::Box(axes) => {
                for (axis, result) in axes.iter_mut().zip(&self.axis_of_result) {
                    axis.stride = result.map_or(0, |result| strides[result]);
                }
            }
            Wanted::Points(points) => points.set_stride(strides[0]),
        }
        wanted
    }
}

fn check_rank(found: usize, shape: &[u64]) -> Result<()> {
    if found == shape.len() {
        return Ok(());
    }
    Err(Error::selection(format!(
        "{found}-dimensional, but the array is {}-dimensional ({shape:?})",
        shape.len()
    )))
}

fn to_isize(index: u64) -> Result<isize> {
    isize::try_from(index).map_err(|_| Error::TooLarge {
        what: "index",
        wanted: index.to_string(),
        limit: isize::MAX as u64,
    })
}

fn resolve_slices(slices: &[BasicIndex], shape: &[u64]) -> Result<Resolved> {
    let taken = slices
        .iter()
        .filter(|slice| !matches!(slice, BasicIndex::NewAxis))
        .count();
    if taken > shape.len() {
        check_rank(taken, shape)?;
    }
    let mut axes = Vec::with_capacity(shape.len());
    let mut axis_of_result = Vec::with_capacity(shape.len());
    let mut lengths = Vec::new();
    let whole = BasicIndex::Slice(Slice::all());
    for slice in slices
        .iter()
        .chain(std::iter::repeat_n(&whole, shape.len() - taken))
    {
        let dimension = axes.len();
        match *slice {
            BasicIndex::NewAxis => lengths.push(1),
            BasicIndex::Integer(index) => {
                let len = shape[dimension];
                let found = from_end(index, len).filter(|&index| index < len);
                let index = found.ok_or_else(|| {
                    Error::selection(format!(
                        "index {index} is outside dimension {dimension} of length {len}"
                    ))
                })?;
                axes.push(Axis::range(index, 1, 1));
                axis_of_result.push(None);
            }
            BasicIndex::Slice(slice) => {
                let axis = slice_axis(slice, dimension, shape[dimension])?;
                axis_of_result.push(Some(lengths.len()));
                lengths.push(axis.len());
                axes.push(axis);
            }
        }
    }
    let mut resolved = Resolved::boxed(axes, lengths)?;
    resolved.axis_of_result = axis_of_result;
    Ok(resolved)
}

/// Resolves an index, which counts from the end if negative; the end itself is allowed.
fn from_end(index: isize, len: u64) -> Option<u64> {
    let found = if index < 0 {
        len.checked_sub(index.unsigned_abs() as u64)?
    } else {
        index.unsigned_abs() as u64
    };
    (found <= len).then_some(found)
}

fn slice_axis(slice: Slice, dimension: usize, len: u64) -> Result<Axis> {
    let Slice { start, end, step } = slice;
    let bounds = from_end(start, len).zip(end.map_or(Some(len), |end| from_end(end, len)));
    let Some((from, to)) = bounds.filter(|_| step != 0) else {
        let end = end.map(|end| end.to_string()).unwrap_or_default();
        return Err(Error::selection(format!(
            "slice {start}..{end};{step} does not fit dimension {dimension} of length {len}"
        )));
    };
    let stride = step.unsigned_abs() as u64;
    let count = to.saturating_sub(from).div_ceil(stride);
    let step = step as i64;
    Ok(if step > 0 || count == 0 {
        Axis::range(from, step, count)
    } else {
        Axis::range(to - 1, step, count)
    })
}

fn axis_of(indices: &AxisIndices, dimension: usize, len: u64) -> Result<Axis> {
    match indices {
        AxisIndices::Slice(slice) => slice_axis(*slice, dimension, len),
        AxisIndices::Index(index) => axis_of(&vec![*index].into(), dimension, len),
        AxisIndices::Indices(indices) => match indices.iter().find(|&&index| index >= len) {
            Some(index) => Err(Error::selection(format!(
                "index {index} is outside dimension {dimension} of length {len}"
            ))),
            None => Ok(Axis::list(indices.iter().copied())),
        },
        AxisIndices::Mask(mask) if mask.len() as u64 == len => Ok(Axis::list(
            (0..len)
                .zip(mask)
                .filter_map(|(index, &wanted)| wanted.then_some(index)),
        )),
        AxisIndices::Mask(mask) => Err(Error::selection(format!(
            "mask of length {} for dimension {dimension} of length {len}",
            mask.len()
        ))),
    }
}
