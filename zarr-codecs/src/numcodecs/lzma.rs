//! `numcodecs.lzma`: the xz, lzma ("alone") and raw formats of liblzma, identified by the numbers
//! of Python's `lzma` module.
//!
//! Decoding uses the configured format, and the filters if the format is raw; streams contain
//! everything else.

use std::sync::Arc;

use liblzma::stream::{Action, Check, Status, Stream};
use serde::Deserialize;
use zarr_core::codec::{BytesToBytes, EncodedSize};
use zarr_core::{Binder, Error, Extension, Result};

use self::filters::{Filter, LZMA1, chain, options};
use crate::compressor::{self, Compressor};
use crate::steps::{self, Step};

/// `LZMA_CONCATENATED`: decode several xz streams as one.
const CONCATENATED: u32 = 0x08;

/// The most memory of a decoder besides its output, in bytes. Presets need up to 65 MiB; a hostile
/// stream may request any amount.
const MEMORY: u64 = 80 << 20;

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Configuration {
    format: i64,
    check: i64,
    preset: Option<u32>,
    filters: Option<Vec<Filter>>,
}

impl Default for Configuration {
    fn default() -> Self {
        Self {
            format: 1,
            check: -1,
            preset: None,
            filters: None,
        }
    }
}

#[derive(Debug)]
enum Format {
    Xz { check: Check },
    Alone,
    Raw,
}

#[derive(Debug)]
struct Lzma {
    format: Format,
    preset: u32,
    filters: Vec<Filter>,
}

/// Binds the codec. Creating an encoder and a decoder once reveals the configurations that liblzma
/// refuses.
pub(crate) fn bind(
    extension: &Extension,
    decoded: EncodedSize,
    _: &Binder<'_>,
) -> Result<Arc<dyn BytesToBytes>> {
    let configuration: Configuration = extension.parse()?;
    let lzma = check(&configuration).map_err(|error| error.member("configuration"))?;
    Ok(compressor::bind(lzma, decoded))
}

fn check(configuration: &Configuration) -> Result<Lzma> {
    let check = match configuration.check {
        0 => Check::None,
        1 => Check::Crc32,
        -1 | 4 => Check::Crc64,
        10 => Check::Sha256,
        other => {
            return Err(Error::invalid(other, "a check of -1, 0, 1, 4 or 10").member("check"));
        }
    };
    let format = match configuration.format {
        1 => Format::Xz { check },
        2 | 3 if configuration.check > 0 => {
            let error = Error::invalid(
                configuration.check,
                "-1 or 0, because only format 1 (xz) has checks",
            );
            return Err(error.member("check"));
        }
        2 => Format::Alone,
        3 => Format::Raw,
        other => return Err(Error::invalid(other, "a format of 1, 2 or 3").member("format")),
    };
    let filters = configuration.filters.clone().unwrap_or_default();
    match format {
        _ if !filters.is_empty() && configuration.preset.is_some() => {
            let error = Error::invalid("preset and filters", "only one of them");
            return Err(error.member("preset"));
        }
        Format::Raw if filters.is_empty() => {
            return Err(Error::MissingMember { member: "filters" });
        }
        Format::Alone if !matches!(filters[..], [] | [Filter { id: LZMA1, .. }]) => {
            let expected = "only the LZMA1 filter, because the format is 2 (alone)";
            return Err(Error::invalid("other filters", expected).member("filters"));
        }
        _ => {}
    }
    let lzma = Lzma {
        format,
        preset: configuration.preset.unwrap_or(6),
        filters,
    };
    let refused = |reason| Error::invalid(reason, "filters that liblzma supports");
    lzma.encoder().map_err(refused)?;
    lzma.decoder().map_err(refused)?;
    Ok(lzma)
}

impl Lzma {
    fn encoder(&self) -> Result<Stream, String> {
        let stream = match (&self.format, &self.filters[..]) {
            (Format::Xz { check }, []) => {
                options(Some(self.preset), &Filter::default())?;
                Stream::new_easy_encoder(self.preset, *check)
            }
            (Format::Xz { check }, filters) => Stream::new_stream_encoder(&chain(filters)?, *check),
            (Format::Alone, filters) => {
                let filter = filters.first().cloned().unwrap_or_default();
                Stream::new_lzma_encoder(&options(Some(self.preset), &filter)?)
            }
            (Format::Raw, filters) => Stream::new_raw_encoder(&chain(filters)?),
        };
        stream.map_err(|error| error.to_string())
    }

