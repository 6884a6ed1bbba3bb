//! Checks a store against every rule of Zarr 3 and Zarr 2, and repairs what can be repaired
//! without a guess.
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! use zarr_engine::check::{self, CheckOptions};
//!
//! let hierarchy = zarr_engine::open("memory:")?;
//! hierarchy.create_group("", Default::default()).await?;
//! hierarchy.store().put("c/0/0", vec!["lost".into()], zarr_engine::store::Precondition::None).await?;
//! let report = check::check(&hierarchy, CheckOptions::default()).await;
//! assert_eq!(report.findings[0].rule, "chunk-without-array");
//! assert_eq!(report.findings[0].key.as_deref(), Some("c/0/0"));
//! # Ok::<(), zarr_engine::Error>(())
//! # }).unwrap();
//! ```
//!
//! One listing finds all objects. `documents` reads the documents, `copies` compares consolidated
//! metadata with them, `tree` checks the places of nodes, `keys` assigns all other objects to
//! chunks, `chunks` and `sharded` check these with `objects` and `shard`. `rules` names the rules
//! and `finding` reports them; `plan` proposes repairs, `repair` runs them, `rebuild` makes whole
//! shards, and `recover` takes objects from another copy of the data. Memory holds the listing and
//! the documents, and of the chunks as many bytes as [`limits`](crate::limits) allow in flight.

mod chunks;
mod copies;
mod documents;
mod errors;
mod finding;
mod keys;
mod names;
mod objects;
mod plan;
mod rebuild;
mod recover;
mod repair;
mod rules;
mod shard;
mod sharded;
#[cfg(test)]
mod tests;
mod tree;

use std::collections::{BTreeMap, BTreeSet};

use futures::stream::{self, StreamExt, TryStreamExt};
use zarr_core::NodePath;
use zarr_core::metadata::NodeMetadata;
use zarr_store::{Entry, Unlisted};

use self::chunks::Chunks;
pub use self::finding::{Finding, Report};
pub use self::plan::{Action, ActionKind, plan};
pub use self::recover::{Recover, plan_with_copy};
pub use self::repair::{Outcome, RepairOptions, Status, apply};
use self::rules::*;
pub use self::rules::{Rule, Severity, rules};
use crate::engine::compute;
use crate::hierarchy::Hierarchy;

/// The number of arrays checked concurrently.
const ARRAYS: usize = 16;

/// What to check.
#[derive(Clone, Copy, Debug, Default)]
pub struct CheckOptions {
    /// Whether to read and decode all chunks, rather than their sizes and shard indexes only.
    pub deep: bool,
}

