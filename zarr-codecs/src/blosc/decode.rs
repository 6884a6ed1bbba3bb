//! Decodes the blocks of a frame: lists of compressed streams, possibly shuffled. Every offset and
//! size is checked where it is used.

use std::cell::RefCell;

use zarr_core::{Error, Result};

use super::blosclz;
use super::header::{Format, HEADER_SIZE, Header, Storage};
use super::unshuffle::{Filter, unshuffle};
use crate::inflate::inflate;
use crate::lz4_block;
use crate::zstd_frame::decode_frames;

/// The largest buffer capacity, in bytes, that a thread keeps after decoding a frame.
const KEEP: usize = 2 << 20;

thread_local! {
    /// Scratch for a shuffled block and for its byte planes. The buffers keep their length, so that
    /// no byte is zeroed twice.
    static BLOCKS: RefCell<[Vec<u8>; 2]> = const { RefCell::new([Vec::new(), Vec::new()]) };
}

/// Decodes a frame with the parsed header `header` into `decoded`, which is `header.nbytes` bytes
/// long.
pub(super) fn decode_frame(header: &Header, encoded: &[u8], decoded: &mut [u8]) -> Result<()> {
    match header.storage {
        Storage::Plain => {
            decoded.copy_from_slice(encoded.get(HEADER_SIZE..).unwrap_or_default());
            Ok(())
        }
        Storage::Blocks {
            format,
            filter,
            split,
        } => {
            let blocks = Blocks {
                header,
                encoded,
                format,
                split,
            };
            if filter == Filter::None {
                return blocks.decode(decoded, |block, streams| streams.decode(block));
            }
            BLOCKS.with_borrow_mut(|[shuffled, planes]| {
                let result = blocks.decode(decoded, |block, streams| {
                    let shuffled = part(shuffled, block.len());
                    streams.decode(shuffled)?;
                    let planes = match filter {
                        Filter::Bits => part(planes, block.len()),
                        _ => &mut [],
                    };
                    unshuffle(filter, header.type_size, shuffled, planes, block);
                    Ok(())
                });
                for buffer in [shuffled, planes] {
                    if buffer.capacity() > KEEP {
                        *buffer = Vec::new();
                    }
                }
                result
            })
        }
    }
}

/// Returns the first `len` bytes of `buffer`, growing it if it is shorter.
fn part(buffer: &mut Vec<u8>, len: usize) -> &mut [u8] {
    if buffer.len() < len {
        buffer.resize(len, 0);
    }
    buffer.get_mut(..len).unwrap_or_default()
}

struct Blocks<'a> {
    header: &'a Header,
    encoded: &'a [u8],
    format: Format,
    split: bool,
}

impl<'a> Blocks<'a> {
    fn decode(
        &self,
        decoded: &mut [u8],
        mut decode: impl FnMut(&mut [u8], Streams<'a>) -> Result<(), String>,
    ) -> Result<()> {
        let first = HEADER_SIZE.saturating_add(self.header.blocks().saturating_mul(4));
        let table = self.encoded.get(HEADER_SIZE..first);
        let table = table.ok_or_else(|| Error::corrupt("blosc", "the table of blocks is cut"))?;
        let (offsets, _) = table.as_chunks::<4>();
        let block_size = self.header.block_size.max(1);
        let blocks = decoded.chunks_mut(block_size).zip(offsets);
        for (position, (block, offset)) in blocks.enumerate() {
            let offset = u32::from_le_bytes(*offset) as usize;
            let result = match self.encoded.get(offset..) {
                Some(encoded) if offset >= first => {
                    let streams = Streams {
                        encoded,
                        format: self.format,
                        // A last block that is shorter than the others is not split.
                        count: if self.split && block.len() == block_size {
                            self.header.type_size
                        } else {
                            1
                        },
                    };
                    decode(block, streams)
                }
                _ => Err(format!(
                    "offset {offset} is not in {first}..{}",
                    self.encoded.len()
                )),
            };
            result.map_err(|reason| {
                Error::corrupt(
                    "blosc",
                    format!("block {position} at byte {offset}: {reason}"),
                )
            })?;
        }
        Ok(())
    }
}

/// The streams of a block, and the bytes that follow them.
struct Streams<'a> {
    encoded: &'a [u8],
    format: Format,
    count: usize,
}

impl Streams<'_> {
    fn decode(&self, block: &mut [u8]) -> Result<(), String> {
        let mut left = self.encoded;
        // `Header::parse` has refused split blocks that the type size does not divide.
        let size = block.len().checked_div(self.count).unwrap_or(0).max(1);
        for part in block.chunks_exact_mut(size) {
            let (size, rest) = left
                .split_first_chunk()
                .ok_or("the size of a stream is missing")?;
            let size = u32::from_le_bytes(*size) as usize;
            let (stream, rest) = rest.split_at_checked(size).ok_or_else(|| {
                format!("a stream of {size} bytes in the remaining {}", rest.len())
            })?;
            left = rest;
            // A stream that does not shrink is stored uncompressed.
            if size == part.len() {
                part.copy_from_slice(stream);
                continue;
            }
            let written = decompress(self.format, stream, part)?;
            if written != part.len() {
                let due = part.len();
                return Err(format!(
                    "a stream decodes to {written} bytes, expected {due}"
                ));
            }
        }
        Ok(())
    }
}

fn decompress(format: Format, stream: &[u8], decoded: &mut [u8]) -> Result<usize, String> {
    match format {
        Format::BloscLz => blosclz::decompress(stream, decoded),
        Format::Lz4 => lz4_block::decompress(stream, decoded),
        Format::Snappy => snap::raw::Decoder::new()
            .decompress(stream, decoded)
            .map_err(|error| error.to_string()),
        Format::Zlib => match inflate(stream, decoded) {
            Ok(inflated) => Ok(inflated.written),
            Err(_) => Err("the zlib stream is damaged, or too long".to_owned()),
        },
        Format::Zstd => decode_frames(stream, decoded)?
            .ok_or_else(|| "the zstd stream decodes to more bytes than expected".to_owned()),
    }
}
