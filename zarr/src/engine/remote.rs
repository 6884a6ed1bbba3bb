//! Reads through requests: indexes first, then merged ranges, decoded as they arrive.

use std::ops::Range;
use std::sync::Arc;

use futures::stream::{self, FuturesUnordered, StreamExt, TryStreamExt};
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use tokio::sync::SemaphorePermit;
use zarr_core::plan::{Body, DecodeJob, Fetch, Purpose, ReadPlan, Work};
use zarr_core::{ByteRange, Output};
use zarr_store::{ErrorKind, Version};

use super::cache::CachedIndex;
use super::{Engine, IN_FLIGHT_KIB, compute};
use crate::error::{Error, Result};

/// Objects that are worked on at one time; requests are limited by the store.
const OBJECTS: usize = 64;

/// How often an object that changes while it is read is read again.
const ATTEMPTS: usize = 4;

/// Something that follows from the bytes of one object, in one version.
struct Next<'a> {
    jobs: Vec<DecodeJob>,
    fetches: Vec<Fetch>,
    version: Version,
    /// The memory of the bytes that the jobs hold.
    permit: Option<SemaphorePermit<'a>>,
}

impl Engine {
    pub(super) async fn read_remote(&self, plan: &ReadPlan, output: &Output) -> Result<()> {
        stream::iter(plan.fetches())
            .map(|fetch| self.read_versioned(fetch, output))
            .buffer_unordered(OBJECTS)
            .try_collect::<()>()
            .await
    }

    /// Reads what is wanted of one object from one version of it; from the start again where it changes in between.
    async fn read_versioned(&self, fetch: Fetch, output: &Output) -> Result<()> {
        for _ in 0..ATTEMPTS {
            match self.read_once(fetch.clone(), output).await {
                Err(Error::Store(error))
                    if matches!(error.kind(), ErrorKind::Changed | ErrorKind::NotFound) =>
                {
                    self.indexes.remove(fetch.key(), fetch.range());
                }
                result => return result,
            }
        }
        Err(Error::ChangedDuringRead {
            key: fetch.key().to_string(),
            attempts: ATTEMPTS,
        })
    }

    async fn read_once(&self, fetch: Fetch, output: &Output) -> Result<()> {
        let mut next = self.first(fetch).await?;
        loop {
            decode(std::mem::take(&mut next.jobs), output).await?;
            next.permit = None;
            if next.fetches.is_empty() {
                return Ok(());
            }
            next = self.ranges(next, output).await?;
        }
    }

    /// The first request for an object, or none where its index is cached.
    async fn first(&self, fetch: Fetch) -> Result<Next<'_>> {
        let (key, range) = (fetch.key().clone(), fetch.range().clone());
        if fetch.purpose() == Purpose::Index
            && let Some(cached) = self.indexes.get(&key, &range)
        {
            let work = fetch.clone().open(&cached.index, cached.object_size)?;
            let next = Next::new(work, cached.version, None);
            // The ranges are fetched on condition that the index still holds. Without any, only the store can tell.
            if !next.fetches.is_empty() {
                return Ok(next);
            }
        }
        // What is read whole is seldom larger than what it decodes to.
        let permit = self
            .permit(kib(range
                .len_hint()
                .unwrap_or_else(|| fetch.decoded_size())))
            .await;
        let Some(body) = self.store.get(&key, &range, None).await? else {
            return Ok(Next::new(fetch.supply(None)?, Version::unknown(), None));
        };
        let work = if fetch.purpose() == Purpose::Index {
            let index = Arc::new(fetch.decode_index(&body.bytes)?);
            let cached = CachedIndex {
                version: body.version.clone(),
                object_size: body.object_size,
                index: index.clone(),
            };
            self.indexes.insert(&key, &range, cached);
            fetch.open(&index, body.object_size)?
        } else {
            fetch.supply(Some(Body {
                bytes: body.bytes,
                object_size: body.object_size,
            }))?
        };
        Ok(Next::new(work, body.version, Some(permit)))
    }

    /// Fetches ranges of one object on condition that it has not changed, and decodes each as it arrives. What needs more
    /// ranges (nested shards) is returned.
    async fn ranges(&self, next: Next<'_>, output: &Output) -> Result<Next<'_>> {
        let key = next.fetches[0].key().clone();
        let ranges = next
            .fetches
            .iter()
            .map(|fetch| absolute(fetch.range()))
            .collect::<Vec<_>>();
        let wanted = ranges.iter().map(|range| range.end - range.start).sum();
        let _permit = self.permit(kib(wanted)).await;
        let mut fetches = next.fetches.into_iter().map(Some).collect::<Vec<_>>();
        let mut arriving = std::pin::pin!(self.store.get_ranges(&key, ranges, Some(&next.version)));
        let mut decoding = FuturesUnordered::new();
        let mut more = Vec::new();
        while let Some(arrived) = arriving.next().await {
            let arrived = arrived?;
            let Some(fetch) = fetches[arrived.index].take() else {
                continue;
            };
            let object_size = arrived.bytes.len() as u64;
            let work = fetch.supply(Some(Body {
                bytes: arrived.bytes,
                object_size,
            }))?;
            let (jobs, fetches) = split(work);
            more.extend(fetches);
            if !jobs.is_empty() {
                decoding.push(decode(jobs, output));
            }
        }
        while decoding.next().await.transpose()?.is_some() {}
        Ok(Next {
            jobs: vec![],
            fetches: more,
            version: next.version,
            permit: None,
        })
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
    output: &Output,
) -> impl Future<Output = Result<()>> + Send + use<> {
    let output = output.clone();
    let decoding = (!jobs.is_empty())
        .then(|| compute(move || jobs.par_iter().try_for_each(|job| job.run(&output))));
    async {
        match decoding {
            Some(decoding) => Ok(decoding.await??),
            None => Ok(()),
        }
    }
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
