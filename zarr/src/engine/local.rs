//! Reads of local files: positioned reads on one open handle an object, on the thread that decodes. No runtime, no copy of the
//! encoded bytes beyond a buffer that the thread keeps.

use std::sync::Arc;

use rayon::iter::{IntoParallelIterator, ParallelBridge, ParallelIterator};
use zarr_core::codec::with_scratch_slice;
use zarr_core::plan::{ChunkJob, Fetch, ObjectRead, Purpose, ReadPlan, Work};
use zarr_core::size;
use zarr_store::{ErrorKind, LocalFile};

use super::cache::CachedIndex;
use super::{ATTEMPTS, Engine, Target, compute_blocking};
use crate::error::{Error, Result};

/// A read of no more objects, or inner chunks, than this is done on the caller's thread: waking others takes longer.
const INLINE: usize = 1;

impl Engine {
    pub(super) fn read_local(self: &Arc<Self>, plan: &ReadPlan, target: &Target) -> Result<()> {
        let mut objects = plan.start(target.output())?;
        if plan.objects() <= INLINE as u64 {
            return objects.try_for_each(|object| self.read_object(object, target));
        }
        let (engine, target) = (self.clone(), target.clone());
        compute_blocking(move || {
            objects
                .par_bridge()
                .try_for_each(|object| engine.read_object(object, &target))
        })?
    }

    /// Reads what is wanted of one object from one version of it; from the start again if it is overwritten in place meanwhile.
    fn read_object(self: &Arc<Self>, mut object: ObjectRead, target: &Target) -> Result<()> {
        let store = self.store.as_local().expect("only called for local stores");
        for _ in 0..ATTEMPTS {
            let fetch = object.attempt()?;
            let Some(file) = store.open(fetch.key())? else {
                return self.run(None, fetch.supply(None)?, target);
            };
            let file = Arc::new(file);
            let result = self.follow(&file, fetch, target);
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

    /// Goes on with a fetch from a file that is open: all its ranges are of one version.
    fn follow(
        self: &Arc<Self>,
        file: &Arc<LocalFile>,
        fetch: Fetch,
        target: &Target,
    ) -> Result<()> {
        if fetch.purpose() == Purpose::Chunk {
            let range = fetch.range().resolve(file.size());
            fetch.check_size(range.end - range.start)?;
            return match fetch.into_job() {
                Some(job) => read_chunk(file, range, job, target),
                None => unreachable!("a fetch for a chunk is a job"),
            };
        }
        let fetch = fetch.by_index();
        let index = self.local_index(file, &fetch)?;
        let work = fetch.open(&index, file.size())?;
        self.run(Some(file), work, target)
    }

    fn local_index(
        &self,
        file: &LocalFile,
        fetch: &Fetch,
    ) -> Result<Arc<zarr_core::codec::ShardIndex>> {
        let key = (fetch.key().clone(), fetch.range().clone());
        if let Some(cached) = self.caches.index(&key)
            && cached.version == file.version()
        {
            return Ok(cached.value);
        }
        let index = Arc::new(fetch.decode_index(&file.read(fetch.range())?)?);
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
        work: Vec<Work>,
        target: &Target,
    ) -> Result<()> {
        if work.len() <= INLINE {
            return work
                .into_iter()
                .try_for_each(|work| self.run_one(file, work, target));
        }
        let (engine, file, target) = (self.clone(), file.cloned(), target.clone());
        compute_blocking(move || {
            work.into_par_iter()
                .try_for_each(|work| engine.run_one(file.as_ref(), work, &target))
        })?
    }

    fn run_one(
        self: &Arc<Self>,
        file: Option<&Arc<LocalFile>>,
        work: Work,
        target: &Target,
    ) -> Result<()> {
        match (work, file) {
            (Work::Decode(job), _) => target.run_job(job),
            (Work::Fetch(fetch), Some(file)) => self.follow(file, fetch, target),
            (Work::Fetch(_), None) => unreachable!("an absent object needs no fetch"),
        }
    }
}

fn read_chunk(
    file: &LocalFile,
    range: std::ops::Range<u64>,
    job: ChunkJob,
    target: &Target,
) -> Result<()> {
    let len = size::to_usize("stored chunk", range.end - range.start)?;
    with_scratch_slice(len, |buffer| {
        file.read_exact_at(buffer, range.start)?;
        target.run(job, Some(buffer))
    })
}
