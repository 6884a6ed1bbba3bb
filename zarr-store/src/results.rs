//! The results of the operations of a store.

use std::ops::Range;

use bytes::Bytes;

use crate::version::Version;

/// The bytes of one read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Body {
    /// The bytes of `range`.
    pub bytes: Bytes,
    /// The absolute range of `bytes`: the requested range, clamped to the object.
    pub range: Range<u64>,
    /// The size of the whole object, in bytes.
    pub object_size: u64,
    /// The version that the bytes belong to.
    pub version: Version,
}

/// The result of [`get_if_changed`](crate::Store::get_if_changed).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Revalidated {
    /// The object is still the known version.
    Unchanged,
    /// The object is another version, or the backend cannot compare versions.
    Changed(Body),
    /// The object definitely does not exist.
    Absent,
}

impl Revalidated {
    pub(crate) fn of(body: Option<Body>) -> Self {
        body.map_or(Self::Absent, Self::Changed)
    }
}

/// The bytes of one of many ranges.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RangeBody {
    /// The index of the range in the list of requested ranges.
    pub index: usize,
    /// The bytes of the range. They may be a slice of a larger buffer: copy bytes that you keep.
    pub bytes: Bytes,
}

/// An object in a listing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// The key, from the root of the store.
    pub key: String,
    /// The size, in bytes.
    pub size: u64,
}

/// The size and version of an object, read without its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectInfo {
    /// The size, in bytes.
    pub size: u64,
    /// The version; unknown if the backend reports none.
    pub version: Version,
}

/// The names directly below a prefix: relative to the prefix, sorted, without duplicates.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// The names of objects.
    pub keys: Vec<String>,
    /// The names of prefixes that contain objects, without a trailing `/`.
    pub prefixes: Vec<String>,
}
