"""Fill values of core data types: arrays without chunks (checklist H)."""

import numpy as np

from build import LITTLE, array, text

FLOATS = {"float16": (2, "0x7e00"), "float32": (4, "0x7fc00000"), "float64": (8, "0x7ff8000000000000")}


def add(corpus):
    """All cases."""
    integers(corpus)
    floats(corpus)
    others(corpus)


def fill(corpus, name, rules, data_type, value, bits, size, **more):
    """An array of two fill values, with their bits given as an unsigned integer."""
    elements = np.frombuffer(int(bits).to_bytes(size, "little") * 2, dtype_of(data_type))
    document = array((2,), data_type, codecs=[LITTLE])
    document = text(document).replace('"fill_value": 0', '"fill_value": ' + value)
    corpus.value("fill_values/%s-%s" % (data_type, name), rules, document, elements, **more)


def dtype_of(data_type):
    """The NumPy type in little-endian order."""
    return np.dtype(data_type).newbyteorder("<")


def refuse(corpus, name, rules, data_type, value):
    """A fill value that is invalid for its data type."""
    document = text(array((2,), data_type, codecs=[LITTLE])).replace('"fill_value": 0', '"fill_value": ' + value)
    corpus.refuse("fill_values/%s-%s" % (data_type, name), rules, document)


def integers(corpus):
    """Integers of all sizes."""
    for bits in (8, 16, 32, 64):
        size, half = bits // 8, 2 ** (bits - 1)
        for name, value in {"least": -half, "greatest": half - 1, "minus-one": -1}.items():
            fill(corpus, name, "H2 U1", "int%d" % bits, str(value), value % (2 * half), size)
        fill(corpus, "greatest", "H2 U1", "uint%d" % bits, str(2 * half - 1), 2 * half - 1, size)
        for data_type, value in (("int", -half - 1), ("int", half), ("uint", -1), ("uint", 2 * half)):
            refuse(corpus, "beyond-%d" % value, "H2 X7", "%s%d" % (data_type, bits), str(value))
    for name, value in {"fraction": "1.5", "string": '"1"', "null": "null", "list": "[1]", "true": "true", "nan": '"NaN"', "hex": '"0x01"'}.items():
        refuse(corpus, name, "H2 X7", "int32", value)
    for name, value in {"5.0": "5.0", "1e2": "1e2"}.items():
        corpus.add("fill_values/int32-" + name, "A11 H2", "safe", text(array((2,), "int32")).replace('"fill_value": 0', '"fill_value": ' + value))


def floats(corpus):
    """Floats: numbers, names, bits."""
    for data_type, (size, nan) in FLOATS.items():
        dtype = np.dtype("f%d" % size)
        unsigned = np.dtype("u%d" % size)
        quiet = int(nan, 16)
        top = 1 << (8 * size - 1)
        infinity = int(np.array(np.inf, dtype).view(unsigned))

        def of_number(value, dtype=dtype, unsigned=unsigned):
            return int(np.array(value, dtype).view(unsigned))

        numbers = {"zero": "0", "half": "0.5", "integer": "3", "tenth": "0.1", "negative": "-2.25", "exponent": "1e-3", "capital-exponent": "1E2"}
        for name, value in numbers.items():
            fill(corpus, name, "H3 U1", data_type, value, of_number(float(value)), size)
        fill(corpus, "least-subnormal", "H3", data_type, repr(float(np.finfo(dtype).smallest_subnormal)), 1, size)
        fill(corpus, "greatest", "H3", data_type, repr(float(np.finfo(dtype).max)), infinity - 1, size)
        fill(corpus, "minus-zero", "H9", data_type, "-0.0", top, size)
        fill(corpus, "nan", "H5", data_type, '"NaN"', quiet, size)
        fill(corpus, "infinity", "H6", data_type, '"Infinity"', infinity, size)
        fill(corpus, "minus-infinity", "H6", data_type, '"-Infinity"', infinity | top, size)
        digits = 2 * size
        patterns = {
            "one": of_number(1),
            "nan": quiet,
            "payload": quiet | 1,
            "negative-nan": quiet | top,
            "signalling-nan": infinity | 1,
            "subnormal": 1,
            "minus-zero": top,
        }
        for name, bits in patterns.items():
            rules = "H7 H8 U1" if "nan" in name or name == "payload" else "H7 U1"
            fill(corpus, "bits-" + name, rules, data_type, '"0x%0*x"' % (digits, bits), bits, size)
        value = '"0x%0*X"' % (digits, quiet | 10)
        document = text(array((2,), data_type)).replace('"fill_value": 0', '"fill_value": ' + value)
        elements = np.frombuffer((quiet | 10).to_bytes(size, "little") * 2, dtype)
        corpus.add("fill_values/%s-upper-case-digits" % data_type, "H11", "either", document, None, elements)
        bad = {
            "lower-nan": '"nan"',
            "inf": '"inf"',
            "plus-infinity": '"+Infinity"',
            "decimal-string": '"1.5"',
            "empty": '""',
            "bad-digit": '"0x%s"' % ("g" * digits),
            "long-bits": '"0x%s"' % ("0" * (digits + 2)),
            "binary": '"0b1"',
            "null": "null",
            "true": "true",
            "list": "[1]",
        }
        for name, value in bad.items():
            refuse(corpus, name, "H10 B6 X7", data_type, value)
        for name, value in {"short-bits": '"0x7fc"', "capital-x": '"0X%s"' % nan[2:]}.items():
            document = text(array((2,), data_type)).replace('"fill_value": 0', '"fill_value": ' + value)
            corpus.add("fill_values/%s-%s" % (data_type, name), "H11", "safe", document)
        document = text(array((2,), data_type)).replace('"fill_value": 0', '"fill_value": 1e400')
        corpus.add("fill_values/%s-beyond" % data_type, "H12", "either", document, None, np.full(2, np.inf, dtype))
    # Slightly more than 1 + 2^-24: correct rounding gives the next float32, rounding through
    # float64 gives 1. All peers round twice.
    document = text(array((2,), "float32")).replace('"fill_value": 0', '"fill_value": 1.000000059604644775390626')
    once = np.full(2, 0x3F800001, "<u4").view("<f4")
    corpus.add("fill_values/float32-rounded-once", "H4", "safe", document, None, once)


