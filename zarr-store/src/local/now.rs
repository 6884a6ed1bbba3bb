//! Reads that never wait: a path must be in the kernel's cache (`openat2` with `RESOLVE_CACHED`),
//! and bytes in the page cache (`preadv2` with `RWF_NOWAIT`). Linux has both calls; on other
//! systems, older kernels and file systems that do not report their caches, no result is ever at
//! hand.

use super::{LocalFile, LocalStore};
use crate::Body;
use crate::byte_range::{ByteRange, length};
use crate::error::Result;

impl LocalStore {
    /// Opens the object at a key like [`open`](Self::open), without waiting. The outer `None` means
    /// that the path is not cached, the inner `None` that the object does not exist.
    ///
    /// # Errors
    ///
    /// See [`open`](Self::open).
    pub fn open_now(&self, key: &str) -> Result<Option<Option<LocalFile>>> {
        let path = self.path(key)?;
        match system::open(&path) {
            Ok(Some(file)) => {
                let metadata = file.metadata().map_err(self.io(key, "stat"))?;
                self.opened(key, file, &metadata).map(Some)
            }
            Ok(None) => Ok(None),
            // Rare enough to repeat with a full `open`, which names the missing part.
            Err(_) => self.open(key).map(Some),
        }
    }

    /// Reads an object without waiting.
    pub(crate) fn get_now(
        &self,
        key: &str,
        range: &ByteRange,
        most: u64,
    ) -> Result<Option<Option<Body>>> {
        let file = match self.open_now(key)? {
            Some(Some(file)) => file,
            Some(None) => return Ok(Some(None)),
            None => return Ok(None),
        };
        let Some(bytes) = file.read_now(range, most)? else {
            return Ok(None);
        };
        file.check_unchanged()?;
        Ok(Some(Some(Body {
            bytes,
            range: range.resolve(file.size()),
            object_size: file.size(),
            version: file.version(),
        })))
    }
}

impl LocalFile {
    /// Reads a range like [`read`](Self::read), without waiting: `None` if some bytes are not in
    /// memory, or if the range exceeds `most` bytes.
    ///
    /// # Errors
    ///
    /// See [`read`](Self::read).
    pub fn read_now(&self, range: &ByteRange, most: u64) -> Result<Option<bytes::Bytes>> {
        let range = range.resolve(self.size());
        if length(&range) > most {
            return Ok(None);
        }
        let mut buffer = self.reserve(&range)?;
        buffer.resize(usize::try_from(length(&range)).unwrap_or(0), 0);
        if !buffer.is_empty() {
            // A partial read is repeated by callers that may wait and report errors.
            if !system::read(&self.file, &mut buffer, range.start) {
                return Ok(None);
            }
            self.count(range.start, buffer.len());
        }
        Ok(Some(buffer.into()))
    }
}

#[cfg(target_os = "linux")]
mod system {
    use std::fs::File;
    use std::io::{self, IoSliceMut};
    use std::path::Path;

    use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat2};
    use rustix::io::{Errno, ReadWriteFlags, preadv2};

    /// Opens a file; `None` if its path is not in memory.
    pub(super) fn open(path: &Path) -> io::Result<Option<File>> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
        match openat2(CWD, path, flags, Mode::empty(), ResolveFlags::CACHED) {
            Ok(file) => Ok(Some(file.into())),
            // Not in memory, or a kernel or sandbox without the call.
            Err(Errno::AGAIN | Errno::INVAL | Errno::NOSYS | Errno::PERM) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether the buffer was filled at once.
    pub(super) fn read(file: &File, buffer: &mut [u8], offset: u64) -> bool {
        let len = buffer.len();
        let buffers = &mut [IoSliceMut::new(buffer)];
        matches!(preadv2(file, buffers, offset, ReadWriteFlags::NOWAIT), Ok(read) if read == len)
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use std::fs::File;
    use std::io;
    use std::path::Path;

    pub(super) fn open(_: &Path) -> io::Result<Option<File>> {
        Ok(None)
    }

    pub(super) fn read(_: &File, _: &mut [u8], _: u64) -> bool {
        false
    }
}
