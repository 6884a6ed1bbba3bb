"""Damages of documents of Zarr 3 and of the places of nodes."""

from suite import damage

KEY = "g/zstd/zarr.json"
AT = {"node": "/g/zstd", "key": KEY}


@damage("v3", rule="document-not-json", **AT)
def document_is_truncated(store):
    store.cut(KEY, 100)


@damage("v3", rule="document-not-json", **AT)
def document_is_empty(store):
    store.write(KEY, b"")


@damage("v3", rule="document-not-json", **AT)
def document_is_zeros(store):
    store.write(KEY, bytes(len(store.read(KEY))))


@damage("v3", rule="document-not-json", **AT)
def document_is_a_list(store):
    store.write(KEY, "[]")


@damage("v3", rule="document-not-json", **AT)
def document_has_a_trailing_comma(store):
    store.text(KEY, '"node_type": "array",', '"node_type": "array",,')


@damage("v3", rule="document-not-json", **AT)
def document_has_a_comment(store):
    store.write(KEY, store.read(KEY) + b"// done\n")


@damage("v3", rule="document-not-json", node="/g", key="g/zarr.json")
def document_is_written_twice(store):
    store.write("g/zarr.json", store.read("g/zarr.json") * 2)


@damage("v3", rule="document-not-utf8", **AT)
def document_is_not_utf8(store):
    store.write(KEY, store.read(KEY).replace(b'"y"', b'"\xff"'))


@damage("v3", rule="document-not-utf8", **AT)
def document_is_utf16(store):
    store.write(KEY, store.read(KEY).decode().encode("utf-16"))


@damage("v3", rule="duplicate-member", **AT)
def member_is_repeated(store):
    store.text(KEY, '"node_type": "array"', '"node_type": "array", "node_type": "array"')


def without(member):
    def make(store):
        store.edit(KEY, lambda document: document.pop(member) and None)

    make.__name__ = f"{member}_is_missing"
    damage("v3", rule="missing-member", **AT)(make)


for member in ["shape", "data_type", "chunk_grid", "chunk_key_encoding", "fill_value", "codecs", "node_type", "zarr_format"]:
    if member == "fill_value":
        continue
    without(member)


@damage("v3", rule="missing-member", **AT)
def fill_value_is_missing(store):
    store.edit(KEY, lambda document: {name: value for name, value in document.items() if name != "fill_value"})


def changed(name, rule, change, key=KEY, node="/g/zstd"):
    def make(store):
        store.edit(key, change)

    make.__name__ = name
    damage("v3", rule=rule, node=node, key=key)(make)


def setting(member, value):
    def change(document):
        document[member] = value

    return change


def sharding(member, value):
    def change(document):
        document["codecs"][0]["configuration"][member] = value

    return change


GRID = {"name": "regular", "configuration": {"chunk_shape": [4, 4]}}
SHARD = {"key": "g/shard/zarr.json", "node": "/g/shard"}
changed("member_is_unknown", "unknown-member", setting("colour", {"name": "red"}))
changed("member_must_be_understood", "unknown-member", setting("x", {"must_understand": True}))
changed("format_is_2", "zarr-format", setting("zarr_format", 2))
changed("format_is_text", "zarr-format", setting("zarr_format", "3"))
changed("node_type_is_wrong", "node-type", setting("node_type", "arrays"))
changed("array_says_group", "unknown-member", setting("node_type", "group"))
changed("group_says_array", "missing-member", setting("node_type", "array"), "g/zarr.json", "/g")
changed("shape_is_negative", "shape", setting("shape", [16, -16]))
changed("shape_is_a_fraction", "shape", setting("shape", [16, 16.5]))
changed("shape_is_text", "shape", setting("shape", "16, 16"))
changed("shape_is_too_short", "dimension-names", setting("shape", [16]))
changed("chunk_shape_has_another_rank", "chunk-grid", setting("chunk_grid", GRID | {"configuration": {"chunk_shape": [4]}}))
changed("chunk_shape_has_a_zero", "chunk-grid", setting("chunk_grid", GRID | {"configuration": {"chunk_shape": [4, 0]}}))
changed("chunk_grid_is_unknown", "unknown-chunk-grid", setting("chunk_grid", GRID | {"name": "regulr"}))
changed("data_type_is_unknown", "unknown-data-type", setting("data_type", "uint17"))
changed("data_type_is_misspelled", "unknown-data-type", setting("data_type", "<u2"))
changed("data_type_is_a_number", "data-type", setting("data_type", 16))
changed("key_encoding_is_unknown", "unknown-chunk-key-encoding", setting("chunk_key_encoding", {"name": "defaul"}))
changed("separator_is_wrong", "chunk-key-encoding",
        setting("chunk_key_encoding", {"name": "default", "configuration": {"separator": "-"}}))
changed("fill_value_is_out_of_range", "fill-value", setting("fill_value", 70000))
changed("fill_value_is_null", "fill-value", setting("fill_value", None))
changed("fill_value_is_a_list", "fill-value", setting("fill_value", [0]))
changed("codec_is_unknown", "unknown-codec", setting("codecs", [{"name": "bites"}]))
changed("codecs_are_empty", "codec-order", setting("codecs", []))
changed("codecs_are_reordered", "codec-order", lambda document: document["codecs"].reverse())
changed("codec_is_repeated", "codec-order", lambda document: document["codecs"].append({"name": "bytes"}))
changed("codec_level_is_wrong", "codec",
        setting("codecs", [{"name": "bytes", "configuration": {"endian": "little"}},
                           {"name": "gzip", "configuration": {"level": 12}}]))
