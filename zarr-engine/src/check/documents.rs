//! Reads the documents of all listed nodes and checks each by itself.

use std::collections::{BTreeMap, BTreeSet};

use futures::stream::{self, StreamExt};
use zarr_core::metadata::{ArrayMetadata, NodeMetadata, v2};
use zarr_core::{ArrayLayout, METADATA_NAME, NodePath, Registry, Strictness};
use zarr_store::Entry;

use super::errors::{of_document, of_metadata};
use super::finding::Finding;
use super::rules::*;
pub(super) use crate::documents::NAMES;
use crate::documents::{Wanted, key_of};
use crate::hierarchy::Hierarchy;

/// The number of nodes read concurrently.
pub(super) const AT_ONCE: usize = 64;

/// A node with at least one document.
#[derive(Debug, Default)]
pub(super) struct Node {
    /// The names of its documents.
    pub(super) names: BTreeSet<&'static str>,
    /// The metadata; `None` if it is invalid or belongs to no node.
    pub(super) metadata: Option<NodeMetadata>,
}

impl Node {
    pub(super) fn has(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    /// Whether the node is, or at least claims to be, a node: attributes alone are not.
    pub(super) fn is_node(&self) -> bool {
        [METADATA_NAME, v2::ARRAY_NAME, v2::GROUP_NAME]
            .iter()
            .any(|name| self.has(name))
    }

    pub(super) fn is_array(&self) -> bool {
        let claims = self.metadata.is_none() && self.has(v2::ARRAY_NAME);
        claims || matches!(self.metadata, Some(NodeMetadata::Array(_)))
    }
}

/// The nodes of a hierarchy by path.
pub(super) type Nodes = BTreeMap<NodePath, Node>;

/// Splits the key of a document into directory and name; `None` for other keys.
pub(super) fn document(key: &str) -> Option<(&str, &'static str)> {
    let (directory, name) = key.rsplit_once('/').unwrap_or(("", key));
    let name = NAMES.into_iter().find(|known| *known == name)?;
    Some((directory, name))
}

/// Reads and checks the documents in a listing.
pub(super) async fn read(
    hierarchy: &Hierarchy,
    entries: &[Entry],
    findings: &mut Vec<Finding>,
) -> Nodes {
    let mut directories = BTreeMap::<&str, BTreeSet<&'static str>>::new();
    for (directory, name) in entries.iter().filter_map(|entry| document(&entry.key)) {
        directories.entry(directory).or_default().insert(name);
    }
    let strict = hierarchy.registry().clone();
    let reader = &Reader {
        hierarchy,
        strict: strict.with_strictness(Strictness::Strict),
    };
    let directories = &directories.into_iter().collect::<Vec<_>>();
    // By number: a closure over borrowed text would keep this future from being `Send`.
    let read = stream::iter(0..directories.len()).map(|number| async move {
        let (directory, names) = directories[number].clone();
        let path = match NodePath::parse(directory) {
            Ok(path) => path,
            Err(error) => return Err(misplaced(directory, &names, &error)),
        };
        let mut findings = Vec::new();
        let metadata = reader.node(&path, &names, &mut findings).await;
        Ok((path, Node { names, metadata }, findings))
    });
    let mut read = read.buffered(AT_ONCE);
    let mut nodes = Nodes::new();
    while let Some(read) = read.next().await {
        match read {
            Ok((path, node, found)) => {
                findings.extend(found);
                nodes.insert(path, node);
            }
            Err(finding) => findings.push(finding),
        }
    }
    nodes
}

/// Reports a document at a path that no node can have.
fn misplaced(directory: &str, names: &BTreeSet<&'static str>, error: &zarr_core::Error) -> Finding {
    let name = names.first().copied().unwrap_or_default();
    NODE_NAME
        .at(&NodePath::root(), error.to_string())
        .key(format!("{directory}/{name}"))
}

struct Reader<'a> {
    hierarchy: &'a Hierarchy,
    /// The registry without the spellings beyond the specification.
    strict: Registry,
}

