//! The codecs of Zarr v3, one file each, and the registry that names them.
//!
//! Each codec is bound to what it encodes before it sees a byte, so it knows how much it may decode to: no stored number
//! makes it allocate more. Whatever the bytes, decoding ends in a result, never in a panic; the only `unsafe` of the crate
//! calls C in `blosc/compress.rs` and `lz4_block.rs`.

#![deny(unsafe_code)]

#[cfg(feature = "filters")]
mod bitround;
#[cfg(feature = "blosc")]
mod blosc;
mod bytes;
#[cfg(feature = "filters")]
mod cast_value;
#[cfg(feature = "conditional")]
mod conditional;
#[cfg(feature = "crc32c")]
mod crc32c;
#[cfg(any(
    feature = "bz2",
    feature = "gzip",
    feature = "lzma",
    feature = "zlib",
    feature = "zstd"
))]
mod decompress;
#[cfg(feature = "gzip")]
mod gzip;
#[cfg(any(feature = "blosc", feature = "gzip", feature = "zlib"))]
mod inflate;
#[cfg(any(feature = "blosc", feature = "lz4"))]
mod lz4_block;
#[cfg(feature = "n5")]
mod n5_default;
#[cfg(any(
    feature = "filters",
    feature = "n5",
    feature = "packbits",
    feature = "zfp"
))]
#[cfg_attr(
    not(feature = "filters"),
    expect(dead_code, reason = "the other codecs need parts of it")
)]
mod number;
#[cfg(any(
    feature = "bz2",
    feature = "filters",
    feature = "lz4",
    feature = "lzma",
    feature = "numcodecs",
    feature = "pcodec",
    feature = "zfp",
    feature = "zlib"
))]
mod numcodecs;
mod optional;
#[cfg(any(
    feature = "blosc",
    feature = "bz2",
    feature = "gzip",
    feature = "lz4",
    feature = "lzma",
    feature = "numcodecs",
    feature = "pcodec",
    feature = "zlib",
    feature = "zstd"
))]
#[cfg_attr(
    not(any(
        feature = "blosc",
        feature = "bz2",
        feature = "gzip",
        feature = "lz4",
        feature = "lzma",
        feature = "zlib",
        feature = "zstd"
    )),
    expect(dead_code, reason = "the other codecs need parts of it")
)]
mod output;
#[cfg(feature = "packbits")]
mod packbits;
#[cfg(feature = "reshape")]
mod reshape;
#[cfg(any(
    feature = "filters",
    feature = "n5",
    feature = "packbits",
    feature = "zfp"
))]
mod rounding;
#[cfg(feature = "filters")]
mod scale_offset;
#[cfg(feature = "sharding")]
mod shard_index;
#[cfg(feature = "sharding")]
mod sharding;
#[cfg(test)]
#[cfg_attr(
    not(feature = "default"),
    expect(dead_code, reason = "the tests of each codec need parts of it")
)]
mod testing;
#[cfg(feature = "transpose")]
mod transpose;
mod vlen;
#[cfg(feature = "zfp")]
mod zfp;
#[cfg(feature = "zfp")]
mod zfp_stream;
#[cfg(feature = "zstd")]
mod zstd;
#[cfg(any(feature = "blosc", feature = "zstd"))]
mod zstd_frame;

use zarr_core::{BindCodec, Registry};

