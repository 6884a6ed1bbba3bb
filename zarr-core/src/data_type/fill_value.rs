//! Fill values and their JSON forms: exact to the bit, including NaN payloads and signs (core
//! specification, "Fill value").

use std::sync::Arc;

use serde_json::value::RawValue;

use super::{DataType, DataTypeKind, FillRules};
use crate::error::{Error, Result, shorten};

/// The bytes of one element, in this machine's byte order: the value of all elements that are not
/// stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FillValue(Arc<[u8]>);

impl FillValue {
    /// Creates a fill value from bytes in this machine's byte order.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(bytes.into())
    }

    /// The bytes of the element, in this machine's byte order.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether every bit is zero.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        self.0.iter().all(|&byte| byte == 0)
    }

    /// Whether all elements of `data` equal the fill value bit for bit.
    #[must_use]
    pub fn fills(&self, data: &[u8]) -> bool {
        let size = self.0.len();
        // Comparing the data with itself, shifted by one element, leaves the work to memcmp.
        match data.len() {
            0 => true,
            len if len < size => false,
            len => data[..size] == *self.0 && data[..len - size] == data[size..],
        }
    }
}

pub(super) fn bad(data_type: &DataType, value: &RawValue, expected: &str) -> Error {
    Error::FillValue {
        data_type: data_type.name().to_owned(),
        found: shorten(value.get()),
        expected: expected.to_owned(),
    }
}

fn size(data_type: &DataType) -> usize {
    data_type.fixed_size().unwrap_or(0)
}

pub(super) fn read_bool(data_type: &DataType, value: &RawValue) -> Result<FillValue> {
    match value.get() {
        "true" => Ok(FillValue::new(vec![1])),
        "false" => Ok(FillValue::new(vec![0])),
        _ => Err(bad(data_type, value, "true or false")),
    }
}

pub(super) fn write_bool(_: &DataType, fill: &FillValue) -> String {
    (fill.bytes() != [0]).to_string()
}

/// The JSON form of an integer.
pub(super) const INTEGER: FillRules = FillRules {
    read: read_integer,
    write: write_integer,
};

/// The number of bits of an integer smaller than a byte.
pub(super) fn small_int_bits(name: &str) -> Option<usize> {
    match name {
        "int2" | "uint2" => Some(2),
        "int4" | "uint4" => Some(4),
        _ => None,
    }
}

fn read_integer(data_type: &DataType, value: &RawValue) -> Result<FillValue> {
    let size = size(data_type);
    let bits = small_int_bits(data_type.name()).unwrap_or(8 * size);
    let (low, high) = match data_type.kind() {
        DataTypeKind::Int | DataTypeKind::Time => {
            (-(1_i128 << (bits - 1)), (1_i128 << (bits - 1)) - 1)
        }
        _ => (0, (1_i128 << bits) - 1),
    };
    let number = value
        .get()
        .parse::<i128>()
        .ok()
        .filter(|number| (low..=high).contains(number));
    match number {
        Some(number) => Ok(FillValue::new(native(&number.to_le_bytes()[..size]))),
        None => Err(bad(
            data_type,
            value,
            &format!("an integer literal in {low}..={high}"),
        )),
    }
}

fn write_integer(data_type: &DataType, fill: &FillValue) -> String {
    let mut wide = [0_u8; 16];
    let bytes = native(fill.bytes());
    wide[..bytes.len()].copy_from_slice(&bytes);
    let number = i128::from_le_bytes(wide);
    if matches!(data_type.kind(), DataTypeKind::Int | DataTypeKind::Time) {
        let unused = 128 - 8 * bytes.len();
        return ((number << unused) >> unused).to_string();
    }
    number.to_string()
}

/// Reads raw bits: the list of byte values of the specification, or the base64 string that some
/// other libraries write.
pub(super) fn read_raw(data_type: &DataType, value: &RawValue) -> Result<FillValue> {
    let size = size(data_type);
    let bytes = match serde_json::from_str::<Vec<u8>>(value.get()) {
        Ok(bytes) => Some(bytes),
        Err(_) => serde_json::from_str::<String>(value.get())
            .ok()
            .and_then(|text| decode_base64(&text)),
    };
    bytes
        .filter(|bytes| bytes.len() == size)
        .map(FillValue::new)
        .ok_or_else(|| bad(data_type, value, &format!("a list of {size} byte values")))
}

pub(super) fn write_raw(_: &DataType, fill: &FillValue) -> String {
    format!("{:?}", fill.bytes())
}

/// Converts little-endian bytes to this machine's order. The function is its own inverse.
pub(super) fn native(little_endian: &[u8]) -> Vec<u8> {
    let mut bytes = little_endian.to_vec();
    if cfg!(target_endian = "big") {
        bytes.reverse();
    }
    bytes
}