changed("endian_is_missing", "missing-member", setting("codecs", [{"name": "bytes"}]))
changed("endian_is_wrong", "codec", setting("codecs", [{"name": "bytes", "configuration": {"endian": "middle"}}]))
changed("dimension_names_are_too_few", "dimension-names", setting("dimension_names", ["y"]))
changed("dimension_names_are_numbers", "dimension-names", setting("dimension_names", [1, 2]))
changed("attributes_are_a_list", "attributes", setting("attributes", []))
changed("storage_transformer_is_unknown", "storage-transformers", setting("storage_transformers", [{"name": "cache"}]))
changed("inner_chunks_do_not_divide", "inner-chunk-shape", sharding("chunk_shape", [3, 4]), **SHARD)
changed("inner_chunks_have_another_rank", "inner-chunk-shape", sharding("chunk_shape", [4]), **SHARD)
changed("index_codecs_are_variable", "index-codecs",
        sharding("index_codecs", [{"name": "bytes", "configuration": {"endian": "little"}},
                                  {"name": "gzip", "configuration": {"level": 1}}]), **SHARD)
changed("index_location_is_wrong", "codec", sharding("index_location", "middle"), **SHARD)


changed("inner_chunks_are_negative", "inner-chunk-shape", sharding("chunk_shape", [-4, 4]), **SHARD)
changed("inner_chunks_are_text", "inner-chunk-shape", sharding("chunk_shape", "4, 4"), **SHARD)
changed("index_codecs_are_null", "index-codecs", sharding("index_codecs", None), **SHARD)
for member in ["chunk_shape", "codecs", "index_codecs"]:
    changed(f"sharding_lacks_{member}", "missing-member", lambda document, member=member: document["codecs"][0]
            ["configuration"].pop(member) and None, **SHARD)


@damage("v3", rule="duplicate-member", **AT)
def attribute_is_repeated(store):
    store.text(KEY, '"attributes": {}', '"attributes": {"a": 1, "a": 2}')


@damage("v3", rule="duplicate-member", **AT)
def member_of_a_codec_is_repeated(store):
    store.text(KEY, '"level": 3', '"level": 3, "level": 4')


@damage("v3", rule="nonstandard-spelling", severity="note", **AT)
def document_has_a_byte_order_mark(store):
    store.write(KEY, b"\xef\xbb\xbf" + store.read(KEY))


@damage("v3", rule="nonstandard-spelling", severity="note", **AT)
def attributes_are_null(store):
    store.edit(KEY, setting("attributes", None))


@damage("v3", rule="codec", **AT)
def shards_are_nested_too_deep(store):
    codecs = [{"name": "bytes"}]
    for _ in range(40):
        codecs = [{"name": "sharding_indexed", "configuration": {
            "chunk_shape": [4, 4], "codecs": codecs, "index_codecs": [{"name": "bytes", "configuration": {"endian": "little"}}]}}]
    store.edit(KEY, setting("codecs", codecs))


@damage("v3", rule="consolidated-invalid", severity="warning", **AT)
def array_has_consolidated_metadata(store):
    store.edit(KEY, setting("consolidated_metadata", {"kind": "inline", "must_understand": False, "metadata": {}}))


@damage("v3", rule="node-name", node="/g/a\\b", severity="warning")
def name_has_a_backslash(store):
    store.write("g/a\\b/zarr.json", store.read("g/empty/zarr.json"))


@damage("v3", rule="missing-group", node="/g", key="g/zarr.json", severity="warning", repair="repaired")
def group_is_missing(store):
    store.remove("g/zarr.json")


@damage("v3", rule="root-without-group", node="/")
def root_is_missing(store):
    store.remove("zarr.json")


@damage("v3", rule="no-node", node="/", also=("chunk-without-array",))
def all_documents_are_missing(store):
    for key in store.files():
        if key.endswith("zarr.json"):
            store.remove(key)


@damage("v3", rule="chunk-without-array", node="/g", key="g/zstd/c/0/0")
def array_document_is_missing(store):
    store.remove(KEY)


@damage("v3", rule="node-inside-array", node="/g/zstd/child")
def node_lies_in_an_array(store):
    store.write("g/zstd/child/zarr.json", store.read("g/empty/zarr.json"))


@damage("v3", rule="names-differ-in-case", node="/g/zstd", severity="warning")
def names_differ_in_case(store):
    store.write("g/Zstd/zarr.json", store.read(KEY))


@damage("v3", rule="formats-disagree", severity="warning", **AT)
def both_formats_disagree(store):
    store.write("g/zstd/.zarray", '{"zarr_format": 2, "shape": [8, 8], "chunks": [4, 4], "dtype": "<u2", "compressor": null,'
                                  ' "fill_value": 0, "order": "C", "filters": null}')


@damage("v3", rule="directory-at-object", node="/g", key="g/zstd/zarr.json/old.json", also=("chunk-without-array",))
def directory_instead_of_a_document(store):
    store.move(KEY, "kept")
    store.move("kept", "g/zstd/zarr.json/old.json")


@damage("v3", rule="unreadable", node="/", key="g/loop")
def link_leads_back_up(store):
    store.path("g/loop").symlink_to(store.root, target_is_directory=True)


@damage("v3", rule="mixed-formats", node="/g/old", severity="warning")
def array_of_zarr_2_in_a_group_of_zarr_3(store):
    store.write("g/old/.zarray", OLD % ("[8, 8]", "<u2"))


@damage("v3", rule="formats-disagree", node="/g/zstd", key="g/zstd/zarr.json", severity="warning")
def documents_of_both_formats_differ_in_data_type(store):
    store.write("g/zstd/.zarray", OLD % ("[16, 16]", "<f8"))


OLD = """{"zarr_format": 2, "shape": %s, "chunks": [4, 4], "dtype": "%s", "compressor": null, "fill_value": 0,
"order": "C", "filters": null}"""
