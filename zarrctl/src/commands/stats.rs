//! `zarrctl stats`: statistics of the values of an array.

use clap::Args;
use serde_json::{Value, json};
use zarr::blocking::Array;
use zarr::core::DataTypeKind;
use zarr::{DataType, Number, Statistics};

use crate::context::Context;
use crate::failure::{Failure, Outcome, Result};
use crate::selection::Selected;
use crate::text;
use crate::values;

/// Print minimum, maximum, mean, standard deviation, NaN, fill and distinct values
#[derive(Debug, Args)]
#[command(after_help = "\
Reads a few chunks at a time and computes on all cores: memory stays bounded. A
selection has indices and ranges without steps.

Examples:
  zarrctl stats data.zarr/temperature
  zarrctl stats data.zarr/temperature 'time=0:24' --histogram 20
  zarrctl stats s3://bucket/data.zarr/mask --distinct 50 --json")]
pub(crate) struct Stats {
    #[command(flatten)]
    selected: Selected,
    /// Count up to this many distinct values
    #[arg(long, value_name = "NUMBER", default_value_t = 20)]
    distinct: usize,
    /// Count values in this many intervals; reads the array twice unless --range is given
    #[arg(long, value_name = "BINS")]
    histogram: Option<usize>,
    /// The lowest and the highest value of the histogram
    #[arg(long, num_args = 2, value_names = ["LOW", "HIGH"], allow_negative_numbers = true)]
    range: Option<Vec<f64>>,
}

struct Histogram {
    low: f64,
    high: f64,
    counts: Vec<u64>,
}

pub(crate) fn run(context: &Context, args: &Stats) -> Result<Outcome> {
    let (source, selection) = args.selected.open(context)?;
    let array = source.array()?;
    let bins = match (args.histogram, &args.range) {
        (Some(0), _) => {
            return Err(Failure::new("a histogram of no intervals").hint("give --histogram 10"));
        }
        (None, Some(_)) => Some(10),
        (bins, _) => bins,
    };
    let _progress = context.progress("reading", None);
    let found = array.statistics(&selection, args.distinct)?;
    let range = match args.range.as_deref() {
        Some([low, high]) if low <= high => Some((*low, *high)),
        Some(_) => {
            return Err(Failure::new("--range: LOW is above HIGH").hint("give --range LOW HIGH"));
        }
        None => found
            .min
            .zip(found.max)
            .map(|(low, high)| (low.to_f64(), high.to_f64())),
    };
    let range = range.filter(|(low, high)| low.is_finite() && high.is_finite());
    let histogram = match bins.zip(range) {
        Some((bins, (low, high))) => {
            let counts = array.histogram(&selection, low, high, bins)?;
            Some(Histogram { low, high, counts })
        }
        None => None,
    };
    let json = json(&array, &found, histogram.as_ref());
    context.print(&json, || {
        drawn(array.data_type(), &found, histogram.as_ref(), args.distinct)
    })?;
    Ok(Outcome::Well)
}

fn json(array: &Array, found: &Statistics, histogram: Option<&Histogram>) -> Value {
    let data_type = array.data_type();
    let number = |number| values::number(data_type, number);
    json!({
        "path": array.path().to_string(),
        "count": found.count, "fill": found.fill, "nan": found.nan, "infinite": found.infinite,
        "min": found.min.map(number), "max": found.max.map(number),
        "mean": found.mean.map(|mean| shown_mean(data_type, mean)), "std": found.std,
        "distinct": found.distinct.as_ref().map(Vec::len),
        "values": found.distinct.as_ref().map(|values| {
            let values = values.iter();
            values.map(|(value, count)| json!({"value": values::parsed(data_type, value), "count": count})).collect::<Vec<_>>()
        }),
        "histogram": histogram.map(|histogram| json!({
            "low": histogram.low, "high": histogram.high, "counts": histogram.counts,
        })),
    })
}

/// Returns a mean as JSON: of dates, as a date.
#[expect(clippy::cast_possible_truncation, reason = "casts of floats saturate")]
fn shown_mean(data_type: &DataType, mean: f64) -> Value {
    match data_type.kind() {
        DataTypeKind::Time => values::number(data_type, Number::Int(mean.round() as i128)),
        _ => values::float(mean),
    }
}

fn drawn(
    data_type: &DataType,
    found: &Statistics,
    histogram: Option<&Histogram>,
    most: usize,
) -> String {
    let of = |part: u64| {
        let percent = 100.0 * part as f64 / found.count.max(1) as f64;
        format!("{} ({percent:.1} %)", text::count(part))
    };
    let shown = |number: Option<Number>| match number {
        Some(Number::Float(value)) if value.is_finite() => value.to_string(),
        Some(number) => values::plain(&values::number(data_type, number)),
        None => "-".to_owned(),
    };
    let mean = |mean: f64| match data_type.kind() {
        DataTypeKind::Time => values::plain(&shown_mean(data_type, mean)),
        _ => mean.to_string(),
    };
    let dash = || "-".to_owned();
    let mut rows = vec![
        ("Count", text::count(found.count)),
        ("Fill value", of(found.fill)),
        ("NaN", of(found.nan)),
        ("Infinite", of(found.infinite)),
        ("Minimum", shown(found.min)),
        ("Maximum", shown(found.max)),
        ("Mean", found.mean.map_or_else(dash, mean)),
        (
            "Std. dev.",
            found.std.map_or_else(dash, |std| std.to_string()),
        ),
    ];
    match &found.distinct {
        Some(values) => {
            rows.push(("Distinct", text::count(values.len() as u64)));
            rows.extend(values.iter().map(|(value, count)| {
                let value = values::parsed(data_type, value);
                ("", format!("{value}: {}", of(*count)))
            }));
        }
        None => rows.push((
            "Distinct",
            format!("more than {}", text::count(most as u64)),
        )),
    }
    let mut drawn = text::members(rows);
    if let Some(histogram) = histogram {
        drawn.push('\n');
        drawn += &bars(histogram);
    }
    drawn
}

/// Draws a histogram as bars.
#[expect(clippy::cast_possible_truncation, reason = "casts of floats saturate")]
fn bars(histogram: &Histogram) -> String {
    let most = histogram.counts.iter().copied().max().unwrap_or(0).max(1);
    let step = (histogram.high - histogram.low) / histogram.counts.len() as f64;
    let rows = histogram.counts.iter().enumerate().map(|(bin, &count)| {
        let low = histogram.low + step * bin as f64;
        let len = (count as f64 * 40.0 / most as f64).round() as usize;
        vec![format!("{low:.6}"), "█".repeat(len), text::count(count)]
    });
    text::table(&["FROM", "", "COUNT"], rows.collect(), &[0, 2])
}
