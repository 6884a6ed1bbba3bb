//! Deletes, and sweeps of files that killed writers left.
//!
//! Every object is removed under its lock, so that a conditional put either sees the deletion or
//! comes first. A lock file with a holder is never removed, since another writer could then stage
//! under the same name.

use std::fs;
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::file::is_missing;
use super::lock::{KeyLock, Permit};
use super::{Durability, LocalStore, is_lock_name};
use crate::error::Result;

/// How often a directory may get new entries while it is being removed.
const ATTEMPTS: usize = 10;

impl LocalStore {
    pub(crate) fn delete(&self, key: &str, permit: &mut Permit) -> Result<()> {
        let target = self.path(key)?;
        self.counters.delete();
        match fs::symlink_metadata(&target) {
            Ok(metadata) if metadata.is_dir() => return Ok(()),
            Ok(_) => {}
            Err(error) if is_missing(&error) => return Ok(()),
            Err(error) => return Err(self.io(key, "delete")(error)),
        }
        remove_locked(&target, permit).map_err(self.io(key, "delete"))?;
        if self.durability == Durability::Synced
            && let Some(parent) = target.parent()
        {
            missing_is_fine(fs::File::open(parent).and_then(|directory| directory.sync_all()))
                .map_err(self.io(key, "sync"))?;
        }
        self.remove_empty_parents(&target);
        Ok(())
    }

    pub(crate) fn delete_prefix(&self, prefix: &str) -> Result<()> {
        if prefix.is_empty() {
            missing_is_fine(self.remove_children(&self.root)).map_err(self.io(prefix, "delete"))?;
            self.remove_empty_directories(&self.root);
            return Ok(());
        }
        let target = self.root.join(prefix);
        let remove = || -> io::Result<()> {
            match fs::symlink_metadata(&target) {
                Ok(metadata) if metadata.is_dir() => self.remove_tree(&target),
                // For a linked directory, only the link puts its objects below the prefix.
                Ok(_) if target.is_dir() => fs::remove_file(&target),
                Ok(_) => Ok(()),
                Err(error) => missing_is_fine(Err(error)),
            }
        };
        remove().map_err(self.io(prefix, "delete"))?;
        self.remove_empty_parents(&target);
        Ok(())
    }

    fn remove_tree(&self, directory: &Path) -> io::Result<()> {
        for _ in 0..ATTEMPTS {
            missing_is_fine(self.remove_children(directory))?;
            match fs::remove_dir(directory) {
                Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => {}
                other => return missing_is_fine(other),
            }
        }
        Ok(())
    }

    fn remove_children(&self, directory: &Path) -> io::Result<()> {
        for entry in fs::read_dir(directory)? {
            let entry = entry?;
            let path = entry.path();
            if entry.file_type()?.is_dir() {
                self.remove_tree(&path)?;
            } else if entry.file_name().to_str().is_some_and(is_lock_name) {
                drop(KeyLock::wait_existing(&path)?);
            } else {
                self.counters.delete();
                remove_locked(&path, &mut None)?;
            }
        }
        Ok(())
    }

    /// Removes the empty directories above a path, so that the store looks like one without
    /// directories.
    pub(super) fn remove_empty_parents(&self, path: &Path) {
        if let Some(parent) = path.parent() {
            self.remove_empty_directories(parent);
        }
    }

    fn remove_empty_directories(&self, lowest: &Path) {
        for directory in lowest.ancestors() {
            if directory == &*self.base
                || !directory.starts_with(&self.base)
                || fs::remove_dir(directory).is_err()
            {
                return;
            }
        }
    }

    /// Removes lock files and staged files that killed writers left, if they are older than
    /// `older_than` and not locked. Returns the removed files. Safe while writers run.
    ///
    /// # Errors
    ///
    /// If a directory cannot be read or a file cannot be removed; the remaining files are then not
    /// swept.
    pub fn sweep(&self, older_than: Duration) -> Result<Vec<String>> {
        let mut swept = Vec::new();
        if let Some(limit) = SystemTime::now().checked_sub(older_than) {
            missing_is_fine(self.sweep_below(&self.root, limit, &mut swept))
                .map_err(self.io("", "sweep"))?;
        }
        Ok(swept)
    }

    fn sweep_below(
        &self,
        directory: &Path,
        limit: SystemTime,
        swept: &mut Vec<String>,
    ) -> io::Result<()> {
        for entry in fs::read_dir(directory)? {
            let entry = entry?;
            let (path, kind) = (entry.path(), entry.file_type()?);
            if kind.is_dir() {
                missing_is_fine(self.sweep_below(&path, limit, swept))?;
            } else if kind.is_file()
                && entry.file_name().to_str().is_some_and(is_lock_name)
                && let Some(lock) = KeyLock::try_existing(&path)?
            {
                if lock.file.metadata()?.modified()? <= limit {
                    drop(lock);
                    swept.push(self.shown(&path));
                    self.remove_empty_parents(&path);
                } else {
                    lock.keep();
                }
            }
        }
        Ok(())
    }
}

fn remove_locked(target: &Path, permit: &mut Permit) -> io::Result<()> {
    let lock = match KeyLock::acquire(target, permit) {
        Ok(lock) => Some(lock),
        // A full disk must not prevent deletes, and a name that is too long is not one of ours.
        Err(error) if is_full(&error) || error.kind() == io::ErrorKind::InvalidFilename => None,
        Err(error) => return missing_is_fine(Err(error)),
    };
    let removed = fs::remove_file(target);
    drop(lock);
    missing_is_fine(removed)
}

fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}

fn missing_is_fine(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if is_missing(&error) => Ok(()),
        other => other,
    }
}
