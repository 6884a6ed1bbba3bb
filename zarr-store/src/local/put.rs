//! Puts: the new content is staged in the lock file, and compared and renamed under the lock.
//!
//! All puts take the lock, so that conditional and unconditional puts exclude each other, within
//! this process and across processes. The new file gets a modification time after that of the
//! object it replaces, so that versions differ even if an inode is reused within one tick of the
//! file system's clock.

use std::fs::{self, File, FileTimes};
use std::io::{self, IoSlice, Read, Write};
use std::path::Path;
use std::time::{Duration, SystemTime};

use bytes::Bytes;

use super::file::{file_version, is_missing, kind};
use super::lock::{KeyLock, Permit};
use super::{Durability, LocalStore};
use crate::error::{Error, Result};
use crate::version::{FileVersion, Precondition, Version};

/// Retries when another process removes the parent directory that we just created.
const ATTEMPTS: usize = 100;

/// The object that a put replaces.
struct Current {
    version: FileVersion,
    modified: Option<SystemTime>,
}

impl LocalStore {
    pub(crate) fn put(
        &self,
        key: &str,
        payload: &[Bytes],
        precondition: &Precondition,
        permit: &mut Permit,
    ) -> Result<Version> {
        let put = self.put_file(key, payload, precondition, permit)?;
        self.version_of(key, &put)
    }

    /// Puts an object whose version nobody needs.
    pub(crate) fn overwrite(
        &self,
        key: &str,
        payload: &[Bytes],
        permit: &mut Permit,
    ) -> Result<()> {
        self.put_file(key, payload, &Precondition::None, permit)
            .map(drop)
    }

    fn put_file(
        &self,
        key: &str,
        payload: &[Bytes],
        precondition: &Precondition,
        permit: &mut Permit,
    ) -> Result<KeyLock> {
        let target = self.path(key)?;
        let bytes = payload.iter().map(|bytes| bytes.len() as u64).sum();
        self.counters.put(bytes);
        tracing::trace!(store = &*self.location, key, bytes, "write");
        self.replace((key, &target), payload, precondition, 0, permit)
    }

    /// Replaces an object of a version by its first `keep` bytes followed by a tail. The operating
    /// system copies the bytes, or shares them between both files if the file system can.
    pub(crate) fn patch(
        &self,
        key: &str,
        version: &Version,
        keep: u64,
        tail: &[Bytes],
        permit: &mut Permit,
    ) -> Result<Version> {
        let target = self.path(key)?;
        let bytes = tail.iter().map(|bytes| bytes.len() as u64).sum();
        self.counters.put(bytes);
        self.counters.copied(keep);
        tracing::trace!(store = &*self.location, key, bytes, copied = keep, "patch");
        let precondition = Precondition::IfVersion(version.clone());
        let put = self.replace((key, &target), tail, &precondition, keep, permit)?;
        self.version_of(key, &put)
    }

    /// Returns the version of an object just put, whose file is still locked.
    fn version_of(&self, key: &str, put: &KeyLock) -> Result<Version> {
        // Not earlier, because renaming changes the change time.
        let metadata = put.file.metadata().map_err(self.io(key, "stat"))?;
        Ok(Version::of_file(file_version(&metadata)))
    }

    fn replace(
        &self,
        (key, target): (&str, &Path),
        payload: &[Bytes],
        precondition: &Precondition,
        keep: u64,
        permit: &mut Permit,
    ) -> Result<KeyLock> {
        let (lock, new_directory) = match self.holds.take(target) {
            Some(held) => held,
            None => self.lock_for_put(key, target, permit)?,
        };
        let result = self.put_locked(key, target, lock, payload, precondition, keep);
        if result.is_err() {
            self.remove_empty_parents(target);
        } else if self.durability == Durability::Synced {
            self.sync_directories(target, new_directory)
                .map_err(self.io(key, "sync"))?;
        }
        result
    }

    fn put_locked(
        &self,
        key: &str,
        target: &Path,
        mut lock: KeyLock,
        payload: &[Bytes],
        precondition: &Precondition,
        keep: u64,
    ) -> Result<KeyLock> {
        let current = self.current(key, target)?;
        self.check(key, precondition, current.as_ref())?;
        lock.empty().map_err(self.io(key, "write"))?;
        let file = &lock.file;
        if keep > 0 {
            self.copy_start(key, file, keep, precondition)?;
        }
        self.stage(file, payload, current.as_ref())
            .map_err(self.io(key, "write"))?;
        lock.rename(target).map_err(self.io(key, "rename"))?;
        Ok(lock)
    }

