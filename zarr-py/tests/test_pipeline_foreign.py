"""The pipeline over foreign stores: their own methods run on the event loop of the call, and the
engine decodes.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr
import zarr_py
from foreign_cases import A, Failing, ItsOwnError, Recording, SHARDED, STORES, store
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from pipeline_cases import OURS, ZARRS, created, engine_only, opened
from test_pipeline_selections import arrays, check_writes
from zarr.abc.store import RangeByteRequest, Store, SuffixByteRequest
from zarr.codecs import BytesCodec, ShardingCodec, ZstdCodec
from zarr.core.buffer import cpu
from zarr.storage import MemoryStore, ZipStore

__all__ = ["store"]

pytestmark = pytest.mark.filterwarnings("ignore::zarr.errors.UnstableSpecificationWarning", "ignore::UserWarning")


@pytest.mark.parametrize(
    "options",
    [
        {"chunks": (5, 5)},
        {"chunks": (7, 30), "zarr_format": 2},
        SHARDED,
        {**SHARDED, "compressors": ZstdCodec(level=3, checksum=True)},
        {
            "chunks": (10, 15),
            "serializer": ShardingCodec(chunk_shape=(5, 5), codecs=[BytesCodec(), ZstdCodec()], index_location="start"),
            "compressors": None,
        },
    ],
)
def test_reads_and_writes(store: Store, options: dict[str, Any]) -> None:
    array = created(store, shape=A.shape, dtype=A.dtype, fill_value=3, **options)
    expected = np.full_like(A, 3)
    with engine_only():
        assert_array_equal(array[...], expected)
        array[2:14, 3:19] = expected[2:14, 3:19] = A[2:14, 3:19]
        assert_array_equal(array[...], expected)
        array[13, 4] = expected[13, 4] = -1
        assert_array_equal(array[3:15:2, 3:20], expected[3:15:2, 3:20])
        assert_array_equal(array.oindex[[1, 13, 2], 4:7], expected[[1, 13, 2], 4:7])
        assert_array_equal(array.vindex[[13, 0, 19], [4, 0, 29]], expected[[13, 0, 19], [4, 0, 29]])
    assert_array_equal(opened(store, ZARRS)[...], expected)
    theirs = opened(store, ZARRS, mode="r+")
    theirs[0:8] = expected[0:8] = 77
    with engine_only():
        assert_array_equal(array[...], expected)
        array[...] = A
    assert_array_equal(opened(store, ZARRS)[...], A)
    with engine_only():
        array[...] = 3
    assert_array_equal(opened(store, ZARRS)[...], np.full_like(A, 3))


@pytest.mark.parametrize("options", [{}, {"shards": (4, 4)}, {"zarr_format": 2}])
def test_strings(store: Store, options: dict[str, Any]) -> None:
    array = created(store, shape=(7, 3), chunks=(2, 2), dtype="str", fill_value="?", **options)
    expected = np.full((7, 3), "?", dtype=array.dtype)
    new = np.array([f"é{number}" for number in range(9)], dtype=object).reshape(3, 3)
    with engine_only():
        assert_array_equal(array[...], expected)
        array[2:5] = new
        array[0, 0] = "one"
        expected[2:5], expected[0, 0] = new, "one"
        assert_array_equal(array[...], expected)
        assert_array_equal(array.vindex[[0, 3], [0, 1]], expected[[0, 3], [0, 1]])
    assert_array_equal(opened(store, ZARRS)[...], expected)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(kind=st.sampled_from(sorted(STORES)), options=arrays(), data=st.data())
def test_random_selections(kind: str, options: dict[str, Any], data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder:
        check_writes(STORES[kind](Path(folder)), options, data)


def test_an_archive_of_zarr_python(tmp_path: Path) -> None:
    with ZipStore(tmp_path / "a.zip", mode="w") as store:
        array = created(store, shape=A.shape, dtype=A.dtype, **SHARDED)
        with engine_only():
            array[...] = A
    with ZipStore(tmp_path / "a.zip", mode="r") as store, engine_only():
        assert_array_equal(opened(store, OURS)[3:17, 4:28], A[3:17, 4:28])


def test_a_chunk_is_one_get_without_a_range() -> None:
    store = Recording(MemoryStore())
    array = created(store, data=A, chunks=(10, 15))
    store.taken()
    assert_array_equal(array[:10, 3:20], A[:10, 3:20])
    assert store.taken() == [("get", "c/0/0", None), ("get", "c/0/1", None)]
    array[:10, :15] = 5
    assert store.taken() == [("set", "c/0/0", None)]
    array[3, 4] = 6
    assert store.taken() == [("get", "c/0/0", None), ("set", "c/0/0", None)]
    array[:10, :15] = 0
    assert store.taken() == [("delete", "c/0/0", None)]


@pytest.mark.parametrize("location", ["start", "end"])
def test_a_part_of_a_shard_is_its_index_and_ranges(location: Any) -> None:
    store = Recording(MemoryStore())
    # Inner chunks of 40 kB, large enough that reading across a gap does not pay.
    inner = ShardingCodec(chunk_shape=(100, 100), codecs=[BytesCodec()], index_location=location)
    data = np.arange(10**6, dtype="i4").reshape(1000, 1000)
    array = created(store, data=data, chunks=(1000, 1000), serializer=inner, compressors=None)
    index = 100 * 16 + 4
    first = RangeByteRequest(0, index) if location == "start" else SuffixByteRequest(index)
    store.taken()
    with engine_only():
        assert_array_equal(array[150:160, 350:360], data[150:160, 350:360])
    (_, _, second), asked = (calls := store.taken())[0], {call[2] for call in calls}
    assert len(calls) == 2
    assert first in asked
    (wanted,) = asked - {first}
    assert wanted.end - wanted.start == 40_000
    # An index is not cached, because it cannot be revalidated.
    opened(store, ZARRS, mode="r+")[100:200, 300:400] = 7
    store.taken()
    with engine_only():
        assert (array[150:160, 350:360] == 7).all()
        assert first in {call[2] for call in store.taken()}
        # The whole shard is read at once, and overwritten without a read.
        array[...] = data
        assert store.taken() == [("set", "c/0/0", None)]
        assert_array_equal(array[...], data)
        assert store.taken() == [("get", "c/0/0", None)]
        array[5, 5] = -1
        assert store.taken() == [("get", "c/0/0", None), ("set", "c/0/0", None)]
    data[5, 5] = -1
    assert_array_equal(opened(store, ZARRS)[...], data)


def test_no_more_calls_than_zarr_python() -> None:
    store = Recording(MemoryStore())
    created(store, data=A, **SHARDED)
    counts = {}
    for name, pipeline in ("ours", OURS), ("theirs", ZARRS):
        array = opened(store, pipeline)
        store.taken()
        for selection in np.s_[:, :], np.s_[3, 4], np.s_[:12, :16], np.s_[:, 7]:
            assert_array_equal(array[selection], A[selection])
        counts[name] = len(store.taken())
    assert counts["ours"] <= counts["theirs"]


def test_dead_space_in_a_shard_is_not_in_the_way() -> None:
    store = MemoryStore()
    codec = ShardingCodec(chunk_shape=(5, 5), codecs=[BytesCodec()], index_location="start")
    array = created(store, data=A, chunks=(20, 30), serializer=codec, compressors=None)
    stored = store._store_dict["c/0/0"].to_bytes()
    store._store_dict["c/0/0"] = cpu.Buffer.from_bytes(stored + bytes(10**6))
    with engine_only():
        assert_array_equal(array[...], A)
        array[0, 0] = 9
        assert_array_equal(array[1:], A[1:])
    assert_array_equal(opened(store, ZARRS)[0, :3], [9, 1, 2])
    assert len(store._store_dict["c/0/0"]) < 10**5


@pytest.mark.parametrize(
    "error",
    [ItsOwnError("x", 5), FileNotFoundError(2, "gone"), KeyError("c"), PermissionError("no"), TimeoutError("late"),
     NotImplementedError("not"), FileExistsError("there"), OSError("416: range not satisfiable"), MemoryError()],
    ids=lambda error: type(error).__name__,
)
@pytest.mark.parametrize("options", [{"chunks": (5, 5)}, SHARDED], ids=["plain", "sharded"])
def test_an_error_of_the_store_is_its_own(options: dict[str, Any], error: Exception) -> None:
    store = Failing(MemoryStore())
    array = created(store, data=A, **options)
    strings = created(Failing(MemoryStore()), shape=(4,), chunks=(2,), dtype="str")
    strings[:] = np.array(["a", "b", "c", "d"], dtype=object)

    def raised(act: Callable[[], Any], fails: Callable[[str, Any], bool], place: Failing = store) -> None:
        place.error, place.fails, Failing.failed = error, fails, 0
        with engine_only(), pytest.raises(type(error)) as caught:
            act()
        assert caught.value is error
        assert error.__cause__ is None
        assert Failing.failed >= 1
        place.error = None

    raised(lambda: array[3, 4], lambda method, _: method == "get")
    raised(lambda: array[...], lambda method, _: method == "get")
    raised(lambda: array.__setitem__((3, 4), 1), lambda method, _: method == "get")
    raised(lambda: array.__setitem__((3, 4), 1), lambda method, _: method == "set")
    raised(lambda: array.__setitem__(..., 0), lambda method, _: method == "delete")
    raised(lambda: strings[...], lambda method, _: method == "get", strings.store)
    if "shards" in options:
        raised(lambda: array[3, 4], lambda _, byte_range: isinstance(byte_range, RangeByteRequest))
        assert Failing.failed == 1
    created(store, data=A, **options)
    assert_array_equal(array[...], A)


def test_damage_is_an_error_with_a_place() -> None:
    store = MemoryStore()
    array = created(store, data=A, chunks=(5, 5), compressors=ZstdCodec())
    store._store_dict["c/1/2"] = cpu.Buffer.from_bytes(b"damaged")
    with engine_only(), pytest.raises(zarr_py.errors.CorruptError, match="c/1/2"):
        array[...]
    with engine_only(), pytest.raises(zarr_py.errors.CorruptError):
        array[7, 12] = 3
    assert store._store_dict["c/1/2"].to_bytes() == b"damaged"


def test_a_shard_that_is_cut_off() -> None:
    store = MemoryStore()
    codec = ShardingCodec(chunk_shape=(5, 5), codecs=[BytesCodec()], index_location="start")
    array = created(store, data=A, chunks=(20, 30), serializer=codec, compressors=None)
    stored = store._store_dict["c/0/0"].to_bytes()
    store._store_dict["c/0/0"] = cpu.Buffer.from_bytes(stored[:-150])
    with engine_only():
        assert_array_equal(array[0, :3], A[0, :3])
        with pytest.raises(zarr_py.errors.ZarrError, match="c/0/0"):
            array[19, 29]


def test_missing_chunks_are_reported(store: Store) -> None:
    array = created(store, shape=A.shape, dtype="i4", fill_value=3, **SHARDED)
    array[:10, :15] = 7
    strict = opened(store, OURS, config={"read_missing_chunks": False})
    with engine_only():
        assert_array_equal(strict[2:9, 3:15], np.full((7, 12), 7))
        with pytest.raises(zarr.errors.ChunkNotFoundError, match=r"c/1/0|c/2/0"):
            strict[10, 0]


def test_read_only_stores_are_honoured() -> None:
    store = MemoryStore()
    created(store, data=A, chunks=(5, 5))
    array = opened(store.with_read_only(True), OURS, mode="r")
    with pytest.raises(ValueError, match="read-only"):
        array[:] = 7
    assert_array_equal(array[...], A)


def test_names_that_the_engine_does_not_have() -> None:
    with zarr.config.set(OURS):
        array = zarr.create_array(MemoryStore(), name="a\nb", data=A, chunks=(5, 5))
    array[3] = 5
    assert (array[3] == 5).all()
