//! Data types: what one element is in memory, how its bytes are ordered, and how its fill value is written (core
//! specification, "Data types").
//!
//! `core` has the types of the core specification, `fill_value` their JSON forms, `element` the Rust types that hold them.

mod core;
mod element;
mod fill_value;
mod variable;

use std::fmt;
use std::sync::Arc;

use serde_json::value::RawValue;

pub use element::{Element, element_bytes};
pub use fill_value::FillValue;

pub(crate) use self::core::{CORE_NAMES, bind_core};
pub(crate) use self::variable::{bind_bytes, bind_string};

use crate::error::Result;
use crate::extension::Extension;

/// The size of one element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ItemSize {
    /// This many bytes.
    Fixed(usize),
    /// As many as each element needs: strings and byte strings.
    Variable,
}

/// What the bytes of an element mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DataTypeKind {
    /// One byte, 0 or 1.
    Bool,
    /// A signed integer in two's complement.
    Int,
    /// An unsigned integer.
    UInt,
    /// An IEEE 754 binary number.
    Float,
    /// Real and imaginary part, each a float of half the item size.
    Complex,
    /// Bytes without meaning.
    Raw,
    /// UTF-8 of any length.
    String,
    /// Bytes of any number.
    Bytes,
}

/// How a fill value is read from and written to JSON.
#[derive(Clone, Copy)]
pub struct FillRules {
    /// Reads the fill value of a data type.
    pub read: fn(&DataType, &RawValue) -> Result<FillValue>,
    /// Writes it as JSON text.
    pub write: fn(&DataType, &FillValue) -> String,
}

/// Everything about a data type, for [`DataType::new`].
pub struct DataTypeParts {
    /// Name and configuration as written.
    pub extension: Extension,
    /// The size of an element in memory.
    pub item_size: ItemSize,
    /// Bytes of an element are reversed in groups of this many where the byte order is foreign; 1 where order has no meaning.
    pub swap_size: usize,
    /// What the bytes mean.
    pub kind: DataTypeKind,
    /// The JSON forms of fill values.
    pub fill: FillRules,
}

/// A data type, bound: cheap to clone.
#[derive(Clone)]
pub struct DataType(Arc<DataTypeParts>);

impl DataType {
    /// A data type of these parts; registries call this.
    #[must_use]
    pub fn new(parts: DataTypeParts) -> Self {
        Self(Arc::new(parts))
    }

    /// The name, such as `uint16`.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.extension.name()
    }

    /// Name and configuration as written in metadata.
    #[must_use]
    pub fn extension(&self) -> &Extension {
        &self.0.extension
    }

    /// The size of one element in memory.
    #[must_use]
    pub fn item_size(&self) -> ItemSize {
        self.0.item_size
    }

    /// The size of one element in bytes, where all have the same.
    #[must_use]
    pub fn fixed_size(&self) -> Option<usize> {
        match self.0.item_size {
            ItemSize::Fixed(size) => Some(size),
            ItemSize::Variable => None,
        }
    }

    /// The group of bytes, in bytes, that a foreign byte order reverses: 1 where order has no meaning, half the item size for
    /// complex numbers.
    #[must_use]
    pub fn swap_size(&self) -> usize {
        self.0.swap_size
    }

    /// What the bytes mean.
    #[must_use]
    pub fn kind(&self) -> DataTypeKind {
        self.0.kind
    }

    /// Reads a fill value of this type.
    ///
    /// # Errors
    /// [`crate::Error::FillValue`] where the type has no such value.
    pub fn parse_fill_value(&self, value: &RawValue) -> Result<FillValue> {
        (self.0.fill.read)(self, value)
    }

    /// A fill value of this type as JSON text.
    #[must_use]
    pub fn fill_value_to_json(&self, fill_value: &FillValue) -> String {
        (self.0.fill.write)(self, fill_value)
    }

    /// The fill value with all bytes zero.
    #[must_use]
    pub fn zero(&self) -> FillValue {
        FillValue::new(vec![0; self.fixed_size().unwrap_or(0)])
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
