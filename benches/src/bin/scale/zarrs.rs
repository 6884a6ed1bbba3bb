//! zarrs, used as its documentation shows.

use std::sync::Arc;

use ndarray::ArrayD;
use rayon::prelude::*;
use zarrs::array::{Array, ArrayShardedReadableExt, ArrayShardedReadableExtCache};
use zarrs::filesystem::FilesystemStore;

use crate::{Implementation, sum, vector};

pub struct Zarrs;

/// An open array, and the cache of its shard indexes.
pub struct Open {
    array: Array<FilesystemStore>,
    cache: ArrayShardedReadableExtCache,
}

impl Implementation for Zarrs {
    type Array = Open;

    fn open(path: &str) -> Open {
        let store = Arc::new(FilesystemStore::new(path).expect("a store"));
        let array = Array::open(store, "/").expect("an array");
        Open { cache: ArrayShardedReadableExtCache::new(&array), array }
    }

    fn read(array: &Open, start: u64, end: u64) -> Vec<u8> {
        let options = Default::default();
        let data: ArrayD<u8> = array
            .array
            .retrieve_array_subset_sharded_opt(&array.cache, &[start..end], &options)
            .expect("data");
        data.into_raw_vec_and_offset().0
    }

    fn points(_: &Open, _: Vec<u64>) -> Option<Vec<u8>> {
        None
    }

    fn write(array: &Open, data: Vec<u8>) {
        array.array.store_array_subset(&array.array.subset_all(), vector(data)).expect("written");
    }

    fn open_many(folder: &str, count: u64) -> u64 {
        let store = Arc::new(FilesystemStore::new(folder).expect("a store"));
        let open = |i: u64| Array::open(store.clone(), &format!("/{i}")).expect("an array");
        (0..count).map(|i| open(i).shape()[0]).sum()
    }

    fn chunks_on(pool: &rayon::ThreadPool, from: &Open, to: Option<&Open>, _: u64, count: u64) -> u64 {
        let task = |i: u64| {
            let data: ArrayD<u8> = from.array.retrieve_chunk(&[i]).expect("data");
            let Some(to) = to else { return sum(data.as_slice().expect("C order")) };
            to.array.store_chunk(&[i], data).expect("written");
            0
        };
        pool.install(|| (0..count).into_par_iter().map(task).reduce(|| 0, u64::wrapping_add))
    }
}
