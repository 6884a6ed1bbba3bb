"""Introspection of arrays: plans, shard maps, encoded chunks, requests and their log."""

import asyncio
import json
import logging
import pickle
import xml.etree.ElementTree

import numpy as np
import pytest
import zarr_py


@pytest.fixture
def array(location):
    return zarr_py.create_array(
        location.url, "a", shape=(20, 12), dtype="u2", chunks=(4, 4), shards=(8, 8), fill_value=9, **location.options)


def test_a_plan_has_numbers(array) -> None:
    array[...] = np.arange(20 * 12).reshape(20, 12)
    plan = array.plan((slice(6, 10), 0))
    assert (plan.objects, plan.requests, plan.inner_chunks, plan.bytes_wanted, plan.bytes_decoded) == (2, 4, 2, 8, 64)
    assert str(plan).splitlines()[-1].startswith("2 objects, 4 requests") and repr(plan) == str(plan)
    assert pickle.loads(pickle.dumps(plan)).requests == 4
    whole = array.plan()
    assert (whole.objects, whole.requests, whole.inner_chunks, whole.bytes_wanted) == (6, 6, 0, 480)
    for found in (array.oindex.plan(([0, 19], 0)), array.vindex.plan(([0, 19], [0, 0])), array.blocks.plan((0, 0)),
                  zarr_py.explain(array, np.ones((20, 12), bool)).plan):
        assert found.objects >= 1 and found.bytes_decoded >= found.bytes_wanted > 0


def test_a_map_tells_which_chunks_are_stored(array) -> None:
    array[0:4, 0:4] = 1
    array[8:20, 8:12] = np.arange(48).reshape(12, 4)
    found = array.shard_map()
    assert set(found.shards) == {(0, 0), (1, 1), (2, 1)}
    # The array ends within shards (1, 1) and (2, 1).
    assert [sorted(found.shards[cell].chunks) for cell in sorted(found.shards)] == [[(0, 0)], [(0, 0), (1, 0)], [(0, 0)]]
    assert (found.grid, found.chunks_per_shard, found.nchunks, found.nchunks_stored) == ((3, 2), (2, 2), 15, 4)
    objects = {key: size for key, size in array._store.entries_sync("a") if "zarr.json" not in key}
    assert {shard.key: shard.size for shard in found.shards.values()} == objects and found.nbytes_stored == sum(objects.values())
    for shard in found.shards.values():
        assert shard.size == sum(shard.chunks.values()) + shard.index[1] - shard.index[0] + shard.dead_space
    picture = xml.etree.ElementTree.fromstring(found.svg())
    titles = [each.text for each in picture.iter("{http://www.w3.org/2000/svg}title")]
    assert sum("not stored" in title for title in titles) >= 3 and any("inner chunk (0, 0)" in title for title in titles)
    assert "3 of 6 shards" in repr(found) and "<svg" in found._repr_html_()
    limited = array.shard_map(limit=1)
    assert limited.unread == 2 and len(limited.shards) == 3 and "2 more shards" in repr(limited)


def test_a_map_finds_dead_space(array) -> None:
    array[0:8, 0:8] = np.arange(64).reshape(8, 8)
    data = bytearray(array.read_encoded((0, 0)))
    shard = array.shard_map().shards[0, 0]
    start, end = shard.index
    # The index stays at the end, preceded by unused bytes.
    array.write_encoded((0, 0), data[:start] + b"nothing" + data[start:end])
    found = array.shard_map()
    assert found.dead_space == 7 == found.shards[0, 0].dead_space
    assert array[0:8, 0:8].tolist() == np.arange(64).reshape(8, 8).tolist()


@pytest.mark.parametrize("shape", [(), (5,), (4, 4, 4), (0,)])
def test_maps_of_any_rank_and_without_shards(shape) -> None:
    array = zarr_py.create_array("memory:", shape=shape, dtype="i4", chunks=(2,) * len(shape))
    array[...] = 3
    found = array.shard_map()
    assert found.chunks_per_shard is None and len(found.shards) == found.nchunks_stored == array.nchunks_initialized
    xml.etree.ElementTree.fromstring(found.svg())
    repr(found)


