//! Extensions beyond the specification (docs/tolerance.md): read by default, kept to the letter,
//! refused by `Strictness::Strict`, never written.

#![expect(clippy::unwrap_used, reason = "tests")]

mod bare_words;
mod spellings;

use std::collections::BTreeMap;

use ndarray::{arr0, s};
use serde_json::{Value, json};
use zarr::blocking::Hierarchy;
use zarr::{ArrayBuilder, Attributes, NodeKind, Selection, Store, Strictness};
use zarr_store::{ByteRange, Precondition};

/// One store, opened tolerantly and strictly.
struct Place {
    tolerant: Hierarchy,
    strict: Hierarchy,
}

impl Place {
    fn new() -> Self {
        let store = Store::open("memory:").unwrap();
        let over = |strictness| {
            let registry = zarr::registry().with_strictness(strictness);
            Hierarchy::new(store.clone(), registry)
        };
        Self {
            tolerant: over(Strictness::Tolerant),
            strict: over(Strictness::Strict),
        }
    }

    fn put(&self, key: &str, text: &str) -> &Self {
        let pieces = vec![text.as_bytes().to_vec().into()];
        let put = self.tolerant.store().put(key, pieces, Precondition::None);
        runtime().block_on(put).unwrap();
        self
    }

    fn text(&self, key: &str) -> String {
        let range = ByteRange::Range(0..1 << 20);
        let get = self.tolerant.store().get(key, &range, None);
        let body = runtime().block_on(get).unwrap().unwrap();
        String::from_utf8(body.bytes.to_vec()).unwrap()
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

/// Builds the document of an array of two elements with additional members.
fn array(data_type: &str, fill: &str, more: &str) -> String {
    let codec = match data_type {
        "\"string\"" => r#"{"name": "vlen-utf8"}"#,
        _ => r#"{"name": "bytes", "configuration": {"endian": "little"}}"#,
    };
    format!(
        r#"{{"zarr_format": 3, "node_type": "array", "shape": [2], "data_type": {data_type}, "fill_value": {fill},
            "chunk_grid": {{"name": "regular", "configuration": {{"chunk_shape": [2]}}}},
            "chunk_key_encoding": {{"name": "default"}}, "codecs": [{codec}]{more}}}"#
    )
}

/// Returns the fill value of an array in the specification's spelling.
fn fill(hierarchy: &Hierarchy, path: &str) -> zarr::Result<String> {
    let array = hierarchy.array(path)?;
    Ok(array.data_type().fill_value_to_json(array.fill_value()))
}
