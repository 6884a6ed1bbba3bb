//! Whether parts of two stores are, in whole or in part, one place.

use std::path::{Path, PathBuf};

use crate::Store;
use crate::key::{below, join};
use crate::store::Backend;

impl Store {
    /// Whether the objects below `prefix` are among those below `other_prefix` of another store, or
    /// the reverse. Follows symbolic links of local directories, and compares endpoints and buckets
    /// of clouds. Two wrapped [`ObjectStore`](object_store::ObjectStore)s are one place only if
    /// they are one `Arc`.
    ///
    /// ```
    /// use zarr_store::Store;
    ///
    /// let (a, b) = (Store::memory_named("n"), Store::open("memory://n/a")?);
    /// assert!(a.overlaps("a", &b, "") && a.overlaps("", &b, "x") && b.overlaps("", &a, "a/x"));
    /// assert!(!a.overlaps("ab", &b, "") && !a.overlaps("", &Store::memory(), ""));
    /// # Ok::<_, zarr_store::Error>(())
    /// ```
    #[must_use]
    pub fn overlaps(&self, prefix: &str, other: &Self, other_prefix: &str) -> bool {
        match (&self.inner.backend, &other.inner.backend) {
            (Backend::Local(ours), Backend::Local(theirs)) => {
                let ours = resolved(&ours.root().join(prefix));
                let theirs = resolved(&theirs.root().join(other_prefix));
                contains(&ours, &theirs) || contains(&theirs, &ours)
            }
            (Backend::Object(ours), Backend::Object(theirs)) => {
                let (ours, theirs) = match ours.is_one_place_with(theirs) {
                    true => (ours.key(prefix), theirs.key(other_prefix)),
                    false if self.is_web() && other.is_web() => (
                        join(self.location(), prefix),
                        join(other.location(), other_prefix),
                    ),
                    false => return false,
                };
                ours == theirs || below(&ours, &theirs).or(below(&theirs, &ours)).is_some()
            }
            _ => false,
        }
    }

    /// Whether the location is the URL of a web server.
    fn is_web(&self) -> bool {
        self.location().starts_with("http")
    }
}

/// Returns a path without symbolic links, as far as it exists.
fn resolved(path: &Path) -> PathBuf {
    let existing = path.ancestors().find_map(|above| {
        let rest = path.strip_prefix(above).ok()?;
        Some(above.canonicalize().ok()?.join(rest))
    });
    existing.unwrap_or_else(|| path.to_owned())
}

/// Whether a path is a directory or lies below it. Other names of one directory count: bind mounts,
/// and names that differ in case where the file system ignores case.
fn contains(directory: &Path, path: &Path) -> bool {
    let file = file_of(directory);
    path.starts_with(directory)
        || (file.is_some() && path.ancestors().any(|above| file_of(above) == file))
}

#[cfg(unix)]
fn file_of(path: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;

    let metadata = path.metadata().ok()?;
    Some((metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
fn file_of(_: &Path) -> Option<(u64, u64)> {
    None
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use std::sync::Arc;

    use object_store::ObjectStore;
    use object_store::memory::InMemory;

    use crate::Store;

    #[test]
    fn local_directories_are_one_place_under_all_their_names() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("data");
        std::fs::create_dir_all(root.join("g")).unwrap();
        let store = Store::local(&root).unwrap();
        let dotted = Store::local(root.join("g/..")).unwrap();
        let inner = store.with_prefix("g").unwrap();
        for (ours, theirs) in [(&store, &dotted), (&store, &inner), (&inner, &dotted)] {
            assert!(ours.overlaps("", theirs, "") && theirs.overlaps("", ours, ""));
        }
        assert!(inner.overlaps("new", &dotted, "g") && !inner.overlaps("new", &dotted, "h"));
        assert!(!store.overlaps("g", &store, "gg") && !inner.overlaps("a", &inner, "b"));
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(&root, folder.path().join("link")).unwrap();
            let linked = Store::local(folder.path().join("link/g")).unwrap();
            assert!(linked.overlaps("x", &store, "g") && !linked.overlaps("", &store, "h"));
        }
        assert!(!store.overlaps("", &Store::memory(), ""));
    }

    #[test]
    fn a_wrapped_store_is_one_place_in_all_wrappers() {
        let objects: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
        let open = || Store::new(objects.clone(), "objects");
        assert!(open().overlaps("a", &open(), "a/b") && !open().overlaps("a", &open(), "b"));
        let other = Store::new(Arc::new(InMemory::new()), "objects");
        assert!(!open().overlaps("a", &other, "a"));
    }

    #[cfg(feature = "s3")]
    #[test]
    fn a_bucket_opened_twice_is_one_place() {
        let open = |url: &str, endpoint: &str| {
            let options = [
                ("endpoint", endpoint),
                ("region", "us-east-1"),
                ("skip_signature", "true"),
            ];
            Store::open_with(url, options).unwrap()
        };
        let (here, there) = ("http://127.0.0.1:1", "http://127.0.0.1:2");
        let store = open("s3://bucket/data", here);
        assert!(store.overlaps("g", &open("s3://bucket/data/g", here), "x"));
        assert!(store.overlaps("g", &open("s3://bucket", here), ""));
        assert!(!store.overlaps("g", &open("s3://bucket/data/h", here), ""));
        assert!(!store.overlaps("g", &open("s3://other/data", here), "g"));
        assert!(!store.overlaps("g", &open("s3://bucket/data", there), "g"));
    }
}
