"""Dask arrays on stored objects: blocks, and writes that share no object."""

import pickle

import dask
import dask.array as da
import numpy as np
import pytest

import zarr_py
import zarr_py.dask as zd

SHAPE = (96, 100, 10)


def numbers(shape=SHAPE, dtype="i4"):
    return np.arange(int(np.prod(shape)), dtype=dtype).reshape(shape)


def source(data, chunks=(20, 28, 7)):
    return da.from_array(data, chunks=chunks)


@pytest.fixture
def array(tmp_path):
    return zarr_py.create_array(tmp_path, "a", shape=SHAPE, dtype="i4", chunks=(8, 10, 5), shards=(32, 40, 10))


BLOCKS = {
    "shards": ((32, 32, 32), (40, 40, 20), (10,)),
    "inner": ((8,) * 12, (10,) * 10, (5, 5)),
    "auto": ((96,), (100,), (10,)),
    (17, 50, 3): ((17, 17, 17, 17, 17, 11), (50, 50), (3, 3, 3, 1)),
}


@pytest.mark.parametrize("chunks", BLOCKS, ids=str)
def test_blocks_of_reads(array, chunks):
    data = numbers()
    array[...] = data
    lazy = zd.from_zarr(array, chunks=chunks)
    assert (lazy.chunks, lazy.dtype) == (BLOCKS[chunks], data.dtype)
    np.testing.assert_array_equal(lazy.compute(), data)
    np.testing.assert_array_equal(lazy[3:50, ::2, -1].compute(), data[3:50, ::2, -1])
    np.testing.assert_array_equal(lazy[:, [5, 2], ::-1].compute(), data[:, [5, 2], ::-1])
    np.testing.assert_array_equal((lazy + 1).sum(axis=1).compute(scheduler="processes"), (data + 1).sum(axis=1))
    part = zd.from_zarr(array, chunks=chunks, region=(slice(5, 70), slice(None, None), slice(2, 9)))
    np.testing.assert_array_equal(part.compute(), data[5:70, :, 2:9])


def test_one_block_is_one_read_of_whole_shards(array):
    array[...] = numbers()
    with array.count_requests() as count:
        zd.from_zarr(array).compute()
    assert count.counts()["gets"] <= 2 * array.write_plan().objects


def test_auto_blocks_are_whole_objects_within_the_limit(array):
    with dask.config.set({"array.chunk-size": "100kB"}):
        assert zd.from_zarr(array, chunks="auto").chunks == ((32, 32, 32), (40, 60), (10,))
    with dask.config.set({"array.chunk-size": "20kB"}):
        assert zd.from_zarr(array, chunks="auto").chunks == ((8,) * 12, (60, 40), (10,))
    with pytest.raises(ValueError, match="chunks"):
        zd.from_zarr(array, chunks="whole")


def test_names_depend_on_what_is_read_only(array, tmp_path):
    other = pickle.loads(pickle.dumps(array))
    assert zd.from_zarr(array).name == zd.from_zarr(other).name == zd.from_zarr(str(tmp_path), "a").name
    assert zd.from_zarr(array).name != zd.from_zarr(array, chunks="inner").name
    array.attrs["new"] = 1
    assert zd.from_zarr(array).name == zd.from_zarr(other).name
    twin = zarr_py.create_array(tmp_path, "b", shape=SHAPE, dtype="i4", chunks=(8, 10, 5), shards=(32, 40, 10))
    assert zd.from_zarr(array).name != zd.from_zarr(twin).name
    assert dask.base.tokenize(array) == dask.base.tokenize(other)


def test_blocks_are_regrouped_along_shards(array):
    """Each shard is stored once, and none is read, although no block fits a shard."""
    data = numbers()
    with array.count_requests() as count:
        assert zd.store(source(data), array) is None
    counts = count.counts()
    assert (counts["puts"], counts["gets"]) == (array.write_plan().objects, 0)
    np.testing.assert_array_equal(array[...], data)


@pytest.mark.parametrize("grid", [
    {"chunks": (7, 9, 4)}, {"chunks": (8, 10, 5), "shards": (24, 20, 10)}, {"chunks": [[10, 50, 36], 33, [3, 7]]}, {"chunks": SHAPE}], ids=str)
@pytest.mark.parametrize("blocks", [(20, 28, 7), (1, 100, 10), (96, 1, 10), SHAPE, ((5, 50, 41), (99, 1), (2, 2, 6))], ids=str)
@pytest.mark.parametrize("regroup", [None, True, False])
def test_all_blocks_on_all_grids(grid, blocks, regroup):
    data = numbers()
    target = zarr_py.create_array("memory:", shape=SHAPE, dtype="i4", **grid)
    zd.store(source(data, blocks), target, regroup=regroup)
    np.testing.assert_array_equal(target[...], data)


def test_several_arrays_at_once(array, tmp_path):
    data, other = numbers(), zarr_py.create_array(tmp_path, "b", shape=SHAPE, dtype="f8", chunks=(50, 50, 10))
    delayed = zd.store([source(data), source(data) * 0.5], [array, other], compute=False)
    assert not array[...].any()
    delayed.compute()
    np.testing.assert_array_equal(array[...], data)
    np.testing.assert_array_equal(other[...], data * 0.5)
    with pytest.raises(ValueError, match="different numbers"):
        zd.store([source(data)], [array, other])


