"""Clean stores by other writers, which must give no finding above a note: the public corpus, and stores of zarr-python,
tensorstore, xarray and ome-zarr over data types, codecs, formats and chunk keys."""

import json
import pathlib
import warnings

import numcodecs
import numpy as np
import suite
import tensorstore as ts
import xarray as xr
import zarr
from zarr.codecs import BloscCodec, BytesCodec, Crc32cCodec, GzipCodec, ShardingCodec, TransposeCodec, ZstdCodec

DTYPES = ["bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float16", "float32", "float64",
          "complex64", "complex128"]


def data(dtype, shape=(10, 12)):
    return (np.arange(int(np.prod(shape))).reshape(shape) % 7).astype(dtype)


def of_zarr_python(folder):
    warnings.simplefilter("ignore")
    codecs = {
        "default": {},
        "raw": {"compressors": None},
        "gzip": {"compressors": [GzipCodec(level=5)]},
        "blosc": {"compressors": [BloscCodec(cname="zstd", shuffle="bitshuffle")]},
        "crc": {"compressors": [ZstdCodec(level=1), Crc32cCodec()]},
        "shards": {"shards": (8, 8)},
        "transposed": {"filters": [TransposeCodec(order=(1, 0))], "shards": (8, 8)},
    }
    for dtype in DTYPES:
        for name, arguments in codecs.items():
            root = folder / f"zarr-python-3-{dtype}-{name}"
            array = zarr.create_array(root, shape=(10, 12), dtype=dtype, chunks=(4, 4), **arguments)
            array[...] = data(dtype)
            yield root
        for name, arguments in {"default": {}, "f-order": {"order": "F"}, "raw": {"compressors": None},
                                "slash": {"chunk_key_encoding": {"name": "v2", "separator": "/"}}}.items():
            root = folder / f"zarr-python-2-{dtype}-{name}"
            array = zarr.create_array(root, shape=(10, 12), dtype=dtype, chunks=(4, 4), zarr_format=2, **arguments)
            array[...] = data(dtype)
            yield root
    for compressor in [numcodecs.Zlib(1), numcodecs.LZ4(), numcodecs.Blosc("lz4"), numcodecs.BZ2(1), numcodecs.LZMA(), numcodecs.GZip(1)]:
        root = folder / f"zarr-python-2-{compressor.codec_id}"
        array = zarr.create_array(root, shape=(10, 12), dtype="<i4", chunks=(4, 4), zarr_format=2, compressors=compressor,
                                  filters=[numcodecs.Delta("<i4")])
        array[...] = data("<i4")
        yield root
    for dtype in ["datetime64[s]", "timedelta64[ms]", "<U5", "S4", str]:
        for zarr_format in (2, 3):
            root = folder / f"zarr-python-{zarr_format}-{getattr(dtype, '__name__', dtype)}".replace("<", "")
            array = zarr.create_array(root, shape=(6,), dtype=dtype, chunks=(4,), zarr_format=zarr_format)
            array[:4] = np.array(["1", "2", "3", "4"]) if dtype in ("<U5", "S4", str) else np.arange(4).astype(dtype)
            yield root
    for order in ("start", "end"):
        root = folder / f"zarr-python-nested-{order}"
        inner = ShardingCodec(chunk_shape=(2, 2), codecs=[BytesCodec(), ZstdCodec()], index_location=order)
        nested = ShardingCodec(chunk_shape=(4, 4), codecs=[inner])
        array = zarr.create_array(root, shape=(10, 12), dtype="int16", chunks=(8, 8), serializer=nested, compressors=None)
        array[2:5, 3:9] = 1
        yield root
    for encoding in [{"name": "default", "separator": "."}, {"name": "v2", "separator": "."}]:
        root = folder / f"zarr-python-keys-{encoding['name']}"
        array = zarr.create_array(root, shape=(10, 12), dtype="int16", chunks=(4, 4), chunk_key_encoding=encoding)
        array[...] = 1
        yield root
    for zarr_format in (2, 3):
        root = folder / f"zarr-python-{zarr_format}-hierarchy"
        group = zarr.open_group(root, mode="w", zarr_format=zarr_format, attributes={"é": "ü", "x": [1.0, None, True]})
        group.create_group("a/b/c", attributes={"n": 1e300})
        for path, shape in [("a/x", (4,)), ("a/b/y", ()), ("empty", (0, 4)), ("a/b/c/0", (3,))]:
            array = group.create_array(path, shape=shape, dtype="float32", fill_value=np.nan)
            array[...] = 3
        yield root
        zarr.consolidate_metadata(root)
        yield root
        group["a/x"].resize((2,))
        group["a/x"].append(np.ones(30, "float32"))
        zarr.consolidate_metadata(root)
        yield root


