//! Fill values as other libraries write them, respelled as in the specification
//! (docs/tolerance.md).

use serde_json::value::RawValue;

use super::{DataType, DataTypeKind};

/// 2^53: floats represent whole numbers up to this one exactly.
const EXACT: f64 = 9_007_199_254_740_992.0;

impl DataType {
    /// Returns the specification's spelling of a fill value that is spelled differently; `None` if
    /// no library is known to use the spelling.
    pub(crate) fn respell_fill_value(&self, value: &RawValue) -> Option<Box<RawValue>> {
        RawValue::from_string(respell(self, value.get())?).ok()
    }
}

fn respell(data_type: &DataType, text: &str) -> Option<String> {
    use DataTypeKind::{
        Bool, Complex, Float, Int, NarrowComplex, NarrowFloat, Optional, Struct, Time, UInt,
    };
    match data_type.kind() {
        Bool => match text {
            "0" => Some("false".to_owned()),
            "1" => Some("true".to_owned()),
            _ => None,
        },
        Int | UInt | Time => integer(text),
        Float | NarrowFloat => float(data_type, text),
        Complex | NarrowComplex => {
            let [real, imaginary] = serde_json::from_str::<[Box<RawValue>; 2]>(text).ok()?;
            let part = |part: &RawValue| {
                float(data_type, part.get()).unwrap_or_else(|| part.get().to_owned())
            };
            Some(format!("[{}, {}]", part(&real), part(&imaginary)))
        }
        Struct => members(data_type, text),
        Optional => {
            let [value] = serde_json::from_str::<[Box<RawValue>; 1]>(text).ok()?;
            let inner = &data_type.fields().first()?.data_type;
            Some(format!("[{}]", respell(inner, value.get())?))
        }
        _ => None,
    }
}

/// Respells integers such as `3.0`, `1e2`, `"3"`.
fn integer(text: &str) -> Option<String> {
    if let Ok(digits) = serde_json::from_str::<String>(text) {
        let number = digits.strip_prefix('-').unwrap_or(&digits);
        let plain = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        return plain
            .then(|| digits.parse::<i128>().ok())?
            .map(|number| number.to_string());
    }
    let number = number(text)?;
    (number.trunc() == number && number.abs() <= EXACT).then(|| format!("{number:.0}"))
}

/// Respells floats such as `"1.5"` and `"nan"`, and the `0.0` that zarrs writes for the smallest
/// `float8_e8m0fnu`, which has no zero.
fn float(data_type: &DataType, text: &str) -> Option<String> {
    let is_e8m0 = data_type.name().ends_with("float8_e8m0fnu");
    if is_e8m0 && number(text) == Some(0.0) {
        return Some("\"0x00\"".to_owned());
    }
    let text = serde_json::from_str::<String>(text).ok()?;
    match text.as_str() {
        "nan" => Some("\"NaN\"".to_owned()),
        "inf" => Some("\"Infinity\"".to_owned()),
        "-inf" => Some("\"-Infinity\"".to_owned()),
        digits => number(digits).map(|_| digits.to_owned()),
    }
}

/// Parses a number in JSON spelling.
fn number(text: &str) -> Option<f64> {
    let is_number = text.starts_with(|c: char| c == '-' || c.is_ascii_digit());
    let valid = is_number && serde_json::from_str::<&RawValue>(text).is_ok();
    text.parse::<f64>().ok().filter(|_| valid)
}

/// Respells the fields of a struct that need it.
fn members(data_type: &DataType, text: &str) -> Option<String> {
    let mut members = serde_json::from_str::<crate::json::Members>(text).ok()?;
    for field in data_type.fields() {
        let value = members.get(&field.name)?;
        if field.data_type.parse_fill_value(value).is_err() {
            let value = field.data_type.respell_fill_value(value)?;
            members.set(&field.name, &value).ok()?;
        }
    }
    serde_json::to_string(&members).ok()
}
