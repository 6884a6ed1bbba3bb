//! Conversion between `ndarray`'s typed arrays and the byte buffers of the engine.
//!
//! Unsafe room: the two functions that lend a caller's array to jobs.

use std::ptr::NonNull;

use ndarray::{ArrayD, ArrayViewD, ArrayViewMutD, IxDyn};
use zarr_core::size::{c_strides, span};
use zarr_core::{DataType, FillValue, Input, Output};

use super::element::{Plain, ReadElement, WriteElement, plain};
use super::elements::Elements;
use super::source::Data;
use crate::engine::Target;
use crate::error::{Error, Result};

/// A read into a new array.
#[expect(unnameable_types, reason = "only this crate implements the traits")]
pub struct NewArray<T> {
    shape: Vec<usize>,
    data_type: DataType,
    target: Target,
    held: Held<T>,
}

/// The memory of a new array.
enum Held<T> {
    /// The memory of the resulting array itself.
    Plain(Plain<T>, Output),
    /// The bytes of elements, and the size of one element.
    Bytes(Output, usize),
    /// Variable-size elements, held by the target.
    Variable(FillValue),
}

/// The output buffer of a read, and the strides of its elements.
pub(crate) struct OutputLayout {
    pub(crate) output: Output,
    /// Bytes between adjacent elements, per dimension.
    pub(crate) strides: Vec<isize>,
}

/// The input buffer of a write, and the strides of its elements.
pub(crate) struct InputLayout {
    pub(crate) input: Input,
    /// Bytes between adjacent elements, per dimension.
    pub(crate) strides: Vec<isize>,
}

impl<T: ReadElement> NewArray<T> {
    /// Allocates memory for an array of this shape. Elements of variable size that the read does
    /// not write become `fill`.
    pub(crate) fn new(data_type: &DataType, fill: &FillValue, shape: &[usize]) -> Result<Self> {
        let len = shape.iter().product::<usize>();
        let (target, held) = match (plain::<T>(data_type), data_type.fixed_size()) {
            (Some(plain), _) => {
                let output = (plain.zeroed)(len)?;
                let target = Target::fixed(output.clone());
                (target, Held::Plain(plain, output))
            }
            (None, Some(size)) => {
                let output = Output::zeroed::<u8>(len.saturating_mul(size))?;
                let target = Target::fixed(output.clone());
                (target, Held::Bytes(output, size))
            }
            (None, None) => (Target::variable(len)?, Held::Variable(fill.clone())),
        };
        Ok(Self {
            shape: shape.to_vec(),
            data_type: data_type.clone(),
            target,
            held,
        })
    }

    /// Returns the target of the read, in C order.
    pub(crate) fn target(&self) -> Target {
        self.target.clone()
    }

    /// Returns the array of a complete read; fails if another handle still holds its memory.
    pub(crate) fn finish(self) -> Result<ArrayD<T>> {
        let Self {
            shape,
            data_type,
            target,
            held,
        } = self;
        let len = shape.iter().product();
        let element = |bytes: &[u8]| {
            T::from_bytes(&data_type, bytes)
                .map_err(|found| Error::Core(zarr_core::Error::invalid(found, data_type.name())))
        };
        let elements = match held {
            Held::Plain(plain, output) => {
                drop(target);
                (plain.into_vec)(output, len).map_err(in_use)?
            }
            Held::Bytes(output, size) => {
                drop(target);
                let bytes = output.into_vec::<u8>(len * size).map_err(in_use)?;
                let each = (0..len).map(|number| element(&bytes[number * size..][..size]));
                each.collect::<Result<_>>()?
            }
            Held::Variable(fill) => target.into_elements(len, &fill, element)?,
        };
        Ok(ArrayD::from_shape_vec(IxDyn(&shape), elements).expect("as many as the shape has"))
    }

    /// Returns the elements of a complete read as bytes, whatever their type.
    pub(crate) fn into_elements(self) -> Result<Elements> {
        let len = self.shape.iter().product();
        let (bytes, offsets) = match self.held {
            Held::Plain(_, output) | Held::Bytes(output, _) => {
                drop(self.target);
                let size = self.data_type.slot_size();
                (output.into_vec::<u8>(len * size).map_err(in_use)?, None)
            }
            Held::Variable(fill) => {
                let (mut offsets, mut bytes) = (Vec::with_capacity(len + 1), Vec::new());
                offsets.push(0);
                self.target.into_elements(len, &fill, |element| {
                    bytes.extend_from_slice(element);
                    offsets.push(bytes.len());
                    Ok(())
                })?;
                (bytes, Some(offsets))
            }
        };
        Ok(Elements::of_read(
            self.data_type,
            self.shape,
            bytes,
            offsets,
        ))
    }
}

fn in_use(output: Output) -> Error {
    Error::Internal {
        reason: format!("{} references to a completed result", output.handles()),
    }
}

