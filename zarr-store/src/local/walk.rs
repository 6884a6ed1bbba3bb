//! Listings: a walk in key order, which examines a file only if its size is requested.

use std::ffi::OsStr;
use std::fs::{self, DirEntry, FileType};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::vec;

use super::file::is_missing;
use super::{LocalStore, is_lock_name};
use crate::error::Result;
use crate::{Entry, Listing, key};

impl LocalStore {
    /// Returns a walk over all objects below a checked prefix.
    pub(super) fn walk(&self, prefix: &str) -> Walk {
        Walk {
            store: self.clone(),
            start: Some(prefix.to_owned()),
            levels: Vec::new(),
        }
    }

    /// Lists the names in one directory.
    pub(super) fn list_dir(&self, prefix: &str) -> Result<Listing> {
        let mut listing = Listing::default();
        let children = children(&self.root.join(prefix)).map_err(self.io(prefix, "list"))?;
        for child in children {
            if child.is_dir {
                listing.prefixes.push(child.name);
            } else {
                listing.keys.push(child.name);
            }
        }
        listing.prefixes.sort_unstable();
        Ok(listing)
    }
}

/// A walk that pauses between batches.
pub(super) struct Walk {
    store: LocalStore,
    /// The prefix, until the walk begins.
    start: Option<String>,
    levels: Vec<Level>,
}

/// One directory on the path from the start of the walk.
struct Level {
    directory: PathBuf,
    prefix: String,
    /// Device and inode, to detect a link to a directory further up.
    identity: (u64, u64),
    left: vec::IntoIter<Child>,
}

/// An object or a directory.
struct Child {
    name: String,
    is_dir: bool,
}

impl Walk {
    /// Returns the next objects, at most `count`; empty at the end.
    pub(super) fn next_batch(&mut self, count: usize) -> Result<Vec<Entry>> {
        let mut batch = Vec::new();
        while batch.len() < count
            && let Some(key) = self.next_key()?
        {
            match fs::metadata(self.store.root.join(&key)) {
                Ok(metadata) if metadata.is_file() => batch.push(Entry {
                    key,
                    size: metadata.len(),
                }),
                // Replaced or deleted since its directory was read.
                Ok(_) => {}
                Err(error) if is_missing(&error) => {}
                Err(error) => return Err(self.store.io(&key, "list")(error)),
            }
        }
        Ok(batch)
    }

    /// Returns the keys of the next objects, at most `count`, without examining files; empty at the
    /// end.
    pub(super) fn next_keys(&mut self, count: usize) -> Result<Vec<String>> {
        let mut batch = Vec::new();
        while batch.len() < count
            && let Some(key) = self.next_key()?
        {
            batch.push(key);
        }
        Ok(batch)
    }

    fn next_key(&mut self) -> Result<Option<String>> {
        if let Some(prefix) = self.start.take() {
            let directory = self.store.root.join(&prefix);
            self.enter(directory, prefix)?;
        }
        while let Some(level) = self.levels.last_mut() {
            let Some(child) = level.left.next() else {
                self.levels.pop();
                continue;
            };
            let key = key::join(&level.prefix, &child.name).into_owned();
            if !child.is_dir {
                return Ok(Some(key));
            }
            let path = level.directory.join(&child.name);
            self.enter(path, key)?;
        }
        Ok(None)
    }

    fn enter(&mut self, directory: PathBuf, prefix: String) -> Result<()> {
        let metadata = match fs::metadata(&directory) {
            Ok(metadata) if metadata.is_dir() => metadata,
            Ok(_) => return Ok(()),
            Err(error) if is_missing(&error) => return Ok(()),
            Err(error) => return Err(self.store.io(&prefix, "list")(error)),
        };
        let identity = (metadata.dev(), metadata.ino());
        if self.levels.iter().any(|level| level.identity == identity) {
            let error = io::Error::other("a symbolic link points to one of its parent directories");
            return Err(self.store.io(&prefix, "list")(error));
        }
        let children = children(&directory).map_err(self.store.io(&prefix, "list"))?;
        self.levels.push(Level {
            directory,
            prefix,
            identity,
            left: children.into_iter(),
        });
        Ok(())
    }
}

/// Returns the objects and directories in a directory, sorted by the keys below them; a missing
/// directory is empty.
fn children(directory: &Path) -> io::Result<Vec<Child>> {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if is_missing(&error) => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut children = Vec::new();
    for entry in entries {
        children.extend(child(&entry?)?);
    }
    // A directory sorts by its name plus a slash, as the keys below it do: `a-b` comes before
    // `a/c`.
    children.sort_unstable_by(|a, b| sort_key(a).cmp(sort_key(b)));
    Ok(children)
}

fn sort_key(child: &Child) -> impl Iterator<Item = u8> {
    child.name.bytes().chain(child.is_dir.then_some(b'/'))
}

/// Returns an entry that keys can name; `None` for pipes, dangling and circular links, lock files,
/// and names that are not legal segments.
fn child(entry: &DirEntry) -> io::Result<Option<Child>> {
    let name = entry.file_name();
    let Some(name) = OsStr::to_str(&name).filter(|name| key::is_segment(name)) else {
        return Ok(None);
    };
    let Some(kind) = followed(entry)? else {
        return Ok(None);
    };
    let is_dir = kind.is_dir();
    let is_object = kind.is_file() && !is_lock_name(name);
    Ok((is_dir || is_object).then(|| Child {
        name: name.to_owned(),
        is_dir,
    }))
}

fn followed(entry: &DirEntry) -> io::Result<Option<FileType>> {
    let kind = entry.file_type()?;
    if !kind.is_symlink() {
        return Ok(Some(kind));
    }
    match fs::metadata(entry.path()) {
        Ok(metadata) => Ok(Some(metadata.file_type())),
        Err(error) if is_missing(&error) || error.raw_os_error() == Some(libc::ELOOP) => Ok(None),
        Err(error) => Err(error),
    }
}
