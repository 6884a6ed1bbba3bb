//! Elements of variable size that a read found: decoded chunks, and places in them.

#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::panic
)]

use std::sync::Arc;

use super::decoded::DecodedChunk;
use crate::error::{Error, Result};

/// The decoded chunks of a read of variable-size elements. A *place* in the output of such a read
/// is the number of a chunk and a position in the chunk, 4 bytes each.
#[derive(Debug, Default)]
pub struct VariableChunks(Vec<Arc<DecodedChunk>>);

impl VariableChunks {
    /// Adds a chunk, which a cache may hold too, and returns its number, from 1 on.
    ///
    /// # Errors
    /// [`Error::TooLarge`] for more than 2^32 - 1 chunks.
    pub fn push(&mut self, chunk: Arc<DecodedChunk>) -> Result<u32> {
        self.0.push(chunk);
        u32::try_from(self.0.len()).map_err(|_| Error::TooLarge {
            what: "number of chunks in one read",
            wanted: self.0.len().to_string(),
            limit: u32::MAX.into(),
        })
    }

    /// Returns the element at a place that
    /// [`ChunkJob::place_variable`](super::ChunkJob::place_variable) wrote; `None` stands for the
    /// fill value.
    #[must_use]
    pub fn get(&self, place: [u8; 8]) -> Option<&[u8]> {
        let [a, b, c, d, e, f, g, h] = place;
        let number = u32::from_ne_bytes([a, b, c, d]) as usize;
        let position = u32::from_ne_bytes([e, f, g, h]) as usize;
        let (offsets, bytes) = self.0.get(number.checked_sub(1)?)?.variable()?;
        bytes.get(*offsets.get(position)?..*offsets.get(position.checked_add(1)?)?)
    }
}
