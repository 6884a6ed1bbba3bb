//! Variable-size data types: `string` and `bytes` (registered extensions), and zarr-python's name
//! for the latter.

use serde_json::value::RawValue;

use super::fill_value::{FillValue, decode_base64, encode_base64};
use super::{DataType, DataTypeKind, DataTypeParts, FillRules, ItemSize};
use crate::bare_words::bare_word;
use crate::error::{Error, Result, shorten};
use crate::extension::Extension;
use crate::registry::Registry;

/// Binds `string`: UTF-8 strings of any length.
pub(crate) fn bind_string(extension: &Extension, _: &Registry) -> Result<DataType> {
    bind(
        extension,
        DataTypeKind::String,
        FillRules {
            read: read_string,
            write: write_string,
        },
    )
}

/// Binds `bytes` and `variable_length_bytes`: byte strings of any length.
pub(crate) fn bind_bytes(extension: &Extension, _: &Registry) -> Result<DataType> {
    bind(
        extension,
        DataTypeKind::Bytes,
        FillRules {
            read: read_bytes,
            write: write_bytes,
        },
    )
}

fn bind(extension: &Extension, kind: DataTypeKind, fill: FillRules) -> Result<DataType> {
    extension.expect_no_configuration()?;
    Ok(DataType::new(DataTypeParts {
        extension: Extension::new(extension.name()),
        item_size: ItemSize::Variable,
        swap_size: 1,
        kind,
        fill,
        fields: Vec::new(),
        admit: None,
    }))
}

fn bad(data_type: &DataType, value: &RawValue, expected: &str) -> Error {
    Error::FillValue {
        data_type: data_type.name().to_owned(),
        found: shorten(value.get()),
        expected: expected.to_owned(),
    }
}

fn read_string(data_type: &DataType, value: &RawValue) -> Result<FillValue> {
    let text = serde_json::from_str::<String>(value.get()).ok();
    text.filter(|_| bare_word(value.get()).is_none())
        .map(|text| FillValue::new(text.into_bytes()))
        .ok_or_else(|| bad(data_type, value, "a string"))
}

fn write_string(_: &DataType, fill: &FillValue) -> String {
    serde_json::Value::from(String::from_utf8_lossy(fill.bytes())).to_string()
}

fn read_bytes(data_type: &DataType, value: &RawValue) -> Result<FillValue> {
    let listed = serde_json::from_str::<Vec<u8>>(value.get()).ok();
    let text = || serde_json::from_str::<String>(value.get()).ok();
    listed
        .or_else(|| decode_base64(&text()?))
        .map(FillValue::new)
        .ok_or_else(|| bad(data_type, value, "a base64 string or a list of byte values"))
}

fn write_bytes(_: &DataType, fill: &FillValue) -> String {
    format!("\"{}\"", encode_base64(fill.bytes()))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn round(name: &str, text: &str) -> Result<(Vec<u8>, String)> {
        let extension = Extension::new(name);
        let data_type = if name == "string" {
            bind_string(&extension, &Registry::default())?
        } else {
            bind_bytes(&extension, &Registry::default())?
        };
        let fill = data_type.parse_fill_value(&RawValue::from_string(text.to_owned()).unwrap())?;
        Ok((fill.bytes().to_vec(), data_type.fill_value_to_json(&fill)))
    }

    #[test]
    fn fill_values_of_both_spellings() {
        assert_eq!(
            round("string", r#""a\u0000\"é""#).unwrap().1,
            r#""a\u0000\"é""#
        );
        assert_eq!(
            round("bytes", r#""AQL/""#).unwrap(),
            (vec![1, 2, 255], r#""AQL/""#.to_owned())
        );
        assert_eq!(
            round("variable_length_bytes", "[1, 2]").unwrap(),
            (vec![1, 2], r#""AQI=""#.to_owned())
        );
        assert_eq!(
            round("bytes", r#""""#).unwrap(),
            (vec![], r#""""#.to_owned())
        );
        for (name, text) in [
            ("string", "1"),
            ("string", r#""\ud800""#),
            ("bytes", r#""A""#),
            ("bytes", "[256]"),
        ] {
            assert!(round(name, text).is_err(), "{name} {text}");
        }
    }
}
