"""Small inputs that demand much time, memory or depth (checklist W, A13, A14, O6, P5, P6)."""

import gzip
import zlib

import numpy as np
import zstandard

from build import LITTLE, PLAIN, array, codec, shard, text

BOUND = {"seconds": 15, "memory_mb": 400}
GZIP = codec("gzip", level=5)
ZSTD = codec("zstd", level=1, checksum=False)


def refuse(corpus, name, rules, document, files=None, **more):
    """Adds a case that must be refused within limits of time and memory."""
    more = {"kinds": ["limit", "invalid", "unsupported"], "limits": BOUND, **more}
    corpus.refuse("hostile/" + name, rules, document, files, **more)


def add(corpus):
    """All cases."""
    documents(corpus)
    bombs(corpus)


def documents(corpus):
    """Documents that are deeply nested, long, or contain huge numbers."""
    good = text(array())
    chunk = {"c/0": bytes(8)}
    for name, depth in {"deep-attributes": 20_000, "deeper-attributes": 60_000}.items():
        nested = "[" * depth + "]" * depth
        corpus.add("hostile/" + name, "A13 W1", "safe", good[:-1] + ', "attributes": {"a": %s}}' % nested, chunk, limits=BOUND)
    refuse(corpus, "deep-document", "A13 W1 W6", "[" * 50_000)
    members = ", ".join('"m%d": %d' % (i, i) for i in range(3000))
    corpus.add("hostile/many-attributes", "A14", "safe", good[:-1] + ', "attributes": {%s}}' % members, chunk, limits=BOUND)
    for name, number in {"digits": "1" * 20_000, "exponent": "1e999999999", "small-exponent": "1e-999999999", "fraction": "0." + "3" * 20_000}.items():
        document = text(array((1,), "float64")).replace('"fill_value": 0', '"fill_value": ' + number)
        corpus.add("hostile/number-" + name, "A14 H12", "safe", document, limits=BOUND)
    chain = [LITTLE] + [{"name": "crc32c"}] * 5000
    corpus.add("hostile/5000-codecs", "L6", "safe", array(codecs=chain), limits=BOUND)
    sharding = shard([1], [LITTLE])
    for _ in range(400):
        sharding = {"name": "sharding_indexed", "configuration": {"chunk_shape": [1], "codecs": [sharding], "index_codecs": [LITTLE]}}
    corpus.add("hostile/400-nested-shards", "S32 L6", "safe", array((1,), codecs=[sharding]), {"c/0": bytes(50)}, limits=BOUND)
    rank = array((1,) * 3000, "uint8", 0, [PLAIN])
    corpus.add("hostile/rank-3000", "W5", "safe", rank, limits=BOUND)
    kind = "int8"
    for _ in range(200):
        kind = {"name": "struct", "configuration": {"fields": [{"name": "a", "data_type": kind}]}}
    corpus.add("hostile/200-nested-structs", "W6", "safe", array((1,), kind, {"a": 0}), limits=BOUND, tier="registered")


def bombs(corpus):
    """A few bytes that decode to many bytes."""
    four = array((4,), "uint8", 0, [PLAIN, GZIP])
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    block = bytes(1 << 20)
    bomb = b"".join(packer.compress(block) for _ in range(64)) + packer.flush()
    twice = gzip.compress(bomb, 9, mtime=0)
    refuse(corpus, "gzip-64-mib", "O6 W2 X9", array((4,), "uint8", 0, [PLAIN, GZIP, GZIP]), {"c/0": twice})
    refuse(corpus, "gzip-in-shard", "O6 P6", array((4,), "uint8", 0, [shard([4], [PLAIN, GZIP, GZIP], [LITTLE])]), {"c/0": twice + np.array([0, len(twice)], "<u8").tobytes()})
    corpus.value("hostile/gzip-no-bomb", "O6", four, np.zeros(4, "u1"), {"c/0": gzip.compress(bytes(4), mtime=0)})
    frame = b"\x28\xb5\x2f\xfd"
    middle, last = (1 << 1 | (128 << 10) << 3).to_bytes(3, "little") + b"\0", (1 | 1 << 1 | (128 << 10) << 3).to_bytes(3, "little") + b"\0"
    blocks = middle * 8191 + last
    content = (8192 * (128 << 10)).to_bytes(8, "little")
    zero = array((4,), "uint8", 0, [PLAIN, ZSTD])
    inner = zstandard.ZstdCompressor(19)
    rle_bomb = frame + bytes([0xE0]) + content + blocks
    refuse(corpus, "zstd-rle-1-gib-in-zstd", "P6 W2 X9", array((4,), "uint8", 0, [PLAIN, ZSTD, ZSTD]), {"c/0": inner.compress(rle_bomb)}, tier="registered")
    unsized = frame + bytes([0x00, 0x88]) + blocks
    refuse(corpus, "zstd-rle-no-size", "P6 W2", array((4,), "uint8", 0, [PLAIN, ZSTD, ZSTD]), {"c/0": inner.compress(unsized)}, tier="registered")
    for name, size in {"2^40": 2**40, "2^62": 2**62, "2^64-2": 2**64 - 2}.items():
        data = frame + b"\xe0" + size.to_bytes(8, "little") + (1 | 1 << 1 | 4 << 3).to_bytes(3, "little") + b"\0"
        refuse(corpus, "zstd-content-size-" + name, "P5 W2 X9", zero, {"c/0": data}, tier="registered")
    window = frame + bytes([0x00, 0xF8]) + (1 | 1 << 1 | 4 << 3).to_bytes(3, "little") + b"\0"
    corpus.add("hostile/zstd-window", "P5", "safe", zero, {"c/0": window}, limits=BOUND, tier="registered")
    dictionary = frame + bytes([0x23, 99, 0, 0, 0, 4]) + (1 | 0 << 1 | 4 << 3).to_bytes(3, "little") + bytes(4)
    refuse(corpus, "zstd-dictionary", "P5 X8", zero, {"c/0": dictionary}, tier="registered")
    strings = array((4,), "string", "", [{"name": "vlen-utf8"}])
    for name, data in {
        "count-2^32": b"\xff\xff\xff\xff",
        "size-2^32": b"\4\0\0\0" + b"\xff\xff\xff\xff",
        "size-2^31": b"\4\0\0\0" + b"\0\0\0\x80" + b"abc",
    }.items():
        refuse(corpus, "strings-" + name, "T2 W2 W4", strings, {"c/0": data}, tier="registered")
    for name, size in {"chunk-2^40": 2**40, "chunk-2^62": 2**62}.items():
        document = array((4,), "uint8", 0, [PLAIN, GZIP], (size,))
        refuse(corpus, name, "W2 W3 X9", document, {"c/0": gzip.compress(bytes(4), mtime=0)})
