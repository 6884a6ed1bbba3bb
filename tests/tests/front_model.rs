//! Random walks over the methods of arrays, chunks, inner chunks and views, compared with an
//! `ndarray` in memory after each step. `tests/model.rs` compares reads and writes of all selections.
//!
//! `ZARR_MODEL_CASES` sets the number of walks, `ZARR_MODEL_SEED` the first seed.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;
use std::ops::Range;

use ndarray::{ArrayD, ArrayViewD, ArrayViewMutD, Axis, IxDyn, Slice, concatenate};
use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use zarr::blocking::{Array, Hierarchy, open};
use zarr::{ArrayBuilder, CompactOptions, Selection};
use zarr_tests::random;

struct Walk {
    rng: StdRng,
    hierarchy: Hierarchy,
    array: Array,
    model: ArrayD<i32>,
}

fn slice(range: &Range<u64>) -> Slice {
    let [start, end] = [range.start, range.end].map(|place| isize::try_from(place).unwrap());
    Slice::from(start..end)
}

fn part<'a>(model: &'a ArrayD<i32>, extent: &[Range<u64>]) -> ArrayViewD<'a, i32> {
    model.slice_each_axis(|axis| slice(&extent[axis.axis.0]))
}

fn part_mut<'a>(model: &'a mut ArrayD<i32>, extent: &[Range<u64>]) -> ArrayViewMutD<'a, i32> {
    model.slice_each_axis_mut(|axis| slice(&extent[axis.axis.0]))
}

fn taken(model: &ArrayD<i32>, selection: &Selection) -> ArrayD<i32> {
    let model = model.as_standard_layout();
    random::indices_of(selection, model.shape()).map(|&place| model.as_slice().unwrap()[place])
}

/// Compares a chunk or inner chunk with the model, erases it, and writes it again.
macro_rules! exercise {
    ($walk:ident, $chunk:ident) => {
        let extent = $chunk.extent().to_vec();
        assert_eq!($chunk.read::<i32>().unwrap(), part(&$walk.model, &extent));
        let encoded = $chunk.encoded().unwrap();
        let size = encoded.as_ref().map(|bytes| bytes.len() as u64);
        assert_eq!(size, $chunk.stored_size().unwrap());
        $chunk.erase().unwrap();
        assert!(!$chunk.is_stored().unwrap());
        match encoded {
            Some(encoded) if $walk.rng.random() => {
                $chunk.write_encoded(encoded.clone()).unwrap();
                assert_eq!($chunk.encoded().unwrap(), Some(encoded));
            }
            _ => {
                let shape = part(&$walk.model, &extent).shape().to_vec();
                let data = $walk.data(&shape);
                $chunk.write(&data).unwrap();
                part_mut(&mut $walk.model, &extent).assign(&data);
            }
        }
    };
}

impl Walk {
    fn new(seed: u64, hierarchy: Hierarchy) -> Self {
        let mut rng = random::rng(seed);
        let metadata = random::metadata(&mut rng, "int32");
        let array = hierarchy.create_array("a", metadata).unwrap();
        let model = array.read::<i32>(..).unwrap();
        Self {
            rng,
            hierarchy,
            array,
            model,
        }
    }

    fn data(&mut self, shape: &[usize]) -> ArrayD<i32> {
        let is_fill = self.rng.random_ratio(1, 5);
        ArrayD::from_shape_simple_fn(shape, || match is_fill {
            true => 0,
            false => self.rng.random_range(-2..1000),
        })
    }

    fn step(&mut self) {
        match self.rng.random_range(0..10) {
            0 => self.write(),
            1 => self.view(),
            2 => self.chunk(),
            3 => self.inner_chunk(),
            4 => self.append(),
            5 => self.resize(),
            6 => self.copy(),
            7 => self.move_node(),
            8 => self.chunks(),
            _ => {
                self.array.compact(CompactOptions::default()).unwrap();
                let dead = self.array.dead_space().unwrap();
                assert!(dead.iter().all(|shard| shard.dead == 0));
            }
        }
        assert_eq!(self.array.read::<i32>(..).unwrap(), self.model);
        let stored = self
            .array
            .stored_chunks()
            .map(|chunk| chunk.unwrap().indices().to_vec());
        let stored = stored.collect::<BTreeSet<_>>();
        for chunk in self.array.chunks() {
            assert_eq!(stored.contains(chunk.indices()), chunk.is_stored().unwrap());
        }
    }

    fn write(&mut self) {
        let selection = random::selection(&mut self.rng, self.model.shape());
        let places = random::indices_of(&selection, self.model.shape());
        let data = self.data(places.shape());
        self.array.write(&selection, &data).unwrap();
        let model = self.model.as_slice_mut().unwrap();
        places
            .iter()
            .zip(&data)
            .for_each(|(&place, &value)| model[place] = value);
        let touched = self.array.chunks_in(&selection).unwrap();
        let touched = touched
            .map(|chunk| chunk.indices().to_vec())
            .collect::<BTreeSet<_>>();
        let plan = self.array.plan_read(&selection).unwrap();
        assert_eq!(plan.objects(), touched.len() as u64);
        let read = self
            .array
            .read_chunks::<i32>(&selection)
            .unwrap()
            .map(|item| {
                let (chunk, data) = item.unwrap();
                assert_eq!(data, part(&self.model, chunk.extent()));
                chunk.indices().to_vec()
            });
        assert_eq!(read.collect::<BTreeSet<_>>(), touched);
    }

