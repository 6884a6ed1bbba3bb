//! Buffers that a thread keeps: page faults and allocator churn cost more than most codecs.

use std::cell::RefCell;

/// Buffers larger than this are given back instead of kept, in bytes.
const KEEP: usize = 64 << 20;

thread_local! {
    static BUFFERS: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

/// Lends an empty buffer of this thread, with the capacity that earlier uses left it.
pub fn with_scratch<R>(work: impl FnOnce(&mut Vec<u8>) -> R) -> R {
    let mut buffer = BUFFERS.with_borrow_mut(Vec::pop).unwrap_or_default();
    buffer.clear();
    let result = work(&mut buffer);
    if buffer.capacity() <= KEEP {
        BUFFERS.with_borrow_mut(|buffers| buffers.push(buffer));
    }
    result
}
