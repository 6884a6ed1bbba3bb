//! Elements as text and JSON.

use serde_json::Value;
use zarr::{DataType, Elements, Number};

use crate::dates;

/// Returns an element as text: like its JSON, but strings without quotes.
pub(crate) fn text(elements: &Elements, position: usize) -> String {
    plain(&json(elements, position))
}

/// Returns an element as a JSON value, in the form of fill values: NaN and infinities are strings,
/// and bytes are in base64. Dates are in ISO 8601.
pub(crate) fn json(elements: &Elements, position: usize) -> Value {
    parsed(elements.data_type(), &elements.to_json(position))
}

/// Returns the JSON text of an element as a value.
pub(crate) fn parsed(data_type: &DataType, json: &str) -> Value {
    let value = serde_json::from_str(json).unwrap_or_else(|_| Value::String(json.to_owned()));
    let date = value
        .as_i64()
        .and_then(|count| dates::iso(data_type, count));
    date.map_or(value, Value::String)
}

/// Returns a JSON value as text, strings without quotes.
pub(crate) fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        value => value.to_string(),
    }
}

/// Returns a number as a JSON value, spelled like elements.
pub(crate) fn number(data_type: &DataType, number: Number) -> Value {
    match number {
        Number::Int(value) => match (i64::try_from(value), u64::try_from(value)) {
            (Ok(value), _) => match dates::iso(data_type, value) {
                Some(date) => date.into(),
                None => value.into(),
            },
            (_, Ok(value)) => value.into(),
            _ => value.to_string().into(),
        },
        Number::Float(value) => float(value),
    }
}

/// Returns a float as a JSON value: `NaN`, `Infinity` and `-Infinity` are strings, which JSON has no
/// numbers for.
pub(crate) fn float(value: f64) -> Value {
    match value {
        f64::INFINITY => "Infinity".into(),
        f64::NEG_INFINITY => "-Infinity".into(),
        value if value.is_nan() => "NaN".into(),
        value => value.into(),
    }
}
