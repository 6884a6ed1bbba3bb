//! Runs plans: tokio waits, rayon computes, and neither does the other's work.
//!
//! `local` reads files on the computing threads, `remote` fetches and hands over, `write` does the optimistic
//! read-modify-write of both, and `patch` its shorter way for large shards. Nothing here knows metadata documents.

mod batch;
mod cache;
mod compact;
mod encode;
mod group_commit;
pub mod limits;
mod local;
mod patch;
mod remote;
mod target;
#[cfg(test)]
mod tests;
mod write;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::sync_channel;

use tokio::sync::{Semaphore, oneshot};
use zarr_core::plan::ReadPlan;
use zarr_core::{ByteRange, Registry};
use zarr_store::Store;

pub use self::cache::CacheOptions;
use self::cache::Caches;
pub(crate) use self::cache::by_weight;
use self::group_commit::CommitQueue;
use self::limits::pool;
pub use self::target::Target;
use crate::error::{Error, Result};

/// How often an object that changes while it is read is read again.
const ATTEMPTS: usize = 4;

/// What all handles of a hierarchy share.
#[derive(Debug)]
pub(crate) struct Engine {
    pub(crate) store: Store,
    pub(crate) registry: Registry,
    caches: Caches,
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
            caches: Caches::new(caches),
            in_flight: Semaphore::new(in_flight_kib),
            in_flight_kib,
            commits: CommitQueue::default(),
        }
    }

    /// Forgets what this process has just replaced.
    pub(crate) fn forget(&self, key: &str, index_range: Option<ByteRange>) {
        self.caches
            .forget(&key.into(), index_range.as_ref().map(stored_range));
    }

    /// Reads into a target; after an error it may hold a part of the result.
    pub(crate) async fn read(self: &Arc<Self>, plan: ReadPlan, target: Target) -> Result<()> {
        if self.store.as_local().is_none() {
            return self.read_remote(&plan, &target).await;
        }
        let engine = self.clone();
        compute(move || engine.read_local(&plan, &target)).await?
    }

    /// Reads into a target on the caller's thread or, if there is enough to do, on the computing threads; `None` if the store is
    /// not local.
    pub(crate) fn read_blocking(
        self: &Arc<Self>,
        plan: &ReadPlan,
        target: &Target,
    ) -> Option<Result<()>> {
        self.store.as_local()?;
        Some(self.read_local(plan, target))
    }
}

/// Starts work on the computing threads at once; the future waits for it without holding a thread. What the work captures is
/// dropped before the wait ends.
pub(crate) fn compute<R: Send + 'static>(
    work: impl FnOnce() -> R + Send + 'static,
) -> impl Future<Output = Result<R>> + Send {
    let (sender, receiver) = oneshot::channel();
    // The caller may have lost interest.
    spawn(work, move |result| drop(sender.send(result)));
    async { receiver.await.map_err(|_| dropped())? }
}

/// Runs work on the computing threads while this thread does nothing: a thread of a caller's own pool that waited in rayon's way
/// would run other tasks of that pool, whose memory adds up, and which may want a lock that the caller holds.
fn compute_blocking<R: Send + 'static>(work: impl FnOnce() -> R + Send + 'static) -> Result<R> {
    if pool().current_thread_index().is_some() {
        return Ok(work());
    }
    let (sender, receiver) = sync_channel(1);
    spawn(work, move |result| drop(sender.send(result)));
    receiver.recv().map_err(|_| dropped())?
}

fn spawn<R>(
    work: impl FnOnce() -> R + Send + 'static,
    done: impl FnOnce(Result<R>) + Send + 'static,
) {
    pool().spawn(move || {
        done(catch_unwind(AssertUnwindSafe(work)).map_err(|panic| {
            let reason = panic.downcast_ref::<&str>().map(ToString::to_string);
            let reason = reason.or_else(|| panic.downcast_ref::<String>().cloned());
            let reason = reason.unwrap_or_else(|| "a job panicked".to_owned());
            Error::Internal { reason }
        }));
    });
}

fn dropped() -> Error {
    let reason = "a job was dropped".to_owned();
    Error::Internal { reason }
}

/// The range of a plan, as stores take it.
#[must_use]
pub fn stored_range(range: &ByteRange) -> zarr_store::ByteRange {
    match range {
        ByteRange::All => zarr_store::ByteRange::All,
        ByteRange::Range(range) => zarr_store::ByteRange::Range(range.clone()),
        ByteRange::Suffix(len) => zarr_store::ByteRange::Suffix(*len),
    }
}
