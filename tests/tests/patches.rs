//! Writes of a part of a large shard: its bytes stay where they are, and what changes goes behind them.
//!
//! `ZARR_PATCH_CASES` sets the number of random arrays, `ZARR_PATCH_SEED` the first seed; a failure prints its seed.

#![expect(clippy::unwrap_used, reason = "tests")]

use ndarray::{ArrayD, IxDyn, s};
use rand::Rng;
use rand::rngs::StdRng;
use zarr::{
    Array, ArrayBuilder, ArrayMetadata, Hierarchy, Selection, Store, WriteOptions, codecs, registry,
};
use zarr_store::CostModel;
use zarr_tests::random;

/// A store that patches objects from so many bytes on.
fn patching(store: Store, patch_from: u64) -> Store {
    let cost = CostModel {
        patch_from,
        ..store.cost_model().clone()
    };
    store.with_cost_model(cost)
}

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable)
        .ok()
        .map_or(default, |text| text.parse().unwrap())
}

/// An array in shards, its index at the end.
fn sharded(rng: &mut StdRng, shape: &[u64]) -> ArrayMetadata {
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

async fn assert_equal(array: &Array, model: &ArrayD<u16>) {
    assert_eq!(&array.read::<u16>([]).await.unwrap(), model, "warm");
    // By a process that has read nothing yet.
    let cold = Hierarchy::new(array.hierarchy().store().clone(), registry());
    let cold = cold.array("a").await.unwrap();
    assert_eq!(&cold.read::<u16>([]).await.unwrap(), model, "cold");
}

/// Dead space is never more than `percent` of a shard, and none where nothing may be.
async fn assert_little_dead(array: &Array, percent: u64) {
    for shard in array.dead_space().await.unwrap() {
        assert!(shard.dead * 100 <= shard.size * percent, "{shard:?}");
    }
}

/// Random writes, appends, compactions, each compared with an `ndarray`. Returns the bytes that were copied in the store.
async fn case(store: Store, seed: u64) -> u64 {
    let mut rng = random::rng(seed);
    let rank = rng.random_range(1..=3);
    let mut shape = (0..rank)
        .map(|_| rng.random_range(1..=14))
        .collect::<Vec<usize>>();
    let lens = shape.iter().map(|&len| len as u64).collect::<Vec<_>>();
    let metadata = sharded(&mut rng, &lens);
    let percent = [0, 10, 25, 50, 90][rng.random_range(0..5)];
    let options = WriteOptions {
        store_fill: rng.random_ratio(1, 4),
        dead_space: percent,
    };
    let hierarchy = Hierarchy::new(store.clone(), registry());
    let array = hierarchy.create_array("a", metadata).await.unwrap();
    let mut array = array.with_write_options(options);
    let mut model = ArrayD::<u16>::zeros(IxDyn(&shape));
    for _ in 0..12 {
        match rng.random_range(0..8) {
            0 => {
                array.compact(0).await.unwrap();
                assert_little_dead(&array, 0).await;
            }
            1 if shape[0] < 24 => {
                let old = shape[0];
                shape[0] += rng.random_range(1..=3);
                let lens = shape.iter().map(|&len| len as u64).collect::<Vec<_>>();
                array.resize(&lens).await.unwrap();
                let mut grown = ArrayD::zeros(IxDyn(&shape));
                grown
                    .slice_each_axis_mut(|axis| {
                        if axis.axis.index() == 0 {
                            (..old).into()
                        } else {
                            (..).into()
                        }
                    })
                    .assign(&model);
                model = grown;
                let ranges = shape.iter().enumerate();
                let ranges = ranges.map(|(axis, &len)| {
                    if axis == 0 {
                        old as u64..len as u64
                    } else {
                        0..len as u64
                    }
                });
                let selection = Selection::ranges(&ranges.collect::<Vec<_>>()).unwrap();
                write(&array, &selection, &mut model, &mut rng).await;
            }
            _ => {
                let selection = random::selection(&mut rng, &shape);
                write(&array, &selection, &mut model, &mut rng).await;
            }
        }
        assert_equal(&array, &model).await;
        assert_little_dead(&array, percent.into()).await;
    }
    store.requests().bytes_copied
}

/// Writes random elements, a few of them fill values, and now and then nothing else.
async fn write(array: &Array, selection: &Selection, model: &mut ArrayD<u16>, rng: &mut StdRng) {
    let places = random::indices_of(selection, model.shape());
    let all_fill = rng.random_ratio(1, 6);
    let data = places.map(|_| match all_fill || rng.random_ratio(1, 10) {
        true => 0,
        false => rng.random(),
    });
    array
        .write_selection(selection, data.clone())
        .await
        .unwrap();
    let elements = model.as_slice_mut().unwrap();
    for (&place, &element) in places.iter().zip(&data) {
        elements[place] = element;
    }
}

#[tokio::test]
async fn random_patches_appends_and_compactions_are_those_of_an_array_in_memory() {
    let first = number("ZARR_PATCH_SEED", 0);
    let mut copied = 0;
    for seed in first..first + number("ZARR_PATCH_CASES", 150) {
        eprintln!("run again with ZARR_PATCH_SEED={seed} ZARR_PATCH_CASES=1");
        let folder = tempfile::tempdir().unwrap();
        case(patching(Store::memory(), 0), seed).await;
        copied += case(patching(Store::local(folder.path()).unwrap(), 0), seed).await;
    }
    assert!(copied > 0, "nothing was patched");
}

const SIDE: u64 = 256;

/// A shard of `side` x `side` inner chunks of 256 KiB: 67 MB with 16.
fn large(side: u64) -> ArrayMetadata {
    ArrayBuilder::new(&[SIDE * side; 2], "float32")
        .with_chunk_shape(&[SIDE; 2])
        .with_shard_shape(&[SIDE * side; 2])
        .with_codecs([codecs::bytes(true), codecs::crc32c()])
        .build()
        .unwrap()
}

#[tokio::test]
async fn an_append_sends_what_is_appended() {
    // Time steps of 4 KiB, 1,000 to a shard.
    const STEPS: u64 = 1000;
    let folder = tempfile::tempdir().unwrap();
    let store = patching(Store::local(folder.path()).unwrap(), 0);
    let metadata = ArrayBuilder::new(&[0, 1024], "float32")
        .with_chunk_shape(&[1, 1024])
        .with_shard_shape(&[STEPS, 1024])
        .with_codecs([codecs::bytes(true), codecs::crc32c()]);
    let hierarchy = Hierarchy::new(store.clone(), registry());
    let mut array = hierarchy
        .create_array("a", metadata.build().unwrap())
        .await
        .unwrap();
    let index = STEPS * 16 + 4;
    let mut sent = Vec::new();
    for step in 0..200_u64 {
        array.resize(&[step + 1, 1024]).await.unwrap();
        let before = store.requests().bytes_written;
        let at = step.cast_signed() as isize;
        let value = step as f32 + 1.0;
        array
            .write(s![at..=at, ..], ndarray::arr0(value))
            .await
            .unwrap();
        sent.push(store.requests().bytes_written - before);
    }
    assert!(
        sent.iter().all(|&sent| sent == 4096 + 4 + index),
        "{sent:?}"
    );
    let found = array.read::<f32>(s![.., 7]).await.unwrap();
    let expected = (0..200)
        .map(|step| step as f32 + 1.0)
        .collect::<ndarray::Array1<_>>();
    assert_eq!(found, expected.into_dyn());
    assert_eq!(array.dead_space().await.unwrap()[0].dead, 0);
}

#[tokio::test]
async fn one_inner_chunk_of_a_large_local_shard_is_appended() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::local(folder.path()).unwrap();
    let hierarchy = Hierarchy::new(store.clone(), registry());
    let array = hierarchy.create_array("a", large(8)).await.unwrap();
    array.write([], ndarray::arr0(1.0_f32)).await.unwrap();
    let size = store.size("a/c/0/0").await.unwrap().unwrap();
    let plan = array.plan_write(s![..256, 256..512]).unwrap().to_string();
    assert!(
        plan.contains("append if unchanged, at most 263176 bytes sent"),
        "{plan}"
    );
    let before = store.requests();
    array
        .write(s![..256, 256..512], ndarray::arr0(2.0_f32))
        .await
        .unwrap();
    let after = store.requests();
    let index = 8 * 8 * 16 + 4;
    assert_eq!(
        after.bytes_written - before.bytes_written,
        (1 << 18) + 4 + index
    );
    assert_eq!(after.bytes_copied - before.bytes_copied, size - index);
    assert_eq!(after.bytes_read - before.bytes_read, index);
    let space = array.dead_space().await.unwrap();
    assert_eq!(space[0].dead, (1 << 18) + 4);
    let freed = array.compact(0).await.unwrap();
    assert_eq!((freed.shards, freed.freed), (1, (1 << 18) + 4));
    assert_eq!(store.size("a/c/0/0").await.unwrap(), Some(size));
    let sum = array.read::<f32>([]).await.unwrap().sum();
    assert_eq!(sum, (2048.0 * 2048.0) + (256.0 * 256.0));
}
