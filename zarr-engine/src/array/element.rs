//! The Rust types of elements that are read and written.

use half::{bf16, f16};
use num_complex::Complex;
use zarr_core::{DataType, DataTypeKind, Element, Input, Output};

use crate::error::{Error, Result};

/// Proof that a type is an [`Element`], stored byte for byte: its elements are read and written
/// without conversion.
pub struct Plain<T> {
    pub(crate) zeroed: fn(usize) -> zarr_core::Result<Output>,
    pub(crate) into_vec: fn(Output, usize) -> Result<Vec<T>, Output>,
    pub(crate) from_vec: fn(Vec<T>, usize) -> Input,
}

impl<T: Element> Plain<T> {
    /// Returns the proof for a type that is an [`Element`].
    #[must_use]
    #[expect(clippy::new_without_default, reason = "a proof, not a value")]
    pub fn new() -> Self {
        Self {
            zeroed: Output::zeroed::<T>,
            into_vec: Output::into_vec::<T>,
            from_vec: Input::from_vec::<T>,
        }
    }
}

/// A Rust type whose values can be written as elements: numbers, `bool`, [`half`](crate::half) and
/// [`complex`](crate::num_complex) numbers, `String` and `&str` for the data type `string`,
/// `Vec<u8>` for `bytes`, `Option` of any of them for `optional`, and `[u8; N]` for elements of `N`
/// bytes such as structs.
///
/// [`plain_elements`](crate::plain_elements) implements the traits for a custom [`Element`]:
///
/// ```
/// use zarr_engine::{DataType, Element};
///
/// #[derive(Clone, Copy, Debug, PartialEq)]
/// #[repr(C)]
/// struct Rgb([u8; 3]);
///
/// // SAFETY: three bytes, without padding, and any bytes are a colour.
/// unsafe impl Element for Rgb {
///     const NAME: &'static str = "Rgb";
///     fn holds(data_type: &DataType) -> bool {
///         data_type.name() == "r24"
///     }
/// }
/// zarr_engine::plain_elements!(Rgb);
///
/// let hierarchy = zarr_engine::blocking::open("memory:")?;
/// let metadata = zarr_engine::ArrayBuilder::new(&[2, 2], "r24").build()?;
/// let image = hierarchy.create_array("image", metadata)?;
/// image.write((0, 1), Rgb([255, 128, 0]))?;
/// assert_eq!(image.read::<Rgb>((0, ..))?.as_slice(), Some(&[Rgb([0; 3]), Rgb([255, 128, 0])][..]));
/// # Ok::<(), zarr_engine::Error>(())
/// ```
pub trait WriteElement: Clone + Send + Sync {
    /// Returns whether this type can hold the elements of a data type.
    fn holds(data_type: &DataType) -> bool;

    /// Appends the bytes of the element in native byte order.
    fn push_bytes(&self, data_type: &DataType, bytes: &mut Vec<u8>);

    /// Returns the proof that values of this type are stored byte for byte, or `None` for types
    /// that need conversion.
    #[must_use]
    fn plain() -> Option<Plain<Self>> {
        None
    }
}

/// A Rust type that elements can be read into: every [`WriteElement`] type except `&str`.
pub trait ReadElement: WriteElement + 'static {
    /// Converts native-endian bytes into an element.
    ///
    /// # Errors
    /// A description of the bytes, if they are not an element of this type.
    fn from_bytes(data_type: &DataType, bytes: &[u8]) -> Result<Self, &'static str>;
}

/// The elements of [`Elements`](crate::Elements), whose data type is known at run time only; no
/// values exist.
#[derive(Clone, Debug)]
#[expect(unnameable_types, reason = "only this crate implements the traits")]
pub enum AnyElement {}

impl WriteElement for AnyElement {
    fn holds(_: &DataType) -> bool {
        true
    }

    fn push_bytes(&self, _: &DataType, _: &mut Vec<u8>) {
        match *self {}
    }
}

impl ReadElement for AnyElement {
    fn from_bytes(_: &DataType, _: &[u8]) -> Result<Self, &'static str> {
        Err("elements of a type known at run time are not converted")
    }
}

/// Checks that a Rust type can hold the elements of a data type.
pub(crate) fn expect<T: WriteElement>(data_type: &DataType) -> Result<()> {
    if T::holds(data_type) {
        return Ok(());
    }
    Err(Error::Core(zarr_core::Error::ElementType {
        data_type: data_type.name().to_owned(),
        element: std::any::type_name::<T>(),
    }))
}