/// Checks a hierarchy. Failures of the store become findings, too.
pub async fn check(hierarchy: &Hierarchy, options: CheckOptions) -> Report {
    let mut report = Report {
        store: hierarchy.store().location().to_owned(),
        deep: options.deep,
        ..Report::default()
    };
    let findings = &mut report.findings;
    let Some(entries) = list(hierarchy, findings).await else {
        return report;
    };
    // Without all keys, nothing can be called missing or superfluous.
    let is_partial = !findings.is_empty() && hierarchy.store().can_list();
    let nodes = documents::read(hierarchy, &entries, findings).await;
    let chunks = &Chunks::new(hierarchy, options.deep);
    let copies = copies::check(hierarchy, &nodes, &entries, findings).await;
    contradicted(chunks, &copies, &entries, findings).await;
    let restored = copies.into_keys().collect::<BTreeSet<_>>();
    tree::check(&nodes, &restored, findings);
    if !options.deep {
        match hierarchy.store().unreadable().await {
            Ok(objects) => findings.extend(objects.into_iter().map(|(key, error)| {
                let (path, _) = nearest(&nodes, &key);
                UNREADABLE.at(&path, error.to_string()).key(key)
            })),
            Err(error) => findings.push(UNREADABLE.at(&NodePath::root(), error.to_string())),
        }
    }
    unlisted(hierarchy, &nodes, &entries, findings).await;
    let is_restored =
        |directory: &str| NodePath::parse(directory).is_ok_and(|path| restored.contains(&path));
    let owned = keys::assign(&nodes, &entries, is_restored, findings);
    report.objects = entries.len() as u64;
    report.bytes = entries.iter().map(|entry| entry.size).sum();
    for node in nodes.values() {
        match &node.metadata {
            Some(NodeMetadata::Array(_)) => report.arrays += 1,
            Some(NodeMetadata::Group(_)) => report.groups += 1,
            None => {}
        }
    }
    let all = &entries;
    // A loop: with closures over borrowed arrays, this future would not be `Send`.
    let mut checks = Vec::new();
    for (path, entries) in owned {
        let metadata = nodes.get(path).and_then(|node| node.metadata.as_ref());
        if let Some(NodeMetadata::Array(array)) = metadata {
            checks.push(async move { (path, chunks.array(path, array, &entries, all).await) });
        }
    }
    let mut checks = stream::iter(checks).buffer_unordered(ARRAYS);
    let mut suspects = Vec::new();
    while let Some((path, found)) = checks.next().await {
        if found.is_suspect() {
            suspects.push(path.clone());
        }
        report.findings.extend(found.findings);
        report.chunks += found.chunks;
        report.inner_chunks += found.inner_chunks;
    }
    drop(checks);
    doubt(&mut report.findings, suspects, is_partial);
    report.sort();
    report
}

/// Takes away the repairs of missing documents whose copies do not agree with the stored chunks.
async fn contradicted(
    chunks: &Chunks<'_>,
    copies: &BTreeMap<NodePath, NodeMetadata>,
    entries: &[Entry],
    findings: &mut [Finding],
) {
    for (path, copy) in copies {
        let NodeMetadata::Array(array) = copy else {
            continue;
        };
        let own = keys::below(entries, path).iter();
        let own = own.filter(|entry| documents::document(&entry.key).is_none());
        let found = chunks
            .array(path, array, &own.collect::<Vec<_>>(), entries)
            .await;
        let rules = [CHUNK_OUTSIDE_GRID.name, CHUNK_KEY.name];
        let mut misplaced = found.findings.iter();
        if found.is_suspect() || misplaced.any(|finding| rules.contains(&finding.rule)) {
            let missing = findings.iter_mut();
            for finding in missing
                .filter(|finding| finding.rule == MISSING_DOCUMENT.name && finding.node == *path)
            {
                finding.repairable = false;
                finding.message += ", which does not agree with the stored chunks";
            }
        }
    }
}

/// Takes away the repairs that build on what may itself be the damage: consolidated metadata keeps
/// copies that differ from documents that are suspect or cannot be read, and nothing is repaired in
/// a store of which a part cannot be listed.
fn doubt(findings: &mut [Finding], mut suspects: Vec<NodePath>, is_partial: bool) {
    let of = |rule: &'static Rule| findings.iter().filter(move |found| found.rule == rule.name);
    let unreadable = of(&DIRECTORY_AT_OBJECT).filter(|found| {
        let key = found.key.as_deref().unwrap_or_default();
        let mut above = keys::directories(key).chain([key]);
        above.any(|key| documents::document(key).is_some())
    });
    suspects.extend(unreadable.map(|found| found.node.clone()));
    let is_suspect = |found: &&Finding| {
        let mut suspects = suspects.iter();
        suspects.any(|path| found.message.starts_with(&format!("{path}: ")))
    };
    let stale = of(&CONSOLIDATED_STALE).filter(is_suspect);
    let stale = stale.map(|found| found.node.clone()).collect::<Vec<_>>();
    // The document of an array may lie too deep, in the directory of its chunks.
    let misnamed = of(&CHUNK_KEY).map(|found| found.node.clone());
    let misnamed = misnamed.collect::<Vec<_>>();
    for found in findings {
        let prefix = found.node.prefix();
        let is_moved = found.rule == MISSING_GROUP.name
            && misnamed
                .iter()
                .any(|path| path.as_str().starts_with(&prefix));
        let is_renewed = rule(found).is_some_and(|rule| rule.repair == Repair::Renew);
        if is_partial || is_moved || (is_renewed && stale.contains(&found.node)) {
            found.repairable = false;
        }
    }
}

