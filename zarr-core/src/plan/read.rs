//! The plan of a read.

use std::sync::Arc;

use super::touched::{ChunkAccess, Touched};
use super::{Body, Fetch, Place, Work};
use crate::buffer::Output;
use crate::byte_range::ByteRange;
use crate::error::Result;
use crate::layout::ArrayLayout;
use crate::selection::Resolved;

/// Which objects a read touches, and what is wanted of each. Printing it explains the read before any I/O.
#[derive(Clone, Debug)]
pub struct ReadPlan {
    pub(super) layout: Arc<ArrayLayout>,
    pub(super) touched: Touched,
}

impl ReadPlan {
    /// The plan that reads a selection of the array whose keys start with `prefix` into a buffer with these strides in bytes,
    /// one for each dimension of the result.
    #[must_use]
    pub fn new(
        layout: Arc<ArrayLayout>,
        prefix: Arc<str>,
        selection: &Resolved,
        strides: &[isize],
    ) -> Self {
        Self {
            layout,
            touched: Touched::selection(prefix, selection, strides),
        }
    }

    /// The plan that reads parts of chunks whose keys the caller knows, each into its own places of a buffer.
    ///
    /// # Errors
    /// [`Error::Selection`](crate::Error::Selection) where a chunk has a shape that the grid has not, or elements outside it are
    /// wanted.
    pub fn of_chunks(
        layout: Arc<ArrayLayout>,
        chunks: impl IntoIterator<Item = ChunkAccess>,
    ) -> Result<Self> {
        let touched = Touched::chunks(&layout, chunks)?;
        Ok(Self { layout, touched })
    }

    /// The number of objects that the read touches.
    #[must_use]
    pub fn objects(&self) -> u64 {
        self.touched.objects(&self.layout)
    }

    /// The bytes that are decoded, inner chunks of shards one by one: at least those of the elements that are wanted.
    #[must_use]
    pub fn decoded_size(&self) -> u64 {
        let item_size = self.layout.codecs().decoded().item_size() as u64;
        let decoded = self.fetches().map(|fetch| fetch.touched().1);
        decoded
            .fold(0, u64::saturating_add)
            .saturating_mul(item_size)
    }

    /// The first fetch of each object, made as they are asked for.
    pub fn fetches(&self) -> impl Iterator<Item = Fetch> + Send + use<> {
        let parts = self.touched.parts(&self.layout);
        parts.map(|part| {
            let place = Place::new(part.key);
            Fetch::chunk(place, part.chain, part.wanted, part.inside, None)
        })
    }

    /// Runs the plan on this thread with a function that reads bytes: for callers who have them in memory.
    ///
    /// # Errors
    /// The first error of `get` or of decoding; the output may then hold a part of the result.
    pub fn run<E: From<crate::Error>>(
        &self,
        output: &Output,
        mut get: impl FnMut(&str, &ByteRange) -> Result<Option<Body>, E>,
    ) -> Result<(), E> {
        let mut stack = Vec::new();
        for fetch in self.fetches() {
            stack.push(Work::Fetch(fetch));
            while let Some(work) = stack.pop() {
                match work {
                    Work::Decode(job) => job.run(output)?,
                    Work::Fetch(fetch) => {
                        let body = get(fetch.key(), fetch.range())?;
                        stack.extend(fetch.supply(body)?);
                    }
                }
            }
        }
        Ok(())
    }
}
