//! `zarrctl rechunk`: copies an array with other chunks, shards, codecs or another data type.

use clap::{Args, ValueEnum};
use serde_json::json;
use zarr::blocking::Array;
use zarr::{ArrayBuilder, ArrayMetadata, DataType, Extension, Rewrite, limits};

use crate::codecs;
use crate::context::Context;
use crate::describe::DescribedArray;
use crate::failure::{Failure, Outcome, Result};
use crate::selection;
use crate::source;
use crate::text;

/// Copy an array with other chunks, shards, codecs or another data type
#[derive(Debug, Args)]
#[command(after_help = "\
Reads a few chunks at a time within --memory. What is not given stays as it is.
Each chunk or shard of the copy is written once: after an interruption, go on
with --resume.

Examples:
  zarrctl rechunk data.zarr/t fast.zarr/t --chunks 365,10,10
  zarrctl rechunk data.zarr/t s3://bucket/t.zarr --shards 100,720,1440 \\
      --chunks 10,72,144
  zarrctl rechunk data.zarr/t small.zarr/t --dtype float32 \\
      --region 'time=0:100' \\
      --codecs zstd:9 --memory 256MiB --verify values")]
pub(crate) struct Rechunk {
    /// The array
    from: String,
    /// The place of the copy
    to: String,
    /// The shape of the chunks; of the inner chunks with --shards
    #[arg(long, value_parser = codecs::shape, value_name = "LENGTHS")]
    chunks: Option<std::vec::Vec<u64>>,
    /// The shape of the shards
    #[arg(long, value_parser = codecs::shape, value_name = "LENGTHS")]
    shards: Option<std::vec::Vec<u64>>,
    /// Store chunks without shards
    #[arg(long, conflicts_with = "shards")]
    no_shards: bool,
    /// The codecs: zstd:3, none, or JSON
    #[arg(long, value_name = "CODECS")]
    codecs: Option<String>,
    /// The data type: numbers are converted
    #[arg(long, visible_alias = "data-type", value_name = "TYPE")]
    dtype: Option<String>,
    /// The fill value, as JSON
    #[arg(long, value_name = "JSON", allow_hyphen_values = true)]
    fill: Option<String>,
    /// Copy these indices and ranges only
    #[arg(
        long,
        value_name = "SELECTION",
        default_value = "",
        hide_default_value = true,
        allow_hyphen_values = true
    )]
    region: String,
    /// The memory for elements
    #[arg(long, value_name = "SIZE", value_parser = codecs::size, default_value = "512MiB")]
    memory: u64,
    /// Go on with an interrupted copy of equal options
    #[arg(long, conflicts_with = "overwrite")]
    resume: bool,
    /// Replace the node at the place of the copy
    #[arg(long)]
    overwrite: bool,
    /// Check the copy
    #[arg(long, value_name = "HOW", default_value = "none")]
    verify: Check,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Check {
    /// Trust the engine
    None,
    /// Compare digests of the values; not with --dtype, which changes values
    Values,
}

pub(crate) fn run(context: &Context, args: &Rechunk) -> Result<Outcome> {
    // Elements that wait for decoding count, too.
    limits::set_bytes_in_flight((args.memory / 4).max(1 << 20));
    let (from, to) = context.open_with_target(&args.from, &args.to)?;
    if args.dtype.is_some() && args.verify == Check::Values {
        return Err(Failure::new(
            "--verify values: values of another data type have another digest",
        )
        .hint("compare them with `zarrctl diff FROM TO --values`"));
    }
    if source::overlap(&args.from, &args.to) {
        let message = format!("{} and {} lie one in the other", args.from, args.to);
        return Err(Failure::new(message).hint("choose a place outside"));
    }
    let source = from.array()?;
    let region = selection::parse(&args.region)?;
    let metadata = metadata(args, &source, &region)?;
    let target = target(args, &to, metadata)?;
    let lengths = target.shape().iter();
    let elements = lengths.fold(1_u64, |all, &len| all.saturating_mul(len));
    let progress = context.progress("copying elements", Some(elements));
    let options = Rewrite {
        memory: args.memory - args.memory / 4,
        resume: args.resume,
    };
    let done = source.rewrite_to(&target, &region, options, |len| progress.add(len));
    drop(progress);
    let done = done.map_err(|error| match error.kind() {
        zarr::ErrorKind::TooLarge => {
            Failure::from(error).hint("allow more with --memory, or store smaller chunks or shards")
        }
        _ => error.into(),
    })?;
    let is_right = match args.verify {
        Check::None => true,
        Check::Values => source.value_digest(&region)? == target.value_digest(..)?,
    };
    let printed = json!({
        "path": target.path().to_string(), "copied": done.copied, "skipped": done.skipped,
        "array": DescribedArray::new(target.metadata()),
        "verified": (args.verify == Check::Values).then_some(is_right),
    });
    context.print(&printed, || {
        let verified = match (args.verify, is_right) {
            (Check::None, _) => "",
            (_, true) => "; the values are equal",
            (_, false) => "; THE VALUES DIFFER",
        };
        format!(
            "copied {}, skipped {}{verified}\n",
            text::plural(done.copied, "element"),
            text::count(done.skipped)
        )
    })?;
    Ok(Outcome::of(is_right))
}

