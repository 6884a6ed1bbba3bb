//! The place of a copy: whether it may be written, and its consolidated metadata.

use std::collections::BTreeMap;
use std::ops::Range;

use serde_json::Value;
use serde_json::value::RawValue;
use zarr::blocking::{Array, Node};
use zarr::{ErrorKind, NodeMetadata, NodePath};

use crate::failure::{Failure, Result};
use crate::filter::Wanted;
use crate::source::{self, Source};

/// The arrays of which a region is copied, with their regions.
pub(super) type Regions = Vec<(Array, Vec<Range<u64>>)>;

/// Refuses to copy over nodes of another kind, format or layout: the copy would destroy them, or mix
/// their chunks with its own.
pub(super) fn check_target(
    node: &Node,
    to: &Source,
    wanted: &Wanted,
    regions: &Regions,
) -> Result<()> {
    let target = match to.node() {
        Ok(target) => valid(&target)?,
        Err(Failure::Engine(error)) if error.kind() == ErrorKind::NodeNotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let mut ours = valid(node)?;
    for (array, region) in regions {
        let lengths = region.iter().map(|range| range.end - range.start);
        let metadata = array
            .metadata()
            .clone()
            .with_shape(&lengths.collect::<Vec<_>>())?;
        ours.insert(array.path().clone(), metadata.into());
    }
    let has_shape = |path: &NodePath| regions.iter().any(|(array, _)| array.path() == path);
    let other = ours.into_iter().find(|(path, ours)| {
        let theirs = target.get(path);
        let differs = |it: &NodeMetadata| !is_alike(ours, it, has_shape(path));
        wanted.contains(&path.metadata_key()) && theirs.is_some_and(differs)
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

/// Returns the valid documents of a node and below it.
fn valid(node: &Node) -> Result<BTreeMap<NodePath, NodeMetadata>> {
    let documents = source::documents(node)?.into_iter();
    Ok(documents
        .filter_map(|(path, document)| Some((path, document.ok()?)))
        .collect())
}

/// Whether two nodes store their chunks alike, so that one may be a copy of the other.
fn is_alike(one: &NodeMetadata, other: &NodeMetadata, in_shape: bool) -> bool {
    const LAYOUT: [&str; 6] = [
        "data_type",
        "chunk_grid",
        "chunk_key_encoding",
        "fill_value",
        "codecs",
        "shape",
    ];
    let (ours, theirs) = (one.members(), other.members());
    // Bare words such as NaN are no JSON.
    let value_of = |value: Option<&RawValue>| {
        let value = value?.get();
        Some(serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.to_owned())))
    };
    one.zarr_2().is_some() == other.zarr_2().is_some()
        && match (one, other) {
            (NodeMetadata::Group(_), NodeMetadata::Group(_)) => true,
            (NodeMetadata::Array(_), NodeMetadata::Array(_)) => {
                let is_equal = |name: &&str| value_of(ours.get(name)) == value_of(theirs.get(name));
                LAYOUT[..if in_shape { 6 } else { 5 }].iter().all(is_equal)
            }
            _ => false,
        }
}

/// Consolidates the copy of a part of a hierarchy again if the original was: the copied metadata
/// lists nodes that were left out.
pub(super) fn consolidated_again(to: &Source) -> Result<()> {
    let Node::Group(mut group) = to.node()? else {
        return Ok(());
    };
    if group.metadata().consolidated().is_some() {
        group.consolidate()?;
    }
    Ok(())
}
