//! Dead space in the shards of an array: bytes that were replaced by others behind them.

use zarr_core::Selection;
use zarr_core::plan::WritePlan;

use super::Array;
use crate::error::Result;

/// How much of a shard is in use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadSpace {
    /// The key of the shard.
    pub key: String,
    /// The size of the shard, in bytes.
    pub size: u64,
    /// The bytes of the shard that neither an inner chunk nor the index takes.
    pub dead: u64,
}

/// What a compaction did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Compaction {
    /// The shards that were stored again.
    pub shards: u64,
    /// The bytes that were freed.
    pub freed: u64,
}

impl Array {
    /// The dead space of every shard that is stored, in order of the keys of the grid. Reads the index of each shard; an array without
    /// shards has none.
    ///
    /// # Errors
    /// Where the store fails or an index is damaged.
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

    /// Stores every shard again of which more than `percent` is dead space: its inner chunks as they are, encoded, in C order, and
    /// nothing else. A shard is replaced on condition that nobody changed it meanwhile; else it is looked at again. So many shards
    /// are in memory at one time as a write has.
    ///
    /// ```
    /// # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    /// # runtime.block_on(async {
    /// let metadata = zarr_engine::ArrayBuilder::new(&[64], "int32").with_chunk_shape(&[8]).with_shard_shape(&[32]);
    /// let array = zarr_engine::open("memory:")?.create_array("a", metadata.build()?).await?;
    /// assert_eq!(array.compact(0).await?.freed, 0);
    /// # Ok::<(), zarr_engine::Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// Where the store fails, or a shard is damaged (it is not overwritten then). Some shards may have been stored again.
    pub async fn compact(&self, percent: u8) -> Result<Compaction> {
        self.check_own_metadata().await?;
        let plan = self.whole_plan()?;
        let freed = self.hierarchy.engine().compact(&plan, percent).await?;
        Ok(Compaction {
            shards: freed.len() as u64,
            freed: freed.iter().sum(),
        })
    }

    /// All chunks.
    fn whole_plan(&self) -> Result<WritePlan> {
        let resolved = self.resolve(Selection::all())?;
        Ok(self.write_plan(&resolved, &vec![0; resolved.shape().len()]))
    }
}
