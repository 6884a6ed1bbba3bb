"""`zarr_py.objects`: keys and bytes on memory, local files, archives, web servers and S3."""

import asyncio
import inspect
import random
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr_py
from objects_cases import BYTES, memory, store
from zarr_py.errors import AlreadyExistsError, ChangedError, ConflictError, InvalidError, NotFoundError, ShortBodyError, UnsupportedError

__all__ = ["memory", "store"]

# Writes, reads, listings, deletes.


def test_objects_are_written_read_listed_and_deleted(store: zarr_py.Objects) -> None:
    put = store.put("a/b", BYTES)
    assert bytes(store.get("a/b")) == BYTES
    got, head = store.get("a/b", offset=7), store.head("a/b")
    assert (got.key, got.range, got.size, len(got)) == ("a/b", (7, len(BYTES)), len(BYTES), len(BYTES) - 7)
    assert got.data == BYTES[7:] and got.version == head.version == put
    assert head[:2] == ("a/b", len(BYTES))
    store.put("a/c/d", bytearray(b"xy"))
    store.put("ab", memoryview(b""))
    assert sorted(store.list()) == [("a/b", len(BYTES)), ("a/c/d", 2), ("ab", 0)]
    assert sorted(entry.key for entry in store.list("a/")) == ["a/b", "a/c/d"]
    assert store.list_dir() == (["ab"], ["a"]) and store.list_dir("a") == store.list_dir("a/") == (["a/b"], ["a/c"])
    assert store.list_dir("none") == ([], []) and list(store.list("none")) == []
    store.delete("ab")
    store.delete(key for key in ("a/b", "not there"))
    assert [entry.key for entry in store.list()] == ["a/c/d"]
    store.delete([])
    store.put("a/c/d", b"other")
    assert bytes(store.get("a/c/d")) == b"other"


async def test_async_variants_do_the_same(store: zarr_py.Objects) -> None:
    async with asyncio.TaskGroup() as tasks:
        puts = [tasks.create_task(store.put_async(f"n/{n}", BYTES[:n])) for n in range(20)]
    assert (await store.head_async("n/3")).version == puts[3].result()
    assert bytes(await store.get_async("n/5", suffix=2)) == BYTES[3:5]
    assert await store.get_range_async("n/9", start=2, length=3) == BYTES[2:5]
    assert await store.get_ranges_async("n/9", starts=[4, 0], ends=[9, 1]) == [BYTES[4:9], BYTES[:1]]
    await store.copy_async("n/9", "m/9")
    await store.rename_async("n/8", "m/8")
    await store.delete_async(["n/1", "n/2"])
    assert sorted([entry async for entry in store.list_async("m")]) == [("m/8", 8), ("m/9", 9)]
    assert await store.list_dir_async("m") == (["m/8", "m/9"], [])
    with pytest.raises(NotFoundError):
        await store.get_async("n/8")
    async for entry in store.list_async():
        assert entry.key
        break


def test_each_method_with_requests_has_an_async_variant() -> None:
    own = {"location", "requests", "read_only"}
    methods = {name for name in dir(zarr_py.Objects) if not name.startswith("_")} - own
    names = {name.removesuffix("_async") for name in methods}
    assert methods == names | {f"{name}_async" for name in names} and len(names) == 12
    for name in names:
        method, variant = getattr(zarr_py.Objects, name), getattr(zarr_py.Objects, f"{name}_async")
        assert inspect.signature(method).parameters == inspect.signature(variant).parameters
        assert method.__doc__ and (name == "list" or inspect.iscoroutinefunction(variant))


# Ranges.


