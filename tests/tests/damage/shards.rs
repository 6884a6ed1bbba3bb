//! Damaged shards.

use super::*;

#[tokio::test]
async fn damaged_index_entries_are_errors_with_their_place() {
    let max = u64::MAX;
    for (offset, nbytes, expected) in [
        (max, 8, "only one of offset and nbytes is 2^64 - 1"),
        (8, max, "only one of offset and nbytes is 2^64 - 1"),
        (0, 0, "nbytes is 0"),
        (max - 1, 100, "past the end of the shard"),
        (0, max - 1, "past the end of the shard"),
        (1 << 40, 128, "past the end of the shard"),
        (0, 127, "found 127 bytes, expected 128"),
        (0, 129, "found 129 bytes, expected 128"),
    ] {
        let hierarchy = zarr::open("memory:").unwrap();
        sharded(&hierarchy, &[codecs::bytes(true)]).await;
        let mut shard = stored(&hierarchy).await;
        set_entry(&mut shard, offset, nbytes);
        store(&hierarchy, shard).await;
        let error = errors(&hierarchy).await;
        assert!(
            error.starts_with("a/c/0/0: inner chunk [1, 1]: "),
            "{error}"
        );
        assert!(error.contains(expected), "{error}");
        // Undamaged inner chunks are readable, and unselected inner chunks are not read.
        let array = hierarchy.array("a").await.unwrap();
        assert_eq!(
            array.read::<i32>(s![0..4, 0..8]).await.unwrap(),
            data().slice(s![0..4, 0..8]).into_dyn()
        );
    }
}

#[tokio::test]
async fn short_and_empty_shards_are_errors() {
    for len in [0, 1, 100, 127] {
        let hierarchy = zarr::open("memory:").unwrap();
        sharded(&hierarchy, &[codecs::bytes(true)]).await;
        let shard = stored(&hierarchy).await;
        store(&hierarchy, shard[..len].to_vec()).await;
        let error = errors(&hierarchy).await;
        assert!(
            error.starts_with("a/c/0/0: ") && error.contains("128"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_flipped_byte_under_crc32c_is_named_on_partial_reads_too() {
    let hierarchy = zarr::open("memory:").unwrap();
    sharded(&hierarchy, &[codecs::bytes(true), codecs::crc32c()]).await;
    let mut shard = stored(&hierarchy).await;
    shard[3 * 132 + 17] ^= 0x40;
    store(&hierarchy, shard).await;
    let error = errors(&hierarchy).await;
    assert!(
        error.starts_with("a/c/0/0: inner chunk [1, 1]: crc32c: stored 0x"),
        "{error}"
    );
}

#[tokio::test]
async fn a_damaged_shard_is_not_overwritten_by_a_partial_write() {
    let hierarchy = zarr::open("memory:").unwrap();
    let array = sharded(&hierarchy, &[codecs::bytes(true), codecs::crc32c()]).await;
    let mut shard = stored(&hierarchy).await;
    shard[3 * 132 + 17] ^= 0x40;
    store(&hierarchy, shard.clone()).await;
    let error = array
        .write(s![5, 9], arr0(1))
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("inner chunk [1, 1]: crc32c"), "{error}");
    assert_eq!(stored(&hierarchy).await, shard);
    // A full overwrite of an inner chunk does not decode the old bytes, so it repairs the damage.
    array.write(s![4..8, 8..16], arr0(5)).await.unwrap();
    assert_eq!(
        array.read::<i32>(s![4..8, 8..16]).await.unwrap(),
        ArrayD::from_elem(vec![4, 8], 5)
    );

    let mut shard = stored(&hierarchy).await;
    let len = shard.len() - 40;
    set_entry(&mut shard, u64::MAX - 1, 77);
    for damaged in [shard.clone(), shard[..len].to_vec(), vec![], vec![0; 10]] {
        store(&hierarchy, damaged.clone()).await;
        array.write(s![0, 0], arr0(1)).await.unwrap_err();
        assert_eq!(stored(&hierarchy).await, damaged);
    }
}

#[tokio::test]
async fn random_damage_never_panics_and_never_passes_a_checksum() {
    let mut rng = random::rng(7);
    let chains = [
        vec![codecs::bytes(true), codecs::zstd(3), codecs::crc32c()],
        vec![
            codecs::bytes(true),
            codecs::blosc("blosclz", 9, "bitshuffle", 4),
            codecs::crc32c(),
        ],
        vec![codecs::bytes(true), codecs::gzip(6), codecs::crc32c()],
    ];
    for chain in chains {
        let hierarchy = zarr::open("memory:").unwrap();
        let array = sharded(&hierarchy, &chain).await;
        let good = stored(&hierarchy).await;
        for _ in 0..400 {
            let mut shard = good.clone();
            for _ in 0..rng.random_range(1..4) {
                let position = rng.random_range(0..shard.len());
                shard[position] = rng.random();
            }
            if rng.random_ratio(1, 4) {
                shard.truncate(rng.random_range(0..shard.len()));
            }
            store(&hierarchy, shard).await;
            for slices in [s![0..16, 0..16], s![4..8, 8..16], s![3..9, 7..11]] {
                // Either the index calls the inner chunk absent, or the elements are right.
                let expected = data().slice(slices).to_owned();
                match array.read::<i32>(slices).await {
                    Ok(found) => assert!(
                        found
                            .iter()
                            .zip(&expected)
                            .all(|(found, expected)| found == expected || *found == 0)
                    ),
                    Err(error) => assert!(!repeats(&error.to_string()), "{error}"),
                }
            }
        }
    }
}

/// Damage under an index checksum as well: no wrong result at all.
#[tokio::test]
async fn with_a_checksum_over_the_index_too_no_damage_passes() {
    let mut rng = random::rng(8);
    let hierarchy = zarr::open("memory:").unwrap();
    let metadata = ArrayBuilder::new(&[16, 16], "int32")
        .with_chunk_shape(&[4, 8])
        .with_shard_shape(&[16, 16])
        .with_codecs([codecs::bytes(true), codecs::zstd(3), codecs::crc32c()]);
    let array = hierarchy
        .create_array("a", metadata.build().unwrap())
        .await
        .unwrap();
    let expected = data().slice(s![..16, ..16]).to_owned();
    array.write(.., expected.clone()).await.unwrap();
    let good = stored(&hierarchy).await;
    for _ in 0..1000 {
        let mut shard = good.clone();
        let position = rng.random_range(0..shard.len());
        shard[position] ^= 1 << rng.random_range(0..8);
        store(&hierarchy, shard).await;
        let error = array.read::<i32>(..).await.unwrap_err().to_string();
        assert!(!repeats(&error), "{error}");
    }
}
