//! Floats of every format, and the complex numbers made of two: JSON forms and binding.
//!
//! One description serves all formats. Decimal text is rounded once, to the nearest number and ties to even; a number that
//! rounds beyond the largest finite one is refused, as are "NaN" and infinities where a format has none. Formats of fewer than
//! eight bits have a byte in memory whose upper bits are zero.

use std::cmp::Ordering;

use serde_json::value::RawValue;

use super::fill_value::{FillValue, bad, native};
use super::{DataType, DataTypeKind, DataTypeParts, FillRules, ItemSize};
use crate::error::{Error, Result};
use crate::extension::Extension;
use crate::registry::Registry;

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
                if digits.len() != 2 * self.size() || !digits.bytes().all(|b| b.is_ascii_hexdigit())
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
        let negative = number.is_sign_negative();
        Some(match (negative, magnitude, self.specials) {
            (false, ..) | (true, 0, Specials::Fnuz) => magnitude,
            _ => magnitude | self.sign(),
        })
    }

    /// The JSON form that reads back to the same bits: the shortest number, a name, or hexadecimal digits.
    fn text(&self, bits: u64) -> String {
        let magnitude = bits & self.magnitude_mask();
        let negative = bits & self.sign() != 0;
        if self.nan() == Some(bits) {
            "\"NaN\"".to_owned()
        } else if self.infinity() == Some(magnitude) {
            let sign = if negative { "-" } else { "" };
            format!("\"{sign}Infinity\"")
        } else if magnitude > self.largest() {
            format!("\"0x{bits:0width$x}\"", width = 2 * self.size())
        } else {
            self.shortest(bits)
        }
    }

    fn shortest(&self, bits: u64) -> String {
        if self.bits() == 64 {
            return format!("{:?}", f64::from_bits(bits));
        }
        if let (32, Ok(bits)) = (self.bits(), u32::try_from(bits)) {
            return format!("{:?}", f32::from_bits(bits));
        }
        let magnitude = self.value(bits & self.magnitude_mask());
        let exact = if bits & self.sign() == 0 {
            magnitude
        } else {
            -magnitude
        };
        // Five digits always tell two numbers of 11 significant bits apart.
        let mut candidates = (0..5).map(|digits| format!("{exact:.digits$e}"));
        let shortest = candidates.find(|text| self.round(text) == Some(bits));
        let number = shortest.and_then(|text| text.parse::<f64>().ok());
        format!("{:?}", number.unwrap_or(exact))
    }

    fn read(&self, text: &str) -> Option<Vec<u8>> {
        let bits = self.parse(text)?;
        Some(native(&bits.to_le_bytes()[..self.size()]))
    }

    fn write(&self, bytes: &[u8]) -> String {
        let mut bits = [0; 8];
        bits[..bytes.len()].copy_from_slice(&native(bytes));
        self.text(u64::from_le_bytes(bits))
    }
}

/// Compares the digits of a decimal number, whatever its sign, with a positive number.
fn compare_digits(text: &str, number: f64) -> Ordering {
    // Numbers midway between two of a narrow format have at most 104 significant digits.
    decimal(text).cmp(&decimal(&format!("{number:.110e}")))
}

/// The power of ten above the first significant digit, and the digits: 0.0120e3 is (2, "12").
fn decimal(text: &str) -> (i64, String) {
    let text = text.trim_start_matches('-');
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = [whole, fraction].concat();
    let significant = digits.trim_start_matches('0');
    let places = whole.len() as i64 - (digits.len() - significant.len()) as i64;
    let exponent = exponent.parse::<i64>().unwrap_or(0).saturating_add(places);
    (exponent, significant.trim_end_matches('0').to_owned())
}

/// The JSON forms of a float.
pub(super) const FLOAT: FillRules = FillRules {
    read: |data_type, value| {
        let format = FloatFormat::of(data_type);
        let bytes = format.read(value.get());
        bytes
            .map(FillValue::new)
            .ok_or_else(|| bad(data_type, value, &expected(format)))
    },
    write: |data_type, fill| FloatFormat::of(data_type).write(fill.bytes()),
};

/// The JSON forms of a complex number: a list of two floats.
pub(super) const COMPLEX: FillRules = FillRules {
    read: |data_type, value| {
        let format = FloatFormat::of(data_type);
        let parts = serde_json::from_str::<[Box<RawValue>; 2]>(value.get()).ok();
        let bytes = parts.and_then(|[real, imaginary]| {
            Some([format.read(real.get())?, format.read(imaginary.get())?].concat())
        });
        bytes.map(FillValue::new).ok_or_else(|| {
            let expected = format!("a list of two values, each {}", expected(format));
            bad(data_type, value, &expected)
        })
    },
    write: |data_type, fill| {
        let format = FloatFormat::of(data_type);
        let (real, imaginary) = fill.bytes().split_at(format.size());
        format!("[{}, {}]", format.write(real), format.write(imaginary))
    },
};

fn expected(format: &FloatFormat) -> String {
    let mut forms = match format.sign_bits {
        0 => "a positive number in range".to_owned(),
        _ => "a number in range".to_owned(),
    };
    if format.nan().is_some() {
        forms += ", \"NaN\"";
    }
    if format.infinity().is_some() {
        forms += ", \"Infinity\", \"-Infinity\"";
    }
    forms += " or the bits as \"0x\" and all hexadecimal digits";
    forms
}

/// Binds `bfloat16`, the floats of at most eight bits, `complex_float32` and `complex_float64` (other names of `complex64` and
/// `complex128`), and the complex numbers of all narrower floats.
pub(super) fn bind(extension: &Extension, _: &Registry) -> Result<DataType> {
    let name = extension.name();
    let format = FloatFormat::named(name).ok_or_else(|| Error::invalid(name, "a float"))?;
    extension.expect_no_configuration()?;
    let complex = name.starts_with("complex_");
    let size = format.size();
    Ok(DataType::new(DataTypeParts {
        extension: Extension::new(name),
        item_size: ItemSize::Fixed(if complex { 2 * size } else { size }),
        swap_size: size,
        kind: match (complex, size) {
            (true, 4 | 8) => DataTypeKind::Complex,
            (true, _) => DataTypeKind::NarrowComplex,
            (false, _) => DataTypeKind::NarrowFloat,
        },
        fill: if complex { COMPLEX } else { FLOAT },
        fields: Vec::new(),
        admit: (format.bits() % 8 != 0).then_some(clear_upper_bits),
    }))
}

fn clear_upper_bits(data_type: &DataType, elements: &mut [u8]) -> Result<()> {
    let format = FloatFormat::of(data_type);
    let mask = format.magnitude_mask() | format.sign();
    let [mask, ..] = mask.to_le_bytes();
    elements.iter_mut().for_each(|byte| *byte &= mask);
    Ok(())
}

#[cfg(test)]
mod tests;
