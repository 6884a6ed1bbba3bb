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
//! chunks, `chunks` and `shard` check these. `rules` names the rules and `finding` reports them;
//! `plan` proposes repairs, `repair` runs them, `rebuild` makes whole shards, and `recover` takes
//! objects from another copy of the data. Memory holds the listing and the documents, and of the chunks as many bytes as [`limits`](crate::limits) allow in flight.

mod chunks;
mod copies;
mod documents;
mod errors;
mod finding;
mod keys;
mod names;
mod plan;
mod rebuild;
mod recover;
mod repair;
mod rules;
mod shard;
#[cfg(test)]
mod tests;
mod tree;

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
    // Without all keys, nothing can be called missing or superfluous.
    let Some(entries) = list(hierarchy, findings).await else {
        return report;
    };
    let nodes = documents::read(hierarchy, &entries, findings).await;
    let restored = copies::check(hierarchy, &nodes, &entries, findings).await;
    tree::check(&nodes, &restored, findings);
    unlisted(hierarchy, &nodes, findings).await;
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
    let chunks = &Chunks::new(hierarchy, options.deep);
    // A loop: with closures over borrowed arrays, this future would not be `Send`.
    let mut checks = Vec::new();
    for (path, entries) in owned {
        let metadata = nodes.get(path).and_then(|node| node.metadata.as_ref());
        if let Some(NodeMetadata::Array(array)) = metadata {
            checks.push(async move { chunks.array(path, array, &entries).await });
        }
    }
    let mut checks = stream::iter(checks).buffer_unordered(ARRAYS);
    while let Some(found) = checks.next().await {
        report.findings.extend(found.findings);
        report.chunks += found.chunks;
        report.inner_chunks += found.inner_chunks;
    }
    drop(checks);
    report.sort();
    report
}

/// Lists all objects, in order of key; `None` if the listing fails.
async fn list(hierarchy: &Hierarchy, findings: &mut Vec<Finding>) -> Option<Vec<Entry>> {
    let store = hierarchy.store();
    if !store.can_list() {
        findings.push(NO_LISTING.at(&NodePath::root(), NO_LISTING.about));
        return Some(unlistable(hierarchy).await);
    }
    let report = |error: &zarr_store::Error| {
        let finding = UNREADABLE.at(&NodePath::root(), error.to_string());
        findings.push(finding.key(error.key().unwrap_or_default()));
    };
    let listed = store.list("").try_collect::<Vec<_>>().await;
    let mut entries = listed.inspect_err(report).ok()?;
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
async fn unlisted(hierarchy: &Hierarchy, nodes: &documents::Nodes, findings: &mut Vec<Finding>) {
    let Some(local) = hierarchy.store().as_local().cloned() else {
        return;
    };
    let Ok(Ok(unlisted)) = compute(move || local.unlisted()).await else {
        return;
    };
    for (key, kind) in unlisted {
        let node = keys::directories(&key).find_map(|above| {
            let path = NodePath::parse(above).ok()?;
            nodes.get_key_value(&path)
        });
        let root = NodePath::root();
        let path = node.map_or(&root, |(path, _)| path);
        let rule = match kind {
            Unlisted::Lock => &UNLISTED_LEFTOVER,
            Unlisted::Other => &NOT_A_FILE,
            Unlisted::EmptyDirectory => {
                let array = node.and_then(|(_, node)| node.metadata.as_ref());
                match keys::is_object(hierarchy, path, array, &key) {
                    true => &DIRECTORY_AT_OBJECT,
                    false => &EMPTY_DIRECTORY,
                }
            }
        };
        findings.push(rule.at(path, rule.about).key(key));
    }
}
