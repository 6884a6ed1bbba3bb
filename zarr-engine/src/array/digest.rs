//! A digest of the elements of an array that does not depend on chunks, codecs or storage.

use std::fmt;
use std::ops::Range;

use futures::TryStreamExt;

use super::Array;
use super::elements::Elements;
use super::selection::Select;
use crate::error::Result;

/// A digest of the elements of a region: 128 bits that depend on the value and the place of each
/// element, and on nothing else. It detects accidental changes; it is no protection against
/// deliberate ones.
///
/// Each element contributes two 64-bit words, `mix(v ^ p)` and `mix((v + K) ^ rotated p)`, where
/// `p = mix(position in the region + K)` and `v` is the element as a little-endian number, or for
/// more than 8 bytes the words of the element folded by `v = mix(v ^ word)`. `mix` is the finalizer
/// of SplitMix64. The digest is the sum of all contributions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ValueDigest(pub [u64; 2]);

impl fmt::Display for ValueDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}{:016x}", self.0[0], self.0[1])
    }
}

const K: u64 = 0x9e37_79b9_7f4a_7c15;

impl Array {
    /// Computes the digest of the elements of a region: of indices and ranges without steps. Equal
    /// elements have equal digests, whatever the chunks, codecs, and store of the array.
    ///
    /// ```
    /// use zarr_engine::{ArrayBuilder, blocking};
    ///
    /// let hierarchy = blocking::open("memory:")?;
    /// let build = |chunk: u64| ArrayBuilder::new(&[100], "int32").with_chunk_shape(&[chunk]).build();
    /// let (a, b) = (hierarchy.create_array("a", build(10)?)?, hierarchy.create_array("b", build(33)?)?);
    /// a.write(20..60, 5_i32)?;
    /// b.write(20..60, 5_i32)?;
    /// assert_eq!(a.value_digest(..)?, b.value_digest(..)?);
    /// b.write(3, 1_i32)?;
    /// assert_ne!(a.value_digest(..)?, b.value_digest(..)?);
    /// # Ok::<(), zarr_engine::Error>(())
    /// ```
    ///
    /// # Errors
    /// The errors of [`Self::statistics`].
    pub async fn value_digest(&self, selection: impl Select) -> Result<ValueDigest> {
        let region = self.region(selection)?;
        let within = region.clone();
        let parts = self.map_parts(&region, move |part, elements| {
            digest(&within, part, elements)
        });
        let sum = async |a: ValueDigest, b: ValueDigest| Ok(added(a, b.0));
        parts.try_fold(ValueDigest::default(), sum).await
    }
}

fn added(ValueDigest(a): ValueDigest, b: [u64; 2]) -> ValueDigest {
    ValueDigest([a[0].wrapping_add(b[0]), a[1].wrapping_add(b[1])])
}

fn digest(region: &[Range<u64>], part: &[Range<u64>], elements: &Elements) -> ValueDigest {
    let row = part.last().map_or(1, |range| range.end - range.start);
    let mut sum = ValueDigest::default();
    let mut positions = Rows::new(region, part);
    let mut position = 0;
    for (number, element) in (0_u64..).zip(elements.iter()) {
        position = match number % row {
            0 => positions.next(),
            _ => position + 1,
        };
        let place = mix(position.wrapping_add(K));
        let value = word_of(elements, element);
        let second = mix(value.wrapping_add(K) ^ place.rotate_left(32));
        sum = added(sum, [mix(value ^ place), second]);
    }
    sum
}

/// The positions, in C order within a region, of the first elements of the rows of a part.
struct Rows<'a> {
    region: &'a [Range<u64>],
    part: &'a [Range<u64>],
    index: Vec<u64>,
}

impl<'a> Rows<'a> {
    fn new(region: &'a [Range<u64>], part: &'a [Range<u64>]) -> Self {
        let index = part.iter().map(|range| range.start).collect();
        Self {
            region,
            part,
            index,
        }
    }

    /// Returns the position of the current row and goes on to the next row.
    fn next(&mut self) -> u64 {
        let axes = self.index.iter().zip(self.region);
        let position = axes.fold(0_u64, |position, (index, range)| {
            let position = position.wrapping_mul(range.end - range.start);
            position.wrapping_add(index - range.start)
        });
        let rows = self.index.len().saturating_sub(1);
        for axis in (0..rows).rev() {
            self.index[axis] += 1;
            if self.index[axis] < self.part[axis].end {
                break;
            }
            self.index[axis] = self.part[axis].start;
        }
        position
    }
}

/// Returns an element as one word, whatever the byte order of this machine.
fn word_of(elements: &Elements, element: &[u8]) -> u64 {
    let mut swapped;
    let mut bytes = element;
    if cfg!(target_endian = "big") {
        swapped = element.to_vec();
        elements.data_type().swap_bytes(&mut swapped);
        bytes = &swapped;
    }
    let word = |bytes: &[u8]| {
        let mut word = [0; 8];
        word[..bytes.len()].copy_from_slice(bytes);
        u64::from_le_bytes(word)
    };
    match bytes.len() {
        0..=8 if elements.data_type().fixed_size().is_some() => word(bytes),
        len => bytes
            .chunks(8)
            .fold(len as u64, |value, part| mix(value ^ word(part))),
    }
}

/// The finalizer of SplitMix64.
fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}
