//! `zarrctl sweep`: removes what killed writers left behind.

use std::time::Duration;

use clap::Args;
use serde_json::json;
use zarr::blocking::runtime;

use crate::context::Context;
use crate::failure::{Outcome, Result};
use crate::text;

/// Remove unfinished uploads and temporary files that killed writers left behind
#[derive(Debug, Args)]
#[command(after_help = "\
On S3, unfinished uploads below the source, those of other programs included; on
Google Cloud Storage, temporary objects; on local disk, lock files that no
writer holds and staged files. The write of a running writer starts again if its
upload is removed, so --older-than should be longer than a write takes. Asks
before it removes.

Examples:
  zarrctl sweep data.zarr
  zarrctl sweep s3://bucket/data.zarr --older-than 7days --yes")]
pub(crate) struct Sweep {
    /// The store
    source: String,
    /// Remove only what is older: 1h, 7days
    #[arg(long, value_name = "TIME", default_value = "1day", value_parser = humantime::parse_duration)]
    older_than: Duration,
    /// Remove without a question
    #[arg(short, long)]
    yes: bool,
}

pub(crate) fn run(context: &Context, args: &Sweep) -> Result<Outcome> {
    let source = context.open(&args.source)?;
    let older = humantime::format_duration(args.older_than);
    let question = format!(
        "remove unfinished writes older than {older} from {}?",
        source.location()
    );
    context.confirm(&question, args.yes)?;
    let removed = runtime().block_on(source.hierarchy.store().sweep(args.older_than))?;
    let listed = removed
        .iter()
        .map(|leftover| json!({"kind": leftover.kind.name(), "key": leftover.key}));
    let listed = listed.collect::<Vec<_>>();
    context.print(&json!({"removed": listed}), || {
        let lines = removed
            .iter()
            .map(|leftover| format!("removed {} {}\n", leftover.kind.name(), leftover.key));
        let count = text::plural(removed.len() as u64, "unfinished write");
        lines.chain([format!("removed {count}\n")]).collect()
    })?;
    Ok(Outcome::Well)
}
