"""Limits of this process: computing threads, requests, memory.

`zarr_py.config.set(threads=4)`. The initial values come from the environment: `ZARR_PY_THREADS`,
`ZARR_PY_MAX_CONCURRENCY`, `ZARR_PY_CACHE_BYTES`, `ZARR_PY_BYTES_IN_FLIGHT`.
"""

import os
from dataclasses import dataclass, field, replace
from typing import Any, Self

from zarr_py import _checks, _native

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
    bytes_in_flight: int
    """The maximum of encoded bytes that wait for decoding, for each store opened from now on."""
    _before: "Config | None" = field(default=None, repr=False, compare=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Restores the limits that were in effect before `set`."""
        before = self._before
        if before is not None:
            _limits.update(max_concurrency=before.max_concurrency)
            set(threads=before.threads, cache_bytes=before.cache_bytes, bytes_in_flight=before.bytes_in_flight)


_limits: dict[str, int | None] = {"max_concurrency": None, "cache_bytes": 0}
_MOST_THREADS = 1024
_LEAST = {"threads": 1, "max_concurrency": 1, "cache_bytes": 0, "bytes_in_flight": 1024}


def get() -> Config:
    """Returns the current limits."""
    return Config(_native.threads(), max_concurrency(), cache_bytes(), _native.bytes_in_flight())


def max_concurrency() -> int | None:
    """Returns the maximum number of requests in flight for a store without its own limit."""
    return _limits["max_concurrency"]


def cache_bytes() -> int:
    """Returns the chunk cache size, in bytes, for a store without its own size."""
    return _limits["cache_bytes"] or 0


def set(
    *,
    threads: int | None = None,
    max_concurrency: int | None = None,
    cache_bytes: int | None = None,
    bytes_in_flight: int | None = None,
) -> Config:
    """Sets the given limits, and returns all limits.

    The limits apply to this process and to the children that it forks. As a context manager,
    restores the previous limits at the end. Raises `TypeError` for a value that is not an integer,
    and `ValueError` for one that is out of range.
    """
    before = get()
    given = {
        "threads": threads, "max_concurrency": max_concurrency, "cache_bytes": cache_bytes, "bytes_in_flight": bytes_in_flight}
    _apply({name: _checks.count(value, name, _LEAST[name]) for name, value in given.items() if value is not None})
    return replace(get(), _before=before)


def _apply(given: dict[str, int]) -> None:
    for name, value in given.items():
        if name == "threads":
            if value > _MOST_THREADS:
                raise ValueError(f"threads: expected at most {_MOST_THREADS}, got {value}")
            _native.set_threads(value)
        elif name == "bytes_in_flight":
            _native.set_bytes_in_flight(value)
        else:
            _limits[name] = value


def _from_environment() -> None:
    found: dict[str, int] = {}
    for name, least in _LEAST.items():
        variable = f"ZARR_PY_{name.upper()}"
        text: Any = os.environ.get(variable, "")
        if not text:
            continue
        try:
            text = int(text)
        except ValueError:
            raise ValueError(f"{variable}: expected an integer, got {text!r}") from None
        found[name] = _checks.count(text, variable, least)
    _apply(found)


_from_environment()
