//! `zarrctl copy`: copies the encoded objects of nodes from store to store.

use std::collections::BTreeMap;
use std::ops::Range;

use clap::{Args, ValueEnum};
use serde_json::json;
use zarr::blocking::{Array, Node};
use zarr::{AxisSelect, ErrorKind, NodeMetadata, Rewrite, Skip, Transfer, Transferred};

use super::copy_target::{Regions, check_target, consolidated_again};
use crate::context::Context;
use crate::failure::{Failure, Outcome, Result};
use crate::filter::Filter;
use crate::selection::{self, Axis};
use crate::source::{self, Source};
use crate::text;

/// Copy a node and everything below it to another store, as it is stored
#[derive(Debug, Args)]
#[command(after_help = "\
Documents are copied last: until then, readers find no node. After an
interruption, run it again: what is there is skipped. Missing groups above the
copy are created. Chunks that only the copy has are named, and removed with
--delete. Other chunks or codecs: `zarrctl rechunk`.

Examples:
  zarrctl copy data.zarr s3://bucket/data.zarr \\
      --option endpoint=http://localhost:9000
  zarrctl copy s3://a/x.zarr s3://b/x.zarr --verify bytes
  zarrctl copy data.zarr part.zarr --include 'run1/**' --exclude '**/raw'
  zarrctl copy data.zarr day.zarr --region 'time=0:24'")]
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
    /// Copy these indices and ranges only; below a group, by the names of dimensions:
    /// arrays without them are copied whole
    #[arg(long, value_name = "SELECTION", allow_hyphen_values = true)]
    region: Option<String>,
    /// Remove chunks that only the copy has
    #[arg(long)]
    delete: bool,
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
    let (from, to) = context.open_with_target(&args.from, &args.to)?;
    let node = from.node()?;
    if to.hierarchy.store().is_read_only() {
        return Err(Failure::new(format!("{} cannot be written", args.to))
            .hint("copy to a directory or a bucket"));
    }
    if source::overlap(&args.from, &args.to) {
        let message = format!("{} and {} lie one in the other", args.from, args.to);
        return Err(Failure::new(message).hint("choose a place outside"));
    }
    let wanted = Filter::new(&args.include, &args.exclude)?.nodes(&node)?;
    let arrays = arrays(&node)?.into_iter();
    let mut arrays = arrays
        .filter(|array| wanted.contains(&array.path().metadata_key()))
        .collect::<Vec<_>>();
    let regions = regions(args, &node, &mut arrays)?;
    if !args.overwrite {
        check_target(&node, &to, &wanted, &regions)?;
    }
    let in_region = regions.iter().map(|(array, _)| array.path().prefix());
    let in_region = in_region.collect::<Vec<_>>();
    let takes = move |key: &str| {
        wanted.contains(key) && !in_region.iter().any(|prefix| key.starts_with(prefix))
    };
    let takes = std::sync::Arc::new(takes);
    let objects = match args.dry_run || context.shows_progress() {
        true => Some(listed(&from, &*takes)?),
        false => None,
    };
    if let Some(objects) = objects.as_ref().filter(|_| args.dry_run) {
        return would_copy(context, objects, &regions);
    }
    let progress = context.progress("copying", objects.map(|objects| objects.len() as u64));
    let (filter, everything) = (takes.clone(), args.is_whole());
    let options = Transfer {
        skip: match args.skip {
            Same::Never => Skip::Never,
            Same::Size => Skip::SameSize,
            Same::Bytes => Skip::SameBytes,
        },
        verify_bytes: args.verify == Check::Bytes,
        wanted: Some(Box::new(move |key| filter(key))),
    };
    let top = match regions.is_empty() {
        true => None,
        false => to.first_missing()?,
    };
    let mut done = from
        .hierarchy
        .transfer("", &to.hierarchy, &to.path, options, |_| progress.add(1))?;
    let mut elements = 0;
    for (array, region) in &regions {
        elements += copy_region(args, array, region, &to)?;
    }
    drop(progress);
    if let Some(top) = top.filter(|top| !top.is_empty()) {
        to.hierarchy.renew_copies_of(&top)?;
    }
    if !everything {
        consolidated_again(&to)?;
    }
    let in_arrays = |key: &String| {
        let is_below = |array: &Array| key.starts_with(&array.path().prefix());
        !key.ends_with("zarr.json") && !key.contains("/.z") && arrays.iter().any(is_below)
    };
    let mut stale = std::mem::take(&mut done.only_in_target);
    stale.retain(in_arrays);
    if args.delete {
        let keys = stale.iter().map(|key| source::join(&to.path, key));
        let keys = keys.collect::<Vec<_>>();
        zarr::blocking::runtime().block_on(to.hierarchy.store().delete_all(&keys))?;
    }
    let mut wrong = done.wrong.clone();
    match args.verify {
        Check::Sizes => wrong.extend(sizes(&from, &to, &*takes, everything)?),
        Check::Values => wrong.extend(values(&to, &arrays, &regions)?),
        Check::None | Check::Bytes => {}
    }
    let is_well = wrong.is_empty() && (args.delete || stale.is_empty());
    print(context, args, &done, &wrong, &stale, elements)?;
    Ok(Outcome::of(is_well))
}

