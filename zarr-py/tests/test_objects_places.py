"""`zarr_py.objects` in archives and on web servers, and signed URLs."""

import asyncio
import base64
import json
import shutil
import subprocess
import urllib.parse
import urllib.request
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import counting_server
import pytest
import zarr_py
from conftest import location_of
from objects_cases import BYTES, KEYS, bare_server, memory, store
from zarr_py.errors import ChangedError, InvalidError, NotFoundError, ReadOnlyError, UnsupportedError

__all__ = ["bare_server", "memory", "store"]

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
