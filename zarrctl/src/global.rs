//! The options of every subcommand.

use clap::{ArgAction, Args, ValueEnum};

/// Options of every subcommand.
#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// Set an option of the store, such as region=eu-west-1 or endpoint=http://...; repeatable
    #[arg(long = "option", value_name = "NAME=VALUE", value_parser = option, global = true)]
    pub(crate) options: Vec<(String, String)>,
    /// Use this profile of ~/.aws
    #[arg(long, value_name = "NAME", global = true)]
    pub(crate) profile: Option<String>,
    /// Print JSON; docs/zarrctl.md lists the members
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Print no progress and no notes
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Print the number of requests and bytes to stderr
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub(crate) verbose: u8,
    /// Colour messages; NO_COLOR turns colours off, too
    #[arg(long, value_name = "WHEN", global = true, default_value = "auto")]
    pub(crate) color: Color,
}

/// When to use colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    Auto,
    Always,
    Never,
}

fn option(text: &str) -> Result<(String, String), &'static str> {
    let parts = text.split_once('=').filter(|(name, _)| !name.is_empty());
    let (name, value) = parts.ok_or("expected NAME=VALUE, as in region=eu-west-1")?;
    Ok((name.to_owned(), value.to_owned()))
}
