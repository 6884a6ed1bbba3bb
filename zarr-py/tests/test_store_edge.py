"""Store behaviour that zarr-python's tests do not cover."""

import asyncio
import datetime
import gc
import html
import os
import pickle
import signal
import subprocess
import sys
import textwrap
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import obstore
import pytest
import zarr
import zarr_py
from real_servers import servers
from zarr.abc.store import OffsetByteRequest, RangeByteRequest, SuffixByteRequest
from zarr.core.buffer import BufferPrototype, cpu, default_buffer_prototype
from zarr.storage import LocalStore, ObjectStore
from zarr_py import errors
from zarr_py._store import native_of

__all__ = ["servers"]

PROTOTYPE = default_buffer_prototype()
DATA = bytes(range(256)) * 64


def buffer(data: bytes) -> cpu.Buffer:
    return cpu.Buffer.from_bytes(data)


@pytest.fixture(params=["memory", "local", "called"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> zarr_py.Store:
    if request.param == "memory":
        return zarr_py.Store.memory()
    if request.param == "local":
        return zarr_py.Store(tmp_path / "store")
    return zarr_py.Store(obstore.store.MemoryStore())


async def listed(names: Any) -> list[str]:
    return sorted([name async for name in names])


# Values.


@pytest.mark.parametrize("size", [5, 4096, 3 << 20])
async def test_nobody_sees_what_the_caller_does_with_its_memory(store: zarr_py.Store, size: int) -> None:
    array = np.zeros(size, "B")
    await store.set("a", cpu.Buffer.from_array_like(array))
    store.set_sync("b", cpu.Buffer.from_array_like(array))
    await store.set_if_not_exists("c", cpu.Buffer.from_array_like(array))
    array[:] = 1
    for key in "abc":
        found = await store.get(key, PROTOTYPE)
        assert found is not None and not found.as_numpy_array().any()


async def test_values_that_are_no_buffers_are_refused(store: zarr_py.Store) -> None:
    for put in (store.set, store.set_if_not_exists):
        with pytest.raises(TypeError, match="must be a Buffer instance"):
            await put("a", b"bytes")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="must be a Buffer instance"):
        store.set_sync("a", b"bytes")  # type: ignore[arg-type]


async def test_values_with_gaps_are_stored_whole(store: zarr_py.Store) -> None:
    await store.set("a", cpu.Buffer(np.arange(10, dtype="B")[::2]))
    found = await store.get("a", PROTOTYPE)
    assert found is not None and found.to_bytes() == bytes(range(0, 10, 2))


async def test_a_read_is_not_copied_into_a_prototype(store: zarr_py.Store) -> None:
    seen: list[Any] = []

    class Other(cpu.Buffer):
        @classmethod
        def from_bytes(cls, bytes_like: Any) -> "Other":
            seen.append(bytes_like)
            return cls.from_array_like(np.array(memoryview(bytes_like)))

    await store.set("a", buffer(DATA))
    prototype = BufferPrototype(buffer=Other, nd_buffer=PROTOTYPE.nd_buffer)
    assert type(await store.get("a", prototype)) is Other
    assert type(store.get_sync("a", prototype=prototype)) is Other
    [found] = await store.get_partial_values(prototype, [("a", SuffixByteRequest(3))])
    assert type(found) is Other and found.to_bytes() == DATA[-3:]
    view = memoryview(seen[0])
    assert view.readonly and view == DATA
    first, again = (np.frombuffer(seen[0], "B") for _ in range(2))
    assert np.shares_memory(first, again)


# Keys and ranges.


@pytest.mark.parametrize(
    "key", ["a~b[0]", "100%", "%7E", "a#b", "a#1", "c d", "...", "é", "é", "a\\b", "😀", "?x=1", "a+b", "a&b=c", "a:b", "<x>"])
async def test_odd_keys_stay_as_they_are(store: zarr_py.Store, key: str) -> None:
    if key == "a#1" and store.url.startswith("file:"):
        with pytest.raises(ValueError, match="writes in progress"):
            await store.set(key, buffer(b"x"))
        return
    path = f"x/{key}/y"
    await store.set(path, buffer(b"value"))
    found = await store.get(path, PROTOTYPE)
    assert found is not None and found.to_bytes() == b"value"
    assert await listed(store.list()) == [path]
    assert await listed(store.list_dir("x")) == [key]
    assert await listed(store.list_prefix(f"x/{key}/")) == [path]
    await store.delete(path)
    assert not await store.exists(path)


@pytest.mark.parametrize("key", ["", "/a", "a/", "a//b", "../a", "a/./b", "a\0b"])
async def test_keys_that_are_none_are_errors(store: zarr_py.Store, key: str) -> None:
    for call in (store.get(key, PROTOTYPE), store.set(key, buffer(b"")), store.delete(key), store.exists(key)):
        with pytest.raises(errors.InvalidError, match="invalid key"):
            await call


async def test_ranges_are_clamped_as_slices_are(store: zarr_py.Store) -> None:
    await store.set("a", buffer(DATA))
    n = len(DATA)
    requests = [
        (None, DATA),
        (RangeByteRequest(0, 0), b""),
        (RangeByteRequest(7, 7), b""),
        (RangeByteRequest(9, 3), b""),
        (RangeByteRequest(1, n + 5), DATA[1:]),
        (RangeByteRequest(n, n + 1), b""),
        (RangeByteRequest(n + 7, n + 9), b""),
        (OffsetByteRequest(n - 2), DATA[-2:]),
        (OffsetByteRequest(n), b""),
        (OffsetByteRequest(n + 3), b""),
        (SuffixByteRequest(0), b""),
        (SuffixByteRequest(3), DATA[-3:]),
        (SuffixByteRequest(n + 3), DATA),
    ]
    many = await store.get_partial_values(PROTOTYPE, (("a", request) for request, _ in requests * 2))
    for (request, expected), found in zip(requests * 2, many, strict=True):
        assert found is not None and found.to_bytes() == expected, request
        one = await store.get("a", PROTOTYPE, request)
        assert one is not None and one.to_bytes() == expected, request
        assert (await store.get("missing", PROTOTYPE, request)) is None
    for wrong in (RangeByteRequest(-1, 3), (0, 2), SuffixByteRequest(-1), "all"):
        with pytest.raises(ValueError, match="Unexpected byte_range, got"):
            await store.get("a", PROTOTYPE, wrong)  # type: ignore[arg-type]


async def test_partial_values_of_many_keys(store: zarr_py.Store) -> None:
    for at in range(5):
        await store.set(f"k/{at}", buffer(bytes([at]) * 10))
    wanted = [("k/3", None), ("missing", None), ("k/1", RangeByteRequest(2, 4)), ("k/3", None), ("k", SuffixByteRequest(1))]
    if store.url.startswith("file:"):
        wanted.pop()
    found = await store.get_partial_values(PROTOTYPE, iter(wanted))
    values = [None if value is None else value.to_bytes() for value in found]
    assert values == [b"\3" * 10, None, b"\1\1", b"\3" * 10, None][: len(wanted)]
    assert await store.get_partial_values(PROTOTYPE, []) == []


@pytest.mark.parametrize("size", [1000, 4 << 20])
async def test_get_ranges_merges_by_gap_and_size(store: zarr_py.Store, size: int) -> None:
    data = np.random.default_rng(0).bytes(size)
    await store.set("a", buffer(data))
    if not store._supports_sync_io:
        before = store.requests()["gets"]
    ranges = [RangeByteRequest(10 * at, 10 * at + 5) for at in range(20)]
    wanted = [ranges[7], None, *ranges, SuffixByteRequest(4), RangeByteRequest(size - 2, size + 9)]
    limits = {"max_gap_bytes": 5, "max_coalesced_bytes": 95}
    found = {}
    batches = [batch async for batch in store.get_ranges("a", wanted, prototype=PROTOTYPE, **limits)]
    for index, part in (answer for batch in batches for answer in batch):
        assert index not in found and part is not None
        found[index] = part.to_bytes()
    # Two merged groups of ten, and the range at the end alone; two unbounded ranges stand alone.
    assert len(batches) == 2 + 1 + 2
    if not store._supports_sync_io:
        assert store.requests()["gets"] - before == len(batches)
    expected = [data[r.start:r.end] for r in (wanted[0], *ranges)]
    assert [found[0], *(found[at + 2] for at in range(20))] == expected
    assert (found[1], found[22], found[23]) == (data, data[-4:], data[-2:])
    same = store.get_ranges_sync("a", wanted, prototype=PROTOTYPE, **limits)
    assert {index: part.to_bytes() for index, part in same if part is not None} == found


async def test_get_ranges_of_what_is_not_there(store: zarr_py.Store) -> None:
    with pytest.raises(BaseExceptionGroup) as raised:
        async for _ in store.get_ranges("missing", [RangeByteRequest(0, 4), None], prototype=PROTOTYPE):
            pass
    assert [type(error) for error in raised.value.exceptions] == [errors.NotFoundError]
    assert raised.value.subgroup(FileNotFoundError) is not None
    with pytest.raises(BaseExceptionGroup) as raised:
        store.get_ranges_sync("missing", [RangeByteRequest(0, 4)], prototype=PROTOTYPE)
    assert raised.value.subgroup(FileNotFoundError) is not None
    assert [batch async for batch in store.get_ranges("missing", [], prototype=PROTOTYPE)] == []


async def test_get_ranges_can_be_closed(store: zarr_py.Store) -> None:
    await store.set("a", buffer(bytes(1 << 20)))
    ranges = [RangeByteRequest(at << 10, (at << 10) + 8) for at in range(1000)]
    found = store.get_ranges("a", ranges, prototype=PROTOTYPE, max_gap_bytes=0, max_concurrency=2)
    assert len(await anext(found)) == 1
    await found.aclose()  # type: ignore[attr-defined]
    await asyncio.sleep(0.1)
    before = store.requests()
    await asyncio.sleep(0.1)
    assert store.requests() == before


# Listings and sizes.


async def test_prefixes_are_texts_in_listings_and_directories_elsewhere(store: zarr_py.Store) -> None:
    for key in ("foo/a", "foo/b/c", "foo-bar/a", "fob", "x/foo/a", "x/foo2"):
        await store.set(key, buffer(b"1234"))
    assert await listed(store.list_prefix("fo")) == ["fob", "foo-bar/a", "foo/a", "foo/b/c"]
    assert await listed(store.list_prefix("foo")) == ["foo-bar/a", "foo/a", "foo/b/c"]
    assert await listed(store.list_prefix("foo/")) == ["foo/a", "foo/b/c"]
    assert await listed(store.list_prefix("x/foo")) == ["x/foo/a", "x/foo2"]
    assert await listed(store.list_prefix("nothing")) == []
    assert await listed(store.list_dir("foo/")) == await listed(store.list_dir("foo")) == ["a", "b"]
    assert await listed(store.list_dir("")) == ["fob", "foo", "foo-bar", "x"]
    assert await store.getsize_prefix("foo") == 8
    assert await store.getsize_prefix("") == 24
    assert await store.getsize("fob") == 4
    assert await store.is_empty("fo") and not await store.is_empty("foo")
    assert not await store.exists("foo")
    with pytest.raises(FileNotFoundError, match="foo"):
        await store.getsize("foo")
    await store.delete_dir("foo")
    assert await listed(store.list()) == ["fob", "foo-bar/a", "x/foo/a", "x/foo2"]
    await store.delete_dir("nothing")
    await store.clear()
    assert await listed(store.list()) == []


def test_listings_are_made_without_a_loop(store: zarr_py.Store) -> None:
    store.set_sync("a/b", buffer(b""))
    before = store.requests()["lists"]
    lists = [store.list(), store.list_prefix("a"), store.list_dir("a")]
    assert store.requests()["lists"] == before
    assert [asyncio.run(listed(names)) for names in lists] == [["a/b"], ["a/b"], ["b"]]


async def test_is_empty_asks_for_no_more_than_one_key(tmp_path: Path) -> None:
    store = zarr_py.Store(tmp_path)
    assert await store.is_empty("") and store.requests()["lists"] == 1


# Identity.


def test_equality(tmp_path: Path) -> None:
    assert zarr_py.Store(tmp_path) == zarr_py.Store(str(tmp_path)) == zarr_py.Store.from_url(tmp_path)
    assert zarr_py.Store(tmp_path) != zarr_py.Store(tmp_path, read_only=True)
    assert zarr_py.Store(tmp_path) != zarr_py.Store(tmp_path / "a")
    assert zarr_py.Store.memory() != zarr_py.Store.memory()
    named = zarr_py.Store.memory("equality")
    assert named == zarr_py.Store("memory://equality")
    named.set_sync("a", buffer(b"x"))
    assert zarr_py.Store("memory://equality").get_sync("a") is not None
    below = zarr_py.Store("memory://equality/deep")
    below.set_sync("b", buffer(b"y"))
    assert below != named and named.get_sync("deep/b") is not None
    s3 = {"region": "eu-west-1", "access_key_id": "x", "secret_access_key": "y"}
    assert zarr_py.Store("s3://b/p", **s3) == zarr_py.Store("s3://b/p", config=s3)  # type: ignore[arg-type]
    assert zarr_py.Store("s3://b/p", **s3) != zarr_py.Store("s3://b/q", **s3)  # type: ignore[arg-type]


async def test_with_read_only_shares_everything(store: zarr_py.Store) -> None:
    await store.set("a", buffer(b"x"))
    reader = store.with_read_only(read_only=True)
    assert reader.read_only and not reader._is_open and not store.read_only
    assert reader._native is store._native
    match = "store was opened in read-only mode and does not support writing"
    for call in (
        reader.set("a", buffer(b"")), reader.set_if_not_exists("b", buffer(b"")), reader.delete("a"),
        reader.delete_dir("a"), reader.clear()):
        with pytest.raises(ValueError, match=match):
            await call
    for sync_call in (lambda: reader.set_sync("a", buffer(b"")), lambda: reader.delete_sync("a")):
        with pytest.raises(ValueError, match=match):
            sync_call()
    assert await store.exists("a")


def test_a_store_is_one_for_zarr(store: zarr_py.Store) -> None:
    array = zarr.create_array(store, name="a/b", shape=(100, 100), chunks=(10, 10), shards=(50, 50), dtype="i4")
    expected = np.arange(10000, dtype="i4").reshape(100, 100)
    array[:] = expected
    again = zarr.open_array(store, path="a/b", mode="r")
    assert np.array_equal(again[3:77, 5:9], expected[3:77, 5:9])
    assert list(zarr.open_group(store, path="a").members()) == [("b", array)]
    assert zarr_py.Store.__module__ == "zarr_py" and repr(zarr_py.Store) == "<class 'zarr_py.Store'>"


def test_arguments_that_are_no_stores() -> None:
    for wrong in (None, 3, b"path", object()):
        with pytest.raises(TypeError, match="expected a URL"):
            zarr_py.Store(wrong)
    with pytest.raises(ValueError, match="unknown scheme"):
        zarr_py.Store("gopher://host/x")
    with pytest.raises(errors.InvalidError, match="unknown option \"regoin\""):
        zarr_py.Store("s3://b", regoin="x")
    with pytest.raises(ValueError, match="no options"):
        zarr_py.Store("memory:", region="x")


def test_what_a_store_supports(tmp_path: Path) -> None:
    local, web = zarr_py.Store(tmp_path), zarr_py.Store("https://host/x")
    archive = zarr_py.Store(f"{tmp_path}/a.zip|zip:")
    assert local.supports_writes and local.supports_deletes and local.supports_listing and local._supports_sync_io
    assert not web.supports_listing and not web._supports_sync_io
    assert archive.supports_listing and not archive.supports_writes and not archive.supports_deletes


def test_obstore_stores_are_made_again() -> None:
    config = {"region": "eu-west-1", "skip_signature": True, "endpoint": "http://localhost:1"}
    s3 = obstore.store.S3Store("bucket", prefix="a b/%7E", config=config, client_options={"timeout": "3s", "allow_http": True},
                               retry_config={"max_retries": 2, "retry_timeout": datetime.timedelta(seconds=4)})
    store = zarr_py.Store(s3)
    assert store.url == "s3://bucket/a b/%7E"
    options = dict(store._origin.options)
    assert options.items() >= {"region": "eu-west-1", "skip_signature": "true", "timeout": "3s", "max_retries": "2"}.items()
    assert options["retry_timeout"] == "4000000us"
    for other, url in (
        (obstore.store.GCSStore("bucket", skip_signature=True), "gs://bucket"),
        (obstore.store.AzureStore("container", account_name="me", skip_signature=True), "az://container"),
        (obstore.store.HTTPStore("https://host/x?y=z"), "https://host/x"),
    ):
        assert zarr_py.Store(other).url == url


def test_native_of(tmp_path: Path) -> None:
    class Other(LocalStore):
        pass

    local = LocalStore(tmp_path)
    native = native_of(local)
    assert native is not None and native is native_of(LocalStore(str(tmp_path)))
    assert native_of(Other(tmp_path)) is None
    ours = zarr_py.Store(tmp_path)
    assert native_of(ours) is ours._native
    rebuilt = native_of(ObjectStore(obstore.store.LocalStore(tmp_path)))
    assert rebuilt is not None and rebuilt.location == str(tmp_path)
    called = ObjectStore(obstore.store.MemoryStore())
    found = native_of(called)
    assert found is not None and found is native_of(called)
    obstore.put(called.store, "a", b"x")
    assert found.get_sync("a") is not None
    assert native_of(zarr.storage.MemoryStore()) is None


# Secrets.

SECRETS = {"access_key_id": "HIDDENid", "secret_access_key": "HIDDENkey", "session_token": "HIDDENtoken"}


def test_no_secret_is_shown_or_pickled() -> None:
    url = "s3://bucket/prefix"
    stores = [
        zarr_py.Store(url, region="eu-west-1", **SECRETS),
        zarr_py.Store(obstore.store.S3Store("bucket", prefix="prefix", region="eu-west-1", config=SECRETS)),
        zarr_py.Store("https://HIDDENuser:HIDDENpass@host/path?sig=HIDDEN"),
    ]
    for store in stores:
        for text in (repr(store), str(store), store._repr_html_(), repr(store._native), store.url, repr(pickle.dumps(store))):
            assert "HIDDEN" not in text
    assert stores[0] == stores[1] == pickle.loads(pickle.dumps(stores[0]))
    assert repr(stores[0]) == "zarr_py.Store('s3://bucket/prefix')"
    keeping = zarr_py.Store(url, region="eu-west-1", pickle_secrets=True, **SECRETS)
    again = pickle.loads(pickle.dumps(keeping))
    assert again == keeping and dict(again._origin.options).items() >= SECRETS.items()
    assert again._origin.pickle_secrets


def test_html_is_escaped(tmp_path: Path) -> None:
    store = zarr_py.Store(tmp_path / "<b>&")
    assert html.escape(store.url) in store._repr_html_() and "<b>" not in store._repr_html_()


async def test_errors_hold_no_secrets(closed_port: int) -> None:
    options = {"allow_http": True, "region": "x", "retry_config": {"max_retries": 0}, **SECRETS}
    store = zarr_py.Store("s3://bucket", endpoint=f"http://127.0.0.1:{closed_port}", **options)
    with pytest.raises(errors.StoreError) as raised:
        await store.get("a/b", PROTOTYPE)
    assert "HIDDEN" not in str(raised.value) and "s3://bucket/a/b" in str(raised.value)
    with pytest.raises(errors.InvalidError, match="option endpoint contains a user") as refused:
        await zarr_py.Store("s3://bucket", endpoint=f"http://u:HIDDEN@127.0.0.1:{closed_port}", **options).get("a/b", PROTOTYPE)
    assert "HIDDEN" not in str(refused.value)


def test_memory_is_unpickled_where_it_is() -> None:
    store = zarr_py.Store.memory()
    store.set_sync("a", buffer(b"x"))
    data = pickle.dumps(store)
    assert pickle.loads(data) == store and pickle.loads(data).get_sync("a") is not None
    code = f"import pickle; store = pickle.loads({data!r}); print(repr(store)); store.get_sync('a')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1 and "only in its own process" in done.stderr
    del store
    gc.collect()
    with pytest.raises(ValueError, match="only in its own process"):
        pickle.loads(data).get_sync("a")


# Options.


@pytest.fixture
def closed_port() -> int:
    import socket

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class Silent:
    """A server that accepts requests and never responds, or responds with `answer(head)`."""

    def __init__(self, answer: Any = None) -> None:
        import socket

        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.heads: list[str] = []
        self.answer = answer
        threading.Thread(target=self.run, daemon=True).start()

    def run(self) -> None:
        kept = []
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            kept.append(connection)
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection: Any) -> None:
        data = b""
        while b"\r\n\r\n" not in data:
            more = connection.recv(4096)
            if not more:
                return
            data += more
        self.heads.append(data.decode())
        if self.answer is not None:
            connection.sendall(self.answer(data.decode()))
            connection.close()


