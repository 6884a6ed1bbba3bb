"""Plans of writes and reads: tasks that share no object, in every kind of pool."""

import multiprocessing
import pickle
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
import pytest

import zarr_py

SELECTIONS = [
    None,
    ...,
    np.s_[3:41],
    np.s_[::-1],
    np.s_[5:40:3, ::-2],
    np.s_[40:2:-7, 4],
    np.s_[7],
    np.s_[-1, -3],
    np.s_[10:10],
    np.s_[::19, ::17],
]
GRIDS = {
    "chunks": {"chunks": (10, 8)},
    "shards": {"chunks": (4, 3), "shards": (12, 9)},
    "rectilinear": {"chunks": [[5, 17, 3, 22], 11]},
    "one": {"chunks": (64, 64)},
}


def create(place, grid="shards", shape=(47, 31), **options):
    return zarr_py.create_array(place, shape=shape, dtype="i4", fill_value=-1, **GRIDS[grid], **options)


def numbers(shape, dtype="i4"):
    return np.arange(int(np.prod(shape)), dtype=dtype).reshape(shape)


@pytest.mark.parametrize("workers", [None, 1, 3, 7, 1000])
@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("selection", SELECTIONS, ids=str)
def test_tasks_write_and_read_what_numpy_does(selection, grid, workers):
    array, index = create("memory:", grid), ... if selection is None else selection
    expected = np.full(array.shape, -1, "i4")
    data = numbers(expected[index].shape)
    expected[index] = data
    plan = array.write_plan(selection, workers=workers)
    assert plan.shape == data.shape
    assert [sum(lengths) for lengths in plan.chunks] == list(data.shape)
    for task in plan:
        assert task.shape == data[task.part].shape
        task.write(data[task.part])
    np.testing.assert_array_equal(array[...], expected)
    found = np.zeros_like(data)
    for task in array.read_plan(selection, workers=workers):
        found[task.part] = task.read()
    np.testing.assert_array_equal(found, data)


@pytest.mark.parametrize("workers", [None, 1, 3, 7])
@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("selection", SELECTIONS, ids=str)
def test_no_two_tasks_share_an_object(selection, grid, workers):
    array = create("memory:", grid)
    plan = array.write_plan(selection, workers=workers)
    keys = [key for task in plan for key in task.keys]
    assert len(keys) == len(set(keys)) == plan.objects == array.plan(selection).objects
    assert workers is None or len(plan) <= workers
    assert plan.bytes == sum(task.bytes for task in plan)
    assert plan.requests == sum(task.requests for task in plan)
    assert plan.replaces == sum(task.replaces for task in plan)
    assert plan.modifies == sum(task.modifies for task in plan)
    assert [plan[number] for number in range(len(plan))] == list(plan)
    assert plan[-1:] == list(plan)[-1:]


@pytest.mark.parametrize("grid", GRIDS)
def test_replaced_objects_are_not_read(grid, tmp_path):
    array = create(tmp_path, grid)
    for selection in (..., np.s_[3:41, 2:], np.s_[::2]):
        plan = array.write_plan(selection)
        array[...] = 0
        for task in plan:
            with array.count_requests() as count:
                task.write(1)
            counts = count.counts()
            assert counts["puts"] == task.replaces + task.modifies
            assert (counts["gets"] > 0) == (task.modifies > 0)


def test_edges_of_the_array_are_replaced():
    plan = create("memory:", "shards").write_plan()
    assert (len(plan), plan.replaces, plan.modifies) == (16, 16, 0)
    assert plan[-1].shape == (11, 4)


def test_plans_of_any_size_are_small():
    array = zarr_py.create_array("memory:", shape=(10**7, 10**4), dtype="u1", chunks=(1000, 100))
    plan = array.write_plan()
    assert (len(plan), plan.replaces) == (10**6, 10**6)
    assert plan[10**6 - 1].selection == (slice(9_999_000, 10_000_000, 1), slice(9_900, 10_000, 1))
    assert [len(array.write_plan(workers=workers)) for workers in (3, 64, 1000)] == [3, 64, 1000]


