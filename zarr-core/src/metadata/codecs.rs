//! The codecs of the core specification as metadata, in the form that a builder takes.

use crate::extension::Extension;

/// Creates `bytes`, little-endian if the data type has a byte order.
#[must_use]
pub fn bytes(has_byte_order: bool) -> Extension {
    let bytes = Extension::new("bytes");
    if has_byte_order {
        bytes.with("endian", "little")
    } else {
        bytes
    }
}

/// Creates `bytes` in big-endian order.
#[must_use]
pub fn bytes_big_endian() -> Extension {
    Extension::new("bytes").with("endian", "big")
}

/// Creates `transpose`: dimension `i` of the stored chunk is dimension `order[i]` of the array.
#[must_use]
pub fn transpose(order: &[usize]) -> Extension {
    Extension::new("transpose").with("order", order)
}

/// Creates `zstd` with this level, -131072 to 22, without a checksum.
#[must_use]
pub fn zstd(level: i32) -> Extension {
    Extension::new("zstd")
        .with("level", level)
        .with("checksum", false)
}

/// Creates `gzip` with this level, 0 to 9.
#[must_use]
pub fn gzip(level: u32) -> Extension {
    Extension::new("gzip").with("level", level)
}

/// Creates `crc32c`: a four-byte checksum that detects damage.
#[must_use]
pub fn crc32c() -> Extension {
    Extension::new("crc32c")
}

/// Creates `blosc` with a compressor (`lz4`, `zstd` ...), its level 0 to 9, a shuffle (`noshuffle`,
/// `shuffle`, `bitshuffle`) and the size of an element in bytes.
#[must_use]
pub fn blosc(cname: &str, clevel: u32, shuffle: &str, typesize: usize) -> Extension {
    Extension::new("blosc")
        .with("cname", cname)
        .with("clevel", clevel)
        .with("shuffle", shuffle)
        .with("typesize", typesize)
        .with("blocksize", 0)
}

/// Creates `sharding_indexed` with inner chunks of this shape and these codecs, and an index with a
/// checksum at the end.
#[must_use]
pub fn sharding(chunk_shape: &[u64], codecs: &[Extension]) -> Extension {
    Extension::new("sharding_indexed")
        .with("chunk_shape", chunk_shape)
        .with("codecs", codecs)
        .with("index_codecs", [bytes(true), crc32c()])
        .with("index_location", "end")
}
