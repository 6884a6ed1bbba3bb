//! Reads through requests: indexes first, then merged ranges, decoded as they arrive.

use std::ops::Range;
use std::sync::Arc;

use futures::stream::{self, FuturesUnordered, StreamExt, TryStreamExt};
use tokio::runtime::Handle;
use tokio::sync::SemaphorePermit;
use zarr_core::plan::{DecodeJob, Fetch, ObjectRead, Purpose, ReadPlan, Work};
use zarr_store::{ByteRange, ErrorKind, Revalidated, Version};

use super::cache::{Cached, CachedChunk, CachedIndex, Chunk, Key, key_of};
use super::resume::{Arrived, resume};
use super::{ATTEMPTS, Engine, Target};
use crate::error::{Error, Result};

/// The number of objects read concurrently; the store limits the number of requests.
const OBJECTS: usize = 64;

/// The maximum number of arrived ranges handed to the computing threads at once.
const BATCH: usize = 1024;

/// The current state of a part of an object that may be cached.
enum Fresh<T> {
    /// The cached part is unchanged.
    Cached(Cached<T>),
    /// The part was not cached or has changed.
    Read(zarr_store::Body),
    /// The object does not exist.
    Absent,
}

/// The reason why no index can be cached.
enum NoIndex {
    /// The object does not exist.
    Absent,
    /// The store does not provide versions.
    Unversioned(CachedIndex),
    Failed(Error),
}

impl Engine {
    pub(super) async fn read_remote(&self, plan: &ReadPlan, target: &Target) -> Result<()> {
        stream::iter(plan.start(target.output())?)
            .map(|object| self.read_versioned(object, target))
            .buffer_unordered(OBJECTS)
            .try_collect::<()>()
            .await
    }

    /// Reads the selected parts of one object from one version of it; restarts if the object
    /// changes meanwhile.
    async fn read_versioned(&self, mut object: ObjectRead, target: &Target) -> Result<()> {
        for _ in 0..ATTEMPTS {
            let fetch = object.attempt()?;
            let key = key_of(&fetch);
            match self.read_once(fetch, &mut object, target).await {
                Err(Error::Store(error))
                    if matches!(error.kind(), ErrorKind::Changed | ErrorKind::NotFound) =>
                {
                    self.caches.remove_index(&key);
                }
                result => return result,
            }
        }
        Err(Error::ChangedDuringRead {
            key: object.key().to_string(),
            attempts: ATTEMPTS,
        })
    }

    async fn read_once(
        &self,
        mut fetch: Fetch,
        object: &mut ObjectRead,
        target: &Target,
    ) -> Result<()> {
        if self.caches.keeps_decoded() {
            // Inner chunks are cached one by one.
            fetch = fetch.by_index();
        }
        if fetch.purpose() != Purpose::Index {
            match self.read_whole(fetch, target).await? {
                Some(index) => fetch = index,
                None => return Ok(()),
            }
        }
        let (mut work, version) = self.first_index(fetch, object).await?;
        while !work.is_empty() {
            work = self.read_parts(work, &version, target).await?;
        }
        Ok(())
    }

    /// Reads an entire object, or takes it from the cache. Returns the fetch of its index instead
    /// if the object is a shard whose dead space makes it larger than its maximum encoded size.
    async fn read_whole(&self, fetch: Fetch, target: &Target) -> Result<Option<Fetch>> {
        let key = key_of(&fetch);
        let cached = self.caches.chunk(&fetch);
        let (found, _permit) = match cached {
            Some(cached) if !self.caches.options.revalidate => (Fresh::Cached(cached), None),
            cached => {
                // An entire object is rarely larger than its decoded size, and the read is limited
                // to its maximum encoded size.
                let permit = self.permit(kib(fetch.decoded_size())).await;
                let most = self.store.whole(fetch.max_size());
                (self.refresh(&key.0, &most, cached).await?, permit)
            }
        };
        let chunk = match found {
            Fresh::Absent => None,
            Fresh::Cached(chunk) => Some(chunk),
            Fresh::Read(read)
                if fetch.purpose() == Purpose::Shard && read.object_size > fetch.max_size() =>
            {
                return Ok(Some(fetch.by_index()));
            }
            Fresh::Read(read) => {
                let chunk = CachedChunk {
                    version: read.version,
                    object_size: read.object_size,
                    value: Chunk::Encoded(read.bytes),
                };
                self.caches.insert_encoded(&fetch, &chunk);
                Some(chunk)
            }
        };
        resume(&self.caches, Vec::new(), vec![(fetch, chunk)], target).await?;
        Ok(None)
    }

