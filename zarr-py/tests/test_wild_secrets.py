"""No text, traceback, error or pickle shows secrets."""

import asyncio
import http.server
import inspect
import pickle
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import zarr_py
from wild_cases import FEW, KEYS, PROTOTYPE, plain, refused, serve

__all__ = ["serve"]


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


@pytest.mark.parametrize("function", [zarr_py.open_array, zarr_py.open_array_async, zarr_py.create_group, zarr_py.create_group_async])
def test_calls_with_missing_arguments_show_no_secrets(function: Any) -> None:
    def call() -> Any:
        made = function(**KEYS)
        return asyncio.run(made) if inspect.iscoroutine(made) else made

    with pytest.raises(TypeError, match="store") as raised:
        call()
    assert not any(secret in told_by(raised.value) for secret in KEYS.values())
