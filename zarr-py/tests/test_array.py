"""`zarr_py.Array`: reads and writes agree with NumPy."""

import asyncio
import json
from pathlib import Path

import numpy as np
import pytest
import zarr_py
from zarr_py import errors

S = np.s_


@pytest.fixture
def data() -> np.ndarray:
    return np.arange(20 * 31, dtype="int32").reshape(20, 31)


@pytest.fixture(params=["chunks", "shards"])
def array(request: pytest.FixtureRequest, tmp_path: Path, data: np.ndarray) -> zarr_py.Array:
    shards = (8, 15) if request.param == "shards" else None
    made = zarr_py.create_array(tmp_path, "a/b", shape=data.shape, dtype=data.dtype, chunks=(4, 5), shards=shards)
    made[...] = data
    return made


def test_attributes_of_an_array(tmp_path: Path) -> None:
    array = zarr_py.create_array(
        tmp_path, "a", shape=(7, 5), dtype="float32", chunks=(2, 3), shards=(4, 6), fill_value=np.nan,
        attributes={"unit": "m"}, dimension_names=["y", None])
    assert (array.shape, array.ndim, array.size, array.nbytes, len(array)) == ((7, 5), 2, 35, 140, 7)
    assert (array.chunks, array.shards, array.dtype) == ((2, 3), (4, 6), np.dtype("float32"))
    assert np.isnan(array.fill_value) and type(array.fill_value) is np.float32
    assert array.dimension_names == ("y", None)
    assert (array.path, array.name, array.location) == ("a", "a", str(tmp_path))
    assert array.metadata["data_type"] == "float32" and array.metadata["zarr_format"] == 3
    assert dict(array.attrs) == {"unit": "m"}
    assert "shape=(7, 5)" in repr(array) and "(4, 6)" in array._repr_html_()
    plain = zarr_py.create_array(tmp_path, "b", shape=3, dtype="i1")
    assert plain.shards is None and plain.dimension_names is None and plain.chunks == (3,)


@pytest.mark.parametrize("key", [
    ..., (), 3, -1, (3, 4), (-20, -31), (3, ...), (..., 4), (3, ..., 4), None, (None, 3, None, 4), (3, 4, None),
    S[2:9], S[2:9, 4], S[::2, ::-1], S[-3:, -1:-9:-3], S[5:5], S[9:2], S[:100, 40:], S[::-1], S[19:None:-7, 30::-11],
    S[2:3, None, ..., None], S[0:20:100], np.int64(3), (np.uint8(3), np.int32(-4)), S[np.int64(2):np.int64(5)],
    (np.array(3), np.array(4)), (slice(None), np.array(4)),
])
def test_basic_indexing(array: zarr_py.Array, data: np.ndarray, key: object) -> None:
    found, expected = array[key], data[key]
    assert type(found) is type(expected)
    np.testing.assert_array_equal(found, expected)
    assert found.shape == expected.shape and found.dtype == expected.dtype


@pytest.mark.parametrize("key", [
    [1, 5, 3], [-1, 0, -20], [1, 1, 1], [], ([1, 5], [3, 4]), ([[1], [5]], [3, 4, 4]), ([1, 5], slice(None)),
    (slice(None), [1, 5]), (slice(2, 9, 3), [[1, 5], [6, 7]]), ([1, 5], 4), (4, [1, 5]), (4, slice(None), None),
    (None, [1, 5], slice(1, 4)), ([1, 5], None, [3, 4]), ([1, 5], None, 3), (slice(None), None, [3, 4]),
    ([True] * 10 + [False] * 10), ([True, False] * 10, slice(3, 9)), ([True, False] * 10, 4),
    ([True, False] * 10, list(range(10))), (..., [3]), ([3], ...), (slice(None, None, -3), [-1, 0]),
    (np.array([1, 2], dtype="uint64"), slice(None)), ([1, 5], ..., [3, 4]), (None, [1, 5], ..., [3, 4], None),
])
def test_fancy_indexing(array: zarr_py.Array, data: np.ndarray, key: object) -> None:
    found, expected = array[key], data[key]
    np.testing.assert_array_equal(found, expected)
    assert found.shape == expected.shape and type(found) is type(expected)


