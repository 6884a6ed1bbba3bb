"""sharding_indexed: shard indexes, placement, nesting, damage (checklist S)."""

import struct

import numpy as np

from build import BIG, CRC, LITTLE, PLAIN, array, codec, random, shard
from cases.documents import crc32c

MAX = 2**64 - 1
FOUR = np.arange(1, 9, dtype="<i2")
PARTS = [FOUR[i : i + 2].tobytes() for i in range(0, 8, 2)]


def add(corpus):
    """All cases."""
    for part in (written, placed, documents, damaged, outside):
        part(corpus)


def index(entries, order="<", check=True):
    """Encodes a shard index: pairs of offset and length."""
    data = b"".join(struct.pack(order + "QQ", *entry) for entry in entries)
    return data + bytes.fromhex(crc32c(data)) if check else data


def document(**more):
    """Eight int16 in one shard of four inner chunks."""
    return array((8,), "int16", 7, [shard([2], **more)])


def written(corpus):
    """Shards as written by the implementations."""
    three = ["zarr-python", "tensorstore", "zarrs"]
    chains = {
        "plain": shard([2, 2]),
        "start": shard([2, 2], index_location="start"),
        "end": shard([2, 2], index_location="end"),
        "index-no-crc": shard([2, 2], index_codecs=[LITTLE]),
        "index-big": shard([2, 2], index_codecs=[BIG, CRC]),
        "index-big-start": shard([2, 2], index_codecs=[BIG], index_location="start"),
        "index-two-crc": shard([2, 2], index_codecs=[LITTLE, CRC, CRC]),
        "inner-gzip": shard([2, 2], [LITTLE, codec("gzip", level=1)]),
        "inner-crc": shard([2, 2], [BIG, CRC]),
        "inner-blosc": shard([2, 2], [LITTLE, codec("blosc", cname="zstd", clevel=1, shuffle="bitshuffle", typesize=2, blocksize=0)]),
        "inner-transpose": shard([2, 1], [codec("transpose", order=[1, 0]), LITTLE]),
        "one-inner-chunk": shard([4, 4]),
        "one-element": shard([1, 1]),
        "nested": shard([4, 2], [shard([2, 1])]),
        "nested-start-end": shard([4, 2], [shard([1, 2], index_location="start")], index_location="end"),
        "nested-end-start": shard([2, 4], [shard([2, 2], index_location="end")], index_location="start"),
        "nested-thrice": shard([4, 2], [shard([2, 2], [shard([1, 1])])]),
    }
    for name, sharding in chains.items():
        elements = random(name, "i2", (7, 6))
        elements[:2, :2] = elements[4:6, 4:] = elements[:4, 4:] = -1
        chunks = (4, 4)
        rules = "S21 S3" if "nested" in name else "K5 S3 S4 S6 S7 S9 S20 S22 U2"
        corpus.written("sharding/" + name, rules, array((7, 6), "int16", -1, [sharding], chunks), elements, three)
    after = [shard([2, 2]), codec("gzip", level=1)]
    corpus.written("sharding/then-gzip", "S23", array((7, 6), "int16", -1, after, (4, 4)), random("gzip", "i2", (7, 6)), ["zarr-python", "zarrs"])
    corpus.written("sharding/then-crc", "S23", array((7, 6), "int16", -1, [shard([2, 2]), CRC], (4, 4)), random("crc", "i2", (7, 6)), ["zarr-python", "zarrs"])
    outer = [codec("transpose", order=[2, 0, 1]), shard([1, 2, 3], [codec("transpose", order=[1, 2, 0]), BIG])]
    corpus.written("sharding/transposes", "S2 S21 S22", array((4, 6, 2), "int16", 0, outer), random("t", "i2", (4, 6, 2)), ["tensorstore", "zarrs"])
    corpus.written("sharding/rank-0", "S24", array((), "int16", 0, [shard([])]), np.array(7, "i2"), ["zarr-python", "zarrs"])
    many = np.arange(4096, dtype="i2")
    corpus.written("sharding/many", "S22", array((4096,), "int16", 0, [shard([4])]), many, three)
    corpus.value("sharding/no-shard", "S7 U1", document(), np.full(8, 7, "i2"))
    corpus.written("sharding/large-inner", "S2", array((3, 3), "int16", 0, [shard([4, 4])], (8, 8)), random("l", "i2", (3, 3)), three)


