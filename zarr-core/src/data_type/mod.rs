//! Data types: the size and byte order of an element in memory, and the JSON form of its fill value
//! (core specification, "Data types").
//!
//! `core` has the types of the core specification, `fill_value` and `float` their JSON forms,
//! `float_format` the meaning of the bits of floats, `element` the Rust types of elements,
//! `respell` the fill values as other libraries spell them. `registered` lists the fixed-size types
//! registered by others, one family per file (`registered_float` has the floats); `variable` has the variable-size types.

mod core;
mod element;
mod fill_value;
mod fixed_length;
mod float;
mod float_format;
mod optional;
mod registered;
mod registered_float;
mod respell;
mod small_int;
mod structs;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod time;
mod variable;

use std::fmt;
use std::sync::Arc;

use serde_json::value::RawValue;

pub use element::{Element, element_bytes, element_from_bytes};
pub use fill_value::FillValue;
pub use float_format::FloatFormat;

pub(crate) use self::core::{CORE_NAMES, bind_core};
pub(crate) use self::variable::{bind_bytes, bind_string};

use crate::byte_order::swap_bytes;
use crate::error::{Error, Result};
use crate::extension::Extension;

/// The largest element, in bytes, of types whose fill value in metadata may be shorter than the
/// element.
const MAX_PADDED_SIZE: usize = 1 << 24;

/// The size of one element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ItemSize {
    /// A fixed number of bytes.
    Fixed(usize),
    /// A number of bytes that differs between elements: strings and byte strings.
    Variable,
}

/// The meaning of the bytes of an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DataTypeKind {
    /// One byte, 0 or 1.
    Bool,
    /// A signed integer in two's complement of the item size; `int2` and `int4` use fewer bits.
    Int,
    /// An unsigned integer of the item size; `uint2` and `uint4` use fewer bits.
    UInt,
    /// An IEEE 754 binary number of 16, 32 or 64 bits.
    Float,
    /// A real and an imaginary part, each a [`Self::Float`] of 32 or 64 bits.
    Complex,
    /// Uninterpreted bytes.
    Raw,
    /// A float of any other format, such as `bfloat16`.
    NarrowFloat,
    /// A real and an imaginary part, each a float of 16 bits or less.
    NarrowComplex,
    /// A signed 64-bit count of a unit of time; the smallest value means "not a time".
    Time,
    /// Unicode code points of 32 bits, a fixed number for each element, padded with zeros at the
    /// end.
    Text,
    /// A fixed number of bytes for each element, padded with zeros at the end.
    NullTerminated,
    /// Fields of several data types, back to back.
    Struct,
    /// An element of the type of the first field, or none: the last byte is 1 or 0.
    Optional,
    /// A UTF-8 string of any length.
    String,
    /// A byte string of any length.
    Bytes,
}

/// The JSON form of fill values: how to read and write them.
#[derive(Clone, Copy)]
pub struct FillRules {
    /// Parses the fill value of a data type from JSON.
    pub read: fn(&DataType, &RawValue) -> Result<FillValue>,
    /// Writes the fill value of a data type as JSON text.
    pub write: fn(&DataType, &FillValue) -> String,
}

/// A function that normalises elements in this machine's byte order: rejects elements that are not
/// values of the data type, and sets don't-care bits to their fixed value in memory. Idempotent.
pub type Admit = fn(&DataType, &mut [u8]) -> Result<()>;

/// A named part of each element of a struct.
#[derive(Clone, Debug)]
pub struct Field {
    /// The name.
    pub name: String,
    /// The data type, which has a fixed size.
    pub data_type: DataType,
}

/// All properties of a data type, for [`DataType::new`].
pub struct DataTypeParts {
    /// The name and configuration as written in metadata.
    pub extension: Extension,
    /// The size of an element in memory.
    pub item_size: ItemSize,
    /// The size of the groups in which a change of byte order reverses the bytes of an element: 1
    /// if byte order has no meaning, the largest of its fields for a struct.
    pub swap_size: usize,
    /// The meaning of the bytes.
    pub kind: DataTypeKind,
    /// The JSON forms of fill values.
    pub fill: FillRules,
    /// The fields of a struct, whose sizes add up to the item size; value and presence of an
    /// optional type; empty for all other types.
    pub fields: Vec<Field>,
    /// The function that normalises elements from outside; `None` if all bytes are valid elements.
    pub admit: Option<Admit>,
}

/// A bound data type; cheap to clone.
#[derive(Clone)]
pub struct DataType(Arc<DataTypeParts>);

impl DataType {
    /// Creates a data type from its properties; registries call this function.
    #[must_use]
    pub fn new(parts: DataTypeParts) -> Self {
        Self(Arc::new(parts))
    }

