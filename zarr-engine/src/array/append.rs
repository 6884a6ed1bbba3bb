//! Appending along a dimension, by several writers concurrently.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use zarr_core::ArrayLayout;
use zarr_core::metadata::ArrayMetadata;

use super::appends::Appends;
use super::compare::lengths;
use super::element::expect;
use super::selection::{Space, named, s};
use super::source::WriteData;
use super::{Array, InputLayout, layout_text};
use crate::error::{At, Error, Result};

/// A dimension of an array, given by its number or its name.
pub trait AxisName {
    /// Returns the number of the dimension.
    ///
    /// # Errors
    /// [`ErrorKind::Selection`](crate::ErrorKind::Selection) if the array has no such dimension.
    fn position(&self, space: &Space<'_>) -> Result<usize>;
}

/// Dimensions along which other writers may be appending.
#[derive(Debug)]
pub(super) struct OpenEnd {
    axes: Vec<usize>,
    /// The layout of the array, extended to the end of its last chunks.
    pub(super) layout: Arc<ArrayLayout>,
}

macro_rules! axis_numbers {
    ($($integer:ty)+) => {$(
        impl AxisName for $integer {
            fn position(&self, space: &Space<'_>) -> Result<usize> {
                let found = usize::try_from(*self).ok();
                found.filter(|axis| *axis < space.shape.len()).ok_or_else(|| {
                    let rank = space.shape.len();
                    let reason = format!("there is no dimension {self}: the array has {rank} dimension{}", s(rank));
                    zarr_core::Error::selection(reason).into()
                })
            }
        }
    )+};
}

axis_numbers! { i32 i64 u32 u64 usize }

impl AxisName for str {
    fn position(&self, space: &Space<'_>) -> Result<usize> {
        named(self, space)
    }
}

impl AxisName for String {
    fn position(&self, space: &Space<'_>) -> Result<usize> {
        named(self, space)
    }
}

impl<A: AxisName + ?Sized> AxisName for &A {
    fn position(&self, space: &Space<'_>) -> Result<usize> {
        (**self).position(space)
    }
}

impl Array {
    /// Appends data along a dimension, given by number or name, and returns the range of indices of
    /// the new elements. Data with one dimension less than the array is a single step.
    ///
    /// The array grows first: its stored length is increased on condition that no other writer
    /// changes the document meanwhile. Concurrent writers therefore get disjoint indices, and none
    /// overwrites the data of another. Until the elements are written, or if writing them fails,
    /// readers find fill values. Other handles keep the shape that they were opened with. A
    /// [`write`](Self::write) through such a handle that covers all elements of a chunk within the
    /// handle's shape replaces the chunk: reopen the array before writing to its last chunks, or
    /// write through [`open_ended`](Self::open_ended).
    ///
    /// ```
    /// use ndarray::{Array2, array};
    /// use zarr_engine::{ArrayBuilder, blocking};
    ///
    /// let hierarchy = blocking::open("memory:")?;
    /// let metadata = ArrayBuilder::new(&[0, 3], "float32").with_chunk_shape(&[100, 3]);
    /// let mut series = hierarchy.create_array("series", metadata.with_dimension_names(["time", "x"]).build()?)?;
    /// assert_eq!(series.append("time", Array2::<f32>::ones((4, 3)))?, 0..4);
    /// assert_eq!(series.append(0, array![1.0_f32, 2.0, 3.0])?, 4..5);
    /// assert_eq!(series.shape(), [5, 3]);
    /// assert_eq!(series.read::<f32>(..)?.sum(), 18.0);
    /// # Ok::<(), zarr_engine::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Shape`] for data of another shape, [`Error::StaleHandle`] if the array changed in
    /// any way other than growing along this dimension, and those of [`Self::write`].
    pub async fn append<'a, W: WriteData<'a>>(
        &mut self,
        axis: impl AxisName,
        data: W,
    ) -> Result<Range<u64>> {
        let (axis, len, input) = self.block(&axis, data)?;
        let range = self.reserve(axis, len).await?;
        self.write_block(axis, &range, input).await?;
        Ok(range)
    }

    /// Writes the elements of a range along a dimension.
    pub(super) async fn write_block(
        &self,
        axis: usize,
        range: &Range<u64>,
        input: InputLayout,
    ) -> Result<()> {
        if range.is_empty() {
            return Ok(());
        }
        let mut part = self.shape().iter().map(|&len| 0..len).collect::<Vec<_>>();
        part[axis] = range.clone();
        self.write_layout(&self.resolve(&part)?, input).await
    }

    /// Grows the array by `len` along a dimension, and returns the range of the new indices, which
    /// no other call of `reserve` or [`append`](Self::append) returns: the stored length is
    /// increased on condition that no other writer changes the document meanwhile. Write the
    /// elements through this handle, or through an [`open_ended`](Self::open_ended) handle
    /// elsewhere, in any order.
    ///
    /// ```
    /// use zarr_engine::{ArrayBuilder, blocking};
    ///
    /// let hierarchy = blocking::open("memory:")?;
    /// let metadata = ArrayBuilder::new(&[0], "int32").with_chunk_shape(&[100]).build()?;
    /// let mut series = hierarchy.create_array("series", metadata)?;
    /// let mut other = series.clone();
    /// assert_eq!((series.reserve(0, 4)?, other.reserve(0, 2)?), (0..4, 4..6));
    /// other.write(4..6, 7)?;
    /// series.write(0..4, 5)?;
    /// assert_eq!(hierarchy.array("series")?.read::<i32>(..)?.sum(), 34);
    /// # Ok::<(), zarr_engine::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::StaleHandle`] if the array changed in any way other than growing along this
    /// dimension, and [`Error::Store`] if the document cannot be read or written.
    pub async fn reserve(&mut self, axis: impl AxisName, len: u64) -> Result<Range<u64>> {
        let axis = axis.position(&self.space()).at(&self.path)?;
        let start = self.grow(axis, |before| before.checked_add(len)).await?;
        *self = self.open_ended(axis)?;
        Ok(start..start + len)
    }

