"""Registered and de-facto data types (checklist I)."""

import base64
import json
import struct

import ml_dtypes
import numpy as np

from build import BIG, LITTLE, PLAIN, array, codec, random, shard

REGISTERED = {"tier": "registered"}
OTHER = {"tier": "other"}


def add(corpus):
    """All cases."""
    for part in (strings, byte_strings, utf32, times, narrow_floats, narrow_integers, complexes, structs, raw_bytes, optional):
        part(corpus)


def vlen(items):
    """`vlen-utf8` and `vlen-bytes`: a count, then each size and its bytes."""
    return struct.pack("<I", len(items)) + b"".join(struct.pack("<I", len(item)) + item for item in items)


def strings(corpus):
    """The data type `string`."""
    utf8 = {"name": "vlen-utf8"}
    words = ["", "a", "\u00e9\u0301", "\U0001f600 \u6f22", "a\0b", "x" * 300]

    def expected(data, shape=None, kind="string"):
        return {"kind": kind, "shape": list(shape or (len(data),)), "data": data}

    def document(shape=(6,), fill_value="", codecs=(utf8,), **more):
        return array(shape, "string", fill_value, codecs, **more)

    chunk = {"c/0": vlen([w.encode() for w in words])}
    corpus.value("registered/string", "I1 I2 T1", document(), expected(words), chunk, **REGISTERED)
    for name, fill in {"empty": "", "text": "fill", "nul": "a\0", "astral": "\U0001f600", "quotes": '"\\/', "nan": "NaN", "hex": "0x00"}.items():
        corpus.value("registered/string-fill-" + name, "I1 U1", document((2,), fill), expected([fill] * 2), **REGISTERED)
    for name, fill in {"null": None, "number": 0, "list": [], "true": True}.items():
        corpus.refuse("registered/string-fill-" + name, "I1 X7", document((2,), fill), **REGISTERED)
    surrogate = document((2,), "?")
    corpus.refuse("registered/string-fill-surrogate", "I4 A7", json.dumps(surrogate).replace('"?"', '"\\ud800"'), **REGISTERED)
    corpus.value("registered/string-rank-0", "I2", document((), "f"), expected(["abc"], []) | {"shape": []}, {"c": vlen([b"abc"])}, **REGISTERED)
    corpus.value("registered/string-none", "I2 U5", document((0,), "f", chunks=(2,)), {"kind": "string", "shape": [0], "data": []}, **REGISTERED)
    packed = np.array(words, dtype=object)
    for name, codecs in {"zstd": [utf8, codec("zstd", level=1, checksum=False)], "gzip": [utf8, codec("gzip", level=1)], "sharded": [shard([2], [utf8])]}.items():
        only = ["zarr-python"]
        rules = "I1 T1 S25" if name == "sharded" else "I1 T1"
        corpus.written("registered/string-" + name, rules, document(codecs=codecs), packed, only, expected=expected(words), **REGISTERED)
    square = np.array(words, dtype=object).reshape(2, 3)
    turned = document((2, 3), codecs=[codec("transpose", order=[1, 0]), utf8], chunks=(2, 2))
    corpus.written("registered/string-transpose", "I1 N1", turned, square, ["zarr-python"], expected=expected(words, (2, 3)), **REGISTERED)
    good = vlen([b"a", b"bc"])
    two = document((2,))
    for name, data in {
        "utf-8": vlen([b"a", b"\xff\xfe"]),
        "overlong": vlen([b"a", b"\xc0\xaf"]),
        "surrogate": vlen([b"a", b"\xed\xa0\x80"]),
    }.items():
        corpus.refuse("registered/string-damaged-" + name, "I3 X8", two, {"c/0": data}, **REGISTERED)
    for name, data in {
        "count-less": struct.pack("<I", 1) + good[4:],
        "count-more": struct.pack("<I", 3) + good[4:],
        "overrun": good[:4] + struct.pack("<I", 50) + good[8:],
        "cut": good[:-1],
        "cut-size": good[:10],
        "empty": b"",
        "cut-count": good[:3],
    }.items():
        corpus.refuse("registered/string-damaged-" + name, "T2 X8", two, {"c/0": data}, kinds=["invalid", "limit"], **REGISTERED)
    corpus.add("registered/string-trailing", "T2", "safe", two, {"c/0": good + b"more"}, **REGISTERED)
    corpus.refuse("registered/string-as-bytes", "T1 X6", document(codecs=[LITTLE]), kinds=["invalid", "unsupported"], **REGISTERED)


