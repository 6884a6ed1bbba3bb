"""Groups as mappings, modes, requirements, copies and moves; introspection of arrays."""

import pickle
import asyncio
import gc
import os
import subprocess
import sys
import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr
import zarr_py
from zarr_py import codecs, errors


@pytest.fixture
def root(tmp_path: Path) -> zarr_py.Group:
    root = zarr_py.create_group(tmp_path / "root", attributes={"title": "root"})
    root.create_array("a/x", data=np.arange(16, dtype="i4").reshape(4, 4), chunks=(2, 2))
    root.create_array("a/b/y", data=np.arange(3.0))
    root["top"] = np.uint8(5)
    return root


def test_a_group_is_a_mapping(root: zarr_py.Group) -> None:
    assert isinstance(root, Mapping) and list(root) == ["a", "top"] and len(root) == 2
    assert [name for name, _ in root.items()] == ["a", "top"]
    assert [type(node) for node in root.values()] == [zarr_py.Group, zarr_py.Array]
    assert root.array_keys() == ["top"] and root.group_keys() == ["a"]
    assert [node.path for node in root.array_values()] == ["top"] and [node.path for node in root.group_values()] == ["a"]
    assert root.get("a/x") is not None and root.get("a/none") is None and root.get("none", 3) == 3
    assert dict(root).keys() == {"a", "top"} and {**root}.keys() == {"a", "top"}
    assert "a/x" in root and 3 not in root
    with pytest.raises(KeyError):
        root["none"]
    empty = root.create_group("empty")
    assert len(empty) == 0 and bool(empty)


def test_members_of_any_depth(root: zarr_py.Group) -> None:
    depths: list[tuple[int | None, list[str]]] = [
        (0, ["a", "top"]), (1, ["a", "a/b", "a/x", "top"]), (2, ["a", "a/b", "a/b/y", "a/x", "top"])]
    depths.append((None, depths[-1][1]))
    theirs = zarr.open_group(root.location, mode="r")
    for depth, expected in depths:
        assert [path for path, _ in root.members(depth)] == expected
        assert [path for path, _ in asyncio.run(root.members_async(depth))] == expected
        assert root.nmembers(depth) == len(expected)
        assert sorted(path for path, _ in theirs.members(max_depth=depth)) == expected
    for wrong in (-1, "1", 1.5):
        with pytest.raises((TypeError, ValueError), match="max_depth"):
            root.members(wrong)  # type: ignore[arg-type]


def test_parents(root: zarr_py.Group) -> None:
    y = root.open_array("a/b/y")
    assert y.parent is not None and y.parent.path == "a/b" and y.parent.parent is not None and y.parent.parent.path == "a"
    assert root.parent is None and root["top"].parent is not None


def test_trees(root: zarr_py.Group) -> None:
    tree = root.tree()
    assert tree == "/\n  a/\n    b/\n      y (3,) float64\n    x (4, 4) int32\n  top () uint8"
    assert repr(tree) == str(tree) and isinstance(tree, str)
    html = tree._repr_html_()
    assert html.count("<ul>") == html.count("</ul>") == 3 and "x (4, 4) int32" in html
    assert root.tree(level=1) == "/\n  a/\n  top () uint8" and root["a"].tree() == "/a\n  b/\n    y (3,) float64\n  x (4, 4) int32"


