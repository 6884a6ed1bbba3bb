"""Core data types through core codecs, plain and sharded, in both byte orders (checklist G, M1)."""

import numpy as np

from build import BIG, CRC, LITTLE, PLAIN, array, codec, random, shard

CORE = [
    *("bool int8 int16 int32 int64 uint8 uint16 uint32 uint64".split()),
    *("float16 float32 float64 complex64 complex128".split()),
]
RULES = {"bool": "G1", "float16": "G4", "float32": "G5", "float64": "G5", "complex64": "G6", "complex128": "G6"}


def add(corpus):
    """All cases."""
    for data_type in CORE:
        of_type(corpus, data_type)
    raw(corpus)
    bools(corpus)


def of_type(corpus, data_type):
    """Edge chunks, and a missing chunk that reads as fill values."""
    size = np.dtype(data_type).itemsize
    rules = "G11 M1 U13 " + RULES.get(data_type, "G2" if data_type[0] == "i" else "G3")
    fill_value = {"b": False, "c": [0, 0]}.get(np.dtype(data_type).kind, 0)
    chains = {
        "little": [LITTLE],
        "big": [BIG],
        "gzip-big": [BIG, codec("gzip", level=6)],
        "zstd": [LITTLE, codec("zstd", level=3, checksum=False)],
        "blosc": [LITTLE, codec("blosc", cname="lz4", clevel=5, shuffle="shuffle", typesize=size, blocksize=0)],
        "crc32c-big": [BIG, CRC],
        "transpose": [codec("transpose", order=[1, 0]), LITTLE],
        "sharded": [shard([1, 2], [BIG, codec("zstd", level=0, checksum=True)])],
    }
    for name, codecs in chains.items():
        name = "data_types/%s-%s" % (data_type, name)
        elements = random(name, data_type, (3, 5))
        chunks = (2, 2) if "shard" not in name else (2, 4)
        elements[:2, : chunks[1]] = False
        only = None if np.dtype(data_type).kind in "biu" else ["zarr-python", "tensorstore", "zarrs"]
        corpus.written(name, rules, array((3, 5), data_type, fill_value, codecs, chunks), elements, only)


def raw(corpus):
    """r8 and wider: bits in any number of bytes, unaffected by byte order."""
    for size in (1, 2, 3, 8, 16):
        name = "data_types/r%d" % (8 * size)
        elements = random(name, "V%d" % size, (3,))
        document = array((3,), "r%d" % (8 * size), [0] * size, [PLAIN])
        corpus.written(name, "G7", document, elements, ["zarrs"])
    elements = random("r32-big", "V4", (3,))
    document = array((3,), "r32", [0] * 4, [BIG])
    corpus.add("data_types/r32-big", "G8", "either", document, {"c/0": elements.tobytes()}, elements)


def bools(corpus):
    """Bool bytes other than 0 and 1: read as true, or refused."""
    for byte in (2, 255):
        document = array((3,), "bool", False, [PLAIN])
        elements = np.array([True, False, True])
        corpus.add("data_types/bool-byte-%d" % byte, "G1", "safe", document, {"c/0": bytes([byte, 0, 1])}, elements)
    for codecs, name in (([LITTLE], "little"), ([BIG], "big")):
        elements = np.array([True, False, True])
        document = array((3,), "bool", False, codecs)
        corpus.value("data_types/bool-%s-without-effect" % name, "M3", document, elements, {"c/0": bytes([1, 0, 1])})
