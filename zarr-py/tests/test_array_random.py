"""Random indices and writes compared with NumPy, with chunks and shards at odd edges."""

from typing import Any

import hypothesis.extra.numpy as npst
import numpy as np
import zarr_py
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

SETTINGS = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


@st.composite
def arrays(draw: st.DrawFn) -> tuple[zarr_py.Array, np.ndarray]:
    """A stored array and its NumPy model."""
    shape = tuple(draw(st.lists(st.integers(0, 9), min_size=0, max_size=4)))
    chunks = tuple(draw(st.integers(1, 4)) for _ in shape)
    shards = tuple(chunk * draw(st.integers(1, 3)) for chunk in chunks) if draw(st.booleans()) else None
    transpose = {"name": "transpose", "configuration": {"order": draw(st.permutations(range(len(shape))))}}
    array = zarr_py.create_array(
        "memory:" if draw(st.booleans()) else _directory(), draw(st.sampled_from(["", "a", "a/b"])),
        shape=shape, dtype="int16", chunks=chunks, shards=shards, overwrite=True,
        filters=transpose if shape and draw(st.booleans()) else None, fill_value=-1)
    data = np.arange(int(np.prod(shape)), dtype="int16").reshape(shape)
    array[...] = data
    return array, data


_made: list[Any] = []


def _directory() -> str:
    import tempfile

    directory = tempfile.TemporaryDirectory()
    _made.append(directory)
    return directory.name


@st.composite
def fancy(draw: st.DrawFn, shape: tuple[int, ...]) -> Any:
    """A random index with arrays, masks, integers, slices and new axes."""
    items: list[Any] = []
    base = draw(st.sampled_from([(), (1,), (3,), (2, 3), (0,)]))
    for length in shape:
        kinds = ["slice", "mask"] + (["int", "array"] if length else [])
        match draw(st.sampled_from(kinds)):
            case "slice":
                items.append(draw(st.slices(length)))
            case "mask":
                items.append(np.array(draw(st.lists(st.booleans(), min_size=length, max_size=length)), bool))
            case "int":
                items.append(draw(st.integers(-length, length - 1)))
            case "array":
                items.append(draw(npst.arrays(np.int64, base, elements=st.integers(-length, length - 1))))
        if draw(st.integers(0, 5)) == 0:
            items.append(None)
    cut = draw(st.integers(0, len(items)))
    return tuple(items[:cut]) if draw(st.booleans()) else (*items[:cut], ..., *items[cut:])


def same(array: zarr_py.Array, data: np.ndarray, key: Any) -> None:
    try:
        expected = data[key]
    except IndexError:
        try:
            found = array[key]
        except IndexError:
            return
        raise AssertionError(f"{key} should be refused, got {found}") from None
    found = array[key]
    np.testing.assert_array_equal(found, expected)
    assert found.shape == expected.shape


@SETTINGS
@given(arrays(), st.data())
def test_basic_indices(stored: tuple[zarr_py.Array, np.ndarray], draw: st.DataObject) -> None:
    array, data = stored
    for _ in range(3):
        key = draw.draw(npst.basic_indices(data.shape, allow_newaxis=True))
        same(array, data, key)


@SETTINGS
@given(arrays(), st.data())
def test_fancy_indices(stored: tuple[zarr_py.Array, np.ndarray], draw: st.DataObject) -> None:
    array, data = stored
    for _ in range(3):
        same(array, data, draw.draw(fancy(data.shape)))


@SETTINGS
@given(arrays(), st.data())
def test_writes(stored: tuple[zarr_py.Array, np.ndarray], draw: st.DataObject) -> None:
    array, data = stored
    for number in range(3):
        key = draw.draw(st.one_of(npst.basic_indices(data.shape, allow_newaxis=True), fancy(data.shape)))
        try:
            shape = data[key].shape
        except IndexError:
            continue
        value = (np.arange(int(np.prod(shape))) + 1000 * number).astype("int16").reshape(shape)
        data[key] = value
        array[key] = value
        np.testing.assert_array_equal(array[...], data)


@SETTINGS
@given(arrays(), st.data())
def test_orthogonal_and_coordinates(stored: tuple[zarr_py.Array, np.ndarray], draw: st.DataObject) -> None:
    array, data = stored
    if 0 in data.shape or data.ndim == 0:
        return
    sets = [draw.draw(st.lists(st.integers(-length, length - 1), max_size=5)) for length in data.shape]
    np.testing.assert_array_equal(array.oindex[tuple(sets)], data[np.ix_(*(np.array(item, int) for item in sets))])
    count = draw.draw(st.integers(0, 5))
    points = [draw.draw(st.lists(st.integers(-length, length - 1), min_size=count, max_size=count)) for length in data.shape]
    np.testing.assert_array_equal(array.vindex[tuple(points)], data[tuple(np.array(item, int) for item in points)])
