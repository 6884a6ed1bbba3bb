"""The engine of xarray: every data set opens as with engine="zarr"."""

import pickle
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import xarray as xr
import zarr

import zarr_py
import zarr_py.xarray

FORMATS = [2, 3]


def times():
    return pd.date_range("2020-01-01", periods=6, freq="6h")


def weather():
    values = np.random.default_rng(0).normal(280, 10, (6, 8, 10)).astype("f4")
    values[0, 0] = np.nan
    return xr.Dataset(
        {"t2m": (("time", "y", "x"), values, {"units": "K", "valid_range": np.array([200, 330], "f4")})},
        {"time": times(), "y": np.linspace(-90, 90, 8), "x": np.arange(10), "height": ((), 2.0), "area": (("y", "x"), np.ones((8, 10)))},
        {"title": "weather", "levels": np.array([1, 2])},
    )


def packed():
    found = weather()
    found.t2m.encoding = {"dtype": "i2", "scale_factor": 0.01, "add_offset": 280.0, "_FillValue": -32768, "chunks": (2, 8, 5)}
    found.time.encoding = {"units": "hours since 1999-12-31", "dtype": "f8", "calendar": "gregorian"}
    return found


def texts():
    names = np.array(["a", "", "Grüße", "日本"])
    return xr.Dataset({
        "fixed": ("n", names),
        "objects": ("n", names.astype(object)),
        "bytes": ("n", np.array([b"x", b"yz", b"", b"q"])),
        "missing": ("n", np.array(["a", "b", "c", np.nan], dtype=object)),
    }).assign_coords(n=list("wxyz"))


