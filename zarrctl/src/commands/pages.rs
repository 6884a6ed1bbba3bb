//! `zarrctl completions` and `zarrctl man`: made from the definitions of the command line.

use std::path::PathBuf;

use clap::{Args, Command};
use clap_complete::Shell;

use crate::context::Context;
use crate::failure::{Failure, Outcome, Result};

/// Print completions for a shell
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  zarrctl completions bash > ~/.local/share/bash-completion/completions/zarrctl
  zarrctl completions zsh > ~/.zfunc/_zarrctl
  zarrctl completions fish > ~/.config/fish/completions/zarrctl.fish")]
pub(crate) struct Completions {
    /// The shell
    shell: Shell,
}

/// Print the manual page, or write the pages of all subcommands to a directory
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  zarrctl man | man -l -
  zarrctl man --directory ~/.local/share/man/man1")]
pub(crate) struct Man {
    /// Write the pages of all subcommands to this directory
    #[arg(long, value_name = "PATH")]
    directory: Option<PathBuf>,
}

pub(crate) fn completions(
    context: &Context,
    args: &Completions,
    mut command: Command,
) -> Result<Outcome> {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut command, "zarrctl", &mut text);
    context.print_bytes(&text)?;
    Ok(Outcome::Well)
}

pub(crate) fn man(context: &Context, args: &Man, command: Command) -> Result<Outcome> {
    let Some(directory) = &args.directory else {
        let mut page = Vec::new();
        clap_mangen::Man::new(command).render(&mut page)?;
        context.print_bytes(&page)?;
        return Ok(Outcome::Well);
    };
    let write = std::fs::create_dir_all(directory)
        .and_then(|()| clap_mangen::generate_to(command, directory));
    let place = |error| Failure::new(format!("{}: {error}", directory.display()));
    write.map_err(place)?;
    Ok(Outcome::Well)
}
