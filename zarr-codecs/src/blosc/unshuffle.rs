//! Undoes Blosc's shuffles: turns planes of bytes, or rows of bits, back into elements.
//!
//! Almost all the work is one step, `interleave`, which alternates the bytes of two halves.
//! Repeated once for each factor of two in the type size, the step joins all planes to elements.
//! Fixed-size tiles that fit the fastest cache let the compiler vectorise it.

#![expect(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "inner loops over lengths checked before"
)]

/// The number of 64-bit words of bits transposed at once.
const LANES: usize = 4;

/// The filter applied to a block before compression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Filter {
    None,
    /// All first bytes of the elements, then all second bytes, and so on.
    Bytes,
    /// All first bits of the elements, then all second bits, and so on.
    Bits,
}

/// The size of a tile in bytes.
const TILE: usize = 2048;

/// The size in bytes of each of a tile's eight rows.
const ROW_LEN: usize = TILE / 8;

/// Undoes `filter`, writing whole elements to `block`. Trailing bytes that do not fill an element
/// are copied unchanged.
///
/// `planes` is scratch space; if `filter` is `Filter::Bits`, it is as long as the block.
pub(super) fn unshuffle(
    filter: Filter,
    type_size: usize,
    shuffled: &[u8],
    planes: &mut [u8],
    block: &mut [u8],
) {
    let len = block.len() / type_size;
    let size = len * type_size;
    match filter {
        Filter::Bytes => join_bytes(type_size, &shuffled[..size], &mut block[..size]),
        // Eight elements share a byte of bits; Blosc shuffles no bits if the number of elements is
        // not a multiple of eight.
        Filter::Bits if len > 0 && len.is_multiple_of(8) => {
            if type_size == 1 {
                join_bits(len, &shuffled[..size], &mut block[..size]);
            } else {
                join_bits(len, &shuffled[..size], &mut planes[..size]);
                join_bytes(type_size, &planes[..size], &mut block[..size]);
            }
        }
        _ => block[..size].copy_from_slice(&shuffled[..size]),
    }
    block[size..].copy_from_slice(&shuffled[size..]);
}

/// Joins planes, each holding one byte of every element, into elements.
fn join_bytes(type_size: usize, planes: &[u8], elements: &mut [u8]) {
    let len = planes.len() / type_size;
    if len == 0 {
        return;
    }
    let planes: Vec<&[u8]> = planes.chunks_exact(len).collect();
    match type_size {
        1 => elements.copy_from_slice(planes[0]),
        2 | 4 | 8 | 16 | 32 => join_tiles(&planes, elements),
        _ => join_each(&planes, elements),
    }
}

/// Joins any number of planes, byte by byte.
fn join_each(planes: &[&[u8]], elements: &mut [u8]) {
    for (index, element) in elements.chunks_exact_mut(planes.len()).enumerate() {
        for (byte, plane) in element.iter_mut().zip(planes) {
            *byte = plane[index];
        }
    }
}

/// Joins planes, whose number is a power of two above 1.
fn join_tiles(planes: &[&[u8]], elements: &mut [u8]) {
    let (first, second) = planes.split_at(planes.len() / 2);
    let (mut from, mut to) = ([0; TILE], [0; TILE]);
    let count = TILE / planes.len();
    for (place, elements) in elements.chunks_mut(TILE).enumerate() {
        let tile = count * place..count * place + elements.len() / planes.len();
        if planes.len() == 2 {
            interleave(&first[0][tile.clone()], &second[0][tile], elements);
            continue;
        }
        let pairs = from.chunks_exact_mut(2 * tile.len());
        for ((pair, first), second) in pairs.zip(first).zip(second) {
            interleave(&first[tile.clone()], &second[tile.clone()], pair);
        }
        let (mut from, mut to) = (&mut from[..elements.len()], &mut to[..elements.len()]);
        for _ in 2..planes.len().trailing_zeros() {
            interleave_halves(from, to);
            std::mem::swap(&mut from, &mut to);
        }
        interleave_halves(from, elements);
    }
}

/// Joins rows, each holding one bit of all `len` elements, into planes of one byte per element.
fn join_bits(len: usize, rows: &[u8], planes: &mut [u8]) {
    let mut tile = [0; TILE];
    let rows = rows.chunks_exact(len);
    for (rows, plane) in rows.zip(planes.chunks_exact_mut(len)) {
        let rows = rows.chunks_exact(len / 8);
        for (place, bytes) in plane.chunks_mut(TILE).enumerate() {
            let count = bytes.len() / 8;
            for (to, row) in tile.chunks_exact_mut(ROW_LEN).zip(rows.clone()) {
                to[..count].copy_from_slice(&row[ROW_LEN * place..][..count]);
            }
            transpose_bits(&mut tile);
            // Now row `i` has the bytes of elements `i`, `i + 8`, `i + 16` and so on.
            let rows = std::array::from_fn::<_, 8, _>(|row| &tile[ROW_LEN * row..][..count]);
            join_tiles(&rows, bytes);
        }
    }
}

/// Transposes each 8 by 8 bit matrix, one byte column of the eight rows, by swapping ever smaller
/// parts of row pairs.
fn transpose_bits(tile: &mut [u8; TILE]) {
    let (words, _) = tile.as_chunks_mut::<8>();
    let (words, _) = words.as_chunks_mut::<LANES>();
    let row_len = words.len() / 8;
    for place in 0..row_len {
        let mut rows: [[u64; LANES]; 8] =
            std::array::from_fn(|row| words[row * row_len + place].map(u64::from_le_bytes));
        swap_parts::<4>(&mut rows, 0x0F0F_0F0F_0F0F_0F0F);
        swap_parts::<2>(&mut rows, 0x3333_3333_3333_3333);
        swap_parts::<1>(&mut rows, 0x5555_5555_5555_5555);
        for (row, lanes) in rows.into_iter().enumerate() {
            words[row * row_len + place] = lanes.map(u64::to_le_bytes);
        }
    }
}

fn interleave_halves(halves: &[u8], joined: &mut [u8]) {
    let (first, second) = halves.split_at(halves.len() / 2);
    interleave(first, second, joined);
}

/// Interleaves `first` and `second` byte by byte.
#[inline(never)] // Once inlined, the compiler no longer sees that nothing overlaps.
fn interleave(first: &[u8], second: &[u8], joined: &mut [u8]) {
    let (pairs, _) = joined.as_chunks_mut::<2>();
    for ((pair, &first), &second) in pairs.iter_mut().zip(first).zip(second) {
        *pair = [first, second];
    }
}

/// Swaps the upper bits of each pair's first row, `BITS` at a time, with the second row's lower
/// bits, those under the mask `low`.
#[inline]
fn swap_parts<const BITS: usize>(rows: &mut [[u64; LANES]; 8], low: u64) {
    for first in (0..8).filter(|row| row & BITS == 0) {
        let (upper, lower) = rows.split_at_mut(first + BITS);
        for (first, second) in upper[first].iter_mut().zip(&mut lower[0]) {
            let changed = ((*first >> BITS) ^ *second) & low;
            *second ^= changed;
            *first ^= changed << BITS;
        }
    }
}
