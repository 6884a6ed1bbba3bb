//! LZ4 blocks for `blosc` and `numcodecs.lz4`, using the C library that C-Blosc bundles: on data
//! that compresses well, a safe Rust decoder takes twice as long. Decoding calls only the function
//! of the library that checks every read and write.

#![expect(
    unsafe_code,
    reason = "two calls into C, with the bounds of both slices"
)]

use std::ffi::c_int;

/// Decodes a block to the start of `decoded` and returns the number of bytes written.
pub(crate) fn decompress(block: &[u8], decoded: &mut [u8]) -> Result<usize, String> {
    let (block_size, room) = (int(block.len())?, int(decoded.len())?);
    // SAFETY: both pointers are valid for the sizes given, and `LZ4_decompress_safe` accesses
    // nothing outside of them, whatever the bytes.
    let written = unsafe {
        lz4_sys::LZ4_decompress_safe(
            block.as_ptr().cast(),
            decoded.as_mut_ptr().cast(),
            block_size,
            room,
        )
    };
    usize::try_from(written).map_err(|_| {
        "the lz4 stream is damaged, or does not decode to the expected size".to_owned()
    })
}

/// Appends the block that encodes `decoded`.
#[cfg(feature = "full")]
pub(crate) fn compress(
    decoded: &[u8],
    acceleration: i32,
    encoded: &mut Vec<u8>,
) -> Result<(), String> {
    let size = int(decoded.len())?;
    // The library returns a bound of 0 for inputs that are too large.
    let extra = decoded.len() / 255;
    let bound = decoded.len().saturating_add(extra).saturating_add(16);
    crate::output::reserve(encoded, bound).map_err(|error| error.to_string())?;
    // SAFETY: the input is `size` readable bytes and the spare capacity at least `bound` writable
    // bytes. They do not overlap, since `encoded` is borrowed mutably.
    let written = unsafe {
        lz4_sys::LZ4_compress_fast(
            decoded.as_ptr().cast(),
            encoded.spare_capacity_mut().as_mut_ptr().cast(),
            size,
            int(bound)?,
            acceleration,
        )
    };
    match usize::try_from(written) {
        Ok(written) if (1..=bound).contains(&written) => {
            // SAFETY: the call has written this many bytes from the start of the spare capacity,
            // and the number is within the bound.
            unsafe { encoded.set_len(encoded.len().saturating_add(written)) };
            Ok(())
        }
        _ => Err(format!("the lz4 library does not encode {size} bytes")),
    }
}

fn int(size: usize) -> Result<c_int, String> {
    c_int::try_from(size).map_err(|_| format!("{size} bytes are too many for the lz4 library"))
}
