"""Servers, credentials and options seen in the wild."""

import asyncio
import gzip
import http.server
import os
import pickle
import re
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr_py
from zarr.core.buffer import default_buffer_prototype

from zarr_py.errors import InvalidError, PermissionDeniedError

PROTOTYPE = default_buffer_prototype()
KEYS = {"access_key_id": "AKIDHIDDEN", "secret_access_key": "HUSHHUSH", "token": "HUSHTOKEN"}
FEW = {"max_retries": 0, "retry_timeout": 5}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    answer: Callable[["Handler", bytes | None], None]
    root: Path
    seen: list[dict[str, str]]

    def log_message(self, *_: Any) -> None:
        pass

    def do_GET(self) -> None:
        self.seen.append({name.lower(): value for name, value in self.headers.items()})
        path = self.root / self.path.split("?")[0].lstrip("/")
        type(self).answer(self, path.read_bytes() if path.is_file() else None)

    do_HEAD = do_GET

    def send(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def plain(handler: Handler, body: bytes | None) -> None:
    handler.send(404 if body is None else 200, body or b"")


def encoded(handler: Handler, body: bytes | None) -> None:
    if body is None:
        return handler.send(404, b"")
    handler.send(200, gzip.compress(body), Content_Encoding="gzip")


def of_unknown_size(handler: Handler, body: bytes | None) -> None:
    wanted = re.fullmatch(r"bytes=(\d*)-(\d*)", handler.headers.get("Range") or "")
    if body is None or wanted is None or handler.command == "HEAD":
        return plain(handler, body)
    low = int(wanted[1]) if wanted[1] else max(0, len(body) - int(wanted[2]))
    high = min(len(body), int(wanted[2]) + 1) if wanted[1] and wanted[2] else len(body)
    handler.send(206, body[low:high], Content_Range=f"bytes {low}-{high - 1}/*")


def refused(handler: Handler, _: bytes | None) -> None:
    handler.send(403, b"<Error><Code>AccessDenied</Code><Message>not you</Message></Error>")


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., tuple[str, type[Handler]]]]:
    """Returns a function that serves `tmp_path` with a given kind of response."""
    servers = []

    def start(answer: Callable[[Handler, bytes | None], None]) -> tuple[str, type[Handler]]:
        kind = type("Serving", (Handler,), {"answer": staticmethod(answer), "root": tmp_path, "seen": []})
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), kind)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}", kind

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


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


def shown_by(store: Any) -> str:
    """Collects everything that Python shows of a store to people, debuggers and loggers."""
    frames = []
    try:
        store_here = store  # noqa: F841
        raise RuntimeError("x")
    except RuntimeError as error:
        found = traceback.TracebackException.from_exception(error, capture_locals=True)
        frames = list(found.format())
    origin = store._origin
    return "\n".join([repr(store), str(store), repr(vars(store)), repr(origin), str(origin), f"{origin.options}",
                      "%s %r" % (origin.options, origin), *(f"{name}={value}" for name, value in origin.options), *frames])


@pytest.mark.parametrize("make", [
    lambda: zarr_py.Store("s3://b/x", region="r", endpoint="http://127.0.0.1:9", **KEYS),
    lambda: zarr_py.Store("s3://b/x", config={"region": "r", **KEYS}, pickle_secrets=True),
    lambda: zarr_py.Store("gs://b/x", bearer_token="HUSHTOKEN"),
    lambda: zarr_py.Store("az://b/x", account_name="a", account_key="SFVTSA==HUSH"[:8]),
    lambda: zarr_py.Store("az://b/x", account_name="a", sas_token="sig=HUSH"),
    lambda: zarr_py.Store("https://me:HUSH@host/x?sig=HUSH"),
    lambda: zarr_py.Store("https://me:HUSH@host/x.zip|zip:a"),
    lambda: zarr_py.Store("https://host/x", bearer_token="HUSHTOKEN"),
    lambda: zarr_py.Store("https://host/x", proxy_url="http://me:HUSH@proxy:1"),
    lambda: zarr_py.Store("https://host/x", default_headers={"Cookie": "HUSH"}),
])
def test_nothing_shows_secrets(make: Callable[[], zarr_py.Store]) -> None:
    store = make()
    for again in (store, store.with_read_only(True), pickle.loads(pickle.dumps(store))):
        shown = shown_by(again)
        assert "HUSH" not in shown and "SFVTSA" not in shown and "HIDDEN" not in shown, shown
    assert pickle.loads(pickle.dumps(store)) == store