def test_ranges_are_those_that_were_asked_for(store: zarr_py.Objects) -> None:
    store.put("k", BYTES)
    chance = random.Random(5)
    for _ in range(8):
        starts = [chance.randrange(len(BYTES)) for _ in range(chance.randrange(1, 30))]
        lengths = [chance.randrange(0, min(700, len(BYTES) - start) + 1) for start in starts]
        found = store.get_ranges("k", starts=starts, lengths=lengths)
        assert found == [BYTES[start : start + length] for start, length in zip(starts, lengths, strict=True)]
    assert store.get_ranges("k", starts=[]  , ends=[]) == []
    assert store.get_range("k", start=np.int64(3), end=9) == BYTES[3:9]
    assert store.get_range("k", start=len(BYTES), length=0) == b""
    for start, end in [(len(BYTES) - 1, len(BYTES) + 1), (len(BYTES), len(BYTES) + 1), (1 << 40, 1 << 41)]:
        with pytest.raises(ShortBodyError):
            store.get_range("k", start=start, end=end)
        with pytest.raises(ShortBodyError):
            store.get_ranges("k", starts=[0, start], ends=[1, end])
    assert bytes(store.get("k", suffix=1 << 40)) == BYTES and bytes(store.get("k", suffix=0)) == b""
    assert bytes(store.get("k", offset=len(BYTES) + 5)) == b""


def test_ranges_that_are_none_are_refused(memory: zarr_py.Objects) -> None:
    memory.put("k", b"0123")
    with pytest.raises(InvalidError, match="before its start"):
        memory.get_range("k", start=3, end=1)
    with pytest.raises(InvalidError, match="either ends or lengths"):
        memory.get_range("k", start=3)
    with pytest.raises(InvalidError, match="either ends or lengths"):
        memory.get_ranges("k", starts=[1], ends=[2], lengths=[1])
    with pytest.raises(InvalidError, match="got 2 and 1"):
        memory.get_ranges("k", starts=[1, 2], ends=[2])
    with pytest.raises(InvalidError, match="either offset or suffix"):
        memory.get("k", offset=1, suffix=1)
    for wrong in (-1, 1.5, "1", True):
        with pytest.raises((TypeError, ValueError)):
            memory.get_range("k", start=wrong, end=2)  # type: ignore[arg-type]
        with pytest.raises((TypeError, ValueError)):
            memory.get("k", offset=wrong)  # type: ignore[arg-type]


def test_bytes_come_out_without_a_copy(memory: zarr_py.Objects) -> None:
    memory.put("k", BYTES)

    def address(found: Any) -> int:
        return int(np.frombuffer(found, "u1").__array_interface__["data"][0])

    first = memory.get("k")
    assert address(first) == address(memory.get("k")) == address(memory.get_range("k", start=9, length=9)) - 9
    view = memoryview(first)
    assert view.readonly and view == BYTES and first.data.readonly
    with pytest.raises((TypeError, ValueError)):
        view[0] = 1
    memory.put("k", b"other")
    del first
    assert view == BYTES


def test_what_goes_in_is_not_seen_later(memory: zarr_py.Objects) -> None:
    value = np.arange(6, dtype="u2").reshape(2, 3)
    memory.put("k", value)
    expected = value.tobytes()
    value[:] = 0
    assert bytes(memory.get("k")) == expected
    memory.put("j", memory.get("k"))
    assert bytes(memory.get("j")) == expected
    with pytest.raises(TypeError):
        memory.put("k", value[:, 1])
    for wrong in ("text", 5, None, [1, 2]):
        with pytest.raises(TypeError):
            memory.put("k", wrong)  # type: ignore[arg-type]
    assert bytes(memory.get("k")) == expected


# Conditions.


def test_a_put_where_something_is_fails(store: zarr_py.Objects) -> None:
    store.put("k", b"first", if_absent=True)
    with pytest.raises(AlreadyExistsError, match="k"):
        store.put("k", b"second", if_absent=True)
    assert bytes(store.get("k")) == b"first"
    store.copy("k", "l", overwrite=False)
    store.put("l", b"other")
    for target in ("k", "l"):
        with pytest.raises(FileExistsError):
            store.copy("k", target, overwrite=False)
        with pytest.raises(FileExistsError):
            store.rename("k", target, overwrite=False)
    assert sorted(store.list()) == [("k", 5), ("l", 5)]