def numbers():
    kinds = ["i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "c8", "c16", "?"]
    return xr.Dataset({f"n_{np.dtype(kind).name}": ("i", np.arange(5).astype(kind)) for kind in kinds})


def masked():
    found = xr.Dataset({"a": ("i", [1.0, np.nan, 3.0]), "b": ("i", [1, 2, 3]), "c": ("i", np.array([1, 2, 3], "i2"), {"missing_value": 2})})
    found.a.encoding = {"_FillValue": -9.0}
    found.b.encoding = {"_FillValue": 2}
    return found


def durations():
    return xr.Dataset({
        "age": ("i", pd.to_timedelta([1, 2, 3], "D")),
        "when": ("i", pd.to_datetime(["2000-01-01", "NaT", "2262-01-01"])),
        "long_ago": ("i", xr.date_range("0001-01-01", periods=3, calendar="360_day", use_cftime=True)),
    }) if has_cftime() else xr.Dataset({"age": ("i", pd.to_timedelta([1, 2, 3], "D"))})


def has_cftime():
    try:
        import cftime  # noqa: F401
    except ImportError:
        return False
    return True


def empty():
    return xr.Dataset({"none": (("x", "y"), np.zeros((0, 3))), "scalar": 5, "words": ((), "one")}, attrs={"note": ""})


def several_coordinates():
    return xr.Dataset(
        {"v": (("y", "x"), np.ones((2, 3)), {"grid_mapping": "crs"})},
        {"crs": ((), 0, {"epsg": 4326, "missing": np.nan, "range": [-np.inf, np.inf]}), "lat": (("y", "x"), np.zeros((2, 3))), "month": ("x", [1, 2, 3])})


DATASETS = [weather, packed, texts, numbers, masked, durations, empty, several_coordinates]


@pytest.fixture(params=DATASETS, ids=lambda make: make.__name__)
def dataset(request):
    return request.param()


def plain(encoding):
    """Returns an encoding in which codecs and byte orders compare equal, whichever library made it."""
    found = {name: value for name, value in encoding.items() if name not in ("compressors", "filters", "serializer")}
    for name in ("dtype", "fill_value", "_FillValue"):
        if name in found and found[name] is not None:
            found[name] = np.dtype(found[name]).name if name == "dtype" else repr(np.asarray(found[name]))
    return found


def opened(place, **options):
    return xr.open_dataset(place, engine="zarr_py", **options)


def assert_opens_alike(place, **options):
    with xr.open_dataset(place, engine="zarr", **options) as expected:
        found = opened(place, **options)
        xr.testing.assert_identical(found, expected)
        # Without consolidated metadata, zarr-python lists variables in the order of the file system.
        order = sorted if options.get("backend_kwargs", {}).get("consolidated") is False else list
        assert order(found.coords) == order(expected.coords) and order(found.indexes) == order(expected.indexes)
        for name in expected.variables:
            assert found[name].dtype == expected[name].dtype and found[name].chunks == expected[name].chunks
            assert plain(found[name].encoding) == plain(expected[name].encoding), name
        xr.testing.assert_identical(found.load(), expected.load())


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("zarr_format", FORMATS)
@pytest.mark.parametrize("consolidated", [True, False])
@pytest.mark.parametrize("options", [
    {}, {"chunks": {}}, {"decode_cf": False}, {"mask_and_scale": False}, {"decode_times": False}, {"decode_coords": "all"},
], ids=str)
def test_data_sets_open_as_with_zarr_python(dataset, zarr_format, consolidated, options, tmp_path):
    place = str(tmp_path / "d.zarr")
    dataset.to_zarr(place, zarr_format=zarr_format, consolidated=consolidated)
    assert_opens_alike(place, **options, backend_kwargs={"consolidated": consolidated})


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("zarr_format", FORMATS)
def test_what_this_package_writes_opens_with_zarr_python(dataset, zarr_format, tmp_path):
    place, other = str(tmp_path / "d.zarr"), str(tmp_path / "e.zarr")
    zarr_py.xarray.to_zarr(dataset, place, zarr_format=zarr_format)
    dataset.to_zarr(other, zarr_format=zarr_format)
    assert_opens_alike(place)
    with xr.open_dataset(place, engine="zarr") as found, xr.open_dataset(other, engine="zarr") as expected:
        xr.testing.assert_identical(found.load(), expected.load())
        for name in expected.variables:
            mine, theirs = (plain(one[name].encoding) for one in (found, expected))
            for free in ("chunks", "preferred_chunks"):
                mine.pop(free, None), theirs.pop(free, None)
            assert mine == theirs, name


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("zarr_format", FORMATS)
def test_encodings_survive_a_round_trip_through_both_libraries(dataset, zarr_format, tmp_path):
    first, second, third = (str(tmp_path / f"{name}.zarr") for name in "abc")
    dataset.to_zarr(first, zarr_format=zarr_format)
    zarr_py.xarray.to_zarr(opened(first), second, zarr_format=zarr_format)
    assert_opens_alike(second)
    if zarr_format == 3:
        opened(second).to_zarr(third, zarr_format=3)
        assert_opens_alike(third)


@pytest.fixture
def sharded(tmp_path):
    place = str(tmp_path / "s.zarr")
    data = weather()
    zarr_py.xarray.to_zarr(data, place, chunks={"time": 1, "y": 4, "x": 4}, shards={"t2m": {"time": 2, "y": 8, "x": 8}})
    return place, data


def test_shards_and_blocks(sharded):
    place, data = sharded
    assert zarr_py.open_array(place, "t2m").shards == (2, 8, 8)
    assert zarr_py.open_array(place, "area").chunks == (4, 4) and zarr_py.open_array(place, "area").shards is None
    assert_opens_alike(place, chunks={})
    blocks = opened(place, chunks={}, preferred_chunks="shards")
    assert blocks.t2m.chunks == ((2, 2, 2), (8,), (8, 2))
    xr.testing.assert_identical(blocks.load(), data)
    with pytest.raises(ValueError, match="preferred_chunks"):
        opened(place, preferred_chunks="bricks")


INDICES = [
    {"time": 0}, {"time": slice(1, 5, 2)}, {"y": slice(None, None, -1), "x": -1}, {"time": [3, 1, 1], "x": [0, 9]},
    {"time": xr.DataArray([0, 5, 2], dims="p"), "y": xr.DataArray([1, 7, 1], dims="p")},
    {"time": xr.DataArray([[0, 1], [2, 3]], dims=("p", "q")), "y": slice(2, 6), "x": xr.DataArray([[4, 5], [6, 7]], dims=("p", "q"))},
    {"x": slice(4, 4)}, {"time": np.array([True, False] * 3)}, {"time": -1, "y": 3, "x": 2},
]


@pytest.mark.parametrize("index", INDICES, ids=range(len(INDICES)))
def test_lazy_indexing(sharded, index):
    place, data = sharded
    lazy = opened(place)
    assert not lazy.t2m._in_memory
    xr.testing.assert_identical(lazy.t2m.isel(index), data.t2m.isel(index))
    twice = opened(place).t2m.isel(time=slice(None, None, -1)).isel(index)
    xr.testing.assert_identical(twice, data.t2m.isel(time=slice(None, None, -1)).isel(index))


async def test_awaited_loads(sharded):
    place, data = sharded
    for index in INDICES:
        xr.testing.assert_identical(await opened(place).t2m.isel(index).load_async(), data.t2m.isel(index))


def test_a_part_reads_only_its_chunks(sharded):
    place, _ = sharded
    group = zarr_py.open_group(place, mode="r")
    lazy = opened(group)
    with group.count_requests() as count:
        lazy.t2m.variable.isel(time=0, y=slice(0, 4), x=slice(0, 4)).load()
    assert count.counts()["gets"] <= 2


def test_dimension_coordinates_are_read_together(tmp_path):
    """The indexes of a data set are read in one batch, and the requests for them overlap."""
    names = [f"d{number}" for number in range(12)]
    data = xr.Dataset(coords={name: np.arange(number + 1) for number, name in enumerate(names)})
    zarr_py.xarray.to_zarr(data, tmp_path)
    batches = []
    from zarr_py import _xarray_arrays

    original = _xarray_arrays.each

    def seen(function, items):
        listed = list(items)
        batches.append(len(listed))
        return original(function, listed)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_xarray_arrays, "each", seen)
        xr.testing.assert_identical(opened(tmp_path), data)
        assert batches == [12]
        assert list(opened(tmp_path, create_default_indexes=False).coords) == sorted(names)
        assert batches == [12]


