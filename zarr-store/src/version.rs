//! Versions identify a stored state of an object; preconditions of puts refer to them.

use std::fmt;
use std::sync::Arc;

use object_store::{ObjectMeta, PutResult, UpdateVersion};

/// A stored state of an object: the backend's entity tag or generation, or the identity of a local
/// file.
///
/// A version is opaque: two reads with equal known versions saw the same bytes. A version is
/// *unknown* if the backend reports neither tag nor generation; an unknown version cannot tie reads
/// together or be a precondition. `Display` gives a stable text.
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub struct Version(Repr);

#[derive(Clone, PartialEq, Eq, Hash, Default)]
enum Repr {
    #[default]
    Unknown,
    Tags {
        e_tag: Option<Arc<str>>,
        generation: Option<Arc<str>>,
        /// For a weak tag, which servers behind one name may each compute differently: compared
        /// instead of the tag.
        weak: Option<Seen>,
    },
    File(FileVersion),
}

/// When an object was last modified, in seconds since the epoch, if reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Seen {
    modified: Option<i64>,
}

/// The identity of the content of a local file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct FileVersion {
    pub(crate) inode: u64,
    /// Nanoseconds since the epoch.
    pub(crate) modified: i128,
    /// Nanoseconds since the epoch.
    pub(crate) changed: i128,
    pub(crate) size: u64,
}

impl Version {
    /// Returns the version of an object about which the backend reports nothing.
    #[must_use]
    pub fn unknown() -> Self {
        Self::default()
    }

    /// Whether this version can tie reads together and be a precondition.
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.0 != Repr::Unknown
    }

    fn tags(e_tag: Option<&str>, generation: Option<&str>, modified: Option<i64>) -> Self {
        if e_tag.is_none() && generation.is_none() {
            return Self::unknown();
        }
        Self(Repr::Tags {
            e_tag: e_tag.map(Arc::from),
            generation: generation.map(Arc::from),
            weak: e_tag.filter(|tag| is_weak(tag)).map(|_| Seen { modified }),
        })
    }

    pub(crate) fn of_meta(meta: &ObjectMeta) -> Self {
        // `object_store` substitutes the epoch if the response has no time.
        let modified = Some(meta.last_modified.timestamp()).filter(|seconds| *seconds != 0);
        Self::tags(meta.e_tag.as_deref(), meta.version.as_deref(), modified)
    }

    pub(crate) fn of_put(result: &PutResult) -> Self {
        Self::tags(result.e_tag.as_deref(), result.version.as_deref(), None)
    }

    pub(crate) fn of_file(file: FileVersion) -> Self {
        Self(Repr::File(file))
    }

    pub(crate) fn as_file(&self) -> Option<&FileVersion> {
        match &self.0 {
            Repr::File(file) => Some(file),
            Repr::Unknown | Repr::Tags { .. } => None,
        }
    }

    /// Returns the condition of a put; `None` if there is nothing to compare.
    pub(crate) fn to_update(&self) -> Option<UpdateVersion> {
        match &self.0 {
            Repr::Tags {
                e_tag, generation, ..
            } => Some(UpdateVersion {
                e_tag: e_tag.as_deref().map(str::to_owned),
                version: generation.as_deref().map(str::to_owned),
            }),
            Repr::Unknown | Repr::File(_) => None,
        }
    }

    /// Returns the tag for `If-Match`. A weak tag never matches there (RFC 9110, 13.1.1), so it is
    /// only compared with the response.
    pub(crate) fn if_match(&self) -> Option<&str> {
        match &self.0 {
            Repr::Tags { e_tag, .. } => e_tag.as_deref().filter(|tag| !is_weak(tag)),
            Repr::Unknown | Repr::File(_) => None,
        }
    }

    /// Returns the tag for `If-None-Match`, where weak tags also match.
    pub(crate) fn if_none_match(&self) -> Option<&str> {
        match &self.0 {
            Repr::Tags { e_tag, .. } => e_tag.as_deref(),
            Repr::Unknown | Repr::File(_) => None,
        }
    }

    /// Returns the generation to request if there is no tag at all.
    pub(crate) fn only_generation(&self) -> Option<&str> {
        match &self.0 {
            Repr::Tags {
                e_tag: None,
                generation,
                ..
            } => generation.as_deref(),
            Repr::Unknown | Repr::Tags { .. } | Repr::File(_) => None,
        }
    }

    /// Whether a response is certainly another version: detects servers that ignore `If-Match`.
    pub(crate) fn contradicts(&self, seen: &Self) -> bool {
        match (&self.0, &seen.0) {
            (
                Repr::Tags {
                    e_tag,
                    generation,
                    weak,
                },
                Repr::Tags {
                    e_tag: seen_tag,
                    generation: seen_generation,
                    weak: seen_weak,
                },
            ) => match (e_tag, seen_tag) {
                (Some(tag), Some(seen_tag)) if tag == seen_tag => false,
                _ if weak.is_some() || seen_weak.is_some() => {
                    let modified = weak.and_then(|weak| weak.modified);
                    let seen = seen_weak.and_then(|weak| weak.modified);
                    modified.zip(seen).is_some_and(|(one, other)| one != other)
                }
                (Some(tag), Some(seen_tag)) => tag != seen_tag,
                _ => {
                    generation.is_some()
                        && seen_generation.is_some()
                        && generation != seen_generation
                }
            },
            (Repr::File(file), Repr::File(seen)) => file != seen,
            _ => false,
        }
    }
}

fn is_weak(tag: &str) -> bool {
    tag.starts_with("W/")
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Repr::Unknown => f.write_str("unknown"),
            Repr::Tags {
                e_tag, generation, ..
            } => {
                f.write_str(e_tag.as_deref().unwrap_or_default())?;
                match generation {
                    Some(generation) => write!(f, "@{generation}"),
                    None => Ok(()),
                }
            }
            Repr::File(file) => write!(
                f,
                "{:x}-{:x}-{:x}-{:x}",
                file.inode, file.modified, file.changed, file.size
            ),
        }
    }
}

impl fmt::Debug for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Version({self})")
    }
}

/// The condition under which a put happens.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Precondition {
    /// No condition: the object is created or replaced.
    #[default]
    None,
    /// No object exists at the key.
    IfAbsent,
    /// The object at the key is still this version.
    IfVersion(Version),
}
