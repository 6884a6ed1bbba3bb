//! Group commit: the writers of one object in this process share a read and a put.
//!
//! Each writer queues its write under the key of the object and then waits for the lock of that
//! key. The writer that gets the lock commits all writes queued so far; the other writers find
//! theirs committed. Dropping a writer drops its write, and a batch whose leader was dropped
//! returns to the queue.

use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use zarr_core::Input;
use zarr_core::plan::ObjectWrite;

use crate::error::Result;

/// The number of locks; several keys share a lock.
const STRIPES: usize = 64;

/// The write of one writer to one object.
#[derive(Debug)]
pub(super) struct PendingWrite {
    pub(super) object: ObjectWrite,
    pub(super) input: Input,
    result: Mutex<Option<Result<()>>>,
}

impl PendingWrite {
    /// Reports the result of the write to its writer.
    pub(super) fn finish(&self, result: Result<()>) {
        *lock(&self.result) = Some(result);
    }

    fn is_pending(&self) -> bool {
        lock(&self.result).is_none()
    }
}

/// Returns the object writes and inputs of several pending writes.
pub(super) fn inputs(writes: &[Arc<PendingWrite>]) -> Vec<(ObjectWrite, Input)> {
    let inputs = writes.iter();
    inputs
        .map(|write| (write.object.clone(), write.input.clone()))
        .collect()
}

/// The pending writes by key, and the locks of the keys.
#[derive(Debug, Default)]
pub(super) struct CommitQueue {
    pending: Mutex<HashMap<Arc<str>, Vec<Weak<PendingWrite>>>>,
    /// Made on first use: most stores are only read.
    locks: OnceLock<Box<[tokio::sync::Mutex<()>]>>,
}

impl CommitQueue {
    /// Commits a write: either as leader through `commit`, which receives all pending writes of the
    /// object, or as part of another leader's batch.
    pub(super) async fn submit(
        &self,
        object: ObjectWrite,
        input: Input,
        commit: impl AsyncFnOnce(&[Arc<PendingWrite>]),
    ) -> Result<()> {
        let key = object.key().clone();
        let write = Arc::new(PendingWrite {
            object,
            input,
            result: Mutex::default(),
        });
        lock(&self.pending)
            .entry(key.clone())
            .or_default()
            .push(Arc::downgrade(&write));
        let locks = self.locks.get_or_init(|| {
            let lock = |_| tokio::sync::Mutex::new(());
            (0..STRIPES).map(lock).collect()
        });
        let _lock = locks[stripe(&key)].lock().await;
        if write.is_pending() {
            let batch = Batch {
                queue: self,
                writes: self.take(&key),
                key,
            };
            commit(&batch.writes).await;
        }
        let result = lock(&write.result).take();
        result.expect("a batch finishes all of its writes, and this one was in it")
    }

    fn take(&self, key: &Arc<str>) -> Vec<Arc<PendingWrite>> {
        let pending = lock(&self.pending).remove(key).unwrap_or_default();
        pending.iter().filter_map(Weak::upgrade).collect()
    }
}

/// The writes of one commit. Writes that are unfinished when the batch is dropped return to the
/// queue.
struct Batch<'a> {
    queue: &'a CommitQueue,
    key: Arc<str>,
    writes: Vec<Arc<PendingWrite>>,
}

impl Drop for Batch<'_> {
    fn drop(&mut self) {
        let left = self.writes.iter().filter(|write| write.is_pending());
        let left = left.map(Arc::downgrade).collect::<Vec<_>>();
        if !left.is_empty() {
            let mut pending = lock(&self.queue.pending);
            let queued = pending.entry(self.key.clone()).or_default();
            queued.splice(0..0, left);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn stripe(key: &str) -> usize {
    let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(key);
    usize::try_from(hash % STRIPES as u64).expect("less than the number of stripes")
}
