//! Partial writes of a large shard: stored bytes stay in place, and changed inner chunks are
//! appended.
//!
//! `ZARR_PATCH_CASES` sets the number of random arrays, `ZARR_PATCH_SEED` the first seed; a failure
//! prints its seed.

#![expect(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "tests"
)]

use ndarray::{ArrayD, IxDyn, s};
use rand::Rng;
use zarr::{
    ArrayBuilder, CompactOptions, Hierarchy, InnerOrder, Selection, Store, WriteOptions, codecs,
    registry,
};
use zarr_tests::patched::{assert_equal, assert_little_dead, large, patching, sharded, write};
use zarr_tests::random;

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable)
        .ok()
        .map_or(default, |text| text.parse().unwrap())
}

/// Runs random writes, appends and compactions, each compared with an `ndarray`. Returns the bytes
/// copied within the store.
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
                let order = [None, Some(InnerOrder::C), Some(InnerOrder::Morton)];
                let order = order[rng.random_range(0..3)];
                let options = CompactOptions { percent: 0, order };
                array.compact(options).await.unwrap();
                assert_little_dead(&array, 0).await;
                // Nothing is left to do.
                assert_eq!(array.compact(options).await.unwrap().shards, 0);
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

#[tokio::test]
async fn an_append_sends_what_is_appended() {
    // Time steps of 4 KiB, 1,000 per shard.
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
    for step in 0..STEPS {
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
    let expected = (0..STEPS)
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
    array.write(.., ndarray::arr0(1.0_f32)).await.unwrap();
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
    let sum = array.read::<f32>(..).await.unwrap().sum();
    assert_eq!(sum, (2048.0 * 2048.0) + (256.0 * 256.0));
}
