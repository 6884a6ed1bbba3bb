//! The bytes of an object that a caller requests.

use std::fmt;
use std::ops::Range;

/// A range of bytes of one stored object.
///
/// The store clamps a range that reaches past the end of the object. A `Suffix` longer than the
/// object is the whole object.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ByteRange {
    /// The whole object.
    All,
    /// The bytes `start..end`, as offsets from the start of the object.
    Range(Range<u64>),
    /// All bytes from this offset to the end.
    From(u64),
    /// The last bytes of the object, as many as given.
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
            Self::From(start) => (*start).min(size)..size,
            Self::Suffix(len) => size.saturating_sub(*len)..size,
        }
    }
}

impl fmt::Display for ByteRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => write!(f, "all"),
            Self::Range(range) => write!(f, "{}..{}", range.start, range.end),
            Self::From(start) => write!(f, "{start}.."),
            Self::Suffix(len) => write!(f, "last {len}"),
        }
    }
}

/// Returns the number of bytes of a range.
pub(crate) fn length(range: &Range<u64>) -> u64 {
    range.end.saturating_sub(range.start)
}
