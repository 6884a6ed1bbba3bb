//! Single documents of consolidated metadata, which is a member of `zarr.json` in Zarr v3 and the
//! whole of `.zmetadata` in Zarr v2.

use serde_json::value::RawValue;

use super::consolidated::check_path;
use super::{Attributes, ConsolidatedMetadata, GroupMetadata, NodeMetadata, v2};
use crate::error::{Error, Result};
use crate::json::Members;
use crate::strictness::Strictness;

impl ConsolidatedMetadata {
    /// Creates consolidated metadata of a Zarr v2 group, without documents.
    ///
    /// # Errors
    /// [`Error::Syntax`], which cannot happen here.
    pub fn new_zarr_2() -> Result<Self> {
        let mut members = Members::new();
        members.set("metadata", &Members::new())?;
        members.set("zarr_consolidated_format", &1)?;
        Ok(Self {
            documents: Members::new(),
            zarr_2: Some(Box::new(members)),
        })
    }

    /// Parses `.zmetadata`, skipping the group's own documents in it.
    ///
    /// # Errors
    /// Fails if the text is not a JSON object, its format is not 1, or a key is not the path of a
    /// node.
    pub fn parse_zarr_2(text: &[u8], strictness: Strictness) -> Result<Self> {
        let members = Members::parse_with(text, strictness)?;
        match members.get("zarr_consolidated_format").map(RawValue::get) {
            Some("1") => {}
            found => {
                let error = Error::invalid(found.unwrap_or("nothing"), "1");
                return Err(error.member("zarr_consolidated_format"));
            }
        }
        let metadata = members
            .get("metadata")
            .ok_or(Error::MissingMember { member: "metadata" })?;
        let place = |error: Error| error.member("metadata");
        let metadata = Members::of_value(metadata).map_err(place)?;
        let mut nodes = indexmap::IndexMap::<&str, Members>::new();
        for (key, document) in metadata.iter() {
            let Some((path, name)) = key.rsplit_once('/').filter(|(_, name)| is_document(name))
            else {
                continue;
            };
            check_path(path, strictness).map_err(place)?;
            nodes.entry(path).or_default().set(name, document)?;
        }
        let mut documents = Members::new();
        for (path, node) in &nodes {
            if node
                .get(v2::ARRAY_NAME)
                .or(node.get(v2::GROUP_NAME))
                .is_some()
            {
                documents.set(path, node)?;
            }
        }
        Ok(Self {
            documents,
            zarr_2: Some(Box::new(members)),
        })
    }

    /// Formats `.zmetadata` of a group, keeping entries that this crate did not write. Returns
    /// `None` for consolidated metadata of Zarr v3.
    ///
    /// # Errors
    /// [`Error::Syntax`], which no parsed or built document can cause.
    pub fn to_zarr_2_text(&self, group: &GroupMetadata) -> Result<Option<String>> {
        let (Some(members), Some(zgroup)) = (&self.zarr_2, group.zarr_2()) else {
            return Ok(None);
        };
        let mut metadata = members
            .get("metadata")
            .map_or(Ok(Members::new()), Members::of_value)?;
        metadata.retain(|key| !is_document(key.rsplit('/').next().unwrap_or(key)));
        metadata.set(v2::ATTRIBUTES_NAME, group.attributes().members())?;
        metadata.set(v2::GROUP_NAME, zgroup)?;
        for (path, node) in self.documents.iter() {
            for (name, document) in Members::of_value(node)?.iter() {
                metadata.set(&format!("{path}/{name}"), document)?;
            }
        }
        let mut members = (**members).clone();
        members.set("metadata", &metadata)?;
        members.to_text().map(Some)
    }

    /// Returns the document of a node, by its path relative to the group; `None` if there is no
    /// such document.
    ///
    /// # Errors
    /// Fails if the document is malformed.
    pub fn get(&self, path: &str) -> Result<Option<NodeMetadata>> {
        let Some(document) = self.documents.get(path) else {
            return Ok(None);
        };
        let members = Members::of_value(document).map_err(|error| self.place(path, error))?;
        let node = match (members.get(v2::ARRAY_NAME), members.get(v2::GROUP_NAME)) {
            (None, None) => NodeMetadata::from_members(members, Strictness::Tolerant)
                .map_err(|error| self.place(path, error))?,
            (zarray, zgroup) => {
                let place =
                    |name: &'static str| move |error| self.place(&format!("{path}/{name}"), error);
                let zattrs = members
                    .get(v2::ATTRIBUTES_NAME)
                    .map(Members::of_value)
                    .transpose();
                let zattrs = zattrs.map_err(place(v2::ATTRIBUTES_NAME))?;
                let attributes = Attributes::of_members(zattrs.unwrap_or_default());
                match (zarray, zgroup) {
                    (Some(zarray), _) => Members::of_value(zarray)
                        .and_then(|zarray| v2::array_from_v2(zarray, &attributes))
                        .map_err(place(v2::ARRAY_NAME))?
                        .into(),
                    (_, Some(zgroup)) => Members::of_value(zgroup)
                        .and_then(|zgroup| v2::group_from_v2(zgroup, attributes))
                        .map_err(place(v2::GROUP_NAME))?
                        .into(),
                    (None, None) => return Ok(None),
                }
            }
        };
        Ok(Some(node))
    }

    /// Inserts the document of a node. For groups, their own consolidated metadata is omitted.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for a Zarr v3 node below a Zarr v2 group.
    pub fn insert(&mut self, path: &str, node: &NodeMetadata) -> Result<()> {
        let mut members = Members::new();
        match (&self.zarr_2, node.zarr_2()) {
            (None, _) => {
                members = node.members().clone();
                members.remove("consolidated_metadata");
            }
            (Some(_), Some(document)) => {
                let name = match node {
                    NodeMetadata::Array(_) => v2::ARRAY_NAME,
                    NodeMetadata::Group(_) => v2::GROUP_NAME,
                };
                members.set(name, document)?;
                members.set(v2::ATTRIBUTES_NAME, node.attributes().members())?;
            }
            (Some(_), None) => {
                let what = format!("{path}: a Zarr v3 node in Zarr v2 consolidated metadata");
                return Err(Error::Unsupported { what });
            }
        }
        self.documents.set(path, &members)
    }
}

fn is_document(name: &str) -> bool {
    [v2::ARRAY_NAME, v2::GROUP_NAME, v2::ATTRIBUTES_NAME].contains(&name)
}
