//! User attributes: opaque to this crate, spelled as written.

use serde::Serialize;
use serde::de::{DeserializeOwned, IntoDeserializer};
use serde_json::value::RawValue;

use crate::bare_words::bare_word;
use crate::error::{Error, Result};
use crate::json::Members;
use crate::strictness::Strictness;

/// The attributes of a group or array. Setting one attribute keeps the spelling of all others.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Attributes(Members);

impl Attributes {
    /// Creates empty attributes.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads the member `attributes` of a document; an absent or null member is read as empty.
    pub(super) fn from_document(members: &Members) -> Result<Self> {
        match members.get("attributes") {
            None => Ok(Self::default()),
            Some(value) if value.get() == "null" => Ok(Self::default()),
            Some(value) => Members::of_value(value)
                .map(Self)
                .map_err(|error| error.member("attributes")),
        }
    }

    /// Parses a document of attributes only: `.zattrs` of Zarr v2.
    ///
    /// # Errors
    /// [`Error::Syntax`] with line and column.
    pub fn parse_with(text: &[u8], strictness: Strictness) -> Result<Self> {
        Members::parse_with(text, strictness).map(Self)
    }

    /// Formats the attributes as text: `.zattrs` of Zarr v2.
    ///
    /// # Errors
    /// [`Error::Syntax`], which no attributes can cause.
    pub fn to_text(&self) -> Result<String> {
        self.0.to_text()
    }

    pub(super) fn of_members(members: Members) -> Self {
        Self(members)
    }

    /// Returns an attribute as a Rust type; `None` if no attribute has that name. A bare `NaN` or
    /// `Infinity` reads as a string, or as a float if the Rust type is a float.
    ///
    /// # Errors
    /// [`Error::Syntax`] if the attribute is of another type.
    pub fn get<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>> {
        let Some(value) = self.0.get(name) else {
            return Ok(None);
        };
        let read = serde_json::from_str(value.get()).or_else(|error| {
            let number = bare_word(value.get()).and_then(|word| word.parse::<f64>().ok());
            let number = number.map(IntoDeserializer::<serde::de::value::Error>::into_deserializer);
            number
                .and_then(|number| T::deserialize(number).ok())
                .ok_or(error)
        });
        read.map(Some)
            .map_err(|error| Error::unlike(&error).member(name).member("attributes"))
    }

    /// Returns all attributes as a Rust type.
    ///
    /// # Errors
    /// [`Error::Syntax`] if an attribute is missing or of another type.
    pub fn deserialize<T: DeserializeOwned>(&self) -> Result<T> {
        let read = serde_json::from_str(&self.to_text()?);
        read.map_err(|error| Error::unlike(&error).member("attributes"))
    }

    /// Sets an attribute.
    ///
    /// # Errors
    /// [`Error::Syntax`] if the value has no JSON form.
    pub fn set(&mut self, name: &str, value: impl Serialize) -> Result<()> {
        self.0.set(name, &value)
    }

    /// Returns these attributes with one attribute set.
    ///
    /// # Errors
    /// [`Error::Syntax`] if the value has no JSON form.
    pub fn with(mut self, name: &str, value: impl Serialize) -> Result<Self> {
        self.set(name, value)?;
        Ok(self)
    }

    /// Removes an attribute and returns whether it existed. Moves all later attributes:
    /// [`Self::retain`] removes many at the cost of one.
    pub fn remove(&mut self, name: &str) -> bool {
        self.0.remove(name)
    }

    /// Keeps the attributes for whose names `keep` returns true.
    pub fn retain(&mut self, keep: impl FnMut(&str) -> bool) {
        self.0.retain(keep);
    }

    /// Iterates over names and JSON texts, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &RawValue)> {
        self.0.iter()
    }

    /// Whether there are no attributes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn members(&self) -> &Members {
        &self.0
    }
}
