"""Interoperation with xarray and dask (round trips, and writers that share shards without lost
updates), with event loops, and with warnings as errors.
"""

import asyncio
import multiprocessing
import subprocess
import sys
import threading
import uuid
from pathlib import Path
from typing import Any

import dask.array
import numpy as np
import pytest
import xarray
import zarr

import zarr_py

PIPELINE = {"codec_pipeline.path": "zarr_py.CodecPipeline"}
UPDATES = 100


@pytest.fixture(params=["pipeline", "zarr's own"])
def pipeline(request):
    config = PIPELINE if request.param == "pipeline" else {}
    with zarr.config.set(config):
        yield request.param


def dataset():
    rng = np.random.default_rng(0)
    return xarray.Dataset(
        {
            "t2m": (("time", "y", "x"), rng.normal(size=(8, 40, 60)).astype("f4"), {"units": "K"}),
            "name": (("x",), np.array([f"station {i}" for i in range(60)])),
        },
        {"time": np.datetime64("2020-01-01", "ns") + np.arange(8) * np.timedelta64(1, "D")},
        {"title": "a round trip"},
    )


def test_xarray_round_trip(location, pipeline):
    store = location.open()
    written = dataset()
    encoding = {"t2m": {"chunks": (1, 10, 10), "shards": (4, 20, 30)}}
    written.to_zarr(store, encoding=encoding, zarr_format=3, consolidated=False)
    read = xarray.open_zarr(location.open(read_only=True), zarr_format=3, consolidated=False)
    xarray.testing.assert_identical(read.load(), written)


def test_xarray_region_and_append(location, pipeline):
    store = location.open()
    whole = dataset()[["t2m"]]
    whole.isel(time=slice(0, 4)).to_zarr(store, zarr_format=3, consolidated=False)
    whole.isel(time=slice(4, 8)).to_zarr(store, append_dim="time", zarr_format=3, consolidated=False)
    part = whole.isel(time=slice(2, 6)) * 2
    part.drop_vars("time").to_zarr(store, region={"time": slice(2, 6)}, zarr_format=3, consolidated=False)
    expected = whole["t2m"].values.copy()
    expected[2:6] *= 2
    read = xarray.open_zarr(store, zarr_format=3, consolidated=False)
    np.testing.assert_array_equal(read["t2m"].values, expected)


def test_dask_store_without_a_lock_is_exact(location):
    """Dask chunks misaligned with shards: several tasks write each shard at once."""
    data = np.arange(96 * 96, dtype="i4").reshape(96, 96)
    with zarr.config.set(PIPELINE):
        array = zarr.create_array(location.open(), name="a", shape=data.shape, shards=(32, 32), chunks=(8, 8), dtype="i4")
        dask.array.store(dask.array.from_array(data, chunks=(20, 28)), array, lock=False, scheduler="threads")
        assert np.array_equal(array[:], data)


def test_dask_distributed_round_trip(location):
    """Three processes write one array and read it back."""
    if location.name == "memory":
        pytest.skip("memory is not shared by processes")
    distributed = pytest.importorskip("distributed")
    data = np.arange(96 * 96, dtype="i4").reshape(96, 96)
    with zarr.config.set(PIPELINE):
        array = zarr.create_array(
            location.open(pickle_secrets=True), name="a", shape=data.shape, shards=(32, 32), chunks=(8, 8), dtype="i4"
        )
        cluster = distributed.LocalCluster(
            n_workers=3, threads_per_worker=1, processes=True, dashboard_address=None, host="127.0.0.1"
        )
        with cluster, distributed.Client(cluster) as client:
            client.run(use_pipeline)
            source = dask.array.from_array(data, chunks=(20, 28))
            dask.array.store(source, array, lock=False, scheduler=client)
            read = dask.array.from_zarr(array, chunks=(24, 40)).compute(scheduler=client)
        assert np.array_equal(read, data)


def use_pipeline():
    zarr.config.set(PIPELINE)


def count_up(array, writer, updates):
    """Counts in the writer's own elements of inner chunks shared with other writers."""
    for number in range(1, updates + 1):
        array[writer::16] = number


def lost(array, writers, updates):
    return int((updates - array[:].reshape(-1, 16)[:, :writers]).sum())