impl Copy {
    fn is_whole(&self) -> bool {
        self.include.is_empty() && self.exclude.is_empty() && self.region.is_none()
    }
}

/// Returns the arrays at and below a node.
fn arrays(node: &Node) -> Result<Vec<Array>> {
    let group = match node {
        Node::Array(array) => return Ok(vec![array.clone()]),
        Node::Group(group) => group,
    };
    let documents = source::documents(node)?.into_iter();
    let arrays = documents.filter(|(_, it)| matches!(it, Ok(NodeMetadata::Array(_))));
    // An array that cannot be opened is copied all the same.
    let opened = arrays.filter_map(|(path, _)| group.array(path.as_str()).ok());
    Ok(opened.collect())
}

/// Takes the arrays of which a region is copied out of all arrays, with their regions.
fn regions(args: &Copy, node: &Node, arrays: &mut Vec<Array>) -> Result<Regions> {
    let Some(text) = &args.region else {
        return Ok(Vec::new());
    };
    let axes = selection::parse(text)?;
    let mut found = Vec::new();
    for array in std::mem::take(arrays) {
        let names = array.metadata().dimension_names().unwrap_or_default();
        let has = |axis: &&Axis| names.iter().flatten().any(|name| axis.name() == Some(name));
        let own = match node {
            Node::Array(_) => axes.clone(),
            Node::Group(_) => axes.iter().filter(has).cloned().collect::<Vec<_>>(),
        };
        match own.is_empty() {
            true => arrays.push(array),
            false => {
                let region = array.region(&own)?;
                found.push((array, region));
            }
        }
    }
    if found.is_empty() {
        return Err(
            Failure::new(format!("--region {text:?} selects in no array"))
                .hint("name the dimensions as in 'time=0:24'; print them with `zarrctl info`"),
        );
    }
    Ok(found)
}

/// Copies a region of an array; returns the number of elements.
fn copy_region(args: &Copy, array: &Array, region: &[Range<u64>], to: &Source) -> Result<u64> {
    let shape = region.iter().map(|range| range.end - range.start);
    let metadata = array.metadata().clone();
    let metadata = metadata.with_shape(&shape.collect::<Vec<_>>())?;
    let path = source::join(&to.path, array.path().as_str());
    let target = match to.hierarchy.create_like(&path, &metadata.into()) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => to.hierarchy.array(&path)?,
        created => created?.into_array()?,
    };
    let options = Rewrite {
        resume: args.skip != Same::Never,
        ..Rewrite::default()
    };
    let done = array.rewrite_to(&target, region, options, |_| {})?;
    Ok(done.copied)
}

