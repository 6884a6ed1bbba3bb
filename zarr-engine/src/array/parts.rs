//! An array in parts of bounded size: regions that are read one after another by computations over
//! whole arrays.

use std::ops::Range;
use std::sync::Arc;

use futures::stream::{self, Stream, StreamExt};
use zarr_core::{BasicIndex, GridDimension, Selection};

use super::Array;
use super::elements::Elements;
use super::grid::Boxes;
use super::selection::Select;
use crate::engine::{compute, limits};
use crate::error::Result;

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
        let selection = self.located(selection.select(&self.space()))?;
        self.resolve(&selection)?;
        let unsupported = || {
            let reason = "only indices and ranges without steps are possible here";
            self.located(Err(zarr_core::Error::selection(reason).into()))
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

    /// Splits a region into parts aligned with the chunks, in C order.
    pub(super) fn parts(&self, region: &[Range<u64>]) -> Vec<Vec<Range<u64>>> {
        let Some(unit) = self.unit() else {
            return self.chunk_parts(region);
        };
        let cells = region
            .iter()
            .zip(&unit)
            .map(|(range, &unit)| match range.is_empty() {
                true => 0..0,
                false => range.start / unit..range.end.div_ceil(unit),
            });
        let part = |cell: Vec<u64>| {
            let axes = cell.iter().zip(&unit).zip(region);
            axes.map(|((&cell, &unit), range)| {
                let start = cell * unit;
                start.max(range.start)..start.saturating_add(unit).min(range.end)
            })
            .collect()
        };
        Boxes::new(cells).map(part).collect()
    }

    /// Returns the extents of the chunks that a region touches, cut to the region.
    fn chunk_parts(&self, region: &[Range<u64>]) -> Vec<Vec<Range<u64>>> {
        let chunks = self.chunks().map(|chunk| {
            let axes = chunk.extent().iter().zip(region);
            let axes = axes.map(|(a, b)| a.start.max(b.start)..a.end.min(b.end));
            axes.collect::<Vec<_>>()
        });
        let is_touched = |part: &Vec<Range<u64>>| !part.iter().any(Range::is_empty);
        chunks.filter(is_touched).collect()
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

    /// Reads the parts of a region, a few at a time, and applies `map` to each on the computing
    /// threads. The results come in the order of the parts.
    pub(super) fn map_parts<R: Send + 'static>(
        &self,
        region: &[Range<u64>],
        map: impl Fn(&[Range<u64>], &Elements) -> R + Send + Sync + 'static,
    ) -> impl Stream<Item = Result<R>> + Send {
        let map = Arc::new(map);
        let parts = self.parts(region);
        let largest = parts.iter().map(|part| {
            let lengths = part.iter().map(|range| range.end - range.start);
            self.nbytes_of(&lengths.collect::<Vec<_>>())
        });
        let at_once = at_once(largest.max().unwrap_or(1));
        stream::iter(parts)
            .map(move |part| {
                let map = map.clone();
                async move {
                    let elements = self.read_elements(&*part).await?;
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
