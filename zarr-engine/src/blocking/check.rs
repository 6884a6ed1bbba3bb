//! Checks and repairs without `async`.

use super::{Hierarchy, wait};
use crate::check::{self, Action, CheckOptions, Outcome, Recover, RepairOptions, Report};
use crate::error::Result;

/// Blocking variant of [`check`](check::check).
#[must_use]
pub fn check(hierarchy: &Hierarchy, options: CheckOptions) -> Report {
    wait(check::check(hierarchy.as_async(), options))
}

/// Blocking variant of [`plan`](check::plan).
///
/// # Errors
/// The errors of [`plan`](check::plan).
pub fn plan_repair(hierarchy: &Hierarchy, report: &Report) -> Result<Vec<Action>> {
    wait(check::plan(hierarchy.as_async(), report))
}

/// Blocking variant of [`plan_with_copy`](check::plan_with_copy).
///
/// # Errors
/// The errors of [`plan_with_copy`](check::plan_with_copy).
pub fn plan_repair_with_copy(
    hierarchy: &Hierarchy,
    report: &Report,
    copy: &Hierarchy,
    recover: Recover,
) -> Result<Vec<Action>> {
    let plan = check::plan_with_copy(hierarchy.as_async(), report, copy.as_async(), recover);
    wait(plan)
}

/// Blocking variant of [`apply`](check::apply).
#[must_use]
pub fn repair(
    hierarchy: &Hierarchy,
    actions: Vec<Action>,
    options: &RepairOptions,
) -> Vec<Outcome> {
    wait(check::apply(hierarchy.as_async(), actions, options))
}
