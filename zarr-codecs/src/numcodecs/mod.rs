//! The `numcodecs.*` codecs that zarr-python writes: not registered, defined by what numcodecs does (its documentation).
//!
//! One file a codec. `aliases` are the ones that differ from a codec of ours in the spelling of their configuration only;
//! `dtype` reads the data types inside configurations, which are those of Zarr v2.

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

#[cfg(test)]
mod tests;
