//! Copies elements between a chunk and a strided buffer: the inner loop of every read and write.
//!
//! Unsafe room: a copy first proves from its counts and strides that all offsets lie inside both
//! sides, then runs plain nested loops on pointers (`loops`), specialised by item size, with the
//! byte order fused in.

mod loops;

use std::ptr::NonNull;

use self::loops::{Loop, merge, within};
use crate::buffer::{Span, advise_huge_pages};
use crate::error::{Error, Result};
use crate::selection::{Layout, Steps, Wanted};
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
    from: Span,
    to: Span,
}

impl ChunkCopy<'_> {
    /// Copies the wanted elements of the chunk to the buffer.
    ///
    /// # Errors
    /// [`Error::Selection`] if an offset is out of bounds; nothing is copied then.
    pub(crate) fn scatter(&self, chunk: &[u8], buffer: Span) -> Result<()> {
        self.scatter_part(chunk, 0, buffer)
    }

    /// Copies the wanted elements to the buffer from a part of the chunk, which starts at the byte
    /// `first` and holds all of them.
    ///
    /// # Errors
    /// [`Error::Selection`] if an offset is out of bounds; nothing is copied then.
    pub(crate) fn scatter_part(&self, part: &[u8], first: usize, buffer: Span) -> Result<()> {
        let part = Span {
            // Offsets in the chunk minus `first` are offsets in the part.
            origin: first.wrapping_neg(),
            ..Span::new(NonNull::from(part).cast(), part.len())
        };
        self.run(part, buffer, Direction::Scatter)
    }

    /// Copies the wanted elements of the buffer to the chunk.
    ///
    /// # Errors
    /// [`Error::Selection`] if an offset is out of bounds; nothing is copied then.
    pub(crate) fn gather(&self, buffer: Span, chunk: &mut [u8]) -> Result<()> {
        let chunk = Span::new(NonNull::from(&mut *chunk).cast(), chunk.len());
        self.gather_into(buffer, chunk)
    }

    fn gather_into(&self, buffer: Span, chunk: Span) -> Result<()> {
        self.run(buffer, chunk, Direction::Gather)
    }

    /// Appends a chunk whose elements all come from the buffer: the wanted elements are the whole
    /// chunk.
    ///
    /// # Errors
    /// [`Error::Selection`] if an offset is out of bounds or not all elements are wanted,
    /// [`Error::TooLarge`] if memory cannot be allocated.
    pub(crate) fn append_to(&self, chunks: &mut Vec<u8>, buffer: Span) -> Result<()> {
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
        let free = NonNull::from(chunks.spare_capacity_mut()).cast();
        advise_huge_pages(free, size);
        let span = Span::new(free, size);
        self.gather_into(buffer, span)?;
        // SAFETY: the selection covers the chunk's shape, so every element was written and with it
        // every byte.
        unsafe { chunks.set_len(chunks.len() + size) };
        Ok(())
    }

    /// Writes `value` to the places of the wanted elements in the buffer.
    ///
    /// # Errors
    /// [`Error::Selection`] if an offset is out of bounds; nothing is written then.
    pub(crate) fn fill(&self, value: &[u8], buffer: Span) -> Result<()> {
        let value = Span::new(NonNull::from(value).cast(), value.len());
        self.run(value, buffer, Direction::Fill)
    }

    /// Returns the part of the buffer that receives the wanted elements, if they are the whole
    /// chunk and are contiguous in C order in the buffer.
    pub(crate) fn contiguous(&self, buffer: Span) -> Option<NonNull<[u8]>> {
        let Wanted::Box(axes) = self.wanted else {
            return None;
        };
        if self.swap_size != 1 {
            return None;
        }
        let mut expected = self.item_size.cast_signed();
        let mut start = buffer.origin.cast_signed();
        for (axis, &len) in axes.iter().zip(self.shape).rev() {
            let Layout::Range(Steps {
                start: 0,
                step,
                count,
                position,
            }) = axis.layout()
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
    fn run(&self, from: Span, to: Span, direction: Direction) -> Result<()> {
        let sides = &Sides { from, to };
        let strides = c_strides(self.shape, self.item_size);
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
                Layout::Range(Steps { count: 0, .. }) => return Ok(()),
                Layout::Range(steps) => {
                    let chunk = to_offset(steps.start) * stride;
                    let buffer = to_offset(steps.position) * axis.stride;
                    let (from, to) = direction.orient(chunk, buffer);
                    start = (start.0 + from, start.1 + to);
                    let step = isize::try_from(steps.step).unwrap_or(0) * stride;
                    let (from, to) = direction.orient(step, axis.stride);
                    let count = usize::try_from(steps.count).unwrap_or(usize::MAX);
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
        merge(&mut loops);
        // SAFETY: the proof above covers the loops from every combination of offsets from the
        // lists. Spans are readable and writable memory, and the two sides are different
        // allocations.
        each_combination(lists, from, to, &mut |from, to| unsafe {
            loops::run(
                &loops,
                (item, self.swap_size),
                sides.from.start.as_ptr().offset(from).cast_const(),
                sides.to.start.as_ptr().offset(to),
            );
        });
        Ok(())
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

#[cfg(test)]
mod tests;
