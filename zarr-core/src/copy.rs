//! Copies elements between a chunk and a strided buffer: the inner loop of every read and write.
//!
//! Unsafe room: a copy first proves from its counts and strides that all offsets lie inside both
//! sides, then runs plain nested loops on pointers, specialised by item size, with the byte order
//! fused in.

use std::ptr::NonNull;

use crate::buffer::Region;
use crate::byte_order::swap_bytes;
use crate::error::{Error, Result};
use crate::selection::{Layout, Wanted};
use crate::size::{byte_size, c_strides, to_offset};

/// The elements of a C-order chunk to copy, and their places in a buffer.
pub(crate) struct ChunkCopy<'a> {
    /// The shape of the chunk.
    pub(crate) shape: &'a [u64],
    /// The wanted elements of the chunk.
    pub(crate) wanted: &'a Wanted,
    /// The size of an element in bytes.
    pub(crate) item_size: usize,
    /// The size of the groups in which bytes are reversed; 1 if they are not.
    pub(crate) swap_size: usize,
}

/// One loop of a copy: the number of iterations, and the stride in bytes on each side.
#[derive(Clone, Copy, Debug)]
struct Loop {
    count: usize,
    from: isize,
    to: isize,
}

/// The direction of a copy.
#[derive(Clone, Copy)]
enum Direction {
    /// From the chunk to the buffer.
    Scatter,
    /// From the buffer to the chunk.
    Gather,
    /// From one element to the buffer.
    Fill,
}

impl Direction {
    /// Maps a pair of byte offsets or strides from (chunk, buffer) to (side read, side written).
    fn orient(self, chunk: isize, buffer: isize) -> (isize, isize) {
        match self {
            Self::Scatter => (chunk, buffer),
            Self::Gather => (buffer, chunk),
            Self::Fill => (0, buffer),
        }
    }
}

/// Both sides of a copy.
struct Sides {
    from: Region,
    to: Region,
}

