"""Registered codecs beyond the core, and the numcodecs codecs (checklist T)."""

import gzip
import zlib

import numpy as np

from build import BIG, CRC, LITTLE, PLAIN, array, codec, random

REGISTERED = {"tier": "registered"}
OTHER = {"tier": "other"}
TEN = np.arange(10, dtype="<i4")


def add(corpus):
    """All cases."""
    for part in (packbits, reshape, bitround, cast_value, scale_offset, zfp, blocks, numcodecs):
        part(corpus)


def bits_of(elements, first, last):
    """Packs bits `first` to `last` of each element."""
    unsigned = elements.view("u%d" % elements.dtype.itemsize).astype("u8")
    rows = [[int(value) >> bit & 1 for bit in range(first, last + 1)] for value in unsigned]
    return np.packbits(np.array(rows, "u1").reshape(-1), bitorder="little").tobytes(), -sum(map(len, rows)) % 8


def packbits(corpus):
    """`packbits`: padding, bool, parts of wider integers."""
    values = np.array([1, 0, 0, 1, 1, 1, 0, 1, 1, 0, 1], bool)
    data, padding = bits_of(values.view("u1"), 0, 0)
    for name, stored in {"none": data, "first_byte": bytes([padding]) + data, "last_byte": data + bytes([padding])}.items():
        document = array((11,), "bool", False, [codec("packbits", padding_encoding=name)])
        corpus.value("extra_codecs/packbits-bool-" + name, "T3", document, values, {"c/0": stored}, **REGISTERED)
    document = array((11,), "bool", False, [{"name": "packbits"}])
    corpus.value("extra_codecs/packbits-plain", "T3", document, values, {"c/0": data}, **REGISTERED)
    wide = np.array([0, 8, 120, 64], "<u2")
    stored, _ = bits_of(wide, 3, 6)
    document = array((4,), "uint16", 0, [codec("packbits", first_bit=3, last_bit=6)])
    corpus.value("extra_codecs/packbits-bits", "T4", document, wide, {"c/0": stored}, **REGISTERED)
    signed = np.array([-3, 0, 3, -4], "<i2")
    stored, _ = bits_of(signed, 0, 2)
    document = array((4,), "int16", 0, [codec("packbits", first_bit=0, last_bit=2)])
    corpus.value("extra_codecs/packbits-sign", "T4", document, signed, {"c/0": stored}, **REGISTERED)
    for name, configuration in {
        "last-before-first": {"first_bit": 5, "last_bit": 3},
        "beyond": {"first_bit": 0, "last_bit": 16},
        "negative": {"first_bit": -1, "last_bit": 3},
        "padding": {"padding_encoding": "middle"},
    }.items():
        bad = array((4,), "uint16", 0, [codec("packbits", **configuration)])
        corpus.refuse("extra_codecs/packbits-" + name, "T5 X6", bad, {"c/0": stored}, **REGISTERED)
    document = array((11,), "bool", False, [codec("packbits", padding_encoding="none")])
    corpus.refuse("extra_codecs/packbits-short", "T5 X8", document, {"c/0": data[:1]}, **REGISTERED)
    document = array((4,), "float32", 0, [codec("packbits", first_bit=0, last_bit=63)])
    corpus.refuse("extra_codecs/packbits-float", "T5 X6", document, kinds=["invalid", "unsupported"], **REGISTERED)


