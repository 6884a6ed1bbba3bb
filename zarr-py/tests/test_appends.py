"""Appends and reservations by several writers: each gets its own elements, and none is lost."""

import multiprocessing
import pickle
import threading

import numpy as np
import pytest

import zarr_py
from zarr_py.errors import ChangedError

BLOCKS = 100


def append_blocks(url, options, writer, blocks):
    """Appends blocks of 1 to 3 rows that hold the number of the writer and of the block."""
    array = zarr_py.open_array(url, "a", **options)
    for number in range(blocks):
        array.append(np.full((1 + number % 3, 2), writer * 1000 + number, "i4"))


def reserve_blocks(url, options, writer, blocks):
    """Reserves first, and writes the blocks in reverse order."""
    array = zarr_py.open_array(url, "a", **options)
    regions = [(array.reserve(1 + number % 3), number) for number in range(blocks)]
    for region, number in reversed(regions):
        region.write(writer * 1000 + number)


def publish_blocks(url, options, writer, blocks):
    array = zarr_py.open_array(url, "a", **options)
    for number in range(blocks):
        array.append(np.full((1 + number % 3, 2), writer * 1000 + number, "i4"), publish=True)


def assert_complete(array, writers, blocks):
    """Every block of every writer is there once, in one piece, and blocks of a writer are in order."""
    rows = array[...]
    assert (rows[:, 0] == rows[:, 1]).all()
    starts = np.flatnonzero(np.diff(rows[:, 0], prepend=-2))
    found = rows[starts, 0]
    lengths = np.diff(np.append(starts, len(rows)))
    assert sorted(found) == sorted(writer * 1000 + number for writer in range(writers) for number in range(blocks))
    assert (lengths == 1 + found % 1000 % 3).all()
    for writer in range(writers):
        own = found[found // 1000 == writer]
        assert (np.diff(own) > 0).all()


@pytest.mark.parametrize("append", [append_blocks, reserve_blocks, publish_blocks])
@pytest.mark.parametrize("grid", [{"chunks": (7, 2)}, {"chunks": (4, 1), "shards": (64, 2)}], ids=["chunks", "shards"])
def test_processes_lose_nothing(location, append, grid):
    if location.name == "memory":
        pytest.skip("memory is not shared by processes")
    writers, blocks = (8, BLOCKS) if location.name == "local" else (4, 20)
    zarr_py.create_array(location.url, "a", shape=(0, 2), dtype="i4", fill_value=-1, **grid, **location.options)
    context = multiprocessing.get_context("spawn")
    processes = [
        context.Process(target=append, args=(location.url, location.options, writer, blocks)) for writer in range(writers)]
    for process in processes:
        process.start()
    while append is publish_blocks and any(process.is_alive() for process in processes):
        assert_whole(zarr_py.open_array(location.url, "a", **location.options)[...])
    for process in processes:
        process.join(110)
    assert [process.exitcode for process in processes] == [0] * writers
    assert_complete(zarr_py.open_array(location.url, "a", **location.options), writers, blocks)


def assert_whole(rows):
    """No element is missing, and no append is cut off at the end."""
    starts = np.flatnonzero(np.diff(rows[:, 0], prepend=-2))
    assert (np.diff(np.append(starts, len(rows))) == 1 + rows[starts, 0] % 1000 % 3).all()
    assert (rows >= 0).all()


def test_appends_are_published_in_order():
    array = zarr_py.create_array("memory:", shape=(0, 2), dtype="i4", chunks=(4, 2), fill_value=-1)
    other, reader = (pickle.loads(pickle.dumps(array)) for _ in range(2))
    first = array._reserve_ahead(0, 3)
    assert other.append([[7, 7]], publish=True) == (0, 2)
    assert reader.refresh().shape == (0, 2)
    first[...] = np.array([[5, 5]] * 3)
    with pytest.raises(zarr_py.errors.InvalidError, match="in flight"):
        reader.append([[1, 1]])
    array._publish(0, 0, 3)
    assert reader.refresh()[...].tolist() == [[5, 5]] * 3 + [[7, 7]]
    assert reader.append([[1, 1]]) == (5, 2)
    assert list(array.refresh().metadata) == list(other.refresh().metadata)
    assert not any("appends" in member for member in array.metadata)


def test_what_was_not_published_is_discarded():
    """After a writer died, a resize discards what follows, and nothing of it reappears."""
    array = zarr_py.create_array("memory:", shape=(3, 2), dtype="i4", chunks=(4, 2), fill_value=-1)
    array[...] = 1
    array._reserve_ahead(0, 2)
    other = pickle.loads(pickle.dumps(array)).refresh()
    assert other.append([[7, 7]] * 5, publish=True) == (3, 2)
    with pytest.raises(ChangedError):
        array.resize((3, 2))
    array.refresh().resize((3, 2))
    with pytest.raises(ChangedError):
        other._publish(0, 3, 5)
    array.resize((10, 2))
    assert array[...].tolist() == [[1, 1]] * 3 + [[-1, -1]] * 7


def test_published_appends_need_zarr_3(tmp_path):
    (tmp_path / ".zgroup").write_text('{"zarr_format": 2}')
    array = zarr_py.create_array(tmp_path, "a", shape=(0,), dtype="i4")
    with pytest.raises(zarr_py.errors.InvalidError, match="Zarr v2"):
        array.append([1], publish=True)


def test_threads_lose_nothing(location):
    array = zarr_py.create_array(location.url, "a", shape=(0, 2), dtype="i4", chunks=(7, 2), **location.options)
    blocks = 40 if location.name in ("memory", "local") else 8
    threads = [threading.Thread(target=append_blocks, args=(location.url, location.options, writer, blocks)) for writer in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert_complete(array.refresh(), 6, blocks)


def test_the_array_itself_writes_what_it_reserved():
    """A handle that reserved merges into the last chunk, and another writer's elements stay."""
    array = zarr_py.create_array("memory:", shape=(0,), dtype="i4", chunks=(10,))
    other = pickle.loads(pickle.dumps(array)).refresh()
    first, second = array.reserve(3), other.reserve(3)
    assert (first.start, first.stop, second.start, second.stop) == (0, 3, 3, 6)
    other[second] = 2
    array[first] = 1
    assert other[...].tolist() == [1, 1, 1, 2, 2, 2]


def test_a_region_is_written_elsewhere_while_the_array_grows(tmp_path):
    array = zarr_py.create_array(tmp_path, shape=(4, 0), dtype="i4", chunks=(3, 8))
    region = array.reserve(5, axis=1)
    assert (region.shape, region.axis, region.start, region.stop) == ((4, 5), 1, 0, 5)
    text = pickle.dumps((region, list(region.write_plan())))
    zarr_py.open_array(tmp_path).append(np.full((4, 2), 9), axis=-1)
    again, tasks = pickle.loads(text)
    assert again == region and again.array.shape == (4, 7)
    data = np.arange(20).reshape(4, 5)
    for task in tasks:
        assert (task.replaces, task.modifies) == (0, 1)
        task.write(data[task.part])
    np.testing.assert_array_equal(array.refresh()[...], np.hstack([data, np.full((4, 2), 9)]))
    assert np.array_equal(array[again], data)
    again.write(0)
    assert array[...].sum() == 72


async def test_awaited_appends():
    array = zarr_py.create_array("memory:", shape=(1, 2), dtype="i4", chunks=(4, 2))
    assert await array.append_async([[1, 2]]) == (2, 2)
    region = await array.reserve_async(2)
    await region.write_async([[3, 4], [5, 6]])
    assert array[...].tolist() == [[0, 0], [1, 2], [3, 4], [5, 6]]


def test_what_cannot_be_reserved():
    array = zarr_py.create_array("memory:", shape=(4, 2), dtype="i4", chunks=(4, 2))
    other = pickle.loads(pickle.dumps(array)).refresh()
    for arguments in ((-1,), (1.5,), (1, 2), (1, -3)):
        with pytest.raises((TypeError, ValueError)):
            array.reserve(*arguments)
    assert array.reserve(0).shape == (0, 2)
    other.resize((4, 5))
    with pytest.raises(ChangedError):
        array.reserve(1)
    assert array.refresh().reserve(2, 0).shape == (2, 5)
    with pytest.raises(PermissionError):
        zarr_py.open_array(array.location, mode="r").reserve(1)
