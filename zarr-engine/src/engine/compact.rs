//! Measures and removes dead space in shards.

use futures::stream::{self, StreamExt, TryStreamExt};
use zarr_core::plan::{InnerOrder, ObjectState, ObjectWrite, ShardSpace, WritePlan};
use zarr_store::{ErrorKind, Precondition};

use super::write::at_once;
use super::{Engine, stored_range};
use crate::error::{Error, Result};
use crate::retry::Attempts;

/// How to compact shards.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CompactOptions {
    /// The dead space, in percent of a shard, up to which the shard stays.
    pub percent: u8,
    /// The order of the inner chunks in a rewritten shard: shards in another order are rewritten
    /// too, whatever their dead space. By default, rewritten shards are in C order, and no shard is
    /// rewritten for its order.
    pub order: Option<InnerOrder>,
}

impl From<u8> for CompactOptions {
    fn from(percent: u8) -> Self {
        Self {
            percent,
            order: None,
        }
    }
}

/// The number of indexes read concurrently.
const INDEXES: usize = 64;

impl Engine {
    /// Returns the size and dead space of each stored shard of a plan, in order of the plan.
    pub(crate) async fn spaces(&self, plan: &WritePlan) -> Result<Vec<(String, ShardSpace)>> {
        let spaces = stream::iter(plan.objects()).map(|object| async move {
            let Some(range) = object.index_range().as_ref().map(stored_range) else {
                return Ok(None);
            };
            let Some(body) = self.store.get(object.key(), &range, None).await? else {
                return Ok(None);
            };
            let index = object.decode_index(&body.bytes)?;
            let space = object.space(&index, body.object_size)?;
            Ok::<_, Error>(space.map(|space| (object.key().to_string(), space)))
        });
        let spaces = spaces
            .buffered(INDEXES)
            .try_filter_map(async |space| Ok(space));
        spaces.try_collect().await
    }

    /// Rewrites, without dead space, the shards of a plan that the options ask for. Returns the
    /// freed bytes of each rewritten shard.
    pub(crate) async fn compact(
        &self,
        plan: &WritePlan,
        options: CompactOptions,
    ) -> Result<Vec<u64>> {
        stream::iter(plan.objects())
            .map(|object| self.compact_object(object, options))
            .buffer_unordered(at_once(plan))
            .try_filter_map(async |freed| Ok(freed))
            .try_collect()
            .await
    }

    async fn compact_object(
        &self,
        object: ObjectWrite,
        CompactOptions { percent, order }: CompactOptions,
    ) -> Result<Option<u64>> {
        let Some(range) = object.index_range().as_ref().map(stored_range) else {
            return Ok(None);
        };
        let key = object.key();
        let mut attempts = Attempts::new();
        loop {
            let _hold = attempts.next(&self.store, key).await?;
            let Some(body) = self.store.get(key, &range, None).await? else {
                return Ok(None);
            };
            let index = object.decode_index(&body.bytes)?;
            let space = object.space(&index, body.object_size)?;
            let rewrite = |space: &ShardSpace| {
                let in_order = order.is_none_or(|order| object.is_in(&index, order));
                space.is_more_than(percent) || !in_order
            };
            let Some(space) = space.filter(rewrite) else {
                return Ok(None);
            };
            let inner = self.inner(&object, &index, body.object_size, &body.version);
            let stored = match inner.await {
                Ok(state) => {
                    let order = order.unwrap_or(InnerOrder::C);
                    self.store_again(&object, state, order, body.version).await
                }
                Err(error) => Err(error),
            };
            match stored {
                Ok(()) => return Ok(Some(space.dead)),
                Err(Error::Store(error))
                    if matches!(error.kind(), ErrorKind::Changed | ErrorKind::Conflict) => {}
                Err(error) => return Err(error),
            }
        }
    }

    async fn store_again(
        &self,
        object: &ObjectWrite,
        state: ObjectState,
        order: InnerOrder,
        version: zarr_store::Version,
    ) -> Result<()> {
        let pieces = match object.assemble_in(state, order)? {
            Some(pieces) => pieces,
            None => object.encode_fill()?,
        };
        let condition = Precondition::IfVersion(version);
        self.store.put(object.key(), pieces, condition).await?;
        self.forget(object.key(), object.index_range());
        Ok(())
    }
}
