//! libdeflate for `gzip`, `numcodecs.zlib` and `blosc`: one decompressor per thread, since creating
//! one costs more than decoding a small chunk.

use std::cell::RefCell;

use libdeflater::Decompressor;

thread_local! {
    static DECOMPRESSOR: RefCell<Decompressor> = RefCell::new(Decompressor::new());
}

/// Calls `work` with this thread's decompressor.
pub(crate) fn with_decompressor<R>(work: impl FnOnce(&mut Decompressor) -> R) -> R {
    DECOMPRESSOR.with_borrow_mut(work)
}
