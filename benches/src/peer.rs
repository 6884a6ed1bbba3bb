//! zarrs, used as its documentation shows: a shard cache for partial reads, parallel by default.

use std::sync::Arc;

use ndarray::{Array3, ArrayD, Ix3};
use zarrs::array::{Array, ArrayShardedReadableExt, ArrayShardedReadableExtCache};
use zarrs::filesystem::FilesystemStore;

use crate::Implementation;

pub struct Zarrs;

fn array(path: &str) -> Array<FilesystemStore> {
    let store = Arc::new(FilesystemStore::new(path).expect("a store"));
    Array::open(store, "/").expect("an array")
}

impl Implementation for Zarrs {
    fn read_all(path: &str) -> Array3<u16> {
        let array = array(path);
        let data: ArrayD<u16> = array.retrieve_array_subset(&array.subset_all()).expect("data");
        data.into_dimensionality::<Ix3>().expect("three dimensions")
    }

    fn read_boxes(path: &str, boxes: &[[[u64; 3]; 2]], use_box: &mut dyn FnMut(&[u16])) {
        let array = array(path);
        let cache = ArrayShardedReadableExtCache::new(&array);
        let options = Default::default();
        for [start, end] in boxes {
            let subset = [start[0]..end[0], start[1]..end[1], start[2]..end[2]];
            let data: ArrayD<u16> =
                array.retrieve_array_subset_sharded_opt(&cache, &subset, &options).expect("data");
            use_box(data.as_slice().expect("C order"));
        }
    }

    fn write_all(path: &str, data: &Array3<u16>) {
        let array = array(path);
        array.store_array_subset(&array.subset_all(), data.clone()).expect("written");
    }
}
