//! `zarrctl tree`: the nodes of a hierarchy.

use clap::Args;
use serde::Serialize;
use zarr::NodePath;
use zarr::blocking::Node;

use crate::context::Context;
use crate::describe::Described;
use crate::failure::{Outcome, Result};
use crate::{source, text};

/// Print the nodes of a hierarchy with shapes, data types and chunks
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  zarrctl tree data.zarr
  zarrctl tree s3://bucket/data.zarr --level 1
  zarrctl tree data.zarr \\
      --json | jq -r '.nodes[] | select(.kind==\"array\").path'")]
pub(crate) struct Tree {
    /// The group or array
    source: String,
    /// Print this many levels below the group
    #[arg(short = 'L', long, value_name = "NUMBER")]
    level: Option<usize>,
    /// Ignore consolidated metadata: read the document of every node
    #[arg(long)]
    no_consolidated: bool,
}

#[derive(Serialize)]
struct Printed {
    location: String,
    nodes: Vec<Described>,
}

pub(crate) fn run(context: &Context, args: &Tree) -> Result<Outcome> {
    let source = context.open(&args.source)?;
    let node = match source.node()? {
        Node::Group(group) if args.no_consolidated => Node::Group(group.without_consolidated()?),
        node => node,
    };
    let documents = source::documents(&node)?;
    let shown = documents.iter().filter(|(path, _)| {
        let is_below = |level| path.is_root() || depth(path) <= level;
        args.level.is_none_or(is_below)
    });
    let nodes = shown.map(|(path, document)| Described::new(path, document));
    let mut nodes = nodes.collect::<Vec<_>>();
    nodes.sort_by(|a, b| a.path.split('/').cmp(b.path.split('/')));
    let location = source.location().to_owned();
    let printed = Printed { location, nodes };
    context.print(&printed, || drawn(&printed))?;
    let is_whole = printed.nodes.iter().all(|node| node.error.is_none());
    if !is_whole {
        context.note("some documents cannot be read; find out more with `zarrctl check`");
    }
    Ok(Outcome::of(is_whole))
}

fn depth(path: &NodePath) -> usize {
    path.as_str().split('/').count()
}

/// Draws the nodes, given in order of path, as a tree.
fn drawn(printed: &Printed) -> String {
    let root = &printed.nodes[0];
    let mut lines = vec![(printed.location.clone(), root.line())];
    let below = printed.nodes[1..].iter().collect::<Vec<_>>();
    draw("", 1, &below, &mut lines);
    let named = lines.iter().skip(1).filter(|(_, line)| !line.is_empty());
    let width = named
        .map(|(name, _)| name.chars().count())
        .max()
        .unwrap_or(0)
        .min(36);
    let mut drawn = String::new();
    for (number, (name, line)) in lines.iter().enumerate() {
        let width = if number == 0 { 0 } else { width };
        let line = format!("{name:width$}  {line}");
        drawn += text::cut(line.trim_end()).as_str();
        drawn.push('\n');
    }
    drawn
}

/// Draws the nodes of a level, each followed by the nodes below it. Nodes without a group above
/// them in the list are drawn with their whole path.
fn draw(indent: &str, level: usize, nodes: &[&Described], lines: &mut Vec<(String, String)>) {
    let part = |node: &Described, level: usize| {
        node.path
            .split('/')
            .take(level + 1)
            .collect::<Vec<_>>()
            .join("/")
    };
    let mut groups: Vec<(String, Vec<&Described>)> = Vec::new();
    for node in nodes {
        let name = part(node, level);
        match groups.last_mut() {
            Some((last, members)) if *last == name => members.push(node),
            _ => groups.push((name, vec![node])),
        }
    }
    let count = groups.len();
    for (number, (path, members)) in groups.into_iter().enumerate() {
        let (branch, below) = match number + 1 == count {
            true => ("└── ", "    "),
            false => ("├── ", "│   "),
        };
        let (own, rest): (Vec<_>, Vec<_>) = members.into_iter().partition(|node| node.path == path);
        let name = path.rsplit('/').next().unwrap_or_default();
        let line = own.first().map(|node| node.line()).unwrap_or_default();
        let slash = own.first().is_none_or(|node| node.kind == "group");
        let slash = if slash { "/" } else { "" };
        lines.push((format!("{indent}{branch}{name}{slash}"), line));
        draw(&format!("{indent}{below}"), level + 1, &rest, lines);
    }
}
