"""Data, stores and URLs reported to Zarr projects; each once failed in this package."""

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
    """A group with the arrays `kept` and `gone`, and consolidated metadata of both."""
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
        with pytest.raises(FileExistsError):
            create(tmp_path, "a", **more)
        create(tmp_path, create.__name__, **more)
    with pytest.raises(UnsupportedError, match="convert"):
        zarr_py.create_array(tmp_path, "b", shape=4, chunks=2, shards=4, dtype="i1")
    array = zarr_py.open_array(tmp_path, "a")
    array.resize((6,))
    array.attrs.update(k=1)
    array.resize((4,))
    assert sorted(zarr.open_group(tmp_path).keys()) == ["a", "create_array", "create_group"]
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
        """An unrelated class with the name of a known store."""

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
        ("~/data.zarr", "home"),
        ("me:hush@host:/data.zarr", "not a path on this machine"),
        ("C:\\data.zarr", "not a path on this machine"),
        ("arn:aws:s3:::bucket/x", "not a path on this machine"),
        ("s3://bucket:9000/x", "no port"),
    ],
)
def test_what_names_no_place_is_refused_with_advice(url: str, advice: str) -> None:
    for opening in (zarr_py.Store, zarr_py.open_array, zarr_py.open_group):
        with pytest.raises(InvalidError, match=advice) as found:
            opening(url)
        assert "hush" not in str(found.value)


@pytest.mark.parametrize(
    ("name", "value"), [("endpoint", "127.0.0.1:9000"), ("endpoint", "minio"), ("token", "abc\n"), ("bucket", "other")])
def test_options_that_no_client_can_use_are_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(InvalidError, match=f"option .*{name}"):
        zarr_py.open_array("s3://bucket/x", "a", region="r", **{name: value})


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"shape": np.int64(5)}, ((5,), None)),
        ({"shape": np.array([4, 6])}, ((4, 6), None)),
        ({"shape": [np.uint8(3), 2], "chunks": np.int16(2)}, ((3, 2), (2, 2))),
        ({"shape": (), "chunks": ()}, ((), ())),
        ({"shape": 0}, ((0,), None)),
        ({"shape": (7,), "chunks": (np.int32(3),)}, ((7,), (3,))),
    ],
)
def test_integers_of_numpy_are_lengths(tmp_path: Path, arguments: dict, expected: tuple) -> None:
    array = zarr_py.create_array(tmp_path, "x", dtype="i4", **arguments)
    assert array.shape == expected[0]
    assert expected[1] is None or array.chunks == expected[1]


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("shape", (5.7,), TypeError),
        ("shape", 5.0, TypeError),
        ("shape", "12", TypeError),
        ("shape", b"12", TypeError),
        ("shape", None, TypeError),
        ("shape", True, TypeError),
        ("shape", (True, 2), TypeError),
        ("shape", (-5,), ValueError),
        ("shape", ("3",), TypeError),
        ("chunks", (5.5,), TypeError),
        ("chunks", "4", TypeError),
        ("chunks", (-1,), ValueError),
        ("chunks", -1, ValueError),
        ("chunks", False, ValueError),
        ("shards", (2.0,), TypeError),
        ("shards", "auto", ValueError),
        ("dimension_names", [3], TypeError),
        ("dimension_names", "x", TypeError),
    ],
)
def test_what_is_no_shape_is_refused_by_the_name_of_the_argument(
    tmp_path: Path, name: str, value: object, error: type[Exception]
) -> None:
    arguments = {"shape": (10,), "dtype": "i4", name: value}
    with pytest.raises(error, match=name) as found:
        zarr_py.create_array(tmp_path, "x", **arguments)
    assert "NewArray" not in str(found.value) and "usize" not in str(found.value)


def test_a_resize_takes_the_same_lengths(tmp_path: Path) -> None:
    array = zarr_py.create_array(tmp_path, "x", shape=4, dtype="i4")
    array.resize(np.int64(6))
    assert array.shape == (6,)
    for shape, error in (((2.5,), TypeError), ("7", TypeError), ((-1,), ValueError)):
        with pytest.raises(error, match="shape"):
            array.resize(shape)
    assert array.shape == (6,)


