//! `zarrctl repair`: shows and runs the repairs of a store.

use clap::Args;
use serde::Serialize;
use zarr::check::{
    Action, ActionKind, CheckOptions, Finding, Recover, RepairOptions, Severity, Status,
};
use zarr::store::{ByteRange, Precondition};
use zarr::{Store, blocking};

use super::check::{at, visible};
use crate::context::Context;
use crate::failure::{Failure, Outcome, Result};
use crate::{source, text};

/// How often consequences of repairs are looked for.
const ROUNDS: usize = 4;

/// Show what can be repaired in a store, and repair it
#[derive(Debug, Args)]
#[command(after_help = "\
Renews consolidated metadata, removes leftovers and objects outside of arrays,
restores documents from their consolidated copies, and rebuilds shards from the
inner chunks that are whole. --from takes damaged documents, chunks and inner
chunks from another copy. What would be a guess is left alone: see the advice of
`zarrctl check`. An object that changes meanwhile is left alone, too.
Exit code 1 means that something is still to be repaired.

Examples:
  zarrctl repair data.zarr
  zarrctl repair data.zarr --deep --apply --backup old/
  zarrctl repair data.zarr --deep --apply --backup old/ \\
      --from s3://bucket/copy.zarr")]
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
    /// Take damaged documents, chunks and inner chunks from this copy of the data
    #[arg(long, value_name = "SOURCE")]
    from: Option<String>,
    /// Take documents, chunks and inner chunks that only the copy has, too: also
    /// those that an earlier repair dropped, or that were deleted on purpose
    #[arg(long, requires = "from")]
    missing: bool,
}

#[derive(Serialize)]
struct Planned {
    actions: Vec<Action>,
    /// The errors and warnings that no action repairs.
    left: Vec<Finding>,
}

#[derive(Serialize)]
struct Repaired {
    outcomes: Vec<zarr::check::Outcome>,
    left: Vec<Finding>,
}

pub(crate) fn run(context: &Context, args: &Repair) -> Result<Outcome> {
    if let Some(backup) = args.backup.as_ref()
        && source::overlap(backup, &args.source)
    {
        let message = format!("the backup {backup} and {} overlap", args.source);
        return Err(Failure::new(message).hint("give a place outside of the store"));
    }
    let source = context.open(&args.source)?;
    source.expect_place()?;
    let hierarchy = &source.hierarchy;
    let report = blocking::check(hierarchy, CheckOptions { deep: args.deep });
    let open = |given: &String| context.open(given).map(|source| source.hierarchy);
    let copy = args.from.as_ref().map(open).transpose()?;
    let recover = match args.missing {
        true => Recover::Missing,
        false => Recover::Damaged,
    };
    let actions = match &copy {
        Some(copy) => blocking::plan_repair_with_copy(hierarchy, &report, copy, recover)?,
        None => blocking::plan_repair(hierarchy, &report)?,
    };
    let is_left = |finding: &Finding| {
        let is_planned = |action: &Action| {
            let is_there = finding.key.as_ref() == Some(&action.key) || finding.node == action.node;
            is_there && action.rules.contains(&finding.rule)
        };
        finding.severity != Severity::Note && !actions.iter().any(is_planned)
    };
    let left = report.findings.into_iter().filter(is_left);
    let left = left.collect::<Vec<_>>();
    let is_clean = left.is_empty();
    if !args.apply {
        let is_empty = actions.is_empty();
        let planned = Planned { actions, left };
        context.print(&planned, || {
            shown(&planned.actions) + &rest(&planned.left, source.location())
        })?;
        if is_empty {
            return Ok(Outcome::of(is_clean));
        }
        context.note("nothing was changed; add --apply --backup PLACE to repair");
        return Ok(Outcome::Findings);
    }
    let backup = args.backup.as_ref().map(open).transpose()?;
    let options = RepairOptions {
        backup: backup.map(|hierarchy| hierarchy.store().clone()),
        other_copy: copy.map(Into::into),
    };
    let mut outcomes = blocking::repair(hierarchy, actions, &options);
    for _ in 0..ROUNDS {
        let actions = consequences(hierarchy, &outcomes)?;
        if actions.is_empty() {
            break;
        }
        outcomes.extend(blocking::repair(hierarchy, actions, &options));
    }
    let repaired = Repaired { outcomes, left };
    context.print(&repaired, || {
        results(&repaired.outcomes) + &rest(&repaired.left, source.location())
    })?;
    let outcomes = repaired.outcomes.iter();
    let restored = outcomes.clone().any(|outcome| {
        let name = outcome.action.key.rsplit('/').next().unwrap_or_default();
        outcome.action.kind == ActionKind::RestoreObject
            && outcome.status == Status::Done
            && (name == "zarr.json" || name.starts_with(".z"))
    });
    if restored {
        context.note("documents were restored: run again to check the chunks of their nodes");
    }
    let is_document = |outcome: &zarr::check::Outcome| {
        use ActionKind::{CreateGroup, RestoreDocument, RestoreObject};
        let kinds = [CreateGroup, RestoreDocument, RestoreObject];
        kinds.contains(&outcome.action.kind) && outcome.status == Status::Done
    };
    if outcomes.clone().any(is_document) {
        renew_above(context, args, options.backup.as_ref())?;
    }
    if outcomes.clone().any(|outcome| !outcome.dropped.is_empty()) {
        context.note("take dropped inner chunks from a copy: add --from COPY --missing");
    }
    let mut statuses = outcomes.map(|outcome| outcome.status);
    Ok(Outcome::of(
        statuses.all(|status| status == Status::Done) && is_clean,
    ))
}