/// Every codec that this crate was built with: the core ones, the registered ones, and those that zarr-python takes from
/// numcodecs.
const CODECS: &[(&str, BindCodec)] = &[
    ("bytes", BindCodec::ArrayToBytes(bytes::bind)),
    #[cfg(feature = "filters")]
    ("bitround", BindCodec::ArrayToArray(bitround::bind)),
    #[cfg(feature = "blosc")]
    ("blosc", BindCodec::BytesToBytes(blosc::bind)),
    #[cfg(feature = "filters")]
    ("cast_value", BindCodec::ArrayToArray(cast_value::bind)),
    #[cfg(feature = "conditional")]
    ("conditional", BindCodec::BytesToBytes(conditional::bind)),
    #[cfg(feature = "crc32c")]
    ("crc32c", BindCodec::BytesToBytes(crc32c::bind)),
    #[cfg(feature = "gzip")]
    ("gzip", BindCodec::BytesToBytes(gzip::bind)),
    #[cfg(feature = "n5")]
    ("n5_default", BindCodec::ArrayToBytes(n5_default::bind)),
    ("optional", BindCodec::ArrayToBytes(optional::bind)),
    #[cfg(feature = "packbits")]
    ("packbits", BindCodec::ArrayToBytes(packbits::bind)),
    #[cfg(feature = "reshape")]
    ("reshape", BindCodec::ArrayToArray(reshape::bind)),
    #[cfg(feature = "filters")]
    ("scale_offset", BindCodec::ArrayToArray(scale_offset::bind)),
    #[cfg(feature = "sharding")]
    ("sharding_indexed", BindCodec::ArrayToBytes(sharding::bind)),
    #[cfg(feature = "transpose")]
    ("transpose", BindCodec::ArrayToArray(transpose::bind)),
    ("vlen-bytes", BindCodec::ArrayToBytes(vlen::bind_bytes)),
    ("vlen-utf8", BindCodec::ArrayToBytes(vlen::bind_utf8)),
    ("zarrs.optional", BindCodec::ArrayToBytes(optional::bind)),
    #[cfg(feature = "zfp")]
    ("zfp", BindCodec::ArrayToBytes(zfp::bind)),
    #[cfg(feature = "zstd")]
    ("zstd", BindCodec::BytesToBytes(zstd::bind)),
    #[cfg(feature = "numcodecs")]
    (
        "numcodecs.adler32",
        BindCodec::BytesToBytes(numcodecs::checksum::bind_adler32),
    ),
    #[cfg(feature = "filters")]
    (
        "numcodecs.astype",
        BindCodec::ArrayToArray(numcodecs::astype::bind),
    ),
    #[cfg(feature = "filters")]
    (
        "numcodecs.bitround",
        BindCodec::ArrayToArray(bitround::bind_numcodecs),
    ),
    #[cfg(all(feature = "numcodecs", feature = "blosc"))]
    (
        "numcodecs.blosc",
        BindCodec::BytesToBytes(numcodecs::aliases::bind_blosc),
    ),
    #[cfg(feature = "bz2")]
    (
        "numcodecs.bz2",
        BindCodec::BytesToBytes(numcodecs::bz2::bind),
    ),
    #[cfg(feature = "numcodecs")]
    (
        "numcodecs.crc32",
        BindCodec::BytesToBytes(numcodecs::checksum::bind_crc32),
    ),
    #[cfg(feature = "numcodecs")]
    (
        "numcodecs.crc32c",
        BindCodec::BytesToBytes(numcodecs::checksum::bind_crc32c),
    ),
    #[cfg(feature = "filters")]
    (
        "numcodecs.delta",
        BindCodec::ArrayToArray(numcodecs::delta::bind),
    ),
    #[cfg(feature = "filters")]
    (
        "numcodecs.fixedscaleoffset",
        BindCodec::ArrayToArray(numcodecs::fixed_scale_offset::bind),
    ),
    #[cfg(feature = "numcodecs")]
    (
        "numcodecs.fletcher32",
        BindCodec::BytesToBytes(numcodecs::checksum::bind_fletcher32),
    ),
    #[cfg(all(feature = "numcodecs", feature = "gzip"))]
    (
        "numcodecs.gzip",
        BindCodec::BytesToBytes(numcodecs::aliases::bind_gzip),
    ),
    #[cfg(feature = "numcodecs")]
    (
        "numcodecs.jenkins_lookup3",
        BindCodec::BytesToBytes(numcodecs::checksum::bind_jenkins_lookup3),
    ),
    #[cfg(feature = "lz4")]
    (
        "numcodecs.lz4",
        BindCodec::BytesToBytes(numcodecs::lz4::bind),
    ),
    #[cfg(feature = "lzma")]
    (
        "numcodecs.lzma",
        BindCodec::BytesToBytes(numcodecs::lzma::bind),
    ),
    #[cfg(feature = "filters")]
    (
        "numcodecs.packbits",
        BindCodec::ArrayToArray(numcodecs::packbits::bind),
    ),
    #[cfg(feature = "pcodec")]
    (
        "numcodecs.pcodec",
        BindCodec::ArrayToBytes(numcodecs::pcodec::bind),
    ),
    #[cfg(feature = "filters")]
    (
        "numcodecs.quantize",
        BindCodec::ArrayToArray(numcodecs::quantize::bind),
    ),
    #[cfg(feature = "numcodecs")]
    (
        "numcodecs.shuffle",
        BindCodec::BytesToBytes(numcodecs::shuffle::bind),
    ),
    #[cfg(feature = "zfp")]
    (
        "numcodecs.zfpy",
        BindCodec::ArrayToBytes(numcodecs::zfpy::bind),
    ),
    #[cfg(feature = "zlib")]
    (
        "numcodecs.zlib",
        BindCodec::BytesToBytes(numcodecs::zlib::bind),
    ),
    #[cfg(all(feature = "numcodecs", feature = "zstd"))]
    (
        "numcodecs.zstd",
        BindCodec::BytesToBytes(numcodecs::aliases::bind_zstd),
    ),
];

