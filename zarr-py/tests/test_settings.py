"""Settings of stores: the cache of decoded chunks and dead space; and sweeps."""

import os
import pickle
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr
import zarr_py
from zarr_py.errors import ReadOnlyError

SIDE = 1024
"""The length of the sides of a shard of 2 MiB, which is large enough to be patched."""


def shard(path: Path, **options: Any) -> zarr_py.Array:
    array = zarr_py.create_array(
        path, "a", shape=(SIDE, SIDE), dtype="u2", chunks=(256, 256), shards=(SIDE, SIDE), compressors=None, **options)
    array[...] = 1
    return array


def dead(path: Path) -> int:
    return zarr_py.open_array(path, "a").shard_map().dead_space


@pytest.mark.parametrize(("percent", "inner_chunks"), [(None, 1), (25, 1), (0, 0), (5, 0), (100, 1)])
async def test_dead_space_bounds_what_a_write_leaves(tmp_path: Path, percent: int | None, inner_chunks: int) -> None:
    array = shard(tmp_path, dead_space=percent)
    array[:256, :256] = 2
    assert dead(tmp_path) == inner_chunks * 256 * 256 * 2
    # The setting stays in pickles, after changes of the array, and in groups above it.
    again = pickle.loads(pickle.dumps(array))
    again.attrs["x"] = 1
    group = zarr_py.open_group(tmp_path, dead_space=percent) if percent == 0 else None
    for number, handle in enumerate([again, await zarr_py.open_array_async(tmp_path, "a", dead_space=percent),
                                     *([group["a"]] if group is not None else [])]):
        is_dead = dead(tmp_path) > 0
        assert array.compact()[0] == is_dead
        await handle.write_async((slice(0, 256), slice(0, 256)), 3 + number)
        assert dead(tmp_path) == inner_chunks * 256 * 256 * 2
        assert int(array[0, 0]) == 3 + number and int(array[300, 300]) == 1


def test_dead_space_of_the_process_and_of_the_pipeline(tmp_path: Path) -> None:
    shard(tmp_path)
    with zarr_py.config.set(dead_space=0) as limits:
        assert limits.dead_space == 0
        zarr_py.open_array(tmp_path, "a")[:256, :256] = 2
        assert dead(tmp_path) == 0
        zarr_py.open_array(tmp_path, "a", dead_space=30)[:256, :256] = 2
        assert dead(tmp_path) > 0
    assert zarr_py.config.get().dead_space == 25
    with zarr_py.use():
        for percent in (0, 25):
            zarr_py.open_array(tmp_path, "a").compact()
            found = zarr.open_array(zarr_py.Store(tmp_path, dead_space=percent), path="a")
            assert isinstance(found, zarr.Array)
            found[:256, :256] = 7 + percent
            assert (dead(tmp_path) > 0) == (percent > 0)
    code = f"import zarr_py; zarr_py.open_array({str(tmp_path)!r}, 'a')[:256, :256] = 5"
    zarr_py.open_array(tmp_path, "a").compact()
    subprocess.run([sys.executable, "-c", code], env={**os.environ, "ZARR_PY_DEAD_SPACE": "0"}, check=True)
    assert dead(tmp_path) == 0 and zarr_py.open_array(tmp_path, "a")[0, 0] == 5


def read_twice(array: Any, selection: Any) -> tuple[Any, int]:
    """Returns what a second read returns, and the bytes that it reads."""
    first = array[selection]
    with array.count_requests() as again:
        second = array[selection]
    np.testing.assert_array_equal(first, second)
    return second, again.counts()["bytes_read"]


@pytest.mark.parametrize("shards", [None, (64, 64)])
async def test_a_decoded_chunk_is_neither_read_nor_decoded_again(tmp_path: Path, shards: tuple[int, int] | None) -> None:
    data = np.arange(100 * 90, dtype="i4").reshape(100, 90)
    zarr_py.create_array(tmp_path, "a", data=data, chunks=(16, 16), shards=shards)
    selections: list[Any] = [(slice(3, 50), slice(10, 80)), (slice(None), slice(None, None, 7)), ([1, 99, 4], 5), Ellipsis]
    plain = zarr_py.open_array(tmp_path, "a", cache_bytes=8 << 20)
    cached = zarr_py.open_array(tmp_path, "a", cache_bytes=8 << 20, cache_form="decoded")
    for selection in selections:
        expected = data[selection] if not isinstance(selection, tuple) or not isinstance(selection[0], list) else data[[1, 99, 4], 5]
        # The system caches local files, so encoded chunks are not cached: they are decoded again.
        found, read = read_twice(plain, selection)
        assert read > 0
        np.testing.assert_array_equal(found, expected)
        found, read = read_twice(cached, selection)
        assert read == 0
        np.testing.assert_array_equal(found, expected)
        np.testing.assert_array_equal(await cached.read_async(selection), expected)
    # Handles and pickles of one place share the cache, and a change by another writer is seen.
    again = pickle.loads(pickle.dumps(cached))
    other = zarr_py.open_array(tmp_path, "a", cache_bytes=8 << 20, cache_form="decoded")
    with cached.count_requests() as count:
        assert again[5, 5] == other[5, 5] == data[5, 5]
    assert count.counts()["bytes_read"] == 0
    plain[:20] = data[:20] = -1
    np.testing.assert_array_equal(cached[...], data)
    cached[5] = data[5] = 77
    np.testing.assert_array_equal(cached[...], data)


