//! The Rust types of array elements, and the only place where elements become bytes.

use half::{bf16, f16};
use num_complex::Complex;

use super::{DataType, DataTypeKind};
use crate::error::{Error, Result};

/// A Rust type that holds elements of a data type, byte for byte.
///
/// # Safety
/// The type has no padding. It is valid for all bytes that [`Self::are_elements`] accepts, for all
/// elements of the data types that [`Self::holds`] accepts, and for zeros.
pub unsafe trait Element: Copy + Send + Sync + 'static {
    /// The name of the Rust type, for messages.
    const NAME: &'static str;

    /// Whether this type holds the elements of a data type.
    fn holds(data_type: &DataType) -> bool;

    /// Whether `bytes` are valid elements of this type. True for any bytes, except for `bool`.
    fn are_elements(bytes: &[u8]) -> bool {
        let _ = bytes;
        true
    }

    /// Checks that this type holds the elements of a data type ([`Self::holds`]).
    ///
    /// # Errors
    /// [`Error::ElementType`] if it does not.
    fn expect(data_type: &DataType) -> Result<()> {
        if Self::holds(data_type) {
            return Ok(());
        }
        Err(Error::ElementType {
            data_type: data_type.name().to_owned(),
            element: Self::NAME,
        })
    }
}

/// Implements `Element` for a Rust type and the named data types that it holds: a macro, because
/// there are many such types, all alike.
macro_rules! element {
    ($($rust:ty => $($name:literal)|+),* $(,)?) => {$(
        // SAFETY: plain numbers without padding, valid for any bytes.
        unsafe impl Element for $rust {
            const NAME: &'static str = stringify!($rust);
            fn holds(data_type: &DataType) -> bool {
                data_type.fixed_size() == Some(size_of::<$rust>())
                    && matches!(data_type.name(), $($name)|+)
            }
        }
    )*};
}

// SAFETY: 0 and 1 are the valid bytes. Jobs reject other bytes for every data type of this kind
// (`ChunkJob::run`), whichever code registered it.
unsafe impl Element for bool {
    const NAME: &'static str = "bool";

    fn holds(data_type: &DataType) -> bool {
        data_type.kind() == DataTypeKind::Bool && data_type.fixed_size() == Some(1)
    }

    fn are_elements(bytes: &[u8]) -> bool {
        bytes.iter().all(|&byte| byte <= 1)
    }
}

element! {
    i8 => "int8" | "int4" | "int2",
    i16 => "int16",
    i32 => "int32",
    i64 => "int64" | "numpy.datetime64" | "numpy.timedelta64",
    u8 => "uint8" | "uint4" | "uint2",
    u16 => "uint16",
    u32 => "uint32",
    u64 => "uint64",
    f16 => "float16",
    bf16 => "bfloat16",
    f32 => "float32",
    f64 => "float64",
    Complex<f16> => "complex_float16",
    Complex<bf16> => "complex_bfloat16",
    Complex<f32> => "complex64" | "complex_float32",
    Complex<f64> => "complex128" | "complex_float64",
}

/// The bytes of elements without a Rust type of their own, in this machine's byte order.
// SAFETY: byte arrays have no padding and no invalid patterns.
unsafe impl<const N: usize> Element for [u8; N] {
    const NAME: &'static str = "[u8; N]";

    fn holds(data_type: &DataType) -> bool {
        use DataTypeKind::{
            NarrowComplex, NarrowFloat, NullTerminated, Optional, Raw, Struct, Text,
        };
        let bytes = matches!(
            data_type.kind(),
            Raw | NullTerminated | Text | Struct | Optional | NarrowFloat | NarrowComplex
        );
        bytes && data_type.fixed_size() == Some(N)
    }
}

/// Returns the bytes of elements, in this machine's byte order.
#[must_use]
pub fn element_bytes<T: Element>(elements: &[T]) -> &[u8] {
    // SAFETY: an `Element` has no padding, so every byte is initialised; the length is that of the
    // slice.
    unsafe { std::slice::from_raw_parts(elements.as_ptr().cast(), size_of_val(elements)) }
}

/// Returns the element with these bytes, in this machine's byte order; `None` if they are not a
/// valid element.
#[must_use]
pub fn element_from_bytes<T: Element>(bytes: &[u8]) -> Option<T> {
    if bytes.len() != size_of::<T>() || !T::are_elements(bytes) {
        return None;
    }
    // SAFETY: the number of bytes matches the type, and the bytes are a valid element, as checked
    // above.
    Some(unsafe { bytes.as_ptr().cast::<T>().read_unaligned() })
}