/// Returns the error for elements of an array of another data type.
pub(crate) fn other_elements(data_type: &DataType) -> zarr_core::Error {
    let data_type = data_type.name().to_owned();
    let element = "elements of an array of another data type";
    zarr_core::Error::ElementType { data_type, element }
}

/// Returns the proof that a type is stored byte for byte, if the data type has the size of the
/// type.
pub(crate) fn plain<T: WriteElement>(data_type: &DataType) -> Option<Plain<T>> {
    T::plain().filter(|_| data_type.fixed_size() == Some(size_of::<T>()))
}

/// Implements [`WriteElement`] and [`ReadElement`] for types that are [`Element`]s, stored byte for
/// byte. Generic parameters stand in braces before the type: `{const N: usize} [u8; N]`.
#[macro_export]
macro_rules! plain_elements {
    ($($({$($generics:tt)*})? $rust:ty),+ $(,)?) => {$(
        impl$(<$($generics)*>)? $crate::WriteElement for $rust {
            fn holds(data_type: &$crate::DataType) -> bool {
                <Self as $crate::Element>::holds(data_type)
            }

            fn push_bytes(&self, _: &$crate::DataType, bytes: &mut Vec<u8>) {
                bytes.extend_from_slice($crate::core::element_bytes(std::slice::from_ref(self)));
            }

            fn plain() -> Option<$crate::Plain<Self>> {
                Some($crate::Plain::new())
            }
        }

        impl$(<$($generics)*>)? $crate::ReadElement for $rust {
            fn from_bytes(_: &$crate::DataType, bytes: &[u8]) -> Result<Self, &'static str> {
                let element = $crate::core::element_from_bytes(bytes);
                element.ok_or("the bytes are not a value of this type")
            }
        }
    )+};
}

plain_elements! {
    bool, i8, i16, i32, i64, u8, u16, u32, u64, f16, bf16, f32, f64,
    Complex<f16>, Complex<bf16>, Complex<f32>, Complex<f64>, {const N: usize} [u8; N],
}

impl WriteElement for String {
    fn holds(data_type: &DataType) -> bool {
        data_type.kind() == DataTypeKind::String
    }

    fn push_bytes(&self, _: &DataType, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(self.as_bytes());
    }
}

impl ReadElement for String {
    fn from_bytes(_: &DataType, bytes: &[u8]) -> Result<Self, &'static str> {
        std::str::from_utf8(bytes)
            .map(str::to_owned)
            .map_err(|_| "the string is not UTF-8")
    }
}

impl WriteElement for &str {
    fn holds(data_type: &DataType) -> bool {
        String::holds(data_type)
    }

    fn push_bytes(&self, _: &DataType, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(self.as_bytes());
    }
}

/// Variable-size elements as raw bytes. An optional element, such as an optional string, ends with
/// its presence byte.
impl WriteElement for Vec<u8> {
    fn holds(data_type: &DataType) -> bool {
        let kinds = [DataTypeKind::Bytes, DataTypeKind::Optional];
        kinds.contains(&data_type.kind()) && data_type.fixed_size().is_none()
    }

    fn push_bytes(&self, _: &DataType, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(self);
    }
}

impl ReadElement for Vec<u8> {
    fn from_bytes(_: &DataType, bytes: &[u8]) -> Result<Self, &'static str> {
        Ok(bytes.to_vec())
    }
}

/// Returns the data type of the value of an optional element.
fn inner(data_type: &DataType) -> Option<&DataType> {
    let field = data_type.fields().first()?;
    (data_type.kind() == DataTypeKind::Optional).then_some(&field.data_type)
}

/// An optional element: the bytes of its value, then a presence byte.
impl<T: WriteElement> WriteElement for Option<T> {
    fn holds(data_type: &DataType) -> bool {
        inner(data_type).is_some_and(T::holds)
    }

    fn push_bytes(&self, data_type: &DataType, bytes: &mut Vec<u8>) {
        let start = bytes.len();
        if let (Some(value), Some(data_type)) = (self, inner(data_type)) {
            value.push_bytes(data_type, bytes);
        }
        if let Some(size) = data_type.fixed_size() {
            bytes.resize(start + size.saturating_sub(1), 0);
        }
        bytes.push(self.is_some().into());
    }
}

impl<T: ReadElement> ReadElement for Option<T> {
    fn from_bytes(data_type: &DataType, bytes: &[u8]) -> Result<Self, &'static str> {
        match (bytes.split_last(), inner(data_type)) {
            (Some((0, _)), _) => Ok(None),
            (Some((1, value)), Some(data_type)) => T::from_bytes(data_type, value).map(Some),
            _ => Err("the last byte is neither 0 (missing) nor 1 (a value)"),
        }
    }
}
