//! Rules about consolidated metadata: its form, and its copies of documents.

use std::collections::BTreeMap;

use zarr_core::metadata::{ArrayMetadata, ConsolidatedMetadata, NodeMetadata, v2};
use zarr_core::{ArrayLayout, Members, NodePath};
use zarr_store::Entry;

use super::documents::Nodes;
use super::finding::Finding;
use super::keys;
use super::rules::*;
use super::tree::above;
use crate::documents::key_of;
use crate::hierarchy::Hierarchy;

/// Checks the consolidated metadata of all groups. Returns the nodes without a document that it
/// can restore, with their copies.
pub(super) async fn check(
    hierarchy: &Hierarchy,
    nodes: &Nodes,
    entries: &[Entry],
    findings: &mut Vec<Finding>,
) -> BTreeMap<NodePath, NodeMetadata> {
    let mut restored = BTreeMap::new();
    for (path, node) in nodes {
        let Some(NodeMetadata::Group(group)) = &node.metadata else {
            continue;
        };
        let stored;
        let (copies, key) = if group.zarr_2().is_none() {
            check_form(path, group.members(), findings);
            (group.consolidated(), path.metadata_key())
        } else if node.has(v2::CONSOLIDATED_NAME) {
            let key = path.prefix() + v2::CONSOLIDATED_NAME;
            stored = zarr_2(hierarchy, path, &key, findings).await;
            (stored.as_ref(), key)
        } else {
            continue;
        };
        if let Some(copies) = copies {
            let group = Compared {
                hierarchy,
                path,
                key: &key,
                copies,
                nodes,
                entries,
            };
            group.check(findings, &mut restored);
        }
    }
    restored
}

/// Reads `.zmetadata`.
async fn zarr_2(
    hierarchy: &Hierarchy,
    path: &NodePath,
    key: &str,
    findings: &mut Vec<Finding>,
) -> Option<ConsolidatedMetadata> {
    let strictness = hierarchy.registry().strictness();
    let parsed = match hierarchy.text(key).await {
        Ok(text) => ConsolidatedMetadata::parse_zarr_2(&text?.0, strictness),
        Err(error) => {
            findings.push(UNREADABLE.at(path, error.to_string()).key(key));
            return None;
        }
    };
    let invalid = |error: &zarr_core::Error| {
        findings.push(CONSOLIDATED_INVALID.at(path, error.to_string()).key(key));
    };
    parsed.inspect_err(invalid).ok()
}

/// Checks the members beside the copies, in `zarr.json`.
fn check_form(path: &NodePath, group: &Members, findings: &mut Vec<Finding>) {
    let member = group.get("consolidated_metadata");
    let Some(Ok(members)) = member.map(|value| serde_json::from_str::<Members>(value.get())) else {
        return;
    };
    let value = |name| members.get(name).map(|value| value.get());
    let mut found = |rule: &'static Rule, message: String| {
        findings.push(rule.at(path, message).key(path.metadata_key()));
    };
    if value("kind") != Some("\"inline\"") {
        let kind = value("kind").unwrap_or("nothing");
        found(
            &CONSOLIDATED_KIND,
            format!("kind: found {kind}, expected \"inline\""),
        );
    } else if value("must_understand") != Some("false") {
        let stated = value("must_understand").unwrap_or("nothing");
        let message = format!("must_understand: found {stated}, expected false");
        found(&CONSOLIDATED_MUST_UNDERSTAND, message);
    }
}

/// Copies to be compared with the documents.
struct Compared<'a> {
    hierarchy: &'a Hierarchy,
    path: &'a NodePath,
    key: &'a str,
    copies: &'a ConsolidatedMetadata,
    nodes: &'a Nodes,
    entries: &'a [Entry],
}