async def test_a_deadline_is_a_timeout_error() -> None:
    store = zarr_py.Store(Silent().url, client_options={"timeout": 0.3}, retry_config={"max_retries": 0})
    start = time.monotonic()
    with pytest.raises(TimeoutError, match="/a"):
        await store.get("a", PROTOTYPE)
    with pytest.raises(errors.TimedOutError):
        store.get_sync("a")
    assert time.monotonic() - start < 10


def status(code: int) -> Any:
    return lambda head: f"HTTP/1.1 {code} no\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()


async def test_a_refusal_is_a_permission_error_or_missing() -> None:
    server = Silent(status(403))
    with pytest.raises(PermissionError, match="/a"):
        await zarr_py.Store(server.url).get("a", PROTOTYPE)
    assert await zarr_py.Store(server.url, missing_on_forbidden=True).get("a", PROTOTYPE) is None


async def test_credentials_are_asked_for() -> None:
    asked = []

    def provider() -> dict[str, Any]:
        asked.append(threading.get_ident())
        soon = datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=1)
        return {"access_key_id": "PROVIDED", "secret_access_key": "y", "token": None, "expires_at": soon}

    async def later() -> dict[str, Any]:
        await asyncio.sleep(0)
        return provider()

    for function in (provider, later):
        asked.clear()
        server = Silent(status(404))
        store = zarr_py.Store("s3://bucket", endpoint=server.url, allow_http=True, region="x", credential_provider=function)
        assert await store.get("a", PROTOTYPE) is None
        assert await store.get("b", PROTOTYPE) is None
        assert len(asked) == 1
        assert all("Credential=PROVIDED/" in head for head in server.heads) and len(server.heads) == 2

    def failing() -> dict[str, Any]:
        raise RuntimeError("no login")

    store = zarr_py.Store("s3://bucket", region="x", credential_provider=failing)
    with pytest.raises(errors.StoreError, match="no login"):
        await store.get("a", PROTOTYPE)
    with pytest.raises(ValueError, match="no credentials"):
        zarr_py.Store("/tmp", credential_provider=failing)