def test_masks(array: zarr_py.Array, data: np.ndarray) -> None:
    mask = data % 7 == 3
    np.testing.assert_array_equal(array[mask], data[mask])
    np.testing.assert_array_equal(array.vindex[mask], data[mask])
    assert array[np.zeros_like(mask)].shape == (0,)
    array[mask] = -1
    np.testing.assert_array_equal(array[...], np.where(mask, -1, data))


def test_orthogonal_indexing(array: zarr_py.Array, data: np.ndarray) -> None:
    np.testing.assert_array_equal(array.oindex[[1, 5], [2, 3, 3]], data[np.ix_([1, 5], [2, 3, 3])])
    np.testing.assert_array_equal(array.oindex[[1, 5], 4], data[[1, 5], 4])
    np.testing.assert_array_equal(array.oindex[[True, False] * 10, ::-2], data[::2, ::-2])
    np.testing.assert_array_equal(array.oindex[...], data)
    assert array.oindex[3, 4] == data[3, 4] and np.isscalar(array.oindex[3, 4])
    array.oindex[[1, 5], [2, 9]] = [[-1, -2], [-3, -4]]
    data[np.ix_([1, 5], [2, 9])] = [[-1, -2], [-3, -4]]
    np.testing.assert_array_equal(array[...], data)


def test_coordinates(array: zarr_py.Array, data: np.ndarray) -> None:
    np.testing.assert_array_equal(array.vindex[[1, 5], [2, 3]], data[[1, 5], [2, 3]])
    np.testing.assert_array_equal(array.vindex[[[1], [5]], [2, 3]], data[[[1], [5]], [2, 3]])
    array.vindex[[1, 1], [2, 2]] = [7, 8]
    assert array[1, 2] == 8
    with pytest.raises(IndexError):
        array.vindex[[1, 5], :]


@pytest.mark.parametrize(("key", "value"), [
    (..., 5), (S[3], np.arange(31)), (S[2:9, 4], 1.9), (S[::-2, ::-1], np.arange(310).reshape(10, 31)),
    (S[3:5], [[7]]), ((3, 4), 9), (S[3:5, None], np.ones((1, 1, 2, 1, 31), "int8")), (([1, 5], [3, 4]), [8, 9]),
    ((slice(None), [3, 4]), np.arange(40).reshape(20, 2)), ((4, slice(2, 5), None), [[1], [2], [3]]),
    (([[1], [5]], None, [3, 4]), np.arange(4).reshape(2, 1, 2)[:, :, :].transpose(0, 2, 1)), (S[5:5], 3),
    (S[2:4], np.asfortranarray(np.arange(62).reshape(2, 31))), (S[2:4], np.arange(248, dtype="i4").reshape(4, 62)[::2, ::-2]),
])
def test_writes(array: zarr_py.Array, data: np.ndarray, key: object, value: object) -> None:
    data[key] = value
    array[key] = value
    np.testing.assert_array_equal(array[...], data)


def test_a_value_of_another_shape_is_refused(array: zarr_py.Array, data: np.ndarray) -> None:
    for key, value in [(..., np.ones(30)), (S[2:4], np.ones((3, 31))), (([1, 2], [3, 4]), [1, 2, 3])]:
        with pytest.raises(ValueError, match="broadcast"):
            array[key] = value
    np.testing.assert_array_equal(array[...], data)


def test_an_array_without_dimensions(tmp_path: Path) -> None:
    array = zarr_py.create_array(tmp_path, shape=(), dtype="float64", fill_value=2.5)
    assert array[()] == 2.5 and type(array[()]) is np.float64
    array[...] = 7
    assert array[...].shape == () and array[...] == 7 and array.read().shape == ()
    with pytest.raises(TypeError):
        len(array)


def test_empty_dimensions(tmp_path: Path) -> None:
    array = zarr_py.create_array(tmp_path, shape=(0, 5), dtype="int16")
    assert array[...].shape == (0, 5) and array[:, 2].shape == (0,)
    array[...] = 3
    assert list(array) == []


