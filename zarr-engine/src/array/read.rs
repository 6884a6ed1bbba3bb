//! Reads.

use ndarray::{ArrayD, ArrayViewD, SliceInfoElem};
use zarr_core::plan::ReadPlan;
use zarr_core::{AxisIndices, Element, Output, Resolved, Selection};

use super::{Array, into_array};
use crate::engine::Target;
use crate::error::Result;

impl Array {
    /// Reads slices, as `ndarray`'s `s![]` writes them; dimensions that are left out at the end are read whole. The result has a
    /// dimension for each slice and each new axis, none for an integer.
    ///
    /// ```
    /// # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    /// # runtime.block_on(async {
    /// use ndarray::s;
    /// let hierarchy = zarr_engine::open("memory:")?;
    /// let metadata = zarr_engine::ArrayBuilder::new(&[10, 20], "float32").with_fill_value(1.5_f32)?.build()?;
    /// let array = hierarchy.create_array("a", metadata).await?;
    /// assert_eq!(array.read::<f32>(s![3, 0..20;-2]).await?.shape(), [10]);
    /// assert_eq!(array.read::<f32>(s![3, 4]).await?.first(), Some(&1.5));
    /// # Ok::<(), zarr_engine::Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// Where the selection does not fit, the element type is not the array's, the store fails, or data is damaged; then nothing
    /// is returned. Only chunks that are definitely not stored read as fill values.
    pub async fn read<T: Element>(&self, slices: impl AsRef<[SliceInfoElem]>) -> Result<ArrayD<T>> {
        self.read_selection(&crate::slices(slices)).await
    }

    /// Reads all combinations of indices, one set for each dimension (NumPy's `ix_`).
    ///
    /// # Errors
    /// Those of [`Self::read`].
    pub async fn read_orthogonal<T: Element>(
        &self,
        indices: impl Into<Vec<AxisIndices>>,
    ) -> Result<ArrayD<T>> {
        self.read_selection(&Selection::Orthogonal(indices.into()))
            .await
    }

    /// Reads the elements at coordinates, given as one list for each dimension; the result is a list.
    ///
    /// # Errors
    /// Those of [`Self::read`].
    pub async fn read_coordinates<T: Element>(
        &self,
        coordinates: impl Into<Vec<Vec<u64>>>,
    ) -> Result<ArrayD<T>> {
        self.read_selection(&Selection::Coordinates(coordinates.into()))
            .await
    }

    /// Reads the elements at which a mask of the shape of the array is true; the result is a list, in C order.
    ///
    /// # Errors
    /// Those of [`Self::read`].
    pub async fn read_mask<T: Element>(&self, mask: ArrayViewD<'_, bool>) -> Result<ArrayD<T>> {
        let selection = self.mask(&mask)?;
        self.read_selection(&selection).await
    }

    /// Reads any selection.
    ///
    /// # Errors
    /// Those of [`Self::read`].
    pub async fn read_selection<T: Element>(&self, selection: &Selection) -> Result<ArrayD<T>> {
        let (resolved, output) = self.prepare_read::<T>(selection)?;
        let plan = self.read_plan(&resolved);
        self.hierarchy
            .engine()
            .read(plan, Target::fixed(output.clone()))
            .await?;
        into_array(output, resolved.shape())
    }

    /// The plan of a read, which prints what it will touch: objects, requests, bytes. Nothing is read.
    ///
    /// # Errors
    /// Where the selection does not fit.
    pub fn plan_read(&self, slices: impl AsRef<[SliceInfoElem]>) -> Result<ReadPlan> {
        self.plan_read_selection(&crate::slices(slices))
    }

    /// Plans a read of any selection, as [`Self::plan_read`] does of slices.
    ///
    /// # Errors
    /// Where the selection does not fit.
    pub fn plan_read_selection(&self, selection: &Selection) -> Result<ReadPlan> {
        Ok(self.read_plan(&self.resolve(selection)?))
    }

    /// Reads any selection into memory of the caller, in which the elements of the result lie `strides` bytes apart.
    ///
    /// The output keeps no borrow: whoever made it with [`Output::borrowed`] promised that the memory lives until the last job
    /// is done, which may be after this future was dropped. After an error the memory may hold a part of the result.
    ///
    /// # Errors
    /// Those of [`Self::read`] but for the element type; [`Error::Core`](crate::Error::Core) if the strides do not keep elements apart
    /// or another read has the output.
    pub async fn read_output(
        &self,
        selection: &Selection,
        output: Output,
        strides: &[isize],
    ) -> Result<()> {
        let plan = self.strided_plan(&self.resolve(selection)?, strides)?;
        self.hierarchy
            .engine()
            .read(plan, Target::fixed(output))
            .await
    }

    pub(crate) fn prepare_read<T: Element>(
        &self,
        selection: &Selection,
    ) -> Result<(Resolved, Output)> {
        T::expect(self.data_type()).map_err(|error| error.key(&self.path.to_string()))?;
        let resolved = self.resolve(selection)?;
        let output = Output::zeroed::<T>(resolved.elements()?)?;
        Ok((resolved, output))
    }

    /// The plan of a read into a buffer in C order.
    pub(crate) fn read_plan(&self, resolved: &Resolved) -> ReadPlan {
        ReadPlan::new(self.layout.clone(), self.prefix.clone(), resolved)
    }

    /// The plan of a read into a buffer with these strides in bytes.
    pub(crate) fn strided_plan(&self, resolved: &Resolved, strides: &[isize]) -> Result<ReadPlan> {
        let (layout, prefix) = (self.layout.clone(), self.prefix.clone());
        Ok(ReadPlan::with_strides(layout, prefix, resolved, strides)
            .map_err(|error| error.key(&self.path.to_string()))?)
    }

    pub(crate) fn resolve(&self, selection: &Selection) -> Result<Resolved> {
        Ok(selection
            .resolve(self.shape())
            .map_err(|error| error.key(&self.path.to_string()))?)
    }

    pub(crate) fn mask(&self, mask: &ArrayViewD<'_, bool>) -> Result<Selection> {
        let fits = mask.ndim() == self.shape().len()
            && mask
                .shape()
                .iter()
                .zip(self.shape())
                .all(|(&found, &len)| found as u64 == len);
        if fits {
            return Ok(crate::selection::mask(mask));
        }
        let reason = format!(
            "mask of shape {:?} for an array of shape {:?}",
            mask.shape(),
            self.shape()
        );
        Err(zarr_core::Error::selection(reason)
            .key(&self.path.to_string())
            .into())
    }
}