def of_tensorstore(folder):
    plain = [{"name": "bytes", "configuration": {"endian": "little"}}]
    codecs = {
        "raw": plain,
        "gzip": [*plain, {"name": "gzip", "configuration": {"level": 3}}],
        "zstd": [*plain, {"name": "zstd", "configuration": {"level": 3}}, {"name": "crc32c"}],
        "shards": [{"name": "sharding_indexed", "configuration": {"chunk_shape": [4, 2], "codecs": plain, "index_location": "start"}}],
        "transposed": [{"name": "transpose", "configuration": {"order": [1, 0]}},
                       {"name": "sharding_indexed", "configuration": {"chunk_shape": [2, 4], "codecs": plain}}],
    }
    for dtype in ["bool", "int8", "int32", "uint64", "float16", "bfloat16", "float64", "complex64", "int4"]:
        for name, chain in codecs.items():
            root = folder / f"tensorstore-3-{dtype}-{name}"
            array = ts.open({"driver": "zarr3", "kvstore": f"file://{root}/", "metadata": {
                "shape": [10, 12], "data_type": dtype, "codecs": chain,
                "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [8, 8]}},
            }}, create=True).result()
            array[2:9, 1:7].write(np.ones((7, 6)).astype(array.dtype.numpy_dtype)).result()
            yield root
    for dtype in ["|b1", "<i4", ">f8", "<c8"]:
        for separator in "./":
            root = folder / f"tensorstore-2-{dtype[1:]}-{'slash' if separator == '/' else 'dot'}"
            array = ts.open({"driver": "zarr", "kvstore": f"file://{root}/", "metadata": {
                "shape": [10, 12], "dtype": dtype, "chunks": [4, 4], "dimension_separator": separator,
                "compressor": {"id": "zlib", "level": 1},
            }}, create=True).result()
            array.write(data(np.dtype(dtype))).result()
            array.resize(exclusive_max=[6, 12]).result()
            yield root
    root = folder / "tensorstore-in-a-group-of-zarr-python"
    zarr.open_group(root, mode="w", zarr_format=3)
    for name in ("a", "b"):
        ts.open({"driver": "zarr3", "kvstore": f"file://{root}/{name}/", "metadata": {"shape": [5], "data_type": "uint8"},
                 "create": True}).result().write(1).result()
    zarr.consolidate_metadata(root)
    yield root


def of_xarray(folder):
    times = np.datetime64("2020-01-01") + np.arange(6)
    dataset = xr.Dataset(
        {"t2m": (("time", "y", "x"), np.random.default_rng(0).random((6, 8, 9)).astype("float32"), {"valid_min": np.nan}),
         "name": (("y",), np.array([f"row {y}" for y in range(8)], dtype=object)),
         "flag": ((), True)},
        coords={"time": times, "y": np.arange(8.0), "x": np.arange(9)}, attrs={"valid_range": [-np.inf, np.inf]})
    for zarr_format in (2, 3):
        for consolidated in (True, False):
            root = folder / f"xarray-{zarr_format}-{consolidated}"
            dataset.to_zarr(root, zarr_format=zarr_format, consolidated=consolidated)
            yield root
            dataset.isel(time=slice(0, 2)).assign_coords(time=times[:2] + 10).to_zarr(root, append_dim="time", consolidated=consolidated)
            yield root
        root = folder / f"xarray-{zarr_format}-chunked"
        encoding = {"t2m": {"chunks": (2, 4, 5)} | ({"shards": (4, 8, 10)} if zarr_format == 3 else {})}
        dataset.to_zarr(root, zarr_format=zarr_format, encoding=encoding)
        yield root
        root = folder / f"xarray-{zarr_format}-tree"
        xr.DataTree.from_dict({"/": dataset[["flag"]], "/a": dataset[["t2m"]], "/b/c": dataset[["name"]]}).to_zarr(root, zarr_format=zarr_format)
        yield root
        root = folder / f"xarray-{zarr_format}-unnamed"
        xr.DataArray(np.arange(4), dims="x").to_zarr(root, zarr_format=zarr_format)
        yield root


def of_ome_zarr(folder):
    try:
        from ome_zarr.io import parse_url
        from ome_zarr.writer import write_image
    except ImportError:
        return
    image = data("uint16", (1, 3, 64, 64))
    for version in ("0.4", "0.5"):
        try:
            import ome_zarr.format

            form = getattr(ome_zarr.format, f"FormatV0{version[-1]}")()
        except AttributeError:
            continue
        root = folder / f"ome-zarr-{version}"
        group = zarr.open_group(parse_url(str(root), mode="w", fmt=form).store, zarr_format=form.zarr_format if hasattr(form, "zarr_format") else 2)
        write_image(image, group, axes="tcyx", fmt=form)
        yield root


def of_corpus(corpus):
    corpus = pathlib.Path(corpus)
    manifest = json.loads((corpus / "manifest.json").read_text())
    for case in manifest["cases"]:
        if case["expect"] != "error":
            yield corpus / case["store"]
    for other in manifest["other"]:
        root = corpus / other["path"]
        if root.is_dir() or root.suffix == ".zip":
            yield root


def run(folder, corpus):
    """Checks all clean stores; returns their number, and the names and findings of those that are not found clean."""
    folder.mkdir()
    made = [of_zarr_python, of_tensorstore, of_xarray, of_ome_zarr]
    count, false = 0, []
    for stores in [*(make(folder) for make in made), of_corpus(corpus) if corpus else ()]:
        for root in stores:
            report, code = suite.check(root)
            findings = [finding for finding in report["findings"] if finding["severity"] != "note"]
            count += 1
            if findings or code:
                false.append((root, findings))
    return count, false
