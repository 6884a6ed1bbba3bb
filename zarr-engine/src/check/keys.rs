//! Rules about keys: which array an object belongs to, and which chunk of it.

use std::collections::BTreeMap;

use zarr_core::metadata::{NodeMetadata, v2};
use zarr_core::{ArrayLayout, METADATA_NAME, NodePath};
use zarr_store::Entry;

use super::documents::{Nodes, document};
use super::finding::Finding;
use super::names::{Leftover, chunk_like, in_hidden_folder, leftover, targets};
use super::rules::*;
use crate::hierarchy::Hierarchy;

/// The objects of each valid array, other than its documents.
pub(super) type Owned<'a> = BTreeMap<&'a NodePath, Vec<&'a Entry>>;

/// Assigns all objects to arrays, and reports objects that belong to none.
pub(super) fn assign<'a>(
    nodes: &'a Nodes,
    entries: &'a [Entry],
    is_restored: impl Fn(&str) -> bool,
    findings: &mut Vec<Finding>,
) -> Owned<'a> {
    let by_text = nodes
        .iter()
        .map(|(path, node)| (path.as_str(), (path, node)));
    let by_text = by_text.collect::<std::collections::HashMap<_, _>>();
    let mut owned = Owned::new();
    let mut homeless = BTreeMap::<&str, (&NodePath, &Entry, u64)>::new();
    let root = NodePath::root();
    for entry in entries
        .iter()
        .filter(|entry| document(&entry.key).is_none())
    {
        let owner = directories(&entry.key).find_map(|above| by_text.get(above));
        let (path, node) = owner.map_or((&root, None), |(path, node)| (*path, Some(node)));
        match node.map(|node| &node.metadata) {
            Some(Some(NodeMetadata::Array(_))) => {
                // The key is one of `nodes`, which outlives the root above.
                let (path, _) = owner.expect("the node was found");
                owned.entry(*path).or_default().push(entry);
            }
            // The document is invalid: what belongs to the node is unknown.
            Some(None) if leftover(relative(path, &entry.key)).is_none() => {}
            _ => match outside_arrays(path, entry, entries) {
                Ok(finding) => findings.push(finding),
                Err(directory) if is_restored(directory) => {}
                Err(directory) => {
                    let found = homeless.entry(directory).or_insert((path, entry, 0));
                    found.2 += 1;
                }
            },
        }
    }
    for (directory, (path, entry, count)) in homeless {
        let message = format!("{count} objects like chunks, but no array at \"/{directory}\"");
        findings.push(CHUNK_WITHOUT_ARRAY.at(path, message).key(&entry.key));
    }
    owned
}

/// Returns the directories above a key, nearest first, ending with the root.
pub(super) fn directories(key: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(key), |path| {
        let above = path.rsplit_once('/').map_or("", |(above, _)| above);
        (!path.is_empty()).then_some(above)
    })
    .skip(1)
}

/// Whether readers look for an object with this key: a document, or a chunk of the array around it.
pub(super) fn is_object(
    hierarchy: &Hierarchy,
    path: &NodePath,
    metadata: Option<&NodeMetadata>,
    key: &str,
) -> bool {
    if document(key).is_some() {
        return true;
    }
    let Some(NodeMetadata::Array(array)) = metadata else {
        return false;
    };
    let layout = ArrayLayout::bind(array, hierarchy.registry());
    layout.is_ok_and(|layout| cell_inside(&layout, &path.prefix(), key).is_some())
}

/// Returns the cell of a key, if it lies inside the grid.
fn cell_inside(layout: &ArrayLayout, prefix: &str, key: &str) -> Option<Vec<u64>> {
    let counts = layout.grid().grid_shape(layout.shape());
    let cell = layout.cell_of_key(prefix, key)?;
    let is_inside = cell.iter().zip(&counts).all(|(index, count)| index < count);
    is_inside.then_some(cell)
}

/// Reports an object outside of arrays, or returns the directory of the array whose chunk it may
/// be.
fn outside_arrays<'a>(
    path: &NodePath,
    entry: &'a Entry,
    entries: &[Entry],
) -> Result<Finding, &'a str> {
    let is_document = |name| [METADATA_NAME, v2::ARRAY_NAME, v2::GROUP_NAME].contains(&name);
    let mut above = entry.key.split('/').rev().skip(1);
    if let Some(name) = above.find(|name| is_document(name)) {
        let message = format!("{name} is a directory");
        return Ok(DIRECTORY_AT_OBJECT.at(path, message).key(&entry.key));
    }
    let found = leftover(relative(path, &entry.key));
    if let Some(finding) =
        found.and_then(|found| of_leftover(path, &entry.key, found, None, entries))
    {
        return Ok(finding);
    }
    match chunk_like(&entry.key) {
        Some((directory, _)) => Err(directory),
        None => {
            let message = format!("{} bytes that are part of no node", entry.size);
            Ok(OTHER_OBJECT.at(path, message).key(&entry.key))
        }
    }
}

/// Returns a key relative to a node above it.
fn relative<'k>(path: &NodePath, key: &'k str) -> &'k str {
    key.strip_prefix(&path.prefix()).unwrap_or(key)
}

