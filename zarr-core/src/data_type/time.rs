//! `numpy.datetime64` and `numpy.timedelta64` (registered extensions): signed 64-bit counts of a
//! unit, the smallest of which means "not a time".

use serde::Deserialize;

use super::fill_value::{FillValue, INTEGER};
use super::{DataType, DataTypeKind, DataTypeParts, FillRules, ItemSize};
use crate::error::{Error, Result};
use crate::extension::Extension;
use crate::registry::Registry;

/// The units; both spellings of a microsecond are kept as written.
const UNITS: [&str; 15] = [
    "Y", "M", "W", "D", "h", "m", "s", "ms", "us", "μs", "ns", "ps", "fs", "as", "generic",
];

const MAX_SCALE: u32 = i32::MAX.cast_unsigned();

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Configuration {
    unit: String,
    scale_factor: u32,
}

const FILL: FillRules = FillRules {
    read: |data_type, value| match value.get() {
        "\"NaT\"" => Ok(FillValue::new(i64::MIN.to_ne_bytes().to_vec())),
        _ => (INTEGER.read)(data_type, value),
    },
    write: |data_type, fill| {
        if fill.bytes() == i64::MIN.to_ne_bytes() {
            return "\"NaT\"".to_owned();
        }
        (INTEGER.write)(data_type, fill)
    },
};

/// Binds `numpy.datetime64` or `numpy.timedelta64`.
pub(super) fn bind(extension: &Extension, _: &Registry) -> Result<DataType> {
    let Configuration { unit, scale_factor } = extension.parse()?;
    let invalid = |member: &str, found: &dyn std::fmt::Display, expected: String| {
        Error::invalid(found, expected)
            .member(member)
            .member("configuration")
    };
    if !UNITS.contains(&unit.as_str()) {
        return Err(invalid("unit", &unit, format!("one of {UNITS:?}")));
    }
    if !(1..=MAX_SCALE).contains(&scale_factor) {
        let expected = format!("1 to {MAX_SCALE}");
        return Err(invalid("scale_factor", &scale_factor, expected));
    }
    Ok(DataType::new(DataTypeParts {
        extension: Extension::new(extension.name())
            .with("unit", unit)
            .with("scale_factor", scale_factor),
        item_size: ItemSize::Fixed(8),
        swap_size: 8,
        kind: DataTypeKind::Time,
        fill: FILL,
        fields: Vec::new(),
        admit: None,
    }))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::super::testing::{data_type, read, written};
    use super::*;

    const NAMES: [&str; 2] = ["numpy.datetime64", "numpy.timedelta64"];

    fn json(name: &str, configuration: &str) -> String {
        format!(r#"{{"name": "{name}", "configuration": {configuration}}}"#)
    }

    #[test]
    fn all_units_and_scales_are_bound() {
        for name in NAMES {
            for unit in UNITS {
                for scale in [1, 10, MAX_SCALE] {
                    let json = json(
                        name,
                        &format!(r#"{{"unit": "{unit}", "scale_factor": {scale}}}"#),
                    );
                    let bound = data_type(&json).unwrap();
                    assert_eq!((bound.fixed_size(), bound.swap_size()), (Some(8), 8));
                }
            }
        }
    }

    #[test]
    fn bad_configurations_are_refused() {
        for configuration in [
            r#"{"unit": "s"}"#,
            r#"{"scale_factor": 1}"#,
            r#"{"unit": "s", "scale_factor": 0}"#,
            r#"{"unit": "s", "scale_factor": -1}"#,
            r#"{"unit": "s", "scale_factor": 1.0}"#,
            r#"{"unit": "s", "scale_factor": 2147483648}"#,
            r#"{"unit": "minute", "scale_factor": 1}"#,
            r#"{"unit": "S", "scale_factor": 1}"#,
            r#"{"unit": null, "scale_factor": 1}"#,
            r#"{"unit": "s", "scale_factor": 1, "endian": "little"}"#,
        ] {
            let error = data_type(&json(NAMES[0], configuration)).unwrap_err();
            assert!(error.to_string().starts_with("configuration"), "{error}");
        }
        assert!(data_type(NAMES[0]).is_err());
    }

    #[test]
    fn fill_values() {
        let name = json(NAMES[1], r#"{"unit": "ns", "scale_factor": 1}"#);
        for (text, value, back) in [
            ("0", 0, "0"),
            ("-1", -1, "-1"),
            ("9223372036854775807", i64::MAX, "9223372036854775807"),
            ("\"NaT\"", i64::MIN, "\"NaT\""),
            ("-9223372036854775808", i64::MIN, "\"NaT\""),
        ] {
            assert_eq!(read(&name, text).unwrap(), value.to_ne_bytes());
            assert_eq!(written(&name, text).unwrap(), back);
        }
        for text in [
            "9223372036854775808",
            "1.5",
            "1e3",
            "\"nat\"",
            "\"1970-01-01\"",
            "\"0\"",
            "null",
        ] {
            assert!(read(&name, text).is_err(), "{text}");
        }
    }
}
