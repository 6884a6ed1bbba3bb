//! An array: its metadata, and reads and writes of any selection of it.
//!
//! `chunk` and `chunks` address the cells of the grid, `view` a part. `selection` and `source` have what a caller may give, `element` and `data` the way between typed arrays and bytes.

mod append;
mod chunk;
mod chunks;
mod compact;
mod copy;
mod data;
mod element;
mod grid;
mod read;
mod resize;
mod selection;
mod source;
mod view;
mod write;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use zarr_core::metadata::{ArrayMetadata, Attributes, NodeMetadata};
use zarr_core::plan::WriteOptions;
use zarr_core::{ArrayLayout, DataType, FillValue, Members, NodePath};

pub use append::AxisName;
pub use chunk::{Chunk, InnerChunk};
pub use compact::{Compaction, DeadSpace};
pub(crate) use data::{InputLayout, OutputLayout};
pub(crate) use element::plain;
pub use element::{Plain, ReadAs, ReadElement, Scalar, WriteElement};
pub use selection::{AxisSelect, AxisSelection, Index, Points, Select, Space, points};
pub use source::WriteData;
pub use view::SubArray;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::attributes;
use crate::documents::key_of;
use crate::error::{Error, Result};
use crate::hierarchy::{Hierarchy, NodeKind, node_type};

/// An array of a hierarchy, opened: its metadata is bound, and nothing of it is read again.
///
/// [Reads](Self::read) and [writes](Self::write) take [selections](Select) as `ndarray`'s `s![]` writes them, tuples of ranges, indices,
/// masks, points; an index drops its dimension, a new axis adds one. Writes are atomic for each chunk or shard. A write of a part of
/// one is merged with what is stored, on condition that nobody else changes it in between.
#[derive(Clone, Debug)]
pub struct Array {
    hierarchy: Hierarchy,
    path: NodePath,
    prefix: Arc<str>,
    metadata: ArrayMetadata,
    layout: Arc<ArrayLayout>,
    options: WriteOptions,
    /// Set where the metadata is a copy in a group's document that was not compared with the array's own yet.
    unchecked: Option<Arc<AtomicBool>>,
}

impl Array {
    /// The array at a path whose metadata is known: nothing is read. Before something is written by it, the metadata is compared
    /// with what is stored.
    ///
    /// # Errors
    /// [`Error::Core`] where the path or the metadata is not legal, or something in it is not understood.
    pub fn new(hierarchy: &Hierarchy, path: &str, metadata: ArrayMetadata) -> Result<Self> {
        let path = NodePath::parse(path)?;
        let key = path.metadata_key();
        let array = Self::bind(hierarchy.clone(), path, metadata, &key)?;
        Ok(array.marked_unchecked())
    }

    /// The array of this metadata, which is in the document `key`.
    pub(crate) fn bind(
        hierarchy: Hierarchy,
        path: NodePath,
        metadata: ArrayMetadata,
        key: &str,
    ) -> Result<Self> {
        let layout =
            ArrayLayout::bind(&metadata, hierarchy.registry()).map_err(|error| error.key(key))?;
        Ok(Self {
            prefix: path.prefix().into(),
            hierarchy,
            path,
            metadata,
            layout: Arc::new(layout),
            options: WriteOptions::default(),
            unchecked: None,
        })
    }

    pub(crate) fn marked_unchecked(mut self) -> Self {
        self.unchecked = Some(Arc::new(AtomicBool::new(true)));
        self
    }

    /// The path of the array.
    #[must_use]
    pub fn path(&self) -> &NodePath {
        &self.path
    }

    /// Its metadata document.
    #[must_use]
    pub fn metadata(&self) -> &ArrayMetadata {
        &self.metadata
    }

    /// The hierarchy that the array is in.
    #[must_use]
    pub fn hierarchy(&self) -> &Hierarchy {
        &self.hierarchy
    }

    /// How the array is laid out: grid, codecs, keys.
    #[must_use]
    pub fn layout(&self) -> &ArrayLayout {
        &self.layout
    }

    /// The number of elements along each dimension.
    #[must_use]
    pub fn shape(&self) -> &[u64] {
        self.layout.shape()
    }

    /// The data type.
    #[must_use]
    pub fn data_type(&self) -> &DataType {
        self.layout.data_type()
    }

    /// The value of elements that are not stored.
    #[must_use]
    pub fn fill_value(&self) -> &FillValue {
        self.layout.fill_value()
    }

    /// The user's attributes.
    #[must_use]
    pub fn attributes(&self) -> &Attributes {
        self.metadata.attributes()
    }

    /// This array with other options for writing.
    #[must_use]
    pub fn with_write_options(mut self, options: WriteOptions) -> Self {
        self.options = options;
        self
    }

    /// Replaces the attributes.
    ///
    /// # Errors
    /// [`Error::Store`] where the document cannot be written.
    pub async fn set_attributes(&mut self, attributes: Attributes) -> Result<()> {
        self.change_attributes(|_| Ok(attributes.clone())).await
    }

