//! Floats of every format, and the complex numbers made of two: JSON forms and binding.
//!
//! One description serves all formats. Decimal text is rounded once, to the nearest number and ties to even; a number that
//! rounds beyond the largest finite one is refused, as are "NaN" and infinities where a format has none. Formats of fewer than
//! eight bits have a byte in memory whose upper bits are zero.

use std::cmp::Ordering;

use serde_json::value::RawValue;

use super::fill_value::{FillValue, bad, from_native, native};
use super::{DataType, DataTypeKind, DataTypeParts, FillRules, ItemSize};
use crate::error::{Error, Result};
use crate::extension::Extension;

/// What the highest bit patterns of a format stand for.
#[derive(Clone, Copy, PartialEq)]
enum Specials {
    /// IEEE 754: the highest exponent is infinity and NaNs.
    Ieee,
    /// No infinity; NaN in the place of negative zero.
    Fnuz,
    /// No infinity; NaN where exponent and mantissa are all ones.
    AllOnes,
    /// Every pattern is a number.
    Finite,
}

/// A binary floating-point format.
pub(super) struct FloatFormat {
    name: &'static str,
    /// 0 for `float8_e8m0fnu`, which has no zero and no subnormal numbers either.
    sign_bits: u32,
    exponent_bits: u32,
    mantissa_bits: u32,
    bias: i32,
    specials: Specials,
}

/// A signed format with the bias of IEEE 754.
const fn format(
    name: &'static str,
    exponent_bits: u32,
    mantissa_bits: u32,
    specials: Specials,
) -> FloatFormat {
    let bias = (1 << (exponent_bits - 1)) - 1;
    biased(name, exponent_bits, mantissa_bits, bias, specials)
}

const fn biased(
    name: &'static str,
    exponent_bits: u32,
    mantissa_bits: u32,
    bias: i32,
    specials: Specials,
) -> FloatFormat {
    FloatFormat {
        name,
        sign_bits: 1,
        exponent_bits,
        mantissa_bits,
        bias,
        specials,
    }
}

/// All formats; `float8_e4m3fn` is tensorstore's own, not registered.
static FORMATS: [FloatFormat; 15] = [
    format("float16", 5, 10, Specials::Ieee),
    format("float32", 8, 23, Specials::Ieee),
    format("float64", 11, 52, Specials::Ieee),
    format("bfloat16", 8, 7, Specials::Ieee),
    format("float8_e3m4", 3, 4, Specials::Ieee),
    format("float8_e4m3", 4, 3, Specials::Ieee),
    format("float8_e4m3fn", 4, 3, Specials::AllOnes),
    biased("float8_e4m3b11fnuz", 4, 3, 11, Specials::Fnuz),
    biased("float8_e4m3fnuz", 4, 3, 8, Specials::Fnuz),
    format("float8_e5m2", 5, 2, Specials::Ieee),
    biased("float8_e5m2fnuz", 5, 2, 16, Specials::Fnuz),
    FloatFormat {
        sign_bits: 0,
        ..format("float8_e8m0fnu", 8, 0, Specials::AllOnes)
    },
    format("float6_e2m3fn", 2, 3, Specials::Finite),
    format("float6_e3m2fn", 3, 2, Specials::Finite),
    format("float4_e2m1fn", 2, 1, Specials::Finite),
];

