//! Elements of any data type as bytes: for programs that learn the data type at run time.

use std::ops::Range;

use zarr_core::{DataType, FillValue, Input, Output, Selection};

use super::append::AxisName;
use super::data::c_strides;
use super::number::{Number, is_numeric, numbers_in, push_number};
use super::selection::Select;
use super::{Array, InputLayout};
use crate::engine::Target;
use crate::error::{Error, Result};

/// Elements of any data type in C order, as bytes in this machine's byte order.
///
/// ```
/// use zarr_engine::{ArrayBuilder, Elements, blocking};
///
/// let hierarchy = blocking::open("memory:")?;
/// let array = hierarchy.create_array("a", ArrayBuilder::new(&[4], "int16").build()?)?;
/// array.write(1..3, &[-5_i16, 7])?;
/// let found = array.read_elements(1..4)?;
/// assert_eq!((found.shape(), found.to_json(0), found.to_json(2)), (&[3][..], "-5".into(), "0".into()));
///
/// let mut sum = 0.0;
/// found.each_number(|number| sum += number.to_f64());
/// assert_eq!(sum, 2.0);
///
/// let more = Elements::new(array.data_type(), &[1], 9_i16.to_ne_bytes().to_vec())?;
/// array.write_elements(0, more)?;
/// assert_eq!(array.read::<i16>(..)?.as_slice(), Some(&[9, -5, 7, 0][..]));
/// # Ok::<(), zarr_engine::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Elements {
    data_type: DataType,
    shape: Vec<usize>,
    bytes: Vec<u8>,
    /// The start of each element of variable size, and the end of the last.
    offsets: Option<Vec<usize>>,
}

impl Elements {
    /// Creates elements of fixed size from their bytes.
    ///
    /// # Errors
    /// [`Error::Core`] if elements of this type have no fixed size, the number of bytes does not
    /// match the shape, or the bytes are no values of the type.
    pub fn new(data_type: &DataType, shape: &[usize], mut bytes: Vec<u8>) -> Result<Self> {
        let size = data_type.fixed_size().ok_or_else(|| {
            let what = format!("{data_type} elements from bytes of one size");
            zarr_core::Error::Unsupported { what }
        })?;
        let wanted = shape
            .iter()
            .try_fold(size, |size, &len| size.checked_mul(len));
        if wanted != Some(bytes.len()) {
            let wanted = wanted.unwrap_or(usize::MAX);
            return Err(zarr_core::Error::size("bytes of elements", bytes.len(), wanted).into());
        }
        data_type.admit(&mut bytes)?;
        Ok(Self {
            data_type: data_type.clone(),
            shape: shape.to_vec(),
            bytes,
            offsets: None,
        })
    }

    /// Returns the data type.
    #[must_use]
    pub fn data_type(&self) -> &DataType {
        &self.data_type
    }

    /// Returns the number of elements along each dimension.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Returns the number of elements.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Returns whether there are no elements.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the bytes of all elements, one after another.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns the bytes of the element at a position in C order.
    ///
    /// # Panics
    /// Panics if there are not that many elements.
    #[must_use]
    pub fn get(&self, position: usize) -> &[u8] {
        match &self.offsets {
            Some(offsets) => &self.bytes[offsets[position]..offsets[position + 1]],
            None => {
                let size = self.item_size();
                &self.bytes[position * size..][..size]
            }
        }
    }

    /// Iterates over the bytes of each element, in C order.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.len()).map(|position| self.get(position))
    }

    /// Returns the element at a position in C order as JSON, in the form of fill values.
    ///
    /// # Panics
    /// Panics if there are not that many elements.
    #[must_use]
    pub fn to_json(&self, position: usize) -> String {
        let element = FillValue::new(self.get(position).to_vec());
        self.data_type.fill_value_to_json(&element)
    }

    /// Calls `each` with the value of each element in C order, if the elements are numbers. Returns
    /// whether they are: not so for complex numbers, text, bytes, structs and optional elements.
    pub fn each_number(&self, each: impl FnMut(Number)) -> bool {
        numbers_in(&self.data_type, &self.bytes, each)
    }

    /// Returns the value of the element at a position in C order, if the elements are numbers.
    ///
    /// # Panics
    /// Panics if there are not that many elements.
    #[must_use]
    pub fn number(&self, position: usize) -> Option<Number> {
        let mut found = None;
        numbers_in(&self.data_type, self.get(position), |number| {
            found = Some(number)
        });
        found
    }

    /// Converts numbers to another numeric data type, with rounding to the nearest float.
    ///
    /// # Errors
    /// [`ErrorKind::ElementType`](crate::ErrorKind::ElementType) if one of the two types is not
    /// numeric, and [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) for a number that the other
    /// type does not contain, such as 300 or 0.5 for `uint8`.
    pub fn converted(&self, data_type: &DataType) -> Result<Self> {
        if self.data_type == *data_type {
            return Ok(self.clone());
        }
        let mut bytes = Vec::with_capacity(self.len() * data_type.fixed_size().unwrap_or(0));
        let mut failed = None;
        let are_numbers = self.each_number(|number| {
            if failed.is_none() && !push_number(data_type, number, &mut bytes) {
                failed = Some(number);
            }
        });
        if let Some(number) = failed.filter(|_| is_numeric(data_type)) {
            let found = match number {
                Number::Int(value) => value.to_string(),
                Number::Float(value) => value.to_string(),
            };
            let expected = format!("a value of {data_type}");
            return Err(zarr_core::Error::invalid(found, expected).into());
        }
        if !are_numbers || !is_numeric(data_type) {
            let element = "elements of another data type, as not both are numeric";
            let data_type = data_type.name().to_owned();
            return Err(zarr_core::Error::ElementType { data_type, element }.into());
        }
        Self::new(data_type, &self.shape, bytes)
    }

    fn item_size(&self) -> usize {
        self.data_type.fixed_size().unwrap_or(0)
    }

    /// Returns these elements as the input of a write.
    fn into_input(self) -> InputLayout {
        let strides = c_strides(
            &self.shape,
            self.data_type.fixed_size().unwrap_or(size_of::<u64>()),
        );
        let input = match self.offsets {
            Some(offsets) => Input::variable(offsets, self.bytes),
            None => Input::from_vec(self.bytes, 0),
        };
        InputLayout { input, strides }
    }
}

