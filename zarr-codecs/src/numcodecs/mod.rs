//! The `numcodecs.*` codecs that zarr-python writes: not registered, defined by what numcodecs does (its documentation).
//!
//! One file a codec. `aliases` are the ones that differ from a codec of ours in the spelling of their configuration only;
//! `dtype` reads the data types inside configurations, which are those of Zarr v2.

#[cfg(feature = "numcodecs")]
pub(crate) mod aliases;
#[cfg(feature = "filters")]
pub(crate) mod astype;
#[cfg(feature = "bz2")]
pub(crate) mod bz2;
#[cfg(feature = "numcodecs")]
pub(crate) mod checksum;
#[cfg(feature = "filters")]
pub(crate) mod delta;
#[cfg(feature = "filters")]
mod dtype;
#[cfg(feature = "filters")]
pub(crate) mod fixed_scale_offset;
#[cfg(feature = "lz4")]
pub(crate) mod lz4;
#[cfg(feature = "lzma")]
pub(crate) mod lzma;
#[cfg(feature = "filters")]
pub(crate) mod packbits;
#[cfg(feature = "pcodec")]
pub(crate) mod pcodec;
#[cfg(feature = "filters")]
pub(crate) mod quantize;
#[cfg(feature = "numcodecs")]
pub(crate) mod shuffle;
#[cfg(feature = "zfp")]
pub(crate) mod zfpy;
#[cfg(feature = "zlib")]
pub(crate) mod zlib;

#[cfg(all(test, feature = "default"))]
mod tests;
