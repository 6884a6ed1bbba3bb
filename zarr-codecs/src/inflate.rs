//! libdeflate as `gzip`, `numcodecs.zlib` and `blosc` use it: one decompressor a thread, since making one costs more than a
//! small chunk.

use std::cell::RefCell;

use libdeflater::Decompressor;

thread_local! {
    static DECOMPRESSOR: RefCell<Decompressor> = RefCell::new(Decompressor::new());
}

/// Lends the decompressor of this thread.
pub(crate) fn with_decompressor<R>(work: impl FnOnce(&mut Decompressor) -> R) -> R {
    DECOMPRESSOR.with_borrow_mut(work)
}
