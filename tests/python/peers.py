"""zarr-python, xarray and tensorstore write, check and change real rasters from PyPI packages.

    peers.py write ROOT      each peer writes each raster; ROOT/rasters has the elements, ROOT/rasters.json their types
    peers.py check ROOT      every array that ROOT/check.json names is read by the peers that it names, and compared
    peers.py change ROOT     the peers overwrite parts of our arrays; ROOT/check.json then names what we must read
"""

import json
import pathlib
import sys

import numcodecs
import numpy as np
import tensorstore as ts
import xarray as xr
import zarr
from zarr.codecs import BloscCodec, GzipCodec, ZstdCodec


def rasters():
    """Elevation models, a brain scan in four dimensions, a colour image."""
    import matplotlib.cbook
    import nibabel
    import skimage.data
    from PIL import Image

    dem = np.load(matplotlib.cbook.get_sample_data("jacksboro_fault_dem.npz", asfileobj=False))
    sea = np.load(matplotlib.cbook.get_sample_data("topobathy.npz", asfileobj=False))
    brain = pathlib.Path(nibabel.__file__).parent / "tests" / "data" / "example4d.nii.gz"
    hubble = pathlib.Path(skimage.data.__file__).parent / "hubble_deep_field.jpg"
    return {
        "jacksboro": np.ascontiguousarray(dem["elevation"]),
        "topobathy": np.ascontiguousarray(sea["topo"]),
        "brain": np.ascontiguousarray(np.asarray(nibabel.load(brain).dataobj)),
        "hubble": np.ascontiguousarray(np.asarray(Image.open(hubble))),
    }


CHUNKS = {"jacksboro": (50, 60), "topobathy": (32, 64), "brain": (16, 24, 8, 1), "hubble": (64, 50, 3)}
SHARDS = {name: tuple(4 * c if axis < 2 else c for axis, c in enumerate(chunk)) for name, chunk in CHUNKS.items()}


def write_zarr_python(root, data):
    group = zarr.open_group(root / "zarr-python", mode="w", zarr_format=3, attributes={"made": "zarr-python"})
    compressors = {
        "jacksboro": ZstdCodec(level=3),
        "topobathy": BloscCodec(cname="lz4", shuffle="bitshuffle", typesize=data["topobathy"].dtype.itemsize),
        "brain": GzipCodec(level=5),
        "hubble": BloscCodec(cname="zstd", shuffle="shuffle", typesize=1),
    }
    for name, array in data.items():
        created = group.create_array(
            name, shape=array.shape, dtype=array.dtype, chunks=CHUNKS[name], shards=SHARDS[name],
            compressors=compressors[name], fill_value=array.dtype.type(array.flat[0]))
        created[...] = array
    zarr.consolidate_metadata(root / "zarr-python")


def write_xarray(root, data):
    arrays = {name: (tuple(f"{name}_{axis}" for axis in range(a.ndim)), a) for name, a in data.items()}
    encoding = {name: {"chunks": CHUNKS[name], "shards": SHARDS[name]} for name in data}
    xr.Dataset(arrays, attrs={"made": "xarray"}).to_zarr(root / "xarray", zarr_format=3, encoding=encoding, mode="w")


def tensorstore_codecs(name, rank, inner):
    index = [{"name": "bytes", "configuration": {"endian": "big"}}, {"name": "crc32c"}]
    small = [max(1, n // 2) if n % 2 == 0 else n for n in inner]
    little = {"name": "bytes", "configuration": {"endian": "little"}}
    chains = {
        "jacksboro": ([{"name": "transpose", "configuration": {"order": [1, 0]}}, little,
                       {"name": "zstd", "configuration": {"level": 1}}, {"name": "crc32c"}], "start"),
        "topobathy": ([{"name": "bytes", "configuration": {"endian": "big"}},
                       {"name": "gzip", "configuration": {"level": 4}}], "end"),
        "brain": ([{"name": "sharding_indexed", "configuration": {
            "chunk_shape": small, "codecs": [little, {"name": "zstd", "configuration": {"level": 5}}],
            "index_codecs": index, "index_location": "start"}}], "end"),
        "hubble": ([{"name": "bytes"}, {"name": "blosc", "configuration": {
            "cname": "blosclz", "clevel": 9, "shuffle": "shuffle", "typesize": 3, "blocksize": 0}}], "start"),
    }
    codecs, location = chains[name]
    return [{"name": "sharding_indexed", "configuration": {
        "chunk_shape": inner, "codecs": codecs, "index_codecs": index, "index_location": location}}]


def write_tensorstore(root, data):
    (root / "tensorstore").mkdir()
    (root / "tensorstore" / "zarr.json").write_text('{"zarr_format": 3, "node_type": "group"}')
    for name, array in data.items():
        array_store(root / "tensorstore" / name, create=True, metadata={
            "shape": list(array.shape), "data_type": array.dtype.name,
            "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": list(SHARDS[name])}},
            "codecs": tensorstore_codecs(name, array.ndim, list(CHUNKS[name])),
            "fill_value": 7})[...].write(array).result()


