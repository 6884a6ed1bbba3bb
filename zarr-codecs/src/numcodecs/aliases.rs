//! `numcodecs.gzip`, `numcodecs.zstd` and `numcodecs.blosc`: our own codecs, with the defaults and
//! spellings of numcodecs.

use std::sync::Arc;

use serde::Deserialize;
use zarr_core::codec::{BytesToBytes, EncodedSize};
use zarr_core::{Binder, Extension, Result};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Gzip {
    #[serde(default = "one")]
    level: i64,
}

fn one() -> i64 {
    1
}

/// Binds `numcodecs.gzip`. `level` defaults to 1; -1 means zlib's default.
pub(crate) fn bind_gzip(
    extension: &Extension,
    size: EncodedSize,
    binder: &Binder<'_>,
) -> Result<Arc<dyn BytesToBytes>> {
    let Gzip { level } = extension.parse()?;
    let level = if level == -1 { 6 } else { level };
    crate::gzip::bind(&Extension::new("gzip").with("level", level), size, binder)
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
#[derive(Default)]
struct Zstd {
    level: i64,
    checksum: bool,
}

/// Binds `numcodecs.zstd`. `level` and `checksum` are optional.
pub(crate) fn bind_zstd(
    extension: &Extension,
    size: EncodedSize,
    binder: &Binder<'_>,
) -> Result<Arc<dyn BytesToBytes>> {
    let Zstd { level, checksum } = extension.parse()?;
    let zstd = Extension::new("zstd").with("level", level);
    crate::zstd::bind(&zstd.with("checksum", checksum), size, binder)
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Blosc {
    cname: String,
    clevel: i64,
    shuffle: i64,
    blocksize: u64,
    typesize: Option<u64>,
}

impl Default for Blosc {
    fn default() -> Self {
        Self {
            cname: "lz4".to_owned(),
            clevel: 5,
            shuffle: 1,
            blocksize: 0,
            typesize: None,
        }
    }
}

/// Binds `numcodecs.blosc`. `shuffle` is a number. `typesize` defaults to 1, the element size of
/// the bytes that the codec encodes.
pub(crate) fn bind_blosc(
    extension: &Extension,
    size: EncodedSize,
    binder: &Binder<'_>,
) -> Result<Arc<dyn BytesToBytes>> {
    let blosc: Blosc = extension.parse()?;
    let type_size = blosc.typesize.unwrap_or(1);
    let shuffle = match blosc.shuffle {
        0 => "noshuffle",
        1 => "shuffle",
        2 => "bitshuffle",
        -1 if type_size == 1 => "bitshuffle",
        -1 => "shuffle",
        other => {
            let error = zarr_core::Error::invalid(other, "a shuffle of -1, 0, 1 or 2");
            return Err(error.member("configuration.shuffle"));
        }
    };
    let extension = Extension::new("blosc")
        .with("cname", blosc.cname)
        .with("clevel", blosc.clevel)
        .with("shuffle", shuffle)
        .with("blocksize", blosc.blocksize)
        .with("typesize", type_size);
    crate::blosc::bind(&extension, size, binder)
}
