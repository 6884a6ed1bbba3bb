"""`zarr_py.xarray.to_zarr`: modes, regions, appends and templates, as with `Dataset.to_zarr`."""

import multiprocessing

import dask.array
import numpy as np
import pandas as pd
import pytest
import xarray as xr

import zarr_py
import zarr_py.xarray
from zarr_py.xarray import to_zarr


def weather(steps=12, start=0):
    days = pd.date_range("2020-01-01", periods=start + steps)[start:]
    values = np.arange(start * 35, (start + steps) * 35, dtype="f4").reshape(steps, 5, 7)
    return xr.Dataset(
        {"t2m": (("time", "y", "x"), values, {"units": "K"}), "mask": (("y", "x"), np.ones((5, 7), "i1"))},
        {"time": days, "y": np.arange(5.0), "x": np.arange(7)},
        {"title": "weather"})


def opened(place, **options):
    return xr.open_dataset(place, engine="zarr_py", **options).load()


@pytest.fixture(params=[2, 3])
def zarr_format(request):
    return request.param


@pytest.mark.parametrize("lazy", [False, True])
def test_modes(tmp_path, zarr_format, lazy):
    data = weather().chunk(time=5, x=3) if lazy else weather()
    to_zarr(data, tmp_path, zarr_format=zarr_format)
    xr.testing.assert_identical(opened(tmp_path), weather())
    with pytest.raises(FileExistsError):
        to_zarr(data, tmp_path)
    to_zarr(data + 1, tmp_path, mode="a")
    np.testing.assert_array_equal(opened(tmp_path).t2m, weather().t2m + 1)
    to_zarr((data[["t2m"]] * 2), tmp_path, mode="r+")
    np.testing.assert_array_equal(opened(tmp_path).t2m, weather().t2m * 2)
    with pytest.raises(ValueError, match="non-pre-existing"):
        to_zarr(data.rename(t2m="new"), tmp_path, mode="r+")
    to_zarr(data[["mask"]], tmp_path, mode="w", zarr_format=zarr_format)
    assert set(opened(tmp_path).variables) == {"mask", "y", "x"}
    with pytest.raises(ValueError, match="mode"):
        to_zarr(data, tmp_path, mode="x")
    with pytest.raises(FileNotFoundError):
        to_zarr(data, tmp_path / "absent", mode="r+")


@pytest.mark.parametrize("lazy", [False, True])
def test_appends(tmp_path, zarr_format, lazy):
    whole = weather(20)
    encoding = {"t2m": {"chunks": (8, 2, 7)}, "time": {"chunks": (3,)}}
    to_zarr(whole.isel(time=slice(0, 5)), tmp_path, encoding=encoding, zarr_format=zarr_format)
    for start, stop in ((5, 6), (6, 15), (15, 20)):
        part = whole.isel(time=slice(start, stop)).drop_vars("mask")
        to_zarr(part.chunk(time=2, x=2) if lazy else part, tmp_path, append_dim="time")
    xr.testing.assert_identical(opened(tmp_path), whole)
    with pytest.raises(ValueError, match="append_dim"):
        to_zarr(whole, tmp_path, append_dim="level")
    with pytest.raises(ValueError, match="different dimension sizes"):
        to_zarr(whole.isel(x=slice(3)), tmp_path, append_dim="time")
    to_zarr(weather(1, 20), tmp_path, append_dim="time", mode="a-")
    xr.testing.assert_identical(opened(tmp_path), weather(21))


@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize("shards", [None, {"time": 8, "y": 4, "x": 8}])
def test_regions_that_share_chunks(tmp_path, lazy, shards):
    """A template, then regions in any order: none of the blocks fits the chunks."""
    whole = weather(20)
    template = whole.chunk(time=20)
    delayed = to_zarr(template, tmp_path, compute=False, chunks={"time": 4, "y": 2, "x": 4}, shards=shards)
    assert delayed is not None and not np.nan_to_num(opened(tmp_path).t2m).any()
    for start in (13, 0, 7):
        part = whole.isel(time=slice(start, min(start + 7, 20)), y=slice(0, 3)).drop_vars(["x", "y", "mask"])
        part = part.chunk(time=3, x=2) if lazy else part
        to_zarr(part, tmp_path, region={"time": slice(start, min(start + 7, 20)), "y": slice(0, 3)})
    found = opened(tmp_path)
    np.testing.assert_array_equal(found.t2m[:, :3], whole.t2m[:, :3])
    assert np.isnan(found.t2m[:, 3:]).all()
    to_zarr(whole.isel(y=slice(3, 5)).drop_vars(["mask"]), tmp_path, region="auto")
    np.testing.assert_array_equal(opened(tmp_path).t2m, whole.t2m)
    delayed.compute()
    xr.testing.assert_identical(opened(tmp_path), whole)
    with pytest.raises(ValueError, match="at least one dimension in common"):
        to_zarr(whole, tmp_path, region={"time": slice(0, 20)})
    with pytest.raises(KeyError, match="Not all values"):
        to_zarr(weather(3, 19).drop_vars("mask"), tmp_path, region={"time": "auto"})


