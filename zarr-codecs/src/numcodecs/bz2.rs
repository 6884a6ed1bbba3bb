//! `numcodecs.bz2`: concatenated bzip2 streams.

use std::sync::Arc;

use bzip2::{Action, Compress, Compression, Decompress, Status};
use zarr_core::codec::{BytesToBytes, EncodedSize};
use zarr_core::{Binder, Error, Extension, Result};

use super::Level;
use crate::compressor::{self, Compressor};
use crate::steps::{self, Step};

#[derive(Debug)]
struct Bz2 {
    level: Compression,
}

/// Binds the codec. Levels range from 1 to 9.
pub(crate) fn bind(
    extension: &Extension,
    decoded: EncodedSize,
    _: &Binder<'_>,
) -> Result<Arc<dyn BytesToBytes>> {
    let Level { level } = extension.parse()?;
    let level = compressor::level("configuration.level", level, 1..=9)?;
    let level = Compression::new(level.unsigned_abs());
    Ok(compressor::bind(Bz2 { level }, decoded))
}

impl Compressor for Bz2 {
    const NAME: &'static str = "numcodecs.bz2";

    fn compress(&self, decoded: &[u8], encoded: &mut Vec<u8>) -> Result<()> {
        let mut stream = Compress::new(self.level, 30);
        // The upper bound that the format's documentation gives.
        let most = (decoded.len() / 100).saturating_add(600);
        let most = most.saturating_add(decoded.len());
        steps::compress(decoded, encoded, most, |left, encoded| {
            let before = (stream.total_in(), stream.total_out());
            let status = stream.compress_vec(left, encoded, Action::Finish);
            let ended = status.map_err(corrupt)? == Status::StreamEnd;
            let after = (stream.total_in(), stream.total_out());
            Ok(Step::new(before, after, ended))
        })
    }

    fn decompress(&self, encoded: &[u8], decoded: &mut [u8]) -> Result<Option<usize>> {
        let mut stream = Decompress::new(false);
        steps::decompress::<Self>(encoded, decoded, |left, room| {
            let before = (stream.total_in(), stream.total_out());
            let ended = stream.decompress(left, room).map_err(corrupt)? == Status::StreamEnd;
            let after = (stream.total_in(), stream.total_out());
            if ended {
                stream = Decompress::new(false);
            }
            Ok(Step::new(before, after, ended))
        })
    }
}

fn corrupt(error: bzip2::Error) -> Error {
    Error::corrupt("numcodecs.bz2", error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{assert_compressor, assert_refused, binder};

    #[test]
    fn streams_are_written_and_read() {
        let codec = |size| bind(&Extension::new("numcodecs.bz2"), size, &binder());
        assert_compressor("bz2-", codec, &[]);
    }

    #[test]
    fn bad_configurations_are_refused() {
        assert_refused(
            bind,
            &[r#"{"level": 10}"#, r#"{"level": 0}"#, r#"{"more": 15}"#],
        );
    }
}
