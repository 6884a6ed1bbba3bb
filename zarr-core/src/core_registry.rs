//! The registry of the core specification. This module sits above the extensions that it names.

use crate::chunk_grid::ChunkGrid;
use crate::chunk_key::ChunkKeyEncoding;
use crate::data_type::{bind_bytes, bind_string};
use crate::registry::Registry;

impl Registry {
    /// Creates a registry with the data types, chunk grids and chunk key encodings of the core
    /// specification, the extensions `rectilinear`, `suffix` and `zarrs.default_suffix`, strings
    /// and byte strings, and no codecs.
    #[must_use]
    pub fn core() -> Self {
        Self::default()
            .with_data_type("string", bind_string)
            .with_data_type("bytes", bind_bytes)
            .with_data_type("variable_length_bytes", bind_bytes)
            .with_chunk_grid("rectilinear", ChunkGrid::bind_rectilinear)
            .with_chunk_grid("regular", ChunkGrid::bind_regular)
            .with_chunk_key_encoding("default", ChunkKeyEncoding::bind_default)
            .with_chunk_key_encoding("suffix", ChunkKeyEncoding::bind_suffix)
            .with_chunk_key_encoding("v2", ChunkKeyEncoding::bind_v2)
            .with_chunk_key_encoding(
                "zarrs.default_suffix",
                ChunkKeyEncoding::bind_default_suffix,
            )
    }
}
