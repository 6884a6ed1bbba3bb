//! Zarr v2 fill values in v3 spelling.

use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};

use super::data_type::DataType;
use crate::data_type::FillValue;
use crate::error::Result;
use crate::extension::Extension;
use crate::registry::Registry;

/// Converts a fill value to its v3 form: `null` is zero (`NaT` for times), 0 and 1 may stand for a
/// bool and 0 for an empty string, and the fill value of a struct is its packed bytes in base64.
pub(super) fn fill_value(data_type: &DataType, value: Box<RawValue>) -> Result<Box<RawValue>> {
    match (value.get(), &data_type.zero) {
        ("null", _) => Ok(to_raw_value(&data_type.default())?),
        ("0", zero @ (Value::Bool(_) | Value::String(_))) if !data_type.is_raw() => {
            Ok(to_raw_value(zero)?)
        }
        ("1", Value::Bool(_)) => Ok(to_raw_value(&true)?),
        (text, Value::Object(_)) if text.starts_with('"') => unpacked(data_type, &value),
        _ => Ok(value),
    }
}

/// Converts the packed bytes of a struct's fill value.
fn unpacked(data_type: &DataType, value: &RawValue) -> Result<Box<RawValue>> {
    let mut legacy = data_type.extension.clone();
    if let Some(members) = legacy.as_object_mut() {
        members.insert("name".to_owned(), json!("structured"));
    }
    let registry = Registry::core().with_registered_data_types();
    let bound = registry.bind_data_type(&Extension::from_json(&to_raw_value(&legacy)?)?)?;
    let mut bytes = bound.parse_fill_value(value)?.bytes().to_vec();
    if data_type.endian == Some("big") {
        bound.swap_bytes(&mut bytes);
    }
    let text = bound.fill_value_to_json(&FillValue::new(bytes));
    Ok(RawValue::from_string(text)?)
}