@pytest.mark.parametrize("shape", [(), (0,), (4, 0)])
def test_arrays_without_dimensions_or_elements(shape):
    array = zarr_py.create_array("memory:", shape=shape, dtype="i4")
    tasks = list(array.write_plan())
    assert len(tasks) == (1 if shape == () else 0)
    for task in tasks:
        task.write(7)
    assert array[...].tolist() == np.full(shape, 7).tolist()


@pytest.mark.parametrize("selection", [[1, 2], np.s_[[0, 1], :], None.__class__, np.s_[:, None], "x", np.s_[0, 0, 0]])
def test_what_a_plan_does_not_take(selection):
    with pytest.raises(IndexError):
        create("memory:").write_plan(selection)
    with pytest.raises(ValueError, match="workers"):
        create("memory:").write_plan(workers=0)


def test_pickled_tasks_are_small_and_share_an_array(tmp_path):
    array = create(tmp_path, attributes={"much": "x" * 100_000})
    texts = [pickle.dumps(task) for task in array.write_plan()]
    assert max(map(len, texts)) < 2000
    tasks = [pickle.loads(text) for text in texts]
    assert len({id(task.array) for task in tasks}) == 1
    with array.count_requests() as count:
        for task in tasks:
            task.write(5)
    # One request compares the metadata, and each object is put once.
    assert count.counts()["puts"] == len(tasks)
    assert count.counts()["gets"] + count.counts()["heads"] <= 2
    assert (array[...] == 5).all()


def test_a_task_of_an_array_that_was_resized_fails(tmp_path):
    array = create(tmp_path)
    task = pickle.loads(pickle.dumps(array.write_plan()[0]))
    array.resize((20, 31))
    with pytest.raises(zarr_py.errors.ChangedError):
        task.write(1)


def test_tasks_run_again_after_others():
    """A task that is repeated late, by a speculative worker, keeps the elements of others."""
    array = create("memory:")
    data, plan = numbers(array.shape), array.write_plan(np.s_[2:40, 1:30])
    tasks = [*plan, *list(plan)[::-1], plan[3]]
    array[...] = data
    for task in tasks:
        task.write(data[2:40, 1:30][task.part])
    np.testing.assert_array_equal(array[...], data)


def run(item):
    task, data = item
    task.write(data)


def load(task):
    return task.part, task.read()


def check_pool(array, mapped):
    data = numbers((45, 29))
    plan = array.write_plan(np.s_[1:46, 2:])
    list(mapped(run, [(task, data[task.part]) for task in plan] * 2))
    found = np.zeros_like(data)
    for part, elements in mapped(load, list(array.read_plan(np.s_[1:46, 2:], workers=5))):
        found[part] = elements
    np.testing.assert_array_equal(found, data)
    assert (array[0] == -1).all()


def test_threads(location):
    with ThreadPoolExecutor(8) as pool:
        check_pool(create(location.url, **location.options), pool.map)


@pytest.mark.parametrize("method", ["spawn", "fork"])
def test_processes(location, method):
    if location.name == "memory":
        pytest.skip("memory is not shared by processes")
    array = create(location.url, **location.options, pickle_secrets=True)
    context = multiprocessing.get_context(method)
    with context.Pool(3) as pool:
        check_pool(array, pool.map)
    if method == "spawn":
        with ProcessPoolExecutor(3, context) as pool:
            check_pool(array, pool.map)


@pytest.mark.parametrize("scheduler", ["threads", "processes", "synchronous"])
def test_dask(tmp_path, scheduler):
    dask = pytest.importorskip("dask")

    def mapped(function, items):
        return dask.compute(*map(dask.delayed(function), items), scheduler=scheduler)

    check_pool(create(tmp_path), mapped)


async def test_awaited_tasks():
    array = create("memory:")
    data = numbers(array.shape)
    for task in array.write_plan():
        await task.write_async(data[task.part])
    parts = [(task.part, await task.read_async()) for task in array.read_plan(workers=4)]
    assert all((data[part] == found).all() for part, found in parts)
