//! LZ4 blocks by the C library that C-Blosc brings along, through its one function that checks every read and write: a safe Rust
//! decoder takes twice the time on data that compresses well.

#![expect(
    unsafe_code,
    reason = "one call into C, with the bounds of both slices"
)]

use std::ffi::c_int;

/// Decodes a block to the start of `decoded` and returns the number of bytes written.
pub(super) fn decompress(stream: &[u8], decoded: &mut [u8]) -> Result<usize, String> {
    let size = |len: usize| c_int::try_from(len).map_err(|_| format!("{len} bytes of lz4"));
    let (stream_size, room) = (size(stream.len())?, size(decoded.len())?);
    // SAFETY: both pointers are valid for the sizes given, and `LZ4_decompress_safe` touches nothing outside of them, whatever
    // the bytes.
    let written = unsafe {
        lz4_sys::LZ4_decompress_safe(
            stream.as_ptr().cast(),
            decoded.as_mut_ptr().cast(),
            stream_size,
            room,
        )
    };
    usize::try_from(written).map_err(|_| "no valid lz4 stream of the size due".to_owned())
}
