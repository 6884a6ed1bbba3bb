//! The shard index: binding to its codec chain, decoding and encoding (`sharding_indexed`, "Binary
//! shard format").

use bytes::Bytes;
use zarr_core::codec::{
    ChunkData, ChunkSpec, CodecChain, EncodedSize, ShardIndex, ShardIndexEntry,
};
use zarr_core::size::byte_size;
use zarr_core::{Binder, DataType, Error, Extension, FillValue, Result, element_bytes};

/// The size in bytes of an entry, which holds the offset and the size of an inner chunk.
const ENTRY_SIZE: usize = size_of::<ShardIndexEntry>();

/// The codecs of a shard index, and its sizes.
#[derive(Debug)]
pub(crate) struct IndexCodec {
    codecs: CodecChain,
    /// The number of entries.
    len: usize,
    encoded_size: usize,
}

impl IndexCodec {
    /// Binds the index codecs to a shard with `chunks_per_shard` inner chunks along each dimension.
    pub(crate) fn bind(
        codecs: &[Extension],
        chunks_per_shard: &[u64],
        binder: &Binder<'_>,
    ) -> Result<Self> {
        let limit = binder.limits().max_index_size;
        let size = byte_size("shard index", chunks_per_shard, ENTRY_SIZE, limit)?;
        let spec = ChunkSpec {
            shape: chunks_per_shard.iter().copied().chain([2]).collect(),
            data_type: DataType::core("uint64")?,
            fill_value: FillValue::new(vec![0xFF; 8]),
        };
        let codecs = binder.inner_chain(codecs, spec)?;
        match codecs.encoded_size() {
            EncodedSize::Exact(encoded_size) => Ok(Self {
                codecs,
                len: size / ENTRY_SIZE,
                encoded_size,
            }),
            EncodedSize::AtMost(_) => Err(Error::invalid(
                "an index codec whose encoded size varies",
                "index codecs with a fixed encoded size",
            )
            .member("codecs")),
        }
    }

    /// Returns the size of the encoded shard index in bytes.
    pub(crate) fn encoded_size(&self) -> usize {
        self.encoded_size
    }

    /// Returns the number of inner chunks.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Decodes a shard index. Entries are not checked until they are used.
    pub(crate) fn decode(&self, encoded: &[u8]) -> Result<ShardIndex> {
        EncodedSize::Exact(self.encoded_size).check("shard index", encoded.len())?;
        let decoded = self.codecs.decode_chunk(encoded);
        let decoded = decoded.map_err(|error| error.member("shard index"))?;
        let (numbers, _) = decoded.fixed()?.as_chunks::<8>();
        let (entries, _) = numbers.as_chunks::<2>();
        let entries = entries.iter().map(|entry| entry.map(u64::from_ne_bytes));
        Ok(ShardIndex::new(entries.collect()))
    }

    /// Encodes a shard index, whose number of entries must be the number of inner chunks.
    pub(crate) fn encode(&self, entries: &[ShardIndexEntry]) -> Result<Bytes> {
        let decoded = ChunkData::Fixed(element_bytes(entries.as_flattened()).to_vec());
        let mut encoded = Vec::with_capacity(self.encoded_size);
        self.codecs.encode_chunk(&decoded, &mut encoded)?;
        EncodedSize::Exact(self.encoded_size).check("shard index", encoded.len())?;
        Ok(encoded.into())
    }
}

/// Returns the largest size of a shard: all inner chunks at their largest, and the index.
pub(crate) fn shard_bound(index: &IndexCodec, inner: &CodecChain) -> EncodedSize {
    let chunks = index.len.saturating_mul(inner.encoded_size().max());
    EncodedSize::AtMost(chunks.saturating_add(index.encoded_size))
}
