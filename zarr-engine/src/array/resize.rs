//! Another shape for an array.

use std::ops::Range;

use futures::stream::TryStreamExt;
use zarr_core::{ArrayLayout, Selection};

use super::Array;
use crate::error::Result;

/// Keys that are deleted by one call.
const DELETED_AT_ONCE: usize = 1000;

impl Array {
    /// Gives the array another shape of the same rank. What is new has the fill value; what is cut off is lost: stored chunks
    /// outside are deleted, and what stored chunks at the edge hold beyond it is overwritten with the fill value, so that it does
    /// not come back when the array grows again. Copies of the document in consolidated metadata of groups above are renewed before
    /// anything is deleted, or after an array has grown. The document is written last, on condition that it is still what this handle was
    /// opened with. Takes the time of what is stored, by one listing.
    ///
    /// # Errors
    /// [`Error::StaleHandle`](crate::Error::StaleHandle) where the array was changed since this handle was opened. Where the shape is
    /// not allowed or the store fails; the array then has its old shape, and elements to be cut off may be lost already.
    pub async fn resize(&mut self, shape: &[u64]) -> Result<()> {
        let registry = self.hierarchy.registry();
        let resized = self.metadata.clone().with_shape(shape);
        let resized = resized.and_then(|metadata| ArrayLayout::bind(&metadata, registry));
        resized.map_err(|error| error.key(&self.path.metadata_key()))?;
        let shrinks = shape.iter().zip(self.shape()).any(|(new, old)| new < old);
        if shrinks {
            let stored = self.compare_with_stored().await?;
            // Copies in groups above first: through them what is deleted would read as the fill value.
            let smaller = stored.with_shape(shape)?.into();
            self.hierarchy.renew_copies(&self.path, &smaller).await?;
            self.cut(shape).await?;
        }
        let seen = self.clone();
        self.update(|stored| {
            seen.check_layout(&stored)?;
            Ok(stored.with_shape(shape)?)
        })
        .await
    }

    /// Deletes or clears what is stored outside of a smaller shape. Chunks that lie outside of this array's own shape are not its.
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

    /// The elements of this array that are in the chunk with this key; `None` where it is the key of none.
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
