//! Parts of arrays as arrays: composable selections that read nothing until asked.

use ndarray::{ArrayViewMut, Dimension};
use zarr_core::plan::ReadPlan;
use zarr_core::{AxisIndices, BasicIndex, Selection, Slice};

use super::Array;
use super::element::ReadElement;
use super::read_as::ReadAs;
use super::selection::{Select, Space};
use super::source::WriteData;
use crate::error::{At, Result};

/// A part of an array that acts as an array: reads, writes and further views select from it.
/// Created by [`Array::view`]; reads nothing until asked.
///
/// ```
/// use ndarray::Array2;
/// use zarr_engine::{ArrayBuilder, blocking};
///
/// let metadata = ArrayBuilder::new(&[10, 20, 30], "int32").with_dimension_names(["time", "y", "x"]).build()?;
/// let array = blocking::open("memory:")?.create_array("a", metadata)?;
/// let day = array.view([("time", 3)])?;
/// assert_eq!(day.shape(), [20, 30]);
/// let corner = day.view((10.., ..5))?;
/// corner.write(.., 1)?;
/// assert_eq!(corner.read::<Array2<i32>>(..)?.shape(), [10, 5]);
/// assert_eq!(corner.read::<i32>([("y", -1)])?.sum(), 5);
/// assert_eq!(array.read::<i32>((3, 10.., ..5))?.sum(), 50);
/// # Ok::<(), zarr_engine::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct SubArray<'a> {
    array: &'a Array,
    /// The selection of the view along each dimension of the array.
    axes: Vec<Axis>,
    shape: Vec<u64>,
    names: Option<Vec<Option<String>>>,
}

/// The selection of a view along one dimension of its array.
#[derive(Clone, Copy, Debug)]
enum Axis {
    /// One index; the view drops the dimension.
    Index(u64),
    /// Equally spaced elements.
    Steps(Steps),
}

#[derive(Clone, Copy, Debug)]
struct Steps {
    first: u64,
    step: i64,
    len: u64,
}

impl Steps {
    /// Returns the array index of an index of the view.
    fn at(self, index: u64) -> u64 {
        self.first
            .wrapping_add_signed(self.step.wrapping_mul(index.cast_signed()))
    }

    /// Returns the elements that a slice selects from these; the slice must fit.
    fn slice(self, slice: Slice) -> Self {
        let index = |index: isize| match u64::try_from(index) {
            Ok(index) => index,
            Err(_) => self.len.saturating_sub(index.unsigned_abs() as u64),
        };
        let (from, to) = (index(slice.start), slice.end.map_or(self.len, index));
        let stride = slice.step.unsigned_abs() as u64;
        let len = to.saturating_sub(from).div_ceil(stride);
        let first = match slice.step > 0 || len == 0 {
            true => from,
            false => to - 1,
        };
        Self {
            first: if len == 0 { 0 } else { self.at(first) },
            step: self.step.saturating_mul(slice.step as i64),
            len,
        }
    }

    /// Returns these elements as a slice of the array.
    fn to_slice(self) -> Slice {
        let signed = |index: u64| isize::try_from(index).unwrap_or(isize::MAX);
        let step = isize::try_from(self.step).unwrap_or(1);
        if self.len == 0 {
            return Slice::new(0, Some(0), 1);
        }
        let last = self.at(self.len - 1);
        // A negative step takes a slice from its end.
        let (low, high) = (self.first.min(last), self.first.max(last));
        Slice::new(signed(low), Some(signed(high).saturating_add(1)), step)
    }
}

impl Array {
    /// Returns a part of the array, selected by slices, ranges and indices, by position or by name.
    /// Reads nothing.
    ///
    /// # Errors
    /// [`ErrorKind::Selection`](crate::ErrorKind::Selection) if the selection does not fit, or
    /// contains index lists, masks, points or new axes.
    pub fn view(&self, selection: impl Select) -> Result<SubArray<'_>> {
        let steps = |&len: &u64| {
            Axis::Steps(Steps {
                first: 0,
                step: 1,
                len,
            })
        };
        let all = SubArray {
            array: self,
            axes: self.shape().iter().map(steps).collect(),
            shape: self.shape().to_vec(),
            names: self.metadata.dimension_names().map(<[_]>::to_vec),
        };
        all.view(selection)
    }
}