def append_part(place, writer, parts):
    for number in range(parts):
        start = 1 + (writer * parts + number) * 2
        part = weather(2, start).drop_vars("mask")
        to_zarr(part.chunk(time=1) if number % 2 else part, place, append_dim="time", dask_options={"scheduler": "threads"})


def test_processes_append_and_lose_nothing(tmp_path):
    """Each append has its own times and elements in all variables, whatever others do."""
    to_zarr(weather(1), tmp_path, encoding={"t2m": {"chunks": (5, 5, 7)}, "time": {"chunks": (7,)}})
    writers, parts = 4, 10
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=append_part, args=(str(tmp_path), writer, parts)) for writer in range(writers)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(100)
    assert [process.exitcode for process in processes] == [0] * writers
    assert not zarr_py.open_group(tmp_path).check_consolidated()
    found = opened(tmp_path)
    assert found.sizes["time"] == 1 + 2 * writers * parts
    xr.testing.assert_equal(found.sortby("time"), weather(1 + 2 * writers * parts))


def test_shapes_of_chunks_and_shards(tmp_path):
    def made(**options):
        to_zarr(weather(), tmp_path, mode="w", **options)
        group = zarr_py.open_group(tmp_path)
        return {name: (group[name].chunks, group[name].shards) for name in ("t2m", "mask", "time")}

    assert made(chunks={"time": 4}) == {"t2m": ((4, 5, 7), None), "mask": ((5, 7), None), "time": ((4,), None)}
    assert made(chunks={"t2m": (3, 5, 7)})["t2m"] == ((3, 5, 7), None)
    assert made(chunks={"t2m": {"time": 2, "x": 3}}, shards={"t2m": {"time": 5, "x": 5}})["t2m"] == ((2, 5, 3), (6, 5, 6))
    assert made(chunks={"time": 2}, shards={"t2m": "auto"})["t2m"] == ((2, 5, 7), (16, 5, 7))
    assert made(chunks={"time": 2}, encoding={"t2m": {"chunks": (12, 1, 1)}})["t2m"] == ((12, 1, 1), None)
    assert made(encoding={"t2m": {"chunks": (2, 5, 7), "shards": (4, 5, 7)}})["t2m"] == ((2, 5, 7), (4, 5, 7))
    with pytest.raises(ValueError, match="divisors"):
        made(encoding={"t2m": {"chunks": (2, 5, 7), "shards": (5, 5, 7)}})
    lazy = weather().chunk(time=(5, 7), x=(1, 6))
    to_zarr(lazy, tmp_path, mode="w")
    assert zarr_py.open_array(tmp_path, "t2m").chunks == (7, 5, 6)
    xr.testing.assert_identical(opened(tmp_path), weather())


def test_metadata_come_last(tmp_path):
    """A failed write leaves a group without attributes and without consolidated metadata."""
    def fail(block):
        raise RuntimeError("in a task")

    data = weather()
    data["t2m"] = data.t2m.copy(data=dask.array.from_array(data.t2m.values, chunks=5).map_blocks(fail, dtype="f4", meta=np.empty((0, 0, 0), "f4")))
    with pytest.raises(RuntimeError, match="in a task"):
        to_zarr(data, tmp_path)
    group = zarr_py.open_group(tmp_path)
    assert not group.is_consolidated and not group.attrs
    to_zarr(weather(), tmp_path, mode="w")
    group = zarr_py.open_group(tmp_path)
    assert group.is_consolidated and group.attrs["title"] == "weather" and not group.check_consolidated()
    to_zarr(weather(2, 12), tmp_path, append_dim="time")
    assert not zarr_py.open_group(tmp_path).check_consolidated()
    to_zarr(weather(), tmp_path / "plain", consolidated=False)
    assert not zarr_py.open_group(tmp_path / "plain").is_consolidated


