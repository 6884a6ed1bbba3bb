//! Shards inside other codecs, which cannot be read or written in parts: one call decodes or encodes
//! all inner chunks, through the jobs of reads and writes.

use std::sync::Arc;

use bytes::Bytes;

use super::attempt::Attempt;
use super::encode::{encode_inner, inner_chunks};
use super::fetch::Work;
use super::part::{InnerParts, ReadOptions};
use super::variable::VariableChunks;
use super::works::Works;
use crate::buffer::{Input, Output};
use crate::codec::{ChunkData, ChunkSpec, EncodedSize, Sharding};
use crate::error::{Error, Result};
use crate::selection::{Axis, Wanted};
use crate::size::{byte_size, c_strides};

/// Decodes all inner chunks of a shard whose decoded form is `shard`.
///
/// # Errors
/// Fails if the index or an inner chunk is damaged, naming the inner chunk, or if the shard is
/// larger than the limit.
pub fn decode_shard(
    sharding: &dyn Sharding,
    shard: &ChunkSpec,
    encoded: &[u8],
) -> Result<ChunkData> {
    let size = buffer_size(sharding, shard)?;
    let output = Output::zeroed::<u8>(size)?;
    let attempt = Attempt::new(Arc::new(output.lease()?), ReadOptions::default());
    let bytes = Bytes::copy_from_slice(encoded);
    let mut chunks = VariableChunks::default();
    let mut left = sharding.inner().max_chunk_size();
    for work in Works::enclosed_shard(sharding, parts(sharding, shard), attempt, bytes)? {
        let Work::Decode(job) = work? else {
            unreachable!("all bytes of the shard are in memory");
        };
        if shard.data_type.fixed_size().is_some() {
            job.run()?;
            continue;
        }
        let (job, encoded) = job.into_parts();
        let chunk = encoded.map(|encoded| job.decode(&encoded));
        let number = chunk.transpose()?.map(|chunk| {
            let size = chunk.variable().map_or(0, |(_, bytes)| bytes.len() as u64);
            left = left.checked_sub(size).ok_or_else(|| too_large(sharding))?;
            chunks.push(Arc::new(chunk))
        });
        job.place_variable(number.transpose()?.unwrap_or(0))?;
    }
    let buffer = output
        .into_vec::<u8>(size)
        .expect("the only handle, made with this size");
    if shard.data_type.fixed_size().is_some() {
        return Ok(ChunkData::Fixed(buffer));
    }
    let (mut offsets, mut bytes) = (vec![0], Vec::new());
    for place in buffer.as_chunks::<8>().0 {
        let element = chunks.get(*place).unwrap_or(shard.fill_value.bytes());
        bytes.extend_from_slice(element);
        if bytes.len() as u64 > sharding.inner().max_chunk_size() {
            return Err(too_large(sharding));
        }
        offsets.push(bytes.len());
    }
    Ok(ChunkData::Variable { offsets, bytes })
}

/// Encodes all inner chunks of a shard and appends the shard to `encoded`.
///
/// # Errors
/// Fails if an inner chunk cannot be encoded, naming it.
pub fn encode_shard(
    sharding: &dyn Sharding,
    shard: &ChunkSpec,
    decoded: &ChunkData,
    encoded: &mut Vec<u8>,
) -> Result<()> {
    let input = match decoded.clone() {
        ChunkData::Fixed(elements) => {
            let size = EncodedSize::Exact(buffer_size(sharding, shard)?);
            size.check("elements of a shard", elements.len())?;
            Input::from_vec(elements, 0)
        }
        ChunkData::Variable { offsets, bytes } => Input::variable(offsets, bytes),
    };
    let mut inner = inner_chunks(sharding, None)?;
    inner.extend(encode_inner(parts(sharding, shard), false, &inner, &input)?);
    for piece in sharding.assemble(inner)? {
        encoded.extend_from_slice(&piece);
    }
    Ok(())
}

/// Returns the inner chunks of a shard in a C-order buffer.
fn parts(sharding: &dyn Sharding, shard: &ChunkSpec) -> InnerParts {
    let strides = c_strides(&shard.shape, shard.data_type.slot_size());
    let axes = shard.shape.iter().zip(strides).map(|(&len, stride)| {
        let mut axis = Axis::range(0, 1, len);
        axis.stride = stride;
        axis
    });
    let whole = Wanted::Box(axes.collect());
    InnerParts::new(sharding, &whole, shard.shape.to_vec())
}

/// Returns the size of the buffer for all elements of a shard, at most the limit.
fn buffer_size(sharding: &dyn Sharding, shard: &ChunkSpec) -> Result<usize> {
    let limit = sharding.inner().max_chunk_size();
    byte_size("shard", &shard.shape, shard.data_type.slot_size(), limit)
}

fn too_large(sharding: &dyn Sharding) -> Error {
    let limit = sharding.inner().max_chunk_size();
    Error::TooLarge {
        what: "decoded shard",
        wanted: format!("more than {limit} bytes"),
        limit,
    }
}
