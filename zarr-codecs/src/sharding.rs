//! The `sharding_indexed` codec: stores a chunk as inner chunks with an index (core codecs,
//! "sharding-indexed codec").
//!
//! Plans use the pure functions of [`Sharding`]. The codec runs as a plain codec only if other
//! codecs surround it.

use std::sync::Arc;

use ::bytes::Bytes;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use zarr_core::codec::{
    ArrayToBytes, ChunkData, ChunkSpec, CodecChain, EncodedSize, InnerChunks, ShardIndex,
    ShardIndexEntry, Sharding,
};
use zarr_core::plan::{decode_shard, encode_shard};
use zarr_core::{Binder, ByteRange, Error, Extension, Result};

use crate::shard_index::{IndexCodec, shard_bound};

/// Pieces of a shard smaller than this, in bytes, are joined before they are stored.
const SMALL: usize = 4 << 10;

/// The largest size of joined pieces, in bytes.
const PACK: usize = 1 << 20;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Configuration {
    chunk_shape: Box<RawValue>,
    codecs: Box<RawValue>,
    index_codecs: Box<RawValue>,
    #[serde(default)]
    index_location: IndexLocation,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum IndexLocation {
    Start,
    #[default]
    End,
}

#[derive(Debug)]
struct ShardingIndexed {
    shard: ChunkSpec,
    chunks_per_shard: Vec<u64>,
    inner: Arc<CodecChain>,
    index: IndexCodec,
    index_location: IndexLocation,
}

/// Binds the codec. The shape of an inner chunk must divide the shape that the codec receives,
/// which earlier codecs may have transposed.
pub(crate) fn bind(
    extension: &Extension,
    spec: &ChunkSpec,
    binder: &Binder<'_>,
) -> Result<Arc<dyn ArrayToBytes>> {
    let configuration: Configuration = extension.parse()?;
    bind_in(configuration, spec, binder).map_err(|error| error.member("configuration"))
}

fn bind_in(
    configuration: Configuration,
    spec: &ChunkSpec,
    binder: &Binder<'_>,
) -> Result<Arc<dyn ArrayToBytes>> {
    let chunk_shape: Vec<u64> = read("chunk_shape", &configuration.chunk_shape)?;
    let chunks_per_shard =
        divide(&spec.shape, &chunk_shape).map_err(|error| error.member("chunk_shape"))?;
    let inner_spec = ChunkSpec {
        shape: chunk_shape.into(),
        ..spec.clone()
    };
    let inner = binder.inner_chain(&extensions("codecs", &configuration.codecs)?, inner_spec)?;
    let index_codecs = extensions("index_codecs", &configuration.index_codecs)?;
    let index = IndexCodec::bind(&index_codecs, &chunks_per_shard, binder).map_err(in_index)?;
    Ok(Arc::new(ShardingIndexed {
        shard: spec.clone(),
        chunks_per_shard,
        inner: Arc::new(inner),
        index,
        index_location: configuration.index_location,
    }))
}

/// Reads a list in the configuration.
fn read<T: DeserializeOwned>(member: &str, value: &RawValue) -> Result<Vec<T>> {
    let expected = match member {
        "chunk_shape" => "a list of lengths",
        _ => "a list of codecs",
    };
    serde_json::from_str(value.get())
        .map_err(|_| Error::invalid(value.get(), expected).member(member))
}

fn extensions(member: &str, list: &RawValue) -> Result<Vec<Extension>> {
    let values = read::<Box<RawValue>>(member, list)?;
    let read = values.iter().enumerate().map(|(position, value)| {
        Extension::from_json(value)
            .map_err(|error| error.member(format_args!("{member}[{position}]")))
    });
    read.collect()
}

/// Renames the chain's own place, `codecs`, to `index_codecs` in an error.
fn in_index(error: Error) -> Error {
    match error {
        Error::InMember { pointer, error } => Error::InMember {
            pointer: format!("index_{pointer}"),
            error,
        },
        other => other.member("index_codecs"),
    }
}

/// Returns the number of inner chunks along each dimension.
fn divide(shard: &[u64], inner: &[u64]) -> Result<Vec<u64>> {
    if inner.len() != shard.len() {
        let found = format!("{} dimensions", inner.len());
        let expected = format!("{}, like the chunk", shard.len());
        return Err(Error::invalid(found, expected));
    }
    let counts = shard.iter().zip(inner).map(|(&shard_len, &len)| {
        if shard_len.is_multiple_of(len)
            && let Some(count) = shard_len.checked_div(len)
        {
            Ok(count)
        } else {
            let found = format!("{inner:?}");
            Err(Error::invalid(
                found,
                format!("divisors of {shard:?} of at least 1"),
            ))
        }
    });
    counts.collect()
}

impl Sharding for ShardingIndexed {
    fn inner(&self) -> &Arc<CodecChain> {
        &self.inner
    }

    fn chunks_per_shard(&self) -> &[u64] {
        &self.chunks_per_shard
    }

    fn index_range(&self) -> ByteRange {
        let size = self.index.encoded_size() as u64;
        match self.index_location {
            IndexLocation::Start => ByteRange::Range(0..size),
            IndexLocation::End => ByteRange::Suffix(size),
        }
    }

    fn decode_index(&self, encoded: &[u8]) -> Result<ShardIndex> {
        self.index.decode(encoded)
    }

    fn assemble(&self, inner: InnerChunks) -> Result<Vec<Bytes>> {
        self.check_places(&inner)?;
        self.around(|offset| inner.lay_out(offset))
    }

    fn arrange(&self, inner: InnerChunks, order: &[usize]) -> Result<Vec<Bytes>> {
        self.check_places(&inner)?;
        self.around(|offset| inner.lay_out_in(order.iter().copied(), offset))
    }

    fn append(
        &self,
        keep: u64,
        entries: &mut [ShardIndexEntry],
        new: InnerChunks,
    ) -> Result<Vec<Bytes>> {
        if !self.is_at_end() {
            return Err(Error::invalid(
                "a shard index at the start",
                "a shard index at the end",
            ));
        }
        let (new, chunks) = new.lay_out(keep)?;
        let stored = entries.iter_mut().zip(new);
        for (entry, new) in stored.filter(|(_, new)| *new != ShardIndex::EMPTY) {
            *entry = new;
        }
        let index = self.index.encode(entries)?;
        Ok(pack(chunks.into_iter().chain([index])))
    }
}

impl ShardingIndexed {
    fn check_places(&self, inner: &InnerChunks) -> Result<()> {
        if inner.places() == self.index.len() {
            return Ok(());
        }
        Err(Error::invalid(
            format_args!("{} inner chunks", inner.places()),
            format!("{}, one for each cell of the shard", self.index.len()),
        ))
    }

    /// Puts the index before or after the inner chunks that `lay_out` places from an offset on.
    fn around(
        &self,
        lay_out: impl FnOnce(u64) -> Result<(Vec<ShardIndexEntry>, Vec<Bytes>)>,
    ) -> Result<Vec<Bytes>> {
        if self.is_at_end() {
            let (entries, chunks) = lay_out(0)?;
            return Ok(pack(
                chunks.into_iter().chain([self.index.encode(&entries)?]),
            ));
        }
        let (entries, chunks) = lay_out(self.index.encoded_size() as u64)?;
        Ok(pack(
            [self.index.encode(&entries)?].into_iter().chain(chunks),
        ))
    }

    fn is_at_end(&self) -> bool {
        matches!(self.index_location, IndexLocation::End)
    }
}

/// Joins small pieces into pieces of up to [`PACK`] bytes; large pieces are not copied.
fn pack(pieces: impl Iterator<Item = Bytes>) -> Vec<Bytes> {
    let (mut packed, mut small) = (Vec::new(), Vec::new());
    for piece in pieces {
        let fits = piece.len() < SMALL && small.len().saturating_add(piece.len()) <= PACK;
        if !fits && !small.is_empty() {
            packed.push(Bytes::from(std::mem::take(&mut small)));
        }
        if piece.len() < SMALL {
            small.extend_from_slice(&piece);
        } else {
            packed.push(piece);
        }
    }
    if !small.is_empty() {
        packed.push(small.into());
    }
    packed
}

impl ArrayToBytes for ShardingIndexed {
    fn encoded_size(&self) -> EncodedSize {
        shard_bound(&self.index, &self.inner)
    }

    fn sharding(&self) -> Option<&dyn Sharding> {
        Some(self)
    }

    fn encode(&self, decoded: &ChunkData, encoded: &mut Vec<u8>) -> Result<()> {
        encode_shard(self, &self.shard, decoded, encoded)
    }

    fn decode(&self, encoded: &[u8]) -> Result<ChunkData> {
        decode_shard(self, &self.shard, encoded)
    }
}

#[cfg(all(test, feature = "compressors"))]
mod tests;
