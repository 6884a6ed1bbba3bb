//! What every subcommand uses: opens sources, writes results and messages.

use std::cell::RefCell;
use std::io::{self, IsTerminal, Write};

use serde::Serialize;

use crate::failure::{Failure, Result};
use crate::global::{Color, Global};
use crate::progress::Progress;
use crate::source::{self, Source};
use crate::text;

/// The options of a run, and the stores that it opened.
pub(crate) struct Context {
    options: Vec<(String, String)>,
    pub(crate) json: bool,
    quiet: bool,
    verbose: u8,
    color: Color,
    opened: RefCell<Vec<Source>>,
}

impl Context {
    pub(crate) fn new(global: &Global) -> Self {
        let mut options = global.options.clone();
        let profile = global.profile.iter();
        options.extend(profile.map(|name| ("profile".to_owned(), name.clone())));
        Self {
            options,
            json: global.json,
            quiet: global.quiet,
            verbose: global.verbose,
            color: global.color,
            opened: RefCell::default(),
        }
    }

    /// Opens the store at a source, with the node as root.
    pub(crate) fn open(&self, given: &str) -> Result<Source> {
        self.noted(Source::open(given, &self.options)?)
    }

    /// Opens the hierarchy of a node that is to be changed.
    pub(crate) fn open_in_hierarchy(&self, given: &str) -> Result<Source> {
        self.noted(Source::open_in_hierarchy(given, &self.options)?)
    }

    /// Opens two sources. The options are those of the stores that have options: if one of the two
    /// is local, it gets none.
    pub(crate) fn open_two(&self, first: &str, second: &str) -> Result<(Source, Source)> {
        let open = |given, other| self.noted(Source::open(given, self.options_of(given, other))?);
        Ok((open(first, second)?, open(second, first)?))
    }

    /// Opens a source, and the hierarchy of a node that is to be made from it.
    pub(crate) fn open_with_target(&self, from: &str, to: &str) -> Result<(Source, Source)> {
        let source = self.noted(Source::open(from, self.options_of(from, to))?)?;
        let target = Source::open_in_hierarchy(to, self.options_of(to, from))?;
        Ok((source, self.noted(target)?))
    }

    fn options_of(&self, given: &str, other: &str) -> &[(String, String)] {
        let takes_none = zarr::Store::is_path(given) && !zarr::Store::is_path(other);
        if takes_none { &[] } else { &self.options }
    }

    fn noted(&self, source: Source) -> Result<Source> {
        self.opened.borrow_mut().push(source.clone());
        Ok(source)
    }

    /// Returns whether requests are logged.
    pub(crate) fn verbose(&self) -> bool {
        self.verbose > 0
    }

    /// Prints the result of a run: as JSON if asked for, else as text. A reader that closes the
    /// output does not change the outcome of the run.
    pub(crate) fn print(&self, json: &impl Serialize, text: impl FnOnce() -> String) -> Result<()> {
        let printed = match self.json {
            true => self.print_json(json),
            false => self.print_text(&text()),
        };
        match printed {
            Err(Failure::ClosedPipe) => Ok(()),
            printed => printed,
        }
    }

    pub(crate) fn print_json(&self, json: &impl Serialize) -> Result<()> {
        self.print_with(|out| {
            serde_json::to_writer_pretty(&mut *out, json)?;
            Ok(out.write_all(b"\n")?)
        })
    }

    /// Writes to stdout through a buffer.
    pub(crate) fn print_with(
        &self,
        write: impl FnOnce(&mut dyn Write) -> Result<()>,
    ) -> Result<()> {
        let mut out = io::BufWriter::new(io::stdout().lock());
        write(&mut out)?;
        Ok(out.flush()?)
    }

    /// Writes text to stdout as it is.
    pub(crate) fn print_text(&self, text: &str) -> Result<()> {
        self.print_bytes(text.as_bytes())
    }

    pub(crate) fn print_bytes(&self, bytes: &[u8]) -> Result<()> {
        self.print_with(|out| Ok(out.write_all(bytes)?))
    }

    /// Writes a note to stderr, unless the run is quiet.
    pub(crate) fn note(&self, text: &str) {
        if !self.quiet {
            complain(&text::folded(text));
        }
    }

