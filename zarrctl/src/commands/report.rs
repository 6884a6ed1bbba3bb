//! `zarrctl report`: one HTML file about a hierarchy.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use zarr::blocking::Array;
use zarr::{NodeUsage, Statistics, Usage};

use crate::context::Context;
use crate::describe::Described;
use crate::failure::{Failure, Outcome, Result};
use crate::heat_map;
use crate::source::Source;
use crate::text::{self, escaped};

/// Write one HTML file: tree, sizes, map of shards, histograms, plans of typical reads
#[derive(Debug, Args)]
#[command(after_help = "\
The file needs no network and no other files. A name that ends in .svg writes
the maps and histograms as one picture.

Examples:
  zarrctl report data.zarr report.html
  zarrctl report data.zarr report.svg
  zarrctl report s3://bucket/data.zarr report.html --no-values")]
pub(crate) struct Report {
    /// The array or group
    source: String,
    /// The file to write
    file: PathBuf,
    /// Do not read chunks: leave out the histograms
    #[arg(long)]
    no_values: bool,
    /// Describe at most this many arrays in detail
    #[arg(long, value_name = "NUMBER", default_value_t = 50)]
    arrays: usize,
    /// Read at most this many shard indexes of each array
    #[arg(long, value_name = "NUMBER", default_value_t = 1000)]
    indexes: usize,
}

const STYLE: &str = "\
body{font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;color:#222}\
table{border-collapse:collapse;margin:.5rem 0}td,th{padding:.15rem .8rem .15rem 0;text-align:left;\
vertical-align:top}td.n,th.n{text-align:right}h2{border-top:1px solid #ccc;padding-top:1rem}\
code,pre{font:13px/1.4 ui-monospace,monospace}pre{background:#f5f5f5;padding:.6rem;overflow:auto}\
a{color:#245}@media(prefers-color-scheme:dark){body{background:#181818;color:#ddd}pre{background:#252525}\
a{color:#9bd}}";

/// The intervals of a histogram.
const BINS: usize = 40;

pub(crate) fn run(context: &Context, args: &Report) -> Result<Outcome> {
    let source = context.open(&args.source)?;
    let nodes = source.hierarchy.usage("")?;
    let arrays = nodes
        .iter()
        .filter(|node| is_array(node))
        .collect::<Vec<_>>();
    let shown = &arrays[..arrays.len().min(args.arrays)];
    let is_picture = args.file.extension().is_some_and(|ending| ending == "svg");
    if is_picture {
        let picture = picture(args, &source, shown)?;
        return write(context, args, shown.len(), &picture);
    }
    let mut html = head(&source, &nodes);
    let progress = context.progress("describing arrays", Some(shown.len() as u64));
    for node in shown {
        html += &match source.hierarchy.array(node.path.as_str()) {
            Ok(array) => array_section(args, &array, &node.usage)?,
            Err(error) => format!(
                "<h2>{}</h2><p>{}</p>",
                escaped(&node.path.to_string()),
                escaped(&error.to_string())
            ),
        };
        progress.add(1);
    }
    drop(progress);
    if shown.len() < arrays.len() {
        html += &format!(
            "<p>{} more arrays are not described.</p>",
            arrays.len() - shown.len()
        );
    }
    html += "</body></html>\n";
    write(context, args, shown.len(), &html)
}

fn write(context: &Context, args: &Report, arrays: usize, html: &str) -> Result<Outcome> {
    std::fs::write(&args.file, html)
        .map_err(|error| Failure::new(format!("{}: {error}", args.file.display())))?;
    let printed =
        json!({"file": args.file.display().to_string(), "arrays": arrays, "nbytes": html.len()});
    context.print(&printed, || {
        format!(
            "wrote {} ({})\n",
            args.file.display(),
            text::size(html.len() as u64)
        )
    })?;
    Ok(Outcome::Well)
}

fn is_array(node: &NodeUsage) -> bool {
    matches!(node.document, Ok(zarr::NodeMetadata::Array(_)))
}

