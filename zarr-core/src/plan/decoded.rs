//! A decoded chunk that outlives its job, for caches of the caller.

use std::sync::Arc;

use super::job::ChunkJob;
use crate::codec::{ChunkData, CodecChain};
use crate::error::{Error, Result};

/// The elements of a decoded chunk or inner chunk, in the form in which jobs copy them.
#[derive(Debug)]
pub struct DecodedChunk {
    chain: Arc<CodecChain>,
    /// In C order of the planned axes of the chain.
    data: ChunkData,
}

impl DecodedChunk {
    /// The size of the elements in memory, in bytes.
    #[must_use]
    pub fn nbytes(&self) -> usize {
        match &self.data {
            ChunkData::Fixed(elements) => elements.len(),
            ChunkData::Variable { offsets, bytes } => size_of_val(offsets.as_slice()) + bytes.len(),
        }
    }

    /// The variable-size elements: offsets, one more than there are elements, and bytes. `None` for
    /// elements of fixed size.
    #[must_use]
    pub fn variable(&self) -> Option<(&[usize], &[u8])> {
        match &self.data {
            ChunkData::Fixed(_) => None,
            ChunkData::Variable { offsets, bytes } => Some((offsets, bytes)),
        }
    }
}

impl ChunkJob {
    /// Decodes the whole chunk.
    ///
    /// # Errors
    /// Fails if the bytes are damaged, naming key and inner chunk.
    pub fn decode(&self, encoded: &[u8]) -> Result<DecodedChunk> {
        let chain = &self.part.chain;
        let data_type = &chain.planned().data_type;
        if data_type.fixed_size().is_none() {
            let (offsets, bytes) = self.decode_variable(encoded)?;
            return Ok(DecodedChunk {
                chain: chain.clone(),
                data: ChunkData::Variable { offsets, bytes },
            });
        }
        let elements = chain.decode(encoded, |elements| {
            self.check_bools(elements.bytes)?;
            let mut bytes = elements.bytes.to_vec();
            if elements.foreign {
                data_type.swap_bytes(&mut bytes);
            }
            Ok(bytes)
        });
        Ok(DecodedChunk {
            chain: chain.clone(),
            data: ChunkData::Fixed(elements.map_err(|error| self.location.wrap(error))?),
        })
    }

    /// Whether `decoded` was decoded with the codecs of this job, from a chunk of equal shape, data
    /// type and fill value. Registries are not compared.
    #[must_use]
    pub fn accepts(&self, decoded: &DecodedChunk) -> bool {
        self.part.chain.decodes_like(&decoded.chain)
    }

    /// Copies the wanted elements of fixed size from a decoded chunk to the output of the read.
    ///
    /// # Errors
    /// Fails if the job does not [accept](Self::accepts) the chunk, or if its elements have
    /// variable size.
    pub fn copy(self, decoded: &DecodedChunk) -> Result<()> {
        let copied = if self.accepts(decoded) {
            let elements = decoded.data.fixed();
            elements
                .and_then(|elements| self.chunk_copy().scatter(elements, self.attempt.written()))
        } else {
            let found = "a chunk that other codecs decoded";
            Err(Error::invalid(
                found,
                "a chunk decoded by the codecs of the job",
            ))
        };
        copied.map_err(|error| self.location.wrap(error))
    }
}
