//! Our engine, through its blocking API.

use ndarray::s;
use rayon::prelude::*;
use zarr::Selection;
use zarr::blocking::{Array, open};

use crate::{Implementation, sum, vector};

pub struct Ours;

impl Implementation for Ours {
    type Array = Array;

    fn open(path: &str) -> Array {
        open(path).expect("a store").array("").expect("an array")
    }

    fn read(array: &Array, start: u64, end: u64) -> Vec<u8> {
        let data = array.read::<u8>(s![start as isize..end as isize]).expect("data");
        data.into_raw_vec_and_offset().0
    }

    fn points(array: &Array, points: Vec<u64>) -> Option<Vec<u8>> {
        let selection = Selection::Coordinates(vec![points]);
        Some(array.read::<u8>(&selection).expect("data").into_raw_vec_and_offset().0)
    }

    fn write(array: &Array, data: Vec<u8>) {
        array.write(s![..], &vector(data)).expect("written");
    }

    fn open_many(folder: &str, count: u64) -> u64 {
        let hierarchy = open(folder).expect("a store");
        (0..count).map(|i| hierarchy.array(&i.to_string()).expect("an array").shape()[0]).sum()
    }

    fn chunks_on(pool: &rayon::ThreadPool, from: &Array, to: Option<&Array>, chunk: u64, count: u64) -> u64 {
        let task = |i: u64| {
            let region = s![(i * chunk) as isize..((i + 1) * chunk) as isize];
            let data = from.read::<u8>(region).expect("data");
            let Some(to) = to else { return sum(data.as_slice().expect("C order")) };
            to.write(region, &data).expect("written");
            0
        };
        pool.install(|| (0..count).into_par_iter().map(task).reduce(|| 0, u64::wrapping_add))
    }
}

/// Shrinks an array of 10^9 possible shards, two of which are stored, to a single shard.
pub fn shrink(folder: &str) -> Vec<u8> {
    let mut array = open(folder).expect("a store").array("sparse").expect("an array");
    array.resize(&[1]).expect("smaller");
    vec![1]
}

/// Opens a group with consolidated metadata and lists the names of all its nodes.
pub fn list_consolidated(folder: &str) -> Vec<u8> {
    let group = open(folder).expect("a store").group("consolidated").expect("a group");
    group.walk().expect("names").len().to_le_bytes().to_vec()
}
