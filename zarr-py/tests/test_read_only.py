"""Every method that writes refuses a read-only handle, also if it had nothing to write."""

import inspect
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr_py
from zarr_py.errors import ReadOnlyError

type Call = Callable[[Any], Any]

ARRAY: dict[str, Call] = {
    "compact": lambda a: a.compact(),
    "compact_async": lambda a: a.compact_async(0, order="morton"),
    "sweep": lambda a: a.sweep(),
    "sweep_async": lambda a: a.sweep_async(),
    "setitem": lambda a: a.__setitem__(..., 1),
    "setitem of nothing": lambda a: a.__setitem__(slice(0, 0), 1),
    "write": lambda a: a.write(0, 1),
    "write_async": lambda a: a.write_async(0, 1),
    "oindex": lambda a: a.oindex.__setitem__(([0],), 1),
    "vindex": lambda a: a.vindex.__setitem__(([0],), 1),
    "blocks": lambda a: a.blocks.__setitem__(0, 1),
    "write_encoded": lambda a: a.write_encoded(0, a.read_encoded(0)),
    "write_encoded_async": lambda a: a.write_encoded_async(0, a.read_encoded(0), check=False),
    "resize": lambda a: a.resize(8),
    "resize_async": lambda a: a.resize_async(9),
    "append": lambda a: a.append(np.arange(2)),
    "append of nothing": lambda a: a.append(np.arange(0)),
    "append_async": lambda a: a.append_async(np.arange(2)),
    "reserve": lambda a: a.reserve(3),
    "reserve_async": lambda a: a.reserve_async(0),
    "set_attrs": lambda a: a.set_attrs({}),
    "set_attrs_async": lambda a: a.set_attrs_async({"x": 1}),
    "attrs": lambda a: a.attrs.__setitem__("x", 1),
    "attrs.update": lambda a: a.attrs.update({}),
    "attrs.clear": lambda a: a.attrs.clear(),
    "attrs.del": lambda a: a.attrs.__delitem__("old"),
}
GROUP: dict[str, Call] = {
    "sweep": lambda g: g.sweep(),
    "sweep_async": lambda g: g.sweep_async(),
    "create_array": lambda g: g.create_array("n", shape=2, dtype="i4"),
    "create_array_async": lambda g: g.create_array_async("n", data=[1]),
    "overwrite": lambda g: g.create_array("a", data=[1], overwrite=True),
    "require_array": lambda g: g.require_array("n", shape=2, dtype="i4"),
    "require_array_async": lambda g: g.require_array_async("n", shape=2, dtype="i4"),
    "create_group": lambda g: g.create_group("n"),
    "create_group_async": lambda g: g.create_group_async("n"),
    "require_group": lambda g: g.require_group("n"),
    "require_group_async": lambda g: g.require_group_async("n"),
    "require_groups": lambda g: g.require_groups("n", "m"),
    "setitem": lambda g: g.__setitem__("n", np.arange(2)),
    "delitem": lambda g: g.__delitem__("a"),
    "delete": lambda g: g.delete("a"),
    "delete of nothing": lambda g: g.delete("absent"),
    "delete_async": lambda g: g.delete_async("a"),
    "consolidate": lambda g: g.consolidate(),
    "consolidate_async": lambda g: g.consolidate_async(),
    "copy": lambda g: g.copy("a", "n"),
    "move": lambda g: g.move("a", "n"),
    "rename": lambda g: g.rename("a", "n"),
    "set_attrs": lambda g: g.set_attrs({}),
    "set_attrs_async": lambda g: g.set_attrs_async({}),
    "attrs": lambda g: g.attrs.update(x=1),
}


@pytest.fixture
def places(tmp_path: Path) -> dict[str, dict[str, Any]]:
    """Yields a store by each way in which a handle of it is read-only, and fails if it changes."""
    root = zarr_py.create_group(tmp_path / "x", attributes={"old": 1})
    root.create_array("a", data=np.arange(8), chunks=(2,), shards=(8,), attributes={"old": 1})
    archive = tmp_path / "x.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for path in sorted((tmp_path / "x").rglob("*")):
            if path.is_file():
                file.write(path, path.relative_to(tmp_path / "x"))
    return {
        "mode": {"store": tmp_path / "x", "mode": "r"},
        "flag": {"store": str(tmp_path / "x"), "read_only": True},
        "store": {"store": zarr_py.Store(tmp_path / "x", read_only=True)},
        "archive": {"store": f"{archive}|zip:"},
    }


def content(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.parametrize("way", ["mode", "flag", "store", "archive"])
@pytest.mark.parametrize(("kind", "name"), [("array", name) for name in ARRAY] + [("group", name) for name in GROUP])
async def test_each_write_is_refused(places: dict[str, dict[str, Any]], tmp_path: Path, way: str, kind: str, name: str) -> None:
    arguments = places[way]
    handle: Any = zarr_py.open_array(**arguments, path="a") if kind == "array" else zarr_py.open_group(**arguments)
    before = content(tmp_path)
    with pytest.raises(ReadOnlyError, match="read-only"):
        result = (ARRAY if kind == "array" else GROUP)[name](handle)
        if inspect.isawaitable(result):
            await result
    assert content(tmp_path) == before


def test_the_lists_name_all_methods_that_write() -> None:
    reads = {
        "read", "read_into", "read_encoded", "refresh", "count_requests", "requests", "plan", "read_plan", "info_complete", "shard_map",
        "iter_chunks", "nbytes_stored", "metadata_text", "astype", "fields", "open", "open_array", "open_group", "get", "keys", "items",
        "values", "members", "nmembers", "walk", "tree", "arrays", "groups", "array_keys", "array_values", "group_keys", "group_values",
        "check_consolidated", "write_plan",
    }
    for kind, calls in ((zarr_py.Array, ARRAY), (zarr_py.Group, GROUP)):
        methods = {name for name, member in inspect.getmembers(kind, callable) if not name.startswith("_")}
        named = {name.split(" ")[0].split(".")[0] for name in calls}
        rest = {name for name in methods if name.removesuffix("_async") not in reads} - named
        assert rest == set(), rest


def test_a_node_is_not_copied_out_of_a_group_that_cannot_lose_it(places: dict[str, dict[str, Any]]) -> None:
    source, target = zarr_py.open_group(**places["mode"]), zarr_py.create_group("memory:")
    with pytest.raises(ReadOnlyError):
        source.move("a", target)
    assert list(target) == []
    assert source.copy("a", target).path == "a"


def test_require_of_what_exists_reads(places: dict[str, dict[str, Any]]) -> None:
    root = zarr_py.open_group(**places["mode"])
    assert root.require_array("a", shape=8, dtype=root.open_array("a").dtype).shape == (8,)