@pytest.mark.parametrize("key", [20, -21, (0, 31), (0, 0, 0), (..., ...), [20], ([0], [-32]), "a", 1.5, [1.5],
                                 True, [True], (slice(None), np.ones(5, bool)), ([1, 2], [1, 2, 3]), {}, (0, np.bool(True))])
def test_wrong_indices_are_index_errors(array: zarr_py.Array, key: object) -> None:
    with pytest.raises(IndexError) as raised:
        array[key]
    assert isinstance(raised.value, errors.SelectionError)


def test_iteration(array: zarr_py.Array, data: np.ndarray) -> None:
    for found, expected in zip(array, data, strict=True):
        np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(np.asarray(array), data)
    assert np.asarray(array, dtype="f8").dtype == "f8"
    with pytest.raises(ValueError, match="copy"):
        np.asarray(array, copy=False)


@pytest.mark.parametrize("layout", ["C", "F", "reversed", "gaps", "repeated", "unaligned"])
def test_read_into_memory_of_any_layout(array: zarr_py.Array, data: np.ndarray, layout: str) -> None:
    out = {
        "C": np.zeros((20, 31), "i4"),
        "F": np.zeros((20, 31), "i4", order="F"),
        "reversed": np.zeros((20, 31), "i4")[::-1, ::-1],
        "gaps": np.zeros((40, 93), "i4")[::2, ::3],
        "repeated": np.lib.stride_tricks.as_strided(np.zeros(700, "i4"), (20, 31), (4, 0)),
        "unaligned": np.zeros((20, 31), np.dtype([("pad", "u1"), ("value", "i4")]))["value"],
    }[layout]
    array.read_into(..., out)
    expected = np.array(data)
    if layout == "repeated":
        expected = np.broadcast_to(data[:, -1:], data.shape)
    np.testing.assert_array_equal(out, expected)
    assert array.read(S[2:4], out=out[2:4]) is not None


def test_read_into_arranged_selections(array: zarr_py.Array, data: np.ndarray) -> None:
    out = np.zeros((2, 31), "i4")
    assert array.read([1, 5], out=out) is out
    np.testing.assert_array_equal(out, data[[1, 5]])
    out = np.zeros((2, 3), "i4", order="F")
    array.read(([[1], [5]], [2, 3, 4]), out=out)
    np.testing.assert_array_equal(out, data[[[1], [5]], [2, 3, 4]])


def test_a_wrong_output_is_refused(array: zarr_py.Array) -> None:
    with pytest.raises(ValueError, match="shape"):
        array.read_into(..., np.zeros((20, 30), "i4"))
    with pytest.raises(ValueError, match="shape"):
        array.read_into([1, 2], np.zeros((3, 31), "i4"))
    with pytest.raises(TypeError, match="data type"):
        array.read_into(..., np.zeros((20, 31), "i8"))
    frozen = np.zeros((20, 31), "i4")
    frozen.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        array.read_into(..., frozen)


def test_results_are_memory_of_their_own(array: zarr_py.Array, data: np.ndarray) -> None:
    found = array[...]
    assert found.flags.writeable and found.flags.aligned and found.flags.c_contiguous
    found[...] = 0
    np.testing.assert_array_equal(array[...], data)
    element = array[3]
    del array, found
    np.testing.assert_array_equal(element, data[3])


def test_plans_are_printed(array: zarr_py.Array) -> None:
    plan = array.plan(S[3:5, 1])
    assert plan.startswith("read 2 elements (8 bytes) of /a/b") and "requests" in plan
    assert "read 2 elements" in array.oindex.plan(([1, 5], 3))


def test_requests_are_counted(tmp_path: Path) -> None:
    array = zarr_py.create_array(tmp_path, shape=(8, 8), dtype="i4", chunks=(4, 4), shards=(8, 8))
    array[...] = 1
    before = array.requests()
    array[0, 0]
    cold = array.requests()
    array[7, 7]
    warm = array.requests()
    assert cold["gets"] - before["gets"] == 2 and warm["gets"] - cold["gets"] == 1