def byte_strings(corpus):
    """The data type `bytes` and its alias."""
    items = [b"", b"\0", b"\xff\xfe", b"abc", bytes(range(256))]
    data = {"kind": "bytes", "shape": [5], "data": [item.hex() for item in items]}
    codecs = [{"name": "vlen-bytes"}]
    corpus.value("registered/bytes", "I5 T1", array((5,), "bytes", "", codecs), data, {"c/0": vlen(items)}, **REGISTERED)
    alias = array((5,), "variable_length_bytes", "", codecs)
    corpus.value("registered/bytes-alias", "I6", alias, data, {"c/0": vlen(items)}, **OTHER)
    for name, fill in {"base64": "/wBh", "list": [255, 0, 97]}.items():
        expected = {"kind": "bytes", "shape": [2], "data": ["ff0061"] * 2}
        corpus.value("registered/bytes-fill-" + name, "I5 U1", array((2,), "bytes", fill, codecs), expected, **REGISTERED)
    for name, fill in {"null": None, "number": 1, "beyond": [256], "negative": [-1], "not-base64": "*", "padding": "/w"}.items():
        corpus.refuse("registered/bytes-fill-" + name, "I5 X7", array((2,), "bytes", fill, codecs), **REGISTERED)


def utf32(corpus):
    """The data type `fixed_length_utf32`."""

    def document(size=16, fill_value="", codecs=(LITTLE,)):
        return array((3,), codec("fixed_length_utf32", length_bytes=size), fill_value, codecs)

    texts = np.array(["abcd", "\U0001f600", ""], "<U4")
    for name, bytes_codec, order in (("little", LITTLE, "<"), ("big", BIG, ">")):
        stored = texts.astype(order + "U4").tobytes()
        corpus.value("registered/utf32-" + name, "I7", document(codecs=[bytes_codec]), texts, {"c/0": stored}, **REGISTERED)
    corpus.value("registered/utf32-fill", "I7 U1", document(fill_value="\u00e9f"), np.array(["\u00e9f"] * 3, "<U4"), **REGISTERED)
    corpus.written("registered/utf32-zstd", "I7", document(codecs=[LITTLE, codec("zstd", level=1, checksum=False)]), texts, ["zarr-python"], **REGISTERED)
    for name, size in {"0": 0, "6": 6, "negative": -4, "fraction": 4.5, "string": "16"}.items():
        corpus.refuse("registered/utf32-length-" + name, "I7", document(size), **REGISTERED)
    corpus.refuse("registered/utf32-no-endian", "I7 M2", document(codecs=[PLAIN]), **REGISTERED)
    corpus.refuse("registered/utf32-fill-long", "I8 X7", document(4, "ab"), **REGISTERED)
    corpus.refuse("registered/utf32-fill-number", "I7 X7", document(4, 1), **REGISTERED)
    for name, point in {"beyond": 0x110000, "surrogate": 0xD800, "greatest": 0xFFFFFFFF}.items():
        stored = struct.pack("<I", point) + bytes(44)
        corpus.add("registered/utf32-code-point-" + name, "I9", "safe", document(), {"c/0": stored}, **REGISTERED)


def times(corpus):
    """The data types `numpy.datetime64` and `numpy.timedelta64`."""
    values = np.array([0, -1, 2**62, -(2**63)], "<i8")
    for kind, letter in (("datetime64", "M"), ("timedelta64", "m")):
        for unit in ("Y", "M", "W", "D", "h", "m", "s", "ms", "us", "\u03bcs", "ns", "ps", "fs", "as", "generic"):
            name = "registered/%s-%s" % (kind, {"\u03bcs": "micro", "M": "month"}.get(unit, unit))
            data_type = codec("numpy." + kind, unit=unit, scale_factor=1)
            plain = unit.replace("\u03bc", "u")
            elements = values.view("<%s8" % letter if unit == "generic" else "<%s8[%s]" % (letter, plain))
            document = array((4,), data_type, 0, [LITTLE])
            corpus.value(name, "I10", document, elements, {"c/0": values.tobytes()}, **REGISTERED)
        data_type = codec("numpy." + kind, unit="s", scale_factor=10)
        dtype = "<%s8[10s]" % letter
        document = array((2,), data_type, "NaT", [BIG])
        corpus.value("registered/%s-nat" % kind, "I11 U1", document, np.array(["NaT"] * 2, dtype), **REGISTERED)
        document = array((2,), data_type, -(2**63), [BIG])
        corpus.value("registered/%s-nat-number" % kind, "I11 U1", document, np.array(["NaT"] * 2, dtype), **REGISTERED)
        document = array((4,), data_type, 5, [BIG])
        stored = {"c/0": values.astype(">i8").tobytes()}
        corpus.value("registered/%s-10s-big" % kind, "I10", document, values.view(dtype), stored, **REGISTERED)
        for name, configuration in {
            "unit": {"unit": "min", "scale_factor": 1},
            "scale-0": {"unit": "s", "scale_factor": 0},
            "scale-2^31": {"unit": "s", "scale_factor": 2**31},
            "no-unit": {"scale_factor": 1},
            "more": {"unit": "s", "scale_factor": 1, "more": 1},
        }.items():
            bad = array((2,), codec("numpy." + kind, **configuration), 0)
            corpus.refuse("registered/%s-%s" % (kind, name), "I12 X6", bad, **REGISTERED)
        for name, fill in {"fraction": 1.5, "iso": "2024-01-01", "beyond": 2**63, "null": None}.items():
            corpus.refuse("registered/%s-fill-%s" % (kind, name), "I12 X7", array((2,), data_type, fill), **REGISTERED)


