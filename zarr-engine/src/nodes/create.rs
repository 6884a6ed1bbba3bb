//! Creates and replaces nodes: a new node has the format of the nearest group above it.

use futures::try_join;
use zarr_core::metadata::{
    ArrayBuilder, ArrayMetadata, Attributes, GroupMetadata, NodeMetadata, v2,
};
use zarr_core::{ArrayLayout, NodePath, Strictness};
use zarr_store::{ErrorKind, Precondition};

use super::Node;
use crate::array::Array;
use crate::error::{At, Error, Result};
use crate::group::Group;
use crate::hierarchy::{Hierarchy, NodeKind, node_type};

/// The metadata of a new array: a document, or a description of one.
pub trait IntoMetadata {
    /// Returns the document.
    ///
    /// # Errors
    /// [`Error::Core`] if the description is not that of a legal array.
    fn into_metadata(self) -> Result<ArrayMetadata>;
}

impl IntoMetadata for ArrayMetadata {
    fn into_metadata(self) -> Result<ArrayMetadata> {
        Ok(self)
    }
}

impl IntoMetadata for ArrayBuilder {
    fn into_metadata(self) -> Result<ArrayMetadata> {
        Ok(self.build()?)
    }
}

/// A node to be created.
struct NewNode {
    path: NodePath,
    metadata: NodeMetadata,
    /// The missing groups above the node.
    above: Vec<(NodePath, NodeMetadata)>,
}

impl Hierarchy {
    /// Creates an array and any missing groups above it. Below a Zarr v2 group, creates a Zarr v2
    /// array.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// use zarr_engine::ArrayBuilder;
    ///
    /// let hierarchy = zarr_engine::open("memory:")?;
    /// let metadata = ArrayBuilder::new(&[40, 40], "float32").with_chunk_shape(&[10, 10]);
    /// let array = hierarchy.create_array("group/a", metadata).await?;
    /// assert_eq!(array.shape(), [40, 40]);
    /// assert!(hierarchy.group("group").await?.exists("a").await?);
    /// # Ok::<(), zarr_engine::Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// [`Error::AlreadyExists`] if the path has a node, [`Error::NodeType`] if a node above it is
    /// an array, or the error in the metadata, which is checked strictly. [`Error::Core`] for
    /// metadata that Zarr v2 cannot express.
    pub async fn create_array(&self, path: &str, metadata: impl IntoMetadata) -> Result<Array> {
        let path = NodePath::parse(path)?;
        let metadata = metadata.into_metadata().at(&path)?;
        let new = self.new_node(&path, metadata.into()).await?;
        self.create(new).await?.into_array()
    }

    /// Creates a group and any missing groups above it. Below a Zarr v2 group, creates a Zarr v2
    /// group.
    ///
    /// # Errors
    /// The errors of [`Self::create_array`].
    pub async fn create_group(&self, path: &str, attributes: Attributes) -> Result<Group> {
        let path = NodePath::parse(path)?;
        let metadata = GroupMetadata::default().with_attributes(attributes);
        let metadata = metadata.at(&path)?;
        let new = self.new_node(&path, metadata.into()).await?;
        self.create(new).await?.into_group()
    }

    /// Creates a node from metadata read elsewhere, in the format of the nearest group above, and
    /// creates missing groups above it. Keeps spellings beyond the specification verbatim if the
    /// engine can read them; omits the consolidated metadata of a group.
    ///
    /// # Errors
    /// [`Error::AlreadyExists`] if the path has a node,
    /// [`Error::NodeType`] if a node above it is an array, and
    /// [`Error::Core`] for metadata that Zarr v2 cannot express.
    pub async fn create_like(&self, path: &str, metadata: &NodeMetadata) -> Result<Node> {
        // The text is a Zarr v3 document, whatever format the metadata was read from.
        let text = metadata.members().to_text()?;
        let metadata = match NodeMetadata::parse_with(text.as_bytes(), Strictness::Tolerant)? {
            NodeMetadata::Group(group) => group.with_consolidated(None)?.into(),
            array => array,
        };
        let path = NodePath::parse(path)?;
        let new = self.placed(path, metadata).await?;
        self.create(new).await
    }

    /// Creates a node at a path and deletes any existing node there, with everything below it. If
    /// groups above list the old node in their consolidated metadata, the new node replaces it
    /// there. Deletes nothing if the new node cannot be created, and nothing but nodes: other files
    /// at a path without a node stay.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// use zarr_engine::ArrayBuilder;
    ///
    /// let hierarchy = zarr_engine::open("memory:")?;
    /// hierarchy.create_array("a", ArrayBuilder::new(&[4], "int32")).await?.write(.., 3).await?;
    /// let metadata = ArrayBuilder::new(&[9], "uint8").build()?;
    /// let array = hierarchy.replace("a", metadata.into()).await?.into_array()?;
    /// assert_eq!(array.read::<u8>(..).await?.sum(), 0);
    /// # Ok::<(), zarr_engine::Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// The errors of [`Self::create_array`] except [`Error::AlreadyExists`], and those of
    /// [`Self::delete`]: [`Error::NotANode`] if nodes lie below a path without a document.
    pub async fn replace(&self, path: &str, metadata: NodeMetadata) -> Result<Node> {
        let path = NodePath::parse(path)?;
        let new = self.new_node(&path, metadata).await?;
        let stored = [(path.clone(), new.metadata.clone())];
        let had = self.make_room(&path).await?;
        let node = self.create(new).await?;
        self.insert_copies(&had, &path, &stored).await.at(&path)?;
        Ok(node)
    }

