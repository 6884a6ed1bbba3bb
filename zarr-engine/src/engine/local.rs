//! Reads of local files: positioned reads on one open handle per object, on the thread that
//! decodes. Needs no async runtime, and copies encoded bytes only into a reused per-thread buffer.

use std::ops::Range;
use std::sync::Arc;

use rayon::iter::{ParallelBridge, ParallelIterator};
use zarr_core::codec::with_scratch_slice;
use zarr_core::plan::{ChunkJob, Fetch, ObjectRead, Purpose, ReadPlan, Work, Works};
use zarr_core::size;
use zarr_store::{ErrorKind, LocalFile};

use super::batch::Batches;
use super::cache::{CachedIndex, Place};
use super::{ATTEMPTS, Engine, Target, compute_blocking, stored_range};
use crate::error::{Error, Result};

/// Reads of at most this many objects run on the caller's thread: waking other threads takes
/// longer.
const INLINE: u64 = 1;

/// The maximum number of bytes read at once for several chunks.
const MAX_SPAN: u64 = 1 << 20;

/// The largest gap between chunks that is cheaper to read than a second read.
const FREE_GAP: u64 = 4 << 10;

impl Engine {
    pub(super) fn read_local(self: &Arc<Self>, plan: &ReadPlan, target: &Target) -> Result<()> {
        let mut objects = plan.start(target.output())?;
        if plan.objects() <= INLINE {
            return objects.try_for_each(|object| self.read_object(object, target));
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
            let result = self.run_batch(Some(&file), vec![Work::Fetch(fetch)], target);
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
        let mut batches = Batches::new(works, Work::decoded_size);
        let Some(first) = batches.next().transpose()? else {
            return Ok(());
        };
        let Some(second) = batches.next() else {
            return self.run_batch(file, first, target);
        };
        let (engine, file, target) = (self.clone(), file.cloned(), target.clone());
        compute_blocking(move || {
            [Ok(first), second]
                .into_iter()
                .chain(batches)
                .par_bridge()
                .try_for_each(|batch| engine.run_batch(file.as_ref(), batch?, &target))
        })?
    }

    fn run_batch(
        self: &Arc<Self>,
        file: Option<&Arc<LocalFile>>,
        batch: Vec<Work>,
        target: &Target,
    ) -> Result<()> {
        let mut span = Span::default();
        for work in batch {
            match (work, file) {
                (Work::Decode(job), _) => target.run_job(job)?,
                (Work::Fetch(fetch), Some(file)) if fetch.purpose() == Purpose::Chunk => {
                    let range = fetch.range().resolve(file.size());
                    fetch.check_size(range.end - range.start)?;
                    let cached = self.caches.decoded(&fetch, || file.version());
                    let place = self.caches.place(&fetch, || file.version());
                    let job = fetch.into_job().expect("a fetch for a chunk is a job");
                    if let Some(chunk) = cached {
                        target.copy(job, chunk)?;
                        continue;
                    }
                    if !span.takes(&range) {
                        std::mem::take(&mut span).read(file, target)?;
                    }
                    span.push(range, job, place);
                }
                (Work::Fetch(fetch), Some(file)) => self.open_shard(file, fetch, target)?,
                (Work::Fetch(_), None) => unreachable!("an absent object needs no fetch"),
            }
        }
        file.map_or(Ok(()), |file| span.read(file, target))
    }
}

/// Adjacent chunks of a file, read at once.
#[derive(Default)]
struct Span {
    range: Range<u64>,
    /// The bytes of the chunks, without gaps.
    wanted: u64,
    /// The place of each chunk in the file, its job, and its place in the cache.
    jobs: Vec<(Range<u64>, ChunkJob, Option<Place>)>,
}

impl Span {
    /// Returns whether one read that includes this chunk is cheaper than two reads.
    fn takes(&self, range: &Range<u64>) -> bool {
        let size = self.with(range).end - self.with(range).start;
        let wanted = self.wanted.saturating_add(range.end - range.start);
        self.jobs.is_empty() || size <= MAX_SPAN && size <= wanted.saturating_add(FREE_GAP)
    }

    fn with(&self, range: &Range<u64>) -> Range<u64> {
        if self.jobs.is_empty() {
            return range.clone();
        }
        self.range.start.min(range.start)..self.range.end.max(range.end)
    }

    fn push(&mut self, range: Range<u64>, job: ChunkJob, place: Option<Place>) {
        self.range = self.with(&range);
        self.wanted = self.wanted.saturating_add(range.end - range.start);
        self.jobs.push((range, job, place));
    }

    fn read(self, file: &LocalFile, target: &Target) -> Result<()> {
        let Self { range, jobs, .. } = self;
        if jobs.is_empty() {
            return Ok(());
        }
        let len = size::to_usize("stored chunks", range.end - range.start)?;
        with_scratch_slice(len, |buffer| {
            file.read_exact_at(buffer, range.start)?;
            for (part, job, place) in jobs {
                let start = size::to_usize("stored chunk", part.start - range.start)?;
                let end = size::to_usize("stored chunk", part.end - range.start)?;
                target.run_kept(job, Some(&buffer[start..end]), place)?;
            }
            Ok(())
        })
    }
}