@pytest.mark.parametrize("chunks", [True, "auto", None])
def test_chunks_are_chosen_where_nobody_says(tmp_path: Path, chunks: object) -> None:
    array = zarr_py.create_array(tmp_path, "x", shape=(3000, 3000), dtype="f4", chunks=chunks)
    size = 4 * array.chunks[0] * array.chunks[1]
    assert 1 << 16 <= size <= 1 << 20


@pytest.mark.parametrize("shards", [True, "auto"])
@pytest.mark.parametrize(("shape", "chunks"), [((4000, 4000), (100, 100)), ((10,), (3,)), ((5, 10**6), (5, 1000)), ((4, 4), (4, 4))])
def test_shards_are_chosen_of_whole_chunks(tmp_path: Path, shape: tuple, chunks: tuple, shards: object) -> None:
    array = zarr_py.create_array(tmp_path, "x", shape=shape, dtype="f4", chunks=chunks, shards=shards)
    assert array.shards is not None and array.chunks == chunks
    assert all(shard % chunk == 0 for shard, chunk in zip(array.shards, chunks, strict=True))
    assert 4 * np.prod(array.shards) <= 16 << 20
    array[...] = 1
    assert (zarr.open_array(tmp_path, path="x")[...] == 1).all()


@pytest.mark.parametrize("dtype", [str, "str", np.dtype("U"), "string", np.dtypes.StringDType()])
def test_strings_have_many_names(tmp_path: Path, dtype: object) -> None:
    array = zarr_py.create_array(tmp_path, "x", shape=2, dtype=dtype)
    array[:] = ["a", "längeres"]
    assert zarr.open_array(tmp_path, path="x")[:].tolist() == ["a", "längeres"]


@pytest.mark.parametrize(
    "data",
    [
        np.arange(12, dtype="f4").reshape(3, 4),
        np.arange(6)[::-2],
        np.float64(2.5),
        [[1, 2], [3, 4]],
        range(5),
        np.zeros((0, 3), "u1"),
        np.array(["a", "längeres"], dtype=np.dtypes.StringDType()),
        np.array(["ab", "c"]),
        np.array([(1, 2.0)], dtype=[("a", "i2"), ("b", "f8")]),
        np.array(["2026-01-01", "NaT"], dtype="M8[D]"),
        np.asfortranarray(np.arange(20).reshape(4, 5)),
    ],
)
async def test_arrays_are_made_of_data(tmp_path: Path, data: object) -> None:
    expected = np.asanyarray(data)
    group = zarr_py.create_group(tmp_path)
    group["set"] = data
    made = {
        "set": group["set"],
        "created": group.create_array("created", data=data),
        "top": zarr_py.create_array(tmp_path, "top", data=data, chunks=2 if expected.ndim == 1 else None),
        "async": await zarr_py.create_array_async(tmp_path, "async", data=data),
    }
    for name, array in made.items():
        assert array.shape == expected.shape
        np.testing.assert_array_equal(array[...], expected)
        if expected.dtype.kind not in "UM":
            np.testing.assert_array_equal(zarr.open_array(tmp_path, path=name)[...], expected)


def test_data_that_does_not_fit_changes_nothing(tmp_path: Path) -> None:
    group = zarr_py.create_group(tmp_path)
    group["x"] = [1, 2, 3]
    with pytest.raises(ValueError, match="data: shape"):
        group.create_array("x", data=[1, 2], shape=5, overwrite=True)
    with pytest.raises((TypeError, ValueError)):
        group["x"] = [object()]
    assert group["x"][:].tolist() == [1, 2, 3]
    group["sub/y"] = 1
    with pytest.raises(TypeError, match="is a group"):
        group["sub"] = 2
    assert group["sub/y"][...] == 1
    with pytest.raises(TypeError, match="shape"):
        group.create_array("z")