    /// The attributes as a type that `serde` knows.
    ///
    /// ```
    /// use serde::{Deserialize, Serialize};
    /// use zarr_engine::{ArrayBuilder, blocking};
    ///
    /// #[derive(Deserialize, Serialize)]
    /// struct Units {
    ///     units: String,
    ///     scale: f64,
    /// }
    ///
    /// let hierarchy = blocking::open("memory:")?;
    /// let mut array = hierarchy.create_array("a", ArrayBuilder::new(&[4], "int32").build()?)?;
    /// array.update_attributes(&Units { units: "K".to_owned(), scale: 0.5 })?;
    /// let units: Units = hierarchy.array("a")?.attributes_as()?;
    /// assert_eq!((units.units.as_str(), units.scale), ("K", 0.5));
    /// # Ok::<(), zarr_engine::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Core`] where the attributes are not of this type.
    pub fn attributes_as<T: DeserializeOwned>(&self) -> Result<T> {
        self.located(attributes::typed(self.attributes()))
    }

    /// Sets the attributes that the members of a value name, and leaves the others as they are.
    ///
    /// # Errors
    /// [`Error::Core`] where the value is no JSON object, and those of [`Self::change_attributes`].
    pub async fn update_attributes<T: Serialize>(&mut self, value: &T) -> Result<()> {
        let members = self.located(attributes::untyped(value))?;
        let changed = self.change_attributes(|stored| attributes::merged(stored, &members));
        changed.await
    }

    /// Changes the attributes as they are stored now; again where somebody else changed them in between.
    ///
    /// # Errors
    /// Those of `change`, and [`Error::Store`] where the document cannot be read or written.
    pub async fn change_attributes(
        &mut self,
        change: impl Fn(&Attributes) -> Result<Attributes>,
    ) -> Result<()> {
        self.update(|array| {
            let attributes = change(array.attributes())?;
            Ok(array.with_attributes(attributes)?)
        })
        .await
    }

    /// Changes the document, and this handle with it.
    async fn update(
        &mut self,
        change: impl Fn(ArrayMetadata) -> Result<ArrayMetadata>,
    ) -> Result<()> {
        let changed = self
            .hierarchy
            .update(&self.path, |metadata| match metadata {
                NodeMetadata::Array(array) => Ok(change(array)?.into()),
                NodeMetadata::Group(_) => Err(node_type(&self.path, NodeKind::Group)),
            });
        let changed = changed.await?;
        self.hierarchy
            .renew_copies_after(&self.path, &changed)
            .await?;
        let key = key_of(&self.path, &changed);
        if let NodeMetadata::Array(metadata) = changed {
            *self = Self {
                options: self.options,
                ..Self::bind(self.hierarchy.clone(), self.path.clone(), metadata, &key)?
            };
        }
        Ok(())
    }

    /// Refuses a stored document that lays out other elements than this handle's.
    fn check_layout(&self, stored: &ArrayMetadata) -> Result<()> {
        if same_layout(stored, &self.metadata) {
            return Ok(());
        }
        Err(Error::StaleHandle {
            path: self.path.clone(),
        })
    }

    /// Compares metadata from a group's document with the array's own, once, before something is written by it.
    async fn check_own_metadata(&self) -> Result<()> {
        let Some(unchecked) = self
            .unchecked
            .as_ref()
            .filter(|unchecked| unchecked.load(Ordering::Acquire))
        else {
            return Ok(());
        };
        self.compare_with_stored().await?;
        unchecked.store(false, Ordering::Release);
        Ok(())
    }

    /// The stored document; refuses to go on where it is not what this handle has.
    async fn compare_with_stored(&self) -> Result<ArrayMetadata> {
        let own = self
            .hierarchy
            .any_document(&self.path)
            .await?
            .ok_or_else(|| self.hierarchy.not_found(&self.path))?;
        match own {
            NodeMetadata::Array(own) => self.check_layout(&own).map(|()| own),
            NodeMetadata::Group(_) => Err(node_type(&self.path, NodeKind::Group)),
        }
    }
}

/// Whether two documents lay out their elements alike, whatever their attributes.
fn same_layout(a: &ArrayMetadata, b: &ArrayMetadata) -> bool {
    matches!((layout_text(a), layout_text(b)), (Ok(a), Ok(b)) if a == b)
}

/// The members that say how elements become bytes, and which elements are in which chunk.
fn encoding_text(metadata: &ArrayMetadata) -> zarr_core::Result<String> {
    text_of(
        metadata,
        &["data_type", "chunk_grid", "fill_value", "codecs"],
    )
}

/// The members that lay out the elements, indented alike: documents within others are indented more.
fn layout_text(metadata: &ArrayMetadata) -> zarr_core::Result<String> {
    let names = [
        "shape",
        "data_type",
        "chunk_grid",
        "chunk_key_encoding",
        "fill_value",
        "codecs",
    ];
    text_of(metadata, &names)
}

fn text_of(metadata: &ArrayMetadata, names: &[&str]) -> zarr_core::Result<String> {
    let mut members = Members::new();
    for name in names {
        if let Some(value) = metadata.members().get(name) {
            members.set(name, value)?;
        }
    }
    members.to_text()
}