impl Array {
    /// Reads a [selection](Select) of any data type, like [`Self::read`].
    ///
    /// # Errors
    /// The errors of [`Self::read`], except for the element type.
    pub async fn read_elements(&self, selection: impl Select) -> Result<Elements> {
        let resolved = self.resolve(selection)?;
        let (shape, len) = (resolved.shape(), resolved.elements()?);
        let (engine, plan) = (self.hierarchy.engine(), self.read_plan(&resolved));
        let (bytes, offsets) = match self.data_type().fixed_size() {
            Some(size) => {
                let output = Output::zeroed::<u8>(len.saturating_mul(size))?;
                let read = engine.read(plan, Target::fixed(output.clone())).await;
                self.located(read)?;
                let bytes = output.into_vec::<u8>(len * size);
                let bytes = bytes.map_err(|_| Error::Internal {
                    reason: "handles of a result that is complete".to_owned(),
                })?;
                (bytes, None)
            }
            None => {
                let target = Target::variable(len)?;
                self.located(engine.read(plan, target.clone()).await)?;
                let (mut offsets, mut bytes) = (Vec::with_capacity(len + 1), Vec::new());
                offsets.push(0);
                target.into_elements(len, self.fill_value(), |element| {
                    bytes.extend_from_slice(element);
                    offsets.push(bytes.len());
                    Ok(())
                })?;
                (bytes, Some(offsets))
            }
        };
        Ok(Elements {
            data_type: self.data_type().clone(),
            shape: shape.to_vec(),
            bytes,
            offsets,
        })
    }

    /// Writes elements of any data type to a [selection](Select) of their shape, like
    /// [`Self::write`].
    ///
    /// # Errors
    /// [`ErrorKind::ElementType`](crate::ErrorKind::ElementType) if the array has another data
    /// type, [`Error::Shape`] if the selection has another shape, and those of [`Self::write`].
    pub async fn write_elements(&self, selection: impl Select, elements: Elements) -> Result<()> {
        self.check_type(&elements)?;
        let resolved = self.resolve(selection)?;
        if elements.len() != resolved.elements()? {
            self.check_shape(&resolved, &elements.shape)?;
        }
        let elements = Elements {
            shape: resolved.shape().to_vec(),
            ..elements
        };
        self.write_input(&resolved, elements.into_input()).await
    }

    /// Appends elements of any data type along a dimension, like [`Self::append`].
    ///
    /// # Errors
    /// [`ErrorKind::ElementType`](crate::ErrorKind::ElementType) if the array has another data
    /// type, and those of [`Self::append`].
    pub async fn append_elements(
        &mut self,
        axis: impl AxisName,
        mut elements: Elements,
    ) -> Result<Range<u64>> {
        self.check_type(&elements)?;
        let axis = self.located(axis.position(&self.space()))?;
        if elements.shape.len() + 1 == self.shape().len() {
            elements.shape.insert(axis, 1);
        }
        self.check_step(axis, &elements.shape)?;
        let len = elements.shape[axis] as u64;
        self.append_input(axis, len, elements.into_input()).await
    }

    fn check_type(&self, elements: &Elements) -> Result<()> {
        if *self.data_type() == elements.data_type {
            return Ok(());
        }
        let data_type = self.data_type().name().to_owned();
        let element = "elements of an array of another data type";
        self.located(Err(
            zarr_core::Error::ElementType { data_type, element }.into()
        ))
    }

    /// Reads a region as input of a write to an array of equal data type.
    pub(super) async fn read_input(&self, selection: &Selection) -> Result<InputLayout> {
        Ok(self.read_elements(selection).await?.into_input())
    }
}
