//! `zarrctl ls`: the nodes directly below a group.

use clap::Args;
use serde::Serialize;
use zarr::{NodeMetadata, Usage};

use super::info::Stored;
use crate::context::Context;
use crate::describe::Described;
use crate::failure::{Failure, Outcome, Result};
use crate::text;

/// List the nodes directly below a group
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  zarrctl ls data.zarr
  zarrctl ls -l s3://bucket/data.zarr
  zarrctl ls data.zarr --json | jq -r '.nodes[].path'")]
pub(crate) struct Ls {
    /// The group
    source: String,
    /// Print stored sizes, shapes and data types: lists the whole store below the group
    #[arg(short, long)]
    long: bool,
}

#[derive(Serialize)]
struct Listed {
    #[serde(flatten)]
    node: Described,
    #[serde(skip_serializing_if = "Option::is_none")]
    stored: Option<Stored>,
}

#[derive(Serialize)]
struct Printed {
    location: String,
    nodes: Vec<Listed>,
}

pub(crate) fn run(context: &Context, args: &Ls) -> Result<Outcome> {
    let source = context.open(&args.source)?;
    let nodes = if args.long {
        long(&source)?
    } else {
        short(&source)?
    };
    let location = source.location().to_owned();
    let printed = Printed { location, nodes };
    context.print(&printed, || drawn(&printed, args.long))?;
    Ok(Outcome::Well)
}

fn short(source: &crate::source::Source) -> Result<Vec<Listed>> {
    let group = source.node()?.into_group()?;
    let members = group.documents_below()?.into_iter();
    Ok(members
        .map(|(path, document)| Listed {
            node: Described::new(&path, &document),
            stored: None,
        })
        .collect())
}

/// Adds the objects of all nodes below to those of the nodes directly below the group.
fn long(source: &crate::source::Source) -> Result<Vec<Listed>> {
    let mut all = source.hierarchy.usage("")?;
    // Nodes below a group follow the group directly, whatever the letters of other names.
    all.sort_by(|a, b| a.path.as_str().split('/').cmp(b.path.as_str().split('/')));
    if let Some(Ok(NodeMetadata::Array(_))) = all.first().map(|node| &node.document) {
        return Err(Failure::new(format!("{} is an array", source.given))
            .hint("print it with `zarrctl info`"));
    }
    let mut nodes: Vec<(Described, Usage)> = Vec::new();
    for node in all.iter().skip(1) {
        let top = node.path.as_str().split('/').next();
        match nodes.last_mut() {
            Some((last, usage)) if last.path.trim_start_matches('/').split('/').next() == top => {
                usage.add(&node.usage);
            }
            _ => nodes.push((Described::new(&node.path, &node.document), node.usage)),
        }
    }
    let listed = nodes.into_iter().map(|(node, usage)| Listed {
        node,
        stored: Some(usage.into()),
    });
    Ok(listed.collect())
}

fn drawn(printed: &Printed, long: bool) -> String {
    let name = |listed: &Listed| {
        let slash = if listed.node.kind == "group" { "/" } else { "" };
        listed.node.path.trim_start_matches('/').to_owned() + slash
    };
    if !long {
        return printed
            .nodes
            .iter()
            .map(|listed| name(listed) + "\n")
            .collect();
    }
    let rows = printed.nodes.iter().map(|listed| {
        let stored = listed.stored.as_ref();
        vec![
            stored
                .map(|stored| text::size(stored.nbytes))
                .unwrap_or_default(),
            stored
                .map(|stored| text::count(stored.objects))
                .unwrap_or_default(),
            name(listed),
            listed.node.line(),
        ]
    });
    text::table(
        &["SIZE", "OBJECTS", "NAME", "NODE"],
        rows.collect(),
        &[0, 1],
    )
}
