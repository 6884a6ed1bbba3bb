"""The pipeline with threads and processes: no lost writes, no invalid state after a fork,
cancellable reads.
"""

import asyncio
import gc
import multiprocessing
import sys
import weakref
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import dask.array
import numpy as np
import pytest
import zarr
from numpy.testing import assert_array_equal
from pipeline_cases import OURS, ZARRS, created, engine_only, opened
from zarr.core.buffer import cpu

SHAPE = (96, 96)
SHARDED: dict[str, Any] = {"shape": SHAPE, "chunks": (8, 8), "shards": (48, 96), "dtype": "i4"}
EXPECTED = np.arange(96 * 96, dtype="i4").reshape(SHAPE)

forks = pytest.mark.skipif(sys.platform != "linux", reason="there is no fork")
may_fork = pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")


def write_rows(path: Path, first: int, step: int) -> None:
    array = opened(path, OURS, mode="r+")
    for row in range(first, SHAPE[0], step):
        array[row] = EXPECTED[row]


def test_threads_that_write_one_shard_lose_nothing(tmp_path: Path) -> None:
    array = created(tmp_path, **SHARDED)

    def write(row: int) -> None:
        array[row] = EXPECTED[row]

    with engine_only(), ThreadPoolExecutor(8) as threads:
        list(threads.map(write, range(SHAPE[0])))
    assert_array_equal(opened(tmp_path, ZARRS)[...], EXPECTED)


@pytest.mark.parametrize("method", [pytest.param("fork", marks=[forks, may_fork]), "spawn"])
def test_processes_that_write_one_shard_lose_nothing(tmp_path: Path, method: str) -> None:
    array = created(tmp_path, **SHARDED)
    array[0] = EXPECTED[0]
    context = multiprocessing.get_context(method)
    processes = [context.Process(target=write_rows, args=(tmp_path, first, 4)) for first in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
    assert_array_equal(array[...], EXPECTED)


def test_dask_stores_what_does_not_fit_the_shards_without_a_lock(tmp_path: Path) -> None:
    array = created(tmp_path, **SHARDED)
    with engine_only():
        dask.array.store(dask.array.from_array(EXPECTED, chunks=(7, 11)), array, lock=False, scheduler="threads")
    assert_array_equal(opened(tmp_path, ZARRS)[...], EXPECTED)


def read_rows(array: zarr.Array[Any], first: int, answers: Any) -> None:
    answers.put((first, array[first : first + 24].copy(), array[first, first]))


@forks
@may_fork
def test_a_fork_after_use_reads_in_child_and_parent(tmp_path: Path) -> None:
    array = created(tmp_path, **SHARDED)
    array[...] = EXPECTED
    assert_array_equal(array[...], EXPECTED)
    context = multiprocessing.get_context("fork")
    answers = context.Queue()
    children = [context.Process(target=read_rows, args=(array, first, answers)) for first in range(0, 96, 24)]
    for child in children:
        child.start()
    for _ in children:
        first, rows, one = answers.get(timeout=60)
        assert_array_equal(rows, EXPECTED[first : first + 24])
        assert one == EXPECTED[first, first]
    for child in children:
        child.join(60)
        assert child.exitcode == 0
    assert_array_equal(array[::3], EXPECTED[::3])


async def test_a_read_can_be_cancelled_and_lets_go_of_its_memory(tmp_path: Path) -> None:
    array = created(tmp_path, shape=(4096, 2048), chunks=(64, 64), shards=(512, 512), dtype="i4")
    array[...] = 7
    out = np.zeros(array.shape, "i4")
    read = asyncio.ensure_future(array.async_array.get_orthogonal_selection(..., out=cpu.NDBuffer(out)))
    await asyncio.sleep(0.001)
    read.cancel()
    with pytest.raises(asyncio.CancelledError):
        await read
    # Running jobs still write to the array and keep it alive.
    memory = weakref.ref(out)
    del out, read
    for _ in range(200):
        gc.collect()
        if memory() is None:
            break
        await asyncio.sleep(0.05)
    assert memory() is None
    assert (await array.async_array.getitem(np.s_[::500, ::500]) == 7).all()


async def test_other_tasks_run_while_a_read_does(tmp_path: Path) -> None:
    array = created(tmp_path, shape=(4096, 2048), chunks=(64, 64), shards=(512, 512), dtype="i4")
    array[...] = np.random.default_rng(0).integers(0, 1000, array.shape)
    ticks = 0
    read = asyncio.ensure_future(array.async_array.getitem(...))
    while not read.done():
        await asyncio.sleep(0)
        ticks += 1
    assert ticks > 20