@pytest.mark.parametrize("value", [None, 1])
@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("compressor", "compressors=None"),
        ("fill_vlaue", "fill_value"),
        ("fillvalue", "fill_value"),
        ("chunk", "chunks"),
        ("dimension_name", "dimension_names"),
        ("attribute", "attributes"),
        ("zarr_format", "Zarr v3"),
        ("maxshape", "resized"),
        ("shard", "shards"),
    ],
)
def test_unknown_keywords_are_refused_with_what_was_meant(tmp_path: Path, name: str, hint: str, value: object) -> None:
    group = zarr_py.create_group(tmp_path)
    for create in (group.create_array, lambda path, **more: zarr_py.create_array(tmp_path, path, **more)):
        with pytest.raises(TypeError, match=name) as found:
            create("x", shape=4, dtype="f4", **{name: value})
        assert hint in str(found.value)
    assert group.keys() == []


_GIVEN = {
    "zstd": ["zstd", {"name": "zstd"}, {"name": "zstd", "configuration": {"level": 0}}, zarr.codecs.ZstdCodec()],
    "gzip": ["gzip", {"name": "gzip", "configuration": {}}, zarr.codecs.GzipCodec()],
    "blosc": ["blosc", {"name": "blosc", "configuration": {"clevel": 5}}, zarr.codecs.BloscCodec()],
}
_PEER = {"zstd": zarr.codecs.ZstdCodec(), "gzip": zarr.codecs.GzipCodec(), "blosc": zarr.codecs.BloscCodec()}


@pytest.mark.parametrize("dtype", ["u1", "i2", "f4", "f8", "c16", "?"])
@pytest.mark.parametrize("name", list(_GIVEN))
def test_codecs_by_name_store_what_zarr_python_stores(tmp_path: Path, name: str, dtype: str) -> None:
    data = (np.arange(3000) % 200).astype(dtype)
    peer = zarr.create_array(tmp_path, name="peer", shape=3000, chunks=1000, dtype=dtype, compressors=_PEER[name])
    peer[:] = data
    for number, given in enumerate(_GIVEN[name]):
        for compressors in (given, [given]):
            path = f"{number}-{isinstance(compressors, list)}"
            array = zarr_py.create_array(tmp_path, path, data=data, chunks=1000, compressors=compressors)
            np.testing.assert_array_equal(zarr.open_array(tmp_path, path=path)[:], data)
            assert array.metadata["codecs"] == [codec.to_dict() for codec in peer.metadata.codecs]
            if name != "gzip":  # Its bytes depend on the library.
                for chunk in range(3):
                    stored = (tmp_path / path / "c" / str(chunk)).read_bytes()
                    assert stored == (tmp_path / "peer" / "c" / str(chunk)).read_bytes()


def test_codecs_have_defaults_for_what_is_not_said(tmp_path: Path) -> None:
    lz4 = {"name": "blosc", "configuration": {"cname": "lz4", "typesize": 1}}
    array = zarr_py.create_array(tmp_path, "a", data=np.arange(4), serializer="bytes", compressors=[lz4, "crc32c"])
    configuration = {"cname": "lz4", "typesize": 1, "clevel": 5, "shuffle": "bitshuffle", "blocksize": 0}
    assert array.metadata["codecs"] == [
        {"name": "bytes", "configuration": {"endian": "little"}},
        {"name": "blosc", "configuration": configuration},
        {"name": "crc32c"},
    ]
    strings = zarr_py.create_array(tmp_path, "s", data=["a", "b"], dtype=str, compressors="blosc", shards=2, chunks=1)
    assert strings[:].tolist() == ["a", "b"]
    for wrong in (5, ["zstd", 5], [None]):
        with pytest.raises(TypeError, match="codec"):
            zarr_py.create_array(tmp_path, "w", shape=2, dtype="i4", compressors=wrong)


@pytest.mark.parametrize("name", ["complex_bfloat16", "complex_float16", "bfloat16", "int4", "float8_e4m3", "r24"])
def test_types_that_numpy_may_lack_are_created(tmp_path: Path, name: str) -> None:
    array = zarr_py.create_array(tmp_path, "x", shape=8, dtype={"name": name}, chunks=2, shards=4, compressors="zstd")
    assert array.shards == (4,) and name in repr(array)
