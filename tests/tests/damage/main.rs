//! Damaged and hostile bytes, failing stores: an error that names the location, never a panic, fill
//! values or lost data.
//!
//! Promises P2 (fill only for "not found"), P3 (one version per read), P4 (checksums are checked),
//! P5 (bounded memory), P6 (no panic), P9 (a damaged shard is never overwritten by a partial
//! write), P20 (strict metadata) and P21 (errors say where).

#![expect(clippy::unwrap_used, reason = "tests")]

mod failures;
mod shards;
mod sizes;

use std::sync::Arc;

use bytes::Bytes;
use ndarray::{Array2, ArrayD, arr0, s};
use object_store::memory::InMemory;
use rand::Rng;
use zarr::{Array, ArrayBuilder, Extension, Hierarchy, Store, codecs, registry};
use zarr_store::testing::{Fault, FaultStore, Operation, Rule};
use zarr_store::{ByteRange, Precondition};
use zarr_tests::{random, repeats};

const SHARD: &str = "a/c/0/0";

/// Creates an array of 2 x 2 shards, each of 4 x 2 inner chunks of [4, 8] int32, with an index
/// without a checksum.
async fn sharded(hierarchy: &Hierarchy, codecs: &[Extension]) -> Array {
    let sharding = Extension::new("sharding_indexed")
        .with("chunk_shape", [4, 8])
        .with("codecs", codecs)
        .with("index_codecs", [codecs::bytes(true)]);
    let metadata = ArrayBuilder::new(&[32, 32], "int32")
        .with_chunk_shape(&[16, 16])
        .with_codecs([sharding]);
    let array = hierarchy
        .create_array("a", metadata.build().unwrap())
        .await
        .unwrap();
    array.write(.., data()).await.unwrap();
    array
}

fn data() -> Array2<i32> {
    Array2::from_shape_fn((32, 32), |(y, x)| i32::try_from(y * 100 + x + 1).unwrap())
}

async fn stored(hierarchy: &Hierarchy) -> Vec<u8> {
    let body = hierarchy
        .store()
        .get(SHARD, &ByteRange::All, None)
        .await
        .unwrap();
    body.unwrap().bytes.to_vec()
}

async fn store(hierarchy: &Hierarchy, bytes: Vec<u8>) {
    hierarchy
        .store()
        .put(SHARD, vec![Bytes::from(bytes)], Precondition::None)
        .await
        .unwrap();
}

/// Reads inner chunk [1, 1] of shard [0, 0] alone, and then the whole shard; both reads must report
/// equal errors.
async fn errors(hierarchy: &Hierarchy) -> String {
    let array = hierarchy.array("a").await.unwrap();
    let part = array
        .read::<i32>(s![4..8, 8..16])
        .await
        .unwrap_err()
        .to_string();
    let whole = array
        .read::<i32>(s![0..16, 0..16])
        .await
        .unwrap_err()
        .to_string();
    assert!(whole.starts_with("a/c/0/0: "), "{whole}");
    assert!(!repeats(&part) && !repeats(&whole), "{part}\n{whole}");
    part
}

/// Sets the index entry of inner chunk [1, 1].
fn set_entry(shard: &mut [u8], offset: u64, nbytes: u64) {
    let index = shard.len() - 8 * 16;
    let entry = index + 3 * 16;
    shard[entry..entry + 8].copy_from_slice(&offset.to_le_bytes());
    shard[entry + 8..entry + 16].copy_from_slice(&nbytes.to_le_bytes());
}
