//! `zarrctl cat` and `zarrctl head`: the values of a selection.

use clap::Args;
use serde::Serialize;
use serde_json::Value;
use zarr::blocking::Array;
use zarr::{AxisSelect, AxisSelection, Elements};

use crate::context::Context;
use crate::failure::{Failure, Outcome, Result};
use crate::selection::{self, Axis};
use crate::values;

/// Print the values of a selection as a table, CSV, JSON or NPY
#[derive(Debug, Args)]
#[command(after_help = concat!("\
Examples:
  zarrctl cat data.zarr/temperature '0,100:110,:5'
  zarrctl cat data.zarr/temperature 'time=0,lat=10:20' --csv
  zarrctl cat s3://bucket/data.zarr/mask '-1' --npy > mask.npy

Selections:
  '3,:,100:200:10'      an index, a whole dimension, and every tenth index
  'time=3,lat=10:20'    by dimension names, in any order; others are whole
  '-1'                  the last index of the first dimension
  'x=[0,5,9]'           a list of indices"))]
pub(crate) struct Cat {
    /// The array
    source: String,
    /// The selection; everything if it is left out
    #[arg(
        default_value = "",
        hide_default_value = true,
        allow_hyphen_values = true
    )]
    selection: String,
    #[command(flatten)]
    form: Form,
}

/// Print the first values along each dimension
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  zarrctl head data.zarr/temperature
  zarrctl head -n 3 data.zarr/temperature --csv")]
pub(crate) struct Head {
    /// The array
    source: String,
    /// The number of values along the last two dimensions; of the others, the first index
    #[arg(short = 'n', long, value_name = "NUMBER", default_value_t = 10)]
    lines: usize,
    #[command(flatten)]
    form: Form,
}

#[derive(Debug, Args)]
struct Form {
    /// Print one line for each value, with its indices
    #[arg(long, conflicts_with_all = ["npy", "json"])]
    csv: bool,
    /// Write a file of NumPy's format to stdout
    #[arg(long, conflicts_with = "json")]
    npy: bool,
    /// Print all rows of the table
    #[arg(long)]
    all: bool,
}

/// The rows of a table unless --all is given.
const ROWS: usize = 100;

#[derive(Serialize)]
struct Printed {
    path: String,
    data_type: String,
    shape: Vec<usize>,
    dimensions: Vec<String>,
    values: Value,
}

pub(crate) fn cat(context: &Context, args: &Cat) -> Result<Outcome> {
    let array = context.open(&args.source)?.array()?;
    let selection = selection::parse(&args.selection)?;
    print(context, &array, &selection, &args.form)
}

pub(crate) fn head(context: &Context, args: &Head) -> Result<Outcome> {
    let array = context.open(&args.source)?.array()?;
    let shape = array.shape().iter().enumerate();
    let lines = args.lines as u64;
    let axes = shape.map(|(axis, &len)| match axis + 2 < array.shape().len() {
        true => "0".to_owned(),
        false => format!(":{}", lines.min(len)),
    });
    let selection = selection::parse(&axes.collect::<Vec<_>>().join(","))?;
    print(context, &array, &selection, &args.form)
}

fn print(context: &Context, array: &Array, selection: &Vec<Axis>, form: &Form) -> Result<Outcome> {
    let elements = array.read_elements(selection)?;
    let axes = axes(array, selection, &elements)?;
    if form.npy {
        context.print_bytes(&values::npy(&elements)?)?;
    } else if form.csv {
        context.print_text(&values::csv(&elements, &axes))?;
    } else {
        let printed = Printed {
            path: array.path().to_string(),
            data_type: array.data_type().name().to_owned(),
            shape: elements.shape().to_vec(),
            dimensions: axes.iter().map(|(name, _)| name.clone()).collect(),
            values: if context.json {
                values::nested(&elements)
            } else {
                Value::Null
            },
        };
        let most = if form.all { usize::MAX } else { ROWS };
        context.print(&printed, || values::table(&elements, &axes, most))?;
    }
    Ok(Outcome::Well)
}

/// Returns the name of each dimension of a result, and the selected indices of the array along it.
pub(crate) fn axes(
    array: &Array,
    selection: &[Axis],
    elements: &Elements,
) -> Result<Vec<(String, Vec<u64>)>> {
    let names = array.metadata().dimension_names().unwrap_or_default();
    let name = |axis: usize| {
        let name = names.get(axis).cloned().flatten();
        name.unwrap_or_else(|| format!("dim_{axis}"))
    };
    let mut axes = Vec::new();
    for (axis, &len) in array.shape().iter().enumerate() {
        let named = |item: &&Axis| item.name() == Some(name(axis).as_str());
        let by_position = selection.get(axis).filter(|item| item.name().is_none());
        let item = selection.iter().find(named).or(by_position);
        let all = AxisSelection::Slice(zarr::Slice::all());
        let from = |index: isize| match u64::try_from(index) {
            Ok(index) => index.min(len),
            Err(_) => len.saturating_sub(index.unsigned_abs() as u64),
        };
        let indices = match item.map_or(all, AxisSelect::axis) {
            AxisSelection::Index(_) => continue,
            AxisSelection::Slice(slice) => {
                let end = slice.end.map_or(len, from);
                (from(slice.start)..end)
                    .step_by(slice.step.unsigned_abs())
                    .collect::<Vec<_>>()
            }
            AxisSelection::Indices(indices) => indices.into_iter().map(from).collect(),
            _ => return Err(Failure::new("this selection has no indices")),
        };
        axes.push((name(axis), indices));
    }
    let lengths = axes.iter().map(|(_, indices)| indices.len());
    match lengths.eq(elements.shape().iter().copied()) {
        true => Ok(axes),
        false => Err(Failure::new(
            "the selection and its result have different shapes",
        )),
    }
}
