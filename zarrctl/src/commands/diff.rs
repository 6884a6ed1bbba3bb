//! `zarrctl diff`: differences between two nodes or hierarchies.

use std::collections::BTreeMap;

use clap::Args;
use serde::Serialize;
use serde_json::Value;
use zarr::blocking::Array;
use zarr::{NodeMetadata, NodePath, Tolerance};

use crate::context::Context;
use crate::failure::{Failure, Outcome, Result};
use crate::selection;
use crate::source::{Source, documents};
use crate::text;
use crate::values;

/// Compare metadata and values of two nodes or hierarchies
#[derive(Debug, Args)]
#[command(after_help = "\
NaN equals NaN. Two numbers are equal if |A - B| <= atol + rtol * |B|; |A - B|
of complex numbers is their distance. Exit code 1 if anything differs.

Examples:
  zarrctl diff old.zarr new.zarr
  zarrctl diff old.zarr/t s3://bucket/new.zarr/t --values --rtol 1e-6
  zarrctl diff a.zarr b.zarr --metadata --json")]
pub(crate) struct Diff {
    /// The first node
    a: String,
    /// The second node
    b: String,
    /// Compare metadata only: reads no chunks
    #[arg(long, conflicts_with = "values")]
    metadata: bool,
    /// Compare values only: chunks, codecs and attributes may differ
    #[arg(long)]
    values: bool,
    /// Compare the values of these indices and ranges
    #[arg(
        long,
        value_name = "SELECTION",
        default_value = "",
        hide_default_value = true,
        allow_hyphen_values = true
    )]
    region: String,
    /// The absolute tolerance
    #[arg(long, value_name = "NUMBER", default_value = "0", value_parser = tolerance)]
    atol: f64,
    /// The relative tolerance
    #[arg(long, value_name = "NUMBER", default_value = "0", value_parser = tolerance)]
    rtol: f64,
    /// Print this many differing elements of each array
    #[arg(long, value_name = "NUMBER", default_value_t = 10)]
    first: usize,
}

/// A node that differs.
#[derive(Default, Serialize)]
struct Finding {
    path: String,
    /// `only in a`, `only in b`, or null if both have the node.
    missing: Option<&'static str>,
    /// The members of the documents that differ.
    members: Vec<Member>,
    /// The differing elements.
    values: Option<Values>,
    /// The reason why the node cannot be compared.
    error: Option<String>,
}

#[derive(Serialize)]
struct Member {
    name: String,
    a: Value,
    b: Value,
}

#[derive(Serialize)]
struct Values {
    compared: u64,
    different: u64,
    largest: Option<Value>,
    first: Vec<Element>,
}

#[derive(Serialize)]
struct Element {
    index: Vec<u64>,
    a: Value,
    b: Value,
}

#[derive(Serialize)]
struct Printed {
    a: String,
    b: String,
    nodes: usize,
    differences: Vec<Finding>,
}

pub(crate) fn run(context: &Context, args: &Diff) -> Result<Outcome> {
    let (a, b) = context.open_two(&args.a, &args.b)?;
    let (ours, theirs) = (documents(&a.node()?)?, documents(&b.node()?)?);
    let progress = context.progress("comparing nodes", Some(ours.len() as u64));
    let mut differences = Vec::new();
    for (path, document) in &ours {
        let finding = match theirs.get(path) {
            None => Some(Finding {
                path: path.to_string(),
                missing: Some("only in a"),
                ..Finding::default()
            }),
            Some(other) => compared(args, (&a, &b), path, document, other)?,
        };
        differences.extend(finding);
        progress.add(1);
    }
    let added = theirs.keys().filter(|path| !ours.contains_key(path));
    differences.extend(added.map(|path| Finding {
        path: path.to_string(),
        missing: Some("only in b"),
        ..Finding::default()
    }));
    let printed = Printed {
        a: a.location().to_owned(),
        b: b.location().to_owned(),
        nodes: ours.len(),
        differences,
    };
    drop(progress);
    context.print(&printed, || drawn(&printed))?;
    Ok(Outcome::of(printed.differences.is_empty()))
}

