//! The guides for users of zarrs and zarr-python name every public method of their arrays, groups and
//! hierarchies, and each call to this engine in their tables occurs in a program that is compiled
//! and run as a doctest of zarr-engine.

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

/// The public names of zarr-python 3.4: functions, and members of `Array` and `Group`.
const NAMES: &str = "
    Array.append Array.async_array Array.attrs Array.basename Array.blocks Array.cdata_shape Array.chunks
    Array.compressor Array.compressors Array.config Array.dtype Array.fill_value Array.filters Array.from_dict
    Array.get_basic_selection Array.get_block_selection Array.get_coordinate_selection Array.get_mask_selection
    Array.get_orthogonal_selection Array.info Array.info_complete Array.metadata Array.name Array.nbytes
    Array.nbytes_stored Array.nchunks Array.nchunks_initialized Array.ndim Array.oindex Array.open Array.order
    Array.path Array.read_chunk_sizes Array.read_only Array.resize Array.serializer Array.set_basic_selection
    Array.set_block_selection Array.set_coordinate_selection Array.set_mask_selection
    Array.set_orthogonal_selection Array.shape Array.shards Array.size Array.store Array.store_path
    Array.update_attributes Array.vindex Array.with_config Array.write_chunk_sizes
    Group.array_keys Group.array_values Group.arrays Group.attrs Group.basename Group.create Group.create_array
    Group.create_group Group.create_hierarchy Group.empty Group.empty_like Group.from_store Group.full
    Group.full_like Group.get Group.get_array Group.get_group Group.group_keys Group.group_values Group.groups
    Group.info Group.info_complete Group.keys Group.members Group.metadata Group.move Group.name Group.nmembers
    Group.ones Group.ones_like Group.open Group.path Group.read_only Group.require_array Group.require_group
    Group.require_groups Group.store Group.store_path Group.synchronizer Group.tree Group.update_attributes
    Group.update_attributes_async Group.zeros Group.zeros_like
    Array AsyncArray AsyncGroup Group array config consolidate_metadata copy copy_all copy_store create create_array
    create_group create_hierarchy empty empty_like from_array full full_like group load ones ones_like open
    open_array open_consolidated open_group open_like print_debug_info save save_array save_group tree zeros
    zeros_like BloscCname BloscCodec BloscShuffle BytesCodec CastValue Crc32cCodec Endian GzipCodec ScaleOffset
    ShardingCodec ShardingCodecIndexLocation SubchunkWriteOrder TransposeCodec VLenBytesCodec VLenUTF8Codec ZstdCodec
";

/// Returns a guide in `docs`.
fn guide(name: &str) -> String {
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    fs::read_to_string(guide.join(name)).unwrap()
}

/// Returns the first and second cell of each row.
fn rows(guide: &str) -> impl Iterator<Item = (&str, &str)> {
    guide
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split_once(" | "))
}

/// Returns the texts in backquotes.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

#[test]
fn every_method_of_zarrs_has_a_row() {
    let guide = guide("coming-from-zarrs.md");
    let rows = rows(&guide).map(|(theirs, _)| theirs);
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
fn every_name_of_zarr_python_has_a_row() {
    let guide = guide("coming-from-zarr-python.md");
    let named = rows(&guide)
        .flat_map(|(theirs, _)| quoted(theirs))
        .collect::<BTreeSet<_>>();
    let missing = NAMES
        .split_whitespace()
        .filter(|name| !named.contains(name));
    let missing = missing.collect::<Vec<_>>();
    assert!(missing.is_empty(), "no row for {missing:?}");
}

#[test]
fn every_call_of_a_row_is_compiled() {
    for (name, least) in [
        ("coming-from-zarrs.md", 50),
        ("coming-from-zarr-python.md", 70),
    ] {
        let calls = compiled_calls(&guide(name));
        assert!(calls > least, "{calls} in {name}");
    }
}

/// Returns the number of calls in the second cells, after checking that the code has each of them.
fn compiled_calls(guide: &str) -> usize {
    let code = guide.split("```").skip(1).step_by(2).collect::<String>();
    let mut calls = 0;
    for call in rows(guide).flat_map(|(_, ours)| quoted(ours)) {
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
    calls
}
