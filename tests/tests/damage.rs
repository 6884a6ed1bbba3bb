//! Damaged and hostile bytes, failing stores: an error that names the location, never a panic, fill
//! values or lost data.
//!
//! Promises P2 (fill only for "not found"), P3 (one version per read), P4 (checksums are checked),
//! P5 (bounded memory), P6 (no panic), P9 (a damaged shard is never overwritten by a partial
//! write), P20 (strict metadata) and P21 (errors say where).

#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;

use bytes::Bytes;
use ndarray::{Array2, ArrayD, arr0, s};
use object_store::memory::InMemory;
use rand::Rng;
use zarr::{Array, ArrayBuilder, Extension, Hierarchy, Store, codecs, registry};
use zarr_store::testing::{Fault, FaultStore, Operation, Rule};
use zarr_store::{ByteRange, Precondition};
use zarr_tests::random;

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
    part
}

/// Sets the index entry of inner chunk [1, 1].
fn set_entry(shard: &mut [u8], offset: u64, nbytes: u64) {
    let index = shard.len() - 8 * 16;
    let entry = index + 3 * 16;
    shard[entry..entry + 8].copy_from_slice(&offset.to_le_bytes());
    shard[entry + 8..entry + 16].copy_from_slice(&nbytes.to_le_bytes());
}

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
async fn bombs_and_lying_headers_are_errors() {
    let zstd_claims_2_to_the_40 = {
        // Magic number, a descriptor with eight bytes of content size, a window of 1 KiB.
        let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0xc0, 0x00];
        frame.extend((1_u64 << 40).to_le_bytes());
        frame.extend([0x01, 0x00, 0x00]);
        frame
    };
    let zstd_zeros = {
        // A run of 128 KiB of zeros, a thousand times, without a content size.
        let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x58];
        for number in 0..1000 {
            let header: u32 = u32::from(number == 999) | (1 << 1) | (0x2_0000 << 3);
            frame.extend(&header.to_le_bytes()[..3]);
            frame.push(0);
        }
        frame
    };
    let blosc_claims_2_gib = [
        2, 1, 0x21, 4, 0xff, 0xff, 0xff, 0x7f, 0, 0, 4, 0, 32, 0, 0, 0,
    ]
    .to_vec();
    let blosc = codecs::blosc("lz4", 5, "shuffle", 4);
    for (codec, bytes) in [
        (codecs::zstd(1), zstd_claims_2_to_the_40),
        (codecs::zstd(1), zstd_zeros),
        (blosc.clone(), blosc_claims_2_gib),
        (blosc, vec![0; 4]),
        (codecs::gzip(1), vec![0x1f, 0x8b, 8, 0, 0, 0]),
    ] {
        let hierarchy = zarr::open("memory:").unwrap();
        let array = sharded(&hierarchy, &[codecs::bytes(true), codec.clone()]).await;
        let mut shard = bytes;
        let len = shard.len() as u64;
        shard.extend([0xff; 8 * 16]);
        set_entry(&mut shard, 0, len);
        store(&hierarchy, shard).await;
        let error = array
            .read::<i32>(s![4..8, 8..16])
            .await
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with("a/c/0/0: inner chunk [1, 1]: "),
            "{error}"
        );
        assert!(error.contains(codec.name()), "{error}");
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
                if let Ok(found) = array.read::<i32>(slices).await {
                    // Either the index calls the inner chunk absent, or the elements are right.
                    let expected = data().slice(slices).to_owned();
                    assert!(
                        found
                            .iter()
                            .zip(&expected)
                            .all(|(found, expected)| found == expected || *found == 0)
                    );
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
        assert!(array.read::<i32>(..).await.is_err());
    }
}