    /// Checks a node to be created and collects the missing groups above it, in the format of the
    /// nearest existing group.
    async fn new_node(&self, path: &NodePath, metadata: NodeMetadata) -> Result<NewNode> {
        let path = path.clone().unreserved().at(path)?;
        self.check_strictly(&path, &metadata).at(&path)?;
        self.placed(path, metadata).await
    }

    /// Returns a node to be created with the missing groups above it, in the format of the nearest
    /// existing group.
    async fn placed(&self, path: NodePath, metadata: NodeMetadata) -> Result<NewNode> {
        let (above, is_zarr_2) = self.groups_above(&path, false).await.at(&path)?;
        Ok(NewNode {
            metadata: as_format(&path, metadata, is_zarr_2).at(&path)?,
            above,
            path,
        })
    }

    /// Returns the missing groups above a path, and whether they are Zarr v2: like the nearest
    /// existing group, or as `wanted` if none exists.
    pub(crate) async fn groups_above(
        &self,
        path: &NodePath,
        wanted: bool,
    ) -> Result<(Vec<(NodePath, NodeMetadata)>, bool)> {
        let mut missing = Vec::new();
        let mut nearest = None;
        let mut above = path.parent();
        while let Some(ancestor) = above {
            nearest = self.any_document(&ancestor).await?;
            match &nearest {
                Some(NodeMetadata::Group(_)) => break,
                Some(NodeMetadata::Array(_)) => return Err(node_type(&ancestor, NodeKind::Array)),
                None => missing.push(ancestor.clone()),
            }
            above = ancestor.parent();
        }
        // Readers of a Zarr v2 hierarchy do not look for Zarr v3 documents.
        let is_zarr_2 = nearest.map_or(wanted, |nearest| nearest.zarr_2().is_some());
        let group = |path: NodePath| {
            let group = as_format(&path, GroupMetadata::default().into(), is_zarr_2)?;
            Ok((path, group))
        };
        let groups = missing.into_iter().map(group).collect::<Result<_>>()?;
        Ok((groups, is_zarr_2))
    }

    /// Rejects metadata that the specification forbids, even if this hierarchy reads it.
    fn check_strictly(&self, path: &NodePath, metadata: &NodeMetadata) -> Result<()> {
        let mut checked = metadata.members().expect_no_bare_words();
        if let NodeMetadata::Array(array) = metadata {
            let registry = self.registry().clone();
            let registry = registry.with_strictness(Strictness::Strict);
            checked = checked.and_then(|()| ArrayLayout::bind(array, &registry).map(drop));
        }
        Ok(checked.map_err(|error| error.key(&path.metadata_key()))?)
    }

    async fn create(&self, new: NewNode) -> Result<Node> {
        let path = new.path.clone();
        self.put_all(new).await.at(&path)
    }

    /// Puts the documents of a new node and of the missing groups above it.
    async fn put_all(&self, new: NewNode) -> Result<Node> {
        let NewNode {
            path,
            metadata,
            above,
        } = new;
        let (document, has_zarr_2) = try_join!(self.document(&path), self.has_zarr_2(&path))?;
        if document.is_some() || has_zarr_2 {
            self.documents.note_stored(&path);
            return Err(self.already_exists(&path));
        }
        let node = self.bind(path.clone(), metadata.clone(), None)?;
        self.put_groups(above).await?;
        self.documents.note_stored(&path);
        match self.put_new(&path, &metadata).await {
            Err(Error::Store(error)) if error.kind() == ErrorKind::Conflict => {
                Err(self.already_exists(&path))
            }
            result => result.map(|()| node),
        }
    }

    /// Puts missing groups; another writer may put them at the same time.
    pub(crate) async fn put_groups(&self, groups: Vec<(NodePath, NodeMetadata)>) -> Result<()> {
        for (path, group) in groups {
            self.documents.note_stored(&path);
            match self.put_new(&path, &group).await {
                Err(Error::Store(error)) if error.kind() == ErrorKind::Conflict => {}
                result => result?,
            }
        }
        Ok(())
    }

    async fn put_new(&self, path: &NodePath, metadata: &NodeMetadata) -> Result<()> {
        match metadata.zarr_2() {
            Some(_) => self.put_new_zarr_2(path, metadata).await,
            None => self
                .put(path, metadata, Precondition::IfAbsent)
                .await
                .map(drop),
        }
    }
}

/// Converts metadata to Zarr v2 if `is_zarr_2`.
fn as_format(path: &NodePath, metadata: NodeMetadata, is_zarr_2: bool) -> Result<NodeMetadata> {
    match is_zarr_2 {
        true => Ok(v2::to_v2(&metadata).map_err(|error| error.key(&path.to_string()))?),
        false => Ok(metadata),
    }
}