@pytest.mark.parametrize("compute", [True, False])
def test_stored_arrays(array, compute):
    data = numbers()
    stored = zd.store(source(data), array, compute=compute, return_stored=True)
    assert array[...].any() == compute
    np.testing.assert_array_equal(stored.compute(), data)
    np.testing.assert_array_equal(array[...], data)
    array[...] = 7
    if compute:
        assert (stored.compute() == 7).all()


def test_regions(array):
    data = numbers()
    array[...] = data
    part = source(data[:10, :50])
    zd.store(part, array, regions=(slice(5, 15), slice(99, 49, -1), slice(None)))
    data[5:15, 99:49:-1] = data[:10, :50].copy()
    np.testing.assert_array_equal(array[...], data)
    region = array.reserve(20)
    zd.to_zarr(source(data[:20]), region)
    np.testing.assert_array_equal(array[96:], data[:20])
    with pytest.raises(ValueError, match="shape"):
        zd.store(part, array)
    with pytest.raises(TypeError, match="targets"):
        zd.store(part, data)
    with pytest.raises(TypeError, match="sources"):
        zd.store([data], [array])


def test_new_arrays(tmp_path):
    data = numbers()
    zd.to_zarr(source(data), tmp_path, "a", shards=(40, 56, 14), attributes={"k": 1})
    made = zarr_py.open_array(tmp_path, "a")
    assert (made.chunks, made.shards, made.attrs["k"]) == ((20, 28, 7), (40, 56, 14), 1)
    np.testing.assert_array_equal(made[...], data)
    with pytest.raises(FileExistsError):
        zd.to_zarr(source(data), tmp_path, "a")
    again = zd.to_zarr(source(data + 1), tmp_path, "a", overwrite=True, return_stored=True)
    np.testing.assert_array_equal(again.compute(), data + 1)
    unknown = source(data)[source(data)[:, 0, 0] > 3]
    with pytest.raises(ValueError, match="unknown"):
        zd.to_zarr(unknown, tmp_path, "c")


@pytest.mark.parametrize("data", [np.float32(3), np.zeros((0, 3)), np.array(["a", "bc"], np.dtypes.StringDType()), np.array(["2020-01-01"], "M8[D]")])
def test_unusual_arrays(data):
    data = np.asarray(data)
    lazy = da.from_array(data, chunks=-1)
    target = zarr_py.create_array("memory:", shape=data.shape, dtype=data.dtype)
    zd.store(lazy, target)
    np.testing.assert_array_equal(zd.from_zarr(target).compute(), data)


def test_graphs_are_small(array):
    """The graph holds the array once, however many blocks it has."""
    big = zarr_py.create_array("memory:", shape=(20_000, 10), dtype="u1", chunks=(1, 10), attributes={"much": "x" * 10_000})
    lazy = zd.from_zarr(big)
    assert lazy.npartitions == 20_000
    assert len(pickle.dumps(lazy.dask)) < 250_000


REGIONS = {
    "none": None,
    "all": ...,
    "slice": slice(5, 70),
    "short": (slice(5, 70),),
    "ellipsis": np.s_[5:70, ...],
    "last": np.s_[..., 2:9],
    "full": np.s_[3:50, 1:99, 2:3],
    "steps": np.s_[3:50:2, ::-1, ::-3],
    "empty": np.s_[5:5],
}


@pytest.mark.parametrize("region", REGIONS)
def test_regions_of_all_forms(array, region):
    part = REGIONS[region]
    array[...] = numbers()
    expected = numbers()[... if part is None else part]
    # dask divides by zero for blocks of bytes of empty arrays.
    for chunks in ("shards", "auto", 33, *(["20 kB"] if expected.size else [])):
        lazy = zd.from_zarr(array, chunks=chunks, region=part)
        assert lazy.shape == expected.shape
        np.testing.assert_array_equal(lazy.compute(), expected)
    # Blocks with one element along a dimension would broadcast.
    zd.to_zarr(da.from_array(-expected, chunks=(96, 20, 1)), array, region=part, regroup=False)
    zd.store([da.from_array(-expected, chunks=(70, 9, 4))], [array], regions=part)
    result = numbers()
    result[... if part is None else part] = -expected
    np.testing.assert_array_equal(array[...], result)


def test_inner_blocks_of_steps_are_inner_chunks(array):
    lazy = zd.from_zarr(array, chunks="inner", region=np.s_[3:50:2, ::-1, 0:1])
    assert lazy.chunks == ((3, 4, 4, 4, 4, 4, 1), (10,) * 10, (1,))


def test_arguments_that_are_refused(array):
    blocks = da.from_array(numbers())
    for region in ((3,), np.s_[3:5, 2], [slice(1), slice(1), slice(1), slice(1)], "all"):
        with pytest.raises(ValueError, match="at most one slice"):
            zd.from_zarr(array, region=region)
        with pytest.raises(ValueError, match="at most one slice"):
            zd.to_zarr(blocks, array, region=region)
    for chunks in ("bad", 0, (1, 2), None, -2):
        with pytest.raises(ValueError, match="chunks"):
            zd.from_zarr(array, chunks=chunks)
    for data in (numbers(), [1], None):
        with pytest.raises(TypeError, match="arrays of dask"):
            zd.to_zarr(data, array)
