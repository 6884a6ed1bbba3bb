//! `zarrctl checksum` and `zarrctl verify`: a manifest of objects and values, and its comparison
//! with a store.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use clap::Args;
use futures::stream::{self, StreamExt, TryStreamExt};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};
use zarr::blocking::{Node, runtime};
use zarr::check::{CheckOptions, Severity};
use zarr::store::ByteRange;
use zarr::{NodeKind, NodePath, Store};

use crate::context::Context;
use crate::failure::{Failure, Outcome, Result};
use crate::progress::Progress;
use crate::source::Source;
use crate::text;

/// Print a manifest: keys, sizes and SHA-256 digests of all objects, and digests of values
#[derive(Debug, Args)]
#[command(after_help = "\
The digest of the values of an array does not depend on chunks, codecs or
stores: copies with other chunks have equal digests. docs/zarrctl.md describes
the format.

Examples:
  zarrctl checksum data.zarr > manifest.json
  zarrctl checksum s3://bucket/data.zarr --values --no-objects > values.json
  zarrctl checksum data.zarr --sizes > sizes.json")]
pub(crate) struct Checksum {
    /// The array or group
    source: String,
    /// List sizes only: reads no objects
    #[arg(long, conflicts_with = "no_objects")]
    sizes: bool,
    /// Add digests of the values of arrays: decodes all chunks
    #[arg(long)]
    values: bool,
    /// Leave out the objects
    #[arg(long)]
    no_objects: bool,
}

/// Compare a store with a manifest
#[derive(Debug, Args)]
#[command(after_help = "\
Compares what the manifest has: sizes, digests of objects, digests of values.
Exit code 1 if anything differs.

Examples:
  zarrctl verify s3://bucket/copy.zarr manifest.json
  zarrctl verify s3://bucket/copy.zarr manifest.json --sizes")]
pub(crate) struct Verify {
    /// The array or group
    source: String,
    /// The manifest
    manifest: PathBuf,
    /// Compare sizes only: reads no objects
    #[arg(long)]
    sizes: bool,
}

/// A manifest.
#[derive(Default, Serialize, Deserialize)]
struct Manifest {
    /// The version of the format: 1.
    zarrctl_manifest: u32,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    objects: BTreeMap<String, Object>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    arrays: BTreeMap<String, Values>,
}

#[derive(Clone, PartialEq, Serialize, Deserialize)]
struct Object {
    size: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sha256: Option<String>,
}

#[derive(Clone, PartialEq, Serialize, Deserialize)]
struct Values {
    shape: Vec<u64>,
    data_type: String,
    values: String,
}

pub(crate) fn checksum(context: &Context, args: &Checksum) -> Result<Outcome> {
    let source = context.open(&args.source)?;
    let mut manifest = Manifest {
        zarrctl_manifest: 1,
        ..Manifest::default()
    };
    let node = source.node()?;
    if !args.no_objects {
        manifest.objects = sizes(&source)?;
        if !args.sizes {
            let failed = digests(context, &source, &mut manifest.objects);
            if let Some((_, failure)) = failed.into_iter().next() {
                return Err(failure);
            }
        }
    }
    if args.values {
        for path in arrays(&node)? {
            manifest
                .arrays
                .insert(path.to_string(), values(&source, &path)?);
        }
    }
    context.print_json(&manifest)?;
    Ok(Outcome::Well)
}

pub(crate) fn verify(context: &Context, args: &Verify) -> Result<Outcome> {
    let place = |error: String| Failure::new(format!("{}: {error}", args.manifest.display()));
    let text = std::fs::read(&args.manifest).map_err(|error| place(error.to_string()))?;
    let manifest: Manifest = serde_json::from_slice(&text).map_err(|error| {
        place(error.to_string()).hint("make a manifest with `zarrctl checksum SOURCE > FILE`")
    })?;
    if manifest.zarrctl_manifest != 1 {
        return Err(place(format!(
            "a manifest of version {}, and 1 is known",
            manifest.zarrctl_manifest
        )));
    }
    let source = context.open(&args.source)?;
    let mut findings: Vec<(String, String)> = Vec::new();
    if !manifest.objects.is_empty() {
        objects_verified(context, args, &source, &manifest.objects, &mut findings)?;
    }
    let mut damaged = false;
    for (path, expected) in manifest.arrays.iter().filter(|_| !args.sizes) {
        let found = NodePath::parse(path)
            .map_err(Into::into)
            .and_then(|path| values(&source, &path));
        let finding = match found {
            Ok(found) if found == *expected => continue,
            Ok(_) => "values differ".to_owned(),
            Err(Failure::Engine(error)) if error.kind() == zarr::ErrorKind::NodeNotFound => {
                "missing".to_owned()
            }
            Err(failure) => {
                damaged = true;
                format!("values cannot be read ({})", failure.message())
            }
        };
        findings.push((path.clone(), finding));
    }
    if damaged {
        // The values of an array end at its first damaged chunk: a check finds all.
        let report = zarr::blocking::check(&source.hierarchy, CheckOptions { deep: true });
        let errors = report.findings.into_iter();
        let errors = errors.filter(|finding| finding.severity == Severity::Error);
        let keys = errors
            .filter_map(|finding| finding.key)
            .collect::<BTreeSet<_>>();
        findings.extend(keys.into_iter().map(|key| (key, "damaged".to_owned())));
    }
    let printed = json!({
        "objects": manifest.objects.len(), "arrays": manifest.arrays.len(),
        "findings": findings.iter().map(|(key, what)| json!({"key": key, "finding": what})).collect::<Vec<_>>(),
    });
    context.print(&printed, || {
        let lines = findings
            .iter()
            .map(|(key, what)| text::folded(&format!("{what}: {key}")));
        let compared = format!(
            "{} and {} compared, {} found\n",
            text::plural(manifest.objects.len() as u64, "object"),
            text::plural(manifest.arrays.len() as u64, "array"),
            text::plural(findings.len() as u64, "difference"),
        );
        lines.chain([compared]).collect()
    })?;
    Ok(Outcome::of(findings.is_empty()))
}

