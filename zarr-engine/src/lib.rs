//! A Zarr v3 engine: read and write sharded arrays on local disk and object stores.
//!
//! ```
//! # async fn example() -> zarr_engine::Result<()> {
//! use ndarray::{Array3, s};
//! use zarr_engine::ArrayBuilder;
//!
//! let hierarchy = zarr_engine::open("memory:")?;
//! let metadata = ArrayBuilder::new(&[64, 128, 128], "uint16")
//!     .with_chunk_shape(&[8, 32, 32])
//!     .with_shard_shape(&[32, 128, 128])
//!     .build()?;
//! let array = hierarchy.create_array("brain/scan", metadata).await?;
//! array.write(s![0..32, .., ..], Array3::<u16>::ones((32, 128, 128))).await?;
//!
//! println!("{}", array.plan_read(s![30..34, .., 5])?);
//! let slice = array.read::<u16>(s![30..34, .., 5]).await?;
//! assert_eq!(slice.shape(), [4, 128]);
//! assert_eq!(slice.sum(), 2 * 128);
//! # Ok(())
//! # }
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(example()).unwrap();
//! ```
//!
//! [`Hierarchy`] opens and creates nodes, [`Array`] reads and writes elements, and [`blocking`]
//! offers both to programs without an async runtime. The engine builds on three crates: `zarr-core`
//! (metadata, plans, encoding and decoding), `zarr-codecs` (codecs) and `zarr-store` (I/O).

use std::path::Path;

mod array;
mod attributes;
pub mod blocking;
pub mod check;
mod documents;
mod engine;
mod error;
mod group;
mod hierarchy;
mod nodes;
#[doc(hidden)]
pub mod process;
mod retry;
mod selection;
mod transfer;
mod usage;

pub use array::{
    Array, AxisElement, AxisName, AxisSelect, AxisSelection, Chunk, Compaction, DeadSpace,
    ElementDifferences, Elements, Index, InnerChunk, Number, Plain, Points, ReadAs, ReadElement,
    Rewrite, Rewritten, Scalar, Select, Space, Statistics, StoredChunk, StoredShard, SubArray,
    Tolerance, ValueDigest, WriteData, WriteElement, points,
};
#[doc(hidden)]
pub use engine::stored_range;
pub use engine::{CacheOptions, ChunkForm, CompactOptions, Target, limits};
pub use error::{Error, ErrorKind, Result};
pub use group::{Difference, Group};
pub use hierarchy::{Hierarchy, NodeKind};
pub use nodes::{IntoMetadata, Node};
pub use selection::{mask, slices};
pub use transfer::{KeyFilter, Skip, Transfer, Transferred};
pub use usage::{NodeUsage, Usage};

pub use futures::Stream;
pub use serde_json::value::RawValue;
pub use zarr_codecs::registry;
pub use zarr_core::metadata::{
    ArrayBuilder, ArrayMetadata, Attributes, ConsolidatedMetadata, FillElement, GroupMetadata,
    NodeMetadata, codecs,
};
pub use zarr_core::plan::{
    InnerOrder, ReadOptions, ReadPlan, Task, Tasks, WriteOptions, WritePlan,
};
pub use zarr_core::{
    AxisIndices, BasicIndex, DataType, Element, Extension, FillValue, Limits, NodePath, Registry,
    Selection, Slice, Strictness,
};
pub use zarr_store::Store;

pub use zarr_store::object_store;
pub use {bytes, half, ndarray, num_complex, zarr_core as core, zarr_store as store};

/// Opens the hierarchy at a URL or path without reading anything. Accepts `memory:`, a local path
/// and `file://`, and, with the matching features, `s3://`, `gs://`, `az://` and `http(s)://`.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// # let folder = tempfile::tempdir().unwrap();
/// let path = folder.path().join("data.zarr");
/// let hierarchy = zarr_engine::open(&path)?;
/// hierarchy.create_group("", Default::default()).await?;
/// assert!(path.join("zarr.json").exists());
/// # Ok::<(), zarr_engine::Error>(())
/// # }).unwrap();
/// ```
///
/// # Errors
/// [`Error::Store`] if the URL is malformed, and
/// [`ErrorKind::Unsupported`] if this build lacks the feature of its scheme.
pub fn open(url: impl AsRef<Path>) -> Result<Hierarchy> {
    open_with(url, [("", ""); 0])
}

/// Opens a hierarchy with store options (keys, endpoints, regions), named as in `object_store`.
///
/// # Errors
/// [`Error::Store`] as for [`open`], and for an option that the store does not support.
pub fn open_with(
    url: impl AsRef<Path>,
    options: impl IntoIterator<Item = (impl Into<String>, impl Into<String>)>,
) -> Result<Hierarchy> {
    let url = url.as_ref();
    let store = match url.to_str() {
        Some(text) => Store::open_with(text, options)?,
        // Only a path may be other than text.
        None => Store::local(url)?,
    };
    Ok(Hierarchy::new(store, registry()))
}

/// Compiles and runs the code in the readmes and guides as doctests.
#[cfg(doctest)]
mod pages {
    #[doc = include_str!("../README.md")]
    struct Readme;

    #[doc = include_str!("../../README.md")]
    struct ProjectReadme;

    #[doc = include_str!("../../docs/coming-from-zarrs.md")]
    struct ComingFromZarrs;

    #[doc = include_str!("../../docs/coming-from-zarr-python.md")]
    struct ComingFromZarrPython;

    #[doc = include_str!("../../docs/cookbook.md")]
    struct Cookbook;
}
