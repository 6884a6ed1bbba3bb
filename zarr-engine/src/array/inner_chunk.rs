//! Inner chunks of shards as handles, like chunks.

use std::ops::Range;

use bytes::Bytes;
use zarr_store::ByteRange;

use super::Array;
use super::chunk::Chunk;
use super::grid::Boxes;
use super::read_as::ReadAs;
use super::source::WriteData;
use crate::engine::stored_range;
use crate::error::{At, Error, Result};

/// An inner chunk of a shard: a part of an object that can be read and encoded by itself.
#[derive(Clone, Debug)]
pub struct InnerChunk<'a> {
    shard: Chunk<'a>,
    indices: Vec<u64>,
    extent: Vec<Range<u64>>,
}

impl Array {
    /// Returns the inner chunk at the given indices of the grid of all inner chunks of a sharded
    /// array, counted across shards.
    ///
    /// # Errors
    /// [`ErrorKind::Selection`](crate::ErrorKind::Selection) if the grid does not contain the
    /// indices, or the array is not sharded.
    pub fn inner_chunk(&self, indices: impl AsRef<[u64]>) -> Result<InnerChunk<'_>> {
        let indices = indices.as_ref();
        let (Some(grid), Some(counts)) = (self.inner_grid_shape(), self.chunks_per_shard()) else {
            return Err(without_inner()).at(&self.path);
        };
        self.check_indices("inner chunk", indices, &grid)?;
        let both = || indices.iter().zip(&counts);
        let shard = both().map(|(index, count)| index / count).collect();
        let inner = both().map(|(index, count)| index % count);
        Ok(self.chunk_at(shard).inner_at(inner.collect()))
    }
}

fn without_inner() -> Error {
    zarr_core::Error::selection("the array has no inner chunks that can be read separately").into()
}

impl<'a> Chunk<'a> {
    /// Returns the inner chunk at the given indices in the shard.
    ///
    /// # Errors
    /// [`ErrorKind::Selection`](crate::ErrorKind::Selection) if the shard has no such inner chunk,
    /// or the chunk is not a shard.
    pub fn inner_chunk(&self, indices: impl AsRef<[u64]>) -> Result<InnerChunk<'a>> {
        let indices = indices.as_ref();
        let Some(grid) = self.inner_grid_shape() else {
            return Err(without_inner()).at(&self.array.path);
        };
        self.array.check_indices("inner chunk", indices, &grid)?;
        Ok(self.inner_at(indices.to_vec()))
    }

    /// Iterates over the inner chunks of a shard that lie inside the array, in C order; empty if
    /// the chunk is not a shard.
    pub fn inner_chunks(&self) -> impl Iterator<Item = InnerChunk<'a>> + Send + use<'a> {
        let grid = self.inner_grid_shape();
        let all = grid.map(|grid| Boxes::new(grid.into_iter().map(|len| 0..len)));
        let shard = self.clone();
        all.into_iter()
            .flatten()
            .map(move |indices| shard.inner_at(indices))
    }

    fn inner_at(&self, indices: Vec<u64>) -> InnerChunk<'a> {
        let inner = self.array.layout.inner_chunk_shape();
        let inner = inner.expect("only called for shards");
        let cells = indices.iter().zip(inner).zip(self.extent());
        let extent = cells.map(|((&index, len), shard)| {
            let start = shard.start + index * len;
            start..start.saturating_add(len).min(shard.end)
        });
        InnerChunk {
            extent: extent.collect(),
            shard: self.clone(),
            indices,
        }
    }
}

impl<'a> InnerChunk<'a> {
    /// Returns the indices of the inner chunk in its shard.
    #[must_use]
    pub fn indices(&self) -> &[u64] {
        &self.indices
    }