def test_modes(tmp_path: Path) -> None:
    new: Any = {"shape": 4, "dtype": "i4"}
    for opener in (zarr_py.open_array, zarr_py.open_group, zarr_py.open):
        for mode in ("r", "r+"):
            with pytest.raises(FileNotFoundError):
                opener(tmp_path / "none", mode=mode)
    array = zarr_py.open_array(tmp_path, "a", mode="w-", **new)
    array[...] = 1
    with pytest.raises(FileExistsError):
        zarr_py.open_array(tmp_path, "a", mode="w-", **new)
    assert zarr_py.open_array(tmp_path, "a", mode="a", shape=9, dtype="i1")[...].tolist() == [1] * 4
    with pytest.raises(PermissionError):
        zarr_py.open_array(tmp_path, "a", mode="r")[0] = 2
    zarr_py.open_array(tmp_path, "a", mode="r+")[0] = 2
    assert zarr_py.open_array(tmp_path, "a", mode="w", **new)[...].tolist() == [0] * 4
    assert zarr_py.open_array(tmp_path, "b", mode="a", data=[1, 2])[...].tolist() == [1, 2]
    group = zarr_py.open_group(tmp_path, "g", mode="a", attributes={"k": 1})
    group["x"] = [1]
    assert zarr_py.open_group(tmp_path, "g", mode="a").keys() == ["x"] and dict(group.attrs) == {"k": 1}
    assert zarr_py.open_group(tmp_path, "g", mode="w").keys() == []
    with pytest.raises(FileExistsError):
        zarr_py.open_group(tmp_path, "g", mode="x")
    assert isinstance(zarr_py.open(tmp_path, "o", mode="a"), zarr_py.Group)
    assert isinstance(zarr_py.open(tmp_path, "p", mode="a", data=[1]), zarr_py.Array)
    with pytest.raises(TypeError, match="group"):
        zarr_py.open_array(tmp_path, "g", mode="a", **new)

    async def same() -> None:
        assert (await zarr_py.open_array_async(tmp_path, "q", mode="a", data=[1, 2])).shape == (2,)
        assert (await zarr_py.open_group_async(tmp_path, "r", mode="w-")).keys() == []
        assert isinstance(await zarr_py.open_async(tmp_path, "q"), zarr_py.Array)
        with pytest.raises(FileNotFoundError):
            await zarr_py.open_async(tmp_path, "none")

    asyncio.run(same())


def test_what_is_required_is_there_or_made(root: zarr_py.Group) -> None:
    assert root.require_group("a").path == "a" and root.require_group("n/m").path == "n/m"
    assert [group.path for group in root.require_groups("p", "q")] == ["p", "q"]
    with pytest.raises(TypeError):
        root.require_group("top")
    same = root.require_array("a/x", shape=(4, 4), dtype="i4")
    assert same[1, 1] == 5 and root.require_array("a/x", shape=(4, 4), dtype="i2")[1, 1] == 5
    made = root.require_array("new", shape=3, dtype="f4", fill_value=1)
    assert made[...].tolist() == [1, 1, 1]
    for wrong in ({"shape": (4, 5)}, {"shape": (4, 4), "dtype": "f8"}, {"shape": (4, 4), "dtype": "i2", "exact": True}):
        with pytest.raises(TypeError, match="required"):
            root.require_array("a/x", **{"dtype": "i4", **wrong})
    with pytest.raises(TypeError):
        root.require_array("a", shape=3, dtype="i4")


def test_appending(tmp_path: Path) -> None:
    array = zarr_py.create_array(tmp_path, "n", data=np.zeros((2, 3), "i4"), chunks=(2, 2))
    assert array.append(np.ones((2, 3))) == (4, 3) and array.append([[2]] * 4, axis=-1) == (4, 4)
    assert asyncio.run(array.append_async(np.full((1, 4), 3))) == (5, 4)
    assert array[...].tolist() == [[0, 0, 0, 2]] * 2 + [[1, 1, 1, 2]] * 2 + [[3, 3, 3, 3]]
    for wrong, axis in (([[1]], 0), ([1, 2], 0), (np.ones((2, 4)), 1), (np.ones((1, 4)), 2)):
        with pytest.raises(ValueError):
            array.append(wrong, axis=axis)
    assert array.shape == (5, 4)
    strings = zarr_py.create_array(tmp_path, "s", data=np.array(["a"], dtype=np.dtypes.StringDType()))
    strings.append(np.array(["bc"], dtype=object))
    assert strings[...].tolist() == ["a", "bc"]