def test_resize(array: zarr_py.Array, data: np.ndarray) -> None:
    array.resize((10, 40))
    assert array.shape == (10, 40)
    np.testing.assert_array_equal(array[:, :31], data[:10])
    assert (array[:, 31:] == 0).all()
    array.resize((20, 40))
    assert (array[10:] == 0).all()
    with pytest.raises(ValueError, match="shape"):
        array.resize((3, 4, 5))


async def test_compact_orders_inner_chunks_and_frees_dead_space(tmp_path: Path) -> None:
    data = np.arange(1024 * 1024, dtype="u2").reshape(1024, 1024)
    array = zarr_py.create_array(tmp_path, shape=data.shape, dtype="u2", chunks=(256, 256), shards=data.shape, compressors=None)
    array[...] = data
    offsets = lambda: [chunk[0] for chunk in array._shard_indexes([[0, 0]])[0][3]]  # noqa: E731
    assert offsets() == sorted(offsets())
    array[:256, :256] = data[:256, :256] = 7
    size = 256 * 256 * 2
    assert array.compact(50) == (0, 0)
    assert array.compact(order="morton") == (1, size)
    assert [at // size for at in offsets()[:6]] == [0, 2, 8, 10, 1, 3]
    assert array.compact(order="morton") == (0, 0)
    assert await array.compact_async(100, order="C") == (1, 0)
    assert offsets() == sorted(offsets())
    np.testing.assert_array_equal(zarr_py.open_array(tmp_path)[...], data)
    for arguments, error in [((-1,), ValueError), ((101,), ValueError), (("x",), TypeError)]:
        with pytest.raises(error, match="percent"):
            array.compact(*arguments)
    with pytest.raises(ValueError, match='"C" or "morton"'):
        array.compact(order="F")


def test_attributes_are_merged_with_what_is_stored(array: zarr_py.Array) -> None:
    other = zarr_py.open_array(array.location, array.path)
    array.attrs["a"] = {"nested": [1, None, "é"]}
    other.attrs["b"] = 2
    assert dict(other.attrs) == {"a": {"nested": [1, None, "é"]}, "b": 2}
    array.attrs.update(c=3)
    del array.attrs["a"]
    assert dict(zarr_py.open_array(array.location, array.path).attrs) == {"b": 2, "c": 3}
    array.set_attrs({"only": True})
    assert array.attrs.asdict() == {"only": True}
    array.attrs.clear()
    assert dict(array.attrs) == {} and len(array.attrs) == 0
    with pytest.raises(KeyError):
        del array.attrs["missing"]
    with pytest.raises(ValueError, match="JSON"):
        array.attrs["x"] = float("nan")


async def test_twins_for_an_event_loop(tmp_path: Path, data: np.ndarray) -> None:
    array = await zarr_py.create_array_async(tmp_path, "x", shape=data.shape, dtype="i4", chunks=(4, 5))
    await array.write_async(..., data)
    np.testing.assert_array_equal(await array.read_async(), data)
    assert await array.read_async((3, 4)) == data[3, 4]
    found = await asyncio.gather(*(array.read_async(row) for row in range(20)))
    np.testing.assert_array_equal(np.stack(found), data)
    out = np.zeros((31, 20), "i4").T
    assert await array.read_async(out=out) is out
    np.testing.assert_array_equal(out, data)
    np.testing.assert_array_equal(await array.oindex.read_async(([1, 5], slice(None))), data[[1, 5]])
    await array.vindex.write_async(([1], [2]), 0)
    await array.resize_async((10, 31))
    await array.set_attrs_async({"k": 1})
    again = await zarr_py.open_array_async(tmp_path, "x")
    assert again.shape == (10, 31) and dict(again.attrs) == {"k": 1} and again[1, 2] == 0
    with pytest.raises(IndexError):
        await array.read_async(10)


def test_errors_are_built_in_ones(tmp_path: Path) -> None:
    zarr_py.create_group(tmp_path, "g")
    array = zarr_py.create_array(tmp_path, "g/a", shape=4, dtype="i4")
    with pytest.raises(FileNotFoundError, match="missing"):
        zarr_py.open_array(tmp_path, "missing")
    with pytest.raises(TypeError, match="group"):
        zarr_py.open_array(tmp_path, "g")
    with pytest.raises(TypeError, match="array"):
        zarr_py.open_group(tmp_path, "g/a")
    with pytest.raises(FileExistsError):
        zarr_py.create_array(tmp_path, "g/a", shape=4, dtype="i4")
    with pytest.raises(ValueError, match="chunk"):
        zarr_py.create_array(tmp_path, "h", shape=4, dtype="i4", chunks=(2, 2))
    with pytest.raises(NotImplementedError, match="nonsense"):
        zarr_py.create_array(tmp_path, "h", shape=4, dtype="i4", compressors=["nonsense"])
    with pytest.raises(TypeError, match="expected a URL"):
        zarr_py.open_array(3)  # type: ignore[arg-type]
    (tmp_path / "g/a/c").mkdir(exist_ok=True)
    (tmp_path / "g/a/c/0").write_bytes(b"damaged")
    with pytest.raises(errors.CorruptError, match="g/a/c/0"):
        array[...]


def test_overwriting(tmp_path: Path) -> None:
    old = zarr_py.create_array(tmp_path, "a", shape=4, dtype="i4", chunks=2)
    old[...] = 1
    with pytest.raises(ValueError, match="chunk"):
        zarr_py.create_array(tmp_path, "a", shape=4, dtype="i4", chunks=(2, 2), overwrite=True)
    assert old[...].tolist() == [1] * 4
    new = zarr_py.create_array(tmp_path, "a", shape=4, dtype="i4", chunks=2, overwrite=True)
    assert new[...].tolist() == [0] * 4


def test_read_only_is_honoured(tmp_path: Path) -> None:
    zarr_py.create_array(tmp_path, "a", shape=4, dtype="i4")
    array = zarr_py.open_array(tmp_path, "a", read_only=True)
    group = zarr_py.open_group(tmp_path, read_only=True)
    assert array.read_only and group["a"].read_only
    for refused in (
        lambda: array.__setitem__(0, 1), lambda: array.resize(3), lambda: array.attrs.update(a=1),
        lambda: group["a"].__setitem__(0, 1), lambda: group.create_group("b"), lambda: group.delete("a"),
        lambda: group.create_array("b", shape=3, dtype="i4"), group.consolidate, lambda: group.set_attrs({}),
    ):
        with pytest.raises(PermissionError, match="read-only"):
            refused()
    assert array[0] == 0


@pytest.mark.parametrize("compressors", ["auto", None, "gzip", [{"name": "zstd", "configuration": {"level": 1, "checksum": True}}],
                                         ["crc32c"], [{"name": "gzip", "configuration": {"level": 1}}, "crc32c"]])
def test_codecs(tmp_path: Path, data: np.ndarray, compressors: object) -> None:
    if compressors == "gzip":
        compressors = {"name": "gzip", "configuration": {"level": 5}}
    transpose = {"name": "transpose", "configuration": {"order": [1, 0]}}
    big = {"name": "bytes", "configuration": {"endian": "big"}}
    array = zarr_py.create_array(tmp_path, shape=data.shape, dtype="i4", chunks=(4, 5), shards=(8, 10),
                                 filters=transpose, serializer=big, compressors=compressors)
    array[...] = data
    np.testing.assert_array_equal(zarr_py.open_array(tmp_path)[...], data)


def test_chunks_that_nobody_chose_divide_their_shard(tmp_path: Path) -> None:
    array = zarr_py.create_array(tmp_path, shape=(3000, 3000), dtype="f8", shards=(1000, 999))
    assert all(shard % chunk == 0 for shard, chunk in zip((1000, 999), array.chunks, strict=True))
    assert np.prod(array.chunks) * 8 <= 1 << 20


def test_metadata_is_a_plain_dictionary(array: zarr_py.Array) -> None:
    metadata = array.metadata
    assert type(metadata) is dict and json.loads(json.dumps(metadata)) == metadata
    assert metadata["node_type"] == "array" and tuple(metadata["shape"]) == array.shape
