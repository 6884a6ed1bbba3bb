"""Copies, moves and renames, within a format of Zarr and between formats."""

import os
import pickle
from pathlib import Path

import numpy as np
import pytest
import zarr
import zarr_py
from hierarchy_cases import root
from zarr_py import errors

__all__ = ["root"]


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


def test_nodes_of_zarr_2_say_so_and_are_copied(tmp_path: Path) -> None:
    zarr.create_array(str(tmp_path / "two"), name="x", shape=4, dtype="i4", zarr_format=2)[...] = 3
    group = zarr_py.open_group(tmp_path / "two")
    array = group.open_array("x")
    assert group.zarr_format == array.zarr_format == array.info.zarr_format == 2 and array.nchunks_initialized == 1
    copied = zarr_py.copy(group, tmp_path / "copied")
    assert isinstance(copied, zarr_py.Group) and copied.zarr_format == 2 and copied["x"][...].tolist() == [3] * 4
    keys = {"name": "v2", "configuration": {"separator": "/"}}
    assert zarr_py.create_array(tmp_path, "three", shape=4, dtype="i4", chunk_key_encoding=keys).zarr_format == 3


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
