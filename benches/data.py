"""The arrays and groups that the cases read, created once per run in a temporary folder."""

import json
import shutil
import struct

import numpy as np

LITTLE = {"name": "bytes", "configuration": {"endian": "little"}}
# The inner chunks of the large shard: 2^20 of 64 bytes.
INNER, INNER_COUNT = 64, 1 << 20
LARGE, LARGE_COUNT = 32 << 20, 8
ARRAYS = 1000
CODECS = {
    "raw": [],
    "zstd": [{"name": "zstd", "configuration": {"level": 1, "checksum": False}}],
    "gzip": [{"name": "gzip", "configuration": {"level": 1}}],
    "blosc-lz4": [{"name": "blosc", "configuration": {"cname": "lz4", "clevel": 5, "shuffle": "shuffle", "typesize": 2, "blocksize": 0}}],
    "blosc-zstd": [{"name": "blosc", "configuration": {"cname": "zstd", "clevel": 1, "shuffle": "shuffle", "typesize": 2, "blocksize": 0}}],
}


def document(shape, chunk, dtype="uint16", codec="raw", inner=None, fill=0):
    """Returns the metadata of an array; with `inner`, chunks are shards of inner chunks."""
    codecs = [{"name": "vlen-utf8"} if dtype == "string" else LITTLE, *CODECS[codec]]
    if inner:
        sharding = {"chunk_shape": inner, "codecs": codecs, "index_codecs": [LITTLE, {"name": "crc32c"}], "index_location": "end"}
        codecs = [{"name": "sharding_indexed", "configuration": sharding}]
    return {
        "zarr_format": 3,
        "node_type": "array",
        "shape": shape,
        "data_type": dtype,
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": chunk}},
        "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
        "fill_value": fill,
        "codecs": codecs,
        "attributes": {},
    }


def group(**more):
    return {"zarr_format": 3, "node_type": "group", "attributes": {}, **more}


def put(path, metadata):
    path.mkdir(parents=True, exist_ok=True)
    (path / "zarr.json").write_text(json.dumps(metadata))


def smooth(n):
    """Returns a smooth n^3 field."""
    x = np.linspace(0, 6, n, dtype="f4")
    wave = np.sin(x)[:, None, None] * np.cos(x)[None, :, None] + np.sin(2 * x)[None, None, :]
    return (1000 + 300 * wave).astype("u2")


def noisy(n):
    """Returns a smooth n^3 field with eight bits of noise."""
    return smooth(n) + np.random.default_rng(1).integers(0, 256, size=(n,) * 3, dtype="u2")


def line(count):
    return (1000 + 300 * np.sin(np.arange(count, dtype="f4") / 1000)).astype("u2")


def plane(side):
    """Returns a smooth square with four bits of noise."""
    x = np.linspace(0, 60, side, dtype="f4")
    field = 1000 * np.sin(x)[:, None] * np.cos(x)[None, :]
    return field.astype("i4") + np.random.default_rng(0).integers(0, 16, (side, side), dtype="i4")


def words(count):
    numbers = np.random.default_rng(4).integers(0, 10**9, count)
    return [f"{'sample' * (number % 3)} {number}" for number in numbers.tolist()]


def random_bytes(size):
    return np.random.default_rng(1).integers(1, 256, size, dtype="u1")


