//! Where the elements of `ndarray`'s arrays are: between typed arrays and the bytes of the engine.
//!
//! Unsafe room: the two functions that lend a caller's array to jobs.

use std::ptr::NonNull;

use ndarray::{Array, ArrayD, ArrayViewD, ArrayViewMutD, Dimension, IxDyn};
use zarr_core::{Element, Input, Output};

use crate::error::{Error, Result};

/// Where a read puts its elements.
pub(crate) struct OutputLayout {
    pub(crate) output: Output,
    /// Bytes from one element to the next, for each dimension.
    pub(crate) strides: Vec<isize>,
}

/// Where a write takes its elements from.
pub(crate) struct InputLayout {
    pub(crate) input: Input,
    /// Bytes from one element to the next, for each dimension.
    pub(crate) strides: Vec<isize>,
}

/// The array of a complete read, once nothing else has the output.
pub(crate) fn into_array<T: Element>(output: Output, shape: &[usize]) -> Result<ArrayD<T>> {
    let len = shape.iter().product();
    let elements = output
        .into_vec::<T>(len)
        .map_err(|output| Error::Internal {
            reason: format!("{} handles of a result that is complete", output.handles()),
        })?;
    Ok(ArrayD::from_shape_vec(IxDyn(shape), elements).expect("as many elements as the shape has"))
}

impl OutputLayout {
    /// A caller's array.
    ///
    /// # Safety
    /// The array outlives all handles of the output.
    pub(crate) unsafe fn borrow<T: Element>(array: &mut ArrayViewMutD<'_, T>) -> Self {
        let strides = byte_strides::<T>(array.strides());
        let (below, size) = extent::<T>(array.shape(), array.strides());
        // SAFETY: the first byte of the lowest element of the view.
        let start = unsafe {
            NonNull::new_unchecked(array.as_mut_ptr())
                .cast::<u8>()
                .sub(below)
        };
        // SAFETY: from the lowest element to the end of the highest is memory of the view; the caller keeps it.
        let output = unsafe { Output::borrowed(start, size, below) };
        Self { output, strides }
    }
}

impl InputLayout {
    /// An array that the jobs keep, repeated along new dimensions where it has to be to be of this shape.
    pub(crate) fn new<T: Element, D: Dimension>(
        array: Array<T, D>,
        shape: &[usize],
    ) -> Result<Self> {
        let strides = broadcast(array.view().into_dyn(), shape)?;
        let (elements, origin) = array.into_raw_vec_and_offset();
        Ok(Self {
            input: Input::from_vec(elements, origin.unwrap_or(0)),
            strides,
        })
    }

    /// A caller's array.
    ///
    /// # Safety
    /// The array outlives all handles of the input.
    pub(crate) unsafe fn borrow<T: Element>(
        array: &ArrayViewD<'_, T>,
        shape: &[usize],
    ) -> Result<Self> {
        let strides = broadcast(array.view(), shape)?;
        let (below, size) = extent::<T>(array.shape(), array.strides());
        let first =
            NonNull::new(array.as_ptr().cast_mut()).expect("an array's pointer is never null");
        // SAFETY: the first byte of the lowest element of the view.
        let start = unsafe { first.cast::<u8>().sub(below) };
        // SAFETY: from the lowest element to the end of the highest is memory of the view; the caller keeps it.
        let input = unsafe { Input::borrowed(start, size, below) };
        Ok(Self { input, strides })
    }
}

/// The strides in bytes of an array seen in another shape, 0 where it is repeated.
fn broadcast<T: Element>(array: ArrayViewD<'_, T>, shape: &[usize]) -> Result<Vec<isize>> {
    Ok(byte_strides::<T>(repeated(&array, shape)?.strides()))
}

/// An array seen in another shape.
pub(crate) fn repeated<'a, T>(
    array: &'a ArrayViewD<'_, T>,
    shape: &[usize],
) -> Result<ArrayViewD<'a, T>> {
    array.broadcast(IxDyn(shape)).ok_or_else(|| Error::Shape {
        found: array.shape().to_vec(),
        expected: shape.to_vec(),
    })
}

pub(crate) fn byte_strides<T>(strides: &[isize]) -> Vec<isize> {
    strides
        .iter()
        .map(|stride| stride * size_of::<T>().cast_signed())
        .collect()
}

/// How many bytes the lowest element lies below the one at index 0, and how many bytes the array spans.
fn extent<T>(shape: &[usize], strides: &[isize]) -> (usize, usize) {
    if shape.contains(&0) {
        return (0, 0);
    }
    let (mut below, mut above) = (0, 0);
    for (&len, &stride) in shape.iter().zip(strides) {
        let reach = (len - 1) * stride.unsigned_abs() * size_of::<T>();
        if stride < 0 {
            below += reach
        } else {
            above += reach
        }
    }
    (below, below + above + size_of::<T>())
}
