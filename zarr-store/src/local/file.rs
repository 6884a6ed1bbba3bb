//! Opens objects and reads ranges of them: one open file is one version.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io;
use std::ops::Range;
use std::os::unix::fs::{FileExt, FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use rustix::buffer::spare_capacity;

use super::LocalStore;
use crate::byte_range::{ByteRange, length};
use crate::counts::Counters;
use crate::error::{Error, Place, Result};
use crate::version::{FileVersion, Version};

/// An object open for reading. It stays at the version that was opened, whatever is put at its key
/// later.
#[derive(Debug)]
pub struct LocalFile {
    pub(super) file: File,
    opened: FileVersion,
    place: Place,
    pub(super) counters: Arc<Counters>,
}

impl LocalStore {
    /// Opens the object at a key; `None` if the object definitely does not exist.
    ///
    /// # Errors
    ///
    /// Any failure except a missing file or directory; a dangling link, a pipe or a device at the
    /// key is an error. A directory is not an object, as on object stores.
    pub fn open(&self, key: &str) -> Result<Option<LocalFile>> {
        let path = self.path(key)?;
        match self.open_file(key, &path)? {
            Some((file, metadata)) => self.opened(key, file, &metadata),
            None => Ok(None),
        }
    }

    /// Wraps an opened file if it is an object; `None` for a directory, which only contains
    /// objects.
    pub(super) fn opened(
        &self,
        key: &str,
        file: File,
        metadata: &Metadata,
    ) -> Result<Option<LocalFile>> {
        if metadata.is_dir() {
            return Ok(None);
        }
        if !metadata.is_file() {
            return Err(self.obstructed(key, kind(metadata)));
        }
        Ok(Some(LocalFile {
            file,
            opened: file_version(metadata),
            place: self.place(key),
            counters: Arc::clone(&self.counters),
        }))
    }

    fn open_file(&self, key: &str, path: &Path) -> Result<Option<(File, Metadata)>> {
        // Without O_NONBLOCK, opening a pipe waits for a writer.
        let open = || {
            OpenOptions::new()
                .read(true)
                .custom_flags(libc::O_NONBLOCK)
                .open(path)
        };
        let file = match open() {
            Ok(file) => file,
            Err(error) if is_missing(&error) => match self.why_missing(key, path)? {
                Missing::Absent => return Ok(None),
                // The file was created between the two looks.
                Missing::Appeared => open().map_err(self.io(key, "open"))?,
            },
            Err(error) => return Err(self.io(key, "open")(error)),
        };
        let metadata = file.metadata().map_err(self.io(key, "stat"))?;
        Ok(Some((file, metadata)))
    }

    /// Distinguishes an absent object from a dangling link at or above the key, such as a link to
    /// an unmounted disk.
    pub(super) fn why_missing(&self, key: &str, path: &Path) -> Result<Missing> {
        let mut at = path;
        loop {
            match fs::symlink_metadata(at) {
                Ok(metadata) if metadata.is_symlink() => {
                    return match fs::metadata(at) {
                        Err(error) if error.kind() == io::ErrorKind::NotFound => {
                            Err(self.obstructed(key, "a dangling symbolic link"))
                        }
                        Err(error) => Err(self.io(key, "stat")(error)),
                        Ok(_) if at == path => Ok(Missing::Appeared),
                        Ok(_) => Ok(Missing::Absent),
                    };
                }
                Ok(_) if at == path => return Ok(Missing::Appeared),
                Ok(metadata) if at == &*self.base && !metadata.is_dir() => {
                    return Err(self.obstructed(
                        key,
                        match at.extension().is_some_and(|extension| extension == "zip") {
                            true => {
                                "an archive as store root; did you forget to append |zip: to its name?"
                            }
                            false => "a store root that is not a directory",
                        },
                    ));
                }
                Ok(_) => return Ok(Missing::Absent),
                Err(error) if is_missing(&error) => {}
                Err(error) => return Err(self.io(key, "stat")(error)),
            }
            match at.parent() {
                Some(parent) if at != &*self.base => at = parent,
                _ => return Ok(Missing::Absent),
            }
        }
    }
}

/// The result of a second look at a file that was not found.
pub(super) enum Missing {
    Absent,
    Appeared,
}

impl LocalFile {
    /// The size of the object, in bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.opened.size
    }

    /// The version that every read of this file belongs to.
    #[must_use]
    pub fn version(&self) -> Version {
        Version::of_file(self.opened)
    }

    /// Fills a buffer from an offset, in bytes from the start of the object.
    ///
    /// # Errors
    ///
    /// [`Error::ShortBody`] if the object ends before the buffer is full.
    pub fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> Result<()> {
        let range = offset..offset.saturating_add(buffer.len() as u64);
        let available = self.opened.size.saturating_sub(offset);
        if available < buffer.len() as u64 {
            return Err(self.short(range, available));
        }
        match self.file.read_exact_at(buffer, offset) {
            Ok(()) => {
                self.count(offset, buffer.len());
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Err(self.short(range, 0)),
            Err(error) => Err(Error::io(self.place.clone(), "read", error)),
        }
    }

    /// Reads a range, clamped to the object.
    ///
    /// # Errors
    ///
    /// If reading fails or memory for the range cannot be allocated.
    pub fn read(&self, range: &ByteRange) -> Result<Bytes> {
        let range = range.resolve(self.size());
        let mut buffer = self.reserve(&range)?;
        let expected = length(&range);
        while (buffer.len() as u64) < expected {
            let offset = range.start.saturating_add(buffer.len() as u64);
            let read = || rustix::io::pread(&self.file, spare_capacity(&mut buffer), offset);
            match rustix::io::retry_on_intr(read) {
                Ok(0) => return Err(self.short(range, buffer.len() as u64)),
                Ok(_) => {}
                Err(error) => return Err(Error::io(self.place.clone(), "read", error.into())),
            }
        }
        buffer.truncate(usize::try_from(expected).unwrap_or(usize::MAX));
        if !buffer.is_empty() {
            self.count(range.start, buffer.len());
        }
        Ok(buffer.into())
    }

    fn short(&self, range: Range<u64>, got: u64) -> Error {
        let expected = length(&range);
        let place = self.place.clone();
        Error::ShortBody {
            place,
            range,
            got,
            expected,
        }
    }

    pub(super) fn count(&self, offset: u64, bytes: usize) {
        self.counters.get();
        self.counters.read(bytes);
        let (store, key) = (self.place.store(), self.place.key());
        tracing::trace!(store, key, offset, bytes, "positioned read");
    }

    /// Allocates memory for a range.
    pub(super) fn reserve(&self, range: &Range<u64>) -> Result<Vec<u8>> {
        let size = usize::try_from(length(range)).map_err(|_| self.out_of_memory())?;
        let mut buffer = Vec::new();
        buffer
            .try_reserve_exact(size)
            .map_err(|_| self.out_of_memory())?;
        Ok(buffer)
    }

    /// Checks that no program has written into the open file since it was opened. This crate never
    /// writes in place, but other programs may; writes within the file system's clock resolution go
    /// unnoticed.
    ///
    /// # Errors
    ///
    /// [`Error::Changed`] if the size or the modification time differs.
    pub fn check_unchanged(&self) -> Result<()> {
        let metadata = self
            .file
            .metadata()
            .map_err(|source| Error::io(self.place.clone(), "stat", source))?;
        let now = file_version(&metadata);
        // The change time differs as soon as the name is gone, and our own puts replace a file in
        // just this way.
        if (now.size, now.modified) == (self.opened.size, self.opened.modified) {
            Ok(())
        } else {
            Err(self.changed())
        }
    }

    /// Checks that this file is the version that the caller expects.
    pub(super) fn expect_version(&self, version: Option<&Version>) -> Result<()> {
        match version {
            Some(version) if version.contradicts(&self.version()) => Err(self.changed()),
            _ => Ok(()),
        }
    }

    pub(super) fn place(&self) -> &Place {
        &self.place
    }

    fn changed(&self) -> Error {
        Error::Changed {
            place: self.place.clone(),
        }
    }

    fn out_of_memory(&self) -> Error {
        Error::io(
            self.place.clone(),
            "read",
            io::ErrorKind::OutOfMemory.into(),
        )
    }
}

/// Whether a file or directory is missing, or a file stands where a directory is needed.
pub(super) fn is_missing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

/// Names the kind of a path that is not a regular file.
pub(super) fn kind(metadata: &Metadata) -> &'static str {
    let kind = metadata.file_type();
    if kind.is_dir() {
        "a directory"
    } else if kind.is_fifo() {
        "a pipe"
    } else if kind.is_socket() {
        "a socket"
    } else if kind.is_block_device() || kind.is_char_device() {
        "a device"
    } else {
        "a special file"
    }
}

pub(super) fn file_version(metadata: &Metadata) -> FileVersion {
    let nanoseconds = |seconds: i64, rest: i64| {
        let whole = i128::from(seconds).saturating_mul(1_000_000_000);
        whole.saturating_add(rest.into())
    };
    FileVersion {
        inode: metadata.ino(),
        modified: nanoseconds(metadata.mtime(), metadata.mtime_nsec()),
        changed: nanoseconds(metadata.ctime(), metadata.ctime_nsec()),
        size: metadata.len(),
    }
}
