"""Metadata documents: JSON, members, extensions, attributes, node names (checklist A-F)."""

import json

import numpy as np

from build import LITTLE, PLAIN, array, codec, group, shard, text

DATA = np.array([1, -2, 300, 4], "i2")
CHUNK = {"c/0": DATA.tobytes()}


def add(corpus):
    """All cases."""
    for part in (syntax, members, extensions, unknown_members, attributes, groups, names):
        part(corpus)


def syntax(corpus):
    """Serialises a document."""
    good = text(array())
    for name, bad in {
        "comment": good.replace("{", "{/* a */", 1),
        "trailing-comma": good[:-1] + ",}",
        "single-quotes": good.replace('"', "'"),
        "leading-zero": good.replace('"zarr_format": 3', '"zarr_format": 03'),
        "plus-sign": good.replace('"fill_value": 0', '"fill_value": +1'),
        "hexadecimal-number": good.replace('"fill_value": 0', '"fill_value": 0x10'),
        "control-character": good[:-1] + ', "attributes": {"a": "\u0001"}}',
        "text-after": good + " {}",
        "half": good[: len(good) // 2],
        "bare-nan": text(array(data_type="float64")).replace('"fill_value": 0', '"fill_value": NaN'),
        "bare-infinity": text(array(data_type="float64")).replace('"fill_value": 0', '"fill_value": Infinity'),
        "bare-nan-in-attributes": good[:-1] + ', "attributes": {"a": NaN}}',
    }.items():
        corpus.refuse("documents/" + name, "A3 X3", bad, CHUNK)
    for name, bad in {"empty": "", "blank": " \n\t"}.items():
        corpus.refuse("documents/" + name, "A4 X3", bad, CHUNK)
    for name, bad in {"list": "[%s]" % good, "null": "null", "string": json.dumps(good)}.items():
        corpus.refuse("documents/" + name, "A2 X3", bad, CHUNK)
    attribute = (good[:-1] + ', "attributes": {"a": "?"}}').encode()
    for name, bad in {
        "not-utf-8": attribute.replace(b"?", b"\xff"),
        "overlong": attribute.replace(b"?", b"\xc0\xaf"),
        "surrogate-bytes": attribute.replace(b"?", b"\xed\xa0\x80"),
        "cut-sequence": attribute.replace(b"?", b"\xe2\x82"),
        "utf-16": good.encode("utf-16"),
        "latin-1": attribute.replace(b"?", b"\xe9"),
    }.items():
        corpus.refuse("documents/" + name, "A5 X3", bad, CHUNK)
    for name, same in {
        "order-of-members": text(dict(reversed(array().items()))),
        "crlf": json.dumps(array(), indent=2).replace("\n", "\r\n"),
        "escapes": good.replace("int16", "\\u0069nt16").replace("zarr_format", "zarr\\u005fformat"),
        "tabs": good.replace(" ", "\t"),
    }.items():
        corpus.value("documents/" + name, "A8", same, DATA, CHUNK)
    corpus.add("documents/byte-order-mark", "A6", "either", ("\ufeff" + good).encode(), CHUNK, DATA)
    repeated = good.replace('"fill_value": 0', '"fill_value": 1, "fill_value": 0')
    corpus.add("documents/repeated-member", "A9", "either", repeated, CHUNK, DATA)
    for name, number in {"shape-3.0": '"shape": [4.0]', "shape-4e0": '"shape": [4e0]'}.items():
        corpus.add("documents/" + name, "A11", "either", good.replace('"shape": [4]', number), CHUNK, DATA)
    bools = {
        "true-as-shape": array(shape=[True], chunks=[1]),
        "true-as-chunk": array(shape=[1], chunks=[True]),
        "true-as-integer-fill": array(fill_value=True),
        "true-as-format": array(zarr_format=True),
    }
    for name, bad in bools.items():
        corpus.refuse("documents/" + name, "A12", bad, CHUNK)
    corpus.refuse("documents/directory", "A16", None, {"zarr.json": {"directory": True}}, kinds=["store", "not-found", "invalid"])
    corpus.refuse("documents/other-case", "A1", None, {"Zarr.json": good, **CHUNK}, kinds=["not-found"])
    corpus.refuse("documents/none", "A1 X1", None, CHUNK, kinds=["not-found"])
    corpus.refuse("documents/only-zarray", "B15", None, {"zarr.json.bak": good, **CHUNK}, kinds=["not-found"])
    for name, value in {"2^53+1": 2**53 + 1, "int64-least": -(2**63), "int64-greatest": 2**63 - 1}.items():
        corpus.value("documents/" + name, "A10 H2", array((2,), "int64", value), np.full(2, value, "i8"))
    for name, value in {"2^63": 2**63, "uint64-greatest": 2**64 - 1}.items():
        corpus.value("documents/" + name, "A10 H2", array((2,), "uint64", value), np.full(2, value, "u8"))


def members(corpus):
    """The members of an array document."""
    for member in array():
        kinds = ["invalid", "not-found", "unsupported"] if member in ("zarr_format", "node_type") else ["invalid"]
        corpus.refuse("documents/without-" + member, "B1 X4", array(drop=[member]), CHUNK, kinds=kinds)
    for name, value in {"2": 2, "4": 4, "3.5": 3.5, "string": "3", "null": None}.items():
        kinds = ["invalid", "unsupported"]
        corpus.refuse("documents/format-" + name, "B2 X4", array(zarr_format=value), CHUNK, kinds=kinds)
    for name, value in {"group": "group", "other": "table", "upper": "Array", "number": 1, "null": None}.items():
        kinds = ["invalid", "unsupported"]
        corpus.refuse("documents/node-type-" + name, "B3 X2 X4", array(node_type=value), CHUNK, kinds=kinds)
    corpus.refuse("documents/group-as-array", "B3 X2", group(attributes={}))
    for name, value in {
        "negative": [-4],
        "fraction": [4.5],
        "string": ["4"],
        "null": [None],
        "number": 4,
        "object": {"0": 4},
        "nested": [[4]],
        "2^64": [2**64],
        "1e30": [10**30],
    }.items():
        kinds = ["invalid", "limit"]
        document = array() | {"shape": value}
        corpus.refuse("documents/shape-" + name, "B4 B5 X4", document, CHUNK, kinds=kinds)
    corpus.refuse("documents/fill-null", "B6 X7", array(fill_value=None), CHUNK)
    for name, value in {"empty": [], "null": None, "object": LITTLE, "string": "bytes"}.items():
        corpus.refuse("documents/codecs-" + name, "B7 X4", array(codecs=[LITTLE]) | {"codecs": value}, CHUNK)
    two = array((2, 2))
    for name, bad in {
        "chunk-shape-short": two | {"chunk_grid": codec("regular", chunk_shape=[2])},
        "chunk-shape-long": two | {"chunk_grid": codec("regular", chunk_shape=[2, 2, 1])},
        "names-short": two | {"dimension_names": ["x"]},
        "names-long": two | {"dimension_names": ["x", "y", "z"]},
    }.items():
        corpus.refuse("documents/rank-" + name, "B9 X4", bad)
    corpus.refuse("documents/v2-member", "B8 D13", array(order="C", dtype="<i2"), CHUNK, kinds=["invalid", "unsupported"])
    corpus.value("documents/v2-documents-beside", "B14", array(), DATA, {**CHUNK, ".zarray": "{}", ".zattrs": "nonsense"})
    corpus.value("documents/other-files-beside", "F13", array(), DATA, {**CHUNK, "README": "a", "c/notes.txt": "b"})


def extensions(corpus):
    """Extension objects and their short forms."""
    for name, document in {
        "data-type-object": array(data_type={"name": "int16"}),
        "data-type-object-empty": array(data_type={"name": "int16", "configuration": {}}),
        "key-encoding-string": array(chunk_key_encoding="default"),
        "key-encoding-object": array(chunk_key_encoding={"name": "default"}),
        "key-encoding-empty": array(chunk_key_encoding={"name": "default", "configuration": {}}),
        "true": array(codecs=[LITTLE | {"must_understand": True}]),
        "grid-true": array(chunk_grid=codec("regular", chunk_shape=[4]) | {"must_understand": True}),
        "false": array(codecs=[LITTLE | {"must_understand": False}]),
    }.items():
        rules = "D7 D8" if name in ("true", "grid-true", "false") else "D1 B10 K6"
        corpus.value("documents/extension-" + name, rules, document, DATA, CHUNK)
    byte, one = np.array([1, 2, 3, 255], "u1"), array((4,), "uint8", codecs=[PLAIN])
    for name, codecs in {"string": ["bytes"], "object": [PLAIN], "empty": [{"name": "bytes", "configuration": {}}]}.items():
        corpus.value("documents/codec-%s" % name, "D1 M3", one | {"codecs": codecs}, byte, {"c/0": byte.tobytes()})
    checked = bytes([1, 2, 3, 255]) + bytes.fromhex(crc32c(bytes([1, 2, 3, 255])))
    corpus.value("documents/codec-crc32c-string", "D1 R1", one | {"codecs": [PLAIN, "crc32c"]}, byte, {"c/0": checked})
    for place, make in {
        "codec": lambda x: array(codecs=[x, LITTLE]),
        "data-type": lambda x: array(data_type=x),
        "grid": lambda x: array(chunk_grid=x),
        "keys": lambda x: array(chunk_key_encoding=x),
    }.items():
        for name, value in {"no-name": {"configuration": {}}, "name-number": {"name": 1}, "number": 3, "null": None}.items():
            corpus.refuse("documents/%s-%s" % (place, name), "D3 X4 X6", make(value), CHUNK)
        for name, value in {"list": [], "string": "x"}.items():
            bad = {"name": {"codec": "bytes", "data-type": "int16", "grid": "regular", "keys": "default"}[place], "configuration": value}
            if place == "codec":
                corpus.refuse("documents/codec-configuration-" + name, "D4 X6", array(codecs=[bad]), CHUNK)
            else:
                corpus.refuse("documents/%s-configuration-%s" % (place, name), "D4 X6", make(bad), CHUNK)
    for name, document in {
        "codec": array(codecs=[{"name": "Bytes", "configuration": {"endian": "little"}}]),
        "data-type": array(data_type="Int16"),
        "space": array(data_type="int16 "),
        "grid": array(chunk_grid=codec("Regular", chunk_shape=[4])),
        "keys": array(chunk_key_encoding={"name": "DEFAULT"}),
    }.items():
        corpus.refuse("documents/other-case-" + name, "D5 D17 X5", document, CHUNK, "unsupported")
    for name, document in {
        "grid": array(chunk_grid="regular"),
        "bytes": array(codecs=["bytes"]),
        "gzip": array(codecs=[LITTLE, "gzip"]),
        "transpose": array(codecs=["transpose", LITTLE]),
        "sharding": array(codecs=["sharding_indexed"]),
        "blosc": array(codecs=[LITTLE, {"name": "blosc"}]),
    }.items():
        corpus.refuse("documents/needs-configuration-" + name, "D6 X6", document, CHUNK)
    for flag in ({}, {"must_understand": False}, {"must_understand": True}):
        end = "-" + str(flag["must_understand"]).lower() if flag else ""
        for name, document in {
            "data-type": array(data_type={"name": "x.nosuch", **flag}),
            "grid": array(chunk_grid={"name": "x.nosuch", **flag}),
            "keys": array(chunk_key_encoding={"name": "x.nosuch", **flag}),
        }.items():
            corpus.refuse("documents/unknown-%s%s" % (name, end), "D9 D17 X5", document, CHUNK, "unsupported")
    for name, codecs in {
        "first": [codec("x.nosuch"), LITTLE],
        "only": [codec("x.nosuch")],
        "last": [LITTLE, codec("x.nosuch", a=1)],
        "uri": [LITTLE, codec("https://example.com/nosuch")],
    }.items():
        corpus.refuse("documents/unknown-codec-" + name, "D10 D17 X5", array(codecs=codecs), CHUNK, "unsupported")
    inner = shard([2], [LITTLE, codec("x.nosuch")])
    corpus.refuse("documents/unknown-codec-in-shard", "D10 D17 X5", array(codecs=[inner]), kind="unsupported")
    ignorable = {"name": "x.nosuch", "must_understand": False}
    corpus.add("documents/unknown-codec-false", "D11", "either", array(codecs=[LITTLE, ignorable]), CHUNK, DATA)
    corpus.refuse("documents/unknown-codec-only-false", "D11", array(codecs=[ignorable]), CHUNK, kinds=["unsupported", "invalid"])
    for name, value in {"object": [{"name": "x.nosuch"}], "string": ["x.nosuch"], "true": [{"name": "x.nosuch", "must_understand": True}]}.items():
        corpus.refuse("documents/storage-transformer-" + name, "D12 X5", array(storage_transformers=value), CHUNK, "unsupported")
    corpus.add("documents/storage-transformer-false", "D12", "either", array(storage_transformers=[ignorable]), CHUNK, DATA)
    corpus.value("documents/storage-transformers-empty", "E10", array(storage_transformers=[]), DATA, CHUNK)
    for name, value in {"object": {}, "string": "x"}.items():
        corpus.refuse("documents/storage-transformers-" + name, "E11 X4", array(storage_transformers=value), CHUNK)
    for name, document in {
        "bytes": array(codecs=[codec("bytes", endian="little", more=1)]),
        "gzip": array(codecs=[LITTLE, codec("gzip", level=1, more=1)]),
        "grid": array(chunk_grid=codec("regular", chunk_shape=[4], more=1)),
    }.items():
        corpus.add("documents/unknown-key-" + name, "D14", "safe", document, CHUNK)
    corpus.add("documents/unknown-sibling", "D15", "safe", array(codecs=[LITTLE | {"more": 1}]), CHUNK)


def crc32c(data):
    """Returns the CRC-32C as little-endian hexadecimal digits, computed bit by bit."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return (crc ^ 0xFFFFFFFF).to_bytes(4, "little").hex()


def unknown_members(corpus):
    """Unknown top-level members."""
    for name, value in {
        "object": {"name": "x"},
        "string": "a",
        "number": 1,
        "null": None,
        "true": True,
        "false": False,
        "list": [],
        "understand-true": {"must_understand": True},
        "understand-null": {"must_understand": None},
        "understand-string": {"must_understand": "false"},
        "understand-0": {"must_understand": 0},
        "understand-nested": {"configuration": {"must_understand": False}},
    }.items():
        kinds = ["unsupported", "invalid"]
        corpus.refuse("documents/unknown-member-" + name, "D13 X5", array(more=value), CHUNK, kinds=kinds)
    corpus.value("documents/unknown-member-may-be-ignored", "D13", array(more={"must_understand": False, "name": "x"}), DATA, CHUNK)
    consolidated = {"consolidated_metadata": {"kind": "inline", "metadata": {}, "must_understand": False}}
    corpus.value("documents/consolidated-on-array", "C9", array(**consolidated), DATA, CHUNK)
    bad = {"consolidated_metadata": {"kind": "inline", "metadata": {}}}
    corpus.refuse("documents/consolidated-on-array-must", "C9 D13", array(**bad), CHUNK, kinds=["unsupported", "invalid"])


def attributes(corpus):
    """Attributes and dimension names."""
    for name, value in {"list": [], "string": "a", "number": 1, "true": True}.items():
        corpus.refuse("documents/attributes-" + name, "E1 X4", array(attributes=value), CHUNK)
    corpus.add("documents/attributes-null", "E2", "either", array(attributes=None), CHUNK, DATA)
    for name, value in {
        "reserved": {"zarr_format": 2, "node_type": "group", "shape": [1], "must_understand": True},
        "rich": {"": 1, "big": 2**70, "x": [1e300, None, True, {"y": "\u00e9\U0001f600"}], "a/b": -0.0},
        "dimension-units": {"dimension_units": "metres"},
        "xarray": {"_ARRAY_DIMENSIONS": ["x"], "coordinates": 3},
        "empty": {},
    }.items():
        corpus.value("documents/attributes-" + name, "E3 E4 E5 E6", array(attributes=value), DATA, CHUNK)
    for name, value in {"string": "x", "number": [1], "object": {"0": "x"}, "list": [["x"]], "true": [True]}.items():
        corpus.refuse("documents/dimension-names-" + name, "E7 X4", array(dimension_names=value), CHUNK)
    corpus.add("documents/dimension-names-null", "E9", "either", array(dimension_names=None), CHUNK, DATA)
    square = np.arange(4, dtype="i2").reshape(2, 2)
    for name, value in {"same": ["x", "x"], "empty": ["", ""], "none": [None, None], "mixed": ["x", None], "unicode": ["\u00e5/ ", "\U0001f600"]}.items():
        document = array((2, 2), dimension_names=value)
        corpus.value("documents/dimension-names-of-two-" + name, "E7 E8", document, square, {"c/0/0": square.tobytes()})


def groups(corpus):
    """Arrays below groups."""
    inner = text(array())

    def below(**more):
        return {"a/zarr.json": inner, "a/c/0": CHUNK["c/0"], "zarr.json": text(group(**more))}

    inline = {"kind": "inline", "must_understand": False}
    stale = array(shape=(9,), chunks=(9,))
    for name, more in {
        "plain": {},
        "consolidated": {"consolidated_metadata": {**inline, "metadata": {"a": array()}}},
        "consolidated-null": {"consolidated_metadata": None},
        "consolidated-stale": {"consolidated_metadata": {**inline, "metadata": {"a": stale}}},
        "ghost": {"consolidated_metadata": {**inline, "metadata": {"ghost": array()}}},
    }.items():
        expect = "either" if name in ("consolidated-null", "consolidated-stale") else "value"
        corpus.add("groups/" + name, "C8 C11 C13 C14", expect, None, below(**more), DATA, node="a")
    corpus.value("groups/no-parent", "C5", None, DATA, {"a/zarr.json": inner, "a/c/0": CHUNK["c/0"]}, node="a")
    corpus.value("groups/root-array", "F14", array(), DATA, CHUNK)
    corpus.refuse("groups/not-there", "X1", group(), node="b", kinds=["not-found"])
    corpus.refuse("groups/prefix-only", "C5 X1", group(), {"a/b/zarr.json": inner}, node="a", kinds=["not-found"])
    corpus.refuse("groups/group", "B3 X2", group(), {"a/zarr.json": text(group())}, node="a")


def names(corpus):
    """Node names."""
    for name, node in {
        "space": "a b",
        "emoji": "\U0001f600",
        "percent": "a%2Fb",
        "quotes": "a'b\"c",
        "colon": "a:b",
        "star": "a*b?",
        "brackets": "a[0]",
        "hash": "a#1",
        "tilde": "~",
        "backslash": "a\\b",
        "composed": "\u00e9",
        "decomposed": "e\u0301",
        "like-a-chunk": "c",
        "like-a-chunk-number": "0",
        "dot-inside": "a.b",
        "dots-before": "..c",
        "dots-after": "d..",
        "hidden": ".a",
        "underscore": "_a",
        "newline": "a\nb",
        "equals": "a=b&c",
        "long": "n" * 200,
        "deep": "/".join("d%d" % i for i in range(30)),
        "upper": "A",
    }.items():
        rules = {"backslash": "F5", "composed": "F6", "decomposed": "F6", "long": "F10", "deep": "F10", "upper": "F7"}
        files = {node + "/zarr.json": text(array()), node + "/c/0": CHUNK["c/0"]}
        corpus.value("names/" + name, rules.get(name, "F4 F8 F9"), None, DATA, files, node=node)
    there = {"a/zarr.json": text(array()), "a/c/0": CHUNK["c/0"], "a/b/zarr.json": text(array())}
    for name, node in {
        "two-dots": "..",
        "up-and-down": "a/../a",
        "one-dot": "a/.",
        "three-dots": "...",
        "double-slash": "a//b",
        "reserved": "__a",
    }.items():
        files = {**there, "__a/zarr.json": text(array()), ".../zarr.json": text(array())}
        corpus.refuse("names/" + name, "F1 F2 F3 X11", group(), files, node=node)
    other = np.array([9, 9, 9, 9], "i2")
    files = {**there, "A/zarr.json": text(array()), "A/c/0": other.tobytes()}
    corpus.value("names/case-sensitive", "F7", group(), DATA, files, node="a")
    corpus.value("names/case-sensitive-upper", "F7", group(), other, files, node="A")
    files = {"\u00e9/zarr.json": text(array()), "\u00e9/c/0": CHUNK["c/0"], "e\u0301/zarr.json": text(array()), "e\u0301/c/0": other.tobytes()}
    corpus.value("names/no-normalisation", "F6", group(), other, files, node="e\u0301")

