//! Computations over whole arrays in parts: statistics, digests, comparisons, and copies into other
//! grids agree with those of all elements at once, on every kind of grid.

#![expect(clippy::unwrap_used, clippy::cast_precision_loss, reason = "tests")]

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

use ndarray::{ArrayD, IxDyn};
use serde_json::json;
use zarr::blocking::{Array, Hierarchy, open};
use zarr::{
    ArrayBuilder, ArrayMetadata, Elements, ErrorKind, Extension, Number, Rewrite, Tolerance, codecs,
};

fn value(index: &[usize]) -> i32 {
    let number = index.iter().fold(7, |number, &index| number * 31 + index);
    i32::try_from(number % 2003).unwrap() - 1000
}

/// Arrays of one shape, in grids of every kind.
fn arrays(hierarchy: &Hierarchy, shape: &[u64]) -> Vec<Array> {
    let rank = shape.len();
    let lengths = |len: u64| {
        shape
            .iter()
            .map(|&all| len.min(all.max(1)))
            .collect::<Vec<_>>()
    };
    let build = |builder: ArrayBuilder| builder.with_fill_json("5").unwrap().build().unwrap();
    let new = || ArrayBuilder::new(shape, "int32");
    let order = (0..rank).rev().collect::<Vec<_>>();
    let transposed = [
        codecs::transpose(&order),
        codecs::bytes(true),
        codecs::zstd(1),
    ];
    let mut all: Vec<ArrayMetadata> = vec![
        build(new()),
        build(new().with_chunk_shape(&lengths(3))),
        build(new().with_chunk_shape(&lengths(1))),
        build(
            new()
                .with_chunk_shape(&vec![2; rank])
                .with_shard_shape(&vec![6; rank]),
        ),
        build(
            new()
                .with_chunk_shape(&lengths(4))
                .with_codecs(transposed.clone()),
        ),
    ];
    let shards = [
        codecs::transpose(&order),
        codecs::sharding(&vec![2; rank], &transposed[..2]),
    ];
    if rank > 0 {
        all.push(build(
            new().with_chunk_shape(&vec![4; rank]).with_codecs(shards),
        ));
        let uneven = shape.iter().map(|&len| json!([[1, 1], [2, 1], len.max(1)]));
        let uneven = Extension::new("rectilinear")
            .with("kind", "inline")
            .with("chunk_shapes", uneven.collect::<Vec<_>>());
        all.push(build(new().with_chunk_grid(uneven)));
    }
    let names = (0..all.len()).map(|number| format!("{rank}-{number}"));
    all.into_iter()
        .zip(names)
        .map(|(metadata, name)| hierarchy.create_array(&name, metadata).unwrap())
        .collect()
}

#[test]
fn computations_in_parts_agree_with_those_at_once() {
    for shape in [&[][..], &[17], &[0, 4], &[9, 11], &[5, 6, 7]] {
        let hierarchy = open("memory:").unwrap();
        let lens = shape
            .iter()
            .map(|&len| usize::try_from(len).unwrap())
            .collect::<Vec<_>>();
        let values = ArrayD::from_shape_fn(IxDyn(&lens), |index| {
            value(ndarray::Dimension::slice(&index))
        });
        let arrays = arrays(&hierarchy, shape);
        for array in &arrays {
            array.write(.., values.view()).unwrap();
        }
        let digest = arrays[0].value_digest(..).unwrap();
        for array in &arrays {
            let found = array.statistics(.., 5000).unwrap();
            let numbers = values
                .iter()
                .map(|&value| f64::from(value))
                .collect::<Vec<_>>();
            let len = numbers.len() as f64;
            let mean = numbers.iter().sum::<f64>() / len;
            assert_eq!(found.count, numbers.len() as u64, "{}", array.path());
            assert_eq!(
                found.fill,
                values.iter().filter(|value| **value == 5).count() as u64
            );
            assert_eq!(
                found.min,
                values.iter().min().map(|&value| Number::Int(value.into()))
            );
            assert_eq!(
                found.max,
                values.iter().max().map(|&value| Number::Int(value.into()))
            );
            if !numbers.is_empty() {
                let squares = numbers
                    .iter()
                    .map(|number| (number - mean).powi(2))
                    .sum::<f64>();
                assert!((found.mean.unwrap() - mean).abs() < 1e-9);
                assert!((found.std.unwrap() - (squares / len).sqrt()).abs() < 1e-9);
            }
            assert_eq!(
                found
                    .distinct
                    .unwrap()
                    .iter()
                    .map(|(_, count)| count)
                    .sum::<u64>(),
                found.count
            );
            assert_eq!(array.value_digest(..).unwrap(), digest, "{}", array.path());
            assert_eq!(
                arrays[0]
                    .differences(array, .., Tolerance::default(), 3)
                    .unwrap()
                    .different,
                0
            );
        }
    }
}

