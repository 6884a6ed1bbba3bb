//! An array: its metadata, and reads and writes of any selection of it.
//!
//! `chunk`, `inner_chunk` and `chunks` address cells of the grids, `view` a part of the array.
//! `selection` and `source` define the selections and data that callers may pass; `element` and
//! `data` convert between typed arrays and bytes.

mod append;
mod appends;
mod axis_selection;
mod chunk;
mod chunks;
mod compact;
mod compare;
mod copy;
mod data;
mod digest;
mod division;
mod element;
mod elements;
mod grid;
mod inner_chunk;
mod number;
mod parts;
mod publish;
mod read;
mod read_as;
mod resize;
mod rewrite;
mod selection;
mod source;
mod statistics;
mod stored;
mod tasks;
mod view;
mod write;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use zarr_core::metadata::{ArrayMetadata, Attributes};
use zarr_core::plan::{ReadOptions, WriteOptions};
use zarr_core::{ArrayLayout, DataType, FillValue, Members, NodePath};

pub use append::AxisName;
pub use axis_selection::{AxisElement, AxisSelect, AxisSelection, Index};
pub use chunk::Chunk;
pub use compact::{Compaction, DeadSpace};
pub use compare::{ElementDifferences, Tolerance};
pub(crate) use data::{InputLayout, OutputLayout};
pub use digest::ValueDigest;
pub(crate) use element::plain;
pub use element::{Plain, ReadElement, WriteElement};
pub use elements::Elements;
pub use inner_chunk::InnerChunk;
pub use number::Number;
pub use read_as::{ReadAs, Scalar};
pub use rewrite::{Rewrite, Rewritten};
pub use selection::{Points, Select, Space, points};
pub(crate) use source::Data;
pub use source::WriteData;
pub use statistics::Statistics;
pub use stored::{StoredChunk, StoredShard};
pub use view::SubArray;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::attributes;
use crate::documents::key_of;
use crate::error::{At, Error, Result};
use crate::hierarchy::{Hierarchy, array_document};

/// An open array of a hierarchy: its metadata is bound and is not read again.
///
/// [Reads](Self::read) and [writes](Self::write) take [selections](Select): `ndarray`'s `s![]`,
/// tuples of ranges, indices, masks, points. An index drops its dimension; a new axis adds one.
/// Each chunk or shard is written atomically. A partial write of a chunk or shard is merged with
/// the stored one, on condition that no other writer changes it meanwhile.
#[derive(Clone, Debug)]
pub struct Array {
    hierarchy: Hierarchy,
    path: NodePath,
    prefix: Arc<str>,
    metadata: ArrayMetadata,
    layout: Arc<ArrayLayout>,
    read_options: ReadOptions,
    options: WriteOptions,
    /// The dimensions along which other writers may be appending.
    open: Option<Arc<append::OpenEnd>>,
    /// True until metadata from the caller or from a group's document is compared with the array's
    /// own document.
    unchecked: Option<Arc<AtomicBool>>,
}

impl Array {
    /// Returns the array at a path from known metadata, without reading anything. The first write
    /// compares the metadata with the stored document.
    ///
    /// # Errors
    /// [`Error::Core`] if the path or the metadata is invalid, or the metadata uses an unsupported
    /// feature.
    pub fn new(hierarchy: &Hierarchy, path: &str, metadata: ArrayMetadata) -> Result<Self> {
        let path = NodePath::parse(path)?;
        let array = Self::bind(hierarchy.clone(), path, metadata, None)?;
        Ok(array.marked_unchecked())
    }

    /// Binds the metadata from the document `key`, by default that of the node, to an array.
    pub(crate) fn bind(
        hierarchy: Hierarchy,
        path: NodePath,
        metadata: ArrayMetadata,
        key: Option<&str>,
    ) -> Result<Self> {
        let layout = match ArrayLayout::bind(&metadata, hierarchy.registry()) {
            Ok(layout) => Arc::new(layout),
            Err(error) => {
                let own = || key_of(&path, &metadata.into());
                return Err(error.key(&key.map_or_else(own, str::to_owned)).into());
            }
        };
        Ok(Self {
            prefix: path.prefix().into(),
            options: hierarchy.write_options(),
            hierarchy,
            path,
            metadata,
            layout,
            read_options: ReadOptions::default(),
            open: None,
            unchecked: None,
        })
    }

    pub(crate) fn marked_unchecked(mut self) -> Self {
        self.unchecked = Some(Arc::new(AtomicBool::new(true)));
        self
    }

    /// Returns the path of the array.
    #[must_use]
    pub fn path(&self) -> &NodePath {
        &self.path
    }

    /// Returns the metadata document of the array.
    #[must_use]
    pub fn metadata(&self) -> &ArrayMetadata {
        &self.metadata
    }

    /// Returns the hierarchy that contains the array.
    #[must_use]
    pub fn hierarchy(&self) -> &Hierarchy {
        &self.hierarchy
    }

    /// Returns the layout of the array: chunk grid, codecs, chunk keys.
    #[must_use]
    pub fn layout(&self) -> &ArrayLayout {
        &self.layout
    }

    /// Returns the number of elements along each dimension.
    #[must_use]
    pub fn shape(&self) -> &[u64] {
        self.layout.shape()
    }

    /// Returns the data type of the elements.
    #[must_use]
    pub fn data_type(&self) -> &DataType {
        self.layout.data_type()
    }

    /// Returns the fill value: the value of elements that are not stored.
    #[must_use]
    pub fn fill_value(&self) -> &FillValue {
        self.layout.fill_value()
    }

