//! Runs the actions of a plan, each on condition that its object is unchanged since the plan.

use bytes::Bytes;
use serde::Serialize;
use zarr_core::metadata::{ConsolidatedMetadata, GroupMetadata, NodeMetadata, v2};
use zarr_core::{ArrayLayout, METADATA_NAME, NodePath};
use zarr_store::{ByteRange, ErrorKind, Precondition, Store, Version};

use super::copies::{below, copy_of};
use super::plan::{Action, ActionKind};
use super::rebuild::rebuild;
use super::recover::{whole_inner_chunk, whole_object};
use super::rules::INNER_CHUNKS_MISSING;
use super::shard::Shard;
use super::{documents, keys, list};
use crate::documents::{key_of, relative};
use crate::engine::compute;
use crate::error::{Error, Result};
use crate::hierarchy::Hierarchy;

/// Where repairs keep old objects, and where they find whole ones.
#[derive(Clone, Debug, Default)]
pub struct RepairOptions {
    /// The store that receives every object before it is replaced or removed, under its key.
    pub backup: Option<Store>,
    /// Another copy of the data, from which objects and inner chunks are taken if they are whole
    /// there.
    pub other_copy: Option<Hierarchy>,
}

/// How an action ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// The store is repaired.
    Done,
    /// Nothing was changed: the object has changed since the plan, or the repair would be a guess.
    Skipped,
    /// The store failed.
    Failed,
}

/// The result of an action.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Outcome {
    /// The action.
    #[serde(flatten)]
    pub action: Action,
    /// How it ended.
    pub status: Status,
    /// Why it did not end well.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// The damaged inner chunks that a rebuilt shard lacks, by their indices in each shard.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dropped: Vec<Vec<Vec<u64>>>,
    /// The inner chunks taken from the other copy.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub recovered: Vec<Vec<u64>>,
}

/// An action that did not succeed.
enum Failure {
    Skipped(String),
    Failed(Error),
}

impl<E: Into<Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        let error = error.into();
        match &error {
            Error::Store(source)
                if matches!(source.kind(), ErrorKind::Conflict | ErrorKind::Changed) =>
            {
                Self::Skipped(error.to_string())
            }
            _ => Self::Failed(error),
        }
    }
}

type Done<T = ()> = Result<T, Failure>;

fn skip<T>(reason: impl Into<String>) -> Done<T> {
    Err(Failure::Skipped(reason.into()))
}

/// Runs actions in order. An action whose object has changed since the plan is skipped.
pub async fn apply(
    hierarchy: &Hierarchy,
    actions: Vec<Action>,
    options: &RepairOptions,
) -> Vec<Outcome> {
    let repair = Repair { hierarchy, options };
    let mut outcomes = Vec::new();
    for action in actions {
        let mut outcome = Outcome {
            action,
            status: Status::Done,
            reason: String::new(),
            dropped: Vec::new(),
            recovered: Vec::new(),
        };
        let action = outcome.action.clone();
        match repair.run(&action, &mut outcome).await {
            Ok(()) => {}
            Err(Failure::Skipped(reason)) => {
                (outcome.status, outcome.reason) = (Status::Skipped, reason);
            }
            Err(Failure::Failed(error)) => {
                (outcome.status, outcome.reason) = (Status::Failed, error.to_string());
            }
        }
        outcomes.push(outcome);
    }
    hierarchy.documents.clear();
    outcomes
}

struct Repair<'a> {
    hierarchy: &'a Hierarchy,
    options: &'a RepairOptions,
}

