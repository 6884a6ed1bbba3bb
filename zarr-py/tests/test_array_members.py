"""Properties and methods of arrays that are familiar from zarr-python and h5py."""

import asyncio
import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numcodecs
import numpy as np
import pytest
import zarr
import zarr_py
from zarr_py import codecs, errors


def test_appending(tmp_path: Path) -> None:
    array = zarr_py.create_array(tmp_path, "n", data=np.zeros((2, 3), "i4"), chunks=(2, 2))
    assert array.append(np.ones((2, 3))) == (4, 3) and array.append([[2]] * 4, axis=-1) == (4, 4)
    assert asyncio.run(array.append_async(np.full((1, 4), 3))) == (5, 4)
    assert array[...].tolist() == [[0, 0, 0, 2]] * 2 + [[1, 1, 1, 2]] * 2 + [[3, 3, 3, 3]]
    for wrong, axis in (([[1]], 0), ([1, 2], 0), (np.ones((2, 4)), 1), (np.ones((1, 4)), 2)):
        with pytest.raises(ValueError):
            array.append(wrong, axis=axis)
    assert array.shape == (5, 4)
    strings = zarr_py.create_array(tmp_path, "s", data=np.array(["a"], dtype=np.dtypes.StringDType()))
    strings.append(np.array(["bc"], dtype=object))
    assert strings[...].tolist() == ["a", "bc"]


def test_several_writers_append_at_once(tmp_path: Path) -> None:
    zarr_py.create_array(tmp_path, shape=(0, 3), dtype="i8", chunks=(4, 3))
    rows = [zarr_py.open_array(tmp_path) for _ in range(4)]

    def work(number: int) -> None:
        for step in range(10):
            rows[number].append([[number, step, 0]] * 3)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    found = zarr_py.open_array(tmp_path)[...]
    assert sorted(map(tuple, found.tolist())) == sorted((n, step, 0) for n in range(4) for step in range(10) for _ in range(3))


async def test_what_is_appended_is_checked_before_the_array_grows(tmp_path: Path) -> None:
    array = zarr_py.create_array(tmp_path, shape=(2, 3), dtype="i4", chunks=(2, 2))
    for wrong in ([["a", "b", "c"]], [[1, 2]], [1, 2, 3]):
        with pytest.raises(ValueError):
            array.append(wrong)
        with pytest.raises(ValueError):
            await array.append_async(wrong)
    with pytest.raises(ValueError, match="axis"):
        array.append([[1, 2, 3]], axis=2)
    assert zarr_py.open_array(tmp_path).shape == (2, 3)
    assert array.append(np.zeros((0, 3))) == (2, 3)
    assert await array.append_async([[1], [2]], axis=-1) == array.shape == (2, 4)
    assert array[:, 3].tolist() == [1, 2]
    other = zarr_py.open_array(tmp_path)
    other.resize((2, 7))
    with pytest.raises(errors.ChangedError):
        array.append([[1, 2, 3, 4]])



@pytest.mark.parametrize("shape", [(7, 9), (5, 6, 4), (8,), (3, 0), ()])
@pytest.mark.parametrize("compressor", [None, numcodecs.Zstd(1)])
def test_results_have_the_order_of_zarr_python(tmp_path: Path, shape: tuple[int, ...], compressor: Any) -> None:
    theirs = zarr.create_array(
        str(tmp_path), shape=shape, chunks=(3,) * len(shape), dtype=">i2", order="F", zarr_format=2, compressors=compressor)
    data = np.arange(np.prod(shape)).reshape(shape).astype(">i2")
    theirs[...] = data
    ours = zarr_py.open_array(tmp_path)
    for array in (ours, pickle.loads(pickle.dumps(ours))):
        assert array.order == (theirs.order if len(shape) > 1 else "C")
        assert array[...].flags.f_contiguous == np.asarray(theirs[...]).flags.f_contiguous
        for index in ((), (slice(1, 5),), (slice(None, None, 2),), (..., slice(-2, None)), (..., slice(None, None, -1)))[: len(shape) + 1]:
            np.testing.assert_array_equal(array[index], data[index])
        into = np.zeros(shape, array.dtype)
        np.testing.assert_array_equal(array.read(out=into), data)
    if len(shape) > 1 and 0 not in shape:
        assert ours[...].flags.f_contiguous and ours[0].flags.f_contiguous and ours[1:3].flags.f_contiguous
        np.testing.assert_array_equal(ours.oindex[[2, 0], [1, 3]], data[[2, 0]][:, [1, 3]])
        points = np.array([[2, 0, 1]] * len(shape))
        np.testing.assert_array_equal(ours.vindex[tuple(points)], data[tuple(points)])
        assert ours[1, 2].tolist() == data[1, 2].tolist()


