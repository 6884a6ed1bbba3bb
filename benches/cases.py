"""The list of all cases: what is measured, on which data, and by which implementations."""

import dataclasses

import numpy as np

import data

OWN = ("ours", "zarr_py", "zarr, ours", "our Store")
# For each suite: our implementations, each with the peers that a row compares it with.
RUST = {"ours": ["zarrs", "tensorstore"]}
PYTHON = {
    "zarr_py": ["tensorstore", "zarrista", "zarr", "zarr, fused", "zarr, zarrs"],
    "zarr, ours": ["zarr", "zarr, fused", "zarr, zarrs"],
    "zarr, ours, our Store": ["zarr", "zarr, fused", "zarr, zarrs"],
}
NATIVE = {"zarr_py": ["tensorstore", "zarrista", "zarr"]}
FOREIGN = {"zarr, ours": ["zarr", "zarr, fused"]}
STORES = {"our Store": ["LocalStore", "ObjectStore", "FsspecStore", "obstore"]}
S3 = {"ours": ["zarrs", "tensorstore", "zarr"], "zarr, ours, our Store": ["zarr"]}
S3_STORES = {"our Store": ["ObjectStore", "FsspecStore", "obstore"]}
S3_PEERS = {"zarr": ["zarr"]}
SUITES = ["local", "python", "store", "s3", "scale", "curves"]
WHOLE = []


@dataclasses.dataclass
class Case:
    """One operation on one array or group."""

    suite: str
    name: str
    data: str
    request: dict
    rows: dict
    # The array that is written: "" for none, "empty" or "copy" (of `data`), before each measurement.
    writes: str = ""
    # Whether the page cache is emptied of the data before each measurement.
    cold: bool = False
    # The number of calls in one measurement; figures are per call.
    calls: int = 1
    # The latency of the S3 server from which the data are read, in milliseconds; 0 means local files.
    latency_ms: int = 0
    # Options of our stores on S3.
    store_options: dict = dataclasses.field(default_factory=dict)
    # The size that grows along a curve.
    size: int = 0
    # The number of inner chunks, if the page has figures per inner chunk.
    inner_chunks: int = 0

    @property
    def unit(self):
        return "wall_ms" if self.latency_ms or "threads" in self.request else "cpu_ms"

    @property
    def implementations(self):
        names = [name for ours, peers in self.rows.items() for name in (ours, *peers)]
        return list(dict.fromkeys(names + ["bare"] * (self.suite == "local")))


def read(*regions, **more):
    return {"op": "read", "regions": list(regions) or [WHOLE], **more}


def region(start, stop, step=1):
    return [[int(a), int(b), step] for a, b in zip(start, stop)]


