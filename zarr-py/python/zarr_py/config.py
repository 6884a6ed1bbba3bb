"""Limits of this process: computing threads, requests, memory, dead space.

`zarr_py.config.set(threads=4)`. The initial values come from the environment: `ZARR_PY_THREADS`,
`ZARR_PY_MAX_CONCURRENCY`, `ZARR_PY_CACHE_BYTES`, `ZARR_PY_CACHE_FORM`, `ZARR_PY_DEAD_SPACE`,
`ZARR_PY_BYTES_IN_FLIGHT`.
"""

import os
from dataclasses import dataclass, field, replace
from typing import Any, Self

from zarr_py import _checks, _native
from zarr_py._option_names import CacheForm

__all__ = ["Config", "get", "set"]


@dataclass(frozen=True, slots=True)
class Config:
    """The current limits."""

    __module__ = "zarr_py.config"

    threads: int
    """The number of threads that decode and encode, for all arrays of the process; by default one
    per core.
    """
    max_concurrency: int | None
    """The maximum number of requests in flight, for each store opened from now on without its own
    limit.

    `None` means the default for the kind of store.
    """
    cache_bytes: int
    """The size of the chunk cache, in bytes, for each store opened from now on without its own
    size.
    """
    cache_form: CacheForm
    """The form of cached chunks, for each store opened from now on without its own form.

    `"encoded"` caches bytes as they are stored, and saves requests. `"decoded"` caches elements:
    a read copies them, from local files too, and decodes nothing.
    """
    dead_space: int
    """The most dead space that a write leaves in a shard, in percent of the shard, for each store
    opened from now on without its own limit; 25 by default.

    Within the limit, a write of a few inner chunks of a large shard appends them. Beyond it, and
    always if it is 0, the write stores the whole shard again.
    """
    bytes_in_flight: int
    """The maximum of encoded bytes that wait for decoding, for each store opened from now on."""
    _before: "Config | None" = field(default=None, repr=False, compare=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Restores the limits that were in effect before `set`."""
        before = self._before
        if before is not None:
            _apply({name: getattr(before, name) for name in (*_LIMITS, "cache_form")})


_DEFAULTS = {"max_concurrency": None, "cache_bytes": 0, "cache_form": "encoded", "dead_space": 25}
_of_stores: dict[str, Any] = dict(_DEFAULTS)
_LIMITS = {
    "threads": (1, 1024),
    "max_concurrency": (1, 2**63 - 1),
    "cache_bytes": (0, 2**63 - 1),
    "dead_space": (0, 100),
    "bytes_in_flight": (1024, 2**63 - 1),
}
"""The smallest and largest value of each number."""


def get() -> Config:
    """Returns the current limits."""
    return Config(_native.threads(), **_of_stores, bytes_in_flight=_native.bytes_in_flight())


def set(
    *,
    threads: int | None = None,
    max_concurrency: int | None = None,
    cache_bytes: int | None = None,
    cache_form: CacheForm | None = None,
    dead_space: int | None = None,
    bytes_in_flight: int | None = None,
) -> Config:
    """Sets the given limits, and returns all limits.

    The limits apply to this process and to the children that it forks. As a context manager,
    restores the previous limits at the end. Raises `TypeError` for a value of another type, and
    `ValueError` for one that is out of range.
    """
    before = get()
    given = {
        "threads": threads,
        "max_concurrency": max_concurrency,
        "cache_bytes": cache_bytes,
        "cache_form": cache_form,
        "dead_space": dead_space,
        "bytes_in_flight": bytes_in_flight,
    }
    _apply({name: checked(name, value) for name, value in given.items() if value is not None})
    return replace(get(), _before=before)


def is_default() -> bool:
    """Whether stores without settings of their own have the default settings."""
    return _of_stores == _DEFAULTS


def settings(given: dict[str, Any] | None = None) -> dict[str, Any]:
    """Returns the settings of a store: those given, which are removed, and otherwise the limits."""
    found = dict(_of_stores)
    for name in found:
        value = None if given is None else given.pop(name, None)
        if value is not None:
            found[name] = checked(name, value)
    return found


def checked(name: str, value: Any, shown: str = "") -> Any:
    """Returns the value of a limit, which errors call `shown`."""
    shown = shown or name
    if name == "cache_form":
        if _checks.text(value, shown) not in ("encoded", "decoded"):
            raise ValueError(f"{shown}: expected 'encoded' or 'decoded', got {value!r}")
        return value
    least, most = _LIMITS[name]
    number = _checks.count(value, shown, least)
    if number > most:
        raise ValueError(f"{shown}: expected at most {most}, got {number}")
    return number


def _apply(given: dict[str, Any]) -> None:
    for name, value in given.items():
        if name == "threads":
            _native.set_threads(value)
        elif name == "bytes_in_flight":
            _native.set_bytes_in_flight(value)
        else:
            _of_stores[name] = value


def _from_environment() -> None:
    found: dict[str, Any] = {}
    for name in (*_LIMITS, "cache_form"):
        variable = f"ZARR_PY_{name.upper()}"
        text = os.environ.get(variable, "")
        if not text:
            continue
        value: Any = text
        if name in _LIMITS:
            try:
                value = int(text)
            except ValueError:
                raise ValueError(f"{variable}: expected an integer, got {text!r}") from None
        found[name] = checked(name, value, variable)
    _apply(found)


_from_environment()
