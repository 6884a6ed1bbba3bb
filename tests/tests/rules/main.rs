//! The rules of docs/spec.md without a test elsewhere: tables of accepted and refused documents,
//! and of written documents.

#![expect(clippy::unwrap_used, reason = "tests")]

mod codec_rules;
mod documents;
mod elements;
mod nodes;

use std::fmt::Write as _;

use ndarray::{ArrayD, IxDyn, s};
use zarr::blocking::{Hierarchy, open};
use zarr::{
    ArrayBuilder, Difference, Extension, NodeMetadata, NodePath, Selection, Strictness, codecs,
};
use zarr_core::{ArrayLayout, Error};
use zarr_store::Precondition;
use zarr_tests::repeats;

/// The members of a plain array.
const PLAIN: [(&str, &str); 8] = [
    ("zarr_format", "3"),
    ("node_type", r#""array""#),
    ("shape", "[4, 6]"),
    ("data_type", r#""int16""#),
    (
        "chunk_grid",
        r#"{"name": "regular", "configuration": {"chunk_shape": [2, 3]}}"#,
    ),
    ("chunk_key_encoding", r#"{"name": "default"}"#),
    ("fill_value", "7"),
    (
        "codecs",
        r#"[{"name": "bytes", "configuration": {"endian": "little"}}]"#,
    ),
];

const GROUP: [(&str, &str); 2] = [("zarr_format", "3"), ("node_type", r#""group""#)];

/// Builds a document of these members with changes applied: members are replaced, added, or (with
/// empty text) omitted.
fn document(members: &[(&str, &str)], changes: &[(&str, &str)]) -> String {
    let added = changes
        .iter()
        .filter(|(name, _)| !members.iter().any(|(known, _)| known == name));
    let mut text = String::new();
    for (name, value) in members.iter().chain(added) {
        let change = changes.iter().find(|(changed, _)| changed == name);
        let value = change.map_or(value, |(_, value)| value);
        if !value.is_empty() {
            let comma = if text.is_empty() { "" } else { ", " };
            write!(text, "{comma}{name:?}: {value}").unwrap();
        }
    }
    format!("{{{text}}}")
}

fn array(changes: &[(&str, &str)]) -> String {
    document(&PLAIN, changes)
}

/// Opens a document like a strict hierarchy.
fn bind(text: &[u8]) -> zarr_core::Result<NodeMetadata> {
    let metadata = NodeMetadata::parse(text)?;
    if let NodeMetadata::Array(array) = &metadata {
        let registry = zarr::registry().with_strictness(Strictness::Strict);
        ArrayLayout::bind(array, &registry)?;
    }
    Ok(metadata)
}

#[track_caller]
fn opens(text: &str) {
    if let Err(error) = bind(text.as_bytes()) {
        panic!("{error}: {text}");
    }
}

/// Asserts that a document is refused with an error that contains `part`.
#[track_caller]
fn refused(text: &str, part: &str) {
    match bind(text.as_bytes()) {
        Ok(_) => panic!("opened: {text}"),
        Err(error) => {
            let error = error.to_string();
            assert!(error.contains(part) && !repeats(&error), "{error}: {text}");
        }
    }
}

/// Asserts that arrays with one changed member are accepted or refused.
#[track_caller]
fn member(name: &str, good: &[&str], bad: &[&str]) {
    for value in good {
        opens(&array(&[(name, value)]));
    }
    for value in bad {
        refused(&array(&[(name, value)]), "");
    }
}

/// Asserts that the codec chains in `good` are accepted and those in `bad` are refused.
#[track_caller]
fn chains(data_type: &str, fill: &str, good: &[&str], bad: &[&str]) {
    let with = |chain: &str| {
        array(&[
            ("data_type", data_type),
            ("fill_value", fill),
            ("codecs", &format!("[{chain}]")),
        ])
    };
    for chain in good {
        opens(&with(chain));
    }
    for chain in bad {
        refused(&with(chain), "");
    }
}

/// Asserts that the fill values in `good` are accepted and those in `bad` are refused.
#[track_caller]
fn fills(data_type: &str, chain: &str, good: &[&str], bad: &[&str]) {
    let with = |fill: &str| {
        array(&[
            ("data_type", data_type),
            ("fill_value", fill),
            ("codecs", &format!("[{chain}]")),
        ])
    };
    for fill in good {
        opens(&with(fill));
    }
    for fill in bad {
        let error = bind(with(fill).as_bytes()).unwrap_err().to_string();
        assert!(error.contains("fill_value"), "{error}");
    }
}

const LITTLE: &str = r#"{"name": "bytes", "configuration": {"endian": "little"}}"#;

fn memory() -> Hierarchy {
    open("memory:").unwrap()
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

fn put(hierarchy: &Hierarchy, key: &str, bytes: impl Into<Vec<u8>>) {
    let pieces = vec![bytes.into().into()];
    let put = hierarchy.store().put(key, pieces, Precondition::None);
    runtime().block_on(put).unwrap();
}

fn get(hierarchy: &Hierarchy, key: &str) -> Option<Vec<u8>> {
    let range = zarr_store::ByteRange::Range(0..1 << 20);
    let get = hierarchy.store().get(key, &range, None);
    runtime()
        .block_on(get)
        .unwrap()
        .map(|body| body.bytes.to_vec())
}
