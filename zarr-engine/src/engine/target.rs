//! The target of a read: a buffer of elements or, for elements of variable size, decoded chunks and
//! a buffer with the place of each element in them.

use std::sync::{Arc, Mutex, PoisonError};

use zarr_core::plan::{ChunkJob, DecodeJob, DecodedChunk, VariableChunks};
use zarr_core::{FillValue, Output};

use super::cache::Place;
use crate::error::{Error, Result};

/// The target of a read; clones share its memory.
#[derive(Clone, Debug)]
pub struct Target {
    slots: Slots,
    /// The keys of objects that do not exist, if requested.
    absent: Option<Arc<Mutex<Vec<Arc<str>>>>>,
}

#[derive(Clone, Debug)]
enum Slots {
    /// Elements of fixed size.
    Fixed(Output),
    /// Elements of variable size.
    Variable(Arc<VariableTarget>),
}

/// Decoded chunks of elements of variable size, and the places of the elements in them.
#[derive(Debug)]
struct VariableTarget {
    places: Output,
    chunks: Mutex<VariableChunks>,
}

impl Target {
    /// Creates a target for elements of fixed size.
    #[must_use]
    pub fn fixed(output: Output) -> Self {
        Self {
            slots: Slots::Fixed(output),
            absent: None,
        }
    }

    /// Creates a target for `len` elements of variable size, whose places in the buffer have 8
    /// bytes each.
    ///
    /// # Errors
    /// [`Error::Core`] if memory is insufficient.
    pub fn variable(len: usize) -> Result<Self> {
        let target = VariableTarget {
            places: Output::zeroed::<[u8; 8]>(len)?,
            chunks: Mutex::default(),
        };
        Ok(Self {
            slots: Slots::Variable(Arc::new(target)),
            absent: None,
        })
    }

    /// Returns this target with recording of missing objects enabled.
    #[must_use]
    pub fn reporting_absent(mut self) -> Self {
        self.absent = Some(Arc::default());
        self
    }

    /// Returns the keys of objects that do not exist, whose elements are therefore fill values;
    /// empty unless recording is enabled.
    #[must_use]
    pub fn absent(&self) -> Vec<Arc<str>> {
        self.absent.as_ref().map_or_else(Vec::new, |absent| {
            absent
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone()
        })
    }

    /// Passes each of the `len` elements of variable size to `use_element`, in buffer order, after
    /// the read is complete.
    ///
    /// # Errors
    /// The errors of `use_element`, [`Error::Core`] if the elements have fixed size, and
    /// [`Error::Internal`] if the read is not complete.
    pub fn into_elements<E>(
        self,
        len: usize,
        fill: &FillValue,
        use_element: impl FnMut(&[u8]) -> Result<E>,
    ) -> Result<Vec<E>> {
        match self.slots {
            Slots::Variable(target) => target.into_elements(len, fill, use_element),
            Slots::Fixed(_) => {
                let found = "a target for fixed-size elements";
                Err(zarr_core::Error::invalid(found, "a target for variable-size elements").into())
            }
        }
    }

    /// Returns the buffer that a plan reads into: the elements, or their places.
    pub(crate) fn output(&self) -> &Output {
        match &self.slots {
            Slots::Fixed(output) => output,
            Slots::Variable(target) => &target.places,
        }
    }

    /// Decodes a chunk into the target; without encoded bytes, writes the fill value.
    pub(crate) fn run(&self, job: ChunkJob, encoded: Option<&[u8]>) -> Result<()> {
        if let (None, Some(absent), Some(key)) = (encoded, &self.absent, job.object()) {
            let mut absent = absent.lock().unwrap_or_else(PoisonError::into_inner);
            absent.push(key.clone());
        }
        match &self.slots {
            Slots::Fixed(_) => Ok(job.run(encoded)?),
            Slots::Variable(target) => target.run(job, encoded),
        }
    }

    /// Decodes a chunk into the target; with a place in the cache, keeps it there.
    pub(super) fn run_kept(
        &self,
        job: ChunkJob,
        encoded: Option<&[u8]>,
        place: Option<Place>,
    ) -> Result<()> {
        match (encoded, place) {
            (Some(encoded), Some(place)) => {
                let chunk = Arc::new(job.decode(encoded)?);
                place.insert(chunk.clone());
                self.copy(job, chunk)
            }
            _ => self.run(job, encoded),
        }
    }

    /// Copies elements of a decoded chunk into the target.
    pub(super) fn copy(&self, job: ChunkJob, chunk: Arc<DecodedChunk>) -> Result<()> {
        match &self.slots {
            Slots::Fixed(_) => Ok(job.copy(&chunk)?),
            Slots::Variable(target) => target.place(job, chunk),
        }
    }

    /// Runs a job that carries its encoded bytes.
    pub(crate) fn run_job(&self, job: DecodeJob) -> Result<()> {
        let (job, encoded) = job.into_parts();
        self.run(job, encoded.as_deref())
    }
}

impl VariableTarget {
    fn run(&self, job: ChunkJob, encoded: Option<&[u8]>) -> Result<()> {
        let Some(encoded) = encoded else {
            return Ok(job.place_variable(0)?);
        };
        let chunk = Arc::new(job.decode(encoded)?);
        self.place(job, chunk)
    }

    fn place(&self, job: ChunkJob, chunk: Arc<DecodedChunk>) -> Result<()> {
        let chunks = self.chunks.lock();
        let number = chunks.unwrap_or_else(PoisonError::into_inner).push(chunk)?;
        Ok(job.place_variable(number)?)
    }

    /// Passes each of the `len` elements to `use_element`, in buffer order.
    fn into_elements<E>(
        self: Arc<Self>,
        len: usize,
        fill: &FillValue,
        mut use_element: impl FnMut(&[u8]) -> Result<E>,
    ) -> Result<Vec<E>> {
        let in_use = || Error::Internal {
            reason: "references to a completed result".to_owned(),
        };
        let Self { places, chunks } = Arc::try_unwrap(self).map_err(|_| in_use())?;
        let places = places.into_vec::<[u8; 8]>(len).map_err(|_| in_use())?;
        let chunks = chunks.into_inner().unwrap_or_else(PoisonError::into_inner);
        let elements = places
            .iter()
            .map(|&place| use_element(chunks.get(place).unwrap_or(fill.bytes())));
        elements.collect()
    }
}
