//! Our engine, through its blocking API.

use ndarray::{Array3, Ix3, s};
use zarr::blocking::{Array, open};

use crate::{Implementation, slice};

pub struct Ours;

fn array(path: &str) -> Array {
    open(path).expect("a store").array("").expect("an array")
}

impl Implementation for Ours {
    fn read_all(path: &str) -> Array3<u16> {
        let data = array(path).read::<u16>(s![.., .., ..]).expect("data");
        data.into_dimensionality::<Ix3>().expect("three dimensions")
    }

    fn read_boxes(path: &str, boxes: &[[[u64; 3]; 2]], use_box: &mut dyn FnMut(&[u16])) {
        let array = array(path);
        for b in boxes {
            let data = array.read::<u16>(slice(b)).expect("data");
            use_box(data.as_slice().expect("C order"));
        }
    }

    fn write_all(path: &str, data: &Array3<u16>) {
        array(path).write(s![.., .., ..], data.view().into_dyn()).expect("written");
    }
}
