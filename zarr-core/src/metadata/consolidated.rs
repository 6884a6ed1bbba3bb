//! Consolidated metadata: the documents of all nodes below a group in one document. `copies`
//! extracts and inserts single documents.

use serde_json::value::RawValue;

use crate::error::{Error, Result};
use crate::json::Members;
use crate::node_path::NodePath;
use crate::strictness::Strictness;

/// The member of `zarr.json` as this crate writes it, read in one pass over a text of many
/// megabytes. All other forms are read in two passes.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Inline {
    #[serde(rename = "kind")]
    _kind: InlineKind,
    #[serde(rename = "must_understand")]
    _must_understand: Option<serde::de::IgnoredAny>,
    #[serde(rename = "metadata")]
    documents: Members,
}

#[derive(serde::Deserialize)]
enum InlineKind {
    #[serde(rename = "inline")]
    Inline,
}

/// The documents of all nodes below a group in one document, so that one request opens all nodes.
///
/// Each document stays text until it is requested.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConsolidatedMetadata {
    /// Documents by path. A Zarr v2 document is an object of `.zarray` or `.zgroup`, and `.zattrs`.
    pub(super) documents: Members,
    /// The document `.zmetadata` as written.
    pub(super) zarr_2: Option<Box<Members>>,
}

impl ConsolidatedMetadata {
    /// Creates consolidated metadata without documents.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads the member of `zarr.json`; returns `None` for an unknown kind that need not be
    /// understood.
    pub(super) fn read(value: &RawValue, strictness: Strictness) -> Result<Option<Self>> {
        if let Ok(Inline { documents, .. }) = serde_json::from_str(value.get()) {
            return Self::checked(documents, strictness).map(Some);
        }
        let members = Members::of_value(value)?;
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
        let documents = Members::of_value(documents).map_err(|error| error.member("metadata"))?;
        Self::checked(documents, strictness).map(Some)
    }

    fn checked(documents: Members, strictness: Strictness) -> Result<Self> {
        for (path, _) in documents.iter() {
            check_path(path, strictness).map_err(|error| error.member("metadata"))?;
        }
        Ok(Self {
            documents,
            zarr_2: None,
        })
    }

    /// Returns the member of `zarr.json`.
    pub(super) fn to_member(&self) -> Result<Members> {
        let mut value = Members::new();
        value.set("kind", "inline")?;
        value.set("must_understand", &false)?;
        value.set("metadata", &self.documents)?;
        Ok(value)
    }

    pub(super) fn place(&self, document: &str, error: Error) -> Error {
        error.member(self.name_of(document))
    }

    /// Returns consolidated metadata in this format, without documents.
    #[must_use]
    pub fn emptied(&self) -> Self {
        Self {
            documents: Members::new(),
            zarr_2: self.zarr_2.clone(),
        }
    }

    /// Whether there is a document for the node at a path, of any kind.
    #[must_use]
    pub fn contains(&self, path: &str) -> bool {
        self.documents.get(path).is_some()
    }

    /// Returns the documents below each child node of the group, by the name of the child: all of
    /// [`Self::below`] in one pass.
    ///
    /// # Errors
    /// [`Error::Syntax`], which no documents can cause.
    pub fn split(&self) -> Result<std::collections::BTreeMap<&str, Self>> {
        let mut parts = std::collections::BTreeMap::new();
        for (path, document) in self.documents.iter() {
            let (name, rest) = path.split_once('/').unwrap_or((path, ""));
            let part: &mut Self = parts.entry(name).or_insert_with(|| self.emptied());
            if !rest.is_empty() {
                part.documents.set(rest, document)?;
            }
        }
        Ok(parts)
    }

    /// Returns the name of a node's document in errors.
    #[must_use]
    pub fn name_of(&self, path: &str) -> String {
        let members = match self.zarr_2 {
            Some(_) => "metadata",
            None => "consolidated_metadata.metadata",
        };
        format!("{members}.{path}")
    }

    /// Returns the documents of the nodes below a node, by their paths relative to that node.
    ///
    /// # Errors
    /// [`Error::Syntax`], which no documents can cause.
    pub fn below(&self, path: &str) -> Result<Self> {
        let mut below = self.emptied();
        for (name, document) in self.documents.iter() {
            let rest = name.strip_prefix(path);
            if let Some(relative) = rest.and_then(|rest| rest.strip_prefix('/')) {
                below.documents.set(relative, document)?;
            }
        }
        Ok(below)
    }

    /// Removes the documents of a node and of all nodes below it, and returns whether there were
    /// any.
    pub fn remove(&mut self, path: &str) -> bool {
        let before = self.documents.len();
        self.documents.retain(|name| {
            let rest = name.strip_prefix(path);
            !rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        });
        self.documents.len() != before
    }

    /// Whether the node at a path is an array, without parsing the rest of its document; `None` if
    /// no such node exists.
    ///
    /// # Errors
    /// Fails if the document is not an object, or its `node_type` is neither `array` nor `group`.
    pub fn is_array(&self, path: &str) -> Result<Option<bool>> {
        #[derive(serde::Deserialize)]
        struct Typed<'a> {
            #[serde(borrow)]
            node_type: Option<std::borrow::Cow<'a, str>>,
            #[serde(borrow, rename = ".zarray")]
            zarray: Option<&'a RawValue>,
            #[serde(borrow, rename = ".zgroup")]
            zgroup: Option<&'a RawValue>,
        }
        let Some(document) = self.documents.get(path) else {
            return Ok(None);
        };
        let typed: Typed<'_> =
            serde_json::from_str(document.get()).map_err(|error| self.place(path, error.into()))?;
        match (&typed.node_type, typed.zarray, typed.zgroup) {
            (_, Some(_), _) => Ok(Some(true)),
            (_, _, Some(_)) => Ok(Some(false)),
            (Some(kind), ..) if kind == "array" => Ok(Some(true)),
            (Some(kind), ..) if kind == "group" => Ok(Some(false)),
            (kind, ..) => {
                let found = kind
                    .as_ref()
                    .map_or("nothing".to_owned(), |kind| format!("{kind:?}"));
                let error = Error::invalid(found, "\"array\" or \"group\"");
                Err(self.place(path, error.member("node_type")))
            }
        }
    }

    /// Iterates over the paths, relative to the group, in order.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.documents.iter().map(|(path, _)| path)
    }

    /// The number of documents.
    #[must_use]
    pub fn len(&self) -> usize {
        self.documents.len()
    }

    /// Whether there are no documents.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.documents.is_empty()
    }
}

pub(super) fn check_path(path: &str, strictness: Strictness) -> Result<()> {
    let parsed = NodePath::parse(path)
        .ok()
        .filter(|_| !path.starts_with('/') && !path.is_empty());
    let valid =
        parsed.is_some_and(|path| strictness == Strictness::Tolerant || path.unreserved().is_ok());
    if valid {
        return Ok(());
    }
    Err(Error::invalid(
        format!("{path:?}"),
        "the relative path of a node",
    ))
}
