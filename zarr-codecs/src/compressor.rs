//! The part that `gzip`, `zstd`, `blosc` and similar codecs share: each implements [`Compressor`],
//! and [`bind`] turns it into a codec.
//!
//! A compressor decompresses into a buffer of the exact size due, or into one that grows up to a
//! bound. It never exceeds the size that the codec was bound to, and never allocates on the word of
//! a stored number alone.

use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;

use zarr_core::codec::{BytesToBytes, EncodedSize};
use zarr_core::{Error, Result};

use crate::output::{after, encoded_bound, grow};

/// The smallest first buffer, in bytes, for an output of unknown size.
const FIRST: usize = 64 << 10;

/// A compression algorithm.
pub(crate) trait Compressor: fmt::Debug + Send + Sync + 'static {
    /// The name of the codec in error messages.
    const NAME: &'static str;

    /// The most bytes that one encoded byte decodes to.
    const MAX_RATIO: usize = usize::MAX;

    /// Appends the encoded form of `decoded`. After an error, the caller truncates what was
    /// appended.
    fn compress(&self, decoded: &[u8], encoded: &mut Vec<u8>) -> Result<()>;

    /// Decodes to the start of `decoded` and returns the number of bytes written, or `None` if they
    /// do not fit. `decoded` has the declared size if there is one.
    fn decompress(&self, encoded: &[u8], decoded: &mut [u8]) -> Result<Option<usize>>;

    /// Returns the size that `encoded` declares for its decoded bytes, in formats that always
    /// declare one.
    fn declared(&self, _encoded: &[u8]) -> Result<Option<usize>> {
        Ok(None)
    }

    /// Estimates the decoded size. A declared size counts only as far as the encoded bytes make it
    /// plausible.
    fn guess(&self, encoded: &[u8]) -> usize {
        encoded.len().saturating_mul(4)
    }
}

/// Returns the compression level in this member, after checking that it is one of the levels of the
/// compressor.
pub(crate) fn level(member: &str, level: i64, levels: RangeInclusive<i32>) -> Result<i32> {
    let known = i32::try_from(level).ok();
    known.filter(|level| levels.contains(level)).ok_or_else(|| {
        let expected = format!("a level from {} to {}", levels.start(), levels.end());
        Error::invalid(level, expected).member(member)
    })
}

/// Makes a codec of a compressor, for data of the size `decoded`.
pub(crate) fn bind<C: Compressor>(compressor: C, decoded: EncodedSize) -> Arc<dyn BytesToBytes> {
    Arc::new(Bound {
        compressor,
        decoded,
    })
}

#[derive(Debug)]
struct Bound<C> {
    compressor: C,
    decoded: EncodedSize,
}

impl<C: Compressor> BytesToBytes for Bound<C> {
    fn name(&self) -> &'static str {
        C::NAME
    }

    fn encoded_size(&self) -> EncodedSize {
        encoded_bound(self.decoded)
    }

    fn encode(&self, decoded: &[u8], encoded: &mut Vec<u8>) -> Result<()> {
        let start = encoded.len();
        let result = self.compressor.compress(decoded, encoded);
        result.inspect_err(|_| encoded.truncate(start))
    }

    /// If the size is not exact, the buffer grows from a guess; each time, decoding starts again,
    /// which costs a third more at worst.
    fn decode(&self, encoded: &[u8], decoded: &mut Vec<u8>) -> Result<()> {
        let start = decoded.len();
        let most = encoded.len().saturating_mul(C::MAX_RATIO);
        let (mut room, bound) = match (self.declared(encoded, self.decoded)?, self.decoded) {
            (Some(size), _) | (None, EncodedSize::Exact(size)) => (size, size),
            (None, EncodedSize::AtMost(bound)) => {
                let bound = bound.min(most);
                (self.compressor.guess(encoded).max(FIRST).min(bound), bound)
            }
        };
        let mut fill = |decoded: &mut Vec<u8>| {
            loop {
                grow(decoded, start, room)?;
                let written = self.compressor.decompress(encoded, after(decoded, start))?;
                match written {
                    Some(written) => {
                        self.decoded.check(C::NAME, written)?;
                        return Ok(written);
                    }
                    None if room == bound => return Err(too_much::<C>(bound)),
                    None => room = room.saturating_mul(4).min(bound),
                }
            }
        };
        let result = fill(decoded);
        decoded.truncate(start.saturating_add(*result.as_ref().unwrap_or(&0)));
        result.map(drop)
    }

    fn decode_exact(&self, encoded: &[u8], decoded: &mut [u8]) -> Result<()> {
        let due = EncodedSize::Exact(decoded.len());
        self.declared(encoded, due)?;
        match self.compressor.decompress(encoded, decoded)? {
            Some(written) => due.check(C::NAME, written),
            None => Err(too_much::<C>(decoded.len())),
        }
    }
}

impl<C: Compressor> Bound<C> {
    /// Returns the declared size, after checking that it is a size due.
    fn declared(&self, encoded: &[u8], due: EncodedSize) -> Result<Option<usize>> {
        let declared = self.compressor.declared(encoded)?;
        declared.map_or(Ok(()), |size| due.check(C::NAME, size))?;
        Ok(declared)
    }
}

fn too_much<C: Compressor>(bound: usize) -> Error {
    let reason = format!("decodes to more than the expected {bound} bytes");
    Error::corrupt(C::NAME, reason)
}
