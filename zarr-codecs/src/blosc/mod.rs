//! The `blosc` codec: blocks, shuffled and compressed by one of six compressors (core codecs, "blosc codec").
//!
//! C-Blosc encodes (`compress`). Frames are decoded in Rust, since its decoder reads out of bounds on hostile ones: `header` and
//! `decode` walk the frame, `blosclz` is the one compressor that no crate has, `unshuffle`
//! puts bytes and bits back in place.
//! The header of a frame says how it is decoded; the configuration serves encoding only.

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
use crate::output::{encoded_bound, grow};

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
    decoded: EncodedSize,
}

/// Binds the codec: `typesize` is required unless nothing is shuffled, and need not be the size of an element.
pub(crate) fn bind(
    extension: &Extension,
    decoded: EncodedSize,
    _: &Binder<'_>,
) -> Result<Arc<dyn BytesToBytes>> {
    let configuration: Configuration = extension.parse()?;
    let parameters = parameters(&configuration).map_err(|error| error.member("configuration"))?;
    Ok(Arc::new(Blosc {
        parameters,
        decoded,
    }))
}

fn parameters(configuration: &Configuration) -> Result<Parameters> {
    let level = configuration.clevel;
    let level = u8::try_from(level)
        .ok()
        .filter(|&level| level <= 9)
        .ok_or_else(|| Error::invalid(level, "a level from 0 to 9").member("clevel"))?;
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

impl BytesToBytes for Blosc {
    fn name(&self) -> &'static str {
        "blosc"
    }

    fn encoded_size(&self) -> EncodedSize {
        encoded_bound(self.decoded)
    }

    fn encode(&self, decoded: &[u8], encoded: &mut Vec<u8>) -> Result<()> {
        compress(&self.parameters, decoded, encoded)
    }

    fn decode(&self, encoded: &[u8], decoded: &mut Vec<u8>) -> Result<()> {
        let header = Header::parse(encoded)?;
        self.decoded
            .check("nbytes in the blosc header", header.nbytes)?;
        let start = decoded.len();
        grow(decoded, start, header.nbytes)?;
        decode_frame(&header, encoded, &mut decoded[start..])
            .inspect_err(|_| decoded.truncate(start))
    }

    fn decode_exact(&self, encoded: &[u8], decoded: &mut [u8]) -> Result<()> {
        let header = Header::parse(encoded)?;
        EncodedSize::Exact(decoded.len()).check("nbytes in the blosc header", header.nbytes)?;
        decode_frame(&header, encoded, decoded)
    }
}
