//! Plans: reads and writes as data. A plan says which objects are touched; a [`Fetch`] goes out, bytes come in, and pure
//! [`DecodeJob`]s and [`EncodeJob`]s come out.
//!
//! The jobs of a read write to one output, from any threads. That is sound because a read has the output for itself
//! (`OutputLease`), its elements are disjoint (`disjoint`), and each job exists once (`object`).
//!
//! Nothing here knows a store, a thread or a clock. Every [`Fetch`] owns its continuation, so there is no state to get out of
//! step, and nested shards are recursion.

mod disjoint;
mod encode;
mod fetch;
mod job;
mod object;
mod print;
mod read;
mod touched;
mod write;

use std::sync::Arc;

use bytes::Bytes;

pub use disjoint::strides_are_disjoint;
pub use encode::EncodeJob;
pub use fetch::{Fetch, Purpose, Work};
pub use job::{ChunkJob, DecodeJob};
pub use object::ObjectRead;
pub use read::{ReadPlan, Reading};
pub use touched::ChunkAccess;
pub use write::{ObjectEncode, ObjectState, ObjectWrite, WriteAction, WriteOptions, WritePlan};

pub(crate) use fetch::inner_grid;

use crate::error::Error;

/// Bytes that a store has read.
#[derive(Clone, Debug)]
pub struct Body {
    /// The bytes of the range that was asked for.
    pub bytes: Bytes,
    /// The size of the whole object in bytes.
    pub object_size: u64,
}

/// Where in an object a job works, for messages.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    key: Arc<str>,
    inner: Option<Arc<InnerPlace>>,
}

#[derive(Debug)]
struct InnerPlace {
    cell: Vec<u64>,
    outer: Option<Arc<InnerPlace>>,
}

impl Place {
    pub(crate) fn new(key: Arc<str>) -> Self {
        Self { key, inner: None }
    }

    pub(crate) fn key(&self) -> &Arc<str> {
        &self.key
    }

    /// The place of an inner chunk of the shard at this one.
    pub(crate) fn inner(&self, cell: &[u64]) -> Self {
        let inner = InnerPlace {
            cell: cell.to_vec(),
            outer: self.inner.clone(),
        };
        Self {
            key: self.key.clone(),
            inner: Some(Arc::new(inner)),
        }
    }

    /// The error with this place.
    pub(crate) fn wrap(&self, mut error: Error) -> Error {
        let mut next = self.inner.as_ref();
        while let Some(inner) = next {
            error = error.chunk("inner chunk", &inner.cell);
            next = inner.outer.as_ref();
        }
        error.key(&self.key)
    }
}