def test_a_put_over_another_version_fails(store: zarr_py.Objects) -> None:
    first = store.put("k", b"first")
    second = store.put("k", b"second", if_version=first)
    assert first != second and second.is_known and len({first, second, store.head("k").version}) == 2
    for _ in range(2):
        with pytest.raises(ConflictError):
            store.put("k", b"third", if_version=first)
    assert bytes(store.get("k", version=second)) == b"second"
    for read in (
        lambda: store.get("k", version=first),
        lambda: store.get_range("k", start=0, end=2, version=first),
        lambda: store.get_ranges("k", starts=[0, 4], ends=[2, 5], version=first),
    ):
        with pytest.raises(ChangedError):
            read()
    store.delete("k")
    with pytest.raises(ConflictError):
        store.put("k", b"third", if_version=second)
    with pytest.raises(ChangedError):
        store.get("k", version=second)
    assert list(store.list()) == []


def test_two_conditions_are_one_too_many(memory: zarr_py.Objects) -> None:
    version = memory.put("k", b"x")
    with pytest.raises(InvalidError, match="either if_absent or if_version"):
        memory.put("k", b"y", if_absent=True, if_version=version)
    with pytest.raises(TypeError):
        memory.put("k", b"y", if_absent="perhaps")  # type: ignore[arg-type]
    for use in (
        lambda: memory.put("k", b"y", if_version=str(version)),  # type: ignore[arg-type]
        lambda: memory.get("k", version=str(version)),  # type: ignore[arg-type]
        lambda: memory.get_range("k", start=0, end=1, version=str(version)),  # type: ignore[arg-type]
    ):
        with pytest.raises(TypeError, match="expected a version returned by put, head or get, got '"):
            use()
    assert bytes(memory.get("k")) == b"x"


@pytest.mark.parametrize("kind", ["memory", "local"])
def test_no_update_is_lost(kind: str, tmp_path: Path) -> None:
    store = zarr_py.objects(tmp_path if kind == "local" else f"memory://{uuid.uuid4()}")
    store.put("n", b"0")

    def add() -> None:
        while True:
            got = store.get("n")
            try:
                store.put("n", str(int(bytes(got)) + 1).encode(), if_version=got.version)
            except ConflictError:
                continue
            return

    with ThreadPoolExecutor(8) as threads:
        for done in [threads.submit(add) for _ in range(60)]:
            done.result()
    assert bytes(store.get("n")) == b"60"


# Copies.


def test_copies_and_moves(store: zarr_py.Objects) -> None:
    store.put("a", BYTES)
    store.put("b", b"old")
    store.copy("a", "b")
    store.copy("a", "deep/er/c")
    assert bytes(store.get("b")) == bytes(store.get("deep/er/c")) == BYTES
    store.put("a", b"new")
    assert bytes(store.get("b")) == BYTES
    store.rename("a", "b")
    assert bytes(store.get("b")) == b"new"
    for itself in (store.copy, store.rename):
        itself("b", "b")
        assert bytes(store.get("b")) == b"new"
        for source, target in (("a", "c"), ("a", "a"), ("a", "b")):
            with pytest.raises(NotFoundError, match="a: not found"):
                itself(source, target)
            with pytest.raises(FileNotFoundError):
                itself(source, "c", overwrite=False)
    assert sorted(store.list()) == [("b", 3), ("deep/er/c", len(BYTES))]


@pytest.mark.parametrize("key", ["sp ace/b", "ü/€", "a%20b/%2F", "q?x=1&y#z+~", "semi;colon/'quote'", 'double"quote', "x.zip|zip:y"])
def test_keys_are_copied_to_the_letter(store: zarr_py.Objects, key: str) -> None:
    store.put(key, BYTES)
    store.copy(key, "plain")
    store.copy("plain", f"copy of/{key}")
    store.rename(key, f"moved/{key}")
    expected = {"plain", f"copy of/{key}", f"moved/{key}"}
    assert {entry.key for entry in store.list()} == expected
    assert all(bytes(store.get(found)) == BYTES for found in expected)


def test_copies_through_a_store_of_python() -> None:
    stores = pytest.importorskip("obstore.store")
    store = zarr_py.objects(stores.MemoryStore())
    store.put("a", BYTES)
    store.copy("a", "b")
    store.rename("a", "c", overwrite=False)
    assert sorted(store.list()) == [("b", len(BYTES)), ("c", len(BYTES))] and bytes(store.get("c")) == BYTES
    assert store.head("c").version == store.get("c").version
    with pytest.raises(UnsupportedError, match="sign"):
        store.sign("c")