# Loops, threads, processes.


def test_many_loops_and_threads(store: zarr_py.Store) -> None:
    failed: list[BaseException] = []

    def work(at: int) -> None:
        async def calls() -> None:
            await asyncio.gather(*(store.set(f"{at}/{n}", buffer(f"{at} {n}".encode())) for n in range(20)))
            for n in range(20):
                found = await store.get(f"{at}/{n}", PROTOTYPE)
                assert found is not None and found.to_bytes() == f"{at} {n}".encode()
            assert len(await listed(store.list_dir(str(at)))) == 20

        try:
            for _ in range(3):
                asyncio.run(calls())
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(at,)) for at in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not failed and not any(thread.is_alive() for thread in threads)


async def test_a_cancelled_read_ends() -> None:
    server = Silent()
    store = zarr_py.Store(server.url)
    task = asyncio.create_task(store.get("a", PROTOTYPE))  # type: ignore[arg-type]
    while not server.heads:
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(store.get("b", PROTOTYPE), 0.2)


def test_ctrl_c_ends_a_blocking_read() -> None:
    store = zarr_py.Store(Silent().url)
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        store.get_sync("a")
    assert time.monotonic() - start < 10


def in_child(work: Any, seconds: float = 20) -> None:
    """Runs work in a forked child."""
    child = os.fork()
    if child == 0:
        try:
            work()
            os._exit(0)
        except BaseException:
            import traceback

            traceback.print_exc()
            os._exit(1)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        done, code = os.waitpid(child, os.WNOHANG)
        if done:
            assert os.waitstatus_to_exitcode(code) == 0
            return
        time.sleep(0.02)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    pytest.fail("the child hangs")


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nLast-Modified: Mon, 01 Jan 2024 00:00:00 GMT\r\nConnection: close\r\n\r\nabcd"


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
@pytest.mark.parametrize("kind", ["memory", "local", "http", "moto"])
def test_a_forked_child_goes_on(kind: str, tmp_path: Path, servers: Callable[[str], Any]) -> None:
    if kind == "moto":
        server = servers(kind)
        store = zarr_py.Store(f"{server['url']}/{uuid.uuid4()}", config=server["options"])
    else:
        places = {"memory": "memory:", "local": str(tmp_path), "http": Silent(lambda head: OK).url}
        store = zarr_py.Store(places[kind])
    if kind != "http":
        store.set_sync("k/a", buffer(b"abcd"))

    async def calls() -> None:
        found = await store.get("k/a", PROTOTYPE)
        assert found is not None and found.to_bytes() == b"abcd"
        if kind != "http":
            await store.set("k/b", buffer(bytes(2 << 20)))
            assert await listed(store.list_dir("k")) == ["a", "b"]
            async for _ in store.get_ranges("k/b", [RangeByteRequest(0, 1 << 20), None], prototype=PROTOTYPE):
                pass
        again = store.get_sync("k/a")
        assert again is not None and again.to_bytes() == b"abcd"

    asyncio.run(calls())
    for _ in range(3):
        in_child(lambda: asyncio.run(calls()))
    asyncio.run(calls())


