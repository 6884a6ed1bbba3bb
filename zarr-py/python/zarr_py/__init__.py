"""A Zarr implementation for Python, backed by a Rust engine.

`Store` is a store for zarr-python, and `CodecPipeline` is a codec pipeline for zarr-python.
`open_array` and `open_group` do not need zarr-python. `objects` reads and writes the objects of a
store without Zarr. `zarr_py.xarray` and `zarr_py.dask` serve xarray and dask. Importing this
package imports neither zarr nor NumPy; both are imported on first use.
"""

from zarr_py import errors
from zarr_py._native import __version__

# Importing `typing` takes as long as importing the rest of this package.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from zarr_py import codecs, config
    from zarr_py._array import Array
    from zarr_py._data import copy, load, save
    from zarr_py._explain import Explanation, explain
    from zarr_py._group import Group
    from zarr_py._info import ArrayInfo
    from zarr_py._lazy import Lazy, Typed
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
    from zarr_py._plan import Plan
    from zarr_py._rechunk import rechunk
    from zarr_py._region import Region
    from zarr_py._requests import RequestCount
    from zarr_py._shard_map import ShardMap, StoredShard
    from zarr_py._store import Store
    from zarr_py._tasks import ReadPlan, ReadTask, WritePlan, WriteTask
    from zarr_py._use import use

__all__ = [
    "Array",
    "ArrayInfo",
    "CodecPipeline",
    "Explanation",
    "Group",
    "Lazy",
    "Objects",
    "Plan",
    "ReadPlan",
    "ReadTask",
    "Region",
    "RequestCount",
    "ShardMap",
    "Store",
    "StoredShard",
    "Typed",
    "WritePlan",
    "WriteTask",
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
    "rechunk",
    "save",
    "use",
]

_HOMES = {
    "Array": "zarr_py._array",
    "ArrayInfo": "zarr_py._info",
    "CodecPipeline": "zarr_py._pipeline",
    "Explanation": "zarr_py._explain",
    "Group": "zarr_py._group",
    "Lazy": "zarr_py._lazy",
    "Objects": "zarr_py._objects",
    "Plan": "zarr_py._plan",
    "ReadPlan": "zarr_py._tasks",
    "ReadTask": "zarr_py._tasks",
    "Region": "zarr_py._region",
    "RequestCount": "zarr_py._requests",
    "ShardMap": "zarr_py._shard_map",
    "Store": "zarr_py._store",
    "StoredShard": "zarr_py._shard_map",
    "Typed": "zarr_py._lazy",
    "WritePlan": "zarr_py._tasks",
    "WriteTask": "zarr_py._tasks",
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
    "rechunk": "zarr_py._rechunk",
    "save": "zarr_py._data",
    "use": "zarr_py._use",
}

_MODULES = ("codecs", "config", "dask", "xarray")


def __getattr__(name: str) -> object:
    from importlib import import_module

    if name in _MODULES:
        return import_module(f"zarr_py.{name}")
    home = _HOMES.get(name)
    if home is None:
        raise import_module("zarr_py._elsewhere").absent(__name__, name)
    try:
        value = getattr(import_module(home), name)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "zarr":
            raise
        message = f"zarr_py.{name} needs zarr-python, which is not installed: pip install 'zarr_py[zarr]'"
        raise ModuleNotFoundError(message, name=error.name) from None
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