#[test]
fn changed_elements_are_found_with_their_indices() {
    let hierarchy = open("memory:").unwrap();
    let arrays = arrays(&hierarchy, &[9, 11]);
    let untouched = hierarchy
        .create_array("untouched", arrays[1].metadata().clone())
        .unwrap();
    for array in &arrays {
        array.write((8, 3), 77).unwrap();
        array.write((2, 10), -1).unwrap();
        let found = untouched
            .differences(array, .., Tolerance::default(), 1)
            .unwrap();
        assert_eq!(
            found.first,
            [(vec![2, 10], "5".into(), "-1".into())],
            "{}",
            array.path()
        );
        assert_eq!((found.different, found.largest), (2, Some(72.0)));
        assert_ne!(
            array.value_digest(..).unwrap(),
            untouched.value_digest(..).unwrap()
        );
        let tolerant = Tolerance {
            absolute: 6.0,
            relative: 0.0,
        };
        assert_eq!(
            untouched
                .differences(array, .., tolerant, 9)
                .unwrap()
                .first
                .len(),
            1
        );
        assert_eq!(
            untouched
                .differences(array, 0..8, tolerant, 9)
                .unwrap()
                .different,
            0
        );
    }
}

#[test]
fn regions_are_copied_into_every_grid_within_memory() {
    let hierarchy = open("memory:").unwrap();
    let sources = arrays(&hierarchy, &[12, 14]);
    let values = ArrayD::from_shape_fn(IxDyn(&[12, 14]), |index| {
        // Never the fill value, so that every chunk is stored.
        value(ndarray::Dimension::slice(&index)) + 10_000
    });
    let region: [Range<u64>; 2] = [2..11, 3..14];
    let targets = arrays(&open("memory:").unwrap(), &[9, 11]);
    for source in &sources {
        source.write(.., values.view()).unwrap();
        for target in &targets {
            let options = Rewrite {
                memory: 4096,
                resume: false,
            };
            let done = AtomicU64::new(0);
            let count = |len| {
                done.fetch_add(len, Ordering::Relaxed);
            };
            let copied = source
                .rewrite_to(target, &region[..], options, count)
                .unwrap();
            assert_eq!((copied.copied, done.into_inner()), (99, 99));
            assert_eq!(
                target.value_digest(..).unwrap(),
                source.value_digest(&region[..]).unwrap()
            );
            let again = Rewrite {
                resume: true,
                ..options
            };
            assert_eq!(
                source
                    .rewrite_to(target, &region[..], again, |_| {})
                    .unwrap()
                    .skipped,
                99
            );
        }
    }
    let tight = Rewrite {
        memory: 100,
        resume: false,
    };
    let error = sources[1]
        .rewrite_to(&targets[0], &region[..], tight, |_| {})
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge);
}

#[test]
fn numbers_are_converted_or_refused() {
    let hierarchy = open("memory:").unwrap();
    let create = |name: &str, data_type: &str| {
        let metadata = ArrayBuilder::new(&[4], data_type).build().unwrap();
        hierarchy.create_array(name, metadata).unwrap()
    };
    let (floats, bytes, flags) = (
        create("f", "float64"),
        create("u", "uint8"),
        create("b", "bool"),
    );
    floats.write(.., &[0.0, 1.0, 255.0, 3.0]).unwrap();
    floats
        .rewrite_to(&bytes, .., Rewrite::default(), |_| {})
        .unwrap();
    assert_eq!(
        bytes.read::<u8>(..).unwrap().as_slice(),
        Some(&[0, 1, 255, 3][..])
    );
    bytes
        .rewrite_to(&flags, .., Rewrite::default(), |_| {})
        .unwrap();
    assert_eq!(
        flags.read::<bool>(..).unwrap().as_slice(),
        Some(&[false, true, true, true][..])
    );
    for wrong in [0.5, 256.0, -1.0, f64::NAN] {
        floats.write(0, wrong).unwrap();
        let error = floats
            .rewrite_to(&bytes, .., Rewrite::default(), |_| {})
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{wrong}");
    }
    let names = hierarchy
        .create_array("s", ArrayBuilder::new(&[4], "string").build().unwrap())
        .unwrap();
    let error = names
        .rewrite_to(&bytes, .., Rewrite::default(), |_| {})
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ElementType);
}

#[test]
fn elements_from_outside_are_checked() {
    let hierarchy = open("memory:").unwrap();
    let metadata = ArrayBuilder::new(&[4], "bool").build().unwrap();
    let array = hierarchy.create_array("a", metadata).unwrap();
    let elements =
        |bytes: &[u8], len: usize| Elements::new(array.data_type(), &[len], bytes.to_vec());
    assert!(elements(&[0, 1], 3).is_err());
    assert!(elements(&[2], 1).is_err());
    array.write(1..3, elements(&[1, 1], 2).unwrap()).unwrap();
    assert_eq!(
        array
            .write(.., elements(&[1, 1], 2).unwrap())
            .unwrap_err()
            .kind(),
        ErrorKind::Selection
    );
    assert_eq!(
        array.read::<bool>(..).unwrap().as_slice(),
        Some(&[false, true, true, false][..])
    );
    let other = Elements::new(array.data_type(), &[1], vec![1]).unwrap();
    let mut ints = hierarchy
        .create_array("i", ArrayBuilder::new(&[4], "int8").build().unwrap())
        .unwrap();
    assert_eq!(
        ints.append(0, other).unwrap_err().kind(),
        ErrorKind::ElementType
    );
}
