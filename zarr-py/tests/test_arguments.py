"""Mistyped arguments are refused with a suggestion."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr_py
from zarr_py import _option_names, codecs
from zarr_py._native import NativeStore
from zarr_py.errors import InvalidError


def calls(folder: Path, **wrong: Any) -> dict[str, Callable[[], Any]]:
    """All functions with keyword arguments, each with a call that passes unknown keywords."""
    if not (folder / "zarr.json").exists():
        zarr_py.create_group(folder).create_array("a", shape=4, dtype="i4")
    group = zarr_py.open_group(folder)
    new = {"shape": 4, "dtype": "i4"}
    return {
        "open": lambda: zarr_py.open(folder, **wrong),
        "open_array": lambda: zarr_py.open_array(folder, "a", **wrong),
        "open_array of mode w": lambda: zarr_py.open_array(folder, "w", mode="w", **new, **wrong),
        "open_group": lambda: zarr_py.open_group(folder, **wrong),
        "create_array": lambda: zarr_py.create_array(folder, "b", **new, **wrong),
        "create_group": lambda: zarr_py.create_group(folder, "c", **wrong),
        "open_async": lambda: asyncio.run(zarr_py.open_async(folder, **wrong)),
        "open_array_async": lambda: asyncio.run(zarr_py.open_array_async(folder, "a", **wrong)),
        "open_group_async": lambda: asyncio.run(zarr_py.open_group_async(folder, **wrong)),
        "create_array_async": lambda: asyncio.run(zarr_py.create_array_async(folder, "d", **new, **wrong)),
        "create_group_async": lambda: asyncio.run(zarr_py.create_group_async(folder, "e", **wrong)),
        "group.create_array": lambda: group.create_array("f", **new, **wrong),
        "group.create_array_async": lambda: asyncio.run(group.create_array_async("g", **new, **wrong)),
        "group.require_array": lambda: group.require_array("h", **new, **wrong),
        "Store": lambda: zarr_py.Store(folder, **wrong),
        "Store of a bucket": lambda: zarr_py.Store("s3://bucket/x", region="r", **wrong),
        "save": lambda: zarr_py.save(folder, np.arange(3), "s", **wrong),
        "load": lambda: zarr_py.load(folder, "a", **wrong),
        "read": lambda: group.open_array("a").read(**wrong),
    }


NAMES = ["compressor", "fill_vlaue", "regoin", "foo", "chunk", "read_onyl", "dimesion_names", "acces_key_id", "storage_options"]


@pytest.mark.parametrize("value", [None, "x"])
@pytest.mark.parametrize("name", NAMES)
def test_unknown_keywords_are_refused(tmp_path: Path, name: str, value: Any) -> None:
    for function, call in calls(tmp_path, **{name: value}).items():
        with pytest.raises((TypeError, ValueError), match=name) as found:
            call()
        assert "Native" not in str(found.value) and "object_store" not in str(found.value), function
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "zarr.json"]


@pytest.mark.parametrize(("call", "meant"), [
    (lambda f: zarr_py.create_array(f, shape=4, dtype="i4", fill_vlaue=None), "fill_value"),
    (lambda f: zarr_py.create_array(f, shape=4, dtype="i4", compressor=None), "compressors=None"),
    (lambda f: zarr_py.create_array(f, shape=4, dtype="i4", shard=None), "shards"),
    (lambda f: zarr_py.open_array(f, read_onyl=None), "read_only"),
    (lambda f: zarr_py.open_group(f, use_consolidate=None), "use_consolidated"),
    (lambda f: zarr_py.Store(f, cache_byte=1), "cache_bytes"),
    (lambda f: zarr_py.Store("s3://b/x", regoin=None), "region"),
    (lambda f: zarr_py.Store("s3://b/x", config={"acess_key_id": "a"}), "access_key_id"),
    (lambda f: zarr_py.Store("s3://b/x", client_options={"timout": None}), "timeout"),
    (lambda f: zarr_py.Store("s3://b/x", retry_config={"max_retry": 3}), 'did you mean "max_retries"'),
    (lambda f: zarr_py.Store("memory:", credential_provider=dict), "has no credentials"),
    (lambda f: zarr_py.Store("gs://b/x", service_acount="a"), "service_account"),
    (lambda f: zarr_py.Store("az://b/x", acount_name="a"), "account_name"),
    (lambda f: zarr_py.open_array("https://h/x", webdaw=None), "webdav"),
    (lambda f: zarr_py.open_array("https://h/x", html_indx=True), 'did you mean "html_index"'),
    (lambda f: zarr_py.open_array("https://h/x", bearer_tokn="t"), 'did you mean "bearer_token"'),
    (lambda f: zarr_py.Store("s3://b/x", storage_clas="COLD"), 'did you mean "storage_class"'),
    (lambda f: zarr_py.Store("s3://b/x", default_header={}), 'did you mean "default_headers"'),
    (lambda f: zarr_py.Store("gs://b/x", cache_contrl="x"), 'did you mean "cache_control"'),
    (lambda f: zarr_py.Store("s3://b/x", anon=True), "write skip_signature=True"),
    (lambda f: zarr_py.open_array("s3://b/x", anon=None), "write skip_signature=True"),
    (lambda f: zarr_py.Store("gs://b/x", token="anon"), "write bearer_token"),
    (lambda f: zarr_py.Store("s3://b/x", verify=False), "write allow_invalid_certificates=True"),
    (lambda f: zarr_py.Store("s3://b/x", sse="AES256"), "write server_side_encryption"),
    (lambda f: zarr_py.create_array("s3://b/x", shape=3, dtype="i4", key="a"), "write access_key_id"),
    (lambda f: zarr_py.Store("s3://b/x", secret="a"), "write secret_access_key"),
    (lambda f: zarr_py.Store("s3://b/x", config={"use_ssl": False}), "write allow_http=True"),
    (lambda f: zarr_py.open_group("s3://b/x", client_kwargs={"endpoint_url": "x"}), "endpoint_url"),
    (lambda f: zarr_py.Store("s3://b/x", endpont_url="http://h"), 'did you mean "endpoint_url"'),
    (lambda f: zarr_py.Store("az://b/x", account_name="a", connection_string="x"), "write account_name and account_key"),
    (lambda f: zarr_py.Store("s3://b/x", region="r", access_key_id=None, secret_access_key="b"), "given as None: access_key_id"),
    (lambda f: zarr_py.open_group("s3://b/x", config={"access_key_id": "a", "secret_access_key": None}),
     "given as None: secret_access_key"),
    (lambda f: zarr_py.Store("az://b/x", account_name=None), "given as None: account_name"),
    (lambda f: zarr_py.Store("s3://b/x", max_retries=-1), "max_retries: expected an integer of 0 or more, got -1"),
    (lambda f: zarr_py.Store("s3://b/x", retry_config={"max_retries": "-1"}), "max_retries: expected an integer of 0 or more"),
    (lambda f: zarr_py.Store("s3://b/x", region="r", optimize_for="speed"), "optimize_for must be time, requests or bytes"),
    (lambda f: zarr_py.Store("s3://b/x", region="r", optimize_for=True), "optimize_for: expected a string, got bool"),
    (lambda f: zarr_py.Store("s3://b/x", region="r", optimise_for="time"), "did you mean \"optimize_for\""),
    (lambda f: zarr_py.Store(f, optimize_for="time"), "a store of this kind has no options"),
    (lambda f: zarr_py.Store("s3://b/x", pool_max_idle_per_host=-1), "pool_max_idle_per_host: expected an integer of 0 or more"),
])
def test_the_nearest_name_is_given(tmp_path: Path, call: Callable[[Path], Any], meant: str) -> None:
    with pytest.raises((TypeError, ValueError), match=meant):
        call(tmp_path)


@pytest.mark.parametrize("scheme", ["s3", "gs", "az", "https"])
def test_the_names_are_those_of_the_engine(scheme: str) -> None:
    own = set(_option_names.StoreArguments.__annotations__)
    for name in _option_names.names(f"{scheme}:") - own:
        try:
            _ = NativeStore(f"{scheme}://bucket/x", [(name, "")]).location
        except InvalidError as error:
            assert "unknown option" not in str(error), name


FLAGS: list[Callable[[Path, Any], Any]] = [
    lambda f, flag: zarr_py.open_array(f, "a", read_only=flag),
    lambda f, flag: zarr_py.create_array(f, "a", shape=4, dtype="i4", overwrite=flag),
    lambda f, flag: zarr_py.create_group(f, "a", overwrite=flag),
    lambda f, flag: zarr_py.open_group(f, use_consolidated=flag),
    lambda f, flag: zarr_py.open_group(f).create_group("a", overwrite=flag),
    lambda f, flag: zarr_py.Store(f, read_only=flag),
    lambda f, flag: zarr_py.Store(f, missing_on_forbidden=flag),
    lambda f, flag: zarr_py.Store(f, single_writer=flag),
    lambda f, flag: zarr_py.Store(f, pickle_secrets=flag),
    lambda f, flag: zarr_py.save(f, [1], "a", overwrite=flag),
]


@pytest.mark.parametrize("call", FLAGS)
def test_flags_are_true_or_false(tmp_path: Path, call: Callable[[Path, Any], Any]) -> None:
    zarr_py.create_group(tmp_path).create_array("a", shape=4, dtype="i4")[...] = 7
    for wrong in ("maybe", "", 1, 0, 2.5, [], "0"):
        with pytest.raises(TypeError, match="expected True or False"):
            call(tmp_path, wrong)
    assert zarr_py.load(tmp_path, "a").tolist() == [7] * 4


def test_words_and_booleans_of_numpy_are_flags(tmp_path: Path) -> None:
    for flag in (True, np.True_, "true", "Yes", "on"):
        zarr_py.create_array(tmp_path, "a", shape=4, dtype="i4", overwrite=flag)
        assert zarr_py.open_array(tmp_path, "a", read_only=flag).read_only
    for flag in (False, np.False_, "false", "No", "off"):
        assert not zarr_py.open_array(tmp_path, "a", read_only=flag).read_only


@pytest.mark.parametrize("wrong", [
    {"max_concurrency": 0}, {"max_concurrency": -1}, {"max_concurrency": "4"}, {"max_concurrency": 2.5}, {"cache_bytes": -1},
    {"cache_bytes": "1 MiB"}, {"config": ["region"]}, {"client_options": "x"}, {"retry_config": 3}, {"credential_provider": "x"},
    {"config": {3: "x"}}, {"max_concurrency": True}, {"max_concurrency": 2**70},
])
def test_values_are_checked(tmp_path: Path, wrong: dict[str, Any]) -> None:
    name = next(iter(wrong))
    for call in (zarr_py.Store, zarr_py.open_group, lambda f, **o: zarr_py.create_array(f, shape=1, dtype="i1", **o)):
        with pytest.raises((TypeError, ValueError), match=name):
            call(tmp_path, **wrong)


def test_paths_and_modes_are_checked(tmp_path: Path) -> None:
    group = zarr_py.create_group(tmp_path)
    for wrong in (None, 3, b"a", tmp_path):
        for call in (zarr_py.open_array, zarr_py.open_group, zarr_py.open, zarr_py.load, zarr_py.create_group):
            with pytest.raises(TypeError, match="path: expected a string"):
                call(tmp_path, wrong)  # type: ignore[arg-type]
        for method in (group.open_array, group.delete, group.create_group, group.__getitem__, group.require_group):
            with pytest.raises(TypeError, match="path: expected a string"):
                method(wrong)  # type: ignore[arg-type]
    for mode in (None, "rw", "", 3, "R"):
        for call in (zarr_py.open_array, zarr_py.open_group, zarr_py.open):
            with pytest.raises(ValueError, match="mode: expected"):
                call(tmp_path, mode=mode)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="writes"):
        zarr_py.open_group(tmp_path, mode="w", read_only=True)
    with pytest.raises(TypeError, match="'shape' needs mode .a.,"):
        zarr_py.open_array(tmp_path, shape=3)
    with pytest.raises(TypeError, match="attributes: expected a mapping"):
        zarr_py.create_group(tmp_path, "x", attributes=[1])  # type: ignore[arg-type]


def test_a_result_that_does_not_fit_is_a_memory_error(tmp_path: Path) -> None:
    for dtype, chunks in (("f8", (2**15, 2**10)), (str, (2**10, 2**10)), ("U100", (2**10, 2**10))):
        array = zarr_py.create_array(tmp_path, "x", shape=(2**40, 2**20), chunks=chunks, dtype=dtype, overwrite=True)
        for read in (lambda a: a[...], lambda a: a[: 2**22], lambda a: a.read(), np.asarray, lambda a: asyncio.run(a.read_async())):
            with pytest.raises(MemoryError, match=r"shape \(\d+, 1048576\).* does not fit in memory") as found:
                read(array)
            assert isinstance(found.value, zarr_py.errors.TooLargeError) and "limit" not in str(found.value)


def test_lengths_are_below_two_to_the_63(tmp_path: Path) -> None:
    for wrong in (2**63, 2**64, 2**70):
        with pytest.raises(ValueError, match="below 2"):
            zarr_py.create_array(tmp_path, shape=wrong, dtype="i1", chunks=1)


@pytest.mark.parametrize(("wrong", "error", "match"), [
    ({"shape": {}}, TypeError, "shape: expected"), ({"shape": {3}}, TypeError, "shape: expected"),
    ({"fill_value": [1, 2]}, TypeError, "fill_value: expected one element"), ({"fill_value": "x"}, ValueError, "fill_value: 'x'"),
    ({"fill_value": 2**40}, OverflowError, "fill_value"), ({"dtype": bytes, "fill_value": "x"}, TypeError, "fill_value: expected bytes"),
    ({"compressors": 3}, TypeError, "compressors: expected"), ({"compressors": False}, TypeError, "None is not a codec"),
    ({"filters": [3]}, TypeError, "filters: expected"), ({"serializer": None}, TypeError, "serializer: expected"),
    ({"chunk_key_encoding": 3}, TypeError, "chunk_key_encoding: expected"), ({"attributes": {"a": object()}}, TypeError, "attributes: "),
    ({"attributes": {3: 3}}, TypeError, "attributes: expected names"), ({"attributes": {"a": float("nan")}}, ValueError, "attributes: "),
])
def test_errors_name_the_argument(tmp_path: Path, wrong: dict[str, Any], error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        zarr_py.create_array(tmp_path, **{"shape": 4, "dtype": "i4", **wrong})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("wrong", [
    {"region": ["a"]}, {"region": object()}, {"timeout": float("nan")}, {"timeout": float("inf")}, {"retry_config": {"backoff": 3}},
    {"retry_config": {"backoff": {"bas": 3}}}, {"client_options": {"timeout": {}}}, {"config": {"region": b"r"}},
    {"default_headers": {"A": None}}, {"default_headers": ["x"]}, {"default_headers": {"A": ["x"]}}, {"default_headers": {3: "x"}},
    {"client_options": {"default_headers": {"A": None}}}, {"default_headers": {"A": True}}, {"default_headers": 3},
    {"default_headers": {"A\nB": "x"}}, {"default_headers": {"A": b"x\r\nB: y"}}, {"timeout": True}, {"retry_timeout": False},
    {"token": True}, {"token": 5}, {"secret_access_key": 5}, {"access_key_id": 5.5}, {"config": {"token": b"x"}},
    {"max_retries": 2.5}, {"max_retries": True}, {"max_retries": "many"}, {"max_retries": []},
])
def test_values_of_options_are_checked(wrong: dict[str, Any]) -> None:
    match = "region|timeout|backoff|default_headers|token|access_key|max_retries"
    with pytest.raises((TypeError, ValueError), match=match) as found:
        zarr_py.Store("s3://bucket/x", **wrong)
    assert "object_store" not in str(found.value)


@pytest.mark.parametrize("wrong", [True, 5, b"x", ["x"], 2.5])
def test_tokens_are_texts(wrong: Any) -> None:
    for url, name in (("https://h/x", "bearer_token"), ("gs://b/x", "bearer_token"), ("az://b/x", "account_key")):
        with pytest.raises(TypeError, match=f"option {name}: expected a string, got {type(wrong).__name__}"):
            zarr_py.Store(url, **{name: wrong})


@pytest.mark.parametrize("option", [
    {"max_retries": 0}, {"max_retries": "3"}, {"max_retries": np.int64(3)}, {"default_headers": {"A": "x", "B": b"y", "C": 3}},
    {"default_headers": "A: x"}, {"timeout": 3}, {"timeout": "3s"}, {"access_key_id": None, "secret_access_key": None},
    {"storage_class": "COLD", "cache_control": "no-cache"}, {"region": None},
])
def test_values_that_are_fine_are_taken(option: dict[str, Any]) -> None:
    zarr_py.Store("s3://bucket/x", **{"region": "r", **option})


@pytest.mark.parametrize(("answer", "match"), [
    (None, "got NoneType"), ("HUSH", "got str"), ([("token", "HUSH")], "got list"),
    ({"access_key_id": b"HUSH"}, "access_key_id: expected a string, got bytes"),
    ({"access_key_id": "a", "secret_access_key": "b", "expires_at": "HUSH"}, "expires_at: expected a datetime"),
    ({}, "returned no access_key_id"),
])
def test_what_a_provider_returns_is_checked(answer: Any, match: str) -> None:
    def provider() -> Any:
        return answer

    async def waiting() -> Any:
        return answer

    for each in (provider, waiting):
        options: dict[str, Any] = {"region": "r", "credential_provider": each, "retry_config": {"max_retries": 0}}
        with pytest.raises(OSError, match=match) as found:
            zarr_py.open_array("s3://bucket/x", endpoint="http://127.0.0.1:9", allow_http=True, **options)
        assert "HUSH" not in str(found.value)


def test_handles_and_outputs_are_what_they_are(tmp_path: Path) -> None:
    array = zarr_py.create_array(tmp_path, data=np.arange(4))
    for make in (lambda: zarr_py.Array(3), zarr_py.Array, zarr_py.Group, lambda: zarr_py.Group(tmp_path)):  # type: ignore[arg-type]
        with pytest.raises(TypeError, match="use zarr_py.open_"):
            make()
    for out in (bytearray(32), bytes(32), memoryview(bytes(32)).cast("q")):
        with pytest.raises(ValueError, match="output array of shape|writable memory"):
            array.read_into(..., out)
    for out in (None, [0] * 4):
        with pytest.raises(TypeError, match="out: expected a NumPy array"):
            array.read_into(..., out)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"shape \(4,\), got \(3,\)"):
        array.read(out=np.zeros(3, "i8"))
    with pytest.raises(ValueError, match=r"from shape \(3,\) into shape \(4,\)"):
        array[...] = [1, 2, 3]
    for change in (lambda: array.attrs.update({3: 1}), lambda: array.set_attrs([1])):  # type: ignore[arg-type, dict-item]
        with pytest.raises(TypeError, match="attributes: expected"):
            change()
    with pytest.raises(ValueError, match="empty string"):
        zarr_py.open_array("")


def test_numbers_of_numpy_are_numbers_in_codecs_and_attributes() -> None:
    array = zarr_py.create_array(
        "memory:", shape=4, dtype="i4", compressors=codecs.Gzip(np.int64(3)), attributes={"scale": np.float32(0.5), "deep": {"n": [np.uint8(7)]}})  # type: ignore[arg-type]
    assert array.compressors == (codecs.Gzip(3),) and dict(array.attrs) == {"scale": 0.5, "deep": {"n": [7]}}
    array.attrs["flag"] = np.bool_(True)
    assert array.attrs["flag"] is True
    for wrong in (np.complex64(1), np.zeros(2), object()):
        with pytest.raises(TypeError, match="attributes"):
            array.attrs["wrong"] = wrong


def test_codecs_that_are_none_say_what_to_write() -> None:
    import numcodecs

    with pytest.raises(TypeError, match=r"compressors: got the class Zstd; write Zstd\(\.\.\.\)"):
        zarr_py.create_array("memory:", shape=4, dtype="i4", compressors=codecs.Zstd)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="write {'name': 'numcodecs.lz4'"):
        zarr_py.create_array("memory:", shape=4, dtype="i4", compressors=numcodecs.LZ4())
    with pytest.raises(TypeError, match=r"dims'; write dimension_names="):
        zarr_py.create_array("memory:", shape=4, dtype="i4", dims=["x"])  # type: ignore[call-arg]


def test_nodes_are_no_stores() -> None:
    group = zarr_py.create_group("memory:")
    with pytest.raises(TypeError, match=r"got zarr_py.Group, which is in a store"):
        zarr_py.open_array(group, "x")
