//! libdeflate for `gzip`, `numcodecs.zlib` and `blosc`: one decompressor, and one compressor for each
//! level, per thread, since creating one costs more than processing a small chunk.

#![expect(
    unsafe_code,
    reason = "calls C: only the functions in C tell where a stream ends"
)]

use std::cell::RefCell;
use std::ffi::c_void;
use std::ptr::NonNull;

use libdeflate_sys::{
    libdeflate_alloc_decompressor, libdeflate_decompressor, libdeflate_free_decompressor,
    libdeflate_gzip_decompress_ex, libdeflate_result, libdeflate_zlib_decompress_ex,
};
use libdeflater::{CompressionError, CompressionLvl, Compressor, DecompressionError};
use zarr_core::{Error, Result};

use crate::output::{after, grow};

/// The levels of zlib; libdeflate has two more.
const LEVELS: usize = 10;

thread_local! {
    static COMPRESSORS: RefCell<[Option<Compressor>; LEVELS]> = const { RefCell::new([const { None }; LEVELS]) };
    static DECOMPRESSOR: Decompressor = Decompressor::new();
}

/// The functions of libdeflate that bound the size of a format, and compress to it.
pub(crate) type Format = (
    fn(&mut Compressor, usize) -> usize,
    fn(&mut Compressor, &[u8], &mut [u8]) -> Result<usize, CompressionError>,
);

/// The numbers of bytes of a stream and of its decoded form.
pub(crate) struct Inflated {
    pub(crate) read: usize,
    pub(crate) written: usize,
}

/// Decodes the gzip member at the start of `encoded` to the start of `decoded`.
pub(crate) fn gunzip(encoded: &[u8], decoded: &mut [u8]) -> Result<Inflated, DecompressionError> {
    DECOMPRESSOR.with(|it| it.decompress(libdeflate_gzip_decompress_ex, encoded, decoded))
}

/// Decodes the zlib stream at the start of `encoded` to the start of `decoded`.
pub(crate) fn inflate(encoded: &[u8], decoded: &mut [u8]) -> Result<Inflated, DecompressionError> {
    DECOMPRESSOR.with(|it| it.decompress(libdeflate_zlib_decompress_ex, encoded, decoded))
}

/// An allocated decompressor.
struct Decompressor(NonNull<libdeflate_decompressor>);

type Decompress = unsafe extern "C" fn(
    *mut libdeflate_decompressor,
    *const c_void,
    usize,
    *mut c_void,
    usize,
    *mut usize,
    *mut usize,
) -> libdeflate_result;

impl Decompressor {
    fn new() -> Self {
        // SAFETY: the function has no requirements.
        let allocated = unsafe { libdeflate_alloc_decompressor() };
        Self(NonNull::new(allocated).expect("memory for a decompressor"))
    }

    /// `decompress` is one of the two functions above; it checks the checksum.
    fn decompress(
        &self,
        decompress: Decompress,
        encoded: &[u8],
        decoded: &mut [u8],
    ) -> Result<Inflated, DecompressionError> {
        let (mut read, mut written) = (0, 0);
        // SAFETY: the function reads and writes inside the slices, whose sizes it is told, and uses
        // the decompressor, which belongs to this thread, until it returns.
        let result = unsafe {
            decompress(
                self.0.as_ptr(),
                encoded.as_ptr().cast(),
                encoded.len(),
                decoded.as_mut_ptr().cast(),
                decoded.len(),
                &raw mut read,
                &raw mut written,
            )
        };
        match result {
            libdeflate_sys::libdeflate_result_LIBDEFLATE_SUCCESS => Ok(Inflated { read, written }),
            libdeflate_sys::libdeflate_result_LIBDEFLATE_INSUFFICIENT_SPACE => {
                Err(DecompressionError::InsufficientSpace)
            }
            _ => Err(DecompressionError::BadData),
        }
    }
}

impl Drop for Decompressor {
    fn drop(&mut self) {
        // SAFETY: the decompressor was allocated above, and nothing else refers to it.
        unsafe { libdeflate_free_decompressor(self.0.as_ptr()) }
    }
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
