//! Attributes from `serde` types.

use serde::Serialize;
use zarr_core::Strictness;
use zarr_core::metadata::Attributes;

use crate::error::Result;

/// Returns the change that sets the attributes named by the members of a value.
pub(crate) fn merging(
    value: &impl Serialize,
) -> Result<impl Fn(&Attributes) -> Result<Attributes>> {
    let text = serde_json::to_vec(value).map_err(zarr_core::Error::from);
    let members = text.and_then(|text| Attributes::parse_with(&text, Strictness::Strict));
    let members = members.map_err(|error| error.member("attributes"))?;
    Ok(move |stored: &Attributes| {
        let mut merged = stored.clone();
        for (name, value) in members.iter() {
            merged.set(name, value)?;
        }
        Ok(merged)
    })
}
