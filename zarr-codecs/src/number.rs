//! Elements as numbers, for the codecs that compute with them: `bitround`, `cast_value`, `scale_offset`, `zfp` and the filters of
//! numcodecs.
//!
//! A [`Number`] holds every value of every format exactly. A [`Format`] says how its bits stand for numbers; floats are those that
//! [`FloatFormat`] describes.

use zarr_core::codec::{ChunkData, ChunkSpec, EncodedSize};
use zarr_core::{DataType, Error, FloatFormat, Result};

use crate::rounding::{Magnitude, Rounding};

/// A number: integers up to 64 bits and floats up to 64 bits fit.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Number {
    Int(i128),
    Float(f64),
}

/// How the bits of an element stand for a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// One byte, 0 or 1.
    Bool,
    /// Two's complement in this many bits, sign-extended to whole bytes.
    Int(u32),
    /// This many bits.
    UInt(u32),
    Float(&'static FloatFormat),
}

/// Why a number has no place in a format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unfit {
    /// Beyond the largest or smallest finite value.
    Range,
    /// NaN or infinity, which the format does not have.
    Special,
}

impl Format {
    /// The format of a data type of real numbers or bool; `None` for all others.
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

    /// The format of a data type, or the refusal of codec `codec`.
    pub(crate) fn expect(data_type: &DataType, codec: &str) -> Result<Self> {
        Self::of(data_type).ok_or_else(|| unsupported(data_type, codec))
    }

    /// The number of bits that count, of the [`Self::size`] bytes of an element.
    pub(crate) fn bits(self) -> u32 {
        match self {
            Self::Bool => 1,
            Self::Int(bits) | Self::UInt(bits) => bits,
            Self::Float(float) => float.bits(),
        }
    }

    /// The size of an element in bytes.
    pub(crate) fn size(self) -> usize {
        self.bits().div_ceil(8) as usize
    }

    pub(crate) fn is_integer(self) -> bool {
        matches!(self, Self::Int(_) | Self::UInt(_))
    }

    pub(crate) fn is_float(self) -> bool {
        matches!(self, Self::Float(_))
    }

    /// The smallest and the largest integer, where it is a format of such.
    pub(crate) fn integer_range(self) -> Option<(i128, i128)> {
        match self {
            Self::Bool => Some((0, 1)),
            Self::Int(bits) => Some((-(1 << (bits - 1)), (1 << (bits - 1)) - 1)),
            Self::UInt(bits) => Some((0, (1 << bits) - 1)),
            Self::Float(_) => None,
        }
    }

    /// The number that these bits stand for; bits above [`Self::bits`] are ignored.
    pub(crate) fn number(self, bits: u64) -> Number {
        let unused = 64 - self.bits();
        let bits = bits << unused >> unused;
        match self {
            Self::Bool | Self::UInt(_) => Number::Int(bits.into()),
            Self::Int(_) => Number::Int((bits.cast_signed() << unused >> unused).into()),
            Self::Float(float) => Number::Float(float.number(bits)),
        }
    }

    /// The bits of an integer, modulo two to the number of bits; a bool tells zero from all others.
    pub(crate) fn wrap(self, number: i128) -> u64 {
        match self {
            Self::Bool => u64::from(number != 0),
            _ => low_bits(number),
        }
    }

    /// The bits of a number after rounding, or why there are none.
    pub(crate) fn fit(self, number: Number, rounding: Rounding) -> Result<u64, Unfit> {
        match (self, number) {
            (Self::Float(format), Number::Float(value)) => fit(format, value, rounding),
            (Self::Float(format), Number::Int(value)) => {
                fit_finite(format, value < 0, Magnitude::of_int(value), rounding)
            }
            (_, Number::Int(value)) => self.fit_integer(value),
            (_, Number::Float(value)) if !value.is_finite() => Err(Unfit::Special),
            // What is beyond 128 bits saturates there, which is out of range as well.
            (_, Number::Float(value)) => self.fit_integer(to_i128(rounding.round(value))),
        }
    }

    fn fit_integer(self, value: i128) -> Result<u64, Unfit> {
        match self.integer_range() {
            Some((low, high)) if (low..=high).contains(&value) => Ok(low_bits(value)),
            _ => Err(Unfit::Range),
        }
    }

    /// The bits of the value nearest to a number out of range: infinity where the format has it.
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

/// The sign bit of a negative number.
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
    // Without a sign bit: only powers of two.
    let powers = format.sign() == 0;
    let zero = sign(format, negative && format.has_negative_zero());
    let Some(exponent) = magnitude.exponent() else {
        return if powers { Err(Unfit::Range) } else { Ok(zero) };
    };
    let lowest = format.lowest_exponent();
    if powers && (negative || exponent < lowest) {
        return Err(Unfit::Range);
    }
    // The unit in the last place; in such units the number is rounded to an integer, whose implicit bit counts as one
    // exponent step, so that a carry moves on to the next exponent by itself.
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

/// The bytes of a chunk of fixed-size elements, as many as `spec` says.
pub(crate) fn chunk_bytes<'a>(data: &'a ChunkData, spec: &ChunkSpec) -> Result<&'a [u8]> {
    let bytes = data.fixed()?;
    if let Some(size) = spec.decoded_size(u64::MAX)? {
        EncodedSize::Exact(size).check("chunk", bytes.len())?;
    }
    Ok(bytes)
}

/// The refusal of a data type by codec `codec`.
pub(crate) fn unsupported(data_type: &DataType, codec: &str) -> Error {
    Error::Unsupported {
        what: format!("codec {codec:?} for data type {data_type}"),
    }
}

/// The bits of an element in this machine's byte order.
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

/// Elements of one format from those of another, one by one: `map` gets a number and answers with bits.
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

/// The lowest 64 bits in two's complement.
#[expect(clippy::cast_possible_truncation, reason = "that is what it is for")]
fn low_bits(number: i128) -> u64 {
    number as u64
}

/// The integer part; the ends of the range for what is beyond.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the cast saturates, and callers compare with a narrower range"
)]
pub(crate) fn to_i128(value: f64) -> i128 {
    value as i128
}

#[cfg(test)]
mod tests;
