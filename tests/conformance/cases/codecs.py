"""Core codecs and zstd: configurations, streams, damage (checklist L-R)."""

import bz2
import gzip
import itertools
import zlib

import numpy as np
import zstandard

from build import BIG, CRC, LITTLE, PLAIN, array, codec, random, shard
from cases.documents import crc32c

TEN = np.arange(10, dtype="<i4")
RAW = TEN.tobytes()
GZIP = codec("gzip", level=5)
ZSTD = codec("zstd", level=1, checksum=False)


def ten(*codecs):
    """An array of ten int32 in one chunk."""
    return array((10,), "int32", 0, codecs or [LITTLE])


def add(corpus):
    """All cases."""
    for part in (chains, bytes_codec, transpose, gzip_codec, zstd_codec, blosc, crc):
        part(corpus)


def blosc_codec(cname="lz4", clevel=5, shuffle="shuffle", typesize=4, blocksize=0, **more):
    """`blosc` with all configuration members."""
    return codec("blosc", cname=cname, clevel=clevel, shuffle=shuffle, typesize=typesize, blocksize=blocksize, **more)


def chains(corpus):
    """Order and propagation of codecs."""
    for name, codecs in {
        "transpose-after-bytes": [LITTLE, codec("transpose", order=[0])],
        "compressor-first": [GZIP, LITTLE],
        "no-array-to-bytes": [GZIP],
        "only-transpose": [codec("transpose", order=[0])],
        "two-array-to-bytes": [LITTLE, LITTLE],
        "bytes-after-sharding": [shard([5]), LITTLE],
    }.items():
        corpus.refuse("codecs/order-" + name, "L1 X6", ten(*codecs), {"c/0": RAW})
    stacks = {
        "gzip-crc": [GZIP, CRC],
        "crc-gzip": [CRC, GZIP],
        "zstd-gzip-crc": [ZSTD, GZIP, CRC],
        "crc-crc": [CRC, CRC],
        "blosc-zstd": [blosc_codec(), ZSTD],
    }
    for name, codecs in stacks.items():
        corpus.written("codecs/stack-" + name, "L4", ten(LITTLE, *codecs), TEN)
    square = random("l2", "i4", (2, 3))
    document = array((2, 3), "int32", 0, [codec("transpose", order=[1, 0]), shard([3, 2])])
    corpus.written("codecs/transpose-then-sharding", "L2 S2", document, square, ["tensorstore", "zarrs"])
    document = array((2, 4), "int32", 0, [codec("transpose", order=[1, 0]), shard([2, 4])])
    corpus.refuse("codecs/transpose-then-sharding-untransposed", "L2 S2 L7", document)


def bytes_codec(corpus):
    """Byte order and element size of `bytes`."""
    for name, codecs, rules in (
        ("plain", [PLAIN], "M2"),
        ("empty-configuration", [{"name": "bytes", "configuration": {}}], "M2"),
    ):
        corpus.refuse("codecs/bytes-no-endian-" + name, rules + " D6 X6", ten(*codecs), {"c/0": RAW})
    corpus.refuse("codecs/bytes-no-endian-in-shard", "M2 X6", ten(shard([5], [PLAIN])))
    corpus.refuse("codecs/bytes-no-endian-in-index", "M2 S6 X6", ten(shard([5], [LITTLE], [PLAIN, CRC])))
    for name, endian in {"upper": "Little", "native": "native", "number": 1, "null": None, "empty": ""}.items():
        corpus.refuse("codecs/bytes-endian-" + name, "M4 X6", ten(codec("bytes", endian=endian)), {"c/0": RAW})
    for name, data in {"short": RAW[:-1], "shorter": RAW[:-4], "long": RAW + b"\0", "longer": RAW * 2, "empty": b"", "one": b"\0"}.items():
        corpus.refuse("codecs/bytes-" + name, "M5 L3 X8 X12", ten(), {"c/0": data})