impl ChunkCopy<'_> {
    /// Copies the wanted elements of the chunk to the buffer.
    ///
    /// # Errors
    /// [`Error::Selection`] if an offset is out of bounds; nothing is copied then.
    pub(crate) fn scatter(&self, chunk: &[u8], buffer: Region) -> Result<()> {
        let chunk = Region {
            start: NonNull::from(chunk).cast(),
            size: chunk.len(),
            origin: 0,
        };
        let sides = Sides {
            from: chunk,
            to: buffer,
        };
        self.run(&sides, Direction::Scatter)
    }

    /// Copies the wanted elements of the buffer to the chunk.
    ///
    /// # Errors
    /// [`Error::Selection`] if an offset is out of bounds; nothing is copied then.
    pub(crate) fn gather(&self, buffer: Region, chunk: &mut [u8]) -> Result<()> {
        let chunk = Region {
            start: NonNull::from(&mut *chunk).cast(),
            size: chunk.len(),
            origin: 0,
        };
        self.gather_into(buffer, chunk)
    }

    fn gather_into(&self, buffer: Region, chunk: Region) -> Result<()> {
        let sides = Sides {
            from: buffer,
            to: chunk,
        };
        self.run(&sides, Direction::Gather)
    }

    /// Appends a chunk whose elements all come from the buffer: the wanted elements are the whole
    /// chunk.
    ///
    /// # Errors
    /// [`Error::Selection`] if an offset is out of bounds or not all elements are wanted,
    /// [`Error::TooLarge`] if memory cannot be allocated.
    pub(crate) fn append_to(&self, chunks: &mut Vec<u8>, buffer: Region) -> Result<()> {
        if !self.wanted.covers(self.shape) {
            return Err(Error::selection("expected all elements of the chunk"));
        }
        let limit = isize::MAX as u64;
        let size = byte_size("chunk", self.shape, self.item_size, limit)?;
        chunks.try_reserve(size).map_err(|_| Error::TooLarge {
            what: "chunk in memory",
            wanted: format!("{size} bytes"),
            limit,
        })?;
        if let Some(elements) = self.contiguous(buffer) {
            // SAFETY: the elements lie inside the buffer, which is initialised and does not change
            // while a handle to it exists.
            chunks.extend_from_slice(unsafe { elements.as_ref() });
            return Ok(());
        }
        let free = chunks.spare_capacity_mut();
        let region = Region {
            start: NonNull::from(&mut *free).cast(),
            size,
            origin: 0,
        };
        self.gather_into(buffer, region)?;
        // SAFETY: the selection covers the chunk's shape, so every element was written and with it
        // every byte.
        unsafe { chunks.set_len(chunks.len() + size) };
        Ok(())
    }

    /// Writes `value` to the places of the wanted elements in the buffer.
    ///
    /// # Errors
    /// [`Error::Selection`] if an offset is out of bounds; nothing is written then.
    pub(crate) fn fill(&self, value: &[u8], buffer: Region) -> Result<()> {
        let value = Region {
            start: NonNull::from(value).cast(),
            size: value.len(),
            origin: 0,
        };
        let sides = Sides {
            from: value,
            to: buffer,
        };
        self.run(&sides, Direction::Fill)
    }

    /// Returns the part of the buffer that receives the wanted elements, if they are the whole
    /// chunk and are contiguous in C order in the buffer.
    pub(crate) fn contiguous(&self, buffer: Region) -> Option<NonNull<[u8]>> {
        let Wanted::Box(axes) = self.wanted else {
            return None;
        };
        if self.swap_size != 1 {
            return None;
        }
        let mut expected = self.item_size.cast_signed();
        let mut start = buffer.origin.cast_signed();
        for (axis, &len) in axes.iter().zip(self.shape).rev() {
            let Layout::Range {
                start: 0,
                step,
                count,
                position,
            } = axis.layout()
            else {
                return None;
            };
            if count != len || (len > 1 && (step != 1 || axis.stride != expected)) {
                return None;
            }
            expected = expected.checked_mul(isize::try_from(len).ok()?)?;
            start = start.checked_add(axis.stride.checked_mul(isize::try_from(position).ok()?)?)?;
        }
        let size = usize::try_from(expected).ok()?;
        let start = usize::try_from(start).ok().filter(|start| {
            start
                .checked_add(size)
                .is_some_and(|end| end <= buffer.size)
        })?;
        // SAFETY: start + size is within the buffer.
        Some(NonNull::slice_from_raw_parts(
            unsafe { buffer.start.add(start) },
            size,
        ))
    }

    /// Turns the wanted elements into nested loops and lists of offsets, proves once that all
    /// offsets stay inside both sides, and copies.
    fn run(&self, sides: &Sides, direction: Direction) -> Result<()> {
        let item = self.item_size.cast_signed();
        // Collecting in place reuses the allocation.
        let strides = c_strides(self.shape).into_iter();
        let strides = strides
            .map(|stride| to_offset(stride) * item)
            .collect::<Vec<_>>();
        let axes = match self.wanted {
            Wanted::Points(points) => {
                return points.offsets(&strides).try_for_each(|(chunk, buffer)| {
                    self.copy(sides, direction.orient(chunk, buffer), vec![], &[])
                });
            }
            Wanted::Box(axes) => axes,
        };
        let mut start = (0, 0);
        let mut loops = Vec::with_capacity(axes.len());
        let mut lists = Vec::new();
        for (axis, &stride) in axes.iter().zip(&strides) {
            match axis.layout() {
                Layout::Range { count: 0, .. } => return Ok(()),
                Layout::Range {
                    start: first,
                    step,
                    count,
                    position,
                } => {
                    let (chunk, buffer) =
                        (to_offset(first) * stride, to_offset(position) * axis.stride);
                    let (from, to) = direction.orient(chunk, buffer);
                    start = (start.0 + from, start.1 + to);
                    let step = isize::try_from(step).unwrap_or(0) * stride;
                    let (from, to) = direction.orient(step, axis.stride);
                    let count = usize::try_from(count).unwrap_or(usize::MAX);
                    loops.push(Loop { count, from, to });
                }
                Layout::List(pairs) => {
                    let offsets = pairs.map(|(index, position)| {
                        let buffer = to_offset(position) * axis.stride;
                        direction.orient(to_offset(index) * stride, buffer)
                    });
                    lists.push(offsets.collect::<Vec<_>>());
                }
            }
        }
        self.copy(sides, start, loops, &lists)
    }

    /// Runs the loops once for each combination of offsets from the lists, after proving that all
    /// offsets stay inside both sides.
    fn copy(
        &self,
        sides: &Sides,
        (from, to): (isize, isize),
        mut loops: Vec<Loop>,
        lists: &[Vec<(isize, isize)>],
    ) -> Result<()> {
        if lists.iter().any(Vec::is_empty) {
            return Ok(());
        }
        let from = sides.from.origin.cast_signed() + from;
        let to = sides.to.origin.cast_signed() + to;
        let item = self.item_size;
        let reads = lists.iter().map(|list| bounds(list.iter().map(|it| it.0)));
        let writes = lists.iter().map(|list| bounds(list.iter().map(|it| it.1)));
        if !(within(&loops, from, item, sides.from.size, |l| l.from, reads)
            && within(&loops, to, item, sides.to.size, |l| l.to, writes))
        {
            return Err(Error::selection(
                "an element lies outside the chunk or the buffer",
            ));
        }
        merge(&mut loops, item);
        // SAFETY: the proof above covers the loops from every combination of offsets from the
        // lists. Regions are readable and writable memory, and the two sides are different
        // allocations.
        each_combination(lists, from, to, &mut |from, to| unsafe {
            self.copy_loops(
                &loops,
                sides.from.start.as_ptr().offset(from).cast_const(),
                sides.to.start.as_ptr().offset(to),
            );
        });
        Ok(())
    }

    /// # Safety
    /// At every offset that the loops reach, `from` is valid for reads of an item and `to` for
    /// writes.
    unsafe fn copy_loops(&self, loops: &[Loop], from: *const u8, to: *mut u8) {
        // SAFETY: guaranteed by the caller.
        unsafe {
            match (self.swap_size, self.item_size) {
                (1, 1) => nest::<[u8; 1], 1>(loops, from, to),
                (1, 2) => nest::<[u8; 2], 1>(loops, from, to),
                (1, 4) => nest::<[u8; 4], 1>(loops, from, to),
                (1, 8) => nest::<[u8; 8], 1>(loops, from, to),
                (1, 16) => nest::<[u8; 16], 1>(loops, from, to),
                (2, 2) => nest::<[u8; 2], 2>(loops, from, to),
                (4, 4) => nest::<[u8; 4], 4>(loops, from, to),
                (8, 8) => nest::<[u8; 8], 8>(loops, from, to),
                (4, 8) => nest::<[u8; 8], 4>(loops, from, to),
                (8, 16) => nest::<[u8; 16], 8>(loops, from, to),
                (swap, item) => nest_any(loops, from, to, item, swap),
            }
        }
    }
}

