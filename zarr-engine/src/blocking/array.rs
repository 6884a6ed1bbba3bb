//! Blocking arrays. Local reads run on the calling thread; caller-owned memory is lent to jobs,
//! which finish before the call returns.

use std::ops::Range;

use futures::stream;
use ndarray::{ArrayViewMut, Dimension};
use serde::Serialize;
use serde::de::DeserializeOwned;
use zarr_core::metadata::{ArrayMetadata, Attributes};
use zarr_core::plan::{ReadOptions, ReadPlan, Tasks, WriteOptions, WritePlan};
use zarr_core::{ArrayLayout, DataType, FillValue, Input, NodePath, Output, Selection};

use super::run::{each, read, read_into, run, write};
use super::{Chunk, Hierarchy, InnerChunk, blocking, methods, turned, wait};
use crate::array::{
    AxisName, Compaction, DeadSpace, ElementDifferences, ReadAs, ReadElement, Rewrite, Rewritten,
    Select, Statistics, StoredChunk, Tolerance, ValueDigest, WriteData,
};
use crate::engine::{CompactOptions, Target};
use crate::error::{At, Result};

blocking! {
    /// An array of a hierarchy: [`crate::Array`] without `async`.
    Array {
        fn path(&self) -> &NodePath;
        fn metadata(&self) -> &ArrayMetadata;
        fn hierarchy(&self) -> Hierarchy;
        fn layout(&self) -> &ArrayLayout;
        fn shape(&self) -> &[u64];
        fn data_type(&self) -> &DataType;
        fn fill_value(&self) -> &FillValue;
        fn attributes(&self) -> &Attributes;
        fn with_read_options(self, options: ReadOptions) -> Array;
        fn with_write_options(self, options: WriteOptions) -> Array;
        fn plan_read(&self, selection: impl Select) -> Result<ReadPlan>;
        fn plan_write(&self, selection: impl Select) -> Result<WritePlan>;
        fn read_tasks(&self, selection: impl Select, workers: Option<u64>) -> Result<Tasks>;
        fn write_tasks(&self, selection: impl Select, workers: Option<u64>) -> Result<Tasks>;
        fn view(&self, selection: impl Select) -> Result<SubArray<'_>>;
        fn chunk(&self, indices: impl AsRef<[u64]>) -> Result<Chunk<'_>>;
        fn inner_chunk(&self, indices: impl AsRef<[u64]>) -> Result<InnerChunk<'_>>;
        fn grid_shape(&self) -> Vec<u64>;
        fn inner_grid_shape(&self) -> Option<Vec<u64>>;
        async fn write_input(&self, selection: impl Select, input: Input, strides: &[isize]) -> Result<()>;
        fn region(&self, selection: impl Select) -> Result<Vec<Range<u64>>>;
        async fn statistics(&self, selection: impl Select, distinct: usize) -> Result<Statistics>;
        async fn histogram(&self, selection: impl Select, low: f64, high: f64, bins: usize) -> Result<Vec<u64>>;
        async fn value_digest(&self, selection: impl Select) -> Result<ValueDigest>;
        async fn copy_to(&self, @target: &Array) -> Result<()>;
        async fn differences(&self, @other: &Array, selection: impl Select, tolerance: Tolerance, most: usize) -> Result<ElementDifferences>;
        async fn rewrite_to(&self, @target: &Array, selection: impl Select, options: Rewrite, done: impl Fn(u64) + Send + Sync) -> Result<Rewritten>;
        async fn stored(&self, indexes: usize) -> Result<Vec<StoredChunk>>;
        async fn dead_space(&self) -> Result<Vec<DeadSpace>>;
        async fn compact(&self, options: impl Into<CompactOptions>) -> Result<Compaction>;
        async fn resize(&mut self, shape: &[u64]) -> Result<()>;
        fn attributes_as[T: DeserializeOwned](&self) -> Result<T>;
        async fn update_attributes[T: Serialize](&mut self, value: &T) -> Result<()>;
        async fn append['d, W: WriteData<'d>](&mut self, axis: impl AxisName, data: W) -> Result<Range<u64>>;
        async fn append_published['d, W: WriteData<'d>](&mut self, axis: impl AxisName, data: W) -> Result<Range<u64>>;
        async fn publish(&mut self, axis: impl AxisName, range: Range<u64>) -> Result<()>;
        async fn reserve(&mut self, axis: impl AxisName, len: u64) -> Result<Range<u64>>;
        async fn extend_to(&mut self, axis: impl AxisName, len: u64) -> Result<()>;
        fn open_ended(&self, axis: impl AxisName) -> Result<Array>;
        async fn set_attributes(&mut self, attributes: Attributes) -> Result<()>;
        async fn change_attributes(&mut self, change: impl Fn(&Attributes) -> Result<Attributes>) -> Result<()>;
    }
}

