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
    /// Writes an object of another copy of the data in place of a damaged or missing one.
    RestoreObject,
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
    /// Whether the action removes an object with content, so that it runs only with a backup.
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
    let mut actions = Actions::new();
    for finding in report.findings.iter().filter(|finding| finding.repairable) {
        let kind = super::rule(finding).and_then(kind);
        if let (Some(kind), Some(key)) = (kind, &finding.key) {
            add(&mut actions, kind, &finding.node, key, Some(finding.rule));
        }
    }
    with_versions(hierarchy, actions).await
}

/// Actions by kind and key.
pub(super) type Actions = BTreeMap<(ActionKind, String), Action>;

/// Adds an action, or a rule to it.
pub(super) fn add(
    actions: &mut Actions,
    kind: ActionKind,
    node: &NodePath,
    key: &str,
    rule: Option<&'static str>,
) {
    let action = actions.entry((kind, key.to_owned()));
    let action = action.or_insert_with(|| Action {
        kind,
        node: node.clone(),
        key: key.to_owned(),
        rules: Vec::new(),
        needs_backup: false,
        version: None,
    });
    let rule = rules().iter().find(|known| Some(known.name) == rule);
    if let Some(rule) = rule.filter(|rule| !action.rules.contains(&rule.name)) {
        action.rules.push(rule.name);
    }
}

/// Reads the versions of the objects that actions replace or remove.
pub(super) async fn with_versions(hierarchy: &Hierarchy, actions: Actions) -> Result<Vec<Action>> {
    let versions = stream::iter(actions.into_values()).map(|action| async move {
        use ActionKind::{CreateGroup, RemoveFile, RemoveObject, RestoreDocument, RestoreObject};
        if let CreateGroup | RestoreDocument = action.kind {
            return Ok::<_, Error>(Some(action));
        }
        if action.kind == RemoveFile {
            let local = hierarchy.store().as_local();
            let file = local.map(|local| local.root().join(&action.key).metadata());
            let has_content = |file: std::fs::Metadata| file.is_file() && file.len() > 0;
            let needs_backup = file.is_some_and(|file| file.is_ok_and(has_content));
            return Ok(Some(Action {
                needs_backup,
                ..action
            }));
        }
        // An object that is gone needs no repair.
        let info = hierarchy.store().head(&action.key).await?;
        if info.is_none() && action.kind == RestoreObject {
            return Ok(Some(action));
        }
        Ok(info.map(|info| Action {
            needs_backup: action.kind == RemoveObject && info.size > 0,
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
        Repair::Remove => ActionKind::RemoveObject,
        Repair::RemoveUnlisted => ActionKind::RemoveFile,
        Repair::Renew => ActionKind::RenewConsolidated,
        Repair::Restore => ActionKind::RestoreDocument,
        Repair::CreateGroup => ActionKind::CreateGroup,
        Repair::Rebuild => ActionKind::RebuildShard,
    })
}
