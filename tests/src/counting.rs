//! An allocator that counts, per thread, allocations and allocated bytes. Unlike time, the counts do
//! not depend on the machine.

#![expect(unsafe_code, reason = "an allocator")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    static CALLS: Cell<usize> = const { Cell::new(0) };
    static BYTES: Cell<usize> = const { Cell::new(0) };
}

/// The allocator: a test program makes it its global allocator.
#[derive(Debug)]
pub struct Counting;

// SAFETY: counts, and delegates everything else to the system allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // A thread that is ending may have dropped its cells.
        let _ = CALLS.try_with(|calls| calls.set(calls.get() + 1));
        let _ = BYTES.try_with(|bytes| bytes.set(bytes.get() + layout.size()));
        // SAFETY: guaranteed by the caller.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, start: *mut u8, layout: Layout) {
        // SAFETY: guaranteed by the caller.
        unsafe { System.dealloc(start, layout) }
    }
}

/// Returns the result of `work`, and the number of allocations and of allocated bytes of this thread
/// during `work`.
pub fn counted<R>(work: impl FnOnce() -> R) -> (R, [usize; 2]) {
    let before = [CALLS.get(), BYTES.get()];
    let result = work();
    (result, [CALLS.get() - before[0], BYTES.get() - before[1]])
}
