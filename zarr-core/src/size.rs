//! Checked arithmetic on shapes and sizes that come from files.

use std::ops::Range;

use bytes::Bytes;

use crate::error::{Error, Result};

/// The product of a shape, or an error where it does not fit 64 bits.
///
/// # Errors
/// [`Error::TooLarge`] where the product overflows.
pub fn product(shape: &[u64]) -> Result<u64> {
    if shape.contains(&0) {
        return Ok(0);
    }
    shape
        .iter()
        .try_fold(1_u64, |product, &len| product.checked_mul(len))
        .ok_or_else(|| Error::TooLarge {
            what: "number of elements",
            wanted: format!("{shape:?}"),
            limit: u64::MAX,
        })
}

/// `value` as an index of memory.
///
/// # Errors
/// [`Error::TooLarge`] where this machine's addresses are too short.
pub fn to_usize(what: &'static str, value: u64) -> Result<usize> {
    usize::try_from(value).map_err(|_| Error::TooLarge {
        what,
        wanted: value.to_string(),
        limit: usize::MAX as u64,
    })
}

/// The number of bytes of `shape` elements of `item_size` bytes, at most `limit`.
///
/// # Errors
/// [`Error::TooLarge`] where there are more.
pub fn byte_size(what: &'static str, shape: &[u64], item_size: usize, limit: u64) -> Result<usize> {
    let too_large = || Error::TooLarge {
        what,
        wanted: format!("{shape:?} elements of {item_size} bytes"),
        limit,
    };
    let len = product(shape).map_err(|_| too_large())?;
    let size = len.checked_mul(item_size as u64).ok_or_else(too_large)?;
    if size > limit {
        return Err(too_large());
    }
    usize::try_from(size).map_err(|_| too_large())
}

/// `value` as an offset in memory; what does not fit is further than any memory reaches.
pub(crate) fn to_offset(value: u64) -> isize {
    isize::try_from(value).unwrap_or(isize::MAX)
}

/// A part of the bytes of a shard, without a copy.
pub(crate) fn slice(shard: &Bytes, range: &Range<u64>) -> Result<Bytes> {
    Ok(shard.slice(to_usize("shard", range.start)?..to_usize("shard", range.end)?))
}

/// Strides of a C-order array of this shape, in elements.
#[must_use]
pub fn c_strides(shape: &[u64]) -> Vec<u64> {
    let mut strides = vec![1; shape.len()];
    for axis in (0..shape.len().saturating_sub(1)).rev() {
        strides[axis] = strides[axis + 1] * shape[axis + 1].max(1);
    }
    strides
}

/// The cell at a position, in C order, of a grid with so many cells along each dimension.
pub(crate) fn cell_at(position: u64, counts: &[u64]) -> Vec<u64> {
    let (mut rest, mut cell) = (position, vec![0; counts.len()]);
    for (index, &count) in cell.iter_mut().zip(counts).rev() {
        *index = rest % count.max(1);
        rest /= count.max(1);
    }
    cell
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_found_by_position() {
        assert_eq!(cell_at(7, &[2, 3, 2]), [1, 0, 1]);
        assert_eq!(cell_at(0, &[]), [0; 0]);
    }
}