def test_encoded_chunks_go_out_and_in(array, location) -> None:
    array[...] = np.arange(20 * 12).reshape(20, 12)
    other = zarr_py.create_array(
        location.url, "b", shape=(20, 12), dtype="u2", chunks=(4, 4), shards=(8, 8), fill_value=9, **location.options)
    for block in np.ndindex(3, 2):
        assert array.read_encoded(block) is not None and other.read_encoded(block) is None
        other.write_encoded(block, array.read_encoded(block))
    assert np.array_equal(other[...], array[...])
    assert asyncio.run(other.read_encoded_async((2, 1))) == array.read_encoded((-1, -1))
    size = array.shard_map().shards[0, 0].chunks[1, 1]
    inner = array.read_encoded((0, 0), inner=(1, 1))
    assert inner is not None and len(inner) == size == len(asyncio.run(array.read_encoded_async((0, 0), inner=(1, 1))))
    assert bytes(inner) in bytes(array.read_encoded((0, 0)))
    # The part of the last shard outside the array.
    assert array.read_encoded((2, 1), inner=(1, 1)) is None


def test_encoded_chunks_are_checked(array) -> None:
    array[...] = 1
    before = bytes(array.read_encoded((0, 0)))
    with pytest.raises(ValueError, match="codecs of the array cannot decode"):
        array.write_encoded((0, 0), b"nonsense")
    with pytest.raises(ValueError, match="codecs of the array cannot decode"):
        asyncio.run(array.write_encoded_async((0, 0), before[:-1] + b"\0"))
    assert bytes(array.read_encoded((0, 0))) == before
    array.write_encoded((0, 0), b"nonsense", check=False)
    with pytest.raises(ValueError, match=r"a/c/0/0|/a"):
        array[0, 0]
    for wrong in [(3, 0), (0,), (0, 0, 0), "x", (0.5, 0), (slice(0, 1), 0)]:
        with pytest.raises(IndexError):
            array.read_encoded(wrong)
    with pytest.raises(IndexError):
        array.read_encoded((0, 0), inner=(2, 0))
    plain = zarr_py.create_array("memory:", data=np.arange(4))
    with pytest.raises(ValueError, match="no inner chunks"):
        plain.read_encoded(0, inner=0)
    with pytest.raises(zarr_py.errors.ReadOnlyError):
        zarr_py.open_array(zarr_py.Store(plain.location), read_only=True).write_encoded(0, b"")


def test_requests_are_counted_for_each_array(array, location) -> None:
    other = zarr_py.create_array(location.url, "ab", data=np.arange(4), **location.options)
    with array.count_requests() as counted, other.count_requests() as of_other:
        assert not any(counted.counts().values())
        before = array.requests()
        array[...] = 1
        array[0:2, 0:2]
        after = array.requests()
        assert counted.counts() == {name: after[name] - before[name] for name in after}
        assert counted.counts()["puts"] == 6 and counted.counts()["bytes_read"] > 0 and "puts=6" in repr(counted)
        assert not any(of_other.counts().values())
        counted.reset()
        assert not any(counted.counts().values())
        assert other[1] == 1
        assert of_other.counts()["gets"] == 1 and not any(counted.counts().values())
    zarr_py.open_array(location.url, "ab", **location.options)[...]
    assert of_other.counts()["gets"] == 1


def test_requests_are_logged(array, caplog) -> None:
    array[...] = 1
    array[0]
    assert not caplog.records
    with caplog.at_level(logging.DEBUG, logger="zarr_py"):
        array[:2, :2]
        assert [record for record in caplog.records if record.name == "zarr_py" and record.message.startswith("get ")]
        assert "a/c/0/0" in caplog.text and "bytes" in caplog.text
        caplog.clear()
        asyncio.run(array.write_async((0, 0), 3))
        assert any(record.message.startswith("put ") and "a/c/0/0" in record.message for record in caplog.records)
    caplog.clear()
    array[:2, :2]
    assert not caplog.records


