//! Sources: the texts that users give for a store or a node, and the hierarchies they lead to.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use zarr::blocking::{Hierarchy, Node};
use zarr::{NodeMetadata, NodePath, Store};

use crate::failure::{Failure, Result};

/// A node given on the command line: a hierarchy and a path in it.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    /// The text as given.
    pub(crate) given: String,
    pub(crate) hierarchy: Hierarchy,
    /// The path of the node in the hierarchy; empty for the root.
    pub(crate) path: String,
}

impl Source {
    /// Opens the store at `given`, with the node as root. Reads nothing.
    pub(crate) fn open(given: &str, options: &[(String, String)]) -> Result<Self> {
        let store = store(given, options)?;
        Ok(Self {
            given: given.to_owned(),
            hierarchy: Hierarchy::new(store, zarr::registry()),
            path: String::new(),
        })
    }

    /// Opens the hierarchy that the node at `given` belongs to or will belong to: looks for groups
    /// in the directories above, so that changes of the node update the consolidated metadata of
    /// these groups. Directories that are no groups may lie between a new node and its hierarchy.
    pub(crate) fn open_in_hierarchy(given: &str, options: &[(String, String)]) -> Result<Self> {
        let mut found = Self::open(given, options)?;
        let (mut url, mut path) = (given.trim_end_matches('/').to_owned(), String::new());
        while let Some((above, name)) = parent(&url) {
            path = join(&name, &path);
            let Ok(outer) = Self::open(&above, options) else {
                break;
            };
            let group = outer.hierarchy.group_without_consolidated("");
            if matches!(&group, Err(error) if error.kind() == zarr::ErrorKind::NodeType) {
                let message = format!("{above} is an array, and no node can lie in it: {given}");
                return Err(Failure::new(message).hint("choose a place outside of the array"));
            }
            if group.is_ok() {
                found = Self {
                    given: given.to_owned(),
                    hierarchy: outer.hierarchy,
                    path: path.clone(),
                };
            } else if !found.path.is_empty() {
                break;
            }
            url = above;
        }
        Ok(found)
    }

    /// Fails if the source is a local path that does not exist.
    pub(crate) fn expect_place(&self) -> Result<()> {
        match self.hierarchy.store().as_local() {
            Some(local) if !local.root().exists() => {
                Err(Failure::new(format!("{} does not exist", self.given)))
            }
            _ => Ok(()),
        }
    }

    /// Opens the node.
    pub(crate) fn node(&self) -> Result<Node> {
        Ok(self.hierarchy.node(&self.path)?)
    }

    /// Opens the node, which must be an array.
    pub(crate) fn array(&self) -> Result<zarr::blocking::Array> {
        Ok(self.hierarchy.array(&self.path)?)
    }

    /// Returns the topmost node, on the path of this one, that does not exist.
    pub(crate) fn first_missing(&self) -> Result<Option<String>> {
        let mut path = String::new();
        for name in self.path.split('/') {
            path = join(&path, name);
            if !self.hierarchy.exists(&path)? {
                return Ok(Some(path));
            }
        }
        Ok(None)
    }

    /// Returns the text that names the source in results: a path as given, or a URL without secrets.
    pub(crate) fn location(&self) -> &str {
        match Store::is_path(&self.given) {
            true => &self.given,
            false => self.hierarchy.store().location(),
        }
    }
}

/// The documents of a node and below it, by their paths below the node.
pub(crate) type Documents = BTreeMap<NodePath, zarr::Result<NodeMetadata>>;

/// Reads the documents of a node and of all nodes below it.
pub(crate) fn documents(node: &Node) -> Result<Documents> {
    Ok(match node {
        Node::Array(array) => [(NodePath::root(), Ok(array.metadata().clone().into()))].into(),
        Node::Group(group) => {
            let prefix = group.path().prefix();
            let below = group.documents()?.into_iter();
            let below = below.filter_map(|(path, document)| {
                let path = path.as_str().strip_prefix(&prefix)?;
                Some((NodePath::parse(path).ok()?, document))
            });
            let own = (NodePath::root(), Ok(group.metadata().clone().into()));
            below.chain([own]).collect()
        }
    })
}

/// Returns whether one of two places lies in the other.
pub(crate) fn overlap(one: &str, other: &str) -> bool {
    let (one, other) = (place(one), place(other));
    one.starts_with(&other) || other.starts_with(&one)
}

/// Returns a place in one spelling, ending with a slash: of paths, without links.
fn place(given: &str) -> String {
    let trimmed = given.trim_end_matches('/');
    let absolute = std::path::absolute(trimmed).ok();
    let Some(absolute) = absolute.filter(|_| Store::is_path(given)) else {
        return format!("{trimmed}/");
    };
    let found = absolute.ancestors().find_map(|above| {
        let rest = absolute.strip_prefix(above).ok()?;
        let above = above.canonicalize().ok()?;
        Some(
            above
                .components()
                .chain(rest.components())
                .collect::<std::path::PathBuf>(),
        )
    });
    format!("{}/", found.unwrap_or(absolute).display())
}

