//! Blocking chunks and inner chunks.

use std::ops::Range;

use bytes::Bytes;

use super::run::{read, write};
use super::{blocking, methods};
use crate::array::{ReadAs, WriteData};
use crate::error::Result;

blocking! {
    /// A chunk of an array: [`crate::Chunk`] without `async`.
    Chunk ['a] {
        fn indices(&self) -> &[u64];
        fn key(&self) -> String;
        fn extent(&self) -> &[Range<u64>];
        fn shape(&self) -> Vec<u64>;
        fn inner_grid_shape(&self) -> Option<Vec<u64>>;
        fn inner_chunk(&self, indices: impl AsRef<[u64]>) -> Result<InnerChunk<'a>>;
        async fn erase(&self) -> Result<()>;
        async fn is_stored(&self) -> Result<bool>;
        async fn stored_size(&self) -> Result<Option<u64>>;
        async fn encoded(&self) -> Result<Option<Bytes>>;
        async fn write_encoded(&self, encoded: Bytes) -> Result<()>;
    }
}

impl<'a> Chunk<'a> {
    /// Reads the elements of the chunk, like [`crate::Chunk::read`].
    ///
    /// # Errors
    /// The errors of [`crate::Array::read`].
    pub fn read<T: ReadAs>(&self) -> Result<T::Output> {
        read::<T>(self.inner.array(), self.inner.extent())
    }

    /// Writes the elements of the chunk, like [`crate::Chunk::write`].
    ///
    /// # Errors
    /// The errors of [`crate::Array::write`].
    pub fn write<'d, W: WriteData<'d>>(&self, data: W) -> Result<()> {
        write(self.inner.array(), self.inner.extent(), data)
    }

    /// Iterates over the inner chunks of a shard, like [`crate::Chunk::inner_chunks`].
    pub fn inner_chunks(&self) -> impl Iterator<Item = InnerChunk<'a>> + Send + use<'a> {
        self.inner.inner_chunks().map(Into::into)
    }
}

impl AsRef<[u64]> for Chunk<'_> {
    fn as_ref(&self) -> &[u64] {
        self.indices()
    }
}

blocking! {
    /// An inner chunk of a shard: [`crate::InnerChunk`] without `async`.
    InnerChunk ['a] {
        fn indices(&self) -> &[u64];
        fn extent(&self) -> &[Range<u64>];
        fn shard(&self) -> Chunk<'a>;
        async fn erase(&self) -> Result<()>;
        async fn is_stored(&self) -> Result<bool>;
        async fn stored_size(&self) -> Result<Option<u64>>;
        async fn encoded(&self) -> Result<Option<Bytes>>;
        async fn write_encoded(&self, encoded: Bytes) -> Result<()>;
    }
}

impl InnerChunk<'_> {
    /// Reads the elements of the inner chunk, like [`crate::InnerChunk::read`].
    ///
    /// # Errors
    /// The errors of [`crate::Array::read`].
    pub fn read<T: ReadAs>(&self) -> Result<T::Output> {
        read::<T>(self.inner.shard().array(), self.inner.extent())
    }

    /// Writes the elements of the inner chunk, like [`crate::InnerChunk::write`].
    ///
    /// # Errors
    /// The errors of [`crate::Array::write`].
    pub fn write<'d, W: WriteData<'d>>(&self, data: W) -> Result<()> {
        write(self.inner.shard().array(), self.inner.extent(), data)
    }
}

impl<'a> From<&crate::Chunk<'a>> for Chunk<'a> {
    fn from(inner: &crate::Chunk<'a>) -> Self {
        inner.clone().into()
    }
}