#[tokio::test]
async fn absurd_shapes_are_errors_or_cheap() {
    let hierarchy = zarr::open("memory:").unwrap();
    let most = (1_u64 << 63) - 1;
    let build = |shape: &[u64], chunk: &[u64]| {
        ArrayBuilder::new(shape, "float64")
            .with_chunk_shape(chunk)
            .build()
    };
    let array = hierarchy
        .create_array("huge", build(&[most, 1000], &[1 << 30, 1000]).unwrap())
        .await
        .unwrap();
    let error = array.read::<f64>(..).await.unwrap_err().to_string();
    assert!(error.contains("over the limit"), "{error}");
    assert_eq!(array.read::<f64>(s![-3.., 999]).await.unwrap().shape(), [3]);
    let error = array
        .write(s![5, 5], arr0(1.0))
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("over the limit"), "{error}");

    assert!(build(&[u64::MAX], &[1]).is_err());
    let too_many = build(&[1 << 40; 3], &[1 << 40; 3]).unwrap();
    assert!(hierarchy.create_array("product", too_many).await.is_err());
    let deep = build(&[1; 65], &[1; 65]).unwrap();
    let error = hierarchy
        .create_array("deep", deep)
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("number of dimensions"), "{error}");

    let array = hierarchy
        .create_array("empty", build(&[1000, 1000], &[1, 1]).unwrap())
        .await
        .unwrap();
    assert_eq!(array.read::<f64>(..).await.unwrap().sum(), 0.0);
}