def reshape(corpus):
    """The `reshape` codec."""
    elements = random("reshape", "i2", (2, 3, 4))
    stored = {"c/0/0/0": elements.tobytes()}
    for name, shape in {"sizes": [6, 4], "groups": [[0, 1], 4], "rest": [-1, [2]], "one": [24], "split": [2, 3, 2, 2], "same": [[0], [1], [2]]}.items():
        document = array((2, 3, 4), "int16", 0, [codec("reshape", shape=shape), LITTLE])
        corpus.value("extra_codecs/reshape-" + name, "T6", document, elements, stored, **REGISTERED)
    turned = array((2, 3, 4), "int16", 0, [codec("reshape", shape=[[0, 1], [2]]), codec("transpose", order=[1, 0]), LITTLE])
    files = {"c/0/0/0": np.ascontiguousarray(elements.reshape(6, 4).T).tobytes()}
    corpus.value("extra_codecs/reshape-transpose", "T6", turned, elements, files, **REGISTERED)
    for name, shape in {"product": [5, 5], "two-rests": [-1, -1], "order": [[2], [0, 1]], "zero": [0, 24], "beyond": [[0, 1, 2, 3]], "negative": [-2, 12], "fraction": [2.5], "string": "24"}.items():
        document = array((2, 3, 4), "int16", 0, [codec("reshape", shape=shape), LITTLE])
        corpus.refuse("extra_codecs/reshape-" + name, "T6 X6", document, stored, **REGISTERED)


def bitround(corpus):
    """`bitround`: a read returns the stored bits."""
    floats = np.array([1.5, 2.25, -3.0], "<f4")
    for name, tier in (("bitround", REGISTERED), ("numcodecs.bitround", OTHER)):
        document = array((3,), "float32", 0, [codec(name, keepbits=5), LITTLE])
        corpus.value("extra_codecs/" + name, "T7", document, floats, {"c/0": floats.tobytes()}, **tier)
    integers = np.array([8, 16, -24], "<i4")
    document = array((3,), "int32", 0, [codec("bitround", keepbits=3), LITTLE])
    corpus.value("extra_codecs/bitround-integers", "T7", document, integers, {"c/0": integers.tobytes()}, **REGISTERED)
    corpus.refuse("extra_codecs/bitround-no-keepbits", "T7 X6", array((3,), "float32", 0, [{"name": "bitround", "configuration": {}}, LITTLE]), **REGISTERED)


def cast_value(corpus):
    """The `cast_value` codec."""
    stored = np.array([0, 1, 200, 255], "u1")

    def document(data_type="float64", fill_value=0, **more):
        return array((4,), data_type, fill_value, [codec("cast_value", data_type="uint8", **more), PLAIN])

    files = {"c/0": stored.tobytes()}
    corpus.value("extra_codecs/cast_value", "T8", document(), stored.astype("<f8"), files, **REGISTERED)
    corpus.value("extra_codecs/cast_value-rounding", "T8", document(rounding="towards-zero", out_of_range="clamp"), stored.astype("<f8"), files, **REGISTERED)
    corpus.value("extra_codecs/cast_value-integers", "T8", document("int32"), stored.astype("<i4"), files, **REGISTERED)
    mapped = document(fill_value="NaN", scalar_map={"encode": [["NaN", 255]], "decode": [[255, "NaN"]]})
    corpus.value("extra_codecs/cast_value-map", "T8", mapped, np.array([0, 1, 200, np.nan]), files, **REGISTERED)
    corpus.value("extra_codecs/cast_value-fill", "T8 U1", document(fill_value=7), np.full(4, 7.0), **REGISTERED)
    for name, bad in {
        "more": document(more=1),
        "rounding-other": document(rounding="up"),
        "range-other": document(out_of_range="ignore"),
        "fill-out-of-range": document(fill_value=300),
        "fill-rounded": document(fill_value=0.5),
        "map-list": document(scalar_map=[]),
    }.items():
        corpus.refuse("extra_codecs/cast_value-" + name, "T8 X6 L7", bad, files, **REGISTERED)
    no_type = array((4,), "float64", 0, [{"name": "cast_value", "configuration": {}}, PLAIN])
    corpus.refuse("extra_codecs/cast_value-no-type", "T8 X6", no_type, files, **REGISTERED)
    narrow = array((2,), "int8", 0, [codec("cast_value", data_type="int16"), LITTLE])
    corpus.refuse("extra_codecs/cast_value-undecodable", "T8 X8", narrow, {"c/0": np.array([1, 300], "<i2").tobytes()}, **REGISTERED)


