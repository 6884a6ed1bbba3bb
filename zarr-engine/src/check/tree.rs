//! Rules about the places of nodes: groups above them, arrays above them, names.

use std::collections::{BTreeMap, BTreeSet};

use zarr_core::metadata::{NodeMetadata, v2};
use zarr_core::{METADATA_NAME, NodePath};

use super::documents::{Node, Nodes};
use super::finding::Finding;
use super::rules::*;

/// Checks the places of all nodes. `restored` are the nodes without a document that consolidated
/// metadata can restore.
pub(super) fn check(nodes: &Nodes, restored: &BTreeSet<NodePath>, findings: &mut Vec<Finding>) {
    let real = nodes.iter().filter(|(_, node)| node.is_node());
    let real = real.collect::<BTreeMap<_, _>>();
    if real.is_empty() {
        findings.push(NO_NODE.at(&NodePath::root(), "no zarr.json, .zarray or .zgroup"));
    }
    let mut missing = BTreeMap::new();
    let mut names = BTreeMap::new();
    for (&path, node) in &real {
        let above = above(path).collect::<Vec<_>>();
        let array = above
            .iter()
            .find(|path| real.get(path).is_some_and(|node| node.is_array()));
        if let Some(array) = array {
            let message = format!("the node lies below the array {array}");
            findings.push(NODE_INSIDE_ARRAY.at(path, message));
            continue;
        }
        let nearest = above.iter().find_map(|path| real.get(path));
        if nearest.is_some_and(|group| {
            is_zarr_3(group) && is_zarr_2(node) || is_zarr_2(group) && is_zarr_3(node)
        }) {
            findings.push(MIXED_FORMATS.at(path, MIXED_FORMATS.about));
        }
        for group in above.iter().filter(|path| !real.contains_key(path)) {
            missing.entry(group.clone()).or_insert((path, *node));
        }
        check_name(path, &mut names, findings);
    }
    for (group, (below, node)) in missing {
        let nearest = above(&group).find_map(|path| real.get(&path));
        let rule = match nearest {
            _ if restored.contains(&group) => continue,
            _ if group.is_root() => &ROOT_WITHOUT_GROUP,
            Some(nearest) if !is_plate(nearest) => &MISSING_GROUP,
            _ => continue,
        };
        let name = match node.has(METADATA_NAME) {
            true => METADATA_NAME,
            false => v2::GROUP_NAME,
        };
        let message = format!("no document, though {below} lies below");
        let mut finding = rule.at(&group, message).key(group.prefix() + name);
        let mut highest = real
            .keys()
            .filter(|path| above(path).all(|path| !real.contains_key(&path)));
        // A folder or archive of stores is none itself.
        if group.is_root() && highest.all(|path| path.name().ends_with(".zarr")) {
            finding.severity = Severity::Note;
        }
        findings.push(finding);
    }
}

fn is_zarr_3(node: &Node) -> bool {
    node.has(METADATA_NAME) && !node.has(v2::ARRAY_NAME) && !node.has(v2::GROUP_NAME)
}

fn is_zarr_2(node: &Node) -> bool {
    !node.has(METADATA_NAME)
}

/// Whether a group is a plate of OME-Zarr: many writers create no groups for its rows.
fn is_plate(node: &Node) -> bool {
    let attributes = node.metadata.as_ref().map(NodeMetadata::attributes);
    attributes.is_some_and(|attributes| {
        let has = |name| attributes.get::<serde_json::Value>(name).ok().flatten();
        has("plate").is_some() || has("ome").is_some_and(|ome| ome.get("plate").is_some())
    })
}

/// Returns the paths above a path, nearest first.
pub(super) fn above(path: &NodePath) -> impl Iterator<Item = NodePath> {
    std::iter::successors(path.parent(), NodePath::parent)
}

fn check_name(
    path: &NodePath,
    names: &mut BTreeMap<String, NodePath>,
    findings: &mut Vec<Finding>,
) {
    if path.name().starts_with("__") {
        findings.push(RESERVED_NAME.at(path, "the name begins with __"));
    }
    if path.name().contains('\\') {
        let message = "some readers take the \\ in the name for a separator";
        let severity = Severity::Warning;
        findings.push(Finding {
            severity,
            ..NODE_NAME.at(path, message)
        });
    }
    let Some(parent) = path.parent() else {
        return;
    };
    let alike = parent.prefix() + &path.name().to_lowercase();
    if let Some(other) = names.insert(alike, path.clone()) {
        let message = format!("the name differs from that of {other} in case only");
        findings.push(NAMES_DIFFER_IN_CASE.at(path, message));
    }
}