@pytest.mark.parametrize("shards", [None, (4, 4)])
def test_what_arrays_tell_is_what_zarr_python_tells(tmp_path: Path, shards: Any) -> None:
    made = zarr_py.create_array(tmp_path, shape=(7, 9), dtype="i2", chunks=(2, 2), shards=shards, filters={
        "name": "transpose", "configuration": {"order": [1, 0]}}, compressors=["gzip", "crc32c"])
    made[:3, :5] = 1
    theirs = zarr.open_array(str(tmp_path), mode="r")
    assert made.cdata_shape == theirs.cdata_shape and made.nchunks == theirs.nchunks
    assert made.nchunks_initialized == theirs.nchunks_initialized and made.nbytes_stored() == theirs.nbytes_stored()
    assert made.order == theirs.order == "C" and made.zarr_format == theirs.metadata.zarr_format == 3
    assert made.nbytes == theirs.nbytes and made.size == theirs.size
    assert made.filters == (codecs.Transpose((1, 0)),) and made.serializer == codecs.Bytes("little")
    assert made.compressors == (codecs.Gzip(5), codecs.Crc32c())
    before = made.requests()
    assert "int16" in repr(made.info) and made.info.nbytes_stored is None and made.requests() == before
    complete = made.info_complete()
    assert complete.nbytes_stored == theirs.nbytes_stored() and "Storage ratio" in repr(complete)
    assert complete.objects_stored == (2 if shards else 6) and "<table>" in complete._repr_html_()
    for index in ((0, 0), 1, (0, slice(1, 3)), (-1, -1), (slice(None), 0), ()):
        np.testing.assert_array_equal(made.blocks[index], theirs.blocks[index] if index != () else theirs[...])
    np.testing.assert_array_equal(made.blocks[..., -1], theirs[:, 8:])
    assert made.blocks.shape == ((2, 3) if shards else (4, 5))
    made.blocks[0, 0] = 8
    assert (made[:2, :2] == 8).all() and made.blocks.plan((0, 0)).startswith("read")
    for wrong in (9, (0, 9), (0, 0, 0), slice(0, 4, 2), [0], "a"):
        with pytest.raises(IndexError):
            made.blocks[wrong]


def test_chunks_are_listed_once(tmp_path: Path) -> None:
    array = zarr_py.create_array(tmp_path, "a", shape=(5, 7), dtype="i4", chunks=(2, 3), shards=(4, 3))
    count = np.zeros(array.shape, int)
    for selection in array.iter_chunks():
        count[selection] += 1
        array[selection] = 1
    assert (count == 1).all() and array.requests()["gets"] == 0
    assert list(zarr_py.create_array(tmp_path, "e", shape=(0, 3), dtype="i4").iter_chunks()) == []
    assert list(zarr_py.create_array(tmp_path, "s", shape=(), dtype="i4").iter_chunks()) == [()]


def test_fields(tmp_path: Path) -> None:
    dtype = np.dtype([("x", "f4"), ("y", "i2"), ("z", "u1")])
    data = np.array([(i, -i, i % 3) for i in range(12)], dtype).reshape(3, 4)
    array = zarr_py.create_array(tmp_path, "a", data=data, chunks=(2, 2))
    np.testing.assert_array_equal(array["x"], data["x"])
    np.testing.assert_array_equal(array["y", 1:, ::2], data[1:, ::2]["y"])
    np.testing.assert_array_equal(array[[2, 0], "y"], data[[2, 0]]["y"])
    np.testing.assert_array_equal(array[["x", "z"]], data[["x", "z"]])
    assert array["y", 1, 2] == -6 and asyncio.run(array.read_async(("z", 2, 3))) == 2
    out = np.zeros((3, 4), "i2")
    array.read("y", out=out)
    np.testing.assert_array_equal(out, data["y"])
    array["y"] = 7
    array["x", 0] = [9, 8, 7, 6]
    asyncio.run(array.write_async(("z", slice(1, None)), 4))
    data["y"], data["x"][0], data["z"][1:] = 7, [9, 8, 7, 6], 4
    np.testing.assert_array_equal(array[...], data)
    assert array._ipython_key_completions_() == ["x", "y", "z"]
    for wrong in ("w", ["x", "w"], ("x", "y")):
        with pytest.raises(IndexError):
            array[wrong]
    plain = zarr_py.create_array(tmp_path, "p", shape=3, dtype="i4")
    for write in (lambda: plain["x"], lambda: plain.__setitem__("x", 1)):
        with pytest.raises(IndexError, match="without fields"):
            write()


