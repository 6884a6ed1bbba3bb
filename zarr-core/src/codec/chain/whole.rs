//! Whole chunks in their decoded axes, for callers that copy no elements.

use super::super::spec::check_offsets;
use super::super::wrap::unwrap_bytes;
use super::super::{ChunkData, EncodedSize};
use super::CodecChain;
use crate::error::Result;

impl CodecChain {
    /// Decodes a whole chunk to elements in C order of the decoded axes and this machine's byte
    /// order.
    ///
    /// # Errors
    /// Fails if the chunk is damaged or larger than the limit.
    pub fn decode_chunk(&self, encoded: &[u8]) -> Result<ChunkData> {
        self.check_widest()?;
        let size = self.0.decoded.decoded_size(self.0.max_chunk_size)?;
        // Shards that are read in parts may contain unused space.
        if self.sharding().is_none() {
            self.encoded_size().check("stored chunk", encoded.len())?;
        }
        let data = unwrap_bytes(
            &self.0.bytes_to_bytes,
            self.0.array_to_bytes.encoded_size(),
            encoded,
            |stored| self.decode_stored(stored),
        )?;
        let data = self.decode_arrays(data)?;
        match (size, &data) {
            (Some(size), ChunkData::Fixed(bytes)) => {
                EncodedSize::Exact(size).check("decoded chunk", bytes.len())?;
            }
            (_, ChunkData::Variable { offsets, bytes }) => {
                check_offsets(offsets, bytes, self.0.decoded.elements()?)?;
            }
            _ => {}
        }
        Ok(data)
    }

    /// Encodes a whole chunk, given in C order of the decoded axes and this machine's byte order,
    /// and appends it to `encoded`.
    ///
    /// # Errors
    /// Fails if a codec rejects the data.
    pub fn encode_chunk(&self, decoded: &ChunkData, encoded: &mut Vec<u8>) -> Result<()> {
        self.check_widest()?;
        match decoded {
            ChunkData::Fixed(elements) => self.0.decoded.data_type.check(elements)?,
            ChunkData::Variable { offsets, bytes } => {
                check_offsets(offsets, bytes, self.0.decoded.elements()?)?;
            }
        }
        if self.0.array_to_array.is_empty() {
            return self.encode_stored(decoded, encoded);
        }
        let data = self.encode_arrays(decoded.clone())?;
        self.encode_stored(&data, encoded)
    }
}
