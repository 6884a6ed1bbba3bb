//! Reads of an array.

use ndarray::{ArrayViewMut, Dimension};
use zarr_core::plan::ReadPlan;
use zarr_core::{Output, Resolved};

use super::Array;
use super::data::NewArray;
use super::element::{ReadElement, WriteElement, expect};
use super::read_as::ReadAs;
use super::selection::{Select, Space, s};
use crate::engine::Target;
use crate::error::{At, Error, Result};

impl Array {
    /// Reads a [selection](Select): `ndarray`'s `s![]`, ranges, indices, masks, points. The result
    /// has one dimension for each slice and each new axis, and none for an index.
    ///
    /// The type parameter selects the type of the result ([`ReadAs`]): `read::<f32>` returns an
    /// [`ArrayD<f32>`](ndarray::ArrayD), `read::<Array2<f32>>` an [`Array2<f32>`](ndarray::Array2),
    /// and [`read::<Scalar<f32>>`](crate::Scalar) one element. Strings, byte strings and optional
    /// elements are read like numbers. [`read::<Elements>`](crate::Elements) reads any data type.
    ///
    /// ```
    /// # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    /// # runtime.block_on(async {
    /// use ndarray::{Array1, s};
    /// use zarr_engine::{ArrayBuilder, Scalar};
    ///
    /// let hierarchy = zarr_engine::open("memory:")?;
    /// let metadata = ArrayBuilder::new(&[10, 20], "float32").with_fill_value(1.5_f32)?.build()?;
    /// let array = hierarchy.create_array("a", metadata).await?;
    /// assert_eq!(array.read::<f32>(s![3, 0..20;-2]).await?.shape(), [10]);
    /// assert_eq!(array.read::<f32>(..).await?.shape(), [10, 20]);
    /// let row: Array1<f32> = array.read::<Array1<f32>>((3, ..)).await?;
    /// assert_eq!(row.sum(), 30.0);
    /// assert_eq!(array.read::<Scalar<f32>>((3, 4)).await?, 1.5);
    ///
    /// let metadata = ArrayBuilder::new(&[4], "string").with_fill_json("\"?\"")?.build()?;
    /// let names = hierarchy.create_array("names", metadata).await?;
    /// names.write(1..3, &["Ada", "Grace"]).await?;
    /// assert_eq!(names.read::<String>(..).await?.as_slice().unwrap(), ["?", "Ada", "Grace", "?"]);
    /// # Ok::<(), zarr_engine::Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// Fails if the selection does not fit, the element type does not match the array, the store
    /// fails, or data is damaged; nothing is returned then. Only chunks that are definitely not
    /// stored are read as fill values.
    pub async fn read<T: ReadAs>(&self, selection: impl Select) -> Result<T::Output> {
        let (plan, array) = self.start_read::<T>(&selection)?;
        let read = self.hierarchy.engine().read(plan, array.target()).await;
        self.end_read::<T>(read, array)
    }

    /// Reads a selection into an existing array with the shape of the result. After an error, the
    /// array is unchanged.
    ///
    /// [`blocking::Array::read_into`](crate::blocking::Array::read_into) avoids the intermediate
    /// copy. This method cannot, because jobs may still run after its future is dropped.
    ///
    /// # Errors
    /// The errors of [`Self::read`], and [`Error::Shape`] if the array has another shape.
    pub async fn read_into<T: ReadElement, D: Dimension>(
        &self,
        selection: impl Select,
        mut array: ArrayViewMut<'_, T, D>,
    ) -> Result<()> {
        let selection = selection.select(&self.space()).at(&self.path)?;
        let resolved = self.prepare::<T>(&selection)?;
        self.check_shape(&resolved, array.shape())?;
        let found = self.read::<T>(selection).await?;
        array.assign(
            &found
                .into_dimensionality::<D>()
                .expect("as many dimensions"),
        );
        Ok(())
    }