def test_threads_lose_no_updates(location):
    with zarr.config.set(PIPELINE):
        array = zarr.create_array(location.open(), name="a", shape=(64,), shards=(64,), chunks=(16,), dtype="i4")
        updates = UPDATES if location.name == "local" else UPDATES // 5
        threads = [threading.Thread(target=count_up, args=(array, writer, updates)) for writer in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert lost(array, 8, updates) == 0


def process(location, writer, updates):
    with zarr.config.set(PIPELINE):
        count_up(zarr.open_array(location.open(), path="a", zarr_format=3), writer, updates)


@pytest.mark.parametrize("method", ["spawn", "fork"])
def test_processes_lose_no_updates(location, method):
    if location.name == "memory":
        pytest.skip("memory is not shared by processes")
    with zarr.config.set(PIPELINE):
        array = zarr.create_array(location.open(), name="a", shape=(64,), shards=(64,), chunks=(16,), dtype="i4")
        updates = UPDATES if location.name == "local" else UPDATES // 5
        context = multiprocessing.get_context(method)
        processes = [context.Process(target=process, args=(location, writer, updates)) for writer in range(4)]
        for one in processes:
            one.start()
        for one in processes:
            one.join(120)
        assert [one.exitcode for one in processes] == [0] * 4
        assert lost(array, 4, updates) == 0


class Windows:
    """A data set as expected by torch's loaders."""

    def __init__(self, array):
        self.array = array

    def __getitem__(self, number):
        return self.array[number * 8 : number * 8 + 8].sum()


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_loader_workers_read(location, method):
    """Mimics a DataLoader: the parent uses the array, then workers, then the parent again."""
    if location.name == "memory" and method == "spawn":
        pytest.skip("memory is not shared by processes")
    data = np.arange(64, dtype="i8")
    with zarr.config.set(PIPELINE):
        array = zarr.create_array(
            location.open(pickle_secrets=True), name="a", shape=(64,), shards=(32,), chunks=(8,), dtype="i8"
        )
        array[:] = data
        windows = Windows(array)
        expected = [windows[number] for number in range(8)]
        with multiprocessing.get_context(method).Pool(2) as pool:
            assert pool.map_async(windows.__getitem__, range(8)).get(60) == expected
        assert np.array_equal(array[:], data)


async def everything(folder: Path) -> int:
    """Runs each awaitable operation once."""
    group = await zarr_py.open_group_async(folder)
    array = await zarr_py.open_array_async(folder, "a")
    made = await group.create_array_async(f"made-{uuid.uuid4()}", shape=4, dtype="i4")
    await made.write_async(..., np.arange(4))
    assert (await made.read_async()).tolist() == [0, 1, 2, 3]
    with pytest.raises(FileNotFoundError):
        await zarr_py.open_async(folder, "absent")
    assert await zarr_py.Store(folder).exists("a/zarr.json")
    return int((await array.read_async()).sum())


async def with_tasks(folder: Path) -> None:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(everything(folder)) for _ in range(4)]
    assert [task.result() for task in tasks] == [190] * 4
    assert await asyncio.wait_for(everything(folder), 30) == 190
    array = await zarr_py.open_array_async(folder, "a")
    cancelled = asyncio.create_task(array.read_async())
    cancelled.cancel()
    with pytest.raises(asyncio.CancelledError):
        await cancelled
    assert (await array.read_async()).sum() == 190


async def with_anyio(folder: Path) -> None:
    import anyio

    found = []

    async def one() -> None:
        found.append(await everything(folder))

    async with anyio.create_task_group() as group:
        for _ in range(4):
            group.start_soon(one)
    assert found == [190] * 4
    with anyio.move_on_after(0):
        await everything(folder)
    with anyio.fail_after(30):
        assert await everything(folder) == 190


@pytest.mark.parametrize("steps", [with_tasks, with_anyio])
@pytest.mark.parametrize("loop", ["asyncio", "uvloop", "anyio", "anyio with uvloop"])
def test_every_event_loop_will_do(tmp_path: Path, loop: str, steps: Any) -> None:
    if "anyio" in loop or steps is with_anyio:
        pytest.importorskip("anyio")
    if "uvloop" in loop:
        pytest.importorskip("uvloop")
    zarr_py.create_group(tmp_path).create_array("a", data=np.arange(20), chunks=(4,))
    if loop == "asyncio":
        asyncio.run(steps(tmp_path))
    elif loop == "uvloop":
        import uvloop

        uvloop.run(steps(tmp_path))
    else:
        import anyio

        anyio.run(steps, tmp_path, backend_options={"use_uvloop": "uvloop" in loop})


def test_imports_warn_of_nothing() -> None:
    code = "import zarr_py; [getattr(zarr_py, name) for name in zarr_py.__all__]; import zarr_py.codecs, zarr_py.config, zarr_py.errors"
    command = [sys.executable, "-X", "dev", "-W", "error", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0 and not done.stderr, done.stderr