def told_by(error: BaseException) -> str:
    """Collects everything that an error shows: text, causes, and locals of our frames."""
    told, seen, todo = [], set(), [error]
    while todo:
        one = todo.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        told += [str(one), repr(one), repr(one.args), repr(vars(one))]
        todo += [one.__cause__, one.__context__]
        frame = one.__traceback__
        while frame is not None:
            if "zarr_py" in Path(frame.tb_frame.f_code.co_filename).parts:
                names = dict(frame.tb_frame.f_locals)
                names.pop("self", None)
                told.append(f"{frame.tb_frame.f_code.co_qualname} {names!r}")
            frame = frame.tb_next
    return "\n".join(told)


DOORS: dict[str, Callable[..., Any]] = {
    "Store": zarr_py.Store,
    "from_url": zarr_py.Store.from_url,
    "from_obstore": zarr_py.Store.from_obstore,
    "open": zarr_py.open,
    "explain": lambda store, **options: zarr_py.explain(store) if not options else zarr_py.open(store, **options),
    "open_array": zarr_py.open_array,
    "open_group": zarr_py.open_group,
    "open_array of mode w": lambda store, **options: zarr_py.open_array(store, mode="w", shape=3, dtype="i4", **options),
    "create_array": lambda store, **options: zarr_py.create_array(store, shape=3, dtype="i4", **options),
    "create_group": zarr_py.create_group,
    "save": lambda store, **options: zarr_py.save(store, [1], **options),
    "save of a group": lambda store, **options: zarr_py.save(store, {"a": [1]}, **options),
    "load": zarr_py.load,
    "copy": lambda store, **options: zarr_py.copy(zarr_py.create_group("memory:"), store, **options),
    "open_async": lambda store, **options: asyncio.run(zarr_py.open_async(store, **options)),
    "open_array_async": lambda store, **options: asyncio.run(zarr_py.open_array_async(store, **options)),
    "open_group_async": lambda store, **options: asyncio.run(zarr_py.open_group_async(store, **options)),
    "create_group_async": lambda store, **options: asyncio.run(zarr_py.create_group_async(store, **options)),
    "create_array_async": lambda store, **options: asyncio.run(
        zarr_py.create_array_async(store, shape=3, dtype="i4", **options)),
}

WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("s3://b/x", {"secret_access_key": b"HUSH"}, "secret_access_key"),
    ("s3://b/x", {"secret_access_key": ["HUSH"]}, "secret_access_key"),
    ("s3://b/x", {"secret_access_key": ("HUSH", "HUSH")}, "secret_access_key"),
    ("s3://b/x", {"secret_access_key": {"HUSH": "HUSH"}}, "secret_access_key"),
    ("s3://b/x", {"config": {"secret_access_key": b"HUSH"}}, "secret_access_key"),
    ("s3://b/x", {"config": {"token": {"HUSH": "HUSH"}}}, "token"),
    ("s3://b/x", {"config": "HUSH"}, "config"),
    ("s3://b/x", {"config": ["HUSH"]}, "config"),
    ("s3://b/x", {"config": {3: "HUSH"}}, "config"),
    ("s3://b/x", {"config": {b"HUSH": "HUSH"}}, "config"),
    ("s3://b/x", {"client_options": "HUSH"}, "client_options"),
    ("s3://b/x", {"retry_config": "HUSH"}, "retry_config"),
    ("s3://b/x", {"retry_config": {"backoff": "HUSH"}}, "backoff"),
    ("s3://b/x", {"client_options": {"default_headers": {"Cookie": ["HUSH"]}}}, "default_headers"),
    ("s3://b/x", {"client_options": {"default_headers": {"Cookie": "HUSH\nHUSH"}}}, "default_headers"),
    ("s3://b/x", {"client_options": {"default_headers": {b"HUSH": "HUSH"}}}, "default_headers"),
    ("s3://b/x", {"default_headers": [("Cookie", "HUSH")]}, "default_headers"),
    ("s3://b/x", {"credential_provider": {"secret_access_key": "HUSH"}}, "credential_provider"),
    ("s3://b/x", {"credential_provider": "HUSH"}, "credential_provider"),
    ("s3://b/x", {"credential_provider": ["HUSH"]}, "credential_provider"),
    ("s3://b/x", {"secret_access_key": "HUSH", "regoin": "r"}, "regoin"),
    ("s3://b/x", {"secret": "HUSH", "key": "HUSH"}, "secret"),
    ("s3://b/x", {"password": "HUSH"}, "password"),
    ("s3://b/x", {"secret_access_key": "HUSH", "max_concurrency": 0}, "max_concurrency"),
    ("s3://b/x", {"secret_access_key": "HUSH", "cache_bytes": "1"}, "cache_bytes"),
    ("s3://b/x", {"secret_access_key": "HUSH", "timeout": "soon"}, "timeout"),
    ("s3://b/x", {"secret_access_key": "HUSH", "strictness": 3}, "strictness"),
    ("s3://b/x", {"secret_access_key": "HUSH", "pickle_secrets": 3}, "pickle_secrets"),
    ("s3://b/x", {"secret_access_key": "HUSH", "access_key_id": None}, "access_key_id"),
    ("s3://b/x", {"secret_access_key": "HUSH\n", "region": "r"}, "secret_access_key"),
    ("s3://b/x", {"secret_access_key": "\udc00HUSH"}, "secret_access_key"),
    ("s3://b/x", {"default_headers": {"Cookie": "HUSH\udc00"}}, "default_headers"),
    ("https://u:HUSH\udc00@h/x", {}, "store"),
    ("https://h/x", {"bearer_token": b"HUSH"}, "bearer_token"),
    ("https://h/x", {"bearer_token": "HUSH\n"}, "bearer_token"),
    ("https://h/x", {"proxy_url": "me:HUSH@proxy"}, "proxy_url"),
    ("https://u:HUSH@h/x?sig=HUSH", {"regoin": 3}, "https://h/x"),
    ("https://u:HUSH@h:port/x?sig=HUSH", {}, "https://h:port/x"),
    ("https://u:HUSH@[h/x?sig=HUSH", {}, "h/x"),
    ("https://u:HUSH?HUSH@h/x", {}, "https://h/x"),
    ("https://u:HUSH/HUSH@h/x", {}, "https://h/x"),
    ("https://h/x?sig=HUSH#HUSH", {}, "https://h/x"),
    ("http:/u:HUSH@h/x?sig=HUSH", {}, "http:/h/x"),
    ("http:u:HUSH@h/x?sig=HUSH", {}, "http:h/x"),
    ("https:\\\\u:HUSH@h/x?sig=HUSH", {}, "https:"),
    ("HTTPS:/u:HUSH@h/x?sig=HUSH", {}, "HTTPS:/h/x"),
    ("file:///x?sig=HUSH", {}, "file:///x"),
    ("file:///x#HUSH", {}, "file:///x"),
    ("file://u:HUSH@h/x?sig=HUSH", {}, "file://h/x"),
    ("s3:/u:HUSH@b/x?sig=HUSH", {}, "s3:/b/x"),
    ("s3://u:HUSH@b/x?sig=HUSH", {}, "s3://b/x"),
    ("gs://u:HUSH@b/x", {}, "gs://b/x"),
    ("az://u:HUSH@b/x", {"account_name": "a"}, "az://b/x"),
    ("ftp://u:HUSH@h/x?sig=HUSH", {}, "ftp://h/x"),
    ("ftp://h/x?sig=HUSH", {}, "ftp://h/"),
    ("https://u:HUSH@h/x.zip?sig=HUSH|tar:", {}, "https://h/x.zip"),
]


