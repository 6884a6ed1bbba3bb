"""Copies into other chunks: equal elements, bounded memory, two passes, resumed and verified copies."""

import math
import multiprocessing
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
import pytest

import zarr_py
from zarr_py import _rechunk, rechunk
from zarr_py._rechunk_passes import Passes

SHAPE = (60, 40, 30)
GRIDS = {
    "rows": {"chunks": (60, 4, 5)},
    "maps": {"chunks": (1, 40, 30)},
    "shards": {"chunks": (4, 20, 10), "shards": (12, 40, 30)},
    "odd": {"chunks": (7, 9, 11)},
    "varying": {"chunks": [[10, 33, 17], 40, [3, 27]]},
    "one": {"chunks": SHAPE},
}


def numbers(dtype="i4", shape=SHAPE):
    return np.arange(math.prod(shape)).reshape(shape).astype(dtype)


def create(place, path="a", grid="rows", dtype="i4", **options):
    array = zarr_py.create_array(place, path, shape=SHAPE, dtype=dtype, **GRIDS[grid], **options)
    array[...] = numbers(dtype)
    return array


@pytest.mark.parametrize("target", GRIDS)
@pytest.mark.parametrize("source", GRIDS)
def test_all_grids(source, target):
    array = create("memory:", grid=source)
    with array.count_requests() as count:
        copy = rechunk(array, array.parent, "b", memory="8 MB", verify="values", **GRIDS[target])
    np.testing.assert_array_equal(copy[...], numbers())
    assert set(array.parent) == {"a", "b"}
    assert count.counts()["puts"] == 0


@pytest.mark.parametrize("memory", [600_000, 1_000_000, "8 MiB"])
@pytest.mark.parametrize("workers", [1, 3])
def test_each_object_is_written_once_within_the_memory(tmp_path, memory, workers):
    array = create(tmp_path)
    steps = []
    copy = rechunk(array, tmp_path, "b", chunks=(1, 40, 30), memory=memory, workers=workers, progress=lambda *done: steps.append(done))
    np.testing.assert_array_equal(copy[...], numbers())
    assert set(zarr_py.open_group(tmp_path)) == {"a", "b"}
    assert steps[-1][0] == steps[-1][1]


def test_two_passes_where_the_memory_demands_it():
    """Long rows become maps: one pass would read each row many times."""
    shape = (512, 64, 64)
    source = zarr_py.create_array("memory:", "a", shape=shape, dtype="f4", chunks=(512, 4, 4))
    target = zarr_py.create_array("memory:", "b", shape=shape, dtype="f4", chunks=(1, 64, 64))
    assert Passes.of(source, target, 16 << 20).chunks is None
    passes = Passes.of(source, target, 1 << 18)
    assert passes.chunks is not None
    for box, unit in ((passes.first, source.chunks), (passes.last, target.chunks)):
        assert math.prod(map(min, box, shape)) * 4 <= 1 << 18
        assert all(length % part == 0 for length, part in zip(box, unit, strict=True))
    with pytest.raises(ValueError, match="memory"):
        Passes.of(source, target, 1000)


def test_two_passes_read_and_write_each_element_twice(tmp_path):
    shape = (256, 64, 64)
    array = zarr_py.create_array(tmp_path / "a", "x", shape=shape, dtype="f4", chunks=(256, 4, 4), compressors=None)
    data = np.random.default_rng(0).random(shape, "f4")
    array[...] = data
    with array.count_requests() as count:
        copy = rechunk(array, tmp_path / "b", "x", chunks=(4, 32, 32), shards=(16, 64, 64), memory="4 MiB", workers=1, verify="checksums")
    np.testing.assert_array_equal(copy[...], data)
    assert list(zarr_py.open_group(tmp_path / "b")) == ["x"]
    # Once for the copy, and once for the checksum.
    assert count.counts()["gets"] <= 2.1 * 256
    assert not list(tmp_path.rglob("*.rechunk*"))


def test_unchanged_chunks_pass_through(tmp_path):
    array = create(tmp_path, grid="shards")
    copy = rechunk(array, tmp_path, "b", verify="checksums")
    assert copy.metadata == array.metadata
    for key in array.write_plan()[0].keys:
        assert (tmp_path / key).read_bytes() == (tmp_path / "b" / key[2:]).read_bytes()
    array[:12] = 0
    copy = rechunk(array, copy)
    assert not copy[:12].any()


