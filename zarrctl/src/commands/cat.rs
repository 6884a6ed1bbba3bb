//! `zarrctl cat` and `zarrctl head`: the values of a selection.

use clap::Args;
use serde::Serialize;
use zarr::blocking::Array;

use crate::context::Context;
use crate::failure::{Outcome, Result};
use crate::selection::{self, Axis, Selected};
use crate::stream::Stream;
use crate::{npy, tables};

/// Print the values of a selection as a table, CSV, JSON or NPY
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  zarrctl cat data.zarr/temperature '0,100:110,:5'
  zarrctl cat data.zarr/temperature 'time=0,lat=10:20' --csv
  zarrctl cat s3://bucket/data.zarr/mask '-1' --npy > mask.npy

Elements are read a part at a time: the output may be larger than memory. Dates
are printed in ISO 8601, and bytes in base64.

Selections:
  '3,:,100:200:10'      an index, a whole dimension, and every tenth index
  'time=3,lat=10:20'    by dimension names, in any order; others are whole
  '-1'                  the last index of the first dimension
  'x=[0,5,9]'           a list of indices")]
pub(crate) struct Cat {
    #[command(flatten)]
    selected: Selected,
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
const ROWS: u64 = 100;

#[derive(Serialize)]
struct Printed<'a> {
    path: String,
    data_type: &'a str,
    shape: &'a [u64],
    dimensions: &'a [String],
    values: &'a Stream<'a>,
}

pub(crate) fn cat(context: &Context, args: &Cat) -> Result<Outcome> {
    let (source, selection) = args.selected.open(context)?;
    let array = source.array()?;
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
    let stream = Stream::new(array, selection)?;
    if form.npy {
        context.print_with(|out| npy::write(array.data_type(), &stream, out))?;
    } else if form.csv {
        context.print_with(|out| tables::write_csv(&stream, out))?;
    } else if context.json {
        context.print_json(&Printed {
            path: array.path().to_string(),
            data_type: array.data_type().name(),
            shape: stream.shape(),
            dimensions: stream.names(),
            values: &stream,
        })?;
    } else {
        let most = if form.all { u64::MAX } else { ROWS };
        context.print_text(&tables::table(&stream, most)?)?;
    }
    Ok(Outcome::Well)
}