/// Reports a leftover in a node: an array, if it has a layout. Outside of arrays, a name that users
/// choose, too, is not reported, unless it is made of the name of an object. A leftover that may be
/// the only copy of an object stays.
pub(super) fn of_leftover(
    path: &NodePath,
    key: &str,
    found: Leftover,
    layout: Option<&ArrayLayout>,
    entries: &[Entry],
) -> Option<Finding> {
    let is_object = |key: &String| {
        document(key).is_some()
            || match layout {
                Some(layout) => cell_inside(layout, &path.prefix(), key).is_some(),
                None => chunk_like(key).is_some(),
            }
    };
    let targets = targets(key).filter(is_object).collect::<Vec<_>>();
    if !found.is_certain && layout.is_none() && targets.is_empty() {
        return None;
    }
    let has = |key: &String| entries.binary_search_by(|entry| entry.key.cmp(key)).is_ok();
    let finding = found.rule.at(path, found.rule.about).key(key);
    Some(match targets.last() {
        Some(target) if !targets.iter().any(has) => Finding {
            message: format!("{}; {target:?} is missing", found.rule.about),
            ..finding.unrepairable()
        },
        _ => finding,
    })
}

/// Reports a lock file or staged file.
pub(super) fn of_lock(
    hierarchy: &Hierarchy,
    path: &NodePath,
    metadata: Option<&NodeMetadata>,
    key: &str,
    entries: &[Entry],
) -> Finding {
    let layout = match metadata {
        Some(NodeMetadata::Array(array)) => ArrayLayout::bind(array, hierarchy.registry()).ok(),
        _ => None,
    };
    let (rule, is_certain) = (&UNLISTED_LEFTOVER, false);
    let found = of_leftover(
        path,
        key,
        Leftover { rule, is_certain },
        layout.as_ref(),
        entries,
    );
    found.unwrap_or_else(|| OTHER_OBJECT.at(path, OTHER_OBJECT.about).key(key))
}

/// Returns the part of the listing, which is sorted, below a path.
pub(super) fn below<'a>(entries: &'a [Entry], path: &NodePath) -> &'a [Entry] {
    let prefix = path.prefix();
    let first = entries.partition_point(|entry| entry.key < prefix);
    let below = entries[first..].partition_point(|entry| entry.key.starts_with(&prefix));
    &entries[first..first + below]
}

/// Returns the stored chunks of an array, and reports its other objects. `all` is the listing.
pub(super) fn chunks<'a>(
    path: &NodePath,
    layout: &ArrayLayout,
    entries: &[&'a Entry],
    all: &[Entry],
    findings: &mut Vec<Finding>,
) -> Vec<(Vec<u64>, &'a Entry)> {
    let prefix = path.prefix();
    let counts = layout.grid().grid_shape(layout.shape());
    let is_inside = |cell: &[u64]| cell.iter().zip(&counts).all(|(index, count)| index < count);
    let is_numbered = |key: &str| {
        targets(key).any(|first| {
            let is_stored = all.binary_search_by(|entry| entry.key.cmp(&first)).is_ok();
            is_stored && cell_inside(layout, &prefix, &first).is_some()
        })
    };
    let mut chunks = Vec::new();
    let mut misnamed: Option<(&Entry, u64)> = None;
    for &entry in entries {
        let key = entry.key.as_str();
        let relative = relative(path, key);
        let leftover = leftover(relative);
        let cell = layout.cell_of_key(&prefix, key);
        let is_in_chunk =
            || directories(key).any(|above| cell_inside(layout, &prefix, above).is_some());
        match cell {
            Some(cell) if is_inside(&cell) => chunks.push((cell, entry)),
            Some(cell) => {
                let message = format!("chunk {cell:?} is outside the grid of shape {counts:?}");
                findings.push(CHUNK_OUTSIDE_GRID.at(path, message).key(key));
            }
            None if let Some(found) = leftover => {
                findings.extend(of_leftover(path, key, found, Some(layout), all));
            }
            None if in_hidden_folder(relative) => {
                let message = "an object in a hidden folder, perhaps one being moved or deleted";
                let finding = SYSTEM_LEFTOVER.at(path, message).key(key);
                findings.push(finding.unrepairable());
            }
            // Downloaders that do not overwrite number the second copy of an object.
            None if chunk_like(relative).is_some() && !is_numbered(key) => {
                misnamed = Some(misnamed.map_or((entry, 1), |(first, count)| (first, count + 1)));
            }
            None if is_in_chunk()
                || outside_arrays(path, entry, all)
                    .is_ok_and(|finding| finding.rule == DIRECTORY_AT_OBJECT.name) =>
            {
                let message = "a directory lies where an object is expected";
                findings.push(DIRECTORY_AT_OBJECT.at(path, message).key(key));
            }
            None => {
                let first = layout.key(&prefix, &vec![0; counts.len()]);
                let is_directory = |rest: &str| rest.starts_with('/');
                let rule = match relative {
                    _ if first.strip_prefix(key).is_some_and(is_directory) => &FILE_AT_DIRECTORY,
                    // The document of N5, in arrays that are readable as both.
                    "attributes.json" => &OTHER_OBJECT,
                    _ => &STRAY_OBJECT,
                };
                let message = format!("{} bytes that are not a chunk", entry.size);
                findings.push(rule.at(path, message).key(key));
            }
        }
    }
    if let Some((entry, count)) = misnamed {
        let first = layout.key(&prefix, &vec![0; counts.len()]);
        let message = format!("{count} objects like chunks, but the first chunk is {first:?}");
        findings.push(CHUNK_KEY.at(path, message).key(&entry.key));
    }
    chunks
}
