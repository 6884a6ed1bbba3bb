//! Fixed-length strings and byte strings: `fixed_length_utf32` (registered extension), and
//! zarr-python's `null_terminated_bytes` and `raw_bytes`.
//!
//! Shorter values are padded with zeros. Decoding and encoding reject code points outside Unicode.
//! A tolerant reader accepts surrogates, which strings of Python and NumPy may contain.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Visitor};
use serde_json::value::RawValue;

use super::fill_value::{self, FillValue, bad, decode_base64, encode_base64};
use super::{DataType, DataTypeKind, DataTypeParts, FillRules, ItemSize, MAX_PADDED_SIZE};
use crate::bare_words::bare_word;
use crate::error::{Error, Result};
use crate::extension::Extension;
use crate::registry::Registry;
use crate::strictness::Strictness;

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Configuration {
    length_bytes: u64,
}

/// Reads `length_bytes`: positive, a multiple of `unit` and at most [`MAX_PADDED_SIZE`].
fn length_bytes(extension: &Extension, unit: usize) -> Result<usize> {
    let Configuration { length_bytes } = extension.parse()?;
    let size = usize::try_from(length_bytes)
        .ok()
        .filter(|size| (unit..=MAX_PADDED_SIZE).contains(size) && size % unit == 0);
    size.ok_or_else(|| {
        let expected = format!("a multiple of {unit} in {unit}..={MAX_PADDED_SIZE}");
        Error::invalid(length_bytes, expected)
            .member("length_bytes")
            .member("configuration")
    })
}

fn parts(extension: &Extension, size: usize, kind: DataTypeKind, fill: FillRules) -> DataTypeParts {
    DataTypeParts {
        extension: Extension::new(extension.name()).with("length_bytes", size),
        item_size: ItemSize::Fixed(size),
        swap_size: 1,
        kind,
        fill,
        fields: Vec::new(),
        admit: None,
    }
}

/// Binds `fixed_length_utf32`.
pub(super) fn bind_utf32(extension: &Extension, registry: &Registry) -> Result<DataType> {
    let size = length_bytes(extension, 4)?;
    let (read, admit): (_, super::Admit) = match registry.strictness() {
        Strictness::Strict => (read_text as fn(&_, &_) -> _, check_code_points),
        Strictness::Tolerant => (read_any_text as fn(&_, &_) -> _, check_range),
    };
    let fill = FillRules {
        read,
        write: write_text,
    };
    Ok(DataType::new(DataTypeParts {
        swap_size: 4,
        admit: Some(admit),
        ..parts(extension, size, DataTypeKind::Text, fill)
    }))
}

/// Binds `null_terminated_bytes`.
pub(super) fn bind_null_terminated(extension: &Extension, _: &Registry) -> Result<DataType> {
    let size = length_bytes(extension, 1)?;
    let fill = FillRules {
        read: read_padded,
        write: |_, fill| write_base64(trim(fill.bytes(), 1)),
    };
    let kind = DataTypeKind::NullTerminated;
    Ok(DataType::new(parts(extension, size, kind, fill)))
}

/// Binds `raw_bytes`: `r*` under another name, with its fill value written in base64.
pub(super) fn bind_raw(extension: &Extension, _: &Registry) -> Result<DataType> {
    let size = length_bytes(extension, 1)?;
    let fill = FillRules {
        read: fill_value::read_raw,
        write: |_, fill| write_base64(fill.bytes()),
    };
    Ok(DataType::new(parts(
        extension,
        size,
        DataTypeKind::Raw,
        fill,
    )))
}

/// Returns the bytes without trailing zeros, in whole units.
fn trim(bytes: &[u8], unit: usize) -> &[u8] {
    let end = bytes.iter().rposition(|&byte| byte != 0);
    &bytes[..end.map_or(0, |end| end / unit * unit + unit)]
}

fn padded(mut bytes: Vec<u8>, size: usize) -> Option<FillValue> {
    (bytes.len() <= size).then(|| {
        bytes.resize(size, 0);
        FillValue::new(bytes)
    })
}

fn read_padded(data_type: &DataType, value: &RawValue) -> Result<FillValue> {
    let size = data_type.fixed_size().unwrap_or(0);
    let text = serde_json::from_str::<String>(value.get()).ok();
    text.and_then(|text| padded(decode_base64(&text)?, size))
        .ok_or_else(|| {
            let expected = format!("at most {size} bytes as a base64 string");
            bad(data_type, value, &expected)
        })
}

fn write_base64(bytes: &[u8]) -> String {
    format!("\"{}\"", encode_base64(bytes))
}