def narrow_floats(corpus):
    """bfloat16, and floats of 8, 6 and 4 bits."""
    for name, codecs, order in (("little", [LITTLE], "<"), ("big", [BIG], ">")):
        bits = np.array([0x3F80, 0x7FC0, 0x8000, 0xFF80, 0x0001], "u2")
        stored = {"c/0": bits.astype(order + "u2").tobytes()}
        corpus.value("registered/bfloat16-" + name, "I13", array((5,), "bfloat16", 0, codecs), bits.astype("<u2"), stored, **REGISTERED)
    bfloat = {"nan": ('"NaN"', 0x7FC0), "infinity": ('"Infinity"', 0x7F80), "number": ("1.5", 0x3FC0), "tenth": ("0.1", 0x3DCD), "hex": ('"0x7fc1"', 0x7FC1), "minus-zero": ("-0.0", 0x8000)}
    for name, (fill, bits) in bfloat.items():
        filled(corpus, "bfloat16-" + name, "I13 U1", "bfloat16", fill, np.full(2, bits, "<u2"), [LITTLE])
    # The NaN bit patterns come from the registry's pages.
    nans = {
        "float8_e3m4": 0x78,
        "float8_e4m3": 0x7C,
        "float8_e4m3b11fnuz": 0x80,
        "float8_e4m3fnuz": 0x80,
        "float8_e5m2": 0x7E,
        "float8_e5m2fnuz": 0x80,
        "float8_e8m0fnu": 0xFF,
    }
    for data_type, nan in nans.items():
        dtype = np.dtype(getattr(ml_dtypes, data_type))
        every = np.arange(256, dtype="u1")
        zero = 0 if data_type != "float8_e8m0fnu" else 1
        document = array((256,), data_type, zero, [PLAIN])
        corpus.value("registered/" + data_type, "I14 I15", document, every, {"c/0": every.tobytes()}, **REGISTERED)
        filled(corpus, data_type + "-nan", "I16 U1", data_type, '"NaN"', np.full(2, nan, "u1"))
        filled(corpus, data_type + "-hex", "I16 H7", data_type, '"0x21"', np.full(2, 0x21, "u1"))
        for value in ("1.0", "0.25", "2") + (("0.3", "-1.5") if zero == 0 else ()):
            bits = np.full(2, float(value)).astype(dtype).view("u1")
            filled(corpus, "%s-%s" % (data_type, value), "I17 U1", data_type, value, bits)
        if data_type.endswith(("fnuz", "fnu")):
            corpus.refuse("registered/%s-infinity" % data_type, "I18 X7", array((2,), data_type, "Infinity", [PLAIN]), **REGISTERED)
        else:
            bits = np.full(2, np.inf).astype(dtype).view("u1")
            filled(corpus, data_type + "-infinity", "I16 U1", data_type, '"Infinity"', bits)
    for data_type, bits in (("float6_e2m3fn", 6), ("float6_e3m2fn", 6), ("float4_e2m1fn", 4)):
        every = np.arange(1 << bits, dtype="u1")
        document = array((1 << bits,), data_type, 0, [PLAIN])
        corpus.value("registered/" + data_type, "I19", document, every, {"c/0": every.tobytes()}, **REGISTERED)
        corpus.refuse("registered/%s-nan" % data_type, "I18 X7", array((2,), data_type, "NaN", [PLAIN]), **REGISTERED)