impl Repair<'_> {
    fn store(&self) -> &Store {
        self.hierarchy.store()
    }

    async fn run(&self, action: &Action, outcome: &mut Outcome) -> Done {
        match action.kind {
            ActionKind::CreateGroup => self.create_group(action).await,
            ActionKind::RestoreDocument => self.restore(action).await,
            ActionKind::RestoreObject => self.restore_object(action).await,
            ActionKind::RebuildShard => self.rebuild(action, outcome).await,
            ActionKind::RemoveObject => self.remove(action).await,
            ActionKind::RemoveFile => self.remove_file(action).await,
            ActionKind::RenewConsolidated => self.renew(action).await,
        }
    }

    /// Reads the object of an action at the version of the plan.
    async fn planned(&self, action: &Action) -> Done<(Bytes, Version)> {
        let Some(version) = action.version.clone().filter(Version::is_known) else {
            return skip("the store tells no version of the object");
        };
        let read = self
            .store()
            .get(&action.key, &ByteRange::All, Some(&version));
        match read.await? {
            Some(body) if body.version == version => Ok((body.bytes, version)),
            Some(_) => skip("the object has changed since the plan"),
            None => skip("the object is gone"),
        }
    }

    /// Keeps an object before it is replaced or removed.
    async fn keep(&self, action: &Action, bytes: &Bytes) -> Done {
        let Some(backup) = &self.options.backup else {
            return match action.needs_backup {
                true => skip("the object has content, so it is removed only with a backup"),
                false => Ok(()),
            };
        };
        if action.kind == ActionKind::RemoveFile
            && let Some(local) = backup.as_local().cloned()
        {
            let (key, bytes) = (action.key.clone(), bytes.clone());
            return Ok(compute(move || local.keep_unlisted(&key, &bytes)).await??);
        }
        let put = backup.put(&action.key, vec![bytes.clone()], Precondition::IfAbsent);
        match put.await {
            Err(error) if error.kind() == ErrorKind::Conflict => {
                skip(format!("the backup has an object {:?} already", action.key))
            }
            put => Ok(put.map(drop)?),
        }
    }

    async fn remove(&self, action: &Action) -> Done {
        let (bytes, version) = self.planned(action).await?;
        self.keep(action, &bytes).await?;
        // Deletions are unconditional; the object may have changed during the backup.
        match self.store().head(&action.key).await? {
            Some(info) if info.version == version => Ok(self.store().delete(&action.key).await?),
            _ => skip("the object has changed since the plan"),
        }
    }

    async fn remove_file(&self, action: &Action) -> Done {
        let Some(local) = self.store().as_local().cloned() else {
            return skip("the store has no files");
        };
        let (job, key) = (local.clone(), action.key.clone());
        let content = compute(move || job.read_unlisted(&key)).await??;
        if !content.is_empty() {
            let needs_backup = true;
            let action = Action {
                needs_backup,
                ..action.clone()
            };
            self.keep(&action, &content.clone().into()).await?;
        }
        let key = action.key.clone();
        match compute(move || local.remove_unlisted(&key, &content)).await?? {
            true => Ok(()),
            false => skip("a writer holds the file, or it is gone"),
        }
    }

    async fn create_group(&self, action: &Action) -> Done {
        let mut group = NodeMetadata::from(GroupMetadata::default());
        if !action.key.ends_with(METADATA_NAME) {
            group = v2::to_v2(&group)?;
        }
        self.create(&action.node, &group).await
    }

    async fn restore(&self, action: &Action) -> Done {
        match copy_of(self.hierarchy, &action.node, &action.key).await {
            Some(copy) => self.create(&action.node, &copy).await,
            None => skip("no consolidated metadata holds a valid copy any more"),
        }
    }

    /// Puts the documents of a node that do not exist.
    async fn create(&self, path: &NodePath, node: &NodeMetadata) -> Done {
        let mut documents = vec![(key_of(path, node), node.members().to_text()?)];
        if let Some(document) = node.zarr_2() {
            documents[0].1 = document.to_text()?;
            if !node.attributes().is_empty() {
                let key = path.prefix() + v2::ATTRIBUTES_NAME;
                documents.push((key, node.attributes().to_text()?));
            }
        }
        for (key, text) in documents {
            let put = self
                .store()
                .put(&key, vec![text.into()], Precondition::IfAbsent);
            match put.await {
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                put => drop(put?),
            }
        }
        self.hierarchy.documents.clear();
        Ok(())
    }

    /// Puts the object of the other copy.
    async fn restore_object(&self, action: &Action) -> Done {
        let Some(other) = &self.options.other_copy else {
            return skip("no other copy is given");
        };
        let Some(bytes) = whole_object(self.hierarchy, other, &action.node, &action.key).await
        else {
            return skip("the other copy has no whole object of this key and layout");
        };
        let mut condition = Precondition::IfAbsent;
        if action.version.is_some() {
            let (old, version) = self.planned(action).await?;
            if old == bytes {
                return skip("the other copy has the same bytes");
            }
            self.keep(action, &old).await?;
            condition = Precondition::IfVersion(version);
        }
        self.store()
            .put(&action.key, vec![bytes], condition)
            .await?;
        self.hierarchy.engine().forget(&action.key, None);
        self.hierarchy.documents.clear();
        Ok(())
    }

    async fn rebuild(&self, action: &Action, outcome: &mut Outcome) -> Done {
        let (bytes, version) = self.planned(action).await?;
        let metadata = self.hierarchy.any_document(&action.node).await?;
        let Some(NodeMetadata::Array(array)) = metadata else {
            return skip("the array is gone");
        };
        let layout = ArrayLayout::bind(&array, self.hierarchy.registry())?;
        let cell = layout.cell_of_key(&action.node.prefix(), &action.key);
        let shard = cell.and_then(|cell| Some((Shard::new(&layout, &cell)?, cell)));
        let Some((shard, cell)) = shard else {
            return skip("the object is no shard of the array");
        };
        let (job, whole) = (shard.clone(), bytes.clone());
        let mut rebuilt = match compute(move || rebuild(&job, &whole)).await? {
            Ok(rebuilt) => rebuilt,
            Err(reason) if self.options.other_copy.is_none() => return skip(reason),
            Err(_) => return self.restore_object(action).await,
        };
        let mut wanted = rebuilt.dropped.clone();
        if action.rules.contains(&INNER_CHUNKS_MISSING.name) {
            let inner = rebuilt.inner.iter().enumerate();
            wanted.extend(inner.filter_map(|(position, inner)| {
                (inner.is_none() && shard.visible_in(position).is_some()).then_some(position)
            }));
            wanted.dedup();
        }
        for position in wanted {
            let Some(other) = &self.options.other_copy else {
                break;
            };
            let found = whole_inner_chunk(self.hierarchy, other, action, &shard, &cell, position);
            let Some(found) = found.await else {
                continue;
            };
            rebuilt.inner[position] = Some(found);
            let cells = shard.cells_of(position);
            rebuilt.cells.retain(|dropped| *dropped != cells);
            outcome.recovered.extend(cells);
        }
        let pieces = shard
            .sharding()
            .assemble(rebuilt.inner.into_iter().collect())?;
        let is_lossy = rebuilt.is_lossy || !rebuilt.cells.is_empty();
        if is_lossy && self.options.backup.is_none() {
            return skip("bytes may be lost, so the shard is rebuilt only with a backup");
        }
        self.keep(action, &bytes).await?;
        let put = self
            .store()
            .put(&action.key, pieces, Precondition::IfVersion(version));
        put.await?;
        let index = shard.sharding().index_range();
        self.hierarchy.engine().forget(&action.key, Some(index));
        outcome.dropped = rebuilt.cells;
        Ok(())
    }

    /// Writes the consolidated metadata of a group again. Copies of nodes whose own documents are
    /// damaged or missing, though they have objects, stay.
    async fn renew(&self, action: &Action) -> Done {
        let (old_text, version) = self.planned(action).await?;
        let path = &action.node;
        let Some(entries) = list(self.hierarchy, &mut Vec::new()).await else {
            return skip("the store cannot list");
        };
        let nodes = documents::read(self.hierarchy, &entries, &mut Vec::new()).await;
        let group = nodes.get(path).and_then(|node| node.metadata.clone());
        let Some(NodeMetadata::Group(group)) = group else {
            return skip("the document of the group is damaged");
        };
        let strictness = self.hierarchy.registry().strictness();
        let is_zarr_2 = group.zarr_2().is_some();
        let old = match is_zarr_2 {
            true => ConsolidatedMetadata::parse_zarr_2(&old_text, strictness).ok(),
            false => group.consolidated().cloned(),
        };
        let mut copies = match is_zarr_2 {
            true => ConsolidatedMetadata::new_zarr_2()?,
            false => ConsolidatedMetadata::new(),
        };
        for (node, metadata) in below(path, &nodes) {
            copies.insert(relative(path, node), metadata)?;
        }
        for name in old.iter().flat_map(ConsolidatedMetadata::paths) {
            let Some(Ok(Some(copy))) = old.as_ref().map(|old| old.get(name)) else {
                continue;
            };
            let node = NodePath::parse(&(path.prefix() + name))?;
            if !copies.contains(name) && !keys::below(&entries, &node).is_empty() {
                copies.insert(name, &copy)?;
            }
        }
        let text = match is_zarr_2 {
            true => copies.to_zarr_2_text(&group)?.unwrap_or_default(),
            false => group.with_consolidated(Some(copies))?.to_text()?,
        };
        self.keep(action, &old_text).await?;
        let put = self.store().put(
            &action.key,
            vec![text.into()],
            Precondition::IfVersion(version),
        );
        Ok(put.await.map(drop)?)
    }
}
