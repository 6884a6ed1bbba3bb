//! The store layer of a Zarr engine: maps keys to bytes, over local files, memory and every
//! [`object_store`].
//!
//! [`Store`] adds to `object_store` what Zarr needs: absence as a value, never reported by mistake;
//! [`Version`]s that keep all reads of a shard consistent; a range planner with a cost model;
//! conditional puts on every backend that supports them, local files included; payloads in segments
//! that are never joined; and keys that are never rewritten. This crate knows nothing of arrays and
//! codecs.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> zarr_store::Result<()> {
//! use zarr_store::{ByteRange, Precondition, Store};
//!
//! let store = Store::open("memory:")?;
//! let version = store.put("c/0/1", vec!["chunk".into()], Precondition::IfAbsent).await?;
//! let body = store.get("c/0/1", &ByteRange::Suffix(2), Some(&version)).await?.expect("just written");
//! assert_eq!((&body.bytes[..], body.range, body.object_size), (&b"nk"[..], 3..5, 5));
//! assert!(store.get("c/0/2", &ByteRange::All, None).await?.is_none());
//! # Ok(()) }
//! ```
//!
//! Modules, in the order of a call: `open` and `cloud` open a store; `store` is the handle;
//! `calls`, `copy`, `patch` and `sweep` are its operations; `overlap` compares places; `key` checks keys and prefixes; `planner`,
//! `cost` and `deadline` decide on requests; `object`, `local` and `zip` run the requests.

// A file that is an exception says so in its first lines, with the reason.
#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::indexing_slicing,
        clippy::panic
    )
)]

mod absent;
mod address;
mod backoff;
mod byte_range;
mod calls;
mod cloud;
mod context;
mod copy;
mod cost;
mod counts;
mod credentials;
mod deadline;
mod error;
mod key;
mod local;
mod memory;
mod object;
mod open;
mod options;
mod overlap;
mod patch;
mod planner;
mod redact;
mod results;
mod store;
mod sweep;
mod task;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
#[cfg(test)]
mod tests;
mod version;
mod wire;
mod zip;

pub use backoff::Backoff;
pub use byte_range::ByteRange;
pub use cost::CostModel;
pub use counts::{Counters, RequestCounts};
pub use credentials::{CredentialSource, Credentials};
pub use deadline::Deadline;
pub use error::{Cause, Error, ErrorKind, Place, Result};
pub use local::{Durability, Hold, LocalFile, LocalStore, Unlisted};
pub use object::sign::Method;
pub use object_store;
pub use planner::{RangePlan, plan_ranges};
pub use results::{Body, Entry, Listing, ObjectInfo, RangeBody, Revalidated};
pub use store::Store;
pub use sweep::{Leftover, LeftoverKind};
pub use version::{Precondition, Version};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
