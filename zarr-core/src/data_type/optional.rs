//! `optional` (proposed to the registry), and its first name `zarrs.optional`: an element of
//! another data type, or none.
//!
//! In memory, an element is an element of the inner type followed by one byte: 1 if the value is
//! present, 0 if it is missing. The value bytes of a missing element are all zeros, or absent for
//! variable-size types, so that equal elements have equal bytes.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::fill_value::{FillValue, bad};
use super::{DataType, DataTypeKind, DataTypeParts, Field, FillRules, ItemSize, MAX_PADDED_SIZE};
use crate::error::{Error, Result};
use crate::extension::Extension;
use crate::json::Members;
use crate::registry::Registry;

/// The deepest nesting of optional types.
const MAX_DEPTH: usize = 16;

/// The configuration, which is itself an extension.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Configuration {
    name: String,
    #[serde(default)]
    configuration: Members,
}

/// Binds `optional` or `zarrs.optional`.
pub(super) fn bind(extension: &Extension, registry: &Registry) -> Result<DataType> {
    let Configuration {
        name,
        configuration,
    } = extension.parse()?;
    let members = configuration.iter();
    let inner = members.fold(Extension::new(name), |inner, (member, value)| {
        inner.with(member, value)
    });
    let inner = registry
        .bind_data_type(&inner)
        .map_err(|error| error.member("configuration"))?;
    let mut depth = 1;
    let mut innermost = &inner;
    while let (DataTypeKind::Optional, Some(field)) = (innermost.kind(), innermost.fields().first())
    {
        innermost = &field.data_type;
        depth += 1;
    }
    if depth > MAX_DEPTH {
        return Err(Error::TooLarge {
            what: "nesting of optional types",
            wanted: depth.to_string(),
            limit: MAX_DEPTH as u64,
        });
    }
    let item_size = match inner.fixed_size() {
        Some(size) if size >= MAX_PADDED_SIZE => {
            return Err(Error::TooLarge {
                what: "optional element",
                wanted: format!("{size} bytes"),
                limit: MAX_PADDED_SIZE as u64,
            });
        }
        Some(size) => ItemSize::Fixed(size + 1),
        None => ItemSize::Variable,
    };
    let field = |name: &str, data_type| Field {
        name: name.to_owned(),
        data_type,
    };
    Ok(DataType::new(DataTypeParts {
        extension: extension.clone(),
        item_size,
        swap_size: inner.swap_size(),
        kind: DataTypeKind::Optional,
        fill: FillRules {
            read: read_fill,
            write: write_fill,
        },
        fields: vec![
            field("value", inner),
            field("present", DataType::core("bool")?),
        ],
        admit: Some(admit),
    }))
}

/// The data type of the values.
fn inner(data_type: &DataType) -> &DataType {
    &data_type.fields()[0].data_type
}

fn admit(data_type: &DataType, elements: &mut [u8]) -> Result<()> {
    let size = data_type.fixed_size().unwrap_or(0).max(1);
    for element in elements.chunks_exact_mut(size) {
        let Some((present, value)) = element.split_last_mut() else {
            continue;
        };
        match *present {
            0 => value.fill(0),
            1 => inner(data_type).admit(value)?,
            other => {
                let found = format!("byte {other} after an optional element");
                return Err(Error::invalid(found, "0 or 1"));
            }
        }
    }
    Ok(())
}

/// Reads `null`, or a list of one value.
fn read_fill(data_type: &DataType, value: &RawValue) -> Result<FillValue> {
    if value.get() == "null" {
        return Ok(data_type.zero());
    }
    let [value] = serde_json::from_str::<[Box<RawValue>; 1]>(value.get())
        .map_err(|_| bad(data_type, value, "null or a list of one value"))?;
    let mut bytes = inner(data_type).parse_fill_value(&value)?.bytes().to_vec();
    bytes.push(1);
    Ok(FillValue::new(bytes))
}

fn write_fill(data_type: &DataType, fill: &FillValue) -> String {
    match fill.bytes().split_last() {
        Some((1, value)) => {
            let value = FillValue::new(value.to_vec());
            format!("[{}]", inner(data_type).fill_value_to_json(&value))
        }
        _ => "null".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::super::testing::{data_type, read, written};

    fn of(inner: &str) -> String {
        format!(r#"{{"name": "optional", "configuration": {inner}}}"#)
    }

    #[test]
    fn fill_values() {
        let byte = of(r#"{"name": "uint8", "configuration": {}}"#);
        let nested = of(&byte);
        let text = of(r#"{"name": "string"}"#);
        for (name, json, bytes) in [
            (&byte, "null", &[0, 0][..]),
            (&byte, "[42]", &[42, 1]),
            (&nested, "null", &[0, 0, 0]),
            (&nested, "[null]", &[0, 0, 1]),
            (&nested, "[[42]]", &[42, 1, 1]),
            (&text, "null", &[0]),
            (&text, r#"["ab"]"#, b"ab\x01"),
        ] {
            assert_eq!(read(name, json).unwrap(), bytes, "{name} {json}");
            assert_eq!(written(name, json).unwrap(), json, "{name}");
        }
        for (name, json) in [
            (&byte, "42"),
            (&byte, "[256]"),
            (&byte, "[]"),
            (&byte, "[1, 2]"),
            (&byte, "[null]"),
            (&byte, "false"),
            (&nested, "[42]"),
            (&text, r#""ab""#),
        ] {
            assert!(read(name, json).is_err(), "{name} {json}");
        }
    }

    #[test]
    fn configurations() {
        let time =
            r#"{"name": "numpy.datetime64", "configuration": {"unit": "s", "scale_factor": 1}}"#;
        let bound = data_type(&of(time)).unwrap();
        assert_eq!((bound.fixed_size(), bound.swap_size()), (Some(9), 8));
        data_type(
            r#"{"name": "zarrs.optional", "configuration": {"name": "int4", "configuration": {}}}"#,
        )
        .unwrap();
        let mut deep = of(r#"{"name": "uint8"}"#);
        for _ in 1..16 {
            deep = of(&deep);
        }
        data_type(&deep).unwrap();
        for bad in [
            "{}",
            r#"{"configuration": {}}"#,
            r#"{"name": "no-such"}"#,
            r#"{"name": "uint8", "configuration": {"x": 1}}"#,
            r#"{"name": "uint8", "more": {}}"#,
            r#"{"name": "struct"}"#,
            &deep,
        ] {
            assert!(data_type(&of(bad)).is_err(), "{bad}");
        }
        let field = format!(
            r#"{{"name": "struct", "configuration": {{"fields": [{{"name": "a", "data_type": {}}}]}}}}"#,
            of(r#"{"name": "uint8"}"#)
        );
        assert!(data_type(&field).is_err());
    }

    #[test]
    fn missing_values_have_one_form() {
        let bound = data_type(&of(r#"{"name": "int4"}"#)).unwrap();
        let mut elements = [0x0f, 1, 0x0f, 0];
        bound.admit(&mut elements).unwrap();
        assert_eq!(elements, [0xff, 1, 0, 0]);
        bound.admit(&mut [0, 2]).unwrap_err();
    }
}
