//! Plans: reads and writes as data. A plan says which objects are touched; a [`Fetch`] goes out, bytes come in, and pure
//! [`DecodeJob`]s and [`EncodeJob`]s come out.
//!
//! The jobs of a read write to one output, from any threads. That is sound because a read has the output for itself
//! (`OutputLease`), its elements are disjoint (`disjoint`), and each job exists once (`object`).
//!
//! Nothing here knows a store, a thread or a clock. Every [`Fetch`] owns its continuation, so there is no state to get out of
//! step, and nested shards are recursion.

mod attempt;
mod disjoint;
mod encode;
mod fetch;
mod job;
mod location;
mod object;
mod part;
mod patch;
mod print;
mod read;
mod touched;
mod works;
mod write;

use bytes::Bytes;

pub use disjoint::strides_are_disjoint;
pub use encode::EncodeJob;
pub use fetch::{Fetch, Purpose, Work};
pub use job::{ChunkJob, DecodeJob};
pub use object::ObjectRead;
pub use patch::{PatchedShard, ShardPatch, ShardSpace};
pub use print::ReadCost;
pub use read::{ReadPlan, Reading};
pub use touched::ChunkAccess;
pub use works::Works;
pub use write::{ObjectEncode, ObjectState, ObjectWrite, WriteAction, WriteOptions, WritePlan};

pub(crate) use part::inner_grid;

/// Bytes that a store has read.
#[derive(Clone, Debug)]
pub struct Body {
    /// The bytes of the range that was asked for.
    pub bytes: Bytes,
    /// The size of the whole object in bytes.
    pub object_size: u64,
}
