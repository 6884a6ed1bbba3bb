//! Listings: a walk in the order of keys, which looks at a file only for its size, where that is asked for.

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
    /// A walk over all objects below a checked prefix.
    pub(super) fn walk(&self, prefix: &str) -> Walk {
        Walk {
            store: self.clone(),
            start: Some(prefix.to_owned()),
            levels: Vec::new(),
        }
    }

    /// The names in one directory.
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

/// A walk that stands still between two batches.
pub(super) struct Walk {
    store: LocalStore,
    /// The prefix, until the walk begins.
    start: Option<String>,
    levels: Vec<Level>,
}

/// One directory on the way down.
struct Level {
    directory: PathBuf,
    prefix: String,
    /// Device and inode, by which a link to a directory further up is found out.
    identity: (u64, u64),
    left: vec::IntoIter<Child>,
}

/// An object or a directory.
struct Child {
    name: String,
    is_dir: bool,
}

impl Walk {
    /// The next objects, at most `count`; none at the end.
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

    /// The keys of the next objects, at most `count`, without a look at the files; none at the end.
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
            let error = io::Error::other("a symbolic link leads back up");
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

/// The objects and directories in a directory, in the order of the keys below it; a missing directory has none.
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
    // A directory sorts by its name and a slash, as the keys below it do: `a-b` stands before `a/c`.
    children.sort_unstable_by(|a, b| sort_key(a).cmp(sort_key(b)));
    Ok(children)
}

fn sort_key(child: &Child) -> impl Iterator<Item = u8> {
    child.name.bytes().chain(child.is_dir.then_some(b'/'))
}

/// An entry that keys can name; pipes, dangling and circular links, lock files and names that are not keys are none.
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
