//! Partial writes of a large shard at a cost proportional to the change: the existing bytes of the
//! shard stay, and the new inner chunks and a new index are appended, on condition that no other
//! writer has changed the shard since its index was read.

use std::sync::Arc;

use bytes::Bytes;
use futures::TryStreamExt;
use zarr_core::plan::{ObjectWrite, ShardPatch};
use zarr_store::ErrorKind;

use super::cache::{CachedIndex, Key};
use super::encode::encode;
use super::group_commit::{PendingWrite, inputs};
use super::{Engine, stored_range};
use crate::error::Result;

/// The outcome of writes that attempt to patch a shard.
pub(super) enum Patched {
    /// The writes are stored.
    Done,
    /// The shard's version differs from that of its index; the index was dropped from the cache.
    Changed,
    /// The shard does not exist.
    Absent,
    /// The writes are not stored, because the object cannot be patched or a full rewrite is
    /// cheaper. Holds the index of the shard, if known.
    Not(Option<CachedIndex>),
}

impl Engine {
    pub(super) async fn patch(&self, writes: &[Arc<PendingWrite>]) -> Result<Patched> {
        let object = &writes[0].object;
        let Some(range) = object.index_range().as_ref().map(stored_range) else {
            return Ok(Patched::Not(None));
        };
        if !object.is_patchable() || !self.store.patches(object.max_size()) {
            return Ok(Patched::Not(None));
        }
        let place = (object.key().clone(), range);
        let Some(old) = self.index_of(object, &place).await? else {
            return Ok(Patched::Absent);
        };
        if !old.version.is_known() || !self.store.patches(old.object_size) {
            return Ok(Patched::Not(None));
        }
        match self.patch_version(writes, &place, &old).await {
            Err(crate::Error::Store(error))
                if matches!(error.kind(), ErrorKind::Changed | ErrorKind::Conflict) =>
            {
                self.caches.remove_index(&place);
                Ok(Patched::Changed)
            }
            done => done,
        }
    }

    /// Returns the index of a shard, preferably from the cache: later steps are conditional on its
    /// version.
    pub(super) async fn index_of(
        &self,
        object: &ObjectWrite,
        place: &Key,
    ) -> Result<Option<CachedIndex>> {
        if let Some(cached) = self.caches.index(place) {
            return Ok(Some(cached));
        }
        let Some(body) = self.store.get(&place.0, &place.1, None).await? else {
            return Ok(None);
        };
        let index = object.decode_index(&body.bytes)?;
        Ok(Some(CachedIndex {
            version: body.version,
            object_size: body.object_size,
            value: Arc::new(index),
        }))
    }

    async fn patch_version(
        &self,
        writes: &[Arc<PendingWrite>],
        place: &Key,
        old: &CachedIndex,
    ) -> Result<Patched> {
        let key = &*place.0;
        let objects = writes.iter().map(|write| write.object.clone());
        let objects = objects.collect::<Vec<_>>();
        let (size, keep_all) = (old.object_size, self.store.only_appends());
        let Some(patch) = ShardPatch::new(&objects, &old.value, size, keep_all)? else {
            return Ok(Patched::Not(Some(old.clone())));
        };
        let ranges = patch.merged().iter().map(|(_, range)| range.clone());
        let mut merged = vec![Bytes::new(); patch.merged().len()];
        let mut bodies = self
            .store
            .get_ranges(key, ranges.collect(), Some(&old.version));
        while let Some(body) = bodies.try_next().await? {
            merged[body.index] = body.bytes;
        }
        let state = patch.state(merged);
        let patched = encode(inputs(writes), state, |_, state| patch.finish(state));
        let Some(patched) = patched.await? else {
            return Ok(Patched::Not(Some(old.clone())));
        };
        let (version, tail) = (&old.version, patched.tail);
        let version = match keep_all {
            true => self.store.append(key, version, size, tail).await?,
            false => self.store.patch(key, version, patched.keep, tail).await?,
        };
        self.caches.forget(&place.0, Some(place.1.clone()));
        let index = CachedIndex {
            version,
            object_size: patched.object_size,
            value: Arc::new(patched.index),
        };
        self.caches.insert_index(place, index);
        Ok(Patched::Done)
    }
}
