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
    with_scratch_memory(|memory| work(memory.slice(size)))
}

/// Lends memory of this thread, which still holds the contents of earlier uses.
pub fn with_scratch_memory<R>(work: impl FnOnce(&mut ScratchMemory) -> R) -> R {
    let buffer = FIXED.with_borrow_mut(Vec::pop).unwrap_or_default();
    let mut memory = ScratchMemory(buffer);
    let result = work(&mut memory);
    if memory.0.len() <= KEEP {
        FIXED.with_borrow_mut(|buffers| buffers.push(memory.0));
    }
    result
}

/// Memory from [`with_scratch_memory`].
#[derive(Debug)]
pub struct ScratchMemory(Vec<u8>);

impl ScratchMemory {
    /// Returns a buffer of `size` bytes with any contents.
    pub fn slice(&mut self, size: usize) -> &mut [u8] {
        if self.0.len() < size {
            // A new buffer, because the old contents need not be copied.
            self.0 = vec![0; size];
        }
        &mut self.0[..size]
    }
}
