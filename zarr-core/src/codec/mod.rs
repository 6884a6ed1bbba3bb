//! Codecs: the traits that `zarr-codecs` implements, one codec per file, and the chain in which the
//! core runs codecs.
//!
//! A codec is bound once, to its input on encoding, which is also its output on decoding. The sizes
//! of a bound codec serve both as exact buffer sizes and as caps against decompression bombs.

mod chain;
mod inner_chunks;
mod scratch;
mod shard;
mod spec;
mod wrap;

use std::fmt::Debug;
use std::sync::Arc;

use bytes::Bytes;

pub use crate::byte_order::ByteOrder;
pub use chain::CodecChain;
pub use inner_chunks::{EncodedChunks, InnerChunks};
pub use scratch::{ScratchMemory, with_scratch, with_scratch_memory, with_scratch_slice};
pub use shard::{ShardIndex, ShardIndexEntry};
pub use spec::{ChunkData, ChunkSpec, EncodedSize};

use crate::byte_range::ByteRange;
use crate::error::{Error, Result};

/// A codec from arrays to arrays, such as `transpose`.
pub trait ArrayToArray: Debug + Send + Sync {
    /// The output of the codec on encoding: shape, data type and fill value.
    fn encoded(&self) -> &ChunkSpec;

    /// The axis order of a codec that only reorders axes: dimension `i` of the encoded array is
    /// dimension `axis_order()[i]` of the decoded array. The planner then permutes regions and
    /// strides and never calls [`Self::encode`] or [`Self::decode`].
    fn axis_order(&self) -> Option<&[usize]> {
        None
    }

    /// Encodes a whole chunk.
    ///
    /// # Errors
    /// Fails if the data cannot be encoded.
    fn encode(&self, decoded: ChunkData) -> Result<ChunkData>;

    /// Decodes a whole chunk.
    ///
    /// # Errors
    /// Fails if the data does not have the form that the codec produces.
    fn decode(&self, encoded: ChunkData) -> Result<ChunkData>;
}

/// The one codec of a chain from an array to bytes, such as `bytes` or `sharding_indexed`.
pub trait ArrayToBytes: Debug + Send + Sync {
    /// The size of the encoded form.
    fn encoded_size(&self) -> EncodedSize;

    /// The byte order of the elements, if the encoded form is the elements themselves in C order.
    /// The core then copies elements directly between the encoded form and the caller's array, and
    /// never calls [`Self::encode`] or [`Self::decode`]. One-byte types return the native order.
    fn byte_order(&self) -> Option<ByteOrder> {
        None
    }

    /// The parts of a shard, if this is a sharding codec.
    fn sharding(&self) -> Option<&dyn Sharding> {
        None
    }

    /// Encodes a whole chunk, given in this machine's byte order, and appends it to `encoded`.
    ///
    /// # Errors
    /// Fails if the data cannot be encoded.
    fn encode(&self, decoded: &ChunkData, encoded: &mut Vec<u8>) -> Result<()>;

    /// Decodes a whole chunk into this machine's byte order.
    ///
    /// # Errors
    /// Fails if the bytes do not have the form or size that the codec produces.
    fn decode(&self, encoded: &[u8]) -> Result<ChunkData>;
}

/// A codec from bytes to bytes, such as `zstd`, bound to the size of its decoded form.
pub trait BytesToBytes: Debug + Send + Sync {
    /// The codec's name, for messages.
    fn name(&self) -> &'static str;

    /// The size of the encoded form, for a decoded form of the size that the codec was bound to.
    fn encoded_size(&self) -> EncodedSize;

    /// Encodes `decoded` and appends the result to `encoded`.
    ///
    /// # Errors
    /// Fails if the underlying library reports an error.
    fn encode(&self, decoded: &[u8], encoded: &mut Vec<u8>) -> Result<()>;

    /// Decodes `encoded` and appends the result to `decoded`: never more bytes than the codec was
    /// bound to.
    ///
    /// # Errors
    /// Fails if the bytes are damaged, or decode to more bytes than expected.
    fn decode(&self, encoded: &[u8], decoded: &mut Vec<u8>) -> Result<()>;

    /// Decodes to exactly the bytes of `decoded`, without an intermediate buffer if the codec can.
    ///
    /// # Errors
    /// Fails if the bytes are damaged, or decode to more or fewer bytes than expected.
    fn decode_exact(&self, encoded: &[u8], decoded: &mut [u8]) -> Result<()> {
        with_scratch(|buffer| {
            self.decode(encoded, buffer)?;
            if buffer.len() != decoded.len() {
                return Err(Error::size(self.name(), buffer.len(), decoded.len()));
            }
            decoded.copy_from_slice(buffer);
            Ok(())
        })
    }

    /// Verifies the encoded bytes and returns their part that is the decoded form, for a codec that
    /// only adds to its input, such as a checksum; `None` for all other codecs.
    ///
    /// # Errors
    /// The errors of [`Self::decode`].
    fn payload<'a>(&self, _encoded: &'a [u8]) -> Result<Option<&'a [u8]>> {
        Ok(None)
    }
}

/// The pure functions of a sharding codec that plans call. The encoded form of such a codec is many
/// inner chunks and an index.
pub trait Sharding: Debug + Send + Sync {
    /// The codec chain of the inner chunks, bound to their shape.
    fn inner(&self) -> &Arc<CodecChain>;

    /// The number of inner chunks along each dimension of the shard.
    fn chunks_per_shard(&self) -> &[u64];

    /// The byte range of the index in the shard: a `Suffix`, or a `Range` from zero.
    fn index_range(&self) -> ByteRange;

    /// Decodes the shard index.
    ///
    /// # Errors
    /// Fails if the checksum, size or entries of the index are wrong.
    fn decode_index(&self, encoded: &[u8]) -> Result<ShardIndex>;

    /// Lays out a shard as consecutive pieces. A shard without stored inner chunks is its index
    /// alone.
    ///
    /// # Errors
    /// Fails if the index cannot be encoded.
    fn assemble(&self, inner: InnerChunks) -> Result<Vec<Bytes>>;

    /// Lays out a shard like [`Self::assemble`], with its inner chunks in the order of these
    /// positions, which are all positions in C order of their grid.
    ///
    /// # Errors
    /// Fails if the index cannot be encoded.
    fn arrange(&self, inner: InnerChunks, order: &[usize]) -> Result<Vec<Bytes>>;

    /// Lays out the bytes that follow the first `keep` bytes of a shard with its index at the end,
    /// as consecutive pieces: the inner chunks stored in `new`, and the index. `entries` has one
    /// entry for each inner chunk; `append` sets the entries of the new ones.
    ///
    /// # Errors
    /// Fails if the index cannot be encoded, or is not at the end.
    fn append(
        &self,
        keep: u64,
        entries: &mut [ShardIndexEntry],
        new: InnerChunks,
    ) -> Result<Vec<Bytes>>;
}
