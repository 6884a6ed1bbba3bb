//! Zarr v2 nodes: `.zarray` or `.zgroup`, `.zattrs`, and the `.zmetadata` of a group with copies of
//! all documents below it.

use futures::try_join;
use zarr_core::metadata::{Attributes, ConsolidatedMetadata, NodeMetadata, v2};
use zarr_core::{Members, NodePath};
use zarr_store::{ByteRange, Precondition, Version};

use super::{Stored, Versions, Wanted, key_of};
use crate::error::Result;
use crate::hierarchy::Hierarchy;

impl Hierarchy {
    /// Returns whether a path has a Zarr v2 array or group.
    pub(crate) async fn has_zarr_2(&self, path: &NodePath) -> Result<bool> {
        let keys = [v2::ARRAY_NAME, v2::GROUP_NAME].map(|name| path.prefix() + name);
        let (array, group) = try_join!(self.has(&keys[0]), self.has(&keys[1]))?;
        Ok(array || group)
    }

    /// Returns whether an object exists.
    pub(crate) async fn has(&self, key: &str) -> Result<bool> {
        let found = self.store().get(key, &ByteRange::Range(0..1), None).await;
        Ok(found?.is_some())
    }

    /// Reads a Zarr v2 node; `None` if it does not exist.
    pub(crate) async fn stored_zarr_2(
        &self,
        path: &NodePath,
        wanted: Wanted,
    ) -> Result<Option<Stored>> {
        match wanted {
            Wanted::Node => match self.array_zarr_2(path).await? {
                None => self.group_alone_zarr_2(path).await,
                array => Ok(array),
            },
            Wanted::NodeWithCopies => match self.array_zarr_2(path).await? {
                None => self.group_zarr_2(path).await,
                array => Ok(array),
            },
            Wanted::GroupWithCopies => match self.group_zarr_2(path).await? {
                None => self.array_zarr_2(path).await,
                group => Ok(group),
            },
            Wanted::Copies => {
                let key = path.prefix() + v2::CONSOLIDATED_NAME;
                match self.text(&key).await? {
                    Some(_) => self.group_zarr_2(path).await,
                    None => Ok(None),
                }
            }
        }
    }

    /// Reads and parses one document of a node; errors name the document.
    async fn parsed<T>(
        &self,
        path: &NodePath,
        name: &str,
        parse: impl Fn(&[u8]) -> zarr_core::Result<T>,
    ) -> Result<Option<(T, Version)>> {
        let key = path.prefix() + name;
        let Some((text, version)) = self.text(&key).await? else {
            return Ok(None);
        };
        let parsed = parse(&text).map_err(|error| error.key(&key))?;
        Ok(Some((parsed, version)))
    }

    async fn members(&self, path: &NodePath, name: &str) -> Result<Option<(Members, Version)>> {
        let strictness = self.registry().strictness();
        let parse = |text: &[u8]| Members::parse_with(text, strictness);
        self.parsed(path, name, parse).await
    }

    async fn attributes_zarr_2(&self, path: &NodePath) -> Result<(Attributes, Option<Version>)> {
        let strictness = self.registry().strictness();
        let parse = |text: &[u8]| Attributes::parse_with(text, strictness);
        let found = self.parsed(path, v2::ATTRIBUTES_NAME, parse).await?;
        Ok(
            found.map_or_else(Default::default, |(attributes, version)| {
                (attributes, Some(version))
            }),
        )
    }

    async fn array_zarr_2(&self, path: &NodePath) -> Result<Option<Stored>> {
        let Some((zarray, node)) = self.members(path, v2::ARRAY_NAME).await? else {
            return Ok(None);
        };
        let (read, attributes) = self.attributes_zarr_2(path).await?;
        let metadata = v2::array_from_v2(zarray, &read)
            .map_err(|error| error.key(&(path.prefix() + v2::ARRAY_NAME)))?;
        Ok(Some(Stored {
            metadata: metadata.into(),
            versions: Versions::Zarr2 {
                node,
                attributes,
                copies: None,
            },
        }))
    }