def placed(corpus):
    """Inner chunks at arbitrary offsets."""
    at_end = b"".join(PARTS)
    places = {
        "order": ([(4, 4), (0, 4), (12, 4), (8, 4)], PARTS[1] + PARTS[0] + PARTS[3] + PARTS[2]),
        "gaps": ([(3, 4), (10, 4), (20, 4), (30, 4)], None),
        "lead-in": ([(100, 4), (104, 4), (108, 4), (112, 4)], b"x" * 100 + at_end),
        "unused-tail": ([(0, 4), (4, 4), (8, 4), (12, 4)], at_end + b"y" * 50),
    }
    for name, (entries, data) in places.items():
        if data is None:
            area = bytearray(b"?" * 40)
            for (offset, size), part in zip(entries, PARTS):
                area[offset : offset + size] = part
            data = bytes(area)
        corpus.value("sharding/placed-" + name, "S10", document(), FOUR, {"c/0": data + index(entries)})
        moved = [(offset + 68, size) for offset, size in entries]
        start = document(index_location="start")
        corpus.value("sharding/placed-%s-start" % name, "S9 S10", start, FOUR, {"c/0": index(moved) + data})
    some = [(0, 4), (MAX, MAX), (4, 4), (MAX, MAX)]
    elements = np.array([1, 2, 7, 7, 5, 6, 7, 7], "i2")
    corpus.value("sharding/some-empty", "S7", document(), elements, {"c/0": PARTS[0] + PARTS[2] + index(some)})
    corpus.value("sharding/all-empty", "S7", document(), np.full(8, 7, "i2"), {"c/0": index([(MAX, MAX)] * 4)})
    shared = [(0, 4), (0, 4), (4, 4), (4, 4)]
    corpus.value("sharding/shared", "S11", document(), np.array([1, 2, 1, 2, 3, 4, 3, 4], "i2"), {"c/0": PARTS[0] + PARTS[1] + index(shared)})
    overlapping = [(0, 4), (2, 4), (4, 4), (6, 4)]
    elements = np.array([1, 2, 2, 3, 3, 4, 4, 5], "i2")
    corpus.add("sharding/overlapping", "S12", "either", document(), {"c/0": FOUR[:5].tobytes() + index(overlapping)}, elements)
    turned = [codec("transpose", order=[1, 2, 0]), LITTLE]
    sharding = shard([1, 1], [LITTLE], turned)
    entries = [(0, 2), (2, 2), (4, 2), (6, 2), (8, 2), (10, 2)]
    cube = np.array(entries, "<u8").reshape(2, 3, 2).transpose(1, 2, 0)
    values = np.arange(6, dtype="<i2").reshape(2, 3)
    files = {"c/0/0": values.tobytes() + np.ascontiguousarray(cube).tobytes()}
    corpus.value("sharding/index-transposed", "S6", array((2, 3), "int16", 0, [sharding]), values, files)


def documents(corpus):
    """Configurations of `sharding_indexed`."""
    full = document()["codecs"][0]["configuration"]
    for member in full:
        configuration = {k: v for k, v in full.items() if k != member}
        bad = array((8,), "int16", 7, [codec("sharding_indexed", **configuration)])
        corpus.refuse("sharding/without-" + member, "S1 X6", bad)
    for name, change in {
        "chunk-shape-zero": {"chunk_shape": [0]},
        "chunk-shape-negative": {"chunk_shape": [-2]},
        "chunk-shape-fraction": {"chunk_shape": [2.5]},
        "chunk-shape-string": {"chunk_shape": "2"},
        "chunk-shape-3-of-8": {"chunk_shape": [3]},
        "chunk-shape-16-of-8": {"chunk_shape": [16]},
        "chunk-shape-rank": {"chunk_shape": [2, 1]},
        "chunk-shape-rank-0": {"chunk_shape": []},
        "codecs-empty": {"codecs": []},
        "codecs-null": {"codecs": None},
        "codecs-no-bytes": {"codecs": [codec("gzip", level=1)]},
        "index-codecs-empty": {"index_codecs": []},
        "index-codecs-gzip": {"index_codecs": [LITTLE, codec("gzip", level=1)]},
        "index-codecs-zstd": {"index_codecs": [LITTLE, codec("zstd", level=1, checksum=False)]},
        "index-codecs-order": {"index_codecs": [CRC, LITTLE]},
        "index-location-middle": {"index_location": "middle"},
        "index-location-upper": {"index_location": "End"},
        "index-location-null": {"index_location": None},
    }.items():
        bad = array((8,), "int16", 7, [codec("sharding_indexed", **{**full, **change})])
        rules = {"chunk": "S2", "codec": "S1", "index": "S5"}[name.split("-")[0].rstrip("s")]
        if name.startswith("index-codecs"):
            rules = "S6"
        corpus.refuse("sharding/" + name, rules + " X6 L7", bad)
    nested = array((8,), "int16", 7, [shard([4], [shard([3])])])
    corpus.refuse("sharding/nested-3-of-4", "S2 S21 X6", nested)


