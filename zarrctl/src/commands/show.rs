//! `zarrctl show`: a slice of two dimensions as a picture.

use std::io::{BufWriter, Write};
use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use zarr::blocking::Array;
use zarr::{AxisSelect, AxisSelection, Elements, Slice};

use crate::context::Context;
use crate::failure::{Failure, Outcome, Result};
use crate::selection::{self, Axis};
use crate::text;

/// Draw a slice of two dimensions in the terminal, or as a PNG file
#[derive(Debug, Args)]
#[command(after_help = "\
The lowest value is black and the highest white; NaN is blue in a PNG file.
Large slices are thinned out.

Examples:
  zarrctl show data.zarr/temperature 'time=0'
  zarrctl show data.zarr/image '0,:,:' --png image.png --range 0 255")]
pub(crate) struct Show {
    /// The array
    source: String,
    /// The selection, of two dimensions; by default the first of all but the last two
    #[arg(allow_hyphen_values = true)]
    selection: Option<String>,
    /// Write a PNG file instead
    #[arg(long, value_name = "FILE")]
    png: Option<PathBuf>,
    /// The values drawn in black and in white; by default the lowest and the highest
    #[arg(long, num_args = 2, value_names = ["LOW", "HIGH"], allow_negative_numbers = true)]
    range: Option<Vec<f64>>,
    /// The most columns of the picture
    #[arg(long, value_name = "NUMBER")]
    width: Option<usize>,
}

/// The most rows and columns of a PNG file unless a width is given.
const PIXELS: usize = 4096;

/// The most rows of text.
const LINES: usize = 40;

/// Characters from dark to light, for terminals without colours.
const RAMP: &[u8] = b" .:-=+*#%@";

pub(crate) fn run(context: &Context, args: &Show) -> Result<Outcome> {
    let array = context.open(&args.source)?.array()?;
    let width = args.width.unwrap_or(if args.png.is_some() {
        PIXELS
    } else {
        text::WIDTH.into()
    });
    // A character is about twice as high as wide; half blocks have two rows in a line.
    let rows_per_line = if context.has_colors_on_stdout() { 2 } else { 1 };
    let height = if args.png.is_some() {
        width
    } else {
        LINES * rows_per_line
    };
    let picture = Picture::read(
        &array,
        args.selection.as_deref(),
        width.max(1),
        height,
        rows_per_line,
        args.png.is_some(),
    )?;
    let (low, high) = match args.range.as_deref() {
        Some([low, high]) => (*low, *high),
        _ => picture.bounds(),
    };
    let summary = json!({
        "path": array.path().to_string(), "shape": [picture.rows, picture.columns],
        "every": picture.every, "low": low, "high": high,
        "file": args.png.as_ref().map(|path| path.display().to_string()),
    });
    if let Some(path) = &args.png {
        let place = |error: String| Failure::new(format!("{}: {error}", path.display()));
        let file = std::fs::File::create(path).map_err(|error| place(error.to_string()))?;
        picture
            .write_png(BufWriter::new(file), low, high)
            .map_err(place)?;
    }
    context.print(&summary, || match &args.png {
        Some(path) => format!(
            "{}: {} x {} pixels, {low} to {high}\n",
            path.display(),
            picture.columns,
            picture.rows
        ),
        None if context.has_colors_on_stdout() => {
            picture.blocks(low, high) + &picture.legend(low, high)
        }
        None => picture.ramp(low, high) + &picture.legend(low, high),
    })?;
    Ok(Outcome::Well)
}

struct Picture {
    rows: usize,
    columns: usize,
    /// The distance between drawn rows and columns.
    every: [usize; 2],
    values: Vec<f64>,
}

impl Picture {
    /// Reads the selection with steps, so that it fits the picture.
    fn read(
        array: &Array,
        given: Option<&str>,
        width: usize,
        height: usize,
        rows_per_line: usize,
        square: bool,
    ) -> Result<Self> {
        let rank = array.shape().len();
        let text = given.map_or_else(
            || vec!["0"; rank.saturating_sub(2)].join(","),
            str::to_owned,
        );
        let mut selection = selection::parse(&text)?;
        let shape = array.view(&selection)?.shape().to_vec();
        let shape = shape
            .iter()
            .map(|&len| usize::try_from(len).unwrap_or(usize::MAX))
            .collect::<Vec<_>>();
        let &[rows, columns] = &shape[..] else {
            let message = format!(
                "{text:?} selects {} dimensions of {}",
                shape.len(),
                text::shape(array.shape())
            );
            return Err(
                Failure::new(message).hint("select two: give an index for each of the others")
            );
        };
        let mut step = [rows.div_ceil(height).max(1), columns.div_ceil(width).max(1)];
        if square || rows_per_line == 2 {
            step = [step[0].max(step[1]); 2];
        } else {
            // One row of text stands for two columns.
            step = [
                step[0].max(2 * step[1]).max(1),
                step[1].max(step[0].div_ceil(2)),
            ];
        }
        selection = thinned(array, selection, step)?;
        let elements = array.read::<Elements>(&selection)?;
        let mut values = Vec::with_capacity(elements.len());
        if !elements.each_number(|number| values.push(number.to_f64())) {
            let message = format!("elements of {} cannot be drawn", array.data_type());
            return Err(Failure::new(message).hint("print them with `zarrctl cat`"));
        }
        Ok(Self {
            rows: elements.shape()[0],
            columns: elements.shape()[1],
            every: step,
            values,
        })
    }

