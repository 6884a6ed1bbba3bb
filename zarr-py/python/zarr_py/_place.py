"""Where nodes are: what a caller gives for a store, and what a pickle says of it."""

import os
from collections.abc import Mapping
from typing import Any, NamedTuple

from zarr_py import _options
from zarr_py._native import NativeStore

__all__ = ["Origin", "Place", "of", "pickled", "unpickled"]


class Origin(NamedTuple):
    """A URL or path and the options that a store was opened with."""

    url: str
    options: _options.Options


class Place(NamedTuple):
    """A store that is open, and what it was opened from: an `Origin`, or an object that keeps the native store."""

    native: NativeStore
    origin: Any
    read_only: bool


def of(store: Any, options: Mapping[str, Any], read_only: bool) -> Place:
    """The place that a caller means: a URL, a path, or a `zarr_py.Store`.

    Raises `TypeError` for anything else, and for options of a store that is open already.
    """
    native = getattr(store, "_native", None)
    if isinstance(native, NativeStore):
        if options:
            raise TypeError(f"options for a store that is open already: {', '.join(options)}")
        return Place(native, store, read_only or bool(getattr(store, "read_only", False)))
    if not isinstance(store, str | os.PathLike):
        raise TypeError(f"expected a URL, a path or a zarr_py.Store, got {type(store).__name__}")
    url = os.fspath(store)
    if not isinstance(url, str):
        raise TypeError("expected a path of text, got bytes")
    if "://" not in url and not url.startswith("memory:"):
        url = os.path.abspath(url)
    given = dict(options)
    config, client, retry = (given.pop(name, None) for name in ("config", "client_options", "retry_config"))
    origin = Origin(url, _options.merge(config, client, retry, given))
    return _open(origin, read_only)


def _open(origin: Origin, read_only: bool) -> Place:
    return Place(NativeStore(origin.url, list(origin.options)), origin, read_only)


def pickled(origin: Any, location: str) -> Any:
    """What a pickle holds of an origin: no secrets, which are found where it is opened.

    Raises `TypeError` for a store in memory, which is only in this process.
    """
    if not isinstance(origin, Origin):
        return origin
    if origin.url.startswith("memory:"):
        raise TypeError(f"a store in memory ({location}) cannot be pickled: it is only in this process")
    return Origin(_options.public_url(origin.url), _options.public_options(origin.options))


def unpickled(origin: Any, read_only: bool) -> Place:
    """The place of what a pickle holds."""
    if isinstance(origin, Origin):
        return _open(origin, read_only)
    return Place(origin._native, origin, read_only)
