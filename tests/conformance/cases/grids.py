"""Chunk grids, chunk keys, missing chunks, ranks, Zarr v2 (checklist J, K, U)."""

import json
import zlib

import numpy as np

from build import CRC, LITTLE, PLAIN, array, codec, random, shard

HUGE = {"seconds": 10, "memory_mb": 600}


def add(corpus):
    """All cases."""
    for part in (regular, rectilinear, keys, missing, version_2):
        part(corpus)


def regular(corpus):
    """The `regular` grid."""
    for name, value in {
        "zero": [0],
        "negative": [-1],
        "fraction": [1.5],
        "string": ["4"],
        "null": [None],
        "number": 4,
        "none": None,
        "2^64": [2**64],
    }.items():
        document = array(chunk_grid=codec("regular", chunk_shape=value))
        corpus.refuse("grids/chunk-" + name, "J1 J2 X4", document, kinds=["invalid", "limit"])
    corpus.refuse("grids/no-chunk-shape", "J1 X6", array(chunk_grid={"name": "regular", "configuration": {}}))
    for shape, chunks in (((5,), (2,)), ((5,), (5,)), ((5,), (7,)), ((1,), (1,)), ((4, 5), (3, 2)), ((3, 4, 5), (2, 2, 2)), ((2, 3, 2, 3), (1, 2, 2, 2))):
        name = "grids/%s-by-%s" % ("x".join(map(str, shape)), "x".join(map(str, chunks)))
        corpus.written(name, "J3 J4", array(shape, "int16", 0, [LITTLE], chunks), random(name, "i2", shape))
    surplus = np.array([1, 2, 3, 99], "<i2")
    corpus.value("grids/surplus-ignored", "J4", array((3,), "int16", 0, [LITTLE], (4,)), surplus[:3], {"c/0": surplus.tobytes()})
    cut = array((3,), "int16", 0, [LITTLE], (4,))
    corpus.refuse("grids/edge-chunk-cut", "J4 M5", cut, {"c/0": surplus[:3].tobytes()})
    for shape, chunks in (((0,), (1,)), ((0,), (4,)), ((0, 3), (2, 2)), ((3, 0, 2), (2, 1, 1))):
        name = "grids/empty-%s" % "x".join(map(str, shape))
        name += "" if name not in ("grids/empty-0",) else "-by-%d" % chunks[0]
        corpus.value(name, "J5 U5", array(shape, "int32", 1, [LITTLE], chunks), np.zeros(shape, "i4"))
    corpus.value("grids/empty-sharded", "J5 U5", array((0, 4), "int32", 1, [shard([1, 2])], (2, 4)), np.zeros((0, 4), "i4"))
    corpus.written("grids/rank-0", "J6 K1", array((), "float64", 0, [LITTLE]), np.array(2.5))
    corpus.value("grids/rank-0-missing", "J6 U1", array((), "float64", 1.5, [LITTLE]), np.array(1.5))
    corpus.written("grids/rank-0-gzip", "J6", array((), "int8", 0, [PLAIN, codec("gzip", level=1)]), np.array(-5, "i1"), ["zarr-python", "tensorstore", "zarrs"])
    for rank in (8, 20, 31, 33):
        shape = (2,) * 3 + (1,) * (rank - 3)
        elements = random("rank%d" % rank, "u1", shape)
        key = "c/" + "/".join("0" * rank)
        document = array(shape, "uint8", 0, [PLAIN])
        corpus.value("grids/rank-%d" % rank, "J7 W5", document, elements, {key: elements.tobytes()})
    far = array((3,), "int16", 5, [LITTLE], (2**40,))
    corpus.add("grids/chunk-far-larger-than-the-array", "J8", "either", far, None, np.full(3, 5, "i2"), limits=HUGE)
    sharded = array((3,), "int16", 5, [shard([2])], (2**20,))
    corpus.value("grids/shard-far-larger-than-the-array", "J8", sharded, np.full(3, 5, "i2"), limits=HUGE)