impl Array {
    /// Returns the array at a path from known metadata, like [`crate::Array::new`].
    ///
    /// # Errors
    /// The errors of [`crate::Array::new`].
    pub fn new(hierarchy: &Hierarchy, path: &str, metadata: ArrayMetadata) -> Result<Self> {
        turned(crate::Array::new(hierarchy.as_async(), path, metadata))
    }

    /// Reads a selection, like [`crate::Array::read`].
    ///
    /// ```
    /// use zarr_engine::{ArrayBuilder, Scalar, blocking};
    ///
    /// let hierarchy = blocking::open("memory:")?;
    /// let array = hierarchy.create_array("a", ArrayBuilder::new(&[10], "uint8").build()?)?;
    /// array.write(3..5, &[7_u8, 8])?;
    /// assert_eq!(array.read::<u8>(2..6)?.as_slice(), Some(&[0, 7, 8, 0][..]));
    /// assert_eq!(array.read::<Scalar<u8>>([-6])?, 8);
    /// # Ok::<(), zarr_engine::Error>(())
    /// ```
    ///
    /// # Errors
    /// The errors of [`crate::Array::read`].
    pub fn read<T: ReadAs>(&self, selection: impl Select) -> Result<T::Output> {
        read::<T>(&self.inner, selection)
    }

    /// Reads a selection into an existing array with the shape of the result, like
    /// [`crate::Array::read_into`], but without an intermediate copy. After an error, the array may
    /// hold part of the result.
    ///
    /// ```
    /// use ndarray::{Array2, s};
    /// use zarr_engine::{ArrayBuilder, blocking};
    ///
    /// let hierarchy = blocking::open("memory:")?;
    /// let array = hierarchy.create_array("a", ArrayBuilder::new(&[2, 3], "int16").build()?)?;
    /// array.write(.., 5_i16)?;
    /// let mut canvas = Array2::<i16>::zeros((4, 4));
    /// array.read_into(.., canvas.slice_mut(s![1..3, 0..3]))?;
    /// assert_eq!(canvas.sum(), 30);
    /// # Ok::<(), zarr_engine::Error>(())
    /// ```
    ///
    /// # Errors
    /// The errors of [`crate::Array::read_into`].
    pub fn read_into<T: ReadElement, D: Dimension>(
        &self,
        selection: impl Select,
        array: ArrayViewMut<'_, T, D>,
    ) -> Result<()> {
        read_into(&self.inner, selection, array)
    }

    /// Reads a selection into caller-owned memory, like [`crate::Array::read_output`].
    ///
    /// # Errors
    /// The errors of [`crate::Array::read_output`].
    pub fn read_output(
        &self,
        selection: impl Select,
        output: Output,
        strides: &[isize],
    ) -> Result<()> {
        let resolved = self.inner.resolve(selection)?;
        let plan = self.inner.strided_plan(&resolved, strides)?;
        run(&self.inner, plan, Target::fixed(output)).at(self.inner.path())
    }

    /// Writes data to a selection, like [`crate::Array::write`]. Views are not copied.
    ///
    /// # Errors
    /// The errors of [`crate::Array::write`].
    pub fn write<'a, W: WriteData<'a>>(&self, selection: impl Select, data: W) -> Result<()> {
        write(&self.inner, selection, data)
    }

    /// Reserves indices beyond the end of the array, like [`crate::Array::reserve_ahead`].
    ///
    /// # Errors
    /// The errors of [`crate::Array::reserve_ahead`].
    pub fn reserve_ahead(&mut self, axis: impl AxisName, len: u64) -> Result<(Self, Range<u64>)> {
        let (ahead, range) = wait(self.inner.reserve_ahead(axis, len))?;
        Ok((ahead.into(), range))
    }