    fn bounds(&self) -> (f64, f64) {
        let finite = self
            .values
            .iter()
            .copied()
            .filter(|value| value.is_finite());
        let (low, high) = finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
            (low.min(value), high.max(value))
        });
        if low > high { (0.0, 0.0) } else { (low, high) }
    }

    /// Returns the shade of a place, from 0 to 1; `None` for NaN and outside the picture.
    fn shade(&self, row: usize, column: usize, low: f64, high: f64) -> Option<f64> {
        let value = *self
            .values
            .get(row * self.columns + column)
            .filter(|value| !value.is_nan())?;
        let shade = if high > low {
            (value - low) / (high - low)
        } else {
            0.5
        };
        Some(shade.clamp(0.0, 1.0))
    }

    #[expect(clippy::cast_possible_truncation, reason = "casts of floats saturate")]
    fn ramp(&self, low: f64, high: f64) -> String {
        let letter = |row: usize, column: usize| match self.shade(row, column, low, high) {
            Some(shade) => {
                char::from(RAMP[((shade * RAMP.len() as f64) as usize).min(RAMP.len() - 1)])
            }
            None => '?',
        };
        let line = |row: usize| {
            (0..self.columns)
                .map(|column| letter(row, column))
                .collect::<String>()
        };
        (0..self.rows)
            .map(|row| line(row).trim_end().to_owned() + "\n")
            .collect()
    }

    fn blocks(&self, low: f64, high: f64) -> String {
        let color = |row: usize, column: usize| {
            let shade = if row < self.rows {
                self.shade(row, column, low, high)
            } else {
                Some(0.0)
            };
            shade.map_or("0;0;160".to_owned(), |shade| {
                let level = byte(shade);
                format!("{level};{level};{level}")
            })
        };
        let mut drawn = String::new();
        for row in (0..self.rows).step_by(2) {
            for column in 0..self.columns {
                drawn += &format!(
                    "\x1b[38;2;{}m\x1b[48;2;{}m▀",
                    color(row, column),
                    color(row + 1, column)
                );
            }
            drawn += "\x1b[0m\n";
        }
        drawn
    }

    fn legend(&self, low: f64, high: f64) -> String {
        let every = match self.every {
            [1, 1] => String::new(),
            [rows, columns] => format!("; 1 of {rows} rows and 1 of {columns} columns"),
        };
        format!("{low} (dark) to {high} (light){every}\n")
    }

    fn write_png(&self, file: impl Write, low: f64, high: f64) -> Result<(), String> {
        let mut pixels = Vec::with_capacity(self.values.len() * 3);
        for row in 0..self.rows {
            for column in 0..self.columns {
                match self.shade(row, column, low, high) {
                    Some(shade) => pixels.extend([byte(shade); 3]),
                    None => pixels.extend([0, 0, 160]),
                }
            }
        }
        let len = |len: usize| u32::try_from(len).map_err(|_| "too large for PNG".to_owned());
        let mut encoder = png::Encoder::new(file, len(self.columns)?, len(self.rows)?);
        encoder.set_color(png::ColorType::Rgb);
        let mut writer = encoder.write_header().map_err(|error| error.to_string())?;
        writer
            .write_image_data(&pixels)
            .map_err(|error| error.to_string())?;
        writer.finish().map_err(|error| error.to_string())
    }
}

#[expect(clippy::cast_possible_truncation, reason = "casts of floats saturate")]
fn byte(shade: f64) -> u8 {
    (shade * 255.0).round() as u8
}

/// Gives the two selected slices a step.
fn thinned(array: &Array, selection: Vec<Axis>, step: [usize; 2]) -> Result<Vec<Axis>> {
    if step == [1, 1] {
        return Ok(selection);
    }
    let names = array.metadata().dimension_names().unwrap_or_default();
    let mut steps = step.into_iter();
    let axes = (0..array.shape().len()).map(|axis| {
        let name = names.get(axis).cloned().flatten();
        let named = selection
            .iter()
            .find(|item| item.name().is_some() && item.name() == name.as_deref());
        let by_position = selection.get(axis).filter(|item| item.name().is_none());
        let item = named.or(by_position).map(AxisSelect::axis);
        let wanted = match item.unwrap_or(AxisSelection::Slice(Slice::all())) {
            AxisSelection::Slice(slice) => {
                let step = isize::try_from(steps.next().unwrap_or(1)).unwrap_or(isize::MAX);
                AxisSelection::Slice(Slice {
                    step: slice.step.saturating_mul(step),
                    ..slice
                })
            }
            AxisSelection::Indices(indices) => {
                let step = steps.next().unwrap_or(1);
                AxisSelection::Indices(indices.into_iter().step_by(step).collect())
            }
            other => other,
        };
        Axis::at(None, wanted)
    });
    Ok(axes.collect())
}
