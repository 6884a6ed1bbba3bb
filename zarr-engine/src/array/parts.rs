//! An array in parts of bounded size: regions that are read one after another by computations over
//! whole arrays. `division` says which parts there are, and which of them hold only fill values.

use std::ops::Range;
use std::sync::Arc;

use futures::stream::{self, Stream, StreamExt};
use zarr_core::{BasicIndex, GridDimension, Selection};

use super::Array;
use super::division::{Division, Parts};
use super::elements::Elements;
use super::selection::Select;
use crate::engine::{compute, limits};
use crate::error::{At, Result};

/// The size up to which small chunks are joined to one part, in bytes.
const JOINED: u64 = 4 << 20;

/// The size from which on a shard is split into parts, in bytes.
const SPLIT: u64 = 64 << 20;

/// The size assumed for an element of variable size, in bytes.
const VARIABLE: usize = 64;

impl Array {
    /// Returns the range of indices along each dimension that a selection of indices and ranges
    /// without steps covers.
    ///
    /// # Errors
    /// [`ErrorKind::Selection`](crate::ErrorKind::Selection) if the selection does not fit, or has
    /// steps or lists of indices.
    pub fn region(&self, selection: impl Select) -> Result<Vec<Range<u64>>> {
        let selection = selection.select(&self.space()).at(&self.path)?;
        self.resolve(&selection)?;
        let unsupported = || {
            let reason = "only indices and ranges without steps are possible here";
            Err(zarr_core::Error::selection(reason)).at(&self.path)
        };
        let Selection::Slices(indices) = &selection else {
            return unsupported();
        };
        let from = |index: isize, len: u64| match u64::try_from(index) {
            Ok(index) => index.min(len),
            Err(_) => len.saturating_sub(index.unsigned_abs() as u64),
        };
        let mut lengths = self.shape().iter().copied();
        let mut region = Vec::with_capacity(self.shape().len());
        for index in indices {
            let BasicIndex::Slice(slice) = index else {
                if let (BasicIndex::Integer(index), Some(len)) = (index, lengths.next()) {
                    let start = from(*index, len);
                    region.push(start..start + 1);
                }
                continue;
            };
            if slice.step != 1 {
                return unsupported();
            }
            if let Some(len) = lengths.next() {
                let start = from(slice.start, len);
                let end = slice.end.map_or(len, |end| from(end, len));
                region.push(start..end.max(start));
            }
        }
        region.extend(lengths.map(|len| 0..len));
        Ok(region)
    }

    /// Returns the parts of a region that may hold more than fill values, here or in `others`,
    /// arrays of equal shape.
    pub(super) async fn parts(&self, region: &[Range<u64>], others: &[&Self]) -> Result<Parts> {
        let division = Division::new(self, region, self.unit());
        let origin = vec![0; region.len()];
        let arrays = [self].into_iter().chain(others.iter().copied());
        let arrays = arrays.map(|array| (array, &*origin)).collect::<Vec<_>>();
        division.touched(&arrays).await
    }

    /// Returns the shape of a part: a multiple of the chunk shape, or of the inner chunk shape if
    /// shards are large. `None` if chunks have several shapes.
    fn unit(&self) -> Option<Vec<u64>> {
        let mut unit = self.fixed_chunk()?;
        if self.nbytes_of(&unit) > SPLIT
            && let Some(inner) = self.layout.inner_chunk_shape()
        {
            unit = inner;
        }
        for axis in (0..unit.len()).rev() {
            while unit[axis] < self.shape()[axis] && self.nbytes_of(&unit) * 2 <= JOINED {
                unit[axis] *= 2;
            }
        }
        Some(unit)
    }

    /// Returns the shape of the chunks, or of the shards, if all have equal shapes.
    pub(super) fn fixed_chunk(&self) -> Option<Vec<u64>> {
        let dimensions = self.layout.grid().dimensions().iter();
        let lengths = dimensions.map(|dimension| match dimension {
            GridDimension::Fixed(len) => Some(*len),
            _ => None,
        });
        lengths.collect()
    }

    /// Returns the decoded size of a box of elements, in bytes: an estimate for elements of
    /// variable size.
    pub(super) fn nbytes_of(&self, lengths: &[u64]) -> u64 {
        let item = self.data_type().fixed_size().unwrap_or(VARIABLE) as u64;
        let lengths = lengths.iter();
        lengths.fold(item, |size, &len| size.saturating_mul(len))
    }

    /// Reads parts, a few at a time, and applies `map` to each on the computing threads. The
    /// results come in the order of the parts.
    pub(super) fn map_parts<R: Send + 'static>(
        &self,
        parts: &Parts,
        map: impl Fn(&[Range<u64>], &Elements) -> R + Send + Sync + 'static,
    ) -> impl Stream<Item = Result<R>> + Send {
        let map = Arc::new(map);
        let at_once = at_once(self.nbytes_of(&parts.largest()));
        stream::iter(parts.iter())
            .map(move |part| {
                let map = map.clone();
                async move {
                    let elements = self.read::<Elements>(&*part).await?;
                    compute(move || map(&part, &elements)).await
                }
            })
            .buffered(at_once)
    }
}

/// Returns the number of parts of this size to process concurrently.
pub(super) fn at_once(size: u64) -> usize {
    let threads = limits::threads() as u64;
    let most = (limits::bytes_in_flight() / size.max(1)).clamp(1, threads.max(4) * 2);
    usize::try_from(most).expect("a small number")
}
