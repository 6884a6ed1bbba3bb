//! Takes objects and inner chunks from another copy of the data, if they are whole there and both
//! arrays store their chunks alike.

use std::collections::BTreeSet;

use bytes::Bytes;
use zarr_core::metadata::NodeMetadata;
use zarr_core::{ArrayLayout, NodePath};
use zarr_store::ByteRange;

use super::chunks::Chunks;
use super::documents::{self, NAMES, document};
use super::finding::Report;
use super::names::chunk_like;
use super::plan::{Action, ActionKind, Actions, add, plan, with_versions};
use super::rules::*;
use super::shard::Shard;
use super::{keys, list};
use crate::array::{StoredChunk, encoding_text};
use crate::error::Result;
use crate::hierarchy::Hierarchy;

/// What to take from another copy of the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recover {
    /// What is damaged: documents, chunks, shards, inner chunks.
    Damaged,
    /// Documents, chunks and inner chunks that only the copy has, too. Data that was deleted on
    /// purpose comes back.
    Missing,
}

/// Plans repairs like [`plan`], with those that take objects from another copy of the data: give
/// [`apply`](super::apply) the same copy. Lists both stores for [`Recover::Missing`].
///
/// # Errors
/// [`Error::Store`](crate::Error::Store) if a store does not tell the version of an object.
pub async fn plan_with_copy(
    hierarchy: &Hierarchy,
    report: &Report,
    copy: &Hierarchy,
    recover: Recover,
) -> Result<Vec<Action>> {
    let planned = plan(hierarchy, report).await?;
    let mut actions = Actions::new();
    for finding in &report.findings {
        let Some(key) = &finding.key else { continue };
        let lost = [ROOT_WITHOUT_GROUP.name, MISSING_GROUP.name];
        let blocked = [&UNREADABLE, &DIRECTORY_AT_OBJECT, &NOT_A_FILE, &NODE_NAME];
        let blocked = blocked.map(|rule| rule.name);
        let wanted = match chunk_like(key) {
            _ if lost.contains(&finding.rule) => vec![key.clone()],
            Some((directory, _)) if finding.rule == CHUNK_WITHOUT_ARRAY.name => {
                let path = NodePath::parse(directory)?;
                NAMES.map(|name| path.prefix() + name).to_vec()
            }
            _ if finding.repairable || finding.severity != Severity::Error => continue,
            // No object can be put there.
            _ if blocked.contains(&finding.rule) => continue,
            _ => vec![key.clone()],
        };
        for key in wanted {
            if matches!(copy.store().size(&key).await, Ok(Some(_))) {
                let kind = ActionKind::RestoreObject;
                add(&mut actions, kind, &finding.node, &key, Some(finding.rule));
            }
        }
    }
    if recover == Recover::Missing {
        missing(hierarchy, copy, &mut actions).await;
    }
    let restored = actions.keys().map(|(_, key)| key.clone());
    let restored = restored.collect::<BTreeSet<_>>();
    let others = planned
        .into_iter()
        .filter(|action| action.kind != ActionKind::CreateGroup || !restored.contains(&action.key));
    let mut all = with_versions(hierarchy, actions).await?;
    all.extend(others);
    all.sort_by(|a, b| (a.kind, &a.key).cmp(&(b.kind, &b.key)));
    all.dedup_by(|a, b| (a.kind, &a.key) == (b.kind, &b.key));
    Ok(all)
}

