//! The backend for local files: `std::fs` and positioned reads, without `object_store` and without
//! a runtime.
//!
//! `file` opens and reads, `now` does so without waiting, `put` writes by lock file and rename,
//! `hold` keeps other writers away, `remove` deletes and sweeps, `walk` lists, `unlisted` finds what
//! listings skip. `calls` serves [`Store`](crate::Store) and moves all of this off the runtime;
//! `ranges` does so for many ranges of one file.
//!
//! An object is a regular file. During a write, its lock file `<name>#0` may exist beside it: such
//! names are not objects and are never listed, and a lock file left by a killed writer blocks
//! nobody.

mod calls;
mod file;
mod hold;
mod lock;
mod now;
mod put;
mod ranges;
mod remove;
#[cfg(test)]
mod tests;
mod unlisted;
mod walk;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub(crate) use calls::{
    delete, delete_all, delete_prefix, get, get_if_changed, head, hold, list, list_dir, list_keys,
    patch, put,
};
pub use file::LocalFile;
pub use hold::Hold;
pub(crate) use ranges::get_ranges;
pub use unlisted::Unlisted;

use self::hold::Holds;
use crate::counts::Counters;
use crate::error::{Error, Place, Result};

/// The durability of a put: what survives a power failure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Durability {
    /// Readers see only whole objects, even if a writer crashes; a power failure may undo the last
    /// writes.
    #[default]
    Atomic,
    /// Like `Atomic`; in addition, the object and its directory entry are on disk when a put
    /// returns.
    Synced,
}

/// A directory of objects, for positioned reads without a runtime. Writes go through
/// [`Store`](crate::Store).
#[derive(Clone)]
pub struct LocalStore {
    /// The directory that limits the removal of empty directories; itself never removed.
    base: Arc<Path>,
    /// The directory that keys are relative to: `base`, or a prefix below it.
    root: Arc<Path>,
    location: Arc<str>,
    durability: Durability,
    counters: Arc<Counters>,
    /// The locks that writers hold for the next put of a key.
    holds: Arc<Holds>,
}

impl LocalStore {
    pub(crate) fn new(root: PathBuf, location: Arc<str>) -> Self {
        let root: Arc<Path> = root.into();
        Self {
            base: Arc::clone(&root),
            root,
            location,
            durability: Durability::default(),
            counters: Arc::default(),
            holds: Arc::default(),
        }
    }

    pub(crate) fn with_prefix(&self, prefix: &str, location: Arc<str>) -> Self {
        Self {
            root: self.root.join(prefix).into(),
            location,
            ..self.clone()
        }
    }

    pub(crate) fn set_durability(&mut self, durability: Durability) {
        self.durability = durability;
    }

    pub(crate) fn is_synced(&self) -> bool {
        self.durability == Durability::Synced
    }

    pub(crate) fn counters(&self) -> Arc<Counters> {
        Arc::clone(&self.counters)
    }

    /// The directory that the keys of this store are relative to.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    fn place(&self, key: &str) -> Place {
        Place::new(&self.location, key)
    }

    fn io(&self, key: &str, operation: &'static str) -> impl FnOnce(std::io::Error) -> Error {
        let place = self.place(key);
        move |source| Error::io(place, operation, source)
    }

    /// Returns the path of a checked key.
    fn path(&self, key: &str) -> Result<PathBuf> {
        crate::key::check(key)
            .and_then(|()| {
                if is_lock_name(key) {
                    return Err("names that end in # and digits belong to writes in progress");
                }
                Ok(self.root.join(key))
            })
            .map_err(|reason| Error::InvalidKey {
                place: self.place(key),
                reason,
            })
    }

    fn obstructed(&self, key: &str, found: &'static str) -> Error {
        Error::Obstructed {
            place: self.place(key),
            found,
        }
    }
}

impl fmt::Debug for LocalStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LocalStore").field(&self.location).finish()
    }
}

/// Whether a name, or the last segment of a key, is that of a lock file or of a staged file of
/// `object_store`.
fn is_lock_name(name: &str) -> bool {
    name.rsplit_once('#').is_some_and(|(_, digits)| {
        !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
    })
}
