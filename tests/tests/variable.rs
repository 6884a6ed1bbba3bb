//! Strings and byte strings: random arrays equal a model, and peers read the arrays.

#![expect(clippy::unwrap_used, reason = "tests")]

use ndarray::{ArrayD, IxDyn};
use rand::Rng;
use rand::rngs::StdRng;
use zarr::blocking::open;
use zarr::{ArrayBuilder, Extension, ReadElement, Selection, codecs};
use zarr_tests::random;

fn case<T: ReadElement + PartialEq + std::fmt::Debug>(
    seed: u64,
    data_type: &str,
    element: fn(&mut StdRng) -> T,
) {
    let mut rng = random::rng(seed);
    let rank = rng.random_range(0..4);
    let most = [1, 30, 10, 6][rank];
    let shape = (0..rank)
        .map(|_| rng.random_range(1..=most))
        .collect::<Vec<u64>>();
    let chunk = (0..rank)
        .map(|_| rng.random_range(1..=3))
        .collect::<Vec<u64>>();
    let vlen = if data_type == "string" {
        "vlen-utf8"
    } else {
        "vlen-bytes"
    };
    let reversed = (0..rank).rev().collect::<Vec<_>>();
    let mut chain = vec![Extension::new(vlen), codecs::zstd(1), codecs::crc32c()];
    if rng.random() {
        chain.insert(0, codecs::transpose(&reversed));
    }
    let mut builder = ArrayBuilder::new(&shape, data_type)
        .with_chunk_shape(&chunk)
        .with_codecs(chain);
    if rng.random() {
        builder = builder.with_shard_shape(&chunk.iter().map(|len| 2 * len).collect::<Vec<_>>());
    }
    let metadata = builder.with_fill_json("\"eHk=\"").unwrap().build().unwrap();
    let hierarchy = open("memory:").unwrap();
    let mut array = hierarchy.create_array("a", metadata).unwrap();
    let fill = T::from_bytes(array.data_type(), array.fill_value().bytes()).unwrap();
    let shape = shape
        .iter()
        .map(|&len| usize::try_from(len).unwrap())
        .collect::<Vec<_>>();
    let mut model = ArrayD::from_elem(IxDyn(&shape), fill.clone());
    for _ in 0..4 {
        let selection = random::selection(&mut rng, &shape);
        let places = random::indices_of(&selection, &shape);
        let data = places.map(|_| {
            if rng.random_ratio(1, 4) {
                fill.clone()
            } else {
                element(&mut rng)
            }
        });
        array.write(&selection, data.clone()).unwrap();
        for (&place, value) in places.iter().zip(&data) {
            model.as_slice_mut().unwrap()[place] = value.clone();
        }
        for selection in [Selection::all(), random::selection(&mut rng, &shape)] {
            let expected = random::indices_of(&selection, &shape)
                .map(|&place| model.as_slice().unwrap()[place].clone());
            assert_eq!(
                array.read::<T>(&selection).unwrap(),
                expected,
                "seed {seed} {selection:?}"
            );
        }
    }
    if let Some(first) = shape.first() {
        let mut shorter = array.as_async().shape().to_vec();
        shorter[0] = first.div_ceil(2) as u64;
        let longer = array.as_async().shape().to_vec();
        array.resize(&shorter).unwrap();
        array.resize(&longer).unwrap();
        model
            .slice_axis_mut(ndarray::Axis(0), ndarray::Slice::from(first.div_ceil(2)..))
            .fill(fill);
        assert_eq!(
            array.read::<T>(&Selection::all()).unwrap(),
            model,
            "seed {seed}"
        );
    }
}

#[test]
fn random_strings_and_byte_strings_equal_the_model() {
    for seed in 0..400 {
        case::<String>(seed, "string", |rng| {
            let len = rng.random_range(0..6);
            (0..len).map(|_| rng.random::<char>()).collect()
        });
        case::<Vec<u8>>(seed, "bytes", |rng| {
            let len = rng.random_range(0..40);
            (0..len).map(|_| rng.random()).collect()
        });
    }
}

#[test]
fn numbers_are_no_strings() {
    let hierarchy = open("memory:").unwrap();
    let array = hierarchy
        .create_array("a", ArrayBuilder::new(&[4], "uint8").build().unwrap())
        .unwrap();
    let error = array
        .read::<String>(&Selection::all())
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("array of uint8 cannot be read or written as"),
        "{error}"
    );
    let array = hierarchy
        .create_array("b", ArrayBuilder::new(&[4], "string").build().unwrap())
        .unwrap();
    assert!(array.read::<u8>(..).is_err());
}