    async fn group_alone_zarr_2(&self, path: &NodePath) -> Result<Option<Stored>> {
        let Some(zgroup) = self.members(path, v2::GROUP_NAME).await? else {
            return Ok(None);
        };
        let attributes = self.attributes_zarr_2(path).await?;
        group(path, zgroup, attributes, None).map(Some)
    }

    /// Reads a group and its consolidated metadata concurrently.
    async fn group_zarr_2(&self, path: &NodePath) -> Result<Option<Stored>> {
        let strictness = self.registry().strictness();
        let parse = |text: &[u8]| ConsolidatedMetadata::parse_zarr_2(text, strictness);
        let (zgroup, attributes, copies) = try_join!(
            self.members(path, v2::GROUP_NAME),
            self.attributes_zarr_2(path),
            self.parsed(path, v2::CONSOLIDATED_NAME, parse),
        )?;
        let Some(zgroup) = zgroup else {
            return Ok(None);
        };
        group(path, zgroup, attributes, copies).map(Some)
    }

    /// Puts the documents of a node that differ from the stored ones, on condition that the stored
    /// ones are unchanged since they were read.
    pub(super) async fn replace_zarr_2(
        &self,
        path: &NodePath,
        stored: &Stored,
        metadata: &NodeMetadata,
    ) -> Result<()> {
        let Versions::Zarr2 {
            node,
            attributes,
            copies,
        } = &stored.versions
        else {
            return Ok(());
        };
        let condition = |version: &Option<Version>| match version {
            Some(version) => Precondition::IfVersion(version.clone()),
            None => Precondition::IfAbsent,
        };
        let before = &stored.metadata;
        if let Some(document) = metadata.zarr_2().filter(|new| before.zarr_2() != Some(new)) {
            let precondition = Precondition::IfVersion(node.clone());
            self.put_text(&key_of(path, metadata), document.to_text()?, precondition)
                .await?;
        }
        if metadata.attributes() != before.attributes() {
            let key = path.prefix() + v2::ATTRIBUTES_NAME;
            self.put_text(
                &key,
                metadata.attributes().to_text()?,
                condition(attributes),
            )
            .await?;
        }
        if let NodeMetadata::Group(group) = metadata
            && metadata != before
            && let Some(copied) = group.consolidated()
            && let Some(text) = copied.to_zarr_2_text(group)?
        {
            let key = path.prefix() + v2::CONSOLIDATED_NAME;
            self.put_text(&key, text, condition(copies)).await?;
        }
        Ok(())
    }

    /// Creates a Zarr v2 node. Puts its document first, because the document determines whether the
    /// node exists, then its attributes.
    pub(crate) async fn put_new_zarr_2(
        &self,
        path: &NodePath,
        metadata: &NodeMetadata,
    ) -> Result<()> {
        let document = metadata.zarr_2().cloned().unwrap_or_default();
        let key = key_of(path, metadata);
        self.put_text(&key, document.to_text()?, Precondition::IfAbsent)
            .await?;
        if !metadata.attributes().is_empty() {
            let key = path.prefix() + v2::ATTRIBUTES_NAME;
            self.put_text(&key, metadata.attributes().to_text()?, Precondition::None)
                .await?;
        }
        self.documents.remove(path);
        Ok(())
    }
}

fn group(
    path: &NodePath,
    (zgroup, node): (Members, Version),
    (read, attributes): (Attributes, Option<Version>),
    copies: Option<(ConsolidatedMetadata, Version)>,
) -> Result<Stored> {
    let (consolidated, copies) = copies.unzip();
    let metadata = v2::group_from_v2(zgroup, read)
        .map_err(|error| error.key(&(path.prefix() + v2::GROUP_NAME)))?
        .with_consolidated(consolidated)?;
    Ok(Stored {
        metadata: metadata.into(),
        versions: Versions::Zarr2 {
            node,
            attributes,
            copies,
        },
    })
}
