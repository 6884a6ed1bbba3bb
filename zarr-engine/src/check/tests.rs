//! Conditions and backups of repairs. `tests/damage-suite` has the findings and repairs themselves.

#![expect(clippy::unwrap_used, reason = "tests")]

use zarr_store::{ByteRange, Precondition, Store};

use super::{Action, CheckOptions, RepairOptions, Status, apply, check, plan, rules};
use crate::hierarchy::Hierarchy;

const KEY: &str = "a/c/9";

/// Returns a hierarchy with a chunk inside and one outside of the grid, and the plan to remove the
/// latter.
async fn planned() -> (Hierarchy, Vec<Action>) {
    let hierarchy = crate::open("memory:").unwrap();
    let metadata = crate::ArrayBuilder::new(&[4], "int8").build().unwrap();
    let array = hierarchy.create_array("a", metadata).await.unwrap();
    array.write(.., 1_i8).await.unwrap();
    put(hierarchy.store(), "old").await;
    let report = check(&hierarchy, CheckOptions::default()).await;
    let found = report.findings.iter().map(|finding| finding.rule);
    assert_eq!(found.collect::<Vec<_>>(), ["chunk-outside-grid"]);
    let actions = plan(&hierarchy, &report).await.unwrap();
    assert_eq!(actions.len(), 1);
    (hierarchy, actions)
}

async fn put(store: &Store, text: &'static str) {
    let put = store.put(KEY, vec![text.into()], Precondition::None);
    put.await.unwrap();
}

async fn get(store: &Store) -> Option<String> {
    let body = store.get(KEY, &ByteRange::All, None).await.unwrap();
    body.map(|body| String::from_utf8(body.bytes.to_vec()).unwrap())
}

fn into(backup: &Store) -> RepairOptions {
    RepairOptions {
        backup: Some(backup.clone()),
        ..RepairOptions::default()
    }
}

#[tokio::test]
async fn an_object_is_kept_before_it_is_removed() {
    let (hierarchy, actions) = planned().await;
    let backup = Store::open("memory:").unwrap();
    let outcomes = apply(&hierarchy, actions, &into(&backup)).await;
    assert_eq!(outcomes[0].status, Status::Done);
    assert_eq!(get(hierarchy.store()).await, None);
    assert_eq!(get(&backup).await.as_deref(), Some("old"));
}

#[tokio::test]
async fn an_object_that_changed_since_the_plan_stays() {
    let (hierarchy, actions) = planned().await;
    put(hierarchy.store(), "new").await;
    let backup = Store::open("memory:").unwrap();
    let outcomes = apply(&hierarchy, actions, &into(&backup)).await;
    assert_eq!(outcomes[0].status, Status::Skipped);
    assert_eq!(get(hierarchy.store()).await.as_deref(), Some("new"));
}

#[tokio::test]
async fn data_is_not_removed_without_a_backup_or_over_one() {
    let (hierarchy, actions) = planned().await;
    let outcomes = apply(&hierarchy, actions.clone(), &RepairOptions::default()).await;
    assert_eq!(outcomes[0].status, Status::Skipped);
    let backup = Store::open("memory:").unwrap();
    put(&backup, "older").await;
    let outcomes = apply(&hierarchy, actions, &into(&backup)).await;
    assert_eq!(outcomes[0].status, Status::Skipped);
    assert_eq!(get(hierarchy.store()).await.as_deref(), Some("old"));
    assert_eq!(get(&backup).await.as_deref(), Some("older"));
}

#[test]
fn names_of_rules_are_unique() {
    let mut names = rules().iter().map(|rule| rule.name).collect::<Vec<_>>();
    names.sort_unstable();
    let count = names.len();
    names.dedup();
    assert_eq!(names.len(), count);
}