/// Returns the rule of a finding.
fn rule(finding: &Finding) -> Option<&'static Rule> {
    rules()
        .iter()
        .find(|rule| rule.name == finding.rule)
        .copied()
}

/// Lists all objects, in order of key; `None` if the listing fails.
async fn list(hierarchy: &Hierarchy, findings: &mut Vec<Finding>) -> Option<Vec<Entry>> {
    let store = hierarchy.store();
    if !store.can_list() {
        findings.push(NO_LISTING.at(&NodePath::root(), NO_LISTING.about));
        return Some(unlistable(hierarchy).await);
    }
    let mut report = |error: &zarr_store::Error| {
        let finding = UNREADABLE.at(&NodePath::root(), error.to_string());
        findings.push(finding.key(error.key().unwrap_or_default()));
    };
    let mut entries = match store.as_local().cloned() {
        Some(local) => {
            let (entries, errors) = compute(move || local.list_readable()).await.ok()?;
            errors.iter().for_each(&mut report);
            entries
        }
        None => {
            let listed = store.list("").try_collect::<Vec<_>>().await;
            listed.inspect_err(report).ok()?
        }
    };
    entries.sort_unstable();
    Some(entries)
}

/// Returns the documents at the root of a store that cannot list, and those that its consolidated
/// metadata names.
async fn unlistable(hierarchy: &Hierarchy) -> Vec<Entry> {
    let mut paths = vec![String::new()];
    if let Ok(group) = hierarchy.group("").await {
        let copies = group.metadata().consolidated().cloned();
        let below = copies.iter().flat_map(|copies| copies.paths());
        paths.extend(below.map(|path| format!("{path}/")));
    }
    let keys = paths.iter().flat_map(|prefix| {
        let names = documents::NAMES.iter();
        names.map(move |name| format!("{prefix}{name}"))
    });
    let sizes = stream::iter(keys.collect::<Vec<_>>()).map(|key| async move {
        let size = hierarchy.store().size(&key).await.ok()??;
        Some(Entry { key, size })
    });
    let sizes = sizes.buffered(documents::AT_ONCE);
    let mut entries = sizes
        .filter_map(async |entry| entry)
        .collect::<Vec<_>>()
        .await;
    entries.sort_unstable();
    entries
}

/// Reports what lies in a local directory and is not an object.
async fn unlisted(
    hierarchy: &Hierarchy,
    nodes: &documents::Nodes,
    entries: &[Entry],
    findings: &mut Vec<Finding>,
) {
    let Some(local) = hierarchy.store().as_local().cloned() else {
        return;
    };
    let Ok(Ok(unlisted)) = compute(move || local.unlisted()).await else {
        return;
    };
    for (key, kind) in unlisted {
        let (path, array) = nearest(nodes, &key);
        let rule = match kind {
            Unlisted::Lock => {
                findings.push(keys::of_lock(hierarchy, &path, array, &key, entries));
                continue;
            }
            Unlisted::Other => &NOT_A_FILE,
            Unlisted::EmptyDirectory => match keys::is_object(hierarchy, &path, array, &key) {
                true => &DIRECTORY_AT_OBJECT,
                false => &EMPTY_DIRECTORY,
            },
        };
        findings.push(rule.at(&path, rule.about).key(key));
    }
}

/// Returns the nearest node above a key, or the root, and its metadata.
fn nearest<'a>(nodes: &'a documents::Nodes, key: &str) -> (NodePath, Option<&'a NodeMetadata>) {
    let node = keys::directories(key).find_map(|above| {
        let path = NodePath::parse(above).ok()?;
        Some((path.clone(), nodes.get(&path)?.metadata.as_ref()))
    });
    node.unwrap_or((NodePath::root(), None))
}
