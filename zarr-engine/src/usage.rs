//! The stored objects of nodes, counted from one listing.

use std::collections::HashMap;

use futures::TryStreamExt;
use zarr_core::metadata::{NodeMetadata, v2};
use zarr_core::{ArrayLayout, METADATA_NAME, NodePath};
use zarr_store::Entry;

use crate::documents::Documents;
use crate::error::{At, Result};
use crate::group::Group;
use crate::hierarchy::Hierarchy;

/// The objects of one node, without those of the nodes below it. Sizes are in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Usage {
    /// The number of stored chunks; of stored shards if the array is sharded.
    pub chunks: u64,
    /// The size of the stored chunks or shards.
    pub chunk_bytes: u64,
    /// The number of metadata documents.
    pub documents: u64,
    /// The size of the metadata documents.
    pub document_bytes: u64,
    /// The number of objects that belong to no chunk of the grid, or to an array whose metadata
    /// cannot be read.
    pub others: u64,
    /// The size of these objects.
    pub other_bytes: u64,
}

impl Usage {
    /// Returns the number of objects.
    #[must_use]
    pub fn objects(&self) -> u64 {
        self.chunks + self.documents + self.others
    }

    /// Returns the size of all objects, in bytes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.chunk_bytes + self.document_bytes + self.other_bytes
    }

    /// Adds the objects of another node.
    pub fn add(&mut self, other: &Self) {
        self.chunks += other.chunks;
        self.chunk_bytes += other.chunk_bytes;
        self.documents += other.documents;
        self.document_bytes += other.document_bytes;
        self.others += other.others;
        self.other_bytes += other.other_bytes;
    }
}

/// A node with its metadata document and its stored objects.
#[derive(Debug)]
#[non_exhaustive]
pub struct NodeUsage {
    /// The path of the node.
    pub path: NodePath,
    /// The document, or the error that reading it caused.
    pub document: Result<NodeMetadata>,
    /// The stored objects.
    pub usage: Usage,
}

/// The names of metadata documents that are nodes.
const NODES: [&str; 3] = [METADATA_NAME, v2::ARRAY_NAME, v2::GROUP_NAME];

impl Hierarchy {
    /// Counts the stored objects of the node at a path and of each node below it, in order of path.
    /// Lists the store once, and reads each document unless the node has consolidated metadata; no
    /// data is read.
    ///
    /// ```
    /// use zarr_engine::{ArrayBuilder, blocking};
    ///
    /// let hierarchy = blocking::open("memory:")?;
    /// let metadata = ArrayBuilder::new(&[100], "uint8").with_chunk_shape(&[10]).build()?;
    /// hierarchy.create_array("a/b", metadata)?.write(0..35, 7_u8)?;
    /// let usage = hierarchy.usage("")?;
    /// let found = usage.iter().map(|node| (node.path.as_str(), node.usage.chunks));
    /// assert_eq!(found.collect::<Vec<_>>(), [("", 0), ("a", 0), ("a/b", 4)]);
    /// # Ok::<(), zarr_engine::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::NodeNotFound`](crate::Error::NodeNotFound), an error for a malformed document of
    /// the node itself, and [`Error::Store`](crate::Error::Store) if the store cannot list.
    pub async fn usage(&self, path: &str) -> Result<Vec<NodeUsage>> {
        let node = self.node_document(path).await?;
        let entries = self.store().list(node.0.as_str());
        let entries = entries.try_collect::<Vec<_>>().await?;
        let nodes = match &node.1 {
            NodeMetadata::Array(_) => Vec::new(),
            NodeMetadata::Group(group) if group.consolidated().is_some() => {
                let group = Group::bind(self.clone(), node.0.clone(), group.clone());
                group.documents().await?
            }
            NodeMetadata::Group(_) => self.documents_of(nodes_in(&node.0, &entries)).await,
        };
        let mut all = vec![(node.0, Ok(node.1))];
        all.extend(nodes);
        Ok(self.counted(all, &entries))
    }

    fn counted(&self, nodes: Documents, entries: &[Entry]) -> Vec<NodeUsage> {
        let layouts = nodes.iter().map(|(_, document)| match document {
            Ok(NodeMetadata::Array(array)) => ArrayLayout::bind(array, self.registry()).ok(),
            _ => None,
        });
        let layouts = layouts.collect::<Vec<_>>();
        let paths = nodes.iter().map(|(path, _)| path.as_str().to_owned());
        let numbers = paths.zip(0..).collect::<HashMap<_, usize>>();
        let mut usages = vec![Usage::default(); nodes.len()];
        for entry in entries {
            let number = node_of(&entry.key, &numbers);
            let usage = &mut usages[number];
            let is_chunk = layouts[number].as_ref().is_some_and(|layout| {
                let cell = layout.cell_of_key(&nodes[number].0.prefix(), &entry.key);
                let grid = layout.grid().grid_shape(layout.shape());
                cell.is_some_and(|cell| cell.iter().zip(&grid).all(|(cell, len)| cell < len))
            });
            let (objects, bytes) = if is_chunk {
                (&mut usage.chunks, &mut usage.chunk_bytes)
            } else if is_document(&nodes[number].0, &entry.key) {
                (&mut usage.documents, &mut usage.document_bytes)
            } else {
                (&mut usage.others, &mut usage.other_bytes)
            };
            *objects += 1;
            *bytes += entry.size;
        }
        let counted = nodes.into_iter().zip(usages);
        counted
            .map(|((path, document), usage)| NodeUsage {
                path,
                document,
                usage,
            })
            .collect()
    }

    /// Returns the path and the document of a node, with the consolidated metadata of a group.
    async fn node_document(&self, path: &str) -> Result<(NodePath, NodeMetadata)> {
        let path = NodePath::parse(path)?;
        let wanted = crate::documents::Wanted::NodeWithCopies;
        let found = self.cached_document(&path, wanted).await.at(&path)?;
        let metadata = found.ok_or_else(|| self.not_found(&path))?;
        Ok((path, metadata))
    }
}

/// Returns the paths of the nodes below a path that have a document in a listing, in order.
fn nodes_in(root: &NodePath, entries: &[Entry]) -> Vec<NodePath> {
    let paths = entries.iter().filter_map(|entry| {
        let (path, name) = entry.key.rsplit_once('/')?;
        let path = NODES
            .contains(&name)
            .then(|| NodePath::parse(path).ok())??;
        (path != *root).then_some(path)
    });
    let mut paths = paths.collect::<Vec<_>>();
    paths.sort();
    paths.dedup();
    paths
}

/// Returns the number of the deepest node that a key lies in; 0, the node of the listing, if none
/// is below.
fn node_of(key: &str, numbers: &HashMap<String, usize>) -> usize {
    let mut path = key;
    while let Some((above, _)) = path.rsplit_once('/') {
        if let Some(&number) = numbers.get(above) {
            return number;
        }
        path = above;
    }
    0
}

/// Returns whether a key is that of a metadata document of a node.
fn is_document(path: &NodePath, key: &str) -> bool {
    let name = key.strip_prefix(&path.prefix()).unwrap_or_default();
    NODES.contains(&name) || [v2::ATTRIBUTES_NAME, v2::CONSOLIDATED_NAME].contains(&name)
}
