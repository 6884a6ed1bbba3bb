//! The nodes of a hierarchy that a command takes, by patterns of their paths.

use glob::{MatchOptions, Pattern};
use zarr::NodePath;
use zarr::blocking::Node;

use crate::failure::{Failure, Result};

/// The keys to copy.
#[derive(Clone)]
pub(crate) struct Wanted {
    /// The paths of the wanted nodes and of the groups above them.
    nodes: Vec<(NodePath, Kind)>,
    pub(crate) everything: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Array,
    Group,
}

impl Wanted {
    /// Returns whether an object, by its key relative to the source, is taken.
    pub(crate) fn contains(&self, key: &str) -> bool {
        self.everything
            || self.nodes.iter().any(|(path, kind)| {
                let below = key.strip_prefix(&path.prefix());
                below.is_some_and(|below| *kind == Kind::Array || !below.contains('/'))
            })
    }
}

/// The filters of paths.
pub(crate) struct Filter {
    include: Vec<Pattern>,
    exclude: Vec<Pattern>,
}

impl Filter {
    pub(crate) fn new(include: &[String], exclude: &[String]) -> Result<Self> {
        let patterns = |texts: &[String]| {
            let patterns = texts.iter().map(|text| {
                let wrong = |error| {
                    Failure::new(format!("{text:?}: {error}"))
                        .hint("write paths as in 'run*/raw' or '**/raw'")
                };
                Pattern::new(text.trim_matches('/')).map_err(wrong)
            });
            patterns.collect::<Result<Vec<_>>>()
        };
        Ok(Self {
            include: patterns(include)?,
            exclude: patterns(exclude)?,
        })
    }

    /// A pattern that matches a group matches everything below it.
    fn matches(patterns: &[Pattern], path: &NodePath) -> bool {
        let options = MatchOptions {
            require_literal_separator: true,
            ..MatchOptions::new()
        };
        let mut above = Some(path.clone());
        while let Some(path) = above {
            if patterns
                .iter()
                .any(|pattern| pattern.matches_with(path.as_str(), options))
            {
                return true;
            }
            above = path.parent();
        }
        false
    }

    fn takes(&self, path: &NodePath) -> bool {
        let is_included = self.include.is_empty() || Self::matches(&self.include, path);
        is_included && !Self::matches(&self.exclude, path)
    }

    /// Returns the taken nodes of a source.
    pub(crate) fn nodes(&self, node: &Node) -> Result<Wanted> {
        let everything = self.include.is_empty() && self.exclude.is_empty();
        let Node::Group(group) = node else {
            return Ok(Wanted {
                nodes: vec![(NodePath::root(), Kind::Array)],
                everything: true,
            });
        };
        if everything {
            return Ok(Wanted {
                nodes: Vec::new(),
                everything,
            });
        }
        let found = group.walk()?;
        let taken = found.into_iter().filter(|(path, _)| self.takes(path));
        let mut nodes = vec![(NodePath::root(), Kind::Group)];
        for (path, kind) in taken {
            let mut above = path.parent();
            while let Some(group) = above {
                nodes.push((group.clone(), Kind::Group));
                above = group.parent();
            }
            nodes.push((
                path,
                if kind == zarr::NodeKind::Array {
                    Kind::Array
                } else {
                    Kind::Group
                },
            ));
        }
        nodes.sort_by(|a, b| a.0.cmp(&b.0));
        nodes.dedup_by(|a, b| a.0 == b.0);
        if nodes.len() == 1 {
            return Err(
                Failure::new("no node is left to copy").hint("print the paths with `zarrctl tree`")
            );
        }
        Ok(Wanted { nodes, everything })
    }
}