def filled(corpus, name, rules, data_type, fill, elements, codecs=(PLAIN,), **more):
    """An array of two fill values, given as JSON text."""
    document = json.dumps(array((2,), data_type, "?", codecs)).replace('"?"', fill)
    corpus.value("registered/" + name, rules, document, elements, **{**REGISTERED, **more})


def narrow_integers(corpus):
    """int2 to uint4, one byte per element."""
    for bits in (2, 4):
        half = 1 << bits - 1
        signed = np.arange(-half, half, dtype="i1")
        unsigned = np.arange(2 * half, dtype="u1")
        for data_type, elements in (("int%d" % bits, signed), ("uint%d" % bits, unsigned)):
            document = array((2 * half,), data_type, 0, [PLAIN])
            stored = {"c/0": elements.tobytes()}
            corpus.value("registered/%s-bytes" % data_type, "I20", document, elements, stored, **REGISTERED)
            least, greatest = int(elements.min()), int(elements.max())
            for name, value in {"least": least, "greatest": greatest}.items():
                filled(corpus, "%s-fill-%s" % (data_type, name), "I20 U1", data_type, str(value), np.full(2, value, elements.dtype))
            for value in (least - 1, greatest + 1):
                bad = array((2,), data_type, value, [PLAIN])
                corpus.refuse("registered/%s-fill-%d" % (data_type, value), "I20 X7", bad, **REGISTERED)
            packed = np.unpackbits((elements.view("u1") & (2 * half - 1))[:, None], axis=1, bitorder="little")[:, :bits]
            stored = {"c/0": np.packbits(packed.reshape(-1), bitorder="little").tobytes()}
            document = array((2 * half,), data_type, 0, [codec("packbits", padding_encoding="none")])
            corpus.value("registered/%s-packbits" % data_type, "I20 T3", document, elements, stored, **REGISTERED)
    upper = np.array([0xF1, 0x0F, 0x87, 0x78], "u1")
    expected = np.array([1, -1, 7, -8], "i1")
    corpus.value("registered/int4-upper-bits", "I21", array((4,), "int4", 0, [PLAIN]), expected, {"c/0": upper.tobytes()}, **REGISTERED)


def complexes(corpus):
    """Complex numbers over registered floats."""
    for data_type, half, rules in (("complex_float32", "f4", "I22"), ("complex_float64", "f8", "I22")):
        elements = random(data_type, "c%d" % (2 * int(half[1])), (3,))
        document = array((3,), data_type, [0, 0], [LITTLE])
        corpus.value("registered/" + data_type, rules, document, elements, {"c/0": elements.tobytes()}, **REGISTERED)
        stored = elements.astype(elements.dtype.newbyteorder(">")).tobytes()
        document = array((3,), data_type, [0, 0], [BIG])
        corpus.value("registered/%s-big" % data_type, "I22 G6", document, elements, {"c/0": stored}, **REGISTERED)
    for data_type in ("complex_float16", "complex_bfloat16"):
        pairs = random(data_type, "u2", (3, 2))
        document = array((3,), data_type, [0, 0], [LITTLE])
        expected = np.ascontiguousarray(pairs).view("<u4").reshape(3)
        corpus.value("registered/" + data_type, "I22", document, expected, {"c/0": pairs.tobytes()}, **REGISTERED)
        document = array((3,), data_type, [0, 0], [BIG])
        corpus.value("registered/%s-big" % data_type, "I22", document, expected, {"c/0": pairs.astype(">u2").tobytes()}, **REGISTERED)
    pairs = random("e4m3", "u1", (3, 2))
    document = array((3,), "complex_float8_e4m3", [0, 0], [PLAIN])
    corpus.value("registered/complex_float8_e4m3", "I22", document, pairs.view("<u2").reshape(3), {"c/0": pairs.tobytes()}, **REGISTERED)


