//! What lies in the directory of a store and is not an object: listings skip it.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::Path;

use super::file::is_missing;
use super::lock::KeyLock;
use super::{LocalStore, is_lock_name};
use crate::error::Result;

/// A file or directory that is not an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unlisted {
    /// A lock file or staged file that no writer holds.
    Lock,
    /// An empty directory.
    EmptyDirectory,
    /// A dangling link, a pipe, a socket, a device, or a name that is not UTF-8.
    Other,
}

impl LocalStore {
    /// Returns everything below the store that listings skip, with its path relative to the store.
    /// Lock files of running writers are not returned.
    ///
    /// # Errors
    ///
    /// If a directory cannot be read.
    pub fn unlisted(&self) -> Result<Vec<(String, Unlisted)>> {
        let mut found = Vec::new();
        self.unlisted_below(&self.root, &mut found)
            .map_err(self.io("", "list"))?;
        Ok(found)
    }

    fn unlisted_below(
        &self,
        directory: &Path,
        found: &mut Vec<(String, Unlisted)>,
    ) -> io::Result<()> {
        let mut is_empty = true;
        let entries = match fs::read_dir(directory) {
            Err(error) if is_missing(&error) => return Ok(()),
            entries => entries?,
        };
        for entry in entries {
            is_empty = false;
            let (entry, kind) = entry.and_then(|entry| Ok((entry.path(), entry.file_type()?)))?;
            let name = entry.file_name().and_then(|name| name.to_str());
            let unlisted = match name {
                None => Some(Unlisted::Other),
                Some(_) if kind.is_dir() => {
                    self.unlisted_below(&entry, found)?;
                    None
                }
                Some(name) if kind.is_file() => {
                    (is_lock_name(name) && !is_held(&entry)).then_some(Unlisted::Lock)
                }
                Some(_) if kind.is_symlink() && entry.exists() => None,
                Some(_) => Some(Unlisted::Other),
            };
            found.extend(unlisted.map(|unlisted| (self.shown(&entry), unlisted)));
        }
        if is_empty && directory != &*self.root {
            found.push((self.shown(directory), Unlisted::EmptyDirectory));
        }
        Ok(())
    }

    pub(super) fn shown(&self, path: &Path) -> String {
        let relative = path.strip_prefix(&self.root).unwrap_or(path);
        relative.to_string_lossy().into_owned()
    }

    /// Removes a lock file that no writer holds, or an empty directory. Returns whether it was
    /// removed.
    ///
    /// # Errors
    ///
    /// If the system refuses.
    pub fn remove_unlisted(&self, path: &str) -> Result<bool> {
        let target = self.root.join(path);
        let removed = match target.is_dir() {
            true => fs::remove_dir(&target).map(|()| true),
            false if !is_lock_name(path) => Ok(false),
            // Dropping the lock removes the file.
            false => KeyLock::try_existing(&target).map(|lock| lock.is_some()),
        };
        removed.map_err(self.io(path, "delete"))
    }
}

/// Whether a writer holds a lock file.
fn is_held(path: &Path) -> bool {
    let lock = File::open(path).map(|file| file.try_lock());
    matches!(lock, Ok(Err(TryLockError::WouldBlock)))
}