def test_groups_and_trees(tmp_path):
    place = str(tmp_path / "t.zarr")
    tree = xr.DataTree.from_dict({"/": weather(), "/a": masked(), "/a/deep": numbers().rename(i="j"), "/c": xr.Dataset(attrs={"k": 1})})
    for zarr_format in FORMATS:
        for consolidated in (True, False):
            tree.to_zarr(place, mode="w", zarr_format=zarr_format, consolidated=consolidated)
            found = xr.open_datatree(place, engine="zarr_py")
            xr.testing.assert_identical(found, xr.open_datatree(place, engine="zarr", consolidated=consolidated))
            below = xr.open_datatree(place, engine="zarr_py", group="a")
            xr.testing.assert_identical(below, xr.open_datatree(place, engine="zarr", group="a", consolidated=consolidated))
            xr.testing.assert_identical(opened(place, group="/a/deep"), numbers().rename(i="j"))
            assert set(xr.open_groups(place, engine="zarr_py")) == {"/", "/a", "/a/deep", "/c"}


def test_several_data_sets(tmp_path):
    places = []
    for number in range(3):
        places.append(str(tmp_path / f"{number}.zarr"))
        zarr_py.xarray.to_zarr(weather().isel(time=slice(2 * number, 2 * number + 2)), places[-1])
    found = xr.open_mfdataset(places, engine="zarr_py", combine="nested", concat_dim="time", data_vars="minimal", coords="minimal", compat="override")
    xr.testing.assert_identical(found.load(), weather())


def test_pickles(sharded):
    place, data = sharded
    for lazy in (opened(place), opened(place, chunks={})):
        xr.testing.assert_identical(pickle.loads(pickle.dumps(lazy)), data)
        xr.testing.assert_identical(pickle.loads(pickle.dumps(lazy.t2m[1:3])), data.t2m[1:3])


def test_broken_variables_can_be_dropped(tmp_path):
    zarr_py.xarray.to_zarr(weather(), tmp_path, consolidated=False)
    document = (tmp_path / "t2m" / "zarr.json").read_text()
    (tmp_path / "t2m" / "zarr.json").write_text(document.replace('"zstd"', '"unheard-of"'))
    with pytest.raises(zarr_py.errors.UnsupportedError, match="unheard-of"):
        opened(tmp_path)
    for drop in ("t2m", ["t2m", "x"]):
        found = opened(tmp_path, drop_variables=drop)
        assert set(found.variables) == set(weather().variables) - set([drop] if isinstance(drop, str) else drop)
    assert found.area.variable.equals(weather().area.variable)


def test_places(location):
    written = zarr_py.xarray.to_zarr(weather(), location.url, group="deep/down", storage_options=location.options)
    assert written.path == "deep/down"
    options = {"storage_options": location.options} if location.options else {}
    xr.testing.assert_identical(opened(location.url, group="deep/down", **options), weather())
    xr.testing.assert_identical(xr.open_dataset(zarr_py.open_group(location.url, "deep", **location.options), group="down", engine="zarr_py"), weather())
    with pytest.raises(FileNotFoundError):
        opened(location.url, group="deep/up", **options)
    with pytest.raises(TypeError):
        opened(location.url, group="deep/down/t2m", **options)


def test_nczarr_and_arrays_without_dimensions(tmp_path):
    group = zarr.open_group(tmp_path, mode="w", zarr_format=2)
    array = group.create_array("a", shape=(2, 3), dtype="i4", fill_value=None)
    array[:] = 7
    with pytest.raises(KeyError, match="_ARRAY_DIMENSIONS"):
        opened(tmp_path)
    document = (tmp_path / "a" / ".zarray").read_text()
    (tmp_path / "a" / ".zarray").write_text(document.replace("{", '{"_NCZARR_ARRAY": {"dimrefs": ["/y", "/x"]},', 1))
    assert opened(tmp_path).a.sizes == {"y": 2, "x": 3}
    zarr.create_array(tmp_path / "three", name="a", shape=(2, 3), dtype="i4")
    with pytest.raises(KeyError, match="dimension_names"):
        opened(tmp_path / "three")


def test_guesses():
    engine = zarr_py.xarray.ZarrPyBackendEntrypoint()
    for place in ("a.zarr", "s3://bucket/a.zarr/", "https://host/a.zarr?version=1", "a.zarr|zip:"):
        assert engine.guess_can_open(place)
    for place in ("a.nc", "s3://bucket/a", b"a.zarr", 3, object()):
        assert not engine.guess_can_open(place)


def test_without_zarr_python(sharded):
    """Opening and writing import neither zarr-python nor dask, and the engine is guessed."""
    place, _ = sharded
    code = f"""
import sys
sys.modules["zarr"] = sys.modules["numcodecs"] = None
import xarray as xr
import zarr_py.xarray
found = xr.open_dataset({place!r}, engine="zarr_py")
zarr_py.xarray.to_zarr(found, {place + "2"!r})
xr.testing.assert_identical(xr.open_dataset({place + "2"!r}, engine="zarr_py").load(), found.load())
xr.open_dataset({place!r}).close()
assert not any(name.startswith("zarr.") for name in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
