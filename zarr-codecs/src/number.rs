//! Elements as numbers, for the codecs that compute with them: `bitround`, `cast_value`, `scale_offset`, `zfp` and the filters of
//! numcodecs.
//!
//! A [`Number`] holds every value of every format exactly. A [`Format`] says how its bits stand for numbers; one description
//! covers all floats, from 4 bits to 64.

use zarr_core::codec::{ChunkData, ChunkSpec, EncodedSize};
use zarr_core::{DataType, Error, Result};

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
    Float(Float),
}

/// A binary float: sign, exponent and mantissa from the highest bit down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Float {
    pub(crate) exponent_bits: u32,
    pub(crate) mantissa_bits: u32,
    bias: i32,
    special: Special,
}

/// Which bit patterns of a float are no finite numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Special {
    /// Exponent all ones: infinities and NaNs.
    Ieee,
    /// The pattern of negative zero is the one NaN.
    NegativeZeroIsNan,
    None,
    /// All ones but for the sign: NaN.
    AllOnes,
    /// No sign, no zero, no mantissa; all ones is the one NaN.
    PowersOfTwo,
}

/// Why a number has no place in a format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unfit {
    /// Beyond the largest or smallest finite value.
    Range,
    /// NaN or infinity, which the format does not have.
    Special,
}

const fn float(exponent_bits: u32, mantissa_bits: u32, bias: i32, special: Special) -> Format {
    Format::Float(Float {
        exponent_bits,
        mantissa_bits,
        bias,
        special,
    })
}

impl Format {
    /// The format of a data type of real numbers or bool; `None` for all others.
    pub(crate) fn of(data_type: &DataType) -> Option<Self> {
        use Special::{AllOnes, Ieee, NegativeZeroIsNan, None as NoSpecial, PowersOfTwo};
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
            "float4_e2m1fn" => float(2, 1, 1, NoSpecial),
            "float6_e2m3fn" => float(2, 3, 1, NoSpecial),
            "float6_e3m2fn" => float(3, 2, 3, NoSpecial),
            "float8_e3m4" => float(3, 4, 3, Ieee),
            "float8_e4m3" => float(4, 3, 7, Ieee),
            "float8_e4m3fn" => float(4, 3, 7, AllOnes),
            "float8_e4m3b11fnuz" => float(4, 3, 11, NegativeZeroIsNan),
            "float8_e4m3fnuz" => float(4, 3, 8, NegativeZeroIsNan),
            "float8_e5m2" => float(5, 2, 15, Ieee),
            "float8_e5m2fnuz" => float(5, 2, 16, NegativeZeroIsNan),
            "float8_e8m0fnu" => float(8, 0, 127, PowersOfTwo),
            "bfloat16" => float(8, 7, 127, Ieee),
            "float16" => float(5, 10, 15, Ieee),
            "float32" => float(8, 23, 127, Ieee),
            "float64" => float(11, 52, 1023, Ieee),
            _ => return None,
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
            Self::Float(float) => {
                let sign = u32::from(float.special != Special::PowersOfTwo);
                sign + float.exponent_bits + float.mantissa_bits
            }
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
            Self::Float(float) => Number::Float(float.value(bits)),
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
            (Self::Float(format), Number::Float(value)) => format.fit(value, rounding),
            (Self::Float(format), Number::Int(value)) => {
                format.fit_finite(value < 0, Magnitude::of_int(value), rounding)
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
            (Self::Float(float), _) if float.special == Special::Ieee => float.infinity(negative),
            (Self::Float(float), _) if float.special == Special::PowersOfTwo && negative => 0,
            (Self::Float(float), _) => float.sign(negative) | float.max_finite(),
            _ => 0,
        }
    }
}

impl Float {
    pub(crate) fn is_ieee(self) -> bool {
        self.special == Special::Ieee
    }

    fn sign(self, negative: bool) -> u64 {
        u64::from(negative) << (self.exponent_bits + self.mantissa_bits)
    }

    fn infinity(self, negative: bool) -> u64 {
        self.sign(negative) | (((1 << self.exponent_bits) - 1) << self.mantissa_bits)
    }

    fn max_finite(self) -> u64 {
        match self.special {
            Special::Ieee => self.infinity(false) - 1,
            Special::NegativeZeroIsNan | Special::None => self.sign(true) - 1,
            Special::AllOnes => self.sign(true) - 2,
            Special::PowersOfTwo => 254,
        }
    }