    /// Takes the lock of a key, creating its directory if needed, and returns whether the directory
    /// is new.
    pub(super) fn lock_for_put(
        &self,
        key: &str,
        target: &Path,
        permit: &mut Permit,
    ) -> Result<(KeyLock, bool)> {
        let parent = target.parent().unwrap_or(target);
        let mut attempt = 0;
        loop {
            attempt += 1;
            match KeyLock::acquire(target, permit) {
                Ok(lock) => return Ok((lock, attempt > 1)),
                Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
                    return Err(self.obstructed(key, "an object at a prefix of the key"));
                }
                // Others may remove a directory that has just become empty.
                Err(error) if error.kind() == io::ErrorKind::NotFound && attempt < ATTEMPTS => {}
                Err(error) => return Err(self.io(key, "lock")(error)),
            }
            match fs::create_dir_all(parent) {
                // Others may remove a directory that was just found to exist.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error)
                    if error.kind() == io::ErrorKind::AlreadyExists
                        && !parent.ancestors().any(is_obstacle) => {}
                Err(error)
                    if matches!(
                        error.kind(),
                        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists
                    ) =>
                {
                    return Err(self.obstructed(key, "an object at a prefix of the key"));
                }
                other => other.map_err(self.io(key, "create directory"))?,
            }
        }
    }

    fn current(&self, key: &str, target: &Path) -> Result<Option<Current>> {
        let found = match fs::symlink_metadata(target) {
            Ok(metadata) if metadata.is_symlink() => fs::metadata(target),
            // The directory exists, since the lock file is in it.
            Err(error) if is_missing(&error) => return Ok(None),
            found => found,
        };
        match found {
            Ok(metadata) if metadata.is_file() => Ok(Some(Current {
                version: file_version(&metadata),
                modified: metadata.modified().ok(),
            })),
            Ok(metadata) => Err(self.obstructed(key, kind(&metadata))),
            Err(error) if is_missing(&error) => {
                self.why_missing(key, target)?;
                Ok(None)
            }
            Err(error) => Err(self.io(key, "stat")(error)),
        }
    }

    fn check(
        &self,
        key: &str,
        precondition: &Precondition,
        current: Option<&Current>,
    ) -> Result<()> {
        let reason = match (precondition, current) {
            (Precondition::None, _) | (Precondition::IfAbsent, None) => return Ok(()),
            (Precondition::IfAbsent, Some(_)) => "the object exists",
            (Precondition::IfVersion(_), None) => "the object no longer exists",
            (Precondition::IfVersion(version), Some(current)) => match version.as_file() {
                Some(expected) if *expected == current.version => return Ok(()),
                Some(_) => "the object has another version",
                None => {
                    return Err(Error::Unsupported {
                        place: self.place(key),
                        operation: "conditional put",
                        reason: "the version belongs to another store".into(),
                    });
                }
            },
        };
        Err(Error::Conflict {
            place: self.place(key),
            reason,
        })
    }

    /// Copies the first bytes of the object into an empty file, if the object is the version of the
    /// precondition.
    fn copy_start(
        &self,
        key: &str,
        mut to: &File,
        size: u64,
        precondition: &Precondition,
    ) -> Result<()> {
        let conflict = |reason| Error::Conflict {
            place: self.place(key),
            reason,
        };
        let from = self
            .open(key)?
            .ok_or_else(|| conflict("the object no longer exists"))?;
        let is_it =
            |version| *precondition == Precondition::IfVersion(version) && size <= from.size();
        if !is_it(from.version()) {
            return Err(conflict("the object has another version"));
        }
        // On Linux, this uses `copy_file_range` if the file system supports it.
        let copied =
            io::copy(&mut (&from.file).take(size), &mut to).map_err(self.io(key, "copy"))?;
        if copied != size || from.check_unchanged().is_err() {
            return Err(conflict("the object has changed in the meantime"));
        }
        Ok(())
    }

    fn stage(&self, file: &File, payload: &[Bytes], current: Option<&Current>) -> io::Result<()> {
        write_all_vectored(file, payload)?;
        // If the file system refuses, its own clock must suffice.
        drop(file.set_times(FileTimes::new().set_modified(time_after(current))));
        match self.durability {
            Durability::Atomic => Ok(()),
            Durability::Synced => file.sync_all(),
        }
    }

    /// Makes the entry of a file durable, and the entries of its directories if they are new.
    fn sync_directories(&self, target: &Path, new_directory: bool) -> io::Result<()> {
        let first_old = self.base.parent();
        for directory in target.ancestors().skip(1) {
            File::open(directory)?.sync_all()?;
            if !new_directory || Some(directory) == first_old {
                break;
            }
        }
        Ok(())
    }
}

/// Returns the current time, or a time just after that of the current object if the clock lags
/// behind.
fn time_after(current: Option<&Current>) -> SystemTime {
    let now = SystemTime::now();
    let later = current.and_then(|current| current.modified?.checked_add(Duration::from_nanos(1)));
    later.map_or(now, |later| now.max(later))
}

/// Whether a path exists and is neither a directory nor a link to one.
fn is_obstacle(path: &Path) -> bool {
    path.symlink_metadata()
        .is_ok_and(|found| !(found.is_dir() || found.is_symlink() && path.is_dir()))
}

fn write_all_vectored(mut file: &File, payload: &[Bytes]) -> io::Result<()> {
    let mut slices: Vec<IoSlice<'_>> = payload
        .iter()
        .filter(|bytes| !bytes.is_empty())
        .map(|bytes| IoSlice::new(bytes))
        .collect();
    let mut left = &mut slices[..];
    while !left.is_empty() {
        match file.write_vectored(left) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => IoSlice::advance_slices(&mut left, written),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