fn head(source: &Source, nodes: &[NodeUsage]) -> String {
    let mut total = Usage::default();
    nodes.iter().for_each(|node| total.add(&node.usage));
    let place = escaped(source.location());
    let mut html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width\"><title>{place}</title><style>{STYLE}</style></head><body>\
         <h1>{place}</h1><p>{} in {}, {}.</p><table><tr><th>Node</th><th>Description</th>\
         <th class=\"n\">Stored</th><th class=\"n\">Objects</th></tr>",
        text::size(total.bytes()),
        text::plural(total.objects(), "object"),
        text::plural(nodes.len() as u64, "node"),
    );
    for node in nodes {
        let described = Described::new(&node.path, &node.document);
        let path = escaped(&described.path);
        let name = match is_array(node) {
            true => format!("<a href=\"#{path}\">{path}</a>"),
            false => path,
        };
        html += &format!(
            "<tr><td><code>{name}</code></td><td>{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td></tr>",
            escaped(&described.line()),
            text::size(node.usage.bytes()),
            text::count(node.usage.objects()),
        );
    }
    html + "</table>"
}

fn array_section(args: &Report, array: &Array, usage: &Usage) -> Result<String> {
    let path = escaped(&array.path().to_string());
    let mut html = format!("<h2 id=\"{path}\">{path}</h2><table>");
    let described = crate::describe::DescribedArray::new(array.metadata());
    let grid = array.grid_shape();
    let all = grid.iter().fold(1_u64, |all, &len| all.saturating_mul(len));
    let rows = [
        ("Shape", text::shape(&described.shape)),
        ("Data type", described.data_type.clone()),
        (
            "Fill value",
            array.data_type().fill_value_to_json(array.fill_value()),
        ),
        (
            "Chunks",
            described
                .chunk_shape
                .as_deref()
                .map(text::shape)
                .unwrap_or_default(),
        ),
        (
            "Shards",
            described
                .shard_shape
                .as_deref()
                .map(text::shape)
                .unwrap_or_default(),
        ),
        ("Codecs", described.codecs.join(", ")),
        (
            "Stored",
            format!(
                "{} of {} chunks or shards, {}",
                text::count(usage.chunks),
                text::count(all),
                text::size(usage.chunk_bytes)
            ),
        ),
    ];
    for (name, value) in rows.iter().filter(|(_, value)| !value.is_empty()) {
        html += &format!("<tr><th>{name}</th><td>{}</td></tr>", escaped(value));
    }
    html += "</table>";
    let attributes = super::info::attributes(array.attributes())?;
    if attributes
        .as_object()
        .is_some_and(|members| !members.is_empty())
    {
        let text = serde_json::to_string_pretty(&attributes)?;
        html += &format!(
            "<details><summary>Attributes</summary><pre>{}</pre></details>",
            escaped(&text)
        );
    }
    html += "<h3>Stored chunks</h3>";
    html += &match array.stored(args.indexes) {
        Ok(stored) => heat_map::html(array, &stored),
        // A damaged index: the report goes on.
        Err(error) => format!("<p>{}</p>", escaped(&error.to_string())),
    };
    if !args.no_values {
        html += &match values(array) {
            Ok(html) => html,
            Err(error) => format!("<p>{}</p>", escaped(&error.message())),
        };
    }
    Ok(html + &plans(array))
}

/// Returns one SVG with a row for each array: its description, the map of its chunks, and the
/// histogram of its values.
fn picture(args: &Report, source: &Source, arrays: &[&NodeUsage]) -> Result<String> {
    const ROW: f64 = 190.0;
    let mut rows = String::new();
    for (number, node) in arrays.iter().enumerate() {
        let top = number as f64 * ROW;
        let described = Described::new(&node.path, &node.document);
        let title = escaped(&format!("{}  {}", described.path, described.line()));
        rows += &format!("<text x=\"10\" y=\"{}\">{title}</text>", top + 18.0);
        let Ok(array) = source.hierarchy.array(node.path.as_str()) else {
            continue;
        };
        let stored = array.stored(args.indexes)?;
        if let Some((map, _)) = heat_map::map(&array, &stored) {
            rows += &map.placed([10.0, top + 30.0], [330.0, 140.0]);
        }
        if !args.no_values
            && let Some((low, high, counts)) = histogram(&array, &array.statistics(.., 0)?)?
        {
            rows += &heat_map::bars(low, high, &counts).placed([370.0, top + 30.0], [420.0, 120.0]);
            let bounds = format!("{low} to {high}");
            rows += &format!("<text x=\"370\" y=\"{}\">{bounds}</text>", top + 138.0);
        }
    }
    let height = ROW * arrays.len().max(1) as f64;
    Ok(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"800\" height=\"{height}\" \
         font-family=\"sans-serif\" font-size=\"13\" fill=\"#222\">\
         <rect width=\"800\" height=\"{height}\" fill=\"#fff\"/>{rows}</svg>\n"
    ))
}

