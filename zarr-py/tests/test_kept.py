"""No call deletes the stored arrays that its own lazy data read."""

import dask
import dask.array as da
import numpy as np
import pytest
import xarray as xr
import zarr

import zarr_py
import zarr_py.dask as zd
from zarr_py.errors import InvalidError
from zarr_py.xarray import to_zarr

REFUSED = pytest.raises(InvalidError, match="would delete first")


def data_set():
    return xr.Dataset(
        {"v": (("t", "x"), np.arange(24.0).reshape(4, 6), {}, {"dtype": "i2", "scale_factor": 0.5, "_FillValue": -1})},
        {"t": np.arange("2020-01-01", "2020-01-05", dtype="M8[D]").astype("M8[ns]"), "far": ("x", np.arange(6))})


SPELLINGS = {
    "equal": lambda place: str(place),
    "path": lambda place: place,
    "link": lambda place: linked(place),
    "dots": lambda place: f"{place}/../{place.name}/",
    "url": lambda place: place.as_uri(),
    "store": lambda place: zarr_py.Store(place),
    "group": lambda place: zarr_py.open_group(place),
}


def linked(place):
    link = place.with_name("link")
    link.symlink_to(place)
    return link


VIEWS = {
    "plain": lambda ds: ds,
    "part": lambda ds: ds.isel(t=[2, 0], x=slice(1, None)),
    "points": lambda ds: ds.isel(t=xr.DataArray([0, 1], dims="p"), x=xr.DataArray([3, 2], dims="p")),
    "one variable": lambda ds: xr.Dataset({"new": ds["far"]}),
    "chunks": lambda ds: ds.chunk(t=2),
    "computed": lambda ds: (ds.chunk(t=2)[["v"]] + 1).rolling(t=2).mean(),
    "optimized": lambda ds: dask.optimize(ds.chunk(t=2))[0],
    "some loaded": lambda ds: ds.assign(v=ds.v.compute()),
    "tree": lambda ds: xr.DataTree.from_dict({"/": xr.Dataset(), "/deep": ds}),
}


@pytest.mark.parametrize("engine", ["zarr_py", "zarr"])
@pytest.mark.parametrize("view", VIEWS)
def test_data_sets_that_read_the_target(tmp_path, view, engine):
    place = tmp_path / "data"
    to_zarr(data_set(), place)
    with xr.open_dataset(place, engine=engine) as lazy:
        data = VIEWS[view](lazy)
        with REFUSED:
            to_zarr(data, place, mode="w")
        with REFUSED:
            to_zarr(data, place, mode="w", compute=False)
    xr.testing.assert_identical(xr.open_dataset(place, engine="zarr_py").load(), data_set())


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_targets_by_other_names(tmp_path, spelling):
    place = tmp_path / "data"
    to_zarr(data_set(), place)
    lazy = xr.open_dataset(place, engine="zarr_py", chunks={})
    target = SPELLINGS[spelling](place)
    with REFUSED:
        to_zarr(lazy, target, mode="w")
    if spelling != "group":
        with REFUSED:
            zd.to_zarr(lazy.v.data, target, "v", overwrite=True)
    xr.testing.assert_identical(lazy.load(), data_set())


def test_data_sets_that_may_replace_the_target(tmp_path):
    """Loaded data, data of other groups, and modes that delete nothing."""
    place = tmp_path / "data"
    to_zarr(data_set(), place)
    lazy = xr.open_dataset(place, engine="zarr_py", chunks={})
    to_zarr(lazy, place, mode="w", group="copy")
    to_zarr(lazy, tmp_path / "data2", mode="w")
    to_zarr(lazy[["v"]] + 1, place, mode="r+")
    np.testing.assert_array_equal(lazy.v, data_set().v + 1)
    to_zarr(lazy.compute(), place, mode="w")
    xr.testing.assert_equal(xr.open_dataset(place, engine="zarr_py").load(), data_set().assign(v=data_set().v + 1))
    to_zarr(lazy.isel(t=0).load(), place, mode="w")
    assert xr.open_dataset(place, engine="zarr_py").v.shape == (6,)


def squared(part):
    return part**2


ARRAYS = {
    "from_zarr": zd.from_zarr,
    "region": lambda array: zd.from_zarr(array, region=(slice(2, 5), slice(None))),
    "computed": lambda array: zd.from_zarr(array, chunks="inner").rechunk((5, 2)).map_overlap(squared, depth=1).T + 1,
    "from_array": da.from_array,
    "inlined": lambda array: da.from_array(array.lazy[2:], inline_array=True),
    "delayed": lambda array: da.from_delayed(dask.delayed(array.read)(...), array.shape, array.dtype),
    "tasks": lambda array: da.concatenate(
        [da.from_delayed(dask.delayed(task.read)(), task.shape, array.dtype) for task in array.read_plan(np.s_[:2])]),
    "stored": lambda array: zd.store(da.ones(array.shape, chunks=3), array, return_stored=True),
    "zarr-python": lambda array: da.from_zarr(zarr.open_array(zarr_py.Store(array.location), path=array.path)),
    "local": lambda array: da.from_zarr(zarr.open_array(array.location.removeprefix("file://"), path=array.path)) * 2,
}


@pytest.mark.parametrize("kind", ARRAYS)
def test_arrays_that_read_the_target(tmp_path, kind):
    array = zarr_py.create_array(tmp_path, "g/a", data=np.ones((8, 6)), chunks=(2, 3), shards=(4, 6))
    lazy = ARRAYS[kind](array)
    expected = lazy.compute()
    for path in ("g/a", "g", ""):
        with REFUSED:
            zd.to_zarr(lazy, tmp_path, path, overwrite=True)
        np.testing.assert_array_equal(lazy.compute(), expected)
    zd.to_zarr(lazy, tmp_path, "g/b", overwrite=True)
    zd.to_zarr(lazy.persist(), tmp_path, "g/a", overwrite=True)
    np.testing.assert_array_equal(zarr_py.open_array(tmp_path, "g/a")[...], expected)


def test_saved_mappings(tmp_path):
    zarr_py.save(tmp_path, {"a": np.arange(3), "b": np.arange(4)})
    group = zarr_py.open_group(tmp_path)
    for data in (dict(group.members()), {"c": group["a"].lazy[1:]}, {"c": zd.from_zarr(group["b"])}):
        with REFUSED:
            zarr_py.save(tmp_path, data)
    zarr_py.save(tmp_path, group["a"], "a")
    zarr_py.save(tmp_path, {"c": group["b"]}, "below")
    assert group["below/c"][...].tolist() == [0, 1, 2, 3]
