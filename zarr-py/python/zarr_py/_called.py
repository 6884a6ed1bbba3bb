"""Adapts objects with the methods of obspec to the blocking methods that the engine calls.

The methods of the object may be sync or async.
"""

import asyncio
import inspect
import os
import threading
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from zarr_py._given import Given

__all__ = ["REQUESTS", "Calls", "credentials"]

REQUESTS = frozenset({
    "delete", "delete_dir", "delete_sync", "exists", "get", "get_partial_values", "get_ranges", "get_ranges_sync", "get_sync",
    "getsize", "getsize_prefix", "is_empty", "list", "list_dir", "list_prefix", "set", "set_if_not_exists", "set_sync"})
"""Request methods of zarr-python stores; the engine must not bypass a subclass that overrides one.
"""

Meta = tuple[str, int, str | None, str | None]
"""Path, size, entity tag, version."""

_METHODS = ("get", "put", "delete", "list", "list_with_delimiter", "head")


class Calls:
    """A Python store behind blocking methods, whether the store's own methods are sync or async."""

    def __init__(self, store: Any) -> None:
        self._store = store
        del store
        missing = [name for name in _METHODS if not (hasattr(self._store, name) or hasattr(self._store, f"{name}_async"))]
        if missing:
            raise TypeError(
                f"expected a URL, a path, or an object with the methods of obspec, got {type(self._store).__name__}"
                f" without {', '.join(missing)}")
        self._takes_options = _takes(self._method("get"), "options")

    def _method(self, name: str) -> Callable[..., Any]:
        """Returns a method, sync or async, preferring the variant of the most derived class."""
        names = [each for each in (name, f"{name}_async") if getattr(self._store, each, None) is not None]
        found = getattr(self._store, min(names, key=self._depth))
        return found  # type: ignore[no-any-return]

    def _depth(self, name: str) -> int:
        """Returns the depth, in the store's class hierarchy, of the class that defines a method."""
        if name in getattr(self._store, "__dict__", ()):
            return -1
        classes = type(self._store).__mro__
        return next((depth for depth, each in enumerate(classes) if name in vars(each)), len(classes))

    def _has_ranges(self) -> bool:
        """Whether range methods are defined in the class of `get` or in a subclass of it.

        An inherited `get_range` must not bypass a `get` that decrypts.
        """
        ranges = [name for name in ("get_range", "get_range_async") if getattr(self._store, name, None) is not None]
        whole = min(self._depth(name) for name in ("get", "get_async") if hasattr(self._store, name))
        return bool(ranges) and min(map(self._depth, ranges)) <= whole

    def _call(self, name: str, *args: Any, **options: Any) -> Any:
        return _waited(self._method(name)(*args, **options))

    def get(self, path: str, asked: dict[str, Any]) -> tuple[Any, int, int, Meta]:
        options = {name: value for name, value in asked.items() if value is not None}
        if not options:
            return _answer(path, self._call("get", path))
        if not self._takes_options:
            return self._get_by_size(path, options)
        for name in ("offset", "suffix"):
            if name in options:
                options["range"] = {name: options.pop(name)}
        return _answer(path, self._call("get", path, options=options))

    def _get_by_size(self, path: str, options: dict[str, Any]) -> tuple[Any, int, int, Meta]:
        if self._has_ranges():
            whole, meta = None, _meta(self._call("head", path), path)
            size = meta[1]
        else:
            body, _, _, meta = _answer(path, self._call("get", path))
            whole = memoryview(body).cast("B")
            size = whole.nbytes
        start, end = options.get("range", (options.get("offset", max(0, size - options.get("suffix", size))), size))
        end = min(end, size)
        if start >= end:
            raise ValueError(f"range {start}..{end} is outside the object, which has {size} bytes")
        if whole is not None:
            return bytes(whole[start:end]), start, end, (meta[0], size, *meta[2:])
        return self._call("get_range", path, start=start, end=end), start, end, meta

    def head(self, path: str, asked: dict[str, Any]) -> tuple[bytes, int, int, Meta]:
        return b"", 0, 0, _meta(self._call("head", path), path)

    def put(self, path: str, value: bytes, mode: dict[str, Any]) -> tuple[str | None, str | None]:
        if not mode:
            result = self._call("put", path, value)
        else:
            result = self._call("put", path, value, mode="create" if "create" in mode else mode)
        result = result if isinstance(result, Mapping) else {}
        return result.get("e_tag"), result.get("version")

    def delete(self, path: str) -> None:
        try:
            self._call("delete", path)
        except FileNotFoundError:
            pass

    def pages(self, prefix: str) -> Any:
        pages = self._method("list")(prefix or None)
        return pages if hasattr(pages, "__anext__") or hasattr(pages, "__aiter__") and not hasattr(
            pages, "__iter__") else iter(_waited(pages))

    def next_page(self, pages: Any) -> list[Meta] | None:
        try:
            page = next(pages) if hasattr(pages, "__next__") else _waited(_next(pages))
        except (StopIteration, StopAsyncIteration, _End):
            return None
        return [_meta(meta) for meta in ([page] if isinstance(page, Mapping) else page)]

    def list_with_delimiter(self, prefix: str) -> tuple[list[str], list[Meta]]:
        found = self._call("list_with_delimiter", prefix or None)
        return [str(name) for name in found["common_prefixes"]], [_meta(meta) for meta in found["objects"]]


