//! `zarrctl info`: one node in detail.

use clap::Args;
use serde::Serialize;
use serde_json::Value;
use zarr::blocking::{Array, Group, Node};
use zarr::{NodeKind, NodeMetadata, NodeUsage, Usage};

use crate::context::Context;
use crate::describe::{DescribedArray, extension};
use crate::failure::{Outcome, Result};
use crate::source::Source;
use crate::text;

/// Print shape, data type, codecs, attributes and stored size of a node
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  zarrctl info data.zarr/temperature
  zarrctl info https://example.com/data.zarr --no-list
  zarrctl info data.zarr/temperature --document")]
pub(crate) struct Info {
    /// The array or group
    source: String,
    /// Do not list the store: leave out what is stored
    #[arg(long)]
    no_list: bool,
    /// Print the metadata document, and nothing else: zarr.json, .zarray or .zgroup
    #[arg(long)]
    document: bool,
}

#[derive(Serialize)]
struct Printed {
    location: String,
    path: String,
    kind: &'static str,
    zarr_format: u8,
    #[serde(flatten)]
    array: Option<ArrayInfo>,
    #[serde(flatten)]
    group: Option<GroupInfo>,
    attributes: Value,
    stored: Option<Stored>,
}

#[derive(Serialize)]
struct ArrayInfo {
    #[serde(flatten)]
    described: DescribedArray,
    fill_value: Value,
    /// The number of chunks along each dimension; of shards if the array is sharded.
    grid_shape: Vec<u64>,
    chunk_key_encoding: String,
    /// The size of all elements in memory; null for elements of variable size.
    nbytes: Option<u64>,
}

#[derive(Serialize)]
struct GroupInfo {
    arrays: usize,
    groups: usize,
    consolidated: bool,
}

/// The stored objects of a node and all nodes below it.
#[derive(Serialize)]
pub(crate) struct Stored {
    pub(crate) nbytes: u64,
    pub(crate) objects: u64,
    pub(crate) chunks: u64,
    pub(crate) chunk_nbytes: u64,
    pub(crate) others: u64,
    pub(crate) other_nbytes: u64,
}

impl From<Usage> for Stored {
    fn from(usage: Usage) -> Self {
        Self {
            nbytes: usage.bytes(),
            objects: usage.objects(),
            chunks: usage.chunks,
            chunk_nbytes: usage.chunk_bytes,
            others: usage.others,
            other_nbytes: usage.other_bytes,
        }
    }
}

pub(crate) fn run(context: &Context, args: &Info) -> Result<Outcome> {
    let source = context.open(&args.source)?;
    let node = source.node()?;
    if args.document {
        let metadata: NodeMetadata = match &node {
            Node::Array(array) => array.metadata().clone().into(),
            Node::Group(group) => group.metadata().clone().into(),
        };
        let document = match metadata.zarr_2() {
            Some(document) => document.to_text()?,
            None => metadata.members().to_text()?,
        };
        context.print_text(&(document.trim_end().to_owned() + "\n"))?;
        return Ok(Outcome::Well);
    }
    let nodes = nodes(context, &source, args.no_list)?;
    let printed = match node {
        Node::Array(array) => of_array(&source, &array, nodes.as_deref().map(stored))?,
        Node::Group(group) => of_group(&source, &group, nodes.as_deref())?,
    };
    context.print(&printed, || drawn(&printed))?;
    Ok(Outcome::Well)
}

/// Returns the node and all nodes below it, from one listing.
fn nodes(context: &Context, source: &Source, no_list: bool) -> Result<Option<Vec<NodeUsage>>> {
    if no_list {
        return Ok(None);
    }
    if !source.hierarchy.store().can_list() {
        context.note("the server cannot list: what is stored is left out");
        return Ok(None);
    }
    Ok(Some(source.hierarchy.usage(&source.path)?))
}

fn stored(nodes: &[NodeUsage]) -> Stored {
    let mut all = Usage::default();
    nodes.iter().for_each(|node| all.add(&node.usage));
    all.into()
}

fn of_array(source: &Source, array: &Array, stored: Option<Stored>) -> Result<Printed> {
    let layout = array.layout();
    let fill = array.data_type().fill_value_to_json(array.fill_value());
    let size = array.data_type().fixed_size().map(|size| size as u64);
    let nbytes = size.and_then(|size| {
        array
            .shape()
            .iter()
            .try_fold(size, |n, &len| n.checked_mul(len))
    });
    let metadata: NodeMetadata = array.metadata().clone().into();
    Ok(Printed {
        location: source.location().to_owned(),
        path: array.path().to_string(),
        kind: "array",
        zarr_format: format(&metadata),
        array: Some(ArrayInfo {
            described: DescribedArray::new(array.metadata()),
            fill_value: serde_json::from_str(&fill).unwrap_or(Value::String(fill)),
            grid_shape: layout.grid().grid_shape(array.shape()),
            chunk_key_encoding: extension(array.metadata().chunk_key_encoding()),
            nbytes,
        }),
        group: None,
        attributes: attributes(array.attributes())?,
        stored,
    })
}

