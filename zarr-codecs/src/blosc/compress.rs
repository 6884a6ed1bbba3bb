//! Encoding by C-Blosc: the one file of the crate with `unsafe`. No stored byte comes near it.

use std::ffi::CStr;

use serde::Deserialize;
use zarr_core::{Error, Result};

use super::header::HEADER_SIZE;
use crate::output::reserve;

/// The largest input of a frame in bytes: its size and that of the frame are 31 bits.
const MAX_NBYTES: usize = i32::MAX as usize - HEADER_SIZE;

/// The compressors by their `cname`.
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

/// What is done to a block before it is compressed, with the number that C-Blosc gives it.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) enum Shuffle {
    #[serde(rename = "noshuffle")]
    None = 0,
    /// The first bytes of all elements, then the second ones ...
    #[serde(rename = "shuffle")]
    Bytes = 1,
    /// The first bits of all elements, then the second ones ...
    #[serde(rename = "bitshuffle")]
    Bits = 2,
}

/// How to encode.
#[derive(Debug)]
pub(super) struct Parameters {
    pub(super) compressor: Compressor,
    /// From 0 to 9.
    pub(super) level: u8,
    pub(super) shuffle: Shuffle,
    /// The size of what is shuffled in bytes, 1 or more.
    pub(super) type_size: u64,
    /// The wanted size of a block in bytes; 0 leaves it to C-Blosc.
    pub(super) block_size: u64,
}

/// Appends the frame of `decoded`.
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
    // The header has one byte for the type size. Like C-Blosc, larger ones are taken as 1.
    let type_size = u8::try_from(parameters.type_size).unwrap_or(1);
    // C-Blosc keeps block sizes in 31 bits and lowers large ones itself.
    let block_size = usize::try_from(parameters.block_size).unwrap_or(MAX_NBYTES);
    // A frame that does not shrink is its header and the input.
    let room = nbytes + HEADER_SIZE;
    reserve(encoded, room)?;
    #[expect(unsafe_code, reason = "C-Blosc has no safe interface")]
    // SAFETY: the input is `nbytes` readable bytes, the spare capacity `room` writable ones, and they do not overlap, since
    // `encoded` is borrowed mutably. The name ends in a zero byte; level, shuffle, type size and block size are in the ranges that
    // the call documents. It keeps no pointer, and starts no thread when told 1.
    let written = unsafe {
        blosc_src::blosc_compress_ctx(
            parameters.level.into(),
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
            // SAFETY: the call returns how many bytes it has written from the start of the spare capacity, and `size` is
            // within it.
            unsafe {
                encoded.set_len(encoded.len() + size);
            }
            Ok(())
        }
        _ => {
            let reason = format!("C-Blosc returned {written} for {nbytes} bytes");
            Err(Error::corrupt("blosc", reason))
        }
    }
}
