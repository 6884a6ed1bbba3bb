//! What lies in the directory of a store and is not an object: listings skip it.

use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind, Write};
use std::path::Path;

use super::file::is_missing;
use super::lock::KeyLock;
use super::{LocalStore, is_lock_name};
use crate::Entry;
use crate::error::{Error, Result};

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
    /// Lock files of running writers are not returned, nor is what lies in directories that cannot
    /// be read.
    ///
    /// # Errors
    ///
    /// If a file cannot be examined.
    pub fn unlisted(&self) -> Result<Vec<(String, Unlisted)>> {
        let mut found = Vec::new();
        self.unlisted_below(&self.root, &mut found)
            .map_err(self.io("", "list"))?;
        Ok(found)
    }

    /// Lists all objects, also beside directories that cannot be read: returns the errors of these.
    #[must_use]
    pub fn list_readable(&self) -> (Vec<Entry>, Vec<Error>) {
        let (mut entries, mut errors) = (Vec::new(), Vec::new());
        let mut walk = self.walk("");
        loop {
            match walk.next_batch(1) {
                Ok(batch) if batch.is_empty() => return (entries, errors),
                Ok(batch) => entries.extend(batch),
                Err(error) => errors.push(error),
            }
        }
    }

    fn unlisted_below(
        &self,
        directory: &Path,
        found: &mut Vec<(String, Unlisted)>,
    ) -> io::Result<()> {
        let mut is_empty = true;
        let entries = match fs::read_dir(directory) {
            // Listings report directories that cannot be read.
            Err(error) if is_missing(&error) || error.kind() == ErrorKind::PermissionDenied => {
                return Ok(());
            }
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

    /// Reads a lock file or staged file. A directory has no content.
    ///
    /// # Errors
    ///
    /// If the file cannot be read.
    pub fn read_unlisted(&self, path: &str) -> Result<Vec<u8>> {
        let target = self.root.join(path);
        match target.is_dir() {
            true => Ok(Vec::new()),
            false => fs::read(target).map_err(self.io(path, "get")),
        }
    }

    /// Writes a new file, which may have the name of a lock file or staged file.
    ///
    /// # Errors
    ///
    /// If the file exists, or the system refuses.
    pub fn keep_unlisted(&self, path: &str, content: &[u8]) -> Result<()> {
        let target = self.root.join(path);
        let written = fs::create_dir_all(target.parent().unwrap_or(&target))
            .and_then(|()| File::create_new(&target))
            .and_then(|mut file| file.write_all(content).and_then(|()| file.sync_all()));
        written.map_err(self.io(path, "put"))
    }

    /// Removes a lock file or staged file with this content, if no writer holds it, or an empty
    /// directory and those above that are empty then. Returns whether it was removed.
    ///
    /// # Errors
    ///
    /// If the system refuses.
    pub fn remove_unlisted(&self, path: &str, content: &[u8]) -> Result<bool> {
        let target = self.root.join(path);
        let removed = match target.is_dir() {
            true => self.remove_empty(&target).map(|()| true),
            false if !is_lock_name(path) => Ok(false),
            false => KeyLock::try_existing(&target).and_then(|lock| match lock {
                // Dropping the lock removes the file.
                Some(_lock) if fs::read(&target)? == content => Ok(true),
                Some(lock) => {
                    lock.keep();
                    Ok(false)
                }
                None => Ok(false),
            }),
        };
        removed.map_err(self.io(path, "delete"))
    }

    fn remove_empty(&self, directory: &Path) -> io::Result<()> {
        fs::remove_dir(directory)?;
        let above = directory.ancestors().skip(1);
        for directory in above.take_while(|above| *above != &*self.root) {
            if fs::remove_dir(directory).is_err() {
                break;
            }
        }
        Ok(())
    }
}

/// Whether a writer holds a lock file.
fn is_held(path: &Path) -> bool {
    let lock = File::open(path).map(|file| file.try_lock());
    matches!(lock, Ok(Err(TryLockError::WouldBlock)))
}