impl FloatFormat {
    /// The format of a float, or of the two parts of a complex number.
    fn named(name: &str) -> Option<&'static Self> {
        let name = match name {
            "complex64" => "float32",
            "complex128" => "float64",
            name => name.strip_prefix("complex_").unwrap_or(name),
        };
        FORMATS.iter().find(|format| format.name == name)
    }

    fn of(data_type: &DataType) -> &'static Self {
        Self::named(data_type.name()).expect("bound to one of these names")
    }

    fn bits(&self) -> u32 {
        self.sign_bits + self.exponent_bits + self.mantissa_bits
    }

    /// Bytes in memory.
    pub(super) fn size(&self) -> usize {
        self.bits().div_ceil(8) as usize
    }

    /// The bits of exponent and mantissa, all ones.
    fn magnitude_mask(&self) -> u64 {
        (1 << (self.exponent_bits + self.mantissa_bits)) - 1
    }

    fn sign(&self) -> u64 {
        u64::from(self.sign_bits) << (self.exponent_bits + self.mantissa_bits)
    }

    fn infinity(&self) -> Option<u64> {
        let exponent = self.magnitude_mask() >> self.mantissa_bits << self.mantissa_bits;
        (self.specials == Specials::Ieee).then_some(exponent)
    }

    /// What "NaN" stands for.
    fn nan(&self) -> Option<u64> {
        match self.specials {
            Specials::Ieee => Some(self.infinity()? | 1 << (self.mantissa_bits - 1)),
            Specials::Fnuz => Some(self.sign()),
            Specials::AllOnes => Some(self.magnitude_mask()),
            Specials::Finite => None,
        }
    }

    /// The magnitude of the largest finite number.
    fn largest(&self) -> u64 {
        match (self.infinity(), self.specials) {
            (Some(infinity), _) => infinity - 1,
            (None, Specials::AllOnes) => self.magnitude_mask() - 1,
            (None, _) => self.magnitude_mask(),
        }
    }

    /// The number of this magnitude, for formats of at most 16 bits; one past the largest, what the next one would be.
    fn value(&self, magnitude: u64) -> f64 {
        let exponent = i32::try_from(magnitude >> self.mantissa_bits).expect("16 bits at most");
        let one = 1_u64 << self.mantissa_bits;
        let mantissa = magnitude & (one - 1);
        let subnormal = exponent == 0 && self.sign_bits == 1;
        let (mantissa, exponent) = if subnormal {
            (mantissa, 1)
        } else {
            (mantissa | one, exponent)
        };
        let scale = exponent - self.bias - self.mantissa_bits.cast_signed();
        mantissa as f64 * 2_f64.powi(scale)
    }

    /// The bits of a float written as JSON.
    fn parse(&self, text: &str) -> Option<u64> {
        if !text.starts_with('"') {
            return self.round(text);
        }
        match serde_json::from_str::<String>(text).ok()?.as_str() {
            "NaN" => self.nan(),
            "Infinity" => self.infinity(),
            "-Infinity" => Some(self.infinity()? | self.sign()),
            hex => {
                let digits = hex.strip_prefix("0x")?;
                if digits.len() != 2 * self.size()
                    || !digits.bytes().all(|b| b.is_ascii_hexdigit())
                {
                    return None;
                }
                let bits = u64::from_str_radix(digits, 16).ok()?;
                (bits & !(self.magnitude_mask() | self.sign()) == 0).then_some(bits)
            }
        }
    }

    /// A JSON number, rounded once from its text.
    fn round(&self, text: &str) -> Option<u64> {
        // JSON already refused what Rust's parser would also take: ".5", "+1"; "null" it would not.
        if !text.starts_with(|c: char| c == '-' || c.is_ascii_digit()) {
            return None;
        }
        match self.bits() {
            64 => {
                let number = text.parse::<f64>().ok()?;
                number.is_finite().then(|| number.to_bits())
            }
            32 => {
                let number = text.parse::<f32>().ok()?;
                number.is_finite().then(|| number.to_bits().into())
            }
            _ => self.round_narrow(text),
        }
    }

    /// The same for formats of at most 16 bits: through float64, which is exact wherever rounding can go wrong, and where it
    /// lies midway between two numbers, by the digits of the text.
    fn round_narrow(&self, text: &str) -> Option<u64> {
        let number = text.parse::<f64>().ok()?;
        if self.sign_bits == 0 && (number == 0.0 || number.is_sign_negative()) {
            return None;
        }
        let mut below = 0;
        for bit in (0..self.exponent_bits + self.mantissa_bits).rev() {
            let next = below | 1 << bit;
            if next <= self.largest() && self.value(next) <= number.abs() {
                below = next;
            }
        }
        let midway = (self.value(below) + self.value(below + 1)) / 2.0;
        let ordering = number.abs().total_cmp(&midway);
        let up = match ordering.then_with(|| compare_digits(text, midway)) {
            Ordering::Less => false,
            Ordering::Greater => true,
            Ordering::Equal => below & 1 == 1,
        };
        let magnitude = below + u64::from(up);
        if magnitude > self.largest() {
            return None;
        }
        let signed = number.is_sign_negative() && (magnitude | self.sign()) != self.nan()?.min(0);
        let _ = signed;
        Some(magnitude)
    }
}
