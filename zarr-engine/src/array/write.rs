//! Writes to an array.

use std::ops::Range;

use bytes::Bytes;
use zarr_core::plan::{ObjectWrite, WritePlan};
use zarr_core::{Input, Resolved, Selection};

use super::selection::Select;
use super::source::WriteData;
use super::{Array, InputLayout};
use crate::error::{At, Result};

impl Array {
    /// Writes [data](WriteData) to a [selection](Select). The data is an array or view with the
    /// shape of the selection or broadcastable to it, a slice of all elements in C order, a single
    /// element, or [`Elements`](crate::Elements) of any data type. Owned arrays are not copied; views are, so that jobs may outlive the future.
    ///
    /// Each chunk or shard is replaced atomically. If some elements of a chunk are kept, the stored
    /// chunk is read and the merged one is stored on condition that no other writer changed it
    /// meanwhile; otherwise the merge is repeated. Inner chunks outside the selection keep their
    /// encoded bytes. If an element is selected twice, the last value wins. A write does not read
    /// the document of the array again: if the array was deleted meanwhile, its chunks are stored
    /// without it.
    ///
    /// ```
    /// # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    /// # runtime.block_on(async {
    /// use ndarray::{array, s};
    /// let hierarchy = zarr_engine::open("memory:")?;
    /// let array = hierarchy.create_array("a", zarr_engine::ArrayBuilder::new(&[3, 4], "int32").build()?).await?;
    /// array.write(s![1, ..], array![1, 2, 3, 4]).await?;
    /// array.write((2, 1..3), 7).await?;
    /// array.write((0..2, 0), &[5, 6]).await?;
    /// assert_eq!(array.read::<i32>(s![.., 1]).await?, array![0, 2, 7].into_dyn());
    /// assert_eq!(array.read::<i32>(s![.., 0]).await?, array![5, 6, 0].into_dyn());
    /// # Ok::<(), zarr_engine::Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// Fails if the selection or the data does not fit, the store fails, or a chunk to be merged is
    /// damaged (a damaged chunk is not overwritten). Some chunks may already have been written;
    /// each chunk is entirely old or entirely new.
    pub async fn write<'a, W: WriteData<'a>>(&self, selection: impl Select, data: W) -> Result<()> {
        let resolved = self.prepare::<W::Element>(&selection)?;
        let input = data
            .into_data(resolved.shape())
            .and_then(|data| InputLayout::new(data, self.data_type(), resolved.shape()));
        self.write_layout(&resolved, input.at(&self.path)?).await
    }

    /// Writes a selection from caller-owned memory, with elements `strides` bytes apart.
    ///
    /// The input holds no borrow: the caller of [`Input::borrowed`] guarantees that the memory
    /// lives unchanged until the last job finishes, possibly after this future is dropped.
    ///
    /// # Errors
    /// The errors of [`Self::write`] except for the element type.
    pub async fn write_input(
        &self,
        selection: impl Select,
        input: Input,
        strides: &[isize],
    ) -> Result<()> {
        let resolved = self.resolve(selection)?;
        let strides = strides.to_vec();
        self.write_layout(&resolved, InputLayout { input, strides })
            .await
    }

    /// Plans a write without writing anything. The plan prints what the write will touch, and
    /// returns the number of objects and whether each is replaced or merged.
    ///
    /// # Errors
    /// Fails if the selection does not fit.
    pub fn plan_write(&self, selection: impl Select) -> Result<WritePlan> {
        let resolved = self.resolve(selection)?;
        Ok(self.write_plan(&resolved, &vec![0; resolved.shape().len()]))
    }

    pub(crate) async fn write_layout(
        &self,
        resolved: &Resolved,
        source: InputLayout,
    ) -> Result<()> {
        self.check_own_metadata().await?;
        let plan = self.write_plan(resolved, &source.strides);
        self.hierarchy
            .engine()
            .write(plan, source.input)
            .await
            .at(&self.path)
    }

    pub(super) fn write_plan(&self, resolved: &Resolved, strides: &[isize]) -> WritePlan {
        let store = self.hierarchy.store();
        let patch_from = match store.patches(u64::MAX) {
            true => store.cost_model().patch_from,
            false => u64::MAX,
        };
        WritePlan::new(
            self.written_layout().clone(),
            self.prefix.clone(),
            resolved,
            strides,
            self.options,
        )
        .with_patches(patch_from)
    }

    /// Replaces an inner chunk in its shard, or removes it.
    pub(super) async fn put_inner(
        &self,
        extent: &[Range<u64>],
        encoded: Option<Bytes>,
    ) -> Result<()> {
        self.check_own_metadata().await?;
        let object = self.object_of(extent)?;
        let put = self.hierarchy.engine().write_inner(object, encoded).await;
        put.at(&self.path)
    }

    /// Returns the write to the object that holds these elements, which lie in one chunk.
    fn object_of(&self, extent: &[Range<u64>]) -> Result<ObjectWrite> {
        let resolved = self.resolve(Selection::ranges(extent)?)?;
        let plan = self.write_plan(&resolved, &vec![0; resolved.shape().len()]);
        Ok(plan.objects().next().expect("a chunk has elements"))
    }

    /// Writes the fill value. Never stores a chunk of fill values, whatever the options of this
    /// handle.
    pub(super) async fn clear(&self, selection: &Selection) -> Result<()> {
        let resolved = self.resolve(selection)?;
        let fill = self.fill_value().bytes().to_vec();
        let input = match self.data_type().fixed_size() {
            Some(_) => Input::from_vec(fill, 0),
            None => Input::variable(vec![0, fill.len()], fill),
        };
        let strides = vec![0; resolved.shape().len()];
        let writer = self.clone().with_write_options(<_>::default());
        let input = InputLayout { input, strides };
        writer.write_layout(&resolved, input).await
    }
}
