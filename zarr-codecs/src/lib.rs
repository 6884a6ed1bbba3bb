//! Zarr v3 codecs, one per file, and the registry that maps codec names to them.
//!
//! Codecs that are cheap to compile are always available: `bytes`, `transpose`, `crc32c`,
//! `sharding_indexed`, strings and optionals. The feature `compressors`, on by default, adds the
//! compressors of the core specification: `blosc`, `gzip`, `zstd`. The feature `full` adds the
//! codecs of the extension registry and those that only numcodecs writes. Opening an array whose
//! codec needs a disabled feature fails with an error that names the feature.
//!
//! Each codec is bound to its largest decoded size before it sees a byte, so no stored number can
//! make it allocate more. Decoding any input returns a result and never panics; `unsafe` occurs only
//! in the calls to C in `blosc/compress.rs`, `inflate.rs` and `lz4_block.rs`.

#![deny(unsafe_code)]
// A file that is an exception says so in its first lines, with the reason.
#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::indexing_slicing,
        clippy::panic
    )
)]

#[cfg(feature = "full")]
mod bitround;
#[cfg(feature = "compressors")]
mod blosc;
mod bytes;
#[cfg(feature = "full")]
mod cast_value;
mod checksum;
#[cfg(feature = "compressors")]
mod compressor;
#[cfg(feature = "full")]
mod conditional;
mod crc32c;
#[cfg(feature = "compressors")]
mod gzip;
#[cfg(feature = "compressors")]
mod inflate;
#[cfg(feature = "compressors")]
mod lz4_block;
#[cfg(feature = "full")]
mod n5_default;
#[cfg(feature = "full")]
mod number;
#[cfg(feature = "full")]
mod numcodecs;
mod optional;
#[cfg(feature = "compressors")]
mod output;
#[cfg(feature = "full")]
mod packbits;
#[cfg(feature = "full")]
mod reshape;
#[cfg(feature = "full")]
mod rounding;
#[cfg(feature = "full")]
mod scale_offset;
mod shard_index;
mod sharding;
#[cfg(feature = "full")]
mod steps;
#[cfg(test)]
#[cfg_attr(
    not(feature = "full"),
    expect(dead_code, reason = "the tests of other codecs use it")
)]
mod testing;
mod transpose;
mod vlen;
#[cfg(feature = "full")]
mod zfp;
#[cfg(feature = "full")]
mod zfp_stream;
#[cfg(feature = "compressors")]
mod zstd;
#[cfg(feature = "compressors")]
mod zstd_frame;

use std::sync::OnceLock;

use zarr_core::{BindCodec, Registry};

/// A codec name with the function that binds it, or with the advice to enable the feature that it
/// needs.
type Row = (&'static str, Result<BindCodec, &'static str>);

/// Builds rows of codecs, optionally behind a cargo feature named first.
macro_rules! rows {
    ($feature:tt: $($name:literal => $kind:ident($bind:path),)+) => {
        [$(
            #[cfg(feature = $feature)]
            ($name, Ok(BindCodec::$kind($bind))),
            #[cfg(not(feature = $feature))]
            ($name, Err(concat!("enable the cargo feature `", $feature, "` of zarr-engine"))),
        )+]
    };
    ($($name:literal => $kind:ident($bind:path),)+) => {
        [$(($name, Ok(BindCodec::$kind($bind))),)+]
    };
}

/// Every codec of this crate, from the core specification, from the extension registry, and from
/// numcodecs as zarr-python uses it.
const CODECS: &[&[Row]] = &[
    &rows![
        "bytes" => ArrayToBytes(bytes::bind),
        "crc32c" => BytesToBytes(crc32c::bind),
        "optional" => ArrayToBytes(optional::bind),
        "sharding_indexed" => ArrayToBytes(sharding::bind),
        "transpose" => ArrayToArray(transpose::bind),
        "vlen-bytes" => ArrayToBytes(vlen::bind_bytes),
        "vlen-utf8" => ArrayToBytes(vlen::bind_utf8),
        "zarrs.optional" => ArrayToBytes(optional::bind),
    ],
    &rows!["compressors":
        "blosc" => BytesToBytes(blosc::bind),
        "gzip" => BytesToBytes(gzip::bind),
        "zstd" => BytesToBytes(zstd::bind),
    ],
    &rows!["full":
        "bitround" => ArrayToArray(bitround::bind),
        "cast_value" => ArrayToArray(cast_value::bind),
        "conditional" => BytesToBytes(conditional::bind),
        "n5_default" => ArrayToBytes(n5_default::bind),
        "packbits" => ArrayToBytes(packbits::bind),
        "reshape" => ArrayToArray(reshape::bind),
        "scale_offset" => ArrayToArray(scale_offset::bind),
        "zfp" => ArrayToBytes(zfp::bind),
        "numcodecs.adler32" => BytesToBytes(numcodecs::checksum::bind_adler32),
        "numcodecs.astype" => ArrayToArray(numcodecs::astype::bind),
        "numcodecs.bitround" => ArrayToArray(bitround::bind_numcodecs),
        "numcodecs.blosc" => BytesToBytes(numcodecs::aliases::bind_blosc),
        "numcodecs.bz2" => BytesToBytes(numcodecs::bz2::bind),
        "numcodecs.crc32" => BytesToBytes(numcodecs::checksum::bind_crc32),
        "numcodecs.crc32c" => BytesToBytes(numcodecs::checksum::bind_crc32c),
        "numcodecs.delta" => ArrayToArray(numcodecs::delta::bind),
        "numcodecs.fixedscaleoffset" => ArrayToArray(numcodecs::fixed_scale_offset::bind),
        "numcodecs.fletcher32" => BytesToBytes(numcodecs::checksum::bind_fletcher32),
        "numcodecs.gzip" => BytesToBytes(numcodecs::aliases::bind_gzip),
        "numcodecs.jenkins_lookup3" => BytesToBytes(numcodecs::checksum::bind_jenkins_lookup3),
        "numcodecs.lz4" => BytesToBytes(numcodecs::lz4::bind),
        "numcodecs.lzma" => BytesToBytes(numcodecs::lzma::bind),
        "numcodecs.packbits" => ArrayToArray(numcodecs::packbits::bind),
        "numcodecs.pcodec" => ArrayToBytes(numcodecs::pcodec::bind),
        "numcodecs.quantize" => ArrayToArray(numcodecs::quantize::bind),
        "numcodecs.shuffle" => BytesToBytes(numcodecs::shuffle::bind),
        "numcodecs.zfpy" => ArrayToBytes(numcodecs::zfpy::bind),
        "numcodecs.zlib" => BytesToBytes(numcodecs::zlib::bind),
        "numcodecs.zstd" => BytesToBytes(numcodecs::aliases::bind_zstd),
    ],
];

