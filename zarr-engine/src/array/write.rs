//! Writes.

use std::ops::Range;

use bytes::Bytes;
use zarr_core::plan::{ObjectWrite, WritePlan};
use zarr_core::{Input, Resolved, Selection};

use super::selection::Select;
use super::source::WriteData;
use super::{Array, InputLayout};
use crate::error::Result;

impl Array {
    /// Writes [data](WriteData) to a [selection](Select): an array or view of the shape of the selection or one that repeats to it,
    /// a slice of all its elements in C order, or a single element. An owned array is not copied, a view is, so that jobs may
    /// outlive the future.
    ///
    /// Each chunk or shard is replaced atomically. Where some of its elements stay, the old one is read and the new one stored
    /// on condition that nobody changed it in between; else it is merged again. Inner chunks that are not touched are kept as
    /// they are, encoded. Of an element that is selected twice the last value counts.
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
    /// Where selection or data do not fit, the store fails, or what is to be merged is damaged (it is not overwritten then).
    /// Some chunks may have been written; each is whole, old or new.
    pub async fn write<'a, W: WriteData<'a>>(&self, selection: impl Select, data: W) -> Result<()> {
        let resolved = self.prepare::<W::Element>(&selection)?;
        let input = data
            .into_data(resolved.shape())
            .and_then(|data| InputLayout::new(data, self.data_type(), resolved.shape()));
        self.write_input(&resolved, self.located(input)?).await
    }

    /// Writes any selection from memory of the caller, in which the elements lie `strides` bytes apart.
    ///
    /// The input keeps no borrow: whoever made it with [`Input::borrowed`] promised that the memory lives, unchanged, until the
    /// last job is done, which may be after this future was dropped.
    ///
    /// # Errors
    /// Those of [`Self::write`], the element type aside.
    pub async fn write_from(
        &self,
        selection: impl Select,
        input: Input,
        strides: &[isize],
    ) -> Result<()> {
        let resolved = self.resolve(selection)?;
        let strides = strides.to_vec();
        self.write_input(&resolved, InputLayout { input, strides })
            .await
    }

    /// The plan of a write, which prints what it will touch and has it as numbers: objects, and whether they are replaced or merged.
    /// Nothing is written.
    ///
    /// # Errors
    /// Where the selection does not fit.
    pub fn plan_write(&self, selection: impl Select) -> Result<WritePlan> {
        let resolved = self.resolve(selection)?;
        Ok(self.write_plan(&resolved, &vec![0; resolved.shape().len()]))
    }

    pub(crate) async fn write_input(&self, resolved: &Resolved, source: InputLayout) -> Result<()> {
        self.check_own_metadata().await?;
        let plan = self.write_plan(resolved, &source.strides);
        self.located(self.hierarchy.engine().write(plan, source.input).await)
    }

    pub(super) fn write_plan(&self, resolved: &Resolved, strides: &[isize]) -> WritePlan {
        let store = self.hierarchy.store();
        let patch_from = match store.patches(u64::MAX) {
            true => store.cost_model().patch_from,
            false => u64::MAX,
        };
        WritePlan::new(
            self.layout.clone(),
            self.prefix.clone(),
            resolved,
            strides,
            self.options,
        )
        .with_patches(patch_from)
    }

    /// Replaces an inner chunk in its shard, or takes it out.
    pub(super) async fn put_inner(
        &self,
        extent: &[Range<u64>],
        encoded: Option<Bytes>,
    ) -> Result<()> {
        self.check_own_metadata().await?;
        let object = self.object_of(extent)?;
        let put = self.hierarchy.engine().write_inner(object, encoded).await;
        self.located(put)
    }

    /// What a write of these elements, which are in one chunk, does to its object.
    fn object_of(&self, extent: &[Range<u64>]) -> Result<ObjectWrite> {
        let resolved = self.resolve(Selection::ranges(extent)?)?;
        let plan = self.write_plan(&resolved, &vec![0; resolved.shape().len()]);
        Ok(plan.objects().next().expect("a chunk has elements"))
    }

    /// Writes the fill value, and stores no chunk for it whatever the options of this handle.
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
        writer.write_input(&resolved, input).await
    }
}
