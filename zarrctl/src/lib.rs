//! `zarrctl`: look into, check, repair, copy, rechunk and compare any Zarr store from the shell.
//!
//! [`main_with`] runs the command line, so that other programs can offer it too. `cli` defines the
//! command line; `commands` has one file for each subcommand; `context` opens stores and writes
//! results, and `failure` turns errors into messages that say what to do next. Everything that
//! concerns arrays is done by `zarr-engine`.

mod cli;
mod codecs;
mod commands;
mod context;
mod dates;
mod describe;
mod failure;
mod filter;
mod global;
mod heat_map;
mod npy;
mod progress;
mod selection;
mod source;
mod stream;
mod tables;
mod text;
mod values;

use std::ffi::OsString;

use clap::Parser;

use cli::Cli;
use context::Context;
use failure::Outcome;

/// Runs `zarrctl` with the arguments of a process, of which the first is the program's name.
/// Returns the exit code: 0 if all is well, 1 for findings or differences, 2 for a failure.
#[must_use]
pub fn main_with(args: impl IntoIterator<Item = impl Into<OsString> + Clone>) -> u8 {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => {
            let code = if error.use_stderr() { 2 } else { 0 };
            // A closed pipe is no reason to report anything.
            let _ = error.print();
            return code;
        }
    };
    let context = Context::new(&cli.global);
    let result = cli.command.run(&context);
    context.finish();
    match result {
        Ok(Outcome::Well) => 0,
        Ok(Outcome::Findings) => 1,
        Err(failure) => {
            context.report(&failure);
            failure.code()
        }
    }
}
