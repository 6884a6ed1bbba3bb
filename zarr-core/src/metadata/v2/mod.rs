//! Zarr v2 documents, read as v3 metadata that describes the same chunks (Zarr v2 specification;
//! names of codecs and data types as converted by zarr-python).

mod codecs;
mod data_type;
mod fill_value;
mod write;

use serde::Deserialize;
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

#[derive(Deserialize)]
struct Document {
    zarr_format: u64,
    shape: Vec<u64>,
    chunks: Vec<u64>,
    dtype: Value,
    compressor: Option<Map<String, Value>>,
    fill_value: Box<RawValue>,
    order: Order,
    filters: Option<Vec<Map<String, Value>>>,
    dimension_separator: Option<String>,
}

#[derive(Deserialize, PartialEq)]
enum Order {
    C,
    F,
}

/// Converts the members of `.zarray` and the attributes of `.zattrs` to array metadata.
///
/// # Errors
/// Fails if a member is missing or malformed, or has no data type or codec in v3.
pub fn array_from_v2(zarray: Members, attributes: &Attributes) -> Result<ArrayMetadata> {
    let document: Document = serde_json::from_str(&serde_json::to_string(&zarray)?)?;
    if document.zarr_format != 2 {
        return Err(Error::invalid(document.zarr_format, "2").member("zarr_format"));
    }
    let filters = document.filters.unwrap_or_default();
    let data_type = data_type(&document.dtype, &filters).map_err(|error| error.member("dtype"))?;
    let separator = document.dimension_separator.as_deref().unwrap_or(".");
    let fill_value =
        fill_value(&data_type, document.fill_value).map_err(|error| error.member("fill_value"))?;
    let mut codecs = codecs(&data_type, &filters, document.compressor)?;
    if document.order == Order::F && document.shape.len() > 1 {
        let order = (0..document.shape.len()).rev().collect::<Vec<_>>();
        codecs.insert(0, Extension::new("transpose").with("order", order));
    }
    let mut members = Members::new();
    members.set("zarr_format", &3)?;
    members.set("node_type", "array")?;
    members.set("shape", &document.shape)?;
    members.set("data_type", &data_type.extension)?;
    members.set(
        "chunk_grid",
        &Extension::new("regular").with("chunk_shape", &document.chunks),
    )?;
    members.set(
        "chunk_key_encoding",
        &Extension::new("v2").with("separator", separator),
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
        found => Err(Error::invalid(found.unwrap_or("nothing"), "2").member("zarr_format")),
    }
}

#[cfg(test)]
mod tests;
