//! Dead space in the shards of an array: bytes superseded by newer bytes appended after them.

use zarr_core::Selection;
use zarr_core::plan::WritePlan;

use super::Array;
use crate::engine::CompactOptions;
use crate::error::Result;

/// The size and dead space of a shard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadSpace {
    /// The key of the shard.
    pub key: String,
    /// The size of the shard, in bytes.
    pub size: u64,
    /// The bytes of the shard used neither by an inner chunk nor by the index.
    pub dead: u64,
}

/// The result of a compaction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Compaction {
    /// The number of rewritten shards.
    pub shards: u64,
    /// The number of freed bytes.
    pub freed: u64,
}

impl Array {
    /// Returns the dead space of every stored shard, in order of the chunk grid. Reads the index of
    /// each shard; returns an empty list if the array is not sharded.
    ///
    /// # Errors
    /// Fails if the store fails or an index is damaged.
    pub async fn dead_space(&self) -> Result<Vec<DeadSpace>> {
        let plan = self.whole_plan()?;
        let spaces = self.hierarchy.engine().spaces(&plan).await?.into_iter();
        let spaces = spaces.map(|(key, space)| DeadSpace {
            key,
            size: space.size,
            dead: space.dead,
        });
        Ok(spaces.collect())
    }

    /// Rewrites every shard whose dead space exceeds a percentage of its size, or whose inner chunks
    /// are not in the requested order: keeps only its inner chunks, in encoded form. A shard is
    /// replaced on condition that no other writer changed it meanwhile; otherwise it is examined
    /// again.
    ///
    /// Memory is bounded: at a time, the compaction holds the stored bytes of two shards or, if that
    /// is more, of as many as decode to 128 MiB (at most 32). Nothing is decoded.
    ///
    /// ```
    /// # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    /// # runtime.block_on(async {
    /// use zarr_engine::{CompactOptions, InnerOrder};
    ///
    /// let metadata = zarr_engine::ArrayBuilder::new(&[64], "int32").with_chunk_shape(&[8]).with_shard_shape(&[32]);
    /// let array = zarr_engine::open("memory:")?.create_array("a", metadata.build()?).await?;
    /// assert_eq!(array.compact(0).await?.freed, 0);
    /// // Inner chunks that are close to each other in the array become neighbours in their shard.
    /// let morton = CompactOptions { percent: 10, order: Some(InnerOrder::Morton) };
    /// assert_eq!(array.compact(morton).await?.shards, 0);
    /// # Ok::<(), zarr_engine::Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// Fails if the store is read-only or fails, or a shard is damaged (a damaged shard is not
    /// overwritten). Some shards may already have been rewritten.
    pub async fn compact(&self, options: impl Into<CompactOptions>) -> Result<Compaction> {
        let options = options.into();
        self.hierarchy.store().check_writable()?;
        self.check_own_metadata().await?;
        let plan = self.whole_plan()?;
        let freed = self.hierarchy.engine().compact(&plan, options).await?;
        Ok(Compaction {
            shards: freed.len() as u64,
            freed: freed.iter().sum(),
        })
    }

    /// Plans a write of all chunks.
    fn whole_plan(&self) -> Result<WritePlan> {
        let resolved = self.resolve(Selection::all())?;
        Ok(self.write_plan(&resolved, &vec![0; resolved.shape().len()]))
    }
}