def others(corpus):
    """bool, complex and raw bits."""
    for name, value in {"true": "true", "false": "false"}.items():
        fill(corpus, name, "H1", "bool", value, value == "true", 1)
    for name, value in {"zero": "0", "one": "1", "string": '"true"', "null": "null", "list": "[true]"}.items():
        refuse(corpus, name, "H1 X7", "bool", value)
    for data_type, half, nan in (("complex64", "f4", "0x7fc00001"), ("complex128", "f8", "0x7ff8000000000001")):
        values = {
            "numbers": ("[1, -2.5]", [1, -2.5]),
            "minus-zero": ("[-0.0, 0.0]", [-0.0, 0.0]),
            "infinities": ('["Infinity", "-Infinity"]', [np.inf, -np.inf]),
        }
        for name, (value, pair) in values.items():
            document = text(array((2,), data_type)).replace('"fill_value": 0', '"fill_value": ' + value)
            elements = np.array(pair * 2, half).view("c%d" % (2 * int(half[1])))
            corpus.value("fill_values/%s-%s" % (data_type, name), "H13 H9 H6 U1", document, elements)
        document = text(array((2,), data_type)).replace('"fill_value": 0', '"fill_value": ["%s", "NaN"]' % nan)
        unsigned = "u" + half[1]
        pair = [int(nan, 16), int(nan, 16) - 1]
        elements = np.array(pair * 2, unsigned).view("c%d" % (2 * int(half[1])))
        corpus.value("fill_values/%s-bits" % data_type, "H7 H8 H13", document, elements)
        bad = {"number": "1", "one": "[1]", "three": "[1, 2, 3]", "string": '"1+2j"', "null": "[1, null]", "true": "[true, 0]", "lower-nan": '["nan", 0]'}
        for name, value in bad.items():
            refuse(corpus, name, "H13 X7", data_type, value)
    for size in (1, 2, 3, 8, 16):
        value = bytes(range(250, 250 + min(size, 6))) + bytes(max(size - 6, 0))
        document = array((2,), "r%d" % (8 * size), list(value), [{"name": "bytes"}])
        elements = np.frombuffer(value * 2, "V%d" % size)
        corpus.value("fill_values/r%d" % (8 * size), "G7 H14", document, elements)
    for name, value in {"short": [1], "long": [1, 2, 3], "beyond": [256, 0], "negative": [-1, 0], "fraction": [1.5, 0], "number": 0, "string": "0x0000"}.items():
        corpus.refuse("fill_values/r16-" + name, "H14 X7", array((2,), "r16", value, [{"name": "bytes"}]), tier="core")
    for name in ("r0", "r7", "r-8", "r016", "r", "r8.0", "r18446744073709551616"):
        kinds = ["invalid", "unsupported", "limit"]
        corpus.refuse("fill_values/type-" + name, "G9", array((2,), name, [0], [{"name": "bytes"}]), kinds=kinds)
    for name in ("<i2", "|b1", "int", "float8", "int24", "uint128", "str", ""):
        kinds = ["invalid", "unsupported"]
        corpus.refuse("fill_values/type-%s" % (name or "empty").replace("<", "v2-").replace("|", "v2-"), "G10 D9", array((2,), name), kinds=kinds)