def test_numbers_and_tensors(tmp_path: Path) -> None:
    one = zarr_py.create_array(tmp_path, "one", data=np.array([2.5]))
    assert float(one) == 2.5 and int(one) == 2 and complex(one) == 2.5 and float(one[0]) == 2.5
    many = zarr_py.create_array(tmp_path, "many", data=np.arange(6, dtype="f4").reshape(2, 3))
    with pytest.raises(TypeError):
        float(many)
    np.testing.assert_array_equal(np.from_dlpack(many), many[...])
    np.testing.assert_array_equal(np.from_dlpack(many[...]), many[...])
    assert memoryview(many[...]).shape == (2, 3) and np.asarray(many, dtype="f8").dtype == "f8"


@pytest.mark.parametrize("given", [
    codecs.Zstd(), codecs.Zstd(7, True), codecs.Gzip(1), codecs.Blosc(), codecs.Blosc("lz4", 3, "noshuffle"),
    codecs.Other({"name": "crc32c"}),
])
def test_codecs_as_classes(tmp_path: Path, given: codecs.Codec) -> None:
    array = zarr_py.create_array(tmp_path, "a", data=np.arange(100, dtype="i4"), compressors=given)
    named = zarr_py.create_array(tmp_path, "b", data=np.arange(100, dtype="i4"), compressors=given.to_dict())
    assert array.metadata["codecs"] == named.metadata["codecs"] and array[...].sum() == 4950
    again = zarr_py.create_array(tmp_path, "c", data=np.arange(100, dtype="i4"), compressors=array.compressors,
                                 serializer=array.serializer, filters=array.filters)
    assert again.metadata["codecs"] == array.metadata["codecs"]


def test_a_sharding_codec_as_a_class(tmp_path: Path) -> None:
    sharding = codecs.Sharding((2, 2), codecs=(codecs.Transpose((1, 0)), "bytes", {"name": "gzip"}, codecs.Gzip(3)))
    array = zarr_py.create_array(tmp_path, data=np.arange(16, dtype="u1").reshape(4, 4), chunks=(4, 4), serializer=sharding,
                                 compressors=None)
    assert array.chunks == (2, 2) and array.shards == (4, 4) and array.compressors == (codecs.Gzip(5), codecs.Gzip(3))
    assert array[3, 3] == 15 and zarr.open_array(str(tmp_path), mode="r")[3, 2] == 14


def test_iteration_reads_bands_of_a_bounded_size(tmp_path: Path) -> None:
    wide = zarr_py.create_array(tmp_path, "wide", shape=(64, 1 << 20), dtype="f4", chunks=(64, 1 << 16), shards=(64, 1 << 20))
    assert max(bands(wide)) <= 32 << 20
    small = zarr_py.create_array(tmp_path, "small", data=np.arange(40).reshape(20, 2), chunks=(4, 2), shards=(20, 2))
    assert set(bands(small)) == {4 * 2 * 8}
    assert [row.tolist() for row in small] == small[...].tolist()
    one = zarr_py.create_array(tmp_path, "one", shape=(2, 1 << 24), dtype="u1", chunks=(2, 1 << 22))
    assert set(bands(one)) == {2 << 24}
    assert list(zarr_py.create_array(tmp_path, "none", shape=(0, 5), dtype="i4")) == []


def bands(array: zarr_py.Array) -> list[int]:
    """Returns the sizes in bytes of the pieces that iteration reads."""
    found = {}
    for row in array:
        base = row if row.base is None else row.base
        while isinstance(base, np.ndarray) and isinstance(base.base, np.ndarray):
            base = base.base
        found[id(base)] = base.nbytes
    return list(found.values())
