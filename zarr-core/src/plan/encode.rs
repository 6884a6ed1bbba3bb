//! Pure work on one chunk to be written: takes the new elements, merges them with the old elements,
//! encodes.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use super::location::ChunkLocation;
use super::part::{ChunkPart, InnerParts};
use super::works::index_of;
use crate::buffer::Input;
use crate::byte_order::swap_bytes;
use crate::codec::{
    CodecChain, EncodedChunks, InnerChunks, ShardIndex, Sharding, with_scratch, with_scratch_slice,
};
use crate::copy::ChunkCopy;
use crate::data_type::FillValue;
use crate::error::{Error, Result};
use crate::size::{product, to_usize};

/// A chunk to be encoded, or inner chunks of a shard that one thread encodes one after another.
#[derive(Debug)]
pub struct EncodeJob {
    pub(super) location: ChunkLocation,
    pub(super) work: EncodeWork,
}

#[derive(Debug)]
pub(super) enum EncodeWork {
    /// A whole object, and its existing bytes if some of its elements are kept.
    Chunk(ChunkWrite, Option<Bytes>),
    /// Inner chunks of a shard over its existing ones.
    Inner {
        parts: InnerParts,
        store_fill: bool,
        existing: Arc<InnerChunks>,
    },
}

impl EncodeJob {
    /// Encodes the chunks. Chunks whose elements are all fill values are removed, unless such
    /// chunks are stored.
    ///
    /// # Errors
    /// Fails if an old chunk is damaged (it is then never overwritten) or a codec rejects the
    /// data.
    pub fn run(self, input: &Input) -> Result<EncodedChunks> {
        let encoded = match self.work {
            EncodeWork::Chunk(task, existing) => {
                let mut encoded = EncodedChunks::default();
                let append = |chunks: &mut _| encode_chunk(&task, existing, input, chunks);
                encoded.push(0, append).map(|()| encoded)
            }
            EncodeWork::Inner {
                parts,
                store_fill,
                existing,
            } => encode_inner(parts, store_fill, &existing, input),
        };
        encoded.map_err(|error| self.location.wrap(error))
    }
}

/// The write to one chunk.
#[derive(Clone, Debug)]
pub(crate) struct ChunkWrite {
    pub(crate) part: ChunkPart,
    /// Whether chunks of only fill values are stored.
    pub(crate) store_fill: bool,
}

/// Returns the encoded inner chunks of an existing shard; none are stored if there is no shard.
pub(crate) fn inner_chunks(sharding: &dyn Sharding, shard: Option<&Bytes>) -> Result<InnerChunks> {
    let Some(shard) = shard else {
        let len = to_usize("shard index", product(sharding.chunks_per_shard())?)?;
        return Ok(InnerChunks::absent(len));
    };
    InnerChunks::of_shard(index_of(sharding, shard)?, shard.clone())
}

/// Returns the byte ranges of the inner chunks of a shard of `size` bytes, in C order.
pub(crate) fn located(index: &ShardIndex, size: u64) -> Result<Vec<Option<Range<u64>>>> {
    (0..index.entries().len())
        .map(|position| index.locate(position, size))
        .collect()
}

/// Encodes a chunk, merging new elements over old ones, and appends it to other chunks. Returns
/// whether the chunk is stored.
fn encode_chunk(
    task: &ChunkWrite,
    existing: Option<Bytes>,
    input: &Input,
    chunks: &mut Vec<u8>,
) -> Result<bool> {
    let existing = existing.filter(|_| !task.part.replaces());
    let (Some(sharding), Some(parts)) = (task.part.chain.sharding(), task.part.inner()) else {
        return encode_plain(task, existing, input, chunks);
    };
    let mut inner = inner_chunks(sharding, existing.as_ref())?;
    inner.extend(encode_inner(parts, task.store_fill, &inner, input)?);
    if inner.is_absent() {
        return Ok(false);
    }
    for piece in sharding.assemble(inner)? {
        chunks.extend_from_slice(&piece);
    }
    Ok(true)
}

/// Encodes inner chunks of a shard over its existing ones.
pub(super) fn encode_inner(
    mut parts: InnerParts,
    store_fill: bool,
    existing: &InnerChunks,
    input: &Input,
) -> Result<EncodedChunks> {
    let mut encoded = EncodedChunks::reserve(parts.left(), parts.encoded_size());
    while let Some((number, part)) = parts.next() {
        let position = to_usize("inner chunk", number)?;
        let existing = existing.get(position);
        let task = ChunkWrite { part, store_fill };
        let append = |chunks: &mut _| encode_chunk(&task, existing, input, chunks);
        let pushed = encoded.push(position, append);
        pushed.map_err(|error| error.chunk("inner chunk", &parts.cell(number)))?;
    }
    Ok(encoded)
}

