//! The `numcodecs.*` codecs that zarr-python writes. They are not registered; the behaviour of
//! numcodecs defines them (its documentation).
//!
//! One file per codec. `aliases` holds the codecs that differ from one of ours only in the spelling
//! of their configuration; `dtype` parses the Zarr v2 data types inside configurations.

pub(crate) mod aliases;
pub(crate) mod astype;
pub(crate) mod bz2;
pub(crate) mod checksum;
pub(crate) mod delta;
mod dtype;
pub(crate) mod fixed_scale_offset;
pub(crate) mod lz4;
pub(crate) mod lzma;
pub(crate) mod packbits;
pub(crate) mod pcodec;
pub(crate) mod quantize;
pub(crate) mod shuffle;
pub(crate) mod zfpy;
pub(crate) mod zlib;

use serde::Deserialize;

/// The configuration of compressors that have only a level.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Level {
    #[serde(default = "one")]
    level: i64,
}

fn one() -> i64 {
    1
}

#[cfg(test)]
mod tests;
