//! The plan of a read.

use std::sync::Arc;

use super::attempt::Attempt;
use super::disjoint::{parts_are_disjoint, strides_are_disjoint};
use super::part::ReadOptions;
use super::touched::{ChunkAccess, ObjectPart, Touched};
use super::{Body, Fetch, ObjectRead, Work, Works};
use crate::buffer::{Output, OutputLease};
use crate::byte_range::ByteRange;
use crate::error::{Error, Result};
use crate::layout::ArrayLayout;
use crate::selection::Resolved;
use crate::size::c_strides;

/// The objects that a read touches, and the wanted elements of each. Printing the plan explains the
/// read before any I/O.
#[derive(Clone, Debug)]
pub struct ReadPlan {
    pub(super) layout: Arc<ArrayLayout>,
    pub(super) touched: Touched,
    pub(super) options: ReadOptions,
}

impl ReadPlan {
    /// Creates the plan that reads a selection of the array whose keys start with `prefix` into a
    /// buffer in C order.
    #[must_use]
    pub fn new(layout: Arc<ArrayLayout>, prefix: Arc<str>, selection: &Resolved) -> Self {
        let strides = c_strides(selection.shape(), layout.data_type().slot_size());
        Self::of(layout, Touched::selection(prefix, selection, &strides))
    }

    /// Creates the plan that reads a selection into a buffer with these strides in bytes, one for
    /// each dimension of the result.
    ///
    /// # Errors
    /// [`Error::Selection`] if the result has another number of dimensions than `strides`, or if
    /// two elements of the buffer share bytes.
    pub fn with_strides(
        layout: Arc<ArrayLayout>,
        prefix: Arc<str>,
        selection: &Resolved,
        strides: &[isize],
    ) -> Result<Self> {
        let (shape, item_size) = (selection.shape(), layout.data_type().slot_size());
        if strides.len() != shape.len() || !strides_are_disjoint(shape, strides, item_size) {
            return Err(Error::selection(format!(
                "strides {strides:?} do not keep the elements of a result of shape {shape:?} apart: expected one stride \
                 for each dimension, and {item_size} bytes for each element"
            )));
        }
        let touched = Touched::selection(prefix, selection, strides);
        Ok(Self::of(layout, touched))
    }

    /// Creates the plan that reads parts of chunks with known keys, each into its own places of a
    /// buffer.
    ///
    /// # Errors
    /// [`Error::Selection`] if a chunk has a shape that the grid does not contain, if elements
    /// outside a chunk are wanted, or if places are not provably disjoint: along each dimension,
    /// two chunks must share all positions or none.
    pub fn of_chunks(
        layout: Arc<ArrayLayout>,
        chunks: impl IntoIterator<Item = ChunkAccess>,
    ) -> Result<Self> {
        let parts = Touched::bind(&layout, chunks)?;
        parts_are_disjoint(
            parts.iter().map(|object| &object.part.wanted),
            layout.data_type().slot_size(),
        )?;
        Ok(Self::of(layout, Touched::Chunks(parts.into())))
    }

    fn of(layout: Arc<ArrayLayout>, touched: Touched) -> Self {
        Self {
            layout,
            touched,
            options: ReadOptions::default(),
        }
    }

    /// Returns the plan with the given options.
    #[must_use]
    pub fn with_options(mut self, options: ReadOptions) -> Self {
        self.options = options;
        self
    }

    /// The number of objects that the read touches.
    #[must_use]
    pub fn objects(&self) -> u64 {
        self.touched.objects(&self.layout)
    }

    /// The size of the decoded elements in bytes, counting only touched inner chunks of shards: at
    /// least the size of the wanted elements.
    #[must_use]
    pub fn decoded_size(&self) -> u64 {
        let item_size = self.layout.codecs().decoded().item_size() as u64;
        let decoded = self
            .touched
            .parts(&self.layout)
            .map(|object| object.part.decoded_len());
        decoded
            .fold(0, u64::saturating_add)
            .saturating_mul(item_size)
    }

    /// Starts a read into an output. The returned iterator yields the objects of the read lazily.
    /// The read holds the output until the iterator and everything derived from it are dropped.
    ///
    /// # Errors
    /// [`Error::OutputInUse`] if another read holds the output.
    pub fn start(&self, output: &Output) -> Result<Reading> {
        let lease = Arc::new(output.lease()?);
        let parts = self.touched.parts(&self.layout);
        Ok(Reading {
            parts,
            lease,
            options: self.options,
        })
    }

    /// Runs the plan on this thread with a function that reads bytes, for callers that have the
    /// bytes in memory.
    ///
    /// # Errors
    /// The first error of `get` or of decoding; the output may then hold a part of the result.
    pub fn run<E: From<crate::Error>>(
        &self,
        output: &Output,
        mut get: impl FnMut(&str, &ByteRange) -> Result<Option<Body>, E>,
    ) -> Result<(), E> {
        let mut stack: Vec<Works> = Vec::new();
        let mut supply = |fetch: Fetch| -> Result<Works, E> {
            let body = get(fetch.key(), fetch.range())?;
            Ok(fetch.supply(body)?)
        };
        for mut object in self.start(output)? {
            stack.push(supply(object.attempt()?)?);
            while let Some(works) = stack.last_mut() {
                match works.next().transpose()? {
                    None => drop(stack.pop()),
                    Some(Work::Decode(job)) => job.run()?,
                    Some(Work::Fetch(fetch)) => stack.push(supply(fetch)?),
                }
            }
        }
        Ok(())
    }
}

/// A started read: an iterator over the objects that it touches.
pub struct Reading {
    parts: Box<dyn Iterator<Item = ObjectPart> + Send>,
    lease: Arc<OutputLease>,
    options: ReadOptions,
}

impl Iterator for Reading {
    type Item = ObjectRead;

    fn next(&mut self) -> Option<ObjectRead> {
        let attempt = Attempt::new(self.lease.clone(), self.options);
        Some(ObjectRead::new(Fetch::object(self.parts.next()?, attempt)))
    }
}