    /// Reads a range of an object, unless the cached version is still current.
    async fn refresh<T>(
        &self,
        key: &str,
        range: &ByteRange,
        cached: Option<Cached<T>>,
    ) -> Result<Fresh<T>> {
        let Some(cached) = cached else {
            let body = self.store.get(key, range, None).await?;
            return Ok(body.map_or(Fresh::Absent, Fresh::Read));
        };
        let answer = self.store.get_if_changed(key, range, &cached.version);
        Ok(match answer.await? {
            Revalidated::Unchanged => Fresh::Cached(cached),
            Revalidated::Changed(body) => Fresh::Read(body),
            Revalidated::Absent => Fresh::Absent,
        })
    }

    /// Reads the index of a shard, or takes it from the cache. Returns the remaining work and the
    /// version of the object that it applies to.
    async fn first_index(
        &self,
        fetch: Fetch,
        object: &mut ObjectRead,
    ) -> Result<(Vec<Work>, Version)> {
        let key = key_of(&fetch);
        // Ranges are fetched on condition that the index is still current; cached chunks are not
        // fetched.
        let trusted = !(self.caches.keeps_chunks() && self.caches.options.revalidate);
        let mut fresh = !trusted;
        let found = if trusted {
            let fetching = async {
                fresh = true;
                self.fetch_index(&fetch, &key, None).await
            };
            self.caches.index_or(&key, fetching).await
        } else {
            self.renew_index(&fetch, &key).await
        };
        let (work, version) = open_index(fetch, found)?;
        let fetches = |work: &Work| matches!(work, Work::Fetch(_));
        if fresh || !self.caches.options.revalidate || work.iter().any(fetches) {
            return Ok((work, version));
        }
        // No range is fetched, so nothing has verified that the index is still current.
        drop(work);
        let fetch = object.attempt()?.by_index();
        let found = self.renew_index(&fetch, &key).await;
        open_index(fetch, found)
    }

    /// Returns the current index: the cached one if its object has not changed.
    async fn renew_index(&self, fetch: &Fetch, key: &Key) -> Result<CachedIndex, NoIndex> {
        let found = self.fetch_index(fetch, key, self.caches.index(key)).await;
        if let Ok(found) = &found {
            self.caches.insert_index(key, found.clone());
        }
        found
    }

    async fn fetch_index(
        &self,
        fetch: &Fetch,
        key: &Key,
        cached: Option<CachedIndex>,
    ) -> Result<CachedIndex, NoIndex> {
        let body = match self.refresh(&key.0, &key.1, cached).await {
            Ok(Fresh::Cached(cached)) => return Ok(cached),
            Ok(Fresh::Read(body)) => body,
            Ok(Fresh::Absent) => return Err(NoIndex::Absent),
            Err(error) => return Err(NoIndex::Failed(error)),
        };
        let index = fetch
            .decode_index(&body.bytes)
            .map_err(|error| NoIndex::Failed(error.into()))?;
        let found = CachedIndex {
            version: body.version,
            object_size: body.object_size,
            value: Arc::new(index),
        };
        if found.version.is_known() {
            Ok(found)
        } else {
            Err(NoIndex::Unversioned(found))
        }
    }

    /// Reads parts of one object on condition that it has not changed, and decodes them as they
    /// arrive. Returns the parts of nested shards to read next. All jobs have finished when this
    /// returns, even with an error: a retry may then read the object into the same elements.
    async fn read_parts(
        &self,
        work: Vec<Work>,
        version: &Version,
        target: &Target,
    ) -> Result<Vec<Work>> {
        let (jobs, fetches) = split(work);
        let (cached, fetches) = self.take_cached(fetches, version);
        let mut running = FuturesUnordered::from_iter([resume(&self.caches, jobs, cached, target)]);
        let arrived = self
            .arrive(fetches, version, |batch| {
                running.push(resume(&self.caches, Vec::new(), batch, target));
            })
            .await;
        let mut left = Ok(Vec::new());
        while let Some(result) = running.next().await {
            left = left.and_then(|mut left: Vec<Work>| {
                left.extend(result?);
                Ok(left)
            });
        }
        arrived.and(left)
    }

