//! The copies of documents that groups above a node keep in their consolidated metadata: of this hierarchy and, on local disk, of the
//! one that its directory lies in.

use std::path::Path;

use zarr_core::metadata::{ConsolidatedMetadata, NodeMetadata, v2};
use zarr_core::{METADATA_NAME, NodePath};
use zarr_store::{ErrorKind, Store};

use super::{Wanted, relative};
use crate::error::{Error, Result};
use crate::hierarchy::Hierarchy;

/// The largest hierarchy that a hierarchy is known to be a part of.
struct Whole {
    hierarchy: Hierarchy,
    /// The path of the part.
    part: NodePath,
}

impl Whole {
    /// The path of a node of the part.
    fn path(&self, path: &NodePath) -> Result<NodePath> {
        Ok(self.part.join(path.as_str())?)
    }

    /// The path of a node of the part, and the groups above it, the nearest first.
    fn above(&self, path: &NodePath) -> Result<(NodePath, Vec<NodePath>)> {
        let path = self.path(path)?;
        let above = std::iter::successors(path.parent(), NodePath::parent).collect();
        Ok((path, above))
    }
}

impl Hierarchy {
    /// Takes a node and all below it out of the consolidated metadata of every group above. Returns the groups that had it, by
    /// their paths in the whole hierarchy, for [`Self::insert_copies`].
    pub(crate) async fn remove_copies(&self, path: &NodePath) -> Result<Vec<NodePath>> {
        let whole = self.whole()?;
        let (path, above) = whole.above(path)?;
        let mut had = Vec::new();
        for group in above {
            let relative = relative(&group, &path);
            let remove = |copies: &mut ConsolidatedMetadata| Ok(copies.remove(relative));
            if whole.hierarchy.change_copies(&group, remove).await? {
                had.push(group);
            }
        }
        Ok(had)
    }

    /// Renews the copies of a document that groups above have in their consolidated metadata.
    pub(crate) async fn renew_copies(
        &self,
        path: &NodePath,
        metadata: &NodeMetadata,
    ) -> Result<()> {
        let whole = self.whole()?;
        let (path, above) = whole.above(path)?;
        for group in above {
            let relative = relative(&group, &path);
            let renew = |copies: &mut ConsolidatedMetadata| {
                let found = copies.contains(relative);
                if found {
                    copies.insert(relative, metadata)?;
                }
                Ok(found)
            };
            whole.hierarchy.change_copies(&group, renew).await?;
        }
        Ok(())
    }

    /// [`Self::renew_copies`] after the document was changed: groups that the caller may not read cannot have been renewed by it
    /// either.
    pub(crate) async fn renew_copies_after(
        &self,
        path: &NodePath,
        metadata: &NodeMetadata,
    ) -> Result<()> {
        match self.renew_copies(path, metadata).await {
            Err(Error::Store(error)) if error.kind() == ErrorKind::PermissionDenied => Ok(()),
            result => result,
        }
    }

    /// Puts documents of a node and of what is below it into the consolidated metadata of these groups above, in place of those
    /// that they have.
    pub(crate) async fn insert_copies(
        &self,
        groups: &[NodePath],
        path: &NodePath,
        nodes: &[(NodePath, NodeMetadata)],
    ) -> Result<()> {
        let whole = self.whole()?;
        let path = whole.path(path)?;
        for group in groups {
            let insert = |copies: &mut ConsolidatedMetadata| {
                copies.remove(relative(group, &path));
                for (node, metadata) in nodes {
                    copies.insert(relative(group, &whole.path(node)?), metadata)?;
                }
                Ok(true)
            };
            whole.hierarchy.change_copies(group, insert).await?;
        }
        Ok(())
    }

    /// Renews the consolidated metadata of all groups above a node that was put into the store by its objects: they get its
    /// document and those of all nodes below it.
    ///
    /// # Errors
    /// [`Error::NodeNotFound`], and [`Error::Store`] where the store cannot list or write.
    pub async fn renew_copies_of(&self, path: &str) -> Result<()> {
        let path = NodePath::parse(path)?;
        self.documents.clear();
        let root = self.any_document(&path).await?;
        let mut nodes = vec![(path.clone(), root.ok_or_else(|| self.not_found(&path))?)];
        if let NodeMetadata::Group(_) = nodes[0].1 {
            nodes.extend(self.documents_within(&path).await?);
        }
        for (path, _) in &nodes {
            self.documents.note_stored(path);
        }
        let (_, above) = self.whole()?.above(&path)?;
        self.insert_copies(&above, &path, &nodes).await
    }

    async fn change_copies(
        &self,
        group: &NodePath,
        change: impl Fn(&mut ConsolidatedMetadata) -> Result<bool>,
    ) -> Result<bool> {
        let changed = self.update_if(group, Wanted::Copies, |metadata| {
            let NodeMetadata::Group(group) = metadata else {
                return Ok(None);
            };
            let Some(mut copies) = group.consolidated().cloned() else {
                return Ok(None);
            };
            match change(&mut copies)? {
                true => Ok(Some(group.with_consolidated(Some(copies))?.into())),
                false => Ok(None),
            }
        });
        Ok(changed.await?.is_some())
    }

    /// This hierarchy, or on local disk the one that the directories above its own belong to: those that have the document of a
    /// group, one above the other. Prefixes above the one of an object store are not ours to read.
    fn whole(&self) -> Result<Whole> {
        let alone = || Whole {
            hierarchy: self.clone(),
            part: NodePath::root(),
        };
        let Some(root) = self.store().as_local().map(|local| local.root().to_owned()) else {
            return Ok(alone());
        };
        let directories = root.ancestors().skip(1);
        let Some(outermost) = directories
            .take_while(|directory| is_group(directory))
            .last()
        else {
            return Ok(alone());
        };
        let inside = root.strip_prefix(outermost).ok().and_then(Path::to_str);
        let Some(part) = inside.and_then(|inside| NodePath::parse(inside).ok()) else {
            return Ok(alone());
        };
        let store = Store::local(outermost)?;
        let hierarchy = Self::new(store, self.registry().clone());
        Ok(Whole { hierarchy, part })
    }
}

/// Whether a directory has the document of a group, or one that could be.
fn is_group(directory: &Path) -> bool {
    [METADATA_NAME, v2::GROUP_NAME]
        .iter()
        .any(|name| directory.join(name).is_file())
}
