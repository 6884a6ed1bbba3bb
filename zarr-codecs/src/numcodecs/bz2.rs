//! `numcodecs.bz2`: concatenated bzip2 streams.

use std::sync::Arc;

use bzip2::{Action, Compress, Compression, Decompress, Status};
use serde::Deserialize;
use zarr_core::codec::{BytesToBytes, EncodedSize};
use zarr_core::{Binder, Error, Extension, Result};

use crate::compressor::{self, Compressor};
use crate::output::reserve;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Configuration {
    #[serde(default = "default_level")]
    level: i64,
}

fn default_level() -> i64 {
    1
}

#[derive(Debug)]
struct Bz2 {
    /// The compression level, from 1 to 9.
    level: u32,
}

/// Binds the codec. Levels range from 1 to 9.
pub(crate) fn bind(
    extension: &Extension,
    decoded: EncodedSize,
    _: &Binder<'_>,
) -> Result<Arc<dyn BytesToBytes>> {
    let Configuration { level } = extension.parse()?;
    match u32::try_from(level) {
        Ok(level) if (1..=9).contains(&level) => Ok(compressor::bind(Bz2 { level }, decoded)),
        _ => Err(Error::invalid(level, "a level from 1 to 9").member("configuration.level")),
    }
}

impl Compressor for Bz2 {
    const NAME: &'static str = "numcodecs.bz2";

    fn compress(&self, decoded: &[u8], encoded: &mut Vec<u8>) -> Result<()> {
        // The upper bound that the format's documentation gives.
        reserve(encoded, decoded.len() + decoded.len() / 100 + 600)?;
        let mut stream = Compress::new(Compression::new(self.level), 30);
        let mut left = decoded;
        loop {
            let before = stream.total_in();
            let status = stream.compress_vec(left, encoded, Action::Finish);
            match status {
                Ok(Status::StreamEnd) => return Ok(()),
                Ok(_) => {}
                Err(error) => return Err(corrupt(error)),
            }
            left = &left[advance(before, stream.total_in())..];
            reserve(encoded, 4096)?;
        }
    }

    fn decompress(&self, encoded: &[u8], decoded: &mut [u8]) -> Result<Option<usize>> {
        decode_streams(encoded, decoded)
    }
}

/// Decodes all streams to the start of `decoded` and returns the number of bytes written, or `None`
/// if they do not fit.
fn decode_streams(encoded: &[u8], decoded: &mut [u8]) -> Result<Option<usize>> {
    let mut left = encoded;
    let mut written = 0;
    let mut stream = Decompress::new(false);
    loop {
        let (before_in, before_out) = (stream.total_in(), stream.total_out());
        let full = written == decoded.len();
        // A full buffer may already hold the whole result; one spare byte reveals whether more
        // output follows.
        let mut spare = [0];
        let room = if full {
            &mut spare
        } else {
            &mut decoded[written..]
        };
        let status = stream.decompress(left, room).map_err(corrupt)?;
        let read = advance(before_in, stream.total_in());
        let wrote = advance(before_out, stream.total_out());
        left = &left[read..];
        if full && wrote > 0 {
            return Ok(None);
        }
        written += wrote;
        match status {
            Status::StreamEnd if left.is_empty() => return Ok(Some(written)),
            Status::StreamEnd => stream = Decompress::new(false),
            _ if read == 0 && wrote == 0 => {
                let reason = format!("the stream does not end within {} bytes", encoded.len());
                return Err(Error::corrupt("numcodecs.bz2", reason));
            }
            _ => {}
        }
    }
}

fn advance(before: u64, after: u64) -> usize {
    usize::try_from(after - before).expect("no more than the slices given")
}

fn corrupt(error: bzip2::Error) -> Error {
    Error::corrupt("numcodecs.bz2", error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{assert_compressor, binder, extension};

    #[test]
    fn streams_are_written_and_read() {
        let codec = |size| bind(&Extension::new("numcodecs.bz2"), size, &binder());
        assert_compressor("bz2-", codec, &[]);
    }

    #[test]
    fn bad_configurations_are_refused() {
        for configuration in [r#"{"level": 10}"#, r#"{"level": 0}"#, r#"{"more": 15}"#] {
            let json = format!(r#"{{"name": "x", "configuration": {configuration}}}"#);
            assert!(
                bind(&extension(&json), EncodedSize::Exact(1), &binder()).is_err(),
                "{json}"
            );
        }
    }
}
