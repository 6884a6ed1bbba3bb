//! Reads through requests: indexes first, then merged ranges, decoded as they arrive.

use std::ops::Range;
use std::sync::Arc;

use futures::stream::{self, FuturesUnordered, StreamExt, TryStreamExt};
use rayon::iter::{IntoParallelIterator, ParallelIterator};
use tokio::sync::SemaphorePermit;
use zarr_core::ByteRange;
use zarr_core::plan::{Body, DecodeJob, Fetch, ObjectRead, Purpose, ReadPlan, Work};
use zarr_store::{ErrorKind, Version};

use super::cache::{CachedChunk, CachedIndex, Key};
use super::{ATTEMPTS, Engine, IN_FLIGHT_KIB, Target, compute};
use crate::error::{Error, Result};

/// Objects that are worked on at one time; requests are limited by the store.
const OBJECTS: usize = 64;

/// Something that follows from the bytes of one object, in one version.
struct Next<'a> {
    jobs: Vec<DecodeJob>,
    fetches: Vec<Fetch>,
    version: Version,
    /// The memory of the bytes that the jobs hold.
    permit: Option<SemaphorePermit<'a>>,
}

/// Why there is no index to be kept.
enum NoIndex {
    /// The object does not exist.
    Absent,
    /// The store does not tell versions apart.
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

