"""Data, stores and URLs as they are in the wild: each was reported to some Zarr project, and went wrong here before."""

import pickle
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
import zarr
import zarr.storage

import zarr_py
from zarr_py.errors import ChangedError, InvalidError, NotFoundError, UnsupportedError


def consolidated(root: Path) -> None:
    """A group with the arrays `kept` and `gone`, and copies of their metadata."""
    group = zarr.open_group(root, mode="w")
    for name, value in (("kept", 3), ("gone", 4)):
        group.create_array(name, shape=(6,), chunks=(2,), dtype="i2")[:] = value
    zarr.consolidate_metadata(root)


def test_a_deletion_leaves_no_copy_that_reads_as_zeros(tmp_path: Path) -> None:
    consolidated(tmp_path)
    group = zarr_py.open_group(tmp_path)
    del group["gone"]
    for again in (group, zarr_py.open_group(tmp_path)):
        assert again.keys() == ["kept"]
        with pytest.raises(KeyError):
            again["gone"]
    assert sorted(zarr.open_group(tmp_path).keys()) == ["kept"]
    assert (group["kept"][:] == 3).all()


def test_a_change_through_a_consolidated_group_is_seen_through_it(tmp_path: Path) -> None:
    consolidated(tmp_path)
    group = zarr_py.open_group(tmp_path)
    group["kept"].attrs["units"] = "mm"
    group["kept"].resize((9,))
    for again in (group, zarr_py.open_group(tmp_path)):
        assert again["kept"].shape == (9,)
        assert dict(again["kept"].attrs) == {"units": "mm"}
    peer = zarr.open_consolidated(tmp_path)["kept"]
    assert peer.shape == (9,) and dict(peer.attrs) == {"units": "mm"}


def test_there_is_a_way_round_copies_that_are_out_of_date(tmp_path: Path) -> None:
    consolidated(tmp_path)
    fresh = zarr.open_group(tmp_path, use_consolidated=False)
    fresh["kept"].resize((8,))
    fresh.create_array("new", shape=(1,), dtype="i1")
    assert zarr_py.open_group(tmp_path)["kept"].shape == (6,)
    opened = zarr_py.open_group(tmp_path, use_consolidated=False)
    for group in (opened, pickle.loads(pickle.dumps(opened))):
        assert group["kept"].shape == (8,)
        assert sorted(group.keys()) == ["gone", "kept", "new"]
    zarr_py.create_group(tmp_path / "plain")
    with pytest.raises(InvalidError, match="no consolidated metadata"):
        zarr_py.open_group(tmp_path / "plain", use_consolidated=True)


def test_a_stale_handle_takes_nothing_from_another_writer(tmp_path: Path) -> None:
    stale = zarr_py.create_array(tmp_path, "x", shape=(6,), chunks=(3,), dtype="u1")
    stale[:] = 1
    other = zarr_py.open_array(tmp_path, "x")
    other.resize((12,))
    other[6:] = 2
    for shape in ((8,), (3,), (20,)):
        with pytest.raises(ChangedError):
            stale.resize(shape)
    now = zarr_py.open_array(tmp_path, "x")
    assert now[:].tolist() == [1] * 6 + [2] * 6


def test_nodes_of_zarr_2_are_neither_hidden_nor_half_changed(tmp_path: Path) -> None:
    old = zarr.open_group(tmp_path, mode="w", zarr_format=2)
    old.create_array("a", shape=(4,), chunks=(2,), dtype="<i4", fill_value=0)[:] = 5
    for create in (zarr_py.create_array, zarr_py.create_group):
        more = {"shape": 2, "dtype": "i1"} if create is zarr_py.create_array else {}
        with pytest.raises(UnsupportedError, match="convert"):
            create(tmp_path, "b", **more)
        with pytest.raises(FileExistsError):
            create(tmp_path, "a", **more)
    array = zarr_py.open_array(tmp_path, "a")
    for change in (lambda: array.resize((2,)), lambda: array.attrs.update(k=1)):
        with pytest.raises(UnsupportedError, match="Zarr 2"):
            change()
    assert zarr.open_group(tmp_path)["a"][:].tolist() == [5, 5, 5, 5]