def test_errors_come_before_changes(tmp_path):
    to_zarr(weather(), tmp_path)
    bad = weather(2, 12).assign(other=("time", [1, 2]))
    with pytest.raises(ValueError, match="unexpected encoding"):
        to_zarr(bad, tmp_path, append_dim="time", encoding={"other": {"colour": "red"}})
    xr.testing.assert_identical(opened(tmp_path), weather())
    with pytest.raises(ValueError, match="already exists"):
        to_zarr(weather(), tmp_path, mode="a", encoding={"t2m": {"chunks": (1, 1, 1)}})
    with pytest.raises(TypeError, match="string or None"):
        to_zarr(xr.Dataset({0: 1}), tmp_path / "b")
    with pytest.raises(TypeError, match="attribute"):
        to_zarr(weather().assign_attrs(k=object()), tmp_path / "c")
    with pytest.raises(ValueError, match="zarr_format"):
        to_zarr(weather(), tmp_path / "d", zarr_format=4)


def test_places(location):
    options = location.options
    group = to_zarr(weather(), location.url, storage_options=options)
    to_zarr(weather(3), group, group="below/here")
    to_zarr(weather(3), group.require_group("other"), mode="a")
    for path in ("below/here", "other"):
        xr.testing.assert_identical(opened(location.url, group=path, storage_options=options), weather(3))
    to_zarr(weather(3, 12), location.url, append_dim="time", storage_options=options)
    xr.testing.assert_identical(opened(location.url, storage_options=options), weather(15))


def test_codecs_of_every_library(tmp_path, zarr_format):
    zarr = pytest.importorskip("zarr")
    numcodecs = pytest.importorskip("numcodecs")
    blosc = {2: numcodecs.Blosc("zstd", 3, numcodecs.Blosc.BITSHUFFLE), 3: zarr.codecs.BloscCodec(cname="zstd")}[zarr_format]
    for codec in (blosc, {"name": "gzip", "configuration": {"level": 3}}, zarr_py.codecs.Zstd(3), "zstd", None):
        given = codec if codec is None or isinstance(codec, str) else (codec,)
        to_zarr(weather(), tmp_path, mode="w", encoding={"t2m": {"compressors": given}}, zarr_format=zarr_format)
        with xr.open_dataset(tmp_path, engine="zarr") as found:
            xr.testing.assert_identical(found.load(), weather())
        assert len(zarr_py.open_array(tmp_path, "t2m").compressors) == (0 if codec is None else 1)


@pytest.mark.parametrize("lazy", [False, True])
def test_trees(tmp_path, zarr_format, lazy):
    """A tree is written as `DataTree.to_zarr` writes it."""
    data = weather().chunk(time=5, x=3) if lazy else weather()
    tree = xr.DataTree.from_dict({"/": data[["y", "x"]], "/a": data, "/a/deep": data[["mask"]] * 2, "/c": xr.Dataset(attrs={"k": 1})})
    expected = xr.DataTree.from_dict({path: found.compute() for path, found in tree.to_dict().items()})
    encoding = {"/a": {"t2m": {"chunks": (4, 5, 7)}}}
    to_zarr(tree, tmp_path / "ours", encoding=encoding, zarr_format=zarr_format)
    # From memory: xarray loses elements of blocks that share chunks.
    expected.to_zarr(tmp_path / "theirs", encoding=encoding, zarr_format=zarr_format)
    for name in ("ours", "theirs"):
        found = xr.open_datatree(tmp_path / name, engine="zarr_py").load()
        xr.testing.assert_identical(found, expected)
        assert set(zarr_py.open_group(tmp_path / name)["a/deep"]) == {"mask"}
        assert zarr_py.open_array(tmp_path / name, "a/t2m").chunks == (4, 5, 7)
        assert zarr_py.open_group(tmp_path / name).is_consolidated
    with pytest.raises(FileExistsError):
        to_zarr(tree, tmp_path / "ours")
    to_zarr(tree, tmp_path / "ours", mode="w", write_inherited_coords=True, zarr_format=zarr_format)
    assert set(zarr_py.open_group(tmp_path / "ours")["a/deep"]) == {"mask", "time", "y", "x"}
    to_zarr(tree + 1, tmp_path / "ours", mode="a")
    np.testing.assert_array_equal(opened(tmp_path / "ours", group="a").t2m, weather().t2m + 1)
    with pytest.raises(ValueError, match="group name"):
        to_zarr(tree, tmp_path / "b", encoding={"/x": {}})
    with pytest.raises(NotImplementedError):
        to_zarr(tree, tmp_path / "ours", append_dim="time")