def transpose(corpus):
    """Permutations of `transpose`."""
    for order in itertools.permutations(range(3)):
        name = "codecs/transpose-%d%d%d" % order
        document = array((3, 4, 5), "int16", 0, [codec("transpose", order=list(order)), LITTLE], (2, 3, 5))
        corpus.written(name, "N1", document, random(name, "i2", (3, 4, 5)), ["zarr-python", "tensorstore", "zarrs"])
    document = array((2, 3, 4), "uint8", 0, [codec("transpose", order=[1, 2, 0]), codec("transpose", order=[0, 2, 1]), PLAIN])
    corpus.written("codecs/transpose-twice", "N3", document, random("twice", "u1", (2, 3, 4)), ["zarr-python", "tensorstore", "zarrs"])
    document = array((), "int32", 0, [codec("transpose", order=[]), LITTLE])
    corpus.written("codecs/transpose-rank-0", "N2", document, np.array(5, "i4"), ["zarr-python", "tensorstore"])
    square = random("square", "i2", (2, 2))
    for name, order in {"C": "C", "F": "F"}.items():
        document = array((2, 2), "int16", 0, [codec("transpose", order=order), LITTLE])
        corpus.refuse("codecs/transpose-" + name, "N4 X6", document, {"c/0/0": square.tobytes()})
    for name, order in {
        "twice-the-same": [0, 0],
        "short": [0],
        "long": [0, 1, 2],
        "beyond": [0, 2],
        "negative": [-1, 0],
        "fraction": [0.5, 1],
        "string": ["0", "1"],
        "null": None,
        "empty": [],
    }.items():
        document = array((2, 2), "int16", 0, [codec("transpose", order=order), LITTLE])
        corpus.refuse("codecs/transpose-order-" + name, "N5 X6 L7", document, {"c/0/0": square.tobytes()})
    document = array((2, 2), "int16", 0, [{"name": "transpose", "configuration": {}}, LITTLE])
    corpus.refuse("codecs/transpose-no-order", "N5 X6", document)