/// Joins two parts of a node path.
pub(crate) fn join(above: &str, below: &str) -> String {
    match (above.is_empty(), below.is_empty()) {
        (true, _) => below.to_owned(),
        (_, true) => above.to_owned(),
        _ => format!("{above}/{below}"),
    }
}

fn store(given: &str, options: &[(String, String)]) -> Result<Store> {
    if given.is_empty() {
        return Err(Failure::new("an empty text is no source").hint("give a path or a URL"));
    }
    if Store::is_path(given) && archive(given).is_none() && Path::new(given).is_file() {
        return Err(Failure::new(format!("{given} is a file, and no hierarchy"))
            .hint("give the directory of the node; a zip archive is FILE.zip"));
    }
    let url = archive(given).unwrap_or_else(|| given.to_owned());
    let options = options
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()));
    let Some((bucket, path)) = bucket(&url) else {
        return Ok(Store::open_with(&url, options)?);
    };
    // One client for all places in a bucket: connections are shared, and the service itself copies.
    let options = options.collect::<Vec<_>>();
    let owned = options
        .iter()
        .map(|&(name, value)| (name.to_owned(), value.to_owned()));
    let key = (bucket.to_owned(), owned.collect::<Vec<_>>());
    let mut opened = OPENED.lock().unwrap_or_else(PoisonError::into_inner);
    let store = match opened.get(&key) {
        Some(store) => store.clone(),
        None => Store::open_with(bucket, options)?,
    };
    opened.insert(key, store.clone());
    Ok(store.with_prefix(path)?)
}

/// The stores of buckets, by URL and options.
static OPENED: Mutex<Opened> = Mutex::new(BTreeMap::new());

type Opened = BTreeMap<(String, Vec<(String, String)>), Store>;

/// Splits the URL of a place in a bucket of a cloud.
pub(crate) fn bucket(url: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = url.split_once("://")?;
    let is_cloud = ["s3", "gs", "az"].contains(&scheme);
    let plain = is_cloud && !rest.contains(['?', '#', '|', '%']);
    let (name, path) = rest.split_once('/').filter(|_| plain)?;
    let end = scheme.len() + 3 + name.len();
    Some((&url[..end], path.trim_end_matches('/')))
}

/// Returns the URL of a zip archive for a text such as `data.zip/group`. A local directory may have
/// such a name; on other stores, a `/` behind the name marks a directory.
fn archive(given: &str) -> Option<String> {
    if given.contains('|') {
        return None;
    }
    let mut names = given
        .match_indices(".zip")
        .map(|(at, name)| at + name.len());
    names.find_map(|at| {
        let (file, rest) = given.split_at(at);
        let is_name = rest.is_empty() || rest.starts_with('/') && rest.len() > 1;
        let is_archive = if Store::is_path(given) {
            Path::new(file).is_file()
        } else {
            is_name
        };
        is_archive.then(|| format!("{file}|zip:{}", rest.trim_matches('/')))
    })
}

/// Splits off the last part of a path or URL; `None` at the root of a bucket, of an archive, of a
/// web server and of the file system.
fn parent(url: &str) -> Option<(String, String)> {
    if let Some((file, path)) = url.rsplit_once("|zip:") {
        let (above, name) = path.rsplit_once('/').unwrap_or(("", path));
        return (!name.is_empty()).then(|| (format!("{file}|zip:{above}"), name.to_owned()));
    }
    if Store::is_path(url) {
        let absolute = std::path::absolute(url).ok()?;
        let name = absolute.file_name()?.to_str()?.to_owned();
        return Some((absolute.parent()?.to_str()?.to_owned(), name));
    }
    let (scheme, rest) = url.split_once("://")?;
    if rest.contains(['?', '#']) {
        return None;
    }
    let (above, name) = rest.rsplit_once('/')?;
    (!name.is_empty() && !above.is_empty())
        .then(|| (format!("{scheme}://{above}"), name.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parents_end_at_the_root_of_a_bucket_and_of_an_archive() {
        let found = parent("s3://bucket/a/b").expect("a parent");
        assert_eq!(found, ("s3://bucket/a".to_owned(), "b".to_owned()));
        assert_eq!(
            parent("s3://bucket/a").map(|found| found.0).as_deref(),
            Some("s3://bucket")
        );
        assert_eq!(parent("s3://bucket"), None);
        let found = parent("s3://bucket/x.zip|zip:a/b").expect("a parent");
        assert_eq!(
            found,
            ("s3://bucket/x.zip|zip:a".to_owned(), "b".to_owned())
        );
        assert_eq!(parent("s3://bucket/x.zip|zip:"), None);
    }

    #[test]
    fn archives_are_recognized_by_name_on_remote_stores() {
        let found = archive("s3://bucket/x.zip/a/b");
        assert_eq!(found.as_deref(), Some("s3://bucket/x.zip|zip:a/b"));
        assert_eq!(archive("s3://bucket/x.zip/"), None);
        assert_eq!(archive("s3://bucket/x.zarr"), None);
        assert_eq!(archive("no-such-file.zip"), None);
    }
}
