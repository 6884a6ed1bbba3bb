//! The plan of a read.

use std::sync::Arc;

use super::fetch::inside_of;
use super::{Body, Fetch, Place, Work};
use crate::buffer::Output;
use crate::byte_range::ByteRange;
use crate::error::Result;
use crate::layout::ArrayLayout;
use crate::selection::{Resolved, Wanted};

/// Which objects a read touches, and what is wanted of each. Printing it explains the read before any I/O.
#[derive(Clone, Debug)]
pub struct ReadPlan {
    pub(super) layout: Arc<ArrayLayout>,
    pub(super) prefix: Arc<str>,
    pub(super) wanted: Wanted,
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
            prefix,
            wanted: selection.place(strides),
        }
    }

    /// The number of objects that the read touches.
    #[must_use]
    pub fn objects(&self) -> u64 {
        if self.wanted.len() == 0 {
            return 0;
        }
        self.wanted.parts(self.layout.grid().dimensions()).left()
    }

    /// The first fetch of each object, made as they are asked for.
    pub fn fetches(&self) -> impl Iterator<Item = Fetch> + Send + use<> {
        let (layout, prefix) = (self.layout.clone(), self.prefix.clone());
        let parts = (self.wanted.len() > 0).then(|| self.wanted.parts(layout.grid().dimensions()));
        parts.into_iter().flatten().map(move |(cell, wanted)| {
            let inside = inside_of(layout.shape(), layout.grid().dimensions(), &cell);
            let place = Place::new(layout.key(&prefix, &cell).into());
            Fetch::chunk(place, layout.codecs_of(&cell).clone(), wanted, inside, None)
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