fn encode_plain(
    task: &ChunkWrite,
    existing: Option<Bytes>,
    input: &Input,
    chunks: &mut Vec<u8>,
) -> Result<bool> {
    let chain = &task.part.chain;
    let spec = chain.planned();
    if spec.data_type.fixed_size().is_none() {
        return encode_variable(task, existing.as_ref(), input, chunks);
    }
    let size = chain.elements_size()?;
    let fill = stored_fill(chain);
    let copy = ChunkCopy {
        shape: &spec.shape,
        wanted: &task.part.wanted,
        item_size: spec.item_size(),
        swap_size: if chain.encodes_foreign() {
            spec.data_type.swap_size()
        } else {
            1
        },
    };
    let all_fill = |elements: &[u8]| !task.store_fill && fill.fills(elements);
    let covers = task.part.wanted.covers(&spec.shape);
    if chain.is_uncompressed() {
        let start = chunks.len();
        if covers {
            copy.append_to(chunks, input.span())?;
        } else {
            append_old(chain, existing, chunks)?;
            copy.gather(input.span(), &mut chunks[start..])?;
        }
        let stored = !all_fill(&chunks[start..]);
        if !stored {
            chunks.truncate(start);
        }
        return Ok(stored);
    }
    with_scratch_slice(size, |elements| {
        match existing {
            Some(existing) => chain.decode(&existing, |old| {
                elements.copy_from_slice(old.bytes);
                Ok(())
            })?,
            // Contents left by earlier uses of the buffer are overwritten below.
            None if covers => {}
            None => fill_with(elements, fill.bytes()),
        }
        copy.gather(input.span(), elements)?;
        if all_fill(elements) {
            return Ok(false);
        }
        with_scratch(|encoded| {
            chain.encode(elements, encoded)?;
            chunks.extend_from_slice(encoded);
            Ok(true)
        })
    })
}

/// Appends the old elements of an uncompressed chunk, in their own memory if nothing else uses it.
fn append_old(chain: &CodecChain, existing: Option<Bytes>, chunks: &mut Vec<u8>) -> Result<()> {
    let Some(existing) = existing else {
        let start = chunks.len();
        chunks.resize(start + chain.elements_size()?, 0);
        fill_with(&mut chunks[start..], stored_fill(chain).bytes());
        return Ok(());
    };
    chain.decode(&existing, |_| Ok(()))?;
    if chunks.capacity() == 0 {
        *chunks = existing.into();
    } else {
        chunks.extend_from_slice(&existing);
    }
    Ok(())
}

/// Encodes like [`encode_plain`], for variable-size elements.
fn encode_variable(
    task: &ChunkWrite,
    existing: Option<&Bytes>,
    input: &Input,
    chunks: &mut Vec<u8>,
) -> Result<bool> {
    const NONE: u64 = u64::MAX;
    let chain = &task.part.chain;
    let spec = chain.planned();
    let new = input.elements().ok_or_else(|| {
        Error::selection("fixed-size elements for an array of variable-size elements")
    })?;
    let len = to_usize("chunk", spec.elements()?)?;
    // The number of each element in the input; `NONE` for elements that the input does not have.
    let mut numbers = NONE.to_ne_bytes().repeat(len);
    ChunkCopy {
        shape: &spec.shape,
        wanted: &task.part.wanted,
        item_size: 8,
        swap_size: 1,
    }
    .gather(input.span(), &mut numbers)?;
    let old = existing
        .map(|existing| chain.decode_variable(existing))
        .transpose()?;
    let fill = spec.fill_value.bytes();
    let (mut offsets, mut bytes, mut all_fill) = (vec![0], Vec::new(), !task.store_fill);
    for (position, number) in numbers.as_chunks::<8>().0.iter().enumerate() {
        let number = u64::from_ne_bytes(*number);
        let element = match (new.get(number), &old) {
            (Some(element), _) => element,
            (None, Some((offsets, bytes))) => &bytes[offsets[position]..offsets[position + 1]],
            (None, None) => fill,
        };
        all_fill &= element == fill;
        bytes.extend_from_slice(element);
        offsets.push(bytes.len());
    }
    if all_fill {
        return Ok(false);
    }
    with_scratch(|encoded| {
        chain.encode_variable(offsets, bytes, encoded)?;
        chunks.extend_from_slice(encoded);
        Ok(true)
    })
}

/// Encodes a chunk of only fill values.
pub(crate) fn encode_fill(chain: &CodecChain) -> Result<Bytes> {
    if let Some(sharding) = chain.sharding() {
        let inner = inner_chunks(sharding, None)?;
        return Ok(sharding.assemble(inner)?.concat().into());
    }
    let spec = chain.planned();
    if spec.data_type.fixed_size().is_none() {
        let (len, fill) = (
            to_usize("chunk", spec.elements()?)?,
            spec.fill_value.bytes(),
        );
        let offsets = (0..=len).map(|number| number * fill.len()).collect();
        let mut encoded = Vec::new();
        chain.encode_variable(offsets, fill.repeat(len), &mut encoded)?;
        return Ok(encoded.into());
    }
    let mut elements = vec![0; chain.elements_size()?];
    fill_with(&mut elements, stored_fill(chain).bytes());
    let mut encoded = Vec::new();
    chain.encode(&elements, &mut encoded)?;
    Ok(encoded.into())
}

/// Returns the fill value in the byte order that the chain encodes.
fn stored_fill(chain: &CodecChain) -> Cow<'_, FillValue> {
    let spec = chain.planned();
    if !chain.encodes_foreign() {
        return Cow::Borrowed(&spec.fill_value);
    }
    let mut bytes = spec.fill_value.bytes().to_vec();
    swap_bytes(&mut bytes, spec.data_type.swap_size());
    Cow::Owned(FillValue::new(bytes))
}

fn fill_with(elements: &mut [u8], item: &[u8]) {
    match item {
        [byte] => elements.fill(*byte),
        _ if item.iter().all(|&byte| byte == item[0]) => elements.fill(item[0]),
        _ => elements
            .chunks_exact_mut(item.len())
            .for_each(|element| element.copy_from_slice(item)),
    }
}
