//! Decodes BloscLZ, Blosc's own compressor: literal runs and matches, after FastLZ.
//!
//! An instruction below 32 is a run of one more literal than its value. Any other instruction is a
//! match: its upper three bits hold the length, its lower five bits the upper bits of the distance,
//! and both continue in the bytes that follow.

#![expect(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "inner loops over lengths checked before"
)]

/// The shortest match, in bytes.
const MIN_MATCH: usize = 3;

/// Matches at a distance above this, in bytes, store the distance in two more bytes.
const MAX_NEAR: usize = 8191;

/// The longest literal run, in bytes.
const MAX_RUN: usize = 32;

/// The shortest match, in bytes, for which a call to copy memory pays off.
const LONG: usize = 64;

/// Decodes a stream to the start of `decoded` and returns the number of bytes written, or the
/// reason for failure.
pub(super) fn decompress(encoded: &[u8], decoded: &mut [u8]) -> Result<usize, String> {
    let mut input = Input(encoded);
    // The first instruction is always a literal run; its upper bits are a version.
    let mut instruction = usize::from(input.byte()? & 31);
    let mut written = 0;
    loop {
        let free = decoded.len() - written;
        if instruction < MAX_RUN {
            let len = instruction + 1;
            if len > free {
                return Err(too_long());
            }
            // A fixed-size copy is faster than a call for the exact size; later output overwrites
            // the excess.
            match (
                input.0.first_chunk::<MAX_RUN>(),
                decoded[written..].first_chunk_mut(),
            ) {
                (Some(literals), Some(room)) => *room = *literals,
                _ => decoded[written..written + len].copy_from_slice(input.peek(len)?),
            }
            input.0 = &input.0[len..];
            written += len;
        } else {
            let (len, distance) = input.copied(instruction)?;
            if len > free {
                return Err(too_long());
            }
            let start = written
                .checked_sub(distance)
                .ok_or_else(|| format!("match {distance} bytes back, after {written}"))?;
            repeat(decoded, start, written, len);
            written += len;
        }
        match input.byte() {
            Ok(byte) => instruction = byte.into(),
            Err(_) => return Ok(written),
        }
    }
}

/// Repeats the bytes from `start` on at `end`, `len` bytes in all. The match may overlap its own
/// output.
fn repeat(decoded: &mut [u8], start: usize, end: usize, len: usize) {
    match end - start {
        1 => {
            let byte = decoded[start];
            decoded[end..end + len].fill(byte);
        }
        distance if len >= LONG => {
            // Each copy doubles the source of the next one.
            let mut copied = 0;
            while copied < len {
                let size = (distance + copied).min(len - copied);
                decoded.copy_within(start..start + size, end + copied);
                copied += size;
            }
        }
        16.. => repeat_in_steps::<16>(decoded, start, end, len),
        8.. => repeat_in_steps::<8>(decoded, start, end, len),
        _ => repeat_in_steps::<1>(decoded, start, end, len),
    }
}

/// Copies a match in steps of `SIZE` bytes, at most its distance. The last step may write past
/// `len`; later output overwrites the excess.
fn repeat_in_steps<const SIZE: usize>(decoded: &mut [u8], start: usize, end: usize, len: usize) {
    for at in (0..len).step_by(SIZE) {
        let (done, room) = decoded.split_at_mut(end + at);
        match (
            done[start + at..].first_chunk::<SIZE>(),
            room.first_chunk_mut(),
        ) {
            (Some(bytes), Some(room)) => *room = *bytes,
            _ => {
                for at in at..len {
                    decoded[end + at] = decoded[start + at];
                }
                return;
            }
        }
    }
}

fn too_long() -> String {
    "the BloscLZ stream decodes to more bytes than expected".to_owned()
}

/// The unread bytes of a stream.
struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn byte(&mut self) -> Result<u8, String> {
        let (&byte, rest) = self.0.split_first().ok_or_else(truncated)?;
        self.0 = rest;
        Ok(byte)
    }

    fn peek(&self, count: usize) -> Result<&'a [u8], String> {
        self.0.get(..count).ok_or_else(truncated)
    }

    /// Reads the length and the distance of a match, both in bytes.
    fn copied(&mut self, instruction: usize) -> Result<(usize, usize), String> {
        let mut len = (instruction >> 5) - 1 + MIN_MATCH;
        if instruction >> 5 == 7 {
            loop {
                let more = self.byte()?;
                len += usize::from(more);
                if more != u8::MAX {
                    break;
                }
            }
        }
        let high = (instruction & 31) << 8;
        let low = usize::from(self.byte()?);
        if high + low < MAX_NEAR {
            return Ok((len, high + low + 1));
        }
        let far = usize::from(self.byte()?) << 8;
        Ok((len, far + usize::from(self.byte()?) + MAX_NEAR + 1))
    }
}

fn truncated() -> String {
    "the BloscLZ stream ends within an instruction".to_owned()
}
