"""The pipeline beyond selections: fallback, refusals, reports, empty chunks, equality, pickles."""

import asyncio
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr
import zarr_py
from numpy.testing import assert_array_equal
from pipeline_cases import OURS, ZARRS, created, engine_only, opened
from zarr.abc.codec import BytesBytesCodec
from zarr.codecs import GzipCodec, ShardingCodec, ZstdCodec
from zarr.core.buffer import cpu
from zarr.storage import LocalStore, WrapperStore

A = np.arange(600, dtype="i4").reshape(20, 30)
SHARDED: dict[str, Any] = {"chunks": (5, 5), "shards": (10, 15)}


class HomeMadeCodec(GzipCodec):
    """A foreign codec: the engine must not mistake it for its own."""

    async def _decode_single(self, *arguments: Any) -> Any:
        return await super()._decode_single(*arguments)


def foreign(store: Any, **options: Any) -> zarr.Array[Any]:
    with zarr.config.set(OURS):
        return zarr.create_array(store, overwrite=True, **options)


def test_it_is_known_by_its_public_name() -> None:
    assert f"{zarr_py.CodecPipeline.__module__}.{zarr_py.CodecPipeline.__qualname__}" == "zarr_py.CodecPipeline"
    with zarr.config.set(OURS):
        assert zarr.registry.get_pipeline_class() is zarr_py.CodecPipeline


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"compressors": HomeMadeCodec()}, "HomeMadeCodec"),
        ({"shards": (10, 15), "compressors": HomeMadeCodec()}, "HomeMadeCodec"),
    ],
)
def test_what_is_not_ours_falls_back(tmp_path: Path, options: dict[str, Any], reason: str) -> None:
    array = foreign(tmp_path, **{"shape": A.shape, "dtype": A.dtype, "chunks": (5, 5), **options})
    explanation = zarr_py.explain(array)
    assert not explanation.native
    assert reason in explanation.reason
    assert reason in str(explanation)
    array[:] = A
    array[3, 4:9] = 7
    expected = A.copy()
    expected[3, 4:9] = 7
    assert_array_equal(array[...], expected)


def test_a_wrapper_is_never_bypassed(tmp_path: Path) -> None:
    class Counting(WrapperStore[LocalStore]):
        gets = 0

        async def get(self, *arguments: Any, **options: Any) -> Any:
            type(self).gets += 1
            return await super().get(*arguments, **options)

    array = created(Counting(LocalStore(tmp_path)), data=A, chunks=(5, 5))
    before = Counting.gets
    with engine_only():
        assert_array_equal(array[...], A)
    assert Counting.gets >= before + 24


def test_a_class_derived_from_our_store_is_not_bypassed(tmp_path: Path) -> None:
    class Counting(zarr_py.Store):
        gets = 0

        async def get(self, *arguments: Any, **options: Any) -> Any:
            type(self).gets += 1
            return await super().get(*arguments, **options)

    class Named(zarr_py.Store):
        name = "only a name"

    array = created(Counting(str(tmp_path)), data=A, chunks=(5, 5))
    before = Counting.gets
    with engine_only():
        assert_array_equal(array[...], A)
    assert Counting.gets >= before + 24
    assert_array_equal(opened(Named(str(tmp_path)), OURS)[...], A)


def test_inner_chunks_in_an_order_that_we_do_not_write(tmp_path: Path) -> None:
    codec = ShardingCodec(chunk_shape=(5, 5), subchunk_write_order="colexicographic")
    array = foreign(tmp_path, shape=A.shape, dtype=A.dtype, chunks=(10, 15), serializer=codec, compressors=None)
    assert "colexicographic" in zarr_py.explain(array).reason


def test_explain_prints_the_plan_of_a_read(tmp_path: Path) -> None:
    array = created(tmp_path, data=A, **SHARDED)
    explanation = zarr_py.explain(array, np.s_[3:8, 2])
    assert explanation.native
    assert "in the engine" in str(explanation)
    assert "1 objects, 2 requests" in explanation.plan
    other = opened(tmp_path, ZARRS)
    assert "BatchedCodecPipeline" in zarr_py.explain(other).reason


