//! Shards as plain codecs, for chains in which shards cannot be read in parts.
//!
//! Variable-size elements are copied as 8-byte numbers by the strided copies that fixed-size
//! elements use, then gathered by these numbers.

use bytes::Bytes;

use super::{ChunkData, ChunkSpec, EncodedSize, InnerChunks, Sharding};
use crate::buffer::{Input, Output};
use crate::copy::ChunkCopy;
use crate::error::{Error, Result};
use crate::plan::inner_grid;
use crate::selection::{Axis, Wanted};
use crate::size::{byte_size, c_strides, to_offset, to_usize};

/// Decodes all inner chunks of a shard whose decoded form is `shard`.
///
/// # Errors
/// Fails if the index or an inner chunk is damaged, naming the inner chunk, or if the shard is
/// larger than the limit.
pub fn decode_whole_shard(
    sharding: &dyn Sharding,
    shard: &ChunkSpec,
    encoded: &[u8],
) -> Result<ChunkData> {
    let size = encoded.len() as u64;
    let range = sharding.index_range().resolve(size);
    let index = sharding
        .decode_index(&encoded[to_usize("shard", range.start)?..to_usize("shard", range.end)?])?;
    let output = Output::zeroed::<u8>(shard_size(sharding, shard)?)?;
    let mut elements = Elements::new(shard, sharding.inner().max_chunk_size());
    for (position, cell, wanted) in parts(sharding, shard)? {
        let copy = copy_of(sharding, shard, &wanted);
        let decoded = index.locate(position, size).and_then(|range| {
            let Some(range) = range else {
                return copy.fill(&elements.fill, output.region());
            };
            let chunk = &encoded[to_usize("shard", range.start)?..to_usize("shard", range.end)?];
            let chunk = elements.place(sharding.inner().decode_chunk(chunk)?)?;
            copy.scatter(&chunk, output.region())
        });
        decoded.map_err(|error| error.chunk("inner chunk", &cell))?;
    }
    let placed = output
        .into_vec::<u8>(shard_size(sharding, shard)?)
        .expect("the only handle, made with this size");
    elements.collect(placed)
}

/// Encodes a whole chunk as a shard and appends it to `encoded`.
///
/// # Errors
/// Fails if an inner chunk cannot be encoded.
pub fn encode_whole_shard(
    sharding: &dyn Sharding,
    shard: &ChunkSpec,
    decoded: &ChunkData,
    encoded: &mut Vec<u8>,
) -> Result<()> {
    let elements = match decoded {
        ChunkData::Fixed(elements) => elements.clone(),
        ChunkData::Variable { offsets, .. } => (0..offsets.len().saturating_sub(1) as u64)
            .flat_map(u64::to_ne_bytes)
            .collect(),
    };
    EncodedSize::Exact(shard_size(sharding, shard)?)
        .check("elements of a shard", elements.len())?;
    let input = Input::from_vec(elements, 0);
    let inner_shape = &sharding.inner().decoded().shape;
    let inner_size = byte_size("inner chunk", inner_shape, item_size(shard), u64::MAX)?;
    let parts = parts(sharding, shard)?;
    let mut inner = InnerChunks::absent(parts.len());
    for (position, cell, wanted) in parts {
        let mut elements = vec![0; inner_size];
        copy_of(sharding, shard, &wanted).gather(input.region(), &mut elements)?;
        let Some(elements) = not_fill(shard, decoded, elements) else {
            continue;
        };
        let mut chunk = Vec::new();
        let done = sharding.inner().encode_chunk(&elements, &mut chunk);
        done.map_err(|error| error.chunk("inner chunk", &cell))?;
        inner.set(position, Some(Bytes::from(chunk)));
    }
    sharding
        .assemble(inner)?
        .iter()
        .for_each(|piece| encoded.extend_from_slice(piece));
    Ok(())
}

/// Returns the size of each copied item: the element itself, or its number for variable-size
/// elements.
fn item_size(shard: &ChunkSpec) -> usize {
    shard.data_type.fixed_size().unwrap_or(size_of::<u64>())
}

/// Elements in transit out of a shard. Variable-size elements are copied as numbers and collected
/// at the end.
struct Elements {
    /// The item to copy for elements that are not stored; for variable-size elements, number 0
    /// stands for the fill value.
    fill: Vec<u8>,
    /// Ends of the elements, and their bytes; `None` for fixed-size elements.
    variable: Option<(Vec<usize>, Vec<u8>)>,
    limit: u64,
}

