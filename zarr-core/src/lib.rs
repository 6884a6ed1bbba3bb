//! Zarr v3 without I/O: metadata, data types, chunk grids, codec chains, selections, and the plans
//! that turn a selection into fetches and pure decode jobs.
//!
//! Nothing here waits, locks, spawns or reads a clock. Requests leave as data ([`plan::Fetch`]) and
//! their results come back as bytes; `zarr-store` reads the bytes, and `zarr-engine` joins the two.

mod bare_words;
mod buffer;
mod byte_order;
mod byte_range;
mod chunk_grid;
mod chunk_key;
pub mod codec;
mod copy;
mod core_registry;
mod data_type;
mod error;
mod extension;
mod json;
mod layout;
mod limits;
pub mod metadata;
mod node_path;
pub mod plan;
mod registry;
mod selection;
pub mod size;
mod strictness;

pub use buffer::{Input, Output};
pub use byte_range::ByteRange;
pub use chunk_grid::{ChunkGrid, ChunkRun, GridDimension};
pub use chunk_key::ChunkKeyEncoding;
pub use data_type::{
    Admit, DataType, DataTypeKind, DataTypeParts, Element, Field, FillRules, FillValue,
    FloatFormat, ItemSize, element_bytes, element_from_bytes,
};
pub use error::{Error, ErrorKind, Result};
pub use extension::Extension;
pub use json::Members;
pub use layout::ArrayLayout;
pub use limits::Limits;
pub use node_path::{METADATA_NAME, NodePath, is_node_name};
pub use registry::{
    BindChunkGrid, BindChunkKeyEncoding, BindCodec, BindDataType, Binder, Registry,
};
pub use selection::{
    AxisIndices, AxisPlaces, BasicIndex, ChunkSelection, PlacedIndices, Resolved, Selection, Slice,
};
pub use strictness::Strictness;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