@pytest.mark.parametrize(("url", "wrong", "named"), WRONG)
def test_no_error_shows_secrets(url: str, wrong: dict[str, Any], named: str) -> None:
    for door, call in DOORS.items():
        with pytest.raises((TypeError, ValueError, OSError)) as found:
            call(url, **wrong)
        told = told_by(found.value)
        assert named in str(found.value), f"{door}: {found.value}"
        assert "HUSH" not in told, f"{door}: {told}"


class Shows:
    """An object whose `repr` shows its secret."""

    def __repr__(self) -> str:
        return "HUSH"

    def __call__(self) -> Any:
        return {"access_key_id": "a", "secret_access_key": "b"}


def test_objects_of_the_caller_are_shown_by_their_type() -> None:
    import obstore.store

    for store in (Shows(), obstore.store.HTTPStore("https://u:HUSH@h/x?sig=HUSH"), b"HUSH", Path("http://u:HUSH@h/?sig=HUSH"), ["HUSH"]):
        for door, call in DOORS.items():
            with pytest.raises((TypeError, ValueError, OSError)) as found:
                call(store, regoin=3)
            assert "HUSH" not in told_by(found.value), f"{door}: {told_by(found.value)}"
    store = zarr_py.Store("s3://b/x", region="r", credential_provider=Shows())
    assert "HUSH" not in shown_by(store) and "Shows" in repr(store._origin)


def test_errors_of_requests_show_no_secrets(serve: Any) -> None:
    url, _ = serve(refused)
    for door, call in DOORS.items():
        if door not in ("Store", "from_url", "from_obstore"):
            with pytest.raises(OSError) as found:
                call(url.replace("//", "//u:HUSH@") + "/x?sig=HUSH", default_headers={"Cookie": "HUSH"}, **FEW)
            assert "HUSH" not in told_by(found.value), f"{door}: {told_by(found.value)}"


@pytest.mark.parametrize(("url", "shown"), [
    ("https://u:p@h/x?sig=a", "https://h/x"),
    ("HTTP://h?sig=a#b", "HTTP://h"),
    ("https://h/x.zip?sig=a|zip:in/b", "https://h/x.zip|zip:in/b"),
    ("https://u@[::1]:80/x#y", "https://[::1]:80/x"),
    ("https://h/a@b", "https://h/a@b"),
    ("s3://b/x?1#2", "s3://b/x?1#2"),
    ("s3://u:p@b/x?1#2", "s3://b/x"),
    ("s3://b/a:b@c", "s3://b/a:b@c"),
    ("file:///a@b:c?x", "file:///a@b:c"),
    ("file:/a@b:c", "file:/a@b:c"),
    ("http:/u:p@h/x?sig=a", "http:/h/x"),
    ("https://u:p/q@h/x", "https://h/x"),
    ("https://h:80/a@b", "https://h:80/a@b"),
    ("https://[::1]/a@b", "https://[::1]/a@b"),
    ("memory://a:b@c?d", "memory://a:b@c?d"),
    ("httpx", "httpx"),
    ("http", "http"),
    ("./http:x?y", "./http:x?y"),
    ("abfs://c@a.dfs.core.windows.net/x", "abfs://c@a.dfs.core.windows.net/x"),
    ("memory://a[b]", "memory://a[b]"),
    ("/tmp/a?b", "/tmp/a?b"),
])
def test_urls_without_what_is_secret(url: str, shown: str) -> None:
    from zarr_py import _options

    assert _options.public_url(url) == shown
    assert repr(_options.guarded(url)) == repr(shown) and str(_options.guarded(url)) == shown
    again = pickle.loads(pickle.dumps(_options.guarded(url)))
    assert again == url, "the text itself is all there"


def test_secrets_that_are_pickled_on_demand_still_work(tmp_path: Path, serve: Any) -> None:
    (tmp_path / "k").write_bytes(b"x")
    url, kind = serve(plain)
    store = zarr_py.Store(url, bearer_token="HUSHTOKEN", pickle_secrets=True)
    again = pickle.loads(pickle.dumps(store))
    assert asyncio.run(again.get("k", PROTOTYPE)).to_bytes() == b"x"
    assert kind.seen[-1]["authorization"] == "Bearer HUSHTOKEN"


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
