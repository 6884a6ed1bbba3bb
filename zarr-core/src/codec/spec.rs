//! The chunk that a codec is bound to, and the data that it processes.

use std::sync::Arc;

use crate::data_type::{DataType, FillValue};
use crate::error::{Error, Result};
use crate::size::{byte_size, product, to_usize};

/// The input of a codec on encoding: shape, data type and fill value.
#[derive(Clone, Debug, PartialEq)]
pub struct ChunkSpec {
    /// The number of elements along each dimension.
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
    /// [`Error::TooLarge`] if the number does not fit 64 bits.
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
    /// [`Error::TooLarge`] if the size exceeds the limit.
    pub fn decoded_size(&self, limit: u64) -> Result<Option<usize>> {
        match self.data_type.fixed_size() {
            Some(size) => byte_size("decoded chunk", &self.shape, size, limit).map(Some),
            None => Ok(None),
        }
    }
}

/// The size in bytes of a codec's output, known when the codec is bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EncodedSize {
    /// Exactly this many bytes.
    Exact(usize),
    /// At most this many bytes.
    AtMost(usize),
}

impl EncodedSize {
    /// The largest possible size.
    #[must_use]
    pub fn max(self) -> usize {
        match self {
            Self::Exact(size) | Self::AtMost(size) => size,
        }
    }

    /// The size, if it is always the same.
    #[must_use]
    pub fn exact(self) -> Option<usize> {
        match self {
            Self::Exact(size) => Some(size),
            Self::AtMost(_) => None,
        }
    }

    /// Checks that encoded or decoded bytes have this size.
    ///
    /// # Errors
    /// [`Error::Size`] with both sizes.
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
    /// Fixed-size elements, back to back.
    Fixed(Vec<u8>),
    /// Variable-size elements: element `i` is `bytes[offsets[i]..offsets[i + 1]]`.
    Variable {
        /// Offsets, one more than there are elements, ascending from 0.
        offsets: Vec<usize>,
        /// The bytes of all elements.
        bytes: Vec<u8>,
    },
}

impl ChunkData {
    /// Returns the bytes of fixed-size elements.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for variable-size elements.
    pub fn fixed(&self) -> Result<&[u8]> {
        match self {
            Self::Fixed(bytes) => Ok(bytes),
            Self::Variable { .. } => Err(Error::Unsupported {
                what: "variable-size elements where fixed-size elements are expected".to_owned(),
            }),
        }
    }
}

/// Elements of a chunk in transit between codecs and a buffer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StoredElements<'a> {
    /// The elements, in C order of the planned axes.
    pub(crate) bytes: &'a [u8],
    /// Whether the byte order of the elements differs from this machine's.
    pub(crate) foreign: bool,
}

/// Rejects offsets that do not divide `bytes` into `len` elements.
pub(super) fn check_offsets(offsets: &[usize], bytes: &[u8], len: u64) -> Result<()> {
    let complete = offsets.len().checked_sub(1) == Some(to_usize("chunk", len)?);
    let ascend = offsets.is_sorted() && offsets.first() == Some(&0);
    if !complete || !ascend || offsets.last() != Some(&bytes.len()) {
        return Err(Error::corrupt(
            "variable-length chunk",
            format!(
                "the offsets do not divide {} bytes into {len} elements",
                bytes.len()
            ),
        ));
    }
    Ok(())
}