class _End(Exception):
    """Marks the end of an async iterator; not every future can carry `StopAsyncIteration`."""


async def _next(pages: Any) -> Any:
    try:
        return await anext(pages)
    except StopAsyncIteration:
        raise _End from None


def _takes(function: Callable[..., Any], name: str) -> bool:
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):
        return True
    return name in parameters or any(p.kind is p.VAR_KEYWORD for p in parameters.values())


def _answer(path: str, result: Any) -> tuple[Any, int, int, Meta]:
    meta = getattr(result, "meta", None)
    if meta is None:
        # The result is the bytes themselves.
        size = memoryview(result).nbytes
        return result, 0, size, (path, size, None, None)
    read = next(getattr(result, name) for name in ("buffer", "bytes", "buffer_async") if hasattr(result, name))
    start, end = result.range
    return _waited(read()), start, end, _meta(meta, path)


def _meta(meta: Mapping[str, Any], path: str | None = None) -> Meta:
    return str(meta["path"]) if path is None else path, int(meta["size"]), meta.get("e_tag"), meta.get("version")


def credentials(provider: Callable[[], Any]) -> tuple[list[tuple[str, str]], float | None]:
    """Returns the credentials of a provider as names and values, and their expiry.

    The expiry is in seconds since the epoch.
    """
    answer = _waited(provider())
    if not isinstance(answer, Mapping):
        raise TypeError(f"credential_provider: expected it to return a dictionary of credentials, got "
                        f"{type(answer).__name__}")
    found = Given(answer)
    del answer
    expires_at = found.pop("expires_at", None)
    if expires_at is not None and not isinstance(expires_at, datetime):
        raise TypeError(
            f"credential_provider: expires_at: expected a datetime or None, got {type(expires_at).__name__}")
    wrong = [name for name in found if found[name] is not None and not isinstance(found[name], str)]
    if wrong:
        raise TypeError(f"credential_provider: {wrong[0]}: expected a string, got {type(found[wrong[0]]).__name__}")
    values = [(name, value) for name, value in found.items() if isinstance(value, str)]
    return values, None if expires_at is None else expires_at.timestamp()


def _waited(value: Any) -> Any:
    """Returns the value, or the result of awaiting it.

    All calls of the process share one event loop, because sessions of async stores stay on theirs.
    """
    if not inspect.isawaitable(value):
        return value

    async def wait() -> Any:
        return await value

    return asyncio.run_coroutine_threadsafe(wait(), _event_loop()).result()


_lock = threading.Lock()
_event_loops: dict[int, asyncio.AbstractEventLoop] = {}


def _event_loop() -> asyncio.AbstractEventLoop:
    with _lock:
        process = os.getpid()
        if process not in _event_loops:
            _event_loops[process] = asyncio.new_event_loop()
            threading.Thread(target=_event_loops[process].run_forever, name="zarr-called", daemon=True).start()
        return _event_loops[process]


def _after_fork() -> None:
    global _lock
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
