"""Damages of documents of Zarr 2."""

from suite import damage

KEY = "g/zlib/.zarray"
AT = {"node": "/g/zlib", "key": KEY}


def changed(name, rule, change, key=KEY, node="/g/zlib", **expected):
    def make(store):
        store.remove(".zmetadata")
        store.edit(key, change)

    make.__name__ = f"zarray_{name}"
    damage("v2", rule=rule, node=node, key=key, **expected)(make)


def setting(member, value):
    def change(document):
        document[member] = value

    return change


for member in ["shape", "chunks", "dtype", "fill_value", "order"]:
    changed(f"lacks_{member}", "missing-member",
            lambda document, member=member: {name: value for name, value in document.items() if name != member})
changed("lacks_filters", "missing-member", lambda document: document.pop("filters") and None)
changed("lacks_compressor", "missing-member", lambda document: document.pop("compressor") and None, also=("chunk-size", "document-suspect"))
changed("has_format_3", "zarr-format", setting("zarr_format", 3))
changed("order_is_wrong", "invalid-member", setting("order", "A"))
changed("dtype_is_unknown", "data-type", setting("dtype", "<i5"))
changed("chunks_have_another_rank", "chunk-grid", setting("chunks", [4]))
changed("chunks_have_a_zero", "chunk-grid", setting("chunks", [0, 4]))
changed("shape_is_negative", "shape", setting("shape", [-1, 4]))
changed("compressor_is_unknown", "unknown-codec", setting("compressor", {"id": "zlob"}))
changed("compressor_lacks_its_id", "missing-member", setting("compressor", {"level": 1}))
changed("compressor_is_text", "codec", setting("compressor", "zlib"))
changed("compressor_has_no_id", "codec", setting("compressor", {"id": None}))
changed("filters_are_an_object", "codec", setting("filters", {"id": "delta"}))
changed("filter_is_null", "codec", setting("filters", [None]))
changed("order_is_a_number", "invalid-member", setting("order", 1))
changed("separator_is_a_number", "chunk-key-encoding", setting("dimension_separator", 1))
changed("format_is_text", "zarr-format", setting("zarr_format", "2"))
changed("chunks_are_text", "chunk-grid", setting("chunks", "4, 4"))
changed("filter_is_unknown", "unknown-codec", setting("filters", [{"id": "dalta"}]))
changed("separator_is_wrong", "chunk-key-encoding", setting("dimension_separator", "-"))
changed("fill_value_is_wrong", "fill-value", setting("fill_value", "x"))
changed("zgroup_has_format_3", "zarr-format", setting("zarr_format", 3), "g/.zgroup", "/g")


@damage("v2", rule="missing-member", node="/g", key="g/.zgroup")
def zgroup_lacks_its_format(store):
    store.remove(".zmetadata")
    store.write("g/.zgroup", "{}")


@damage("v2", rule="duplicate-member", **AT)
def member_of_a_compressor_is_repeated(store):
    store.remove(".zmetadata")
    store.text(KEY, '"level": 1', '"level": 1, "level": 2')


@damage("v2", rule="stray-object", node="/g/zlib", key="g/zlib/.zmetadata", severity="warning")
def zmetadata_in_an_array(store):
    store.write("g/zlib/.zmetadata", store.read(".zmetadata"))


@damage("v2", rule="document-not-json", node="/g/zlib", key="g/zlib/.zattrs")
def zattrs_are_truncated(store):
    store.cut("g/zlib/.zattrs", 3)


@damage("v2", rule="document-not-json", **AT)
def zarray_is_truncated(store):
    store.cut(KEY, 30)


@damage("v2", rule="array-and-group", node="/g/zlib", key="g/zlib/.zgroup")
def zgroup_beside_zarray(store):
    store.write("g/zlib/.zgroup", '{"zarr_format": 2}')


@damage("v2", rule="document-without-node", node="/g/lost", key="g/lost/.zattrs")
def zattrs_alone(store):
    store.write("g/lost/.zattrs", "{}")


@damage("v2", rule="missing-group", node="/g", key="g/.zgroup", severity="warning", repair="repaired",
        also=("document-without-node",))
def zgroup_is_missing(store):
    store.remove(".zmetadata")
    store.remove("g/.zgroup")


@damage("v2", rule="chunk-key", node="/g/slash", key="g/slash/0/0")
def separator_is_lost(store):
    store.remove(".zmetadata")
    store.edit("g/slash/.zarray", lambda document: document.pop("dimension_separator") and None)


@damage("v2", rule="chunk-size", node="/g/plain", key="g/plain/1.1")
def zarr_2_chunk_is_too_short(store):
    store.cut("g/plain/1.1", 63)


@damage("v2", rule="chunk-corrupt", node="/g/zlib", key="g/zlib/0.0", deep=True)
def zarr_2_chunk_is_cut(store):
    store.cut("g/zlib/0.0", 20)


@damage("v2", rule="chunk-outside-grid", node="/g/zlib", key="g/zlib/4.0", severity="warning", repair="repaired")
def zarr_2_chunk_outside_the_grid(store):
    store.write("g/zlib/4.0", store.read("g/zlib/3.0"))


@damage("v2", rule="missing-document", node="/", key=".zgroup", repair="repaired", also=("document-without-node",))
def zgroup_of_the_root_is_gone_but_its_copy_is_not(store):
    store.remove(".zgroup")


@damage("v2", rule="missing-document", node="/", key=".zgroup", repair="repaired",
        also=("no-node", "document-without-node"))
def all_documents_but_copies_are_gone(store):
    for key in store.files():
        if key.endswith((".zarray", ".zgroup", ".zattrs")):
            store.remove(key)