/// Returns the counts of numbers between the lowest and the highest, if both are finite.
fn histogram(array: &Array, found: &Statistics) -> Result<Option<(f64, f64, Vec<u64>)>> {
    let bounds = found.min.zip(found.max);
    let bounds = bounds.map(|(low, high)| (low.to_f64(), high.to_f64()));
    let Some((low, high)) = bounds.filter(|(low, high)| low.is_finite() && high.is_finite()) else {
        return Ok(None);
    };
    Ok(Some((low, high, array.histogram(.., low, high, BINS)?)))
}

/// Returns statistics and a histogram; nothing for elements that are no numbers.
fn values(array: &Array) -> Result<String> {
    let found = array.statistics(.., 0)?;
    let (Some(low), Some(high)) = (found.min, found.max) else {
        return Ok(String::new());
    };
    let (low, high) = (low.to_f64(), high.to_f64());
    let mut html = format!(
        "<h3>Values</h3><p>{low} to {high}, mean {:.6}, standard deviation {:.6}; {} NaN, {} fill values of {}.</p>",
        found.mean.unwrap_or(f64::NAN),
        found.std.unwrap_or(f64::NAN),
        text::count(found.nan),
        text::count(found.fill),
        text::count(found.count),
    );
    if let Some((low, high, counts)) = histogram(array, &found)? {
        html += &heat_map::bars(low, high, &counts).html();
    }
    Ok(html)
}

/// Returns the plans of reads of one index of each dimension, and of everything.
fn plans(array: &Array) -> String {
    let rank = array.shape().len();
    let names = array.metadata().dimension_names().unwrap_or_default();
    let mut html = "<h3>Typical reads</h3><table><tr><th>Read</th><th class=\"n\">Objects</th>\
                    <th class=\"n\">Requests</th><th class=\"n\">Wanted</th><th class=\"n\">Decoded</th>\
                    <th class=\"n\">Amplification</th></tr>"
        .to_owned();
    let one = (0..rank.min(6))
        .filter(|&axis| array.shape()[axis] > 0)
        .map(|axis| {
            let name = names
                .get(axis)
                .cloned()
                .flatten()
                .unwrap_or_else(|| format!("dimension {axis}"));
            let ranges = array.shape().iter().enumerate();
            let ranges = ranges.map(|(at, &len)| {
                if at == axis {
                    len / 2..len / 2 + 1
                } else {
                    0..len
                }
            });
            (format!("one index of {name}"), ranges.collect::<Vec<_>>())
        });
    let all = array.shape().iter().map(|&len| 0..len).collect();
    let item = array.data_type().fixed_size().unwrap_or(0) as u64;
    for (name, ranges) in one.chain([("everything".to_owned(), all)]) {
        let Ok(plan) = array.plan_read(&ranges) else {
            continue;
        };
        let cost = plan.cost();
        html += &format!(
            "<tr><td>{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td>\
             <td class=\"n\">{}</td><td class=\"n\">{:.1}</td></tr>",
            escaped(&name),
            text::count(cost.objects),
            text::count(cost.requests),
            text::size(cost.wanted.saturating_mul(item)),
            text::size(cost.decoded.saturating_mul(item)),
            cost.decoded as f64 / cost.wanted.max(1) as f64,
        );
    }
    html + "</table>"
}
