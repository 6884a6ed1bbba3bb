//! The number and bytes of the requests of a read or write, and the prediction of its plan.

#![expect(clippy::unwrap_used, reason = "tests")]

mod caches;
mod decoded;
mod plans;
mod reads;
mod writes;

use std::sync::Arc;
use std::time::Duration;

use ndarray::{Array2, Array3, ArrayD, arr0, s};
use object_store::memory::InMemory;
use zarr::{
    Array, ArrayBuilder, ArrayMetadata, CacheOptions, Extension, Hierarchy, ReadOptions, Store,
    codecs, registry,
};
use zarr_store::testing::{Fault, FaultStore, Operation, Rule};

/// A hierarchy on a store that logs every request.
struct Logged {
    hierarchy: Hierarchy,
    log: FaultStore<InMemory>,
}

impl Logged {
    fn new() -> Self {
        let log = FaultStore::new(InMemory::new());
        Self {
            hierarchy: on(&log),
            log,
        }
    }

    /// Opens the stored objects with an uncached hierarchy.
    fn cold(&self) -> Hierarchy {
        self.log.clear();
        on(&self.log)
    }

    /// Returns the requests since the last [`Self::cold`] or [`Self::requests`].
    fn requests(&self) -> Vec<String> {
        let requests = self.log.requests();
        self.log.clear();
        requests
            .iter()
            .map(|request| format!("{:?} {}", request.operation, request.key))
            .collect()
    }
}

fn on(log: &FaultStore<InMemory>) -> Hierarchy {
    Hierarchy::new(Store::new(Arc::new(log.clone()), "logged"), registry())
}

/// Returns the bytes read through a hierarchy.
fn bytes(array: &Array) -> u64 {
    array.hierarchy().store().requests().bytes_read
}

/// Creates a slab of 4 shards of 64^3 in inner chunks of 16^3.
fn sharded() -> ArrayMetadata {
    ArrayBuilder::new(&[64, 128, 128], "uint16")
        .with_chunk_shape(&[16, 16, 16])
        .with_shard_shape(&[64, 64, 64])
        .with_codecs([codecs::bytes(true), codecs::crc32c()])
        .build()
        .unwrap()
}

fn data() -> Array3<u16> {
    Array3::from_shape_fn((64, 128, 128), |(z, y, x)| {
        u16::try_from(z * 128 + y + x + 1).unwrap()
    })
}

async fn written(logged: &Logged) -> Array {
    let array = logged.hierarchy.create_array("a", sharded()).await.unwrap();
    array.write(.., data()).await.unwrap();
    array
}