def test_other_types_and_codecs(tmp_path):
    array = create(tmp_path, dtype="f8", attributes={"k": 1}, dimension_names=("t", "y", "x"), fill_value=np.nan)
    copy = rechunk(array, tmp_path, "b", dtype="f4", compressors="gzip", chunks=(10, 10, 10), verify="values")
    assert (copy.dtype, copy.attrs["k"], copy.dimension_names, copy.shards) == (np.dtype("f4"), 1, ("t", "y", "x"), None)
    np.testing.assert_array_equal(copy[...], numbers("f4"))
    for data in (np.array(["a", "", "bcd"] * 20, np.dtypes.StringDType()), np.arange(60).astype("M8[D]"), np.float64(3)):
        one = zarr_py.create_array("memory:", "a", data=data)
        again = rechunk(one, one.parent, "b", chunks=(7,) * data.ndim, verify="values")
        np.testing.assert_array_equal(again[...], data)


def test_resumed_copies(tmp_path):
    """A copy that was interrupted goes on, and repeats at most the tasks that were in flight."""
    array = create(tmp_path)
    arguments = {"chunks": (1, 40, 30), "memory": 200_000, "workers": 1}

    def interrupt(done, total):
        if done == total // 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rechunk(array, tmp_path, "b", progress=interrupt, **arguments)
    with pytest.raises(FileExistsError):
        rechunk(array, tmp_path, "b", **arguments)
    left = []
    copy = rechunk(array, tmp_path, "b", resume=True, progress=lambda *done: left.append(done), verify="checksums", **arguments)
    np.testing.assert_array_equal(copy[...], numbers())
    again = []
    rechunk(array, copy, resume=True, memory=200_000, workers=1, progress=lambda *done: again.append(done))
    assert len(again) < len(left)


def test_what_a_resumed_copy_takes_up(tmp_path):
    """Only a copy with equal arguments, and only what it still needs of the intermediate array."""
    array = create(tmp_path)
    arguments = {"chunks": (1, 40, 30), "memory": 100_000, "workers": 1}

    ends = []

    def interrupt(done, total):
        """Stops in the middle of the second pass."""
        if done == total:
            ends.append(done)
        if ends and done == total // 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rechunk(array, tmp_path, "b", progress=interrupt, **arguments)
    with pytest.raises(ValueError, match="overwrite and resume"):
        rechunk(array, tmp_path, "b", resume=True, overwrite=True, **arguments)
    for changed in ({"chunks": (2, 40, 30)}, {"dtype": "i8"}, {"fill_value": 3}, {"compressors": "gzip"}, {"shards": (5, 40, 30)}):
        with pytest.raises(zarr_py.errors.InvalidError, match="nothing to resume"):
            rechunk(array, tmp_path, "b", resume=True, **{**arguments, **changed})
    middle = zarr_py.open_array(tmp_path, "b.rechunk")
    stored = {key for key, _ in zarr_py.open_array(tmp_path, "b")._objects()}
    assert {f"b/c/{row}/0/0" for row in range(6)} <= stored
    # As a copy that is killed while it deletes the intermediate array.
    middle[:6] = middle.fill_value
    with array.count_requests() as count:
        copy = rechunk(array, tmp_path, "b", resume=True, **arguments)
    np.testing.assert_array_equal(copy[...], numbers())
    assert count.counts()["gets"] == 0
    assert set(zarr_py.open_group(tmp_path)) == {"a", "b"}


def test_verification_finds_differences(monkeypatch):
    array = create("memory:")

    def damaged(job, part):
        job.target.array[part] = 7

    monkeypatch.setattr(_rechunk.Job, "_copy_elements", damaged)
    for verify in ("checksums", "values"):
        with pytest.raises(RuntimeError, match="differ"):
            rechunk(array, array.parent, verify, chunks=(30, 20, 10), verify=verify)


def test_groups(tmp_path):
    """The target may lie in the source."""
    create(tmp_path, "a")
    create(tmp_path, "deep/b", "maps")
    source = zarr_py.open_group(tmp_path)
    source.set_attrs({"title": "data"})
    source["deep"].set_attrs({"k": 1})
    copy = rechunk(source, tmp_path / "copy", chunks={"a": (5, 40, 30)}, shards={"a": (20, 40, 30)}, verify="checksums")
    assert (copy.attrs["title"], copy["deep"].attrs["k"]) == ("data", 1)
    assert (copy["a"].shards, copy["deep/b"].metadata) == ((20, 40, 30), source["deep/b"].metadata)
    for path in ("a", "deep/b"):
        np.testing.assert_array_equal(copy[path][...], numbers())


def test_what_cannot_be_copied(tmp_path):
    array = create(tmp_path)
    for arguments, error in [
        ({"verify": "all"}, ValueError), ({"memory": "much"}, ValueError), ({"memory": 10}, ValueError),
        ({"chunk": (1, 1, 1)}, TypeError)]:
        with pytest.raises(error):
            rechunk(array, tmp_path, "b", **{"chunks": (60, 40, 30), "overwrite": True, **arguments})
    with pytest.raises(TypeError, match="source"):
        rechunk(numbers(), tmp_path, "b")
    with pytest.raises(TypeError, match="exists"):
        rechunk(array, array, chunks=(1, 1, 1))
    with pytest.raises(ValueError, match="shape"):
        rechunk(array, zarr_py.create_array("memory:", shape=(3,), dtype="i4"))
    with pytest.raises(ValueError, match="temporary"):
        rechunk(array, tmp_path / "root", chunks=(1, 40, 30), memory=100_000, workers=1)
    copy = rechunk(array, tmp_path / "root2", chunks=(1, 40, 30), memory=100_000, workers=1, temporary=tmp_path / "t")
    np.testing.assert_array_equal(copy[...], numbers())


