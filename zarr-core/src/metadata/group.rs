//! The metadata document of a group; `consolidated` has the copies of other documents that it may
//! hold.

use serde_json::value::RawValue;

use super::{
    ArrayMetadata, Attributes, ConsolidatedMetadata, NodeMetadata, check_unknown, expect_node_type,
};
use crate::error::Result;
use crate::json::Members;
use crate::strictness::Strictness;

const KNOWN: [&str; 4] = [
    "zarr_format",
    "node_type",
    "attributes",
    "consolidated_metadata",
];

/// The metadata of a group as written.
#[derive(Clone, Debug)]
pub struct GroupMetadata {
    members: Members,
    attributes: Attributes,
    consolidated: Option<ConsolidatedMetadata>,
    zarr_2: Option<Box<Members>>,
}

impl PartialEq for GroupMetadata {
    fn eq(&self, other: &Self) -> bool {
        self.members == other.members
    }
}

impl Default for GroupMetadata {
    fn default() -> Self {
        let mut members = Members::new();
        for (member, value) in [("zarr_format", "3"), ("node_type", "\"group\"")] {
            let value = RawValue::from_string(value.to_owned()).expect("literals above are JSON");
            members
                .set(member, &value)
                .expect("raw JSON has a JSON form");
        }
        Self {
            members,
            attributes: Attributes::new(),
            consolidated: None,
            zarr_2: None,
        }
    }
}

impl GroupMetadata {
    /// Parses a document, strictly.
    ///
    /// # Errors
    /// Fails if the text is not a JSON object, or a member is missing, unknown or malformed.
    pub fn parse(text: &[u8]) -> Result<Self> {
        Self::parse_with(text, Strictness::Strict)
    }

    /// Parses a document; `strictness` decides whether spellings beyond the specification are
    /// accepted.
    ///
    /// # Errors
    /// Fails if the text is not a JSON object, or a member is missing, unknown or malformed.
    pub fn parse_with(text: &[u8], strictness: Strictness) -> Result<Self> {
        Self::from_members(Members::parse_with(text, strictness)?, strictness)
    }

    pub(super) fn from_members(members: Members, strictness: Strictness) -> Result<Self> {
        expect_node_type(&members, "group")?;
        check_unknown(&members, &KNOWN)?;
        let attributes = Attributes::from_document(&members)?;
        let consolidated = match members.get("consolidated_metadata") {
            None => None,
            Some(value) if value.get() == "null" => None,
            Some(value) => ConsolidatedMetadata::read(value, strictness)
                .map_err(|error| error.member("consolidated_metadata"))?,
        };
        Ok(Self {
            members,
            attributes,
            consolidated,
            zarr_2: None,
        })
    }

    /// Returns this v3 metadata for a group whose document is `.zgroup`.
    pub(super) fn of_zarr_2(self, zgroup: Members) -> Self {
        Self {
            zarr_2: Some(Box::new(zgroup)),
            ..self
        }
    }

    /// The members of `.zgroup` as written, if that is the group's document.
    #[must_use]
    pub fn zarr_2(&self) -> Option<&Members> {
        self.zarr_2.as_deref()
    }

    /// Formats the document as text.
    ///
    /// # Errors
    /// [`Error::Syntax`](crate::Error::Syntax), which no parsed or built document can cause.
    pub fn to_text(&self) -> Result<String> {
        self.members.to_text()
    }

    /// All members of the document as written.
    #[must_use]
    pub fn members(&self) -> &Members {
        &self.members
    }

    /// The user's attributes.
    #[must_use]
    pub fn attributes(&self) -> &Attributes {
        &self.attributes
    }

    /// Returns this metadata with other attributes.
    ///
    /// # Errors
    /// [`Error::Syntax`](crate::Error::Syntax), which no attributes can cause.
    pub fn with_attributes(mut self, attributes: Attributes) -> Result<Self> {
        self.members.set("attributes", attributes.members())?;
        self.attributes = attributes;
        Ok(self)
    }

    /// The consolidated metadata, if the document has it.
    #[must_use]
    pub fn consolidated(&self) -> Option<&ConsolidatedMetadata> {
        self.consolidated.as_ref()
    }

    /// Returns this metadata with other consolidated metadata, or without any.
    ///
    /// # Errors
    /// [`Error::Syntax`](crate::Error::Syntax), which no documents can cause.
    pub fn with_consolidated(mut self, consolidated: Option<ConsolidatedMetadata>) -> Result<Self> {
        match &consolidated {
            None => {
                self.members.remove("consolidated_metadata");
            }
            Some(consolidated) => {
                let value = consolidated.to_member()?;
                self.members.set("consolidated_metadata", &value)?;
            }
        }
        self.consolidated = consolidated;
        Ok(self)
    }
}

impl From<ArrayMetadata> for NodeMetadata {
    fn from(array: ArrayMetadata) -> Self {
        Self::Array(array)
    }
}

impl From<GroupMetadata> for NodeMetadata {
    fn from(group: GroupMetadata) -> Self {
        Self::Group(group)
    }
}
