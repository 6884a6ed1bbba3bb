//! The header of a frame: 16 bytes, checked against the real buffer before anything else is read.

use zarr_core::codec::EncodedSize;
use zarr_core::{Error, Result};

use super::unshuffle::Filter;

/// The size of a header in bytes.
pub(super) const HEADER_SIZE: usize = 16;

/// The frame format version since C-Blosc 1.3.
const VERSION: u8 = 2;

/// The version of every format of compressed streams.
const STREAM_VERSION: u8 = 1;

const SHUFFLED: u8 = 0x01;
const STORED: u8 = 0x02;
const BIT_SHUFFLED: u8 = 0x04;
const RESERVED: u8 = 0x08;
const NOT_SPLIT: u8 = 0x10;

/// The largest type size, in bytes, for which blocks are split.
const MAX_SPLITS: usize = 16;
/// The shortest stream, in bytes, that splitting a block may produce.
const MIN_STREAM: usize = 128;

/// The format of compressed streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    BloscLz,
    Lz4,
    Snappy,
    Zlib,
    Zstd,
}

impl Format {
    /// The most bytes that one byte of a stream decodes to. A frame that claims more is refused.
    fn max_ratio(self) -> usize {
        match self {
            Self::BloscLz | Self::Lz4 => 256,
            Self::Snappy => 32,
            Self::Zlib => 1032,
            Self::Zstd => 1 << 16,
        }
    }
}

/// How a frame stores its blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Storage {
    /// All bytes, uncompressed.
    Plain,
    /// Blocks of compressed streams, after a table of their offsets.
    Blocks {
        format: Format,
        filter: Filter,
        /// Whether full blocks have one stream for each byte of an element.
        split: bool,
    },
}

/// A checked header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// The size of the decoded frame in bytes.
    pub(super) nbytes: usize,
    /// The size in bytes, 1 or more, of every decoded block but the last.
    pub(super) block_size: usize,
    /// The size of a shuffled element in bytes, from 1 to 255.
    pub(super) type_size: usize,
    pub(super) storage: Storage,
}

impl Header {
    /// Parses and checks the header of a frame that fills `encoded`.
    pub(super) fn parse(encoded: &[u8]) -> Result<Self> {
        let Some(bytes) = encoded.first_chunk::<HEADER_SIZE>() else {
            let expected = format!("a header of {HEADER_SIZE} or more");
            return Err(Error::size("blosc frame", encoded.len(), expected));
        };
        let [version, stream_version, flags, type_size, sizes @ ..] = *bytes;
        let (&[nbytes, block_size, frame_size], _) = sizes.as_chunks::<4>() else {
            unreachable!("twelve bytes are left");
        };
        let sizes = [nbytes, block_size, frame_size];
        let [nbytes, block_size, frame_size] = sizes.map(u32::from_le_bytes);
        if version != VERSION {
            return Err(wrong(format!(
                "format version {version}, expected {VERSION}"
            )));
        }
        if flags & RESERVED != 0 {
            return Err(wrong(format!("unknown flags {flags:#04x}")));
        }
        EncodedSize::Exact(frame_size as usize).check("blosc frame", encoded.len())?;
        let header = Self {
            nbytes: nbytes as usize,
            block_size: block_size as usize,
            type_size: type_size.into(),
            storage: if flags & STORED == 0 {
                storage(flags, stream_version, type_size.into(), block_size as usize)?
            } else {
                Storage::Plain
            },
        };
        header.check(encoded.len())?;
        Ok(header)
    }

    fn check(&self, frame_size: usize) -> Result<()> {
        let Self {
            nbytes,
            block_size,
            type_size,
            ..
        } = *self;
        if nbytes > 0 && !(1..=nbytes).contains(&block_size) {
            return Err(wrong(format!(
                "blocks of {block_size} bytes in a chunk of {nbytes} bytes"
            )));
        }
        if type_size == 0 {
            return Err(wrong("type size 0".to_owned()));
        }
        let stored = frame_size.saturating_sub(HEADER_SIZE);
        match self.storage {
            Storage::Plain => {
                EncodedSize::Exact(nbytes).check("blosc frame of uncompressed bytes", stored)
            }
            Storage::Blocks { format, split, .. } => {
                // Each block needs a 4-byte offset and at least one stream with a 4-byte size.
                if self.blocks() > stored / 8 {
                    let count = self.blocks();
                    return Err(wrong(format!("{count} blocks in {stored} bytes")));
                }
                let least = nbytes.checked_div(format.max_ratio());
                if least.is_none_or(|least| least > stored) {
                    return Err(wrong(format!(
                        "{stored} bytes of {format:?} cannot decode to {nbytes} bytes"
                    )));
                }
                if split && !block_size.is_multiple_of(type_size) {
                    let reason = format!(
                        "blocks of {block_size} bytes cannot be split into {type_size} streams"
                    );
                    return Err(wrong(reason));
                }
                Ok(())
            }
        }
    }

    /// Returns the number of blocks.
    pub(super) fn blocks(&self) -> usize {
        self.nbytes.div_ceil(self.block_size.max(1))
    }
}

fn storage(flags: u8, stream_version: u8, type_size: usize, block_size: usize) -> Result<Storage> {
    let format = match flags >> 5 {
        0 => Format::BloscLz,
        1 => Format::Lz4,
        2 => Format::Snappy,
        3 => Format::Zlib,
        4 => Format::Zstd,
        other => return Err(wrong(format!("unknown compressor {other}"))),
    };
    if stream_version != STREAM_VERSION {
        return Err(wrong(format!(
            "version {stream_version} of {format:?}, expected {STREAM_VERSION}"
        )));
    }
    let filter = if flags & SHUFFLED != 0 && type_size > 1 {
        Filter::Bytes
    } else if flags & BIT_SHUFFLED != 0 {
        Filter::Bits
    } else {
        Filter::None
    };
    // The flag is newer than splitting: older frames leave it clear even for blocks too small to
    // split.
    let split = flags & NOT_SPLIT == 0
        && (1..=MAX_SPLITS).contains(&type_size)
        && block_size >= MIN_STREAM.saturating_mul(type_size);
    Ok(Storage::Blocks {
        format,
        filter,
        split,
    })
}

fn wrong(reason: String) -> Error {
    Error::corrupt("blosc", format!("header: {reason}"))
}