def array_store(path, **options):
    spec = {"driver": "zarr3", "kvstore": {"driver": "file", "path": f"{path}/"}}
    if "metadata" in options:
        spec["metadata"] = options.pop("metadata")
    return ts.open(spec, **options).result()


def write_v2(root, data):
    group = zarr.open_group(root / "v2", mode="w", zarr_format=2, attributes={"made": "v2"})
    compressors = {"jacksboro": numcodecs.Blosc(cname="lz4", shuffle=2), "topobathy": numcodecs.GZip(2),
                   "brain": numcodecs.Zstd(3), "hubble": None}
    for name, array in data.items():
        order = "F" if name == "brain" else "C"
        created = group.create_array(name, shape=array.shape, dtype=array.dtype.newbyteorder(">"), order=order,
                                     chunks=CHUNKS[name], compressors=compressors[name])
        created[...] = array


def write(root):
    data = rasters()
    (root / "rasters").mkdir(parents=True)
    types = {}
    for name, array in data.items():
        array = array.astype(array.dtype.newbyteorder("="))
        data[name] = array
        (root / "rasters" / f"{name}.bin").write_bytes(array.tobytes())
        types[name] = {"dtype": array.dtype.name, "shape": list(array.shape)}
    (root / "rasters.json").write_text(json.dumps(types))
    write_zarr_python(root, data)
    write_xarray(root, data)
    write_tensorstore(root, data)
    write_v2(root, data)


def read_by_zarrs(path):
    """Reads with the codecs and the file access of zarrs, without a fallback to those of zarr-python."""
    with zarr.config.set({"codec_pipeline.path": "zarrs.ZarrsCodecPipeline", "codec_pipeline.strict": True}):
        array = zarr.open_array(path, mode="r")
        assert type(array.async_array.codec_pipeline).__module__.startswith("zarrs"), "not read by zarrs"
        return array[...]


def check(root):
    for entry in json.loads((root / "check.json").read_text()):
        path, dtype, shape = root / entry["array"], np.dtype(entry["dtype"]), tuple(entry["shape"])
        expected = np.frombuffer((root / entry["elements"]).read_bytes(), dtype).reshape(shape)
        readers = {"zarr-python": lambda: zarr.open_array(path, mode="r")[...],
                   "tensorstore": lambda: array_store(path).read().result(),
                   "zarrs": lambda: read_by_zarrs(path)}
        for reader in entry["readers"]:
            found = readers[reader]()
            assert found.dtype == dtype and found.shape == shape, f"{path}: {reader}: {found.dtype} {found.shape}"
            assert found.tobytes() == expected.tobytes(), f"{path}: {reader} reads other elements"
            print(f"{reader} agrees: {entry['array']}")
    dataset = root / "xarray"
    if dataset.exists() and (root / "check-xarray").exists():
        opened = xr.open_zarr(dataset, consolidated=True).load()
        assert opened.attrs["made"] == "xarray"
        print("xarray opens its dataset")


def change(root):
    entries = json.loads((root / "check.json").read_text())
    changed = []
    for number, entry in enumerate(e for e in entries if e["array"].startswith("ours/")):
        path, dtype = root / entry["array"], np.dtype(entry["dtype"])
        expected = np.frombuffer((root / entry["elements"]).read_bytes(), dtype).reshape(entry["shape"]).copy()
        part = tuple(slice(n // 5, n // 2 + 1) for n in entry["shape"])
        value = np.arange(expected[part].size, dtype="i8").reshape(expected[part].shape).astype(dtype)
        expected[part] = value
        if number % 2 == 0 and "tensorstore" in entry["readers"]:
            array_store(path)[part].write(value).result()
        else:
            zarr.open_array(path, mode="r+")[part] = value
        elements = f"changed-{number}.bin"
        (root / elements).write_bytes(expected.tobytes())
        changed.append({**entry, "elements": elements})
    (root / "changed.json").write_text(json.dumps(changed))


if __name__ == "__main__":
    {"write": write, "check": check, "change": change}[sys.argv[1]](pathlib.Path(sys.argv[2]))
