//! `struct` (registered extension) and its legacy spelling `structured`: records of named fields,
//! packed in order.
//!
//! `structured` is read only. Its fields may be pairs of name and type, and its fill value may be
//! the packed bytes in base64, in the byte order of the `bytes` codec. The fill value is read as
//! little-endian; [`crate::ArrayLayout`] swaps it if the codec is big-endian.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::fill_value::{FillValue, bad, decode_base64};
use super::{DataType, DataTypeKind, DataTypeParts, Field, FillRules, ItemSize, MAX_PADDED_SIZE};
use crate::error::{Error, Result};
use crate::extension::Extension;
use crate::json::Members;
use crate::registry::Registry;

/// The deepest nesting of structs.
const MAX_DEPTH: usize = 16;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Configuration {
    fields: Vec<Box<RawValue>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FieldObject {
    name: String,
    data_type: Box<RawValue>,
}

/// Binds `struct` or `structured`.
pub(super) fn bind(extension: &Extension, registry: &Registry) -> Result<DataType> {
    bind_at(extension, registry, 1)
}

fn bind_at(extension: &Extension, registry: &Registry, depth: usize) -> Result<DataType> {
    if depth > MAX_DEPTH {
        return Err(Error::TooLarge {
            what: "nesting of structs",
            wanted: depth.to_string(),
            limit: MAX_DEPTH as u64,
        });
    }
    let configuration: Configuration = extension.parse()?;
    let fields = bind_fields(extension, &configuration, registry, depth);
    let fields = fields.map_err(|error| error.member("configuration"))?;
    let sizes = fields.iter().map(|field| field.data_type.fixed_size());
    let size = sizes.fold(0, |size: usize, field| {
        size.saturating_add(field.unwrap_or(0))
    });
    if size > MAX_PADDED_SIZE {
        return Err(Error::TooLarge {
            what: "struct",
            wanted: format!("{size} bytes"),
            limit: MAX_PADDED_SIZE as u64,
        });
    }
    let data_types = || fields.iter().map(|field| &field.data_type);
    Ok(DataType::new(DataTypeParts {
        extension: extension.clone(),
        item_size: ItemSize::Fixed(size),
        swap_size: data_types().map(DataType::swap_size).max().unwrap_or(1),
        kind: DataTypeKind::Struct,
        fill: FillRules {
            read: read_fill,
            write: write_fill,
        },
        admit: (!data_types().all(DataType::admits_all)).then_some(admit_fields),
        fields,
    }))
}

fn bind_fields(
    extension: &Extension,
    configuration: &Configuration,
    registry: &Registry,
    depth: usize,
) -> Result<Vec<Field>> {
    if configuration.fields.is_empty() {
        return Err(Error::invalid("[]", "at least one field").member("fields"));
    }
    let mut names = std::collections::HashSet::new();
    let mut fields = Vec::with_capacity(configuration.fields.len());
    for (position, field) in configuration.fields.iter().enumerate() {
        let place = |error: Error| error.member(format_args!("fields[{position}]"));
        let field = parse_field(extension, field).map_err(place)?;
        if field.name.is_empty() || !names.insert(field.name.clone()) {
            let expected = "a name that is not empty and unique among the fields";
            let error = Error::invalid(format_args!("{:?}", field.name), expected);
            return Err(place(error.member("name")));
        }
        let data_type = Extension::from_json(&field.data_type)
            .and_then(|data_type| bind_field(&data_type, registry, depth))
            .map_err(|error| place(error.member("data_type")))?;
        fields.push(Field {
            name: field.name,
            data_type,
        });
    }
    Ok(fields)
}

fn parse_field(extension: &Extension, field: &RawValue) -> Result<FieldObject> {
    let text = field.get();
    let parsed = match text.as_bytes().first() {
        Some(b'{') => serde_json::from_str(text),
        // serde would accept a list for both spellings, but only the legacy spelling has it.
        Some(b'[') if extension.name() == "structured" => {
            serde_json::from_str(text).map(|(name, data_type)| FieldObject { name, data_type })
        }
        _ => return Err(Error::invalid(text, "an object with name and data_type")),
    };
    parsed.map_err(|error| Error::invalid(text, error.to_string()))
}

fn bind_field(extension: &Extension, registry: &Registry, depth: usize) -> Result<DataType> {
    let name = extension.name();
    if ["struct", "structured"].contains(&name) {
        return bind_at(extension, registry, depth + 1);
    }
    let bound = registry.bind_data_type(extension)?;
    if bound.fixed_size().is_none() || bound.kind() == DataTypeKind::Optional {
        let expected = "a fixed-size data type";
        return Err(Error::invalid(format_args!("{name:?}"), expected));
    }
    Ok(bound)
}

fn admit_fields(data_type: &DataType, elements: &mut [u8]) -> Result<()> {
    data_type.for_each_field(elements, |field, bytes| {
        let admitted = field.data_type.admit(bytes);
        admitted.map_err(|error| error.member(&field.name))
    })
}

fn read_fill(data_type: &DataType, value: &RawValue) -> Result<FillValue> {
    if data_type.name() == "structured" && value.get().starts_with('"') {
        return read_packed(data_type, value);
    }
    let members = serde_json::from_str::<Members>(value.get())
        .map_err(|_| bad(data_type, value, "an object with a value for each field"))?;
    let mut bytes = Vec::with_capacity(data_type.fixed_size().unwrap_or(0));
    for Field {
        name,
        data_type: field,
    } in data_type.fields()
    {
        let value = members
            .get(name)
            .ok_or_else(|| bad(data_type, value, &format!("a value for field {name:?}")))?;
        let fill = field.parse_fill_value(value);
        bytes.extend_from_slice(fill.map_err(|error| error.member(name))?.bytes());
    }
    if members.len() > data_type.fields().len() {
        return Err(bad(data_type, value, "values for the fields only"));
    }
    Ok(FillValue::new(bytes))
}

/// Reads packed little-endian bytes in base64.
fn read_packed(data_type: &DataType, value: &RawValue) -> Result<FillValue> {
    let size = data_type.fixed_size().unwrap_or(0);
    let text = serde_json::from_str::<String>(value.get()).ok();
    let bytes = text.and_then(|text| decode_base64(&text));
    let mut bytes = bytes.filter(|bytes| bytes.len() == size).ok_or_else(|| {
        let expected = format!("{size} bytes as a base64 string, or an object");
        bad(data_type, value, &expected)
    })?;
    if cfg!(target_endian = "big") {
        data_type.swap_bytes(&mut bytes);
    }
    data_type.admit(&mut bytes)?;
    Ok(FillValue::new(bytes))
}

fn write_fill(data_type: &DataType, fill: &FillValue) -> String {
    let mut rest = fill.bytes();
    let mut members = Vec::with_capacity(data_type.fields().len());
    for Field { name, data_type } in data_type.fields() {
        let (bytes, tail) = rest.split_at(data_type.fixed_size().unwrap_or(0));
        rest = tail;
        let name = serde_json::Value::from(name.as_str());
        let value = data_type.fill_value_to_json(&FillValue::new(bytes.to_vec()));
        members.push(format!("{name}: {value}"));
    }
    format!("{{{}}}", members.join(", "))
}

#[cfg(test)]
mod tests;
