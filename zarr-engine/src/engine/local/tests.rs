#![expect(clippy::unwrap_used, reason = "tests")]

use ndarray::{Array2, ArrayD, s};

use super::*;
use crate::blocking::{Hierarchy, open};
use crate::codecs;
use crate::{ArrayBuilder, CacheOptions, ChunkForm, Extension};
use zarr_core::Selection;

#[test]
fn adjacent_chunks_are_read_at_once() {
    let far = FREE_GAP + 1;
    let chunks = vec![0..10, 20..30, 10..20, 30 + far..40 + far, 0..5];
    assert_eq!(spans(chunks), [0..30, 30 + far..40 + far, 0..5]);
    let large = vec![
        0..MAX_SPAN,
        MAX_SPAN..MAX_SPAN + 1,
        MAX_SPAN + 1..MAX_SPAN + 2,
    ];
    assert_eq!(spans(large), [0..MAX_SPAN, MAX_SPAN..MAX_SPAN + 2]);
    assert_eq!(spans(Vec::new()), []);
}

/// A shard of so many inner chunks that threads share them: all kinds of reads and writes, against
/// a plain array.
#[test]
fn inner_chunks_of_many_batches_are_those_of_a_plain_array() {
    const SHAPE: (usize, usize) = (150, 203);
    for checksum in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        for store in ["memory:", folder.path().to_str().unwrap()] {
            let mut builder = ArrayBuilder::new(&[150, 203], "uint8")
                .with_chunk_shape(&[1, 2])
                .with_shard_shape(&[160, 204]);
            if checksum {
                builder = builder.with_codecs([codecs::bytes(true), codecs::crc32c()]);
            }
            let hierarchy = open(store).unwrap();
            let array = hierarchy
                .create_array("a", builder.build().unwrap())
                .unwrap();
            let to_usize = |index: u64| usize::try_from(index).unwrap();
            let value = |row: usize, column: usize, step: usize| {
                // Some inner chunks have only fill values.
                let mixed = (row * 31 + column / 2 * 17 + step) % 251;
                u8::try_from(if mixed.is_multiple_of(5) { 0 } else { mixed }).unwrap()
            };
            let mut model = Array2::from_shape_fn(SHAPE, |(row, column)| value(row, column, 0));
            array.write(s![.., ..], &model).unwrap();
            for step in 1..4 {
                let all: ArrayD<u8> = array.read::<u8>(s![.., ..]).unwrap();
                assert_eq!(all, model.clone().into_dyn());
                let some: ArrayD<u8> = array.read::<u8>(s![3..;7, 1..;3]).unwrap();
                assert_eq!(some, model.slice(s![3..;7, 1..;3]).to_owned().into_dyn());
                let rows = (0..9000_u64).map(|i| i * 7919 % 150).collect::<Vec<_>>();
                let columns = (0..9000_u64).map(|i| i * 104_729 % 203).collect::<Vec<_>>();
                let expected = rows.iter().zip(&columns);
                let expected =
                    expected.map(|(&row, &column)| model[[to_usize(row), to_usize(column)]]);
                let expected = expected.collect::<Vec<_>>();
                let points = Selection::Coordinates(vec![rows, columns]);
                let found: ArrayD<u8> = array.read::<u8>(&points).unwrap();
                assert_eq!(found.into_raw_vec_and_offset().0, expected);
                let mut part = model.slice_mut(s![step..140, 2 * step + 1..200]);
                part.indexed_iter_mut()
                    .for_each(|((row, column), element)| {
                        *element = value(row, column, step);
                    });
                let part = part.to_owned();
                array
                    .write(s![step..140, 2 * step + 1..200], &part)
                    .unwrap();
            }
        }
    }
}

/// Raw chunks, which could be read straight into the result, are kept too. Chunks in the cache are
/// not read again.
#[test]
fn raw_chunks_are_kept_and_not_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let store = zarr_store::Store::open(folder.path().to_str().unwrap()).unwrap();
    let caches = CacheOptions {
        chunk_size: 1 << 20,
        chunk_form: ChunkForm::Decoded,
        ..CacheOptions::default()
    };
    let hierarchy = Hierarchy::with_caches(store.clone(), crate::registry(), caches);
    // One read includes the cached chunk between others of a shard: it is cheaper than two.
    for (shard, bytes) in [(None, 48), (Some([8, 8]), 64)] {
        let mut builder = ArrayBuilder::new(&[8, 8], "uint8")
            .with_chunk_shape(&[2, 8])
            .with_codecs([codecs::bytes(true)]);
        if let Some(shard) = shard {
            builder = builder.with_shard_shape(&shard);
        }
        let metadata = builder.build().unwrap();
        let array = hierarchy.replace("a", metadata.into()).unwrap();
        let array = array.into_array().unwrap();
        let model = Array2::from_shape_fn((8, 8), |(y, x)| u8::try_from(8 * y + x).unwrap());
        array.write(.., &model).unwrap();
        let read = |rows: std::ops::Range<u64>| {
            let before = store.requests().bytes_read;
            let found: ArrayD<u8> = array.read::<u8>((rows.clone(), ..)).unwrap();
            let index = |row: u64| usize::try_from(row).unwrap();
            let expected = model.slice(s![index(rows.start)..index(rows.end), ..]);
            assert_eq!(found, expected.into_dyn());
            store.requests().bytes_read - before
        };
        read(2..4);
        assert_eq!(read(2..4), 0);
        assert_eq!(read(0..8), bytes);
        assert_eq!(read(1..7), 0);
    }
}

#[test]
fn only_the_touched_bytes_of_an_uncompressed_chunk_are_read() {
    let values = ndarray::Array3::from_shape_fn((70, 90, 50), |(z, y, x)| {
        u16::try_from(z * 701 + y * 53 + x).unwrap()
    });
    let swapped = Extension::new("transpose").with("order", [2, 0, 1]);
    let orders = [
        vec![codecs::bytes(true)],
        vec![codecs::bytes_big_endian()],
        vec![swapped, codecs::bytes_big_endian()],
    ];
    for (codecs, is_sharded) in orders
        .into_iter()
        .flat_map(|one| [(one.clone(), false), (one, true)])
    {
        let folder = tempfile::tempdir().unwrap();
        let hierarchy = open(folder.path().to_str().unwrap()).unwrap();
        let mut metadata = ArrayBuilder::new(&[70, 90, 50], "uint16")
            .with_chunk_shape(&[32, 60, 40])
            .with_codecs(codecs);
        if is_sharded {
            metadata = metadata.with_shard_shape(&[64, 120, 40]);
        }
        let array = hierarchy
            .create_array("a", metadata.build().unwrap())
            .unwrap();
        array.write(s![.., .., ..], &values).unwrap();
        for (case, slices) in [
            s![5..9, 7..80, 3..44],
            s![5..9;3, ..;-1, 3..44;5],
            s![33..34, 61..62, 41..42],
            s![.., 88.., 39..41],
        ]
        .into_iter()
        .enumerate()
        {
            let before = hierarchy.store().requests().bytes_read;
            let found = array.read::<u16>(slices).unwrap();
            assert_eq!(found, values.slice(slices).into_dyn());
            let read = hierarchy.store().requests().bytes_read - before;
            // One inner chunk alone has 153,600 bytes.
            assert!(case != 2 || read < 1000, "{read}");
        }
    }
}