/// Decodes standard base64 with padding; returns `None` for anything else.
pub(super) fn decode_base64(text: &str) -> Option<Vec<u8>> {
    let digit = |c: u8| match c {
        b'A'..=b'Z' => Some(c - b'A'),
        b'a'..=b'z' => Some(c - b'a' + 26),
        b'0'..=b'9' => Some(c - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    };
    if !text.len().is_multiple_of(4) {
        return None;
    }
    let data = text.trim_end_matches('=');
    if text.len() - data.len() > 2 {
        return None;
    }
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    for group in data.as_bytes().chunks(4) {
        let mut word = 0_u32;
        for &c in group {
            word = (word << 6) | u32::from(digit(c)?);
        }
        word <<= 6 * (4 - group.len());
        let [_, high, middle, low] = word.to_be_bytes();
        bytes.extend_from_slice(&[high, middle, low][..group.len() * 3 / 4]);
    }
    Some(bytes)
}

/// Encodes standard base64 with padding.
pub(super) fn encode_base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let word = group.iter().enumerate().fold(0, |word, (at, &byte)| {
            word | u32::from(byte) << (16 - 8 * at)
        });
        for digit in 0..4 {
            let place = (word >> (18 - 6 * digit)) & 63;
            text.push(if digit <= group.len() {
                char::from(DIGITS[place as usize])
            } else {
                '='
            });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn read(data_type: &str, text: &str) -> Result<Vec<u8>> {
        let value = RawValue::from_string(text.to_owned()).unwrap();
        Ok(DataType::core(data_type)?
            .parse_fill_value(&value)?
            .bytes()
            .to_vec())
    }

    fn written(data_type: &str, text: &str) -> String {
        let data_type = DataType::core(data_type).unwrap();
        let value = RawValue::from_string(text.to_owned()).unwrap();
        data_type.fill_value_to_json(&data_type.parse_fill_value(&value).unwrap())
    }

    #[test]
    fn written_forms_are_shortest_and_exact() {
        for (data_type, text) in [
            ("bool", "true"),
            ("int8", "-128"),
            ("int64", "-9223372036854775808"),
            ("uint64", "18446744073709551615"),
            ("float16", "0.1"),
            ("float32", "0.1"),
            ("float64", "0.1"),
            ("float32", "-0.0"),
            ("float32", "\"NaN\""),
            ("float32", "\"0xffc00001\""),
            ("float64", "\"0x7ff0000000000001\""),
            ("float16", "\"-Infinity\""),
            ("complex64", "[-0.0, \"NaN\"]"),
            ("r24", "[1, 2, 255]"),
        ] {
            assert_eq!(written(data_type, text), text);
        }
    }

    #[test]
    fn bits_are_kept() {
        assert_eq!(
            read("float32", "\"0x7fa00001\"").unwrap(),
            0x7fa0_0001_u32.to_ne_bytes()
        );
        assert_eq!(
            read("float32", "\"NaN\"").unwrap(),
            0x7fc0_0000_u32.to_ne_bytes()
        );
        assert_eq!(
            read("float16", "\"NaN\"").unwrap(),
            0x7e00_u16.to_ne_bytes()
        );
        assert_eq!(read("float64", "-0.0").unwrap(), (-0.0_f64).to_ne_bytes());
        assert_eq!(read("r16", "\"AQI=\"").unwrap(), [1, 2]);
    }

    #[test]
    fn a_float32_is_rounded_once() {
        // Slightly above the midpoint between 1 and the next float32: through float64 it would
        // round down to even.
        let text = "1.00000005960464477539062500000000000000001";
        assert_eq!(
            read("float32", text).unwrap(),
            1.000_000_1_f32.to_ne_bytes()
        );
    }

    #[test]
    fn what_the_type_has_not_is_refused() {
        for (data_type, text) in [
            ("bool", "0"),
            ("bool", "\"true\""),
            ("int8", "128"),
            ("int8", "1.0"),
            ("uint8", "-1"),
            ("int32", "1e2"),
            ("float32", "\"nan\""),
            ("float32", "\"+Infinity\""),
            ("float32", "\"1.5\""),
            ("float32", "\"0x7fc0\""),
            ("float32", "\"0X7fc00000\""),
            ("float32", "1e40"),
            ("float64", "1e400"),
            ("float64", "null"),
            ("complex64", "[1]"),
            ("complex64", "1"),
            ("r16", "[1]"),
            ("r16", "[1, 256]"),
        ] {
            assert!(
                matches!(read(data_type, text), Err(Error::FillValue { .. })),
                "{data_type} {text}"
            );
        }
        for name in ["r0", "r7", "r016", "r99999999999999999999"] {
            assert!(DataType::core(name).is_err(), "{name}");
        }
    }

    #[test]
    fn fills_compares_bits() {
        let nan = FillValue::new(f32::NAN.to_ne_bytes().to_vec());
        assert!(nan.fills(&[f32::NAN.to_ne_bytes(), f32::NAN.to_ne_bytes()].concat()));
        assert!(!nan.fills(&[f32::NAN.to_ne_bytes(), (-f32::NAN).to_ne_bytes()].concat()));
        let zero = FillValue::new(0.0_f32.to_ne_bytes().to_vec());
        assert!(!zero.fills(&(-0.0_f32).to_ne_bytes()));
    }
}
