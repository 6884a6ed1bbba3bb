//! Checked arithmetic on shapes and sizes read from files.

use std::ops::Range;

use bytes::Bytes;

use crate::error::{Error, Result};

/// Returns the product of a shape.
///
/// # Errors
/// [`Error::TooLarge`] if the product does not fit 64 bits.
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

/// Converts `value` to a memory index.
///
/// # Errors
/// [`Error::TooLarge`] if `value` does not fit the address size of this machine.
pub fn to_usize(what: &'static str, value: u64) -> Result<usize> {
    usize::try_from(value).map_err(|_| Error::TooLarge {
        what,
        wanted: value.to_string(),
        limit: usize::MAX as u64,
    })
}

/// Returns the number of bytes of an array of `shape` with elements of `item_size` bytes, at most
/// `limit`.
///
/// # Errors
/// [`Error::TooLarge`] if the number of bytes exceeds `limit` or does not fit `usize`.
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

/// Converts `value` to a memory offset. A value that does not fit becomes `isize::MAX`, which lies
/// beyond all memory.
pub(crate) fn to_offset(value: u64) -> isize {
    isize::try_from(value).unwrap_or(isize::MAX)
}

/// Returns a byte range of a shard, without a copy.
pub(crate) fn slice(shard: &Bytes, range: &Range<u64>) -> Result<Bytes> {
    Ok(shard.slice(to_usize("shard", range.start)?..to_usize("shard", range.end)?))
}

/// Returns the strides of a C-order array of this shape, in bytes for items of `item_size` bytes. A
/// stride that does not fit becomes `isize::MAX`, which lies beyond all memory.
#[must_use]
pub fn c_strides<L: Copy>(shape: &[L], item_size: usize) -> Vec<isize>
where
    isize: TryFrom<L>,
{
    let mut next = item_size.cast_signed();
    let mut strides = vec![0; shape.len()];
    for (stride, &len) in strides.iter_mut().zip(shape).rev() {
        *stride = next;
        let len = isize::try_from(len).unwrap_or(isize::MAX);
        next = next.saturating_mul(len.max(1));
    }
    strides
}

/// Returns how many bytes the lowest element of a strided array lies below its first element, and
/// how many bytes the array spans. The array must lie in memory.
#[must_use]
pub fn span(shape: &[usize], strides: &[isize], item_size: usize) -> (usize, usize) {
    if shape.contains(&0) {
        return (0, 0);
    }
    let (mut below, mut above) = (0, 0);
    for (len, stride) in shape.iter().zip(strides) {
        let reach = (len - 1) * stride.unsigned_abs();
        match *stride < 0 {
            true => below += reach,
            false => above += reach,
        }
    }
    (below, below + above + item_size)
}

/// Returns the number of bytes in at least one of these ranges.
#[must_use]
pub fn used(mut ranges: Vec<Range<u64>>) -> u64 {
    ranges.sort_unstable_by_key(|range| range.start);
    let (mut end, mut used) = (0, 0);
    for range in ranges {
        used += range.end.saturating_sub(range.start.max(end));
        end = end.max(range.end);
    }
    used
}

/// Returns the position of a cell, in C order, of a grid with `counts` cells along each dimension.
pub(crate) fn position_of(cell: &[u64], counts: &[u64]) -> u64 {
    let axes = cell.iter().zip(counts);
    axes.fold(0, |position, (cell, count)| position * count + cell)
}

/// Returns the cell at a position, in C order, of a grid with `counts` cells along each dimension.
#[must_use]
pub fn cell_at(position: u64, counts: &[u64]) -> Vec<u64> {
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
        assert_eq!(position_of(&[1, 0, 1], &[2, 3, 2]), 7);
        assert_eq!(cell_at(0, &[]), [0; 0]);
    }
}
