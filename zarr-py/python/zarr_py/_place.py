"""Where nodes are: what a caller gives for a store, and what a pickle says of it."""

import os
from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

from zarr_py import _native, _options
from zarr_py._native import NativeStore

__all__ = ["HasNative", "Origin", "Place", "StoreLike", "of", "pickled", "unpickled"]


class HasNative(Protocol):
    """A `zarr_py.Store`, which is not imported here: it needs zarr-python."""

    _native: NativeStore


StoreLike = str | os.PathLike[str] | HasNative


class Origin(NamedTuple):
    """A URL or path and the options that a store was opened with."""

    url: str
    options: _options.Options
    memory: tuple[str, int] | None = None
    """The name and identity of a store in memory."""


class Place(NamedTuple):
    """A store that is open, and what it was opened from: an `Origin`, or an object that keeps the native store."""

    native: NativeStore
    origin: Any
    read_only: bool


def of(store: StoreLike, options: Mapping[str, Any], read_only: bool) -> Place:
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
    if _native.is_path(url):
        url = os.path.abspath(url)
    given = dict(options)
    config, client, retry = (given.pop(name, None) for name in ("config", "client_options", "retry_config"))
    origin = Origin(_options.guarded(url), _options.merge(config, client, retry, given))
    return _open(origin, read_only)


def _open(origin: Origin, read_only: bool) -> Place:
    memory = _options.split_memory(origin.url)
    if memory is None:
        return Place(NativeStore(origin.url, list(origin.options)), origin, read_only)
    if origin.options:
        raise ValueError(f"a store in memory has no options, got {origin.options[0][0]}")
    name, prefix = memory
    if origin.memory is not None:
        native = NativeStore.memory_again(*origin.memory, prefix)
    else:
        native = NativeStore.memory(name or None, prefix)
    return Place(native, origin._replace(url=f"memory://{name}/{prefix}", memory=native.memory_name), read_only)


def pickled(origin: Any) -> Any:
    """What a pickle holds of an origin: no secrets, which are found where it is opened. A store in memory is found by its name,
    in the process that has it."""
    if not isinstance(origin, Origin):
        return origin
    public = _options.public_url(origin.url) if origin.memory is None else origin.url
    return origin._replace(url=public, options=_options.public_options(origin.options))


def unpickled(origin: Any, read_only: bool) -> Place:
    """The place of what a pickle holds."""
    if isinstance(origin, Origin):
        return _open(origin, read_only)
    return Place(origin._native, origin, read_only)
