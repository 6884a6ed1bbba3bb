//! A digest of the elements of an array that does not depend on chunks, codecs or storage.

use std::fmt;
use std::ops::Range;

use futures::TryStreamExt;

use super::Array;
use super::elements::Elements;
use super::selection::Select;
use crate::error::Result;

/// A digest of the elements of a region: 122 bits that depend on the value and the place of each
/// element, and on nothing else. It detects accidental changes; it is no protection against
/// deliberate ones.
///
/// Both words are sums modulo `P = 2^61 - 1` of `mix(v + n * K) * R[n]^position` over the elements,
/// with `n` 0 for the first word and 1 for the second. `position` counts the elements of the region
/// in C order, and `v` is the element as a little-endian number, or for more than 8 bytes the words
/// of the element folded by `v = mix(v ^ word)`. `mix` is the finalizer of SplitMix64. The powers of
/// all places in a box have a closed sum, so that chunks that are not stored cost nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ValueDigest(pub [u64; 2]);

impl fmt::Display for ValueDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}{:016x}", self.0[0], self.0[1])
    }
}

const K: u64 = 0x9e37_79b9_7f4a_7c15;

/// A prime number of the form `2^61 - 1`.
const P: u64 = (1 << 61) - 1;

/// The bases of the powers.
const R: [u64; 2] = [0x1bd1_1bda_a9fc_1a22, 0x0f58_476d_1ce4_e5b9];

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
        let parts = self.parts(&region, &[]).await?;
        let powers = [Powers::new(R[0], &region), Powers::new(R[1], &region)];
        let fill = self.fill_element();
        let fill = words(word_of(&fill, fill.get(0)));
        let mut rest = [0; 2];
        if parts.rest() > 0 {
            for (powers, rest) in powers.iter().zip(&mut rest) {
                let visited = parts.iter().map(|part| powers.sum(&part)).fold(0, plus);
                *rest = minus(powers.sum(&region), visited);
            }
        }
        let start = ValueDigest([times(fill[0], rest[0]), times(fill[1], rest[1])]);
        let parts = self.map_parts(&parts, move |part, elements| {
            digest(&powers, part, elements)
        });
        let sum = async |ValueDigest(a): ValueDigest, ValueDigest(b): ValueDigest| {
            Ok(ValueDigest([plus(a[0], b[0]), plus(a[1], b[1])]))
        };
        parts.try_fold(start, sum).await
    }
}

fn digest(powers: &[Powers; 2], part: &[Range<u64>], elements: &Elements) -> ValueDigest {
    let mut sum = [0; 2];
    let [mut first, mut second] = powers.each_ref().map(|powers| powers.walk(part));
    for element in elements.iter() {
        let words = words(word_of(elements, element));
        sum[0] = plus(sum[0], times(words[0], first.next()));
        sum[1] = plus(sum[1], times(words[1], second.next()));
    }
    ValueDigest(sum)
}

/// The powers of a base: to the position, in C order, of each element of a region.
struct Powers {
    /// The first index along each dimension.
    starts: Vec<u64>,
    /// The factor of a step along each dimension.
    steps: Vec<u64>,
}

impl Powers {
    fn new(base: u64, region: &[Range<u64>]) -> Self {
        let mut steps = vec![base; region.len()];
        for axis in (1..region.len()).rev() {
            steps[axis - 1] = power(steps[axis], region[axis].end - region[axis].start);
        }
        let starts = region.iter().map(|range| range.start).collect();
        Self { starts, steps }
    }

    /// Returns the factor of an index along a dimension.
    fn factor(&self, axis: usize, index: u64) -> u64 {
        power(self.steps[axis], index - self.starts[axis])
    }

    /// Returns the sum of the powers of all elements of a part: geometric series, multiplied.
    fn sum(&self, part: &[Range<u64>]) -> u64 {
        let axes = part.iter().enumerate().map(|(axis, range)| {
            let (step, len) = (self.steps[axis], range.end - range.start);
            let series = match step {
                1 => len % P,
                _ => times(minus(power(step, len), 1), power(minus(step, 1), P - 2)),
            };
            times(self.factor(axis, range.start), series)
        });
        axes.fold(1, times)
    }

    /// Walks over the elements of a part in C order.
    fn walk<'a>(&'a self, part: &'a [Range<u64>]) -> Walk<'a> {
        let firsts = part.iter().enumerate();
        let firsts = firsts.map(|(axis, range)| self.factor(axis, range.start));
        let firsts = firsts.collect::<Vec<_>>();
        let running = firsts.iter().scan(1, |product, &first| {
            *product = times(*product, first);
            Some(*product)
        });
        Walk {
            steps: &self.steps,
            part,
            index: part.iter().map(|range| range.start).collect(),
            running: running.collect(),
            firsts,
        }
    }
}

/// The powers of the elements of a part, one after another.
struct Walk<'a> {
    steps: &'a [u64],
    part: &'a [Range<u64>],
    index: Vec<u64>,
    /// The factor of the first index along each dimension.
    firsts: Vec<u64>,
    /// The product of the factors of the current indices along the dimensions up to each.
    running: Vec<u64>,
}

impl Walk<'_> {
    /// Returns the power of the current element and goes on to the next.
    fn next(&mut self) -> u64 {
        let power = self.running.last().copied().unwrap_or(1);
        for axis in (0..self.index.len()).rev() {
            self.index[axis] += 1;
            if self.index[axis] < self.part[axis].end {
                self.running[axis] = times(self.running[axis], self.steps[axis]);
                for inner in axis + 1..self.index.len() {
                    self.running[inner] = times(self.running[inner - 1], self.firsts[inner]);
                }
                break;
            }
            self.index[axis] = self.part[axis].start;
        }
        power
    }
}

/// Returns the two numbers that an element contributes, below [`P`].
fn words(value: u64) -> [u64; 2] {
    [mix(value) % P, mix(value.wrapping_add(K)) % P]
}

/// Adds modulo [`P`].
fn plus(a: u64, b: u64) -> u64 {
    reduced(a + b)
}

/// Subtracts modulo [`P`].
fn minus(a: u64, b: u64) -> u64 {
    reduced(a + P - b)
}

/// Multiplies modulo [`P`].
#[expect(
    clippy::cast_possible_truncation,
    reason = "both halves are below 2^61"
)]
fn times(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    reduced((product & u128::from(P)) as u64 + (product >> 61) as u64)
}

/// Raises to a power modulo [`P`].
fn power(base: u64, exponent: u64) -> u64 {
    let (mut result, mut base, mut exponent) = (1, base, exponent);
    while exponent > 0 {
        if exponent % 2 == 1 {
            result = times(result, base);
        }
        base = times(base, base);
        exponent /= 2;
    }
    result
}

fn reduced(number: u64) -> u64 {
    if number >= P { number - P } else { number }
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
