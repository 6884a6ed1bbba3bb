//! Many chunks: iterators over the grid, and streams that read and write chunks with bounded
//! memory.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use futures::stream::{self, FuturesUnordered, Stream, StreamExt, TryStreamExt};

use super::Array;
use super::chunk::Chunk;
use super::read_as::ReadAs;
use super::selection::Select;
use super::source::WriteData;
use crate::engine::limits;
use crate::error::{At, Result};

/// The maximum number of chunks that a stream processes concurrently.
const AT_ONCE: u64 = 32;

impl AsRef<[u64]> for Chunk<'_> {
    fn as_ref(&self) -> &[u64] {
        self.indices()
    }
}

impl Array {
    /// Iterates over all chunks of the chunk grid, stored or not, in C order: over shards if the
    /// array is sharded.
    pub fn chunks(&self) -> impl Iterator<Item = Chunk<'_>> + Send {
        self.cells().map(|indices| self.chunk_at(indices))
    }

    /// Iterates over all shards in C order; empty if the array is not sharded.
    pub fn shards(&self) -> impl Iterator<Item = Chunk<'_>> + Send {
        let is_sharded = self.layout.inner_chunk_shape().is_some();
        self.chunks().filter(move |_| is_sharded)
    }

    /// Iterates over the chunks that a selection touches.
    ///
    /// ```
    /// use zarr_engine::{ArrayBuilder, blocking};
    ///
    /// let metadata = ArrayBuilder::new(&[100, 100], "uint8").with_chunk_shape(&[10, 10]).build()?;
    /// let array = blocking::open("memory:")?.create_array("a", metadata)?;
    /// let cells = array.chunks_in((5, 38..42))?.map(|chunk| chunk.indices().to_vec());
    /// assert_eq!(cells.collect::<Vec<_>>(), [[0, 3], [0, 4]]);
    /// assert_eq!(array.chunks().count(), 100);
    /// # Ok::<(), zarr_engine::Error>(())
    /// ```
    ///
    /// # Errors
    /// Fails if the selection does not fit.
    pub fn chunks_in(
        &self,
        selection: impl Select,
    ) -> Result<impl Iterator<Item = Chunk<'_>> + Send> {
        let objects = self.plan_write(selection)?.objects();
        Ok(objects.filter_map(|object| {
            let cell = self.layout.cell_of_key(&self.prefix, object.key());
            Some(self.chunk_at(cell?))
        }))
    }

    /// Streams the stored chunks from one listing, in the order of the listing.
    pub fn stored_chunks(&self) -> impl Stream<Item = Result<Chunk<'_>>> + Send {
        let listing = self.hierarchy.store().list_keys(self.path.as_str());
        let keys = listing.map_ok(|keys| stream::iter(keys.into_iter().map(Ok)));
        let grid = self.grid_shape();
        keys.try_flatten()
            .map(|key: zarr_store::Result<String>| key.at(&self.path))
            .try_filter_map(move |key: String| {
                let cell = self.layout.cell_of_key(&self.prefix, &key);
                let cell = cell.filter(|cell| cell.iter().zip(&grid).all(|(cell, len)| cell < len));
                let chunk = cell.map(|cell| self.chunk_at(cell));
                async move { Ok(chunk) }
            })
    }

    /// Reads the chunks that a selection touches, entire and in order, a few at a time: their
    /// decoded size is limited by the bytes allowed [in
    /// flight](crate::limits::set_bytes_in_flight). Reads nothing before the stream is polled.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// use futures::TryStreamExt;
    /// use ndarray::Array2;
    /// use zarr_engine::ArrayBuilder;
    ///
    /// let hierarchy = zarr_engine::open("memory:")?;
    /// let metadata = ArrayBuilder::new(&[40, 40], "int64").with_chunk_shape(&[10, 10]).build()?;
    /// let array = hierarchy.create_array("a", metadata.clone()).await?;
    /// array.write(.., 2_i64).await?;
    /// let chunks = array.read_chunks::<Array2<i64>>(..)?;
    /// let sum = chunks.try_fold(0, async |sum, (_, data)| Ok(sum + data.sum())).await?;
    /// assert_eq!(sum, 2 * 40 * 40);
    ///
    /// // The stream of one array can be written to another.
    /// let doubled = hierarchy.create_array("doubled", metadata).await?;
    /// let chunks = array.read_chunks::<i64>(..)?.map_ok(|(chunk, data)| (chunk, data * 2));
    /// doubled.write_chunks(chunks).await?;
    /// assert_eq!(doubled.read::<i64>(..).await?.sum(), 4 * 40 * 40);
    /// # Ok::<(), zarr_engine::Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// Fails if the selection does not fit. Errors of [`Self::read`] are items of the stream.
    pub fn read_chunks<T: ReadAs>(
        &self,
        selection: impl Select,
    ) -> Result<impl Stream<Item = Result<(Chunk<'_>, T::Output)>> + Send>
    where
        T::Output: Send,
    {
        let chunks = stream::iter(self.chunks_in(selection)?);
        Ok(chunks
            .map(|chunk| async move {
                let data = chunk.read::<T>().await?;
                Ok((chunk, data))
            })
            .buffered(self.at_once()))
    }

    /// Writes entire chunks, each given by its indices or as a [`Chunk`], a few at a time as in
    /// [`Self::read_chunks`]: the data may be larger than memory. Stops at the first error of the
    /// stream or of a write.
    ///
    /// # Errors
    /// The errors of [`Self::chunk`] and [`Self::write`], and those of the stream.
    pub async fn write_chunks<'d, C: AsRef<[u64]>, W: WriteData<'d>>(
        &self,
        chunks: impl Stream<Item = Result<(C, W)>>,
    ) -> Result<()> {
        let at_once = self.at_once();
        let mut chunks = pin!(chunks.fuse());
        let mut writes = FuturesUnordered::new();
        // The closure of a `buffer_unordered` would have to accept chunks of any lifetime for this
        // future to be `Send`.
        poll_fn(|context| {
            loop {
                if writes.len() < at_once
                    && let Poll::Ready(Some(item)) = chunks.as_mut().poll_next(context)
                {
                    writes.push(self.write_item(item));
                    continue;
                }
                match writes.poll_next_unpin(context) {
                    Poll::Ready(Some(written)) => written?,
                    Poll::Ready(None) if chunks.is_done() => return Poll::Ready(Ok(())),
                    _ => return Poll::Pending,
                }
            }
        })
        .await
    }

    async fn write_item<'d, C: AsRef<[u64]>, W: WriteData<'d>>(
        &self,
        item: Result<(C, W)>,
    ) -> Result<()> {
        let (indices, data) = item?;
        self.chunk(indices)?.write(data).await
    }

    /// Returns the number of chunks to process concurrently.
    pub(crate) fn at_once(&self) -> usize {
        let spec = self.layout.codecs().decoded();
        let item_size = self.data_type().fixed_size().unwrap_or(64) as u64;
        let size = spec.elements().unwrap_or(u64::MAX);
        let size = size.saturating_mul(item_size).max(1);
        let chunks = (limits::bytes_in_flight() / size).clamp(1, AT_ONCE);
        usize::try_from(chunks).expect("a small number")
    }
}