impl OutputLayout {
    /// Lends a caller's array of byte-for-byte elements to a read.
    ///
    /// # Safety
    /// The array must outlive all handles of the output.
    pub(crate) unsafe fn borrow<T>(array: &mut ArrayViewMutD<'_, T>, _: &Plain<T>) -> Self {
        let strides = byte_strides::<T>(array.strides());
        let (below, size) = span(array.shape(), &strides, size_of::<T>());
        // SAFETY: points to the first byte of the lowest element of the view.
        let start = unsafe {
            NonNull::new_unchecked(array.as_mut_ptr())
                .cast::<u8>()
                .sub(below)
        };
        // SAFETY: the view's memory spans the lowest element to the end of the highest; the caller
        // keeps it alive.
        let output = unsafe { Output::borrowed(start, size, below) };
        Self { output, strides }
    }
}

impl InputLayout {
    /// Takes ownership of the data for the jobs, broadcast to `shape`. Copies views.
    pub(crate) fn new<T: WriteElement>(
        data: Data<'_, T>,
        data_type: &DataType,
        shape: &[usize],
    ) -> Result<Self> {
        let data = match data {
            Data::Array(data) => data,
            Data::Elements(elements) => {
                let (input, strides) = elements.into_input(data_type, shape)?;
                return Ok(Self { input, strides });
            }
        };
        let Some(plain) = plain::<T>(data_type) else {
            return Self::converted(data.view(), data_type, shape);
        };
        let strides = byte_strides::<T>(data.strides());
        repeated(data.shape(), &strides, shape)?;
        let array = data.into_owned();
        let strides = byte_strides::<T>(array.strides());
        let strides = repeated(array.shape(), &strides, shape)?;
        let (elements, origin) = array.into_raw_vec_and_offset();
        Ok(Self {
            input: (plain.from_vec)(elements, origin.unwrap_or(0)),
            strides,
        })
    }

    /// Converts elements that are not stored byte for byte.
    fn converted<T: WriteElement>(
        data: ArrayViewD<'_, T>,
        data_type: &DataType,
        shape: &[usize],
    ) -> Result<Self> {
        // Always C order, whatever the order in memory; variable-size elements are numbered.
        let size = data_type.slot_size();
        let strides = repeated(data.shape(), &c_strides(data.shape(), size), shape)?;
        let (mut offsets, mut bytes) = (vec![0], Vec::new());
        for element in &data {
            element.push_bytes(data_type, &mut bytes);
            offsets.push(bytes.len());
        }
        let input = match data_type.fixed_size() {
            Some(size) if bytes.len() == data.len() * size => Input::from_vec(bytes, 0),
            Some(size) => {
                let size = data.len().saturating_mul(size);
                let error = zarr_core::Error::size("bytes of elements", bytes.len(), size);
                return Err(error.into());
            }
            None => Input::variable(offsets, bytes),
        };
        Ok(Self { input, strides })
    }

    /// Lends a caller's array of byte-for-byte elements to a write.
    ///
    /// # Safety
    /// The array must outlive all handles of the input.
    pub(crate) unsafe fn borrow<T>(
        array: &ArrayViewD<'_, T>,
        shape: &[usize],
        _: &Plain<T>,
    ) -> Result<Self> {
        let strides = byte_strides::<T>(array.strides());
        let (below, size) = span(array.shape(), &strides, size_of::<T>());
        let strides = repeated(array.shape(), &strides, shape)?;
        let first =
            NonNull::new(array.as_ptr().cast_mut()).expect("an array's pointer is never null");
        // SAFETY: points to the first byte of the lowest element of the view.
        let start = unsafe { first.cast::<u8>().sub(below) };
        // SAFETY: the view's memory spans the lowest element to the end of the highest; the caller
        // keeps it alive.
        let input = unsafe { Input::borrowed(start, size, below) };
        Ok(Self { input, strides })
    }
}

/// Returns the strides of an array broadcast to another shape; broadcast dimensions have stride 0.
fn repeated(found: &[usize], strides: &[isize], shape: &[usize]) -> Result<Vec<isize>> {
    let mismatch = || Error::Shape {
        found: found.to_vec(),
        expected: shape.to_vec(),
    };
    let added = shape.len().checked_sub(found.len()).ok_or_else(mismatch)?;
    let mut result = vec![0; added];
    for ((&len, &stride), &wanted) in found.iter().zip(strides).zip(&shape[added..]) {
        match len {
            _ if len == wanted => result.push(stride),
            1 => result.push(0),
            _ => return Err(mismatch()),
        }
    }
    Ok(result)
}

fn byte_strides<T>(strides: &[isize]) -> Vec<isize> {
    strides
        .iter()
        .map(|stride| stride * size_of::<T>().cast_signed())
        .collect()
}
