//! `zarrctl copy`: copies the encoded objects of nodes from store to store.

use std::collections::BTreeMap;

use clap::{Args, ValueEnum};
use glob::{MatchOptions, Pattern};
use serde_json::json;
use serde_json::value::RawValue;
use zarr::blocking::Node;
use zarr::{ErrorKind, NodeMetadata, NodePath, Skip, Transfer, Transferred};

use super::manifest::arrays;
use crate::context::Context;
use crate::failure::{Failure, Outcome, Result};
use crate::source::{self, Source};
use crate::text;

/// Copy a node and everything below it to another store, as it is stored
#[derive(Debug, Args)]
#[command(after_help = "\
Documents are copied last: until then, readers find no node. After an interruption,
run it again: what is there is skipped. Other chunks or codecs: `zarrctl rechunk`.

Examples:
  zarrctl copy data.zarr s3://bucket/data.zarr --option endpoint=http://localhost:9000
  zarrctl copy s3://a/x.zarr s3://b/x.zarr --verify bytes
  zarrctl copy data.zarr part.zarr --include 'run1/**' --exclude '**/raw'")]
pub(crate) struct Copy {
    /// The array or group
    from: String,
    /// The place of the copy
    to: String,
    /// Copy only the arrays and groups with these paths; repeatable
    #[arg(long, value_name = "GLOB")]
    include: Vec<String>,
    /// Leave out the arrays and groups with these paths; repeatable
    #[arg(long, value_name = "GLOB")]
    exclude: Vec<String>,
    /// Skip objects that the target has
    #[arg(long, value_name = "HOW", default_value = "bytes")]
    skip: Same,
    /// Check the copy
    #[arg(long, value_name = "HOW", default_value = "sizes")]
    verify: Check,
    /// Copy over nodes of another kind or layout
    #[arg(long)]
    overwrite: bool,
    /// Print what would be copied
    #[arg(long)]
    dry_run: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Same {
    /// Copy every object
    Never,
    /// Skip chunks of equal size without reading them; documents are compared
    Size,
    /// Skip objects of equal bytes; reads objects of equal size from both
    Bytes,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Check {
    /// Trust the store
    None,
    /// List the copy and compare sizes
    Sizes,
    /// Read each copied object back and compare it
    Bytes,
    /// Decode both and compare the values
    Values,
}

pub(crate) fn run(context: &Context, args: &Copy) -> Result<Outcome> {
    let (from, to) = context.open_two(&args.from, &args.to)?;
    let node = from.node()?;
    if to.hierarchy.store().is_read_only() {
        return Err(Failure::new(format!("{} cannot be written", args.to))
            .hint("copy to a directory or a bucket"));
    }
    let filter = Filter::new(&args.include, &args.exclude)?;
    let wanted = filter.nodes(&node)?;
    if !args.overwrite {
        check_target(&node, &to, &wanted)?;
    }
    let (objects, bytes) = counted(&from, &wanted)?;
    if args.dry_run {
        let printed = json!({"objects": objects, "nbytes": bytes, "dry_run": true});
        context.print(&printed, || {
            format!(
                "would copy {} ({})\n",
                text::plural(objects, "object"),
                text::size(bytes)
            )
        })?;
        return Ok(Outcome::Well);
    }
    let progress = context.progress("copying", Some(objects));
    let keys = wanted.clone();
    let options = Transfer {
        skip: match args.skip {
            Same::Never => Skip::Never,
            Same::Size => Skip::SameSize,
            Same::Bytes => Skip::SameBytes,
        },
        verify_bytes: args.verify == Check::Bytes,
        wanted: Some(Box::new(move |key| keys.contains(key))),
    };
    let done = from
        .hierarchy
        .transfer("", &to.hierarchy, "", options, |_| progress.add(1))?;
    drop(progress);
    if !wanted.everything {
        consolidated_again(&to)?;
    }
    let mut wrong = done.wrong.clone();
    match args.verify {
        Check::Sizes => wrong.extend(sizes(&from, &to, &wanted)?),
        Check::Values => wrong.extend(values(&from, &to, &node, &wanted)?),
        Check::None | Check::Bytes => {}
    }
    print(context, &done, &wrong)?;
    Ok(if wrong.is_empty() {
        Outcome::Well
    } else {
        Outcome::Findings
    })
}

/// Refuses to copy over nodes of another kind, format or layout: the copy would destroy them, or mix
/// their chunks with its own.
fn check_target(node: &Node, to: &Source, wanted: &Wanted) -> Result<()> {
    let target = match to.hierarchy.node("") {
        Ok(target) => documents(&target)?,
        Err(error) if error.kind() == ErrorKind::NodeNotFound => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    let other = documents(node)?.into_iter().find(|(path, ours)| {
        let theirs = target.get(path);
        wanted.contains(&path.metadata_key()) && theirs.is_some_and(|it| !is_alike(ours, it))
    });
    match other {
        None => Ok(()),
        Some((path, _)) => {
            let place = source::join(&to.given, path.as_str());
            Err(Failure::new(format!("{place} is another node already"))
                .hint("choose another place, or copy over it with --overwrite"))
        }
    }
}

fn documents(node: &Node) -> Result<BTreeMap<NodePath, NodeMetadata>> {
    Ok(match node {
        Node::Array(array) => [(NodePath::root(), array.metadata().clone().into())].into(),
        Node::Group(group) => {
            let below = group.documents()?.into_iter();
            let below = below.filter_map(|(path, document)| Some((path, document.ok()?)));
            let own = (NodePath::root(), group.metadata().clone().into());
            below.chain([own]).collect()
        }
    })
}

/// Whether two nodes store their chunks alike, so that one may be a copy of the other.
fn is_alike(one: &NodeMetadata, other: &NodeMetadata) -> bool {
    const LAYOUT: [&str; 5] = [
        "data_type",
        "chunk_grid",
        "chunk_key_encoding",
        "fill_value",
        "codecs",
    ];
    let (ours, theirs) = (one.members(), other.members());
    let text_of = |value: Option<&RawValue>| value.map(|value| value.get().to_owned());
    one.zarr_2().is_some() == other.zarr_2().is_some()
        && match (one, other) {
            (NodeMetadata::Group(_), NodeMetadata::Group(_)) => true,
            (NodeMetadata::Array(_), NodeMetadata::Array(_)) => {
                let is_equal = |name: &&str| text_of(ours.get(name)) == text_of(theirs.get(name));
                LAYOUT.iter().all(is_equal)
            }
            _ => false,
        }
}

/// Consolidates the copy of a part of a hierarchy again if the original was: the copied metadata
/// lists nodes that were left out.
fn consolidated_again(to: &Source) -> Result<()> {
    let Node::Group(mut group) = to.node()? else {
        return Ok(());
    };
    if group.metadata().consolidated().is_some() {
        group.consolidate()?;
    }
    Ok(())
}

fn print(context: &Context, done: &Transferred, wrong: &[String]) -> Result<()> {
    let printed = json!({
        "copied": done.copied, "copied_nbytes": done.copied_bytes,
        "skipped": done.skipped, "skipped_nbytes": done.skipped_bytes, "wrong": wrong,
    });
    context.print(&printed, || {
        let mut lines = wrong
            .iter()
            .map(|key| format!("the copy differs: {key}\n"))
            .collect::<String>();
        lines += &format!(
            "copied {} ({}), skipped {} ({})\n",
            text::plural(done.copied, "object"),
            text::size(done.copied_bytes),
            text::count(done.skipped),
            text::size(done.skipped_bytes)
        );
        lines
    })
}

/// The keys to copy.
#[derive(Clone)]
struct Wanted {
    /// The paths of the wanted nodes and of the groups above them.
    nodes: Vec<(NodePath, Kind)>,
    everything: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Array,
    Group,
}

impl Wanted {
    fn contains(&self, key: &str) -> bool {
        self.everything
            || self.nodes.iter().any(|(path, kind)| {
                let below = key.strip_prefix(&path.prefix());
                below.is_some_and(|below| *kind == Kind::Array || !below.contains('/'))
            })
    }
}

/// The filters of paths.
struct Filter {
    include: Vec<Pattern>,
    exclude: Vec<Pattern>,
}

impl Filter {
    fn new(include: &[String], exclude: &[String]) -> Result<Self> {
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

    fn nodes(&self, node: &Node) -> Result<Wanted> {
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

/// Returns the keys and sizes of the objects to copy.
fn listed(source: &Source, wanted: &Wanted) -> Result<BTreeMap<String, u64>> {
    use futures::TryStreamExt;
    let entries = source
        .hierarchy
        .store()
        .list("")
        .map_ok(|entry| (entry.key, entry.size));
    let entries: Vec<(String, u64)> = zarr::blocking::runtime().block_on(entries.try_collect())?;
    Ok(entries
        .into_iter()
        .filter(|(key, _)| wanted.contains(key))
        .collect())
}

fn counted(source: &Source, wanted: &Wanted) -> Result<(u64, u64)> {
    let objects = listed(source, wanted)?;
    Ok((objects.len() as u64, objects.values().sum()))
}

fn sizes(from: &Source, to: &Source, wanted: &Wanted) -> Result<Vec<String>> {
    let (ours, theirs) = (listed(from, wanted)?, listed(to, wanted)?);
    // Consolidated metadata of a part lists fewer nodes.
    let shrinks = |key: &str| !wanted.everything && ["zarr.json", ".zmetadata"].contains(&key);
    let differ = ours
        .into_iter()
        .filter(|(key, size)| theirs.get(key) != Some(size) && !shrinks(key));
    Ok(differ.map(|(key, _)| key).collect())
}

fn values(from: &Source, to: &Source, node: &Node, wanted: &Wanted) -> Result<Vec<String>> {
    let mut wrong = Vec::new();
    for path in arrays(node)?
        .into_iter()
        .filter(|path| wanted.contains(&(path.prefix() + "zarr.json")))
    {
        let (ours, theirs) = (
            from.hierarchy.array(path.as_str())?,
            to.hierarchy.array(path.as_str())?,
        );
        if ours.value_digest(..)? != theirs.value_digest(..)? {
            wrong.push(path.to_string());
        }
    }
    Ok(wrong)
}
