//! The calls of a user of the engine: selections, data of every form, chunks and streams, async and
//! blocking.

#![expect(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "tests, of small numbers"
)]

mod chunks;
mod conversions;
mod elements;
mod selections;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use ndarray::{Array1, Array2, Array3, ArrayD, Axis, arr0, array, s};
use rand::Rng;
use zarr::blocking::{self, Hierarchy, open};
use zarr::{ArrayBuilder, ErrorKind, Extension, Scalar, Selection, WriteOptions, codecs, points};
use zarr_tests::random;

fn numbers(shape: (usize, usize)) -> Array2<i32> {
    Array2::from_shape_fn(shape, |(row, column)| (100 * row + column) as i32)
}

/// An array of 9 x 14 numbers in shards of 4 x 6 with inner chunks of 2 x 3.
fn sharded(hierarchy: &Hierarchy, path: &str) -> blocking::Array {
    let metadata = ArrayBuilder::new(&[9, 14], "int32")
        .with_chunk_shape(&[2, 3])
        .with_shard_shape(&[4, 6])
        .with_codecs([codecs::bytes(true), codecs::zstd(1)])
        .with_dimension_names(["y", "x"])
        .build()
        .unwrap();
    hierarchy.create_array(path, metadata).unwrap()
}