/// Calls `visit` with the summed offsets of every combination of pairs from the lists.
fn each_combination(
    lists: &[Vec<(isize, isize)>],
    from: isize,
    to: isize,
    visit: &mut impl FnMut(isize, isize),
) {
    match lists.split_first() {
        None => visit(from, to),
        Some((pairs, rest)) => {
            for (further_from, further_to) in pairs {
                each_combination(rest, from + further_from, to + further_to, visit);
            }
        }
    }
}

/// Returns the lowest and the highest offset.
fn bounds(offsets: impl Iterator<Item = isize>) -> (isize, isize) {
    let start = (isize::MAX, isize::MIN);
    offsets.fold(start, |(low, high), offset| {
        (low.min(offset), high.max(offset))
    })
}

/// Whether all items that the loops reach from `origin` lie inside `size` bytes, with `further` the
/// bounds of the additional offsets of each list.
fn within(
    loops: &[Loop],
    origin: isize,
    item: usize,
    size: usize,
    stride: impl Fn(&Loop) -> isize,
    further: impl Iterator<Item = (isize, isize)>,
) -> bool {
    let (mut low, mut high) = (origin as i128, origin as i128 + item as i128);
    for (lowest, highest) in further {
        low += lowest as i128;
        high += highest as i128;
    }
    for l in loops {
        let reach = (l.count as i128 - 1) * stride(l) as i128;
        if reach < 0 {
            low += reach;
        } else {
            high += reach;
        }
    }
    low >= 0 && high <= size as i128
}

