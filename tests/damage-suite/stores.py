"""The base stores of the damage suite, written by zarr-python and tensorstore, and readers of their values."""

import itertools
import json
import pathlib
import warnings

import numpy as np
import tensorstore as ts
import zarr
from zarr.codecs import BloscCodec, BytesCodec, Crc32cCodec, GzipCodec, ShardingCodec, ZstdCodec

warnings.simplefilter("ignore")


def values(dtype, shape=(16, 16)):
    count = int(np.prod(shape))
    return (np.arange(count).reshape(shape) % 251 + 1).astype(dtype)


def v3(root):
    """Zarr 3 by zarr-python: plain and compressed chunks, shards with the index at both ends, nested shards."""
    group = zarr.open_group(root, mode="w", zarr_format=3, attributes={"title": "base"})
    inner = group.create_group("g", attributes={"unit": "m"})
    inner.create_group("empty")
    chunks = {
        "plain": {"compressors": None},
        "zstd": {"compressors": [ZstdCodec(level=3, checksum=True)]},
        "gzip": {"compressors": [GzipCodec(level=1)]},
        "blosc": {"compressors": [BloscCodec(cname="lz4", typesize=2)]},
        "crc": {"compressors": [Crc32cCodec()]},
        "zstd_crc": {"compressors": [ZstdCodec(level=0), Crc32cCodec()]},
    }
    for name, codecs in chunks.items():
        create(inner, name, "uint16", chunks=(4, 4), **codecs)
    shards = {
        "shard": {"compressors": [ZstdCodec(level=3)]},
        "shard_raw": {"compressors": None},
        "shard_crc": {"compressors": [Crc32cCodec()]},
    }
    for name, codecs in shards.items():
        create(inner, name, "int32", chunks=(4, 4), shards=(8, 8), **codecs)
    start = ShardingCodec(chunk_shape=(4, 4), codecs=[BytesCodec(), ZstdCodec()], index_location="start")
    create(inner, "shard_start", "int32", chunks=(8, 8), serializer=start, compressors=None)
    nested = ShardingCodec(chunk_shape=(8, 8), codecs=[ShardingCodec(chunk_shape=(4, 4), codecs=[BytesCodec(), ZstdCodec()])])
    create(inner, "nested", "int32", chunks=(16, 16), serializer=nested, compressors=None)
    create(inner, "edge", "int32", shape=(10, 10), chunks=(4, 4), shards=(8, 8), compressors=[ZstdCodec()])
    array = inner.create_array("strings", shape=(4,), dtype=str, chunks=(2,))
    array[...] = np.array(["a", "b", "", "dd"], dtype=object)
    scalar = inner.create_array("scalar", shape=(), dtype="float64")
    scalar[...] = 2.5


def create(group, name, dtype, shape=(16, 16), **arguments):
    array = group.create_array(name, shape=shape, dtype=dtype, dimension_names=["y", "x"], **arguments)
    array[...] = values(dtype, shape)


def v3c(root):
    """Zarr 3 with consolidated metadata."""
    v3(root)
    zarr.consolidate_metadata(root)


def v2(root):
    """Zarr 2 with consolidated metadata."""
    group = zarr.open_group(root, mode="w", zarr_format=2, attributes={"title": "base"})
    inner = group.create_group("g", attributes={"unit": "m"})
    for name, arguments in {
        "plain": {"compressors": None},
        "zlib": {"compressors": __import__("numcodecs").Zlib(1)},
        "slash": {"chunk_key_encoding": {"name": "v2", "separator": "/"}},
    }.items():
        array = inner.create_array(name, shape=(16, 16), dtype="<i4", chunks=(4, 4), attributes={"n": 1}, **arguments)
        array[...] = values("<i4")
    zarr.consolidate_metadata(root)


def tensorstore(root):
    """A sharded array at the root, by tensorstore."""
    codecs = [{"name": "sharding_indexed", "configuration": {
        "chunk_shape": [4, 4],
        "codecs": [{"name": "bytes", "configuration": {"endian": "big"}}, {"name": "gzip", "configuration": {"level": 5}},
                   {"name": "crc32c"}],
        "index_codecs": [{"name": "bytes", "configuration": {"endian": "little"}}, {"name": "crc32c"}],
    }}]
    array = ts.open({"driver": "zarr3", "kvstore": f"file://{root}/", "metadata": {
        "shape": [16, 16], "data_type": "int32", "codecs": codecs,
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [8, 8]}},
    }}, create=True).result()
    array.write(values("int32")).result()


BASES = {"v3": v3, "v3c": v3c, "v2": v2, "tensorstore": tensorstore}


def build(folder):
    """Writes all base stores and returns their values by base and path."""
    truth = {}
    for name, write in BASES.items():
        root = pathlib.Path(folder) / name
        write(str(root))
        truth[name] = {path: zarr.open_array(root, path=path, mode="r")[...] for path in arrays(root)}
    return truth


def arrays(root):
    """Returns the paths of all arrays with a document."""
    root = pathlib.Path(root)
    found = []
    for document in sorted(itertools.chain(root.rglob("zarr.json"), root.rglob(".zarray"))):
        is_array = document.name == ".zarray" or json.loads(document.read_text()).get("node_type") == "array"
        if is_array:
            found.append(document.parent.relative_to(root).as_posix().strip("."))
    return found


def regions(shape, step=4):
    return list(itertools.product(*(range(0, length, step) for length in shape)))


def readable(root, truth, step=4):
    """Returns the regions whose values a peer reads as they were written: (peer, path, corner)."""
    found = set()
    for path, expected in truth.items():
        for peer, opened in (("zarr-python", open_zarr(root, path)), ("zarr-python, by the group", open_in_group(root, path)),
                             ("tensorstore", open_tensorstore(root, path))):
            if opened is None:
                continue
            for corner in regions(expected.shape, step):
                region = tuple(slice(start, start + step) for start in corner)
                try:
                    actual = np.asarray(opened[region] if peer.startswith("zarr") else opened[region].read().result())
                except Exception:
                    continue
                wanted = np.asarray(expected)[region]
                if actual.shape == wanted.shape and (actual == wanted).all():
                    found.add((peer, path, corner))
    return found


def open_zarr(root, path):
    try:
        return zarr.open_array(root, path=path, mode="r")
    except Exception:
        return None


def open_in_group(root, path):
    try:
        return zarr.open_group(root, mode="r")[path]
    except Exception:
        return None


def open_tensorstore(root, path):
    folder = pathlib.Path(root) / path
    driver = "zarr" if (folder / ".zarray").exists() else "zarr3"
    try:
        return ts.open({"driver": driver, "kvstore": f"file://{folder}/"}, open=True, read=True).result()
    except Exception:
        return None
