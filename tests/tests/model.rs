//! Compares random arrays, random overlapping writes and reads with an `ndarray` in memory.
//!
//! `ZARR_MODEL_CASES` sets the number of arrays, `ZARR_MODEL_SEED` the first seed; a failure prints
//! its seed.

#![expect(clippy::unwrap_used, reason = "tests")]

use half::f16;
use ndarray::{ArrayD, IxDyn};
use num_complex::Complex;
use rand::Rng;
use zarr::blocking::{Array, Hierarchy, open};
use zarr_tests::random::{self, RandomElement};

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable)
        .ok()
        .map_or(default, |text| text.parse().unwrap())
}

fn run(name: &str, cases: u64, hierarchy: impl Fn() -> Hierarchy) {
    let first = number("ZARR_MODEL_SEED", 0);
    for seed in first..first + number("ZARR_MODEL_CASES", cases) {
        let case: fn(&Hierarchy, u64) = match seed % 9 {
            0 => case::<bool>,
            1 => case::<u8>,
            2 => case::<i16>,
            3 => case::<u32>,
            4 => case::<i64>,
            5 => case::<f16>,
            6 => case::<f64>,
            7 => case::<Complex<f32>>,
            _ => case::<[u8; 3]>,
        };
        let hierarchy = hierarchy();
        let result =
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| case(&hierarchy, seed)));
        assert!(
            result.is_ok(),
            "{name}: run again with ZARR_MODEL_SEED={seed} ZARR_MODEL_CASES=1"
        );
    }
}

/// Runs a few writes on one array, with a few reads after each.
fn case<T: RandomElement>(hierarchy: &Hierarchy, seed: u64) {
    let mut rng = random::rng(seed);
    let metadata = random::metadata(&mut rng, T::DATA_TYPE);
    let shape = metadata
        .shape()
        .iter()
        .map(|&len| usize::try_from(len).unwrap())
        .collect::<Vec<_>>();
    let document = metadata.to_text().unwrap();
    let array = hierarchy.create_array("a", metadata).unwrap();
    let array = if rng.random_ratio(1, 4) {
        array.with_write_options(zarr::WriteOptions {
            store_fill: true,
            ..Default::default()
        })
    } else {
        array
    };
    let fill = element::<T>(array.as_async().fill_value().bytes());
    let mut model = ArrayD::from_elem(IxDyn(&shape), fill);
    for step in 0..5 {
        let selection = random::selection(&mut rng, &shape);
        let places = random::indices_of(&selection, &shape);
        let all_fill = rng.random_ratio(1, 6);
        let data = places.map(|_| {
            if all_fill || rng.random_ratio(1, 10) {
                fill
            } else {
                T::random(&mut rng)
            }
        });
        array
            .write(&selection, data.view())
            .unwrap_or_else(|error| panic!("write {step} {selection:?}: {error}\n{document}"));
        let elements = model.as_slice_mut().unwrap();
        for (&place, &value) in places.iter().zip(&data) {
            elements[place] = value;
        }
        let reader = hierarchy.array("a").unwrap();
        for selection in [zarr::Selection::all(), random::selection(&mut rng, &shape)] {
            let expected = random::indices_of(&selection, &shape)
                .map(|&place| model.as_slice().unwrap()[place]);
            let found = reader
                .read::<T>(&selection)
                .unwrap_or_else(|error| panic!("read {step} {selection:?}: {error}\n{document}"));
            assert!(
                found == expected,
                "read {step} {selection:?}: {found:?}, expected {expected:?}\n{document}"
            );
            if rng.random_ratio(1, 4) {
                read_into(&reader, &selection, &expected, fill);
            }
        }
    }
}

/// Reads into a view with reversed and permuted axes.
fn read_into<T: RandomElement>(
    array: &Array,
    selection: &zarr::Selection,
    expected: &ArrayD<T>,
    fill: T,
) {
    let reversed = expected.shape().iter().rev().copied().collect::<Vec<_>>();
    let mut buffer = ArrayD::from_elem(IxDyn(&reversed), fill);
    let mut view = buffer.view_mut().reversed_axes();
    if view.ndim() > 0 {
        view.invert_axis(ndarray::Axis(0));
    }
    array.read_into(selection, view.view_mut()).unwrap();
    assert_eq!(view, expected.view());
}

fn element<T: RandomElement>(bytes: &[u8]) -> T {
    let mut elements = vec![T::random(&mut random::rng(0))];
    assert_eq!(bytes.len(), size_of::<T>());
    // SAFETY: the bytes are one element of this type, because the array has its data type.
    unsafe {
        std::ptr::copy_nonoverlapping(bytes.as_ptr(), elements.as_mut_ptr().cast(), bytes.len())
    };
    elements.remove(0)
}

#[test]
fn random_arrays_in_memory_equal_the_model() {
    run("memory", 3000, || open("memory:").unwrap());
}

#[test]
fn random_arrays_on_disk_equal_the_model() {
    let folder = tempfile::tempdir().unwrap();
    let count = std::sync::atomic::AtomicU64::new(0);
    run("local", 600, || {
        let number = count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        open(folder.path().join(number.to_string()).to_str().unwrap()).unwrap()
    });
}
