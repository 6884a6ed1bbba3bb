//! `zarrctl repair`: shows and runs the repairs of a store.

use clap::Args;
use serde::Serialize;
use zarr::blocking;
use zarr::check::{Action, ActionKind, CheckOptions, RepairOptions, Status};

use crate::context::Context;
use crate::failure::{Outcome, Result};
use crate::text;

/// Show what can be repaired in a store, and repair it
#[derive(Debug, Args)]
#[command(after_help = "\
Renews consolidated metadata, removes leftovers and objects outside of arrays,
restores documents from their consolidated copies, and rebuilds shards from the
inner chunks that are whole. What would be a guess is left alone: see the advice
of `zarrctl check`. An object that changes meanwhile is left alone, too.

Examples:
  zarrctl repair data.zarr
  zarrctl repair data.zarr --deep --apply --backup old/
  zarrctl repair data.zarr --deep --apply --backup old/ --from s3://bucket/copy.zarr")]
pub(crate) struct Repair {
    /// The group or array
    source: String,
    /// Decode all chunks to find damaged ones
    #[arg(long)]
    deep: bool,
    /// Repair; without this option, only show what would be done
    #[arg(long)]
    apply: bool,
    /// Keep every object here before it is replaced or removed
    #[arg(long, value_name = "SOURCE")]
    backup: Option<String>,
    /// Take damaged inner chunks from this copy of the data
    #[arg(long, value_name = "SOURCE")]
    from: Option<String>,
}

#[derive(Serialize)]
struct Planned {
    actions: Vec<Action>,
}

#[derive(Serialize)]
struct Repaired {
    outcomes: Vec<zarr::check::Outcome>,
}

pub(crate) fn run(context: &Context, args: &Repair) -> Result<Outcome> {
    let source = context.open(&args.source)?;
    let hierarchy = &source.hierarchy;
    let report = blocking::check(hierarchy, CheckOptions { deep: args.deep });
    let actions = blocking::plan_repair(hierarchy, &report)?;
    if !args.apply {
        let planned = Planned { actions };
        context.print(&planned, || shown(&planned.actions))?;
        if planned.actions.is_empty() {
            return Ok(Outcome::Well);
        }
        context.note("nothing was changed; add --apply --backup PLACE to repair");
        return Ok(Outcome::Findings);
    }
    let open = |given: &String| context.open(given).map(|source| source.hierarchy);
    let backup = args.backup.as_ref().map(open).transpose()?;
    let options = RepairOptions {
        backup: backup.map(|hierarchy| hierarchy.store().clone()),
        other_copy: args.from.as_ref().map(open).transpose()?.map(Into::into),
    };
    let repaired = Repaired {
        outcomes: blocking::repair(hierarchy, actions, &options),
    };
    context.print(&repaired, || results(&repaired.outcomes))?;
    let mut statuses = repaired.outcomes.iter().map(|outcome| outcome.status);
    Ok(if statuses.all(|status| status == Status::Done) {
        Outcome::Well
    } else {
        Outcome::Findings
    })
}

fn what(action: &Action) -> String {
    let verb = match action.kind {
        ActionKind::CreateGroup => "create group",
        ActionKind::RestoreDocument => "restore document",
        ActionKind::RebuildShard => "rebuild shard",
        ActionKind::RemoveObject => "remove object",
        ActionKind::RemoveFile => "remove file",
        _ => "renew consolidated metadata in",
    };
    format!("{verb} {} ({})", action.key, action.rules.join(", "))
}

fn shown(actions: &[Action]) -> String {
    let lines = actions.iter().map(|action| what(action) + "\n");
    lines.collect::<String>() + &text::plural(actions.len() as u64, "repair") + "\n"
}

fn results(outcomes: &[zarr::check::Outcome]) -> String {
    let mut results = String::new();
    for outcome in outcomes {
        let status = match outcome.status {
            Status::Done => "done",
            Status::Skipped => "skipped",
            Status::Failed => "failed",
        };
        results += &format!("{status}: {}\n", what(&outcome.action));
        if !outcome.reason.is_empty() {
            results += &format!("  {}\n", outcome.reason);
        }
        for cells in &outcome.dropped {
            results += &format!("  without the damaged inner chunk {}\n", joined(cells));
        }
        for cell in &outcome.recovered {
            results += &format!("  with the inner chunk {cell:?} of the other copy\n");
        }
    }
    results
}

fn joined(cells: &[Vec<u64>]) -> String {
    let cells = cells.iter().map(|cell| format!("{cell:?}"));
    cells.collect::<Vec<_>>().join(" of shard ")
}
