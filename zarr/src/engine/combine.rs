//! Writers of one object in this process share a read and a put: who gets the object first takes along what the others want.
//!
//! Each writer leaves its request with the object and then queues for it. The one whose turn it is carries out all requests
//! that are there; the others find theirs done. A writer that is dropped takes its request with it, and what a leader did not
//! finish is done by the next in the queue.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::sync::Mutex as Turn;
use zarr_core::Input;
use zarr_core::plan::ObjectWrite;

use crate::error::Result;

/// Objects share this many queues.
const STRIPES: usize = 64;

/// What one writer wants of an object.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) object: ObjectWrite,
    pub(super) input: Input,
    result: Mutex<Option<Result<()>>>,
}

impl Request {
    /// Tells the writer that its request is done.
    pub(super) fn done(&self, result: Result<()>) {
        *lock(&self.result) = Some(result);
    }
}

/// The requests that wait, and the turns.
#[derive(Debug)]
pub(super) struct Writers {
    waiting: Mutex<HashMap<Arc<str>, Vec<Weak<Request>>>>,
    turns: [Turn<()>; STRIPES],
}

impl Default for Writers {
    fn default() -> Self {
        Self {
            waiting: Mutex::default(),
            turns: std::array::from_fn(|_| Turn::new(())),
        }
    }
}

impl Writers {
    /// Has a request done: by `commit`, which gets all requests for the object, or by another writer's.
    pub(super) async fn submit(
        &self,
        object: ObjectWrite,
        input: Input,
        commit: impl AsyncFnOnce(&[Arc<Request>]),
    ) -> Result<()> {
        let key = object.key().clone();
        let request = Arc::new(Request {
            object,
            input,
            result: Mutex::default(),
        });
        lock(&self.waiting)
            .entry(key.clone())
            .or_default()
            .push(Arc::downgrade(&request));
        let _turn = self.turns[stripe(&key)].lock().await;
        if lock(&request.result).is_none() {
            let batch = Batch {
                writers: self,
                requests: self.take(&key),
                key,
            };
            commit(&batch.requests).await;
        }
        let result = lock(&request.result).take();
        result.expect("all requests of a batch are done, and this one was there")
    }

    fn take(&self, key: &Arc<str>) -> Vec<Arc<Request>> {
        let waiting = lock(&self.waiting).remove(key).unwrap_or_default();
        waiting.iter().filter_map(Weak::upgrade).collect()
    }
}

/// The requests of a leader. What is not done when it is dropped waits again.
struct Batch<'a> {
    writers: &'a Writers,
    key: Arc<str>,
    requests: Vec<Arc<Request>>,
}

impl Drop for Batch<'_> {
    fn drop(&mut self) {
        let left = self
            .requests
            .iter()
            .filter(|request| lock(&request.result).is_none());
        let left = left.map(Arc::downgrade).collect::<Vec<_>>();
        if !left.is_empty() {
            let mut waiting = lock(&self.writers.waiting);
            waiting
                .entry(self.key.clone())
                .or_default()
                .splice(0..0, left);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn stripe(key: &str) -> usize {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    usize::try_from(hasher.finish() % STRIPES as u64).expect("less than the number of stripes")
}
