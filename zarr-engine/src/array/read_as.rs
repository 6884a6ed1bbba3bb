//! The types that a read can return.

use ndarray::{Array, ArrayD, Dimension, Ix0};

use super::data::NewArray;
use super::element::{AnyElement, ReadElement};
use super::elements::Elements;
use crate::error::Result;

/// The type parameter of a read, which selects its result: `read::<f32>` returns an
/// [`ArrayD<f32>`](ndarray::ArrayD), `read::<Array2<f32>>` an [`Array2<f32>`](ndarray::Array2),
/// whose rank the selection must match, `read::<Scalar<f32>>` one element, and
/// `read::<Elements>` the elements of any data type as [`Elements`](crate::Elements).
pub trait ReadAs {
    /// The type of the elements.
    type Element: ReadElement;
    /// The type of the result.
    type Output;
    /// The number of dimensions of the result, if fixed by the type.
    const NDIM: Option<usize>;

    /// Makes the result of a complete read of [`Self::NDIM`] dimensions.
    #[doc(hidden)]
    fn from_read(read: NewArray<Self::Element>) -> Result<Self::Output>;
}

impl<T: ReadElement> ReadAs for T {
    type Element = T;
    type Output = ArrayD<T>;
    const NDIM: Option<usize> = None;

    fn from_read(read: NewArray<T>) -> Result<ArrayD<T>> {
        read.finish()
    }
}

impl<T: ReadElement, D: Dimension> ReadAs for Array<T, D> {
    type Element = T;
    type Output = Self;
    const NDIM: Option<usize> = D::NDIM;

    fn from_read(read: NewArray<T>) -> Result<Self> {
        let array = read.finish()?.into_dimensionality();
        Ok(array.expect("as many dimensions as were asked for"))
    }
}

/// A zero-dimensional result: `read::<Scalar<f32>>` returns one `f32`.
#[derive(Debug)]
pub struct Scalar<T>(std::marker::PhantomData<T>);

impl<T: ReadElement> ReadAs for Scalar<T> {
    type Element = T;
    type Output = T;
    const NDIM: Option<usize> = Some(0);

    fn from_read(read: NewArray<T>) -> Result<T> {
        let array = read.finish()?.into_dimensionality::<Ix0>();
        Ok(array.expect("no dimensions, as asked for").into_scalar())
    }
}

impl ReadAs for Elements {
    type Element = AnyElement;
    type Output = Self;
    const NDIM: Option<usize> = None;

    fn from_read(read: NewArray<AnyElement>) -> Result<Self> {
        read.into_elements()
    }
}
