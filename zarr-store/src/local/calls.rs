//! The operations of [`Store`] on local files, moved off the runtime with as few hops as possible.

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
use crate::version::{Precondition, Version};
use crate::{Body, Entry, Listing, ObjectInfo, Revalidated, task};

/// The objects that one hop of a listing finds.
const BATCH: usize = 1000;

/// Runs work off the runtime, with a permit of the store, and logs the time taken. Work that waits
/// for other writers then releases the permit.
pub(super) async fn run<T: Send + 'static>(
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

/// Runs an operation on a key.
async fn call<T: Send + 'static>(
    context: &Arc<Context>,
    local: &LocalStore,
    named: (&'static str, &str),
    work: impl FnOnce(&LocalStore, &str, &mut Permit) -> Result<T> + Send + 'static,
) -> Result<T> {
    let (files, name) = (local.clone(), named.1.to_owned());
    let work = move |permit: &mut Permit| work(&files, &name, permit);
    run(context.permits.clone(), local, named, work).await
}

pub(crate) async fn get(
    context: &Arc<Context>,
    local: &LocalStore,
    key: &str,
    range: &ByteRange,
    version: Option<&Version>,
) -> Result<Option<Body>> {
    let (range, version) = (range.clone(), version.cloned());
    call(context, local, ("get", key), move |files, name, _| {
        let Some(file) = files.open(name)? else {
            return match version {
                Some(_) => Err(Error::Changed {
                    place: files.place(name),
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
    let (range, known) = (range.clone(), known.clone());
    call(
        context,
        local,
        ("get", key),
        move |files, name, _| match files.open(name)? {
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

pub(crate) async fn put(
    context: &Arc<Context>,
    local: &LocalStore,
    key: &str,
    payload: Vec<Bytes>,
    precondition: Precondition,
) -> Result<Version> {
    call(context, local, ("put", key), move |files, name, permit| {
        files.put(name, &payload, &precondition, permit)
    })
    .await
}

pub(crate) async fn patch(
    context: &Arc<Context>,
    local: &LocalStore,
    key: &str,
    version: &Version,
    (keep, tail): (u64, Vec<Bytes>),
) -> Result<Version> {
    let version = version.clone();
    call(
        context,
        local,
        ("patch", key),
        move |files, name, permit| files.patch(name, &version, keep, &tail, permit),
    )
    .await
}

pub(crate) async fn hold(context: &Arc<Context>, local: &LocalStore, key: &str) -> Result<Hold> {
    call(context, local, ("hold", key), LocalStore::hold).await
}

pub(crate) async fn delete(context: &Arc<Context>, local: &LocalStore, key: &str) -> Result<()> {
    call(context, local, ("delete", key), LocalStore::delete).await
}

pub(crate) async fn delete_all(
    context: &Arc<Context>,
    local: &LocalStore,
    keys: &[String],
) -> Result<()> {
    let Some(first) = keys.first() else {
        return Ok(());
    };
    let names = keys.to_vec();
    call(
        context,
        local,
        ("delete", first),
        move |files, _, permit| names.iter().try_for_each(|name| files.delete(name, permit)),
    )
    .await
}

pub(crate) async fn delete_prefix(
    context: &Arc<Context>,
    local: &LocalStore,
    prefix: &str,
) -> Result<()> {
    call(context, local, ("delete", prefix), |files, name, _| {
        files.delete_prefix(name)
    })
    .await
}

pub(crate) async fn list_dir(
    context: &Arc<Context>,
    local: &LocalStore,
    prefix: &str,
) -> Result<Listing> {
    local.counters.list();
    call(context, local, ("list", prefix), |files, name, _| {
        files.list_dir(name)
    })
    .await
}

pub(crate) async fn head(
    context: &Arc<Context>,
    local: &LocalStore,
    key: &str,
) -> Result<Option<ObjectInfo>> {
    local.counters.head();
    call(context, local, ("head", key), |files, name, _| {
        Ok(files.open(name)?.map(|file| ObjectInfo {
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
            let (batch, walk) = run(permits, &local, ("list", &prefix), move |_| {
                let batch = next(&mut walk, BATCH)?;
                Ok((batch, walk))
            })
            .await?;
            Ok::<_, Error>((!batch.is_empty()).then_some((batch, walk)))
        }
    })
    .boxed()
}
