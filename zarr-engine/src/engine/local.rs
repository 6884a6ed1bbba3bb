//! Reads of local files: positioned reads on one open handle per object, on the thread that
//! decodes. Needs no async runtime, and copies encoded bytes only into a reused per-thread buffer.

use std::ops::Range;
use std::sync::Arc;

use rayon::iter::{ParallelBridge, ParallelIterator};
use zarr_core::codec::{ScratchMemory, with_scratch_memory};
use zarr_core::plan::{Fetch, ObjectRead, Purpose, ReadPlan, Work, Works};
use zarr_core::size;
use zarr_store::{ErrorKind, LocalFile};

use super::cache::{CachedIndex, Place};
use super::{ATTEMPTS, Engine, Target, caught, compute_blocking, stored_range};
use crate::error::{Error, Result};

/// Reads of at most this many objects run on the caller's thread: waking other threads takes
/// longer.
const INLINE: u64 = 1;

/// The maximum number of bytes read at once for several chunks.
const MAX_SPAN: u64 = 1 << 20;

/// The bytes of an uncompressed chunk that are worth a read of their own if nobody wants them.
const UNTOUCHED: u64 = 32 << 10;

/// The largest gap between chunks that is cheaper to read than a second read.
const FREE_GAP: u64 = 4 << 10;

impl Engine {
    pub(super) fn read_local(self: &Arc<Self>, plan: &ReadPlan, target: &Target) -> Result<()> {
        let mut objects = plan.start(target.output())?;
        if plan.objects() <= INLINE {
            return caught(|| objects.try_for_each(|object| self.read_object(object, target)))?;
        }
        let (engine, target) = (self.clone(), target.clone());
        compute_blocking(move || {
            objects
                .par_bridge()
                .try_for_each(|object| engine.read_object(object, &target))
        })?
    }

    /// Reads the selected parts of one object from one version of it; restarts if the object is
    /// overwritten in place meanwhile.
    fn read_object(self: &Arc<Self>, mut object: ObjectRead, target: &Target) -> Result<()> {
        let store = self.store.as_local().expect("only called for local stores");
        for _ in 0..ATTEMPTS {
            let fetch = object.attempt()?;
            let Some(file) = store.open(fetch.key())? else {
                return self.run(None, fetch.supply(None)?, target);
            };
            let file = Arc::new(file);
            let result = self.run_batch(Some(&file), fetch.into(), target);
            match file.check_unchanged() {
                Ok(()) => return result,
                Err(error) if error.kind() == ErrorKind::Changed => {}
                Err(error) => return result.and(Err(error.into())),
            }
        }
        Err(Error::ChangedDuringRead {
            key: object.key().to_string(),
            attempts: ATTEMPTS,
        })
    }

    /// Continues the fetch of a shard from an open file, so that all its ranges belong to one
    /// version.
    fn open_shard(
        self: &Arc<Self>,
        file: &Arc<LocalFile>,
        fetch: Fetch,
        target: &Target,
    ) -> Result<()> {
        let fetch = fetch.by_index();
        let index = self.local_index(file, &fetch)?;
        self.run(Some(file), fetch.open(index, file.size())?, target)
    }

    fn local_index(
        &self,
        file: &LocalFile,
        fetch: &Fetch,
    ) -> Result<Arc<zarr_core::codec::ShardIndex>> {
        let range = stored_range(fetch.range());
        let key = (fetch.key().clone(), range);
        if let Some(cached) = self.caches.index(&key)
            && cached.version == file.version()
        {
            return Ok(cached.value);
        }
        let index = Arc::new(fetch.decode_index(&file.read(&key.1)?)?);
        let (version, object_size) = (file.version(), file.size());
        let cached = CachedIndex {
            version,
            object_size,
            value: index.clone(),
        };
        self.caches.insert_index(&key, cached);
        Ok(index)
    }

    fn run(
        self: &Arc<Self>,
        file: Option<&Arc<LocalFile>>,
        works: Works,
        target: &Target,
    ) -> Result<()> {
        let mut batches = works.batches();
        let Some(first) = batches.next() else {
            return Ok(());
        };
        let Some(second) = batches.next() else {
            return self.run_batch(file, first?, target);
        };
        let (engine, file, target) = (self.clone(), file.cloned(), target.clone());
        compute_blocking(move || {
            [first, second]
                .into_iter()
                .chain(batches)
                .par_bridge()
                .try_for_each(|batch| engine.run_batch(file.as_ref(), batch?, &target))
        })?
    }

    fn run_batch(
        self: &Arc<Self>,
        file: Option<&Arc<LocalFile>>,
        batch: Works,
        target: &Target,
    ) -> Result<()> {
        let Some(file) = file.filter(|_| self.caches.keeps_decoded()) else {
            let ranges = batch.ranges();
            return self.run_works(file, ranges, batch, target);
        };
        let works = self.copy_cached(file, batch, target)?;
        let ranges = works.iter().filter_map(|work| match work {
            Work::Fetch(fetch) => Some(fetch.range().resolve(file.size())),
            Work::Decode(_) => None,
        });
        let ranges = ranges.collect();
        self.run_works(Some(file), ranges, works.into_iter().map(Ok), target)
    }

