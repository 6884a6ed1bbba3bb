//! Selections as text: `3,:,100:200:10`, or by dimension names, `time=3,lat=10:20`.

use clap::Args;
use zarr::{AxisSelect, AxisSelection, Slice};

use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::source::Source;

/// An array and a selection, as arguments.
#[derive(Debug, Args)]
pub(crate) struct Selected {
    /// The array
    source: String,
    /// The selection; everything if it is left out
    #[arg(
        default_value = "",
        hide_default_value = true,
        allow_hyphen_values = true
    )]
    selection: String,
}

impl Selected {
    pub(crate) fn open(&self, context: &Context) -> Result<(Source, Vec<Axis>)> {
        Ok((context.open(&self.source)?, parse(&self.selection)?))
    }
}

/// The selection along one dimension.
#[derive(Clone, Debug)]
pub(crate) struct Axis {
    name: Option<String>,
    selection: AxisSelection,
}

impl Axis {
    /// Returns a selection along the dimension of this name, or along the next dimension.
    pub(crate) fn at(name: Option<String>, selection: AxisSelection) -> Self {
        Self { name, selection }
    }
}

impl AxisSelect for Axis {
    fn axis(&self) -> AxisSelection {
        self.selection.clone()
    }

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }
}

/// Parses a selection; an empty text selects everything.
pub(crate) fn parse(text: &str) -> Result<Vec<Axis>> {
    let axes = split(text).into_iter().filter(|part| *part != "...");
    axes.map(|part| axis(text, part)).collect()
}

/// Splits at commas outside of brackets.
fn split(text: &str) -> Vec<&str> {
    let (mut parts, mut start, mut depth) = (Vec::new(), 0, 0);
    for (at, letter) in text.char_indices() {
        match letter {
            '[' => depth += 1,
            ']' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(text[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    let last = text[start..].trim();
    parts.extend((!last.is_empty()).then_some(last));
    parts
}

fn axis(whole: &str, part: &str) -> Result<Axis> {
    let (name, indices) = match part.split_once('=') {
        Some((name, indices)) => (Some(name.trim().to_owned()), indices.trim()),
        None => (None, part),
    };
    let selection = indices_of(indices).map_err(|wrong| {
        let place = if part == whole {
            String::new()
        } else {
            format!(" of {whole:?}")
        };
        Failure::new(format!("selection {part:?}{place}: {wrong}"))
            .hint("write an index, start:stop:step, [1,2,3] or NAME= before one of them")
    })?;
    Ok(Axis { name, selection })
}

fn indices_of(text: &str) -> Result<AxisSelection, String> {
    let number = |text: &str| {
        let wrong = || match text {
            "" => "an index is missing".to_owned(),
            _ => format!("{text:?} is no whole number"),
        };
        text.parse::<isize>().map_err(|_| wrong())
    };
    if let Some(list) = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'))
    {
        let indices = list.split(',').map(|index| number(index.trim()));
        return indices
            .collect::<Result<_, _>>()
            .map(AxisSelection::Indices);
    }
    if !text.contains(':') {
        return number(text).map(AxisSelection::Index);
    }
    let parts = text.split(':').map(str::trim).collect::<Vec<_>>();
    let bound = |at: usize| match parts.get(at) {
        None | Some(&"") => Ok(None),
        Some(bound) => number(bound).map(Some),
    };
    let (start, end, step) = (bound(0)?, bound(1)?, bound(2)?.unwrap_or(1));
    if parts.len() > 3 {
        return Err("a range has at most start, stop and step".to_owned());
    }
    if step <= 0 {
        return Err(format!("the step is {step}, and must be 1 or more"));
    }
    Ok(AxisSelection::Slice(Slice::new(
        start.unwrap_or(0),
        end,
        step,
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        match parse(text) {
            Ok(axes) => format!("{axes:?}").replace("Axis ", ""),
            Err(failure) => failure.message(),
        }
    }

    #[test]
    fn indices_slices_lists_and_names_are_parsed() {
        let slice = |start, end, step| {
            format!("Slice(Slice {{ start: {start}, end: {end}, step: {step} }})")
        };
        assert_eq!(shown(""), "[]");
        assert_eq!(shown("3"), "[{ name: None, selection: Index(3) }]");
        assert_eq!(shown(" -1 , ..."), "[{ name: None, selection: Index(-1) }]");
        let both = format!(
            "[{{ name: None, selection: {} }}, {{ name: None, selection: {} }}]",
            slice("0", "None", "1"),
            slice("100", "Some(200)", "10")
        );
        assert_eq!(shown(":,100:200:10"), both);
        assert_eq!(
            shown("x=[0, 5]"),
            "[{ name: Some(\"x\"), selection: Indices([0, 5]) }]"
        );
    }

    #[test]
    fn nonsense_is_refused_with_its_place() {
        for text in [
            "a", "1:2:3:4", "1:2:-1", "::0", "[1,x]", ",", "time=", "1.5",
        ] {
            assert!(
                shown(text).starts_with("selection "),
                "{text}: {}",
                shown(text)
            );
        }
    }
}
