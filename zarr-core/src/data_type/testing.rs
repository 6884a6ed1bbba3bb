//! Functions shared by the tests of data types.

use serde_json::value::RawValue;

use super::DataType;
use crate::error::Result;
use crate::extension::Extension;
use crate::registry::Registry;

fn raw(text: &str) -> Box<RawValue> {
    RawValue::from_string(text.to_owned()).expect("JSON")
}

/// Returns a data type by its name or its JSON text.
pub(super) fn data_type(text: &str) -> Result<DataType> {
    let extension = match text.starts_with('{') {
        true => Extension::from_json(&raw(text))?,
        false => Extension::new(text),
    };
    Registry::core()
        .with_registered_data_types()
        .bind_data_type(&extension)
}

/// Returns the bytes of a fill value.
pub(super) fn read(name: &str, text: &str) -> Result<Vec<u8>> {
    let fill = data_type(name)?.parse_fill_value(&raw(text))?;
    Ok(fill.bytes().to_vec())
}

/// Formats a parsed fill value, after checking that the text reads back.
pub(super) fn written(name: &str, text: &str) -> Result<String> {
    let data_type = data_type(name)?;
    let fill = data_type.parse_fill_value(&raw(text))?;
    let text = data_type.fill_value_to_json(&fill);
    assert_eq!(data_type.parse_fill_value(&raw(&text))?, fill, "{text}");
    Ok(text)
}
