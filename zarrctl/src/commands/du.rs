//! `zarrctl du`: stored bytes by node.

use clap::Args;
use serde::Serialize;
use zarr::core::ArrayLayout;
use zarr::{NodeMetadata, Usage};

use super::info::Stored;
use crate::context::Context;
use crate::failure::{Outcome, Result};
use crate::source::Source;
use crate::text;

/// Print stored bytes, objects and compression of each node, from one listing
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  zarrctl du data.zarr
  zarrctl du s3://bucket/data.zarr --chunks --json")]
pub(crate) struct Du {
    /// The group or array
    source: String,
    /// Read the shard indexes, too: inner chunks stored and missing, dead space
    #[arg(long)]
    chunks: bool,
}

#[derive(Serialize)]
struct Row {
    path: String,
    kind: &'static str,
    #[serde(flatten)]
    stored: Stored,
    /// The number of chunks (or shards) of the grid.
    grid: Option<u64>,
    /// Bytes in memory per stored byte, over the stored chunks.
    ratio: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    inner: Option<Inner>,
}

#[derive(Clone, Copy, Default, Serialize)]
struct Inner {
    inner_chunks: u64,
    inner_chunks_stored: u64,
    inner_chunks_missing: u64,
    dead_nbytes: u64,
}

#[derive(Serialize)]
struct Printed {
    location: String,
    nodes: Vec<Row>,
    total: Stored,
}

pub(crate) fn run(context: &Context, args: &Du) -> Result<Outcome> {
    let source = context.open(&args.source)?;
    let mut total = Usage::default();
    let mut nodes = Vec::new();
    for node in source.hierarchy.usage("")? {
        total.add(&node.usage);
        // The document is read already.
        let layout = match &node.document {
            Ok(NodeMetadata::Array(array)) => {
                ArrayLayout::bind(array, source.hierarchy.registry()).ok()
            }
            _ => None,
        };
        let inner = match args.chunks && layout.is_some() {
            true => inner(context, &source.hierarchy.array(node.path.as_str())?)?,
            false => None,
        };
        nodes.push(Row {
            path: node.path.to_string(),
            kind: match &node.document {
                Ok(NodeMetadata::Array(_)) => "array",
                Ok(NodeMetadata::Group(_)) => "group",
                Err(_) => "unreadable",
            },
            grid: layout.as_ref().map(|layout| {
                let grid = layout.grid().grid_shape(layout.shape());
                grid.iter()
                    .fold(1, |all: u64, &len| all.saturating_mul(len))
            }),
            ratio: layout
                .as_ref()
                .and_then(|layout| ratio(layout, &node.usage)),
            stored: node.usage.into(),
            inner,
        });
    }
    let printed = Printed {
        location: source.location().to_owned(),
        nodes,
        total: total.into(),
    };
    context.print(&printed, || drawn(&source, &printed, args.chunks))?;
    Ok(Outcome::Well)
}

fn ratio(array: &ArrayLayout, usage: &Usage) -> Option<f64> {
    let size = array.data_type().fixed_size()? as f64;
    let elements = array.shape().iter().map(|&len| len as f64).product::<f64>();
    let grid = array
        .grid()
        .grid_shape(array.shape())
        .iter()
        .map(|&len| len as f64)
        .product::<f64>();
    let part = usage.chunks as f64 / grid;
    let ratio = elements * size * part / usage.chunk_bytes as f64;
    (usage.chunk_bytes > 0).then(|| (ratio * 1000.0).round() / 1000.0)
}

fn inner(context: &Context, array: &zarr::blocking::Array) -> Result<Option<Inner>> {
    let Some(grid) = array.inner_grid_shape() else {
        return Ok(None);
    };
    let _progress = context.progress("reading shard indexes", None);
    let mut inner = Inner {
        inner_chunks: grid.iter().product(),
        ..Inner::default()
    };
    for shard in array
        .stored(usize::MAX)?
        .into_iter()
        .filter_map(|chunk| chunk.shard)
    {
        inner.inner_chunks_stored += shard.inner.iter().flatten().count() as u64;
        inner.dead_nbytes += shard.dead;
    }
    inner.inner_chunks_missing = inner.inner_chunks - inner.inner_chunks_stored;
    Ok(Some(inner))
}

fn drawn(source: &Source, printed: &Printed, chunks: bool) -> String {
    let mut head = vec!["SIZE", "OBJECTS", "CHUNKS", "RATIO"];
    if chunks {
        head.extend(["INNER", "DEAD"]);
    }
    head.push("NODE");
    let row = |stored: &Stored, row: Option<&Row>, name: String| {
        let grid = row.and_then(|row| row.grid);
        let mut cells = vec![
            text::size(stored.nbytes),
            text::count(stored.objects),
            grid.map(|grid| format!("{}/{}", text::count(stored.chunks), text::count(grid)))
                .unwrap_or_default(),
            row.and_then(|row| row.ratio)
                .map(|ratio| format!("{ratio:.2}"))
                .unwrap_or_default(),
        ];
        if chunks {
            let inner = row.and_then(|row| row.inner);
            let of = |inner: Inner| {
                format!(
                    "{}/{}",
                    text::count(inner.inner_chunks_stored),
                    text::count(inner.inner_chunks)
                )
            };
            cells.push(inner.map(of).unwrap_or_default());
            cells.push(
                inner
                    .map(|inner| text::size(inner.dead_nbytes))
                    .unwrap_or_default(),
            );
        }
        cells.push(name);
        cells
    };
    let rows = printed
        .nodes
        .iter()
        .map(|node| row(&node.stored, Some(node), node.path.clone()));
    let total = row(
        &printed.total,
        None,
        format!("total of {}", source.location()),
    );
    let right = (0..head.len() - 1).collect::<Vec<_>>();
    let mut text = text::table(&head, rows.chain([total]).collect(), &right);
    if printed.total.others > 0 {
        text += &format!(
            "beside chunks and documents: {} ({}); see `zarrctl check`\n",
            text::plural(printed.total.others, "object"),
            text::size(printed.total.other_nbytes)
        );
    }
    text
}
