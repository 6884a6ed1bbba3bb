"""Groups as mappings, modes, requirements, copies and moves; introspection of arrays."""

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
from hierarchy_cases import root
from zarr_py import errors

__all__ = ["root"]


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


@pytest.mark.parametrize("file", [".DS_Store", "notes.txt", "photos/1.jpg"])
def test_overwriting_keeps_files_that_are_no_node(tmp_path: Path, file: str) -> None:
    """But a group without a document, with nodes below, is not overwritten."""
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).write_text("mine")
    new: Any = {"shape": 4, "dtype": "i4", "chunks": 2}
    assert zarr_py.open_array(tmp_path, mode="w", **new)[...].tolist() == [0] * 4
    assert (tmp_path / file).read_text() == "mine"
    group = zarr_py.create_group(tmp_path / "implicit")
    group["a"] = np.arange(3)
    (tmp_path / "implicit/zarr.json").unlink()
    with pytest.raises(errors.InvalidError, match="a/zarr.json is stored there"):
        zarr_py.create_array(tmp_path / "implicit", overwrite=True, **new)
    assert zarr_py.load(tmp_path / "implicit/a").tolist() == [0, 1, 2]


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
