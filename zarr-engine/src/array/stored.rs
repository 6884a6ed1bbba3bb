//! The stored chunks of an array, and what their shard indexes say.

use std::collections::HashSet;

use futures::stream::{self, StreamExt, TryStreamExt};

use super::Array;
use super::grid::Boxes;
use crate::engine::stored_range;
use crate::error::{At, Error, Result};

/// A stored chunk, or a stored shard of a sharded array.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoredChunk {
    /// The indices in the grid.
    pub indices: Vec<u64>,
    /// The key of the object.
    pub key: String,
    /// The size of the object, in bytes.
    pub size: u64,
    /// The shard index; `None` for a chunk, and for a shard whose index was not read.
    pub shard: Option<StoredShard>,
}

/// What the index of a shard says. Sizes are in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoredShard {
    /// The size of each inner chunk that lies in the array, in C order; `None` if it is not stored.
    pub inner: Vec<Option<u64>>,
    /// The size of the index.
    pub index: u64,
    /// The bytes used neither by an inner chunk nor by the index.
    pub dead: u64,
}

impl StoredChunk {
    pub(crate) fn new(indices: Vec<u64>, key: String, size: u64) -> Self {
        Self {
            indices,
            key,
            size,
            shard: None,
        }
    }
}

impl Array {
    /// Returns the stored chunks or shards from one listing, in C order, with the indexes of at
    /// most `indexes` shards, each of which takes a request.
    ///
    /// ```
    /// use zarr_engine::{ArrayBuilder, blocking};
    ///
    /// let metadata = ArrayBuilder::new(&[64], "int32").with_chunk_shape(&[8]).with_shard_shape(&[32]);
    /// let array = blocking::open("memory:")?.create_array("a", metadata.build()?)?;
    /// array.write(40..44, 7)?;
    /// let stored = array.stored(usize::MAX)?;
    /// let shard = stored[0].shard.as_ref().unwrap();
    /// assert_eq!((stored.len(), &stored[0].indices[..]), (1, &[1][..]));
    /// assert!(shard.inner[1].is_some() && shard.inner[0].is_none() && shard.dead == 0);
    /// # Ok::<(), zarr_engine::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Store`] if the store cannot list or read, and an error for a damaged index.
    pub async fn stored(&self, indexes: usize) -> Result<Vec<StoredChunk>> {
        let store = self.hierarchy.store();
        let entries = store.list(self.path.as_str()).try_collect::<Vec<_>>().await;
        let grid = self.grid_shape();
        let stored = entries.at(&self.path)?.into_iter();
        let stored = stored.filter_map(|entry| {
            let indices = self.layout.cell_of_key(&self.prefix, &entry.key)?;
            let is_inside = indices.iter().zip(&grid).all(|(index, len)| index < len);
            is_inside.then(|| StoredChunk::new(indices, entry.key, entry.size))
        });
        let mut stored = stored.collect::<Vec<_>>();
        stored.sort_by(|a, b| a.indices.cmp(&b.indices));
        let in_flight = store.cost_model().max_in_flight.max(1);
        let read = stream::iter(stored.iter_mut().take(indexes)).map(Ok::<_, Error>);
        let read = read.try_for_each_concurrent(in_flight, async |chunk| {
            chunk.shard = self.stored_shard(chunk).await.at(&self.path)?;
            Ok(())
        });
        read.await?;
        Ok(stored)
    }

    /// Returns what the index of a shard says; `None` if the chunk is no shard, or gone.
    pub(crate) async fn stored_shard(&self, chunk: &StoredChunk) -> Result<Option<StoredShard>> {
        let codecs = self.layout.codecs_of(&chunk.indices);
        let Some(sharding) = codecs.sharding() else {
            return Ok(None);
        };
        let range = stored_range(&sharding.index_range());
        let found = self.hierarchy.store().get(&chunk.key, &range, None).await?;
        let Some(body) = found else { return Ok(None) };
        let decoded = sharding.decode_index(&body.bytes);
        let decoded = decoded.map_err(|error| error.key(&chunk.key))?;
        let entries = decoded.entries();
        let is_stored = |entry: &[u64; 2]| *entry != [u64::MAX; 2];
        // Two entries may point to one range.
        let ranges = entries
            .iter()
            .filter(|entry| is_stored(entry))
            .collect::<HashSet<_>>();
        let index = body.range.end - body.range.start;
        let used = ranges
            .iter()
            .fold(index, |used, entry| used.saturating_add(entry[1]));
        let counts = sharding.chunks_per_shard();
        let order = codecs.axis_order();
        let shard = self.chunk_at(chunk.indices.clone());
        let inner = shard.inner_grid_shape().unwrap_or_default();
        let inner = Boxes::new(inner.into_iter().map(|len| 0..len)).map(|cell| {
            // Positions count in the stored order of the axes.
            let stored = counts.iter().enumerate();
            let position = stored.fold(0, |position, (axis, &count)| {
                position * count + cell[order.map_or(axis, |order| order[axis])]
            });
            let entry = usize::try_from(position)
                .ok()
                .and_then(|at| entries.get(at));
            entry.filter(|entry| is_stored(entry)).map(|entry| entry[1])
        });
        Ok(Some(StoredShard {
            inner: inner.collect(),
            index,
            dead: body.object_size.saturating_sub(used),
        }))
    }
}