    /// The NaN with only the highest mantissa bit set, or the one that there is.
    fn nan(self) -> Result<u64, Unfit> {
        match self.special {
            Special::Ieee => Ok(self.infinity(false) | (1 << (self.mantissa_bits - 1))),
            Special::NegativeZeroIsNan => Ok(self.sign(true)),
            Special::AllOnes => Ok(self.sign(true) - 1),
            Special::None => Err(Unfit::Special),
            Special::PowersOfTwo => Ok(255),
        }
    }

    /// The exponent of the smallest normal number.
    fn lowest(self) -> i32 {
        if self.special == Special::PowersOfTwo {
            -self.bias
        } else {
            1 - self.bias
        }
    }

    fn value(self, bits: u64) -> f64 {
        match (self.exponent_bits, self.mantissa_bits) {
            (11, 52) => return f64::from_bits(bits),
            (8, 23) => return f32::from_bits(narrow(bits)).into(),
            _ => {}
        }
        let exponent = i32::from_le_bytes(narrow(self.exponent(bits)).to_le_bytes());
        let mantissa = bits & ((1 << self.mantissa_bits) - 1);
        let magnitude = match self.special {
            Special::PowersOfTwo if bits == 255 => return f64::NAN,
            Special::PowersOfTwo => return 2_f64.powi(exponent - self.bias),
            Special::NegativeZeroIsNan if bits == self.sign(true) => return f64::NAN,
            Special::AllOnes if bits | self.sign(true) == 2 * self.sign(true) - 1 => {
                return f64::NAN;
            }
            Special::Ieee if bits | self.sign(true) == self.infinity(true) => f64::INFINITY,
            Special::Ieee if bits & self.infinity(false) == self.infinity(false) => {
                return f64::NAN;
            }
            _ => {
                let implicit = u64::from(exponent > 0) << self.mantissa_bits;
                let scale = exponent.max(1) - self.bias - self.mantissa_bits.cast_signed();
                f64::from(narrow(mantissa | implicit)) * 2_f64.powi(scale)
            }
        };
        if bits & self.sign(true) == 0 {
            magnitude
        } else {
            -magnitude
        }
    }

    fn exponent(self, bits: u64) -> u64 {
        (bits >> self.mantissa_bits) & ((1 << self.exponent_bits) - 1)
    }

    fn fit(self, value: f64, rounding: Rounding) -> Result<u64, Unfit> {
        let negative = value.is_sign_negative();
        if value.is_nan() {
            self.nan()
        } else if value.is_infinite() {
            match self.special {
                Special::Ieee => Ok(self.infinity(negative)),
                _ => Err(Unfit::Special),
            }
        } else if (self.exponent_bits, self.mantissa_bits) == (11, 52) {
            Ok(value.to_bits())
        } else {
            self.fit_finite(negative, Magnitude::of_float(value), rounding)
        }
    }

    fn fit_finite(
        self,
        negative: bool,
        magnitude: Magnitude,
        rounding: Rounding,
    ) -> Result<u64, Unfit> {
        let powers = self.special == Special::PowersOfTwo;
        let Some(exponent) = magnitude.exponent() else {
            return match self.special {
                Special::PowersOfTwo => Err(Unfit::Range),
                Special::NegativeZeroIsNan => Ok(0),
                _ => Ok(self.sign(negative)),
            };
        };
        let lowest = self.lowest();
        if powers && (negative || exponent < lowest) {
            return Err(Unfit::Range);
        }
        // The unit in the last place; in such units the number is rounded to an integer, whose implicit bit counts as one
        // exponent step, so that a carry moves on to the next exponent by itself.
        let unit = exponent.max(lowest) - self.mantissa_bits.cast_signed();
        let rounded = magnitude.in_units_of(unit, negative, rounding);
        let steps = u64::from((exponent.max(lowest) - lowest).unsigned_abs());
        let mut bits = (steps << self.mantissa_bits) + rounded;
        if powers {
            bits -= 1;
        }
        if bits > self.max_finite() {
            return Err(Unfit::Range);
        }
        if bits == 0 && self.special == Special::NegativeZeroIsNan {
            return Ok(0);
        }
        Ok(self.sign(negative && !powers) | bits)
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

/// The lowest 32 bits.
#[expect(clippy::cast_possible_truncation, reason = "that is what it is for")]
fn narrow(bits: u64) -> u32 {
    bits as u32
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
