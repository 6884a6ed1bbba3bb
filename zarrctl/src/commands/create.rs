//! `zarrctl create` and `zarrctl append`: new nodes and new elements.

use std::io::Read;

use clap::Args;
use serde_json::json;
use zarr::{ArrayBuilder, ArrayMetadata, Attributes, Elements, NodeMetadata};

use crate::codecs;
use crate::context::Context;
use crate::describe::DescribedArray;
use crate::failure::{Failure, Outcome, Result};
use crate::npy;
use crate::text;

/// Create an array or a group, and missing groups above it
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  zarrctl create data.zarr --group
  zarrctl create data.zarr/t --shape 0,721,1440 --dtype float32 \\
      --chunks 1,721,1440
  zarrctl create data.zarr/big --shape 10000,10000 --dtype uint16 \\
      --shards 2048,2048 --chunks 256,256 --codecs zstd:5,crc32c
  zarrctl create data.zarr/copy --like data.zarr/t")]
pub(crate) struct Create {
    /// The place of the new node
    source: String,
    /// Create a group
    #[arg(long, conflicts_with_all = ["shape", "like"])]
    group: bool,
    /// Take all metadata from this node
    #[arg(long, value_name = "SOURCE", conflicts_with = "shape")]
    like: Option<String>,
    /// The shape of the array
    #[arg(long, value_parser = codecs::shape, value_name = "LENGTHS")]
    shape: Option<std::vec::Vec<u64>>,
    /// The data type, such as float32, or JSON
    #[arg(
        long,
        visible_alias = "data-type",
        value_name = "TYPE",
        requires = "shape"
    )]
    dtype: Option<String>,
    /// The shape of the chunks; of the inner chunks with --shards
    #[arg(long, value_parser = codecs::shape, value_name = "LENGTHS", requires = "shape")]
    chunks: Option<std::vec::Vec<u64>>,
    /// The shape of the shards
    #[arg(long, value_parser = codecs::shape, value_name = "LENGTHS", requires = "shape")]
    shards: Option<std::vec::Vec<u64>>,
    /// The codecs: zstd:3, none, or JSON
    #[arg(long, value_name = "CODECS", requires = "shape")]
    codecs: Option<String>,
    /// The fill value, as JSON
    #[arg(
        long,
        value_name = "JSON",
        requires = "shape",
        allow_hyphen_values = true
    )]
    fill: Option<String>,
    /// The names of the dimensions
    #[arg(long, value_name = "NAMES", value_delimiter = ',', requires = "shape")]
    dimensions: Vec<String>,
}

/// Append elements along a dimension, from a NPY file or as raw bytes from stdin
#[derive(Debug, Args)]
#[command(after_help = "\
Several writers can append at a time. Raw bytes are in C order and
little-endian.

Examples:
  zarrctl append data.zarr/series new.npy
  zarrctl append data.zarr/series new.npy --axis time
  produce | zarrctl append data.zarr/series -")]
pub(crate) struct Append {
    /// The array
    source: String,
    /// The NPY file; - for raw bytes from stdin
    file: String,
    /// The number or name of the dimension; -1 is the last
    #[arg(long, default_value = "0", allow_hyphen_values = true)]
    axis: String,
}

pub(crate) fn create(context: &Context, args: &Create) -> Result<Outcome> {
    let source = context.open_in_hierarchy(&args.source)?;
    let (hierarchy, path) = (&source.hierarchy, &source.path);
    let top = source.first_missing()?;
    if args.group {
        hierarchy.create_group(path, Attributes::default())?;
    } else if let Some(like) = &args.like {
        let metadata: NodeMetadata = match context.open(like)?.node()? {
            zarr::blocking::Node::Array(array) => array.metadata().clone().into(),
            zarr::blocking::Node::Group(group) => group.metadata().clone().into(),
        };
        hierarchy.create_like(path, &metadata)?;
    } else {
        hierarchy.create_array(path, metadata(args)?)?;
    }
    // New groups above the node are new in consolidated metadata, too.
    if let Some(top) = top.filter(|top| !top.is_empty()) {
        hierarchy.renew_copies_of(&top)?;
    }
    let described = match source.node()? {
        zarr::blocking::Node::Array(array) => json!(DescribedArray::new(array.metadata())),
        zarr::blocking::Node::Group(_) => json!({}),
    };
    let printed =
        json!({"location": source.location(), "path": format!("/{path}"), "node": described});
    context.print(&printed, || format!("created {}\n", source.location()))?;
    Ok(Outcome::Well)
}

