//! The wanted parts of a request, each handed on as soon as its bytes have arrived.

#![expect(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "positions within a buffer that was compared with the range of the request"
)]

use std::collections::TryReserveError;
use std::ops::Range;

use bytes::Bytes;
use futures::channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};

/// The largest buffer that is allocated from a claimed size alone, in bytes.
pub(super) const TRUSTED_SIZE: u64 = 64 << 20;

/// A part that arrived: its number in the plan, and its bytes.
pub(super) type Part = (usize, Bytes);

/// Cuts the bytes of one request into parts and sends them to the reader. Bytes between parts are
/// dropped.
pub(super) struct Parts {
    /// The parts of the request: ascending and disjoint, with their numbers.
    left: std::iter::Enumerate<std::vec::IntoIter<Range<u64>>>,
    next: Option<(usize, Range<u64>)>,
    /// The number of the first part.
    first: usize,
    /// The first bytes of the next part.
    begun: Vec<u8>,
    /// The last part, which waits for the end of a response of the right length.
    last: Option<Part>,
    reader: UnboundedSender<Part>,
}

impl Parts {
    /// Prepares the parts of a request, of which the first has the number `first`.
    pub(super) fn new(parts: Vec<Range<u64>>, first: usize) -> (Self, UnboundedReceiver<Part>) {
        let (reader, arriving) = unbounded();
        let mut left = parts.into_iter().enumerate();
        let next = left.next();
        let parts = Self {
            left,
            next,
            first,
            begun: Vec::new(),
            last: None,
            reader,
        };
        (parts, arriving)
    }

    /// Accepts the bytes of the response from an offset in the object, which continue those accepted
    /// before.
    ///
    /// # Errors
    ///
    /// If there is not enough memory.
    pub(super) fn accept(&mut self, offset: u64, bytes: &Bytes) -> Result<(), TryReserveError> {
        let end = offset + bytes.len() as u64;
        while let Some((number, part)) = self.next.clone() {
            let at = part.start + self.begun.len() as u64;
            let until = part.end.min(end);
            if at >= until {
                break;
            }
            let arrived = place(at, offset)..place(until, offset);
            let whole = if self.begun.is_empty() && until == part.end {
                bytes.slice(arrived)
            } else {
                let size = (part.end - at).min(TRUSTED_SIZE).max(until - at);
                self.begun.try_reserve(place(size, 0))?;
                self.begun.extend_from_slice(&bytes[arrived]);
                if until < part.end {
                    break;
                }
                Bytes::from(std::mem::take(&mut self.begun))
            };
            self.next = self.left.next();
            let part = (self.first + number, whole);
            match self.next {
                Some(_) => self.send(part),
                None => self.last = Some(part),
            }
        }
        Ok(())
    }

    /// Sends the last part, after a response of the right length.
    pub(super) fn finish(&mut self) {
        if let Some(last) = self.last.take() {
            self.send(last);
        }
    }

    fn send(&self, part: Part) {
        // Sending fails if the reader has been dropped.
        let _ = self.reader.unbounded_send(part);
    }
}

/// Converts an offset in the object to one within bytes in memory.
fn place(position: u64, start: u64) -> usize {
    usize::try_from(position - start).expect("bytes in memory are no larger than memory")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use futures::StreamExt;
    use futures::executor::block_on;
    use proptest::prelude::*;

    use super::{Bytes, Parts, place};

    proptest! {
        /// Whatever the sizes of the chunks.
        #[test]
        fn each_part_is_sent_once_and_the_last_at_the_end(
            sizes in prop::collection::vec((0_u64..9, 1_u64..9), 1..9),
            chunks in prop::collection::vec(1_usize..20, 1..20),
        ) {
            let bytes: Bytes = (0..200_u8).collect();
            let mut end = 10;
            let parts: Vec<_> = sizes.iter().map(|(gap, size)| {
                let start = end + gap;
                end = start + size;
                start..end
            }).collect();
            let (mut sent, arriving) = Parts::new(parts.clone(), 5);
            let mut at = 10;
            for size in chunks.iter().cycle() {
                let until = end.min(at + *size as u64);
                sent.accept(at, &bytes.slice(place(at, 0)..place(until, 0))).unwrap();
                at = until;
                if at == end {
                    break;
                }
            }
            let early = sent.last.clone();
            prop_assert_eq!(early.unwrap().0, parts.len() + 4);
            sent.finish();
            drop(sent);
            let arrived: Vec<_> = block_on(arriving.collect());
            let expected: Vec<_> = (5..).zip(&parts).map(|(number, part)| {
                (number, bytes.slice(place(part.start, 0)..place(part.end, 0)))
            }).collect();
            prop_assert_eq!(arrived, expected);
        }
    }
}