fn read_text(data_type: &DataType, value: &RawValue) -> Result<FillValue> {
    let text = serde_json::from_str::<String>(value.get()).ok();
    let points = text.map(|text| text.chars().map(u32::from).collect());
    padded_text(data_type, value, points)
}

/// Reads text in which escapes may be lone surrogates.
fn read_any_text(data_type: &DataType, value: &RawValue) -> Result<FillValue> {
    let points = serde_json::from_str::<CodePoints>(value.get()).ok();
    let points = points.filter(|_| bare_word(value.get()).is_none());
    padded_text(data_type, value, points.map(|CodePoints(points)| points))
}

fn padded_text(
    data_type: &DataType,
    value: &RawValue,
    points: Option<Vec<u32>>,
) -> Result<FillValue> {
    let size = data_type.fixed_size().unwrap_or(0);
    let units = points.map(|points| points.into_iter().flat_map(u32::to_ne_bytes).collect());
    units.and_then(|units| padded(units, size)).ok_or_else(|| {
        let expected = format!("a string of at most {} code points", size / 4);
        bad(data_type, value, &expected)
    })
}

/// The code points of a JSON string, including surrogates.
struct CodePoints(Vec<u32>);

impl<'de> Deserialize<'de> for CodePoints {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct BytesVisitor;
        impl Visitor<'_> for BytesVisitor {
            type Value = CodePoints;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_bytes<E: serde::de::Error>(self, bytes: &[u8]) -> Result<CodePoints, E> {
                Ok(CodePoints(wide_code_points(bytes)))
            }
        }
        deserializer.deserialize_bytes(BytesVisitor)
    }
}

/// Decodes UTF-8 in which surrogates may be encoded like other code points, as serde_json encodes
/// lone surrogates.
fn wide_code_points(bytes: &[u8]) -> Vec<u32> {
    let mut points: Vec<u32> = Vec::with_capacity(bytes.len());
    for &byte in bytes {
        let bits = u32::from(byte);
        match (byte, points.last_mut()) {
            (0x80..=0xbf, Some(point)) => *point = *point << 6 | (bits & 0x3f),
            (0xc0..=0xdf, _) => points.push(bits & 0x1f),
            (0xe0..=0xef, _) => points.push(bits & 0x0f),
            (0xf0..=0xff, _) => points.push(bits & 0x07),
            _ => points.push(bits),
        }
    }
    points
}

fn code_points(bytes: &[u8]) -> impl Iterator<Item = u32> {
    bytes
        .as_chunks::<4>()
        .0
        .iter()
        .map(|unit| u32::from_ne_bytes(*unit))
}

fn write_text(_: &DataType, fill: &FillValue) -> String {
    let mut text = String::from('"');
    for point in code_points(trim(fill.bytes(), 4)) {
        match char::from_u32(point) {
            Some(char) => {
                let literal = serde_json::Value::from(char.to_string()).to_string();
                text.push_str(&literal[1..literal.len() - 1]);
            }
            None => text.push_str(&format!("\\u{point:04x}")),
        }
    }
    text.push('"');
    text
}

fn check_code_points(_: &DataType, elements: &mut [u8]) -> Result<()> {
    match code_points(elements).find(|&point| char::from_u32(point).is_none()) {
        None => Ok(()),
        Some(point) => Err(no_code_point(
            point,
            "a code point up to 0x10ffff that is not a surrogate",
        )),
    }
}

fn check_range(_: &DataType, elements: &mut [u8]) -> Result<()> {
    match code_points(elements).find(|&point| point > u32::from(char::MAX)) {
        None => Ok(()),
        Some(point) => Err(no_code_point(point, "a code point up to 0x10ffff")),
    }
}

