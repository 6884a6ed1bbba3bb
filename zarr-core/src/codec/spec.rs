//! What a codec is bound to, and the data it is given.

use std::sync::Arc;

use crate::data_type::{DataType, FillValue};
use crate::error::{Error, Result};
use crate::size::{byte_size, product};

/// What a codec receives on encoding: shape, data type and fill value.
#[derive(Clone, Debug, PartialEq)]
pub struct ChunkSpec {
    /// Elements per dimension.
    pub shape: Arc<[u64]>,
    /// The type of the elements.
    pub data_type: DataType,
    /// The value of elements that are not stored.
    pub fill_value: FillValue,
}

impl ChunkSpec {
    /// The number of elements.
    ///
    /// # Errors
    /// [`Error::TooLarge`] where it does not fit 64 bits.
    pub fn elements(&self) -> Result<u64> {
        product(&self.shape)
    }

    /// The size of one element in bytes; 0 for types of variable size.
    #[must_use]
    pub fn item_size(&self) -> usize {
        self.data_type.fixed_size().unwrap_or(0)
    }

    /// The size of the elements in bytes, at most `limit`; `None` for types of variable size.
    ///
    /// # Errors
    /// [`Error::TooLarge`] where it is over the limit.
    pub fn decoded_size(&self, limit: u64) -> Result<Option<usize>> {
        match self.data_type.fixed_size() {
            Some(size) => byte_size("decoded chunk", &self.shape, size, limit).map(Some),
            None => Ok(None),
        }
    }
}

/// The size in bytes of what a codec yields, known when it is bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EncodedSize {
    /// Always this many.
    Exact(usize),
    /// Never more than this many.
    AtMost(usize),
}

impl EncodedSize {
    /// The most bytes it can be.
    #[must_use]
    pub fn max(self) -> usize {
        match self {
            Self::Exact(size) | Self::AtMost(size) => size,
        }
    }

    /// The size, where it is always the same.
    #[must_use]
    pub fn exact(self) -> Option<usize> {
        match self {
            Self::Exact(size) => Some(size),
            Self::AtMost(_) => None,
        }
    }

    /// Checks the size of encoded or decoded bytes against this one.
    ///
    /// # Errors
    /// [`Error::Size`] with both figures.
    pub fn check(self, what: &'static str, found: usize) -> Result<()> {
        match self {
            Self::Exact(size) if found != size => Err(Error::size(what, found, size)),
            Self::AtMost(size) if found > size => {
                Err(Error::size(what, found, format_args!("at most {size}")))
            }
            _ => Ok(()),
        }
    }
}

/// The elements of a chunk, in C order and this machine's byte order.
#[derive(Clone, Debug, PartialEq)]
pub enum ChunkData {
    /// Elements of one size, one after the other.
    Fixed(Vec<u8>),
    /// Elements of any size: element `i` is `bytes[offsets[i]..offsets[i + 1]]`.
    Variable {
        /// One offset more than there are elements, ascending, the first 0.
        offsets: Vec<usize>,
        /// The bytes of all elements.
        bytes: Vec<u8>,
    },
}

impl ChunkData {
    /// The bytes of elements of one size.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for elements of any size.
    pub fn fixed(&self) -> Result<&[u8]> {
        match self {
            Self::Fixed(bytes) => Ok(bytes),
            Self::Variable { .. } => Err(Error::Unsupported {
                what: "variable-length elements where elements of one size are due".to_owned(),
            }),
        }
    }
}