impl<'a> SubArray<'a> {
    /// Returns the array that this view is a part of.
    #[must_use]
    pub fn array(&self) -> &'a Array {
        self.array
    }

    /// Returns the number of elements along each dimension of the view.
    #[must_use]
    pub fn shape(&self) -> &[u64] {
        &self.shape
    }

    /// Returns the dimension names of the view, if the array has names.
    #[must_use]
    pub fn dimension_names(&self) -> Option<&[Option<String>]> {
        self.names.as_deref()
    }

    /// Returns a part of this view.
    ///
    /// # Errors
    /// The errors of [`Array::view`].
    pub fn view(&self, selection: impl Select) -> Result<Self> {
        let Selection::Slices(slices) = self.checked(&selection)? else {
            return self
                .refused("a view takes slices, ranges and indices, but no lists, masks or points");
        };
        let mut slices = slices.into_iter();
        let (mut axes, mut shape, mut names) = (Vec::new(), Vec::new(), Vec::new());
        for axis in &self.axes {
            let Axis::Steps(steps) = *axis else {
                axes.push(*axis);
                continue;
            };
            let name = self
                .names
                .as_ref()
                .map(|names| &names[shape_position(&axes, self)]);
            match slices.next() {
                Some(BasicIndex::NewAxis) => return self.refused("a view has no new axes"),
                Some(BasicIndex::Integer(index)) => {
                    let one = steps.slice(Slice::new(index, None, 1));
                    axes.push(Axis::Index(one.first));
                }
                slice => {
                    let slice = match slice {
                        Some(BasicIndex::Slice(slice)) => slice,
                        _ => Slice::all(),
                    };
                    let steps = steps.slice(slice);
                    shape.push(steps.len);
                    names.extend(name.cloned());
                    axes.push(Axis::Steps(steps));
                }
            }
        }
        if slices.next().is_some() {
            return self.refused("a view has no new axes");
        }
        Ok(Self {
            array: self.array,
            axes,
            shape,
            names: self.names.is_some().then_some(names),
        })
    }

    /// Translates a selection of this view into a selection of the array.
    ///
    /// # Errors
    /// [`ErrorKind::Selection`](crate::ErrorKind::Selection) if the selection does not fit.
    pub fn selection(&self, selection: impl Select) -> Result<Selection> {
        Ok(match self.checked(&selection)? {
            Selection::Slices(slices) => Selection::Slices(self.slices(slices)),
            Selection::Orthogonal(axes) => {
                let mut axes = axes.into_iter();
                let whole = self.axes.iter().map(|axis| match *axis {
                    Axis::Index(index) => AxisIndices::Index(index),
                    Axis::Steps(steps) => match axes.next().expect("as many as were checked") {
                        AxisIndices::Slice(slice) => {
                            AxisIndices::Slice(steps.slice(slice).to_slice())
                        }
                        AxisIndices::Index(index) => AxisIndices::Index(steps.at(index)),
                        AxisIndices::Indices(indices) => AxisIndices::Indices(
                            indices.into_iter().map(|index| steps.at(index)).collect(),
                        ),
                        AxisIndices::Mask(mask) => {
                            let chosen = (0..).zip(mask).filter(|(_, wanted)| *wanted);
                            AxisIndices::Indices(chosen.map(|(index, _)| steps.at(index)).collect())
                        }
                    },
                });
                Selection::Orthogonal(whole.collect())
            }
            Selection::Coordinates(lists) => {
                let len = lists.first().map_or(1, Vec::len);
                let mut lists = lists.into_iter();
                let whole = self.axes.iter().map(|axis| match *axis {
                    Axis::Index(index) => vec![index; len],
                    Axis::Steps(steps) => {
                        let list = lists.next().expect("as many as were checked");
                        list.into_iter().map(|index| steps.at(index)).collect()
                    }
                });
                Selection::Coordinates(whole.collect())
            }
        })
    }

    fn slices(&self, slices: Vec<BasicIndex>) -> Vec<BasicIndex> {
        let mut slices = slices.into_iter().peekable();
        let mut whole = Vec::new();
        for axis in &self.axes {
            let Axis::Steps(steps) = *axis else {
                let Axis::Index(index) = *axis else { continue };
                whole.push(BasicIndex::Integer(
                    isize::try_from(index).unwrap_or(isize::MAX),
                ));
                continue;
            };
            while let Some(new) = slices.next_if(|slice| matches!(slice, BasicIndex::NewAxis)) {
                whole.push(new);
            }
            whole.push(match slices.next() {
                Some(BasicIndex::Integer(index)) => {
                    let found = steps.slice(Slice::new(index, None, 1)).first;
                    BasicIndex::Integer(isize::try_from(found).unwrap_or(isize::MAX))
                }
                Some(BasicIndex::Slice(slice)) => steps.slice(slice).to_slice().into(),
                _ => steps.to_slice().into(),
            });
        }
        whole.extend(slices);
        whole
    }

    /// Reads a selection of this view, like [`Array::read`].
    ///
    /// # Errors
    /// The errors of [`Array::read`].
    pub async fn read<T: ReadAs>(&self, selection: impl Select) -> Result<T::Output> {
        self.array.read::<T>(self.selection(selection)?).await
    }

    /// Reads a selection of this view into an existing array, like [`Array::read_into`].
    ///
    /// # Errors
    /// The errors of [`Array::read_into`].
    pub async fn read_into<T: ReadElement, D: Dimension>(
        &self,
        selection: impl Select,
        array: ArrayViewMut<'_, T, D>,
    ) -> Result<()> {
        self.array
            .read_into(self.selection(selection)?, array)
            .await
    }

    /// Writes data to a selection of this view, like [`Array::write`].
    ///
    /// # Errors
    /// The errors of [`Array::write`].
    pub async fn write<'d, W: WriteData<'d>>(&self, selection: impl Select, data: W) -> Result<()> {
        self.array.write(self.selection(selection)?, data).await
    }

    /// Plans a read of a selection of this view, like [`Array::plan_read`].
    ///
    /// # Errors
    /// Fails if the selection does not fit.
    pub fn plan_read(&self, selection: impl Select) -> Result<ReadPlan> {
        self.array.plan_read(self.selection(selection)?)
    }

    /// Checks that a selection fits this view.
    fn checked(&self, selection: &impl Select) -> Result<Selection> {
        let space = Space {
            shape: &self.shape,
            names: self.names.as_deref(),
        };
        let selection = selection.select(&space).and_then(|selection| {
            selection.resolve(&self.shape)?;
            Ok(selection)
        });
        selection.at(&self.array.path)
    }

    fn refused<R>(&self, reason: &str) -> Result<R> {
        let error = zarr_core::Error::selection(reason);
        Err(error).at(&self.array.path)
    }
}

/// Returns how many dimensions of the view precede the next dimension of the array.
fn shape_position(before: &[Axis], view: &SubArray<'_>) -> usize {
    let before = view.axes[..before.len()].iter();
    before.filter(|axis| matches!(axis, Axis::Steps(_))).count()
}
