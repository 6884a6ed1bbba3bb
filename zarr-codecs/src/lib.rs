//! The codecs of Zarr v3, one file each, and the registry that names them.
//!
//! Each codec is bound to what it encodes before it sees a byte, so it knows how much it may decode to: no stored number
//! makes it allocate more. Whatever the bytes, decoding ends in a result, never in a panic; the only `unsafe` of the crate
//! calls C in `blosc/compress.rs` and `blosc/lz4.rs`.

#![deny(unsafe_code)]

#[cfg(feature = "blosc")]
mod blosc;
mod bytes;
#[cfg(feature = "crc32c")]
mod crc32c;
#[cfg(any(feature = "gzip", feature = "zstd"))]
mod decompress;
#[cfg(feature = "gzip")]
mod gzip;
#[cfg(any(feature = "blosc", feature = "gzip"))]
mod inflate;
#[cfg(any(feature = "blosc", feature = "gzip", feature = "zstd"))]
mod output;
#[cfg(feature = "sharding")]
mod shard_index;
#[cfg(feature = "sharding")]
mod sharding;
#[cfg(test)]
#[cfg_attr(
    not(any(feature = "blosc", feature = "gzip", feature = "zstd")),
    expect(dead_code, reason = "most of it is for the tests of compressors")
)]
mod testing;
#[cfg(feature = "transpose")]
mod transpose;
mod vlen;
#[cfg(feature = "zstd")]
mod zstd;
#[cfg(any(feature = "blosc", feature = "zstd"))]
mod zstd_frame;

use zarr_core::{BindCodec, Registry};

/// The extensions of the core specification and every codec that this crate was built with.
#[must_use]
pub fn registry() -> Registry {
    let registry = Registry::core();
    let registry = registry
        .with_codec("bytes", BindCodec::ArrayToBytes(bytes::bind))
        .with_codec("vlen-bytes", BindCodec::ArrayToBytes(vlen::bind_bytes))
        .with_codec("vlen-utf8", BindCodec::ArrayToBytes(vlen::bind_utf8));
    #[cfg(feature = "blosc")]
    let registry = registry.with_codec("blosc", BindCodec::BytesToBytes(blosc::bind));
    #[cfg(feature = "crc32c")]
    let registry = registry.with_codec("crc32c", BindCodec::BytesToBytes(crc32c::bind));
    #[cfg(feature = "gzip")]
    let registry = registry.with_codec("gzip", BindCodec::BytesToBytes(gzip::bind));
    #[cfg(feature = "sharding")]
    let registry = registry.with_codec("sharding_indexed", BindCodec::ArrayToBytes(sharding::bind));
    #[cfg(feature = "transpose")]
    let registry = registry.with_codec("transpose", BindCodec::ArrayToArray(transpose::bind));
    #[cfg(feature = "zstd")]
    let registry = registry.with_codec("zstd", BindCodec::BytesToBytes(zstd::bind));
    registry
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
        ];
        for (name, enabled) in codecs {
            assert_eq!(names.contains(&format!("{name:?}")), enabled, "{name}");
        }
    }
}
