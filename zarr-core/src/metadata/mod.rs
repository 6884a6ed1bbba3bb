//! Metadata documents (`zarr.json`), as written and as checked (core specification, "Metadata").
//!
//! A document keeps its members as text, so that members unknown to this crate survive a rewrite
//! unchanged.

#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::indexing_slicing,
        clippy::panic
    )
)]

mod array;
mod attributes;
mod builder;
pub mod codecs;
mod consolidated;
mod copies;
mod group;
pub mod v2;

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

pub use array::ArrayMetadata;
pub use attributes::Attributes;
pub use builder::{ArrayBuilder, FillElement};
pub use consolidated::ConsolidatedMetadata;
pub use group::GroupMetadata;

use crate::error::{Error, Result, shorten};
use crate::json::Members;
use crate::strictness::Strictness;

/// The metadata of a node.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "nodes are handled one at a time")]
pub enum NodeMetadata {
    /// The metadata of an array.
    Array(ArrayMetadata),
    /// The metadata of a group.
    Group(GroupMetadata),
}

impl NodeMetadata {
    /// Parses a document of either node type, strictly.
    ///
    /// # Errors
    /// Fails if the text is not a JSON object, or not the document of a Zarr v3 array or group.
    pub fn parse(text: &[u8]) -> Result<Self> {
        Self::parse_with(text, Strictness::Strict)
    }

    /// Parses a document of either node type; `strictness` decides whether spellings beyond the
    /// specification are accepted.
    ///
    /// # Errors
    /// Fails if the text is not a JSON object, or not the document of a Zarr v3 array or group.
    pub fn parse_with(text: &[u8], strictness: Strictness) -> Result<Self> {
        Self::from_members(Members::parse_with(text, strictness)?, strictness)
    }

    fn from_members(members: Members, strictness: Strictness) -> Result<Self> {
        match node_type(&members)? {
            "array" => Ok(Self::Array(ArrayMetadata::from_members(members)?)),
            _ => Ok(Self::Group(GroupMetadata::from_members(
                members, strictness,
            )?)),
        }
    }

    /// The user's attributes.
    #[must_use]
    pub fn attributes(&self) -> &Attributes {
        match self {
            Self::Array(array) => array.attributes(),
            Self::Group(group) => group.attributes(),
        }
    }

    /// The members of `.zarray` or `.zgroup` as written, if that is the node's document.
    #[must_use]
    pub fn zarr_2(&self) -> Option<&Members> {
        match self {
            Self::Array(array) => array.zarr_2(),
            Self::Group(group) => group.zarr_2(),
        }
    }

    /// The members of the document.
    #[must_use]
    pub fn members(&self) -> &Members {
        match self {
            Self::Array(array) => array.members(),
            Self::Group(group) => group.members(),
        }
    }

    /// Whether two documents describe a node equally, regardless of spelling: members in any order,
    /// defaults written or omitted. Consolidated metadata is ignored.
    #[must_use]
    pub fn means_the_same(&self, other: &Self) -> bool {
        meaning(self.members()) == meaning(other.members())
    }
}

/// Returns the members of a document that differ from their defaults, as values.
fn meaning(members: &Members) -> BTreeMap<&str, Value> {
    let said = members.iter().filter_map(|(member, value)| {
        // A text nested too deeply for `Value` is compared as text.
        let value =
            serde_json::from_str::<Value>(value.get()).unwrap_or_else(|_| Value::from(value.get()));
        let default = match member {
            "consolidated_metadata" => true,
            "attributes" => value.is_null() || value == json!({}),
            "storage_transformers" => value == json!([]),
            "dimension_names" => value
                .as_array()
                .is_none_or(|names| names.iter().all(Value::is_null)),
            _ => false,
        };
        (!default).then_some((member, value))
    });
    said.collect()
}

/// Checks `zarr_format` and returns `node_type`: "array" or "group".
fn node_type(members: &Members) -> Result<&'static str> {
    let format = required(members, "zarr_format")?;
    if format.get() != "3" {
        return Err(Error::invalid(format.get(), "3").member("zarr_format"));
    }
    let value = required(members, "node_type")?;
    let spelled = match value.get() {
        "\"array\"" => return Ok("array"),
        "\"group\"" => return Ok("group"),
        text => serde_json::from_str::<String>(text),
    };
    match spelled.as_deref() {
        Ok("array") => Ok("array"),
        Ok("group") => Ok("group"),
        _ => Err(Error::invalid(value.get(), "\"array\" or \"group\"").member("node_type")),
    }
}

/// Rejects a document of the other node type.
fn expect_node_type(members: &Members, expected: &'static str) -> Result<()> {
    let found = node_type(members)?;
    if found == expected {
        return Ok(());
    }
    Err(Error::invalid(format!("{found:?}"), format!("{expected:?}")).member("node_type"))
}

fn required<'a>(members: &'a Members, member: &'static str) -> Result<&'a RawValue> {
    members.get(member).ok_or(Error::MissingMember { member })
}

fn parse_member<'de, T: Deserialize<'de>>(
    value: &'de RawValue,
    member: &str,
    expected: &str,
) -> Result<T> {
    serde_json::from_str(value.get())
        .map_err(|_| Error::invalid(shorten(value.get()), expected).member(member))
}

/// Rejects unknown members, except objects with `"must_understand": false`.
fn check_unknown(members: &Members, known: &[&str]) -> Result<()> {
    for (member, value) in members.iter() {
        if known.contains(&member) {
            continue;
        }
        let ignorable = serde_json::from_str::<Members>(value.get())
            .ok()
            .and_then(|object| {
                object
                    .get("must_understand")
                    .map(|value| value.get() == "false")
            });
        if ignorable != Some(true) {
            return Err(Error::UnknownMember {
                member: member.to_owned(),
            });
        }
    }
    Ok(())
}