def structs(corpus):
    """`struct`, and `structured` as written by zarr-python."""
    fields = [{"name": "a", "data_type": "int16"}, {"name": "b", "data_type": "float64"}, {"name": "c", "data_type": "bool"}]

    def of(fields):
        return codec("struct", fields=fields)

    dtype = np.dtype([("a", "<i2"), ("b", "<f8"), ("c", "?")])
    zero = {"a": 0, "b": 0.0, "c": False}
    elements = np.array([(1, 2.5, True), (-3, np.inf, False), (0, 0, False)], dtype)
    big = np.dtype([("a", ">i2"), ("b", ">f8"), ("c", "?")])
    corpus.value("registered/struct-little", "I23", array((3,), of(fields), zero), elements, {"c/0": elements.tobytes()}, **REGISTERED)
    stored = {"c/0": elements.astype(big).tobytes()}
    corpus.value("registered/struct-big", "I23", array((3,), of(fields), zero, [BIG]), elements, stored, **REGISTERED)
    filled_with = {"a": -7, "b": "NaN", "c": True}
    expected = np.array([(-7, np.nan, True)] * 2, dtype)
    corpus.value("registered/struct-fill", "I23 U1", array((2,), of(fields), filled_with), expected, **REGISTERED)
    nested = of([{"name": "x", "data_type": "uint8"}, {"name": "y", "data_type": of(fields[:2])}])
    inner = np.dtype([("x", "u1"), ("y", [("a", "<i2"), ("b", "<f8")])])
    elements = np.array([(1, (2, 3.5)), (4, (-5, 6.5))], inner)
    document = array((2,), nested, {"x": 0, "y": {"a": 0, "b": 0}})
    corpus.value("registered/struct-nested", "I23", document, elements, {"c/0": elements.tobytes()}, **REGISTERED)
    for name, bad in {
        "twice": [fields[0], fields[0]],
        "empty-name": [{"name": "", "data_type": "int16"}],
        "no-name": [{"data_type": "int16"}],
        "no-fields": [],
        "string": [{"name": "s", "data_type": "string"}],
        "no-type": [{"name": "a"}],
    }.items():
        fill = {field.get("name", "a"): 0 for field in bad}
        corpus.refuse("registered/struct-" + name, "I24 X6", array((2,), of(bad), fill), kinds=["invalid", "unsupported"], **REGISTERED)
    for name, fill in {"missing": {"a": 0}, "more": {**zero, "d": 0}, "range": {**zero, "a": 2**15}, "null": None, "number": 0}.items():
        corpus.refuse("registered/struct-fill-" + name, "I24 X7", array((2,), of(fields), fill), **REGISTERED)
    corpus.refuse("registered/struct-no-endian", "I24 M2", array((2,), of(fields), zero, [PLAIN]), **REGISTERED)
    old = codec("structured", fields=[["a", "int16"], ["b", "float64"]])
    dtype = np.dtype([("a", "<i2"), ("b", "<f8")])
    elements = np.array([(1, 2.5), (-3, 4.5)], dtype)
    fill = base64.b64encode(np.array((7, 0.5), dtype).tobytes()).decode()
    corpus.value("registered/structured", "I25", array((2,), old, fill), elements, {"c/0": elements.tobytes()}, **OTHER)
    corpus.value("registered/structured-fill", "I25 U1", array((2,), old, fill), np.array([(7, 0.5)] * 2, dtype), **OTHER)


def raw_bytes(corpus):
    """`null_terminated_bytes` and `raw_bytes` as written by zarr-python."""
    texts = np.array([b"abc", b"", b"\xffz"], "S3")
    document = array((3,), codec("null_terminated_bytes", length_bytes=3), "", [PLAIN])
    corpus.value("registered/null_terminated_bytes", "I28", document, texts, {"c/0": texts.tobytes()}, **OTHER)
    document = array((2,), codec("null_terminated_bytes", length_bytes=3), "YWI=", [PLAIN])
    corpus.value("registered/null_terminated_bytes-fill", "I28 U1", document, np.array([b"ab"] * 2, "S3"), **OTHER)
    raw = np.frombuffer(b"abc\0\xff\0", "V3")
    document = array((2,), codec("raw_bytes", length_bytes=3), "AAAA", [PLAIN])
    corpus.value("registered/raw_bytes", "I28", document, raw, {"c/0": raw.tobytes()}, **OTHER)
    document = array((2,), codec("raw_bytes", length_bytes=3), "AQID", [PLAIN])
    corpus.value("registered/raw_bytes-fill", "I28 H15 U1", document, np.frombuffer(b"\1\2\3" * 2, "V3"), **OTHER)
    document = array((2,), "r24", "AQID", [PLAIN])
    corpus.add("registered/r24-base64-fill", "H15", "either", document, None, np.frombuffer(b"\1\2\3" * 2, "V3"), **OTHER)


def optional(corpus):
    """`optional`: a mask and the data, each preceded by its size; a null fill value is a missing
    element.
    """
    data_type = {"name": "optional", "configuration": {"name": "uint8", "configuration": {}}}
    masked = codec("optional", mask_codecs=[codec("packbits")], data_codecs=[PLAIN])
    document = array((4,), data_type, None, [masked])
    expected = {"kind": "optional", "shape": [4], "data": [None] * 4}
    corpus.add("registered/optional-fill", "I29", "either", document, None, expected, tier="registered")

