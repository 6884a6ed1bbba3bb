//! Copies of a region into an array with another grid, other codecs or another data type, with
//! bounded memory.

use std::collections::BTreeSet;
use std::ops::Range;

use futures::stream::{self, StreamExt, TryStreamExt};

use super::Array;
use super::division::{Division, Parts};
use super::elements::Elements;
use super::grid::Boxes;
use super::parts::at_once;
use super::selection::Select;
use crate::engine::{compute, limits};
use crate::error::{At, Result};

/// How a region is copied into an array with other metadata.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rewrite {
    /// The memory that the elements being copied may take, in bytes.
    pub memory: u64,
    /// Whether to skip chunks (or shards) that the target stores: those of an interrupted copy of
    /// the same region.
    pub resume: bool,
}

impl Default for Rewrite {
    fn default() -> Self {
        Self {
            memory: limits::bytes_in_flight(),
            resume: false,
        }
    }
}

/// The result of [`Array::rewrite_to`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rewritten {
    /// The number of copied elements.
    pub copied: u64,
    /// The number of elements in chunks that the target stored already.
    pub skipped: u64,
}

/// The copies of an element that exist at a time: decoded, encoded in the source, and encoded in
/// the target.
const COPIES: u64 = 3;

impl Array {
    /// Copies a region, of indices and ranges without steps, into an array whose shape is that of
    /// the region; numbers are converted to the data type of the target. Each chunk or shard of the
    /// target is written once and entirely, so that an interrupted copy can be resumed. Chunks of
    /// the source are read as few times as the memory allows; parts of equal fill values of which
    /// neither array stores a chunk are left out. Calls `done` with the number of elements after
    /// each step.
    ///
    /// ```
    /// use zarr_engine::{ArrayBuilder, Rewrite, blocking};
    ///
    /// let hierarchy = blocking::open("memory:")?;
    /// let rows = ArrayBuilder::new(&[40, 60], "int16").with_chunk_shape(&[1, 60]).build()?;
    /// let rows = hierarchy.create_array("rows", rows)?;
    /// rows.write((5..15, ..), 7_i16)?;
    /// let columns = ArrayBuilder::new(&[10, 60], "float32").with_chunk_shape(&[10, 4]).build()?;
    /// let columns = hierarchy.create_array("columns", columns)?;
    /// let done = rows.rewrite_to(&columns, (5..15, ..), Rewrite::default(), |_| {})?;
    /// assert_eq!((done.copied, columns.read::<f32>(..)?.sum()), (600, 4200.0));
    /// # Ok::<(), zarr_engine::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Shape`](crate::Error::Shape) if the region has another shape,
    /// [`ErrorKind::TooLarge`](crate::ErrorKind::TooLarge) if the memory does not hold one chunk or
    /// shard of the target, [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) for a number that the
    /// data type of the target does not contain, and those of [`Self::read`] and [`Self::write`].
    pub async fn rewrite_to(
        &self,
        target: &Self,
        selection: impl Select,
        options: Rewrite,
        done: impl Fn(u64) + Send + Sync,
    ) -> Result<Rewritten> {
        let region = self.region(selection)?;
        let found = region.iter().map(|range| range.end - range.start);
        target.expect_shape(&found.collect::<Vec<_>>())?;
        let needed = target.step_size(self, &target.least_step());
        if needed > options.memory {
            let error = zarr_core::Error::TooLarge {
                what: "memory for one chunk or shard of the target",
                wanted: format!("{needed} bytes"),
                limit: options.memory,
            };
            return Err(error).at(&target.path);
        }
        self.rewrite(target, &region, options, done).await
    }