impl Compared<'_> {
    fn check(&self, findings: &mut Vec<Finding>, restored: &mut BTreeMap<NodePath, NodeMetadata>) {
        let mut stored = below(self.path, self.nodes);
        for name in self.copies.paths() {
            let Ok(path) = self.path.join(name) else {
                continue;
            };
            let own = stored.remove(&path);
            let copy = match self.copies.get(name) {
                Ok(Some(copy)) => copy,
                Ok(None) => continue,
                Err(error) => {
                    findings.push(self.found(
                        &CONSOLIDATED_COPY_INVALID,
                        &path,
                        &error.to_string(),
                    ));
                    continue;
                }
            };
            let listed = self.nodes.get(&path).is_some_and(|node| node.is_node());
            match own {
                Some(own) if !self.are_equal(own, &copy) => {
                    let message = "the copy differs from the document of the node";
                    findings.push(self.found(&CONSOLIDATED_STALE, &path, message));
                }
                None if !listed && !keys::below(self.entries, &path).is_empty() => {
                    let message = format!("no document; {} holds a copy", self.key);
                    let key = key_of(&path, &copy);
                    findings.push(MISSING_DOCUMENT.at(&path, message).key(key));
                    restored.insert(path, copy);
                }
                None if !listed => {
                    let message = "the node is not in the store";
                    findings.push(self.found(&CONSOLIDATED_EXTRA_NODE, &path, message));
                }
                _ => {}
            }
        }
        for path in stored.into_keys() {
            let message = "the node is not in the consolidated metadata";
            findings.push(self.found(&CONSOLIDATED_MISSING_NODE, path, message));
        }
    }

    /// Whether two documents describe a node equally: writers of consolidated metadata may add
    /// defaults to the documents of other writers.
    fn are_equal(&self, own: &NodeMetadata, copy: &NodeMetadata) -> bool {
        if own.means_the_same(copy) {
            return true;
        }
        let (NodeMetadata::Array(own), NodeMetadata::Array(copy)) = (own, copy) else {
            return attributes(own.members()) == attributes(copy.members())
                && matches!(
                    (own, copy),
                    (NodeMetadata::Group(_), NodeMetadata::Group(_))
                );
        };
        // Bound codecs have no equality, but print their configuration.
        let bound = |array| {
            let layout = ArrayLayout::bind(array, self.hierarchy.registry()).ok()?;
            Some(format!("{layout:?}"))
        };
        let names = |array: &ArrayMetadata| {
            let names = array.dimension_names().unwrap_or_default().iter();
            names.flatten().cloned().collect::<Vec<_>>()
        };
        attributes(own.members()) == attributes(copy.members())
            && names(own) == names(copy)
            && bound(own).is_some_and(|own| Some(own) == bound(copy))
    }

    /// Returns a finding in the group, about the copy of another node.
    fn found(&self, rule: &'static Rule, node: &NodePath, message: &str) -> Finding {
        let message = format!("{node}: {message}");
        rule.at(self.path, message).key(self.key)
    }
}

/// Returns the attributes in the members of a document, if there are any.
fn attributes(members: &Members) -> Option<serde_json::Value> {
    let value: serde_json::Value = serde_json::from_str(members.get("attributes")?.get()).ok()?;
    (!value.is_null() && value != serde_json::json!({})).then_some(value)
}

/// Returns the valid nodes below a group that listings reach: through groups only.
pub(super) fn below<'a>(
    group: &NodePath,
    nodes: &'a Nodes,
) -> BTreeMap<&'a NodePath, &'a NodeMetadata> {
    let prefix = group.prefix();
    let within = nodes
        .iter()
        .filter(|(path, _)| path.as_str().starts_with(&prefix) && *path != group);
    let reached = within.filter(|(path, _)| {
        above(path).take_while(|above| above != group).all(|above| {
            let node = nodes.get(&above);
            node.is_some_and(|node| matches!(node.metadata, Some(NodeMetadata::Group(_))))
        })
    });
    reached
        .filter_map(|(path, node)| Some((path, node.metadata.as_ref()?)))
        .collect()
}
