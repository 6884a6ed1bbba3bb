//! Elements of any data type as bytes: for programs that learn the data type at run time.

use zarr_core::size::c_strides;
use zarr_core::{DataType, DataTypeKind, FillValue, Input};

use super::Array;
use super::element::other_elements;
use super::number::{Number, complex_in, is_numeric, numbers_in, push_number};
use crate::error::{Error, Result};

/// Elements of any data type in C order, as bytes in this machine's byte order.
///
/// ```
/// use zarr_engine::{ArrayBuilder, Elements, blocking};
///
/// let hierarchy = blocking::open("memory:")?;
/// let array = hierarchy.create_array("a", ArrayBuilder::new(&[4], "int16").build()?)?;
/// array.write(1..3, &[-5_i16, 7])?;
/// let found = array.read::<Elements>(1..4)?;
/// assert_eq!((found.shape(), found.to_json(0), found.to_json(2)), (&[3][..], "-5".into(), "0".into()));
///
/// let mut sum = 0.0;
/// found.each_number(|number| sum += number.to_f64());
/// assert_eq!(sum, 2.0);
///
/// let more = Elements::new(array.data_type(), &[1], 9_i16.to_ne_bytes().to_vec())?;
/// array.write(0, more)?;
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

    /// Returns the real and the imaginary part of the element at a position in C order, if the
    /// elements are complex numbers.
    ///
    /// # Panics
    /// Panics if there are not that many elements.
    #[must_use]
    pub fn complex(&self, position: usize) -> Option<[f64; 2]> {
        complex_in(&self.data_type, self.get(position))
    }

    /// Converts numbers to another numeric data type, with rounding to the nearest float. Numbers
    /// become complex numbers, but not the reverse. Times become `int64`, and `int64` times, without
    /// a change of their bytes; "not a time" is the least `int64`.
    ///
    /// # Errors
    /// [`ErrorKind::ElementType`](crate::ErrorKind::ElementType) if one of the two types is not
    /// numeric, and [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) for a number that the other
    /// type does not contain, such as 300 or 0.5 for `uint8`.
    pub fn converted(&self, data_type: &DataType) -> Result<Self> {
        if self.data_type == *data_type {
            return Ok(self.clone());
        }
        let kinds = [self.data_type.kind(), data_type.kind()];
        if kinds.contains(&DataTypeKind::Time) {
            let other = kinds.contains(&DataTypeKind::Int) && data_type.fixed_size() == Some(8);
            return match other && self.data_type.fixed_size() == Some(8) {
                true => Self::new(data_type, &self.shape, self.bytes.clone()),
                false => Err(not_converted(data_type)),
            };
        }
        let mut bytes = Vec::with_capacity(self.len() * data_type.fixed_size().unwrap_or(0));
        let mut failed = None;
        let to_complex = data_type.kind() == DataTypeKind::Complex;
        let mut are_numbers = self.each_number(|number| {
            if failed.is_none() && !push_number(data_type, number, &mut bytes) {
                failed = Some(number);
            }
            if to_complex {
                push_number(data_type, Number::Float(0.0), &mut bytes);
            }
        });
        if to_complex && !are_numbers {
            let complex = (0..self.len()).map_while(|position| self.complex(position));
            for part in complex.flatten() {
                push_number(data_type, Number::Float(part), &mut bytes);
            }
            are_numbers = Some(bytes.len()) == data_type.fixed_size().map(|size| size * self.len());
        }
        if let Some(number) = failed.filter(|_| is_numeric(data_type)) {
            let found = match number {
                Number::Int(value) => value.to_string(),
                Number::Float(value) => value.to_string(),
            };
            let expected = format!("a value of {data_type}");
            return Err(zarr_core::Error::invalid(found, expected).into());
        }
        if !are_numbers || !is_numeric(data_type) {
            return Err(not_converted(data_type));
        }
        Self::new(data_type, &self.shape, bytes)
    }

    fn item_size(&self) -> usize {
        self.data_type.fixed_size().unwrap_or(0)
    }

    /// Creates the elements that a read returned.
    pub(super) fn of_read(
        data_type: DataType,
        shape: Vec<usize>,
        bytes: Vec<u8>,
        offsets: Option<Vec<usize>>,
    ) -> Self {
        Self {
            data_type,
            shape,
            bytes,
            offsets,
        }
    }

    /// Adds a dimension of length 1.
    pub(super) fn insert_axis(&mut self, axis: usize) {
        self.shape.insert(axis, 1);
    }

    /// Returns these elements as the input of a write to a selection of this shape, or of this
    /// number of elements, with the strides of the input.
    pub(super) fn into_input(
        self,
        data_type: &DataType,
        shape: &[usize],
    ) -> Result<(Input, Vec<isize>)> {
        if self.data_type != *data_type {
            return Err(other_elements(data_type).into());
        }
        if self.len() != shape.iter().product::<usize>() {
            return Err(Error::Shape {
                found: self.shape,
                expected: shape.to_vec(),
            });
        }
        let input = match self.offsets {
            Some(offsets) => Input::variable(offsets, self.bytes),
            None => Input::from_vec(self.bytes, 0),
        };
        Ok((input, c_strides(shape, data_type.slot_size())))
    }
}

impl Array {
    /// Returns the fill value as elements without dimensions.
    pub(super) fn fill_element(&self) -> Elements {
        let bytes = self.fill_value().bytes().to_vec();
        let is_variable = self.data_type().fixed_size().is_none();
        Elements {
            data_type: self.data_type().clone(),
            shape: Vec::new(),
            offsets: is_variable.then(|| vec![0, bytes.len()]),
            bytes,
        }
    }
}

fn not_converted(data_type: &DataType) -> Error {
    let element = "elements of another data type: only numbers are converted, and times as int64";
    let data_type = data_type.name().to_owned();
    zarr_core::Error::ElementType { data_type, element }.into()
}
