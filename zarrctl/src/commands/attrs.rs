//! `zarrctl attrs`: reads and changes attributes.

use clap::{Args, Subcommand};
use serde_json::Value;
use zarr::Attributes;
use zarr::blocking::Node;

use super::info;
use crate::context::Context;
use crate::failure::{Failure, Outcome, Result};

/// Print, set or remove attributes
#[derive(Debug, Args)]
#[command(after_help = "\
A VALUE is JSON; text that is no JSON is a string. Consolidated metadata of
groups above is kept up to date.

Examples:
  zarrctl attrs get data.zarr/temperature
  zarrctl attrs get data.zarr/temperature units
  zarrctl attrs set data.zarr/temperature units=K 'range=[200, 330]'
  zarrctl attrs rm data.zarr/temperature comment")]
pub(crate) struct Attrs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Print all attributes, or one
    Get {
        /// The array or group
        source: String,
        /// The name of the attribute
        name: Option<String>,
    },
    /// Set attributes and keep all others
    Set {
        /// The array or group
        source: String,
        /// The attributes
        #[arg(required = true, value_name = "NAME=VALUE")]
        values: Vec<String>,
    },
    /// Remove attributes
    Rm {
        /// The array or group
        source: String,
        /// The names of the attributes
        #[arg(required = true, value_name = "NAME")]
        names: Vec<String>,
    },
}

pub(crate) fn run(context: &Context, args: &Attrs) -> Result<Outcome> {
    match &args.action {
        Action::Get { source, name } => get(context, source, name.as_deref()),
        Action::Set { source, values } => {
            let values = values
                .iter()
                .map(|value| parsed(value))
                .collect::<Result<Vec<_>>>()?;
            change(context, source, |attributes| {
                let mut attributes = attributes.clone();
                for (name, value) in &values {
                    attributes.set(name, value)?;
                }
                Ok(attributes)
            })
        }
        Action::Rm { source, names } => {
            let known = attributes_of(&context.open_in_hierarchy(source)?.node()?)?;
            if let Some(name) = names.iter().find(|name| known.get(name.as_str()).is_none()) {
                return Err(unknown(name, &known));
            }
            change(context, source, |attributes| {
                let mut attributes = attributes.clone();
                for name in names {
                    attributes.remove(name);
                }
                Ok(attributes)
            })
        }
    }
}

fn parsed(text: &str) -> Result<(String, Value)> {
    let parts = text.split_once('=').filter(|(name, _)| !name.is_empty());
    let (name, value) = parts.ok_or_else(|| {
        Failure::new(format!("{text:?} is no attribute")).hint("write NAME=VALUE, as in units=K")
    })?;
    let value = serde_json::from_str(value).unwrap_or_else(|_| value.into());
    Ok((name.to_owned(), value))
}

fn attributes_of(node: &Node) -> Result<Value> {
    match node {
        Node::Array(array) => info::attributes(array.attributes()),
        Node::Group(group) => info::attributes(group.attributes()),
    }
}

fn unknown(name: &str, known: &Value) -> Failure {
    let names = known
        .as_object()
        .map(|members| members.keys().cloned().collect::<Vec<_>>());
    let hint = match names.unwrap_or_default() {
        names if names.is_empty() => "the node has no attributes".to_owned(),
        names => format!("its attributes are {}", names.join(", ")),
    };
    Failure::new(format!("no attribute is named {name:?}")).hint(hint)
}

fn get(context: &Context, source: &str, name: Option<&str>) -> Result<Outcome> {
    let attributes = attributes_of(&context.open(source)?.node()?)?;
    let shown = match name {
        Some(name) => attributes
            .get(name)
            .ok_or_else(|| unknown(name, &attributes))?,
        None => &attributes,
    };
    match shown {
        // Shell scripts use strings without quotes.
        Value::String(text) if !context.json => context.print_text(&format!("{text}\n"))?,
        _ => context.print_json(shown)?,
    }
    Ok(Outcome::Well)
}

fn change(
    context: &Context,
    source: &str,
    change: impl Fn(&Attributes) -> zarr::Result<Attributes>,
) -> Result<Outcome> {
    let mut node = context.open_in_hierarchy(source)?.node()?;
    match &mut node {
        Node::Array(array) => array.change_attributes(change)?,
        Node::Group(group) => group.change_attributes(change)?,
    }
    if context.json {
        context.print_json(&attributes_of(&node)?)?;
    }
    Ok(Outcome::Well)
}
