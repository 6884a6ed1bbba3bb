//! The operations of [`Store`] on local files, moved off the runtime with as few hops as possible.

use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use tokio::sync::Semaphore;

use super::lock::Permit;
use super::walk::Walk;
use super::{Hold, LocalFile, LocalStore};
use crate::byte_range::ByteRange;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::planner::{RangePlan, plan_ranges};
use crate::version::{Precondition, Version};
use crate::{Body, CostModel, Entry, Listing, ObjectInfo, RangeBody, Revalidated, task};

/// The bytes that one hop reads before it yields them.
const HOP: u64 = 16 << 20;

/// The objects that one hop of a listing finds.
const BATCH: usize = 1000;

/// Runs work off the runtime, with a permit of the store, and logs the time taken.
async fn run<T: Send + 'static>(
    permits: Arc<Semaphore>,
    local: &LocalStore,
    named: (&'static str, &str),
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    run_waiting(permits, local, named, |_| work()).await
}

/// Runs work that may wait for other writers, and then releases its permit.
async fn run_waiting<T: Send + 'static>(
    permits: Arc<Semaphore>,
    local: &LocalStore,
    (operation, key): (&'static str, &str),
    work: impl FnOnce(&mut Permit) -> Result<T> + Send + 'static,
) -> Result<T> {
    let started = Instant::now();
    let permit = permits
        .acquire_owned()
        .await
        .expect("the semaphore of a store is never closed");
    let result = task::blocking(move || work(&mut Some(permit)))
        .await
        .map_err(local.io(key, "request"))
        .flatten();
    tracing::debug!(
        operation,
        store = &*local.location,
        key,
        time = ?started.elapsed(),
        outcome = if result.is_ok() { "done" } else { "failed" },
        "request"
    );
    result
}

pub(crate) async fn get(
    context: &Arc<Context>,
    local: &LocalStore,
    key: &str,
    range: &ByteRange,
    version: Option<&Version>,
) -> Result<Option<Body>> {
    let (files, name, range, version) = (
        local.clone(),
        key.to_owned(),
        range.clone(),
        version.cloned(),
    );
    run(context.permits.clone(), local, ("get", key), move || {
        let Some(file) = files.open(&name)? else {
            return match version {
                Some(_) => Err(Error::Changed {
                    place: files.place(&name),
                }),
                None => Ok(None),
            };
        };
        file.expect_version(version.as_ref())?;
        body(&file, &range).map(Some)
    })
    .await
}

pub(crate) async fn get_if_changed(
    context: &Arc<Context>,
    local: &LocalStore,
    key: &str,
    range: &ByteRange,
    known: &Version,
) -> Result<Revalidated> {
    let (files, name, range, known) = (local.clone(), key.to_owned(), range.clone(), known.clone());
    run(
        context.permits.clone(),
        local,
        ("get", key),
        move || match files.open(&name)? {
            None => Ok(Revalidated::Absent),
            Some(file) if file.version() == known => Ok(Revalidated::Unchanged),
            Some(file) => body(&file, &range).map(Revalidated::Changed),
        },
    )
    .await
}

fn body(file: &LocalFile, range: &ByteRange) -> Result<Body> {
    let bytes = file.read(range)?;
    file.check_unchanged()?;
    Ok(Body {
        bytes,
        range: range.resolve(file.size()),
        object_size: file.size(),
        version: file.version(),
    })
}

pub(crate) fn get_ranges(
    context: &Arc<Context>,
    local: &LocalStore,
    key: &str,
    ranges: Vec<Range<u64>>,
    version: Option<&Version>,
) -> BoxStream<'static, Result<RangeBody>> {
    let cost = CostModel {
        split: false,
        ..context.cost.clone()
    };
    let plan = plan_ranges(&ranges, &cost);
    let reads = RangeReads {
        local: local.clone(),
        key: key.to_owned(),
        version: version.cloned(),
        file: None,
        order: order(&plan),
        next: 0,
        plan,
        ranges,
    };
    let permits = context.permits.clone();
    stream::try_unfold(reads, move |mut reads| {
        let permits = Arc::clone(&permits);
        async move {
            if reads.next == reads.order.len() {
                return Ok::<_, Error>(None);
            }
            let (local, key) = (reads.local.clone(), reads.key.clone());
            let (bodies, reads) = run(permits, &local, ("get", &key), move || {
                let bodies = reads.hop()?;
                Ok((bodies, reads))
            })
            .await?;
            Ok(Some((stream::iter(bodies.into_iter().map(Ok)), reads)))
        }
    })
    .try_flatten()
    .boxed()
}

