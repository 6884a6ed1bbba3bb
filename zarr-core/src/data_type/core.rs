//! The data types of the core specification: bool, integers, floats, complex numbers and raw bits
//! `r*`.

use super::fill_value::{self, FillValue, INTEGER};
use super::float::{COMPLEX, FLOAT};
use super::{DataType, DataTypeKind, DataTypeParts, FillRules, ItemSize};
use crate::error::{Error, Result};
use crate::extension::Extension;

/// The names of the core data types; `r*` stands for raw bits of any multiple of eight.
pub(crate) const CORE_NAMES: [&str; 15] = [
    "bool",
    "int8",
    "int16",
    "int32",
    "int64",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "float16",
    "float32",
    "float64",
    "complex64",
    "complex128",
    "r*",
];

/// The largest raw element: 2^31 bits.
const MAX_RAW_SIZE: usize = 1 << 28;

/// Binds a core data type; returns `None` for any other name.
pub(crate) fn bind_core(extension: &Extension) -> Result<Option<DataType>> {
    use DataTypeKind::{Bool, Complex, Float, Int, Raw, UInt};
    let (kind, size) = match extension.name() {
        "bool" => (Bool, 1),
        "int8" => (Int, 1),
        "int16" => (Int, 2),
        "int32" => (Int, 4),
        "int64" => (Int, 8),
        "uint8" => (UInt, 1),
        "uint16" => (UInt, 2),
        "uint32" => (UInt, 4),
        "uint64" => (UInt, 8),
        "float16" => (Float, 2),
        "float32" => (Float, 4),
        "float64" => (Float, 8),
        "complex64" => (Complex, 8),
        "complex128" => (Complex, 16),
        name => match raw_size(name)? {
            Some(size) => (Raw, size),
            None => return Ok(None),
        },
    };
    extension.expect_no_configuration()?;
    let swap_size = match kind {
        Int | UInt | Float => size,
        Complex => size / 2,
        _ => 1,
    };
    let fill = match kind {
        Bool => FillRules {
            read: fill_value::read_bool,
            write: fill_value::write_bool,
        },
        Int | UInt => INTEGER,
        Float => FLOAT,
        Complex => COMPLEX,
        _ => FillRules {
            read: fill_value::read_raw,
            write: fill_value::write_raw,
        },
    };
    Ok(Some(DataType::new(DataTypeParts {
        extension: Extension::new(extension.name()),
        item_size: ItemSize::Fixed(size),
        swap_size,
        kind,
        fill,
        fields: Vec::new(),
        admit: (kind == Bool).then_some(check_bools),
    })))
}

/// Rejects bools other than 0 and 1.
fn check_bools(_: &DataType, elements: &mut [u8]) -> Result<()> {
    // Combines all bytes first: a loop that stops at the first bad byte handles one byte at a time.
    let bits = elements.iter().fold(0, |bits, byte| bits | byte);
    if bits <= 1 {
        return Ok(());
    }
    let byte = elements.iter().find(|&&byte| byte > 1).unwrap_or(&bits);
    Err(Error::invalid(format!("byte {byte}"), "0 or 1 for a bool"))
}

/// Returns the size in bytes of `r<bits>`; `None` if the name does not have that form.
fn raw_size(name: &str) -> Result<Option<usize>> {
    let Some(digits) = name
        .strip_prefix('r')
        .filter(|d| d.starts_with(|c: char| c.is_ascii_digit()))
    else {
        return Ok(None);
    };
    let bits = digits
        .parse::<usize>()
        .ok()
        .filter(|bits| !digits.starts_with('0') && bits % 8 == 0 && bits / 8 <= MAX_RAW_SIZE);
    match bits {
        Some(bits) => Ok(Some(bits / 8)),
        None => Err(Error::invalid(
            format!("{name:?}"),
            "r followed by a number of bits, a multiple of 8 from 8 to 2147483648",
        )),
    }
}

impl DataType {
    /// Returns a core data type by name, for code that needs a specific one.
    ///
    /// # Errors
    /// [`Error::UnknownExtension`] if no core data type has that name.
    pub fn core(name: &str) -> Result<Self> {
        bind_core(&Extension::new(name))?.ok_or_else(|| Error::UnknownExtension {
            point: "data type",
            name: name.to_owned(),
            registered: CORE_NAMES.join(", "),
        })
    }

    /// Returns the fill value that holds this element.
    ///
    /// # Errors
    /// [`Error::ElementType`] if the Rust type does not hold the data type.
    pub fn fill_value_of<T: super::Element>(&self, value: T) -> Result<FillValue> {
        T::expect(self)?;
        Ok(FillValue::new(super::element_bytes(&[value]).to_vec()))
    }
}