impl Reader<'_> {
    /// Reads and checks the documents of a node.
    async fn node(
        &self,
        path: &NodePath,
        names: &BTreeSet<&'static str>,
        findings: &mut Vec<Finding>,
    ) -> Option<NodeMetadata> {
        if !names_of_one_node(path, names, findings) {
            return None;
        }
        let metadata = match self.hierarchy.any_document(path).await {
            Ok(metadata) => metadata?,
            Err(error) => {
                let key = error
                    .key()
                    .map_or_else(|| path.metadata_key(), str::to_owned);
                let finding = of_document(&error).at(path, error.to_string()).key(key);
                let recovered = match finding.rule == CONSOLIDATED_INVALID.name {
                    true => self.hierarchy.without_copies(path).await.ok().flatten(),
                    false => None,
                };
                findings.push(finding);
                recovered?
            }
        };
        self.check(path, &metadata, findings);
        if metadata.zarr_2().is_none() && names.len() > 1 {
            self.compare_formats(path, &metadata, findings).await;
        }
        Some(metadata)
    }

    /// Compares the documents of both formats.
    async fn compare_formats(
        &self,
        path: &NodePath,
        metadata: &NodeMetadata,
        findings: &mut Vec<Finding>,
    ) {
        let stored = self.hierarchy.stored_zarr_2(path, Wanted::Node).await;
        let agree = match (metadata, stored.map(|stored| stored.map(|it| it.metadata))) {
            (_, Ok(None)) | (NodeMetadata::Group(_), Ok(Some(NodeMetadata::Group(_)))) => true,
            (NodeMetadata::Array(new), Ok(Some(NodeMetadata::Array(old)))) => {
                let layouts = self.element_layout(new).zip(self.element_layout(&old));
                new.shape() == old.shape() && layouts.is_none_or(|(new, old)| new == old)
            }
            _ => false,
        };
        let key = path.metadata_key();
        findings.push(match agree {
            true => BOTH_FORMATS
                .at(path, "the node has documents of both formats")
                .key(key),
            false => FORMATS_DISAGREE.at(path, FORMATS_DISAGREE.about).key(key),
        });
    }

    /// Returns the shape, the chunks and the data type of an array, if it is valid.
    fn element_layout(&self, array: &ArrayMetadata) -> Option<String> {
        let layout = ArrayLayout::bind(array, self.hierarchy.registry()).ok()?;
        let data_type = layout.data_type().name();
        Some(format!(
            "{:?} {:?} {data_type}",
            layout.shape(),
            layout.grid()
        ))
    }

    /// Binds the extensions of an array, and looks for spellings beyond the specification.
    fn check(&self, path: &NodePath, metadata: &NodeMetadata, findings: &mut Vec<Finding>) {
        let key = key_of(path, metadata);
        let members = metadata.members();
        if let Some(message) = nonstandard(metadata) {
            findings.push(NONSTANDARD.at(path, message).key(&key));
        }
        let mut strictly = members.expect_no_bare_words();
        if let NodeMetadata::Array(array) = metadata {
            let bound = ArrayLayout::bind(array, self.hierarchy.registry());
            if let Err(error) = bound {
                findings.push(of_metadata(&error).at(path, error.to_string()).key(key));
                return;
            }
            let copies = members.get("consolidated_metadata");
            if copies.is_some_and(|copies| copies.get() != "null") {
                let message = "consolidated_metadata: found in an array, expected in groups only";
                let severity = Severity::Warning;
                let finding = CONSOLIDATED_INVALID.at(path, message).key(&key);
                findings.push(
                    Finding {
                        severity,
                        ..finding
                    }
                    .unrepairable(),
                );
            }
            let required = ["compressor", "filters"].into_iter();
            let zarray = array.zarr_2();
            for name in
                required.filter(|name| zarray.is_some_and(|zarray| zarray.get(name).is_none()))
            {
                let message = format!("missing member {name:?}");
                findings.push(MISSING_MEMBER.at(path, message).key(&key));
            }
            strictly = strictly.and_then(|()| ArrayLayout::bind(array, &self.strict).map(drop));
        }
        if let Err(error) = strictly {
            findings.push(NONSTANDARD.at(path, error.to_string()).key(key));
        }
    }
}

/// Describes a spelling that all of this library's readers accept, and others may not.
fn nonstandard(metadata: &NodeMetadata) -> Option<&'static str> {
    let document = metadata.zarr_2().unwrap_or(metadata.members());
    let is_null = |name: &str| {
        document
            .get(name)
            .is_some_and(|value| value.get() == "null")
    };
    match () {
        () if document.has_byte_order_mark() => Some("the document begins with a byte order mark"),
        () if is_null("attributes") => Some("attributes: found null, expected an object"),
        () => None,
    }
}

/// Checks that the documents beside each other can belong to one node; returns false if they
/// belong to none.
fn names_of_one_node(
    path: &NodePath,
    names: &BTreeSet<&'static str>,
    findings: &mut Vec<Finding>,
) -> bool {
    let has = |name| names.contains(name);
    let (array, group) = (has(v2::ARRAY_NAME), has(v2::GROUP_NAME));
    let is_zarr_3 = has(METADATA_NAME);
    if array && group {
        let message = "the node has .zarray and .zgroup";
        let key = path.prefix() + v2::GROUP_NAME;
        findings.push(ARRAY_AND_GROUP.at(path, message).key(key));
    }
    if array && !group && has(v2::CONSOLIDATED_NAME) {
        let message = "consolidated metadata lies beside .zarray, and groups only have it";
        let key = path.prefix() + v2::CONSOLIDATED_NAME;
        findings.push(STRAY_OBJECT.at(path, message).key(key));
    }
    if is_zarr_3 || array || group {
        return true;
    }
    for name in names {
        let message = format!("{name} has no .zarray or .zgroup beside it");
        let key = path.prefix() + name;
        findings.push(DOCUMENT_WITHOUT_NODE.at(path, message).key(key));
    }
    false
}
