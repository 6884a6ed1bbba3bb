//! The metadata document of an array.

use serde::Serialize;
use serde_json::value::RawValue;

use super::{Attributes, check_unknown, expect_node_type, parse_member, required};
use crate::bare_words;
use crate::error::{Error, Result};
use crate::extension::Extension;
use crate::json::Members;
use crate::strictness::Strictness;

const KNOWN: [&str; 11] = [
    "zarr_format",
    "node_type",
    "shape",
    "data_type",
    "chunk_grid",
    "chunk_key_encoding",
    "fill_value",
    "codecs",
    "attributes",
    "dimension_names",
    "storage_transformers",
];

/// The metadata of an array as written. Names of extensions are not resolved here but in
/// [`crate::ArrayLayout::bind`].
#[derive(Clone, Debug)]
pub struct ArrayMetadata {
    members: Members,
    shape: Vec<u64>,
    data_type: Extension,
    chunk_grid: Extension,
    chunk_key_encoding: Extension,
    fill_value: Box<RawValue>,
    codecs: Vec<Extension>,
    attributes: Attributes,
    dimension_names: Option<Vec<Option<String>>>,
    zarr_2: Option<Box<Members>>,
}

impl PartialEq for ArrayMetadata {
    fn eq(&self, other: &Self) -> bool {
        self.members == other.members
    }
}

impl ArrayMetadata {
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
        Self::from_members(Members::parse_with(text, strictness)?)
    }

    pub(super) fn from_members(members: Members) -> Result<Self> {
        expect_node_type(&members, "array")?;
        check_unknown(&members, &KNOWN)?;
        let shape = parse_shape(required(&members, "shape")?)?;
        let codecs: Vec<&RawValue> =
            parse_member(required(&members, "codecs")?, "codecs", "a list of codecs")?;
        let codecs = codecs.iter().enumerate().map(|(position, codec)| {
            Extension::from_json(codec)
                .map_err(|error| error.member(format_args!("codecs[{position}]")))
        });
        check_storage_transformers(&members)?;
        Ok(Self {
            data_type: extension(&members, "data_type")?,
            chunk_grid: extension(&members, "chunk_grid")?,
            chunk_key_encoding: extension(&members, "chunk_key_encoding")?,
            fill_value: required(&members, "fill_value")?.to_owned(),
            codecs: codecs.collect::<Result<_>>()?,
            attributes: Attributes::from_document(&members)?,
            dimension_names: dimension_names(&members, shape.len())?,
            shape,
            members,
            zarr_2: None,
        })
    }

    /// Returns this v3 metadata for an array whose document is `.zarray`.
    pub(super) fn of_zarr_2(self, zarray: Members) -> Self {
        Self {
            zarr_2: Some(Box::new(zarray)),
            ..self
        }
    }

    /// The members of `.zarray` as written, if that is the array's document; everything else here
    /// is the equivalent v3 metadata.
    #[must_use]
    pub fn zarr_2(&self) -> Option<&Members> {
        self.zarr_2.as_deref()
    }

    /// Formats the document as text.
    ///
    /// # Errors
    /// [`Error::Syntax`], which no parsed or built document can cause.
    pub fn to_text(&self) -> Result<String> {
        self.members.to_text()
    }

    /// All members of the document as written.
    #[must_use]
    pub fn members(&self) -> &Members {
        &self.members
    }

    /// The number of elements along each dimension.
    #[must_use]
    pub fn shape(&self) -> &[u64] {
        &self.shape
    }

    /// Returns this metadata with another shape of equal rank.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the rank differs or a length is not allowed.
    pub fn with_shape(mut self, shape: &[u64]) -> Result<Self> {
        if shape.len() != self.shape.len() {
            let expected = format!("{} lengths", self.shape.len());
            return Err(Error::invalid(format!("{shape:?}"), expected).member("shape"));
        }
        self.members.set("shape", shape)?;
        if let Some(zarray) = &mut self.zarr_2 {
            zarray.set("shape", shape)?;
        }
        self.shape = parse_shape(required(&self.members, "shape")?)?;
        Ok(self)
    }

    /// Returns this metadata with a member that readers may ignore: an object with
    /// `"must_understand": false`. `None` removes the member.
    ///
    /// # Errors
    /// [`Error::UnknownMember`] for any other value, and [`Error::Invalid`] in Zarr v2, which has no
    /// such members.
    pub fn with_ignorable(mut self, name: &str, value: Option<&impl Serialize>) -> Result<Self> {
        match value {
            Some(_) if self.zarr_2.is_some() => {
                return Err(Error::invalid("Zarr v2", "an array of Zarr v3").member(name));
            }
            Some(value) => self.members.set(name, value)?,
            None => {
                self.members.remove(name);
            }
        }
        check_unknown(&self.members, &KNOWN)?;
        Ok(self)
    }

    /// The data type.
    #[must_use]
    pub fn data_type(&self) -> &Extension {
        &self.data_type
    }

    /// The chunk grid.
    #[must_use]
    pub fn chunk_grid(&self) -> &Extension {
        &self.chunk_grid
    }

    /// The chunk key encoding.
    #[must_use]
    pub fn chunk_key_encoding(&self) -> &Extension {
        &self.chunk_key_encoding
    }

    /// The fill value as JSON.
    #[must_use]
    pub fn fill_value(&self) -> &RawValue {
        &self.fill_value
    }

    /// The codecs, in the order of encoding.
    #[must_use]
    pub fn codecs(&self) -> &[Extension] {
        &self.codecs
    }

    /// The user's attributes.
    #[must_use]
    pub fn attributes(&self) -> &Attributes {
        &self.attributes
    }

    /// Returns this metadata with other attributes.
    ///
    /// # Errors
    /// [`Error::Syntax`], which no attributes can cause.
    pub fn with_attributes(mut self, attributes: Attributes) -> Result<Self> {
        self.members.set("attributes", attributes.members())?;
        self.attributes = attributes;
        Ok(self)
    }

    /// The names of the dimensions, if the document has them; individual dimensions may be unnamed.
    #[must_use]
    pub fn dimension_names(&self) -> Option<&[Option<String>]> {
        self.dimension_names.as_deref()
    }
}