def test_executors_and_clusters(location):
    if location.name == "memory":
        pytest.skip("memory is not shared by processes")
    options = {**location.options, "pickle_secrets": True}
    array = create(location.url, **options)

    def check(client, path):
        copy = rechunk(array, location.url, path, chunks=(1, 40, 30), memory=400_000, client=client, verify="checksums", **options)
        np.testing.assert_array_equal(copy[...], numbers())

    with ThreadPoolExecutor(3) as pool:
        check(pool, "threads")
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
        check(pool, "processes")
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, host="127.0.0.1") as cluster,
        distributed.Client(cluster) as client,
    ):
        check(client, "cluster")


@pytest.mark.parametrize("linked", [False, True])
def test_no_source_is_replaced_by_its_copy(tmp_path, linked):
    """By whatever name the place is opened, and for groups around and nodes in the source."""
    data = tmp_path / "data"
    group = zarr_py.open_group(data, mode="w")
    create(data, "g/a")
    place = tmp_path / "link" if linked else data
    if linked:
        place.symlink_to(data)
    for source, target in (("g/a", "g/a"), ("g", "g"), ("g", "g/a"), ("g/a", "g")):
        with pytest.raises(zarr_py.errors.InvalidError, match="cannot replace itself"):
            rechunk(group[source], place, target, overwrite=True, **({"chunks": (60, 40, 30)} if source == "g/a" else {}))
        with pytest.raises(ValueError):
            zarr_py.copy(group[source], place, target, zarr_format=2, overwrite=True)
        np.testing.assert_array_equal(group["g/a"][...], numbers())
    assert rechunk(group["g/a"], place, "b", chunks=(60, 40, 30), overwrite=True).chunks == (60, 40, 30)


WRONG = {
    "memory": {"memory": "much"},
    "too little memory": {"memory": 10},
    "workers": {"workers": 0},
    "checksums of other types": {"verify": "checksums", "dtype": "f8"},
    "codec": {"compressors": "zip"},
    "both": {"resume": True},
    "option": {"chunk": (1, 1, 1)},
}


@pytest.mark.parametrize("case", WRONG)
@pytest.mark.parametrize("kind", ["array", "group"])
def test_errors_come_before_anything_is_stored_or_deleted(tmp_path, case, kind):
    array = create(tmp_path / "a", "x")
    source = array if kind == "array" else array.parent
    path = "x" if kind == "array" else ""
    for overwrite in (False, True) if case != "both" else (True,):
        arguments = {"chunks": (1, 40, 30), **WRONG[case], "overwrite": overwrite}
        with pytest.raises((ValueError, TypeError, zarr_py.errors.UnsupportedError)):
            rechunk(source, tmp_path / "new", path, **arguments)
        assert not (tmp_path / "new").exists()
        if overwrite:
            old = create(tmp_path / "old", "x", "maps")
            with pytest.raises((ValueError, TypeError, zarr_py.errors.UnsupportedError)):
                rechunk(source, tmp_path / "old", path, **arguments)
            np.testing.assert_array_equal(old[...], numbers())


def test_options_of_the_arrays_of_a_group(tmp_path):
    create(tmp_path, "a")
    create(tmp_path, "deep/b", "maps")
    source = zarr_py.open_group(tmp_path)
    gzip = {"name": "gzip", "configuration": {"level": 1}}
    copy = rechunk(source, tmp_path / "copy", chunks={"deep/b": (5, 40, 30)}, dtype={"a": "f4"}, compressors=gzip, verify="values", memory="8mib")
    assert (copy["a"].dtype, copy["a"].chunks, copy["deep/b"].dtype, copy["deep/b"].chunks) == ("f4", (60, 4, 5), "i4", (5, 40, 30))
    for path in ("a", "deep/b"):
        assert copy[path].metadata["codecs"][-1] == gzip
    for name in ("chunks", "shards", "dtype"):
        with pytest.raises(ValueError, match=f"{name}: the group has no arrays"):
            rechunk(source, tmp_path / "new", **{name: {"b": None}})
    days = zarr_py.create_array(tmp_path / "days", "d", data=np.arange(6))
    times = {"name": "numpy.datetime64", "configuration": {"unit": "D", "scale_factor": 1}}
    assert rechunk(days.parent, tmp_path / "times", dtype=times)["d"].dtype == "M8[D]"