    fn decoder(&self) -> Result<Stream, String> {
        let stream = match self.format {
            Format::Xz { .. } => Stream::new_stream_decoder(MEMORY, CONCATENATED),
            Format::Alone => Stream::new_lzma_decoder(MEMORY),
            Format::Raw => Stream::new_raw_decoder(&chain(&self.filters)?),
        };
        stream.map_err(|error| error.to_string())
    }
}

impl Compressor for Lzma {
    const NAME: &'static str = "numcodecs.lzma";

    fn compress(&self, decoded: &[u8], encoded: &mut Vec<u8>) -> Result<()> {
        let mut stream = self.encoder().map_err(corrupt)?;
        steps::compress(
            decoded,
            encoded,
            (decoded.len() / 2).saturating_add(4096),
            |left, encoded| {
                let before = (stream.total_in(), stream.total_out());
                let status = stream.process_vec(left, encoded, Action::Finish);
                let status = status.map_err(|error| corrupt(error.to_string()))?;
                let after = (stream.total_in(), stream.total_out());
                Ok(Step::new(before, after, status == Status::StreamEnd))
            },
        )
    }

    fn decompress(&self, encoded: &[u8], decoded: &mut [u8]) -> Result<Option<usize>> {
        let mut stream = self.decoder().map_err(corrupt)?;
        steps::decompress::<Self>(encoded, decoded, |left, room| {
            let before = (stream.total_in(), stream.total_out());
            let status = stream.process(left, room, Action::Finish);
            let status = status.map_err(|error| corrupt(error.to_string()))?;
            let after = (stream.total_in(), stream.total_out());
            let step = Step::new(before, after, status == Status::StreamEnd);
            if step.ended && step.read < left.len() {
                return Err(corrupt("bytes after the end of the stream".to_owned()));
            }
            Ok(step)
        })
    }
}

fn corrupt(reason: String) -> Error {
    Error::corrupt("numcodecs.lzma", reason)
}

mod filters;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{assert_compressor, binder, extension};

    const RAW: &str =
        r#"{"format": 3, "filters": [{"id": 3, "dist": 4}, {"id": 33, "preset": 1}]}"#;

    fn codec(configuration: &str, size: EncodedSize) -> Result<Arc<dyn BytesToBytes>> {
        bind(
            &extension(&format!(
                r#"{{"name": "x", "configuration": {configuration}}}"#
            )),
            size,
            &binder(),
        )
    }

    #[test]
    fn streams_are_written_and_read() {
        assert_compressor("lzma-xz-", |size| codec("{}", size), &[]);
        assert_compressor("lzma-alone-", |size| codec(r#"{"format": 2}"#, size), &[]);
        assert_compressor("lzma-raw-", |size| codec(RAW, size), &[]);
    }

    #[test]
    fn other_checks_presets_and_filters_are_known() {
        for configuration in [
            r#"{"format": 1, "check": 10, "preset": 9, "filters": null}"#,
            r#"{"format": 1, "preset": 2147483648}"#,
            r#"{"filters": [{"id": 4}, {"id": 33, "dict_size": 65536, "lc": 3, "mf": 3, "mode": 1}]}"#,
            r#"{"format": 2, "filters": [{"id": 4611686018427387905, "preset": 3}]}"#,
        ] {
            let codec = codec(configuration, EncodedSize::Exact(2000)).expect(configuration);
            crate::testing::assert_round_trip(&*codec, &crate::testing::sample(2000));
        }
    }

    #[test]
    fn bad_configurations_are_refused() {
        for configuration in [
            r#"{"format": 0}"#,
            r#"{"format": 3}"#,
            r#"{"format": 2, "check": 4}"#,
            r#"{"check": 2}"#,
            r#"{"preset": 10}"#,
            r#"{"preset": 1, "filters": [{"id": 33}]}"#,
            r#"{"filters": [{"id": 34}]}"#,
            r#"{"filters": [{"id": 33, "dict_size": 4294967295}]}"#,
            r#"{"filters": [{"id": 33, "lc": 4, "lp": 4}]}"#,
            r#"{"filters": [{"id": 3, "dist": 0}, {"id": 33}]}"#,
            r#"{"more": 1}"#,
        ] {
            assert!(
                codec(configuration, EncodedSize::Exact(1)).is_err(),
                "{configuration}"
            );
        }
    }
}