    /// The name, such as `uint16`.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.extension.name()
    }

    /// The name and configuration as written in metadata.
    #[must_use]
    pub fn extension(&self) -> &Extension {
        &self.0.extension
    }

    /// The size of one element in memory.
    #[must_use]
    pub fn item_size(&self) -> ItemSize {
        self.0.item_size
    }

    /// The size of one element in bytes; `None` for types of variable size.
    #[must_use]
    pub fn fixed_size(&self) -> Option<usize> {
        match self.0.item_size {
            ItemSize::Fixed(size) => Some(size),
            ItemSize::Variable => None,
        }
    }

    /// The size in bytes of the slot that an element has in the memory of a read or write: 8 for
    /// the place or number of a variable-size element.
    #[must_use]
    pub fn slot_size(&self) -> usize {
        self.fixed_size().unwrap_or(size_of::<u64>())
    }

    /// The size in bytes of the groups that a change of byte order reverses: 1 if byte order has no
    /// meaning, half the item size for complex numbers, the largest of its fields for a struct (see
    /// [`Self::swap_bytes`]).
    #[must_use]
    pub fn swap_size(&self) -> usize {
        self.0.swap_size
    }

    /// The meaning of the bytes.
    #[must_use]
    pub fn kind(&self) -> DataTypeKind {
        self.0.kind
    }

    /// The fields of a struct, in order; value and presence of an optional type; empty for all
    /// other types.
    #[must_use]
    pub fn fields(&self) -> &[Field] {
        &self.0.fields
    }

    /// Converts elements from one byte order to the other.
    pub fn swap_bytes(&self, elements: &mut [u8]) {
        if self.0.fields.is_empty() {
            return swap_bytes(elements, self.0.swap_size);
        }
        let swapped = self.for_each_field(elements, |field, bytes| {
            field.data_type.swap_bytes(bytes);
            Ok(())
        });
        debug_assert!(swapped.is_ok());
    }

    /// Calls `visit` with the bytes of each field of each element of a struct.
    fn for_each_field(
        &self,
        elements: &mut [u8],
        mut visit: impl FnMut(&Field, &mut [u8]) -> Result<()>,
    ) -> Result<()> {
        let size = self.fixed_size().unwrap_or(0).max(1);
        for mut element in elements.chunks_exact_mut(size) {
            for field in &self.0.fields {
                let size = field.data_type.fixed_size().unwrap_or(0);
                let Some((bytes, rest)) = element.split_at_mut_checked(size) else {
                    break;
                };
                visit(field, bytes)?;
                element = rest;
            }
        }
        Ok(())
    }

    /// Whether all bytes are valid elements of this type.
    pub(crate) fn admits_all(&self) -> bool {
        self.0.admit.is_none()
    }

    /// Normalises stored elements, in this machine's byte order, to their form in memory: see
    /// [`Admit`].
    ///
    /// # Errors
    /// [`Error::Invalid`] with the first element that is not a value of the type.
    pub fn admit(&self, elements: &mut [u8]) -> Result<()> {
        match self.0.admit {
            Some(admit) => admit(self, elements),
            None => Ok(()),
        }
    }

    /// Rejects elements that are not in their form in memory: see [`Admit`].
    ///
    /// # Errors
    /// [`Error::Invalid`] with the defect.
    pub(crate) fn check(&self, elements: &[u8]) -> Result<()> {
        if self.admits_all() {
            return Ok(());
        }
        // Parts of this size stay in the cache.
        let size = self.fixed_size().unwrap_or(0).max(1);
        let mut admitted = Vec::new();
        for part in elements.chunks(size * (16384 / size).max(1)) {
            admitted.clear();
            admitted.extend_from_slice(part);
            self.admit(&mut admitted)?;
            if admitted != part {
                let expected = format!("elements of data type {self}");
                return Err(Error::invalid(
                    "an element with bits that the data type does not use",
                    expected,
                ));
            }
        }
        Ok(())
    }

    /// Parses a fill value of this type.
    ///
    /// # Errors
    /// [`crate::Error::FillValue`] if the type has no such value.
    pub fn parse_fill_value(&self, value: &RawValue) -> Result<FillValue> {
        (self.0.fill.read)(self, value)
    }

    /// Formats a fill value of this type as JSON text.
    #[must_use]
    pub fn fill_value_to_json(&self, fill_value: &FillValue) -> String {
        (self.0.fill.write)(self, fill_value)
    }

    /// Returns the default fill value of a new array, as in zarr-python: "not a time" for times,
    /// else zero.
    #[must_use]
    pub fn default_fill_value(&self) -> FillValue {
        match self.0.kind {
            DataTypeKind::Time => FillValue::new(i64::MIN.to_ne_bytes().to_vec()),
            _ => self.zero(),
        }
    }

    /// Returns the fill value with all bytes zero.
    #[must_use]
    pub fn zero(&self) -> FillValue {
        let least = usize::from(self.0.kind == DataTypeKind::Optional);
        FillValue::new(vec![0; self.fixed_size().unwrap_or(least)])
    }
}

impl PartialEq for DataType {
    fn eq(&self, other: &Self) -> bool {
        self.0.extension == other.0.extension
    }
}

impl fmt::Debug for DataType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DataType({})", self.name())
    }
}

impl fmt::Display for DataType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
