//! The `scale_offset` codec: `(x - offset) * scale`, in the arithmetic of the data type (registered
//! extension "scale_offset").
//!
//! Integers that overflow, and quotients with a remainder, are errors. Floats follow IEEE 754, so
//! infinities are values. A result that a format without infinities cannot represent is an error.

#![expect(clippy::arithmetic_side_effects, reason = "the bits of one number")]

use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;
use zarr_core::codec::{ArrayToArray, ChunkData, ChunkSpec};
use zarr_core::{Binder, Error, Extension, FillValue, Result};

use crate::number::{
    Format, Number, Unfit, chunk_bytes, map_elements, push_bits, read_bits, unsupported,
};
use crate::rounding::Rounding;

const NAME: &str = "scale_offset";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Configuration {
    offset: Option<Box<RawValue>>,
    scale: Option<Box<RawValue>>,
}

#[derive(Debug)]
struct ScaleOffset {
    arithmetic: Arithmetic,
    decoded: ChunkSpec,
    encoded: ChunkSpec,
}

/// The offset and the scale, as numbers of the data type's kind.
#[derive(Clone, Copy, Debug)]
enum Arithmetic {
    Int {
        format: Format,
        offset: i128,
        scale: i128,
    },
    Float {
        format: Format,
        offset: f64,
        scale: f64,
    },
}

/// Binds the codec. Both constants are written as fill values of the data type; the scale must not
/// be zero.
pub(crate) fn bind(
    extension: &Extension,
    spec: &ChunkSpec,
    _: &Binder<'_>,
) -> Result<Arc<dyn ArrayToArray>> {
    let Configuration { offset, scale } = extension.parse()?;
    let format = Format::expect(&spec.data_type, NAME)?;
    let constant = |value: &Option<Box<RawValue>>, member: &str, default: i32| match value {
        None => Ok(if format.is_float() {
            Number::Float(default.into())
        } else {
            Number::Int(default.into())
        }),
        Some(value) => spec
            .data_type
            .parse_fill_value(value)
            .map(|value| format.number(read_bits(value.bytes())))
            .map_err(|error| error.member(format_args!("configuration.{member}"))),
    };
    let arithmetic = match (
        constant(&offset, "offset", 0)?,
        constant(&scale, "scale", 1)?,
    ) {
        (_, Number::Int(0)) | (_, Number::Float(0.0)) => {
            let error = Error::invalid("0", "a scale other than 0");
            return Err(error.member("configuration.scale"));
        }
        (Number::Int(offset), Number::Int(scale)) if format.is_integer() => Arithmetic::Int {
            format,
            offset,
            scale,
        },
        (Number::Float(offset), Number::Float(scale)) => Arithmetic::Float {
            format,
            offset,
            scale,
        },
        _ => return Err(unsupported(&spec.data_type, NAME)),
    };
    let fill = format.number(read_bits(spec.fill_value.bytes()));
    let mut bytes = Vec::new();
    let fill = arithmetic
        .encode(fill)
        .map_err(|error| error.member("fill value"))?;
    push_bits(&mut bytes, fill, format.size());
    Ok(Arc::new(ScaleOffset {
        arithmetic,
        decoded: spec.clone(),
        encoded: ChunkSpec {
            fill_value: FillValue::new(bytes),
            ..spec.clone()
        },
    }))
}

impl Arithmetic {
    fn format(self) -> Format {
        match self {
            Self::Int { format, .. } | Self::Float { format, .. } => format,
        }
    }

    /// Returns the bits of the result of one step.
    fn fit(self, number: Number) -> Result<u64> {
        let format = self.format();
        match (format.fit(number, Rounding::NearestEven), number) {
            (Ok(bits), _) => Ok(bits),
            (Err(Unfit::Range), Number::Float(value)) if is_ieee(format) => {
                Ok(format.limit(value < 0.0))
            }
            _ => {
                let reason = format!("{number:?} is not a value of the data type");
                Err(Error::corrupt(NAME, reason))
            }
        }
    }

    fn step(self, number: Number) -> Result<Number> {
        Ok(self.format().number(self.fit(number)?))
    }

    fn encode(self, number: Number) -> Result<u64> {
        match (self, number) {
            (Self::Int { offset, scale, .. }, Number::Int(value)) => {
                match self.step(Number::Int(value - offset))? {
                    Number::Int(value) => self.fit(Number::Int(value * scale)),
                    other => self.fit(other),
                }
            }
            (Self::Float { offset, scale, .. }, Number::Float(value)) => {
                match self.step(Number::Float(value - offset))? {
                    Number::Float(value) => self.fit(Number::Float(value * scale)),
                    other => self.fit(other),
                }
            }
            _ => self.fit(number),
        }
    }

    fn decode(self, number: Number) -> Result<u64> {
        match (self, number) {
            (Self::Int { offset, scale, .. }, Number::Int(value)) => {
                if value % scale != 0 {
                    let reason = format!("{value} is not a multiple of the scale {scale}");
                    return Err(Error::corrupt(NAME, reason));
                }
                self.fit(Number::Int(value / scale + offset))
            }
            (Self::Float { offset, scale, .. }, Number::Float(value)) => {
                match self.step(Number::Float(value / scale))? {
                    Number::Float(value) => self.fit(Number::Float(value + offset)),
                    other => self.fit(other),
                }
            }
            _ => self.fit(number),
        }
    }
}

fn is_ieee(format: Format) -> bool {
    matches!(format, Format::Float(float) if float.infinity().is_some())
}

impl ArrayToArray for ScaleOffset {
    fn encoded(&self) -> &ChunkSpec {
        &self.encoded
    }

    fn encode(&self, decoded: ChunkData) -> Result<ChunkData> {
        let format = self.arithmetic.format();
        let elements = chunk_bytes(&decoded, &self.decoded)?;
        map_elements(elements, format, format, |number| {
            self.arithmetic.encode(number)
        })
        .map(ChunkData::Fixed)
    }

    fn decode(&self, encoded: ChunkData) -> Result<ChunkData> {
        let format = self.arithmetic.format();
        let elements = chunk_bytes(&encoded, &self.encoded)?;
        map_elements(elements, format, format, |number| {
            self.arithmetic.decode(number)
        })
        .map(ChunkData::Fixed)
    }
}

#[cfg(test)]
mod tests;
