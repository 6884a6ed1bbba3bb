"""`zarr_py.objects`: keys and bytes on memory, local files, archives, web servers and S3."""

import asyncio
import base64
import doctest
import http.server
import inspect
import json
import pickle
import random
import shutil
import subprocess
import sys
import threading
import urllib.parse
import urllib.request
import uuid
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import counting_server
import numpy as np
import pytest
import zarr_py
from conftest import location_of
from zarr_py.errors import (
    AlreadyExistsError,
    ArgumentError,
    ChangedError,
    ConflictError,
    InvalidError,
    NotFoundError,
    ReadOnlyError,
    ShortBodyError,
    UnsupportedError,
)

PAGE = Path(__file__).parents[2] / "docs" / "python-objects.md"
KEYS = {"access_key_id": "me", "secret_access_key": "hidden", "region": "eu-west-1"}
BYTES = bytes(range(256)) * 40


@pytest.fixture
def store(location: Any) -> zarr_py.Objects:
    return zarr_py.objects(location.url, **location.options)


@pytest.fixture
def memory() -> zarr_py.Objects:
    return zarr_py.objects(f"memory://{uuid.uuid4()}")


@pytest.fixture
def bare_server(tmp_path: Path) -> Iterator[str]:
    """A web server without entity tags and ranges that accepts PUT."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments, directory=str(tmp_path))

        def log_message(self, *_: Any) -> None:
            pass

        def answer(self, status: int) -> None:
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def do_PUT(self) -> None:
            value = self.rfile.read(int(self.headers["Content-Length"]))
            Path(self.translate_path(self.path)).write_bytes(value)
            self.answer(201)

        def do_DELETE(self) -> None:
            Path(self.translate_path(self.path)).unlink()
            self.answer(204)

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


# Writes, reads, listings, deletes.


def test_objects_are_written_read_listed_and_deleted(store: zarr_py.Objects) -> None:
    put = store.put("a/b", BYTES)
    assert bytes(store.get("a/b")) == BYTES
    got, head = store.get("a/b", offset=7), store.head("a/b")
    assert (got.key, got.range, got.size, len(got)) == ("a/b", (7, len(BYTES)), len(BYTES), len(BYTES) - 7)
    assert got.data == BYTES[7:] and got.version == head.version == put
    assert head[:2] == ("a/b", len(BYTES))
    store.put("a/c/d", bytearray(b"xy"))
    store.put("ab", memoryview(b""))
    assert sorted(store.list()) == [("a/b", len(BYTES)), ("a/c/d", 2), ("ab", 0)]
    assert sorted(entry.key for entry in store.list("a/")) == ["a/b", "a/c/d"]
    assert store.list_dir() == (["ab"], ["a"]) and store.list_dir("a") == store.list_dir("a/") == (["a/b"], ["a/c"])
    assert store.list_dir("none") == ([], []) and list(store.list("none")) == []
    store.delete("ab")
    store.delete(key for key in ("a/b", "not there"))
    assert [entry.key for entry in store.list()] == ["a/c/d"]
    store.delete([])
    store.put("a/c/d", b"other")
    assert bytes(store.get("a/c/d")) == b"other"


async def test_async_variants_do_the_same(store: zarr_py.Objects) -> None:
    async with asyncio.TaskGroup() as tasks:
        puts = [tasks.create_task(store.put_async(f"n/{n}", BYTES[:n])) for n in range(20)]
    assert (await store.head_async("n/3")).version == puts[3].result()
    assert bytes(await store.get_async("n/5", suffix=2)) == BYTES[3:5]
    assert await store.get_range_async("n/9", start=2, length=3) == BYTES[2:5]
    assert await store.get_ranges_async("n/9", starts=[4, 0], ends=[9, 1]) == [BYTES[4:9], BYTES[:1]]
    await store.copy_async("n/9", "m/9")
    await store.rename_async("n/8", "m/8")
    await store.delete_async(["n/1", "n/2"])
    assert sorted([entry async for entry in store.list_async("m")]) == [("m/8", 8), ("m/9", 9)]
    assert await store.list_dir_async("m") == (["m/8", "m/9"], [])
    with pytest.raises(NotFoundError):
        await store.get_async("n/8")
    async for entry in store.list_async():
        assert entry.key
        break


def test_each_method_with_requests_has_an_async_variant() -> None:
    own = {"location", "requests", "read_only"}
    methods = {name for name in dir(zarr_py.Objects) if not name.startswith("_")} - own
    names = {name.removesuffix("_async") for name in methods}
    assert methods == names | {f"{name}_async" for name in names} and len(names) == 11
    for name in names:
        method, variant = getattr(zarr_py.Objects, name), getattr(zarr_py.Objects, f"{name}_async")
        assert inspect.signature(method).parameters == inspect.signature(variant).parameters
        assert method.__doc__ and (name == "list" or inspect.iscoroutinefunction(variant))


# Ranges.


def test_ranges_are_those_that_were_asked_for(store: zarr_py.Objects) -> None:
    store.put("k", BYTES)
    chance = random.Random(5)
    for _ in range(8):
        starts = [chance.randrange(len(BYTES)) for _ in range(chance.randrange(1, 30))]
        lengths = [chance.randrange(0, min(700, len(BYTES) - start) + 1) for start in starts]
        found = store.get_ranges("k", starts=starts, lengths=lengths)
        assert found == [BYTES[start : start + length] for start, length in zip(starts, lengths, strict=True)]
    assert store.get_ranges("k", starts=[]  , ends=[]) == []
    assert store.get_range("k", start=np.int64(3), end=9) == BYTES[3:9]
    assert store.get_range("k", start=len(BYTES), length=0) == b""
    for start, end in [(len(BYTES) - 1, len(BYTES) + 1), (len(BYTES), len(BYTES) + 1), (1 << 40, 1 << 41)]:
        with pytest.raises(ShortBodyError):
            store.get_range("k", start=start, end=end)
        with pytest.raises(ShortBodyError):
            store.get_ranges("k", starts=[0, start], ends=[1, end])
    assert bytes(store.get("k", suffix=1 << 40)) == BYTES and bytes(store.get("k", suffix=0)) == b""
    assert bytes(store.get("k", offset=len(BYTES) + 5)) == b""


def test_ranges_that_are_none_are_refused(memory: zarr_py.Objects) -> None:
    memory.put("k", b"0123")
    with pytest.raises(InvalidError, match="before its start"):
        memory.get_range("k", start=3, end=1)
    with pytest.raises(InvalidError, match="either ends or lengths"):
        memory.get_range("k", start=3)
    with pytest.raises(InvalidError, match="either ends or lengths"):
        memory.get_ranges("k", starts=[1], ends=[2], lengths=[1])
    with pytest.raises(InvalidError, match="got 2 and 1"):
        memory.get_ranges("k", starts=[1, 2], ends=[2])
    with pytest.raises(InvalidError, match="either offset or suffix"):
        memory.get("k", offset=1, suffix=1)
    for wrong in (-1, 1.5, "1", True):
        with pytest.raises((TypeError, ValueError)):
            memory.get_range("k", start=wrong, end=2)  # type: ignore[arg-type]
        with pytest.raises((TypeError, ValueError)):
            memory.get("k", offset=wrong)  # type: ignore[arg-type]


def test_bytes_come_out_without_a_copy(memory: zarr_py.Objects) -> None:
    memory.put("k", BYTES)

    def address(found: Any) -> int:
        return int(np.frombuffer(found, "u1").__array_interface__["data"][0])

    first = memory.get("k")
    assert address(first) == address(memory.get("k")) == address(memory.get_range("k", start=9, length=9)) - 9
    view = memoryview(first)
    assert view.readonly and view == BYTES and first.data.readonly
    with pytest.raises((TypeError, ValueError)):
        view[0] = 1
    memory.put("k", b"other")
    del first
    assert view == BYTES


def test_what_goes_in_is_not_seen_later(memory: zarr_py.Objects) -> None:
    value = np.arange(6, dtype="u2").reshape(2, 3)
    memory.put("k", value)
    expected = value.tobytes()
    value[:] = 0
    assert bytes(memory.get("k")) == expected
    memory.put("j", memory.get("k"))
    assert bytes(memory.get("j")) == expected
    with pytest.raises(TypeError):
        memory.put("k", value[:, 1])
    for wrong in ("text", 5, None, [1, 2]):
        with pytest.raises(TypeError):
            memory.put("k", wrong)  # type: ignore[arg-type]
    assert bytes(memory.get("k")) == expected


# Conditions.


def test_a_put_where_something_is_fails(store: zarr_py.Objects) -> None:
    store.put("k", b"first", if_absent=True)
    with pytest.raises(AlreadyExistsError, match="k"):
        store.put("k", b"second", if_absent=True)
    assert bytes(store.get("k")) == b"first"
    store.copy("k", "l", overwrite=False)
    store.put("l", b"other")
    for target in ("k", "l"):
        with pytest.raises(FileExistsError):
            store.copy("k", target, overwrite=False)
        with pytest.raises(FileExistsError):
            store.rename("k", target, overwrite=False)
    assert sorted(store.list()) == [("k", 5), ("l", 5)]


def test_a_put_over_another_version_fails(store: zarr_py.Objects) -> None:
    first = store.put("k", b"first")
    second = store.put("k", b"second", if_version=first)
    assert first != second and second.is_known and len({first, second, store.head("k").version}) == 2
    for _ in range(2):
        with pytest.raises(ConflictError):
            store.put("k", b"third", if_version=first)
    assert bytes(store.get("k", version=second)) == b"second"
    for read in (
        lambda: store.get("k", version=first),
        lambda: store.get_range("k", start=0, end=2, version=first),
        lambda: store.get_ranges("k", starts=[0, 4], ends=[2, 5], version=first),
    ):
        with pytest.raises(ChangedError):
            read()
    store.delete("k")
    with pytest.raises(ConflictError):
        store.put("k", b"third", if_version=second)
    with pytest.raises(ChangedError):
        store.get("k", version=second)
    assert list(store.list()) == []


def test_two_conditions_are_one_too_many(memory: zarr_py.Objects) -> None:
    version = memory.put("k", b"x")
    with pytest.raises(InvalidError, match="either if_absent or if_version"):
        memory.put("k", b"y", if_absent=True, if_version=version)
    with pytest.raises(TypeError):
        memory.put("k", b"y", if_absent="perhaps")  # type: ignore[arg-type]
    for use in (
        lambda: memory.put("k", b"y", if_version=str(version)),  # type: ignore[arg-type]
        lambda: memory.get("k", version=str(version)),  # type: ignore[arg-type]
        lambda: memory.get_range("k", start=0, end=1, version=str(version)),  # type: ignore[arg-type]
    ):
        with pytest.raises(TypeError, match="expected a version returned by put, head or get, got '"):
            use()
    assert bytes(memory.get("k")) == b"x"


@pytest.mark.parametrize("kind", ["memory", "local"])
def test_no_update_is_lost(kind: str, tmp_path: Path) -> None:
    store = zarr_py.objects(tmp_path if kind == "local" else f"memory://{uuid.uuid4()}")
    store.put("n", b"0")

    def add() -> None:
        while True:
            got = store.get("n")
            try:
                store.put("n", str(int(bytes(got)) + 1).encode(), if_version=got.version)
            except ConflictError:
                continue
            return

    with ThreadPoolExecutor(8) as threads:
        for done in [threads.submit(add) for _ in range(60)]:
            done.result()
    assert bytes(store.get("n")) == b"60"


# Copies.


def test_copies_and_moves(store: zarr_py.Objects) -> None:
    store.put("a", BYTES)
    store.put("b", b"old")
    store.copy("a", "b")
    store.copy("a", "deep/er/c")
    assert bytes(store.get("b")) == bytes(store.get("deep/er/c")) == BYTES
    store.put("a", b"new")
    assert bytes(store.get("b")) == BYTES
    store.rename("a", "b")
    assert bytes(store.get("b")) == b"new"
    for itself in (store.copy, store.rename):
        itself("b", "b")
        assert bytes(store.get("b")) == b"new"
        for source, target in (("a", "c"), ("a", "a"), ("a", "b")):
            with pytest.raises(NotFoundError, match="a: not found"):
                itself(source, target)
            with pytest.raises(FileNotFoundError):
                itself(source, "c", overwrite=False)
    assert sorted(store.list()) == [("b", 3), ("deep/er/c", len(BYTES))]


@pytest.mark.parametrize("key", ["sp ace/b", "ü/€", "a%20b/%2F", "q?x=1&y#z+~", "semi;colon/'quote'", 'double"quote', "x.zip|zip:y"])
def test_keys_are_copied_to_the_letter(store: zarr_py.Objects, key: str) -> None:
    store.put(key, BYTES)
    store.copy(key, "plain")
    store.copy("plain", f"copy of/{key}")
    store.rename(key, f"moved/{key}")
    expected = {"plain", f"copy of/{key}", f"moved/{key}"}
    assert {entry.key for entry in store.list()} == expected
    assert all(bytes(store.get(found)) == BYTES for found in expected)


def test_copies_through_a_store_of_python() -> None:
    stores = pytest.importorskip("obstore.store")
    store = zarr_py.objects(stores.MemoryStore())
    store.put("a", BYTES)
    store.copy("a", "b")
    store.rename("a", "c", overwrite=False)
    assert sorted(store.list()) == [("b", len(BYTES)), ("c", len(BYTES))] and bytes(store.get("c")) == BYTES
    assert store.head("c").version == store.get("c").version
    with pytest.raises(UnsupportedError, match="sign"):
        store.sign("c")


# Archives and web servers.


def test_an_archive_is_read_only(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("d/stored", BYTES)
        archive.writestr("d/deflated", BYTES, zipfile.ZIP_DEFLATED)
    store = zarr_py.objects(f"{tmp_path}/a.zip|zip:")
    assert sorted(store.list()) == [("d/deflated", len(BYTES)), ("d/stored", len(BYTES))]
    for key in ("d/stored", "d/deflated"):
        assert bytes(store.get(key)) == BYTES and store.head(key).size == len(BYTES)
        assert store.get_ranges(key, starts=[5, 900], lengths=[5, 50]) == [BYTES[5:10], BYTES[900:950]]
        assert bytes(store.get(key, version=store.head(key).version)) == BYTES
    for write in (
        lambda: store.put("k", b""),
        lambda: store.put("k", b"", if_absent=True),
        lambda: store.copy("d/stored", "k"),
        lambda: store.rename("d/stored", "k"),
        lambda: store.delete("d/stored"),
        lambda: store.sign("k", method="PUT"),
    ):
        with pytest.raises(ReadOnlyError):
            write()
    with pytest.raises(UnsupportedError):
        store.sign("d/stored")


def test_a_web_server_gets_the_requests_that_are_counted(tmp_path: Path) -> None:
    (tmp_path / "k").write_bytes(BYTES)
    with counting_server.serve(tmp_path) as server:
        store = zarr_py.objects(server.url)
        got = store.get("k", suffix=4)
        assert got.data == BYTES[-4:] and got.version.is_known
        assert server.take() == [("GET", "/k", "bytes=-4")]
        # Nearby ranges merge into one request.
        assert store.get_ranges("k", starts=[0, 100], lengths=[10, 10]) == [BYTES[:10], BYTES[100:110]]
        assert server.take() == [("GET", "/k", "bytes=0-109")]
        assert store.head("k") == ("k", len(BYTES), got.version)
        assert server.take() == [("HEAD", "/k", None)]
        # Equal locations share one client.
        assert zarr_py.objects(server.url + "/").get_range("k", start=1, length=1, version=got.version) == BYTES[1:2]
        counts = store.requests()
        assert (counts["gets"], counts["heads"]) == (3, 1)
        assert zarr_py.Store(server.url).requests() == counts
        (tmp_path / "k").write_bytes(BYTES[::-1])
        for read in (
            lambda: store.get("k", version=got.version),
            lambda: store.get_range("k", start=1, length=1, version=got.version),
        ):
            with pytest.raises(ChangedError):
                read()
        with pytest.raises(NotFoundError, match="none"):
            store.get("none")
        with pytest.raises(UnsupportedError):
            list(store.list())
        with pytest.raises(UnsupportedError):
            store.put("k", b"", if_absent=True)
        with pytest.raises(UnsupportedError, match="only S3, Google Cloud Storage and Azure"):
            store.sign("k")


def test_a_call_is_cancelled(tmp_path: Path) -> None:
    (tmp_path / "k").write_bytes(BYTES)

    async def cancelled(url: str) -> None:
        store = zarr_py.objects(url)
        for call in (store.get_async("k"), store.get_ranges_async("k", starts=[1], ends=[2]), store.head_async("k")):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(call, 0.1)

    with counting_server.serve(tmp_path, latency=5) as server:
        asyncio.run(cancelled(server.url))


def test_an_unknown_version_is_no_condition(bare_server: str, tmp_path: Path) -> None:
    (tmp_path / "k").write_bytes(b"0123")
    store = zarr_py.objects(bare_server)
    got = store.get("k")
    assert bytes(got) == b"0123" and not got.version.is_known and str(got.version) == "unknown"
    assert not store.head("k").version.is_known
    for use in (
        lambda: store.put("k", b"", if_version=got.version),
        lambda: store.get("k", version=got.version),
        lambda: store.get_range("k", start=0, end=1, version=got.version),
    ):
        with pytest.raises(UnsupportedError, match="reports no versions"):
            use()
    assert (tmp_path / "k").read_bytes() == b"0123"


def test_a_web_server_takes_objects(bare_server: str, tmp_path: Path) -> None:
    store = zarr_py.objects(bare_server)
    assert not store.put("k", BYTES).is_known
    store.copy("k", "l")
    store.rename("k", "m")
    store.delete("l")
    assert bytes(store.get("m")) == BYTES == (tmp_path / "m").read_bytes()
    assert store.get_ranges("m", starts=[5, 0], lengths=[5, 2]) == [BYTES[5:10], BYTES[:2]]
    assert [path.name for path in tmp_path.iterdir()] == ["m"]
    with pytest.raises(UnsupportedError):
        store.copy("m", "n", overwrite=False)
    with pytest.raises(NotFoundError):
        store.copy("k", "n")


# Signed URLs.


def test_urls_of_s3_are_signed(memory: zarr_py.Objects) -> None:
    store = zarr_py.objects("s3://bucket/some/prefix", **KEYS)
    for method, time, seconds in (("GET", 60, "60"), ("PUT", timedelta(minutes=2), "120"), ("DELETE", 1.5, "1")):
        parts = urllib.parse.urlsplit(store.sign("a b/ü", method=method, expires_in=time))  # type: ignore[arg-type]
        query = dict(urllib.parse.parse_qsl(parts.query))
        assert urllib.parse.unquote(parts.path) == "/bucket/some/prefix/a b/ü"
        assert query["X-Amz-Expires"] == seconds and query["X-Amz-Credential"].startswith("me/")
        assert "hidden" not in parts.geturl()
    assert len({store.sign("k", method=method).partition("Signature=")[2] for method in ("GET", "HEAD", "PUT")}) == 3
    assert store.requests() == memory.requests()
    for wrong in (0, -5, timedelta(days=8), float("nan")):
        with pytest.raises(InvalidError, match="expires_in"):
            store.sign("k", expires_in=wrong)
    with pytest.raises(InvalidError, match="GET, HEAD, PUT or DELETE"):
        store.sign("k", method="PATCH")  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        store.sign("k", expires_in="60")  # type: ignore[arg-type]
    with pytest.raises(InvalidError):
        store.sign("/k")
    reader = zarr_py.objects(store, read_only=True)
    assert reader.sign("k")
    with pytest.raises(ReadOnlyError):
        reader.sign("k", method="PUT")


async def test_urls_of_azure_are_signed() -> None:
    key = base64.b64encode(b"hidden").decode()
    store = zarr_py.objects("az://container/p", account_name="me", account_key=key)
    parts = urllib.parse.urlsplit(await store.sign_async("k", expires_in=60))
    assert parts.path == "/container/p/k" and "sig=" in parts.query and key not in parts.query
    store = zarr_py.objects("az://container", account_name="me", sas_token="sv=2020&sig=abc")
    with pytest.raises(UnsupportedError, match="account key"):
        store.sign("k")


def test_urls_of_google_are_signed(tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("openssl, which makes the key of a service account, is not installed")
    private = subprocess.run(["openssl", "genpkey", "-algorithm", "RSA"], capture_output=True, text=True, check=True).stdout
    account = {"private_key": private, "private_key_id": "1", "client_email": "me@lab"}
    store = zarr_py.objects("gs://bucket/p", service_account_key=json.dumps(account))
    parts = urllib.parse.urlsplit(store.sign("k", expires_in=60))
    assert parts.path == "/bucket/p/k" and "X-Goog-Signature=" in parts.query


@pytest.mark.parametrize("url", ["s3://bucket", "gs://bucket", "az://container"])
def test_a_store_without_credentials_does_not_sign(url: str) -> None:
    options = {"account_name": "me"} if url.startswith("az") else {}
    store = zarr_py.objects(url, skip_signature=True, **options)
    with pytest.raises(UnsupportedError, match="skip_signature"):
        store.sign("k")


def test_memory_and_files_do_not_sign(memory: zarr_py.Objects, tmp_path: Path) -> None:
    for store in (memory, zarr_py.objects(tmp_path)):
        with pytest.raises(NotImplementedError, match="only S3, Google Cloud Storage and Azure"):
            store.sign("k")


@pytest.mark.parametrize("name", ["moto", "seaweedfs"])
def test_signed_urls_open_what_they_are_for(name: str, servers: Any, tmp_path: Path) -> None:
    place = location_of(name, servers, tmp_path)
    store = zarr_py.objects(place.url, **place.options)
    # By default urllib announces a form, for which moto waits forever.
    kind = {"Content-Type": "application/octet-stream"}
    put = urllib.request.Request(store.sign("a b", method="PUT", expires_in=60), data=BYTES, headers=kind, method="PUT")
    urllib.request.urlopen(put, timeout=30).close()
    assert bytes(store.get("a b")) == BYTES
    with urllib.request.urlopen(store.sign("a b", expires_in=timedelta(seconds=60))) as answer:
        assert answer.read() == BYTES


# Arguments.


def test_keys_and_prefixes_are_checked(store: zarr_py.Objects) -> None:
    store.put("k", b"x")
    for key in ("", "/a", "a/", "a//b", "a/../b", "."):
        for use in (
            lambda key=key: store.get(key),
            lambda key=key: store.get_range(key, start=0, end=1),
            lambda key=key: store.head(key),
            lambda key=key: store.put(key, b""),
            lambda key=key: store.copy("k", key),
            lambda key=key: store.rename(key, "k"),
            lambda key=key: store.delete(["k", key]),
        ):
            with pytest.raises(InvalidError, match="invalid key"):
                use()
    for prefix in ("/a", "a//b", ".."):
        with pytest.raises(InvalidError):
            list(store.list(prefix))
        with pytest.raises(InvalidError):
            store.list_dir(prefix)
    for wrong in (None, 5, b"k"):
        for method in (store.get, store.head, store.delete, store.list, store.list_dir):
            with pytest.raises(TypeError):
                method(wrong)  # type: ignore[operator]
    assert bytes(store.get("k")) == b"x"


def test_what_is_absent_is_not_found(store: zarr_py.Objects) -> None:
    for read in (
        lambda: store.get("d/k"),
        lambda: store.get("d/k", suffix=3),
        lambda: store.get_range("d/k", start=0, end=1),
        lambda: store.head("d/k"),
    ):
        with pytest.raises(NotFoundError, match="d/k"):
            read()


def test_a_store_for_reading_refuses_writes(tmp_path: Path) -> None:
    zarr_py.objects(tmp_path).put("k", b"x")
    store = zarr_py.objects(tmp_path, read_only=True)
    assert bytes(store.get("k")) == b"x" and store.read_only and "read_only=True" in repr(store)
    for write in (
        lambda: store.put("k", b""),
        lambda: store.copy("k", "l"),
        lambda: store.rename("k", "l"),
        lambda: store.delete("k"),
        lambda: asyncio.run(store.put_async("k", b"")),
        lambda: pickle.loads(pickle.dumps(store)).delete("k"),
    ):
        with pytest.raises(ReadOnlyError):
            write()
    assert list(store.list()) == [("k", 1)]


def test_options_and_stores_are_those_of_everything_else(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="objects: unknown option \"regoin\".*region"):
        zarr_py.objects("s3://b", regoin="x")  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        zarr_py.objects(None)
    secret = zarr_py.objects("s3://b/p", **KEYS)
    assert repr(secret) == "zarr_py.objects('s3://b/p')" and "hidden" not in str(vars(type(secret))) + repr(secret)
    assert b"hidden" not in pickle.dumps(secret)
    assert secret._native is zarr_py.Store("s3://b/p", **KEYS)._native
    array = zarr_py.create_array(tmp_path, "x", shape=(4,), chunks=(2,), dtype="u1")
    array[...] = [1, 2, 3, 4]
    store = zarr_py.objects(zarr_py.Store(tmp_path, read_only=True))
    assert store.read_only and store.location == str(tmp_path)
    assert store.list_dir("x") == (["x/zarr.json"], ["x/c"])
    assert int(zarr_py.open_array(zarr_py.objects(tmp_path), "x", mode="r")[3]) == 4


def test_pickles_find_the_store_again(tmp_path: Path, memory: zarr_py.Objects) -> None:
    for store in (zarr_py.objects(tmp_path), memory):
        store.put("k", b"x")
        assert bytes(pickle.loads(pickle.dumps(store)).get("k")) == b"x"


def test_nothing_of_zarr_and_numpy_is_needed(tmp_path: Path) -> None:
    script = """
import sys
sys.modules.update(dict.fromkeys(("zarr", "numpy", "obstore")))
import asyncio, zarr_py
store = zarr_py.objects(sys.argv[1])
version = store.put("k", b"0123", if_absent=True)
asyncio.run(store.put_async("k", b"4567", if_version=version))
print(bytes(store.get("k")), store.get_range("k", start=1, length=2).tobytes(), *store.list())
"""
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.stdout == "b'4567' b'56' Entry(key='k', size=4)\n", done.stderr


def test_a_listing_may_be_left(tmp_path: Path) -> None:
    for number in range(2500):
        (tmp_path / f"{number}").touch()
    store = zarr_py.objects(tmp_path)
    entries = store.list()
    assert next(entries).size == 0
    entries.close()  # type: ignore[attr-defined]
    assert sum(1 for _ in store.list()) == 2500


@pytest.mark.skipif(not PAGE.exists(), reason="the page is not a part of the sdist")
def test_examples() -> None:
    failed, tried = doctest.testfile(str(PAGE), module_relative=False, optionflags=doctest.ELLIPSIS)
    assert tried > 20 and failed == 0
