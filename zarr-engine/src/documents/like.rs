//! Nodes like others: with metadata as it was read elsewhere, in the format of the group that they are put into.

use zarr_core::metadata::NodeMetadata;
use zarr_core::{NodePath, Strictness};

use crate::error::Result;
use crate::hierarchy::{Hierarchy, Node};

impl Hierarchy {
    /// Creates a node with metadata that was read elsewhere, in the format of the nearest group above, and the groups above it that
    /// are missing. Spellings beyond the specification that are read are kept to the letter; consolidated metadata of a group is left out.
    ///
    /// # Errors
    /// [`Error::AlreadyExists`](crate::Error::AlreadyExists) where there is a node at the path,
    /// [`Error::NodeType`](crate::Error::NodeType) where one above it is an array, and [`Error::Core`](crate::Error::Core) for what
    /// Zarr 2 cannot say.
    pub async fn create_like(&self, path: &str, metadata: &NodeMetadata) -> Result<Node> {
        // The text is that of Zarr 3, whatever format the metadata was read from.
        let text = metadata.members().to_text()?;
        let metadata = match NodeMetadata::parse_with(text.as_bytes(), Strictness::Tolerant)? {
            NodeMetadata::Group(group) => group.with_consolidated(None)?.into(),
            array => array,
        };
        let path = NodePath::parse(path)?;
        let new = self.placed(path, metadata).await?;
        self.create(new).await
    }
}
