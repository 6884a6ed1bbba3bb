//! Plans repairs: one action for each object that a repair replaces, removes or creates.

use std::collections::BTreeMap;

use futures::stream::{self, StreamExt, TryStreamExt};
use serde::Serialize;
use zarr_core::NodePath;
use zarr_store::Version;

use super::documents::AT_ONCE;
use super::finding::{Report, shown};
use super::rules::{Repair, Rule, rules};
use crate::error::{Error, Result};
use crate::hierarchy::Hierarchy;

/// What an action does. Actions run in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ActionKind {
    /// Writes the document of a group without attributes.
    CreateGroup,
    /// Writes the document of a node from its copy in consolidated metadata.
    RestoreDocument,
    /// Writes a shard again from its whole inner chunks, without dead space.
    RebuildShard,
    /// Removes an object.
    RemoveObject,
    /// Removes a lock file that no writer holds, or an empty directory.
    RemoveFile,
    /// Writes consolidated metadata again, from the documents.
    RenewConsolidated,
}

/// A repair of one object, made by [`plan`] and run by [`apply`](super::apply).
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Action {
    /// What the action does.
    pub kind: ActionKind,
    /// The node concerned.
    #[serde(serialize_with = "shown")]
    pub node: NodePath,
    /// The key of the object.
    pub key: String,
    /// The rules whose findings the action repairs.
    pub rules: Vec<&'static str>,
    /// Whether the object holds data, so that it is removed only with a backup.
    pub needs_backup: bool,
    /// The version of the object when the plan was made; `None` for objects to be created.
    #[serde(skip)]
    pub(super) version: Option<Version>,
}

/// Plans the repairs of the findings of a check. Reads the version of each object concerned, and
/// changes nothing.
///
/// # Errors
/// [`Error::Store`](crate::Error::Store) if the store does not tell the version of an object.
pub async fn plan(hierarchy: &Hierarchy, report: &Report) -> Result<Vec<Action>> {
    let mut actions = BTreeMap::<(ActionKind, &str), Action>::new();
    for finding in report.findings.iter().filter(|finding| finding.repairable) {
        let rule = rules().iter().find(|rule| rule.name == finding.rule);
        let (Some(rule), Some(key)) = (rule, &finding.key) else {
            continue;
        };
        let Some(kind) = kind(rule) else {
            continue;
        };
        let action = actions.entry((kind, key)).or_insert_with(|| Action {
            kind,
            node: finding.node.clone(),
            key: key.clone(),
            rules: Vec::new(),
            needs_backup: rule.repair == Repair::RemoveData,
            version: None,
        });
        if !action.rules.contains(&rule.name) {
            action.rules.push(rule.name);
        }
    }
    let versions = stream::iter(actions.into_values()).map(|action| async move {
        use ActionKind::{CreateGroup, RemoveFile, RestoreDocument};
        if let CreateGroup | RestoreDocument | RemoveFile = action.kind {
            return Ok::<_, Error>(Some(action));
        }
        // An object that is gone needs no repair.
        let info = hierarchy.store().head(&action.key).await?;
        Ok(info.map(|info| Action {
            version: Some(info.version),
            ..action
        }))
    });
    let planned = versions.buffered(AT_ONCE).try_collect::<Vec<_>>().await?;
    Ok(planned.into_iter().flatten().collect())
}

fn kind(rule: &Rule) -> Option<ActionKind> {
    Some(match rule.repair {
        Repair::None => return None,
        Repair::Remove | Repair::RemoveData => ActionKind::RemoveObject,
        Repair::RemoveUnlisted => ActionKind::RemoveFile,
        Repair::Renew => ActionKind::RenewConsolidated,
        Repair::Restore => ActionKind::RestoreDocument,
        Repair::CreateGroup => ActionKind::CreateGroup,
        Repair::Rebuild => ActionKind::RebuildShard,
    })
}