def test_copies_moves_and_renames(root: zarr_py.Group, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    copied = root.copy("a", "deep/er/c", progress=lambda done, of: seen.append((done, of)))
    assert isinstance(copied, zarr_py.Group) and copied["x"][...].tolist() == root["a/x"][...].tolist()
    assert seen[-1][0] == seen[-1][1] == len(seen) and [done for done, _ in seen] == sorted(done for done, _ in seen)
    moved = root.move("a/x", "z")
    assert moved[3, 3] == 15 and "a/x" not in root
    assert root.rename("deep/er/c", "d").path == "deep/er/d" and "deep/er/c" not in root
    other = zarr_py.create_group("memory:")
    assert root.copy("a", other).path == "a" and other["a/b/y"][...].tolist() == [0, 1, 2]
    assert zarr_py.copy(root, tmp_path / "whole")["z"][3, 3] == 15
    assert zarr_py.copy(root["z"], "memory://copies", "under/here")[0, 1] == 1
    with pytest.raises(FileExistsError):
        root.copy("z", "top")
    assert root["top"][()] == 5 and root.copy("z", "top", overwrite=True).shape == (4, 4)
    for source, target in (("a", "a/b/c"), ("a", "a"), ("a/b", "a")):
        with pytest.raises(ValueError, match="cannot be copied"):
            root.copy(source, target, overwrite=True)
    assert root["a/b/y"][2] == 2
    with pytest.raises(FileNotFoundError):
        root.move("none", "other")
    with pytest.raises(TypeError, match="array"):
        root.copy("a", "z/below")
    with pytest.raises(ValueError, match="last part"):
        root.rename("a", "b/c")
    with pytest.raises(PermissionError):
        zarr_py.open_group(root.location, read_only=True).copy("a", "e")
    assert "a" in root and zarr.open_group(root.location, mode="r")["z"][3, 3] == 15


def test_a_copy_under_consolidated_metadata_is_seen(root: zarr_py.Group) -> None:
    root.consolidate()
    group = zarr_py.open_group(root.location)
    assert group.is_consolidated
    group.copy("a/x", "a/copy")
    assert group["a/copy"][3, 3] == 15
    group.move("a/x", "moved")
    assert "a/x" not in group and group["moved"][3, 3] == 15


def test_saving_and_loading(tmp_path: Path) -> None:
    zarr_py.save(tmp_path / "one", np.arange(3))
    assert zarr_py.load(tmp_path / "one").tolist() == [0, 1, 2]
    zarr_py.save(tmp_path / "many", {"a": [1, 2], "b/c": np.eye(2)})
    loaded = zarr_py.load(tmp_path / "many")
    assert loaded["a"].tolist() == [1, 2] and loaded["b"]["c"].tolist() == [[1, 0], [0, 1]]
    assert zarr_py.load(tmp_path / "many", "a").tolist() == [1, 2]
    assert zarr.load(str(tmp_path / "one")).tolist() == [0, 1, 2]
    zarr_py.save(tmp_path / "one", np.arange(5))
    with pytest.raises(FileExistsError):
        zarr_py.save(tmp_path / "one", [1], overwrite=False)
    assert zarr_py.load(tmp_path / "one").shape == (5,)
    with pytest.raises(FileNotFoundError):
        zarr_py.load(tmp_path / "none")


@pytest.mark.parametrize("shards", [None, (4, 4)])
def test_what_arrays_tell_is_what_zarr_python_tells(tmp_path: Path, shards: Any) -> None:
    made = zarr_py.create_array(tmp_path, shape=(7, 9), dtype="i2", chunks=(2, 2), shards=shards, filters={
        "name": "transpose", "configuration": {"order": [1, 0]}}, compressors=["gzip", "crc32c"])
    made[:3, :5] = 1
    theirs = zarr.open_array(str(tmp_path), mode="r")
    assert made.cdata_shape == theirs.cdata_shape and made.nchunks == theirs.nchunks
    assert made.nchunks_initialized == theirs.nchunks_initialized and made.nbytes_stored() == theirs.nbytes_stored()
    assert made.order == theirs.order == "C" and made.zarr_format == theirs.metadata.zarr_format == 3
    assert made.nbytes == theirs.nbytes and made.size == theirs.size
    assert made.filters == (codecs.Transpose((1, 0)),) and made.serializer == codecs.Bytes("little")
    assert made.compressors == (codecs.Gzip(5), codecs.Crc32c())
    before = made.requests()
    assert "int16" in repr(made.info) and made.info.nbytes_stored is None and made.requests() == before
    complete = made.info_complete()
    assert complete.nbytes_stored == theirs.nbytes_stored() and "Storage ratio" in repr(complete)
    assert complete.objects_stored == (2 if shards else 6) and "<table>" in complete._repr_html_()
    for index in ((0, 0), 1, (0, slice(1, 3)), (-1, -1), (slice(None), 0), ()):
        np.testing.assert_array_equal(made.blocks[index], theirs.blocks[index] if index != () else theirs[...])
    np.testing.assert_array_equal(made.blocks[..., -1], theirs[:, 8:])
    assert made.blocks.shape == ((2, 3) if shards else (4, 5))
    made.blocks[0, 0] = 8
    assert (made[:2, :2] == 8).all() and made.blocks.plan((0, 0)).startswith("read")
    for wrong in (9, (0, 9), (0, 0, 0), slice(0, 4, 2), [0], "a"):
        with pytest.raises(IndexError):
            made.blocks[wrong]


def test_nodes_of_zarr_2_say_so_and_are_copied(tmp_path: Path) -> None:
    zarr.create_array(str(tmp_path / "two"), name="x", shape=4, dtype="i4", zarr_format=2)[...] = 3
    group = zarr_py.open_group(tmp_path / "two")
    array = group.open_array("x")
    assert group.zarr_format == array.zarr_format == array.info.zarr_format == 2 and array.nchunks_initialized == 1
    copied = zarr_py.copy(group, tmp_path / "copied")
    assert isinstance(copied, zarr_py.Group) and copied.zarr_format == 2 and copied["x"][...].tolist() == [3] * 4
    keys = {"name": "v2", "configuration": {"separator": "/"}}
    assert zarr_py.create_array(tmp_path, "three", shape=4, dtype="i4", chunk_key_encoding=keys).zarr_format == 3


def test_chunks_are_listed_once(tmp_path: Path) -> None:
    array = zarr_py.create_array(tmp_path, "a", shape=(5, 7), dtype="i4", chunks=(2, 3), shards=(4, 3))
    count = np.zeros(array.shape, int)
    for selection in array.iter_chunks():
        count[selection] += 1
        array[selection] = 1
    assert (count == 1).all() and array.requests()["gets"] == 0
    assert list(zarr_py.create_array(tmp_path, "e", shape=(0, 3), dtype="i4").iter_chunks()) == []
    assert list(zarr_py.create_array(tmp_path, "s", shape=(), dtype="i4").iter_chunks()) == [()]


def test_fields(tmp_path: Path) -> None:
    dtype = np.dtype([("x", "f4"), ("y", "i2"), ("z", "u1")])
    data = np.array([(i, -i, i % 3) for i in range(12)], dtype).reshape(3, 4)
    array = zarr_py.create_array(tmp_path, "a", data=data, chunks=(2, 2))
    np.testing.assert_array_equal(array["x"], data["x"])
    np.testing.assert_array_equal(array["y", 1:, ::2], data[1:, ::2]["y"])
    np.testing.assert_array_equal(array[[2, 0], "y"], data[[2, 0]]["y"])
    np.testing.assert_array_equal(array[["x", "z"]], data[["x", "z"]])
    assert array["y", 1, 2] == -6 and asyncio.run(array.read_async(("z", 2, 3))) == 2
    out = np.zeros((3, 4), "i2")
    array.read("y", out=out)
    np.testing.assert_array_equal(out, data["y"])
    array["y"] = 7
    array["x", 0] = [9, 8, 7, 6]
    asyncio.run(array.write_async(("z", slice(1, None)), 4))
    data["y"], data["x"][0], data["z"][1:] = 7, [9, 8, 7, 6], 4
    np.testing.assert_array_equal(array[...], data)
    assert array._ipython_key_completions_() == ["x", "y", "z"]
    for wrong in ("w", ["x", "w"], ("x", "y")):
        with pytest.raises(IndexError):
            array[wrong]
    plain = zarr_py.create_array(tmp_path, "p", shape=3, dtype="i4")
    for write in (lambda: plain["x"], lambda: plain.__setitem__("x", 1)):
        with pytest.raises(IndexError, match="without fields"):
            write()


def test_numbers_and_tensors(tmp_path: Path) -> None:
    one = zarr_py.create_array(tmp_path, "one", data=np.array([2.5]))
    assert float(one) == 2.5 and int(one) == 2 and complex(one) == 2.5 and float(one[0]) == 2.5
    many = zarr_py.create_array(tmp_path, "many", data=np.arange(6, dtype="f4").reshape(2, 3))
    with pytest.raises(TypeError):
        float(many)
    np.testing.assert_array_equal(np.from_dlpack(many), many[...])
    np.testing.assert_array_equal(np.from_dlpack(many[...]), many[...])
    assert memoryview(many[...]).shape == (2, 3) and np.asarray(many, dtype="f8").dtype == "f8"


def test_weak_references_contexts_and_keys(root: zarr_py.Group) -> None:
    array = root.open_array("a/x")
    reference, group = weakref.ref(array), weakref.ref(root["a"])
    assert reference() is array
    del array
    gc.collect()
    assert reference() is None and group() is None
    with zarr_py.open_group(root.location) as opened, opened.open_array("top") as top:
        assert top[()] == 5
    assert root._ipython_key_completions_() == ["a", "a/b", "a/b/y", "a/x", "top"]

    async def use() -> int:
        async with await zarr_py.open_group_async(root.location) as opened:
            return len(opened)

    assert asyncio.run(use()) == 2


def test_async_functions_are_coroutines(root: zarr_py.Group) -> None:
    async def run() -> None:
        array = root.open_array("a/x")
        starts = [
            array.read_async(), array.oindex.read_async([0]), array.vindex.read_async(([0], [1])), array.write_async(0, 1),
            array.oindex.write_async([0], 1), array.read_into_async(..., np.empty((4, 4), "i4")), array.set_attrs_async({}),
            root.keys_async(), root.members_async(), root.walk_async(), root.open_async("a"), root.open_array_async("a/x"),
            root.open_group_async("a"), root.create_group_async("new"), root.create_array_async("n", data=[1]),
            root.delete_async("none"), zarr_py.open_array_async(root.location, "top"), zarr_py.open_async(root.location),
            zarr_py.open_group_async(root.location), zarr_py.create_group_async(root.location, "c"),
            zarr_py.create_array_async(root.location, "d", data=[1]), root.consolidate_async(), array.resize_async((4, 4)),
        ]
        assert all(asyncio.iscoroutine(start) for start in starts)
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(start) for start in starts[:6]]
        assert tasks[0].result().shape == (4, 4)
        for start in starts[6:]:
            await asyncio.create_task(start)

    asyncio.run(run())


