//! Paths of nodes in a hierarchy (core specification, "Node names" and "Path").

#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::indexing_slicing,
        clippy::panic
    )
)]

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result};

/// The path of a group or array, checked once. Names contain no `/` and no NUL, are not empty, do
/// not consist of dots only, and are not `zarr.json`. Names that start with `__` are reserved:
/// nodes with such names are found, because xarray writes them, but not created.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodePath(String);

/// The name of the metadata document of every node.
pub const METADATA_NAME: &str = "zarr.json";

impl NodePath {
    /// The root of a hierarchy.
    #[must_use]
    pub fn root() -> Self {
        Self::default()
    }

    /// Parses `a/b` or `/a/b`; an empty path or `/` is the root.
    ///
    /// # Errors
    /// [`Error::Path`] with the rule that a name breaks.
    pub fn parse(path: &str) -> Result<Self> {
        let relative = path.strip_prefix('/').unwrap_or(path);
        if !relative.is_empty() {
            for name in relative.split('/') {
                check_name(name).map_err(|rule| Error::Path {
                    path: path.to_owned(),
                    rule,
                })?;
            }
        }
        Ok(Self(relative.to_owned()))
    }

    /// Returns the path if none of its names is reserved: for nodes to be created, and for strict
    /// readers.
    ///
    /// # Errors
    /// [`Error::Path`] for a name that begins with `__`.
    pub fn unreserved(self) -> Result<Self> {
        if !self.0.split('/').any(|name| name.starts_with("__")) {
            return Ok(self);
        }
        Err(Error::Path {
            path: self.0,
            rule: "names starting with \"__\" are reserved",
        })
    }

    /// Returns the child node with this name.
    ///
    /// # Errors
    /// [`Error::Path`] with the rule that the name breaks.
    pub fn child(&self, name: &str) -> Result<Self> {
        if name.contains('/') {
            return Err(Error::Path {
                path: name.to_owned(),
                rule: "a name cannot contain '/'",
            });
        }
        check_name(name).map_err(|rule| Error::Path {
            path: name.to_owned(),
            rule,
        })?;
        Ok(Self(format!("{}{name}", self.prefix())))
    }

    /// Returns the node at `path` relative to this node.
    ///
    /// # Errors
    /// [`Error::Path`] with the rule that a name breaks.
    pub fn join(&self, path: &str) -> Result<Self> {
        let path = Self::parse(path)?;
        Ok(if path.is_root() {
            self.clone()
        } else {
            Self(format!("{}{}", self.prefix(), path.0))
        })
    }

    /// The parent group; `None` for the root.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        if self.is_root() {
            return None;
        }
        Some(Self(
            self.0
                .rsplit_once('/')
                .map_or(String::new(), |(parent, _)| parent.to_owned()),
        ))
    }

    /// The last name of the path; empty for the root.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or_default()
    }

    /// Whether this is the root.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The path without a leading slash.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The prefix of all keys of the node: empty for the root, else the path and a slash.
    #[must_use]
    pub fn prefix(&self) -> String {
        if self.is_root() {
            String::new()
        } else {
            [&*self.0, "/"].concat()
        }
    }

    /// The key of the node's metadata document.
    #[must_use]
    pub fn metadata_key(&self) -> String {
        self.prefix() + METADATA_NAME
    }
}

/// Whether a name is a valid node name; listings skip other names.
#[must_use]
pub fn is_node_name(name: &str) -> bool {
    check_name(name).is_ok()
}

fn check_name(name: &str) -> std::result::Result<(), &'static str> {
    if name.is_empty() {
        Err("a name cannot be empty")
    } else if name.bytes().all(|byte| byte == b'.') {
        Err("a name cannot consist of dots only")
    } else if name == METADATA_NAME {
        Err("\"zarr.json\" is the name of metadata documents")
    } else if name.contains('\0') {
        Err("a name cannot contain NUL")
    } else {
        Ok(())
    }
}

impl FromStr for NodePath {
    type Err = Error;

    fn from_str(path: &str) -> Result<Self> {
        Self::parse(path)
    }
}

impl fmt::Display for NodePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn paths_with_and_without_slash_are_the_same() {
        let path = NodePath::parse("/a/b").unwrap();
        assert_eq!(path, NodePath::parse("a/b").unwrap());
        assert_eq!((path.name(), path.prefix().as_str()), ("b", "a/b/"));
        assert_eq!(path.metadata_key(), "a/b/zarr.json");
        assert_eq!(path.parent().unwrap().parent().unwrap(), NodePath::root());
        assert_eq!(NodePath::root().metadata_key(), "zarr.json");
        assert_eq!(path.to_string(), "/a/b");
    }

    #[test]
    fn reserved_names_are_paths_of_no_new_node() {
        for path in ["__a", "a/__b", "__a/b", "__"] {
            let path = NodePath::parse(path).unwrap();
            path.unreserved().unwrap_err();
        }
        for path in ["", "_a", "a__", "a/_b"] {
            let path = NodePath::parse(path).unwrap();
            assert_eq!(path.clone().unreserved().unwrap(), path);
        }
    }

    #[test]
    fn forbidden_names_are_refused() {
        for path in ["a//b", "a/", "..", "a/../b", ".", "...", "zarr.json", "//"] {
            assert!(NodePath::parse(path).is_err(), "{path}");
        }
        for path in [
            "c",
            "0",
            "a.b",
            "..c",
            "d..",
            "a b",
            "é",
            "a\\b",
            "%2e",
            "a~b[0]",
            ".zarr.json",
        ] {
            assert!(NodePath::parse(path).is_ok(), "{path}");
        }
    }
}
