//! Buffers that a thread keeps: page faults, allocator churn and the zeroing of memory that is overwritten cost more than most
//! codecs.

use std::cell::RefCell;

/// Buffers larger than this are given back instead of kept, in bytes.
const KEEP: usize = 64 << 20;

thread_local! {
    /// Buffers that grow.
    static GROWING: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
    /// Buffers whose length is what was ever initialised.
    static FIXED: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

/// Lends an empty buffer of this thread, with the capacity that earlier uses left it.
pub fn with_scratch<R>(work: impl FnOnce(&mut Vec<u8>) -> R) -> R {
    let mut buffer = GROWING.with_borrow_mut(Vec::pop).unwrap_or_default();
    buffer.clear();
    let result = work(&mut buffer);
    if buffer.capacity() <= KEEP {
        GROWING.with_borrow_mut(|buffers| buffers.push(buffer));
    }
    result
}

/// Lends a buffer of this thread of `size` bytes, which hold whatever earlier uses left there.
pub fn with_scratch_slice<R>(size: usize, work: impl FnOnce(&mut [u8]) -> R) -> R {
    let mut buffer = FIXED.with_borrow_mut(Vec::pop).unwrap_or_default();
    if buffer.len() < size {
        // What is there need not be copied.
        buffer = vec![0; size];
    }
    let result = work(&mut buffer[..size]);
    if buffer.len() <= KEEP {
        FIXED.with_borrow_mut(|buffers| buffers.push(buffer));
    }
    result
}
