"""Zarr for Python by a Rust engine.

`Store` is a store for zarr-python, `CodecPipeline` a codec pipeline for it; `open_array` and `open_group` need no zarr-python,
and `objects` nothing of Zarr.
Nothing of zarr or NumPy is imported before it is used.
"""

from zarr_py import errors
from zarr_py._native import __version__

# `typing` takes as long to import as all of this package.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from zarr_py import codecs, config
    from zarr_py._array import Array
    from zarr_py._data import copy, load, save
    from zarr_py._explain import Explanation, explain
    from zarr_py._group import Group
    from zarr_py._info import ArrayInfo
    from zarr_py._nodes import (
        create_array,
        create_array_async,
        create_group,
        create_group_async,
        open,
        open_array,
        open_array_async,
        open_async,
        open_group,
        open_group_async,
    )
    from zarr_py._objects import Objects, objects
    from zarr_py._pipeline import CodecPipeline
    from zarr_py._store import Store

__all__ = [
    "Array",
    "ArrayInfo",
    "CodecPipeline",
    "Explanation",
    "Group",
    "Objects",
    "Store",
    "__version__",
    "codecs",
    "config",
    "copy",
    "create_array",
    "create_array_async",
    "create_group",
    "create_group_async",
    "errors",
    "explain",
    "load",
    "objects",
    "open",
    "open_array",
    "open_array_async",
    "open_async",
    "open_group",
    "open_group_async",
    "save",
]

_HOMES = {
    "Array": "zarr_py._array",
    "ArrayInfo": "zarr_py._info",
    "CodecPipeline": "zarr_py._pipeline",
    "Explanation": "zarr_py._explain",
    "Group": "zarr_py._group",
    "Objects": "zarr_py._objects",
    "Store": "zarr_py._store",
    "copy": "zarr_py._data",
    "create_array": "zarr_py._nodes",
    "create_array_async": "zarr_py._nodes",
    "create_group": "zarr_py._nodes",
    "create_group_async": "zarr_py._nodes",
    "explain": "zarr_py._explain",
    "load": "zarr_py._data",
    "objects": "zarr_py._objects",
    "open": "zarr_py._nodes",
    "open_array": "zarr_py._nodes",
    "open_array_async": "zarr_py._nodes",
    "open_async": "zarr_py._nodes",
    "open_group": "zarr_py._nodes",
    "open_group_async": "zarr_py._nodes",
    "save": "zarr_py._data",
}

_MODULES = ("codecs", "config")


def __getattr__(name: str) -> object:
    from importlib import import_module

    if name in _MODULES:
        return import_module(f"zarr_py.{name}")
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