def test_archives_as_xarray_and_zarr_write_them(tmp_path: Path) -> None:
    path = tmp_path / "data.zip"
    dataset = xr.Dataset({"t": ("x", np.arange(5.0)), "u": ("x", np.arange(5))})
    with pytest.warns(UserWarning), zarr.storage.ZipStore(path, mode="w") as store:
        dataset.to_zarr(store, zarr_format=3)
        zarr.open_array(store, path="u")[:] = 9
    for name, expected in (("t", np.arange(5.0)), ("u", np.full(5, 9))):
        np.testing.assert_array_equal(zarr_py.open_array(f"{path}|zip:", name)[:], expected)
    behind = tmp_path / "behind.zip"
    behind.write_bytes(b"#!/bin/sh\n" * 100 + path.read_bytes())
    assert zarr_py.open_array(f"{behind}|zip:", "u")[:].tolist() == [9] * 5


def test_stores_of_others_are_known_by_their_type(tmp_path: Path) -> None:
    zarr.create_array(tmp_path, name="x", shape=(3,), dtype="i4")[:] = 7
    store = zarr_py.Store(zarr.storage.LocalStore(tmp_path))
    assert store.url == tmp_path.as_uri()
    assert zarr.open_array(store, path="x")[:].tolist() == [7, 7, 7]

    class LocalStore:
        """A class of that name, and of nothing else."""

    class S3Store:
        config = {"bucket": "b"}

    for other in (LocalStore(), S3Store(), zarr.storage.MemoryStore(), 5, object()):
        with pytest.raises(TypeError):
            zarr_py.Store(other)


@pytest.mark.parametrize("name", ["a b", "a%20b", "a#b", "a?b", "é", "%"])
def test_a_store_in_memory_has_one_name_for_every_function(name: str) -> None:
    url = f"memory://{name}-wild"
    store = zarr_py.Store(url)
    zarr.create_group(store, attributes={"name": name})
    assert zarr_py.open_group(url).attrs["name"] == name
    assert zarr_py.Store(store.url) == store
    with pytest.raises(NotFoundError):
        zarr_py.open_group(f"memory://{name}-else")


@pytest.mark.parametrize(
    "url",
    [
        "abfs://one@acc.dfs.core.windows.net/x",
        "abfss://two@acc.dfs.core.windows.net/x",
        "s3://bucket/run#1.zarr",
        "s3://bucket/run?1.zarr",
        "s3://bucket/a b%20",
        "gs://bucket/100%",
    ],
)
def test_the_url_of_a_bucket_opens_the_place_again(url: str) -> None:
    options = {"region": "r"} if url.startswith("s3") else {}
    store = zarr_py.Store(url, skip_signature=True, **options)
    assert store.url == url and url in repr(store)
    assert zarr_py.Store(store.url, skip_signature=True, **options) == store
    assert pickle.loads(pickle.dumps(store)) == store
    assert zarr_py.Store(url + "x", skip_signature=True, **options) != store


@pytest.mark.parametrize(
    ("url", "advice"),
    [
        ("file:data.zarr", "absolute path"),
        ("file:///data#1", "%23"),
        ("s3:/bucket/x", "//"),
        ("https:/host/x", "//"),
        ("https://host/x#1", "%23"),
        ("s3://key:hush@bucket/x", "credentials"),
        ("ftp://host/x", "known"),
    ],
)
def test_what_names_no_place_is_refused_with_advice(url: str, advice: str) -> None:
    for opening in (zarr_py.Store, zarr_py.open_array, zarr_py.open_group):
        with pytest.raises(InvalidError, match=advice) as found:
            opening(url)
        assert "hush" not in str(found.value)


@pytest.mark.parametrize(("name", "value"), [("endpoint", "127.0.0.1:9000"), ("endpoint", "minio"), ("token", "abc\n")])
def test_options_that_no_client_can_use_are_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(InvalidError, match=f"option .*{name}"):
        zarr_py.open_array("s3://bucket/x", "a", region="r", **{name: value})