/// Drops loops of one iteration, moves the longest strides of the target to the outside, and joins
/// adjacent loops that form one longer loop.
fn merge(loops: &mut Vec<Loop>, item: usize) {
    loops.retain(|l| l.count > 1);
    loops.sort_by_key(|l| std::cmp::Reverse(l.to.unsigned_abs()));
    loops.dedup_by(|inner, outer| {
        let joins = continues(outer, inner);
        if joins {
            *outer = Loop {
                count: outer.count * inner.count,
                ..*inner
            };
        }
        joins
    });
    debug_assert!(item > 0);
}

fn continues(outer: &Loop, inner: &Loop) -> bool {
    let count = inner.count.cast_signed();
    outer.from == inner.from * count && outer.to == inner.to * count
}

/// Runs nested loops over items of a known size, reversing bytes in groups of `SWAP`.
///
/// # Safety
/// At every offset that the loops reach, `from` is valid for reads of an item and `to` for writes.
unsafe fn nest<I: Copy + AsMut<[u8]>, const SWAP: usize>(
    loops: &[Loop],
    from: *const u8,
    to: *mut u8,
) {
    let size = size_of::<I>().cast_signed();
    match *loops {
        // SAFETY: guaranteed by the caller, for one item.
        [] => unsafe { copy_item::<I, SWAP>(from, to) },
        [inner] if SWAP == 1 && inner.from == size && inner.to == size => {
            // SAFETY: guaranteed by the caller, for `count` contiguous items.
            unsafe { to.copy_from_nonoverlapping(from, inner.count * size_of::<I>()) }
        }
        [inner] if inner.to == size => {
            for i in 0..inner.count.cast_signed() {
                // SAFETY: guaranteed by the caller.
                unsafe { copy_item::<I, SWAP>(from.offset(i * inner.from), to.offset(i * size)) }
            }
        }
        [inner] => {
            for i in 0..inner.count.cast_signed() {
                // SAFETY: guaranteed by the caller.
                unsafe {
                    copy_item::<I, SWAP>(from.offset(i * inner.from), to.offset(i * inner.to))
                }
            }
        }
        [outer, ref inner @ ..] => {
            for i in 0..outer.count.cast_signed() {
                // SAFETY: guaranteed by the caller, with one loop less.
                unsafe {
                    nest::<I, SWAP>(inner, from.offset(i * outer.from), to.offset(i * outer.to))
                }
            }
        }
    }
}

/// # Safety
/// Both pointers are valid for an item; neither needs to be aligned.
#[inline(always)]
unsafe fn copy_item<I: Copy + AsMut<[u8]>, const SWAP: usize>(from: *const u8, to: *mut u8) {
    // SAFETY: guaranteed by the caller; byte arrays need no alignment.
    unsafe {
        let mut item = from.cast::<I>().read_unaligned();
        if SWAP > 1 {
            for group in item.as_mut().chunks_exact_mut(SWAP) {
                group.reverse();
            }
        }
        to.cast::<I>().write_unaligned(item);
    }
}

/// Runs nested loops like [`nest`], for items of any size.
///
/// # Safety
/// The requirements of [`nest`].
unsafe fn nest_any(loops: &[Loop], from: *const u8, to: *mut u8, item: usize, swap: usize) {
    match *loops {
        [] => {
            // SAFETY: guaranteed by the caller, for `item` bytes on both sides.
            let target = unsafe {
                to.copy_from_nonoverlapping(from, item);
                std::slice::from_raw_parts_mut(to, item)
            };
            if swap > 1 {
                swap_bytes(target, swap);
            }
        }
        [outer, ref inner @ ..] => {
            for i in 0..outer.count.cast_signed() {
                // SAFETY: guaranteed by the caller, with one loop less.
                unsafe {
                    nest_any(
                        inner,
                        from.offset(i * outer.from),
                        to.offset(i * outer.to),
                        item,
                        swap,
                    )
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
