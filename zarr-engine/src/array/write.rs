//! Writes.

use ndarray::{ArrayViewD, Dimension, SliceInfoElem};
use zarr_core::plan::WritePlan;
use zarr_core::{AxisIndices, Element, Input, Resolved, Selection};

use super::{Array, InputLayout};
use crate::error::Result;

impl Array {
    /// Writes slices, as `ndarray`'s `s![]` writes them. The data has the shape of the selection, or one that repeats to it.
    ///
    /// Each chunk or shard is replaced atomically. Where some of its elements stay, the old one is read and the new one stored
    /// on condition that nobody changed it in between; else it is merged again. Inner chunks that are not touched are kept as
    /// they are, encoded.
    ///
    /// ```
    /// # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    /// # runtime.block_on(async {
    /// use ndarray::{arr0, array, s};
    /// let hierarchy = zarr_engine::open("memory:")?;
    /// let array = hierarchy.create_array("a", zarr_engine::ArrayBuilder::new(&[3, 4], "int32").build()?).await?;
    /// array.write(s![1, ..], array![1, 2, 3, 4]).await?;
    /// array.write(s![2, 1..3], arr0(7)).await?;
    /// assert_eq!(array.read::<i32>(s![.., 1]).await?, array![0, 2, 7].into_dyn());
    /// # Ok::<(), zarr_engine::Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// Where selection or data do not fit, the store fails, or what is to be merged is damaged (it is not overwritten then).
    /// Some chunks may have been written; each is whole, old or new.
    pub async fn write<T: Element, D: Dimension>(
        &self,
        slices: impl AsRef<[SliceInfoElem]>,
        data: ndarray::Array<T, D>,
    ) -> Result<()> {
        self.write_selection(&crate::slices(slices), data).await
    }

    /// Writes all combinations of indices, one set for each dimension. Of an index that is repeated the last one counts.
    ///
    /// # Errors
    /// Those of [`Self::write`].
    pub async fn write_orthogonal<T: Element, D: Dimension>(
        &self,
        indices: impl Into<Vec<AxisIndices>>,
        data: ndarray::Array<T, D>,
    ) -> Result<()> {
        self.write_selection(&Selection::Orthogonal(indices.into()), data)
            .await
    }

    /// Writes the elements at coordinates, given as one list for each dimension. Of coordinates that are repeated the last
    /// ones count.
    ///
    /// # Errors
    /// Those of [`Self::write`].
    pub async fn write_coordinates<T: Element, D: Dimension>(
        &self,
        coordinates: impl Into<Vec<Vec<u64>>>,
        data: ndarray::Array<T, D>,
    ) -> Result<()> {
        self.write_selection(&Selection::Coordinates(coordinates.into()), data)
            .await
    }

    /// Writes the elements at which a mask of the shape of the array is true, in C order.
    ///
    /// # Errors
    /// Those of [`Self::write`].
    pub async fn write_mask<T: Element, D: Dimension>(
        &self,
        mask: ArrayViewD<'_, bool>,
        data: ndarray::Array<T, D>,
    ) -> Result<()> {
        let selection = self.mask(&mask)?;
        self.write_selection(&selection, data).await
    }

    /// Writes any selection.
    ///
    /// # Errors
    /// Those of [`Self::write`].
    pub async fn write_selection<T: Element, D: Dimension>(
        &self,
        selection: &Selection,
        data: ndarray::Array<T, D>,
    ) -> Result<()> {
        let resolved = self.prepare_write::<T>(selection)?;
        let source = InputLayout::new(data, resolved.shape())?;
        self.write_input(&resolved, source).await
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
        selection: &Selection,
        input: Input,
        strides: &[isize],
    ) -> Result<()> {
        let resolved = self.resolve(selection)?;
        self.write_input(
            &resolved,
            InputLayout {
                input,
                strides: strides.to_vec(),
            },
        )
        .await
    }

    /// The plan of a write, which prints what it will touch: objects, and whether they are replaced or merged. Nothing is
    /// written.
    ///
    /// # Errors
    /// Where the selection does not fit.
    pub fn plan_write(&self, slices: impl AsRef<[SliceInfoElem]>) -> Result<WritePlan> {
        let resolved = self.resolve(&crate::slices(slices))?;
        Ok(self.write_plan(&resolved, &vec![0; resolved.shape().len()]))
    }

    pub(crate) fn prepare_write<T: Element>(&self, selection: &Selection) -> Result<Resolved> {
        T::expect(self.data_type()).map_err(|error| error.key(&self.path.to_string()))?;
        self.resolve(selection)
    }

    pub(crate) async fn write_input(&self, resolved: &Resolved, source: InputLayout) -> Result<()> {
        self.check_own_metadata().await?;
        let plan = self.write_plan(resolved, &source.strides);
        self.hierarchy.engine().write(plan, source.input).await
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
}
