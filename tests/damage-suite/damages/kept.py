"""What a repair must keep: whole data that a document, a name or an index makes look damaged or superfluous."""

import shutil

from suite import EMPTY, Shard, damage

KEY = "g/shard/c/0/1"


# A node may have the name of a leftover.
for number, name in enumerate(["run.tmp", "x.part", "results~", "sample#1", ".tmp1", "stage.lock", "._g", "lost+found"]):

    def lost(store, name=name):
        store.move("g", name)
        store.remove(f"{name}/zstd/zarr.json")

    def readme(store, name=name):
        store.move("g", name)
        store.write(f"{name}/README.md", "read me")

    lost.__name__, readme.__name__ = f"chunks_below_odd_name_{number}", f"readme_below_odd_name_{number}"
    damage("v3", rule="chunk-without-array", node=f"/{name}", key=f"{name}/zstd/c/0/0")(lost)
    damage("v3", rule="other-object", node=f"/{name}", key=f"{name}/README.md", severity="note")(readme)


# Files of users, and what may be the only copy of an object.
def file(name, key, node="/g", **expected):
    def make(store):
        store.write(key, "mine")

    make.__name__ = f"file_of_a_user_{name}"
    damage("v3", **{"rule": "other-object", "node": node, "key": key, "severity": "note", **expected})(make)


file("lock", "poetry.lock", "/")
file("part", "g/song.part")
file("hash", "g/notes#1")
file("folder", "g/results.tmp/important.csv")


def only_copy(name, key, new, rule, node="/g/zstd", **expected):
    def make(store):
        store.move(key, new)

    make.__name__ = f"only_copy_is_{name}"
    damage("v3", rule=rule, node=node, key=new, severity="warning", **expected)(make)


CHUNK, DOCUMENT = "g/zstd/c/0/0", "g/zstd/zarr.json"
LOST = {"node": "/g", "also": ("chunk-without-array",)}
only_copy("a_partial_object", CHUNK, f"{CHUNK}.7a0d6ff5c1b94f1b8b4f6d1dd0e0aa11.partial", "leftover-of-writer")
only_copy("a_staged_object", CHUNK, f"{CHUNK}#7", "leftover-lock")
only_copy("a_temporary_document", DOCUMENT, f"{DOCUMENT}.tmp", "leftover-of-writer", **LOST)
only_copy("a_backup_of_an_editor", DOCUMENT, f"{DOCUMENT}~", "leftover-of-system", **LOST)
only_copy("a_staged_document", DOCUMENT, f"{DOCUMENT}#0", "leftover-lock", **LOST)


# A document may be wrong, and all chunks whole.
def wrong(name, array, change, *also, base="v3", **expected):
    def make(store):
        store.edit(f"g/{array}/zarr.json", change)

    make.__name__ = f"document_has_another_{name}"
    damage(base, rule="document-suspect", node=f"/g/{array}", key=f"g/{array}/zarr.json", severity="warning", also=also,
           **expected)(make)


def member(name, value):
    return lambda document: document.update({name: value})


def sharding(change):
    return lambda document: change(document["codecs"][0]["configuration"]) and None


def grid(document):
    document["chunk_grid"]["configuration"]["chunk_shape"] = [8, 8]


ENTRIES = ("shard-entry-range", "shard-entry-half-empty", "shard-entry-empty", "shard-entry-in-index", "shard-entry-overlap",
           "inner-chunk-size", "inner-chunk-corrupt", "dead-space")
wrong("inner_codec", "shard", sharding(lambda codec: codec["codecs"].__setitem__(1, {"name": "gzip", "configuration": {"level": 1}})),
      "inner-chunk-corrupt", deep=True)
wrong("data_type_of_shards", "shard", member("data_type", "int16"), "inner-chunk-corrupt", deep=True)
wrong("data_type_of_plain_shards", "shard_raw", member("data_type", "int16"), "inner-chunk-size")
wrong("byte_order_of_indexes", "shard", sharding(lambda codec: codec["index_codecs"][0]["configuration"].update(endian="big")),
      *ENTRIES, "shard-index")
