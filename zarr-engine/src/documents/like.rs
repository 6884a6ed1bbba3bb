//! Creates nodes from existing metadata, in the format of the group that contains them.

use zarr_core::metadata::NodeMetadata;
use zarr_core::{NodePath, Strictness};

use crate::error::Result;
use crate::hierarchy::{Hierarchy, Node};

impl Hierarchy {
    /// Creates a node from metadata read elsewhere, in the format of the nearest group above, and
    /// creates missing groups above it. Keeps spellings beyond the specification verbatim if the
    /// engine can read them; omits the consolidated metadata of a group.
    ///
    /// # Errors
    /// [`Error::AlreadyExists`](crate::Error::AlreadyExists) if the path has a node,
    /// [`Error::NodeType`](crate::Error::NodeType) if a node above it is an array, and
    /// [`Error::Core`](crate::Error::Core) for metadata that Zarr v2 cannot express.
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
}
