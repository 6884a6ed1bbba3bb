//! The values of numeric elements of any data type.

use half::f16;
use zarr_core::{DataType, DataTypeKind, FloatFormat};

/// The value of a numeric element.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub enum Number {
    /// An integer, or a boolean as 0 or 1.
    Int(i128),
    /// A float; NaN for "not a time".
    Float(f64),
}

impl Number {
    /// Returns the nearest `f64`.
    #[must_use]
    pub fn to_f64(self) -> f64 {
        match self {
            Self::Int(value) => value as f64,
            Self::Float(value) => value,
        }
    }

    /// Returns whether this is NaN or "not a time".
    #[must_use]
    pub fn is_nan(self) -> bool {
        matches!(self, Self::Float(value) if value.is_nan())
    }
}

/// Returns whether numbers can be converted to a data type.
pub(super) fn is_numeric(data_type: &DataType) -> bool {
    use DataTypeKind::{Bool, Complex, Float, Int, UInt};
    matches!(data_type.kind(), Bool | Complex | Float | Int | UInt)
}

/// Returns the two parts of a complex element.
pub(super) fn complex_in(data_type: &DataType, element: &[u8]) -> Option<[f64; 2]> {
    use DataTypeKind::{Complex, NarrowComplex};
    if !matches!(data_type.kind(), Complex | NarrowComplex) {
        return None;
    }
    let format = FloatFormat::named(match data_type.name() {
        "complex64" => "float32",
        "complex128" => "float64",
        name => name.strip_prefix("complex_")?,
    })?;
    let part = |bytes: &[u8]| {
        Some(format.number(match bytes.len() {
            1 => bytes[0].into(),
            2 => u16::from_ne_bytes(bytes.try_into().ok()?).into(),
            4 => u32::from_ne_bytes(bytes.try_into().ok()?).into(),
            _ => u64::from_ne_bytes(bytes.try_into().ok()?),
        }))
    };
    let (real, imaginary) = element.split_at_checked(element.len() / 2)?;
    Some([part(real)?, part(imaginary)?])
}

/// Appends a number as an element of a data type, or as one of the two parts of a complex element;
/// returns whether the type contains the number.
#[expect(
    clippy::cast_possible_truncation,
    reason = "casts of floats saturate, and floats are rounded"
)]
pub(super) fn push_number(data_type: &DataType, number: Number, bytes: &mut Vec<u8>) -> bool {
    use DataTypeKind::{Bool, Complex, Float, Int, UInt};
    macro_rules! integer {
        ($integer:ty) => {{
            let whole = match number {
                Number::Int(value) => Some(value),
                Number::Float(value) => (value.fract() == 0.0).then_some(value as i128),
            };
            let value = whole.and_then(|value| <$integer>::try_from(value).ok());
            value
                .map(|value| bytes.extend(value.to_ne_bytes()))
                .is_some()
        }};
    }
    let value = number.to_f64();
    match (data_type.kind(), data_type.fixed_size()) {
        (Bool, _) => {
            bytes.push(u8::from(value != 0.0));
            return !number.is_nan();
        }
        (Float, Some(2)) => bytes.extend(f16::from_f64(value).to_ne_bytes()),
        (Float, Some(4)) | (Complex, Some(8)) => bytes.extend((value as f32).to_ne_bytes()),
        (Float, Some(8)) | (Complex, Some(16)) => bytes.extend(value.to_ne_bytes()),
        (Int, Some(1)) => return integer!(i8),
        (Int, Some(2)) => return integer!(i16),
        (Int, Some(4)) => return integer!(i32),
        (Int, Some(8)) => return integer!(i64),
        (UInt, Some(1)) => return integer!(u8),
        (UInt, Some(2)) => return integer!(u16),
        (UInt, Some(4)) => return integer!(u32),
        (UInt, Some(8)) => return integer!(u64),
        _ => return false,
    }
    true
}

/// Calls `each` with the value of each element in `bytes`; returns whether elements of this data
/// type are numbers.
pub(super) fn numbers_in(data_type: &DataType, bytes: &[u8], mut each: impl FnMut(Number)) -> bool {
    use DataTypeKind::{Bool, Float, Int, NarrowFloat, Time, UInt};
    macro_rules! numbers {
        ($number:ty, $value:expr) => {{
            let value = $value;
            for element in bytes.as_chunks::<{ size_of::<$number>() }>().0 {
                each(value(<$number>::from_ne_bytes(*element)));
            }
        }};
    }
    match (data_type.kind(), data_type.fixed_size()) {
        (Bool | UInt, Some(1)) => numbers!(u8, |value| Number::Int(i128::from(value))),
        (UInt, Some(2)) => numbers!(u16, |value| Number::Int(i128::from(value))),
        (UInt, Some(4)) => numbers!(u32, |value| Number::Int(i128::from(value))),
        (UInt, Some(8)) => numbers!(u64, |value| Number::Int(i128::from(value))),
        (Int, Some(1)) => numbers!(i8, |value| Number::Int(i128::from(value))),
        (Int, Some(2)) => numbers!(i16, |value| Number::Int(i128::from(value))),
        (Int, Some(4)) => numbers!(i32, |value| Number::Int(i128::from(value))),
        (Int, Some(8)) => numbers!(i64, |value| Number::Int(i128::from(value))),
        (Time, Some(8)) => numbers!(i64, |value| match value {
            i64::MIN => Number::Float(f64::NAN),
            value => Number::Int(i128::from(value)),
        }),
        (Float, Some(2)) => numbers!(f16, |value: f16| Number::Float(value.to_f64())),
        (Float, Some(4)) => numbers!(f32, |value: f32| Number::Float(value.into())),
        (Float, Some(8)) => numbers!(f64, Number::Float),
        (NarrowFloat, Some(size)) => {
            let Some(format) = FloatFormat::named(data_type.name()) else {
                return false;
            };
            let number = |bits: u64| Number::Float(format.number(bits));
            match size {
                1 => numbers!(u8, |bits| number(u64::from(bits))),
                2 => numbers!(u16, |bits| number(u64::from(bits))),
                _ => return false,
            }
        }
        _ => return false,
    }
    true
}