wrong("index_checksum", "shard", sharding(lambda codec: codec["index_codecs"].pop()), *ENTRIES)
wrong("inner_checksum", "shard_crc", sharding(lambda codec: codec["codecs"].pop()), "inner-chunk-size")
wrong("chunk_shape", "plain", grid, "chunk-size", "chunk-outside-grid")
wrong("data_type_than_its_right_copy", "plain", member("data_type", "float64"), "chunk-size", "consolidated-stale", base="v3c")


@damage("v3", rule="inner-chunk-corrupt", node="/g/shard", key=KEY, inner=[0, 0], deep=True)
def shard_is_of_another_array(store):
    store.write(KEY, store.read("g/shard_crc/c/0/1"))


@damage("v3", rule="shard-entry-empty", node="/g/shard", key=KEY, inner=[0, 0])
def index_is_zero_with_the_right_checksum(store):
    shard = Shard(store, KEY, 4)
    shard.entries = [[0, 0]] * 4
    shard.save()


@damage("v3", rule="shard-entry-overlap", node="/g/shard_raw", key="g/shard_raw/c/0/1", inner=[0, 1])
def plain_entries_overlap(store):
    shard = Shard(store, "g/shard_raw/c/0/1", 4)
    shard.entries[1][0] -= 4
    shard.save()


@damage("v3", rule="dead-space", node="/g/shard", key=KEY, severity="warning", repair="repaired")
def entries_of_an_index_are_lost(store):
    shard = Shard(store, KEY, 4)
    shard.entries = [[EMPTY, EMPTY]] * 4
    shard.save()


for array, rule in [("shard", "shard-entry-overlap"), ("shard_crc", "inner-chunk-size")]:

    def longer(store, array=array):
        shard = Shard(store, f"g/{array}/c/0/1", 4)
        shard.entries[1][1] += 1
        shard.save()

    longer.__name__ = f"{array}_entry_is_a_byte_too_long"
    damage("v3", rule=rule, node=f"/g/{array}", key=f"g/{array}/c/0/1", inner=[0, 1], repair="repaired",
           also=("inner-chunk-corrupt",))(longer)


@damage("v3c", rule="missing-document", node="/g/zstd", key=DOCUMENT)
def copy_of_a_lost_document_is_stale(store):
    store.remove(DOCUMENT)
    store.edit("zarr.json", lambda document: document["consolidated_metadata"]["metadata"]["g/zstd"].update(shape=[8, 16]))


@damage("v3c", rule="missing-document", node="/g", key="g/zarr.json", repair="repaired")
def document_of_a_group_is_gone_but_its_copy_is_not(store):
    store.remove("g/zarr.json")


@damage("v2", rule="directory-at-object", node="/g/zlib", key="g/zlib/.zattrs", also=("consolidated-stale",))
def zattrs_is_a_directory(store):
    store.remove("g/zlib/.zattrs")
    store.path("g/zlib/.zattrs").mkdir()


@damage("v3", rule="chunk-key", node="/g/zstd/c", key=CHUNK, also=("missing-group",))
def document_lies_among_the_chunks(store):
    store.move(DOCUMENT, "g/zstd/c/zarr.json")


@damage("v3", rule="file-at-directory", node="/g/zstd", key="g/zstd/c")
def file_instead_of_the_directory_of_chunks(store):
    shutil.rmtree(store.path("g/zstd/c"))
    store.write("g/zstd/c", b"x")


@damage("v3", rule="chunk-without-array", node="/g", key="g/plain/c/0/0", also=("unreadable",))
def link_points_to_a_directory_above(store):
    store.path("g/zstd/loop").symlink_to("..")
    store.remove("g/plain/zarr.json")
