"""Shares one client among equal stores of a process, and Python objects among pickles."""

import os
import threading
import uuid
from collections import OrderedDict
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

from zarr_py import _native
from zarr_py._native import NativeStore

if TYPE_CHECKING:
    from zarr_py._source import Source

__all__ = ["forget", "shared", "token_of", "with_objects"]

_KEPT = 32
"""The number of remote stores, and of pickled objects, that are kept for the next user."""

_stores: WeakValueDictionary[tuple[Any, ...], NativeStore] = WeakValueDictionary()
_recent: OrderedDict[tuple[Any, ...], NativeStore] = OrderedDict()
"""The most recently opened remote stores: keeps clients and their connections alive between users.
"""
_lock = threading.RLock()


def shared(source: "Source", *, again: bool = True) -> NativeStore:
    """Returns the native store of a source, which equal sources share."""
    key = _key(source)
    is_archive = "|" in source.url
    with _lock:
        if is_archive and not again:
            _stores.pop(key, None)
        found = _stores.get(key)
    if found is None:
        made = source.make()
        with _lock:
            found = _stores.setdefault(key, made)
    if source.is_remote() and not source.cache_bytes and not is_archive:
        with _lock:
            _recent[key] = found
            _recent.move_to_end(key)
            if len(_recent) > _KEPT:
                _recent.popitem(last=False)
    return found


def forget(source: "Source") -> None:
    """Removes a store that could not be opened from the shared stores."""
    key = _key(source)
    with _lock:
        _stores.pop(key, None)
        _recent.pop(key, None)


def _key(source: "Source") -> tuple[Any, ...]:
    """Returns the key by which equal sources share a client.

    Functions and called stores compare by identity. The client keeps them alive, so no other object
    can get the same `id`.
    """
    provider, called = source.credential_provider, source.called
    numbers = (provider and id(provider), None if called is None else id(called))
    url = source.url
    if not source.is_remote():
        environment: tuple[Any, ...] = ()
    else:
        environment = _environment()
        # One trailing slash means nothing; several are part of the name.
        if not ("?" in url or "|" in url or url.endswith("//")):
            url = url.removesuffix("/")
    limits = source.max_concurrency, source.cache_bytes, source.cache_form, source.dead_space, _native.bytes_in_flight()
    return (url, source.options, source.memory, *limits, *numbers, environment)


_FILES = ("~/.aws/config", "~/.aws/credentials", "~/.config/gcloud/application_default_credentials.json")


def _environment() -> tuple[Any, ...]:
    """Returns the settings and credentials in the environment that a new client reads.

    A change in the environment leads to another client.
    """
    wanted = ("AWS_", "AZURE_", "GOOGLE_", "IDENTITY_", "MSI_")
    found = [(name, value) for name, value in os.environ.items() if name.startswith(wanted) or name.lower().endswith("_proxy")]
    named = [value for name, value in found if name.endswith(("_FILE", "_CREDENTIALS"))]
    return (*sorted(found), *(_stamp(path) for path in (*_FILES, *named)))


def _stamp(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(os.path.expanduser(path))
    except (OSError, ValueError):
        return None
    return found.st_mtime_ns, found.st_size


def _after_fork() -> None:
    global _lock
    _lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


_objects: OrderedDict[str, tuple[Any, Any]] = OrderedDict()
"""The Python functions and stores most recently pickled or unpickled, by token."""


def token_of(source: "Source") -> str | None:
    """Returns the token of a source's Python objects in pickles; `None` if it has none."""
    mine = source.credential_provider, source.called
    if mine == (None, None):
        return None
    with _lock:
        for token, found in _objects.items():
            if found[0] is mine[0] and found[1] is mine[1]:
                return token
        token = uuid.uuid4().hex
        _remember(token, mine)
        return token


def with_objects(source: "Source") -> "Source":
    """Returns an unpickled source with the Python objects of earlier sources with this token."""
    if source.token is None:
        return source
    with _lock:
        found = _objects.get(source.token) or (source.credential_provider, source.called)
        _remember(source.token, found)
    return source._replace(credential_provider=found[0], called=found[1])


def _remember(token: str, objects: tuple[Any, Any]) -> None:
    _objects[token] = objects
    _objects.move_to_end(token)
    if len(_objects) > _KEPT:
        _objects.popitem(last=False)