    /// Iterates over all chunks of the chunk grid, like [`crate::Array::chunks`].
    pub fn chunks(&self) -> impl Iterator<Item = Chunk<'_>> + Send {
        self.inner.chunks().map(Into::into)
    }

    /// Iterates over all shards, like [`crate::Array::shards`].
    pub fn shards(&self) -> impl Iterator<Item = Chunk<'_>> + Send {
        self.inner.shards().map(Into::into)
    }

    /// Iterates over the chunks that a selection touches, like [`crate::Array::chunks_in`].
    ///
    /// # Errors
    /// The errors of [`crate::Array::chunks_in`].
    pub fn chunks_in(
        &self,
        selection: impl Select,
    ) -> Result<impl Iterator<Item = Chunk<'_>> + Send> {
        Ok(self.inner.chunks_in(selection)?.map(Into::into))
    }

    /// Iterates over the stored chunks, like [`crate::Array::stored_chunks`].
    pub fn stored_chunks(&self) -> impl Iterator<Item = Result<Chunk<'_>>> + Send {
        each(self.inner.stored_chunks()).map(turned)
    }

    /// Reads the chunks that a selection touches, like [`crate::Array::read_chunks`].
    ///
    /// ```
    /// use zarr_engine::{ArrayBuilder, blocking};
    ///
    /// let hierarchy = blocking::open("memory:")?;
    /// let metadata = ArrayBuilder::new(&[40, 40], "int64").with_chunk_shape(&[10, 10]).build()?;
    /// let array = hierarchy.create_array("a", metadata.clone())?;
    /// array.write(.., 2_i64)?;
    /// let doubled = hierarchy.create_array("doubled", metadata)?;
    /// let chunks = array.read_chunks::<i64>(..)?;
    /// doubled.write_chunks(chunks.map(|item| item.map(|(chunk, data)| (chunk, data * 2))))?;
    /// assert_eq!(doubled.read::<i64>(..)?.sum(), 4 * 40 * 40);
    /// # Ok::<(), zarr_engine::Error>(())
    /// ```
    ///
    /// # Errors
    /// The errors of [`crate::Array::read_chunks`].
    pub fn read_chunks<T: ReadAs>(
        &self,
        selection: impl Select,
    ) -> Result<impl Iterator<Item = Result<(Chunk<'_>, T::Output)>> + Send>
    where
        T::Output: Send,
    {
        let chunks = each(self.inner.read_chunks::<T>(selection)?);
        Ok(chunks.map(|item| item.map(|(chunk, data)| (chunk.into(), data))))
    }

    /// Writes entire chunks, like [`crate::Array::write_chunks`].
    ///
    /// # Errors
    /// The errors of [`crate::Array::write_chunks`], and those of the iterator.
    pub fn write_chunks<'d, C: AsRef<[u64]>, W: WriteData<'d>>(
        &self,
        chunks: impl IntoIterator<Item = Result<(C, W)>>,
    ) -> Result<()> {
        // The iterator may itself block, which is not possible inside a future.
        let mut chunks = chunks.into_iter();
        loop {
            let some = chunks.by_ref().take(self.inner.at_once());
            let some = some.collect::<Vec<_>>();
            if some.is_empty() {
                return Ok(());
            }
            wait(self.inner.write_chunks(stream::iter(some)))?;
        }
    }
}

blocking! {
    /// A part of an array that acts as an array: [`crate::SubArray`] without `async`.
    SubArray ['a] {
        fn shape(&self) -> &[u64];
        fn dimension_names(&self) -> Option<&[Option<String>]>;
        fn view(&self, selection: impl Select) -> Result<SubArray<'a>>;
        fn selection(&self, selection: impl Select) -> Result<Selection>;
        fn plan_read(&self, selection: impl Select) -> Result<ReadPlan>;
    }
}

impl SubArray<'_> {
    /// Returns the array that this view is a part of.
    #[must_use]
    pub fn array(&self) -> Array {
        self.inner.array().clone().into()
    }

    /// Reads a selection of this view, like [`crate::SubArray::read`].
    ///
    /// # Errors
    /// The errors of [`crate::Array::read`].
    pub fn read<T: ReadAs>(&self, selection: impl Select) -> Result<T::Output> {
        read::<T>(self.inner.array(), self.inner.selection(selection)?)
    }

    /// Reads a selection of this view into an existing array, like [`Array::read_into`].
    ///
    /// # Errors
    /// The errors of [`Array::read_into`].
    pub fn read_into<T: ReadElement, D: Dimension>(
        &self,
        selection: impl Select,
        array: ArrayViewMut<'_, T, D>,
    ) -> Result<()> {
        read_into(self.inner.array(), self.inner.selection(selection)?, array)
    }

    /// Writes data to a selection of this view, like [`crate::SubArray::write`].
    ///
    /// # Errors
    /// The errors of [`crate::Array::write`].
    pub fn write<'d, W: WriteData<'d>>(&self, selection: impl Select, data: W) -> Result<()> {
        write(self.inner.array(), self.inner.selection(selection)?, data)
    }
}
