"""Store behaviour that zarr-python's tests do not cover."""

import asyncio
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr_py
from store_cases import DATA, PROTOTYPE, buffer, listed, store
from zarr.abc.store import OffsetByteRequest, RangeByteRequest, SuffixByteRequest
from zarr.core.buffer import BufferPrototype, cpu
from zarr_py import errors

__all__ = ["store"]

# Values.


@pytest.mark.parametrize("size", [5, 4096, 3 << 20])
async def test_nobody_sees_what_the_caller_does_with_its_memory(store: zarr_py.Store, size: int) -> None:
    array = np.zeros(size, "B")
    await store.set("a", cpu.Buffer.from_array_like(array))
    store.set_sync("b", cpu.Buffer.from_array_like(array))
    await store.set_if_not_exists("c", cpu.Buffer.from_array_like(array))
    array[:] = 1
    for key in "abc":
        found = await store.get(key, PROTOTYPE)
        assert found is not None and not found.as_numpy_array().any()


async def test_values_that_are_no_buffers_are_refused(store: zarr_py.Store) -> None:
    for put in (store.set, store.set_if_not_exists):
        with pytest.raises(TypeError, match="must be a Buffer instance"):
            await put("a", b"bytes")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="must be a Buffer instance"):
        store.set_sync("a", b"bytes")  # type: ignore[arg-type]


async def test_values_with_gaps_are_stored_whole(store: zarr_py.Store) -> None:
    await store.set("a", cpu.Buffer(np.arange(10, dtype="B")[::2]))
    found = await store.get("a", PROTOTYPE)
    assert found is not None and found.to_bytes() == bytes(range(0, 10, 2))


async def test_a_read_is_not_copied_into_a_prototype(store: zarr_py.Store) -> None:
    seen: list[Any] = []

    class Other(cpu.Buffer):
        @classmethod
        def from_bytes(cls, bytes_like: Any) -> "Other":
            seen.append(bytes_like)
            return cls.from_array_like(np.array(memoryview(bytes_like)))

    await store.set("a", buffer(DATA))
    prototype = BufferPrototype(buffer=Other, nd_buffer=PROTOTYPE.nd_buffer)
    assert type(await store.get("a", prototype)) is Other
    assert type(store.get_sync("a", prototype=prototype)) is Other
    [found] = await store.get_partial_values(prototype, [("a", SuffixByteRequest(3))])
    assert type(found) is Other and found.to_bytes() == DATA[-3:]
    view = memoryview(seen[0])
    assert view.readonly and view == DATA
    first, again = (np.frombuffer(seen[0], "B") for _ in range(2))
    assert np.shares_memory(first, again)


# Keys and ranges.


@pytest.mark.parametrize(
    "key", ["a~b[0]", "100%", "%7E", "a#b", "a#1", "c d", "...", "é", "é", "a\\b", "😀", "?x=1", "a+b", "a&b=c", "a:b", "<x>"])
async def test_odd_keys_stay_as_they_are(store: zarr_py.Store, key: str) -> None:
    if key == "a#1" and store.url.startswith("file:"):
        with pytest.raises(ValueError, match="writes in progress"):
            await store.set(key, buffer(b"x"))
        return
    path = f"x/{key}/y"
    await store.set(path, buffer(b"value"))
    found = await store.get(path, PROTOTYPE)
    assert found is not None and found.to_bytes() == b"value"
    assert await listed(store.list()) == [path]
    assert await listed(store.list_dir("x")) == [key]
    assert await listed(store.list_prefix(f"x/{key}/")) == [path]
    await store.delete(path)
    assert not await store.exists(path)


@pytest.mark.parametrize("key", ["", "/a", "a/", "a//b", "../a", "a/./b", "a\0b"])
async def test_keys_that_are_none_are_errors(store: zarr_py.Store, key: str) -> None:
    for call in (store.get(key, PROTOTYPE), store.set(key, buffer(b"")), store.delete(key), store.exists(key)):
        with pytest.raises(errors.InvalidError, match="invalid key"):
            await call


async def test_ranges_are_clamped_as_slices_are(store: zarr_py.Store) -> None:
    await store.set("a", buffer(DATA))
    n = len(DATA)
    requests = [
        (None, DATA),
        (RangeByteRequest(0, 0), b""),
        (RangeByteRequest(7, 7), b""),
        (RangeByteRequest(9, 3), b""),
        (RangeByteRequest(1, n + 5), DATA[1:]),
        (RangeByteRequest(n, n + 1), b""),
        (RangeByteRequest(n + 7, n + 9), b""),
        (OffsetByteRequest(n - 2), DATA[-2:]),
        (OffsetByteRequest(n), b""),
        (OffsetByteRequest(n + 3), b""),
        (SuffixByteRequest(0), b""),
        (SuffixByteRequest(3), DATA[-3:]),
        (SuffixByteRequest(n + 3), DATA),
    ]
    many = await store.get_partial_values(PROTOTYPE, (("a", request) for request, _ in requests * 2))
    for (request, expected), found in zip(requests * 2, many, strict=True):
        assert found is not None and found.to_bytes() == expected, request
        one = await store.get("a", PROTOTYPE, request)
        assert one is not None and one.to_bytes() == expected, request
        assert (await store.get("missing", PROTOTYPE, request)) is None
    for wrong in (RangeByteRequest(-1, 3), (0, 2), SuffixByteRequest(-1), "all"):
        with pytest.raises(ValueError, match="Unexpected byte_range, got"):
            await store.get("a", PROTOTYPE, wrong)  # type: ignore[arg-type]


