//! `zarrctl check`: findings in a store, by rule.

use std::fmt::Write;
use std::path::PathBuf;

use clap::Args;
use zarr::check::{CheckOptions, Finding, Report, Severity, rules};
use zarr::{NodePath, blocking};

use crate::context::Context;
use crate::failure::{Failure, Outcome, Result};
use crate::source;
use crate::text;

/// Check a store against every rule of Zarr 3 and Zarr 2
#[derive(Debug, Args)]
#[command(after_help = "\
Checks documents, consolidated metadata, keys, the sizes of chunks and the
indexes of shards; with --deep, decodes every chunk. Missing chunks are legal.
Exit code 1 means errors or warnings; notes alone give 0.

Examples:
  zarrctl check data.zarr
  zarrctl check s3://bucket/data.zarr --deep --json
  zarrctl check data.zarr --junit report.xml
  zarrctl check --rules")]
pub(crate) struct Check {
    /// The group or array
    #[arg(required_unless_present = "rules")]
    source: Option<String>,
    /// Read and decode all chunks
    #[arg(long)]
    deep: bool,
    /// Write a report in the format of JUnit to this file, too
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Print all rules, and check nothing
    #[arg(long)]
    rules: bool,
}

pub(crate) fn run(context: &Context, args: &Check) -> Result<Outcome> {
    let Some(given) = args.source.as_ref().filter(|_| !args.rules) else {
        context.print(&rules(), list_of_rules)?;
        return Ok(Outcome::Well);
    };
    let source = context.open(given)?;
    source.expect_place()?;
    let report = blocking::check(&source.hierarchy, CheckOptions { deep: args.deep });
    if let Some(file) = &args.junit {
        let place = |error| Failure::new(format!("{}: {error}", file.display()));
        std::fs::write(file, junit(&report)).map_err(place)?;
    }
    context.print(&report, || drawn(&report, source.location()))?;
    if report.findings.iter().any(|finding| finding.repairable) {
        context.note(&format!("see what can be repaired: zarrctl repair {given}"));
    }
    Ok(Outcome::of(report.is_clean()))
}

fn list_of_rules() -> String {
    let row = |rule: &&zarr::check::Rule| {
        let severity = name(rule.severity).to_owned();
        vec![rule.name.to_owned(), severity, rule.about.to_owned()]
    };
    let rows = rules().iter().map(row).collect();
    text::table(&["RULE", "SEVERITY", "FINDS"], rows, &[])
}

fn name(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    }
}

/// Returns the place of a finding in its node: object and inner chunk.
fn place(finding: &Finding) -> String {
    let mut place = finding.key.clone().unwrap_or_default();
    for cell in finding.inner_chunk.iter().chain(&finding.nested) {
        // Writing to a String cannot fail.
        let _ = write!(place, ", inner chunk {cell:?}");
    }
    place
}

/// Returns the place of a node for users: the path or URL that leads to it.
pub(super) fn at(location: &str, node: &NodePath) -> String {
    source::join(location.trim_end_matches('/'), node.as_str())
}

fn drawn(report: &Report, location: &str) -> String {
    let mut drawn = String::new();
    for finding in &report.findings {
        let severity = name(finding.severity);
        let mut lines = vec![format!(
            "{severity}: {} at {}",
            finding.rule,
            at(location, &finding.node)
        )];
        let inside = [place(finding), finding.message.clone()];
        let inside = inside.iter().filter(|line| !line.is_empty());
        lines.extend(inside.map(|line| format!("  {line}")));
        lines.iter_mut().for_each(|line| *line = visible(line));
        if finding.severity != Severity::Note {
            lines.push(format!("  to do: {}", finding.advice));
        }
        let folded = lines.iter().map(|line| text::folded(line));
        drawn += &folded.collect::<String>();
    }
    let counts = [Severity::Error, Severity::Warning, Severity::Note]
        .map(|severity| text::plural(report.count(severity) as u64, name(severity)));
    let checked = [
        text::plural(report.arrays, "array"),
        text::plural(report.groups, "group"),
        text::plural(report.objects, "object"),
        text::size(report.bytes),
    ];
    drawn + &format!("{} in {}\n", counts.join(", "), checked.join(", "))
}

/// Returns text whose control characters, which names of objects may have, are escaped.
pub(super) fn visible(text: &str) -> String {
    let letters = text.chars().map(|letter| match letter {
        '\n' | '\t' => letter.to_string(),
        letter if letter.is_control() => letter.escape_default().to_string(),
        letter => letter.to_string(),
    });
    letters.collect()
}

/// Returns the report in the format of JUnit: one test case for each rule, failed by its errors and
/// warnings.
fn junit(report: &Report) -> String {
    let mut cases = String::new();
    let mut failed = 0;
    for rule in rules() {
        let found = report.findings.iter();
        let found = found.filter(|f| f.rule == rule.name && f.severity != Severity::Note);
        let found = found.collect::<Vec<_>>();
        let _ = write!(
            cases,
            "  <testcase classname=\"zarrctl\" name=\"{}\"",
            rule.name
        );
        if found.is_empty() {
            cases += "/>\n";
            continue;
        }
        failed += 1;
        cases += ">\n";
        for finding in found {
            let place = format!("{} {}", finding.node, place(finding));
            let _ = writeln!(
                cases,
                "    <failure type=\"{}\" message=\"{}\">{}</failure>",
                name(finding.severity),
                escaped(&finding.message),
                escaped(place.trim()),
            );
        }
        cases += "  </testcase>\n";
    }
    let head = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>";
    format!(
        "{head}\n<testsuite name=\"{}\" tests=\"{}\" failures=\"{failed}\">\n{cases}</testsuite>\n",
        escaped(&report.store),
        rules().len(),
    )
}

/// Escapes text for XML; control characters, which XML cannot hold, become `?`.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for letter in text.chars() {
        match letter {
            '&' => escaped += "&amp;",
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '"' => escaped += "&quot;",
            letter if letter.is_control() => escaped.push('?'),
            letter => escaped.push(letter),
        }
    }
    escaped
}
