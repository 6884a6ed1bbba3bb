//! Our engine, through its blocking API.

use std::path::Path;

use ndarray::s;
use rayon::prelude::*;
use zarr::blocking::{Array, open};
use zarr::{BasicIndex, Scalar, Select, Selection};

use crate::{Implementation, random, sum, vector};

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

/// Runs a case whose cost is drawn over the size of its input, the array `curve`.
pub fn curve(case: &str, folder: &str) -> Vec<u8> {
    let open = || open(folder).expect("a store").array("curve").expect("an array");
    let count = || {
        let text = std::fs::read_to_string(Path::new(folder).join("curve/count")).expect("a file");
        text.parse::<u64>().expect("a number")
    };
    let points = |array: &Array| random(count(), array.shape()[0]).collect::<Vec<_>>();
    match case {
        "curve_read" => array_of(&open(), ..),
        "curve_points" => {
            let array = open();
            array_of(&array, &Selection::Coordinates(vec![points(&array)]))
        }
        "curve_selections" => {
            let array = open();
            let one = |at: u64| array.read::<Scalar<u8>>([at as isize]).expect("an element");
            points(&array).into_iter().map(one).collect()
        }
        "curve_plan" => open().plan_read(..).expect("a plan").to_string().into_bytes(),
        "curve_element" => {
            let array = open();
            let last = vec![BasicIndex::Integer(-1); array.shape().len()];
            array_of(&array, &Selection::Slices(last))
        }
        "curve_open" => vec![u8::from(open().attributes().is_empty())],
        other => panic!("no case {other}"),
    }
}

fn array_of(array: &Array, selection: impl Select) -> Vec<u8> {
    array.read::<u8>(selection).expect("data").into_raw_vec_and_offset().0
}