fn compared(
    args: &Diff,
    (a, b): (&Source, &Source),
    path: &NodePath,
    ours: &zarr::Result<NodeMetadata>,
    theirs: &zarr::Result<NodeMetadata>,
) -> Result<Option<Finding>> {
    let mut finding = Finding {
        path: path.to_string(),
        ..Finding::default()
    };
    let (ours, theirs) = match (ours, theirs) {
        (Ok(ours), Ok(theirs)) => (ours, theirs),
        (ours, theirs) => {
            let error = ours.as_ref().err().or(theirs.as_ref().err());
            finding.error = error.map(ToString::to_string);
            return Ok(Some(finding));
        }
    };
    if !args.values && !ours.means_the_same(theirs) {
        finding.members = members(ours, theirs);
    }
    let are_arrays = matches!(
        (ours, theirs),
        (NodeMetadata::Array(_), NodeMetadata::Array(_))
    );
    if !args.metadata && are_arrays {
        let arrays = a
            .hierarchy
            .array(path.as_str())
            .and_then(|ours| Ok((ours, b.hierarchy.array(path.as_str())?)));
        match arrays
            .map_err(Into::into)
            .and_then(|(ours, theirs)| compared_values(args, &ours, &theirs))
        {
            Ok(found) => finding.values = found,
            Err(Failure::Engine(error)) => finding.error = Some(error.root().to_string()),
            Err(error) => finding.error = Some(error.message()),
        }
    } else if args.values && std::mem::discriminant(ours) != std::mem::discriminant(theirs) {
        finding.members = members(ours, theirs);
    }
    let differs =
        !finding.members.is_empty() || finding.values.is_some() || finding.error.is_some();
    Ok(differs.then_some(finding))
}

/// Parses a tolerance.
fn tolerance(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok().filter(|number| *number >= 0.0);
    number.ok_or_else(|| "a tolerance is 0 or more, as in 1e-6".to_owned())
}

fn compared_values(args: &Diff, ours: &Array, theirs: &Array) -> Result<Option<Values>> {
    let tolerance = Tolerance {
        absolute: args.atol,
        relative: args.rtol,
    };
    let region = selection::parse(&args.region)?;
    let found = ours.differences(theirs, &region, tolerance, args.first)?;
    Ok((found.different > 0).then(|| Values {
        compared: found.compared,
        different: found.different,
        largest: found.largest.map(values::float),
        first: found
            .first
            .into_iter()
            .map(|(index, a, b)| Element {
                index,
                a: values::parsed(ours.data_type(), &a),
                b: values::parsed(theirs.data_type(), &b),
            })
            .collect(),
    }))
}

/// Returns the members whose values differ as JSON.
fn members(ours: &NodeMetadata, theirs: &NodeMetadata) -> Vec<Member> {
    let values = |node: &NodeMetadata| {
        let members = node.members().iter();
        let members = members.filter(|(name, _)| *name != "consolidated_metadata");
        let parsed = members.map(|(name, value)| {
            (
                name.to_owned(),
                serde_json::from_str(value.get()).unwrap_or(Value::Null),
            )
        });
        parsed.collect::<BTreeMap<String, Value>>()
    };
    let (mut ours, mut theirs) = (values(ours), values(theirs));
    let names = ours
        .keys()
        .chain(theirs.keys())
        .cloned()
        .collect::<std::collections::BTreeSet<_>>();
    let members = names.into_iter().filter_map(|name| {
        let (a, b) = (
            ours.remove(&name).unwrap_or(Value::Null),
            theirs.remove(&name).unwrap_or(Value::Null),
        );
        (a != b).then_some(Member { name, a, b })
    });
    members.collect()
}

fn drawn(printed: &Printed) -> String {
    if printed.differences.is_empty() {
        return format!(
            "no differences in {}\n",
            text::plural(printed.nodes as u64, "node")
        );
    }
    let mut drawn = format!("a: {}\nb: {}\n", printed.a, printed.b);
    for finding in &printed.differences {
        match (finding.missing, &finding.error) {
            (Some(missing), _) => drawn += &format!("{}: {missing}\n", finding.path),
            (None, Some(error)) => drawn += &text::folded(&format!("{}: {error}", finding.path)),
            (None, None) => drawn += &format!("{}\n", finding.path),
        }
        for member in &finding.members {
            drawn += &format!("  {}\n", member.name);
            for (name, value) in [("a", &member.a), ("b", &member.b)] {
                let line = format!("    {name}: {value}");
                drawn += &(text::cut(&line) + "\n");
            }
        }
        if let Some(values) = &finding.values {
            drawn += &of_values(values);
        }
    }
    drawn
}

fn of_values(values: &Values) -> String {
    let (different, compared) = (text::count(values.different), text::count(values.compared));
    let largest = values
        .largest
        .as_ref()
        .map(|largest| match largest.as_f64() {
            Some(number) => format!(", by {number} at most"),
            None => format!(", by {} at most", values::plain(largest)),
        });
    let mut drawn = format!(
        "  {different} of {compared} elements differ{}\n",
        largest.unwrap_or_default()
    );
    let rows = values.first.iter().map(|element| {
        vec![
            format!("  {:?}", element.index),
            element.a.to_string(),
            element.b.to_string(),
        ]
    });
    drawn += &text::table(&["  INDEX", "A", "B"], rows.collect(), &[1, 2]);
    let more = values.different - values.first.len() as u64;
    if more > 0 {
        drawn += &format!(
            "  and {} more; print them with --first\n",
            text::count(more)
        );
    }
    drawn
}
