//! Rules about consolidated metadata: its form, and its copies of documents.

use std::collections::BTreeMap;

use serde_json::Value;
use zarr_core::metadata::{
    ArrayMetadata, Attributes, ConsolidatedMetadata, GroupMetadata, NodeMetadata, v2,
};
use zarr_core::{ArrayLayout, Members, NodePath, Strictness};
use zarr_store::Entry;

use super::documents::{NAMES, Nodes};
use super::finding::Finding;
use super::keys;
use super::rules::*;
use super::tree::above;
use crate::documents::{Wanted, key_of, relative};
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
        let lost;
        let group = match &node.metadata {
            Some(NodeMetadata::Group(group)) => group,
            None if !node.is_node() && node.has(v2::CONSOLIDATED_NAME) => {
                let Some(group) = lost_group(hierarchy, path).await else {
                    continue;
                };
                let message = format!("no document; {} holds a copy", v2::CONSOLIDATED_NAME);
                let key = path.prefix() + v2::GROUP_NAME;
                findings.push(MISSING_DOCUMENT.at(path, message).key(key));
                restored.insert(path.clone(), group.clone().into());
                lost = group;
                &lost
            }
            _ => continue,
        };
        let stored;
        let (copies, key) = if group.zarr_2().is_none() {
            check_form(path, group.members(), findings);
            (group.consolidated(), path.metadata_key())
        } else if node.has(v2::CONSOLIDATED_NAME) {
            let key = path.prefix() + v2::CONSOLIDATED_NAME;
            stored = zarr_2(hierarchy, path, group, &key, findings).await;
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

/// Reads the copy that `.zmetadata` holds of the documents of its own group.
async fn lost_group(hierarchy: &Hierarchy, path: &NodePath) -> Option<GroupMetadata> {
    let key = path.prefix() + v2::CONSOLIDATED_NAME;
    let text = hierarchy.text(&key).await.ok()??.0;
    let document: Value = serde_json::from_slice(&text).ok()?;
    let entries = document.get("metadata")?;
    let is_group = entries.get(v2::GROUP_NAME)?.get("zarr_format")? == 2;
    let attributes = match entries.get(v2::ATTRIBUTES_NAME) {
        Some(copy) => {
            Attributes::parse_with(copy.to_string().as_bytes(), Strictness::Strict).ok()?
        }
        None => Attributes::default(),
    };
    let group = GroupMetadata::default().with_attributes(attributes).ok()?;
    match v2::to_v2(&group.into()).ok()? {
        NodeMetadata::Group(group) if is_group => Some(group),
        _ => None,
    }
}

/// Returns the nearest copy of the document of a node with a key.
pub(super) async fn copy_of(
    hierarchy: &Hierarchy,
    path: &NodePath,
    key: &str,
) -> Option<NodeMetadata> {
    if key.ends_with(v2::GROUP_NAME)
        && let Some(group) = lost_group(hierarchy, path).await
    {
        return Some(group.into());
    }
    for group in above(path) {
        let stored = hierarchy.stored(&group, Wanted::Copies).await;
        let Ok(Some(NodeMetadata::Group(metadata))) =
            stored.map(|stored| stored.map(|stored| stored.metadata))
        else {
            continue;
        };
        let copies = metadata.consolidated();
        match copies.and_then(|copies| copies.get(relative(&group, path)).ok()?) {
            // The nodes that a group without copies shows are those in the store.
            Some(NodeMetadata::Group(group)) => {
                return Some(group.with_consolidated(None).ok()?.into());
            }
            Some(array) => return Some(array),
            None => {}
        }
    }
    None
}

/// Reads `.zmetadata`.
async fn zarr_2(
    hierarchy: &Hierarchy,
    path: &NodePath,
    group: &GroupMetadata,
    key: &str,
    findings: &mut Vec<Finding>,
) -> Option<ConsolidatedMetadata> {
    let strictness = hierarchy.registry().strictness();
    let text = match hierarchy.text(key).await {
        Ok(text) => text?.0,
        Err(error) => {
            findings.push(UNREADABLE.at(path, error.to_string()).key(key));
            return None;
        }
    };
    let parsed = ConsolidatedMetadata::parse_zarr_2(&text, strictness);
    if parsed.is_ok() {
        let found = |(rule, message): (&Rule, String)| rule.at(path, message).key(key);
        findings.extend(entries_of_zarr_2(group, &text).into_iter().map(found));
    }
    let invalid = |error: &zarr_core::Error| {
        findings.push(CONSOLIDATED_INVALID.at(path, error.to_string()).key(key));
    };
    parsed.inspect_err(invalid).ok()
}

/// Checks the entries of `.zmetadata` that describe the group itself or no node.
fn entries_of_zarr_2(group: &GroupMetadata, text: &[u8]) -> Vec<(&'static Rule, String)> {
    let document: Value = serde_json::from_slice(text).unwrap_or_default();
    let Some(entries) = document.get("metadata").and_then(Value::as_object) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    let copied = entries.get(v2::ATTRIBUTES_NAME);
    if attributes(group.members()) != copied.filter(|copied| !is_empty(copied)).cloned() {
        found.push((
            &CONSOLIDATED_STALE,
            "the copy of .zattrs differs".to_owned(),
        ));
    }
    let format = entries
        .get(v2::GROUP_NAME)
        .and_then(|group| group.get("zarr_format"));
    if format != Some(&Value::from(2)) {
        let message = "the copy of .zgroup is missing or differs".to_owned();
        found.push((&CONSOLIDATED_STALE, message));
    }
    for key in entries.keys() {
        let (directory, name) = key.rsplit_once('/').unwrap_or(("", key));
        let has = |name: &str| entries.contains_key(&format!("{directory}/{name}"));
        let (array, is_group) = (has(v2::ARRAY_NAME), has(v2::GROUP_NAME));
        match name {
            _ if !NAMES.contains(&name) || name == v2::CONSOLIDATED_NAME => {
                let message = format!("{key}: not the key of a document");
                found.push((&CONSOLIDATED_EXTRA_NODE, message));
            }
            _ if directory.is_empty() => {}
            v2::GROUP_NAME if array => {
                let message = format!("{directory}: copies of .zarray and .zgroup");
                found.push((&CONSOLIDATED_COPY_INVALID, message));
            }
            v2::ATTRIBUTES_NAME if !array && !is_group => {
                let message = format!("{directory}: a copy of .zattrs alone");
                found.push((&CONSOLIDATED_EXTRA_NODE, message));
            }
            _ => {}
        }
    }
    found
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
    let known = ["kind", "must_understand", "metadata"];
    if let Some((name, _)) = members.iter().find(|(name, _)| !known.contains(name)) {
        let message = format!("consolidated_metadata: unknown member {name:?}");
        let finding = UNKNOWN_MEMBER.at(path, message).key(path.metadata_key());
        let severity = Severity::Note;
        findings.push(Finding {
            severity,
            ..finding
        });
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
                Some(_) if !self.are_nested(name, &copy) => {
                    let message = "the consolidated metadata in the copy names other nodes";
                    findings.push(self.found(&CONSOLIDATED_STALE, &path, message));
                }
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

    /// Whether the copy of a group has consolidated metadata of its own with nodes that are not
    /// among the copies: most writers leave it out or empty.
    fn are_nested(&self, name: &str, copy: &NodeMetadata) -> bool {
        let NodeMetadata::Group(group) = copy else {
            return true;
        };
        let mut nested = group
            .consolidated()
            .into_iter()
            .flat_map(|copies| copies.paths());
        nested.all(|below| self.copies.contains(&format!("{name}/{below}")))
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
            && extensions(own.members()) == extensions(copy.members())
            && bound(own).is_some_and(|own| Some(own) == bound(copy))
    }

    /// Returns a finding in the group, about the copy of another node.
    fn found(&self, rule: &'static Rule, node: &NodePath, message: &str) -> Finding {
        let message = format!("{node}: {message}");
        rule.at(self.path, message).key(self.key)
    }
}

/// Returns the attributes in the members of a document, if there are any.
fn attributes(members: &Members) -> Option<Value> {
    let value: Value = serde_json::from_str(members.get("attributes")?.get()).ok()?;
    (!is_empty(&value)).then_some(value)
}

/// Returns the members of a document that belong to extensions of Zarr.
fn extensions(members: &Members) -> BTreeMap<&str, Value> {
    let own = |(_, value): &(&str, Value)| value.get("must_understand").is_some();
    let values = members.iter().filter_map(|(name, value)| {
        let value = serde_json::from_str(value.get()).ok()?;
        Some((name, value))
    });
    let extensions = values.filter(own);
    extensions
        .filter(|(name, _)| *name != "consolidated_metadata")
        .collect()
}

fn is_empty(attributes: &Value) -> bool {
    attributes.is_null()
        || attributes
            .as_object()
            .is_some_and(serde_json::Map::is_empty)
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