/// Returns the indices of the wanted ranges, sorted by the request that serves each; empty ranges
/// come first.
fn order(plan: &RangePlan) -> Vec<usize> {
    let mut order: Vec<usize> = (0..plan.served_by.len()).collect();
    order.sort_by_key(|&index| plan.served_by[index].end);
    order
}

/// Reads of one open file, hop by hop.
struct RangeReads {
    local: LocalStore,
    key: String,
    version: Option<Version>,
    /// Opened by the first hop.
    file: Option<LocalFile>,
    plan: RangePlan,
    ranges: Vec<Range<u64>>,
    order: Vec<usize>,
    /// The next position in `order`.
    next: usize,
}

impl RangeReads {
    fn hop(&mut self) -> Result<Vec<RangeBody>> {
        if self.file.is_none() && !self.plan.requests.is_empty() {
            self.file = Some(self.open()?);
        }
        let mut bodies = Vec::new();
        let mut read = 0;
        while read < HOP
            && let Some(&index) = self.order.get(self.next)
        {
            let run = self.plan.served_by[index].clone();
            let Some(file) = self.file.as_ref().filter(|_| !run.is_empty()) else {
                bodies.push(RangeBody {
                    index,
                    bytes: Bytes::new(),
                });
                self.next += 1;
                continue;
            };
            let request = self.plan.requests[run.start].start..self.plan.requests[run.end - 1].end;
            let bytes = read_all(file, &request)?;
            read += request.end - request.start;
            while let Some(&index) = self.order.get(self.next)
                && self.plan.served_by[index] == run
            {
                let bytes = slice(&bytes, &request, &self.ranges[index]);
                bodies.push(RangeBody { index, bytes });
                self.next += 1;
            }
        }
        if let Some(file) = &self.file {
            file.check_unchanged()?;
        }
        Ok(bodies)
    }

    fn open(&self) -> Result<LocalFile> {
        let place = || self.local.place(&self.key);
        let file = match (self.local.open(&self.key)?, &self.version) {
            (Some(file), _) => file,
            (None, Some(_)) => return Err(Error::Changed { place: place() }),
            (None, None) => return Err(Error::NotFound { place: place() }),
        };
        file.expect_version(self.version.as_ref())?;
        Ok(file)
    }
}

/// Reads all bytes of a range, without clamping.
fn read_all(file: &LocalFile, range: &Range<u64>) -> Result<Bytes> {
    let bytes = file.read(&ByteRange::Range(range.clone()))?;
    if bytes.len() as u64 == range.end - range.start {
        return Ok(bytes);
    }
    Err(Error::ShortBody {
        place: file.place().clone(),
        range: range.clone(),
        got: bytes.len() as u64,
        expected: range.end - range.start,
    })
}

fn slice(bytes: &Bytes, request: &Range<u64>, wanted: &Range<u64>) -> Bytes {
    let at = |position: u64| {
        usize::try_from(position - request.start).expect("a buffer is no larger than memory")
    };
    bytes.slice(at(wanted.start)..at(wanted.end))
}

pub(crate) async fn put(
    context: &Arc<Context>,
    local: &LocalStore,
    key: &str,
    payload: Vec<Bytes>,
    precondition: Precondition,
) -> Result<Version> {
    let (files, name) = (local.clone(), key.to_owned());
    run_waiting(
        context.permits.clone(),
        local,
        ("put", key),
        move |permit| files.put(&name, &payload, &precondition, permit),
    )
    .await
}