def rectilinear(corpus):
    """The registered grid with chunks of different shapes."""

    def grid(*shapes, **more):
        return {"name": "rectilinear", "configuration": {"kind": "inline", "chunk_shapes": list(shapes), **more}}

    def document(shape, *shapes, codecs=(LITTLE,), data_type="int16"):
        return array(shape, data_type, 3, codecs, chunk_grid=grid(*shapes))

    both = ["zarr-python", "zarrs"]
    forms = {
        "list": ((6,), ([1, 2, 3],)),
        "integer": ((6,), (4,)),
        "runs": ((9,), ([[2, 3], [3, 1]],)),
        "mixture": ((9,), ([1, [2, 3], 2],)),
        "two": ((6, 5), ([1, 2, 3], 2)),
        "two-lists": ((6, 5), ([5, 1], [2, [1, 3]])),
    }
    for name, (shape, shapes) in forms.items():
        name = "grids/rectilinear-" + name
        corpus.written(name, "J9", document(shape, *shapes), random(name, "i2", shape), both, tier="registered")
    corpus.written("grids/rectilinear-longer", "J10", document((5,), [2, 2, 2, 2]), random("l", "i2", (5,)), both, tier="registered")
    turned = document((6, 5), [1, 2, 3], [4, 1], codecs=[codec("transpose", order=[1, 0]), LITTLE])
    corpus.written("grids/rectilinear-transpose", "J11", turned, random("t", "i2", (6, 5)), both, tier="registered")
    sharded = document((12,), [2, 4, 6], codecs=[shard([2])])
    corpus.written("grids/rectilinear-sharded", "J11", sharded, random("s", "i2", (12,)), both, tier="registered")
    corpus.value("grids/rectilinear-missing", "J11 U1", document((6,), [1, 2, 3]), np.full(6, 3, "i2"), tier="registered")
    part = {"c/1": np.array([8, 9], "<i2").tobytes()}
    corpus.value("grids/rectilinear-partly", "J11 U2", document((6,), [1, 2, 3]), np.array([3, 8, 9, 3, 3, 3], "i2"), part, tier="registered")
    bad_shard = document((12,), [2, 4, 3, 3], codecs=[shard([2])])
    corpus.refuse("grids/rectilinear-shard-3-by-2", "J11 S2", bad_shard, tier="registered")
    for name, shapes in {
        "short": [[1, 2]],
        "zero": [[0, 6]],
        "negative": [[-1, 7]],
        "fraction": [[1.5, 5]],
        "string": [["6"]],
        "rank": [[6], [6]],
        "integer-zero": [0],
        "pair-of-three": [[[1, 2, 3]]],
        "pair-of-one": [[[6]]],
        "pair-count-zero": [[[6, 0]]],
        "pair-negative": [[[6, -1]]],
        "empty": [[]],
    }.items():
        corpus.refuse("grids/rectilinear-" + name, "J12 X6", document((6,), *shapes), tier="registered")
    for name, configuration in {
        "no-kind": {"chunk_shapes": [[6]]},
        "other-kind": {"kind": "external", "chunk_shapes": [[6]]},
        "no-shapes": {"kind": "inline"},
    }.items():
        bad = array((6,), chunk_grid={"name": "rectilinear", "configuration": configuration})
        corpus.refuse("grids/rectilinear-" + name, "J12 X6", bad, tier="registered", kinds=["invalid", "unsupported"])
    for name, runs in {"run-of-9e18": [[1, 9 * 10**18]], "sum-overflows": [[2**62, 8]]}.items():
        kinds = ["invalid", "limit"]
        corpus.add("grids/rectilinear-" + name, "J13 W3", "safe", document((6,), runs), limits=HUGE, tier="registered", kinds=kinds)


def keys(corpus):
    """Chunk key encodings."""
    data = random("keys", "i2", (3, 4))
    for name in ("default", "v2"):
        for separator in ("/", "."):
            encoding = codec(name, separator=separator)
            end = "slash" if separator == "/" else "dot"
            document = array((3, 4), "int16", 0, [LITTLE], (2, 2), chunk_key_encoding=encoding)
            corpus.written("grids/keys-%s-%s" % (name, end), "K1 K2", document, data)
            document = array((), "int16", 0, [LITTLE], chunk_key_encoding=encoding)
            key = "c" if name == "default" else "0"
            corpus.value("grids/keys-%s-%s-rank-0" % (name, end), "K1 K2", document, np.array(9, "i2"), {key: b"\x09\0"})
        key = "c/0" if name == "default" else "0"
        for form, encoding in {"string": name, "object": {"name": name}, "empty": {"name": name, "configuration": {}}}.items():
            document = array((2,), "int16", 0, [LITTLE], chunk_key_encoding=encoding)
            corpus.value("grids/keys-%s-%s" % (name, form), "K1 K2 K6", document, np.array([1, 2], "i2"), {key: b"\1\0\2\0"})
        for form, separator in {"dash": "-", "empty": "", "two": "//", "null": None, "number": 1}.items():
            document = array((2,), chunk_key_encoding=codec(name, separator=separator))
            corpus.refuse("grids/keys-%s-separator-%s" % (name, form), "K3 X6", document)
    many = np.arange(12, dtype="<i2")
    files = {"c/%d" % i: many[i : i + 1].tobytes() for i in range(12)}
    corpus.value("grids/keys-decimal", "K4", array((12,), "int16", 0, [LITTLE], (1,)), many, files)
    padded = {("c/%02d" % i): many[i : i + 1].tobytes() for i in range(12)}
    expected = np.where(many >= 10, many, 0)
    corpus.value("grids/keys-padded-are-no-keys", "K4 U1", array((12,), "int16", 0, [LITTLE], (1,)), expected, padded)
    suffix = {"name": "zarrs.default_suffix", "configuration": {"separator": "/", "suffix": ".bin"}}
    document = array((2,), "int16", 0, [LITTLE], chunk_key_encoding=suffix)
    corpus.add("grids/keys-suffix", "K7", "either", document, {"c/0.bin": b"\1\0\2\0"}, np.array([1, 2], "i2"), tier="other")
    escaping = {"name": "zarrs.default_suffix", "configuration": {"separator": "/", "suffix": "/../../x"}}
    corpus.add("grids/keys-suffix-escapes", "K7 X11", "safe", array((2,), chunk_key_encoding=escaping), tier="other")


