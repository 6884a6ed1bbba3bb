"""Dask arrays on stored objects: blocks, writes that share no object, clusters that lose workers."""

import os
import pickle
import signal
import time

import dask
import dask.array as da
import numpy as np
import pytest
import zarr

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


@pytest.fixture
def cluster():
    distributed = pytest.importorskip("distributed")
    with (
        dask.config.set({"distributed.comm.timeouts.connect": "60s"}),
        distributed.LocalCluster(n_workers=3, threads_per_worker=1, processes=True, dashboard_address=None, host="127.0.0.1") as made,
        distributed.Client(made) as client,
    ):
        yield client


def slow(block, folder, pid_file):
    """Lets the test see which worker runs, and gives it time to kill the worker."""
    (folder / f"{os.getpid()}-{time.time_ns()}").touch()
    if not pid_file.exists():
        time.sleep(0.05)
    return block


def test_cluster_loses_a_worker(cluster, tmp_path):
    """A worker is killed in mid-write, and the result is NumPy's."""
    data = numbers((90, 90, 30))
    target = zarr_py.create_array(tmp_path / "store", shape=data.shape, dtype="i4", chunks=(5, 5, 5), shards=(20, 20, 20))
    seen, marker = tmp_path / "seen", tmp_path / "killed"
    seen.mkdir()
    lazy = source(data, (30, 30, 30)).map_blocks(slow, seen, marker, dtype="i4")
    running = cluster.compute(zd.store(lazy, target, compute=False))
    deadline = time.monotonic() + 60
    while len(list((tmp_path / "store").rglob("c/**/*"))) < 8 and time.monotonic() < deadline:
        time.sleep(0.01)
    victim = int(sorted(path.name.partition("-")[0] for path in seen.iterdir())[-1])
    os.kill(victim, signal.SIGKILL)
    marker.touch()
    running.result(timeout=100)
    np.testing.assert_array_equal(target[...], data)


def test_cluster_writes_each_object_once(cluster, tmp_path):
    data = numbers((90, 90, 30))
    target = zarr_py.create_array(tmp_path, shape=data.shape, dtype="i4", chunks=(5, 5, 5), shards=(20, 20, 20))
    lazy = source(data, (30, 30, 30))
    stored = zd.store(lazy, target, compute=False)
    cluster.run(start_counting, str(tmp_path))
    cluster.compute(stored).result(timeout=100)
    counts = cluster.run(counted).values()
    puts, gets = (sum(count[kind] for count in counts) for kind in ("puts", "gets"))
    assert puts == target.write_plan().objects == 50
    # One request for each worker compares the metadata.
    assert gets <= 3
    np.testing.assert_array_equal(zd.from_zarr(target).compute(scheduler=cluster), data)


def start_counting(folder):
    global counting
    counting = zarr_py.open_array(folder).count_requests()
    counting.__enter__()


def counted():
    return counting.counts()


def pipeline_path():
    return zarr.config.get("codec_pipeline.path")


def test_use_reaches_workers(cluster):
    before = pipeline_path()
    with zarr_py.use(async__concurrency=7):
        assert set(cluster.run(pipeline_path).values()) == {"zarr_py.CodecPipeline"} == {pipeline_path()}
        assert set(cluster.run(zarr.config.get, "async.concurrency").values()) == {7}
        cluster.cluster.scale(4)
        cluster.wait_for_workers(4, timeout=60)
        assert list(cluster.run(pipeline_path).values()) == ["zarr_py.CodecPipeline"] * 4
    assert set(cluster.run(pipeline_path).values()) == {before} == {pipeline_path()}


def series(start, stop):
    xr = pytest.importorskip("xarray")
    values = np.arange(start * 30, stop * 30, dtype="f8").reshape(-1, 5, 6)
    return xr.Dataset({"v": (("time", "y", "x"), values)}, {"time": np.arange(start, stop)})


def write_region(place, start, stop):
    import zarr_py.xarray

    zarr_py.xarray.to_zarr(series(start, stop).chunk(time=2, x=4), place, region={"time": slice(start, stop)})


def append(place, start, stop):
    import zarr_py.xarray

    zarr_py.xarray.to_zarr(series(start, stop), place, append_dim="time")


@pytest.mark.parametrize("repeat", range(3))
def test_cluster_writes_regions_and_appends(cluster, tmp_path, repeat):
    """Regions that share shards, then appends by workers at once: nothing is lost."""
    import xarray as xr

    import zarr_py.xarray

    place = str(tmp_path / "d.zarr")
    zarr_py.xarray.to_zarr(series(0, 40).chunk(), place, compute=False, chunks={"time": 4, "y": 5, "x": 3}, shards={"v": (16, 5, 6)})
    edges = [0, 7, 13, 22, 30, 40]
    wait = [cluster.submit(write_region, place, start, stop, pure=False) for start, stop in zip(edges, edges[1:], strict=False)]
    cluster.gather(wait)
    xr.testing.assert_identical(xr.open_dataset(place, engine="zarr_py").load(), series(0, 40))
    cluster.gather([cluster.submit(append, place, start, start + 3, pure=False) for start in range(40, 76, 3)])
    found = xr.open_dataset(place, engine="zarr_py").load()
    xr.testing.assert_identical(found.sortby("time"), series(0, 76))
    lazy = xr.open_dataset(place, engine="zarr_py", chunks={}, preferred_chunks="shards")
    assert float(lazy.v.sum().compute(scheduler=cluster)) == series(0, 76).v.sum()