fn no_code_point(point: u32, expected: &str) -> Error {
    Error::invalid(format_args!("code point {point:#x}"), expected)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::super::testing::{data_type, read, written};
    use super::*;

    fn sized(name: &str, size: usize) -> String {
        format!(r#"{{"name": "{name}", "configuration": {{"length_bytes": {size}}}}}"#)
    }

    #[test]
    fn lengths_are_checked() {
        for (name, good, bad) in [
            ("fixed_length_utf32", vec![4, 48], vec![0, 3, 6, 1 << 30]),
            ("null_terminated_bytes", vec![1, 5], vec![0, 1 << 30]),
            ("raw_bytes", vec![1, 5], vec![0, 1 << 30]),
        ] {
            for size in good {
                let bound = data_type(&sized(name, size)).unwrap();
                assert_eq!(bound.fixed_size(), Some(size));
            }
            for size in bad {
                assert!(data_type(&sized(name, size)).is_err(), "{name} {size}");
            }
            for configuration in [
                "",
                r#", "configuration": {}"#,
                r#", "configuration": {"length_bytes": "4"}"#,
                r#", "configuration": {"length_bytes": 4.0}"#,
                r#", "configuration": {"length_bytes": -4}"#,
                r#", "configuration": {"length_bytes": 4, "endian": "big"}"#,
            ] {
                let json = format!(r#"{{"name": "{name}"{configuration}}}"#);
                assert!(data_type(&json).is_err(), "{json}");
            }
        }
    }

    #[test]
    fn fill_values_read_back() {
        let utf32 = sized("fixed_length_utf32", 12);
        let terminated = sized("null_terminated_bytes", 3);
        let raw = sized("raw_bytes", 3);
        let units = |points: [u32; 3]| points.map(u32::to_ne_bytes).concat();
        for (name, text, bytes) in [
            (&utf32, "\"\"", units([0, 0, 0])),
            (&utf32, "\"Hi\"", units([0x48, 0x69, 0])),
            (
                &utf32,
                "\"é\u{1f600}\u{ffff}\"",
                units([0xe9, 0x1f600, 0xffff]),
            ),
            (&utf32, "\"a\\u0000b\"", units([0x61, 0, 0x62])),
            (&terminated, "\"\"", vec![0, 0, 0]),
            (&terminated, "\"YQ==\"", vec![0x61, 0, 0]),
            (&terminated, "\"AAH/\"", vec![0, 1, 255]),
            (&raw, "\"AAEA\"", vec![0, 1, 0]),
        ] {
            assert_eq!(read(name, text).unwrap(), bytes);
            assert_eq!(written(name, text).unwrap(), text);
        }
        assert_eq!(written(&raw, "[0, 1, 0]").unwrap(), "\"AAEA\"");
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let utf32 = sized("fixed_length_utf32", 8);
        let terminated = sized("null_terminated_bytes", 3);
        let raw = sized("raw_bytes", 3);
        for (name, text) in [
            (&utf32, "\"abc\""),
            (&utf32, "\"ab\\u0000\""),
            (&utf32, "0"),
            (&utf32, "null"),
            (&terminated, "\"AAAAAA==\""),
            (&terminated, "\"A\""),
            (&terminated, "0"),
            (&raw, "\"AAE=\""),
            (&raw, "\"AAAAAA==\""),
            (&raw, "[0, 1]"),
        ] {
            assert!(read(name, text).is_err(), "{name} {text}");
        }
    }

    #[test]
    fn surrogates_are_for_tolerant_readers() {
        let extension = Extension::new("fixed_length_utf32").with("length_bytes", 8);
        let bound = |strictness| {
            let registry = Registry::core().with_registered_data_types();
            registry
                .with_strictness(strictness)
                .bind_data_type(&extension)
                .unwrap()
        };
        let (strict, tolerant) = (bound(Strictness::Strict), bound(Strictness::Tolerant));
        for text in [r#""\ud800""#, r#""a\udfff""#, r#""\udc00\ud800""#] {
            let value = RawValue::from_string(text.to_owned()).unwrap();
            strict.parse_fill_value(&value).unwrap_err();
            let fill = tolerant.parse_fill_value(&value).unwrap();
            assert_eq!(tolerant.fill_value_to_json(&fill), text);
            strict.admit(&mut fill.bytes().to_vec()).unwrap_err();
            tolerant.admit(&mut fill.bytes().to_vec()).unwrap();
        }
        let pair = RawValue::from_string(r#""\ud83d\ude00""#.to_owned()).unwrap();
        let fills = [strict, tolerant.clone()].map(|bound| bound.parse_fill_value(&pair).unwrap());
        assert_eq!(fills[0], fills[1]);
        let mut beyond = [0x61, 0x11_0000].map(u32::to_ne_bytes).concat();
        tolerant.admit(&mut beyond).unwrap_err();
    }

    #[test]
    fn code_points_that_unicode_has_not_are_refused() {
        let extension = Extension::new("fixed_length_utf32").with("length_bytes", 4);
        let registry = Registry::core().with_registered_data_types();
        let registry = registry.with_strictness(Strictness::Strict);
        let utf32 = registry.bind_data_type(&extension).unwrap();
        for (point, valid) in [
            (0, true),
            (0xd7ff, true),
            (0xd800, false),
            (0xdfff, false),
            (0x10_ffff, true),
            (0x11_0000, false),
            (u32::MAX, false),
        ] {
            let mut elements = [0x61, point].map(u32::to_ne_bytes).concat();
            assert_eq!(utf32.admit(&mut elements).is_ok(), valid, "{point:#x}");
        }
    }
}
