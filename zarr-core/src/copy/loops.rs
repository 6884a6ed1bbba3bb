//! The loops of a copy: the proof of their bounds, their order, and the inner loops on pointers.

use crate::byte_order::swap_bytes;

/// One loop of a copy: the number of iterations, and the stride in bytes on each side.
#[derive(Clone, Copy, Debug)]
pub(super) struct Loop {
    pub(super) count: usize,
    pub(super) from: isize,
    pub(super) to: isize,
}

/// Whether all items that the loops reach from `origin` lie inside `size` bytes, with `further` the
/// bounds of the additional offsets of each list.
pub(super) fn within(
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
pub(super) fn merge(loops: &mut Vec<Loop>) {
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
}

fn continues(outer: &Loop, inner: &Loop) -> bool {
    let count = inner.count.cast_signed();
    outer.from == inner.from * count && outer.to == inner.to * count
}

/// Runs nested loops over items of `item` bytes, reversing bytes in groups of `swap`.
///
/// # Safety
/// At every offset that the loops reach, `from` is valid for reads of an item and `to` for writes.
pub(super) unsafe fn run(
    loops: &[Loop],
    (item, swap): (usize, usize),
    from: *const u8,
    to: *mut u8,
) {
    // SAFETY: guaranteed by the caller.
    unsafe {
        match (swap, item) {
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
            _ => nest_any(loops, from, to, item, swap),
        }
    }
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
