//! How compressors decompress: into exactly the bytes that are due, or into a buffer that grows to a bound. Never more than
//! the codec was bound to, and never memory on the word of a stored number alone.

use zarr_core::codec::EncodedSize;
use zarr_core::{Error, Result};

use crate::output::grow;

/// Room for outputs of unknown size starts here, in bytes.
const FIRST: usize = 64 << 10;

/// Appends what `decode` yields. It gets room to write to, and says how many bytes it wrote or `None` where they do not fit.
///
/// Where the size is not exact, room grows from a guess, for which a declared size serves only as far as the encoded bytes make
/// it likely; decoding then starts again, which costs a third more at worst.
pub(crate) fn decode_to_vec(
    codec: &'static str,
    size: EncodedSize,
    guess: usize,
    decoded: &mut Vec<u8>,
    mut decode: impl FnMut(&mut [u8]) -> Result<Option<usize>>,
) -> Result<()> {
    let start = decoded.len();
    let bound = size.max();
    let mut room = match size {
        EncodedSize::Exact(size) => size,
        EncodedSize::AtMost(bound) => guess.max(FIRST).min(bound),
    };
    let mut fill = |decoded: &mut Vec<u8>| {
        loop {
            grow(decoded, start, room)?;
            match decode(&mut decoded[start..])? {
                Some(written) => {
                    size.check(codec, written)?;
                    return Ok(written);
                }
                None if room == bound => return Err(too_much(codec, bound)),
                None => room = room.saturating_mul(4).min(bound),
            }
        }
    };
    let result = fill(decoded);
    decoded.truncate(start + result.as_ref().unwrap_or(&0));
    result.map(drop)
}

/// Fills `decoded` with what `decode` yields, as [`decode_to_vec`] calls it.
pub(crate) fn decode_to_slice(
    codec: &'static str,
    decoded: &mut [u8],
    decode: impl FnOnce(&mut [u8]) -> Result<Option<usize>>,
) -> Result<()> {
    match decode(decoded)? {
        Some(written) => EncodedSize::Exact(decoded.len()).check(codec, written),
        None => Err(too_much(codec, decoded.len())),
    }
}

fn too_much(codec: &'static str, bound: usize) -> Error {
    Error::corrupt(
        codec,
        format!("decodes to more than the {bound} bytes that are due"),
    )
}
