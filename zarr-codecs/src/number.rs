//! Elements as numbers, for codecs that compute: `bitround`, `cast_value`, `scale_offset`, `zfp`
//! and the numcodecs filters.
//!
//! A [`Number`] holds every value of every format exactly. A [`Format`] defines how the bits of an
//! element represent a number; its floats are described by [`FloatFormat`].

#![expect(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "the bits of one number"
)]

use zarr_core::codec::{ChunkData, ChunkSpec, EncodedSize};
use zarr_core::{DataType, Error, FloatFormat, Result};

use crate::rounding::{Magnitude, Rounding};

/// A number: an integer or a float of up to 64 bits.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Number {
    Int(i128),
    Float(f64),
}

/// The way that the bits of an element represent a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// One byte, 0 or 1.
    Bool,
    /// Two's complement in this many bits, sign-extended to whole bytes.
    Int(u32),
    /// An unsigned integer of this many bits.
    UInt(u32),
    Float(&'static FloatFormat),
}

/// The reason that a format cannot represent a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unfit {
    /// The number is beyond the format's largest or smallest finite value.
    Range,
    /// The number is NaN or infinite, and the format has no such value.
    Special,
}

impl Format {
    /// Returns the format of a data type of real numbers or bools, and `None` for any other.
    pub(crate) fn of(data_type: &DataType) -> Option<Self> {
        Some(match data_type.name() {
            "bool" => Self::Bool,
            "int2" => Self::Int(2),
            "int4" => Self::Int(4),
            "int8" => Self::Int(8),
            "int16" => Self::Int(16),
            "int32" => Self::Int(32),
            "int64" => Self::Int(64),
            "uint2" => Self::UInt(2),
            "uint4" => Self::UInt(4),
            "uint8" => Self::UInt(8),
            "uint16" => Self::UInt(16),
            "uint32" => Self::UInt(32),
            "uint64" => Self::UInt(64),
            name => Self::Float(FloatFormat::named(name)?),
        })
    }

    /// Returns the format of a data type, or an error that names the codec `codec`.
    pub(crate) fn expect(data_type: &DataType, codec: &str) -> Result<Self> {
        Self::of(data_type).ok_or_else(|| unsupported(data_type, codec))
    }

    /// Returns the number of significant bits in the [`Self::size`] bytes of an element.
    pub(crate) fn bits(self) -> u32 {
        match self {
            Self::Bool => 1,
            Self::Int(bits) | Self::UInt(bits) => bits,
            Self::Float(float) => float.bits(),
        }
    }

    /// Returns the size of an element in bytes.
    pub(crate) fn size(self) -> usize {
        self.bits().div_ceil(8) as usize
    }

    pub(crate) fn is_integer(self) -> bool {
        matches!(self, Self::Int(_) | Self::UInt(_))
    }

    pub(crate) fn is_float(self) -> bool {
        matches!(self, Self::Float(_))
    }

    /// Returns the smallest and the largest integer of an integer format, and `None` for floats.
    pub(crate) fn integer_range(self) -> Option<(i128, i128)> {
        match self {
            Self::Bool => Some((0, 1)),
            Self::Int(bits) => Some((-(1 << (bits - 1)), (1 << (bits - 1)) - 1)),
            Self::UInt(bits) => Some((0, (1 << bits) - 1)),
            Self::Float(_) => None,
        }
    }

    /// Returns the number that `bits` represents; bits above [`Self::bits`] are ignored.
    pub(crate) fn number(self, bits: u64) -> Number {
        let unused = 64 - self.bits();
        let bits = bits << unused >> unused;
        match self {
            Self::Bool | Self::UInt(_) => Number::Int(bits.into()),
            Self::Int(_) => Number::Int((bits.cast_signed() << unused >> unused).into()),
            Self::Float(float) => Number::Float(float.number(bits)),
        }
    }

    /// Returns the bits of an integer, modulo two to the power of the format's bits. A bool is 0
    /// for zero, 1 for any other integer.
    pub(crate) fn wrap(self, number: i128) -> u64 {
        match self {
            Self::Bool => u64::from(number != 0),
            _ => low_bits(number),
        }
    }

    /// Returns the bits of a number after rounding, or the reason that the format cannot represent
    /// it.
    pub(crate) fn fit(self, number: Number, rounding: Rounding) -> Result<u64, Unfit> {
        match (self, number) {
            (Self::Float(format), Number::Float(value)) => fit(format, value, rounding),
            (Self::Float(format), Number::Int(value)) => {
                fit_finite(format, value < 0, Magnitude::of_int(value), rounding)
            }
            (_, Number::Int(value)) => self.fit_integer(value),
            (_, Number::Float(value)) if !value.is_finite() => Err(Unfit::Special),
            // A value beyond 128 bits saturates, and stays out of range.
            (_, Number::Float(value)) => self.fit_integer(to_i128(rounding.round(value))),
        }
    }

    fn fit_integer(self, value: i128) -> Result<u64, Unfit> {
        match self.integer_range() {
            Some((low, high)) if (low..=high).contains(&value) => Ok(low_bits(value)),
            _ => Err(Unfit::Range),
        }
    }

