"""Arguments of `zarr_py.objects`, pickles, and the examples of its page."""

import asyncio
import doctest
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
import zarr_py
from objects_cases import KEYS, memory, store
from zarr_py.errors import ArgumentError, InvalidError, NotFoundError, ReadOnlyError

__all__ = ["memory", "store"]

PAGE = Path(__file__).parents[2] / "docs" / "python-objects.md"


# Arguments.


def test_keys_and_prefixes_are_checked(store: zarr_py.Objects) -> None:
    store.put("k", b"x")
    for key in ("", "/a", "a/", "a//b", "a/../b", "."):
        for use in (
            lambda key=key: store.get(key),
            lambda key=key: store.get_range(key, start=0, end=1),
            lambda key=key: store.head(key),
            lambda key=key: store.put(key, b""),
            lambda key=key: store.copy("k", key),
            lambda key=key: store.rename(key, "k"),
            lambda key=key: store.delete(["k", key]),
        ):
            with pytest.raises(InvalidError, match="invalid key"):
                use()
    for prefix in ("/a", "a//b", ".."):
        with pytest.raises(InvalidError):
            list(store.list(prefix))
        with pytest.raises(InvalidError):
            store.list_dir(prefix)
    for wrong in (None, 5, b"k"):
        for method in (store.get, store.head, store.delete, store.list, store.list_dir):
            with pytest.raises(TypeError):
                method(wrong)  # type: ignore[operator]
    assert bytes(store.get("k")) == b"x"


def test_what_is_absent_is_not_found(store: zarr_py.Objects) -> None:
    for read in (
        lambda: store.get("d/k"),
        lambda: store.get("d/k", suffix=3),
        lambda: store.get_range("d/k", start=0, end=1),
        lambda: store.head("d/k"),
    ):
        with pytest.raises(NotFoundError, match="d/k"):
            read()


def test_a_store_for_reading_refuses_writes(tmp_path: Path) -> None:
    zarr_py.objects(tmp_path).put("k", b"x")
    store = zarr_py.objects(tmp_path, read_only=True)
    assert bytes(store.get("k")) == b"x" and store.read_only and "read_only=True" in repr(store)
    for write in (
        lambda: store.put("k", b""),
        lambda: store.copy("k", "l"),
        lambda: store.rename("k", "l"),
        lambda: store.delete("k"),
        lambda: asyncio.run(store.put_async("k", b"")),
        lambda: pickle.loads(pickle.dumps(store)).delete("k"),
    ):
        with pytest.raises(ReadOnlyError):
            write()
    assert list(store.list()) == [("k", 1)]


def test_options_and_stores_are_those_of_everything_else(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="objects: unknown option \"regoin\".*region"):
        zarr_py.objects("s3://b", regoin="x")  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        zarr_py.objects(None)
    secret = zarr_py.objects("s3://b/p", **KEYS)
    assert repr(secret) == "zarr_py.objects('s3://b/p')" and "hidden" not in str(vars(type(secret))) + repr(secret)
    assert b"hidden" not in pickle.dumps(secret)
    assert secret._native is zarr_py.Store("s3://b/p", **KEYS)._native
    array = zarr_py.create_array(tmp_path, "x", shape=(4,), chunks=(2,), dtype="u1")
    array[...] = [1, 2, 3, 4]
    store = zarr_py.objects(zarr_py.Store(tmp_path, read_only=True))
    assert store.read_only and store.location == str(tmp_path)
    assert store.list_dir("x") == (["x/zarr.json"], ["x/c"])
    assert int(zarr_py.open_array(zarr_py.objects(tmp_path), "x", mode="r")[3]) == 4


def test_pickles_find_the_store_again(tmp_path: Path, memory: zarr_py.Objects) -> None:
    for store in (zarr_py.objects(tmp_path), memory):
        store.put("k", b"x")
        assert bytes(pickle.loads(pickle.dumps(store)).get("k")) == b"x"


def test_nothing_of_zarr_and_numpy_is_needed(tmp_path: Path) -> None:
    script = """
import sys
sys.modules.update(dict.fromkeys(("zarr", "numpy", "obstore")))
import asyncio, zarr_py
store = zarr_py.objects(sys.argv[1])
version = store.put("k", b"0123", if_absent=True)
asyncio.run(store.put_async("k", b"4567", if_version=version))
print(bytes(store.get("k")), store.get_range("k", start=1, length=2).tobytes(), *store.list())
"""
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.stdout == "b'4567' b'56' Entry(key='k', size=4)\n", done.stderr


def test_a_listing_may_be_left(tmp_path: Path) -> None:
    for number in range(2500):
        (tmp_path / f"{number}").touch()
    store = zarr_py.objects(tmp_path)
    entries = store.list()
    assert next(entries).size == 0
    entries.close()  # type: ignore[attr-defined]
    assert sum(1 for _ in store.list()) == 2500


@pytest.mark.skipif(not PAGE.exists(), reason="the page is not a part of the sdist")
def test_examples() -> None:
    failed, tried = doctest.testfile(str(PAGE), module_relative=False, optionflags=doctest.ELLIPSIS)
    assert tried > 20 and failed == 0