fn of_group(source: &Source, group: &Group, nodes: Option<&[NodeUsage]>) -> Result<Printed> {
    let can_look = group.metadata().consolidated().is_some() || source.hierarchy.store().can_list();
    let kinds = match nodes {
        // The first is the group itself.
        Some(nodes) => {
            let below = nodes[1..].iter();
            let kinds = below.filter_map(|node| Some(kind(node.document.as_ref().ok()?)));
            kinds.collect()
        }
        None if can_look => group.walk()?.into_iter().map(|(_, kind)| kind).collect(),
        None => Vec::new(),
    };
    let arrays = kinds.iter().filter(|kind| **kind == NodeKind::Array);
    let arrays = arrays.count();
    let metadata: NodeMetadata = group.metadata().clone().into();
    Ok(Printed {
        location: source.location().to_owned(),
        path: group.path().to_string(),
        kind: "group",
        zarr_format: format(&metadata),
        array: None,
        group: Some(GroupInfo {
            arrays,
            groups: kinds.len() - arrays,
            consolidated: group.metadata().consolidated().is_some(),
        }),
        attributes: attributes(group.attributes())?,
        stored: nodes.map(stored),
    })
}

fn kind(metadata: &NodeMetadata) -> NodeKind {
    match metadata {
        NodeMetadata::Array(_) => NodeKind::Array,
        NodeMetadata::Group(_) => NodeKind::Group,
    }
}

fn format(metadata: &NodeMetadata) -> u8 {
    if metadata.zarr_2().is_some() { 2 } else { 3 }
}

/// Returns attributes as JSON. Bare words such as NaN, which are no JSON, become strings.
pub(crate) fn attributes(attributes: &zarr::Attributes) -> Result<Value> {
    let mut members = serde_json::Map::new();
    for (name, value) in attributes.iter() {
        members.insert(name.to_owned(), serde_json::from_str(value.get())?);
    }
    Ok(members.into())
}

fn drawn(printed: &Printed) -> String {
    let mut rows = vec![
        ("Location", printed.location.clone()),
        (
            "Kind",
            format!("{} (Zarr {})", printed.kind, printed.zarr_format),
        ),
    ];
    if let Some(array) = &printed.array {
        rows.extend(array_rows(array));
    }
    if let Some(group) = &printed.group {
        let inside = format!(
            "{}, {}",
            text::plural(group.arrays as u64, "array"),
            text::plural(group.groups as u64, "group")
        );
        rows.push(("Inside", inside));
        rows.push((
            "Consolidated",
            if group.consolidated { "yes" } else { "no" }.to_owned(),
        ));
    }
    if let Some(stored) = &printed.stored {
        rows.extend(stored_rows(stored, printed.array.as_ref()));
    }
    if let Some(members) = printed
        .attributes
        .as_object()
        .filter(|members| !members.is_empty())
    {
        for (number, (name, value)) in members.iter().enumerate() {
            let head = if number == 0 { "Attributes" } else { "" };
            rows.push((head, format!("{name} = {value}")));
        }
    }
    text::members(rows)
}

fn array_rows(array: &ArrayInfo) -> Vec<(&'static str, String)> {
    let described = &array.described;
    let mut rows = vec![("Shape", text::shape(&described.shape))];
    if let Some(names) = &described.dimension_names {
        let names = names.iter().map(|name| name.as_deref().unwrap_or("-"));
        rows.push(("Dimensions", names.collect::<Vec<_>>().join(", ")));
    }
    rows.push(("Data type", described.data_type.clone()));
    rows.push(("Fill value", array.fill_value.to_string()));
    let chunks = described.chunk_shape.as_deref().map(text::shape);
    rows.push((
        "Chunks",
        chunks.unwrap_or_else(|| "of several shapes".to_owned()),
    ));
    if let Some(shards) = &described.shard_shape {
        rows.push(("Shards", text::shape(shards)));
    }
    rows.push(("Grid", text::shape(&array.grid_shape)));
    rows.push(("Chunk keys", array.chunk_key_encoding.clone()));
    for (number, codec) in described.codecs.iter().enumerate() {
        rows.push((if number == 0 { "Codecs" } else { "" }, codec.clone()));
    }
    if let Some(nbytes) = array.nbytes {
        rows.push((
            "In memory",
            format!("{} ({} bytes)", text::size(nbytes), text::count(nbytes)),
        ));
    }
    rows
}

fn stored_rows(stored: &Stored, array: Option<&ArrayInfo>) -> Vec<(&'static str, String)> {
    let objects = text::plural(stored.objects, "object");
    let mut rows = vec![(
        "Stored",
        format!("{} in {objects}", text::size(stored.nbytes)),
    )];
    if let Some(array) = array {
        let what = if array.described.shard_shape.is_some() {
            "shards"
        } else {
            "chunks"
        };
        let all = array
            .grid_shape
            .iter()
            .fold(1_u64, |all, &len| all.saturating_mul(len));
        let of = format!(
            "{} of {} {what}",
            text::count(stored.chunks),
            text::count(all)
        );
        rows.push(("Stored chunks", of));
        if let Some(nbytes) = array.nbytes.filter(|_| stored.chunk_nbytes > 0) {
            // Chunks that are not stored are no merit of the codecs.
            let part = stored.chunks as f64 / all.max(1) as f64;
            let ratio = nbytes as f64 * part / stored.chunk_nbytes as f64;
            rows.push(("Compression", format!("{ratio:.2} (stored chunks)")));
        }
    }
    if stored.others > 0 {
        let size = text::size(stored.other_nbytes);
        let others = text::plural(stored.others, "object");
        rows.push((
            "Others",
            format!("{others}, {size}: no chunks; see `zarrctl check`"),
        ));
    }
    rows
}