/// Renews the consolidated metadata of the groups above the place that was repaired.
fn renew_above(context: &Context, args: &Repair, backup: Option<&Store>) -> Result<()> {
    let outer = context.open_in_hierarchy(&args.source)?;
    if outer.path.is_empty() {
        return Ok(());
    }
    let (mut keys, mut above) = (Vec::new(), outer.path.as_str());
    while !above.is_empty() {
        above = above.rsplit_once('/').map_or("", |(above, _)| above);
        let names = ["zarr.json", ".zmetadata"];
        keys.extend(names.map(|name| source::join(above, name)));
    }
    if let Some(backup) = backup {
        let store = outer.hierarchy.store();
        blocking::runtime().block_on(async {
            for key in keys {
                if let Some(old) = store.get(&key, &ByteRange::All, None).await? {
                    let place = format!("above/{key}");
                    let put = backup.put(&place, vec![old.bytes], Precondition::IfAbsent);
                    put.await?;
                }
            }
            Ok::<_, Failure>(())
        })?;
    }
    if let Err(error) = outer.hierarchy.renew_copies_of(&outer.path) {
        context.note(&format!(
            "the consolidated metadata of groups above is not renewed: {error}"
        ));
    }
    Ok(())
}

/// Plans what new documents of groups entail: documents of groups around them, and copies.
fn consequences(
    hierarchy: &blocking::Hierarchy,
    outcomes: &[zarr::check::Outcome],
) -> Result<Vec<Action>> {
    use ActionKind::{CreateGroup, RenewConsolidated, RestoreDocument};
    let is_new = |outcome: &zarr::check::Outcome| {
        outcome.status == Status::Done
            && matches!(outcome.action.kind, CreateGroup | RestoreDocument)
    };
    if !outcomes.iter().any(is_new) {
        return Ok(Vec::new());
    }
    let report = blocking::check(hierarchy, CheckOptions::default());
    let mut actions = blocking::plan_repair(hierarchy, &report)?;
    let is_done = |action: &Action| outcomes.iter().any(|done| done.action.key == action.key);
    actions.retain(|action| {
        let kinds = [CreateGroup, RestoreDocument, RenewConsolidated];
        kinds.contains(&action.kind) && !is_done(action)
    });
    Ok(actions)
}

/// Returns the findings that repairs leave alone.
fn rest(left: &[Finding], location: &str) -> String {
    match left.first() {
        None => String::new(),
        Some(first) => text::folded(&format!(
            "{} without a repair, such as {} at {}; see the advice of `zarrctl check`",
            text::plural(left.len() as u64, "finding"),
            first.rule,
            first
                .key
                .clone()
                .unwrap_or_else(|| at(location, &first.node)),
        )),
    }
}

fn what(action: &Action) -> String {
    let verb = match action.kind {
        ActionKind::CreateGroup => "create group",
        ActionKind::RestoreDocument => "restore document",
        ActionKind::RestoreObject => "restore from the other copy",
        ActionKind::RebuildShard => "rebuild shard",
        ActionKind::RemoveObject => "remove object",
        ActionKind::RemoveFile => "remove file",
        _ => "renew consolidated metadata in",
    };
    let why = match action.rules.is_empty() {
        true => "missing".to_owned(),
        false => action.rules.join(", "),
    };
    visible(&format!("{verb} {} ({why})", action.key))
}

fn shown(actions: &[Action]) -> String {
    let lines = actions.iter().map(|action| what(action) + "\n");
    lines.collect::<String>() + &text::plural(actions.len() as u64, "repair") + "\n"
}

fn results(outcomes: &[zarr::check::Outcome]) -> String {
    if outcomes.is_empty() {
        return "nothing to repair\n".to_owned();
    }
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
