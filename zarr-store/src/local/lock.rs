//! The lock file of a key, in which the next content is staged: the protocol of TensorStore.
//!
//! `<name>#0` is opened, locked (`flock`), and looked up again: the previous holder may have
//! renamed it over the object or removed it, in which case the lock is on a stale file. Only the
//! lock's holder renames or removes the file, so a killed writer leaves at most an unlocked file,
//! which the next writer takes over.

use std::ffi::OsString;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use tokio::sync::OwnedSemaphorePermit;

/// The most retries after other writers took the lock file away; each retry means that another
/// writer made progress.
const ATTEMPTS: usize = 10_000;

/// The permit of a request, until it has to wait for another writer.
pub(crate) type Permit = Option<OwnedSemaphorePermit>;

/// A locked lock file. Dropping it empties and removes the file.
#[derive(Debug)]
pub(super) struct KeyLock {
    pub(super) file: File,
    path: PathBuf,
    /// The size of the file when it was locked: what a killed writer left.
    size: u64,
    /// Whether the file is no longer ours to remove.
    settled: bool,
}

impl KeyLock {
    /// Waits for the lock of the object at `target`. Releases the permit before it waits, so that
    /// the writer that holds the lock always finds one.
    pub(super) fn acquire(target: &Path, permit: &mut Permit) -> io::Result<Self> {
        let path = lock_path(target);
        for _ in 0..ATTEMPTS {
            let file = OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .custom_flags(libc::O_NONBLOCK | libc::O_NOFOLLOW)
                .open(&path)?;
            match file.try_lock() {
                Err(fs::TryLockError::WouldBlock) => {
                    permit.take();
                    file.lock()?;
                }
                locked => locked?,
            }
            let held = file.metadata()?;
            if is_at(&held, &path)? {
                return Self::new(file, &held, path);
            }
        }
        Err(io::Error::other(
            "another process keeps removing the lock file",
        ))
    }

    /// Takes an existing lock file, unless another writer holds it.
    pub(super) fn try_existing(path: &Path) -> io::Result<Option<Self>> {
        Self::existing(path, |file| match file.try_lock() {
            Ok(()) => Ok(true),
            Err(fs::TryLockError::WouldBlock) => Ok(false),
            Err(fs::TryLockError::Error(error)) => Err(error),
        })
    }

    /// Takes an existing lock file, waiting for its holder; `None` if the holder removed the file.
    pub(super) fn wait_existing(path: &Path) -> io::Result<Option<Self>> {
        Self::existing(path, |file| file.lock().map(|()| true))
    }

    fn existing(
        path: &Path,
        lock: impl FnOnce(&File) -> io::Result<bool>,
    ) -> io::Result<Option<Self>> {
        let open = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(libc::O_NONBLOCK | libc::O_NOFOLLOW)
            .open(path);
        let file = match open {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        if !lock(&file)? {
            return Ok(None);
        }
        let held = file.metadata()?;
        match is_at(&held, path)? {
            true => Self::new(file, &held, path.to_owned()).map(Some),
            false => Ok(None),
        }
    }

    fn new(file: File, held: &Metadata, path: PathBuf) -> io::Result<Self> {
        if !held.is_file() {
            return Err(io::Error::other("lock file is not a regular file"));
        }
        Ok(Self {
            file,
            path,
            size: held.len(),
            settled: false,
        })
    }

    /// Removes what a killed writer staged.
    pub(super) fn empty(&self) -> io::Result<()> {
        match self.size {
            0 => Ok(()),
            _ => self.file.set_len(0),
        }
    }

    /// Releases the lock and leaves the file.
    pub(super) fn keep(mut self) {
        self.settled = true;
    }

    /// Renames the staged content to the object.
    pub(super) fn rename(&mut self, target: &Path) -> io::Result<()> {
        fs::rename(&self.path, target)?;
        self.settled = true;
        Ok(())
    }
}

impl Drop for KeyLock {
    fn drop(&mut self) {
        if !self.settled {
            // Emptied first, so that no space is lost even if removal fails. A failure only leaves
            // a file for `sweep`.
            drop(self.file.set_len(0));
            drop(fs::remove_file(&self.path));
        }
    }
}

/// Whether a path still names the file with this metadata.
fn is_at(held: &Metadata, path: &Path) -> io::Result<bool> {
    match fs::symlink_metadata(path) {
        Ok(found) => Ok((found.dev(), found.ino()) == (held.dev(), held.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

fn lock_path(target: &Path) -> PathBuf {
    let mut path = OsString::from(target);
    path.push("#0");
    path.into()
}
