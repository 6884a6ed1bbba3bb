//! Tests of the store as a whole: `suite` is the contract, run on every backend; every other module
//! tests one promise.

#![expect(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    clippy::single_range_in_vec_init,
    reason = "tests"
)]

#[cfg(all(feature = "http", feature = "deflate"))]
mod answers;
mod cancel;
#[cfg(all(feature = "s3", feature = "gcs", feature = "azure", feature = "http"))]
mod clouds;
mod conditional;
mod copies;
mod deadline;
mod faults;
mod gather;
#[cfg(feature = "http")]
mod http;
mod now;
#[cfg(feature = "s3")]
mod patches;
mod probe;
mod ranges;
#[cfg(all(
    feature = "http",
    any(
        feature = "deflate",
        all(feature = "s3", feature = "gcs", feature = "azure")
    )
))]
mod raw;
mod secrets;
#[cfg(all(feature = "s3", feature = "gcs", feature = "azure", feature = "http"))]
mod settings;
mod suite;
mod trace;
mod urls;

pub(crate) use conditional::increment;

use std::sync::Arc;

use bytes::Bytes;
use futures::TryStreamExt;
use object_store::memory::InMemory;

use crate::testing::{FaultStore, Operation};
use crate::{ByteRange, Precondition, RangeBody, Result, Store, Version};

/// Returns a store in memory that is treated as remote, and its script.
pub(crate) fn faulty() -> (Store, FaultStore<InMemory>) {
    let faults = FaultStore::new(InMemory::new());
    let store = Store::new(Arc::new(faults.clone()), "faulty://store");
    (store, faults)
}

pub(crate) fn operations(faults: &FaultStore<InMemory>) -> Vec<Operation> {
    let requests = faults.requests();
    requests.iter().map(|request| request.operation).collect()
}

pub(crate) async fn put(store: &Store, key: &str, bytes: impl Into<Bytes>) -> Version {
    store
        .put(key, vec![bytes.into()], Precondition::None)
        .await
        .unwrap()
}

pub(crate) async fn read(store: &Store, key: &str) -> Option<Bytes> {
    let body = store.get(key, &ByteRange::All, None).await.unwrap();
    body.map(|body| body.bytes)
}

/// Reads all ranges, in the order requested.
pub(crate) async fn read_ranges(
    store: &Store,
    key: &str,
    ranges: &[std::ops::Range<u64>],
    version: Option<&Version>,
) -> Result<Vec<Bytes>> {
    let mut bodies: Vec<RangeBody> = store
        .get_ranges(key, ranges.to_vec(), version)
        .try_collect()
        .await?;
    bodies.sort_by_key(|body| body.index);
    Ok(bodies.into_iter().map(|body| body.bytes).collect())
}

/// Returns bytes that encode their position.
pub(crate) fn pattern(size: usize) -> Bytes {
    (0..size)
        .map(|at| u8::try_from(at % 251).expect("a remainder of 251 is a byte"))
        .collect()
}
