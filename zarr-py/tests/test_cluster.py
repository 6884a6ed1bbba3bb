"""Clusters of `dask.distributed` on local files and SeaweedFS: workers that are killed, regions and
appends by several workers. `ZARR_REPEATS=20` repeats each test.
"""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import dask
import dask.array as da
import numpy as np
import pytest
import zarr
from conftest import location_of
from counting_proxy import proxied

import zarr_py
import zarr_py.dask as zd
import zarr_py.xarray
from zarr_py._rechunk import Job

distributed = pytest.importorskip("distributed")
xr = pytest.importorskip("xarray")

REPEATS = int(os.environ.get("ZARR_REPEATS", "1"))
BLOCKS = 6
"""The number of shards along each dimension."""


@pytest.fixture
def cluster():
    with (
        dask.config.set({"distributed.comm.timeouts.connect": "60s"}),
        distributed.LocalCluster(n_workers=3, threads_per_worker=1, processes=True, dashboard_address=None, host="127.0.0.1") as made,
        distributed.Client(made) as client,
    ):
        yield client


@pytest.fixture(params=["local", "seaweedfs"])
def place(request, servers, tmp_path):
    """Yields an empty location, and a proxy before a server, which counts the requests of all processes."""
    found = location_of(request.param, servers, tmp_path)
    if found.name == "local":
        yield found, None
        return
    with proxied(found.options["endpoint"]) as proxy:
        yield replace(found, options={**found.options, "endpoint": proxy.url, "pickle_secrets": True}), proxy


def numbers(side=BLOCKS * 20, dtype="i4"):
    return np.arange(side**3, dtype=dtype).reshape(side, side, side)


def create(location, data):
    """Creates an array whose shards are two thirds as long as the blocks of `source`."""
    return zarr_py.create_array(
        location.url, shape=data.shape, dtype="i4", chunks=(5, 5, 5), shards=(20, 20, 20), **location.options)


def source(data):
    return da.from_array(data, chunks=(30, 30, 30))


def slow(block, folder):
    """Lets the test see which worker runs, and gives it time to kill the worker."""
    (folder / f"{os.getpid()}-{time.time_ns()}").touch()
    if not (folder / "killed").exists():
        time.sleep(0.05)
    return block


def stored(location, array):
    return sum(1 for _ in zarr_py.objects(location.url, **location.options).list("c"))


@pytest.mark.parametrize("repeat", range(REPEATS))
def test_a_worker_is_killed(cluster, place, tmp_path, repeat):
    """A worker is killed in mid-write: the result is NumPy's, and hardly an object is written twice."""
    location, proxy = place
    data = numbers()
    target = create(location, data)
    seen = tmp_path / "seen"
    seen.mkdir()
    running = cluster.compute(zd.store(source(data).map_blocks(slow, seen, dtype="i4"), target, compute=False))
    deadline = time.monotonic() + 60
    while stored(location, target) < 8 and time.monotonic() < deadline:
        time.sleep(0.01)
    victim = max((path.name.partition("-") for path in seen.iterdir()), key=lambda name: name[2])[0]
    os.kill(int(victim), signal.SIGKILL)
    (seen / "killed").touch()
    running.result(timeout=100)
    np.testing.assert_array_equal(target[...], data)
    if proxy is not None:
        puts = proxy.count("PUT", "/c/")
        print(f"puts of each object: {puts.total() / BLOCKS**3:.3f}")
        assert len(puts) == BLOCKS**3
        assert puts.total() <= 1.05 * BLOCKS**3


@pytest.mark.parametrize("repeat", range(REPEATS))
def test_each_object_is_written_once_and_not_read(cluster, place, repeat):
    location, proxy = place
    data = numbers()
    target = create(location, data)
    cluster.run(start_counting, location.url, location.options)
    cluster.compute(zd.store(source(data), target, compute=False)).result(timeout=100)
    counts = cluster.run(counted).values()
    puts, gets = (sum(count[kind] for count in counts) for kind in ("puts", "gets"))
    assert puts == target.write_plan().objects == BLOCKS**3
    # One request for each worker compares the metadata.
    assert gets <= 3
    if proxy is not None:
        assert set(proxy.count("PUT", "/c/").values()) == {1}
        assert not proxy.count("GET", "/c/")
    np.testing.assert_array_equal(zd.from_zarr(target).compute(scheduler=cluster), data)


RECHUNKED = """
import json, os, signal, sys
import distributed
import zarr_py

url, options, scheduler, last = sys.argv[1], json.loads(sys.argv[2]), sys.argv[3], int(sys.argv[4])
ends = []

def kill(done, total):
    if len(ends) == last and done >= total // 3:
        os.kill(os.getpid(), signal.SIGKILL)
    if done == total:
        ends.append(total)

with distributed.Client(scheduler) as client:
    zarr_py.rechunk(
        zarr_py.open_array(url, "a", **options), url, "b", chunks=(1, 40, 40), memory=90_000, client=client, progress=kill,
        **options)
"""


