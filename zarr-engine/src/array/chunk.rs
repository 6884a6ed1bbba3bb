//! Chunks as handles: read, write, erase, encoded bytes and stored size of one cell of the grid.

use std::ops::Range;

use bytes::Bytes;
use zarr_store::{ByteRange, Precondition};

use super::Array;
use super::read_as::ReadAs;
use super::source::WriteData;
#[cfg(doc)]
use crate::error::Error;
use crate::error::{At, Result};

/// A chunk of an array: one cell of the chunk grid, stored as one object. In a sharded array it is
/// a shard.
///
/// ```
/// use zarr_engine::{ArrayBuilder, blocking};
///
/// let metadata = ArrayBuilder::new(&[6, 10], "int32").with_chunk_shape(&[2, 5]).with_shard_shape(&[4, 10]).build()?;
/// let array = blocking::open("memory:")?.create_array("a", metadata)?;
/// assert_eq!((array.grid_shape(), array.inner_grid_shape()), (vec![2, 1], Some(vec![3, 2])));
///
/// let shard = array.chunk(&[1, 0])?;
/// assert_eq!(shard.extent(), [4..6, 0..10]);
/// assert!(!shard.is_stored()?);
/// shard.write(7)?;
/// assert_eq!(shard.read::<i32>()?.shape(), [2, 10]);
/// assert_eq!(shard.stored_size()?, Some(shard.encoded()?.unwrap().len() as u64));
///
/// let inner = shard.inner_chunk(&[0, 1])?;
/// assert_eq!(inner.extent(), [4..6, 5..10]);
/// inner.erase()?;
/// assert_eq!(inner.encoded()?, None);
/// assert_eq!(shard.read::<i32>()?.sum(), 7 * 10);
/// # Ok::<(), zarr_engine::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Chunk<'a> {
    pub(super) array: &'a Array,
    pub(super) indices: Vec<u64>,
    extent: Vec<Range<u64>>,
}

impl Array {
    /// Returns the chunk at the given indices of the chunk grid: a shard if the array is sharded.
    ///
    /// # Errors
    /// [`ErrorKind::Selection`](crate::ErrorKind::Selection) if the grid does not contain the
    /// indices.
    pub fn chunk(&self, indices: impl AsRef<[u64]>) -> Result<Chunk<'_>> {
        let indices = indices.as_ref();
        let grid = self.grid_shape();
        self.check_indices("chunk", indices, &grid)?;
        Ok(self.chunk_at(indices.to_vec()))
    }

    pub(super) fn chunk_at(&self, indices: Vec<u64>) -> Chunk<'_> {
        let dimensions = self.layout.grid().dimensions();
        let cells = indices.iter().zip(dimensions).zip(self.shape());
        let extent = cells.map(|((&cell, dimension), &len)| {
            let start = dimension.start(cell);
            start..start.saturating_add(dimension.len(cell)).min(len)
        });
        Chunk {
            array: self,
            extent: extent.collect(),
            indices,
        }
    }

    pub(super) fn check_indices(&self, what: &str, indices: &[u64], grid: &[u64]) -> Result<()> {
        let is_inside = indices.iter().zip(grid).all(|(index, len)| index < len);
        if is_inside && indices.len() == grid.len() {
            return Ok(());
        }
        let reason = format!("{what} {indices:?} is outside the grid of shape {grid:?}");
        Err(zarr_core::Error::selection(reason)).at(&self.path)
    }
}

impl<'a> Chunk<'a> {
    /// Returns the indices of the chunk in the chunk grid.
    #[must_use]
    pub fn indices(&self) -> &[u64] {
        &self.indices
    }

    /// Returns the key of the chunk's object.
    #[must_use]
    pub fn key(&self) -> String {
        self.array.layout.key(&self.array.prefix, &self.indices)
    }

    /// Returns the range of array elements that the chunk covers along each dimension, clipped to
    /// the array.
    #[must_use]
    pub fn extent(&self) -> &[Range<u64>] {
        &self.extent
    }

    /// Returns the shape of the entire chunk, including any part outside the array.
    #[must_use]
    pub fn shape(&self) -> Vec<u64> {
        self.array.layout.grid().chunk_shape(&self.indices)
    }