def test_changes_through_one_handle_end_with_the_last(root: zarr_py.Group) -> None:
    async def run() -> None:
        array = root.open_array("a/x")
        await asyncio.gather(*(asyncio.to_thread(array.attrs.update, {f"n{number}": number}) for number in range(24)))
        assert len(array.attrs) == 24
        await asyncio.gather(*(asyncio.to_thread(root.attrs.update, {f"n{number}": number}) for number in range(24)))
        assert len(root.attrs) == 25

    asyncio.run(run())


@pytest.mark.parametrize("given", [
    codecs.Zstd(), codecs.Zstd(7, True), codecs.Gzip(1), codecs.Blosc(), codecs.Blosc("lz4", 3, "noshuffle"),
    codecs.Other({"name": "crc32c"}),
])
def test_codecs_as_classes(tmp_path: Path, given: codecs.Codec) -> None:
    array = zarr_py.create_array(tmp_path, "a", data=np.arange(100, dtype="i4"), compressors=given)
    named = zarr_py.create_array(tmp_path, "b", data=np.arange(100, dtype="i4"), compressors=given.to_dict())
    assert array.metadata["codecs"] == named.metadata["codecs"] and array[...].sum() == 4950
    again = zarr_py.create_array(tmp_path, "c", data=np.arange(100, dtype="i4"), compressors=array.compressors,
                                 serializer=array.serializer, filters=array.filters)
    assert again.metadata["codecs"] == array.metadata["codecs"]


