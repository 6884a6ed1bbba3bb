//! Runs plans: tokio waits, rayon computes, and neither does the work of the other.
//!
//! `local` reads files on the computing threads, `remote` fetches bytes and hands them to the
//! computing threads, `write` performs the optimistic read-modify-write for local and remote
//! stores, and `patch` is a cheaper path for large shards. This module does not depend on metadata
//! documents. Remote reads and merging writes are tasks of their own, because others may wait for what
//! they hold.

mod batch;
mod cache;
mod compact;
mod encode;
mod group_commit;
pub mod limits;
mod local;
mod patch;
mod remote;
mod resume;
mod target;
#[cfg(test)]
mod tests;
mod write;

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::sync_channel;

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinSet;
use zarr_core::plan::ReadPlan;
use zarr_core::{ByteRange, Registry};
use zarr_store::Store;

pub(crate) use self::cache::ByWeight;
use self::cache::Caches;
pub use self::cache::{CacheOptions, ChunkForm};
pub use self::compact::CompactOptions;
use self::group_commit::CommitQueue;
use self::limits::pool;
pub use self::target::Target;
use crate::error::{Error, Result};

/// The maximum number of attempts to read an object that changes during the read.
const ATTEMPTS: usize = 4;

/// The state shared by all handles of a hierarchy.
#[derive(Debug)]
pub(crate) struct Engine {
    pub(crate) store: Store,
    pub(crate) registry: Registry,
    caches: Arc<Caches>,
    in_flight: Semaphore,
    in_flight_kib: usize,
    commits: CommitQueue,
}

impl Engine {
    pub(crate) fn new(store: Store, registry: Registry, caches: CacheOptions) -> Self {
        let in_flight_kib = limits::in_flight_kib();
        Self {
            store,
            registry,
            caches: Arc::new(Caches::new(caches)),
            in_flight: Semaphore::new(in_flight_kib),
            in_flight_kib,
            commits: CommitQueue::default(),
        }
    }

    /// Drops cached parts of an object that this process has just replaced.
    pub(crate) fn forget(&self, key: &str, index_range: Option<ByteRange>) {
        self.caches
            .forget(&key.into(), index_range.as_ref().map(stored_range));
    }

    /// Reads into a target. After an error, the target may hold part of the result.
    pub(crate) async fn read(self: &Arc<Self>, plan: ReadPlan, target: Target) -> Result<()> {
        let engine = self.clone();
        if self.store.as_local().is_none() {
            return as_task(async move { engine.read_remote(&plan, &target).await }.boxed()).await;
        }
        compute(move || engine.read_local(&plan, &target)).await?
    }

    /// Reads into a target on the caller's thread or, if there is enough work, on the computing
    /// threads. Returns `None` if the store is not local.
    pub(crate) fn read_blocking(
        self: &Arc<Self>,
        plan: &ReadPlan,
        target: &Target,
    ) -> Option<Result<()>> {
        self.store.as_local()?;
        Some(self.read_local(plan, target))
    }
}

/// Starts work on the computing threads immediately; the returned future waits for the result
/// without blocking a thread. Values captured by the work are dropped before the future completes.
pub(crate) fn compute<R: Send + 'static>(
    work: impl FnOnce() -> R + Send + 'static,
) -> impl Future<Output = Result<R>> + Send {
    let (sender, receiver) = oneshot::channel();
    // Sending fails if the caller has dropped the future.
    spawn(work, move |result| drop(sender.send(result)));
    async { receiver.await.map_err(|_| Error::ShutDown)? }
}

/// Runs a future as a task of the current runtime; without a runtime, runs it in place. Others may
/// wait for what the future holds, and a task progresses even if nobody polls its owner. What is at
/// hand, in memory or in a cache, needs no task. Dropping the returned future cancels the task. The
/// future is boxed: the whole type of a write exceeds the recursion limit of crates that call it.
async fn as_task<R: Send + 'static>(mut work: BoxFuture<'static, Result<R>>) -> Result<R> {
    if Handle::try_current().is_err() {
        return work.await;
    }
    if let Some(at_hand) = AssertUnwindSafe(&mut work).catch_unwind().now_or_never() {
        return at_hand.unwrap_or_else(|panic| Err(panicked(panic)));
    }
    let mut tasks = JoinSet::new();
    tasks.spawn(work);
    let joined = tasks.join_next().await.expect("one task");
    joined.unwrap_or_else(|error| {
        Err(error
            .try_into_panic()
            .map_or_else(|_| Error::ShutDown, panicked))
    })
}

/// Runs work on the computing threads while this thread blocks. With rayon's own wait, a thread of
/// the caller's pool would meanwhile run other tasks of that pool: their memory would add up, and
/// they might need a lock that the caller holds.
fn compute_blocking<R: Send + 'static>(work: impl FnOnce() -> R + Send + 'static) -> Result<R> {
    if pool().current_thread_index().is_some() {
        return caught(work);
    }
    let (sender, receiver) = sync_channel(1);
    spawn(work, move |result| drop(sender.send(result)));
    receiver.recv().map_err(|_| Error::ShutDown)?
}

fn spawn<R>(
    work: impl FnOnce() -> R + Send + 'static,
    done: impl FnOnce(Result<R>) + Send + 'static,
) {
    pool().spawn(move || done(caught(work)));
}

/// Runs work that may panic, for example in a codec of the caller.
fn caught<R>(work: impl FnOnce() -> R) -> Result<R> {
    catch_unwind(AssertUnwindSafe(work)).map_err(panicked)
}

fn panicked(panic: Box<dyn Any + Send>) -> Error {
    let reason = panic.downcast_ref::<&str>().map(ToString::to_string);
    let reason = reason.or_else(|| panic.downcast_ref::<String>().cloned());
    let reason = reason.unwrap_or_else(|| "a job panicked".to_owned());
    Error::Internal { reason }
}

/// Converts a byte range of a plan into a byte range of the store.
#[must_use]
pub fn stored_range(range: &ByteRange) -> zarr_store::ByteRange {
    match range {
        ByteRange::All => zarr_store::ByteRange::All,
        ByteRange::Range(range) => zarr_store::ByteRange::Range(range.clone()),
        ByteRange::Suffix(len) => zarr_store::ByteRange::Suffix(*len),
    }
}