/// Codec names from drafts, and from zarrs before registration, which tolerant readers accept.
const LEGACY: &[&[Row]] = &[
    &rows![
        "endian" => ArrayToBytes(bytes::bind),
        "https://codec.zarrs.dev/array_to_bytes/vlen_interleaved" => ArrayToBytes(vlen::bind_any),
        "https://codec.zarrs.dev/array_to_bytes/vlen_v2" => ArrayToBytes(vlen::bind_any),
        "zarrs.vlen_v2" => ArrayToBytes(vlen::bind_any),
    ],
    &rows!["full":
        "https://codec.zarrs.dev/array_to_array/bitround" => ArrayToArray(bitround::bind),
        "https://codec.zarrs.dev/array_to_bytes/bitround" => ArrayToArray(bitround::bind),
        "https://codec.zarrs.dev/array_to_bytes/pcodec" => ArrayToBytes(numcodecs::pcodec::bind),
        "https://codec.zarrs.dev/array_to_bytes/zfp" => ArrayToBytes(zfp::bind),
        "zarrs.zfp" => ArrayToBytes(zfp::bind),
        "https://codec.zarrs.dev/array_to_bytes/zfpy" => ArrayToBytes(numcodecs::zfpy::bind),
        "https://codec.zarrs.dev/bytes_to_bytes/bz2" => BytesToBytes(numcodecs::bz2::bind),
        "https://codec.zarrs.dev/bytes_to_bytes/fletcher32" => BytesToBytes(numcodecs::checksum::bind_fletcher32),
    ],
];

/// Returns a registry of the core specification's extensions, the registered data types, and every
/// codec compiled into this crate.
#[must_use]
pub fn registry() -> Registry {
    // Building the tables takes as long as opening a local array. Two threads may both build them:
    // a lock could stay locked in a forked child.
    static REGISTRY: OnceLock<Registry> = OnceLock::new();
    if let Some(registry) = REGISTRY.get() {
        return registry.clone();
    }
    let registry = build_registry();
    let _ = REGISTRY.set(registry.clone());
    registry
}

fn build_registry() -> Registry {
    let add = |registry: Registry, (name, codec): &Row| match codec {
        Ok(bind) => registry.with_codec(name, *bind),
        Err(advice) => registry.with_missing_codec(name, advice),
    };
    let add_legacy = |registry: Registry, (name, codec): &Row| match codec {
        Ok(bind) => registry.with_legacy_codec(name, *bind),
        Err(advice) => registry.with_missing_codec(name, advice),
    };
    let core = Registry::core().with_registered_data_types();
    let codecs = CODECS.iter().copied().flatten().fold(core, add);
    LEGACY.iter().copied().flatten().fold(codecs, add_legacy)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::chain;

    #[test]
    fn every_name_is_bound_or_says_which_feature_it_needs() {
        let rows = || CODECS.iter().chain(LEGACY).copied().flatten();
        for (name, codec) in rows() {
            let error = chain(&format!(r#"{{"name": "{name}"}}"#), &[1], "uint8").err();
            let text = error.map(|error| error.to_string()).unwrap_or_default();
            assert!(!text.contains("unknown codec"), "{text}");
            assert_eq!(
                text.contains("enable the cargo feature"),
                codec.is_err(),
                "{text}"
            );
        }
        let off =
            |feature: &str| rows().any(|(_, codec)| codec.is_err_and(|it| it.contains(feature)));
        assert_eq!(off("`full`"), cfg!(not(feature = "full")));
        assert_eq!(off("`compressors`"), cfg!(not(feature = "compressors")));
    }

    #[test]
    fn no_name_is_registered_twice() {
        let mut names: Vec<_> = CODECS
            .iter()
            .copied()
            .flatten()
            .map(|(name, _)| name)
            .collect();
        let count = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