def rechunked(location, client, **options):
    """Copies `a`, in chunks of whole rows, to `b`, in 64 chunks of maps: two passes of 20 and 16 tasks."""
    array = zarr_py.open_array(location.url, "a", **location.options)
    return zarr_py.rechunk(
        array, location.url, "b", chunks=(1, 40, 40), memory=90_000, client=client, **options, **location.options)


def created_rows(location):
    data = np.arange(64 * 40 * 40, dtype="i4").reshape(64, 40, 40)
    zarr_py.create_array(location.url, "a", data=data, chunks=(64, 4, 4), **location.options)
    return data


def slow_down():
    """Gives the tasks of this worker time to be killed."""
    copy = Job._copy_elements
    Job._copy_elements = lambda job, part: (time.sleep(0.1), copy(job, part))


def written(location, proxy):
    """Returns the keys of the objects of both passes, each with what changes when it is written."""
    keys = [entry.key for entry in zarr_py.objects(location.url, **location.options).list("")]
    keys = [key for key in keys if key.startswith(("b/c/", "b.rechunk/c/"))]
    if proxy is None:
        return {key: (Path(location.url) / key).stat().st_mtime_ns for key in keys}
    puts = proxy.count("PUT", "/c/")
    return {key: sum(count for path, count in puts.items() if path.endswith(f"/{key}")) for key in keys}


@pytest.mark.parametrize("number", [0, 1])
def test_a_rechunk_is_killed_and_resumed(cluster, place, number):
    """The process that runs a copy is killed in the first or second pass: only what lacks is repeated."""
    location, proxy = place
    data = created_rows(location)
    cluster.run(slow_down)
    arguments = [location.url, json.dumps(location.options), cluster.scheduler.address, str(number)]
    assert subprocess.run([sys.executable, "-c", RECHUNKED, *arguments], check=False).returncode == -signal.SIGKILL
    while any(cluster.processing().values()):
        time.sleep(0.05)
    before = written(location, proxy)
    assert 0 < sum(key.startswith("b/") for key in before) < 64 if number else 0 < len(before) < 16 * 20
    states = []
    copy = rechunked(
        location, cluster, resume=True, verify="checksums", progress=lambda *_: states.append(written(location, proxy)))
    np.testing.assert_array_equal(copy[...], data)
    for state in states:
        assert state.items() >= {key: before[key] for key in before if key in state}.items()
    assert len(written(location, proxy)) == 64


def test_a_worker_is_killed_while_it_rechunks(cluster, place):
    """Its tasks run again on the others, and no other task does."""
    location, proxy = place
    data = created_rows(location)
    cluster.run(slow_down)
    killed = []

    def kill(done, total):
        if not killed and done >= total // 2:
            killed.append(max(cluster.run(os.getpid).values()))
            os.kill(killed[0], signal.SIGKILL)

    copy = rechunked(location, cluster, verify="checksums", progress=kill)
    np.testing.assert_array_equal(copy[...], data)
    assert killed
    if proxy is not None:
        puts = proxy.count("PUT", "/b")
        print(f"puts of each object: {puts.total() / len(puts):.3f}")
        assert puts.total() <= 1.2 * len(puts)


def start_counting(url, options):
    global counting
    counting = zarr_py.open_array(url, **options).count_requests()
    counting.__enter__()


def counted():
    return counting.counts()


def series(start, stop):
    values = np.arange(start * 30, stop * 30, dtype="f8").reshape(-1, 5, 6)
    return xr.Dataset({"v": (("time", "y", "x"), values)}, {"time": np.arange(start, stop)})


def write_region(url, options, start, stop):
    zarr_py.xarray.to_zarr(
        series(start, stop).chunk(time=2, x=4), url, region={"time": slice(start, stop)}, storage_options=options)


def append(url, options, start, stop):
    zarr_py.xarray.to_zarr(series(start, stop), url, append_dim="time", storage_options=options)


@pytest.mark.parametrize("repeat", range(REPEATS))
def test_regions_and_appends(cluster, place, repeat):
    """Regions that share shards, then appends by workers at once: nothing is lost."""
    location, _ = place
    url, options = location.url, location.options
    cluster.cluster.scale(4)
    cluster.wait_for_workers(4, timeout=60)
    zarr_py.xarray.to_zarr(
        series(0, 40).chunk(), url, compute=False, chunks={"time": 4, "y": 5, "x": 3}, shards={"v": (16, 5, 6)},
        storage_options=options)
    edges = [0, 7, 13, 22, 30, 40]
    regions = [
        cluster.submit(write_region, url, options, start, stop, pure=False)
        for start, stop in zip(edges, edges[1:], strict=False)]
    cluster.gather(regions)
    xr.testing.assert_identical(opened(location).load(), series(0, 40))
    cluster.gather([cluster.submit(append, url, options, start, start + 3, pure=False) for start in range(40, 76, 3)])
    found = opened(location).load()
    xr.testing.assert_identical(found.sortby("time"), series(0, 76))
    lazy = opened(location, chunks={}, preferred_chunks="shards")
    assert float(lazy.v.sum().compute(scheduler=cluster)) == series(0, 76).v.sum()


def opened(location, **options):
    return xr.open_dataset(location.url, engine="zarr_py", storage_options=location.options, **options)


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
