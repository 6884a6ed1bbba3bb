//! Locks that a writer takes before it reads, so that nobody changes the object before its put: for
//! writers that lost against others again and again.
//!
//! The lock is that of every put. The operating system releases it if the writer is killed.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::LocalStore;
use super::lock::{KeyLock, Permit};
use crate::error::Result;

/// A lock, and whether its directory is new.
type Held = (KeyLock, bool);

/// The locks held for the next put of a path, with the numbers of their holds.
#[derive(Debug, Default)]
pub(super) struct Holds(Mutex<HashMap<PathBuf, (u64, Held)>>);

impl Holds {
    /// Takes the lock held for a path, if any.
    pub(super) fn take(&self, path: &Path) -> Option<Held> {
        self.held().remove(path).map(|(_, held)| held)
    }

    fn held(&self) -> MutexGuard<'_, HashMap<PathBuf, (u64, Held)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Keeps other writers from an object, until its next put by this store or until dropped.
#[derive(Debug)]
pub struct Hold {
    files: LocalStore,
    target: PathBuf,
    number: u64,
}

impl LocalStore {
    /// Waits for the lock of a key and holds it for the next put.
    pub(super) fn hold(&self, key: &str, permit: &mut Permit) -> Result<Hold> {
        let target = self.path(key)?;
        let held = self.lock_for_put(key, &target, permit)?;
        let number = fastrand::u64(..);
        self.holds.held().insert(target.clone(), (number, held));
        Ok(Hold {
            files: self.clone(),
            target,
            number,
        })
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        let mut all = self.files.holds.held();
        // The next hold of the path may have begun.
        let ours = all
            .get(&self.target)
            .is_some_and(|(number, _)| *number == self.number);
        let held = ours.then(|| all.remove(&self.target));
        drop(all);
        if held.is_some() {
            drop(held);
            self.files.remove_empty_parents(&self.target);
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;

    use crate::{ByteRange, CostModel, ErrorKind, Precondition, Store};

    async fn put(store: &Store, key: &str, text: &'static str) {
        let payload = vec![Bytes::from_static(text.as_bytes())];
        store.put(key, payload, Precondition::None).await.unwrap();
    }

    /// Returns two stores on one folder, as in two processes; one request at a time each.
    fn two(folder: &std::path::Path) -> [Store; 2] {
        [0, 1].map(|_| {
            let cost = CostModel {
                max_in_flight: 1,
                ..CostModel::local()
            };
            Store::local(folder).unwrap().with_cost_model(cost)
        })
    }

    #[tokio::test]
    async fn others_wait_until_the_holder_has_put() {
        let folder = tempfile::tempdir().unwrap();
        let [holder, other] = two(folder.path());
        put(&other, "d/k", "old").await;
        put(&other, "d/x", "beside").await;
        let hold = holder.hold("d/k").await.unwrap();
        let waiting = other.clone();
        let task = tokio::spawn(async move { put(&waiting, "d/k", "of the other").await });
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert!(!task.is_finished());
        // The waiting writer keeps no request of its store from being sent.
        let beside = other.get("d/x", &ByteRange::All, None);
        let beside = tokio::time::timeout(Duration::from_secs(20), beside).await;
        assert!(beside.unwrap().unwrap().is_some());
        let seen = holder.head("d/k").await.unwrap().unwrap().version;
        let tail = vec![Bytes::from_static(b"new")];
        holder.patch("d/k", &seen, 1, tail).await.unwrap();
        task.await.unwrap();
        let found = other.get("d/k", &ByteRange::All, None).await.unwrap();
        assert_eq!(&found.unwrap().bytes[..], b"of the other");
        drop(hold);
        let names = std::fs::read_dir(folder.path().join("d")).unwrap();
        assert_eq!(names.count(), 2);
    }

    #[tokio::test]
    async fn a_hold_that_is_dropped_or_fails_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let [holder, other] = two(folder.path());
        drop(holder.hold("d/k").await.unwrap());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        put(&other, "d/k", "old").await;
        let old = other.head("d/k").await.unwrap().unwrap().version;
        put(&other, "d/k", "newer").await;
        let hold = holder.hold("d/k").await.unwrap();
        let failed = holder.put("d/k", vec![], Precondition::IfVersion(old));
        assert_eq!(failed.await.unwrap_err().kind(), ErrorKind::Conflict);
        // The lock went with the put, and the next hold is not released by the first.
        let next = holder.hold("d/k").await.unwrap();
        drop(hold);
        let waiting = tokio::spawn(async move { put(&other, "d/k", "of the other").await });
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert!(!waiting.is_finished());
        drop(next);
        waiting.await.unwrap();
    }
}
