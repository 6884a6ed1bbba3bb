//! Codecs: the traits that one file each in `zarr-codecs` implements, and the chain in which the core runs them.
//!
//! A codec is bound once: to what it receives on encoding, and so to what it must yield on decoding. After that it knows its
//! sizes, which are both the exact buffers and the caps against decompression bombs.

mod chain;
mod scratch;
mod shard;
mod spec;
mod whole;

use std::fmt::Debug;
use std::sync::Arc;

use bytes::Bytes;

pub use chain::CodecChain;
pub use scratch::{with_scratch, with_scratch_slice};
pub use shard::{ShardIndex, ShardIndexEntry};
pub use spec::{ChunkData, ChunkSpec, EncodedSize};
pub use whole::{decode_whole_shard, encode_whole_shard};

use crate::byte_range::ByteRange;
use crate::error::{Error, Result};

/// The order of the bytes of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ByteOrder {
    /// Least significant byte first.
    Little,
    /// Most significant byte first.
    Big,
}

impl ByteOrder {
    /// The order of this machine.
    #[must_use]
    pub const fn native() -> Self {
        if cfg!(target_endian = "big") {
            Self::Big
        } else {
            Self::Little
        }
    }
}

/// A codec from arrays to arrays, such as `transpose`.
pub trait ArrayToArray: Debug + Send + Sync {
    /// What the codec yields on encoding: shape, data type and fill value.
    fn encoded(&self) -> &ChunkSpec;

    /// For a codec that only reorders axes: dimension `i` of the encoded array is dimension `axis_order()[i]` of the decoded
    /// one. The planner then permutes regions and strides and never calls [`Self::encode`] or [`Self::decode`].
    fn axis_order(&self) -> Option<&[usize]> {
        None
    }

    /// Encodes a whole chunk.
    ///
    /// # Errors
    /// Where the data cannot be encoded.
    fn encode(&self, decoded: ChunkData) -> Result<ChunkData>;

    /// Decodes a whole chunk.
    ///
    /// # Errors
    /// Where the data is not of the codec's form.
    fn decode(&self, encoded: ChunkData) -> Result<ChunkData>;
}

/// The one codec of a chain from an array to bytes, such as `bytes` or `sharding_indexed`.
pub trait ArrayToBytes: Debug + Send + Sync {
    /// The size of the encoded form.
    fn encoded_size(&self) -> EncodedSize;

    /// Where the encoded form is the elements themselves in C order: their byte order. Elements are then copied straight
    /// between it and the caller's array, and [`Self::encode`] and [`Self::decode`] are not called. One-byte types answer with
    /// the native order.
    fn byte_order(&self) -> Option<ByteOrder> {
        None
    }

    /// The parts of a shard, where this codec is one.
    fn sharding(&self) -> Option<&dyn Sharding> {
        None
    }

    /// Encodes a whole chunk, in this machine's byte order, to the end of `encoded`.
    ///
    /// # Errors
    /// Where the data cannot be encoded.
    fn encode(&self, decoded: &ChunkData, encoded: &mut Vec<u8>) -> Result<()>;

    /// Decodes a whole chunk into this machine's byte order.
    ///
    /// # Errors
    /// Where the bytes are not of the codec's form or size.
    fn decode(&self, encoded: &[u8]) -> Result<ChunkData>;
}

/// A codec from bytes to bytes, such as `zstd`, bound to the size of what it decodes to.
pub trait BytesToBytes: Debug + Send + Sync {
    /// The name, for messages.
    fn name(&self) -> &'static str;

    /// The size of the encoded form of what the codec was bound to.
    fn encoded_size(&self) -> EncodedSize;

    /// Encodes to the end of `encoded`.
    ///
    /// # Errors
    /// Where the library refuses.
    fn encode(&self, decoded: &[u8], encoded: &mut Vec<u8>) -> Result<()>;

    /// Decodes to the end of `decoded`, and never more bytes than the codec was bound to.
    ///
    /// # Errors
    /// Where the bytes are damaged, or decode to more than is due.
    fn decode(&self, encoded: &[u8], decoded: &mut Vec<u8>) -> Result<()>;

    /// Decodes to exactly the bytes of `decoded`; codecs that can write there without a buffer between do.
    ///
    /// # Errors
    /// Where the bytes are damaged, or decode to more or less than is due.
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

    /// For a codec that only adds to its input, such as a checksum: the input, checked, as a part of the encoded bytes.
    ///
    /// # Errors
    /// Those of [`Self::decode`].
    fn payload<'a>(&self, _encoded: &'a [u8]) -> Result<Option<&'a [u8]>> {
        Ok(None)
    }
}

/// The pure questions that a plan asks of a codec whose encoded form is many inner chunks behind an index.
pub trait Sharding: Debug + Send + Sync {
    /// The codec chain of the inner chunks, bound to their shape.
    fn inner(&self) -> &Arc<CodecChain>;

    /// The number of inner chunks along each dimension of the shard.
    fn chunks_per_shard(&self) -> &[u64];

    /// Where the index is, in the bytes of the shard: a `Suffix` or a `Range` from zero.
    fn index_range(&self) -> ByteRange;

    /// Decodes the index.
    ///
    /// # Errors
    /// Where its checksum, size or entries are wrong.
    fn decode_index(&self, encoded: &[u8]) -> Result<ShardIndex>;

    /// Lays out a shard: encoded inner chunks in C order of their grid (`None` where all elements are fill values), as pieces
    /// to be written one after the other. A shard of nothing but `None` is its index alone.
    ///
    /// # Errors
    /// Where the index cannot be encoded.
    fn assemble(&self, inner: Vec<Option<Bytes>>) -> Result<Vec<Bytes>>;

    /// Lays out what goes behind the first `keep` bytes of a shard whose index is at the end, as pieces to be written one after the
    /// other: encoded inner chunks, each with its position, and the index. `entries` has one entry for each inner chunk, and those of
    /// the new ones are set.
    ///
    /// # Errors
    /// Where the index cannot be encoded, or is not at the end.
    fn append(
        &self,
        keep: u64,
        entries: &mut [ShardIndexEntry],
        new: Vec<(usize, Bytes)>,
    ) -> Result<Vec<Bytes>>;
}