    /// Reads the elements of the chunk that lie inside the array, like [`Array::read`].
    ///
    /// # Errors
    /// The errors of [`Array::read`].
    pub async fn read<T: ReadAs>(&self) -> Result<T::Output> {
        self.array.read::<T>(&*self.extent).await
    }

    /// Writes the elements of the chunk that lie inside the array, like [`Array::write`]. Replaces
    /// the chunk's object without reading it, except through an
    /// [open-ended](Array::open_ended) handle if the chunk extends beyond the array: other writers
    /// may have stored elements there.
    ///
    /// # Errors
    /// The errors of [`Array::write`].
    pub async fn write<'d, W: WriteData<'d>>(&self, data: W) -> Result<()> {
        self.array.write(&*self.extent, data).await
    }

    /// Deletes the chunk's object, so that its elements read as fill values. Succeeds if the object
    /// is not stored.
    ///
    /// # Errors
    /// [`Error::Store`] if the object cannot be deleted.
    pub async fn erase(&self) -> Result<()> {
        self.array.check_own_metadata().await?;
        let key = self.key();
        let deleted = self.array.hierarchy.store().delete(&key).await;
        self.forget(&key);
        deleted.at(&self.array.path)
    }

    /// Returns whether the chunk's object is stored.
    ///
    /// # Errors
    /// [`Error::Store`] for any failure other than a definite absence.
    pub async fn is_stored(&self) -> Result<bool> {
        Ok(self.stored_size().await?.is_some())
    }

    /// Returns the size of the chunk's object in bytes; `None` if it is not stored.
    ///
    /// # Errors
    /// [`Error::Store`] for any failure other than a definite absence.
    pub async fn stored_size(&self) -> Result<Option<u64>> {
        let size = self.array.hierarchy.store().size(&self.key()).await;
        size.at(&self.array.path)
    }

    /// Returns the encoded bytes of the chunk as stored; `None` if it is not stored.
    ///
    /// # Errors
    /// [`Error::Store`] for any failure other than a definite absence.
    pub async fn encoded(&self) -> Result<Option<Bytes>> {
        let store = self.array.hierarchy.store();
        let body = store.get(&self.key(), &ByteRange::All, None).await;
        let body = body.at(&self.array.path)?;
        Ok(body.map(|body| body.bytes))
    }

    /// Stores encoded bytes unchanged, such as [`Self::encoded`] of an array with equal metadata.
    /// Checks only their size, and checks nothing for a shard: if the bytes are not a valid chunk
    /// of the array, later reads fail.
    ///
    /// # Errors
    /// [`Error::Store`] if the bytes cannot be put,
    /// [`ErrorKind::Corrupt`](crate::ErrorKind::Corrupt) if the codecs cannot produce that number
    /// of bytes.
    pub async fn write_encoded(&self, encoded: Bytes) -> Result<()> {
        self.array.check_own_metadata().await?;
        let (array, key) = (self.array, self.key());
        let codecs = array.layout.codecs_of(&self.indices);
        if codecs.sharding().is_none() {
            let checked = codecs.encoded_size().check("encoded chunk", encoded.len());
            checked.map_err(|error| error.key(&key)).at(&array.path)?;
        }
        let store = array.hierarchy.store();
        let put = store.put(&key, vec![encoded], Precondition::None).await;
        self.forget(&key);
        put.map(drop).at(&array.path)
    }

    /// Returns the number of inner chunks along each dimension, counting those inside the array;
    /// `None` if the chunk is not a shard.
    #[must_use]
    pub fn inner_grid_shape(&self) -> Option<Vec<u64>> {
        let inner = self.array.layout.inner_chunk_shape()?;
        let lengths = self.extent.iter().map(|range| range.end - range.start);
        Some(
            lengths
                .zip(inner)
                .map(|(len, inner)| len.div_ceil(inner))
                .collect(),
        )
    }

    pub(crate) fn array(&self) -> &'a Array {
        self.array
    }

    pub(super) fn forget(&self, key: &str) {
        let index = self.array.layout.codecs().sharding();
        let index = index.map(|sharding| sharding.index_range());
        self.array.hierarchy.engine().forget(key, index);
    }
}
