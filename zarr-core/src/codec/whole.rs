//! Shards as plain codecs: for chains in which they cannot be read in parts.

use bytes::Bytes;

use super::{ChunkData, ChunkSpec, Sharding};
use crate::buffer::{Input, Output};
use crate::copy::ChunkCopy;
use crate::error::{Error, Result};
use crate::plan::inner_grid;
use crate::selection::{Axis, Wanted};
use crate::size::{byte_size, c_strides, to_offset, to_usize};

/// Decodes all inner chunks of a shard that holds chunks of this specification.
///
/// # Errors
/// Where the index or an inner chunk is damaged, with the inner chunk's place.
pub fn decode_whole_shard(
    sharding: &dyn Sharding,
    shard: &ChunkSpec,
    encoded: &[u8],
) -> Result<ChunkData> {
    let size = encoded.len() as u64;
    let range = sharding.index_range().resolve(size);
    let index = sharding
        .decode_index(&encoded[to_usize("shard", range.start)?..to_usize("shard", range.end)?])?;
    let output = Output::zeroed::<u8>(shard_size(shard)?)?;
    for (position, cell, wanted) in parts(sharding, shard)? {
        let fill = shard.fill_value.bytes();
        let copy = copy_of(sharding, shard, &wanted);
        let decoded = index.locate(position, size).and_then(|range| match range {
            None => copy.fill(fill, output.region()),
            Some(range) => {
                let chunk =
                    &encoded[to_usize("shard", range.start)?..to_usize("shard", range.end)?];
                copy.scatter(
                    sharding.inner().decode_chunk(chunk)?.fixed()?,
                    output.region(),
                )
            }
        });
        decoded.map_err(|error| error.chunk("inner chunk", &cell))?;
    }
    let elements = output.into_vec::<u8>(shard_size(shard)?);
    Ok(ChunkData::Fixed(
        elements.expect("the only handle, made with this size"),
    ))
}

/// Encodes a whole chunk as a shard, to the end of `encoded`.
///
/// # Errors
/// Where an inner chunk cannot be encoded.
pub fn encode_whole_shard(
    sharding: &dyn Sharding,
    shard: &ChunkSpec,
    decoded: &ChunkData,
    encoded: &mut Vec<u8>,
) -> Result<()> {
    let input = Input::from_vec(decoded.fixed()?.to_vec(), 0);
    let fill = &shard.fill_value;
    let inner_shape = &sharding.inner().decoded().shape;
    let inner_size = byte_size("inner chunk", inner_shape, fill.bytes().len(), u64::MAX)?;
    let parts = parts(sharding, shard)?;
    let mut inner = vec![None; parts.len()];
    for (position, cell, wanted) in parts {
        let mut elements = vec![0; inner_size];
        copy_of(sharding, shard, &wanted).gather(input.region(), &mut elements)?;
        if fill.fills(&elements) {
            continue;
        }
        let mut chunk = Vec::new();
        let done = sharding
            .inner()
            .encode_chunk(&ChunkData::Fixed(elements), &mut chunk);
        done.map_err(|error| error.chunk("inner chunk", &cell))?;
        inner[position] = Some(Bytes::from(chunk));
    }
    sharding
        .assemble(inner)?
        .iter()
        .for_each(|piece| encoded.extend_from_slice(piece));
    Ok(())
}

fn shard_size(shard: &ChunkSpec) -> Result<usize> {
    shard
        .decoded_size(isize::MAX as u64)?
        .ok_or_else(|| Error::Unsupported {
            what: format!(
                "{} elements in a shard with codecs around it",
                shard.data_type
            ),
        })
}

/// All inner chunks of a shard: position in C order, cell, and its place in the elements of the shard.
fn parts(sharding: &dyn Sharding, shard: &ChunkSpec) -> Result<Vec<(usize, Vec<u64>, Wanted)>> {
    shard_size(shard)?;
    let item = shard.fill_value.bytes().len().cast_signed();
    let axes = shard
        .shape
        .iter()
        .zip(c_strides(&shard.shape))
        .map(|(&len, stride)| {
            let mut axis = Axis::range(0, 1, len);
            axis.stride = to_offset(stride) * item;
            axis
        });
    let whole = Wanted::Box(axes.collect()).parts(&inner_grid(sharding));
    Ok(whole
        .enumerate()
        .map(|(position, (cell, wanted))| (position, cell, wanted))
        .collect())
}

fn copy_of<'a>(sharding: &'a dyn Sharding, shard: &ChunkSpec, wanted: &'a Wanted) -> ChunkCopy<'a> {
    ChunkCopy {
        shape: &sharding.inner().decoded().shape,
        wanted,
        item_size: shard.item_size(),
        swap_size: 1,
    }
}
