//! Where a read puts what it decodes: the bytes of a buffer, or, for elements of any size, chunks that are kept and the places
//! in them.

use std::sync::{Arc, Mutex, PoisonError};

use zarr_core::plan::{ChunkJob, DecodeJob};
use zarr_core::{FillValue, Output};

use crate::error::{Error, Result};

/// The target of a read; clones share it.
#[derive(Clone, Debug)]
pub struct Target {
    elements: Elements,
    /// Where asked for: the keys of objects that do not exist.
    absent: Option<Arc<Mutex<Vec<Arc<str>>>>>,
}

#[derive(Clone, Debug)]
enum Elements {
    /// Of one size.
    Fixed(Output),
    /// Of any size.
    Variable(Arc<VariableTarget>),
}

/// Decoded chunks of elements of any size. A place in the buffer holds the number of a chunk, from 1, and a position in it; 0
/// is the fill value.
#[derive(Debug)]
struct VariableTarget {
    places: Output,
    chunks: Mutex<Vec<(Vec<usize>, Vec<u8>)>>,
}

impl Target {
    /// A buffer for elements of one size.
    #[must_use]
    pub fn fixed(output: Output) -> Self {
        Self {
            elements: Elements::Fixed(output),
            absent: None,
        }
    }

    /// A target for `len` elements of any size, whose places in the buffer have 8 bytes each.
    ///
    /// # Errors
    /// [`Error::Core`] where there is not that much memory.
    pub fn variable(len: usize) -> Result<Self> {
        let target = VariableTarget {
            places: Output::zeroed::<[u8; 8]>(len)?,
            chunks: Mutex::default(),
        };
        Ok(Self {
            elements: Elements::Variable(Arc::new(target)),
            absent: None,
        })
    }

    /// This target, which now remembers what does not exist.
    #[must_use]
    pub fn reporting_absent(mut self) -> Self {
        self.absent = Some(Arc::default());
        self
    }

    /// The keys of the objects that do not exist, whose elements are fill values therefore; none where they are not reported.
    #[must_use]
    pub fn absent(&self) -> Vec<Arc<str>> {
        self.absent.as_ref().map_or_else(Vec::new, |absent| {
            absent
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone()
        })
    }

    /// Hands each of the `len` elements of any size to `use_element`, in order of the buffer, once the read is complete.
    ///
    /// # Errors
    /// Those of `use_element`, [`Error::Core`] where the elements are of one size, and [`Error::Internal`] where the read is not
    /// complete.
    pub fn into_elements<E>(
        self,
        len: usize,
        fill: &FillValue,
        use_element: impl FnMut(&[u8]) -> Result<E>,
    ) -> Result<Vec<E>> {
        match self.elements {
            Elements::Variable(target) => target.into_elements(len, fill, use_element),
            Elements::Fixed(_) => {
                let found = "a target for elements of one size";
                Err(zarr_core::Error::invalid(found, "one for elements of any size").into())
            }
        }
    }

    /// What a plan reads into: the elements, or their places.
    pub(crate) fn output(&self) -> &Output {
        match &self.elements {
            Elements::Fixed(output) => output,
            Elements::Variable(target) => &target.places,
        }
    }

    /// Decodes a chunk into the target; without bytes, the fill value stands for it.
    pub(crate) fn run(&self, job: ChunkJob, encoded: Option<&[u8]>) -> Result<()> {
        if let (None, Some(absent), Some(key)) = (encoded, &self.absent, job.object()) {
            let mut absent = absent.lock().unwrap_or_else(PoisonError::into_inner);
            absent.push(key.clone());
        }
        match &self.elements {
            Elements::Fixed(_) => Ok(job.run(encoded)?),
            Elements::Variable(target) => target.run(job, encoded),
        }
    }

    /// Runs a job that has its bytes.
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
        let chunk = job.decode_variable(encoded)?;
        let mut chunks = self.chunks.lock().unwrap_or_else(PoisonError::into_inner);
        chunks.push(chunk);
        let number = u32::try_from(chunks.len()).map_err(|_| zarr_core::Error::TooLarge {
            what: "number of chunks in one read",
            wanted: chunks.len().to_string(),
            limit: u32::MAX.into(),
        })?;
        drop(chunks);
        Ok(job.place_variable(number)?)
    }

    /// Hands each of the `len` elements to `use_element`, in order of the buffer.
    fn into_elements<E>(
        self: Arc<Self>,
        len: usize,
        fill: &FillValue,
        mut use_element: impl FnMut(&[u8]) -> Result<E>,
    ) -> Result<Vec<E>> {
        let in_use = || Error::Internal {
            reason: "handles of a result that is complete".to_owned(),
        };
        let Self { places, chunks } = Arc::try_unwrap(self).map_err(|_| in_use())?;
        let places = places.into_vec::<[u8; 8]>(len).map_err(|_| in_use())?;
        let chunks = chunks.into_inner().unwrap_or_else(PoisonError::into_inner);
        let elements = places.iter().map(|&[a, b, c, d, e, f, g, h]| {
            let (number, position) = (
                u32::from_ne_bytes([a, b, c, d]),
                u32::from_ne_bytes([e, f, g, h]),
            );
            let Some(chunk) = (number as usize).checked_sub(1) else {
                return use_element(fill.bytes());
            };
            let (offsets, bytes) = &chunks[chunk];
            use_element(&bytes[offsets[position as usize]..offsets[position as usize + 1]])
        });
        elements.collect()
    }
}