def test_read_only_stores_are_honoured(tmp_path: Path) -> None:
    created(tmp_path, data=A, chunks=(5, 5))
    array = opened(tmp_path, OURS, mode="r")
    with pytest.raises(ValueError, match="store was opened in read-only mode and does not support writing"):
        array[:] = 7
    assert_array_equal(array[...], A)


@pytest.mark.parametrize("options", [{"chunks": (5, 5)}, SHARDED])
def test_reading_into_an_array_of_any_strides(tmp_path: Path, options: dict[str, Any]) -> None:
    array = created(tmp_path, data=A, **options)
    memory = np.zeros((60, 40), dtype="i4")
    for out in [
        np.zeros(A.shape, "i4"),
        np.zeros(A.shape, "i4", order="F"),
        memory[::3, 5:35],
        memory.T[:20, ::2],
        memory[40:20:-1, 34:4:-1],
        np.zeros(A.shape, ">i4"),
    ]:
        before = memory.copy()
        with engine_only():
            array.get_basic_selection(..., out=cpu.NDBuffer(out))
        assert_array_equal(out, A)
        out[...] = before[::3, 5:35] if out.base is None else 0
        memory[...] = 0
    with pytest.raises(ValueError, match="shape of out"):
        array.get_basic_selection(..., out=cpu.NDBuffer(np.zeros((3, 4), "i4")))


def test_values_of_any_strides_are_written(tmp_path: Path) -> None:
    array = created(tmp_path, shape=A.shape, dtype="i4", **SHARDED)
    wide = np.arange(2400, dtype="i4").reshape(40, 60)
    for value in [A, np.asfortranarray(A), wide[::2, ::2], wide[::-2, ::-2], wide.T[:20, 5:35], A.astype(">i4")]:
        with engine_only():
            array[...] = value
            assert_array_equal(array[...], value)
    with engine_only():
        array[3:9] = 5
        array[:, 4] = np.int32(6)
    wide[0:20, 0:30] = value
    wide[3:9, :30], wide[:20, 4] = 5, 6
    assert_array_equal(opened(tmp_path, ZARRS)[...], wide[:20, :30])


def test_values_that_are_broadcast_as_zarr_does(tmp_path: Path) -> None:
    ours, theirs = created(tmp_path / "a", shape=(6, 6), chunks=(6, 6), dtype="i4"), None
    with zarr.config.set(ZARRS):
        theirs = zarr.create_array(tmp_path / "b", shape=(6, 6), chunks=(6, 6), dtype="i4")
    for array in ours, theirs:
        array[...] = np.arange(6, dtype="i4")[None, :]
    assert_array_equal(ours[...], theirs[...])


def test_missing_chunks_are_reported(tmp_path: Path) -> None:
    for name, options in ("plain", {"chunks": (5, 5)}), ("sharded", SHARDED):
        array = created(tmp_path / name, shape=A.shape, dtype="i4", **options, fill_value=3)
        array[:10, :15] = 7
        strict = opened(tmp_path / name, OURS, config={"read_missing_chunks": False})
        with engine_only():
            assert_array_equal(strict[2:9, 3:15], np.full((7, 12), 7))
            assert (array[10:] == 3).all()
            with pytest.raises(zarr.errors.ChunkNotFoundError, match="not found"):
                strict[...]
            with pytest.raises(zarr.errors.ChunkNotFoundError, match=r"c/1/0|c/2/0"):
                strict[10, 0]


def files(path: Path) -> set[str]:
    return {str(file.relative_to(path)) for file in path.rglob("*") if file.is_file()} - {"zarr.json", ".zarray", ".zattrs"}


@pytest.mark.parametrize(
    ("fill", "stored"),
    [(0.0, -0.0), (-0.0, 0.0), (np.nan, 1.0), (2.5, 2.0), (np.inf, -np.inf)],
)
def test_chunks_of_fill_values_are_not_stored(tmp_path: Path, fill: float, stored: float) -> None:
    expected = {}
    for name, pipeline in ("ours", OURS), ("theirs", ZARRS):
        with zarr.config.set(pipeline):
            array = zarr.create_array(
                tmp_path / name, shape=(8,), chunks=(4,), dtype="f8", fill_value=fill, config={"write_empty_chunks": False}
            )
        array[:4] = fill
        array[4:] = stored
        assert np.signbit(array[5]) == np.signbit(stored)
        first = files(tmp_path / name)
        array[4:] = fill
        expected[name] = first, files(tmp_path / name)
    assert expected["ours"] == expected["theirs"] == ({"c/1"}, set())


