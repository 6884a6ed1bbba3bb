//! The byte range of an object that a plan requests; a plan tells a store nothing else.

#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::panic
)]

use std::fmt;
use std::ops::Range;

/// The bytes of one stored object that a plan requests.
///
/// A store clamps a range that reaches past the end of the object; a `Suffix` longer than the
/// object is the whole object.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ByteRange {
    /// The whole object.
    All,
    /// Bytes `start..end`, counted from the start of the object.
    Range(Range<u64>),
    /// The given number of bytes at the end of the object.
    Suffix(u64),
}

impl ByteRange {
    /// Returns the absolute range in an object of `size` bytes, clamped to the object.
    #[must_use]
    pub fn resolve(&self, size: u64) -> Range<u64> {
        match self {
            Self::All => 0..size,
            Self::Range(range) => {
                let end = range.end.min(size);
                range.start.min(end)..end
            }
            Self::Suffix(len) => size.saturating_sub(*len)..size,
        }
    }
}

impl fmt::Display for ByteRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => write!(f, "all"),
            Self::Range(range) => write!(f, "{}..{}", range.start, range.end),
            Self::Suffix(len) => write!(f, "last {len}"),
        }
    }
}