def test_the_cache_of_decoded_chunks_everywhere_else(tmp_path: Path) -> None:
    data = np.arange(64 * 64, dtype="f4").reshape(64, 64)
    zarr_py.create_array(tmp_path, "a", data=data, chunks=(16, 16))
    with zarr_py.config.set(cache_bytes=1 << 20, cache_form="decoded") as limits:
        assert (limits.cache_bytes, limits.cache_form) == (1 << 20, "decoded")
        found, read = read_twice(zarr_py.open_group(tmp_path)["a"], Ellipsis)
        assert read == 0
        np.testing.assert_array_equal(found, data)
    assert zarr_py.config.get().cache_form == "encoded"
    # zarr-python's arrays through the pipeline.
    store = zarr_py.Store(tmp_path, cache_bytes=1 << 20, cache_form="decoded")
    with zarr_py.use():
        array = zarr.open_array(store, path="a")
        assert isinstance(array, zarr.Array)
        np.testing.assert_array_equal(array[...], data)
        before = store.requests()["bytes_read"]
        np.testing.assert_array_equal(array[...], data)
        assert store.requests()["bytes_read"] == before
    code = (
        f"import zarr_py; a = zarr_py.open_array({str(tmp_path)!r}, 'a'); a[...]; b = a.requests()['bytes_read'];"
        "a[...]; print(zarr_py.config.get().cache_form, a.requests()['bytes_read'] - b)")
    given = {"ZARR_PY_CACHE_BYTES": "1000000", "ZARR_PY_CACHE_FORM": "decoded"}
    done = subprocess.run([sys.executable, "-c", code], env={**os.environ, **given}, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["decoded", "0"]


def test_wrong_settings(tmp_path: Path) -> None:
    for function in (zarr_py.config.set, lambda **given: zarr_py.Store(tmp_path, **given),
                     lambda **given: zarr_py.create_group(tmp_path, **given)):
        for name, wrong in [("dead_space", -1), ("dead_space", 101), ("dead_space", "25"), ("dead_space", 2.5), ("dead_space", True),
                            ("cache_form", "raw"), ("cache_form", 3), ("cache_form", True), ("cache_form", "Decoded")]:
            with pytest.raises((TypeError, ValueError), match=name):
                function(**{name: wrong})
    with pytest.raises(TypeError, match='did you mean "?dead_space'):
        zarr_py.create_group(tmp_path, dead_spaces=3)  # type: ignore[call-arg]
    for name, text, expected in [("DEAD_SPACE", "200", "expected at most 100"), ("CACHE_FORM", "x", "expected 'encoded' or 'decoded'")]:
        command = [sys.executable, "-c", "import zarr_py.config"]
        done = subprocess.run(command, env={**os.environ, f"ZARR_PY_{name}": text}, capture_output=True, text=True, check=False)
        assert done.returncode == 1 and f"ZARR_PY_{name}: {expected}" in done.stderr


def test_a_sweep_removes_what_killed_writers_left(tmp_path: Path) -> None:
    root = zarr_py.create_group(tmp_path)
    for name in ("a", "g/b"):
        root.create_array(name, data=np.arange(4), chunks=(2,))
    files = [tmp_path / name for name in ("a/c/0#0", "g/b/c/1#7", "zarr.json#0")]
    for file in files:
        file.write_bytes(b"half")
    assert root.sweep() == [] == root.sweep(3600)
    hour = 3600 * 24 * 2
    for file in files:
        os.utime(file, (file.stat().st_atime - hour, file.stat().st_mtime - hour))
    assert root["a"].sweep(timedelta(days=3)) == []
    assert root["a"].sweep() == [("file", "a/c/0#0")]
    assert root["a"].sweep() == []
    store = zarr_py.objects(tmp_path)
    (found,) = store.sweep("/g/", older_than=60)
    assert (found.kind, found.key) == ("file", "g/b/c/1#7")
    assert store.sweep(older_than=0) == [("file", "zarr.json#0")]
    assert [file.exists() for file in files] == [False] * 3
    np.testing.assert_array_equal(root["g/b"][...], np.arange(4))  # type: ignore[index]


async def test_a_sweep_is_refused_or_finds_nothing(tmp_path: Path) -> None:
    zarr_py.create_array(tmp_path, "a", data=np.arange(4))
    read_only = zarr_py.open_array(tmp_path, "a", mode="r")
    with pytest.raises(ReadOnlyError, match="/a: store was opened in read-only mode"):
        read_only.sweep()
    with pytest.raises(ReadOnlyError, match="/a"):
        await read_only.sweep_async(0)
    with pytest.raises(ReadOnlyError, match="sweep"):
        zarr_py.objects(tmp_path, read_only=True).sweep()
    memory = zarr_py.create_array("memory:", data=np.arange(4))
    assert memory.sweep(0) == [] == await memory.sweep_async() == await zarr_py.objects("memory:").sweep_async()
    for wrong, error in [(-1, ValueError), ("1 day", TypeError), (True, TypeError), (float("nan"), ValueError), (float("inf"), ValueError),
                         (timedelta(-1), ValueError)]:
        with pytest.raises(error, match="older_than"):
            memory.sweep(wrong)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="prefix"):
        zarr_py.objects(tmp_path).sweep(3)  # type: ignore[arg-type]


def test_a_sweep_of_a_server_removes_probes(location: Any) -> None:
    if location.name not in ("seaweedfs", "moto"):
        pytest.skip("only servers are probed")
    store = zarr_py.objects(location.url, **location.options)
    names = ["a/c/.zarr-store-probe-0123456789abcdef", "a/.zarr-store-probe-x", "a/c/0"]
    for name in names:
        store.put(name, b"x")
    assert store.sweep(older_than=timedelta(hours=1)) == []
    # Servers tell the time of an object in whole seconds.
    time.sleep(1.1)
    assert [tuple(found) for found in store.sweep("a", older_than=0)] == [("probe", names[0])]
    assert sorted(entry.key for entry in store.list()) == sorted(names[1:])