fn objects_verified(
    context: &Context,
    args: &Verify,
    source: &Source,
    expected: &BTreeMap<String, Object>,
    findings: &mut Vec<(String, String)>,
) -> Result<()> {
    let found = sizes(source)?;
    let mut equal = BTreeMap::new();
    for (key, object) in expected {
        match found.get(key) {
            None => findings.push((key.clone(), "missing".to_owned())),
            Some(other) if other.size != object.size => {
                findings.push((key.clone(), "size differs".to_owned()))
            }
            Some(other) if object.sha256.is_some() => {
                drop(equal.insert(key.clone(), other.clone()))
            }
            Some(_) => {}
        }
    }
    let more = found.keys().filter(|key| !expected.contains_key(*key));
    findings.extend(more.map(|key| (key.clone(), "not in the manifest".to_owned())));
    if !args.sizes {
        for (key, failure) in digests(context, source, &mut equal) {
            equal.remove(&key);
            findings.push((key, format!("cannot be read ({})", failure.message())));
        }
        let differ = equal
            .iter()
            .filter(|(key, object)| expected.get(*key) != Some(*object));
        findings.extend(differ.map(|(key, _)| (key.clone(), "bytes differ".to_owned())));
    }
    Ok(())
}

/// Lists the objects with their sizes.
fn sizes(source: &Source) -> Result<BTreeMap<String, Object>> {
    let listing = source.hierarchy.store().list(&source.path);
    let objects = listing.map_ok(|entry| {
        (
            entry.key,
            Object {
                size: entry.size,
                sha256: None,
            },
        )
    });
    Ok(runtime().block_on(objects.try_collect())?)
}

/// Reads the objects and adds their digests. Returns the keys that cannot be read.
fn digests(
    context: &Context,
    source: &Source,
    objects: &mut BTreeMap<String, Object>,
) -> Vec<(String, Failure)> {
    let store = source.hierarchy.store();
    let progress = context.progress("reading objects", Some(objects.len() as u64));
    let progress: &Progress = &progress;
    let read = stream::iter(objects.iter_mut()).map(|(key, object)| async move {
        let digest = digest(store, key).await;
        progress.add(1);
        match digest {
            Ok(found) => *object = found,
            Err(failure) => return Some((key.clone(), failure)),
        }
        None
    });
    let at_once = store.cost_model().max_in_flight.clamp(4, 32);
    let failed = read
        .buffer_unordered(at_once)
        .filter_map(async |failed| failed);
    runtime().block_on(failed.collect())
}

async fn digest(store: &Store, key: &str) -> Result<Object> {
    let body = store.get(key, &ByteRange::All, None).await?;
    let body = body.ok_or_else(|| Failure::new(format!("{key}: deleted while it was read")))?;
    let size = body.object_size;
    let digest = tokio::task::spawn_blocking(move || hex(&Sha256::digest(&body.bytes))).await;
    let sha256 = Some(digest.map_err(|error| Failure::new(error.to_string()))?);
    Ok(Object { size, sha256 })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Returns the paths of the arrays at and below a node.
pub(crate) fn arrays(node: &Node) -> Result<Vec<NodePath>> {
    match node {
        Node::Array(array) => Ok(vec![array.path().clone()]),
        Node::Group(group) => {
            let nodes = group.walk()?.into_iter();
            let arrays = nodes.filter(|(_, kind)| *kind == NodeKind::Array);
            Ok(arrays.map(|(path, _)| path).collect())
        }
    }
}

fn values(source: &Source, path: &NodePath) -> Result<Values> {
    let array = source.hierarchy.array(path.as_str())?;
    Ok(Values {
        shape: array.shape().to_vec(),
        data_type: array.data_type().to_string(),
        values: array.value_digest(..)?.to_string(),
    })
}