def test_a_sharding_codec_as_a_class(tmp_path: Path) -> None:
    sharding = codecs.Sharding((2, 2), codecs=(codecs.Transpose((1, 0)), "bytes", {"name": "gzip"}, codecs.Gzip(3)))
    array = zarr_py.create_array(tmp_path, data=np.arange(16, dtype="u1").reshape(4, 4), chunks=(4, 4), serializer=sharding,
                                 compressors=None)
    assert array.chunks == (2, 2) and array.shards == (4, 4) and array.compressors == (codecs.Gzip(5), codecs.Gzip(3))
    assert array[3, 3] == 15 and zarr.open_array(str(tmp_path), mode="r")[3, 2] == 14


def test_limits_of_the_process(tmp_path: Path) -> None:
    before = zarr_py.config.get()
    array = zarr_py.create_array(tmp_path, data=np.arange(4096), chunks=64)
    for threads in (1, 3):
        with zarr_py.config.set(threads=threads) as limits:
            assert limits.threads == zarr_py.config.get().threads == threads
            assert array[...].sum() == 4096 * 4095 // 2
    with zarr_py.config.set(max_concurrency=3, cache_bytes=1 << 20, bytes_in_flight=1 << 20) as limits:
        assert limits == zarr_py.config.get()
        origin = zarr_py.Store(tmp_path)._origin
        assert (origin.max_concurrency, origin.cache_bytes) == (3, 1 << 20)
        assert zarr_py.Store(tmp_path, max_concurrency=5, cache_bytes=0)._origin.max_concurrency == 5
    assert zarr_py.config.get() == before
    for name in ("threads", "max_concurrency", "cache_bytes", "bytes_in_flight"):
        for wrong in (-1, "4", 1.5, True, 2**64):
            with pytest.raises((TypeError, ValueError), match=name):
                zarr_py.config.set(**{name: wrong})  # type: ignore[arg-type]
    assert zarr_py.config.get() == before
    code = "import zarr_py; c = zarr_py.config.get(); print(c.threads, c.max_concurrency, c.cache_bytes, c.bytes_in_flight)"
    given = {"ZARR_PY_THREADS": "3", "ZARR_PY_MAX_CONCURRENCY": "7", "ZARR_PY_CACHE_BYTES": "9", "ZARR_PY_BYTES_IN_FLIGHT": "4096"}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env={**os.environ, **given}, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["3", "7", "9", "4096"]
    done = subprocess.run(command, env={**os.environ, "ZARR_PY_THREADS": "many"}, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "ZARR_PY_THREADS: expected an integer" in done.stderr


def test_iteration_reads_bands_of_a_bounded_size(tmp_path: Path) -> None:
    wide = zarr_py.create_array(tmp_path, "wide", shape=(64, 1 << 20), dtype="f4", chunks=(64, 1 << 16), shards=(64, 1 << 20))
    assert max(bands(wide)) <= 32 << 20
    small = zarr_py.create_array(tmp_path, "small", data=np.arange(40).reshape(20, 2), chunks=(4, 2), shards=(20, 2))
    assert set(bands(small)) == {4 * 2 * 8}
    assert [row.tolist() for row in small] == small[...].tolist()
    one = zarr_py.create_array(tmp_path, "one", shape=(2, 1 << 24), dtype="u1", chunks=(2, 1 << 22))
    assert set(bands(one)) == {2 << 24}
    assert list(zarr_py.create_array(tmp_path, "none", shape=(0, 5), dtype="i4")) == []


def bands(array: zarr_py.Array) -> list[int]:
    """Returns the sizes in bytes of the pieces that iteration reads."""
    found = {}
    for row in array:
        base = row if row.base is None else row.base
        while isinstance(base, np.ndarray) and isinstance(base.base, np.ndarray):
            base = base.base
        found[id(base)] = base.nbytes
    return list(found.values())


def test_explain_takes_whatever_one_passes(root: zarr_py.Group) -> None:
    found = zarr_py.explain(root)
    assert found.native and [path for path, _ in found.arrays] == ["a/b/y", "a/x", "top"] and "a/x" in str(found)
    assert zarr_py.explain(root.location).arrays == found.arrays
    array = root.open_array("a/x")
    mask = np.eye(4, dtype=bool)
    for selection, indexing in ((0, "numpy"), (mask, "numpy"), ([0, 3], "numpy"), (([0, 3], [1, 2]), "oindex"),
                                (([0, 3], [1, 2]), "vindex"), (mask, "vindex"), ((0, slice(1, 2)), "blocks")):
        plan = zarr_py.explain(array, selection, indexing=indexing).plan  # type: ignore[arg-type]
        assert plan.startswith("read") and "of /a/x" in plan
        with zarr.config.set({"codec_pipeline.path": "zarr_py.CodecPipeline"}):
            theirs = zarr.open_array(root.location, path="a/x", mode="r")
            same = zarr_py.explain(theirs, selection, indexing=indexing)  # type: ignore[arg-type]
        assert same.plan.splitlines()[-1] == plan.splitlines()[-1], selection
    assert zarr_py.explain(array.oindex, [0, 3]).plan == array.oindex.plan([0, 3])
    with zarr.config.set({"codec_pipeline.path": "zarr_py.CodecPipeline"}):
        group = zarr_py.explain(zarr.open_group(root.location, mode="r"))
    assert group.native and sorted(path for path, _ in group.arrays) == ["a/b/y", "a/x", "top"]
    for wrong in (None, 3, [1], np.arange(3), {}, object()):
        with pytest.raises(TypeError, match="expected"):
            zarr_py.explain(wrong)
    with pytest.raises(TypeError, match="a selection needs an array"):
        zarr_py.explain(root, 0)
    with pytest.raises(errors.SelectionError):
        zarr_py.explain(array, 99)
    with pytest.raises(ValueError, match="indexing"):
        zarr_py.explain(array, 0, indexing="fancy")  # type: ignore[arg-type]


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_what_is_replaced_moved_and_created_is_in_the_copies(tmp_path, zarr_format):
    url = str(tmp_path / "h")
    if zarr_format == 2:
        os.makedirs(url)
        with open(f"{url}/.zgroup", "w") as file:
            file.write('{"zarr_format": 2}')
    group = zarr_py.open_group(url, mode="a")
    for path in ("x", "s/y"):
        group[path] = np.arange(8)
    group.consolidate()
    group = zarr_py.open_group(url)
    group["x"] = np.arange(3)
    group.move("s", "t/u")
    group.create_group("new")
    assert group.keys() == ["new", "t", "x"] and "new" in group and "t/u/y" in group
    zarr_py.open_group(url).create_array("late", shape=[3], dtype="i4")
    assert group.require_array("late", shape=[3], dtype="i4").shape == (3,)
    fresh = zarr_py.open_group(url, use_consolidated=True)
    assert fresh["x"][...].tolist() == [0, 1, 2] and fresh["t/u/y"][...].tolist() == list(range(8))
    assert "s" not in fresh and "s/y" not in fresh
    fresh["t/u"].attrs["a"] = 1
    fresh["t/u/y"].parent["y"].resize((2,))
    pickle.loads(pickle.dumps(fresh["t/u"]))["y"].attrs["b"] = 2
    again = zarr_py.open_group(url, use_consolidated=True)["t/u/y"]
    assert again.shape == (2,) and dict(again.attrs) == {"b": 2}


def test_a_node_that_is_not_understood_is_named_and_hides_no_other(tmp_path):
    url = tmp_path / "h"
    group = zarr_py.open_group(str(url), mode="a")
    for path in ("s/bad", "s/good"):
        group.create_array(path, shape=[3], dtype="i4")
    group.consolidate()
    for name in ("zarr.json", "s/bad/zarr.json"):
        text = (url / name).read_text()
        (url / name).write_text(text.replace('"zstd"', '"of.others"', 1))
    group = zarr_py.open_group(str(url))
    assert group["s"].keys() == ["bad", "good"] and "s/bad" in group and group.nmembers(None) == 3
    assert "bad (" in group.tree() and "good (3,)" in group.tree()
    with pytest.warns(UserWarning, match="bad"):
        assert [path for path, _ in group.members(None)] == ["s", "s/good"]
    with pytest.raises(errors.UnsupportedError, match="consolidated_metadata.metadata.s/bad: codecs"):
        group["s/bad"]


def _old_and_new(tmp_path):
    """Creates a group of each format with zarr-python, with xarray's attributes."""
    groups = []
    for zarr_format in (2, 3):
        path = tmp_path / f"format{zarr_format}"
        group = zarr.open_group(str(path), mode="w", zarr_format=zarr_format)
        group.attrs["missing_value"] = float("nan")
        names = {"dimension_names": ["t", "x"]} if zarr_format == 3 else {"order": "F"}
        array = group.create_array("s/a", shape=(5, 4), chunks=(2, 3), dtype=">f4", fill_value=7, **names)
        array[:4] = np.arange(16).reshape(4, 4)
        array.attrs.update({"_ARRAY_DIMENSIONS": ["t", "x"]} if zarr_format == 2 else {}, units="K", _FillValue=float("inf"))
        group.create_array("s/words", shape=(3,), dtype="U4", fill_value="ab")[0] = "cdß"
        group.create_array("s/days", shape=(3,), dtype="M8[D]")[1] = np.datetime64("2020-02-29")
        group["s"].create_array("none", shape=(), dtype="i2", fill_value=-3)
        groups.append(path)
    return groups


@pytest.mark.parametrize("source", [2, 3])
def test_copies_into_a_group_of_the_other_format_are_of_that_format(tmp_path, source):
    paths = dict(zip((2, 3), _old_and_new(tmp_path), strict=True))
    other = 5 - source
    target = zarr_py.open_group(str(paths[other]))
    zarr_py.open_group(str(paths[other])).consolidate()
    seen = []
    copied = zarr_py.copy(
        zarr_py.open_group(str(paths[source])), str(paths[other]), "deep/er", progress=lambda done, of: seen.append((done, of)))
    assert copied.zarr_format == other and seen[-1] == (6, 6) and np.isnan(copied.attrs["missing_value"])
    assert {path.name for path in paths[other].rglob("*") if path.name == "zarr.json" or path.name.startswith(".z")} <= (
        {"zarr.json"} if other == 3 else {".zarray", ".zgroup", ".zattrs", ".zmetadata"})
    read = zarr.open_group(str(paths[other]), mode="r", use_consolidated=False)["deep/er/s"]
    expected = np.full((5, 4), 7, ">f4")
    expected[:4] = np.arange(16).reshape(4, 4)
    assert read["a"][...].tolist() == expected.tolist() and read["a"].dtype.kind == "f" and read["a"].chunks == (2, 3)
    assert read["words"][...].tolist() == ["cdß", "ab", "ab"] and read["none"][()] == -3
    assert read["days"][1] == np.datetime64("2020-02-29")
    attributes = dict(read["a"].attrs)
    assert attributes.pop("_FillValue") == float("inf") and attributes.pop("units") == "K"
    if other == 3:
        assert read["a"].metadata.dimension_names == ("t", "x") and not attributes
    else:
        assert attributes == {"_ARRAY_DIMENSIONS": ["t", "x"]}
    assert "deep/er/s/a" in zarr_py.open_group(str(paths[other]))
    # Missing chunks stay missing.
    stored = [path for path in (paths[other] / "deep" / "er" / "s" / "none").rglob("*") if not path.name.startswith((".z", "zarr.json"))]
    assert stored == []
    with pytest.raises(FileExistsError):
        target.copy("deep/er/s/a", "s/a")
    moved = zarr_py.open_group(str(paths[source])).move("s/words", zarr_py.open_group(str(paths[other]), "s"), overwrite=True)
    assert moved.zarr_format == other and moved[0] == "cdß"
    assert "s/words" not in zarr_py.open_group(str(paths[source]))


def test_shards_become_chunks_in_zarr_2_and_what_cannot_be_said_is_refused_whole(tmp_path):
    old, new = _old_and_new(tmp_path)
    group = zarr_py.open_group(str(new), "s")
    data = np.arange(100).reshape(10, 10)
    group.create_array("shards", data=data, chunks=(2, 5), shards=(4, 10))
    copied = group.copy("shards", zarr_py.open_group(str(old)))
    assert copied.chunks == (2, 5) and copied.shards is None and copied.zarr_format == 2
    assert zarr.open_group(str(old), mode="r")["shards"][...].tolist() == data.tolist()
    group.create_array("bits", shape=(3,), dtype="bfloat16")
    before = sorted(old.rglob("*"))
    for source, into in (("s/bits", "bits"), ("s", "s")):
        with pytest.raises(errors.UnsupportedError, match="s/bits: data_type.*Zarr v2"):
            zarr_py.copy(zarr_py.open_group(str(new)), str(old), into, overwrite=True) if source == "s" else zarr_py.copy(
                zarr_py.open_group(str(new))[source], str(old), into)
    assert sorted(old.rglob("*")) == before


def test_a_copy_between_formats_that_fails_leaves_nothing(tmp_path):
    old, new = _old_and_new(tmp_path)
    (old / "s" / "a" / "0.1").write_bytes(b"damaged")
    with pytest.raises(errors.CorruptError):
        zarr_py.copy(zarr_py.open_group(str(old)), str(new), "copied")
    assert not (new / "copied").exists() and zarr_py.open_group(str(new)).keys() == ["s"]


def test_copies_within_a_format_have_groups_of_that_format(tmp_path):
    old = tmp_path / "old"
    zarr.create_array(str(old), name="x", data=np.arange(4), zarr_format=2)
    zarr_py.open_group(str(old)).copy("x", "p/q/x")
    assert (old / "p" / "q" / ".zgroup").exists() and not list(old.rglob("zarr.json"))
    assert zarr.open_group(str(old), mode="r")["p/q/x"][:].tolist() == [0, 1, 2, 3]


def test_the_path_of_a_group_itself_is_no_node_below(root):
    for empty in ("", "/", "//"):
        for refused in (
            lambda path: root.delete(path),
            lambda path: root.__delitem__(path),
            lambda path: root.create_array(path, shape=[1], dtype="i1", overwrite=True),
            lambda path: root.create_group(path, overwrite=True),
            lambda path: root.move(path, "elsewhere"),
        ):
            with pytest.raises((ValueError, KeyError)):
                refused(empty)
    assert root.keys() == ["a", "top"] and root["a/x"][3, 3] == 15