def boxes(n, count, size, aligned):
    rng = np.random.default_rng(2)
    starts = rng.integers(0, n // size, size=(count, 3)) * size if aligned else rng.integers(0, n - size, size=(count, 3))
    return [region(start, start + size) for start in starts]


def grid(n, side):
    """Returns all cells of a regular grid."""
    starts = np.indices((n // side,) * 3).reshape(3, -1).T * side
    return [region(start, start + side) for start in starts]


def random_inner_chunks(n):
    return boxes(n, 100, n // 8, True)


def slab(n):
    """Returns a plane of elements through four shards of a cube."""
    return [[n // 5, n // 5 + 1, 1], [0, n, 1], [0, n, 1]]


def points(n, count):
    return np.random.default_rng(3).integers(0, n, size=(3, count)).tolist()


def cases(n):
    """Returns all cases for cubes of n^3 elements."""
    return [*local(n), *python(n), *store(), *s3(n), *scale(), *curves(n)]


def local(n):
    def case(name, on, request, **more):
        return Case("local", name, on, request, RUST, **more)

    inner, plane = n // 8, [[0, n, 1]] * 2
    write = {"op": "write", "source": "raw-chunks", "regions": [WHOLE]}
    for on in ["raw-chunks", "raw-sharded", "zstd-chunks", "zstd-sharded", "zstd-sharded-noisy", "blosc-lz4-chunks", "blosc-lz4-sharded",
               "blosc-zstd-sharded", "gzip-chunks", "gzip-sharded"]:
        yield case("read all", on, read())
        if "noisy" not in on:
            yield case("write all", on, write, writes="empty")
    for on in ["raw-sharded", "zstd-chunks", "zstd-sharded", "blosc-lz4-sharded"]:
        yield case("round trip", on, {**write, "op": "round_trip"}, writes="empty")
    for on in ["raw-chunks", "zstd-chunks"]:
        yield case("chunk by chunk", on, read(*grid(n, n // 2)))
    for on in ["raw-sharded", "zstd-sharded", "blosc-lz4-sharded", "gzip-sharded"]:
        yield case("inner chunk by inner chunk", on, read(*grid(n, inner)))
    for on in ["raw-sharded", "zstd-sharded", "zstd-sharded-noisy", "blosc-lz4-sharded"]:
        yield case("300 random aligned boxes", on, read(*boxes(n, 300, inner, True)))
        yield case("300 random unaligned boxes", on, read(*boxes(n, 300, 50 * n // 512, False)))
    yield case("300 random unaligned boxes, cached", "zstd-sharded", read(*boxes(n, 300, 50 * n // 512, False), cache=2 << 30))
    for on in ["raw-sharded", "zstd-sharded", "zstd-chunks"]:
        yield case("8 slabs along the first axis", on, read(*([[at, at + 1, 1], *plane] for at in range(5, n, n // 8))))
        yield case("8 slabs along the last axis", on, read(*([*plane, [at, at + 1, 1]] for at in range(5, n, n // 8))))
    for on in ["raw-sharded", "zstd-sharded"]:
        yield case("every third element", on, read([[0, n, 3]] * 3))
        yield case("10,000 random points", on, {"op": "points", "points": points(n, 10_000)})
    for on in ["raw-chunks", "zstd-chunks", "zstd-sharded"]:
        yield case("20 random partial writes", on, {**write, "regions": boxes(n, 20, 50 * n // 512, False)}, writes="copy")
    yield case("32 appends", "appended", {**write, "op": "append", "count": 32}, writes="empty")
    yield case("open 1,000 arrays", "many", {"op": "open", "count": data.ARRAYS})
    yield case("list 1,000 arrays", "many", {"op": "list"})
    for on in ["tiny-1k-sharded", "tiny-1k-files", "tiny-16k-sharded"]:
        yield case("read all", on, read())
    yield case("write all", "tiny-1k-sharded", {**write, "source": "tiny-1k-sharded"}, writes="empty")
    yield case("write all", "tiny-16k-sharded", {**write, "source": "tiny-16k-sharded"}, writes="empty")
    strings = {"dtype": "string"}
    yield case("read all", "strings", read(**strings))
    yield case("write all", "strings", {**write, **strings, "source": "strings"}, writes="empty")
    for on in ["v2-zstd", "v2-blosc-F"]:
        yield case("read all", on, read(options={"format": 2}))
    for on in ["raw-sharded", "zstd-sharded"]:
        yield case("read all, cold", on, read(), cold=True)
        yield case("300 random aligned boxes, cold", on, read(*boxes(n, 300, inner, True)), cold=True)


def python(n):
    def case(name, on, request, rows=PYTHON, **more):
        return Case("python", name, on, request, rows, **more)

    for on, dtype, dims, inner in [("zstd-sharded", "uint16", 3, n // 8), ("plane", "int32", 2, 64)]:
        whole = 8 * n if on == "plane" else n
        # Each call reads another inner chunk: a cache of decoded chunks, which tensorstore has with
        # that of shard indexes, is no help.
        cells = np.random.default_rng(7).permutation((whole // inner) ** dims)[:100]
        starts = np.stack(np.unravel_index(cells, (whole // inner,) * dims), axis=1) * inner
        chunks = [region(start, start + inner) for start in starts]
        elements = [region(start + 3, start + 4) for start in starts]
        rows = [[*chunk[:-1], [0, whole, 1]] for chunk in chunks[:8]]
        write = {"op": "write", "dtype": dtype, "source": on}
        yield case("read all", on, read(dtype=dtype))
        yield case("one inner chunk", on, read(*chunks, dtype=dtype, warm=True), calls=100)
        yield case("one element", on, read(*elements, dtype=dtype, warm=True), calls=100)
        yield case("a row of inner chunks", on, read(*rows, dtype=dtype, warm=True), calls=8)
        yield case("write all", on, {**write, "regions": [WHOLE]}, writes="empty")
        yield case("write one inner chunk", on, {**write, "regions": chunks[:5]}, writes="copy", calls=5)
    fsspec = {"options": {"store": "fsspec"}}
    yield case("read all, through fsspec", "zstd-sharded", read(**fsspec), FOREIGN)
    yield case("one inner chunk, through fsspec", "zstd-sharded", read(*boxes(n, 20, n // 8, True), warm=True, **fsspec), FOREIGN, calls=20)
    for on, dtype in [("strings", "string"), ("structs", "struct")]:
        yield case("read all", on, read(dtype=dtype))
    for on in ["v2-zstd", "v2-blosc-F"]:
        yield case("read all", on, read(options={"format": 2}))
    yield case("open 1,000 arrays by path", "many", {"op": "open", "count": data.ARRAYS, "options": {"by_path": True}}, NATIVE)
    yield case("open 1,000 arrays of a group", "many", {"op": "open", "count": data.ARRAYS}, NATIVE)
    yield case("list 1,000 arrays", "many", {"op": "list"}, NATIVE)


def store():
    for name, op, count in [("get 64 KiB", "get", 1000), ("get 64 KiB, synchronous", "get_sync", 1000), ("list 100,000 keys", "list_keys", 1)]:
        yield Case("store", name, "keys", {"op": op, "count": count}, STORES, calls=count)


def s3(n):
    def case(name, on, request, rows=S3, **more):
        return Case("s3", name, on, request, rows, latency_ms=20, **more)

    on, cells = "zstd-sharded-noisy", random_inner_chunks(n)
    yield case("one inner chunk, cold", on, read(cells[0]))
    yield case("100 random inner chunks at once", on, read(*cells, concurrent=True))
    yield case("a slab through 4 shards", on, read(slab(n)))
    for aim in ["time", "requests"]:
        options = {"optimize_for": aim}
        yield case(f"a slab through 4 shards, optimize_for={aim}", on, read(slab(n)), {"ours": RUST["ours"]}, store_options=options)
    yield case("a box through 8 shards", on, read([[n // 2 - 20, n // 2 + 20, 1]] * 3))
    yield case("read all", on, read())
    yield case("open 200 arrays", "many", {"op": "open", "count": 200})
    yield case("100 gets of 64 KiB at once", "keys", {"op": "get_concurrently", "count": 100}, S3_STORES)


def scale():
    def case(name, on, request, rows=RUST, **more):
        return Case("scale", name, on, request, rows, **more)

    size, byte = data.INNER, {"dtype": "uint8"}
    numbers = np.random.default_rng(5).integers(0, data.INNER_COUNT, 1000).tolist()
    single = np.random.default_rng(6).integers(0, data.INNER_COUNT * size, 100_000).tolist()
    chunks = [[[at * data.LARGE, (at + 1) * data.LARGE, 1]] for at in range(data.LARGE_COUNT)]
    warm = [[size, 2 * size, 1]]
    yield case("one inner chunk", "shard-2^20", read(*[[[777_777 * size, 777_778 * size, 1]]] * 100, **byte, warm=True), calls=100)
    yield case("1,000 random inner chunks", "shard-2^20", read(*([[at * size, (at + 1) * size, 1]] for at in numbers), **byte, warm=True))
    yield case("100,000 random points", "shard-2^20", {"op": "points", "points": [single], "regions": [warm], **byte, "warm": True})
    yield case("read all", "shard-2^20", read(**byte))
    write = {"op": "write", "regions": [WHOLE], **byte}
    yield case("write all", "shard-2^20", {**write, "source": "bytes"}, writes="empty")
    yield case("write all", "objects-2^16", {**write, "source": "bytes-small"}, writes="empty")
    yield case("open and list 20,000 consolidated nodes", "consolidated-20000", {"op": "list_consolidated"}, {"ours": ["zarrs", "zarr"]})
    yield case("chunks on the caller's pool", "large-chunks", {"op": "pool", "regions": chunks, **byte}, {"ours": ["zarrs"]})


def curves(n):
    """Returns the cases whose cost is drawn over a size; only this engine runs them."""
    byte = {"dtype": "uint8"}

    def case(name, on, size, request, **more):
        return Case("curves", name, on, request, {"ours": []}, size=size, **more)

    for size in (1000, 10_000, 100_000):
        yield case("list consolidated metadata", f"consolidated-{size}", size, {"op": "list_consolidated"})
        yield case("open an array with attributes", f"attributes-{size}", size, {"op": "open_one", **byte})
        scattered = np.random.default_rng(8).integers(0, 1 << 30, size).tolist()
        yield case("read single points", f"absent-{size}", size, {"op": "points", "points": [scattered], **byte})
        yield case("read single elements", f"absent-{size}", size, read(*([[at, at + 1, 1]] for at in scattered), **byte))
    for size in (10**3, 10**5, 10**7, 10**9):
        yield case("shrink", f"sparse-{size}", size, {"op": "shrink", **byte}, writes="copy")
    for size in (10**3, 10**5, 10**7):
        yield case("plan a read", f"sparse-{size}", size, {"op": "plan", **byte})
    for size in (10**3, 10**4, 10**5, 10**6):
        yield case("read inner chunks of 64 bytes", f"inner-{size}", size, read(**byte))
    for size in (1, 2, 4, 8, 16, 32):
        yield case("read one element by dimensions", f"rank-{size}", size, read([[1, 2, 1]] * size, **byte))
    # The names of the data have a codec, MiB, shards, and inner chunks per shard.
    whole = {
        "MiB": {mib: f"divided-zstd-{mib}-{mib // 4}-16" for mib in (4, 16, 64, 256, 512)},
        "inner chunks per shard": {count: f"divided-zstd-64-4-{count}" for count in (4, 64, 1024, 16_384)},
        "shards": {count: f"divided-zstd-64-{count}-{4096 // count}" for count in (1, 16, 256, 4096)},
    }
    for unit, sizes in whole.items():
        for size, on in sizes.items():
            yield case(f"read all by {unit}", on, size, read())
            yield case(f"write all by {unit}", on, size, {"op": "write", "source": on, "regions": [WHOLE]}, writes="empty")
            yield case(f"read all from S3 by {unit}", on, size, read(), latency_ms=20)
    for on, what, count in [("zstd-sharded", "zstd", 8**3), ("divided-raw-64-16-1024", "raw 4 KiB", 16 * 1024)]:
        for size in (1, 2, 4, 8, 16, 32, 64):
            more = {"threads": size}
            yield case(f"read {what} inner chunks by threads", on, size, read(**more), inner_chunks=count)
            write = {"op": "write", "source": on, "regions": [WHOLE], **more}
            yield case(f"write {what} inner chunks by threads", on, size, write, writes="empty", inner_chunks=count)
    for size in (1, 5, 20, 100):
        on, chunks = "zstd-sharded-noisy", read(*random_inner_chunks(n), concurrent=True)
        yield case("read a slab through 4 shards by ms of latency", on, size, read(slab(n)), latency_ms=size)
        yield case("read 100 random inner chunks by ms of latency", on, size, chunks, latency_ms=size)
