//! `zarrctl rm`, `mv`, `consolidate` and `convert`: changes of whole nodes.

use clap::Args;
use serde_json::json;
use zarr::blocking::Node;
use zarr::{NodeKind, NodePath, Usage};

use crate::context::Context;
use crate::failure::{Failure, Outcome, Result};
use crate::text;

/// Delete a node and everything below it
#[derive(Debug, Args)]
#[command(after_help = "\
Asks before it deletes. Consolidated metadata of groups above is kept up to
date.

Examples:
  zarrctl rm data.zarr/old
  zarrctl rm s3://bucket/data.zarr/old --yes")]
pub(crate) struct Rm {
    /// The array or group
    source: String,
    /// Delete without a question
    #[arg(short, long)]
    yes: bool,
}

/// Move a node and everything below it to a free place in its hierarchy
#[derive(Debug, Args)]
#[command(after_help = "\
Copies all objects, then deletes the originals: readers may see both for a
while.

Examples:
  zarrctl mv data.zarr/run data.zarr/archive/run")]
pub(crate) struct Mv {
    /// The array or group
    from: String,
    /// The new place
    to: String,
}

/// Copy the documents of all nodes below a group into its own document
#[derive(Debug, Args)]
#[command(after_help = "\
Readers then open all nodes with one request. Nodes that change later are out of
date in these copies until they are consolidated again.

Examples:
  zarrctl consolidate data.zarr
  zarrctl consolidate data.zarr --check")]
pub(crate) struct Consolidate {
    /// The group
    source: String,
    /// Change nothing: list the nodes whose copies are out of date
    #[arg(long)]
    check: bool,
}

/// Convert Zarr 2 to Zarr 3: write Zarr 3 documents beside those of Zarr 2
#[derive(Debug, Args)]
#[command(after_help = "\
Chunks stay where they are and are not read. Readers of Zarr 2 find the old
documents. An interrupted conversion can be run again.

Examples:
  zarrctl convert data.zarr")]
pub(crate) struct Convert {
    /// The array or group
    source: String,
}

pub(crate) fn rm(context: &Context, args: &Rm) -> Result<Outcome> {
    let source = context.open_in_hierarchy(&args.source)?;
    source.node()?;
    let mut usage = Usage::default();
    let mut nodes = 0;
    if source.hierarchy.store().can_list() {
        for node in source.hierarchy.usage(&source.path)? {
            usage.add(&node.usage);
            nodes += 1;
        }
    }
    let what = format!(
        "delete {}: {} with {} ({})",
        source.location(),
        text::plural(nodes, "node"),
        text::plural(usage.objects(), "object"),
        text::size(usage.bytes())
    );
    context.confirm(&what, args.yes)?;
    source.hierarchy.delete(&source.path)?;
    let printed = json!({
        "path": format!("/{}", source.path), "nodes": nodes,
        "objects": usage.objects(), "nbytes": usage.bytes(),
    });
    context.print(&printed, || what.replacen("delete", "deleted", 1) + "\n")?;
    Ok(Outcome::Well)
}

pub(crate) fn mv(context: &Context, args: &Mv) -> Result<Outcome> {
    let (from, to) = (
        context.open_in_hierarchy(&args.from)?,
        context.open_in_hierarchy(&args.to)?,
    );
    if from.hierarchy.store().location() != to.hierarchy.store().location() {
        let message = format!("{} and {} are in different hierarchies", args.from, args.to);
        return Err(Failure::new(message)
            .hint("copy it with `zarrctl copy`, then delete it with `zarrctl rm`"));
    }
    if from.path.is_empty() {
        return Err(
            Failure::new(format!("{} is the root of its hierarchy", args.from))
                .hint("copy it with `zarrctl copy`, then delete it with `zarrctl rm`"),
        );
    }
    from.hierarchy.rename(&from.path, &to.path)?;
    let printed = json!({"from": format!("/{}", from.path), "to": format!("/{}", to.path)});
    context.print(&printed, || format!("/{} is now /{}\n", from.path, to.path))?;
    Ok(Outcome::Well)
}

pub(crate) fn consolidate(context: &Context, args: &Consolidate) -> Result<Outcome> {
    let source = context.open(&args.source)?;
    let mut group = match source.node()? {
        Node::Group(group) => group,
        Node::Array(array) => {
            let message = format!("{} is an array", array.path());
            return Err(Failure::new(message).hint("consolidate the group above it"));
        }
    };
    if args.check {
        let stale = group.check_consolidated()?;
        let named = |(path, difference): &(NodePath, zarr::Difference)| {
            (
                path.to_string(),
                format!("{difference:?}").to_ascii_lowercase(),
            )
        };
        let stale = stale.iter().map(named).collect::<Vec<_>>();
        let printed = json!({
            "consolidated": group.metadata().consolidated().is_some(),
            "stale": stale.iter().map(|(path, how)| json!({"path": path, "difference": how})).collect::<Vec<_>>(),
        });
        context.print(&printed, || match stale.len() {
            0 => "all copies are up to date\n".to_owned(),
            _ => stale
                .iter()
                .map(|(path, how)| format!("{how}: {path}\n"))
                .collect(),
        })?;
        return Ok(Outcome::of(stale.is_empty()));
    }
    group.consolidate()?;
    let nodes = group.walk()?;
    let arrays = nodes
        .iter()
        .filter(|(_, kind)| *kind == NodeKind::Array)
        .count();
    let printed = json!({"nodes": nodes.len(), "arrays": arrays});
    context.print(&printed, || {
        format!(
            "consolidated {}\n",
            text::plural(nodes.len() as u64, "node")
        )
    })?;
    Ok(Outcome::Well)
}

pub(crate) fn convert(context: &Context, args: &Convert) -> Result<Outcome> {
    let source = context.open_in_hierarchy(&args.source)?;
    let converted = source.hierarchy.convert_v2(&source.path)?;
    let paths = converted
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>();
    context.print(&json!({"converted": paths}), || match paths.len() {
        0 => "nothing to convert: all nodes have Zarr 3 documents\n".to_owned(),
        _ => paths
            .iter()
            .map(|path| format!("converted {path}\n"))
            .collect(),
    })?;
    Ok(Outcome::Well)
}