def gzip_codec(corpus):
    """The `gzip` codec."""
    packed = gzip.compress(RAW, 6, mtime=0)
    for level in (0, 1, 9):
        corpus.written("codecs/gzip-%d" % level, "O1", ten(LITTLE, codec("gzip", level=level)), TEN)
    for name, level in {"10": 10, "minus-1": -1, "fraction": 1.5, "string": "5", "null": None, "true": True}.items():
        corpus.refuse("codecs/gzip-level-" + name, "O1 X6 L7", ten(LITTLE, codec("gzip", level=level)), {"c/0": packed})
    corpus.refuse("codecs/gzip-no-level", "O1 X6", ten(LITTLE, {"name": "gzip", "configuration": {}}), {"c/0": packed})
    header = bytes([31, 139, 8, 4 | 8 | 16, 0, 0, 0, 0, 0, 255]) + b"\3\0abc" + b"name\0" + b"comment\0"
    corpus.value("codecs/gzip-header-fields", "O2", ten(LITTLE, GZIP), TEN, {"c/0": header + packed[10:]})
    parts = gzip.compress(RAW[:12], mtime=0) + gzip.compress(RAW[12:], mtime=0)
    corpus.value("codecs/gzip-members", "O2", ten(LITTLE, GZIP), TEN, {"c/0": parts})
    flipped = packed[:-5] + bytes([packed[-5] ^ 1]) + packed[-4:]
    for name, data in {
        "cut": packed[: len(packed) // 2],
        "cut-trailer": packed[:-1],
        "no-trailer": packed[:-8],
        "crc": flipped,
        "isize": packed[:-4] + b"\1\0\0\0",
        "garbage": b"garbage" * 6,
        "empty": b"",
        "zlib": zlib.compress(RAW),
        "header-only": packed[:10],
        "method": packed[:2] + b"\7" + packed[3:],
    }.items():
        corpus.refuse("codecs/gzip-damaged-" + name, "O3 X8 X12", ten(LITTLE, GZIP), {"c/0": data})
    for name, data in {"short": RAW[:-4], "long": RAW + b"\0\0\0\0"}.items():
        corpus.refuse("codecs/gzip-size-" + name, "O4 X8 X12", ten(LITTLE, GZIP), {"c/0": gzip.compress(data, mtime=0)})
    for name, tail in {"zeros": b"\0" * 8, "bytes": b"tail"}.items():
        corpus.add("codecs/gzip-trailing-" + name, "O5", "either", ten(LITTLE, GZIP), {"c/0": packed + tail}, TEN)


def zstd_codec(corpus):
    """The `zstd` codec."""
    packed = zstandard.ZstdCompressor(3).compress(RAW)
    for level in (-131072, -5, 0, 1, 22):
        for checksum in (False, True):
            document = ten(LITTLE, codec("zstd", level=level, checksum=checksum))
            corpus.written("codecs/zstd-%d-%s" % (level, str(checksum).lower()), "P1", document, TEN, tier="registered")
    document = ten(LITTLE, codec("zstd", level=3))
    corpus.value("codecs/zstd-no-checksum-member", "P1", document, TEN, {"c/0": packed}, tier="registered")
    for name, configuration in {
        "level-23": {"level": 23, "checksum": False},
        "level-fraction": {"level": 1.5, "checksum": False},
        "level-string": {"level": "3", "checksum": False},
        "checksum-number": {"level": 3, "checksum": 1},
        "checksum-string": {"level": 3, "checksum": "yes"},
    }.items():
        corpus.refuse("codecs/zstd-" + name, "P2 X6 L7", ten(LITTLE, codec("zstd", **configuration)), {"c/0": packed}, tier="registered")
    writer = zstandard.ZstdCompressor(3, write_content_size=False).compressobj()
    unsized = writer.compress(RAW) + writer.flush()
    half = zstandard.ZstdCompressor(3)
    skippable = b"\x50\x2a\x4d\x18" + (4).to_bytes(4, "little") + b"skip"
    for name, data in {
        "no-content-size": unsized,
        "frames": half.compress(RAW[:12]) + half.compress(RAW[12:]),
        "skippable-first": skippable + packed,
        "skippable-last": packed + skippable,
        "checksum": zstandard.ZstdCompressor(3, write_checksum=True).compress(RAW),
    }.items():
        corpus.value("codecs/zstd-stream-" + name, "P3 P4", ten(LITTLE, ZSTD), TEN, {"c/0": data}, tier="registered")
    checked = zstandard.ZstdCompressor(3, write_checksum=True).compress(RAW)
    for name, data in {
        "checksum": checked[:-1] + bytes([checked[-1] ^ 1]),
        "cut": packed[:-3],
        "half": packed[: len(packed) // 2],
        "magic": b"\0" + packed[1:],
        "garbage": b"garbage" * 6,
        "empty": b"",
        "short": half.compress(RAW[:-4]),
        "long": half.compress(RAW + b"\0" * 4),
        "gzip": gzip.compress(RAW, mtime=0),
        "trailing": packed + b"tail",
    }.items():
        corpus.refuse("codecs/zstd-damaged-" + name, "P4 X8 X12", ten(LITTLE, ZSTD), {"c/0": data}, tier="registered")


def blosc(corpus):
    """The `blosc` codec: all compressors and shuffles."""
    data = (np.arange(600) % 97).astype("<i4")

    def document(**more):
        return array((600,), "int32", 0, [LITTLE, blosc_codec(**more)])

    for cname in ("blosclz", "lz4", "lz4hc", "zlib", "zstd"):
        for shuffle in ("noshuffle", "shuffle", "bitshuffle"):
            name = "codecs/blosc-%s-%s" % (cname, shuffle)
            corpus.written(name, "Q1 Q3", document(cname=cname, shuffle=shuffle), data)
    snappy = document(cname="snappy")
    corpus.written("codecs/blosc-snappy", "Q2", snappy, data, ["tensorstore", "zarrs"], expect="either")
    for typesize in (1, 2, 3, 8, 17, 255):
        corpus.written("codecs/blosc-typesize-%d" % typesize, "Q4", document(typesize=typesize), data)
    for clevel in (0, 1, 9):
        corpus.written("codecs/blosc-clevel-%d" % clevel, "Q5", document(clevel=clevel), data)
    for blocksize in (64, 4096):
        corpus.written("codecs/blosc-blocksize-%d" % blocksize, "Q5", document(blocksize=blocksize), data)
    without = codec("blosc", cname="lz4", clevel=5, shuffle="noshuffle", blocksize=0)
    corpus.written("codecs/blosc-no-typesize", "Q4", array((600,), "int32", 0, [LITTLE, without]), data)
    odd = np.arange(7, dtype="u1")
    odd_document = array((7,), "uint8", 0, [PLAIN, blosc_codec(typesize=4)])
    corpus.written("codecs/blosc-odd-size", "Q4 L5", odd_document, odd)
    files = corpus.written("codecs/blosc-empty-match", "Q1", document(), data)
    frame = files["c/0"]
    other = document(cname="zstd", shuffle="bitshuffle", clevel=1)
    corpus.value("codecs/blosc-header-decides", "Q7", other, data, {"c/0": frame})
    for name, more in {
        "shuffle-number": {"shuffle": 1},
        "shuffle-other": {"shuffle": "byteshuffle"},
        "cname-other": {"cname": "brotli"},
        "clevel-10": {"clevel": 10},
        "clevel-minus-1": {"clevel": -1},
        "blocksize-negative": {"blocksize": -1},
        "typesize-0": {"typesize": 0},
        "typesize-negative": {"typesize": -4},
    }.items():
        corpus.refuse("codecs/blosc-" + name, "Q6 X6 L7", document(**more), {"c/0": frame}, kinds=["invalid", "unsupported"])
    needs = codec("blosc", cname="lz4", clevel=5, shuffle="shuffle", blocksize=0)
    corpus.refuse("codecs/blosc-shuffle-needs-typesize", "Q4 X6", array((600,), "int32", 0, [LITTLE, needs]))

    def header(at, value, size=4):
        return frame[:at] + value.to_bytes(size, "little") + frame[at + size :]

    for name, bad in {
        "empty": b"",
        "cut-header": frame[:15],
        "header-only": frame[:16],
        "cut": frame[:-5],
        "half": frame[: len(frame) // 2],
        "cbytes-more": header(12, len(frame) + 100),
        "cbytes-less": header(12, 20),
        "cbytes-0": header(12, 0),
        "nbytes-more": header(4, 2400 + 4),
        "nbytes-less": header(4, 2400 - 4),
        "nbytes-huge": header(4, 2**31 - 17),
        "nbytes-2^32": header(4, 2**32 - 1),
        "blocksize-0": header(8, 0),
        "blocksize-huge": header(8, 2**31 - 1),
        "version": header(0, 99, 1),
        "garbage": b"garbage!" * 30,
        "block-offset": header(16, 2**31 - 1),
        "block-offset-negative": header(16, 2**32 - 5),
    }.items():
        corpus.refuse("codecs/blosc-damaged-" + name, "Q8 Q9 W7 X8", document(), {"c/0": bad}, kinds=["invalid", "limit"])


def crc(corpus):
    """The `crc32c` codec."""
    check = bytes.fromhex(crc32c(RAW))
    corpus.value("codecs/crc32c", "R1", ten(LITTLE, CRC), TEN, {"c/0": RAW + check})
    corpus.value("codecs/crc32c-big-endian-elements", "R1", ten(BIG, CRC), TEN, {"c/0": TEN.astype(">i4").tobytes() + bytes.fromhex(crc32c(TEN.astype(">i4").tobytes()))})
    for name, data in {
        "element": b"\1" + RAW[1:] + check,
        "checksum": RAW + bytes([check[0] ^ 1]) + check[1:],
        "crc-32": RAW + zlib.crc32(RAW).to_bytes(4, "little"),
        "turned": RAW + check[::-1],
        "zeros": RAW + b"\0\0\0\0",
    }.items():
        corpus.refuse("codecs/crc32c-damaged-" + name, "R2 X8 X12", ten(LITTLE, CRC), {"c/0": data})
    for name, data in {"empty": b"", "short": b"abc", "only-checksum": bytes(4), "none": RAW}.items():
        corpus.refuse("codecs/crc32c-size-" + name, "R3 X8", ten(LITTLE, CRC), {"c/0": data})
    corpus.refuse("codecs/crc32c-of-bzip2", "R2", ten(LITTLE, CRC), {"c/0": bz2.compress(RAW)})
