"""`zarr_py.Group`: access to nodes by path."""

from pathlib import Path

import numpy as np
import pytest
import zarr
import zarr_py


@pytest.fixture
def root(tmp_path: Path) -> zarr_py.Group:
    root = zarr_py.create_group(tmp_path, attributes={"title": "root"})
    root.create_array("a/x", shape=(4, 4), dtype="i4", chunks=(2, 2))[...] = 1
    root.create_array("a/y", shape=3, dtype="f8")
    root.create_group("b", attributes={"k": [1]})
    root.create_array("top", shape=(), dtype="u1")
    return root


def test_nodes_by_path(root: zarr_py.Group) -> None:
    assert isinstance(root["a"], zarr_py.Group) and isinstance(root["a/x"], zarr_py.Array)
    assert root["a"]["x"][0, 0] == 1
    assert root["a"].path == "a" and root["a/x"].name == "x"
    assert "a/x" in root and "a/z" not in root and 3 not in root
    with pytest.raises(KeyError):
        root["a/z"]
    with pytest.raises(FileNotFoundError):
        root.open_array("a/z")
    with pytest.raises(TypeError):
        root.open_array("a")
    with pytest.raises(TypeError):
        root.open_group("a/x")
    with pytest.raises(ValueError, match=r"\.\."):
        root[".."]


def test_listing(root: zarr_py.Group) -> None:
    assert root.keys() == ["a", "b", "top"] == list(root) and len(root) == 3
    assert [(name, type(node)) for name, node in root.members()] == [
        ("a", zarr_py.Group), ("b", zarr_py.Group), ("top", zarr_py.Array)]
    assert [name for name, _ in root.groups()] == ["a", "b"]
    assert [name for name, _ in root.arrays()] == ["top"]
    assert root.walk() == [("a", "group"), ("a/x", "array"), ("a/y", "array"), ("b", "group"), ("top", "array")]
    assert root["a"].walk() == [("x", "array"), ("y", "array")]
    assert root.tree() == "/\n  a/\n    x (4, 4) int32\n    y (3,) float64\n  b/\n  top () uint8"
    assert "zarr_py.Group" in repr(root) and "<table>" in root._repr_html_()


def test_attributes(root: zarr_py.Group) -> None:
    assert dict(root.attrs) == {"title": "root"} and dict(root["b"].attrs) == {"k": [1]}
    root.attrs["more"] = 2
    assert dict(zarr_py.open_group(root.location).attrs) == {"title": "root", "more": 2}
    root.set_attrs({})
    assert dict(zarr_py.open_group(root.location).attrs) == {}
    assert root.metadata["node_type"] == "group"


def test_deleting(root: zarr_py.Group) -> None:
    del root["a"]
    assert root.keys() == ["b", "top"] and "a/x" not in root
    with pytest.raises(KeyError):
        del root["a"]
    root.delete("a")
    root.delete("b")
    assert root.keys() == ["top"]


def test_consolidated(root: zarr_py.Group) -> None:
    assert not root.is_consolidated
    root.consolidate()
    assert root.is_consolidated
    again = zarr_py.open_group(root.location)
    before = again.requests()
    assert again.walk() == root.walk() and again["a/x"].shape == (4, 4)
    assert [name for name, _ in again.members()] == ["a", "b", "top"]
    assert again.requests()["gets"] == before["gets"]
    with pytest.raises(KeyError):
        again["a/z"]
    assert sorted(zarr.open_consolidated(root.location)["a"].array_keys()) == ["x", "y"]


def test_zarr_python_sees_the_same_tree(root: zarr_py.Group) -> None:
    theirs = zarr.open_group(root.location, mode="r")
    assert sorted(theirs) == root.keys() and theirs["a/x"].shape == (4, 4)
    assert dict(theirs.attrs) == {"title": "root"}
    written = zarr.open_group(root.location, mode="a").create_array("a/new", shape=3, dtype="i2", chunks=2)
    written[...] = [1, 2, 3]
    np.testing.assert_array_equal(root["a/new"][...], [1, 2, 3])


@pytest.mark.filterwarnings("ignore:Consolidated metadata")
def test_an_array_of_metadata_that_zarr_python_consolidated_is_written(root: zarr_py.Group) -> None:
    zarr.consolidate_metadata(root.location)
    group = zarr_py.open_group(root.location)
    assert group.is_consolidated
    array = group.open_array("a/x")
    array[0, 0] = 9
    assert array[0, 0] == 9
    # Another program, whose changes this process does not know.
    zarr.open_array(root.location, path="a/x", mode="r+").resize((5, 5))
    with pytest.raises(OSError, match="a/x"):
        group.open_array("a/x")[0, 0] = 9


async def test_twins_for_an_event_loop(tmp_path: Path) -> None:
    root = await zarr_py.create_group_async(tmp_path)
    array = await root.create_array_async("a/x", shape=3, dtype="i4")
    await array.write_async(0, 5)
    await root.create_group_async("b")
    assert await root.keys_async() == ["a", "b"]
    assert [name for name, _ in await root.members_async()] == ["a", "b"]
    assert await root.walk_async() == [("a", "group"), ("a/x", "array"), ("b", "group")]
    assert (await root.open_async("a/x")).shape == (3,)
    assert (await root.open_array_async("a/x"))[0] == 5
    assert (await root.open_group_async("a")).path == "a"
    await root.set_attrs_async({"k": 1})
    await root.consolidate_async()
    assert (await zarr_py.open_group_async(tmp_path)).is_consolidated
    await root.delete_async("b")
    with pytest.raises(FileNotFoundError):
        await zarr_py.open_group_async(tmp_path, "b")
    with pytest.raises(TypeError):
        await root.open_group_async("a/x")


def test_creating_twice(root: zarr_py.Group) -> None:
    with pytest.raises(FileExistsError):
        root.create_group("a")
    with pytest.raises(TypeError):
        root.create_group("top/below")
    root.create_group("a", overwrite=True)
    assert "a/x" not in root


def test_a_missing_group_is_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        zarr_py.open_group(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError):
        zarr_py.open_group(tmp_path, "nowhere")


@pytest.mark.parametrize("size", [10, 400 << 10])
async def test_documents_of_any_size_are_opened(tmp_path: Path, size: int) -> None:
    """Small documents are read on the calling thread, large ones by other threads."""
    zarr_py.create_group(tmp_path).create_array("a", data=[1, 2], attributes={"text": "x" * size})
    group = zarr_py.open_group(tmp_path)
    for array in (group["a"], zarr_py.open_array(tmp_path / "a"), await group.open_array_async("a"), await zarr_py.open_async(tmp_path, "a")):
        assert isinstance(array, zarr_py.Array) and len(array.attrs["text"]) == size and array[1] == 2
    (tmp_path / "a" / "zarr.json").write_text("{" + " " * size)
    for path in ("a", "none"):
        with pytest.raises((ValueError, FileNotFoundError), match=path):
            zarr_py.open_array(tmp_path, path)
        with pytest.raises((ValueError, FileNotFoundError), match=path):
            await zarr_py.open_array_async(tmp_path, path)
