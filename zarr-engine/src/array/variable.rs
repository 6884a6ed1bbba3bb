//! Reads and writes of elements of any size: strings and byte strings.

use ndarray::{Array as NdArray, ArrayD, Dimension, IxDyn, SliceInfoElem};
use zarr_core::{DataType, DataTypeKind, Input, Selection};

use super::{Array, InputLayout, byte_strides, repeated};
use crate::engine::Target;
use crate::error::{Error, Result};

/// A Rust type for elements of any size: `String` for the data type `string`, `Vec<u8>` for `bytes` and, with one byte more that is 1
/// or, alone, 0, for an `optional` of either.
pub trait VariableElement: Sized + Clone {
    /// Whether elements of a data type are read and written as this type.
    fn holds(data_type: &DataType) -> bool;
    /// An element from its bytes.
    ///
    /// # Errors
    /// Where the bytes are no element of this type.
    fn from_bytes(bytes: &[u8]) -> Result<Self, &'static str>;
    /// The bytes of an element.
    fn bytes(&self) -> &[u8];
}

impl VariableElement for String {
    fn holds(data_type: &DataType) -> bool {
        data_type.kind() == DataTypeKind::String
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, &'static str> {
        std::str::from_utf8(bytes)
            .map(str::to_owned)
            .map_err(|_| "a string that is not UTF-8")
    }

    fn bytes(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl VariableElement for Vec<u8> {
    fn holds(data_type: &DataType) -> bool {
        let kinds = [DataTypeKind::Bytes, DataTypeKind::Optional];
        kinds.contains(&data_type.kind()) && data_type.fixed_size().is_none()
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, &'static str> {
        Ok(bytes.to_vec())
    }

    fn bytes(&self) -> &[u8] {
        self
    }
}

/// The bytes of one place in the buffer of such a read or write.
type Place = [u8; 8];

impl Array {
    /// Reads slices of strings or byte strings, as [`Self::read`] does numbers.
    ///
    /// ```
    /// # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    /// # runtime.block_on(async {
    /// use ndarray::{array, s};
    /// let hierarchy = zarr_engine::open("memory:")?;
    /// let metadata = zarr_engine::ArrayBuilder::new(&[4], "string").with_fill_json("\"?\"")?.build()?;
    /// let names = hierarchy.create_array("names", metadata).await?;
    /// names.write_variable(s![1..3], array!["Ada".to_owned(), "Grace".to_owned()]).await?;
    /// let read = names.read_variable::<String>(s![..]).await?;
    /// assert_eq!(read.iter().map(String::as_str).collect::<Vec<_>>(), ["?", "Ada", "Grace", "?"]);
    /// # Ok::<(), zarr_engine::Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// Those of [`Self::read`].
    pub async fn read_variable<T: VariableElement>(
        &self,
        slices: impl AsRef<[SliceInfoElem]>,
    ) -> Result<ArrayD<T>> {
        self.read_variable_selection(&crate::slices(slices)).await
    }

    /// Reads any selection of strings or byte strings.
    ///
    /// # Errors
    /// Those of [`Self::read`].
    pub async fn read_variable_selection<T: VariableElement>(
        &self,
        selection: &Selection,
    ) -> Result<ArrayD<T>> {
        self.expect_variable::<T>()?;
        let resolved = self.resolve(selection)?;
        let len = resolved.elements()?;
        let target = Target::variable(len)?;
        let plan = self.read_plan(&resolved);
        self.hierarchy.engine().read(plan, target.clone()).await?;
        let elements = target.into_elements(len, self.fill_value(), |bytes| {
            T::from_bytes(bytes).map_err(|reason| {
                let error = zarr_core::Error::invalid(reason, self.data_type().name());
                error.key(&self.path.to_string()).into()
            })
        })?;
        Ok(ArrayD::from_shape_vec(IxDyn(resolved.shape()), elements)
            .expect("as many elements as the shape has"))
    }

    /// Writes slices of strings or byte strings, as [`Self::write`] does numbers.
    ///
    /// # Errors
    /// Those of [`Self::write`].
    pub async fn write_variable<T: VariableElement, D: Dimension>(
        &self,
        slices: impl AsRef<[SliceInfoElem]>,
        data: NdArray<T, D>,
    ) -> Result<()> {
        self.write_variable_selection(&crate::slices(slices), data)
            .await
    }

    /// Writes strings or byte strings to any selection.
    ///
    /// # Errors
    /// Those of [`Self::write`].
    pub async fn write_variable_selection<T: VariableElement, D: Dimension>(
        &self,
        selection: &Selection,
        data: NdArray<T, D>,
    ) -> Result<()> {
        self.expect_variable::<T>()?;
        let resolved = self.resolve(selection)?;
        let (mut offsets, mut bytes) = (vec![0], Vec::new());
        for element in &data {
            bytes.extend_from_slice(element.bytes());
            offsets.push(bytes.len());
        }
        // The elements are numbered in C order, whatever the order in memory.
        let numbers = NdArray::<Place, _>::from_elem(data.raw_dim(), [0; 8]).into_dyn();
        let strides = byte_strides::<Place>(repeated(&numbers.view(), resolved.shape())?.strides());
        let input = Input::variable(offsets, bytes);
        self.write_input(&resolved, InputLayout { input, strides })
            .await
    }

    fn expect_variable<T: VariableElement>(&self) -> Result<()> {
        if T::holds(self.data_type()) {
            return Ok(());
        }
        Err(Error::Core(
            zarr_core::Error::ElementType {
                data_type: self.data_type().name().to_owned(),
                element: std::any::type_name::<T>(),
            }
            .key(&self.path.to_string()),
        ))
    }
}