/// Plans to take what only the copy has.
async fn missing(hierarchy: &Hierarchy, copy: &Hierarchy, actions: &mut Actions) {
    let (Some(ours), Some(theirs)) = (
        list(hierarchy, &mut Vec::new()).await,
        list(copy, &mut Vec::new()).await,
    ) else {
        return;
    };
    let ours = ours.into_iter().map(|entry| entry.key);
    let ours = ours.collect::<BTreeSet<_>>();
    let nodes = documents::read(copy, &theirs, &mut Vec::new()).await;
    let lost = theirs.iter().filter(|entry| !ours.contains(&entry.key));
    for entry in lost {
        let directory = document(&entry.key).map(|(directory, _)| NodePath::parse(directory));
        if let Some(Ok(node)) = directory {
            add(actions, ActionKind::RestoreObject, &node, &entry.key, None);
        }
    }
    for (path, entries) in keys::assign(&nodes, &theirs, |_| false, &mut Vec::new()) {
        let Some(NodeMetadata::Array(array)) = &nodes[path].metadata else {
            continue;
        };
        let Ok(layout) = ArrayLayout::bind(array, copy.registry()) else {
            continue;
        };
        for (indices, entry) in keys::chunks(path, &layout, &entries, &theirs, &mut Vec::new()) {
            let kind = match ours.contains(&entry.key) {
                false => ActionKind::RestoreObject,
                true if lacks(hierarchy, copy, path, indices, &entry.key).await => {
                    ActionKind::RebuildShard
                }
                true => continue,
            };
            let rule = (kind == ActionKind::RebuildShard).then_some(INNER_CHUNKS_MISSING.name);
            add(actions, kind, path, &entry.key, rule);
        }
    }
}

/// Whether a shard lacks inner chunks that the shard of the copy has.
async fn lacks(
    hierarchy: &Hierarchy,
    copy: &Hierarchy,
    path: &NodePath,
    indices: Vec<u64>,
    key: &str,
) -> bool {
    let inner = async |hierarchy: &Hierarchy| {
        let array = hierarchy.array(path.as_str()).await.ok()?;
        let chunk = StoredChunk::new(indices.clone(), key.to_owned(), 0);
        Some(array.stored_shard(&chunk).await.ok()??.inner)
    };
    let Some((ours, theirs)) = inner(hierarchy).await.zip(inner(copy).await) else {
        return false;
    };
    let mut both = ours.iter().zip(&theirs);
    both.any(|(ours, theirs)| ours.is_none() && theirs.is_some())
}

/// Returns an object of the copy if it is a valid document, or a whole chunk of an array that is
/// stored alike.
pub(super) async fn whole_object(
    hierarchy: &Hierarchy,
    copy: &Hierarchy,
    node: &NodePath,
    key: &str,
) -> Option<Bytes> {
    let body = copy.store().get(key, &ByteRange::All, None).await.ok()??;
    if let Some((directory, _)) = document(key) {
        let metadata = copy.any_document(&NodePath::parse(directory).ok()?).await;
        if let NodeMetadata::Array(array) = metadata.ok()?? {
            ArrayLayout::bind(&array, copy.registry()).ok()?;
        }
        return Some(body.bytes);
    }
    let layout = common_layout(hierarchy, copy, node).await?;
    let cell = layout.cell_of_key(&node.prefix(), key)?;
    let chunks = Chunks::new(copy, true);
    let object = (key, body.object_size);
    let is_whole = chunks.is_whole(node, &layout, &cell, object).await;
    is_whole.then_some(body.bytes)
}

/// Returns an inner chunk of the copy, if it is whole there.
pub(super) async fn whole_inner_chunk(
    hierarchy: &Hierarchy,
    copy: &Hierarchy,
    action: &Action,
    shard: &Shard,
    cell: &[u64],
    position: usize,
) -> Option<Bytes> {
    common_layout(hierarchy, copy, &action.node).await?;
    let array = copy.array(action.node.as_str()).await.ok()?;
    let inner = shard.cells_of(position).pop()?;
    let chunk = array.chunk(cell).ok()?.inner_chunk(&inner).ok()?;
    let bytes = chunk.encoded().await.ok()??;
    let decoded = shard.sharding().inner().decode_chunk(&bytes);
    decoded.is_ok().then_some(bytes)
}

/// Returns the layout of an array, if the array of the copy is stored alike.
async fn common_layout(
    hierarchy: &Hierarchy,
    copy: &Hierarchy,
    node: &NodePath,
) -> Option<ArrayLayout> {
    let array = async |hierarchy: &Hierarchy| match hierarchy.any_document(node).await.ok()?? {
        NodeMetadata::Array(array) => Some(array),
        NodeMetadata::Group(_) => None,
    };
    let (ours, theirs) = (array(hierarchy).await?, array(copy).await?);
    let is_alike = ours.shape() == theirs.shape()
        && encoding_text(&ours).ok()? == encoding_text(&theirs).ok()?;
    let layout = ArrayLayout::bind(&ours, hierarchy.registry()).ok()?;
    is_alike.then_some(layout)
}
