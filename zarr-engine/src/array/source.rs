//! The data that callers can write: `ndarray` arrays and views, slices, single elements.

use ndarray::{Array, ArrayBase, ArrayView, Axis, CowArray, Dimension, IxDyn, arr0};

use super::element::{AnyElement, WriteElement};
use super::elements::Elements;
use crate::error::{Error, Result};

/// Data that can be written to a selection: an `ndarray` array or view with the shape of the
/// selection or broadcastable to it, a slice of all elements in C order, a slice with a shape, a
/// single element that fills the selection, or [`Elements`] of any data type.
pub trait WriteData<'a> {
    /// The type of the elements.
    type Element: WriteElement + 'a;

    /// Returns the shape of the data itself; empty for a single element.
    fn shape(&self) -> Vec<usize>;

    /// Prepares the data for a selection of this shape.
    ///
    /// # Errors
    /// [`Error::Shape`] if a slice has the wrong number of elements.
    #[doc(hidden)]
    fn into_data(self, shape: &[usize]) -> Result<Data<'a, Self::Element>>;
}

/// Data in one of two forms.
#[derive(Debug)]
#[expect(unnameable_types, reason = "only this crate implements the traits")]
pub enum Data<'a, T> {
    /// Elements of a Rust type.
    Array(CowArray<'a, T, IxDyn>),
    /// Elements of any data type.
    Elements(Elements),
}

impl<T: Clone> Data<'_, T> {
    /// Adds a dimension of length 1.
    pub(super) fn insert_axis(&mut self, axis: usize) {
        match self {
            Self::Array(array) => array.insert_axis_inplace(Axis(axis)),
            Self::Elements(elements) => elements.insert_axis(axis),
        }
    }
}

impl<'a> WriteData<'a> for Elements {
    type Element = AnyElement;

    fn shape(&self) -> Vec<usize> {
        self.shape().to_vec()
    }

    fn into_data(self, _: &[usize]) -> Result<Data<'a, AnyElement>> {
        Ok(Data::Elements(self))
    }
}

impl<'a, T: WriteElement + 'a, D: Dimension> WriteData<'a> for Array<T, D> {
    type Element = T;

    fn shape(&self) -> Vec<usize> {
        ArrayBase::shape(self).to_vec()
    }

    fn into_data(self, _: &[usize]) -> Result<Data<'a, T>> {
        Ok(Data::Array(self.into_dyn().into()))
    }
}

impl<'a, T: WriteElement + 'a, D: Dimension> WriteData<'a> for ArrayView<'a, T, D> {
    type Element = T;

    fn shape(&self) -> Vec<usize> {
        ArrayBase::shape(self).to_vec()
    }

    fn into_data(self, _: &[usize]) -> Result<Data<'a, T>> {
        Ok(Data::Array(self.into_dyn().into()))
    }
}

impl<'a, T: WriteElement + 'a, D: Dimension> WriteData<'a> for CowArray<'a, T, D> {
    type Element = T;

    fn shape(&self) -> Vec<usize> {
        ArrayBase::shape(self).to_vec()
    }

    fn into_data(self, _: &[usize]) -> Result<Data<'a, T>> {
        Ok(Data::Array(self.into_dyn()))
    }
}

impl<'a, T: WriteElement + 'a, S: ndarray::Data<Elem = T>, D: Dimension> WriteData<'a>
    for &'a ArrayBase<S, D>
{
    type Element = T;

    fn shape(&self) -> Vec<usize> {
        (**self).shape().to_vec()
    }

    fn into_data(self, _: &[usize]) -> Result<Data<'a, T>> {
        Ok(Data::Array(self.view().into_dyn().into()))
    }
}

impl<'a, T: WriteElement + 'a> WriteData<'a> for &'a [T] {
    type Element = T;

    fn shape(&self) -> Vec<usize> {
        vec![self.len()]
    }

    fn into_data(self, shape: &[usize]) -> Result<Data<'a, T>> {
        (shape, self).into_data(shape)
    }
}

impl<'a, T: WriteElement + 'a> WriteData<'a> for &'a Vec<T> {
    type Element = T;

    fn shape(&self) -> Vec<usize> {
        vec![self.len()]
    }

    fn into_data(self, shape: &[usize]) -> Result<Data<'a, T>> {
        self.as_slice().into_data(shape)
    }
}

impl<'a, T: WriteElement + 'a, const N: usize> WriteData<'a> for &'a [T; N] {
    type Element = T;

    fn shape(&self) -> Vec<usize> {
        vec![N]
    }

    fn into_data(self, shape: &[usize]) -> Result<Data<'a, T>> {
        self.as_slice().into_data(shape)
    }
}

/// A shape, and a slice with that number of elements in C order.
impl<'a, T: WriteElement + 'a, S: AsRef<[usize]>> WriteData<'a> for (S, &'a [T]) {
    type Element = T;

    fn shape(&self) -> Vec<usize> {
        self.0.as_ref().to_vec()
    }

    fn into_data(self, _: &[usize]) -> Result<Data<'a, T>> {
        let (shape, elements) = (self.0.as_ref(), self.1);
        let mismatch = || Error::Shape {
            found: vec![elements.len()],
            expected: shape.to_vec(),
        };
        let len = shape
            .iter()
            .try_fold(1, |len: usize, &next| len.checked_mul(next));
        if len != Some(elements.len()) {
            return Err(mismatch());
        }
        let view = ArrayView::from_shape(IxDyn(shape), elements);
        Ok(Data::Array(view.map_err(|_| mismatch())?.into()))
    }
}

impl<'a, T: WriteElement + 'a> WriteData<'a> for T {
    type Element = T;

    fn shape(&self) -> Vec<usize> {
        Vec::new()
    }

    fn into_data(self, _: &[usize]) -> Result<Data<'a, T>> {
        Ok(Data::Array(arr0(self).into_dyn().into()))
    }
}
