//! Shards for tests of patches, and what holds for all of them.

use ndarray::ArrayD;
use rand::Rng;
use rand::rngs::StdRng;
use zarr::{Array, ArrayBuilder, ArrayMetadata, Hierarchy, Selection, Store, codecs, registry};
use zarr_store::CostModel;

use crate::random;

/// Returns a store that patches objects of at least `patch_from` bytes.
#[must_use]
pub fn patching(store: Store, patch_from: u64) -> Store {
    let cost = CostModel {
        patch_from,
        ..store.cost_model().clone()
    };
    store.with_cost_model(cost)
}

/// Makes the metadata of a random array in shards with the index at the end.
///
/// # Panics
/// Panics if the builder refuses.
pub fn sharded(rng: &mut StdRng, shape: &[u64]) -> ArrayMetadata {
    let inner = shape.iter().map(|_| rng.random_range(1..=4));
    let inner = inner.collect::<Vec<u64>>();
    let shard = inner.iter().map(|len| len * rng.random_range(1..=4));
    let shard = shard.collect::<Vec<u64>>();
    let chain = match rng.random_range(0..3) {
        0 => vec![codecs::bytes(true)],
        1 => vec![codecs::bytes(true), codecs::crc32c()],
        _ => vec![codecs::bytes(true), codecs::zstd(1)],
    };
    ArrayBuilder::new(shape, "uint16")
        .with_chunk_shape(&inner)
        .with_shard_shape(&shard)
        .with_codecs(chain)
        .build()
        .unwrap()
}

/// Asserts that an array has the elements of its model, also with an uncached hierarchy.
///
/// # Panics
/// Panics if an element differs.
pub async fn assert_equal(array: &Array, model: &ArrayD<u16>) {
    assert_eq!(&array.read::<u16>(..).await.unwrap(), model, "warm");
    let cold = Hierarchy::new(array.hierarchy().store().clone(), registry());
    let cold = cold.array("a").await.unwrap();
    assert_eq!(&cold.read::<u16>(..).await.unwrap(), model, "cold");
}

/// Asserts that dead space is at most `percent` of each shard.
///
/// # Panics
/// Panics if a shard has more.
pub async fn assert_little_dead(array: &Array, percent: u64) {
    for shard in array.dead_space().await.unwrap() {
        assert!(shard.dead * 100 <= shard.size * percent, "{shard:?}");
    }
}

/// Writes random elements with some fill values, and occasionally only fill values, to an array and
/// its model.
///
/// # Panics
/// Panics if the write fails.
pub async fn write(
    array: &Array,
    selection: &Selection,
    model: &mut ArrayD<u16>,
    rng: &mut StdRng,
) {
    let places = random::indices_of(selection, model.shape());
    let all_fill = rng.random_ratio(1, 6);
    let data = places.map(|_| match all_fill || rng.random_ratio(1, 10) {
        true => 0,
        false => rng.random(),
    });
    array.write(selection, data.clone()).await.unwrap();
    let elements = model.as_slice_mut().unwrap();
    for (&place, &element) in places.iter().zip(&data) {
        elements[place] = element;
    }
}

/// The length of the sides of an inner chunk of a large shard.
pub const SIDE: u64 = 256;

/// Makes the metadata of a shard of `side` x `side` inner chunks of 256 KiB: 67 MB for a side of 16.
///
/// # Panics
/// Panics if the builder refuses.
#[must_use]
pub fn large(side: u64) -> ArrayMetadata {
    ArrayBuilder::new(&[SIDE * side; 2], "float32")
        .with_chunk_shape(&[SIDE; 2])
        .with_shard_shape(&[SIDE * side; 2])
        .with_codecs([codecs::bytes(true), codecs::crc32c()])
        .build()
        .unwrap()
}
