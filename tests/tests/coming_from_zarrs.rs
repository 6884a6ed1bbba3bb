//! The guide for users of zarrs names every public method of its `Array`, `Group` and `Hierarchy`,
//! and each call to zarr in its tables occurs in a program that is compiled and run as a doctest of
//! zarr-engine.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The public methods of zarrs 0.23.14, without the prefix `async_` and the suffix `_opt`.
const METHODS: &str = "
    attributes attributes_mut builder child_array_paths child_arrays child_group_paths child_groups child_paths
    children chunk_grid chunk_grid_shape chunk_key chunk_key_encoding chunk_origin chunk_shape chunk_shape_usize
    chunk_subset chunk_subset_bounded chunks_in_array_subset chunks_subset chunks_subset_bounded codecs
    compact_chunk consolidated_metadata data_type dimension_names dimensionality erase_chunk erase_chunks
    erase_metadata fill_value metadata new_with_metadata open partial_decoder partial_encoder path readable
    retrieve_array_subset retrieve_array_subset_elements retrieve_array_subset_into retrieve_array_subset_ndarray
    retrieve_chunk retrieve_chunk_elements retrieve_chunk_elements_if_exists retrieve_chunk_if_exists
    retrieve_chunk_ndarray retrieve_chunk_ndarray_if_exists retrieve_chunk_subset retrieve_chunk_subset_elements
    retrieve_chunk_subset_ndarray retrieve_chunks retrieve_chunks_elements retrieve_chunks_ndarray
    retrieve_encoded_chunk retrieve_encoded_chunks set_codec_options set_codec_specific_options
    set_consolidated_metadata set_dimension_names set_metadata_options set_shape set_shape_and_chunk_grid shape
    storage storage_transformers store_array_subset store_array_subset_elements store_array_subset_ndarray
    store_chunk store_chunk_elements store_chunk_ndarray store_chunk_subset store_chunk_subset_elements
    store_chunk_subset_ndarray store_chunks store_chunks_elements store_chunks_ndarray store_encoded_chunk
    store_metadata subset_all to_v3 traverse tree tree_of try_from_async_group try_from_group with_codec_options
    with_codec_specific_options with_metadata_options with_storage
";

fn guide() -> String {
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/coming-from-zarrs.md");
    fs::read_to_string(guide).unwrap()
}

/// Returns the texts in backquotes.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

#[test]
fn every_method_of_zarrs_has_a_row() {
    let guide = guide();
    let rows = guide
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split(" | ").next());
    let named = rows
        .flat_map(quoted)
        .map(|name| name.rsplit("::").next().unwrap());
    let named = named.collect::<BTreeSet<_>>();
    let methods = METHODS.split_whitespace().collect::<BTreeSet<_>>();
    assert!(methods.len() > 80);
    let missing = methods.difference(&named).collect::<Vec<_>>();
    assert!(missing.is_empty(), "no row for {missing:?}");
    let unknown = named
        .difference(&methods)
        .filter(|name| **name != "zarrs")
        .collect::<Vec<_>>();
    assert!(
        unknown.is_empty(),
        "rows for what zarrs has not: {unknown:?}"
    );
}

#[test]
fn every_call_of_a_row_is_compiled() {
    let guide = guide();
    let code = guide.split("```").skip(1).step_by(2).collect::<String>();
    let rows = guide
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split(" | ").nth(1));
    let mut calls = 0;
    for call in rows.flat_map(quoted) {
        // The last name before parentheses or type parameters.
        let names = call
            .split(['(', '.'])
            .map(|part| part.split("::<").next().unwrap());
        for name in names.map(|name| name.rsplit("::").next().unwrap()) {
            let is_name = name
                .chars()
                .all(|letter| letter.is_ascii_lowercase() || letter == '_');
            if is_name && name.len() > 2 && call.contains(&format!("{name}(")) {
                calls += 1;
                assert!(
                    code.contains(&format!("{name}(")) || code.contains(&format!("{name}::<")),
                    "{name} of {call:?}"
                );
            }
        }
    }
    assert!(calls > 50, "{calls}");
}