impl Elements {
    fn new(shard: &ChunkSpec, limit: u64) -> Self {
        let fill = shard.fill_value.bytes().to_vec();
        match shard.data_type.fixed_size() {
            Some(_) => Self {
                fill,
                variable: None,
                limit,
            },
            None => Self {
                variable: Some((vec![0, fill.len()], fill)),
                fill: 0_u64.to_ne_bytes().to_vec(),
                limit,
            },
        }
    }

    /// Returns the items to copy for a chunk: its elements, or their numbers.
    fn place(&mut self, chunk: ChunkData) -> Result<Vec<u8>> {
        match (chunk, &mut self.variable) {
            (ChunkData::Fixed(elements), None) => Ok(elements),
            (ChunkData::Variable { offsets, bytes }, Some((ends, all))) => {
                let total = all.len() + bytes.len();
                if total as u64 > self.limit {
                    return Err(Error::TooLarge {
                        what: "decoded shard",
                        wanted: format!("{total} bytes"),
                        limit: self.limit,
                    });
                }
                let first = ends.len() as u64 - 1;
                let len = offsets.len().saturating_sub(1) as u64;
                let start = all.len();
                ends.extend(offsets.iter().skip(1).map(|end| start + end));
                all.extend_from_slice(&bytes);
                Ok((first..first + len).flat_map(u64::to_ne_bytes).collect())
            }
            _ => Err(Error::corrupt(
                "inner chunk",
                "elements of one size among those of any, or the reverse",
            )),
        }
    }

    /// Returns the elements of the shard, from the copied items.
    fn collect(self, placed: Vec<u8>) -> Result<ChunkData> {
        let Some((ends, all)) = self.variable else {
            return Ok(ChunkData::Fixed(placed));
        };
        gathered(&placed, &ends, &all, self.limit)
    }
}

/// Returns the elements with these numbers.
fn gathered(numbers: &[u8], offsets: &[usize], bytes: &[u8], limit: u64) -> Result<ChunkData> {
    let mut chosen = vec![0];
    let mut chosen_bytes = Vec::new();
    for number in numbers.as_chunks::<8>().0 {
        let number = to_usize("number", u64::from_ne_bytes(*number))?;
        chosen_bytes.extend_from_slice(&bytes[offsets[number]..offsets[number + 1]]);
        chosen.push(chosen_bytes.len());
        if chosen_bytes.len() as u64 > limit {
            return Err(Error::TooLarge {
                what: "decoded shard",
                wanted: format!("{} bytes or more", chosen_bytes.len()),
                limit,
            });
        }
    }
    Ok(ChunkData::Variable {
        offsets: chosen,
        bytes: chosen_bytes,
    })
}

/// Returns the inner chunk of these elements, or of the elements with these numbers; `None` if all
/// are fill values.
fn not_fill(shard: &ChunkSpec, decoded: &ChunkData, elements: Vec<u8>) -> Option<ChunkData> {
    let fill = &shard.fill_value;
    match decoded {
        ChunkData::Fixed(_) => (!fill.fills(&elements)).then_some(ChunkData::Fixed(elements)),
        ChunkData::Variable { offsets, bytes } => {
            let chunk = gathered(&elements, offsets, bytes, u64::MAX).ok()?;
            let ChunkData::Variable { offsets, bytes } = &chunk else {
                return None;
            };
            let mut ends = offsets.windows(2);
            (!ends.all(|ends| bytes[ends[0]..ends[1]] == *fill.bytes())).then_some(chunk)
        }
    }
}

/// Returns the size of the copied items of a whole shard, at most the limit.
fn shard_size(sharding: &dyn Sharding, shard: &ChunkSpec) -> Result<usize> {
    let limit = sharding.inner().max_chunk_size();
    byte_size("shard", &shard.shape, item_size(shard), limit)
}

/// Returns all inner chunks of a shard: position in C order, cell, and place among the elements of
/// the shard.
fn parts(sharding: &dyn Sharding, shard: &ChunkSpec) -> Result<Vec<(usize, Vec<u64>, Wanted)>> {
    shard_size(sharding, shard)?;
    let item = item_size(shard).cast_signed();
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
        item_size: item_size(shard),
        swap_size: 1,
    }
}
