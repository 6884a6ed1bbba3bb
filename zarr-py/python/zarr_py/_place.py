"""Where nodes are: what a caller gives for a store, and what a pickle says of it."""

import os
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, Protocol

from zarr_py import _native, _options
from zarr_py._native import NativeStore

__all__ = ["HasNative", "Origin", "Place", "StoreLike", "Strictness", "of", "pickled", "unpickled"]

Strictness = Literal["tolerant", "strict"]
"""Whether what other libraries write beyond the specification is read (docs/tolerance.md)."""


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
    strictness: Strictness = "tolerant"


class StrictStore(NamedTuple):
    """A store that was open, and whose documents are read strictly."""

    store: HasNative

    @property
    def _native(self) -> NativeStore:
        return self.store._native.strict()


class Place(NamedTuple):
    """A store that is open, and what it was opened from: an `Origin`, or an object that keeps the native store."""

    native: NativeStore
    origin: Any
    read_only: bool


def of(store: StoreLike, options: Mapping[str, Any], read_only: bool, strictness: Strictness = "tolerant") -> Place:
    """The place that a caller means: a URL, a path, or a `zarr_py.Store`.

    Raises `TypeError` for anything else, and for options of a store that is open already.
    """
    options = dict(options)
    strictness = options.pop("strictness", strictness)
    if strictness not in ("tolerant", "strict"):
        raise ValueError(f"strictness: expected 'tolerant' or 'strict', got {strictness!r}")
    native = getattr(store, "_native", None)
    if isinstance(native, NativeStore):
        if options:
            raise TypeError(f"options for a store that is open already: {', '.join(options)}")
        opened: Any = store
        if strictness == "strict":
            opened, native = StrictStore(opened), native.strict()
        return Place(native, opened, read_only or bool(getattr(store, "read_only", False)))
    if not isinstance(store, str | os.PathLike):
        raise TypeError(f"expected a URL, a path or a zarr_py.Store, got {type(store).__name__}")
    url = os.fspath(store)
    if not isinstance(url, str):
        raise TypeError("expected a path of text, got bytes")
    if _native.is_path(url):
        url = os.path.abspath(url)
    given = dict(options)
    config, client, retry = (given.pop(name, None) for name in ("config", "client_options", "retry_config"))
    origin = Origin(url, _options.merge(config, client, retry, given), strictness=strictness)
    return _open(origin, read_only)


def _open(origin: Origin, read_only: bool) -> Place:
    memory = _options.split_memory(origin.url)
    if memory is None:
        return Place(_strict(NativeStore(origin.url, list(origin.options)), origin), origin, read_only)
    if origin.options:
        raise ValueError(f"a store in memory has no options, got {origin.options[0][0]}")
    name, prefix = memory
    if origin.memory is not None:
        native = NativeStore.memory_again(*origin.memory, prefix)
    else:
        native = NativeStore.memory(name or None, prefix)
    origin = origin._replace(url=f"memory://{name}/{prefix}", memory=native.memory_name)
    return Place(_strict(native, origin), origin, read_only)


def _strict(native: NativeStore, origin: Origin) -> NativeStore:
    return native.strict() if origin.strictness == "strict" else native


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
