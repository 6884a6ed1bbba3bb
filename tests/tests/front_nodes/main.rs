//! Operations on whole nodes: opening and creating, concurrent appends, copying, renaming, and
//! error messages.

#![expect(clippy::unwrap_used, reason = "tests, of small numbers")]

mod changes;
mod copies;
mod errors;
mod like;
mod whole;

use ndarray::{Array1, Array2, s};
use serde_json::{Value, json};
use zarr::blocking::{self, Hierarchy, open};
use zarr::{ArrayBuilder, ArrayMetadata, Attributes, ErrorKind, NodeKind, codecs};

fn metadata(shape: &[u64], chunk: &[u64]) -> ArrayMetadata {
    ArrayBuilder::new(shape, "int32")
        .with_chunk_shape(chunk)
        .build()
        .unwrap()
}

fn objects(hierarchy: &Hierarchy, prefix: &str) -> Vec<String> {
    use futures::TryStreamExt;
    let listing = hierarchy.store().list_keys(prefix).try_concat();
    let mut keys = blocking::runtime().block_on(listing).unwrap();
    keys.sort();
    keys
}

fn put(hierarchy: &Hierarchy, key: &str, text: &str) {
    let pieces = vec![text.to_owned().into()];
    let put = hierarchy
        .store()
        .put(key, pieces, zarr::store::Precondition::None);
    blocking::runtime().block_on(put).unwrap();
}
