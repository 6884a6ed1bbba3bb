//! Pure work on one encoded chunk: decodes the chunk and copies the wanted elements to the output.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use super::attempt::Attempt;
use super::location::ChunkLocation;
use super::part::ChunkPart;
use crate::copy::ChunkCopy;
use crate::data_type::{DataTypeKind, Element};
use crate::error::{Error, Result};
use crate::selection::Wanted;
use crate::size::to_usize;

/// The work on the bytes of one chunk or inner chunk. A job is not `Clone`, and running it consumes
/// it, so no two jobs write to one element.
#[derive(Debug)]
pub struct ChunkJob {
    pub(super) location: ChunkLocation,
    pub(super) attempt: Arc<Attempt>,
    pub(super) part: ChunkPart,
}

/// A chunk job together with its bytes.
#[derive(Debug)]
pub struct DecodeJob {
    pub(super) job: ChunkJob,
    pub(super) encoded: Option<Bytes>,
}

impl ChunkJob {
    /// Decodes the chunk and copies the wanted elements to the output of the read; without bytes,
    /// all elements have the fill value.
    ///
    /// # Errors
    /// Fails if the bytes are damaged, naming key and inner chunk. The output may then hold a part
    /// of the chunk.
    pub fn run(self, encoded: Option<&[u8]>) -> Result<()> {
        self.copy_out(encoded)
            .map_err(|error| self.location.wrap(error))
    }

    /// Runs the job with encoded bytes that `read` writes to their place in the output, if `size`
    /// stored bytes are exactly the elements there. Otherwise returns the job.
    ///
    /// # Errors
    /// The errors of `read` and of [`Self::run`].
    pub fn read_in_place<E: From<Error>>(
        self,
        size: u64,
        read: impl FnOnce(&mut [u8]) -> Result<(), E>,
    ) -> Result<Option<Self>, E> {
        let raw = self.part.chain.is_uncompressed() && !self.part.chain.encodes_foreign();
        let target = self.chunk_copy().contiguous(self.attempt.lease().span());
        let Some(mut target) = target.filter(|target| raw && target.len() as u64 == size) else {
            return Ok(Some(self));
        };
        self.attempt.written();
        // SAFETY: see `copy_out`.
        let target = Target(unsafe { target.as_mut() });
        read(target.0)?;
        let checked = self.check_bools(target.0);
        checked.map_err(|error| self.location.wrap(error))?;
        std::mem::forget(target);
        Ok(None)
    }

    /// Returns the range of the `size` stored bytes from the first to the last wanted element, which
    /// [`Self::run_touched`] takes, if the chunk is stored uncompressed and a box is wanted.
    #[must_use]
    pub fn touched_bytes(&self, size: u64) -> Option<Range<u64>> {
        let Wanted::Box(axes) = &self.part.wanted else {
            return None;
        };
        let spec = self.part.chain.planned();
        let (mut first, mut last) = (0_u64, 0_u64);
        for (axis, &len) in axes.iter().zip(spec.shape.iter()) {
            let (_, low, high) = axis.extent()?;
            first = first.checked_mul(len)?.checked_add(low)?;
            last = last.checked_mul(len)?.checked_add(high)?;
        }
        let item = spec.item_size() as u64;
        let end = last.checked_add(1)?.checked_mul(item)?;
        let raw = self.part.chain.is_uncompressed() && self.part.decoded_size() == size;
        raw.then_some(first * item..end)
    }

    /// Runs the job with the [touched bytes](Self::touched_bytes) alone, which start at `first`.
    ///
    /// # Errors
    /// Fails if a wanted element lies outside these bytes, naming key and inner chunk.
    pub fn run_touched(self, bytes: &[u8], first: u64) -> Result<()> {
        let chain = &self.part.chain;
        let mut copy = self.chunk_copy();
        if chain.encodes_foreign() {
            copy.swap_size = chain.planned().data_type.swap_size();
        }
        let first = to_usize("chunk", first)?;
        let copied = copy.scatter_part(bytes, first, self.attempt.written());
        copied.map_err(|error| self.location.wrap(error))
    }

