//! Floats of every format, and complex numbers made of two floats: their JSON forms.
//!
//! One description serves all formats. Decimal text is rounded once, to the nearest number, ties to
//! even. A number that rounds beyond the largest finite number is rejected, as are "NaN" and
//! infinities if the format has none.

use std::cmp::Ordering;

use serde_json::value::RawValue;

use super::fill_value::{FillValue, bad, native};
use super::float_format::FloatFormat;
use super::{DataType, FillRules};

impl FloatFormat {
    pub(super) fn of(data_type: &DataType) -> &'static Self {
        Self::of_parts(data_type.name()).expect("bound to one of these names")
    }

    /// Returns the bits of a float written as JSON.
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

    /// Rounds a JSON number once, from its text.
    fn round(&self, text: &str) -> Option<u64> {
        // The JSON parser has already rejected ".5" and "+1", which Rust's parser accepts, but not
        // "null".
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

    /// Rounds a number to a format of at most 16 bits through float64, which is exact wherever
    /// rounding can go wrong. If the number lies midway between two numbers of the format, the
    /// digits of the text decide.
    fn round_narrow(&self, text: &str) -> Option<u64> {
        let number = text.parse::<f64>().ok()?;
        if self.sign() == 0 && (number == 0.0 || number.is_sign_negative()) {
            return None;
        }
        let mut below = 0;
        for bit in (0..self.magnitude_mask().count_ones()).rev() {
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
        Some(match (negative, magnitude, self.has_negative_zero()) {
            (false, ..) | (true, 0, false) => magnitude,
            _ => magnitude | self.sign(),
        })
    }

    /// Returns the JSON form that reads back to these bits: the shortest number, a name, or
    /// hexadecimal digits.
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
        // Five digits always distinguish two numbers of 11 significant bits.
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

/// Compares the digits of a decimal number, regardless of its sign, with a positive number.
fn compare_digits(text: &str, number: f64) -> Ordering {
    // A number midway between two numbers of a narrow format has at most 104 significant digits.
    decimal(text).cmp(&decimal(&format!("{number:.110e}")))
}

/// Returns the power of ten above the first significant digit, and the digits: 0.0120e3 is (2,
/// "12").
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
    let mut forms = match format.sign() {
        0 => "a positive number within the range of the data type".to_owned(),
        _ => "a number within the range of the data type".to_owned(),
    };
    if format.nan().is_some() {
        forms += ", \"NaN\"";
    }
    if format.infinity().is_some() {
        forms += ", \"Infinity\", \"-Infinity\"";
    }
    forms += " or the bits as \"0x\" followed by all hexadecimal digits";
    forms
}

#[cfg(test)]
mod tests;