    /// Fetches ranges of one object and hands them to `start`; ranges that arrive together form one
    /// batch. Returns the permit for the memory of the ranges.
    async fn arrive(
        &self,
        fetches: Vec<Fetch>,
        version: &Version,
        mut start: impl FnMut(Vec<Arrived>),
    ) -> Result<Option<SemaphorePermit<'_>>> {
        let Some(first) = fetches.first() else {
            return Ok(None);
        };
        let key = first.key().clone();
        let ranges = fetches.iter().map(range_of).collect::<Vec<_>>();
        let wanted = ranges.iter().map(|range| range.end - range.start).sum();
        let permit = self.permit(kib(wanted)).await;
        let mut fetches = fetches.into_iter().map(Some).collect::<Vec<_>>();
        let mut arriving = self
            .store
            .get_ranges(&key, ranges, Some(version))
            .ready_chunks(BATCH);
        while let Some(arrived) = arriving.next().await {
            let mut batch = Vec::with_capacity(arrived.len());
            for arrived in arrived {
                let arrived = arrived?;
                let Some(fetch) = fetches[arrived.index].take() else {
                    continue;
                };
                let chunk = CachedChunk {
                    version: version.clone(),
                    object_size: arrived.bytes.len() as u64,
                    value: Chunk::Encoded(arrived.bytes),
                };
                if fetch.purpose() != Purpose::Index {
                    self.caches.insert_encoded(&fetch, &chunk);
                }
                batch.push((fetch, Some(chunk)));
            }
            tracing::trace!(key = &*key, ranges = batch.len(), "decode");
            start(batch);
        }
        Ok(permit)
    }

    /// Returns the ranges that the cache holds in this version, and the fetches of all others.
    fn take_cached(&self, fetches: Vec<Fetch>, version: &Version) -> (Vec<Arrived>, Vec<Fetch>) {
        if !self.caches.keeps_chunks() {
            return (Vec::new(), fetches);
        }
        let (mut found, mut missing) = (Vec::new(), Vec::new());
        for fetch in fetches {
            match self.caches.chunk(&fetch) {
                Some(cached) if cached.version == *version => found.push((fetch, Some(cached))),
                // Inner chunks of nested shards are cached one by one too.
                _ if self.caches.keeps_decoded() => missing.push(fetch.by_index()),
                _ => missing.push(fetch),
            }
        }
        (found, missing)
    }

    /// Reserves memory for encoded bytes; a read larger than the whole budget waits for all of it.
    /// Without a runtime, the read is no task: its owner may wait for another read before it polls
    /// this one again, so there is no reservation.
    async fn permit(&self, kib: usize) -> Option<SemaphorePermit<'_>> {
        Handle::try_current().ok()?;
        let permits = u32::try_from(kib.clamp(1, self.in_flight_kib)).expect("the bound fits");
        let permit = self.in_flight.acquire_many(permits).await;
        Some(permit.expect("the semaphore is never closed"))
    }
}

/// Opens the index of a shard. Returns the remaining work and the version of the object that it
/// applies to.
fn open_index(fetch: Fetch, found: Result<CachedIndex, NoIndex>) -> Result<(Vec<Work>, Version)> {
    let (works, version) = match found {
        Ok(found) | Err(NoIndex::Unversioned(found)) => {
            (fetch.open(found.value, found.object_size)?, found.version)
        }
        Err(NoIndex::Absent) => (fetch.supply(None)?, Version::unknown()),
        Err(NoIndex::Failed(error)) => return Err(error),
    };
    // All ranges are merged before the first request.
    Ok((works.collect::<zarr_core::Result<_>>()?, version))
}

fn split(work: Vec<Work>) -> (Vec<DecodeJob>, Vec<Fetch>) {
    let (mut jobs, mut fetches) = (Vec::new(), Vec::new());
    for work in work {
        match work {
            Work::Decode(job) => jobs.push(job),
            Work::Fetch(fetch) => fetches.push(fetch),
        }
    }
    (jobs, fetches)
}

/// Parts found through an index are always ranges from the start of the object.
fn range_of(fetch: &Fetch) -> Range<u64> {
    match fetch.range() {
        zarr_core::ByteRange::Range(range) => range.clone(),
        other => unreachable!("a part of a shard is a range, not {other}"),
    }
}

fn kib(size: u64) -> usize {
    usize::try_from(size.div_ceil(1024)).unwrap_or(usize::MAX)
}
