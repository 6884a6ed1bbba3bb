//! Zarr v2 documents, read as v3 metadata that describes the same chunks (Zarr v2 specification;
//! names of codecs and data types as converted by zarr-python).

mod codecs;
mod data_type;
mod fill_value;
mod write;

use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use self::codecs::codecs;
use self::data_type::data_type;
use self::fill_value::fill_value;
pub use self::write::to_v2;

use super::{ArrayMetadata, Attributes, GroupMetadata};
use crate::error::{Error, Result};
use crate::extension::Extension;
use crate::json::Members;

/// The name of the metadata document of a v2 array.
pub const ARRAY_NAME: &str = ".zarray";
/// The name of the metadata document of a v2 group.
pub const GROUP_NAME: &str = ".zgroup";
/// The name of the attributes document of a v2 array or group.
pub const ATTRIBUTES_NAME: &str = ".zattrs";
/// The name of the consolidated metadata document of a v2 group.
pub const CONSOLIDATED_NAME: &str = ".zmetadata";

/// Reads a member of `.zarray`; `None` if it is absent.
fn optional<T: DeserializeOwned>(
    zarray: &Members,
    name: &'static str,
    expected: &str,
) -> Result<Option<T>> {
    let read = zarray.get(name).map(|value| {
        serde_json::from_str(value.get())
            .map_err(|_| Error::invalid(value.get(), expected).member(name))
    });
    read.transpose()
}

/// Reads a member of `.zarray` that must be there.
fn required<T: DeserializeOwned>(
    zarray: &Members,
    name: &'static str,
    expected: &str,
) -> Result<T> {
    optional(zarray, name, expected)?.ok_or(Error::MissingMember { member: name })
}

/// Reads a filter or compressor.
fn configuration(value: &RawValue) -> Result<Map<String, Value>> {
    let members = Members::of_value(value)?;
    let read = |(name, value): (&str, &RawValue)| {
        Ok((name.to_owned(), serde_json::from_str(value.get())?))
    };
    let read = members.iter().map(read).collect::<Result<Map<_, _>>>()?;
    match read.get("id") {
        Some(Value::String(id)) if !id.is_empty() => Ok(read),
        Some(_) => Err(Error::invalid(
            value.get(),
            "an object with the id of a codec",
        )),
        None => Err(Error::MissingMember { member: "id" }),
    }
}

/// Converts the members of `.zarray` and the attributes of `.zattrs` to array metadata.
///
/// # Errors
/// Fails if a member is missing or malformed, or has no data type or codec in v3.
pub fn array_from_v2(zarray: Members, attributes: &Attributes) -> Result<ArrayMetadata> {
    let lengths = "a list of lengths";
    let zarr_format: Box<RawValue> = required(&zarray, "zarr_format", "2")?;
    if zarr_format.get() != "2" {
        return Err(Error::invalid(zarr_format, "2").member("zarr_format"));
    }
    let shape: Vec<u64> = required(&zarray, "shape", lengths)?;
    let chunks: Vec<u64> = required(&zarray, "chunks", lengths)?;
    let dtype: Value = required(&zarray, "dtype", "a data type")?;
    let order: String = required(&zarray, "order", "\"C\" or \"F\"")?;
    if !["C", "F"].contains(&order.as_str()) {
        return Err(Error::invalid(format!("{order:?}"), "\"C\" or \"F\"").member("order"));
    }
    let separator = optional::<Option<String>>(&zarray, "dimension_separator", "\".\" or \"/\"")?;
    let compressor: Option<Option<Box<RawValue>>> = optional(&zarray, "compressor", "")?;
    let compressor = compressor.flatten().map(|value| configuration(&value));
    let compressor = compressor
        .transpose()
        .map_err(|error| error.member("compressor"))?;
    let filters = "a list of filters, or null";
    let filters: Option<Option<Vec<Box<RawValue>>>> = optional(&zarray, "filters", filters)?;
    let filters = filters.flatten().unwrap_or_default();
    let filters = filters.iter().map(|value| configuration(value));
    let filters = filters
        .collect::<Result<Vec<_>>>()
        .map_err(|error| error.member("filters"))?;
    let data_type = data_type(&dtype, &filters).map_err(|error| error.member("dtype"))?;
    let value = required(&zarray, "fill_value", "a value")?;
    let fill_value = fill_value(&data_type, value).map_err(|error| error.member("fill_value"))?;
    let mut codecs = codecs(&data_type, &filters, compressor)?;
    if order == "F" && shape.len() > 1 {
        let order = (0..shape.len()).rev().collect::<Vec<_>>();
        codecs.insert(0, Extension::new("transpose").with("order", order));
    }
    let mut members = Members::new();
    members.set("zarr_format", &3)?;
    members.set("node_type", "array")?;
    members.set("shape", &shape)?;
    members.set("data_type", &data_type.extension)?;
    members.set(
        "chunk_grid",
        &Extension::new("regular").with("chunk_shape", &chunks),
    )?;
    members.set(
        "chunk_key_encoding",
        &Extension::new("v2").with("separator", separator.flatten().as_deref().unwrap_or(".")),
    )?;
    members.set("fill_value", &fill_value)?;
    members.set("codecs", &codecs)?;
    members.set("attributes", attributes.members())?;
    Ok(ArrayMetadata::from_members(members)?.of_zarr_2(zarray))
}

/// Converts the members of `.zgroup` and the attributes of `.zattrs` to group metadata.
///
/// # Errors
/// Fails if `zarr_format` is not 2.
pub fn group_from_v2(zgroup: Members, attributes: Attributes) -> Result<GroupMetadata> {
    match zgroup.get("zarr_format").map(RawValue::get) {
        Some("2") => Ok(GroupMetadata::default()
            .with_attributes(attributes)?
            .of_zarr_2(zgroup)),
        Some(found) => Err(Error::invalid(found, "2").member("zarr_format")),
        None => Err(Error::MissingMember {
            member: "zarr_format",
        }),
    }
}

#[cfg(test)]
mod tests;