    /// Composes views, then reads, or writes and reads, through the last one.
    fn view(&mut self) {
        let array = self.array.clone();
        let mut view = array.view(..).unwrap();
        let numbers = random::indices_of(&Selection::all(), self.model.shape());
        let mut numbers = numbers.mapv(|number| i32::try_from(number).unwrap());
        for _ in 0..self.rng.random_range(1..4) {
            let selection = random::selection(&mut self.rng, numbers.shape());
            // Views take no lists, masks and points.
            if matches!(selection, Selection::Slices(_))
                && let Ok(next) = view.view(&selection)
            {
                numbers = taken(&numbers, &selection);
                view = next;
            }
        }
        let selection = random::selection(&mut self.rng, numbers.shape());
        let places = taken(&numbers, &selection);
        let data = self.data(places.shape());
        view.write(&selection, &data).unwrap();
        let model = self.model.as_slice_mut().unwrap();
        for (&place, &value) in places.iter().zip(&data) {
            model[usize::try_from(place).unwrap()] = value;
        }
        let expected = numbers.map(|&place| model[usize::try_from(place).unwrap()]);
        assert_eq!(view.read::<i32>(..).unwrap(), expected);
    }

    fn chunk(&mut self) {
        let array = self.array.clone();
        let chunks = array.chunks().collect::<Vec<_>>();
        assert_eq!(
            chunks.len() as u64,
            array.grid_shape().iter().product::<u64>()
        );
        if let Some(chunk) = chunks.choose(&mut self.rng) {
            exercise!(self, chunk);
        }
    }

    fn inner_chunk(&mut self) {
        let array = self.array.clone();
        let shards = array
            .chunks()
            .filter(|chunk| chunk.inner_grid_shape().is_some());
        let shards = shards.collect::<Vec<_>>();
        let inner = shards
            .iter()
            .flat_map(|shard| shard.inner_chunks())
            .collect::<Vec<_>>();
        if let Some(inner) = inner.choose(&mut self.rng) {
            exercise!(self, inner);
        }
    }

    fn is_regular(&self) -> bool {
        self.array.metadata().chunk_grid().name() == "regular"
    }

    fn append(&mut self) {
        let rank = self.model.ndim();
        if rank == 0 || !self.is_regular() {
            return;
        }
        let axis = self.rng.random_range(0..rank);
        let mut shape = self.model.shape().to_vec();
        let before = std::mem::replace(&mut shape[axis], self.rng.random_range(0..4));
        let data = self.data(&shape);
        let range = self.array.append(axis, &data).unwrap();
        assert_eq!(range, before as u64..(before + shape[axis]) as u64);
        let joined = concatenate(Axis(axis), &[self.model.view(), data.view()]).unwrap();
        self.model = joined.as_standard_layout().into_owned();
    }

    fn resize(&mut self) {
        if !self.is_regular() {
            return;
        }
        let shape = self
            .model
            .shape()
            .iter()
            .map(|&len| self.rng.random_range(0..=len + 3));
        let shape = shape.collect::<Vec<_>>();
        let lengths = shape.iter().map(|&len| len as u64).collect::<Vec<_>>();
        self.array.resize(&lengths).unwrap();
        let old = std::mem::take(&mut self.model);
        self.model = ArrayD::from_shape_fn(IxDyn(&shape), |index| *old.get(index).unwrap_or(&0));
    }

    /// Copies to an array of other metadata.
    fn copy(&mut self) {
        let builder = ArrayBuilder::new(self.array.shape(), "int32");
        let chunk = vec![3; self.model.ndim()];
        let metadata = builder
            .with_chunk_shape(&chunk)
            .with_fill_value(9)
            .unwrap()
            .build();
        let path = format!("copy/{}", self.rng.random::<u32>());
        let target = self
            .hierarchy
            .create_array(&path, metadata.unwrap())
            .unwrap();
        self.array.copy_to(&target).unwrap();
        assert_eq!(target.read::<i32>(..).unwrap(), self.model);
    }

    fn move_node(&mut self) {
        let (from, to) = (
            self.array.path().to_string(),
            format!("b/{}", self.rng.random::<u32>()),
        );
        let node = match self.rng.random() {
            true => self.hierarchy.rename(&from, &to).unwrap(),
            false => self.hierarchy.copy(&from, &self.hierarchy, &to).unwrap(),
        };
        self.array = node.into_array().unwrap();
    }

    fn chunks(&mut self) {
        let array = self.array.clone();
        let changed = array
            .read_chunks::<i32>(..)
            .unwrap()
            .map(|item| item.map(|(chunk, data)| (chunk.indices().to_vec(), data + 1)));
        self.array
            .write_chunks(changed.collect::<Vec<_>>())
            .unwrap();
        self.model += 1;
    }
}

fn run(cases: u64, hierarchy: impl Fn(u64) -> Hierarchy) {
    let number = |name, default| std::env::var(name).map_or(default, |text| text.parse().unwrap());
    let first: u64 = number("ZARR_MODEL_SEED", 0);
    for seed in first..first + number("ZARR_MODEL_CASES", cases) {
        let walk = || {
            (0..12).fold(Walk::new(seed, hierarchy(seed)), |mut walk, _| {
                walk.step();
                walk
            })
        };
        let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(walk));
        assert!(
            done.is_ok(),
            "run again with ZARR_MODEL_SEED={seed} ZARR_MODEL_CASES=1"
        );
    }
}

#[test]
fn random_walks_in_memory_equal_the_model() {
    run(300, |_| open("memory:").unwrap());
}

#[test]
fn random_walks_on_disk_equal_the_model() {
    let folder = tempfile::tempdir().unwrap();
    run(60, |seed| {
        open(folder.path().join(seed.to_string()).to_str().unwrap()).unwrap()
    });
}
