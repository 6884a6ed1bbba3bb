//! Resizing an array.

use std::ops::Range;

use futures::stream::TryStreamExt;
use zarr_core::{ArrayLayout, Selection};

use super::Array;
use super::appends::Appends;
use crate::error::{At, Result};

/// The number of keys deleted per call.
const DELETED_AT_ONCE: usize = 1000;

impl Array {
    /// Changes the shape of the array, but not its rank. New elements have the fill value. Elements
    /// outside the new shape are lost: stored chunks outside are deleted, and elements beyond the
    /// edge in stored edge chunks are overwritten with the fill value, so that they do not reappear
    /// when the array grows again. Copies of the document in consolidated metadata of groups above
    /// are updated before anything is deleted, or after the array has grown. The document is
    /// written last, on condition that it still matches this handle. Shrinking lists the stored
    /// chunks once, so its cost grows with their number. Appends in flight
    /// ([`append_published`](Self::append_published)) are discarded.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// use zarr_engine::ArrayBuilder;
    ///
    /// let hierarchy = zarr_engine::open("memory:")?;
    /// let metadata = ArrayBuilder::new(&[8], "int32").with_chunk_shape(&[4]);
    /// let mut array = hierarchy.create_array("a", metadata).await?;
    /// array.write(.., 1).await?;
    /// array.resize(&[5]).await?;
    /// array.resize(&[10]).await?;
    /// assert_eq!(array.read::<i32>(..).await?.sum(), 5);
    /// # Ok::<(), zarr_engine::Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// [`Error::StaleHandle`](crate::Error::StaleHandle) if the array has changed since this handle
    /// was opened. Fails if the shape is not allowed or the store fails; the array then keeps its
    /// old shape, but elements outside the new shape may already be lost.
    pub async fn resize(&mut self, shape: &[u64]) -> Result<()> {
        let resized = self.resize_unlocated(shape).await;
        resized.at(&self.path)
    }

    async fn resize_unlocated(&mut self, shape: &[u64]) -> Result<()> {
        let registry = self.hierarchy.registry();
        let resized = self.metadata.clone().with_shape(shape);
        let resized = resized.and_then(|metadata| ArrayLayout::bind(&metadata, registry));
        resized.map_err(|error| error.key(&self.path.metadata_key()))?;
        let stored = self.with_appends()?;
        let shrinks = shape.iter().zip(stored.shape()).any(|(new, old)| new < old);
        if shrinks {
            let document = self.compare_with_stored().await?;
            // Copies in groups above first: readers of stale copies would read deleted chunks as
            // the fill value.
            let smaller = document.with_shape(shape)?.into();
            self.hierarchy.renew_copies(&self.path, &smaller).await?;
            stored.cut(shape).await?;
        }
        let seen = self.clone();
        self.update(|stored| {
            seen.check_layout(&stored)?;
            Appends::discard(&seen, stored.with_shape(shape)?)
        })
        .await
    }

    /// Deletes or clears stored elements outside a smaller shape. Skips chunks outside this array's
    /// own shape, which do not belong to it.
    async fn cut(&self, shape: &[u64]) -> Result<()> {
        let store = self.hierarchy.store();
        let mut listing = store.list(self.path.as_str());
        let (mut outside, mut edge) = (Vec::new(), Vec::new());
        while let Some(entry) = listing.try_next().await? {
            let Some(extent) = self.extent_of(&entry.key) else {
                continue;
            };
            let bounds = || extent.iter().zip(shape);
            if bounds().any(|(range, &len)| range.start >= len) {
                outside.push(entry.key);
            } else if bounds().any(|(range, &len)| range.end > len) {
                edge.push(extent);
            }
            if outside.len() == DELETED_AT_ONCE {
                self.delete_chunks(&std::mem::take(&mut outside)).await?;
            }
        }
        self.delete_chunks(&outside).await?;
        for mut extent in edge {
            for axis in 0..shape.len() {
                if extent[axis].end > shape[axis] {
                    let kept = std::mem::replace(&mut extent[axis].end, shape[axis]);
                    let mut cut = extent.clone();
                    cut[axis] = shape[axis]..kept;
                    self.clear(&Selection::ranges(&cut)?).await?;
                }
            }
        }
        Ok(())
    }

    /// Returns the elements of this array in the chunk with this key; `None` if the key is not a
    /// chunk key of the array.
    fn extent_of(&self, key: &str) -> Option<Vec<Range<u64>>> {
        let cell = self.layout.cell_of_key(&self.prefix, key)?;
        let dimensions = self.layout.grid().dimensions();
        let axes = cell.iter().zip(dimensions).zip(self.shape());
        axes.map(|((&cell, dimension), &len)| {
            (cell < dimension.cells(len)).then(|| {
                let start = dimension.start(cell);
                start..start.saturating_add(dimension.len(cell)).min(len)
            })
        })
        .collect()
    }

    async fn delete_chunks(&self, keys: &[String]) -> Result<()> {
        self.hierarchy.store().delete_all(keys).await?;
        let index = self.layout.codecs().sharding();
        let index = index.map(|sharding| sharding.index_range());
        for key in keys {
            self.hierarchy.engine().forget(key, index.clone());
        }
        Ok(())
    }
}