#[tokio::test]
async fn bad_metadata_is_refused_with_its_member() {
    let good = ArrayBuilder::new(&[4, 4], "uint8")
        .with_chunk_shape(&[2, 2])
        .build()
        .unwrap()
        .to_text()
        .unwrap();
    for (from, to, expected) in [
        (
            "\"zstd\"",
            "\"lzx\"",
            "a/zarr.json: codecs[1]: unknown codec \"lzx\"; registered: bitround, blosc, bytes, ",
        ),
        (
            "\"uint8\"",
            "\"uint9\"",
            "a/zarr.json: data_type: unknown data type \"uint9\"",
        ),
        (
            "\"fill_value\": 0",
            "\"fill_value\": 256",
            "a/zarr.json: fill_value: fill value 256 is not a uint8",
        ),
        (
            "\"fill_value\": 0",
            "\"fill_value\": null",
            "fill value null",
        ),
        (
            "\"zarr_format\": 3",
            "\"zarr_format\": 2",
            "zarr_format: found 2, expected 3",
        ),
        (
            "[2, 2]",
            "[2]",
            "chunk_grid.configuration.chunk_shape: found [2], expected 2 lengths",
        ),
        ("[2, 2]", "[2, 0]", "at least 1"),
        ("[4, 4]", "[4, -4]", "shape: found [4, -4]"),
        ("\"shape\"", "\"shpe\"", "unknown member \"shpe\""),
        (
            "\"level\": 3",
            "\"level\": 3, \"levle\": 3",
            "codecs[1].configuration",
        ),
        (
            "\"attributes\": {}",
            "\"attributes\": []",
            "attributes: found [], expected an object",
        ),
        (
            "\"node_type\": \"array\"",
            "\"node_type\": \"arrow\"",
            "node_type: found \"arrow\"",
        ),
        ("{", "[", "invalid JSON"),
    ] {
        let hierarchy = zarr::open("memory:").unwrap();
        assert!(good.contains(from), "{from} in {good}");
        let bad = good.replacen(from, to, 1);
        hierarchy
            .store()
            .put("a/zarr.json", vec![bad.into()], Precondition::None)
            .await
            .unwrap();
        let error = hierarchy.array("a").await.unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

/// Creates an array on a store with scripted faults.
async fn faulty() -> (Hierarchy, FaultStore<InMemory>) {
    let faults = FaultStore::new(InMemory::new());
    let store = Store::new(Arc::new(faults.clone()), "faulty");
    let hierarchy = Hierarchy::new(store, registry());
    sharded(&hierarchy, &[codecs::bytes(true)]).await;
    (hierarchy, faults)
}

#[tokio::test]
async fn no_failure_of_a_store_becomes_fill_values() {
    let (sound, _) = faulty().await;
    let sound = sound.array("a").await.unwrap();
    let expected = sound.read::<i32>(s![4..8, 8..16]).await.unwrap();
    for fault in [
        Fault::PermissionDenied,
        Fault::Generic("broken"),
        Fault::Timeout,
        Fault::Truncate(7),
    ] {
        for request in 0..2 {
            let (hierarchy, faults) = faulty().await;
            let array = hierarchy.array("a").await.unwrap();
            faults.add(Rule::new(Operation::Get, SHARD, fault.clone()).on_call(request));
            // A failed request may be retried.
            match array.read::<i32>(s![4..8, 8..16]).await {
                Ok(elements) => assert_eq!(elements, expected, "{fault:?}"),
                Err(error) => assert!(error.to_string().contains(SHARD), "{error}"),
            }
        }
    }
}

#[tokio::test]
async fn a_shard_that_vanishes_after_its_index_was_read_is_read_again() {
    let (hierarchy, faults) = faulty().await;
    let array = hierarchy.array("a").await.unwrap();
    faults.add(Rule::new(Operation::Get, SHARD, Fault::NotFound).on_call(1));
    let found = array.read::<i32>(s![4..8, 8..16]).await.unwrap();
    assert_eq!(found, data().slice(s![4..8, 8..16]).into_dyn());
}

#[tokio::test]
async fn a_shard_that_is_replaced_while_it_is_read_is_read_from_one_version() {
    let (hierarchy, faults) = faulty().await;
    let array = hierarchy.array("a").await.unwrap();
    let mut other = stored(&hierarchy).await;
    let len = other.len() - 8 * 16;
    other[..len].fill(3);
    faults.add(Rule::new(Operation::Get, SHARD, Fault::Swap(other.into())).on_call(1));
    let found = array.read::<i32>(s![4..8, 0..16]).await.unwrap();
    assert_eq!(found, ArrayD::from_elem(vec![4, 16], 0x0303_0303));
}

#[tokio::test]
async fn a_failed_put_leaves_the_old_object_and_is_an_error() {
    let (hierarchy, faults) = faulty().await;
    let array = hierarchy.array("a").await.unwrap();
    let before = stored(&hierarchy).await;
    faults.add(Rule::new(Operation::Put, SHARD, Fault::Generic("no space")));
    array.write(s![0..16, 0..16], arr0(4)).await.unwrap_err();
    assert_eq!(stored(&hierarchy).await, before);
}

#[tokio::test]
async fn files_of_absurd_size_are_refused_before_they_take_memory() {
    let folder = tempfile::tempdir().unwrap();
    let hierarchy = zarr::open(folder.path().to_str().unwrap()).unwrap();
    sharded(&hierarchy, &[codecs::bytes(true), codecs::zstd(1)]).await;
    let plain = ArrayBuilder::new(&[4], "int32").build().unwrap();
    let plain = hierarchy.create_array("plain", plain).await.unwrap();
    plain.write(.., arr0(1)).await.unwrap();
    for key in [SHARD, "plain/c/0", "plain/zarr.json"] {
        let file = std::fs::File::options()
            .write(true)
            .open(folder.path().join(key))
            .unwrap();
        file.set_len(1 << 40).unwrap();
    }
    // The zeros at the end are read as the index: an entry of zero bytes.
    let error = errors(&hierarchy).await;
    assert!(
        error.contains("inner chunk [1, 1]: shard index: entry 3 has offset 0 and nbytes 0"),
        "{error}"
    );
    let error = plain.read::<i32>(..).await.unwrap_err().to_string();
    assert!(
        error.starts_with("plain/c/0: stored chunk: found 1099511627776 bytes, expected at most"),
        "{error}"
    );
    let error = hierarchy.array("plain").await.unwrap_err().to_string();
    assert!(
        error.contains("metadata document: 1099511627776 bytes is over the limit"),
        "{error}"
    );
}