fn metadata(args: &Create) -> Result<ArrayMetadata> {
    let missing = |what: &str| {
        Failure::new(format!("{what} is missing"))
            .hint("give --group, --like SOURCE, or --shape and --dtype")
    };
    let shape = args.shape.as_ref().ok_or_else(|| missing("--shape"))?;
    let data_type = args.dtype.as_ref().ok_or_else(|| missing("--dtype"))?;
    let data_type = codecs::data_type(data_type)?;
    let mut builder = ArrayBuilder::new(shape, data_type.name());
    builder = builder.with_data_type(data_type.extension().clone());
    if let Some(chunks) = &args.chunks {
        builder = builder.with_chunk_shape(chunks);
    }
    if let Some(shards) = &args.shards {
        builder = builder.with_shard_shape(shards);
    }
    // The default codecs are those of the builder, but it does not know every data type.
    let text = args.codecs.as_deref().unwrap_or("zstd:3");
    builder = builder.with_codecs(codecs::parse(text, &data_type)?);
    let fill = match &args.fill {
        Some(fill) => codecs::fill(fill)?,
        None => data_type.fill_value_to_json(&data_type.default_fill_value()),
    };
    builder = builder.with_fill_json(&fill)?;
    if !args.dimensions.is_empty() {
        builder = builder.with_dimension_names(args.dimensions.iter().cloned());
    }
    Ok(builder.build()?)
}

pub(crate) fn append(context: &Context, args: &Append) -> Result<Outcome> {
    let mut array = context.open_in_hierarchy(&args.source)?.array()?;
    let axis = axis(&array, &args.axis)?;
    let data_type = array.data_type().clone();
    let (shape, mut bytes) = if args.file == "-" {
        let mut bytes = Vec::new();
        std::io::stdin().read_to_end(&mut bytes)?;
        (raw_shape(&array, axis, bytes.len())?, bytes)
    } else {
        let file = std::fs::read(&args.file);
        let file = file.map_err(|error| Failure::new(format!("{}: {error}", args.file)))?;
        let npy = npy::read(&file, &data_type)?;
        (npy.shape, npy.bytes)
    };
    if cfg!(target_endian = "big") {
        data_type.swap_bytes(&mut bytes);
    }
    if shape.len() != array.shape().len() {
        let message = format!(
            "{} has the shape {}, and steps along dimension {axis} of {} have {} dimensions",
            args.file,
            text::shape(&shape.iter().map(|&len| len as u64).collect::<Vec<_>>()),
            text::shape(array.shape()),
            array.shape().len()
        );
        return Err(Failure::new(message).hint("reshape it: one step has the length 1 there"));
    }
    let elements = Elements::new(&data_type, &shape, bytes)?;
    let range = array.append(axis, elements)?;
    let printed = json!({"path": array.path().to_string(), "axis": axis, "start": range.start, "end": range.end, "shape": array.shape()});
    context.print(&printed, || {
        format!(
            "appended {} to {} along dimension {axis}\n",
            range.start, range.end
        )
    })?;
    Ok(Outcome::Well)
}

fn axis(array: &zarr::blocking::Array, text: &str) -> Result<usize> {
    let names = array.metadata().dimension_names().unwrap_or_default();
    let named = names.iter().position(|name| name.as_deref() == Some(text));
    let rank = array.shape().len();
    let number = |text: &str| {
        let number = text.parse::<isize>().ok()?;
        usize::try_from(number)
            .ok()
            .or_else(|| rank.checked_sub(number.unsigned_abs()))
    };
    let found = named.or_else(|| number(text)).filter(|axis| *axis < rank);
    found.ok_or_else(|| {
        Failure::new(format!("--axis: no dimension {text:?}"))
            .hint("print the dimensions with `zarrctl info`")
    })
}

/// Returns the shape of raw bytes: that of the array, but for one dimension.
fn raw_shape(array: &zarr::blocking::Array, axis: usize, size: usize) -> Result<Vec<usize>> {
    let item = array.data_type().fixed_size().unwrap_or(0);
    let mut shape = array
        .shape()
        .iter()
        .map(|&len| usize::try_from(len).unwrap_or(usize::MAX))
        .collect::<Vec<_>>();
    shape[axis] = 1;
    let step = shape
        .iter()
        .fold(item, |step, &len| step.saturating_mul(len));
    if step == 0 || !size.is_multiple_of(step) {
        let message =
            format!("stdin has {size} bytes, and one step along dimension {axis} has {step}");
        return Err(Failure::new(message).hint("send whole steps, in C order and little-endian"));
    }
    shape[axis] = size / step;
    Ok(shape)
}