def test_logging_and_counting_under_many_threads(array) -> None:
    from concurrent.futures import ThreadPoolExecutor

    array[...] = 1
    logger, heard = logging.getLogger("zarr_py"), []

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            # A log handler that reads the array.
            heard.append((record.getMessage(), array.shape))

    handler = Handler()
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    try:
        with array.count_requests() as counted, ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda number: array[number % 20], range(200)))
        array[0]
        assert len(heard) >= counted.counts()["gets"] > 0
    finally:
        logger.setLevel(logging.NOTSET)
        logger.removeHandler(handler)


def test_grids_of_unlike_chunks_are_told_apart() -> None:
    array = zarr_py.create_array("memory:", shape=(10, 6), dtype="i4", chunks=[[3, 3, 4], 4])
    assert array.is_rectilinear and array.info.chunk_grid == "rectilinear" and "(3, 3, 4)" in repr(array)
    assert array.write_chunk_sizes == ((3, 3, 4), (4, 2)) == array.read_chunk_sizes
    array[...] = np.arange(60).reshape(10, 6)
    assert array.blocks[2, 0].tolist() == np.arange(60).reshape(10, 6)[6:, :4].tolist()
    assert array.nchunks == 6 == array.nchunks_initialized == len(list(array.iter_chunks()))
    plain = zarr_py.create_array("memory:", shape=(10, 6), dtype="i4", chunks=(2, 3), shards=(4, 6))
    assert not plain.is_rectilinear and plain.info.chunk_grid == "regular"
    assert plain.write_chunk_sizes == ((4, 4, 2), (6,)) and plain.read_chunk_sizes == ((2,) * 5, (3, 3))
    for wrong in ([[3, 3], 4], [[0, 10], 4], [[], 4], [["3"], 4], [[3, 7], 4, 4]):
        with pytest.raises((ValueError, TypeError)):
            zarr_py.create_array("memory:", shape=(10, 6), dtype="i4", chunks=wrong)


def test_fresh_handles(location) -> None:
    group = zarr_py.create_group(location.url, **location.options)
    array = group.create_array("x/a", data=np.arange(4))
    others = zarr_py.open_array(location.url, "x/a", **location.options)
    others.append([4, 5])
    others.attrs["unit"] = "m"
    assert array.shape == (4,)
    assert array.refresh() is array and array.shape == (6,) and dict(array.attrs) == {"unit": "m"}
    zarr_py.create_array(location.url, "x/a", data=np.arange(3.0), overwrite=True, **location.options)
    assert asyncio.run(array.refresh_async()).dtype == "f8" and array[...].tolist() == [0, 1, 2]
    zarr_py.open_group(location.url, **location.options).attrs["k"] = 1
    assert dict(group.refresh().attrs) == {"k": 1}
    group.delete("x/a")
    with pytest.raises(FileNotFoundError):
        array.refresh()
    group.create_group("x/a")
    with pytest.raises(TypeError):
        array.refresh()


def test_copies_are_compared_and_refreshed(location) -> None:
    root = zarr_py.create_group(location.url, "g", **location.options)
    root.create_array("kept", data=[1])
    root.create_array("gone", data=[1])
    assert root.check_consolidated() == {}
    root.consolidate()
    assert root.check_consolidated() == {} and root.is_consolidated
    plain = zarr_py.open_group(location.url, "g", use_consolidated=False, **location.options)
    objects = zarr_py.objects(location.url, **location.options)
    # Written by a client that ignores consolidated metadata.
    objects.delete([entry.key for entry in objects.list("g/gone")])
    objects.put("g/new/zarr.json", objects.get("g/kept/zarr.json").data)
    document = json.loads(bytes(objects.get("g/kept/zarr.json")))
    objects.put("g/kept/zarr.json", json.dumps({**document, "attributes": {"u": 1}}).encode())
    expected = {"gone": "removed", "kept": "changed", "new": "added"}
    fresh = zarr_py.open_group(location.url, "g", **location.options)
    assert fresh.check_consolidated() == plain.check_consolidated() == asyncio.run(fresh.check_consolidated_async()) == expected
    assert fresh["kept"].refresh().attrs["u"] == 1
    fresh.consolidate()
    assert fresh.check_consolidated() == {}
    assert not plain.refresh().is_consolidated and fresh.refresh().is_consolidated
