//! Copies of the elements of one array into another.

use std::collections::BTreeSet;

use futures::stream::{self, StreamExt, TryStreamExt};

use super::element::other_elements;
use super::rewrite::Rewrite;
use super::{Array, encoding_text};
use crate::error::{At, Error, Result};
use crate::transfer::{Copies, Skip, Transfer};

impl Array {
    /// Copies all elements into another array of equal shape and data type, in this or another
    /// hierarchy. If both arrays have equal chunk grids, fill values and codecs, chunks are copied
    /// in encoded form; otherwise the elements are decoded and encoded again, a few chunks of the
    /// target at a time.
    ///
    /// ```
    /// use ndarray::Array2;
    /// use zarr_engine::{ArrayBuilder, blocking};
    ///
    /// let hierarchy = blocking::open("memory:")?;
    /// let build = |chunks: &[u64; 2]| ArrayBuilder::new(&[40, 60], "int16").with_chunk_shape(chunks).build();
    /// let rows = hierarchy.create_array("rows", build(&[1, 60])?)?;
    /// rows.write(.., Array2::<i16>::ones((40, 60)))?;
    /// let tiles = hierarchy.create_array("tiles", build(&[20, 20])?)?;
    /// rows.copy_to(&tiles)?;
    /// assert_eq!(tiles.read::<i16>(..)?, rows.read::<i16>(..)?);
    /// # Ok::<(), zarr_engine::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Shape`] or [`ErrorKind::ElementType`](crate::ErrorKind::ElementType) if the shapes
    /// or data types differ, and those of [`Self::read`] and [`Self::write`]: some chunks may then
    /// have been copied.
    pub async fn copy_to(&self, target: &Self) -> Result<()> {
        target.expect_shape(self.shape())?;
        if self.data_type() != target.data_type() {
            return Err(other_elements(target.data_type())).at(&target.path);
        }
        target.check_own_metadata().await?;
        match (
            encoding_text(&self.metadata),
            encoding_text(&target.metadata),
        ) {
            (Ok(ours), Ok(theirs)) if ours == theirs => self.pass_through(target).await,
            _ => {
                let options = Rewrite::default();
                let memory = target.step_size(self, &target.least_step());
                let memory = options.memory.max(memory);
                let all = self.region(..)?;
                let options = Rewrite { memory, ..options };
                let copied = self.rewrite(target, &all, options, |_| {}).await;
                copied.map(drop)
            }
        }
    }

    /// Copies the encoded chunks, and deletes target chunks that are not stored in this array.
    async fn pass_through(&self, target: &Self) -> Result<()> {
        let (here, there) = (&self.hierarchy, &target.hierarchy);
        let same_store = here.shares_store(there);
        let copied = self.stored_cells().await?;
        let options = Transfer {
            skip: Skip::Never,
            ..Transfer::default()
        };
        let copies = &Copies::new(here, there, &options);
        let size = self.nbytes_of(&self.least_step());
        let copy = |indices: Vec<u64>| async move {
            let (from, to) = (self.chunk_at(indices.clone()), target.chunk_at(indices));
            let keys = (from.key(), to.key());
            if keys.0 != keys.1 || !same_store {
                copies.copy(&keys, size, None).await?;
                to.forget(&keys.1);
            }
            Ok::<_, Error>(())
        };
        let at_once = copies.in_flight();
        let copies = stream::iter(copied.clone())
            .map(copy)
            .buffer_unordered(at_once);
        copies.try_collect::<()>().await.at(&target.path)?;
        let others = target.stored_cells().await?;
        let others = others.difference(&copied).cloned().collect::<Vec<_>>();
        let erase = |indices: Vec<u64>| async move { target.chunk_at(indices).erase().await };
        let erased = stream::iter(others).map(erase).buffer_unordered(at_once);
        erased.try_collect().await
    }

    /// Returns the cells of the stored chunks, from a listing or, if the store cannot list, from
    /// one request per chunk.
    pub(super) async fn stored_cells(&self) -> Result<BTreeSet<Vec<u64>>> {
        if self.hierarchy.store().can_list() {
            let chunks = self.stored_chunks();
            let cells = chunks.map_ok(|chunk| chunk.indices().to_vec());
            return cells.try_collect().await;
        }
        let stored = |indices: Vec<u64>| async move {
            let is_stored = self.chunk_at(indices.clone()).is_stored().await?;
            Ok::<_, Error>(is_stored.then_some(indices))
        };
        let cells = stream::iter(self.cells()).map(stored);
        let cells = cells.buffer_unordered(self.at_once());
        let stored = cells.try_filter_map(|cell| std::future::ready(Ok(cell)));
        stored.try_collect().await
    }
}
