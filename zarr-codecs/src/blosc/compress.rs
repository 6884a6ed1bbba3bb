//! Encodes frames with C-Blosc. The `unsafe` code of this file never handles stored bytes.

use std::ffi::CStr;

use serde::Deserialize;
use zarr_core::{Error, Result};

use super::header::HEADER_SIZE;
use crate::output::reserve;

/// The largest input of a frame, in bytes: the sizes of input and frame both have 31 bits.
const MAX_NBYTES: usize = i32::MAX as usize - HEADER_SIZE;

/// The compressors, by `cname`.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Compressor {
    BloscLz,
    Lz4,
    Lz4Hc,
    Snappy,
    Zlib,
    Zstd,
}

impl Compressor {
    fn name(self) -> &'static CStr {
        match self {
            Self::BloscLz => c"blosclz",
            Self::Lz4 => c"lz4",
            Self::Lz4Hc => c"lz4hc",
            Self::Snappy => c"snappy",
            Self::Zlib => c"zlib",
            Self::Zstd => c"zstd",
        }
    }
}

/// The filter applied to a block before compression, with C-Blosc's number for it.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) enum Shuffle {
    #[serde(rename = "noshuffle")]
    None = 0,
    /// All first bytes of the elements, then all second bytes, and so on.
    #[serde(rename = "shuffle")]
    Bytes = 1,
    /// All first bits of the elements, then all second bits, and so on.
    #[serde(rename = "bitshuffle")]
    Bits = 2,
}

/// The encoding parameters of a frame.
#[derive(Debug)]
pub(super) struct Parameters {
    pub(super) compressor: Compressor,
    /// The compression level, from 0 to 9.
    pub(super) level: i32,
    pub(super) shuffle: Shuffle,
    /// The size of a shuffled element in bytes, 1 or more.
    pub(super) type_size: u64,
    /// The requested size of a block in bytes; 0 lets C-Blosc choose.
    pub(super) block_size: u64,
}

/// Appends the frame that encodes `decoded`.
pub(super) fn compress(
    parameters: &Parameters,
    decoded: &[u8],
    encoded: &mut Vec<u8>,
) -> Result<()> {
    let nbytes = decoded.len();
    if nbytes > MAX_NBYTES {
        return Err(Error::TooLarge {
            what: "blosc frame",
            wanted: format!("{nbytes} bytes"),
            limit: MAX_NBYTES as u64,
        });
    }
    // The header has one byte for the type size. Larger sizes are encoded as 1, as C-Blosc does.
    let type_size = u8::try_from(parameters.type_size).unwrap_or(1);
    // C-Blosc stores block sizes in 31 bits and lowers large ones itself.
    let block_size = usize::try_from(parameters.block_size).unwrap_or(MAX_NBYTES);
    // If the data does not shrink, the frame is the header and the input.
    let room = nbytes.saturating_add(HEADER_SIZE);
    reserve(encoded, room)?;
    #[expect(unsafe_code, reason = "C-Blosc has no safe interface")]
    // SAFETY: the input is `nbytes` readable bytes and the spare capacity at least `room` writable
    // bytes. They do not overlap, since `encoded` is borrowed mutably. The name ends in a zero
    // byte; level, shuffle, type size and block size are in their documented ranges. The call keeps
    // no pointer, and starts no thread when the thread count is 1.
    let written = unsafe {
        blosc_src::blosc_compress_ctx(
            parameters.level,
            parameters.shuffle as i32,
            type_size.into(),
            nbytes,
            decoded.as_ptr().cast(),
            encoded.spare_capacity_mut().as_mut_ptr().cast(),
            room,
            parameters.compressor.name().as_ptr(),
            block_size.min(MAX_NBYTES),
            1,
        )
    };
    match usize::try_from(written) {
        Ok(size) if (HEADER_SIZE..=room).contains(&size) => {
            #[expect(unsafe_code, reason = "C-Blosc has written these bytes")]
            // SAFETY: the call returns the number of bytes that it has written from the start of
            // the spare capacity, and `size` is within it.
            unsafe {
                encoded.set_len(encoded.len().saturating_add(size));
            }
            Ok(())
        }
        _ => {
            let reason = format!("C-Blosc returned {written} for {nbytes} bytes");
            Err(Error::corrupt("blosc", reason))
        }
    }
}