    /// Copies the chunks of a batch that the cache holds, and returns the other work.
    fn copy_cached(&self, file: &LocalFile, batch: Works, target: &Target) -> Result<Vec<Work>> {
        let mut left = Vec::new();
        for work in batch {
            match work? {
                Work::Fetch(fetch) => match self.caches.decoded(&fetch, || file.version()) {
                    Some(chunk) => {
                        let job = fetch.into_job();
                        target.copy(job.expect("a fetch for a chunk is a job"), chunk)?;
                    }
                    None => left.push(Work::Fetch(fetch)),
                },
                job @ Work::Decode(_) => left.push(job),
            }
        }
        Ok(left)
    }

    /// Runs the works of a batch, whose chunks lie in these byte ranges.
    fn run_works(
        self: &Arc<Self>,
        file: Option<&Arc<LocalFile>>,
        ranges: Vec<Range<u64>>,
        works: impl Iterator<Item = zarr_core::Result<Work>>,
        target: &Target,
    ) -> Result<()> {
        with_scratch_memory(|memory| {
            let mut chunks = ChunkReader {
                spans: spans(ranges).into_iter(),
                held: 0..0,
                memory,
            };
            for work in works {
                match (work?, file) {
                    (Work::Decode(job), _) => target.run_job(job)?,
                    (Work::Fetch(fetch), Some(file)) if fetch.purpose() == Purpose::Chunk => {
                        let place = self.caches.place(&fetch, || file.version());
                        chunks.read(file, fetch, place, target)?;
                    }
                    (Work::Fetch(fetch), Some(file)) => self.open_shard(file, fetch, target)?,
                    (Work::Fetch(_), None) => unreachable!("an absent object needs no fetch"),
                }
            }
            Ok(())
        })
    }
}

/// Reads adjacent chunks of a file at once.
struct ChunkReader<'a> {
    /// The byte ranges to read at once, in the order of the chunks.
    spans: std::vec::IntoIter<Range<u64>>,
    /// The byte range in memory.
    held: Range<u64>,
    memory: &'a mut ScratchMemory,
}

impl ChunkReader<'_> {
    /// Reads a chunk into the target; with a place in the cache, keeps it there.
    fn read(
        &mut self,
        file: &LocalFile,
        fetch: Fetch,
        place: Option<Place>,
        target: &Target,
    ) -> Result<()> {
        let range = fetch.range().resolve(file.size());
        fetch.check_size(range.end - range.start)?;
        let mut job = fetch.into_job().expect("a fetch for a chunk is a job");
        if !includes(&self.held, &range) {
            if place.is_none()
                && let Some(touched) = job.touched_bytes(range.end - range.start)
                && touched.end - touched.start + UNTOUCHED <= range.end - range.start
            {
                self.held = 0..0;
                let len = size::to_usize("stored chunk", touched.end - touched.start)?;
                let bytes = self.memory.slice(len);
                file.read_exact_at(bytes, range.start + touched.start)?;
                return Ok(job.run_touched(bytes, touched.start)?);
            }
            let span = self.spans.find(|span| includes(span, &range));
            let span = span.unwrap_or_else(|| range.clone());
            self.held = 0..0;
            if span == range && place.is_none() {
                let read =
                    |bytes: &mut [u8]| file.read_exact_at(bytes, range.start).map_err(Error::from);
                match job.read_in_place(range.end - range.start, read)? {
                    None => return Ok(()),
                    Some(other) => job = other,
                }
            }
            let len = size::to_usize("stored chunks", span.end - span.start)?;
            file.read_exact_at(self.memory.slice(len), span.start)?;
            self.held = span;
        }
        let start = size::to_usize("stored chunk", range.start - self.held.start)?;
        let end = size::to_usize("stored chunk", range.end - self.held.start)?;
        target.run_kept(job, Some(&self.memory.slice(end)[start..]), place)
    }
}

/// Whether a byte range includes another.
fn includes(outer: &Range<u64>, inner: &Range<u64>) -> bool {
    outer.start <= inner.start && inner.end <= outer.end
}

/// Merges the byte ranges of chunks into longer ranges wherever one read is cheaper than two.
fn spans(ranges: Vec<Range<u64>>) -> Vec<Range<u64>> {
    let mut spans: Vec<Range<u64>> = Vec::new();
    // The bytes of the chunks in the last span, without gaps.
    let mut wanted = 0_u64;
    for range in ranges {
        let size = range.end - range.start;
        if let Some(last) = spans.last_mut() {
            let both = last.start.min(range.start)..last.end.max(range.end);
            let length = both.end - both.start;
            if length <= MAX_SPAN && length <= wanted.saturating_add(size).saturating_add(FREE_GAP)
            {
                (*last, wanted) = (both, wanted.saturating_add(size));
                continue;
            }
        }
        spans.push(range);
        wanted = size;
    }
    spans
}

#[cfg(test)]
mod tests;
