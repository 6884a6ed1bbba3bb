"""Servers, credentials and options seen in the wild."""

import asyncio
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr_py
from wild_cases import FEW, KEYS, PROTOTYPE, encoded, of_unknown_size, plain, refused, serve
from zarr_py.errors import InvalidError, PermissionDeniedError

__all__ = ["serve"]


@pytest.mark.parametrize("answer", [plain, encoded, of_unknown_size])
@pytest.mark.parametrize("shards", [None, (8,)])
def test_arrays_are_read_whatever_the_answers_look_like(tmp_path: Path, serve: Any, answer: Any, shards: Any) -> None:
    zarr_py.create_array(tmp_path, "a", shape=(20,), chunks=(4,), shards=shards, dtype="i4")[:] = np.arange(20)
    url, _ = serve(answer)
    for opened in (zarr_py.open_array(url, "a"), zarr_py.open_array(zarr_py.Store(url + "/"), "a")):
        assert opened[:].tolist() == list(range(20))
        assert opened[3:17:5].tolist() == list(range(3, 17, 5))


@pytest.mark.parametrize("value", [{"X-Api-Key": "HUSHKEY", "x-more": b"1"}, "X-Api-Key: HUSHKEY\nx-more: 1"])
def test_default_headers_are_sent_and_not_shown(tmp_path: Path, serve: Any, value: Any) -> None:
    (tmp_path / "k").write_bytes(b"x")
    url, kind = serve(plain)
    for store in (zarr_py.Store(url, client_options={"default_headers": value}), zarr_py.Store(url, default_headers=value)):
        assert asyncio.run(store.get("k", PROTOTYPE)).to_bytes() == b"x"
        assert all(seen["x-api-key"] == "HUSHKEY" and seen["x-more"] == "1" for seen in kind.seen)
        shown = f"{store} {store!r} {vars(store)} {store.__dict__!r} {store.url}"
        assert "HUSH" not in shown and b"HUSH" not in pickle.dumps(store)
    with pytest.raises(InvalidError, match="default_headers"):
        zarr_py.Store(url, default_headers={"x": "a\nb: c"})


def test_users_and_tokens(tmp_path: Path, serve: Any) -> None:
    (tmp_path / "k").write_bytes(b"x")
    url, kind = serve(plain)
    for store, sent in (
        (zarr_py.Store(url.replace("//", "//me:HUSH%20HUSH@")), "Basic bWU6SFVTSCBIVVNI"),
        (zarr_py.Store(url, bearer_token="HUSHTOKEN"), "Bearer HUSHTOKEN"),
        (zarr_py.Store(url, default_headers={"Authorization": "Bearer HUSHTOKEN"}), "Bearer HUSHTOKEN"),
    ):
        kind.seen.clear()
        assert asyncio.run(store.get("k", PROTOTYPE)).to_bytes() == b"x"
        assert [seen["authorization"] for seen in kind.seen] == [sent]
        assert "HUSH" not in f"{store} {store!r} {vars(store)} {store.url}"


def run(code: str, **environment: str) -> str:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "GOOGLE_", "AZURE_"))}
    script = f"import asyncio, pickle, zarr_py\nfrom zarr.core.buffer import default_buffer_prototype\n{code}"
    done = subprocess.run(
        [sys.executable, "-c", script], env=kept | {"HOME": "/nonexistent"} | environment, capture_output=True, text=True,
        timeout=60)
    assert "panicked" not in done.stderr, done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize(("url", "name", "value"), [
    ("s3://b", "AWS_ENDPOINT_URL", "minio:9000"),
    ("s3://b", "AWS_SESSION_TOKEN", "HUSH\n"),
    ("s3://b", "AWS_ALLOW_HTTP", "perhaps"),
    ("s3://b", "AWS_SKIP_SIGNATURE", "2"),
    ("s3://b", "AWS_CONNECT_TIMEOUT", "5"),
    ("s3://b", "AWS_METADATA_ENDPOINT", "169.254.169.254"),
    ("gs://b", "GOOGLE_BEARER_TOKEN", "HUSH\n"),
    ("gs://b", "GOOGLE_BASE_URL", "localhost:4443"),
    ("gs://b", "GOOGLE_SKIP_SIGNATURE", "si"),
    ("gs://b", "GOOGLE_PROXY_URL", "proxy:3128"),
    ("az://b", "AZURE_STORAGE_ENDPOINT", "127.0.0.1:10000"),
    ("az://b", "AZURE_STORAGE_SAS_TOKEN", "sv=1&sig=HUSH\r\n"),
    ("az://b", "AZURE_STORAGE_USE_EMULATOR", "maybe"),
    ("az://b", "AZURE_TIMEOUT", "soon"),
    ("az://b", "AZURE_POOL_MAX_IDLE_PER_HOST", "few"),
])
def test_variables_are_checked_by_name(url: str, name: str, value: str) -> None:
    said = run(
        f"try: zarr_py.Store({url!r}, retry_config={{'max_retries': 0}})\n"
        "except Exception as error: print(type(error).__name__, error)",
        **{"AZURE_STORAGE_ACCOUNT_NAME": "acc", name: value})
    assert "InvalidError" in said and f"variable {name} " in said, said
    assert "HUSH" not in said