def missing(corpus):
    """Missing chunks, and unreadable objects."""
    data = np.arange(1, 5, dtype="<i2")
    half = array((4,), "int16", 9, [LITTLE], (2,))
    corpus.value("grids/partly-stored", "U2", half, np.array([9, 9, 3, 4], "i2"), {"c/1": data[2:].tobytes()})
    directory = {"c/0": {"directory": True}, "c/1": data[2:].tobytes()}
    filled = np.array([9, 9, 3, 4], "i2")
    corpus.add("grids/directory-for-a-chunk", "U4", "either", half, directory, filled)
    dangling = {"c/0": {"link": "nowhere"}, "c/1": data[2:].tobytes()}
    corpus.add("grids/dangling-link", "U4", "either", half, dangling, filled)
    loop = {"c/0": {"link": "0"}, "c/1": data[2:].tobytes()}
    corpus.refuse("grids/link-loop", "U3 X10", half, loop, kinds=["store", "invalid", "not-found"])
    for name, shape in {"2^63-1": [2**63 - 1], "2^62-squared": [2**62, 2**62], "2^40": [2**40], "2^45-by-3": [2**45, 3]}.items():
        document = array((1,) * len(shape), "float64", 0, [LITTLE]) | {"shape": shape}
        document["chunk_grid"] = codec("regular", chunk_shape=[2**10] * len(shape))
        corpus.refuse("grids/absurd-%s" % name, "U6 W3 X9 B5", document, kinds=["limit", "invalid"], limits=HUGE)
    million = array((1000, 1000), "uint8", 4, [PLAIN], (1, 1))
    document = {**million, "fill_value": 4}
    constant = {"kind": "constant", "shape": [1000, 1000], "dtype": "|u1", "hex": "04"}
    corpus.value("grids/million-chunks", "U7", document, constant, limits={"seconds": 60, "memory_mb": 1024})
    checked = array((2,), "int16", 1, [LITTLE, CRC])
    corpus.value("grids/missing-checked", "U1", checked, np.ones(2, "i2"))


def version_2(corpus):
    """Zarr v2 arrays."""
    data = np.arange(12, dtype="<i4").reshape(3, 4)

    def add(name, elements, files, **more):
        document = {
            "zarr_format": 2,
            "shape": list(np.shape(elements)),
            "chunks": list(np.shape(elements)),
            "dtype": "<i4",
            "compressor": None,
            "fill_value": 0,
            "order": "C",
            "filters": None,
            **more,
        }
        corpus.value("version_2/" + name, "B15", None, elements, {".zarray": json.dumps(document), **files}, tier="other")

    add("plain", data, {"0.0": data.tobytes()})
    add("fortran-order", data, {"0.0": data.tobytes(order="F")}, order="F")
    add("big-endian", data, {"0.0": data.astype(">i4").tobytes()}, dtype=">i4")
    add("zlib", data, {"0.0": zlib.compress(data.tobytes())}, compressor={"id": "zlib", "level": 1})
    add("slash", data, {"0/0": data[:, :2].tobytes(), "0/1": data[:, 2:].tobytes()}, chunks=[3, 2], dimension_separator="/")
    add("missing", np.full((3, 4), 7, "i4"), {}, fill_value=7)
    add("rank-0", np.array(5, "i4"), {"0": (5).to_bytes(4, "little")})
    doubles = np.array([1.5, np.nan], "<f8")
    add("nan-fill", np.full(2, np.nan), {}, dtype="<f8", fill_value="NaN")
    add("float64", doubles, {"0": doubles.tobytes()}, dtype="<f8", fill_value="NaN")
    add("bool", np.array([True, False]), {"0": b"\1\0"}, dtype="|b1", fill_value=False)
    both = {".zarray": "{}", "zarr.json": json.dumps(array((2,))), "c/0": b"\1\0\2\0"}
    corpus.value("version_2/both-versions", "B14", None, np.array([1, 2], "i2"), both)
    bad = {"zarr_format": 2, "shape": [4], "chunks": [4], "dtype": "<i4", "compressor": {"id": "nosuch"}, "fill_value": 0, "order": "C", "filters": None}
    corpus.refuse("version_2/unknown-compressor", "D10", None, {".zarray": json.dumps(bad)}, kind="unsupported", tier="other")
