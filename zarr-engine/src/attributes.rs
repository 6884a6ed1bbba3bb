//! Attributes as `serde` types.

use serde::Serialize;
use serde::de::DeserializeOwned;
use zarr_core::Strictness;
use zarr_core::metadata::Attributes;

use crate::error::Result;

/// Deserializes all attributes into one value.
pub(crate) fn typed<T: DeserializeOwned>(attributes: &Attributes) -> Result<T> {
    let text = attributes.to_text()?;
    let value = serde_json::from_str(&text).map_err(zarr_core::Error::from);
    Ok(value.map_err(|error| error.member("attributes"))?)
}

/// Serializes a value into attributes.
pub(crate) fn untyped(value: &impl Serialize) -> Result<Attributes> {
    let text = serde_json::to_vec(value).map_err(zarr_core::Error::from);
    let members = text.and_then(|text| Attributes::parse_with(&text, Strictness::Strict));
    Ok(members.map_err(|error| error.member("attributes"))?)
}

/// Returns the attributes with some members set.
pub(crate) fn merged(stored: &Attributes, members: &Attributes) -> Result<Attributes> {
    let mut merged = stored.clone();
    for (name, value) in members.iter() {
        merged.set(name, value)?;
    }
    Ok(merged)
}