def damaged(corpus):
    """Invalid shard indexes and inner chunks."""
    data, good = b"".join(PARTS), [(0, 4), (4, 4), (8, 4), (12, 4)]

    def change(at, entry):
        return [entry if i == at else e for i, e in enumerate(good)]

    cases = {
        "half-empty-offset": ("S8", change(1, (MAX, 4))),
        "half-empty-size": ("S8", change(1, (4, MAX))),
        "half-empty-first": ("S8", change(0, (MAX, 0))),
        "offset-beyond": ("S13", change(1, (10_000, 4))),
        "offset-at-end": ("S13", change(3, (84, 4))),
        "size-beyond": ("S13", change(3, (12, 5000))),
        "offset-2^63": ("S13", change(2, (2**63, 4))),
        "offset-2^64-2": ("S13", change(2, (MAX - 1, 4))),
        "sum-overflows": ("S13", change(2, (MAX - 3, 8))),
        "size-2^62": ("S13 W2", change(2, (0, 2**62))),
        "size-2^40": ("S13 W2", change(2, (0, 2**40))),
        "size-0": ("S14", change(2, (8, 0))),
        "size-short": ("S14", change(2, (8, 2))),
        "size-long": ("S14", change(2, (8, 6))),
        "size-odd": ("S14", change(2, (8, 3))),
    }
    for name, (rules, entries) in cases.items():
        kinds = ["invalid", "limit"]
        corpus.refuse("sharding/damaged-" + name, rules + " X8 X12", document(), {"c/0": data + index(entries)}, kinds=kinds)
        moved = [(o + 68 if 0 < o < 100 or o == 0 and s < 100 else o, s) for o, s in entries]
        start = document(index_location="start")
        corpus.refuse("sharding/damaged-%s-start" % name, rules + " S9 X8", start, {"c/0": index(moved) + data}, kinds=kinds)
    whole = data + index(good)
    for name, rules, bad in (
        ("empty-object", "S15", b""),
        ("smaller-than-index", "S15", whole[:20]),
        ("index-cut", "S15", whole[:-1]),
        ("only-data", "S15", data),
        ("checksum", "S16", whole[:-1] + bytes([whole[-1] ^ 1])),
        ("index-bit", "S16", whole[:20] + bytes([whole[20] ^ 1]) + whole[21:]),
        ("index-order", "S17", data + index(good, ">")),
        ("index-at-start", "S17", index([(o + 68, s) for o, s in good]) + data),
        ("no-checksum", "S17", data + index(good, check=False)),
    ):
        corpus.refuse("sharding/damaged-" + name, rules + " X8 X12", document(), {"c/0": bad})
    inner = document(codecs=[LITTLE, CRC])
    parts = [part + bytes.fromhex(crc32c(part)) for part in PARTS]
    parts[2] = parts[2][:-1] + bytes([parts[2][-1] ^ 1])
    entries = [(8 * i, 8) for i in range(4)]
    corpus.refuse("sharding/damaged-inner-checksum", "S18 R2 X8", inner, {"c/0": b"".join(parts) + index(entries)})
    gz = document(codecs=[LITTLE, codec("gzip", level=1)])
    corpus.refuse("sharding/damaged-inner-gzip", "S18 O3 X8", gz, {"c/0": whole})
    below = PARTS[0] + PARTS[1] + index([(0, 4), (4, 4)])
    broken = below[:-1] + bytes([below[-1] ^ 1])
    both = below + broken
    nested = array((8,), "int16", 7, [shard([4], [shard([2])])])
    entries = [(0, len(below)), (len(below), len(broken))]
    corpus.refuse("sharding/damaged-nested-checksum", "S16 S21 X8", nested, {"c/0": both + index(entries)})
    for size in (2**40, 2**31):
        kinds = ["limit", "invalid"]
        huge = array((2**50,), "int16", 7, [shard([1])], (size,))
        corpus.refuse("sharding/index-of-2^%d" % (size.bit_length() - 1), "S30 W2 X9", huge, {"c/0": whole}, kinds=kinds, limits={"seconds": 10, "memory_mb": 600})


def outside(corpus):
    """Index entries of inner chunks wholly outside the array may hold anything."""
    cut = array((3,), "int16", 7, [shard([2])], (8,))
    for name, entry in {"garbage": (2**63, 2**40), "half": (MAX, 1)}.items():
        entries = [(0, 4), (4, 4), entry, entry]
        corpus.value("sharding/outside-" + name, "S19", cut, FOUR[:3], {"c/0": b"".join(PARTS[:2]) + index(entries)})
    byte = array((2,), "uint8", 0, [shard([1], [PLAIN])])
    corpus.value("sharding/bytes", "S3", byte, np.array([5, 6], "u1"), {"c/0": b"\5\6" + index([(0, 1), (1, 1)])})
