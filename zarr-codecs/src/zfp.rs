//! The `zfp` codec: zfp streams without a header (registered extension "zfp").
//!
//! Numbers narrower than zfp supports are promoted as the extension specifies. Unsigned integers of
//! full width are stored as signed integers, so encoding refuses the upper half of their range.

#![expect(clippy::arithmetic_side_effects, reason = "the bits of one number")]

use std::sync::Arc;

use serde::Deserialize;
use zarr_core::codec::{ArrayToBytes, ChunkData, ChunkSpec, EncodedSize};
use zarr_core::{Binder, Error, Extension, Result, Strictness};
use zfp_rs::{ZfpConfig, ZfpDimensionality, ZfpScalarType, ZfpStreamAlignment};

use crate::number::{Format, Number, chunk_bytes, push_bits, read_bits, unsupported};
use crate::rounding::Rounding;
use crate::zfp_stream::Field;

const NAME: &str = "zfp";

#[derive(Deserialize)]
#[serde(tag = "mode", rename_all = "snake_case", deny_unknown_fields)]
enum Mode {
    Reversible {},
    Expert {
        minbits: u32,
        maxbits: u32,
        maxprec: u32,
        minexp: i32,
    },
    FixedAccuracy {
        tolerance: f64,
    },
    FixedRate {
        rate: f64,
    },
    FixedPrecision {
        precision: u32,
    },
}

#[derive(Debug)]
struct Zfp {
    field: Field,
    config: ZfpConfig,
    /// The configuration of zarrs's fixed-rate streams: zarrs computes the rate as if every field
    /// had three dimensions.
    of_zarrs: Option<ZfpConfig>,
    format: Format,
    max_size: usize,
    spec: ChunkSpec,
}

/// Binds the codec to integers and floats in at most four dimensions.
pub(crate) fn bind(
    extension: &Extension,
    spec: &ChunkSpec,
    binder: &Binder<'_>,
) -> Result<Arc<dyn ArrayToBytes>> {
    let mode: Mode = extension.parse()?;
    let format = Format::expect(&spec.data_type, NAME)?;
    let scalar = match format {
        Format::Bool => return Err(unsupported(&spec.data_type, NAME)),
        Format::Int(64) | Format::UInt(64) => ZfpScalarType::I64,
        Format::Int(_) | Format::UInt(_) => ZfpScalarType::I32,
        Format::Float(_) if format.bits() == 64 => ZfpScalarType::F64,
        Format::Float(_) => ZfpScalarType::F32,
    };
    let field = Field::new(NAME, scalar, spec, false)?;
    let config = config(&mode, &field).map_err(|error| error.member("configuration"))?;
    let of_zarrs = match (binder.registry().strictness(), mode) {
        (Strictness::Tolerant, Mode::FixedRate { rate }) => field
            .rate_in_three_dimensions(rate)
            .filter(|of_zarrs| *of_zarrs != config),
        _ => None,
    };
    let mut max_size = field.max_size(&config)?;
    if let Some(of_zarrs) = &of_zarrs {
        max_size = max_size.max(field.max_size(of_zarrs)?);
    }
    Ok(Arc::new(Zfp {
        max_size,
        field,
        config,
        of_zarrs,
        format,
        spec: spec.clone(),
    }))
}

fn config(mode: &Mode, field: &Field) -> Result<ZfpConfig> {
    let refused = |error: zfp_rs::ZfpConfigError, member| {
        Error::invalid(error, "parameters that zfp supports").member(member)
    };
    match *mode {
        Mode::Reversible {} => Ok(ZfpConfig::reversible()),
        Mode::Expert {
            minbits,
            maxbits,
            maxprec,
            minexp,
        } => ZfpConfig::expert(minbits, maxbits, maxprec, minexp)
            .map_err(|error| refused(error, "mode")),
        Mode::FixedAccuracy { tolerance } if tolerance < 0.0 => {
            Err(Error::invalid(tolerance, "0 or more").member("tolerance"))
        }
        Mode::FixedAccuracy { tolerance } => Ok(ZfpConfig::fixed_accuracy(tolerance)),
        Mode::FixedPrecision { precision } => Ok(ZfpConfig::fixed_precision(precision)),
        Mode::FixedRate { rate } => {
            let rank = field.sizes.iter().filter(|&&size| size > 0).count();
            let rank = u32::try_from(rank).ok();
            let dimensions = rank.and_then(|rank| ZfpDimensionality::try_from(rank).ok());
            let dimensions =
                dimensions.ok_or_else(|| field.corrupt("the field has no dimensions"))?;
            let align = ZfpStreamAlignment::Unaligned;
            ZfpConfig::fixed_rate(rate, field.scalar, dimensions, align)
                .map_err(|error| refused(error, "rate"))
        }
    }
}

