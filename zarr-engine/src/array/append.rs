//! Appending along a dimension, by several writers concurrently.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

use ndarray::Axis;
use zarr_core::ArrayLayout;
use zarr_core::metadata::ArrayMetadata;

use super::element::expect;
use super::selection::Space;
use super::source::WriteData;
use super::{Array, InputLayout, layout_text};
use crate::error::{Error, Result};

/// A dimension of an array, given by its number or its name.
pub trait AxisName {
    /// Returns the number of the dimension.
    ///
    /// # Errors
    /// [`ErrorKind::Selection`](crate::ErrorKind::Selection) if the array has no such dimension.
    fn position(&self, space: &Space<'_>) -> Result<usize>;
}

macro_rules! axis_numbers {
    ($($integer:ty)+) => {$(
        impl AxisName for $integer {
            fn position(&self, space: &Space<'_>) -> Result<usize> {
                let found = usize::try_from(*self).ok();
                found.filter(|axis| *axis < space.shape.len()).ok_or_else(|| {
                    let reason = format!("no dimension {self} of {}", space.shape.len());
                    zarr_core::Error::selection(reason).into()
                })
            }
        }
    )+};
}

axis_numbers! { i32 u64 usize }

impl AxisName for &str {
    fn position(&self, space: &Space<'_>) -> Result<usize> {
        let names = space.names.unwrap_or_default();
        let found = names.iter().position(|name| name.as_deref() == Some(self));
        found.ok_or_else(|| {
            let reason = format!("no dimension is named {self:?}");
            zarr_core::Error::selection(reason).into()
        })
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
    /// handle's shape replaces the chunk: reopen the array before writing to its last chunks.
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
        self.append_input(axis, len, input).await
    }

    /// Appends elements whose shape is checked.
    pub(super) async fn append_input(
        &mut self,
        axis: usize,
        len: u64,
        input: InputLayout,
    ) -> Result<Range<u64>> {
        let start = self.grow(axis, len).await?;
        let mut part = self.shape().iter().map(|&len| 0..len).collect::<Vec<_>>();
        part[axis] = start..start + len;
        if len > 0 {
            let resolved = self.resolve(&part)?;
            let writer = self.padded(axis)?;
            writer.write_input(&resolved, input).await?;
        }
        Ok(start..start + len)
    }

    /// Returns this array extended to the end of its last chunks along a dimension. Other writers
    /// may be appending to the last chunks, so even a write of all elements within this handle's
    /// shape must be merged.
    fn padded(&self, axis: usize) -> Result<Self> {
        let dimension = &self.layout.grid().dimensions()[axis];
        let mut shape = self.shape().to_vec();
        let last = dimension.cells(shape[axis]).saturating_sub(1);
        shape[axis] = dimension.start(last).saturating_add(dimension.len(last));
        let metadata = self.metadata.clone().with_shape(&shape)?;
        let (hierarchy, path) = (self.hierarchy.clone(), self.path.clone());
        let padded = Self::bind(hierarchy, path, metadata, &self.path.metadata_key());
        Ok(Self {
            options: self.options,
            ..self.located(padded)?
        })
    }

    /// Returns the dimension, the length along it, and the elements of data to be appended.
    fn block<'a, W: WriteData<'a>>(
        &self,
        axis: &impl AxisName,
        data: W,
    ) -> Result<(usize, u64, InputLayout)> {
        self.located(expect::<W::Element>(self.data_type()))?;
        let axis = self.located(axis.position(&self.space()))?;
        let found = data.shape();
        let mut data = self.located(data.into_data(&found))?;
        if data.ndim() + 1 == self.shape().len() {
            data.insert_axis_inplace(Axis(axis));
        }
        self.check_step(axis, data.shape())?;
        let shape = data.shape().to_vec();
        let input = self.located(InputLayout::new(data, self.data_type(), &shape))?;
        Ok((axis, shape[axis] as u64, input))
    }

    /// Checks the shape of elements to be appended along a dimension.
    pub(super) fn check_step(&self, axis: usize, found: &[usize]) -> Result<()> {
        let mut lengths = (0..).zip(found).zip(self.shape());
        let fits = found.len() == self.shape().len()
            && lengths.all(|((dimension, &found), &len)| dimension == axis || found as u64 == len);
        if fits {
            return Ok(());
        }
        let whole = self.shape().iter().map(|&len| usize::try_from(len));
        self.located(Err(Error::Shape {
            found: found.to_vec(),
            expected: whole.map(|len| len.unwrap_or(usize::MAX)).collect(),
        }))
    }

    /// Extends the stored array; returns its previous length.
    async fn grow(&mut self, axis: usize, len: u64) -> Result<u64> {
        let start = AtomicU64::new(0);
        let seen = self.clone();
        let change = |stored: ArrayMetadata| {
            let before = stored.shape()[axis];
            let mut shape = seen.shape().to_vec();
            shape[axis] = before;
            let expected = seen.metadata.clone().with_shape(&shape)?;
            if !matches!((layout_text(&stored), layout_text(&expected)), (Ok(a), Ok(b)) if a == b) {
                let path = seen.path.clone();
                return Err(Error::StaleHandle { path });
            }
            shape[axis] = before
                .checked_add(len)
                .ok_or_else(|| zarr_core::Error::TooLarge {
                    what: "length of a dimension",
                    wanted: format!("{before} + {len}"),
                    limit: u64::MAX,
                })?;
            let grown = stored.with_shape(&shape)?;
            ArrayLayout::bind(&grown, seen.hierarchy.registry())?;
            start.store(before, Ordering::Relaxed);
            Ok(grown)
        };
        let grown = self.update(change).await;
        seen.located(grown)?;
        Ok(start.into_inner())
    }
}