fn parse_shape(value: &RawValue) -> Result<Vec<u64>> {
    let expected = "a list of integers from 0 to 2^63 - 1";
    let shape: Vec<u64> = parse_member(value, "shape", expected)?;
    if shape.iter().any(|&len| i64::try_from(len).is_err()) {
        return Err(Error::invalid(value.get(), expected).member("shape"));
    }
    Ok(shape)
}

fn extension(members: &Members, member: &'static str) -> Result<Extension> {
    Extension::from_json(required(members, member)?).map_err(|error| error.member(member))
}

fn dimension_names(members: &Members, rank: usize) -> Result<Option<Vec<Option<String>>>> {
    let Some(value) = members.get("dimension_names") else {
        return Ok(None);
    };
    let expected = format!("a list of {rank} strings or nulls");
    let names: Option<Vec<Option<String>>> = parse_member(value, "dimension_names", &expected)?;
    if bare_words::first(value.get()).is_some() {
        return Err(Error::invalid(value.get(), expected).member("dimension_names"));
    }
    match names {
        Some(names) if names.len() != rank => {
            Err(Error::invalid(value.get(), expected).member("dimension_names"))
        }
        names => Ok(names),
    }
}

/// Rejects storage transformers that must be understood, because no storage transformer exists yet.
fn check_storage_transformers(members: &Members) -> Result<()> {
    let member = "storage_transformers";
    let Some(value) = members.get(member) else {
        return Ok(());
    };
    let listed: Vec<Extension> = parse_member(value, member, "a list of storage transformers")?;
    match listed
        .iter()
        .find(|transformer| transformer.must_understand())
    {
        None => Ok(()),
        Some(transformer) => Err(Error::UnknownExtension {
            point: "storage transformer",
            name: transformer.name().to_owned(),
            registered: String::new(),
        }
        .member(member)),
    }
}
