"""Damages of consolidated metadata."""

from suite import damage

RENEWED = {"node": "/", "key": "zarr.json", "repair": "repaired"}


def copies(change):
    def edit(document):
        member = document["consolidated_metadata"]
        change(member, member["metadata"])

    return edit


@damage("v3c", rule="consolidated-stale", severity="warning", **RENEWED)
def copy_has_another_shape(store):
    store.edit("zarr.json", copies(lambda member, nodes: nodes["g/zstd"].update(shape=[8, 16])))


@damage("v3c", rule="consolidated-stale", severity="warning", **RENEWED)
def document_has_newer_attributes(store):
    store.edit("g/zarr.json", lambda document: document["attributes"].update(unit="km"))


@damage("v3c", rule="consolidated-missing-node", severity="warning", **RENEWED)
def copy_is_missing(store):
    store.edit("zarr.json", copies(lambda member, nodes: nodes.pop("g/zstd") and None))


@damage("v3c", rule="consolidated-missing-node", severity="warning", **RENEWED)
def node_is_new(store):
    store.write("g/later/zarr.json", store.read("g/empty/zarr.json"))


@damage("v3c", rule="consolidated-extra-node", severity="warning", **RENEWED)
def node_is_gone(store):
    store.remove("g/empty/zarr.json")


@damage("v3c", rule="consolidated-copy-invalid", **RENEWED)
def copy_lacks_its_shape(store):
    store.edit("zarr.json", copies(lambda member, nodes: nodes["g/zstd"].pop("shape") and None))


@damage("v3c", rule="consolidated-copy-invalid", **RENEWED)
def copy_is_not_an_object(store):
    store.edit("zarr.json", copies(lambda member, nodes: nodes.update({"g/zstd": 5})))


@damage("v3c", rule="consolidated-invalid", **RENEWED)
def copies_are_a_list(store):
    store.edit("zarr.json", lambda document: document["consolidated_metadata"].update(metadata=[]))


@damage("v3c", rule="consolidated-invalid", **RENEWED)
def copies_are_missing(store):
    store.edit("zarr.json", lambda document: document["consolidated_metadata"].pop("metadata") and None)


@damage("v3c", rule="consolidated-invalid", **RENEWED)
def copies_have_absolute_paths(store):
    store.edit("zarr.json", copies(lambda member, nodes: nodes.update({"/g/zstd": nodes.pop("g/zstd")})))


@damage("v3c", rule="consolidated-invalid", **RENEWED)
def consolidated_metadata_is_a_list(store):
    store.edit("zarr.json", lambda document: document.update(consolidated_metadata=[]))


@damage("v3c", rule="consolidated-kind", severity="warning", **RENEWED)
def kind_is_unknown(store):
    store.edit("zarr.json", copies(lambda member, nodes: member.update(kind="external")))


@damage("v3c", rule="consolidated-must-understand", severity="warning", **RENEWED)
def copies_must_be_understood(store):
    store.edit("zarr.json", copies(lambda member, nodes: member.update(must_understand=True)))


@damage("v3c", rule="missing-document", node="/g/zstd", key="g/zstd/zarr.json", repair="repaired")
def document_is_gone_but_its_copy_is_not(store):
    store.remove("g/zstd/zarr.json")


@damage("v3c", rule="document-not-json", node="/g/zstd", key="g/zstd/zarr.json")
def document_is_damaged_but_its_copy_is_not(store):
    store.cut("g/zstd/zarr.json", 50)


@damage("v2", rule="consolidated-stale", node="/", key=".zmetadata", severity="warning", repair="repaired")
def zmetadata_is_stale(store):
    store.edit("g/zlib/.zattrs", lambda document: document.update(n=2))


@damage("v2", rule="consolidated-invalid", node="/", key=".zmetadata", repair="repaired")
def zmetadata_is_truncated(store):
    store.cut(".zmetadata", 40)


@damage("v2", rule="consolidated-invalid", node="/", key=".zmetadata", repair="repaired")
def zmetadata_has_another_format(store):
    store.edit(".zmetadata", lambda document: document.update(zarr_consolidated_format=2))


@damage("v2", rule="consolidated-copy-invalid", node="/", key=".zmetadata", repair="repaired")
def zmetadata_has_an_invalid_copy(store):
    store.edit(".zmetadata", lambda document: document["metadata"]["g/zlib/.zarray"].pop("dtype") and None)


@damage("v2", rule="consolidated-missing-node", node="/", key=".zmetadata", severity="warning", repair="repaired",
        also=("consolidated-extra-node",))
def zmetadata_lacks_a_node(store):
    store.edit(".zmetadata", lambda document: document["metadata"].pop("g/zlib/.zarray") and None)


@damage("v2", rule="missing-document", node="/g/zlib", key="g/zlib/.zarray", repair="repaired", also=("document-without-node",))
def zarray_is_gone_but_its_copy_is_not(store):
    store.remove("g/zlib/.zarray")


@damage("v2", rule="consolidated-stale", node="/", key=".zmetadata", severity="warning", repair="repaired")
def zmetadata_has_stale_attributes_of_its_group(store):
    store.edit(".zmetadata", lambda document: document["metadata"][".zattrs"].update(title="other"))


@damage("v2", rule="consolidated-stale", node="/", key=".zmetadata", severity="warning", repair="repaired")
def zmetadata_lacks_its_group(store):
    store.edit(".zmetadata", lambda document: document["metadata"].pop(".zgroup") and None)


@damage("v3c", rule="missing-group", node="/p", key="p/zarr.json", severity="warning", repair="repaired")
def group_is_missing_below_copies(store):
    store.write("p/q/zarr.json", store.read("g/empty/zarr.json"))


@damage("v3c", rule="consolidated-stale", severity="warning", **RENEWED)
def copy_has_an_extension(store):
    store.edit("zarr.json", copies(lambda member, nodes: nodes["g/zstd"].update(ext={"must_understand": False})))


@damage("v3c", rule="consolidated-stale", severity="warning", **RENEWED)
def copy_of_a_group_has_copies_of_its_own(store):
    store.edit("zarr.json", copies(lambda member, nodes: nodes["g"].update(consolidated_metadata={
        "kind": "inline", "must_understand": False, "metadata": {"gone": nodes["g/zstd"]}})))


@damage("v3c", rule="unknown-member", severity="note", node="/", key="zarr.json")
def consolidated_metadata_has_an_unknown_member(store):
    store.edit("zarr.json", copies(lambda member, nodes: member.update(extra=1)))


@damage("v2", rule="consolidated-extra-node", node="/", key=".zmetadata", severity="warning", repair="repaired")
def zmetadata_has_a_foreign_key(store):
    store.edit(".zmetadata", lambda document: document["metadata"].update({"g/README": {}}))
