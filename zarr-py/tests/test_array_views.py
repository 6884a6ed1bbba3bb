"""Views: other data types, fields, and lazy selections."""

import asyncio
import random

import numpy as np
import pytest
import zarr_py


@pytest.fixture
def array():
    return zarr_py.create_array("memory:", data=np.arange(12 * 10 * 6, dtype="i4").reshape(12, 10, 6), chunks=(5, 4, 6), shards=(10, 8, 6))


@pytest.fixture
def records():
    data = np.zeros(9, [("x", "f4"), ("n", "i2"), ("t", "S3")])
    data["x"], data["n"] = np.linspace(0, 1, 9), range(9)
    return zarr_py.create_array("memory:", data=data, chunks=4)


def random_index(rng: random.Random, shape: tuple[int, ...]):
    items = []
    for length in shape[: rng.randint(0, len(shape))]:
        kind = rng.choice(["slice", "slice", "int", "list", "mask"]) if length else "slice"
        if kind == "slice":
            items.append(slice(rng.choice([None, *range(-length, length)]), rng.choice([None, *range(-length, length + 1)]), rng.choice([None, 1, 2, -1, -3])))
        elif kind == "int":
            items.append(rng.randrange(-length, length))
        elif kind == "list":
            items.append([rng.randrange(-length, length) for _ in range(3)])
        else:
            items.append(np.array([rng.random() < 0.5 for _ in range(length)]))
    if rng.random() < 0.3:
        items.insert(rng.randint(0, len(items)), ...)
    elif rng.random() < 0.1:
        items.insert(rng.randint(0, len(items)), None)
    return tuple(items)


def test_lazy_views_compose_as_numpys_indices_do(array) -> None:
    rng, data = random.Random(3), array[...]
    compared = 0
    for _ in range(400):
        view, expected = array.lazy, data
        try:
            for _ in range(rng.randint(1, 3)):
                index = random_index(rng, expected.shape)
                expected = expected[index]
                view = view[index]
        except IndexError:
            # Masks and lists of different lengths.
            continue
        compared += 1
        assert view.shape == np.shape(expected)
        found = view.read()
        assert np.array_equal(found, expected) and np.shape(found) == np.shape(expected)
        if np.ndim(expected):
            out = np.empty(expected.shape, data.dtype)
            assert view.read(out=out) is out and np.array_equal(out, expected)
    assert compared > 200


def test_a_view_costs_nothing_until_it_is_read(array) -> None:
    before = array.requests()
    view = array.lazy[2:][::3, 4]
    assert array.requests() == before
    assert view.plan().objects == 2 and view.plan() == array.plan(np.s_[2::3, 4])
    assert np.array_equal(np.asarray(view), array[2::3, 4]) and array.requests() != before
    assert [row.shape for row in view] == [(6,)] * 4 and len(view) == 4 and view.nbytes == 4 * 6 * 4


def test_an_index_outside_says_so_where_the_view_is_made(array) -> None:
    for index in (12, -13, [0, 12], (0, 0, 6), np.ones(11, bool), (0, 0, 0, 0), "x"):
        with pytest.raises(IndexError):
            array.lazy[index]
    with pytest.raises(IndexError):
        array.lazy[2:4][2]


def test_views_write(array) -> None:
    expected = array[...]
    array.lazy[3:][::2, 1].write(7)
    expected[3::2, 1] = 7
    array.lazy[:, [1, 5]][4] = -1
    expected[4, [1, 5]] = -1
    points = array.lazy[[1, 2], [3, 4]]
    asyncio.run(points.write_async(9))
    expected[[1, 2], [3, 4]] = 9
    assert np.array_equal(array[...], expected)


def test_types_are_converted_as_numpy_does(array) -> None:
    data = array[...]
    typed = array.astype("f4")
    assert typed.dtype == "f4" and typed.shape == array.shape and typed[3].dtype == "f4"
    assert np.array_equal(typed[[1, 2], ::2], data[[1, 2], ::2].astype("f4"))
    assert isinstance(typed[1, 2, 3], np.float32) and np.asarray(typed, dtype="f8").dtype == "f8"
    assert typed.astype("u1")[11].tolist() == data[11].astype("u1").tolist()
    assert array.lazy[1:3].astype(complex)[0].read().dtype == complex
    assert typed.lazy[2].read().dtype == "f4"
    out = np.empty((10, 6), "f4")
    assert typed.read(1, out=out) is out and np.array_equal(out, data[1])
    assert np.array_equal(asyncio.run(typed.read_async(1)), data[1].astype("f4"))
    assert len(list(typed)) == 12
    with pytest.raises(TypeError):
        array.astype("no type")


def test_fields_are_views(records) -> None:
    data = records[...]
    assert np.array_equal(records["x"], data["x"]) and np.array_equal(records.fields("x")[2:], data["x"][2:])
    assert records.fields("x").dtype == "f4" and records.fields(["n", "x"]).dtype.names == ("n", "x")
    assert records.fields("n").astype("f8")[3] == 3.0
    assert np.array_equal(records.lazy["n"][::2][1:].read(), data["n"][::2][1:])
    out = np.empty(9, "f4")
    assert records.read("x", out=out) is out and np.array_equal(out, data["x"])
    assert np.array_equal(records.lazy[1:]["x"].read(out=out[1:]), data["x"][1:])
    with pytest.raises(IndexError, match="'y'"):
        records.fields("y")
    with pytest.raises(IndexError, match="before astype"):
        records.lazy.astype("f4")["x"]
    with pytest.raises(TypeError, match="read-only"):
        records.lazy["x"].write(1)


def test_out_is_any_memory_that_can_be_written(array) -> None:
    data, memory = array[...], bytearray(10 * 6 * 4)
    array.read(2, out=memoryview(memory).cast("i", (10, 6)))
    assert np.array_equal(np.frombuffer(memory, "i4").reshape(10, 6), data[2])
    for reader, selection in [(array.oindex, ([1, 3], 2)), (array.vindex, ([1, 3], [2, 2], 5)), (array.blocks, (0, 1))]:
        expected = reader[selection]
        out = np.full(expected.shape, -1, "i4", order="F")
        assert reader.read(selection, out=out) is out and np.array_equal(out, expected)
        out[...] = -1
        asyncio.run(reader.read_async(selection, out=out))
        assert np.array_equal(out, expected)
    with pytest.raises(TypeError, match="buffer protocol"):
        array.read(2, out=[0] * 60)
    with pytest.raises(ValueError, match="read-only"):
        array.read(2, out=memoryview(bytes(240)).cast("i", (10, 6)))


def test_results_are_taken_by_other_libraries(array) -> None:
    assert np.from_dlpack(array[2:4]).tolist() == array[2:4].tolist() == np.from_dlpack(array.lazy[2:4].read()).tolist()
    assert memoryview(array[0]).shape == (10, 6)
    assert float(zarr_py.create_array("memory:", data=np.float32(2.5))[()]) == 2.5
