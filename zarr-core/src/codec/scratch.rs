//! Buffers that a thread keeps: page faults, allocator churn and zeroing memory that is then
//! overwritten cost more than most codecs.

use std::cell::RefCell;

/// The largest buffer that is kept rather than freed, in bytes.
const KEEP: usize = 64 << 20;

thread_local! {
    /// Buffers that grow.
    static GROWING: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
    /// Buffers whose length is the number of bytes ever initialised.
    static FIXED: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

/// Lends an empty buffer of this thread, with the capacity left by earlier uses.
pub fn with_scratch<R>(work: impl FnOnce(&mut Vec<u8>) -> R) -> R {
    let mut buffer = GROWING.with_borrow_mut(Vec::pop).unwrap_or_default();
    buffer.clear();
    let result = work(&mut buffer);
    if buffer.capacity() <= KEEP {
        GROWING.with_borrow_mut(|buffers| buffers.push(buffer));
    }
    result
}

/// Lends a buffer of `size` bytes of this thread, which still holds the contents of earlier uses.
pub fn with_scratch_slice<R>(size: usize, work: impl FnOnce(&mut [u8]) -> R) -> R {
    let mut buffer = FIXED.with_borrow_mut(Vec::pop).unwrap_or_default();
    if buffer.len() < size {
        // A new buffer, because the old contents need not be copied.
        buffer = vec![0; size];
    }
    let result = work(&mut buffer[..size]);
    if buffer.len() <= KEEP {
        FIXED.with_borrow_mut(|buffers| buffers.push(buffer));
    }
    result
}
