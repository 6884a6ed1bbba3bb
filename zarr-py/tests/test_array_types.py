"""Data types: each equals its NumPy data type, and its stored form equals zarr-python's."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr
import zarr_py
from zarr_py import errors

RANDOM = np.random.default_rng(4)


def values(dtype: Any, shape: tuple[int, ...] = (6, 7)) -> np.ndarray:
    dtype = np.dtype(dtype)
    count = int(np.prod(shape))
    if dtype.kind == "b":
        return RANDOM.integers(0, 2, shape).astype(bool)
    if dtype.kind == "U":
        return np.array([["", "a", "zß"[: dtype.itemsize // 4]][i % 3] for i in range(count)], dtype).reshape(shape)
    if dtype.kind == "S":
        return np.array([[b"", b"a", b"bc"[: dtype.itemsize]][i % 3] for i in range(count)], dtype).reshape(shape)
    if dtype.fields is not None:
        made = np.zeros(shape, dtype)
        for name in dtype.names:
            made[name] = values(dtype[name], shape)
        return made
    if dtype.kind in "fc":
        return RANDOM.normal(size=shape).astype(dtype)
    raw = RANDOM.integers(0, 256, count * dtype.itemsize, dtype=np.uint8)
    return np.frombuffer(raw.tobytes(), dtype).reshape(shape).copy()


NUMPY = ["bool", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "c8", "c16", "M8[s]", "M8[25us]", "m8[ns]",
         "m8", "U3", "U1", "S5", "V7", "V1", [("a", "i4"), ("b", "f8"), ("c", "S3")],
         [("a", "u1"), ("in", [("x", "f4"), ("y", "M8[D]")])]]


@pytest.mark.parametrize("shards", [None, (4, 6)])
@pytest.mark.parametrize("dtype", NUMPY, ids=str)
def test_round_trip(tmp_path: Path, dtype: Any, shards: Any) -> None:
    data = values(dtype)
    array = zarr_py.create_array(tmp_path, shape=data.shape, dtype=data.dtype, chunks=(2, 3), shards=shards)
    assert array.dtype == data.dtype
    # The default fill value of zarr-python: "not a time" for times, otherwise zero.
    fill = np.full(7, "NaT", data.dtype) if data.dtype.kind in "mM" else np.zeros(7, data.dtype)
    assert array.fill_value.tobytes() == fill[0].tobytes()
    array[1:] = data[1:]
    found = array[...]
    assert found.dtype == data.dtype
    assert found[1:].tobytes() == data[1:].tobytes()
    assert found[0].tobytes() == fill.tobytes()
    assert array[2, 3] == data[2, 3] or data.dtype.kind in "mM" and np.isnat(data[2, 3])
    assert type(array[2, 3]) is type(data[2, 3])
    out = np.zeros((7, 6), data.dtype).T
    array.read_into(..., out)
    assert out[1:].tobytes() == data[1:].tobytes()
    mask = values("bool")
    assert array[mask].tobytes() == found[mask].tobytes()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("dtype", NUMPY, ids=str)
def test_zarr_python_reads_it_and_the_reverse(tmp_path: Path, dtype: Any) -> None:
    data = values(dtype)
    ours = zarr_py.create_array(tmp_path / "ours", shape=data.shape, dtype=data.dtype, chunks=(2, 3), shards=(4, 6))
    ours[...] = data
    theirs = zarr.open_array(str(tmp_path / "ours"), mode="r")
    assert theirs.dtype == data.dtype and theirs[...].tobytes() == data.tobytes()
    written = zarr.create_array(str(tmp_path / "theirs"), shape=data.shape, dtype=data.dtype, chunks=(2, 3), shards=(4, 6))
    written[...] = data
    read = zarr_py.open_array(tmp_path / "theirs")
    assert read.dtype == data.dtype and read[...].tobytes() == data.tobytes()
    assert read[1:3, ::2].tobytes() == data[1:3, ::2].tobytes()


@pytest.mark.parametrize("name", ["bfloat16", "float8_e4m3fn", "float8_e5m2", "float8_e8m0fnu", "float4_e2m1fn", "float6_e3m2fn",
                                  "int4", "int2", "uint4", "uint2"])
def test_types_of_ml_dtypes(tmp_path: Path, name: str) -> None:
    ml_dtypes = pytest.importorskip("ml_dtypes")
    dtype = np.dtype(getattr(ml_dtypes, name))
    small = {"int4": range(-8, 8), "int2": range(-2, 2), "uint4": range(16), "uint2": range(4)}.get(name, [1, 0.5, 2, 4])
    data = np.array(list(small), dtype)
    array = zarr_py.create_array(tmp_path, shape=data.shape, dtype=dtype, chunks=3, fill_value=dtype.type(1))
    assert array.dtype == dtype and array.metadata["data_type"] == name and array.fill_value == dtype.type(1)
    array[...] = data
    found = array[...]
    assert found.dtype == dtype
    np.testing.assert_array_equal(found.astype("f8"), data.astype("f8"))
    by_name = zarr_py.create_array(tmp_path / "name", shape=2, dtype=name)
    assert by_name.dtype == dtype


def test_strings(tmp_path: Path) -> None:
    data = np.array([["", "a", "Grüße"], ["\0", "x" * 1000, "🦀"]], np.dtypes.StringDType())
    array = zarr_py.create_array(tmp_path, shape=(2, 3), dtype=str, chunks=(1, 2), shards=(2, 4), fill_value="?")
    assert array.dtype == np.dtypes.StringDType() and array.fill_value == "?"
    assert (array[...] == "?").all()
    array[...] = data
    np.testing.assert_array_equal(array[...], data)
    np.testing.assert_array_equal(array[::-1, 1:], data[::-1, 1:])
    np.testing.assert_array_equal(array[[1, 0], [2, 2]], data[[1, 0], [2, 2]])
    assert array[1, 2] == "🦀" and type(array[1, 2]) is str
    out = np.empty((2, 3), np.dtypes.StringDType())
    assert array.read(out=out) is out and (out == data).all()
    array[0] = "same"
    array[:, :1] = np.array([["one"], ["two"]], object)
    assert array[...].tolist() == [["one", "same", "same"], ["two", "x" * 1000, "🦀"]]
    with pytest.raises((TypeError, ValueError)):
        array[0, 0] = [["a", "b"]]


async def test_strings_awaited(tmp_path: Path) -> None:
    array = zarr_py.create_array(tmp_path, shape=4, dtype="string", chunks=2)
    await array.write_async(slice(1, 3), ["b", "c"])
    assert (await array.read_async()).tolist() == ["", "b", "c", ""]
    assert await array.read_async(2) == "c"


def test_byte_strings(tmp_path: Path) -> None:
    array = zarr_py.create_array(tmp_path, shape=(2, 2), dtype=bytes, chunks=(1, 2), fill_value=b"\0")
    assert array.dtype == object and array.fill_value == b"\0"
    data = np.array([[b"", b"\0\1"], [b"a" * 99, b"\xff"]], object)
    array[...] = data
    assert array[...].tolist() == data.tolist() and array[1, 1] == b"\xff"
    with pytest.raises(TypeError, match="bytes"):
        array[0, 0] = "text"


def test_strings_and_zarr_python(tmp_path: Path) -> None:
    data = np.array(["a", "", "ccc", "dd"], np.dtypes.StringDType())
    ours = zarr_py.create_array(tmp_path / "ours", shape=4, dtype=str, chunks=3)
    ours[...] = data
    assert zarr.open_array(str(tmp_path / "ours"))[...].tolist() == data.tolist()
    theirs = zarr.create_array(str(tmp_path / "theirs"), shape=4, dtype=str, chunks=3)
    theirs[...] = data
    assert zarr_py.open_array(tmp_path / "theirs")[...].tolist() == data.tolist()


@pytest.mark.parametrize(("dtype", "fill"), [("f4", np.nan), ("f8", -0.0), ("i8", -5), ("bool", True), ("M8[s]", "NaT"),
                                             ("M8[D]", np.datetime64("2020-01-02")), ("U4", "ab"), ("S4", b"ab"), ("V3", b"\1\2\3"),
                                             ("c8", 1 - 2j), ([("a", "i4"), ("b", "S2")], (7, b"x"))], ids=str)
def test_fill_values(tmp_path: Path, dtype: Any, fill: Any) -> None:
    array = zarr_py.create_array(tmp_path, shape=3, dtype=dtype, fill_value=fill)
    dtype = np.dtype(dtype)
    expected = np.array(np.void(fill) if dtype.kind == "V" and isinstance(fill, bytes) else fill, dtype)
    assert np.asarray(array.fill_value, dtype).tobytes() == expected.tobytes()
    assert array[1:].tobytes() == np.array([expected, expected]).tobytes()
    assert zarr_py.open_array(tmp_path)[...].tobytes() == np.array([expected] * 3).tobytes()


def test_what_numpy_has_not_is_unsupported(tmp_path: Path) -> None:
    array = zarr_py.create_array(tmp_path, shape=3, dtype={"name": "complex_bfloat16"})
    assert array.shape == (3,) and "complex_bfloat16" in repr(array)
    with pytest.raises(errors.UnsupportedError, match="complex_bfloat16"):
        array[...]
    with pytest.raises(ValueError, match="'string' or 'bytes'"):
        zarr_py.create_array(tmp_path / "b", shape=3, dtype=object)
    with pytest.raises(NotImplementedError, match="unheard"):
        zarr_py.create_array(tmp_path / "c", shape=3, dtype={"name": "unheard"})


def test_arrays_of_version_2(tmp_path: Path) -> None:
    data = np.arange(30, dtype=">i4").reshape(5, 6)
    theirs = zarr.create_array(str(tmp_path), shape=data.shape, dtype=data.dtype, chunks=(2, 4), zarr_format=2, order="F")
    theirs[...] = data
    ours = zarr_py.open_array(tmp_path)
    np.testing.assert_array_equal(ours[...], data)
    assert ours.dtype == np.dtype("i4")