    /// Returns the copy of the wanted elements of the decoded chunk.
    pub(super) fn chunk_copy(&self) -> ChunkCopy<'_> {
        let spec = self.part.chain.planned();
        ChunkCopy {
            shape: &spec.shape,
            wanted: &self.part.wanted,
            item_size: spec.item_size(),
            swap_size: 1,
        }
    }

    fn copy_out(&self, encoded: Option<&[u8]>) -> Result<()> {
        let spec = self.part.chain.planned();
        let mut copy = self.chunk_copy();
        let Some(encoded) = encoded else {
            if self.attempt.lease().is_fresh() && spec.fill_value.is_zero() {
                return Ok(());
            }
            self.check_bools(spec.fill_value.bytes())?;
            return copy.fill(spec.fill_value.bytes(), self.attempt.written());
        };
        let span = self.attempt.written();
        if let Some(mut target) = copy.contiguous(span) {
            // SAFETY: the target lies inside the output, which the lease keeps alive, and no other
            // job writes to it.
            let target = Target(unsafe { target.as_mut() });
            let decoded = self.part.chain.decode_into(encoded, target.0)?;
            if decoded {
                self.check_bools(target.0)?;
            }
            std::mem::forget(target);
            if decoded {
                return Ok(());
            }
        }
        self.part.chain.decode(encoded, |elements| {
            self.check_bools(elements.bytes)?;
            if elements.foreign {
                copy.swap_size = spec.data_type.swap_size();
            }
            copy.scatter(elements.bytes, span)
        })
    }

    /// Rejects bytes that are not valid for `bool`, even if a registered data type or codec let
    /// them through, because callers view the bytes as `bool`.
    pub(super) fn check_bools(&self, elements: &[u8]) -> Result<()> {
        if self.part.chain.planned().data_type.kind() != DataTypeKind::Bool
            || bool::are_elements(elements)
        {
            return Ok(());
        }
        Err(Error::corrupt("bool", "a byte that is neither 0 nor 1"))
    }

    /// Decodes a chunk of variable-size elements to offsets, one more than there are elements, and
    /// bytes.
    ///
    /// # Errors
    /// Fails if the bytes are damaged, naming key and inner chunk.
    pub fn decode_variable(&self, encoded: &[u8]) -> Result<(Vec<usize>, Vec<u8>)> {
        self.part
            .chain
            .decode_variable(encoded)
            .map_err(|error| self.location.wrap(error))
    }

    /// Writes to the place of each wanted element where the element is found: `number`, which the
    /// caller gave the chunk, and the element's position in the chunk. Number 0 stands for the fill
    /// value, with position 0. A place takes 8 bytes.
    ///
    /// # Errors
    /// Fails if the output has another layout, or the elements have a fixed size.
    pub fn place_variable(self, number: u32) -> Result<()> {
        let spec = self.part.chain.planned();
        if spec.data_type.fixed_size().is_some() {
            let found = format!(
                "data type {}, whose elements have a fixed size",
                spec.data_type
            );
            return Err(Error::invalid(
                found,
                "a data type of strings or byte strings",
            ));
        }
        let copy = ChunkCopy {
            shape: &spec.shape,
            wanted: &self.part.wanted,
            item_size: 8,
            swap_size: 1,
        };
        if number == 0 {
            return copy.fill(&[0; 8], self.attempt.written());
        }
        let len = u32::try_from(spec.elements()?).map_err(|_| Error::TooLarge {
            what: "chunk of variable-size elements",
            wanted: format!("{:?}", spec.shape),
            limit: u32::MAX.into(),
        })?;
        let number = number.to_ne_bytes();
        let places = (0..len).map(|position| [number, position.to_ne_bytes()]);
        let places = places.collect::<Vec<_>>();
        copy.scatter(places.as_flattened().as_flattened(), self.attempt.written())
    }

    /// The key of the object, if the job is for a whole object; a job without bytes then means that
    /// the object does not exist.
    #[must_use]
    pub fn object(&self) -> Option<&Arc<str>> {
        let location = &self.location;
        location.is_object().then_some(location.key())
    }

    /// The number of elements that the job copies.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.part.wanted.len()
    }

    /// Whether the job copies nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl DecodeJob {
    /// Runs the job.
    ///
    /// # Errors
    /// The errors of [`ChunkJob::run`].
    pub fn run(self) -> Result<()> {
        self.job.run(self.encoded.as_deref())
    }

    /// Returns the job and its bytes; `None` if the fill value stands for the chunk.
    #[must_use]
    pub fn into_parts(self) -> (ChunkJob, Option<Bytes>) {
        (self.job, self.encoded)
    }

    /// The number of bytes to decode; 0 if the fill value stands for the chunk.
    #[must_use]
    pub fn encoded_size(&self) -> usize {
        self.encoded.as_ref().map_or(0, Bytes::len)
    }
}

/// Elements that are being decoded in place. Dropping the guard zeroes them: if decoding fails,
/// half-decoded bytes may not be valid elements.
struct Target<'a>(&'a mut [u8]);

impl Drop for Target<'_> {
    fn drop(&mut self) {
        self.0.fill(0);
    }
}