    /// Reads what is wanted of one object from one version of it; from the start again where it changes in between.
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
        fetch: Fetch,
        object: &mut ObjectRead,
        target: &Target,
    ) -> Result<()> {
        let mut next = match fetch.purpose() {
            Purpose::Index => self.first_index(fetch, object).await?,
            Purpose::Chunk | Purpose::Shard => self.first_object(fetch, object).await?,
        };
        loop {
            decode(std::mem::take(&mut next.jobs), target).await?;
            next.permit = None;
            if next.fetches.is_empty() {
                return Ok(());
            }
            next = self.ranges(next, target).await?;
        }
    }

    /// Reads a whole object, or takes it from the cache.
    async fn first_object(&self, fetch: Fetch, object: &mut ObjectRead) -> Result<Next<'_>> {
        let key = key_of(&fetch);
        if !self.caches.options.revalidate
            && let Some(cached) = self.caches.chunk(&key)
        {
            let body = Body {
                bytes: cached.bytes,
                object_size: cached.object_size,
            };
            return Ok(Next::new(fetch.supply(Some(body))?, cached.version, None));
        }
        // What is read whole is seldom larger than what it decodes to, and never takes more memory than it can need.
        let permit = self.permit(kib(fetch.decoded_size())).await;
        let most = ByteRange::Range(0..fetch.max_size().saturating_add(1));
        let Some(body) = self.store.get(&key.0, &most, None).await? else {
            return Ok(Next::new(fetch.supply(None)?, Version::unknown(), None));
        };
        if fetch.purpose() == Purpose::Shard && body.object_size > fetch.max_size() {
            drop(permit);
            return self.first_index(fetch.by_index(), object).await;
        }
        let chunk = CachedChunk {
            version: body.version,
            object_size: body.object_size,
            bytes: body.bytes,
        };
        self.caches.insert_chunk(key, &chunk);
        let work = fetch.supply(Some(Body {
            bytes: chunk.bytes,
            object_size: chunk.object_size,
        }))?;
        Ok(Next::new(work, chunk.version, Some(permit)))
    }

    /// Reads the index of a shard, or takes it from the cache.
    async fn first_index(&self, fetch: Fetch, object: &mut ObjectRead) -> Result<Next<'_>> {
        let key = key_of(&fetch);
        // Ranges are fetched on condition that the index still holds; chunks from the cache are not fetched.
        let trusted = !(self.caches.keeps_chunks() && self.caches.options.revalidate);
        let mut fresh = false;
        let found = if trusted {
            let fetching = async {
                fresh = true;
                self.fetch_index(&fetch, &key).await
            };
            self.caches.index_or(&key, fetching).await
        } else {
            fresh = true;
            self.fetch_index(&fetch, &key)
                .await
                .inspect(|found| self.caches.insert_index(&key, found.clone()))
        };
        let next = self.open_index(fetch, found)?;
        if fresh || !next.fetches.is_empty() || !self.caches.options.revalidate {
            return Ok(next);
        }
        // Nothing is fetched, so nobody says whether the index still holds.
        drop(next);
        let fetch = object.attempt()?.by_index();
        let found = self.fetch_index(&fetch, &key).await;
        if let Ok(found) = &found {
            self.caches.insert_index(&key, found.clone());
        }
        self.open_index(fetch, found)
    }

    async fn fetch_index(&self, fetch: &Fetch, key: &Key) -> Result<CachedIndex, NoIndex> {
        let body = match self.store.get(&key.0, &key.1, None).await {
            Ok(Some(body)) => body,
            Ok(None) => return Err(NoIndex::Absent),
            Err(error) => return Err(NoIndex::Failed(error.into())),
        };
        let index = fetch
            .decode_index(&body.bytes)
            .map_err(|error| NoIndex::Failed(error.into()))?;
        let found = CachedIndex {
            version: body.version,
            object_size: body.object_size,
            index: Arc::new(index),
        };
        if found.version.is_known() {
            Ok(found)
        } else {
            Err(NoIndex::Unversioned(found))
        }
    }

    fn open_index(&self, fetch: Fetch, found: Result<CachedIndex, NoIndex>) -> Result<Next<'_>> {
        match found {
            Ok(found) | Err(NoIndex::Unversioned(found)) => {
                let work = fetch.open(&found.index, found.object_size)?;
                Ok(Next::new(work, found.version, None))
            }
            Err(NoIndex::Absent) => Ok(Next::new(fetch.supply(None)?, Version::unknown(), None)),
            Err(NoIndex::Failed(error)) => Err(error),
        }
    }

    /// Fetches ranges of one object on condition that it has not changed, and decodes each as it arrives. What needs more
    /// ranges (nested shards) is returned. All that was started is done when this returns, with an error too: the object may
    /// be read again, into the same elements.
    async fn ranges(&self, next: Next<'_>, target: &Target) -> Result<Next<'_>> {
        let version = next.version;
        let (cached, fetches) = self.take_cached(next.fetches, &version)?;
        let mut following = Next::new(cached, version, None);
        let jobs = std::mem::take(&mut following.jobs);
        let mut decoding = FuturesUnordered::from_iter([decode(jobs, target)]);
        let arrived = self
            .arrive(fetches, &mut following, |jobs| {
                decoding.push(decode(jobs, target))
            })
            .await;
        let mut decoded = Ok(());
        while let Some(result) = decoding.next().await {
            decoded = decoded.and(result);
        }
        arrived.and(decoded).map(|()| following)
    }

    /// Fetches ranges of one object, hands jobs to `start` and adds what needs more ranges to `following`.
    async fn arrive<'a>(
        &'a self,
        fetches: Vec<Fetch>,
        following: &mut Next<'a>,
        mut start: impl FnMut(Vec<DecodeJob>),
    ) -> Result<()> {
        let Some(first) = fetches.first() else {
            return Ok(());
        };
        let key = first.key().clone();
        let ranges = fetches
            .iter()
            .map(|fetch| absolute(fetch.range()))
            .collect::<Vec<_>>();
        let wanted = ranges.iter().map(|range| range.end - range.start).sum();
        following.permit = Some(self.permit(kib(wanted)).await);
        let mut fetches = fetches.into_iter().map(Some).collect::<Vec<_>>();
        let mut arriving = self
            .store
            .get_ranges(&key, ranges, Some(&following.version));
        while let Some(arrived) = arriving.next().await {
            let arrived = arrived?;
            let Some(fetch) = fetches[arrived.index].take() else {
                continue;
            };
            let object_size = arrived.bytes.len() as u64;
            if fetch.purpose() != Purpose::Index {
                let (version, bytes) = (following.version.clone(), arrived.bytes.clone());
                let chunk = CachedChunk {
                    version,
                    object_size,
                    bytes,
                };
                self.caches.insert_chunk(key_of(&fetch), &chunk);
            }
            let (jobs, more) = split(fetch.supply(Some(Body {
                bytes: arrived.bytes,
                object_size,
            }))?);
            following.fetches.extend(more);
            start(jobs);
        }
        Ok(())
    }

    /// What the cache has of some ranges in this version, and the fetches of the others.
    fn take_cached(
        &self,
        fetches: Vec<Fetch>,
        version: &Version,
    ) -> Result<(Vec<Work>, Vec<Fetch>)> {
        let (mut work, mut missing) = (Vec::new(), Vec::new());
        for fetch in fetches {
            match self
                .caches
                .chunk(&key_of(&fetch))
                .filter(|cached| cached.version == *version)
            {
                Some(CachedChunk {
                    bytes, object_size, ..
                }) => {
                    work.extend(fetch.supply(Some(Body { bytes, object_size }))?);
                }
                None => missing.push(fetch),
            }
        }
        Ok((work, missing))
    }

    /// Sets memory aside for encoded bytes; a read that wants more than there is at all waits for all of it.
    async fn permit(&self, kib: usize) -> SemaphorePermit<'_> {
        let permits = u32::try_from(kib.clamp(1, IN_FLIGHT_KIB)).expect("the bound fits");
        self.in_flight
            .acquire_many(permits)
            .await
            .expect("the semaphore is never closed")
    }
}

impl<'a> Next<'a> {
    fn new(work: Vec<Work>, version: Version, permit: Option<SemaphorePermit<'a>>) -> Self {
        let (jobs, fetches) = split(work);
        Self {
            jobs,
            fetches,
            version,
            permit,
        }
    }
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

/// Starts to decode on the computing threads, all jobs in one hop.
fn decode(
    jobs: Vec<DecodeJob>,
    target: &Target,
) -> impl Future<Output = Result<()>> + Send + use<> {
    let target = target.clone();
    let decoding = (!jobs.is_empty())
        .then(|| compute(move || jobs.into_par_iter().try_for_each(|job| target.run_job(job))));
    async {
        match decoding {
            Some(decoding) => decoding.await?,
            None => Ok(()),
        }
    }
}

fn key_of(fetch: &Fetch) -> Key {
    (fetch.key().clone(), fetch.range().clone())
}

/// What follows an index are ranges from the start of the object.
fn absolute(range: &ByteRange) -> Range<u64> {
    match range {
        ByteRange::Range(range) => range.clone(),
        other => unreachable!("a part of a shard is a range, not {other}"),
    }
}

fn kib(size: u64) -> usize {
    usize::try_from(size.div_ceil(1024)).unwrap_or(usize::MAX)
}
