"""What a store is, shows, refuses and takes as options."""

import asyncio
import datetime
import gc
import html
import pickle
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import obstore
import pytest
import zarr
import zarr_py
from store_cases import PROTOTYPE, Silent, buffer, closed_port, store
from zarr.storage import LocalStore, ObjectStore
from zarr_py import errors
from zarr_py._pipeline_bind import native_of

__all__ = ["closed_port", "store"]

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
