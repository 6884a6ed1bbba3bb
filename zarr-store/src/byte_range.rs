//! Which bytes of an object a caller asks for.

use std::fmt;
use std::ops::Range;

/// A range of bytes of one stored object.
///
/// A range that reaches past the end of the object is clamped to it by the store; a `Suffix` longer than the object is the
/// whole object.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ByteRange {
    /// The whole object.
    All,
    /// Bytes `start..end`, in bytes from the start of the object.
    Range(Range<u64>),
    /// Everything from this byte to the end.
    From(u64),
    /// The last bytes of the object, this many.
    Suffix(u64),
}

impl ByteRange {
    /// The absolute range in an object of `size` bytes, clamped to it.
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
