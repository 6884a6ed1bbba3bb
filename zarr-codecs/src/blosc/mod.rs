//! The `blosc` codec: blocks, shuffled and compressed by one of six compressors (core codecs,
//! "blosc codec").
//!
//! C-Blosc encodes (`compress`). Rust decodes: `header` and `decode` walk the frame, `blosclz` is
//! the only compressor without a crate, and `unshuffle` puts bytes and bits back in place.
//! C-Blosc's decoder is not safe for untrusted frames: a run of 8,421,505 bytes of 255 in a BloscLZ
//! stream overflows its 32-bit length, and it writes before the buffer
//! (`a_length_that_overflows_c_blosc_is_refused`). As BloscLZ needs Rust anyway, decoding with C
//! would only add a second path through every frame. The header of a frame determines how it is
//! decoded; the configuration serves encoding only.

mod blosclz;
mod compress;
mod decode;
mod header;
#[cfg(test)]
mod tests;
mod unshuffle;

use std::sync::Arc;

use serde::Deserialize;
use zarr_core::codec::{BytesToBytes, EncodedSize};
use zarr_core::{Binder, Error, Extension, Result};

use self::compress::{Compressor, Parameters, Shuffle, compress};
use self::decode::decode_frame;
use self::header::Header;
use crate::compressor;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Configuration {
    cname: Compressor,
    clevel: i64,
    shuffle: Shuffle,
    typesize: Option<u64>,
    #[serde(default)]
    blocksize: u64,
}

#[derive(Debug)]
struct Blosc {
    parameters: Parameters,
}

/// Binds the codec. `typesize` is required unless `shuffle` is `noshuffle`, and may differ from the
/// size of an element.
pub(crate) fn bind(
    extension: &Extension,
    decoded: EncodedSize,
    _: &Binder<'_>,
) -> Result<Arc<dyn BytesToBytes>> {
    let configuration: Configuration = extension.parse()?;
    let parameters = parameters(&configuration).map_err(|error| error.member("configuration"))?;
    Ok(compressor::bind(Blosc { parameters }, decoded))
}

fn parameters(configuration: &Configuration) -> Result<Parameters> {
    let level = compressor::level("clevel", configuration.clevel, 0..=9)?;
    let type_size = match (configuration.typesize, configuration.shuffle) {
        (_, Shuffle::None) => 1,
        (None, _) => return Err(Error::MissingMember { member: "typesize" }),
        (Some(0), _) => return Err(Error::invalid(0, "1 or more").member("typesize")),
        (Some(size), _) => size,
    };
    Ok(Parameters {
        compressor: configuration.cname,
        level,
        shuffle: configuration.shuffle,
        type_size,
        block_size: configuration.blocksize,
    })
}

impl compressor::Compressor for Blosc {
    const NAME: &'static str = "blosc";

    fn compress(&self, decoded: &[u8], encoded: &mut Vec<u8>) -> Result<()> {
        compress(&self.parameters, decoded, encoded)
    }

    fn decompress(&self, encoded: &[u8], decoded: &mut [u8]) -> Result<Option<usize>> {
        let header = Header::parse(encoded)?;
        decode_frame(&header, encoded, decoded)?;
        Ok(Some(header.nbytes))
    }

    fn declared(&self, encoded: &[u8]) -> Result<Option<usize>> {
        Ok(Some(Header::parse(encoded)?.nbytes))
    }
}