    /// Returns whether progress is shown.
    pub(crate) fn shows_progress(&self) -> bool {
        !self.quiet && io::stderr().is_terminal()
    }

    /// Returns the progress of a task of `len` steps, or of an unknown number of steps.
    pub(crate) fn progress(&self, what: &'static str, len: Option<u64>) -> Progress {
        Progress::new(what, len, self.shows_progress())
    }

    /// Asks before something is destroyed, unless `yes`.
    pub(crate) fn confirm(&self, question: &str, yes: bool) -> Result<()> {
        if yes {
            return Ok(());
        }
        if !io::stdin().is_terminal() {
            return Err(Failure::new(question).hint("add --yes to do it without a question"));
        }
        complain(&format!("{question} [y/N] "));
        let mut answer = String::new();
        io::stdin().read_line(&mut answer)?;
        match answer.trim().to_ascii_lowercase().as_str() {
            "y" | "yes" => Ok(()),
            _ => Err(Failure::new("nothing was changed")),
        }
    }

    /// Prints an error to stderr.
    pub(crate) fn report(&self, failure: &Failure) {
        if matches!(failure, Failure::ClosedPipe) {
            return;
        }
        if self.json {
            let message = self.placed(failure);
            complain(&format!("{}\n", failure.json(&message)));
            return;
        }
        let (red, end) = if self.has_color() {
            ("\x1b[1;31m", "\x1b[0m")
        } else {
            ("", "")
        };
        let message = self.placed(failure);
        let message = text::folded(&format!("error: {message}"));
        complain(&message.replacen("error:", &format!("{red}error:{end}"), 1));
        if let Some(next) = failure.next() {
            complain(&text::folded(&format!("  next: {next}")));
        }
    }

    /// Names the source in a message about its root node or one of its objects: `/` and relative
    /// keys say nothing to users.
    pub(crate) fn placed(&self, failure: &Failure) -> String {
        let message = failure.message();
        let opened = self.opened.borrow();
        let rest = message.strip_prefix('/').unwrap_or_default();
        let [source] = opened.as_slice() else {
            return rest.strip_prefix(": ").unwrap_or(&message).to_owned();
        };
        let place = source.location().trim_end_matches('/');
        let key = match failure {
            Failure::Engine(error) => error.key(),
            _ => None,
        };
        match key.filter(|key| message.starts_with(key) && !message.starts_with(place)) {
            _ if !source.path.is_empty() => message,
            Some(_) => format!("{place}/{message}"),
            None if rest.starts_with(": ") || rest.starts_with(" is ") => format!("{place}{rest}"),
            None => message,
        }
    }

    fn has_color(&self) -> bool {
        self.colors(io::stderr().is_terminal())
    }

    /// Returns whether results may use colours.
    pub(crate) fn has_colors_on_stdout(&self) -> bool {
        self.colors(io::stdout().is_terminal())
    }

    fn colors(&self, is_terminal: bool) -> bool {
        match self.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => {
                let off = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
                !off && is_terminal
            }
        }
    }

    /// Prints the requests of the run to stderr if asked for.
    pub(crate) fn finish(&self) {
        if self.verbose == 0 {
            return;
        }
        let mut buckets = Vec::new();
        for source in self.opened.borrow().iter() {
            // Sources in one bucket share a client, and its counts.
            let bucket = source::bucket(&source.given).map(|(bucket, _)| bucket.to_owned());
            if bucket.is_some() && buckets.contains(&bucket) {
                continue;
            }
            let counts = source.hierarchy.store().requests();
            complain(&format!(
                "{}: {} gets, {} heads, {} lists, {} puts, {} deletes; {} bytes read, {} written\n",
                bucket.as_deref().unwrap_or(source.location()),
                counts.gets,
                counts.heads,
                counts.lists,
                counts.puts,
                counts.deletes,
                counts.bytes_read,
                counts.bytes_written,
            ));
            buckets.push(bucket);
        }
    }
}

/// Writes to stderr. A closed stderr ends no run: half a repair or copy would be worse.
pub(crate) fn complain(text: &str) {
    // Nobody is left to be told.
    let _ = io::stderr().write_all(text.as_bytes());
}