/// Names that codecs had in drafts and in zarrs before they were registered: for tolerant readers.
const LEGACY: &[(&str, BindCodec)] = &[
    ("endian", BindCodec::ArrayToBytes(bytes::bind)),
    #[cfg(feature = "filters")]
    (
        "https://codec.zarrs.dev/array_to_array/bitround",
        BindCodec::ArrayToArray(bitround::bind),
    ),
    #[cfg(feature = "filters")]
    (
        "https://codec.zarrs.dev/array_to_bytes/bitround",
        BindCodec::ArrayToArray(bitround::bind),
    ),
    #[cfg(feature = "pcodec")]
    (
        "https://codec.zarrs.dev/array_to_bytes/pcodec",
        BindCodec::ArrayToBytes(numcodecs::pcodec::bind),
    ),
    (
        "https://codec.zarrs.dev/array_to_bytes/vlen_interleaved",
        BindCodec::ArrayToBytes(vlen::bind_any),
    ),
    (
        "https://codec.zarrs.dev/array_to_bytes/vlen_v2",
        BindCodec::ArrayToBytes(vlen::bind_any),
    ),
    ("zarrs.vlen_v2", BindCodec::ArrayToBytes(vlen::bind_any)),
    #[cfg(feature = "zfp")]
    (
        "https://codec.zarrs.dev/array_to_bytes/zfp",
        BindCodec::ArrayToBytes(zfp::bind),
    ),
    #[cfg(feature = "zfp")]
    ("zarrs.zfp", BindCodec::ArrayToBytes(zfp::bind)),
    #[cfg(feature = "zfp")]
    (
        "https://codec.zarrs.dev/array_to_bytes/zfpy",
        BindCodec::ArrayToBytes(numcodecs::zfpy::bind),
    ),
    #[cfg(feature = "bz2")]
    (
        "https://codec.zarrs.dev/bytes_to_bytes/bz2",
        BindCodec::BytesToBytes(numcodecs::bz2::bind),
    ),
    #[cfg(feature = "numcodecs")]
    (
        "https://codec.zarrs.dev/bytes_to_bytes/fletcher32",
        BindCodec::BytesToBytes(numcodecs::checksum::bind_fletcher32),
    ),
];

/// The extensions of the core specification, the registered data types, and every codec that this crate was built with.
#[must_use]
pub fn registry() -> Registry {
    let add =
        |registry: Registry, (name, bind): &(&str, BindCodec)| registry.with_codec(name, *bind);
    let add_legacy = |registry: Registry, (name, bind): &(&str, BindCodec)| {
        registry.with_legacy_codec(name, *bind)
    };
    let codecs = CODECS
        .iter()
        .fold(Registry::core().with_registered_data_types(), add);
    LEGACY.iter().fold(codecs, add_legacy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registry_names_the_codecs_of_the_enabled_features() {
        let names = format!("{:?}", registry());
        let codecs = [
            ("bytes", true),
            ("blosc", cfg!(feature = "blosc")),
            ("crc32c", cfg!(feature = "crc32c")),
            ("gzip", cfg!(feature = "gzip")),
            ("sharding_indexed", cfg!(feature = "sharding")),
            ("transpose", cfg!(feature = "transpose")),
            ("zstd", cfg!(feature = "zstd")),
            (
                "numcodecs.blosc",
                cfg!(all(feature = "blosc", feature = "numcodecs")),
            ),
            ("numcodecs.lzma", cfg!(feature = "lzma")),
        ];
        for (name, enabled) in codecs {
            assert_eq!(names.contains(&format!("{name:?}")), enabled, "{name}");
        }
    }

    #[test]
    fn no_name_is_registered_twice() {
        let mut names: Vec<_> = CODECS.iter().map(|(name, _)| name).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), CODECS.len());
    }
}