    /// Plans a read without reading anything. The plan prints what the read will touch, and returns
    /// the counts of objects, requests and bytes.
    ///
    /// ```
    /// use zarr_engine::{ArrayBuilder, blocking};
    ///
    /// let metadata = ArrayBuilder::new(&[100, 100], "uint16").with_chunk_shape(&[10, 10]).build()?;
    /// let array = blocking::open("memory:")?.create_array("a", metadata)?;
    /// let plan = array.plan_read((0..10, 5..25))?;
    /// assert_eq!((plan.objects(), plan.requests(), plan.bytes()), (3, 3, 400));
    /// # Ok::<(), zarr_engine::Error>(())
    /// ```
    ///
    /// # Errors
    /// Fails if the selection does not fit.
    pub fn plan_read(&self, selection: impl Select) -> Result<ReadPlan> {
        Ok(self.read_plan(&self.resolve(selection)?))
    }

    /// Reads a selection into caller-owned memory, with the elements of the result `strides` bytes
    /// apart.
    ///
    /// The output holds no borrow: the caller of [`Output::borrowed`] guarantees that the memory
    /// lives until the last job finishes, possibly after this future is dropped. After an error,
    /// the memory may hold part of the result.
    ///
    /// # Errors
    /// The errors of [`Self::read`] except for the element type; [`Error::Core`] if elements
    /// overlap under the given strides or another read is using the output.
    pub async fn read_output(
        &self,
        selection: impl Select,
        output: Output,
        strides: &[isize],
    ) -> Result<()> {
        let plan = self.strided_plan(&self.resolve(selection)?, strides)?;
        let target = Target::fixed(output);
        self.hierarchy
            .engine()
            .read(plan, target)
            .await
            .at(&self.path)
    }

    /// Prepares a read into a new array: its plan and its memory.
    pub(crate) fn start_read<T: ReadAs>(
        &self,
        selection: &impl Select,
    ) -> Result<(ReadPlan, NewArray<T::Element>)> {
        let resolved = self.prepare::<T::Element>(selection)?;
        let found = resolved.shape().len();
        if let Some(wanted) = T::NDIM.filter(|&wanted| wanted != found) {
            let reason = format!(
                "the selection has {found} dimension{}, but the requested array type has {wanted}",
                s(found)
            );
            return Err(zarr_core::Error::selection(reason)).at(&self.path);
        }
        resolved.elements().at(&self.path)?;
        let array = NewArray::new(self.data_type(), self.fill_value(), resolved.shape());
        Ok((self.read_plan(&resolved), array.at(&self.path)?))
    }

    pub(crate) fn end_read<T: ReadAs>(
        &self,
        read: Result<()>,
        array: NewArray<T::Element>,
    ) -> Result<T::Output> {
        read.and_then(|()| T::from_read(array)).at(&self.path)
    }

    /// Plans a read into a buffer in C order.
    pub(crate) fn read_plan(&self, resolved: &Resolved) -> ReadPlan {
        ReadPlan::new(self.layout.clone(), self.prefix.clone(), resolved)
            .with_options(self.read_options)
    }

    /// Plans a read into a buffer with the given strides in bytes.
    pub(crate) fn strided_plan(&self, resolved: &Resolved, strides: &[isize]) -> Result<ReadPlan> {
        let (layout, prefix) = (self.layout.clone(), self.prefix.clone());
        let plan = ReadPlan::with_strides(layout, prefix, resolved, strides);
        let plan = plan.map(|plan| plan.with_options(self.read_options));
        plan.at(&self.path)
    }

    /// Resolves a selection and checks the element type.
    pub(crate) fn prepare<T: WriteElement>(&self, selection: &impl Select) -> Result<Resolved> {
        expect::<T>(self.data_type()).at(&self.path)?;
        self.resolve(selection)
    }

    pub(crate) fn resolve(&self, selection: impl Select) -> Result<Resolved> {
        let selection = selection.select(&self.space());
        let resolved = selection.and_then(|selection| Ok(selection.resolve(self.shape())?));
        resolved.at(&self.path)
    }

    pub(crate) fn check_shape(&self, resolved: &Resolved, found: &[usize]) -> Result<()> {
        if found == resolved.shape() {
            return Ok(());
        }
        Err(Error::Shape {
            found: found.to_vec(),
            expected: resolved.shape().to_vec(),
        })
        .at(&self.path)
    }

    /// Returns the shape and dimension names that selections refer to.
    pub(crate) fn space(&self) -> Space<'_> {
        Space {
            shape: self.shape(),
            names: self.metadata.dimension_names(),
        }
    }
}