def cube(n, name):
    """Returns the metadata and the values of a cube by its name, such as `zstd-sharded-noisy`."""
    codec = name.removesuffix("-noisy").removesuffix("-sharded").removesuffix("-chunks")
    inner = [n // 8] * 3 if "-sharded" in name else None
    return document([n] * 3, [n // 2] * 3, codec=codec, inner=inner), noisy if name.endswith("-noisy") else smooth


def divided(name):
    """Returns the metadata of an array by a name with its codec, MiB, shards and inner chunks per shard."""
    codec, *counts = name.split("-")[1:]
    mib, shards, inner = map(int, counts)
    whole = mib << 19
    return document([whole], [whole // shards], codec=codec, inner=[whole // shards // inner])


def empty(name, n):
    """Returns the metadata of an array by its name."""
    if name.startswith("divided-"):
        return divided(name)
    documents = {
        "appended": document([0, n, n], [n // 32, n // 2, n // 2], codec="zstd"),
        "plane": document([8 * n] * 2, [2 * n] * 2, "int32", "zstd", [64, 64]),
        "tiny-1k-files": document([100_000 * 512], [512]),
        "tiny-1k-sharded": document([100_000 * 512], [100_000 * 512], inner=[512]),
        "tiny-16k-sharded": document([16_384 * 8192], [16_384 * 8192], codec="zstd", inner=[8192]),
        "strings": document([1_000_000], [100_000], "string", "zstd", fill=""),
        "bytes": document([INNER * INNER_COUNT], [INNER * INNER_COUNT], "uint8"),
        "shard-2^20": document([INNER * INNER_COUNT], [INNER * INNER_COUNT], "uint8", inner=[INNER]),
        "bytes-small": document([INNER << 16], [INNER << 16], "uint8"),
        "objects-2^16": document([INNER << 16], [INNER], "uint8"),
        "large-chunks": document([LARGE * LARGE_COUNT], [LARGE], "uint8"),
    }
    return documents[name] if name in documents else cube(n, name)[0]


def make(folder, name, n):
    """Creates an array or group with its data, unless it exists, and returns its path."""
    path = folder / name
    if path.exists():
        return path
    if name == "many":
        for number in range(ARRAYS):
            put(path / f"a{number}", document([100], [10], "uint8"))
        put(path, group())
    elif name.startswith("consolidated-"):
        consolidated(path, size(name))
    elif name.startswith("attributes-"):
        attributes = {f"attribute {number}": number for number in range(size(name))}
        put(path, document([2], [1], "uint8") | {"attributes": attributes})
    elif name.startswith("absent-"):
        put(path, document([1 << 30], [1 << 16], "uint8"))
    elif name.startswith("rank-"):
        put(path, document([2] * size(name), [1] * size(name), "uint8"))
    elif name.startswith("inner-"):
        whole = size(name) * INNER
        put(path, document([whole], [whole], "uint8", inner=[INNER]))
        (path / "c").mkdir()
        (path / "c" / "0").write_bytes(bytes(range(1, INNER + 1)) * size(name) + shard_index(whole))
    elif name.startswith("sparse-"):
        put(path, document([size(name) * INNER], [INNER], "uint8", inner=[8]))
        (path / "c").mkdir()
        for number in (0, size(name) - 1):
            (path / "c" / str(number)).write_bytes(bytes(range(1, INNER + 1)) + shard_index(INNER, 8))
    elif name == "keys":
        keys(path)
    elif name in ("v2-zstd", "v2-blosc-F", "structs"):
        by_zarr(path, name, n)
    else:
        put(path, empty(name, n))
        fill(path, name, n)
    return path


def create_empty(path, name, n):
    """Creates an array without data, in place of another."""
    shutil.rmtree(path, ignore_errors=True)
    put(path, empty(name, n))


def fill(path, name, n):
    if name == "tiny-1k-files":
        values = line(100_000 * 512).reshape(100_000, 512)
        (path / "c").mkdir()
        for number, chunk in enumerate(values):
            (path / "c" / str(number)).write_bytes(chunk.tobytes())
    elif name == "shard-2^20":
        values = random_bytes(INNER * INNER_COUNT)
        (path / "c").mkdir()
        (path / "c" / "0").write_bytes(values.tobytes() + shard_index(values.size))
    elif name == "strings":
        import zarr

        zarr.open_array(path, mode="r+")[...] = np.array(words(1_000_000), dtype=np.dtypes.StringDType())
    else:
        values = {
            "plane": lambda: plane(8 * n),
            "tiny-1k-sharded": lambda: line(100_000 * 512),
            "tiny-16k-sharded": lambda: line(16_384 * 8192),
            "bytes": lambda: random_bytes(INNER * INNER_COUNT),
            "bytes-small": lambda: random_bytes(INNER << 16),
            "large-chunks": lambda: random_bytes(LARGE * LARGE_COUNT),
        }.get(name) or (lambda: np.resize(line(1 << 20), empty(name, n)["shape"]) if name.startswith("divided-") else cube(n, name)[1](n))
        import tensorstore

        spec = {"driver": "zarr3", "kvstore": {"driver": "file", "path": str(path)}}
        tensorstore.open(spec).result()[...].write(values()).result()


def size(name):
    """Returns the number at the end of a name."""
    return int(name.rpartition("-")[2])


def shard_index(size, inner=INNER):
    """Returns the shard index of contiguous raw inner chunks."""
    from numcodecs.checksum32 import CRC32C

    offsets = np.arange(0, size, inner, dtype="<u8")
    index = np.stack([offsets, np.full_like(offsets, inner)], axis=1)
    return bytes(CRC32C(location="end").encode(index))


def by_zarr(path, name, n):
    """Creates what only zarr-python writes."""
    import numcodecs
    import zarr

    if name == "structs":
        dtype = np.dtype([("time", "<i8"), ("value", "<f4"), ("flag", "u1")])
        data = np.zeros(2_000_000, dtype)
        data["time"] = np.arange(data.size)
        data["value"] = np.sin(np.arange(data.size))
        zarr.create_array(path, shape=data.shape, chunks=(100_000,), dtype=dtype, compressors=zarr.codecs.ZstdCodec(level=1))[...] = data
        return
    compressor, order = {
        "v2-zstd": (numcodecs.Zstd(level=1), "C"),
        "v2-blosc-F": (numcodecs.Blosc("lz4", 5, numcodecs.Blosc.SHUFFLE), "F"),
    }[name]
    chunks = (n // 4,) * 3
    array = zarr.create_array(path, shape=(n,) * 3, chunks=chunks, dtype="u2", compressors=compressor, order=order, zarr_format=2, fill_value=0)
    array[...] = smooth(n)


def consolidated(path, count):
    nodes = {}
    for number in range(count // 100):
        nodes[f"g{number}"] = group()
        nodes |= {f"g{number}/a{i}": document([1000], [100], "uint8", inner=[10]) for i in range(99)}
    put(path, group(consolidated_metadata={"kind": "inline", "must_understand": False, "metadata": nodes}))


def keys(path):
    """Creates 100,000 objects in 100 folders, and one of 64 KiB."""
    for number in range(100_000):
        folder = path / "many" / f"{number // 1000:03}"
        if number % 1000 == 0:
            folder.mkdir(parents=True)
        (folder / str(number)).touch()
    (path / "chunk").write_bytes(struct.pack("<Q", 7) * 8192)