    /// Returns the bits of the value nearest to a number out of range, which is infinity if the
    /// format has one.
    pub(crate) fn limit(self, negative: bool) -> u64 {
        match (self, self.integer_range()) {
            (_, Some((low, high))) => low_bits(if negative { low } else { high }),
            (Self::Float(float), _) => {
                let magnitude = float.infinity().unwrap_or_else(|| float.largest());
                match (negative, float.sign()) {
                    (true, 0) => 0,
                    (true, sign) => sign | magnitude,
                    (false, _) => magnitude,
                }
            }
            _ => 0,
        }
    }
}

/// Returns the sign bit, set if the number is negative.
fn sign(format: &FloatFormat, negative: bool) -> u64 {
    if negative { format.sign() } else { 0 }
}

fn fit(format: &FloatFormat, value: f64, rounding: Rounding) -> Result<u64, Unfit> {
    let negative = value.is_sign_negative();
    if value.is_nan() {
        format.nan().ok_or(Unfit::Special)
    } else if value.is_infinite() {
        let infinity = format.infinity().ok_or(Unfit::Special)?;
        Ok(sign(format, negative) | infinity)
    } else if format.bits() == 64 {
        Ok(value.to_bits())
    } else {
        fit_finite(format, negative, Magnitude::of_float(value), rounding)
    }
}

fn fit_finite(
    format: &FloatFormat,
    negative: bool,
    magnitude: Magnitude,
    rounding: Rounding,
) -> Result<u64, Unfit> {
    // A format without a sign bit has powers of two only.
    let powers = format.sign() == 0;
    let zero = sign(format, negative && format.has_negative_zero());
    let Some(exponent) = magnitude.exponent() else {
        return if powers { Err(Unfit::Range) } else { Ok(zero) };
    };
    let lowest = format.lowest_exponent();
    if powers && (negative || exponent < lowest) {
        return Err(Unfit::Range);
    }
    // `unit` is the exponent of the last place, and the number is rounded to an integer of such
    // units. The implicit bit of this integer counts as one exponent step, so a carry moves on to
    // the next exponent.
    let unit = exponent.max(lowest) - format.mantissa_bits().cast_signed();
    let rounded = magnitude.in_units_of(unit, negative, rounding);
    let steps = u64::from((exponent.max(lowest) - lowest).unsigned_abs());
    let mut bits = (steps << format.mantissa_bits()) + rounded;
    if powers {
        bits -= 1;
    }
    match bits {
        0 if !powers => Ok(zero),
        bits if bits > format.largest() => Err(Unfit::Range),
        bits => Ok(sign(format, negative) | bits),
    }
}

/// Returns the bytes of a chunk of fixed-size elements, after checking their number against `spec`.
pub(crate) fn chunk_bytes<'a>(data: &'a ChunkData, spec: &ChunkSpec) -> Result<&'a [u8]> {
    let bytes = data.fixed()?;
    if let Some(size) = spec.decoded_size(u64::MAX)? {
        EncodedSize::Exact(size).check("chunk", bytes.len())?;
    }
    Ok(bytes)
}

/// Makes the error for a data type that the codec `codec` does not support.
pub(crate) fn unsupported(data_type: &DataType, codec: &str) -> Error {
    Error::Unsupported {
        what: format!("codec {codec:?} for data type {data_type}"),
    }
}

/// Reads the bits of an element in this machine's byte order.
pub(crate) fn read_bits(element: &[u8]) -> u64 {
    let mut bytes = [0; 8];
    if cfg!(target_endian = "big") {
        bytes[8 - element.len()..].copy_from_slice(element);
    } else {
        bytes[..element.len()].copy_from_slice(element);
    }
    u64::from_ne_bytes(bytes)
}

/// Appends the lowest `size` bytes of `bits` in this machine's byte order.
pub(crate) fn push_bits(elements: &mut Vec<u8>, bits: u64, size: usize) {
    let bytes = bits.to_ne_bytes();
    if cfg!(target_endian = "big") {
        elements.extend_from_slice(&bytes[8 - size..]);
    } else {
        elements.extend_from_slice(&bytes[..size]);
    }
}

/// Converts elements from one format to another, one by one: `map` takes a number and returns its
/// new bits.
pub(crate) fn map_elements(
    elements: &[u8],
    from: Format,
    to: Format,
    mut map: impl FnMut(Number) -> Result<u64>,
) -> Result<Vec<u8>> {
    let mut mapped = Vec::with_capacity(elements.len() / from.size() * to.size());
    for element in elements.chunks_exact(from.size()) {
        push_bits(
            &mut mapped,
            map(from.number(read_bits(element)))?,
            to.size(),
        );
    }
    Ok(mapped)
}

/// Returns the lowest 64 bits in two's complement.
#[expect(clippy::cast_possible_truncation, reason = "that is what it is for")]
fn low_bits(number: i128) -> u64 {
    number as u64
}

/// Returns the integer part of `value`, saturating at the ends of the range.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the cast saturates, and callers compare with a narrower range"
)]
pub(crate) fn to_i128(value: f64) -> i128 {
    value as i128
}

#[cfg(test)]
mod tests;