def test_chunks_of_fill_values_are_stored_where_asked_for(tmp_path: Path) -> None:
    array = created(tmp_path / "3", shape=(8,), chunks=(4,), dtype="i4", config={"write_empty_chunks": True})
    array[:] = 0
    assert files(tmp_path / "3") == {"c/0", "c/1"}
    # Without a fill value every chunk must be stored.
    array = created(tmp_path / "2", shape=(8,), chunks=(4,), dtype="i4", zarr_format=2, fill_value=None)
    assert_array_equal(array[:], np.zeros(8))
    array[:] = 0
    assert files(tmp_path / "2") == {"0", "1"}


def test_a_resized_array_is_read_and_written(tmp_path: Path) -> None:
    array = created(tmp_path, data=A, **SHARDED)
    array.append(A)
    array.resize((37, 31))
    expected = np.zeros((37, 31), dtype="i4")
    expected[:20, :30], expected[20:, :30] = A, A[:17]
    with engine_only():
        assert_array_equal(array[...], expected)
        array[30:, 20:] = expected[30:, 20:] = 9
        assert_array_equal(array[...], expected)
    assert_array_equal(opened(tmp_path, ZARRS)[...], expected)


def test_what_a_shrunk_array_left_in_its_shards_comes_back(tmp_path: Path) -> None:
    array = created(tmp_path, data=np.arange(1, 9), chunks=(2,), shards=(8,))
    array.resize((3,))
    with engine_only():
        array[:] = -1
    array.resize((8,))
    assert_array_equal(array[:], [-1, -1, -1, 4, 5, 6, 7, 8])


@pytest.mark.filterwarnings("ignore:.*rectilinear.*")
def test_chunks_of_shapes_that_an_array_grows_to(tmp_path: Path) -> None:
    with zarr.config.set({"array.rectilinear_chunks": True}):
        array = created(tmp_path, shape=(5,), dtype="i4", chunks=[[2, 3]])
        with engine_only():
            array[:] = np.arange(5)
            array.append(np.arange(5, 12, dtype="i4"))
            array.append(np.arange(12, 16, dtype="i4"))
            assert_array_equal(array[:], np.arange(16))
        assert_array_equal(opened(tmp_path, ZARRS)[:], np.arange(16))


@pytest.mark.filterwarnings("ignore:.*generic.*:DeprecationWarning", "ignore::zarr.errors.UnstableSpecificationWarning")
@pytest.mark.parametrize("dtype", [">i4", ">M8[2generic]", ">M8[us]", ">U2", np.dtype([("a", ">i4"), ("b", ">m8[s]")])])
@pytest.mark.parametrize("zarr_format", [2, 3])
def test_the_other_byte_order(tmp_path: Path, dtype: Any, zarr_format: Any) -> None:
    dtype = np.dtype(dtype)
    data = np.frombuffer(np.arange(48, dtype="u1" if dtype.kind != "U" else ">u4").tobytes(), dtype=dtype)
    for name, pipeline, other in ("a", OURS, ZARRS), ("b", ZARRS, OURS):
        with zarr.config.set(pipeline):
            array = zarr.create_array(tmp_path / name, data=data, chunks=(2,), zarr_format=zarr_format, compressors=None)
        assert array[:].tobytes() == data.tobytes()
        assert opened(tmp_path / name, other)[:].tobytes() == opened(tmp_path / name, pipeline)[:].tobytes()


@pytest.mark.filterwarnings("ignore:.*rectilinear.*")
def test_chunks_of_several_shapes(tmp_path: Path) -> None:
    with zarr.config.set({"array.rectilinear_chunks": True}):
        array = created(tmp_path, shape=A.shape, dtype="i4", chunks=[[3, 10, 7], [30]])
        with engine_only():
            array[...] = A
            array[2:14, 5] = -1
            found = array.oindex[[1, 15, 2], 4:7]
        expected = A.copy()
        expected[2:14, 5] = -1
        assert_array_equal(found, expected[[1, 15, 2], 4:7])
        assert_array_equal(opened(tmp_path, ZARRS)[...], expected)


