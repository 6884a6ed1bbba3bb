"""Keeps a call from deleting the stored arrays that its own lazy data read."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import cache
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

_HOLDING = frozenset({
    "_array", "_data", "_target", "_variable", "_variables", "args", "array", "func", "indices", "io_deps",
    "keywords", "kwargs", "mapping", "task", "value"})
"""The attributes of those objects that hold others."""

_LEAVES = frozenset({bool, float, int, slice, str, type, type(None)})
"""Types of which graphs hold very many values, and which hold nothing."""


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
        if type(value) in _LEAVES or id(value) in seen:
            continue
        # Held, because another object could get the `id` of one that is gone.
        seen[id(value)] = value
        if isinstance(value, Array):
            yield value._place(), value.path
        elif (place := _of_zarr_python(value)) is not None:
            yield place, value.path
        else:
            left += _held(value)


def _held(value: Any) -> Iterable[Any]:
    """Returns the objects in which the sources of a value may be found."""
    if isinstance(value, dict):
        return value.values()
    if isinstance(value, list | tuple | set | frozenset):
        return value
    if isinstance(value, MethodType):
        return (value.__self__,)
    package = _package(type(value).__module__)
    if package != "xarray" and hasattr(type(value), "__dask_graph__"):
        graph: Any = value.__dask_graph__() or {}
        layers: Iterable[Any] = getattr(graph, "layers", graph).values()
        return layers
    if package not in _PACKAGES:
        return ()
    # Not `getattr`: a coordinate of xarray may have any name.
    own = getattr(value, "__dict__", {})
    found = [own[name] for name in own.keys() & _HOLDING]
    for name in _slots(type(value)):  # type: ignore[arg-type]
        with suppress(AttributeError):
            found.append(object.__getattribute__(value, name))
    return found


@cache
def _slots(kind: type) -> list[str]:
    """Returns the attributes of a class, slots or properties, that hold other objects."""
    return [name for name in _HOLDING if hasattr(kind, name)]


def _of_zarr_python(value: Any) -> Place | None:
    """Returns the place of an array of zarr-python; `None` for other objects and other stores."""
    if _package(type(value).__module__) != "zarr" or not hasattr(value, "store_path"):
        return None
    try:
        return _source.of(covered(value.store_path.store), {}, True, "to_zarr")
    except (TypeError, ValueError, OSError):
        return None


@cache
def _package(module: str) -> str:
    return module.partition(".")[0]
