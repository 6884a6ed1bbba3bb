"""Corpora of the conformance runner: loads, unpacks and compares elements. Standard library only.

A corpus has one of two forms with identical cases:

* folder: `manifest.json`, where each case names a `store` folder and an `expected` file, as in the
  public corpora;
* packed: files `<topic>.json`, where each case contains its store (`files`) and its elements
  (`expected`).

`unpack` converts a packed corpus to a folder.
"""

import ast
import json
import os
import struct

NUMPY_MAGIC = b"\x93NUMPY"


class Elements:
    """All elements of an array in C order: `descr` and little-endian bytes, or a list for
    variable-size elements.
    """

    def __init__(self, shape, descr=None, data=b"", values=None, kind=None):
        self.shape, self.descr, self.data, self.values, self.kind = list(shape), descr, data, values, kind


def load(path):
    """Loads elements from a `.npy` file, or from a `.json` file of strings, byte strings,
    optionals, or one constant.
    """
    if path.endswith(".npy"):
        with open(path, "rb") as file:
            return parse_npy(file.read())
    with open(path, encoding="utf-8") as file:
        value = json.load(file)
    if value["kind"] == "constant":
        return Elements(value["shape"], value["dtype"], bytes.fromhex(value["hex"]) * count(value["shape"]))
    return Elements(value["shape"], values=value["data"], kind=value["kind"])


def parse_npy(file):
    """Loads elements from a `.npy` file."""
    if file[:6] != NUMPY_MAGIC:
        raise ValueError("not a .npy file")
    size = 2 if file[6] == 1 else 4
    start = 8 + size
    end = start + int.from_bytes(file[8:start], "little")
    header = ast.literal_eval(file[start:end].decode("latin1"))
    if header["fortran_order"] and len(header["shape"]) > 1:
        raise ValueError("not in C order")
    return Elements(header["shape"], header["descr"], file[end:])


def format_npy(elements):
    """Formats elements as a `.npy` file."""
    shape = "(%s)" % "".join("%d," % n for n in elements.shape)
    header = "{'descr': %r, 'fortran_order': False, 'shape': %s, }" % (elements.descr, shape)
    header = header.encode("latin1")
    header += b" " * (63 - (10 + len(header)) % 64) + b"\n"
    return NUMPY_MAGIC + b"\x01\x00" + struct.pack("<H", len(header)) + header + elements.data


def count(shape):
    """The number of elements of a shape."""
    product = 1
    for n in shape:
        product *= n
    return product


def item_size(descr):
    """The size in bytes of an element of this NumPy type."""
    if isinstance(descr, list):
        return sum(item_size(field[1]) for field in descr)
    text = descr.split("[")[0]
    size = int(text[2:])
    return size * 4 if text[1] == "U" else size


def difference(found, expected):
    """Returns the first bitwise difference between the elements, or None. An opaque type,
    `|V<size>`, and unsigned integers of equal size compare by their bytes.
    """
    if found.shape != expected.shape:
        return "shape %s, expected %s" % (found.shape, expected.shape)
    if (found.values is None) != (expected.values is None):
        return "elements of one size and of any size"
    if found.values is not None:
        if found.kind != expected.kind and found.shape and found.values:
            return "%s, expected %s" % (found.kind, expected.kind)
        pairs = zip(found.values, expected.values)
        at = next((i for i, (a, b) in enumerate(pairs) if a != b), None)
        return None if at is None else "element %d is %.60r, expected %.60r" % (at, found.values[at], expected.values[at])
    size = item_size(expected.descr)
    if item_size(found.descr) != size:
        return "%s, expected %s" % (found.descr, expected.descr)
    if not same_type(found.descr, expected.descr):
        return "%s, expected %s" % (found.descr, expected.descr)
    if found.data == expected.data:
        return None
    if len(found.data) != len(expected.data):
        return "%d bytes, expected %d" % (len(found.data), len(expected.data))
    at = next(i for i in range(0, len(found.data), size) if found.data[i : i + size] != expected.data[i : i + size])
    pair = found.data[at : at + size].hex(), expected.data[at : at + size].hex()
    return "element %d is %s, expected %s (bytes)" % (at // size, *pair)


def same_type(found, expected):
    """Whether two NumPy types of equal size are identical, or one of them is opaque."""
    if isinstance(found, list) and isinstance(expected, list):
        names = [f[0] for f in found] == [f[0] for f in expected]
        return names and all(same_type(f[1], e[1]) for f, e in zip(found, expected))
    opaque = any(not isinstance(d, list) and d[1] in "Vu" for d in (found, expected))
    if opaque:
        return True
    if isinstance(found, list) or isinstance(expected, list):
        return False
    return found.lstrip("|<") == expected.lstrip("|<")


def unpack(corpus, target):
    """Writes a packed corpus as folders; returns the cases, with `store` and `expected` as paths
    below `target`.
    """
    cases = []
    for topic in sorted(os.listdir(corpus)):
        if not topic.endswith(".json") or topic == "manifest.json":
            continue
        with open(os.path.join(corpus, topic), encoding="utf-8") as file:
            packed = json.load(file)["cases"]
        for case in packed:
            cases.append(unpack_case(case, topic[: -len(".json")], target))
    return cases


def unpack_case(case, topic, target):
    """Writes the store and the elements of one case; returns the case in folder form."""
    case = dict(case, topic=topic)
    files, expected = case.pop("files"), case.pop("expected", None)
    case["store"] = "%s/%s" % (topic, case["id"].split("/", 1)[1])
    root = os.path.join(target, case["store"])
    os.makedirs(root, exist_ok=True)
    for key, content in files.items():
        write_file(root, key, content)
    if expected is None:
        return dict(case, expected=None)
    name = "_expected/%s/%s" % (topic, case["id"].split("/", 1)[1])
    os.makedirs(os.path.dirname(os.path.join(target, name)), exist_ok=True)
    if "hex" in expected and "kind" not in expected:
        dtype = expected["dtype"]
        descr = [tuple(field) for field in dtype] if isinstance(dtype, list) else dtype
        file = format_npy(Elements(expected["shape"], descr, bytes.fromhex(expected["hex"])))
        name += ".npy"
    else:
        file = json.dumps(expected).encode()
        name += ".json"
    with open(os.path.join(target, name), "wb") as out:
        out.write(file)
    return dict(case, expected=name)


def write_file(root, key, content):
    """Writes one stored object: text, bytes in hexadecimal, a directory, or a symbolic link."""
    path = os.path.join(root, *key.split("/"))
    os.makedirs(os.path.dirname(path), exist_ok=True)
    if isinstance(content, str):
        content = {"text": content}
    if "directory" in content:
        os.makedirs(path, exist_ok=True)
    elif "link" in content:
        if not os.path.islink(path):
            os.symlink(content["link"], path)
    else:
        data = content["text"].encode() if "text" in content else bytes.fromhex(content["hex"])
        with open(path, "wb") as file:
            file.write(data)


def read_folder(corpus, decisions):
    """Returns the cases of a corpus in folder form; `decisions` overrides the expectation of some
    cases.
    """
    with open(os.path.join(corpus, "manifest.json"), encoding="utf-8") as file:
        cases = json.load(file)["cases"]
    found = []
    for case in cases:
        topic = case.get("source", case["id"].split("/")[0])
        found.append({"topic": topic, **case, **decisions.get(case["id"], {})})
    return found


def is_packed(corpus):
    """Whether the cases of this corpus contain their files."""
    with open(os.path.join(corpus, "manifest.json"), encoding="utf-8") as file:
        return "topics" in json.load(file)