def test_variables_that_are_fine_are_used(tmp_path: Path, serve: Any) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b/k").write_bytes(b"x")
    url, _ = serve(plain)
    code = "store = zarr_py.Store('s3://b')\nprint(asyncio.run(store.get('k', default_buffer_prototype())).to_bytes())"
    said = run(code, AWS_ENDPOINT_URL=url, AWS_ACCESS_KEY_ID="a", AWS_SECRET_ACCESS_KEY="b", AWS_REGION="r", AWS_ALLOW_HTTP="Yes")
    assert "b'x'" in said, said


@pytest.mark.parametrize(("made", "lost"), [
    (f"'s3://b/x', region='r', **{KEYS!r}", "access_key_id, secret_access_key, token"),
    ("'gs://b/x', bearer_token='HUSH'", "bearer_token"),
    ("'az://b/x', account_name='a', account_key='SFVTSA=='", "account_key"),
    ("'az://b/x', account_name='a', sas_token='sig=HUSH'", "sas_token"),
    ("'http://127.0.0.1:9/x', bearer_token='HUSH'", "bearer_token"),
    ("'http://127.0.0.1:9/x', default_headers={'x-key': 'HUSH'}", "default_headers"),
    ("'http://me:HUSH@127.0.0.1:9/x'", "the user or query of the URL"),
    ("'http://127.0.0.1:9/x?sig=HUSH'", "the user or query of the URL"),
])
def test_a_pickle_that_lost_its_credentials_says_so(made: str, lost: str) -> None:
    said = run(
        f"store = pickle.loads(pickle.dumps(zarr_py.Store({made}, retry_config={{'max_retries': 0}})))\n"
        "store = pickle.loads(pickle.dumps(store))\n"
        "try: asyncio.run(store.get('zarr.json', default_buffer_prototype()))\n"
        "except Exception as error: print(type(error).__name__, error)")
    assert "PermissionDeniedError" in said and lost in said and "pickle" in said, said
    assert "HUSH" not in said


def test_other_credentials_where_a_pickle_is_opened_are_used(serve: Any) -> None:
    url, kind = serve(refused)
    code = (
        f"store = zarr_py.Store('s3://b', endpoint={url!r}, region='r', access_key_id='MINE', secret_access_key='HUSH')\n"
        "try: asyncio.run(pickle.loads(pickle.dumps(store)).get('k', default_buffer_prototype()))\n"
        "except PermissionError as error: print(error)")
    said = run(code, AWS_ACCESS_KEY_ID="THEIRS", AWS_SECRET_ACCESS_KEY="b")
    assert "not you" in said and "AccessDenied" in said, said
    assert all("Credential=THEIRS/" in seen["authorization"] for seen in kind.seen)


def test_without_credentials_the_error_says_what_to_do() -> None:
    store = zarr_py.Store("s3://b/x", region="r", metadata_endpoint="http://127.0.0.1:9", retry_config=FEW)
    if "AWS_ACCESS_KEY_ID" in os.environ:
        pytest.skip("there are credentials")
    with pytest.raises(PermissionDeniedError, match="no credentials.*skip_signature"):
        asyncio.run(store.get("k", PROTOTYPE))


def test_a_directory_is_an_absent_object(tmp_path: Path) -> None:
    (tmp_path / "dir/below").mkdir(parents=True)
    store = zarr_py.Store(tmp_path)
    for key in ("dir", "dir/below"):
        assert asyncio.run(store.get(key, PROTOTYPE)) is None
        assert store.get_sync(key) is None
        assert asyncio.run(store.exists(key)) is False
        with pytest.raises(FileNotFoundError):
            asyncio.run(store.getsize(key))
    # A directory at a chunk key is a missing chunk.
    array = zarr_py.create_array(tmp_path, "a", shape=(4,), chunks=(2,), dtype="i1", fill_value=7)
    (tmp_path / "a/c/0").mkdir(parents=True)
    assert array[:].tolist() == [7] * 4
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    for key in ("pipe", "dangling"):
        with pytest.raises(zarr_py.errors.ObstructedError):
            asyncio.run(store.get(key, PROTOTYPE))


def test_what_url_says_opens_the_same(tmp_path: Path) -> None:
    import zipfile

    folder = tmp_path / "a b#c?%20"
    folder.mkdir()
    with zipfile.ZipFile(folder / "x.zip", "w") as archive:
        archive.writestr("in side/k", b"x")
    store = zarr_py.Store(f"{folder}/x.zip|zip:in side")
    assert "|zip:" in store.url
    for again in (zarr_py.Store(store.url), zarr_py.Store(zarr_py.Store(store.url).url)):
        assert asyncio.run(again.get("k", PROTOTYPE)).to_bytes() == b"x"
    plain_store = zarr_py.Store(folder)
    plain_store.set_sync("k", PROTOTYPE.buffer.from_bytes(b"y"))
    assert zarr_py.Store(plain_store.url).get_sync("k").to_bytes() == b"y"  # type: ignore[union-attr]