    /// Grows the array to at least `len` along a dimension. Several arrays that share a dimension
    /// grow together: [`reserve`](Self::reserve) indices in one of them, and extend the others to
    /// the end of the reserved range.
    ///
    /// # Errors
    /// The errors of [`reserve`](Self::reserve).
    pub async fn extend_to(&mut self, axis: impl AxisName, len: u64) -> Result<()> {
        let axis = axis.position(&self.space()).at(&self.path)?;
        self.grow(axis, |before| Some(before.max(len))).await?;
        *self = self.open_ended(axis)?;
        Ok(())
    }

    /// Returns a handle for the elements of ranges that other handles
    /// [reserved](Self::reserve) along a dimension. Other writers may be appending to the last
    /// chunks, so the handle merges even a write of all elements within its shape. A handle that
    /// reserved or appended does so already.
    ///
    /// # Errors
    /// [`ErrorKind::Selection`](crate::ErrorKind::Selection) if the array has no such dimension.
    pub fn open_ended(&self, axis: impl AxisName) -> Result<Self> {
        let axis = axis.position(&self.space()).at(&self.path)?;
        let mut axes = self.open_axes();
        if !axes.contains(&axis) {
            axes.push(axis);
        }
        self.clone().with_open_axes(axes)
    }

    /// Returns the dimensions along which other writers may be appending.
    pub(super) fn open_axes(&self) -> Vec<usize> {
        self.open
            .as_ref()
            .map_or_else(Vec::new, |open| open.axes.clone())
    }

    /// Returns this handle for writes next to writers that append along these dimensions.
    pub(super) fn with_open_axes(mut self, axes: Vec<usize>) -> Result<Self> {
        if axes.is_empty() {
            return Ok(self);
        }
        let mut shape = self.shape().to_vec();
        for &axis in &axes {
            let dimension = &self.layout.grid().dimensions()[axis];
            let last = dimension.cells(shape[axis]).saturating_sub(1);
            shape[axis] = dimension.start(last).saturating_add(dimension.len(last));
        }
        let extended = self.metadata.clone().with_shape(&shape);
        let registry = self.hierarchy.registry();
        let layout = extended.and_then(|metadata| ArrayLayout::bind(&metadata, registry));
        let layout = layout.map_err(|error| error.key(&self.path.metadata_key()))?;
        let layout = Arc::new(layout);
        self.open = Some(Arc::new(OpenEnd { axes, layout }));
        Ok(self)
    }

    /// Returns the dimension, the length along it, and the elements of data to be appended.
    pub(super) fn block<'a, W: WriteData<'a>>(
        &self,
        axis: &impl AxisName,
        data: W,
    ) -> Result<(usize, u64, InputLayout)> {
        expect::<W::Element>(self.data_type()).at(&self.path)?;
        let axis = axis.position(&self.space()).at(&self.path)?;
        let mut shape = data.shape();
        let mut data = data.into_data(&shape).at(&self.path)?;
        if shape.len() + 1 == self.shape().len() {
            data.insert_axis(axis);
            shape.insert(axis, 1);
        }
        let mut expected = lengths(self.shape());
        expected[axis] = shape.get(axis).copied().unwrap_or(1);
        if shape != expected {
            let found = shape;
            return Err(Error::Shape { found, expected }).at(&self.path);
        }
        let input = InputLayout::new(data, self.data_type(), &shape).at(&self.path)?;
        Ok((axis, shape[axis] as u64, input))
    }

    /// Changes the length of the stored array to that which `longer` returns for its previous
    /// length; returns the previous length.
    async fn grow(&mut self, axis: usize, longer: impl Fn(u64) -> Option<u64>) -> Result<u64> {
        let start = AtomicU64::new(0);
        let seen = self.clone();
        let change = |stored: ArrayMetadata| {
            Appends::refuse(&stored)?;
            let before = stored.shape()[axis];
            let mut shape = seen.shape().to_vec();
            shape[axis] = before;
            let expected = seen.metadata.clone().with_shape(&shape)?;
            if !matches!((layout_text(&stored), layout_text(&expected)), (Ok(a), Ok(b)) if a == b) {
                return Err(seen.stale());
            }
            shape[axis] = longer(before).ok_or_else(|| zarr_core::Error::TooLarge {
                what: "length of a dimension",
                wanted: format!("more than {before}"),
                limit: u64::MAX,
            })?;
            let grown = stored.with_shape(&shape)?;
            ArrayLayout::bind(&grown, seen.hierarchy.registry())?;
            start.store(before, Ordering::Relaxed);
            Ok(grown)
        };
        self.update(change).await?;
        Ok(start.into_inner())
    }
}