def test_arrays_are_equal_and_pickled(tmp_path: Path) -> None:
    array = created(tmp_path, data=A, **SHARDED)
    again = opened(tmp_path, OURS, mode="r+")
    assert array == again
    assert array.async_array.codec_pipeline == again.async_array.codec_pipeline
    assert hash(array.async_array.codec_pipeline) == hash(again.async_array.codec_pipeline)
    assert array.async_array.codec_pipeline != created(tmp_path / "b", data=A, chunks=(5, 5)).async_array.codec_pipeline
    pickled = pickle.loads(pickle.dumps(array))
    assert pickled == array
    assert zarr_py.explain(pickled).native
    with engine_only():
        assert_array_equal(pickled[3:9], A[3:9])
    assert "in the engine" in repr(array.async_array.codec_pipeline)


def test_a_pipeline_of_codecs_is_zarrs() -> None:
    pipeline = zarr_py.CodecPipeline.from_codecs([*ShardingCodec(chunk_shape=(2,)).codecs, ZstdCodec()])
    assert [type(codec) for codec in pipeline][-1] is ZstdCodec
    assert not pipeline.supports_partial_decode
    assert pipeline == pickle.loads(pickle.dumps(pipeline))
    assert "in zarr-python" in repr(pipeline)


def test_damage_is_an_error_with_a_place(tmp_path: Path) -> None:
    array = created(tmp_path, data=A, chunks=(5, 5), compressors=ZstdCodec())
    (tmp_path / "c/1/2").write_bytes(b"damaged")
    with pytest.raises(ValueError, match="c/1/2"):
        array[...]
    with pytest.raises(zarr_py.errors.CorruptError):
        array[7, 12] = 3
    assert (tmp_path / "c/1/2").read_bytes() == b"damaged"


async def test_many_reads_at_once_on_one_loop(tmp_path: Path) -> None:
    array = created(tmp_path, data=A, **SHARDED)
    rows = await asyncio.gather(*(array.async_array.getitem((row,)) for row in range(20)))
    assert_array_equal(np.stack(rows), A)


def test_an_array_of_strings(tmp_path: Path) -> None:
    for name, options in ("3", {}), ("2", {"zarr_format": 2}):
        array = created(tmp_path / name, shape=(7, 3), chunks=(2, 2), dtype="str", fill_value="?", **options)
        expected = np.full((7, 3), "?", dtype=array.dtype)
        new = np.array([f"é{number}" for number in range(9)], dtype=object).reshape(3, 3)
        with engine_only():
            array[2:5] = new
            array[0, 0] = "one"
            expected[2:5], expected[0, 0] = new, "one"
            assert_array_equal(array[...], expected)
            assert_array_equal(array.vindex[[0, 3], [0, 1]], expected[[0, 3], [0, 1]])
        assert_array_equal(opened(tmp_path / name, ZARRS)[...], expected)


@pytest.mark.filterwarnings("ignore::zarr.errors.UnstableSpecificationWarning")
def test_an_array_of_byte_strings(tmp_path: Path) -> None:
    array = created(tmp_path, shape=(5,), chunks=(2,), dtype="variable_length_bytes")
    new = np.array([b"", b"\x00a", b"bcd"], dtype=object)
    with engine_only():
        array[1:4] = new
        assert_array_equal(array[1:4], new)
    assert_array_equal(opened(tmp_path, ZARRS)[1:4], new)


def test_places_of_chunks_may_interleave(tmp_path: Path) -> None:
    """The middle chunk takes consecutive places, and the last chunk takes places on both sides of
    the place of the first chunk."""
    array = created(tmp_path, shape=(1, 5), dtype="i4", chunks=(1, 2))
    with engine_only():
        array[...] = np.arange(10, 15)[None]
        assert array.oindex[[0], [2, 3, 4, 0, 4]].tolist() == [[12, 13, 14, 10, 14]]