    /// Returns the user attributes of the array.
    #[must_use]
    pub fn attributes(&self) -> &Attributes {
        self.metadata.attributes()
    }

    /// Returns this array with the given read options.
    ///
    /// ```
    /// use zarr_engine::{ArrayBuilder, ReadOptions, blocking};
    ///
    /// let hierarchy = blocking::open("memory:")?;
    /// let metadata = ArrayBuilder::new(&[8], "int32").with_chunk_shape(&[1]).with_shard_shape(&[8]);
    /// let array = hierarchy.create_array("a", metadata.build()?)?;
    /// assert_eq!(array.plan_read(..6)?.requests(), 1);
    /// let array = array.with_read_options(ReadOptions { whole_shard: 100 });
    /// assert_eq!(array.plan_read(..6)?.requests(), 2);
    /// # Ok::<(), zarr_engine::Error>(())
    /// ```
    #[must_use]
    pub fn with_read_options(mut self, options: ReadOptions) -> Self {
        self.read_options = options;
        self
    }

    /// Returns this array with the given write options.
    #[must_use]
    pub fn with_write_options(mut self, options: WriteOptions) -> Self {
        self.options = options;
        self
    }

    /// Replaces the attributes of the array.
    ///
    /// # Errors
    /// The errors of [`Self::change_attributes`].
    pub async fn set_attributes(&mut self, attributes: Attributes) -> Result<()> {
        self.change_attributes(|_| Ok(attributes.clone())).await
    }

    /// Deserializes the attributes into a `serde` type.
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
    /// [`Error::Core`] if the attributes do not match this type.
    pub fn attributes_as<T: DeserializeOwned>(&self) -> Result<T> {
        self.attributes().deserialize().at(&self.path)
    }

    /// Sets the attributes named by the members of `value` and keeps all others.
    ///
    /// # Errors
    /// [`Error::Core`] if `value` does not serialize to a JSON object, and those of
    /// [`Self::change_attributes`].
    pub async fn update_attributes<T: Serialize>(&mut self, value: &T) -> Result<()> {
        self.change_attributes(attributes::merging(value).at(&self.path)?)
            .await
    }

    /// Applies `change` to the stored attributes; retries if another writer changes them meanwhile.
    ///
    /// # Errors
    /// The errors of `change`, [`Error::StaleHandle`] if another array has replaced this one, and
    /// [`Error::Store`] if the document cannot be read or written.
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

    async fn update(
        &mut self,
        change: impl Fn(ArrayMetadata) -> Result<ArrayMetadata>,
    ) -> Result<()> {
        let updated = self.update_unlocated(change).await;
        updated.at(&self.path)
    }

    /// Changes the stored document and updates this handle.
    async fn update_unlocated(
        &mut self,
        change: impl Fn(ArrayMetadata) -> Result<ArrayMetadata>,
    ) -> Result<()> {
        let changed = self.hierarchy.change(&self.path, |metadata| {
            let array = array_document(&self.path, metadata)?;
            self.check_grown(&array)?;
            Ok(change(array)?.into())
        });
        let changed = changed.await?;
        let metadata = array_document(&self.path, changed)?;
        let changed = Self {
            options: self.options,
            read_options: self.read_options,
            ..Self::bind(self.hierarchy.clone(), self.path.clone(), metadata, None)?
        };
        *self = changed.with_open_axes(self.open_axes())?;
        Ok(())
    }

    /// Rejects a stored document of another array: one that differs from this handle in more than
    /// the lengths of dimensions.
    fn check_grown(&self, stored: &ArrayMetadata) -> Result<()> {
        if stored.shape().len() != self.shape().len() {
            return Err(self.stale());
        }
        let shape = self.shape();
        let stored = stored.clone().with_shape(shape)?;
        match same_layout(&stored, &self.metadata.clone().with_shape(shape)?) {
            true => Ok(()),
            false => Err(self.stale()),
        }
    }

    fn stale(&self) -> Error {
        let path = self.path.clone();
        Error::StaleHandle { path }
    }

    /// Rejects a stored document that lays out the elements differently from this handle.
    fn check_layout(&self, stored: &ArrayMetadata) -> Result<()> {
        if same_layout(stored, &self.metadata) {
            return Ok(());
        }
        Err(self.stale())
    }

    /// Before the first write, compares metadata from the caller or from a group's document with
    /// the array's own document.
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

    /// Returns the stored document; fails if its layout differs from this handle's.
    async fn compare_with_stored(&self) -> Result<ArrayMetadata> {
        let own = self
            .hierarchy
            .any_document(&self.path)
            .await?
            .ok_or_else(|| self.hierarchy.not_found(&self.path))?;
        let own = array_document(&self.path, own)?;
        self.check_layout(&own)?;
        Ok(own)
    }
}

/// Returns whether two documents lay out their elements identically, whatever their attributes.
fn same_layout(a: &ArrayMetadata, b: &ArrayMetadata) -> bool {
    matches!((layout_text(a), layout_text(b)), (Ok(a), Ok(b)) if a == b)
}

/// Returns the members that define how elements are encoded and which chunk holds which element.
pub(crate) fn encoding_text(metadata: &ArrayMetadata) -> zarr_core::Result<String> {
    text_of(
        metadata,
        &["data_type", "chunk_grid", "fill_value", "codecs"],
    )
}

/// Returns the members that lay out the elements, with normalized indentation: nested documents are
/// indented more deeply.
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
