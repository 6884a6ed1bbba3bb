"""Keeps a call from deleting the stored arrays that its own lazy data read."""

from collections.abc import Iterator
from contextlib import suppress
from types import MethodType
from typing import Any

from zarr_py import _native, _source
from zarr_py._array import Array
from zarr_py._given import covered
from zarr_py._source import Place
from zarr_py.errors import InvalidError

__all__ = ["check_kept"]

_PACKAGES = frozenset({"dask", "functools", "xarray", "zarr_py"})
"""The packages whose objects hold lazy data."""

_HOLDING = (
    "_array", "_data", "_target", "_variable", "_variables", "args", "array", "func", "indices", "io_deps",
    "keywords", "kwargs", "mapping", "task", "value")
"""The attributes of those objects that hold others."""


def check_kept(data: Any, target: Place, path: str) -> None:
    """Raises `InvalidError` if the data read a stored array that replacing a node would delete.

    Finds arrays of this package and of zarr-python in lazy variables of xarray and graphs of dask.
    """
    for place, name in _sources(data):
        if _native.overlap(place, name, target, path):
            raise InvalidError(
                f"the data are read from /{name} in {target.origin.public().url!r}, which this call would delete first: load them "
                "(`.load()` in xarray, `.compute()` in dask), or write to another place")


def _sources(data: Any) -> Iterator[tuple[Place, str]]:
    """Yields the place and path of each stored array that the data read, found without any I/O."""
    left: list[Any] = [data]
    seen: dict[int, Any] = {}
    while left:
        value = left.pop()
        if id(value) in seen:
            continue
        # Held, because another object could get the `id` of one that is gone.
        seen[id(value)] = value
        if isinstance(value, Array):
            yield value._place(), value.path
        elif (place := _of_zarr_python(value)) is not None:
            yield place, value.path
        else:
            left += _held(value)


def _held(value: Any) -> list[Any]:
    """Returns the objects in which the sources of a value may be found."""
    if isinstance(value, dict):
        return list(value.values())
    if isinstance(value, list | tuple | set | frozenset):
        return list(value)
    if isinstance(value, MethodType):
        return [value.__self__]
    package = _package(value)
    if package != "xarray" and hasattr(type(value), "__dask_graph__"):
        graph = value.__dask_graph__() or {}
        return list(getattr(graph, "layers", graph).values())
    if package not in _PACKAGES:
        return []
    found = []
    for name in _HOLDING:
        # Not `getattr`: a coordinate of xarray may have any name.
        with suppress(AttributeError):
            found.append(object.__getattribute__(value, name))
    return found


def _of_zarr_python(value: Any) -> Place | None:
    """Returns the place of an array of zarr-python; `None` for other objects and other stores."""
    if _package(value) != "zarr" or not hasattr(value, "store_path"):
        return None
    try:
        return _source.of(covered(value.store_path.store), {}, True, "to_zarr")
    except (TypeError, ValueError, OSError):
        return None


def _package(value: Any) -> str:
    return type(value).__module__.partition(".")[0]