fn would_copy(
    context: &Context,
    objects: &BTreeMap<String, u64>,
    regions: &Regions,
) -> Result<Outcome> {
    let (len, size) = (objects.len() as u64, objects.values().sum());
    let printed = json!({
        "objects": len, "nbytes": size, "dry_run": true,
        "regions": regions.iter().map(|(array, _)| array.path().to_string()).collect::<Vec<_>>(),
    });
    context.print(&printed, || {
        let parts = match regions.len() as u64 {
            0 => String::new(),
            len => format!(", and a region of {}", text::plural(len, "array")),
        };
        let objects = text::plural(len, "object");
        format!("would copy {objects} ({}){parts}\n", text::size(size))
    })?;
    Ok(Outcome::Well)
}

fn print(
    context: &Context,
    args: &Copy,
    done: &Transferred,
    wrong: &[String],
    stale: &[String],
    elements: u64,
) -> Result<()> {
    let mut printed = json!({
        "copied": done.copied, "copied_nbytes": done.copied_bytes,
        "skipped": done.skipped, "skipped_nbytes": done.skipped_bytes, "wrong": wrong,
        "only_in_copy": stale, "deleted": args.delete,
    });
    if args.region.is_some() {
        printed["elements"] = elements.into();
    }
    context.print(&printed, || {
        let wrong = wrong.iter().map(|key| format!("the copy differs: {key}\n"));
        let what = if args.delete {
            "deleted"
        } else {
            "only in the copy"
        };
        let stale_lines = stale.iter().map(|key| format!("{what}: {key}\n"));
        let mut lines = wrong.chain(stale_lines).collect::<String>();
        if !args.delete && !stale.is_empty() {
            lines += "remove these chunks, which the original does not store, with --delete\n";
        }
        let elements = match args.region {
            Some(_) => format!("; copied {} of regions", text::plural(elements, "element")),
            None => String::new(),
        };
        lines += &format!(
            "copied {} ({}), skipped {} ({}){elements}\n",
            text::plural(done.copied, "object"),
            text::size(done.copied_bytes),
            text::count(done.skipped),
            text::size(done.skipped_bytes)
        );
        lines
    })
}

/// Returns the keys, relative to the node, and sizes of objects.
fn listed(source: &Source, takes: &dyn Fn(&str) -> bool) -> Result<BTreeMap<String, u64>> {
    use futures::TryStreamExt;
    let prefix = source::join(&source.path, "x");
    let prefix = prefix.strip_suffix('x').unwrap_or_default();
    let entries = source.hierarchy.store().list(&source.path);
    let entries = entries.map_ok(|entry| {
        let key = entry.key.strip_prefix(prefix).unwrap_or(&entry.key);
        (key.to_owned(), entry.size)
    });
    let entries: Vec<(String, u64)> = zarr::blocking::runtime().block_on(entries.try_collect())?;
    Ok(entries.into_iter().filter(|(key, _)| takes(key)).collect())
}

fn sizes(
    from: &Source,
    to: &Source,
    takes: &dyn Fn(&str) -> bool,
    everything: bool,
) -> Result<Vec<String>> {
    let (ours, theirs) = (listed(from, takes)?, listed(to, takes)?);
    // Consolidated metadata of a part lists fewer nodes.
    let shrinks = |key: &str| !everything && ["zarr.json", ".zmetadata"].contains(&key);
    let differ = ours
        .into_iter()
        .filter(|(key, size)| theirs.get(key) != Some(size) && !shrinks(key));
    Ok(differ.map(|(key, _)| key).collect())
}

fn values(to: &Source, arrays: &[Array], regions: &Regions) -> Result<Vec<String>> {
    let whole = |array: &Array| array.shape().iter().map(|&len| 0..len).collect::<Vec<_>>();
    let arrays = arrays.iter().map(|array| (array, whole(array)));
    let regions = regions
        .iter()
        .map(|(array, region)| (array, region.clone()));
    let mut wrong = Vec::new();
    for (array, region) in arrays.chain(regions) {
        let path = array.path();
        let copy = to.hierarchy.array(&source::join(&to.path, path.as_str()))?;
        if array.value_digest(&region)? != copy.value_digest(..)? {
            wrong.push(path.to_string());
        }
    }
    Ok(wrong)
}
