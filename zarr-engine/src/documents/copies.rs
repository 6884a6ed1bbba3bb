//! Updates the copies of documents in the consolidated metadata of groups above a node: groups of
//! this hierarchy and, on local disk, of the hierarchy that contains its directory.

use std::path::Path;

use zarr_core::metadata::{ConsolidatedMetadata, NodeMetadata, v2};
use zarr_core::{METADATA_NAME, NodePath};
use zarr_store::{ErrorKind, Store};

use super::{Wanted, relative};
use crate::error::{Error, Result};
use crate::hierarchy::Hierarchy;

/// The outermost hierarchy known to contain a hierarchy.
struct Whole {
    hierarchy: Hierarchy,
    /// The path of the contained hierarchy.
    part: NodePath,
}

impl Whole {
    /// Returns the path, in the whole hierarchy, of a node of the contained one.
    fn path(&self, path: &NodePath) -> Result<NodePath> {
        Ok(self.part.join(path.as_str())?)
    }

    /// Returns the path of a node in the whole hierarchy, and the groups above it, nearest first.
    fn above(&self, path: &NodePath) -> Result<(NodePath, Vec<NodePath>)> {
        let path = self.path(path)?;
        let above = std::iter::successors(path.parent(), NodePath::parent).collect();
        Ok((path, above))
    }
}

impl Hierarchy {
    /// Removes a node and everything below it from the consolidated metadata of every group above.
    /// Returns the paths, in the whole hierarchy, of the groups that listed the node, for
    /// [`Self::insert_copies`].
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

    /// Updates the existing copies of a document in the consolidated metadata of groups above.
    /// Returns whether a group above has a copy.
    pub(crate) async fn renew_copies(
        &self,
        path: &NodePath,
        metadata: &NodeMetadata,
    ) -> Result<bool> {
        let whole = self.whole()?;
        let (path, above) = whole.above(path)?;
        let mut renewed = Ok(false);
        for group in above {
            let relative = relative(&group, &path);
            let renew = |copies: &mut ConsolidatedMetadata| {
                let found = copies.contains(relative);
                if found {
                    copies.insert(relative, metadata)?;
                }
                Ok(found)
            };
            match whole.hierarchy.change_copies(&group, renew).await {
                // Other groups may be accessible.
                Err(Error::Store(error)) if error.kind() == ErrorKind::PermissionDenied => {
                    renewed = renewed.and(Err(error.into()));
                }
                found => {
                    let found = found?;
                    renewed = renewed.map(|before| before || found);
                }
            }
        }
        renewed
    }

    /// Changes a document like [`Self::update`], and then its copies. Succeeds if access to a group
    /// above is denied, because the caller cannot have updated that group's copies either.
    pub(crate) async fn change(
        &self,
        path: &NodePath,
        change: impl Fn(NodeMetadata) -> Result<NodeMetadata>,
    ) -> Result<NodeMetadata> {
        let changed = self.update(path, change).await?;
        let mut metadata = changed.clone();
        loop {
            let has_copies = match self.renew_copies(path, &metadata).await {
                Err(Error::Store(error)) if error.kind() == ErrorKind::PermissionDenied => false,
                renewed => renewed?,
            };
            if !has_copies {
                return Ok(changed);
            }
            // Another writer may have changed the document after this one, and renewed the copies
            // before this one did.
            match self.any_document(path).await? {
                Some(stored) if !stored.means_the_same(&metadata) => metadata = stored,
                _ => return Ok(changed),
            }
        }
    }

    /// Puts the documents of a node and of everything below it into the consolidated metadata of
    /// the given groups above, replacing existing copies.
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

    /// Updates the consolidated metadata of all groups above a node whose objects were put into the
    /// store directly: adds the documents of the node and of all nodes below it.
    ///
    /// # Errors
    /// [`Error::NodeNotFound`], and [`Error::Store`] if the store cannot list or write.
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

    /// Returns the outermost hierarchy that contains this one. On local disk, it starts at the
    /// outermost of the consecutive directories above that hold a group document. On object stores
    /// it is this hierarchy, because prefixes above it must not be read.
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

/// Returns whether a directory holds a file named like a group document.
fn is_group(directory: &Path) -> bool {
    [METADATA_NAME, v2::GROUP_NAME]
        .iter()
        .any(|name| directory.join(name).is_file())
}