impl Zfp {
    /// Promotes an integer of the data type to the integer that zfp stores.
    fn promote(&self, number: i128) -> Result<i64> {
        let promoted = match self.format {
            Format::Int(bits) if bits < 32 => number << (31 - bits),
            Format::UInt(bits) if bits < 32 => (number - (1 << (bits - 1))) << (31 - bits),
            _ => number,
        };
        let wide = i64::try_from(promoted).ok();
        wide.filter(|wide| self.field.scalar == ZfpScalarType::I64 || i32::try_from(*wide).is_ok())
            .ok_or_else(|| {
                self.field
                    .corrupt(format!("{number} is outside the range that zfp stores"))
            })
    }

    /// Returns the bits of the integer of the data type that is nearest to an integer from zfp.
    fn demote(&self, number: i64) -> u64 {
        let number = i128::from(number);
        let demoted = match self.format {
            Format::Int(bits) if bits < 32 => number >> (31 - bits),
            Format::UInt(bits) if bits < 32 => (number >> (31 - bits)) + (1 << (bits - 1)),
            _ => number,
        };
        let fitted = self.format.fit(Number::Int(demoted), Rounding::NearestEven);
        fitted.unwrap_or_else(|_| self.format.limit(demoted < 0))
    }

    fn float_bits(&self, number: f64) -> Result<u64> {
        self.format
            .fit(Number::Float(number), Rounding::NearestEven)
            .map_err(|_| {
                self.field
                    .corrupt(format!("{number} is not a value of the data type"))
            })
    }

    fn integers<T: TryFrom<i64>>(&self, numbers: impl Iterator<Item = Number>) -> Result<Vec<T>> {
        let integer = |number| match number {
            Number::Int(number) => T::try_from(self.promote(number)?)
                .map_err(|_| self.field.corrupt("an integer of more than 32 bits")),
            Number::Float(_) => Err(self.field.corrupt("a float among integers")),
        };
        numbers.map(integer).collect()
    }
}

fn floats(numbers: impl Iterator<Item = Number>) -> impl Iterator<Item = f64> {
    numbers.map(|number| match number {
        Number::Float(number) => number,
        Number::Int(_) => f64::NAN,
    })
}

#[expect(clippy::cast_possible_truncation, reason = "floats of at most 32 bits")]
fn narrow(number: f64) -> f32 {
    number as f32
}

impl ArrayToBytes for Zfp {
    fn encoded_size(&self) -> EncodedSize {
        EncodedSize::AtMost(self.max_size)
    }

    fn encode(&self, decoded: &ChunkData, encoded: &mut Vec<u8>) -> Result<()> {
        let elements = chunk_bytes(decoded, &self.spec)?;
        let numbers = elements
            .chunks_exact(self.format.size())
            .map(|element| self.format.number(read_bits(element)));
        let (field, config) = (&self.field, &self.config);
        match field.scalar {
            ZfpScalarType::I32 => field.compress::<i32>(config, &self.integers(numbers)?, encoded),
            ZfpScalarType::I64 => field.compress::<i64>(config, &self.integers(numbers)?, encoded),
            ZfpScalarType::F32 if self.format.size() == 4 => {
                // Copied as bits, because a numeric conversion would quieten signalling NaNs.
                let (scalars, _) = elements.as_chunks::<4>();
                let scalars: Vec<f32> = scalars.iter().copied().map(f32::from_ne_bytes).collect();
                field.compress(config, &scalars, encoded)
            }
            ZfpScalarType::F32 => {
                let scalars: Vec<f32> = floats(numbers).map(narrow).collect();
                field.compress(config, &scalars, encoded)
            }
            ZfpScalarType::F64 => {
                let scalars: Vec<f64> = floats(numbers).collect();
                field.compress(config, &scalars, encoded)
            }
        }
    }

    fn decode(&self, encoded: &[u8]) -> Result<ChunkData> {
        let size = self.format.size();
        let field = &self.field;
        // Fixed-rate streams have a known size, which tells zarrs's streams apart.
        let of_zarrs = self.of_zarrs.as_ref();
        let of_zarrs = of_zarrs.filter(|config| field.rate_size(config) == Some(encoded.len()));
        let config = of_zarrs.unwrap_or(&self.config);
        let mut elements = Vec::new();
        match field.scalar {
            ZfpScalarType::I32 => field
                .decompress::<i32>(config, encoded)?
                .into_iter()
                .for_each(|number| push_bits(&mut elements, self.demote(number.into()), size)),
            ZfpScalarType::I64 => field
                .decompress::<i64>(config, encoded)?
                .into_iter()
                .for_each(|number| push_bits(&mut elements, self.demote(number), size)),
            ZfpScalarType::F32 if size == 4 => field
                .decompress::<f32>(config, encoded)?
                .into_iter()
                .for_each(|number| elements.extend(number.to_ne_bytes())),
            ZfpScalarType::F32 => {
                for number in field.decompress::<f32>(config, encoded)? {
                    push_bits(&mut elements, self.float_bits(number.into())?, size);
                }
            }
            ZfpScalarType::F64 => field
                .decompress::<f64>(config, encoded)?
                .into_iter()
                .for_each(|number| elements.extend(number.to_ne_bytes())),
        }
        Ok(ChunkData::Fixed(elements))
    }
}

#[cfg(test)]
mod tests;
