//! What `gzip`, `zstd`, `blosc` and their like have in common: each is a [`Compressor`], and [`bind`] makes a codec of it.
//!
//! A compressor decompresses into exactly the bytes that are due, or into a buffer that grows to a bound: never more than the codec was
//! bound to, and never memory on the word of a stored number alone.

use std::fmt;
use std::sync::Arc;

use zarr_core::codec::{BytesToBytes, EncodedSize};
use zarr_core::{Error, Result};

use crate::output::{encoded_bound, grow};

/// Room for outputs of unknown size starts here, in bytes.
const FIRST: usize = 64 << 10;

/// A way to make bytes fewer.
pub(crate) trait Compressor: fmt::Debug + Send + Sync + 'static {
    /// The name of the codec, for messages.
    const NAME: &'static str;

    /// The most bytes that one encoded byte decodes to.
    const MAX_RATIO: usize = usize::MAX;

    /// Appends the encoded form of `decoded`; after an error, what was appended is cut off.
    fn compress(&self, decoded: &[u8], encoded: &mut Vec<u8>) -> Result<()>;

    /// Decodes to the start of `decoded`, which is as long as is declared if a size is: the number of bytes written, or `None` if they do
    /// not fit.
    fn decompress(&self, encoded: &[u8], decoded: &mut [u8]) -> Result<Option<usize>>;

    /// How many bytes these decode to, in formats that always say so.
    fn declared(&self, _encoded: &[u8]) -> Result<Option<usize>> {
        Ok(None)
    }

    /// How many bytes these may decode to. A size that they tell serves only as far as the encoded bytes make it likely.
    fn guess(&self, encoded: &[u8]) -> usize {
        encoded.len().saturating_mul(4)
    }
}

/// The codec of a compressor, for what it decodes to.
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

    /// Where the size is not exact, room grows from a guess; decoding then starts again, which costs a third more at worst.
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
                let written = self.compressor.decompress(encoded, &mut decoded[start..])?;
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
        decoded.truncate(start + result.as_ref().unwrap_or(&0));
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
    /// The declared size, which is one that is due.
    fn declared(&self, encoded: &[u8], due: EncodedSize) -> Result<Option<usize>> {
        let declared = self.compressor.declared(encoded)?;
        declared.map_or(Ok(()), |size| due.check(C::NAME, size))?;
        Ok(declared)
    }
}

fn too_much<C: Compressor>(bound: usize) -> Error {
    let reason = format!("decodes to more than the {bound} bytes that are due");
    Error::corrupt(C::NAME, reason)
}