    /// Returns the shard that contains the inner chunk.
    #[must_use]
    pub fn shard(&self) -> &Chunk<'a> {
        &self.shard
    }

    /// Returns the range of array elements that the inner chunk covers along each dimension.
    #[must_use]
    pub fn extent(&self) -> &[Range<u64>] {
        &self.extent
    }

    /// Reads the elements of the inner chunk that lie inside the array, like [`Array::read`].
    ///
    /// # Errors
    /// The errors of [`Array::read`].
    pub async fn read<T: ReadAs>(&self) -> Result<T::Output> {
        self.shard.array.read::<T>(&*self.extent).await
    }

    /// Writes the elements of the inner chunk that lie inside the array, like [`Array::write`]. The
    /// other inner chunks of the shard keep their encoded bytes.
    ///
    /// # Errors
    /// The errors of [`Array::write`].
    pub async fn write<'d, W: WriteData<'d>>(&self, data: W) -> Result<()> {
        self.shard.array.write(&*self.extent, data).await
    }

    /// Removes the inner chunk from its shard, so that its elements read as fill values.
    ///
    /// # Errors
    /// The errors of [`Array::write`].
    pub async fn erase(&self) -> Result<()> {
        self.shard.array.put_inner(&self.extent, None).await
    }

    /// Returns whether the inner chunk is stored.
    ///
    /// # Errors
    /// The errors of [`Self::stored_size`].
    pub async fn is_stored(&self) -> Result<bool> {
        Ok(self.stored_size().await?.is_some())
    }

    /// Returns the encoded size of the inner chunk in bytes, from the shard index; `None` if it is
    /// not stored.
    ///
    /// # Errors
    /// [`Error::Store`] for any failure other than a definite absence, and an error for a damaged
    /// index.
    pub async fn stored_size(&self) -> Result<Option<u64>> {
        let range = self.locate().await?;
        Ok(range.map(|(range, _)| range.end - range.start))
    }

    /// Returns the encoded bytes of the inner chunk as stored; `None` if it is not stored.
    ///
    /// # Errors
    /// [`Error::Store`] for any failure other than a definite absence, and an error for a damaged
    /// index.
    pub async fn encoded(&self) -> Result<Option<Bytes>> {
        let Some((range, version)) = self.locate().await? else {
            return Ok(None);
        };
        let (store, key) = (self.shard.array.hierarchy.store(), self.shard.key());
        let body = store
            .get(&key, &ByteRange::Range(range), Some(&version))
            .await;
        let body = body.at(&self.shard.array.path)?;
        Ok(body.map(|body| body.bytes))
    }

    /// Stores encoded bytes of the inner chunk unchanged; the other inner chunks of the shard keep
    /// their encoded bytes.
    ///
    /// # Errors
    /// The errors of [`Chunk::write_encoded`] and of [`Array::write`].
    pub async fn write_encoded(&self, encoded: Bytes) -> Result<()> {
        let array = self.shard.array;
        let sharding = array.layout.codecs().sharding();
        let codecs = sharding.expect("only made for shards").inner();
        if codecs.sharding().is_none() {
            let checked = codecs.encoded_size();
            let checked = checked.check("encoded inner chunk", encoded.len());
            checked
                .map_err(|error| {
                    let error = error.chunk("inner chunk", &self.indices);
                    error.key(&self.shard.key())
                })
                .at(&array.path)?;
        }
        array.put_inner(&self.extent, Some(encoded)).await
    }

    /// Returns the byte range of the inner chunk in its shard, and the version of the shard.
    async fn locate(&self) -> Result<Option<(Range<u64>, zarr_store::Version)>> {
        let (array, key) = (self.shard.array, self.shard.key());
        let codecs = array.layout.codecs_of(&self.shard.indices);
        let sharding = codecs.sharding().expect("only made for shards");
        let store = array.hierarchy.store();
        let found = store
            .get(&key, &stored_range(&sharding.index_range()), None)
            .await;
        let Some(found) = found.at(&array.path)? else {
            return Ok(None);
        };
        let index = sharding.decode_index(&found.bytes);
        let index = index.map_err(|error| error.key(&key));
        let (index, counts) = (index.at(&array.path)?, sharding.chunks_per_shard());
        // Positions count in the stored order of the axes.
        let order = codecs.axis_order();
        let stored = counts.iter().enumerate().map(|(axis, &count)| {
            let axis = order.map_or(axis, |order| order[axis]);
            (self.indices[axis], count)
        });
        let position = stored.fold(0, |position, (index, count)| position * count + index);
        let position = zarr_core::size::to_usize("inner chunk", position);
        let range = position.and_then(|position| index.locate(position, found.object_size));
        let range = range.map_err(|error| {
            let error = error.chunk("inner chunk", &self.indices);
            error.key(&key)
        });
        Ok(range.at(&array.path)?.map(|range| (range, found.version)))
    }
}
