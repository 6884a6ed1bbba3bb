//! `numcodecs.pcodec`: the standalone format of pco.

use std::sync::Arc;

use half::f16;
use pco::data_types::Number;
use pco::metadata::DeltaEncoding;
use pco::standalone::{DecompressorItem, FileDecompressor, simple_compress};
use pco::{ChunkConfig, DeltaSpec, ModeSpec, PagingSpec};
use serde::Deserialize;
use zarr_core::codec::{ArrayToBytes, ChunkData, ChunkSpec, EncodedSize};
use zarr_core::size::to_usize;
use zarr_core::{Binder, Element, Error, Extension, Result, element_bytes};

use crate::output::encoded_bound;

const NAME: &str = "numcodecs.pcodec";

/// The base-2 logarithm of the longest window that encoders choose for any number of elements.
const MAX_WINDOW_LOG: u32 = 15;

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Configuration {
    level: u64,
    mode_spec: Mode,
    delta_spec: Delta,
    paging_spec: Paging,
    delta_encoding_order: Option<u64>,
    equal_pages_up_to: u64,
}

impl Default for Configuration {
    fn default() -> Self {
        Self {
            level: 8,
            mode_spec: Mode::Auto,
            delta_spec: Delta::Auto,
            paging_spec: Paging::EqualPagesUpTo,
            delta_encoding_order: None,
            equal_pages_up_to: pco::DEFAULT_MAX_PAGE_N as u64,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Mode {
    Auto,
    Classic,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Delta {
    Auto,
    #[serde(alias = "none")]
    NoOp,
    TryConsecutive,
    TryLookback,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Paging {
    EqualPagesUpTo,
}

/// The functions that encode and decode elements of one type.
#[derive(Clone, Copy, Debug)]
struct Functions {
    compress: fn(&[u8], &ChunkConfig) -> Result<Vec<u8>>,
    decompress: fn(&[u8], usize) -> Result<Vec<u8>>,
}

#[derive(Debug)]
struct PCodec {
    config: ChunkConfig,
    functions: Functions,
    len: usize,
    size: usize,
}

/// Binds the codec to integers and floats of 16, 32 and 64 bits.
pub(crate) fn bind(
    extension: &Extension,
    spec: &ChunkSpec,
    _: &Binder<'_>,
) -> Result<Arc<dyn ArrayToBytes>> {
    let configuration: Configuration = extension.parse()?;
    let functions = match spec.data_type.name() {
        "uint16" => functions!(u16),
        "uint32" => functions!(u32),
        "uint64" => functions!(u64),
        "int16" => functions!(i16),
        "int32" => functions!(i32),
        "int64" => functions!(i64),
        "float16" => functions!(f16),
        "float32" => functions!(f32),
        "float64" => functions!(f64),
        other => {
            let what = format!("codec {NAME:?} for data type {other}");
            return Err(Error::Unsupported { what });
        }
    };
    Ok(Arc::new(PCodec {
        config: config(&configuration).map_err(|error| error.member("configuration"))?,
        functions,
        len: to_usize("chunk", spec.elements()?)?,
        size: spec.decoded_size(u64::MAX)?.unwrap_or(0),
    }))
}

fn config(configuration: &Configuration) -> Result<ChunkConfig> {
    let bounded = |value: u64, highest: u64, member: &str| match usize::try_from(value) {
        Ok(small) if value <= highest => Ok(small),
        _ => Err(Error::invalid(value, format!("at most {highest}")).member(member)),
    };
    let order = configuration
        .delta_encoding_order
        .map(|order| bounded(order, 7, "delta_encoding_order"))
        .transpose()?;
    let delta = match (&configuration.delta_spec, order) {
        (Delta::Auto | Delta::TryConsecutive, Some(order)) => DeltaSpec::TryConsecutive(order),
        (Delta::Auto, None) => DeltaSpec::Auto,
        (Delta::NoOp, None) => DeltaSpec::NoOp,
        (Delta::TryLookback, None) => DeltaSpec::TryLookback,
        (Delta::TryConsecutive, None) => {
            let member = "delta_encoding_order";
            return Err(Error::MissingMember { member });
        }
        (_, Some(order)) => {
            let expected = "no member, because delta_spec is not try_consecutive";
            return Err(Error::invalid(order, expected).member("delta_encoding_order"));
        }
    };
    let Paging::EqualPagesUpTo = configuration.paging_spec;
    let page = match configuration.equal_pages_up_to {
        0 => return Err(Error::invalid(0, "1 or more").member("equal_pages_up_to")),
        page => bounded(page, u32::MAX.into(), "equal_pages_up_to")?,
    };
    Ok(ChunkConfig::default()
        .with_compression_level(bounded(configuration.level, 12, "level")?)
        .with_mode_spec(match configuration.mode_spec {
            Mode::Auto => ModeSpec::Auto,
            Mode::Classic => ModeSpec::Classic,
        })
        .with_delta_spec(delta)
        .with_paging_spec(PagingSpec::EqualPagesUpTo(page)))
}

/// Makes the functions of one number type. A macro, since no common trait builds the nine types
/// from bytes.
macro_rules! functions {
    ($number:ty) => {
        Functions {
            compress: |elements, config| {
                let (elements, _) = elements.as_chunks::<{ size_of::<$number>() }>();
                let numbers: Vec<_> = elements
                    .iter()
                    .map(|bytes| <$number>::from_ne_bytes(*bytes))
                    .collect();
                simple_compress(&numbers, config).map_err(corrupt)
            },
            decompress: decompress::<$number>,
        }
    };
}
use functions;

fn decompress<T: Number + Element + Default>(encoded: &[u8], len: usize) -> Result<Vec<u8>> {
    let mut numbers = vec![T::default(); len];
    let (file, mut left) = FileDecompressor::new(encoded).map_err(corrupt)?;
    let version = file.format_version();
    let version = [version.major, version.minor];
    let (wrapped, _) = pco::wrapped::FileDecompressor::new(&version[..]).map_err(corrupt)?;
    let mut done = 0_usize;
    loop {
        check_memory::<T>(&wrapped, left, len)?;
        let mut chunk = match file.chunk_decompressor::<T, _>(left).map_err(corrupt)? {
            DecompressorItem::EndOfData(_) if done == len => {
                return Ok(element_bytes(&numbers).to_vec());
            }
            DecompressorItem::EndOfData(_) => {
                let reason = format!("{done} numbers, expected {len}");
                return Err(Error::corrupt(NAME, reason));
            }
            DecompressorItem::Chunk(chunk) => chunk,
        };
        let end = done.saturating_add(chunk.n());
        let Some(due) = numbers.get_mut(done..end) else {
            let reason = format!("{end} numbers or more, expected {len}");
            return Err(Error::corrupt(NAME, reason));
        };
        let progress = chunk.read(due).map_err(corrupt)?;
        if progress.n_processed != due.len() || !progress.finished {
            let found = progress.n_processed;
            return Err(Error::corrupt(
                NAME,
                format!("{found} numbers in a chunk, expected {}", due.len()),
            ));
        }
        done = end;
        left = chunk.into_src();
    }
}

/// Refuses a chunk of the stream for which the library would allocate more than the numbers due or
/// the bytes present justify. The library trusts the declared sizes of dictionaries and windows.
fn check_memory<T: Number>(
    file: &pco::wrapped::FileDecompressor,
    encoded: &[u8],
    len: usize,
) -> Result<()> {
    /// The dictionary mode: its number in 4 bits, then the number of entries in 25 bits.
    const DICTIONARY: u32 = 4;
    // A chunk starts with its number type, which is 0 at the end of the stream, and its number of
    // elements in 24 bits.
    let Some(([number_type, ..], meta)) = encoded.split_first_chunk::<4>() else {
        return Ok(());
    };
    if *number_type == 0 {
        return Ok(());
    }
    if let Some(start) = meta.first_chunk().map(|start| u32::from_le_bytes(*start))
        && start & 0xF == DICTIONARY
    {
        let entries = (start >> 4) as usize & ((1 << 25) - 1);
        if entries.saturating_mul(size_of::<T>()) > meta.len() {
            let reason = format!("a dictionary of {entries} entries in {} bytes", meta.len());
            return Err(Error::corrupt(NAME, reason));
        }
    }
    let (chunk, _) = file.chunk_decompressor::<T, _>(meta).map_err(corrupt)?;
    match &chunk.meta().delta_encoding {
        DeltaEncoding::Lookback { config, .. }
            if config.window_n_log > len.next_power_of_two().ilog2().max(MAX_WINDOW_LOG) =>
        {
            let window = config.window_n_log;
            let reason = format!("a window of 2^{window} for {len} numbers");
            Err(Error::corrupt(NAME, reason))
        }
        _ => Ok(()),
    }
}

fn corrupt(error: pco::errors::PcoError) -> Error {
    Error::corrupt(NAME, error.to_string())
}

impl ArrayToBytes for PCodec {
    fn encoded_size(&self) -> EncodedSize {
        encoded_bound(EncodedSize::Exact(self.size))
    }

    fn encode(&self, decoded: &ChunkData, encoded: &mut Vec<u8>) -> Result<()> {
        let elements = decoded.fixed()?;
        EncodedSize::Exact(self.size).check("chunk", elements.len())?;
        encoded.extend((self.functions.compress)(elements, &self.config)?);
        Ok(())
    }

    fn decode(&self, encoded: &[u8]) -> Result<ChunkData> {
        (self.functions.decompress)(encoded, self.len).map(ChunkData::Fixed)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::testing::{
        assert_chunk_round_trip, assert_chunks_survive_damage, chain, fixtures, sample,
    };

    const DATA_TYPES: [&str; 9] = [
        "uint16", "uint32", "uint64", "int16", "int32", "int64", "float16", "float32", "float64",
    ];

    fn codec(configuration: &str) -> String {
        format!(r#"{{"name": "numcodecs.pcodec", "configuration": {configuration}}}"#)
    }

    #[test]
    fn streams_of_numcodecs_are_read() {
        for data_type in DATA_TYPES {
            for (_, encoded, size) in fixtures(&format!("pcodec-{data_type}-")) {
                let item_size: usize = data_type
                    .trim_start_matches(char::is_alphabetic)
                    .parse()
                    .unwrap();
                let len = 8 * size / item_size;
                let chain = chain(&codec("{}"), &[len as u64], data_type).unwrap();
                assert_eq!(
                    chain.decode_chunk(&encoded).unwrap(),
                    ChunkData::Fixed(sample(size))
                );
                assert_chunks_survive_damage(&chain, &encoded);
                let shorter = crate::testing::chain(&codec("{}"), &[len as u64 - 1], data_type);
                shorter.unwrap().decode_chunk(&encoded).unwrap_err();
            }
        }
    }

    #[test]
    fn round_trip() {
        for configuration in [
            "{}",
            r#"{"level": 0, "mode_spec": "classic", "delta_spec": "none", "equal_pages_up_to": 10}"#,
            r#"{"delta_spec": "try_consecutive", "delta_encoding_order": 2}"#,
            r#"{"delta_spec": "try_lookback", "paging_spec": "equal_pages_up_to"}"#,
        ] {
            for data_type in DATA_TYPES {
                let chain = chain(&codec(configuration), &[7, 11], data_type).unwrap();
                let size = chain.decoded().decoded_size(u64::MAX).unwrap().unwrap();
                assert_chunk_round_trip(&chain, sample(size));
            }
        }
    }

    #[test]
    fn bad_configurations_are_refused() {
        for configuration in [
            r#"{"level": 13}"#,
            r#"{"mode_spec": "try"}"#,
            r#"{"delta_spec": "try_consecutive"}"#,
            r#"{"delta_spec": "no_op", "delta_encoding_order": 1}"#,
            r#"{"delta_encoding_order": 8}"#,
            r#"{"equal_pages_up_to": 0}"#,
            r#"{"more": 0}"#,
        ] {
            assert!(
                chain(&codec(configuration), &[4], "int32").is_err(),
                "{configuration}"
            );
        }
        assert!(chain(&codec("{}"), &[4], "int8").is_err());
    }
}