async def test_partial_values_of_many_keys(store: zarr_py.Store) -> None:
    for at in range(5):
        await store.set(f"k/{at}", buffer(bytes([at]) * 10))
    wanted = [("k/3", None), ("missing", None), ("k/1", RangeByteRequest(2, 4)), ("k/3", None), ("k", SuffixByteRequest(1))]
    if store.url.startswith("file:"):
        wanted.pop()
    found = await store.get_partial_values(PROTOTYPE, iter(wanted))
    values = [None if value is None else value.to_bytes() for value in found]
    assert values == [b"\3" * 10, None, b"\1\1", b"\3" * 10, None][: len(wanted)]
    assert await store.get_partial_values(PROTOTYPE, []) == []


@pytest.mark.parametrize("size", [1000, 4 << 20])
async def test_get_ranges_merges_by_gap_and_size(store: zarr_py.Store, size: int) -> None:
    data = np.random.default_rng(0).bytes(size)
    await store.set("a", buffer(data))
    if not store._supports_sync_io:
        before = store.requests()["gets"]
    ranges = [RangeByteRequest(10 * at, 10 * at + 5) for at in range(20)]
    wanted = [ranges[7], None, *ranges, SuffixByteRequest(4), RangeByteRequest(size - 2, size + 9)]
    limits = {"max_gap_bytes": 5, "max_coalesced_bytes": 95}
    found = {}
    batches = [batch async for batch in store.get_ranges("a", wanted, prototype=PROTOTYPE, **limits)]
    for index, part in (answer for batch in batches for answer in batch):
        assert index not in found and part is not None
        found[index] = part.to_bytes()
    # Two merged groups of ten, and the range at the end alone; two unbounded ranges stand alone.
    assert len(batches) == 2 + 1 + 2
    if not store._supports_sync_io:
        assert store.requests()["gets"] - before == len(batches)
    expected = [data[r.start:r.end] for r in (wanted[0], *ranges)]
    assert [found[0], *(found[at + 2] for at in range(20))] == expected
    assert (found[1], found[22], found[23]) == (data, data[-4:], data[-2:])
    same = store.get_ranges_sync("a", wanted, prototype=PROTOTYPE, **limits)
    assert {index: part.to_bytes() for index, part in same if part is not None} == found


async def test_get_ranges_of_what_is_not_there(store: zarr_py.Store) -> None:
    with pytest.raises(BaseExceptionGroup) as raised:
        async for _ in store.get_ranges("missing", [RangeByteRequest(0, 4), None], prototype=PROTOTYPE):
            pass
    assert [type(error) for error in raised.value.exceptions] == [errors.NotFoundError]
    assert raised.value.subgroup(FileNotFoundError) is not None
    with pytest.raises(BaseExceptionGroup) as raised:
        store.get_ranges_sync("missing", [RangeByteRequest(0, 4)], prototype=PROTOTYPE)
    assert raised.value.subgroup(FileNotFoundError) is not None
    assert [batch async for batch in store.get_ranges("missing", [], prototype=PROTOTYPE)] == []


async def test_get_ranges_can_be_closed(store: zarr_py.Store) -> None:
    await store.set("a", buffer(bytes(1 << 20)))
    ranges = [RangeByteRequest(at << 10, (at << 10) + 8) for at in range(1000)]
    found = store.get_ranges("a", ranges, prototype=PROTOTYPE, max_gap_bytes=0, max_concurrency=2)
    assert len(await anext(found)) == 1
    await found.aclose()  # type: ignore[attr-defined]
    await asyncio.sleep(0.1)
    before = store.requests()
    await asyncio.sleep(0.1)
    assert store.requests() == before


# Listings and sizes.


async def test_prefixes_are_texts_in_listings_and_directories_elsewhere(store: zarr_py.Store) -> None:
    for key in ("foo/a", "foo/b/c", "foo-bar/a", "fob", "x/foo/a", "x/foo2"):
        await store.set(key, buffer(b"1234"))
    assert await listed(store.list_prefix("fo")) == ["fob", "foo-bar/a", "foo/a", "foo/b/c"]
    assert await listed(store.list_prefix("foo")) == ["foo-bar/a", "foo/a", "foo/b/c"]
    assert await listed(store.list_prefix("foo/")) == ["foo/a", "foo/b/c"]
    assert await listed(store.list_prefix("x/foo")) == ["x/foo/a", "x/foo2"]
    assert await listed(store.list_prefix("nothing")) == []
    assert await listed(store.list_dir("foo/")) == await listed(store.list_dir("foo")) == ["a", "b"]
    assert await listed(store.list_dir("")) == ["fob", "foo", "foo-bar", "x"]
    assert await store.getsize_prefix("foo") == 8
    assert await store.getsize_prefix("") == 24
    assert await store.getsize("fob") == 4
    assert await store.is_empty("fo") and not await store.is_empty("foo")
    assert not await store.exists("foo")
    with pytest.raises(FileNotFoundError, match="foo"):
        await store.getsize("foo")
    await store.delete_dir("foo")
    assert await listed(store.list()) == ["fob", "foo-bar/a", "x/foo/a", "x/foo2"]
    await store.delete_dir("nothing")
    await store.clear()
    assert await listed(store.list()) == []


def test_listings_are_made_without_a_loop(store: zarr_py.Store) -> None:
    store.set_sync("a/b", buffer(b""))
    before = store.requests()["lists"]
    lists = [store.list(), store.list_prefix("a"), store.list_dir("a")]
    assert store.requests()["lists"] == before
    assert [asyncio.run(listed(names)) for names in lists] == [["a/b"], ["a/b"], ["b"]]


async def test_is_empty_asks_for_no_more_than_one_key(tmp_path: Path) -> None:
    store = zarr_py.Store(tmp_path)
    assert await store.is_empty("") and store.requests()["lists"] == 1
