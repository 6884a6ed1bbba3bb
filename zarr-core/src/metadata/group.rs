//! The metadata document of a group, with the consolidated metadata that it may hold.

use serde_json::value::RawValue;

use super::{ArrayMetadata, Attributes, NodeMetadata, check_unknown, expect_node_type};
use crate::error::{Error, Result, shorten};
use crate::json::Members;
use crate::node_path::NodePath;

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
}

impl PartialEq for GroupMetadata {
    fn eq(&self, other: &Self) -> bool {
        self.members == other.members
    }
}

/// The documents of all nodes below a group, kept in the group's own: one request opens them all.
///
/// Each document stays text until it is asked for.
#[derive(Clone, Debug, Default)]
pub struct ConsolidatedMetadata(Members);

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
        }
    }
}

impl GroupMetadata {
    /// Reads a document.
    ///
    /// # Errors
    /// Where it is no JSON object, or a member is missing, unknown or malformed.
    pub fn parse(text: &[u8]) -> Result<Self> {
        Self::from_members(Members::parse(text)?)
    }

    pub(super) fn from_members(members: Members) -> Result<Self> {
        expect_node_type(&members, "group")?;
        check_unknown(&members, &KNOWN)?;
        let attributes = Attributes::from_document(&members)?;
        let consolidated = match members.get("consolidated_metadata") {
            None => None,
            Some(value) if value.get() == "null" => None,
            Some(value) => ConsolidatedMetadata::read(value)
                .map_err(|error| error.member("consolidated_metadata"))?,
        };
        Ok(Self {
            members,
            attributes,
            consolidated,
        })
    }

    /// The document as text.
    ///
    /// # Errors
    /// [`Error::Syntax`], which no document that was read or built can cause.
    pub fn to_text(&self) -> Result<String> {
        self.members.to_text()
    }

    /// All members as written.
    #[must_use]
    pub fn members(&self) -> &Members {
        &self.members
    }

    /// The user's attributes.
    #[must_use]
    pub fn attributes(&self) -> &Attributes {
        &self.attributes
    }

    /// The same with other attributes.
    ///
    /// # Errors
    /// [`Error::Syntax`], which no attributes can cause.
    pub fn with_attributes(mut self, attributes: Attributes) -> Result<Self> {
        self.members.set("attributes", attributes.members())?;
        self.attributes = attributes;
        Ok(self)
    }

    /// The consolidated metadata, where the document has it.
    #[must_use]
    pub fn consolidated(&self) -> Option<&ConsolidatedMetadata> {
        self.consolidated.as_ref()
    }

    /// The same with this consolidated metadata, or without any.
    ///
    /// # Errors
    /// [`Error::Syntax`], which no documents can cause.
    pub fn with_consolidated(mut self, consolidated: Option<ConsolidatedMetadata>) -> Result<Self> {
        match &consolidated {
            None => {
                self.members.remove("consolidated_metadata");
            }
            Some(ConsolidatedMetadata(documents)) => {
                let mut value = Members::new();
                value.set("kind", "inline")?;
                value.set("must_understand", &false)?;
                value.set("metadata", documents)?;
                self.members.set("consolidated_metadata", &value)?;
            }
        }
        self.consolidated = consolidated;
        Ok(self)
    }
}

impl ConsolidatedMetadata {
    /// No documents.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads the member; `None` for a kind that is not known and need not be understood.
    fn read(value: &RawValue) -> Result<Option<Self>> {
        let object = |value: &RawValue| {
            serde_json::from_str::<Members>(value.get()).map_err(|error| {
                Error::invalid(shorten(value.get()), format!("an object ({error})"))
            })
        };
        let members = object(value)?;
        let must_understand = members
            .get("must_understand")
            .is_none_or(|value| value.get() != "false");
        match members.get("kind").map(RawValue::get) {
            Some("\"inline\"") => {}
            _ if !must_understand => return Ok(None),
            kind => {
                return Err(Error::invalid(kind.unwrap_or("nothing"), "\"inline\"").member("kind"));
            }
        }
        let documents = members
            .get("metadata")
            .ok_or(Error::MissingMember { member: "metadata" })?;
        let documents = object(documents).map_err(|error| error.member("metadata"))?;
        for (path, _) in documents.iter() {
            let valid = !path.starts_with('/') && !path.is_empty() && NodePath::parse(path).is_ok();
            if !valid {
                return Err(
                    Error::invalid(format!("{path:?}"), "a relative path of a node")
                        .member("metadata"),
                );
            }
        }
        Ok(Some(Self(documents)))
    }

    /// The document of a node, by its path relative to the group; `None` where there is none.
    ///
    /// # Errors
    /// Where the document is malformed.
    pub fn get(&self, path: &str) -> Result<Option<NodeMetadata>> {
        let Some(document) = self.0.get(path) else {
            return Ok(None);
        };
        let place = |error: Error| error.member(path).member("consolidated_metadata.metadata");
        NodeMetadata::parse(document.get().as_bytes())
            .map(Some)
            .map_err(place)
    }

    /// Adds the document of a node. Groups leave their own consolidated metadata out.
    ///
    /// # Errors
    /// [`Error::Syntax`], which no document that was read or built can cause.
    pub fn insert(&mut self, path: &str, node: &NodeMetadata) -> Result<()> {
        let mut members = node.members().clone();
        members.remove("consolidated_metadata");
        self.0.set(path, &members)
    }

    /// Takes out the documents of a node and of all nodes below it, and tells whether there were any.
    pub fn remove(&mut self, path: &str) -> bool {
        let before = self.0.len();
        self.0.retain(|name| {
            let rest = name.strip_prefix(path);
            !rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        });
        self.0.len() != before
    }

    /// Whether the node at a path is an array, without reading the rest of its document; `None` where there is no such node.
    ///
    /// # Errors
    /// Where the document is no object, or its `node_type` is neither `array` nor `group`.
    pub fn is_array(&self, path: &str) -> Result<Option<bool>> {
        #[derive(serde::Deserialize)]
        struct Typed<'a> {
            #[serde(borrow)]
            node_type: std::borrow::Cow<'a, str>,
        }
        let Some(document) = self.0.get(path) else {
            return Ok(None);
        };
        let place = |error: Error| error.member(path).member("consolidated_metadata.metadata");
        let typed: Typed<'_> =
            serde_json::from_str(document.get()).map_err(|error| place(error.into()))?;
        match &*typed.node_type {
            "array" => Ok(Some(true)),
            "group" => Ok(Some(false)),
            other => {
                let error = Error::invalid(format!("{other:?}"), "\"array\" or \"group\"");
                Err(place(error.member("node_type")))
            }
        }
    }

    /// The paths, relative to the group, in order.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(path, _)| path)
    }

    /// The number of documents.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
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