def scale_offset(corpus):
    """The `scale_offset` codec."""
    stored = np.array([0, 10, -20, 30], "<f4")
    for name, configuration, expected in (
        ("both", {"offset": 5, "scale": 10}, stored / 10 + 5),
        ("scale", {"scale": 2}, stored / 2),
        ("offset", {"offset": 1.5}, stored + np.float32(1.5)),
    ):
        document = array((4,), "float32", configuration.get("offset", 0), [codec("scale_offset", **configuration), LITTLE])
        corpus.value("extra_codecs/scale_offset-" + name, "T9", document, expected.astype("<f4"), {"c/0": stored.tobytes()}, **REGISTERED)
    document = array((4,), "float32", 0, [{"name": "scale_offset"}, LITTLE])
    corpus.value("extra_codecs/scale_offset-plain", "T9", document, stored, {"c/0": stored.tobytes()}, **REGISTERED)
    integers = np.array([0, 10, -20], "<i4")
    document = array((3,), "int32", 5, [codec("scale_offset", offset=5, scale=10), LITTLE])
    corpus.value("extra_codecs/scale_offset-integers", "T9", document, integers // 10 + 5, {"c/0": integers.tobytes()}, **REGISTERED)
    corpus.refuse("extra_codecs/scale_offset-remainder", "T9 X8", document, {"c/0": (integers + 3).tobytes()}, **REGISTERED)
    for name, configuration in {"more": {"offset": 1, "scale": 1, "more": 1}, "string": {"offset": "a"}, "zero-scale": {"scale": 0}}.items():
        bad = array((4,), "int32", 0, [codec("scale_offset", **configuration), LITTLE])
        corpus.refuse("extra_codecs/scale_offset-" + name, "T9 X6", bad, {"c/0": bytes(16)}, **REGISTERED)


def zfp(corpus):
    """`zfp` as written by zarrs; lossless, so the elements are known."""
    for data_type, shape in (("float32", (9,)), ("float64", (5, 6)), ("int32", (4, 5)), ("int64", (3, 4, 5)), ("float64", (2, 3, 2, 3))):
        name = "extra_codecs/zfp-%s-%d" % (data_type, len(shape))
        kind = np.dtype(data_type)
        elements = (np.arange(np.prod(shape)) * 37 % 101).astype(kind).reshape(shape) - kind.type(20)
        document = array(shape, data_type, 0, [codec("zfp", mode="reversible")])
        corpus.written(name, "T10", document, elements, ["zarrs"], **REGISTERED)
    for name, configuration in {"mode": {"mode": "lossless"}, "no-mode": {"tolerance": 1}, "rate-string": {"mode": "fixed_rate", "rate": "8"}, "no-rate": {"mode": "fixed_rate"}}.items():
        bad = array((8,), "float32", 0, [codec("zfp", **configuration)])
        corpus.refuse("extra_codecs/zfp-" + name, "T10 X6", bad, {"c/0": bytes(16)}, kinds=["invalid", "unsupported"], **REGISTERED)
    rank = array((2, 2, 2, 2, 2), "float32", 0, [codec("zfp", mode="reversible")])
    corpus.refuse("extra_codecs/zfp-rank-5", "T10 X6", rank, kinds=["invalid", "unsupported"], **REGISTERED)
    small = array((8,), "uint8", 0, [codec("zfp", mode="reversible")])
    corpus.add("extra_codecs/zfp-uint8", "T10", "safe", small, **REGISTERED)


def blocks(corpus):
    """`n5_default`: a big-endian header, transposed axes, and big-endian elements."""
    turned = codec("transpose", order=[1, 0])
    elements = random("n5", "i2", (3, 2))
    header = bytes([0, 0, 0, 2]) + (3).to_bytes(4, "big") + (2).to_bytes(4, "big")
    body = np.ascontiguousarray(elements.T).astype(">i2").tobytes()
    document = array((3, 2), "int16", 0, [codec("n5_default", codecs=[turned, BIG])])
    corpus.value("extra_codecs/n5_default", "T12", document, elements, {"c/0/0": header + body}, **REGISTERED)
    packed = array((3, 2), "int16", 0, [codec("n5_default", codecs=[turned, BIG, codec("gzip", level=1)])])


    corpus.value("extra_codecs/n5_default-gzip", "T12", packed, elements, {"c/0/0": header + gzip.compress(body, mtime=0)}, **REGISTERED)
    corpus.refuse("extra_codecs/n5_default-cut", "T12 X8", document, {"c/0/0": header[:-1]}, **REGISTERED)
    corpus.refuse("extra_codecs/n5_default-mode", "T12 X8", document, {"c/0/0": b"\0\7" + header[2:] + body}, kinds=["invalid", "unsupported"], **REGISTERED)
    corpus.refuse("extra_codecs/n5_default-no-turn", "T12 X6", array((3, 2), "int16", 0, [codec("n5_default", codecs=[BIG])]), kinds=["invalid", "unsupported"], **REGISTERED)


def numcodecs(corpus):
    """`numcodecs.*` as written by zarr-python."""
    for name, configuration in {
        "zlib": {"level": 1},
        "bz2": {"level": 1},
        "lz4": {"acceleration": 1},
        "lzma": {"preset": 1, "format": 1, "check": -1, "filters": None},
        "gzip": {"level": 1},
        "zstd": {"level": 1, "checksum": False},
        "blosc": {"cname": "lz4", "clevel": 5, "shuffle": 1, "blocksize": 0},
        "adler32": {"location": "start"},
        "crc32": {"location": "start"},
        "fletcher32": {},
        "jenkins_lookup3": {"initval": 0, "prefix": None},
        "shuffle": {"elementsize": 4},
    }.items():
        rules = "T14" if name in ("adler32", "crc32", "fletcher32", "jenkins_lookup3") else "T13"
        document = array((10,), "int32", 0, [LITTLE, {"name": "numcodecs." + name, "configuration": configuration}])
        corpus.written("extra_codecs/numcodecs-" + name, rules, document, TEN, ["zarr-python"], **OTHER)
    floats = np.arange(10, dtype="<f8")
    for name, configuration, elements, data_type in (
        ("delta", {"dtype": "<i4"}, TEN, "int32"),
        ("fixedscaleoffset", {"offset": 0, "scale": 10, "dtype": "<f8", "astype": "<i2"}, floats, "float64"),
        ("astype", {"encode_dtype": "<i2", "decode_dtype": "<f8"}, floats, "float64"),
        ("quantize", {"digits": 2, "dtype": "<f8"}, floats, "float64"),
        ("packbits", {}, np.array([True, False, True, True] * 4), "bool"),
    ):
        fill = False if data_type == "bool" else 0
        last = PLAIN if data_type == "bool" else LITTLE
        document = array(elements.shape, data_type, fill, [{"name": "numcodecs." + name, "configuration": configuration}, last])
        corpus.written("extra_codecs/numcodecs-" + name, "T15 T17", document, elements, ["zarr-python"], **OTHER)
    document = array((10,), "int32", 0, [codec("numcodecs.pcodec", level=8, mode_spec="auto", delta_spec="auto", paging_spec="equal_pages_up_to", delta_encoding_order=None, equal_pages_up_to=262144)])
    corpus.written("extra_codecs/numcodecs-pcodec", "T15", document, TEN, ["zarr-python"], **OTHER)
    packed = zlib.compress(TEN.tobytes())
    for name in ("zlib", "bz2", "lz4", "lzma"):
        document = array((10,), "int32", 0, [LITTLE, codec(name, level=1)])
        files = {"c/0": packed} if name == "zlib" else {}
        corpus.add("extra_codecs/unprefixed-" + name, "T16", "safe", document, files, **OTHER)
    checked = array((10,), "int32", 0, [LITTLE, codec("numcodecs.crc32", location="start"), CRC])
    corpus.written("extra_codecs/numcodecs-crc32-crc32c", "T14", checked, TEN, ["zarr-python"], **OTHER)
    damaged = array((10,), "int32", 0, [LITTLE, codec("numcodecs.crc32", location="start")])
    files = {"c/0": (zlib.crc32(TEN.tobytes()) ^ 1).to_bytes(4, "little") + TEN.tobytes()}
    corpus.refuse("extra_codecs/numcodecs-crc32-damaged", "T14 X8", damaged, files, **OTHER)
