//! Plans: reads and writes as data. A plan lists the objects of an operation; [`Fetch`]es go out,
//! bytes come in, and pure [`DecodeJob`]s and [`EncodeJob`]s result.
//!
//! The jobs of a read write to one output, from any thread. This is sound because a read holds its
//! output exclusively (`OutputLease`), its elements are disjoint (`disjoint`), and each job exists
//! once (`object`).
//!
//! Nothing here refers to a store, a thread or a clock. Every [`Fetch`] owns its continuation, so
//! no state can get out of step, and nested shards are plain recursion.

mod attempt;
mod decoded;
mod disjoint;
mod enclosed;
mod encode;
mod fetch;
mod job;
mod location;
mod object;
mod order;
mod part;
mod patch;
mod print;
mod read;
mod tasks;
mod touched;
mod variable;
mod works;
mod write;

use bytes::Bytes;

pub use decoded::DecodedChunk;
pub use disjoint::strides_are_disjoint;
pub use enclosed::{decode_shard, encode_shard};
pub use encode::EncodeJob;
pub use fetch::{Fetch, Purpose, Work};
pub use job::{ChunkJob, DecodeJob};
pub use object::ObjectRead;
pub use order::InnerOrder;
pub use part::ReadOptions;
pub use patch::{PatchedShard, ShardPatch, ShardSpace};
pub use print::ReadCost;
pub use read::{ReadPlan, Reading};
pub use tasks::{Task, Tasks};
pub use touched::ChunkAccess;
pub use variable::VariableChunks;
pub use works::Works;
pub use write::{ObjectEncode, ObjectState, ObjectWrite, WriteAction, WriteOptions, WritePlan};

/// Bytes read by a store.
#[derive(Clone, Debug)]
pub struct Body {
    /// The bytes of the requested range.
    pub bytes: Bytes,
    /// The size of the whole object in bytes.
    pub object_size: u64,
}
