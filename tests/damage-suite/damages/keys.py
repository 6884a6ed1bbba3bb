"""Damages of keys and listings: misplaced chunks, leftovers, junk."""

import os

from suite import damage

REMOVED = {"severity": "warning", "repair": "repaired"}


def leftover(name, key, rule, node="/g/zstd", content=b"part", **expected):
    def make(store):
        store.write(key, content)

    make.__name__ = name
    damage("v3", rule=rule, node=node, key=key, **(REMOVED | expected))(make)


leftover("chunk_outside_the_grid", "g/zstd/c/4/0", "chunk-outside-grid")
leftover("shard_outside_the_grid", "g/shard/c/2/1", "chunk-outside-grid", node="/g/shard")
leftover("partial_of_zarr_python", "g/zstd/c/0/0.7a0d6ff5c1b94f1b8b4f6d1dd0e0aa11.partial", "leftover-of-writer")
leftover("temporary_file", "g/zstd/c/0/1.tmp", "leftover-of-writer")
leftover("lock_of_tensorstore", "g/zstd/zarr.json.__lock", "leftover-of-writer")
leftover("probe_of_a_store", "g/zstd/.zarr-store-probe-0123456789abcdef", "leftover-of-writer")
leftover("probe_below_chunks", "g/zstd/c/0/.zarr-store-probe-0123456789abcdef", "leftover-of-writer")
leftover("staged_file", "g/zstd/c/0/0#0", "leftover-lock")
leftover("staged_file_of_object_store", "g/zstd/c/0/0#12", "leftover-lock")
leftover("staged_document", "g/zarr.json#0", "leftover-lock", node="/g")
leftover("ds_store", "g/.DS_Store", "leftover-of-system", node="/g")
leftover("ds_store_in_an_array", "g/zstd/c/.DS_Store", "leftover-of-system")
leftover("resource_fork", "g/zstd/c/0/._0", "leftover-of-system")
leftover("nfs_file", "g/zstd/c/.nfs000000000001", "leftover-of-writer")
leftover("swap_file_of_an_editor", "g/.zarr.json.swp", "leftover-of-system", node="/g")
leftover("backup_of_an_editor", "g/zarr.json~", "leftover-of-system", node="/g")
leftover("thumbnails", "Thumbs.db", "leftover-of-system", node="/")
leftover("stray_object_in_an_array", "g/zstd/notes.txt", "stray-object", repair="advice")
leftover("object_in_a_group", "g/notes.txt", "other-object", node="/g", severity="note", repair="advice")
leftover("chunk_in_a_group", "g/c/0/0", "chunk-without-array", node="/g", severity="error", repair="advice")
leftover("chunk_of_zarr_2_in_a_group", "g/0.0", "chunk-without-array", node="/g", severity="error", repair="advice")
leftover("chunks_of_a_lost_array", "g/lost/c/0/0", "chunk-without-array", node="/g", severity="error", repair="advice")
leftover("key_has_one_index_more", "g/zstd/c/0/9/0", "chunk-key", severity="error", repair="advice")
leftover("key_is_padded", "g/zstd/c/00/01", "chunk-key", severity="error", repair="advice")
leftover("key_has_the_wrong_separator", "g/zstd/c.0.1", "chunk-key", severity="error", repair="advice")
leftover("key_is_of_zarr_2", "g/zstd/0.1", "chunk-key", severity="error", repair="advice")
leftover("key_has_one_index_less", "g/zstd/c/7", "chunk-key", severity="error", repair="advice")
leftover("chunk_in_a_folder_of_rsync", "g/zstd/c/0/.~tmp~/0", "leftover-of-system", repair="advice")
leftover("chunk_in_a_trash", "g/zstd/c/0/.Trash-1000/files/0", "leftover-of-system", repair="advice")
leftover("second_download", "g/zstd/c/0/0.1", "stray-object", repair="advice")
leftover("document_at_an_illegal_path", "g/.../zarr.json", "node-name", node="/", severity="error", repair="advice",
         content=b'{"zarr_format": 3, "node_type": "group"}')


@damage("v3", rule="chunk-key", node="/g/zstd", key="g/zstd/c/0/0")
def encoding_of_keys_is_changed(store):
    store.edit("g/zstd/zarr.json", lambda document: document.update(
        chunk_key_encoding={"name": "default", "configuration": {"separator": "."}}))


@damage("v3", rule="chunk-outside-grid", node="/g/zstd", key="g/zstd/c/3/0", severity="warning", repair="repaired")
def shape_is_smaller(store):
    store.edit("g/zstd/zarr.json", lambda document: document.update(shape=[12, 16]))


@damage("v3", rule="document-suspect", node="/g/zstd", key="g/zstd/zarr.json", severity="warning", also=("chunk-outside-grid",))
def shape_is_far_smaller(store):
    store.edit("g/zstd/zarr.json", lambda document: document.update(shape=[8, 8]))


@damage("v3", rule="directory-at-object", node="/g/zstd", key="g/zstd/c/0/0/part")
def directory_instead_of_a_chunk(store):
    store.remove("g/zstd/c/0/0")
    store.write("g/zstd/c/0/0/part", b"x")


@damage("v3", rule="directory-at-object", node="/g/zstd", key="g/zstd/c/0/0")
def empty_directory_instead_of_a_chunk(store):
    store.remove("g/zstd/c/0/0")
    store.path("g/zstd/c/0/0").mkdir()


@damage("v3", rule="empty-directory", node="/g", key="g/left", severity="note", repair="repaired")
def directory_is_empty(store):
    store.path("g/left").mkdir()


@damage("v3", rule="not-a-file", node="/g/zstd", key="g/zstd/c/0/0")
def link_is_dangling(store):
    store.remove("g/zstd/c/0/0")
    store.path("g/zstd/c/0/0").symlink_to("/nowhere/at/all")


@damage("v3", rule="not-a-file", node="/g/zstd", key="g/zstd/c/0/0", peers=False)
def pipe_instead_of_a_chunk(store):
    store.remove("g/zstd/c/0/0")
    os.mkfifo(store.path("g/zstd/c/0/0"))


@damage("v3", rule="empty-directory", node="/g", key="g/left/over/there", severity="note", repair="repaired")
def directories_are_empty(store):
    store.path("g/left/over/there").mkdir(parents=True)