pub(crate) async fn patch(
    context: &Arc<Context>,
    local: &LocalStore,
    key: &str,
    version: &Version,
    (keep, tail): (u64, Vec<Bytes>),
) -> Result<Version> {
    let (files, name, version) = (local.clone(), key.to_owned(), version.clone());
    run_waiting(
        context.permits.clone(),
        local,
        ("patch", key),
        move |permit| files.patch(&name, &version, keep, &tail, permit),
    )
    .await
}

pub(crate) async fn hold(context: &Arc<Context>, local: &LocalStore, key: &str) -> Result<Hold> {
    let (files, name) = (local.clone(), key.to_owned());
    run_waiting(
        context.permits.clone(),
        local,
        ("hold", key),
        move |permit| files.hold(&name, permit),
    )
    .await
}

pub(crate) async fn delete(context: &Arc<Context>, local: &LocalStore, key: &str) -> Result<()> {
    let (files, name) = (local.clone(), key.to_owned());
    run_waiting(
        context.permits.clone(),
        local,
        ("delete", key),
        move |permit| files.delete(&name, permit),
    )
    .await
}

pub(crate) async fn delete_all(
    context: &Arc<Context>,
    local: &LocalStore,
    keys: &[String],
) -> Result<()> {
    let Some(first) = keys.first() else {
        return Ok(());
    };
    let (files, names) = (local.clone(), keys.to_vec());
    run_waiting(
        context.permits.clone(),
        local,
        ("delete", first),
        move |permit| names.iter().try_for_each(|name| files.delete(name, permit)),
    )
    .await
}

pub(crate) async fn delete_prefix(
    context: &Arc<Context>,
    local: &LocalStore,
    prefix: &str,
) -> Result<()> {
    let (files, name) = (local.clone(), prefix.to_owned());
    run(
        context.permits.clone(),
        local,
        ("delete", prefix),
        move || files.delete_prefix(&name),
    )
    .await
}

pub(crate) async fn list_dir(
    context: &Arc<Context>,
    local: &LocalStore,
    prefix: &str,
) -> Result<Listing> {
    let (files, name) = (local.clone(), prefix.to_owned());
    local.counters.list();
    run(
        context.permits.clone(),
        local,
        ("list", prefix),
        move || files.list_dir(&name),
    )
    .await
}

pub(crate) async fn head(
    context: &Arc<Context>,
    local: &LocalStore,
    key: &str,
) -> Result<Option<ObjectInfo>> {
    let (files, name) = (local.clone(), key.to_owned());
    local.counters.head();
    run(context.permits.clone(), local, ("head", key), move || {
        Ok(files.open(&name)?.map(|file| ObjectInfo {
            size: file.size(),
            version: file.version(),
        }))
    })
    .await
}

pub(crate) fn list(
    context: &Arc<Context>,
    local: &LocalStore,
    prefix: &str,
) -> BoxStream<'static, Result<Entry>> {
    batches(context, local, prefix, Walk::next_batch)
        .map_ok(|batch| stream::iter(batch.into_iter().map(Ok)))
        .try_flatten()
        .boxed()
}

pub(crate) fn list_keys(
    context: &Arc<Context>,
    local: &LocalStore,
    prefix: &str,
) -> BoxStream<'static, Result<Vec<String>>> {
    batches(context, local, prefix, Walk::next_keys)
}

/// Streams a walk, one batch per hop.
fn batches<T: Send + 'static>(
    context: &Arc<Context>,
    local: &LocalStore,
    prefix: &str,
    next: fn(&mut Walk, usize) -> Result<Vec<T>>,
) -> BoxStream<'static, Result<Vec<T>>> {
    local.counters.list();
    let permits = context.permits.clone();
    let (local, prefix) = (local.clone(), prefix.to_owned());
    stream::try_unfold(local.walk(&prefix), move |mut walk: Walk| {
        let (permits, local, prefix) = (Arc::clone(&permits), local.clone(), prefix.clone());
        async move {
            let (batch, walk) = run(permits, &local, ("list", &prefix), move || {
                let batch = next(&mut walk, BATCH)?;
                Ok((batch, walk))
            })
            .await?;
            Ok::<_, Error>((!batch.is_empty()).then_some((batch, walk)))
        }
    })
    .boxed()
}