def test_a_tree_is_a_delayed_write(tmp_path):
    tree = xr.DataTree.from_dict({"/a": weather().chunk(time=5), "/b": weather(3).chunk(time=1)})
    delayed = to_zarr(tree, tmp_path, compute=False)
    assert not opened(tmp_path, group="a").t2m.notnull().all() or not opened(tmp_path, group="a").t2m.any()
    delayed.compute()
    xr.testing.assert_identical(opened(tmp_path, group="a"), weather())
    xr.testing.assert_identical(opened(tmp_path, group="b"), weather(3))


WRONG = {
    "encoding": ({"encoding": {"t2m": {"chonks": (1, 5, 7)}}}, ValueError, "chonks"),
    "encoding of no variable": ({"encoding": {"t3m": {"chunks": (1, 5, 7)}}}, KeyError, "t3m"),
    "chunks of no dimension": ({"chunks": {"tme": 1}}, ValueError, "tme"),
    "shards of no variable": ({"shards": {"t3m": {"time": 1}}}, ValueError, "t3m"),
    "chunks of another number": ({"chunks": {"t2m": (1, 2)}}, ValueError, "expected 3 lengths"),
    "codecs": ({"encoding": {"mask": {"compressors": {"name": "zip"}}}}, zarr_py.errors.UnsupportedError, "zip"),
    "shards without chunks": ({"shards": "auto"}, ValueError, "shards"),
    "format": ({"zarr_format": 4}, ValueError, "zarr_format"),
}


@pytest.mark.parametrize("case", WRONG)
@pytest.mark.parametrize("tree", [False, True])
def test_errors_come_before_anything_is_stored_or_deleted(tmp_path, case, tree):
    arguments, error, match = WRONG[case]
    data = weather()
    if tree:
        data = xr.DataTree.from_dict({"/": xr.Dataset(), "/a": xr.Dataset({"first": ("z", [1, 2])}), "/b": weather()})
        if "encoding" in arguments:
            arguments = {"encoding": {"/b": arguments["encoding"]}}
    with pytest.raises(error, match=match):
        to_zarr(data, tmp_path / "new", **arguments)
    assert not (tmp_path / "new").exists()
    to_zarr(weather(), tmp_path / "old", chunks={"time": 5})
    with pytest.raises(error, match=match):
        to_zarr(data, tmp_path / "old", mode="w", **arguments)
    xr.testing.assert_identical(opened(tmp_path / "old"), weather())


def test_errors_in_values_come_first(tmp_path):
    to_zarr(weather(), tmp_path)
    for wrong in (
        weather().assign(bad=("time", np.array([{1}] * 12, object))),
        weather().assign_attrs(bad=object()),
        weather().assign(bad=("time", np.ones(12), {"bad": {1, 2}})),
    ):
        with pytest.raises((TypeError, ValueError)):
            to_zarr(wrong, tmp_path, mode="w")
        xr.testing.assert_identical(opened(tmp_path), weather())


def test_what_is_no_data_set(tmp_path):
    for data in (weather().t2m, {"a": 1}, np.ones(3)):
        with pytest.raises(TypeError, match="expected a Dataset"):
            to_zarr(data, tmp_path / "new")
    to_zarr(weather(), tmp_path)
    with pytest.raises(FileExistsError, match="mode='w'"):
        to_zarr(weather(), tmp_path)


@pytest.mark.parametrize("lazy", [False, True])
def test_appends_of_other_variables_keep_lengths_equal(tmp_path, zarr_format, lazy):
    """Variables that an append lacks get fill values, and new ones have fill values before it."""
    to_zarr(weather(), tmp_path, zarr_format=zarr_format)
    later = weather(3, 12).drop_vars("mask")
    new = later.drop_vars("t2m").assign(wind=(("time", "y"), np.ones((3, 5), "f4")))
    to_zarr(new.chunk(time=2) if lazy else new, tmp_path, append_dim="time")
    found = opened(tmp_path)
    assert found.sizes["time"] == 15
    xr.testing.assert_equal(found.t2m[:12], weather().t2m)
    assert found.t2m[12:].isnull().all() and found.wind[:12].isnull().all() and (found.wind[12:] == 1).all()
    more = later.assign_coords(time=later.time + np.timedelta64(3, "D"))
    to_zarr(more, tmp_path, append_dim="time")
    assert opened(tmp_path).wind.shape == (18, 5)


def test_variables_without_a_coordinate_are_extended_too(tmp_path):
    data = weather().drop_vars("time").assign(b=("time", np.arange(12)))
    to_zarr(data, tmp_path)
    to_zarr(data[["b"]], tmp_path, append_dim="time")
    found = opened(tmp_path)
    assert found.sizes["time"] == 24
    assert found.t2m[12:].isnull().all()