    /// Copies a region whose shape is that of the target, in steps of at least one chunk.
    pub(super) async fn rewrite(
        &self,
        target: &Self,
        region: &[Range<u64>],
        options: Rewrite,
        done: impl Fn(u64) + Send + Sync,
    ) -> Result<Rewritten> {
        let steps = self.steps(target, region, options.memory).await?;
        let size = target.step_size(self, &steps.largest());
        let stored = match options.resume {
            true => target.stored_cells().await?,
            false => BTreeSet::new(),
        };
        let most = usize::try_from(options.memory / size.max(1)).unwrap_or(usize::MAX);
        let at_once = at_once(size).min(most).max(1);
        let (stored, done) = (&stored, &done);
        let rest = steps.rest();
        done(rest);
        let start = Rewritten {
            copied: rest,
            skipped: 0,
        };
        let steps = stream::iter(steps.iter()).map(async |step: Vec<Range<u64>>| {
            let len = step.iter().map(|range| range.end - range.start).product();
            if options.resume && target.cells_of(&step).all(|cell| stored.contains(&cell)) {
                done(len);
                return Ok(Rewritten {
                    copied: 0,
                    skipped: len,
                });
            }
            self.rewrite_step(target, region, &step).await?;
            done(len);
            Ok::<_, crate::Error>(Rewritten {
                copied: len,
                skipped: 0,
            })
        });
        let add = async |a: Rewritten, b: Rewritten| {
            Ok(Rewritten {
                copied: a.copied + b.copied,
                skipped: a.skipped + b.skipped,
            })
        };
        steps.buffer_unordered(at_once).try_fold(start, add).await
    }

    async fn rewrite_step(
        &self,
        target: &Self,
        region: &[Range<u64>],
        step: &[Range<u64>],
    ) -> Result<()> {
        let from = region.iter().zip(step);
        let from = from.map(|(region, step)| region.start + step.start..region.start + step.end);
        let elements = self.read::<Elements>(&*from.collect::<Vec<_>>()).await?;
        let elements = match self.data_type() == target.data_type() {
            true => elements,
            false => {
                let data_type = target.data_type().clone();
                let converted = compute(move || elements.converted(&data_type)).await?;
                converted.at(&self.path)?
            }
        };
        target.write(step, elements).await
    }

    /// Splits a target into steps of whole chunks (or shards), each wide enough to use the chunks of
    /// this array that it reads, as far as memory allows.
    async fn steps(&self, target: &Self, region: &[Range<u64>], memory: u64) -> Result<Parts> {
        let read = self.layout.inner_chunk_shape().or(self.fixed_chunk());
        let unit = target.fixed_chunk().map(|chunk| {
            let mut step = chunk.clone();
            for axis in (0..step.len()).rev() {
                let wanted = read.as_ref().map_or(0, |read| read[axis]);
                let wanted = wanted.div_ceil(chunk[axis]).max(1) * chunk[axis];
                let narrow = std::mem::replace(&mut step[axis], wanted);
                // At least two steps run concurrently, so that reads and writes overlap.
                if target.step_size(self, &step) > memory / 2 {
                    step[axis] = narrow;
                }
            }
            step
        });
        let all = target.shape().iter().map(|&len| 0..len);
        let division = Division::new(target, &all.collect::<Vec<_>>(), unit);
        let fill = self.fill_element().converted(target.data_type());
        if !fill.is_ok_and(|fill| fill.get(0) == target.fill_value().bytes()) {
            return Ok(division.everything());
        }
        let origin = region.iter().map(|range| range.start);
        let (origin, zero) = (origin.collect::<Vec<_>>(), vec![0; region.len()]);
        division.touched(&[(self, &origin), (target, &zero)]).await
    }

    /// Returns the shape of the largest chunk (or shard).
    pub(super) fn least_step(&self) -> Vec<u64> {
        let all = self.shape().iter().map(|&len| 0..len);
        let division = Division::new(self, &all.collect::<Vec<_>>(), self.fixed_chunk());
        division.everything().largest()
    }

    /// Returns the memory that a step of this shape takes, in bytes.
    pub(super) fn step_size(&self, source: &Self, step: &[u64]) -> u64 {
        let within = step.iter().zip(self.shape());
        let within = within.map(|(&len, &all)| len.min(all.max(1)));
        let within = within.collect::<Vec<_>>();
        let elements = self.nbytes_of(&within).max(source.nbytes_of(&within));
        elements.saturating_mul(COPIES)
    }

    /// Returns the cells of the grid that a region touches.
    fn cells_of(&self, region: &[Range<u64>]) -> Boxes {
        let dimensions = self.layout.grid().dimensions().iter().zip(region);
        Boxes::new(dimensions.map(|(dimension, range)| match range.is_empty() {
            true => 0..0,
            false => dimension.cell_of(range.start)..dimension.cell_of(range.end - 1) + 1,
        }))
    }
}