fn target(args: &Rechunk, to: &crate::source::Source, metadata: ArrayMetadata) -> Result<Array> {
    if args.overwrite {
        return Ok(to
            .hierarchy
            .replace(&to.path, metadata.into())?
            .into_array()?);
    }
    if !args.resume {
        let created = to.hierarchy.create_array(&to.path, metadata);
        return created.map_err(|error| match error.kind() {
            zarr::ErrorKind::AlreadyExists => Failure::from(error).hint(
                "go on with an interrupted copy by --resume, or replace the node by --overwrite",
            ),
            _ => error.into(),
        });
    }
    let found = to
        .hierarchy
        .open_or_create_array(&to.path, metadata.clone())?;
    let meaning = |metadata: &ArrayMetadata| zarr::NodeMetadata::from(metadata.clone());
    match meaning(found.metadata()).means_the_same(&meaning(&metadata)) {
        true => Ok(found),
        false => Err(Failure::new(format!(
            "{} has other metadata than the copy would have",
            args.to
        ))
        .hint("give the options of the interrupted copy, or replace the node by --overwrite")),
    }
}

/// Returns the metadata of the copy: that of the source, with the given changes.
fn metadata(
    args: &Rechunk,
    source: &Array,
    region: &Vec<selection::Axis>,
) -> Result<ArrayMetadata> {
    let old = DescribedArray::new(source.metadata());
    let shape = source
        .region(region)?
        .into_iter()
        .map(|range| range.end - range.start);
    let shape = shape.collect::<Vec<_>>();
    let data_type = match &args.dtype {
        Some(text) => codecs::data_type(text)?,
        None => source.data_type().clone(),
    };
    let mut builder = ArrayBuilder::new(&shape, data_type.name());
    builder = builder.with_data_type(match &args.dtype {
        Some(_) => data_type.extension().clone(),
        None => source.metadata().data_type().clone(),
    });
    let several = || Failure::new("the array has chunks of several shapes").hint("give --chunks");
    let chunks = args
        .chunks
        .clone()
        .or(old.chunk_shape)
        .ok_or_else(several)?;
    builder = builder.with_chunk_shape(&chunks);
    let shards = args
        .shards
        .clone()
        .or(old.shard_shape.filter(|_| !args.no_shards));
    if let Some(shards) = &shards {
        builder = builder.with_shard_shape(shards);
    }
    let codecs = match &args.codecs {
        Some(text) => codecs::parse(text, &data_type)?,
        None => chunk_codecs(source, &data_type)?,
    };
    let fill = match &args.fill {
        Some(fill) => codecs::fill(fill)?,
        None => codecs::converted_fill(source, &data_type)?,
    };
    builder = builder.with_codecs(codecs).with_fill_json(&fill)?;
    if let Some(names) = source.metadata().dimension_names() {
        builder = builder.with_some_dimension_names(names.to_vec());
    }
    Ok(builder
        .with_attributes(source.attributes().clone())
        .build()?)
}

/// Returns the codecs of the chunks, of the inner chunks if the array is sharded, for elements of a
/// data type.
fn chunk_codecs(source: &Array, data_type: &DataType) -> Result<Vec<Extension>> {
    let metadata = source.metadata();
    let sharding = metadata
        .codecs()
        .iter()
        .find(|codec| codec.name() == "sharding_indexed");
    let inner = sharding.and_then(|codec| codec.configuration()?.get("codecs"));
    let codecs: Vec<Extension> = match inner {
        Some(codecs) => serde_json::from_str(codecs.get())?,
        None => metadata.codecs().to_vec(),
    };
    if source.data_type() == data_type {
        return Ok(codecs);
    }
    let codecs = codecs.into_iter().map(|codec| match codec.name() {
        "bytes" if codec.configuration().is_none() => {
            zarr::codecs::bytes(data_type.swap_size() > 1)
        }
        "blosc" => codec.with("typesize", codecs::typesize(data_type)),
        _ => codec,
    });
    Ok(codecs.collect())
}