def test_a_spawned_process_opens_the_same_store(tmp_path: Path) -> None:
    store = zarr_py.Store(tmp_path)
    store.set_sync("a", buffer(b"x"))
    code = f"import pickle; assert pickle.loads({pickle.dumps(store)!r}).get_sync('a').to_bytes() == b'x'"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


def test_failing_reads_leak_nothing(tmp_path: Path, closed_port: int) -> None:
    remote = zarr_py.Store(
        f"http://127.0.0.1:{closed_port}", retry_config={"max_retries": 0}, client_options={"timeout": "5s"})
    local = zarr_py.Store(tmp_path)
    os.mkfifo(tmp_path / "d")

    async def fail() -> None:
        for _ in range(100):
            with pytest.raises(errors.StoreError):
                await remote.get("a", PROTOTYPE)
            with pytest.raises(errors.ObstructedError):
                await local.get("d", PROTOTYPE)

    asyncio.run(fail())
    files, threads = open_files(), threading.active_count()
    asyncio.run(fail())
    assert abs(open_files() - files) <= 2 and threading.active_count() == threads


def test_the_interpreter_ends_after_a_timeout() -> None:
    code = textwrap.dedent("""
        import asyncio, time, zarr_py
        from zarr.core.buffer import default_buffer_prototype
        store = zarr_py.Store(URL, client_options={"timeout": "300ms"}, retry_config={"max_retries": 0})
        pending = zarr_py.Store(URL)
        async def calls():
            task = asyncio.create_task(pending.get("b", default_buffer_prototype()))
            try:
                await store.get("a", default_buffer_prototype())
            except TimeoutError:
                print(time.time())
        asyncio.run(calls())
    """).replace("URL", repr(Silent().url))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert time.time() - float(done.stdout) < 10


def test_other_threads_run_while_a_call_waits(tmp_path: Path) -> None:
    """The call waits for a file lock of another thread, which must be able to release it."""
    script = """
        import fcntl, sys, threading, time
        import zarr_py
        from zarr.core.buffer import cpu

        folder = sys.argv[1]
        store = zarr_py.Store(folder)
        held = open(f"{folder}/a#0", "w")
        fcntl.flock(held, fcntl.LOCK_EX)

        def let_go():
            time.sleep(0.3)
            print("let go", flush=True)
            held.close()

        threading.Thread(target=let_go).start()
        store.set_sync("a", cpu.Buffer.from_bytes(b"new"))
        print("stored", flush=True)
    """
    command = [sys.executable, "-c", textwrap.dedent(script), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert (done.stdout.split("\n"), done.stderr) == (["let go", "stored", ""], "")
    assert (tmp_path / "a").read_bytes() == b"new"
