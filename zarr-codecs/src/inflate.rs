//! libdeflate for `gzip`, `numcodecs.zlib` and `blosc`: one decompressor, and one compressor for each
//! level, per thread, since creating one costs more than processing a small chunk.

use std::cell::RefCell;

use libdeflater::{CompressionError, CompressionLvl, Compressor, Decompressor};
use zarr_core::{Error, Result};

use crate::output::{after, grow};

/// The levels of zlib; libdeflate has two more.
const LEVELS: usize = 10;

thread_local! {
    static COMPRESSORS: RefCell<[Option<Compressor>; LEVELS]> = const { RefCell::new([const { None }; LEVELS]) };
    static DECOMPRESSOR: RefCell<Decompressor> = RefCell::new(Decompressor::new());
}

/// The functions of libdeflate that bound the size of a format, and compress to it.
pub(crate) type Format = (
    fn(&mut Compressor, usize) -> usize,
    fn(&mut Compressor, &[u8], &mut [u8]) -> Result<usize, CompressionError>,
);

/// Calls `work` with this thread's decompressor.
pub(crate) fn with_decompressor<R>(work: impl FnOnce(&mut Decompressor) -> R) -> R {
    DECOMPRESSOR.with_borrow_mut(work)
}

/// Appends the encoded form of `decoded` at a level from 0 to 9.
pub(crate) fn deflate(
    codec: &'static str,
    (bound, compress): Format,
    level: usize,
    decoded: &[u8],
    encoded: &mut Vec<u8>,
) -> Result<()> {
    COMPRESSORS.with_borrow_mut(|compressors| {
        let kept = compressors.get_mut(level).expect("a level from 0 to 9");
        let compressor = kept.get_or_insert_with(|| {
            let level = i32::try_from(level).expect("below 10");
            Compressor::new(CompressionLvl::new(level).expect("levels are 0 to 12"))
        });
        let start = encoded.len();
        grow(encoded, start, bound(compressor, decoded.len()))?;
        let written = compress(compressor, decoded, after(encoded, start))
            .map_err(|error| Error::corrupt(codec, error.to_string()))?;
        encoded.truncate(start.saturating_add(written));
        Ok(())
    })
}
